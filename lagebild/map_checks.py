"""Was the map right? The map of four weeks ago against the cases that have come since.

The map is the one that was there to be read: the first revision of its day, with what it had marked. The cases are the
cooperation cases of the last 28 days as they are counted tonight.
"""

from __future__ import annotations

import datetime as dt
import uuid
from dataclasses import dataclass

import numpy as np

from incidents.models import CategoryGroup
from lagebild.models import Cell, Picture
from lagebild.selectors import NO_CELL, CaseTable, City
from lagebild.stats.accuracy import Accuracy, accuracy, share_interval
from lagebild.stats.grid import OUTSIDE, count_cells, positions
from lagebild.stats.weeks import BLOCK_DAYS

# Where no picture is just four weeks old the next older one serves, down to this.
OLDEST_DAYS = 2 * BLOCK_DAYS
# Fewer cases say nothing of a map.
LEAST_CASES = 10
DIGITS = 4


@dataclass(frozen=True)
class EarlierMap:
    """The picture that is judged: before any case it is judged by."""

    pk: uuid.UUID
    date: dt.date
    revision: int
    sha256: str

    @property
    def words(self) -> list:
        return [self.date.isoformat(), self.revision, self.sha256]


def load_earlier_map(date: dt.date) -> EarlierMap | None:
    """The first revision of the last day that is at least 28 and at most 56 days before. One query."""
    span = (date - dt.timedelta(days=OLDEST_DAYS), date - dt.timedelta(days=BLOCK_DAYS))
    pictures = Picture.objects.published().filter(date__range=span).order_by("-date", "revision")
    found = pictures.values_list("pk", "date", "revision", "sha256").first()
    return EarlierMap(*found) if found else None


def check_map(
    earlier: EarlierMap | None, days: CaseTable, city: City, groups: dict[int, CategoryGroup], date: dt.date
) -> dict:
    """What a picture stores of its self-check; `map` is None where there was no earlier picture. One query."""
    first = date - dt.timedelta(days=BLOCK_DAYS - 1)
    period = {"first": first.isoformat(), "last": date.isoformat(), "least_cases": LEAST_CASES}
    if earlier is None:
        return {"map": None, **period, "groups": []}
    marks = _marks(earlier, city)
    recent = days.between(first, date)
    rows = []
    for group in sorted(groups.values(), key=lambda group: (group.kind, group.order, group.slug)):
        came = _came(recent, city, group)
        if came.any() or group.pk in marks:
            nothing = np.zeros((3, city.grid.size), dtype=np.int64)
            rows.append(_row(group, marks.get(group.pk, nothing), came))
    return {"map": {"date": earlier.date.isoformat(), "revision": earlier.revision}, **period, "groups": rows}


def _marks(earlier: EarlierMap, city: City) -> dict[int, np.ndarray]:
    """Group id -> (3, n) int64: whether marked, count, count of the disk, on the city's grid."""
    rows = Cell.objects.filter(picture=earlier.pk).order_by("group_id", "cell")
    table = np.array(
        list(rows.values_list("group_id", "cell", "is_significant", "count", "disk_count")), dtype=np.int64
    ).reshape(-1, 5)
    place = positions(city.grid.cells, table[:, 1])
    found = {}
    for group in np.unique(table[:, 0]).tolist():
        own = (table[:, 0] == group) & (place != OUTSIDE)
        found[group] = np.zeros((3, city.grid.size), dtype=np.int64)
        found[group][:, place[own]] = table[own, 2:].T
    return found


def _came(recent: CaseTable, city: City, group: CategoryGroup) -> np.ndarray:
    """(n,) cases of the group by cell of the grid, without what depends on how much is controlled."""
    table = recent.of_group(group.pk)
    table = table.where(table.cell != NO_CELL)
    return count_cells(city.grid, table.cell, table.count)


def _row(group: CategoryGroup, marks: np.ndarray, came: np.ndarray) -> dict:
    marked = marks[0].astype(bool)
    found = accuracy(marked, came)
    simple = accuracy(_most_before(marks[1], marks[2], int(marked.sum())), came)
    return {
        "group": group.slug,
        "kind": group.kind,
        "cases": found.cases,
        "cells": int(marked.sum()),
        "area_share": round(found.area_share, DIGITS),
        "hits": found.hits,
        **_rounded(found),
        "hit_rate_bounds": _bounds(found),
        "simple_hits": simple.hits,
        "simple_pai": _rounded(simple)["pai"],
    }


def _rounded(found: Accuracy) -> dict[str, float | None]:
    values = {"hit_rate": found.hit_rate, "pai": found.pai, "pei": found.pei}
    return {name: None if value is None else round(value, DIGITS) for name, value in values.items()}


def _bounds(found: Accuracy) -> list[float] | None:
    bounds = share_interval(found.hits, found.cases)
    return [round(value, DIGITS) for value in bounds] if bounds else None


def _most_before(count: np.ndarray, disk_count: np.ndarray, number: int) -> np.ndarray:
    """The simplest map: as many cells, those with the most cases; of equals those with more around them."""
    chosen = np.zeros(count.size, dtype=bool)
    chosen[np.lexsort((np.arange(count.size), -disk_count, -count))[:number]] = True
    return chosen
