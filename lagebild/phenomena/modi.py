"""Growing modi: a category at a time of day that many places of the city have more of than the stream explains.

The kind of place is on no face and hence in no modus.
"""

from __future__ import annotations

import datetime as dt

import numpy as np

from lagebild.phenomena.budget import LEAST_FACTOR
from lagebild.phenomena.looks import Cases, Look, days_ago, wider_places
from lagebild.phenomenon_models import Hours
from lagebild.selectors import NO_TIME
from lagebild.stats.modus import Growth, find_growing
from lagebild.stream_sets import AlarmStream

RECENT_DAYS = 28
_HOURS = tuple(Hours)


def find_modi(look: Look) -> list[dict]:
    """Growing modi of every stream, as JSON. Cases without a time of day are left out of both windows."""
    wider = wider_places(look.city)
    found = []
    for stream in look.streams:
        cases = look.cases(stream)
        cases = cases.where(cases.hours != NO_TIME)
        strata = look.strata(stream, cases)
        each = np.repeat(np.flatnonzero(strata.kept), cases.count[strata.kept])
        cases, number = cases.where(each).counted_once(), strata.number[each]
        recent = cases.day >= days_ago(look, RECENT_DAYS)
        modus = cases.category * len(_HOURS) + cases.hours
        growths = find_growing(modus, wider[cases.place], cases.agency, recent, strata=number, fdr=look.level)
        told = [growth for growth in growths.city_wide if growth.ratio >= LEAST_FACTOR] if growths else []
        for growth in told:
            found.append(_words(look, stream, cases.where(modus == growth.modus), growth, wider))
    return found


def _words(look: Look, stream: AlarmStream, cases: Cases, growth: Growth, wider: np.ndarray) -> dict:
    category, hours = divmod(growth.modus, len(_HOURS))
    now = cases.where(cases.day >= days_ago(look, RECENT_DAYS))
    largest = now.place[wider[now.place] == growth.largest_place]
    cells = look.city.grid.cells
    return {
        "stream": stream.id,
        "category": category,
        "hours": _HOURS[hours],
        "first": (look.day - dt.timedelta(days=RECENT_DAYS - 1)).isoformat(),
        "count": growth.recent,
        "expected": growth.expected,
        "p": growth.q,
        "cells": [int(cell) for cell in np.unique(cells[now.place])],
        "agencies": now.by_agency(),
        "alone": list(growth.alone),
        "evidence": {
            "before": growth.baseline,
            "before_first": look.first.isoformat(),
            "places": growth.places,
            "largest_share": growth.largest_share,
            "largest_place": look.place_label(int(cells[np.bincount(largest).argmax()])),
            "districts": _districts(look, cases, now),
        },
    }


def _districts(look: Look, cases: Cases, now: Cases) -> list[dict]:
    """Per district recent cases and those of the months before, most recent ones first."""
    table: dict[str, list[int]] = {}
    for part, column in ((now, 0), (cases.where(cases.day < days_ago(look, RECENT_DAYS)), 1)):
        for place in part.place:
            district = look.city.district_of_cell[int(look.city.grid.cells[place])]
            table.setdefault(district.name, [0, 0])[column] += 1
    rows = [{"district": name, "recent": recent, "before": before} for name, (recent, before) in table.items()]
    return sorted(rows, key=lambda row: (-row["recent"], -row["before"], row["district"]))
