"""What a run of the generator depends on."""

from __future__ import annotations

import datetime
from dataclasses import dataclass

from incidents.demo.geography import City

SPAN_DAYS = 803


@dataclass(frozen=True)
class Kind:
    """What the generator needs to know of a category."""

    group: str
    geo: str
    is_sensitive: bool
    is_grave: bool
    is_shareable: bool


@dataclass(frozen=True)
class Frame:
    """Everything a run depends on. `until` is the last day; `timezone` the city's."""

    city: City
    kinds: dict[str, Kind]
    records: int
    seed: int
    until: datetime.date
    timezone: datetime.tzinfo

    @property
    def days(self) -> list[datetime.date]:
        return [self.until - datetime.timedelta(days=ago) for ago in range(SPAN_DAYS - 1, -1, -1)]


def kinds_of(catalogue: dict) -> dict[str, Kind]:
    """Category facts by slug, from the shipped catalogue file."""
    return {
        row["slug"]: Kind(row["group"], row["geo"], row["sensitive"], row["grave"], row["shareable"])
        for row in catalogue["categories"]
    }
