"""Planted developments that a good situation picture must show."""

from __future__ import annotations

import datetime
from dataclasses import dataclass

import numpy as np

# Below this size the stories keep their number; above they grow with the data set.
FULL_RECORDS = 30_000


@dataclass(frozen=True)
class StoryPart:
    """Records of one agency and category at one place, by day before the last day of the data."""

    agency: str
    kind: str
    category: str
    place: str
    spread_m: float
    hours: tuple[int, int]
    days_ago: tuple[int, ...]


MERGED_PLACE = "Ortsgüterbahnhof"
MERGED_FINDS = {"polizei": 4, "bundespolizei": 4, "ordnungsamt": 3, "feuerwehr": 3}
GROWING_PLACE = "Bockum-Hövel, Marktplatz"
GROWING_WEEKS = (1, 1, 2, 2, 3, 4, 5, 6, 7, 8)
YOUNG_PLACE = "Selbachpark"
YOUNG_REPORTS = {"polizei": 3, "ordnungsamt": 4, "bundespolizei": 4}
NIGHT_FIRE_PLACES = (
    *("Daberg", "Lippepark", "Geinegge", "Münsterstraße"),
    *("Mark", "Caldenhofer Weg", "Westtünnen", "Herringer Heide"),
)
NIGHT_FIRE_REPORTS = {"feuerwehr": 8, "polizei": 7}
# Whatever weekday the last day is, these days lie in the four weeks before the last Sunday.
NIGHT_FIRE_DAYS_AGO = (6, 26)
ENDED_PLACE = "Haltepunkt Heessen"
ENDED_DISTRICT = "heessen"
# The measure began this many days before the last day; the hotspot had lasted forty weeks by then.
ENDED_DAYS_AGO = 150
ENDED_WEEKS = 40


def merged_hotspot() -> list[StoryPart]:
    """Three or four finds each of four agencies within four weeks: too few for any of them, many together.

    The number does not grow with the data set: a single agency must stay below the smallest cluster anyone tests.
    """
    return [
        StoryPart(
            agency,
            "incident",
            "needle-find",
            MERGED_PLACE,
            45,
            (8, 20),
            tuple(offset + step for step in (1, 7, 13, 20)[: MERGED_FINDS[agency]]),
        )
        for offset, agency in enumerate(MERGED_FINDS)
    ]


def young_signal() -> list[StoryPart]:
    """Graffiti of the last nine days, three or four reports each of three agencies: seen at night, and only together.

    The number does not grow with the data set, as with `merged_hotspot`.
    """
    return [
        StoryPart(
            agency,
            "incident",
            "graffiti",
            YOUNG_PLACE,
            45,
            (16, 23),
            tuple(offset + step for step in (0, 2, 4, 6)[:number]),
        )
        for offset, (agency, number) in enumerate(YOUNG_REPORTS.items())
    ]


def night_fires() -> list[StoryPart]:
    """Small fires at night all over the city within three weeks, told by two agencies: a modus, and no place.

    The number does not grow with the data set, as with `merged_hotspot`.
    """
    first, last = NIGHT_FIRE_DAYS_AGO
    return [
        StoryPart(
            agency,
            "incident",
            "small-fire",
            NIGHT_FIRE_PLACES[(index + offset) % len(NIGHT_FIRE_PLACES)],
            60,
            (0, 5),
            (first + (3 * index + offset) % (last - first + 1),),
        )
        for offset, (agency, number) in enumerate(NIGHT_FIRE_REPORTS.items())
        for index in range(number)
    ]


def growing_complaints(factor: int) -> list[StoryPart]:
    """Complaints about noise and drinking that grow week by week up to the last day."""
    days = [
        7 * weeks_ago + (2 * index) % 7
        for weeks_ago, count in zip(reversed(range(len(GROWING_WEEKS))), GROWING_WEEKS, strict=True)
        for index in range(count * factor)
    ]
    place = GROWING_PLACE
    return [
        StoryPart("ordnungsamt", "complaint", "c-noise", place, 60, (19, 24), tuple(days[::2])),
        StoryPart("ordnungsamt", "complaint", "c-drug-alcohol-scene", place, 60, (16, 23), tuple(days[1::2])),
    ]


def ended_hotspot(factor: int) -> list[StoryPart]:
    """Bicycle thefts at a railway stop: three a week for forty weeks, none planted since the measure."""
    during = [
        ENDED_DAYS_AGO + 7 * week + day for week in range(ENDED_WEEKS) for day in (1, 3, 5) for _ in range(factor)
    ]
    place = ENDED_PLACE
    return [
        StoryPart("polizei", "incident", "bicycle-theft", place, 40, (7, 18), tuple(during[::2])),
        StoryPart("bundespolizei", "incident", "bicycle-theft", place, 40, (7, 18), tuple(during[1::2])),
    ]


def all_parts(records: int) -> list[StoryPart]:
    factor = max(1, round(records / FULL_RECORDS))
    return [
        *merged_hotspot(),
        *young_signal(),
        *growing_complaints(factor),
        *ended_hotspot(factor),
        *night_fires(),
    ]


def moments(part: StoryPart, until: datetime.date, rng: np.random.Generator) -> tuple[list[datetime.date], np.ndarray]:
    """Days and minutes of the day of the part's records."""
    start, end = part.hours
    days = [until - datetime.timedelta(days=days_ago) for days_ago in part.days_ago]
    return days, rng.integers(start * 60, end * 60, len(days))
