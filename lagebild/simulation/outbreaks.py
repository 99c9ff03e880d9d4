"""Outbreaks put into a city: seven cells that report some cases a day more than usual, for four weeks."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import numpy as np
import numpy.typing as npt

from lagebild.simulation.city import Ground, Series
from lagebild.stats.grid import OUTSIDE

CELLS = 7
DAYS = 28


class Shape(StrEnum):
    DISK = "disk"
    STREET = "street"
    IRREGULAR = "irregular"


@dataclass(frozen=True)
class Outbreak:
    """places: cells; first: its first day; extra: mean of the further cases a day; agencies: who is told of them."""

    places: npt.NDArray[np.int64]
    first: int
    extra: float
    agencies: tuple[int, ...]

    def added_to(self, series: Series, rng: np.random.Generator) -> Series:
        number = rng.poisson(self.extra, DAYS)
        day = np.repeat(np.arange(self.first, self.first + DAYS), number)
        return series.with_cases(
            rng.choice(self.places, day.size), day, rng.choice(np.array(self.agencies, dtype=np.int64), day.size)
        )


def places_of(shape: Shape, ground: Ground, rng: np.random.Generator) -> npt.NDArray[np.int64]:
    """Seven connected cells, their first one equally likely anywhere. ValueError where none fits."""
    for _ in range(1000):
        found = _GROWN[shape](ground, int(rng.integers(ground.size)), rng)
        if len(found) == CELLS:
            return np.array(found, dtype=np.int64)
    raise ValueError(f"no {shape} of {CELLS} cells fits into {ground.size} places")


def _disk(ground: Ground, start: int, rng: np.random.Generator) -> list[int]:
    del rng
    return [int(place) for place in ground.grid.disks[start] if place != OUTSIDE]


def _street(ground: Ground, start: int, rng: np.random.Generator) -> list[int]:
    """Straight on from the start: of each cell's neighbours the one that lies in the direction of the first step."""
    near = _neighbours(ground, start)
    if near.size == 0:
        return [start]
    step = ground.km[rng.choice(near)] - ground.km[start]
    street = [start]
    while len(street) < CELLS:
        ahead = ground.km[street[-1]] + step
        near = _neighbours(ground, street[-1])
        reach = np.hypot(*(ground.km[near] - ahead).T)
        if reach.min() > np.hypot(*step) / 2:
            break
        street.append(int(near[reach.argmin()]))
    return street


def _irregular(ground: Ground, start: int, rng: np.random.Generator) -> list[int]:
    grown = [start]
    while len(grown) < CELLS:
        rim = np.unique(np.concatenate([_neighbours(ground, place) for place in grown]))
        rim = np.setdiff1d(rim, grown)
        if rim.size == 0:
            break
        grown.append(int(rng.choice(rim)))
    return grown


def _neighbours(ground: Ground, place: int) -> npt.NDArray[np.int64]:
    near = ground.grid.disks[place, 1:]
    return near[near != OUTSIDE].astype(np.int64)


_GROWN = {Shape.DISK: _disk, Shape.STREET: _street, Shape.IRREGULAR: _irregular}
