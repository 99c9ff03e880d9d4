"""Which days are exchangeable: the strata of the nightly scan, and what is masked. Plain data in, numbers out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from lagebild.calendar import Calendar, Event, Notice
from lagebild.calendar_models import NoticeKind
from lagebild.selectors import City, day_number

_UNDELIVERED = (NoticeKind.LATE, NoticeKind.MISSING)
# Cases in twelve months, five in four weeks.
OWN_STRATA_FROM = 60
_CITY_EVENT = 4
_SCHOOL_HOLIDAY = 3


@dataclass(frozen=True)
class Strata:
    """number: (m,) int64 per case row; kept: (m,) bool, False where a row is masked."""

    number: np.ndarray
    kept: np.ndarray


def strata_of(
    *,
    calendar: Calendar,
    city: City,
    group_ids: Sequence[int],
    agency: np.ndarray,
    day: np.ndarray,
    place: np.ndarray,
    count: np.ndarray,
) -> Strata:
    """Agency × class of the day × counting epoch × place of an event of its own.

    agency: (m,) Agency ids; day: (m,) days since 1970; place: (m,) positions in the city's grid; count: (m,) cases.
    Masked are the days an agency has called undelivered for one of the groups, and what was reported at an event's
    place while it lasted. Agencies with few cases share the strata of the largest: within a stratum of their own the
    little they report would explain itself, and what they deliver late moves no total.
    """
    kept = np.ones(day.size, dtype=bool)
    day_class = _day_classes(calendar)[day - day_number(calendar.first)]
    epoch = np.zeros(day.size, dtype=np.int64)
    for notice in calendar.notices:
        if notice.group_ids is not None and not set(notice.group_ids) & set(group_ids):
            continue
        own = agency == notice.agency_id
        if notice.kind in _UNDELIVERED:
            kept &= ~(own & _during(notice, day))
        else:
            # From the first day on, and after the last, it is counted differently than before.
            epoch += own & (day >= day_number(notice.first))
            epoch += own & (day > day_number(notice.last))
    ground = np.zeros(city.grid.size, dtype=np.int64)
    for number, event in enumerate(event for event in calendar.events if not event.is_city_wide):
        concerned = _ground(city, event)
        ground[concerned] += 1 << min(number, 40)
        kept &= ~(concerned[place] & _during(event, day))
    keys = np.column_stack(
        [_reporting(agency, count), day_class, epoch, np.unique(ground, return_inverse=True)[1][place]]
    )
    return Strata(np.unique(keys, axis=0, return_inverse=True)[1].reshape(-1).astype(np.int64), kept)


def _reporting(agency: np.ndarray, count: np.ndarray) -> np.ndarray:
    """(m,) the agency whose strata a case belongs to: its own, or the largest's where it has few."""
    ids, position = np.unique(agency, return_inverse=True)
    totals = np.bincount(position.reshape(-1), weights=count, minlength=ids.size)
    if not ids.size:
        return agency
    own = np.where(totals >= OWN_STRATA_FROM, ids, ids[np.argmax(totals)])
    return own[position.reshape(-1)]


def _during(span: Event | Notice, day: np.ndarray) -> np.ndarray:
    return (day >= day_number(span.first)) & (day <= day_number(span.last))


def _day_classes(calendar: Calendar) -> np.ndarray:
    """Per day of the calendar: working day, Saturday, Sunday or holiday, working day in school holidays, city event."""
    first = day_number(calendar.first)
    classes = np.zeros(len(calendar.days), dtype=np.int64)
    for date, entry in calendar.days.items():
        is_plain = entry.day_class == 0
        classes[day_number(date) - first] = (
            _SCHOOL_HOLIDAY if is_plain and entry.is_school_holiday else int(entry.day_class)
        )
    for event in calendar.events:
        if event.is_city_wide:
            inside = slice(max(day_number(event.first) - first, 0), max(day_number(event.last) - first + 1, 0))
            classes[inside] = _CITY_EVENT
    return classes


def _ground(city: City, event: Event) -> np.ndarray:
    """(n,) bool: the cells an event concerns."""
    if event.cells:
        return np.isin(city.grid.cells, event.cells)
    districts = set(event.districts)
    return np.array([city.district_of_cell[int(cell)].pk in districts for cell in city.grid.cells], dtype=bool)
