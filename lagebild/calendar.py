"""The calendar as the engine reads it: plain data, no rows. Few queries, whatever the period."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum

from incidents.models import Area, AreaKind, CategoryGroup
from lagebild.calendar_models import CalendarEntry, DeliveryNotice, Extent
from lagebild.figures.calendar import EVENT, HOLIDAY, SCHOOL_HOLIDAYS, Span
from lagebild.holidays import holidays_between

_SATURDAY, _SUNDAY = 5, 6


class DayClass(IntEnum):
    WORKING_DAY = 0
    SATURDAY = 1
    SUNDAY = 2


@dataclass(frozen=True)
class Day:
    """A public holiday has the class of a Sunday; `holiday` is its name, empty on other days."""

    day_class: DayClass
    is_school_holiday: bool = False
    holiday: str = ""


@dataclass(frozen=True)
class Event:
    """A major event on the local days first to last.

    It concerns the whole city, or the resolution-9 `cells`, or, without cells, the `districts` (Area ids). An event
    with cells names the districts these lie in, for the layers that know no cells.
    """

    name: str
    first: dt.date
    last: dt.date
    is_city_wide: bool
    districts: tuple[int, ...]
    cells: tuple[int, ...]
    visitors: int | None


@dataclass(frozen=True)
class Notice:
    """What an agency says of its deliveries on the local days first to last.

    kind: late, missing or recounted; group_ids: ascending, None for all groups of the agency.
    """

    agency_id: int
    group_ids: tuple[int, ...] | None
    first: dt.date
    last: dt.date
    kind: str


@dataclass(frozen=True)
class Calendar:
    """Every local day from first to last; events and notices that touch one of them, with their own full period."""

    first: dt.date
    last: dt.date
    days: Mapping[dt.date, Day]
    events: tuple[Event, ...]
    notices: tuple[Notice, ...]


def load_calendar(first: dt.date, last: dt.date) -> Calendar:
    """The calendar of the local days first to last, as active members have it now. At most four queries.

    The same entries give the same calendar, whatever their ids and the order they were entered in.
    """
    if last < first:
        raise ValueError(f"the calendar ends on {last}, before it begins on {first}")
    entries = list(CalendarEntry.objects.of_members().touching(first, last))
    district_ids = dict(Area.objects.filter(kind=AreaKind.DISTRICT).values_list("slug", "pk"))
    return Calendar(
        first=first,
        last=last,
        days=_days(first, last, [entry for entry in entries if not entry.is_event]),
        events=tuple(sorted((_event(entry, district_ids) for entry in entries if entry.is_event), key=_event_key)),
        notices=_notices(first, last),
    )


def calendar_words(calendar: Calendar) -> list:
    """What a night read of the calendar, for the picture's fingerprint: the same calendar gives the same JSON."""
    special = [
        [day.isoformat(), entry.holiday, entry.is_school_holiday]
        for day, entry in sorted(calendar.days.items())
        if entry.holiday or entry.is_school_holiday
    ]
    events = [
        [event.name, *_period(event), event.is_city_wide, list(event.districts), list(event.cells), event.visitors]
        for event in calendar.events
    ]
    notices = [
        [notice.agency_id, None if notice.group_ids is None else list(notice.group_ids), *_period(notice), notice.kind]
        for notice in calendar.notices
    ]
    return [calendar.first.isoformat(), calendar.last.isoformat(), special, events, notices]


def special_spans(first: dt.date, last: dt.date, districts: Mapping[str, str]) -> tuple[Span, ...]:
    """What charts and print mark of the days first to last, ascending. `districts`: slug -> name. One query."""
    spans = [Span(HOLIDAY, name, day, day) for day, name in holidays_between(first, last).items()]
    for entry in CalendarEntry.objects.of_members().touching(first, last):
        names = tuple(districts[slug] for slug in entry.districts if slug in districts)
        kind = EVENT if entry.is_event else SCHOOL_HOLIDAYS
        if names or entry.extent == Extent.CITY:
            spans.append(Span(kind, entry.name, entry.first_day, entry.last_day, names))
    return tuple(sorted(spans, key=lambda span: (span.first, span.last, span.kind, span.name)))


def _period(row: Event | Notice) -> tuple[str, str]:
    return row.first.isoformat(), row.last.isoformat()


def _days(first: dt.date, last: dt.date, school_holidays: list[CalendarEntry]) -> dict[dt.date, Day]:
    days = [first + dt.timedelta(days=number) for number in range((last - first).days + 1)]
    off = {
        day for entry in school_holidays for day in _clipped(entry.first_day, entry.last_day, first=first, last=last)
    }
    holidays = holidays_between(first, last)
    return {day: Day(_day_class(day, holidays), day in off, holidays.get(day, "")) for day in days}


def _clipped(start: dt.date, end: dt.date, *, first: dt.date, last: dt.date) -> list[dt.date]:
    start, end = max(start, first), min(end, last)
    return [start + dt.timedelta(days=number) for number in range((end - start).days + 1)]


def _day_class(day: dt.date, holidays: Mapping[dt.date, str]) -> DayClass:
    if day in holidays or day.weekday() == _SUNDAY:
        return DayClass.SUNDAY
    return DayClass.SATURDAY if day.weekday() == _SATURDAY else DayClass.WORKING_DAY


def _event(entry: CalendarEntry, district_ids: Mapping[str, int]) -> Event:
    return Event(
        name=entry.name,
        first=entry.first_day,
        last=entry.last_day,
        is_city_wide=entry.extent == Extent.CITY,
        districts=tuple(sorted(district_ids[slug] for slug in entry.districts if slug in district_ids)),
        cells=tuple(sorted(entry.cells)),
        visitors=entry.visitors,
    )


def _event_key(event: Event) -> tuple:
    return event.first, event.last, event.name, event.districts, event.cells, event.visitors or 0


def _notices(first: dt.date, last: dt.date) -> tuple[Notice, ...]:
    rows = list(DeliveryNotice.objects.of_members().touching(first, last).order_by())
    group_ids = dict(CategoryGroup.objects.values_list("slug", "pk")) if rows else {}
    notices = (
        Notice(
            agency_id=row.agency_id,
            group_ids=tuple(sorted(group_ids[slug] for slug in row.groups if slug in group_ids))
            if row.groups
            else None,
            first=row.first_day,
            last=row.last_day,
            kind=row.kind,
        )
        for row in rows
    )
    return tuple(sorted(notices, key=lambda n: (n.first, n.last, n.agency_id, n.kind, n.group_ids or ())))
