from agencies.loading import Changes, LoadCommand
from lagebild.danger_loading import load_danger_rules


class Command(LoadCommand):
    help = "Ergänzt Gefahrenregeln der Kooperation aus einer JSON-Datei. Vorhandene Regeln bleiben, wie sie sind."

    def load(self, content: dict) -> Changes:
        return load_danger_rules(content)
