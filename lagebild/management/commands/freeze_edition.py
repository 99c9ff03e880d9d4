import datetime as dt

from django.core.management.base import CommandError

from agencies.wall.commands import OperatorCommand
from lagebild.editions import EditionOrder, freeze_edition
from lagebild.models import Picture


class Command(OperatorCommand):
    help = "Friert das veröffentlichte Lagebild eines Tages als Ausgabe ein und gibt die Prüfsumme der Urschrift aus."

    def add_arguments(self, parser) -> None:
        parser.add_argument(
            "--date", type=dt.date.fromisoformat, help="Tag des Lagebilds (JJJJ-MM-TT), sonst das letzte"
        )
        parser.add_argument("--title", default="Integratives Lagebild")
        parser.add_argument("--body", default="Sicherheitskonferenz")
        parser.add_argument("--output", help="Datei, in die das PDF geschrieben wird")

    def handle(self, *args, **options) -> None:
        pictures = Picture.objects.published().newest_first()
        if options["date"]:
            pictures = pictures.filter(date=options["date"])
        picture = pictures.first()
        if picture is None:
            raise CommandError(
                "Zu diesem Tag gibt es kein veröffentlichtes Lagebild. Bitte zuerst rebuild_lagebild ausführen."
            )
        edition = freeze_edition(
            picture=picture, order=EditionOrder(title=options["title"], body=options["body"]), by=None
        )
        if options["output"]:
            with open(options["output"], "wb") as file:
                file.write(edition.pdf)
        self.stderr.write(f"{edition} zum Stand {picture.date:%d.%m.%Y}")
        self.stdout.write(edition.sha256)
