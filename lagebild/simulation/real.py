"""Real cases as the background: what really happened in another city, with synthetic outbreaks put into it.

The first half of the years calibrates, the second half is measured. Whether something was going on in it nobody knows:
alarms without a synthetic outbreak are not all false.
"""

from __future__ import annotations

import csv
import datetime as dt
import functools
import gzip
from dataclasses import dataclass
from pathlib import Path

import h3.api.basic_int as h3
import numpy as np

from lagebild.simulation.city import RESOLUTION, Ground, Series, ground_of
from lagebild.stats.grid import positions
from lagebild.stats.repeats import repeats

# Day 0 of a series is a Monday, 1 January 1970 was a Thursday.
_THURSDAY = 3
_EXACT = 10


@dataclass(frozen=True)
class Source:
    """A file of cases and its columns. category: only rows of it, whose repeats are one event; None: all rows."""

    file: str
    day: str
    latitude: str
    longitude: str
    category: tuple[str, str] | None


SOURCES = {
    "zuerich": Source("zueri_wie_neu_2016_2023.csv.gz", "date", "lat", "lon", ("kategorie", "Abfall/Sammelstelle")),
    "chicago": Source("chicago_aggravated_assaults_2010_2019.csv.gz", "date", "latitude", "longitude", None),
}


@dataclass(frozen=True, eq=False)
class RealCity:
    ground: Ground
    cases: Series
    days: int

    @property
    def agencies(self) -> int:
        return 1

    def draw(self, rng: np.random.Generator, days: int, *, is_fresh: bool = True) -> Series:
        """`days` days in a row of the first half, or of the second where fresh. ValueError where it is too short."""
        half = self.days // 2
        room = half - days
        if room < 0:
            raise ValueError(f"{self.days} days are too few for spans of {days} in each half")
        first = self.cases.first + half * is_fresh + int(rng.integers(room + 1))
        own = (self.cases.day >= first) & (self.cases.day < first + days)
        return Series(first, self.cases.place[own], self.cases.day[own], self.cases.agency[own])


def path_of(name: str, folder: Path) -> Path:
    return folder / "real" / SOURCES[name].file


@functools.lru_cache(maxsize=2)
def load(name: str, folder: Path) -> RealCity:
    """FileNotFoundError where the file is absent."""
    source = SOURCES[name]
    days, exact = [], []
    with gzip.open(path_of(name, folder), "rt", encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            if source.category and row[source.category[0]] != source.category[1]:
                continue
            days.append(dt.date.fromisoformat(row[source.day][:10]))
            exact.append(h3.latlng_to_cell(float(row[source.latitude]), float(row[source.longitude]), _EXACT))
    day = (np.array(days, dtype="datetime64[D]").astype(np.int64)) + _THURSDAY
    event = np.array(exact, dtype=np.int64)
    if source.category:
        once = ~repeats(event, day)
        day, event = day[once], event[once]
    cells = np.array([h3.cell_to_parent(int(cell), RESOLUTION) for cell in event], dtype=np.int64)
    universe = {near for cell in np.unique(cells) for near in h3.grid_disk(int(cell), 1)}
    ground = ground_of(universe)
    place = positions(ground.grid.cells, cells).astype(np.int64)
    first = int(day.min())
    return RealCity(ground, Series(first, place, day, np.zeros_like(day)), int(day.max()) - first + 1)
