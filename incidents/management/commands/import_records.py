"""Read a file of records or counts of one agency from the command line."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError

from agencies.models import Agency
from agencies.wall.context import Office, acting_as
from incidents.importing.fields import COUNTS
from incidents.importing.refusals import Tally
from incidents.importing.run import Delivery, check, import_file
from incidents.models import ImportStatus, Kind

SHOWN_REFUSALS = 20


class Command(BaseCommand):
    help = (
        "Liest Vorfälle, Beschwerden oder Zahlen einer Behörde aus einer CSV- oder GeoJSON-Datei ein. "
        "Mehrfaches Einlesen derselben Datei ändert nichts."
    )

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("file", type=Path, help="CSV oder GeoJSON in UTF-8, auch mit gzip gepackt")
        parser.add_argument("--agency", required=True, help="Kurzzeichen der Behörde")
        parser.add_argument("--kind", required=True, choices=[*Kind.values, COUNTS])
        parser.add_argument("--mapping", type=Path, help="Zuordnungsdatei (JSON)")
        parser.add_argument("--dry-run", action="store_true", help="nur prüfen, nichts speichern")
        parser.add_argument(
            "--all-or-nothing", action="store_true", help="nichts übernehmen, sobald eine Zeile abgelehnt wird"
        )

    def handle(self, *args, **options) -> None:
        with acting_as(Office.OPERATOR):
            agency = Agency.objects.filter(slug=options["agency"]).first()
        if agency is None:
            raise CommandError("Diese Behörde gibt es nicht. Bitte das Kurzzeichen prüfen.")
        mapping = _mapping(options["mapping"])
        try:
            with options["file"].open("rb") as file, acting_as(agency):
                delivery = Delivery(file, options["file"].name, agency, options["kind"], mapping)
                if options["dry_run"]:
                    self._print(check(delivery).stored())
                    self.stdout.write("Nur geprüft, nichts gespeichert.")
                    return
                run = import_file(delivery, all_or_nothing=options["all_or_nothing"])
        except OSError as error:
            raise CommandError("Die Datei lässt sich nicht öffnen. Bitte Pfad und Rechte prüfen.") from error
        except ValidationError as error:
            raise CommandError(" ".join(error.messages)) from error
        self._print({name: getattr(run, name) for name in Tally().stored()})
        if run.status == ImportStatus.FAILED:
            raise CommandError("Mindestens eine Zeile wurde abgelehnt. Es wurde nichts übernommen.")

    def _print(self, report: dict) -> None:
        self.stdout.write(
            "{rows} Zeilen gelesen: {created} neu, {updated} geändert, {unchanged} unverändert, "
            "{skipped} ausgelassen, {refused} abgelehnt.".format(**report)
        )
        if report["first_day"]:
            self.stdout.write("Zeitraum {first_day:%d.%m.%Y} bis {last_day:%d.%m.%Y}.".format(**report))
        for reason, count in report["reasons"].items():
            self.stdout.write(f"  {count} × {reason}")
        for refusal in report["refusals"][:SHOWN_REFUSALS]:
            column = f", Spalte {refusal['column']}" if refusal["column"] else ""
            self.stdout.write(f"  Zeile {refusal['row']}{column}: {refusal['message']}")
        if len(report["refusals"]) > SHOWN_REFUSALS:
            self.stdout.write(f"  … die ersten {SHOWN_REFUSALS} Einwände")


def _mapping(path: Path | None) -> dict:
    if path is None:
        return {}
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise CommandError("Die Zuordnungsdatei ist kein lesbares JSON. Bitte prüfen.") from error
    if not isinstance(content, dict):
        raise CommandError("Die Zuordnungsdatei muss ein JSON-Objekt sein. Bitte prüfen.")
    return content
