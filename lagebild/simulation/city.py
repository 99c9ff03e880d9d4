"""A synthetic city whose truth is known: where, when and to whom cases are reported while nothing happens.

Cases are a Poisson process. The intensity of a place is a smoothed lognormal variate times a bump at the centre; on
request it depends on the class of the day, the mix of agencies on the place, and the season on the agency.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable
from dataclasses import dataclass

import h3.api.basic_int as h3
import numpy as np
import numpy.typing as npt

from lagebild.stats.grid import Grid, build_grid, disk_sums
from lagebild.stats.zones import Zones, grown, hexagon_disks, joined, lines

RESOLUTION = 9
CENTRE = (51.68, 7.82)
RADIUS = 28
YEAR = 365
DAY_CLASSES = 3
_KM_PER_DEGREE = 111.2
_PARTY_QUARTERS = 6
_PARTY_WEEKEND = 2.5
_OFFICE_WEEKEND = 0.3
_SEASON = 0.4
_GROWN_SEED = 9


@dataclass(frozen=True, eq=False)
class Ground:
    """Places of a city. km: (n, 2) coordinates; disks: all hexagon disks; streets: these and all lines; shapes: these
    and irregular zones."""

    grid: Grid
    km: npt.NDArray[np.float64]

    @functools.cached_property
    def disks(self) -> Zones:
        return hexagon_disks(self.grid)

    @functools.cached_property
    def streets(self) -> Zones:
        return joined(self.disks, lines(self.grid))

    @functools.cached_property
    def shapes(self) -> Zones:
        return joined(self.streets, grown(self.grid, np.random.default_rng(_GROWN_SEED)))

    @property
    def size(self) -> int:
        return self.grid.size

    def middle(self, places: npt.ArrayLike) -> npt.NDArray[np.float64]:
        return self.km[np.asarray(places)].mean(axis=0)


@dataclass(frozen=True)
class Night:
    """Cases of the last 365 days. Arrays (m,): place, age in days, agency, class of the day."""

    place: npt.NDArray[np.int64]
    age: npt.NDArray[np.int64]
    agency: npt.NDArray[np.int64]
    day_class: npt.NDArray[np.int64]


@dataclass(frozen=True)
class Series:
    """Cases of the days first, first + 1, … in any order; day 0 is a Monday. Arrays (m,): place, day, agency."""

    first: int
    place: npt.NDArray[np.int64]
    day: npt.NDArray[np.int64]
    agency: npt.NDArray[np.int64]

    def with_cases(self, place: npt.NDArray, day: npt.NDArray, agency: npt.NDArray) -> Series:
        return Series(
            self.first,
            np.concatenate([self.place, place]),
            np.concatenate([self.day, day]),
            np.concatenate([self.agency, agency]),
        )

    def night(self, today: int, *, late_agency: int | None = None, late_days: int = 0) -> Night:
        """What is known in the night after day `today`; one agency has not delivered its last days."""
        age = today - self.day
        known = (age >= 0) & (age < YEAR)
        if late_agency is not None:
            known &= (self.agency != late_agency) | (age >= late_days)
        return Night(self.place[known], age[known], self.agency[known], day_classes(self.day[known]))


@dataclass(frozen=True, eq=False)
class City:
    """rates: (agencies, day classes, n) expected cases a day; seasons: (agencies, 365) factors with mean 1."""

    ground: Ground
    rates: npt.NDArray[np.float64]
    seasons: npt.NDArray[np.float64]

    @property
    def agencies(self) -> int:
        return len(self.rates)

    def draw(self, rng: np.random.Generator, days: int, *, is_fresh: bool = True) -> Series:
        """Cases of `days` days from a random day of the year on. Every draw is fresh here."""
        del is_fresh
        first = int(rng.integers(YEAR * 7))
        span = np.arange(first, first + days)
        classes = day_classes(span)
        parts = []
        for agency in range(self.agencies):
            for number in range(DAY_CLASSES):
                own = span[classes == number]
                total = self.rates[agency, number].sum()
                day = np.repeat(own, rng.poisson(total * self.seasons[agency, own % YEAR]))
                share = np.cumsum(self.rates[agency, number]) / total
                place = np.minimum(np.searchsorted(share, rng.random(day.size)), self.ground.size - 1)
                parts.append((place, day, np.full(day.size, agency)))
        place, day, agency = (np.concatenate(column) for column in zip(*parts, strict=True))
        return Series(first, place, day, agency)


def day_classes(day: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """0 Monday to Friday, 1 Saturday, 2 Sunday."""
    return np.maximum(day % 7 - 4, 0)


@functools.lru_cache(maxsize=4)
def synthetic_ground(radius: int = RADIUS) -> Ground:
    return ground_of(h3.grid_disk(h3.latlng_to_cell(*CENTRE, RESOLUTION), radius))


def ground_of(cells: Iterable[int]) -> Ground:
    grid = build_grid(cells)
    degrees = np.array([h3.cell_to_latlng(int(cell)) for cell in grid.cells])
    middle = degrees.mean(axis=0)
    km = (degrees - middle) * _KM_PER_DEGREE * np.array([1.0, np.cos(np.radians(middle[0]))])
    return Ground(grid, km)


def build_city(  # every switch is one property of a city
    ground: Ground, seed: int, records: int, *, agencies: int = 1, has_weekdays: bool = False, has_mixes: bool = False
) -> City:
    """City with `records` cases a year on average.

    has_weekdays: some quarters report 2.5 times as much at weekends, and less between. has_mixes: the shares of the
    agencies differ from place to place, the second one reports little at weekends, and each has a season of its own.
    """
    rng = np.random.default_rng([seed, 1])
    intensity = _intensity(ground, rng)
    week = _week(ground, rng) if has_weekdays else np.ones((DAY_CLASSES, ground.size))
    rates = records / YEAR * intensity * week * np.full((agencies, 1, ground.size), 1 / agencies)
    seasons = np.ones((agencies, YEAR))
    if has_mixes:
        rates *= _mix(ground, rng, agencies)[:, None, :] * agencies
        rates[1 % agencies, 1:] *= _OFFICE_WEEKEND
        days = np.arange(YEAR)
        for agency in range(agencies):
            seasons[agency] += _SEASON * np.cos(2 * np.pi * (days / YEAR - agency / agencies))
        rates *= records / YEAR / ((rates * np.array([5, 1, 1])[:, None] / 7).sum())
    return City(ground, rates, seasons)


def _intensity(ground: Ground, rng: np.random.Generator) -> npt.NDArray[np.float64]:
    base = rng.lognormal(0.0, 1.0, ground.size)
    base = (base + disk_sums(ground.grid, base) / 7) / 2
    weight = base * (1 + 6 * np.exp(-((ground.km / 1.5) ** 2).sum(axis=1)))
    return weight / weight.sum()


def _week(ground: Ground, rng: np.random.Generator) -> npt.NDArray[np.float64]:
    factor = np.ones((DAY_CLASSES, ground.size))
    for centre in rng.choice(ground.size, _PARTY_QUARTERS):
        quarter = ground.grid.disks[centre]
        factor[1:, quarter[quarter >= 0]] = _PARTY_WEEKEND
        factor[0, quarter[quarter >= 0]] = (7 - 2 * _PARTY_WEEKEND) / 5
    return factor


def _mix(ground: Ground, rng: np.random.Generator, agencies: int) -> npt.NDArray[np.float64]:
    weight = rng.lognormal(0.0, 1.0, (agencies, ground.size))
    for _ in range(3):
        weight = disk_sums(ground.grid, weight)
    weight = (weight / weight.mean(axis=1, keepdims=True)) ** 4
    return weight / weight.sum(axis=0)
