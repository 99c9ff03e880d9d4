"""Fill an empty database with the demonstration city."""

from __future__ import annotations

import datetime
import functools
import json
import zoneinfo
from collections.abc import Callable
from pathlib import Path

from django.conf import settings
from django.db import transaction
from django.db.models import Model

from agencies import audit
from agencies.models import Agency, User
from agencies.wall.context import acting_as
from incidents import models
from incidents.areas import load_areas
from incidents.catalogue import load_categories
from incidents.demo import writer
from incidents.demo.cast import Cast, assemble
from incidents.demo.deliveries import counts, delivered_weeks
from incidents.demo.frame import Frame, kinds_of
from incidents.demo.generator import generate
from incidents.demo.geography import City

DATA = Path(models.__file__).resolve().parent / "data"


class SeedRefusedError(Exception):
    """The database holds what no demonstration may be mixed with."""


def read_data(name: str) -> dict:
    return json.loads((DATA / name).read_text(encoding="utf-8"))


def build_frame(*, records: int, seed: int, until: datetime.date) -> Frame:
    """The shipped city and catalogue in the database's time zone."""
    return Frame(
        city=City.from_files(read_data("hamm_areas.geojson"), read_data("hamm_places.json")),
        kinds=kinds_of(read_data("categories.json")),
        records=records,
        seed=seed,
        until=until,
        timezone=zoneinfo.ZoneInfo(settings.TIME_ZONE),
    )


def holds_demonstration() -> bool:
    return _holds_records(models.Incident, models.Complaint, is_demonstration=True)


def _holds_records(*holders: type[Model], is_demonstration: bool) -> bool:
    """Ask every agency for its own: under row-level security nobody sees what all of them hold."""
    for agency in Agency.objects.all():
        with acting_as(agency):
            if any(model.objects.filter(is_demonstration=is_demonstration).exists() for model in holders):
                return True
    return False


def check_empty() -> None:
    """Raise SeedRefusedError where real records or real accounts exist."""
    if _holds_records(models.Incident, models.Complaint, models.CountDelivery, is_demonstration=False):
        raise SeedRefusedError(
            "Diese Datenbank enthält Meldungen, die keine Demonstrationsdaten sind. Es wurde nichts angelegt. "
            "Bitte eine leere Datenbank verwenden."
        )
    if User.objects.exclude(agency__is_demonstration=True).exists():
        raise SeedRefusedError(
            "Diese Datenbank enthält bereits Konten. Es wurde nichts angelegt, denn das Kennwort der "
            "Demonstrationskonten ist öffentlich bekannt. Bitte eine leere Datenbank verwenden."
        )


@transaction.atomic
def seed(*, records: int, seed: int, until: datetime.date, say: Callable[[str], None]) -> Cast:
    """Write the demonstration city; raises SeedRefusedError, and ValueError for too few records."""
    check_empty()
    frame = build_frame(records=records, seed=seed, until=until)
    say("Katalog, Gebiete, Behörden und Konten …")
    load_categories(read_data("categories.json"))
    load_areas(read_data("hamm_areas.geojson"))
    cast = assemble(until=until)
    say("Meldungen erzeugen …")
    rows = generate(frame)
    say(f"{len(rows)} Meldungen speichern …")
    _each(cast, writer.write_records, rows)
    say("Zahlenlieferungen, Freigaben und Vorgaben …")
    delivering = sorted(slug for slug, agency in cast.agencies.items() if _delivers(agency))
    noted_at = datetime.datetime.combine(until, datetime.time(23, 59), frame.timezone)
    _each(cast, writer.write_counts, counts(frame))
    _each(cast, functools.partial(writer.write_weeks, noted_at=noted_at), delivered_weeks(frame, rows, delivering))
    for agency in cast.agencies.values():
        with acting_as(agency):
            writer.write_defaults(frame.kinds, cast, agency)
    writer.write_grants(cast)
    audit.record(audit.Act.IMPORTED, by=None, demonstration=True, records=len(rows), seed=seed)
    return cast


def _each(cast: Cast, write: Callable[[list, Cast], None], rows: list) -> None:
    """Have each agency write its own rows: under row-level security nobody writes another's."""
    of_agency: dict[str, list] = {}
    for row in rows:
        of_agency.setdefault(row.agency, []).append(row)
    for slug, own in of_agency.items():
        with acting_as(cast.agencies[slug]):
            write(own, cast)


def _delivers(agency) -> bool:
    return not agency.is_coordination and agency.memberships.exists()
