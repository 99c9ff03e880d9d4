import datetime

from django.core.exceptions import ValidationError
from django.core.management.base import CommandError

from agencies.keys import DEFAULT_VALID_FOR, create_api_key
from agencies.models import REGULAR_PULL, Agency, KeyScope
from agencies.wall.commands import OperatorCommand


class Command(OperatorCommand):
    help = "Legt einen Zugangsschlüssel an und gibt nur den Schlüssel aus."

    def add_arguments(self, parser) -> None:
        parser.add_argument("--agency", required=True, metavar="SLUG")
        parser.add_argument("--scope", required=True, choices=KeyScope.values)
        parser.add_argument("--label", default="Befehlszeile")
        parser.add_argument(
            "--purpose", default=REGULAR_PULL, metavar="ZWECK", help="steht bei jedem Abruf im Protokoll"
        )
        parser.add_argument("--days", type=int, default=DEFAULT_VALID_FOR.days)
        parser.add_argument("--network", action="append", default=[], help="erlaubtes Netz, mehrfach möglich")

    def handle(
        self, *, agency: str, scope: str, label: str, purpose: str, days: int, network: list[str], **options
    ) -> None:
        owner = Agency.objects.filter(slug=agency).first()
        if owner is None:
            raise CommandError(f"Eine Behörde mit dem Kurzzeichen „{agency}“ gibt es nicht. Bitte das Zeichen prüfen.")
        if not 1 <= days <= 3650:
            raise CommandError("Die Gültigkeit liegt zwischen 1 und 3650 Tagen. Bitte --days prüfen.")
        try:
            _, key = create_api_key(
                agency=owner,
                scope=KeyScope(scope),
                label=label[:100],
                purpose=purpose.strip()[:200] or REGULAR_PULL,
                by=None,
                networks=network,
                valid_for=datetime.timedelta(days=days),
            )
        except ValidationError as error:
            raise CommandError(error.messages[0]) from error
        self.stdout.write(key)
