import datetime

from django.core.management.base import CommandError
from django.db import transaction
from django.utils import timezone

from agencies.wall.commands import OperatorCommand
from agencies.wall.context import acting_as
from conferences.demo import seed_conferences
from incidents.demo.seeding import SeedRefusedError, holds_demonstration, seed
from lagebild.calendar_demo import seed_calendar
from lagebild.danger_loading import load_shipped_rules


class Command(OperatorCommand):
    help = "Legt Demonstrationsdaten an: Behörden, Konten, Meldungen, Kalender, Konferenzen. Nur in leerer Datenbank."

    def add_arguments(self, parser) -> None:
        parser.add_argument("--records", type=int, default=30_000, help="Anzahl der Meldungen (Vorgabe: 30000)")
        parser.add_argument("--seed", type=int, default=2026, help="Startwert; gleicher Wert, gleiche Daten")
        parser.add_argument(
            "--until",
            type=datetime.date.fromisoformat,
            default=None,
            metavar="JJJJ-MM-TT",
            help="letzter Tag der Daten (Vorgabe und spätester Tag: gestern)",
        )

    def handle(self, *, records: int, seed: int, until: datetime.date | None, **options) -> None:
        yesterday = timezone.localdate() - datetime.timedelta(days=1)
        if until is not None and until > yesterday:
            raise CommandError("Der letzte Tag der Daten liegt nicht in der Vergangenheit. Bitte --until prüfen.")
        if holds_demonstration():
            self.stdout.write("Die Demonstrationsdaten sind bereits vorhanden. Es wurde nichts geändert.")
            return
        self._seed(records, seed, until or yesterday)
        self.stdout.write("Die Demonstrationsdaten sind angelegt.")

    @transaction.atomic
    def _seed(self, records: int, start: int, until: datetime.date) -> None:
        try:
            cast = seed(records=records, seed=start, until=until, say=self.stdout.write)
        except SeedRefusedError as error:
            raise CommandError(str(error)) from error
        except ValueError as error:
            raise CommandError(
                "Für die Demonstrationsdaten sind zu wenige Meldungen verlangt. Bitte --records erhöhen."
            ) from error
        seed_calendar(cast=cast, until=until)
        load_shipped_rules()
        with acting_as(cast.person("vorsitz", "siko")):
            seed_conferences(cast=cast, until=until)
