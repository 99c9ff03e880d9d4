"""Calendar of the demonstration: made-up events and holidays, set relative to the last day of the data."""

from __future__ import annotations

import datetime as dt

from django.db import transaction

from agencies.wall.context import acting_as
from incidents.demo.cast import Cast
from incidents.places import exact_place
from lagebild.calendar_actions import EntryData, NoticeData, add_entry, give_notice
from lagebild.calendar_models import EntryKind, Extent, NoticeKind
from lagebild.selectors import week_of

FRIDAY, SATURDAY, SUNDAY = 4, 5, 6


@transaction.atomic
def seed_calendar(*, cast: Cast, until: dt.date) -> None:
    """Three past events and one to come, one stretch of school holidays, two delivery notices."""
    events = {
        ("leitung", "ordnungsamt"): (
            _event("Stadtfest Innenstadt", until, -10, (FRIDAY, SUNDAY), place="Marktplatz", visitors=25_000),
            _event("Frühjahrskirmes Heessen", until, -30, (FRIDAY, SUNDAY), district="heessen", visitors=8_000),
            _event("Lichterfest", until, 3, (SATURDAY, SUNDAY), place="Maximilianpark", visitors=12_000),
        ),
        ("leitung", "polizei"): (_event("Stadtlauf", until, -20, (SUNDAY, SUNDAY), visitors=6_000),),
        ("vorsitz", "siko"): (_school_holidays(until),),
    }
    for who, entries in events.items():
        person = cast.person(*who)
        with acting_as(person):
            for data in entries:
                add_entry(data=data, by=person)
    for slug, data in _notices(until).items():
        person = cast.person("leitung", slug)
        with acting_as(person):
            give_notice(data=data, by=person)


def _day(until: dt.date, weeks: int, weekday: int) -> dt.date:
    return week_of(until) + dt.timedelta(weeks=weeks, days=weekday)


def _event(
    name: str,
    until: dt.date,
    weeks: int,
    weekdays: tuple[int, int],
    *,
    visitors: int,
    district: str = "",
    place: str = "",
) -> EntryData:
    """In the week so many weeks from the last one; around a known place, in a district, or in the whole city."""
    where: dict = {"extent": Extent.DISTRICTS, "districts": (district,)} if district else {}
    if place:
        known = exact_place(place)
        where = {
            "extent": Extent.RADIUS,
            "place_label": place,
            "lon": known.lon,
            "lat": known.lat,
            "radius_m": 600,
        }
    first, last = (_day(until, weeks, weekday) for weekday in weekdays)
    return EntryData(EntryKind.EVENT, name, first, last, visitors=visitors, **where)


def _school_holidays(until: dt.date) -> EntryData:
    """Not those of any year: the coordination office enters the official ones."""
    name = "Ferien (erfunden, nicht die amtlichen)"
    return EntryData(EntryKind.SCHOOL_HOLIDAYS, name, _day(until, -18, 0), _day(until, -13, SUNDAY))


def _notices(until: dt.date) -> dict[str, NoticeData]:
    return {
        "jugendamt": NoticeData(NoticeKind.LATE, _day(until, -4, 0), _day(until, 0, SUNDAY)),
        "feuerwehr": NoticeData(
            NoticeKind.RECOUNTED, _day(until, -26, 0), _day(until, -22, SUNDAY), groups=("fire-rescue",)
        ),
    }
