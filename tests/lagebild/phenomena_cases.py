"""Planted cases for the looks at phenomena: a quiet year to hide them in, and each form by itself."""

from __future__ import annotations

import datetime as dt
import itertools
import random
from collections.abc import Iterable

import h3.api.basic_int as h3

from agencies.models import Agency
from agencies.visibility import SharingLevel
from incidents.geo import DETAIL_RESOLUTION, SHARED_RESOLUTION, cell_at, cell_center
from incidents.models import Area, Category, Complaint, Incident
from tests import factories

# Beyond those of the factories.
_numbers = itertools.count(1_000_000)
# A Sunday, and not the first day after a quarter.
TODAY = dt.date(2026, 11, 22)
NOON = dt.datetime(2026, 11, 22, 12, tzinfo=dt.UTC)
QUARTER_END = dt.date(2026, 9, 30)
EAST, WEST, SOUTH, NORTH = 7.855, 7.785, 51.665, 51.695


def spots(number: int, seed: int = 1) -> list[tuple[float, float]]:
    chance = random.Random(seed)
    return [(chance.uniform(WEST, EAST), chance.uniform(SOUTH, NORTH)) for _ in range(number)]


def far_apart(number: int) -> list[tuple[float, float]]:
    """Centres of cells of which no two lie within four rings of each other, from west to east."""
    chosen: list[int] = []
    for spot in spots(400, seed=5):
        cell = cell_at(*spot, SHARED_RESOLUTION)
        if all(h3.grid_distance(cell, other) > 4 for other in chosen):
            chosen.append(cell)
    return sorted(cell_center(cell) for cell in chosen[:number])


def write(
    agency: Agency, category: Category, rows: Iterable[tuple[tuple[float, float], dt.datetime]], **fields
) -> None:
    """Records at (lon, lat) and local time of day, as faces at level cooperation; in two statements."""
    model = Incident if category.kind == "incident" else Complaint
    areas = {area.slug: area for area in Area.objects.filter(slug__in=("west", "ost"))}
    faces, details = [], []
    for (lon, lat), moment in rows:
        face = model(
            agency=agency,
            category=category,
            occurred_from=moment,
            cell=cell_at(lon, lat, SHARED_RESOLUTION),
            district=areas["west" if lon < factories.MIDDLE else "ost"],
            accuracy="point",
            **{"sharing_level": SharingLevel.COOPERATION, **fields},
        )
        faces.append(face)
        details.append(
            model.detail_model()(
                record=face,
                agency=agency,
                year=2026,
                number=next(_numbers),
                lon=lon,
                lat=lat,
                cell=cell_at(lon, lat, DETAIL_RESOLUTION),
            )
        )
    model.objects.bulk_create(faces)
    model.detail_model().objects.bulk_create(details)


def at(day: dt.date, hour: int) -> dt.datetime:
    """The hour of the day in winter time; an hour off in summer, which no time of day below is near to."""
    return dt.datetime(day.year, day.month, day.day, hour - 1 if hour else 23, 30, tzinfo=dt.UTC)


def quiet(
    agency: Agency, category: Category, number: int, *, last: dt.date = TODAY, days: int = 364, seed: int = 3, **fields
):
    """Spread evenly over city, days and hours of the day, the same every time."""
    chance = random.Random(seed)
    rows = [
        (spot, at(last - dt.timedelta(days=chance.randrange(days)), chance.choice((2, 9, 14, 20))))
        for spot in spots(number, seed)
    ]
    write(agency, category, rows, **fields)


def modus(
    agencies: Iterable[Agency], category: Category, number: int, *, last: dt.date = TODAY, hour: int = 2, **fields
):
    """So many of each agency in the last four weeks, at one time of day, all over the city."""
    chance = random.Random(11)
    places = far_apart(9)
    for offset, agency in enumerate(agencies):
        rows = [
            (places[(3 * offset + index) % len(places)], at(last - dt.timedelta(days=chance.randrange(27)), hour))
            for index in range(number)
        ]
        write(agency, category, rows, **fields)


def shift(agencies: Iterable[Agency], category: Category, number: int, *, last: dt.date = TODAY, **fields) -> None:
    """So many of each agency at one place, and in the last twelve weeks at another about a kilometre off."""
    old, new = shift_places()
    for agency in agencies:
        for place, days in ((old, range(90, 168)), (new, range(78))):
            chance = random.Random(13)
            rows = [(place, at(last - dt.timedelta(days=chance.choice(days)), 14)) for _ in range(number)]
            write(agency, category, rows, **fields)


def shift_places() -> tuple[tuple[float, float], tuple[float, float]]:
    cell = cell_at(*factories.STATION, SHARED_RESOLUTION)
    other = min(h3.grid_ring(cell, 3))
    return cell_center(cell), cell_center(other)


def near(agencies: list[Agency], category: Category, series: int, *, last: dt.date = QUARTER_END, **fields) -> None:
    """Series of three: a case, three days later one beside it, three days later one where it began."""
    chance = random.Random(17)
    for place in spots(series, seed=19):
        cell = cell_at(*place, SHARED_RESOLUTION)
        first = last - dt.timedelta(days=7 + chance.randrange(80))
        for index, where in enumerate((cell, max(h3.grid_ring(cell, 1)), cell)):
            agency = agencies[index % len(agencies)]
            write(agency, category, [(cell_center(where), at(first + dt.timedelta(days=3 * index), 14))], **fields)


def chain(
    early: Agency, late: Agency, complaint: Category, incident: Category, number: int, *, weeks: int = 3, **fields
):
    """Complaints at many places, and so many weeks later an incident at each of them."""
    chance = random.Random(23)
    last = dt.date(2026, 9, 27)
    for place in far_apart(14):
        for _ in range(number):
            first = last - dt.timedelta(days=7 * (weeks + 1) + chance.randrange(300))
            write(early, complaint, [(place, at(first, 14))], **fields)
            write(late, incident, [(place, at(first + dt.timedelta(weeks=weeks), 14))], **fields)
