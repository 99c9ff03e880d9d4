from agencies.loading import Changes, LoadCommand
from incidents.catalogue import load_categories


class Command(LoadCommand):
    help = "Übernimmt Kategorien aus einer JSON-Datei. Mehrfaches Ausführen ändert nichts."

    def load(self, content: dict) -> Changes:
        return load_categories(content)
