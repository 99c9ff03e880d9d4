"""Master data from files: read, check, upsert, report. Agencies, categories and areas are loaded this way."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from django.core.management.base import CommandError
from django.db import models, transaction

from agencies.wall.commands import OperatorCommand


class LoadError(Exception):
    """The file cannot be taken over. Carries every objection, each with the number of its entry."""

    def __init__(self, *objections: str) -> None:
        super().__init__("\n".join(objections))
        self.objections = objections


@dataclass
class Changes:
    """What a load has done, by label."""

    created: list[str] = field(default_factory=list)
    updated: list[str] = field(default_factory=list)
    unchanged: int = 0

    def upsert(self, model: type[models.Model], slug: str, values: dict, *, label: str) -> models.Model:
        """Create the row of this slug, or write what differs. Running twice changes nothing."""
        row = model._default_manager.filter(slug=slug).first()
        if row is None:
            self.created.append(label)
            return model._default_manager.create(slug=slug, **values)
        differing = [name for name, value in values.items() if getattr(row, name) != value]
        if not differing:
            self.unchanged += 1
            return row
        for name in differing:
            setattr(row, name, values[name])
        row.save()
        self.updated.append(f"{label} ({', '.join(differing)})")
        return row

    def __bool__(self) -> bool:
        return bool(self.created or self.updated)

    def lines(self) -> Iterable[str]:
        yield from (f"neu: {label}" for label in self.created)
        yield from (f"geändert: {label}" for label in self.updated)
        yield f"{len(self.created)} neu, {len(self.updated)} geändert, {self.unchanged} unverändert."


def read_json(path: Path) -> dict:
    """The JSON object in the file, with or without byte order mark; raises LoadError in the user's words."""
    try:
        content = json.loads(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise LoadError(f"Die Datei {path.name} lässt sich nicht lesen. Bitte Pfad und Rechte prüfen.") from error
    except UnicodeDecodeError as error:
        raise LoadError(f"Die Datei {path.name} ist nicht in UTF-8 gespeichert. Bitte neu speichern.") from error
    except json.JSONDecodeError as error:
        raise LoadError(
            f"Die Datei {path.name} ist in Zeile {error.lineno}, Spalte {error.colno} kein gültiges JSON. "
            "Bitte die Stelle prüfen."
        ) from error
    if not isinstance(content, dict):
        raise LoadError(f"Die Datei {path.name} enthält kein JSON-Objekt. Bitte den Aufbau prüfen.")
    return content


def entries(content: dict, key: str) -> list[dict]:
    """The non-empty list of objects under `key`; raises LoadError."""
    found = content.get(key)
    if not isinstance(found, list) or not found:
        raise LoadError(f"In der Datei fehlt die Liste „{key}“. Bitte den Aufbau prüfen.")
    wrong = [number for number, entry in enumerate(found, 1) if not isinstance(entry, dict)]
    if wrong:
        raise LoadError(f"{key}, Eintrag {wrong[0]}: Erwartet wird ein Objekt. Bitte den Aufbau prüfen.")
    return found


def check_entry(entry: dict, required: dict[str, type], *, where: str) -> list[str]:
    """Objections to missing or wrongly typed fields of one entry."""
    objections = []
    for name, kind in required.items():
        if name not in entry or entry[name] in ("", None):
            objections.append(f"{where}: Es fehlt die Angabe „{name}“. Bitte ergänzen.")
        elif not isinstance(entry[name], kind):
            objections.append(f"{where}: Die Angabe „{name}“ hat die falsche Form. Bitte den Wert prüfen.")
    return objections


def check_once(slugs: Iterable[str], *, what: str) -> list[str]:
    """Objections to slugs that occur more than once."""
    seen: dict[str, int] = {}
    objections = []
    for number, slug in enumerate(slugs, 1):
        if slug in seen:
            objections.append(
                f"{what} {number}: Das Kurzzeichen „{slug}“ steht schon in Eintrag {seen[slug]}. Bitte eines ändern."
            )
        seen.setdefault(slug, number)
    return objections


class LoadCommand(OperatorCommand):
    """A command that reads FILE, hands it to one action and prints what changed. Subclasses give `load`."""

    def add_arguments(self, parser) -> None:
        parser.add_argument("file", metavar="FILE", type=Path)
        parser.add_argument("--dry-run", action="store_true", help="nur prüfen und anzeigen, nichts speichern")

    def load(self, content: dict) -> Changes:
        raise NotImplementedError

    def handle(self, *, file: Path, dry_run: bool, **options) -> None:
        try:
            with transaction.atomic():
                changes = self.load(read_json(file))
                transaction.set_rollback(dry_run)
        except LoadError as error:
            raise CommandError(f"Nichts übernommen.\n{error}") from error
        for line in changes.lines():
            self.stdout.write(line)
        if dry_run:
            self.stdout.write("Probelauf: Es wurde nichts gespeichert.")
