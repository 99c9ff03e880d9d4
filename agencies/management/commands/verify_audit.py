import datetime
import re

from django.core.management.base import CommandError
from django.utils import timezone

from agencies import audit_chain
from agencies.wall.commands import OperatorCommand

_DIGEST = re.compile(r"[0-9a-f]{64}")


class Command(OperatorCommand):
    help = "Prüft, ob im Protokoll etwas geändert, gelöscht oder nachträglich eingefügt wurde."

    def add_arguments(self, parser) -> None:
        parser.add_argument("--expect", default="", metavar="PRÜFSUMME", help="früher notierter Stand der Kette")
        parser.add_argument(
            "--unsealed-after",
            type=int,
            default=int(audit_chain.UNSEALED_AFTER.total_seconds() // 60),
            metavar="MINUTEN",
            help="so alt darf ein Eintrag ohne Siegel sein",
        )

    def handle(self, *, expect: str, unsealed_after: int, **options) -> None:
        expected = expect.strip().lower()
        if expected and not _DIGEST.fullmatch(expected):
            raise CommandError("Die notierte Prüfsumme hat 64 Zeichen aus 0–9 und a–f. Bitte --expect prüfen.")
        run, found = audit_chain.Verification(), 0
        minutes = datetime.timedelta(minutes=unsealed_after)
        for finding in audit_chain.verify(run, expected=expected, unsealed_after=minutes):
            self.stdout.write(finding.text)
            found += 1
        self._print_extent(run, found)
        if found:
            raise CommandError(
                f"{found} Abweichung{'' if found == 1 else 'en'}. Bitte die Datenschutzstelle unterrichten und die "
                "Datenbank sichern, bevor etwas geändert wird."
            )

    def _print_extent(self, run: audit_chain.Verification, found: int) -> None:
        if run.start is not None:
            self.stdout.write(
                f"{run.start.entries} Einträge bis Position {run.start.position} sind nach Frist gelöscht; "
                f"die Kette ist ab Position {run.start.position + 1} geprüft."
            )
        self.stdout.write(
            f"{run.entries} Einträge geprüft, {'Abweichungen siehe oben' if found else 'keine Abweichung'}."
        )
        head = audit_chain.head()
        if head is None:
            self.stdout.write("Noch nichts versiegelt.")
            return
        moment = timezone.localtime(head.sealed_at)
        self.stdout.write(f"Stand der Kette: Position {head.position}, {moment:%d.%m.%Y, %H:%M:%S} Uhr, Prüfsumme")
        self.stdout.write(head.digest)
