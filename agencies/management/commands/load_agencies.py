from agencies.directory import load_agencies
from agencies.loading import Changes, LoadCommand


class Command(LoadCommand):
    help = "Übernimmt Behörden aus einer JSON-Datei. Mehrfaches Ausführen ändert nichts."

    def load(self, content: dict) -> Changes:
        return load_agencies(content)
