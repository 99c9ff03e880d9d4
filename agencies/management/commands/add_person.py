import getpass
import sys

from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.core.management.base import CommandError
from django.db import transaction

from agencies.models import Agency, User
from agencies.people import add_person
from agencies.roles import ASSIGNABLE_ROLES, Role
from agencies.wall.commands import OperatorCommand


class Command(OperatorCommand):
    help = "Legt eine Person mit ihren Rollen an, zum Beispiel die ersten zwei der Administration."

    def add_arguments(self, parser) -> None:
        parser.add_argument("--agency", required=True, help="Kurzzeichen der Behörde")
        parser.add_argument("--email", required=True)
        parser.add_argument("--name", required=True)
        parser.add_argument("--role", required=True, action="append", choices=[role.value for role in ASSIGNABLE_ROLES])
        parser.add_argument("--dry-run", action="store_true", help="nur prüfen, nichts anlegen")

    def handle(self, *args, **options) -> None:
        agency = Agency.objects.filter(slug=options["agency"]).first()
        if agency is None:
            raise CommandError(
                f"Die Behörde „{options['agency']}“ gibt es nicht. Bitte zuerst load_agencies ausführen."
            )
        if User.objects.with_address(options["email"]).exists():
            raise CommandError("Diese E-Mail-Adresse hat schon ein Konto. Bitte eine andere angeben.")
        password = self._password(options)
        with transaction.atomic():
            try:
                person = add_person(
                    agency=agency,
                    email=options["email"],
                    full_name=options["name"],
                    roles=[Role(role) for role in options["role"]],
                    password=password,
                )
            except ValidationError as error:
                raise CommandError(" ".join(error.messages)) from error
            transaction.set_rollback(options["dry_run"])
        done = "würde angelegt" if options["dry_run"] else "ist angelegt"
        self.stdout.write(f"{person.email} ({agency.short_name}) {done}.")

    def _password(self, options: dict) -> str:
        """Asked for at a terminal, else read from standard input, so that it stands in no command line."""
        word = getpass.getpass("Passwort: ") if sys.stdin.isatty() else sys.stdin.readline().rstrip("\n")
        try:
            validate_password(word, User(email=options["email"], full_name=options["name"]))
        except ValidationError as error:
            raise CommandError(" ".join(error.messages)) from error
        return word
