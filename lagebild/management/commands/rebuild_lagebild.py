import datetime as dt

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from agencies.wall import context
from lagebild.actions import build_picture
from lagebild.danger_checks import check_dangers


class Command(BaseCommand):
    help = (
        "Erstellt das Lagebild eines Tages aus den freigegebenen Meldungen, veröffentlicht es und prüft wie der "
        "nächtliche Lauf die Gefahrenregeln nach dem heutigen Stand."
    )

    def add_arguments(self, parser) -> None:
        parser.add_argument("--date", type=dt.date.fromisoformat, help="Tag des Lagebilds (JJJJ-MM-TT), sonst heute")

    def handle(self, *args, **options) -> None:
        try:
            self._build(options["date"] or timezone.localdate())
        except ValidationError as error:
            raise CommandError(" ".join(error.messages)) from error

    def _build(self, date: dt.date) -> None:
        with context.builder_login():
            picture = build_picture(date=date)
            self.stdout.write(
                f"{picture}: {picture.sightings.count()} Häufungen, {picture.cells.count()} Zellen, "
                f"{picture.trends.count()} Vergleiche, Prüfsumme {picture.sha256}"
            )
        # By itself, as at night: what goes wrong here takes no picture back.
        with context.builder_login():
            self.stdout.write(f"Neue oder gewachsene Gefahren: {len(check_dangers())}")
