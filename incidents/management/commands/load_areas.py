from agencies.loading import Changes, LoadCommand
from incidents.areas import load_areas


class Command(LoadCommand):
    help = "Übernimmt Gebiete aus einer GeoJSON-Datei. Mehrfaches Ausführen ändert nichts."

    def load(self, content: dict) -> Changes:
        return load_areas(content)
