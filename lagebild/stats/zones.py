"""Zone families for scan statistics: which sets of places are looked at.

Every family is a list of *chains*: a chain is a sequence of places, and after some of them the places so far form a
zone. Disks and circles grow around a centre, streets along a line, so that the counts of a zone are those of the one
before it plus a few places.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import zip_longest

import h3.api.basic_int as h3
import numba
import numpy as np
import numpy.typing as npt

from lagebild.stats.grid import OUTSIDE, Grid, positions

NO_ZONE = -1
LARGEST_RADIUS = 8
LONGEST_LINE = 13
GROWN_WAYS = 4
GROWN_CELLS = 12
# Axes of H3's local coordinates.
_DIRECTIONS = ((1, 0), (1, 1), (0, 1))


@dataclass(frozen=True)
class Zones:
    """A zone family over n places.

    size: n; order: (p,) int32 places, the chains one after the other; first: (m + 1,) int64 start of each chain in
    `order`; number: (p,) int32 number of the zone that ends with this place, or NO_ZONE. Zones are numbered from 0 in
    the order of `order`; the same set of places may occur in several chains.
    """

    size: int
    order: npt.NDArray[np.int32]
    first: npt.NDArray[np.int64]
    number: npt.NDArray[np.int32]

    @property
    def count(self) -> int:
        return int((self.number != NO_ZONE).sum())

    @property
    def sizes(self) -> npt.NDArray[np.int64]:
        """(count,) number of places of each zone."""
        steps = np.arange(self.order.size) - np.repeat(self.first[:-1], np.diff(self.first)) + 1
        return steps[self.number != NO_ZONE]

    def places(self, zone: int) -> npt.NDArray[np.int32]:
        """The places of one zone in the order in which its chain takes them. IndexError for an unknown number."""
        if not 0 <= zone < self.count:
            raise IndexError(f"no zone {zone}")
        end = int(np.flatnonzero(self.number == zone)[0])
        chain = int(np.searchsorted(self.first, end, side="right")) - 1
        return self.order[self.first[chain] : end + 1]

    def sums(self, values: npt.ArrayLike) -> npt.NDArray[np.float64]:
        """Sums over the places of each zone. values: (n, ...). Returns (count, ...) float64."""
        array = np.asarray(values, dtype=np.float64)
        if array.shape[:1] != (self.size,):
            raise ValueError(f"values has shape {array.shape}, the family {self.size} places")
        columns = np.ascontiguousarray(array.reshape(self.size, -1))
        return _sums(self.order, self.first, self.number, columns, self.count).reshape(self.count, *array.shape[1:])


def joined(*families: Zones) -> Zones:
    """One family out of several over the same places. ValueError for none and for different numbers of places."""
    if len({family.size for family in families}) != 1:
        raise ValueError(f"families over {[family.size for family in families]} places")
    starts = np.cumsum([0, *(family.order.size for family in families)])
    zones = np.cumsum([0, *(family.count for family in families)])
    first = [family.first[:-1] + start for family, start in zip(families, starts, strict=False)]
    number = [
        np.where(family.number == NO_ZONE, NO_ZONE, family.number + before).astype(np.int32)
        for family, before in zip(families, zones, strict=False)
    ]
    return Zones(
        families[0].size,
        np.concatenate([family.order for family in families]),
        np.concatenate([*first, starts[-1:]]).astype(np.int64),
        np.concatenate(number),
    )


def hexagon_disks(grid: Grid, largest: int = LARGEST_RADIUS) -> Zones:
    """Disks of radius 0 to `largest` (cells) around every cell, as far as they lie in the universe.

    A larger disk that holds no further cell of the universe is no further zone. ValueError for a negative radius.
    """
    if largest < 0:
        raise ValueError(f"largest must be at least 0, got {largest}")
    chains = []
    for cell in grid.cells:
        rings = [_inside(grid, h3.grid_ring(int(cell), radius)) for radius in range(largest + 1)]
        chains.append(rings)
    return _family(grid.size, chains)


def lines(grid: Grid, longest: int = LONGEST_LINE) -> Zones:
    """Streets: from every cell in each of the three directions of the hexagon lattice, one cell more on either side.

    Zones of 2, 3, ..., `longest` cells; a line ends where it leaves the universe on both sides.
    """
    lattice = {h3.cell_to_local_ij(int(grid.cells[0]), int(cell)): place for place, cell in enumerate(grid.cells)}
    chains = []
    for at in lattice:
        for direction in _DIRECTIONS:
            ahead, behind = (_walk(lattice, at, direction, side, longest) for side in (1, -1))
            sides = (place for pair in zip_longest(ahead, behind) for place in pair if place is not None)
            line = [lattice[at], *sides][:longest]
            if len(line) > 1:
                chains.append([line[:2], *([place] for place in line[2:])])
    return _family(grid.size, chains)


def grown(grid: Grid, rng: np.random.Generator, *, ways: int = GROWN_WAYS, largest: int = GROWN_CELLS) -> Zones:
    """Irregular zones: from every cell `ways` times one neighbouring cell after the other, drawn by lot.

    Zones of 2, 3, ..., `largest` connected cells; every cell on the rim is equally likely the next one. The family
    depends on `rng` alone and not on any case, so that it may be used like a fixed one. ValueError for a number of ways
    or cells that gives no zone.
    """
    if ways < 1 or largest < 2:
        raise ValueError(f"ways must be at least 1 and largest at least 2, got {ways} and {largest}")
    near = [disk[disk != OUTSIDE][1:].tolist() for disk in grid.disks]
    chains = []
    for start in np.tile(np.arange(grid.size), ways).tolist():
        chain, inside, rim = [start], {start}, list(near[start])
        while rim and len(chain) < largest:
            place = rim.pop(int(rng.integers(len(rim))))
            chain.append(place)
            inside.add(place)
            rim += [other for other in near[place] if other not in inside and other not in rim]
        if len(chain) > 1:
            chains.append([chain[:2], *([place] for place in chain[2:])])
    return _family(grid.size, chains)


def _walk(lattice: dict, at: tuple[int, int], direction: tuple[int, int], side: int, most: int) -> list[int]:
    """Places one after the other in a direction of the lattice, until it leaves the universe."""
    found: list[int] = []
    for reach in range(1, most):
        place = lattice.get((at[0] + side * reach * direction[0], at[1] + side * reach * direction[1]))
        if place is None:
            break
        found.append(place)
    return found


def circles(distances: npt.ArrayLike, largest: float) -> Zones:
    """SaTScan's circles: around every place the nearest 1, 2, ... places within `largest`.

    distances: (n, n) symmetric, 0 on the diagonal, in the unit of `largest`. Places at the same distance enter
    together. ValueError for another shape.
    """
    table = np.asarray(distances, dtype=np.float64)
    if table.ndim != 2 or table.shape[0] != table.shape[1]:
        raise ValueError(f"distances has shape {table.shape}")
    chains = []
    for row in table:
        near = np.argsort(row, kind="stable")
        near = near[row[near] <= largest]
        breaks = np.flatnonzero(np.diff(row[near]) > 0) + 1
        chains.append([group.tolist() for group in np.split(near, breaks)])
    return _family(len(table), chains)


def _inside(grid: Grid, cells: Sequence[int]) -> list[int]:
    found = positions(grid.cells, np.array(sorted(cells), dtype=np.int64))
    return found[found != OUTSIDE].tolist()


def _family(size: int, chains: list[list[list[int]]]) -> Zones:
    """chains: per chain the groups of places that enter together; a group without places makes no zone."""
    order: list[int] = []
    first = [0]
    ends: list[int] = []
    for groups in chains:
        for group in groups:
            order += group
            if group:
                ends.append(len(order) - 1)
        first.append(len(order))
    number = np.full(len(order), NO_ZONE, dtype=np.int32)
    number[ends] = np.arange(len(ends), dtype=np.int32)
    return Zones(size, np.array(order, dtype=np.int32), np.array(first, dtype=np.int64), number)


@numba.njit(cache=True, nogil=True)
def _sums(order, first, number, values, count):
    """(count, k) sums of values (n, k) over each zone."""
    columns = values.shape[1]
    result = np.zeros((count, columns))
    running = np.empty(columns)
    for chain in range(first.size - 1):
        running[:] = 0
        for step in range(first[chain], first[chain + 1]):
            for column in range(columns):
                running[column] += values[order[step], column]
            if number[step] != NO_ZONE:
                for column in range(columns):
                    result[number[step], column] = running[column]
    return result
