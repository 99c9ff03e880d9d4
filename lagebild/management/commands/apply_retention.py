import datetime as dt

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError
from django.db.models import Q
from django.utils import timezone

from agencies.audit_chain import BrokenChainError, purge_expired
from agencies.models import Agency
from agencies.wall.context import Office, acting_as
from incidents.expiry import clear_technical
from lagebild.retention import Line, apply_retention, plan_retention
from lagebild.retrospect import KEPT_MONTHS, clear_old


class Command(BaseCommand):
    help = "Löscht, was nach den Fristen der Behörden fällig ist, und hinterlässt je Behörde einen Nachweis."

    def add_arguments(self, parser) -> None:
        parser.add_argument("--dry-run", action="store_true", help="nur zeigen, was gelöscht würde")
        parser.add_argument("--agency", help="nur diese Behörde (Kurzzeichen)")
        parser.add_argument("--date", type=dt.date.fromisoformat, help="Stichtag (JJJJ-MM-TT), sonst heute")

    def handle(self, *args, **options) -> None:
        today = options["date"] or timezone.localdate()
        with acting_as(Office.OPERATOR):
            chosen = Q(slug=options["agency"]) if options["agency"] else Q()
            agencies = list(Agency.objects.filter(chosen).order_by("slug"))
        if not agencies and options["agency"]:
            raise CommandError("Diese Behörde gibt es nicht. Bitte das Kurzzeichen prüfen.")
        for agency in agencies:
            self._print(agency.slug, self._lines(agency, today, options["dry_run"]))
        if options["agency"]:
            return
        with acting_as(Office.OPERATOR):
            self._clear_portal(min(today, timezone.localdate()), options["dry_run"])

    def _clear_portal(self, today: dt.date, dry_run: bool) -> None:
        """What belongs to no agency; the log last, whose deletion a broken chain refuses."""
        for label, count in clear_technical(today=today, dry_run=dry_run):
            self._print("portal", [Line(label, "", "", count)])
        old = clear_old(today=today, dry_run=dry_run)
        self._print("portal", [Line("Rückblicke", "", f"{KEPT_MONTHS} Monate", old)])
        try:
            entries = purge_expired(today=today, dry_run=dry_run)
        except BrokenChainError as error:
            raise CommandError(str(error)) from error
        self._print("portal", [Line("Protokolleinträge", "", "Ende des Folgejahres", entries)])

    def _lines(self, agency: Agency, today: dt.date, dry_run: bool) -> list[Line]:
        if dry_run:
            return plan_retention(agency=agency, today=today)
        try:
            run = apply_retention(agency=agency, today=today)
        except ValidationError as error:
            raise CommandError(" ".join(error.messages)) from error
        self.stderr.write(f"{agency.slug}: Nachweis {run.pk}, Prüfsumme {run.sha256}")
        return [Line(**line) for line in run.lines]

    def _print(self, owner: str, lines: list[Line]) -> None:
        if not lines:
            self.stdout.write(f"{owner}\t0")
        for line in lines:
            self.stdout.write("\t".join((owner, line.what, line.category, line.rule, str(line.count))))
