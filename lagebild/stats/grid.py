"""Hexagon disks on a fixed universe of H3 cells.

H3 cells are 64-bit numbers whose top bit is 0, so the same value fits `bigint` in PostgreSQL, int64 and uint64 in
numpy and `int` in Python without conversion; the hexadecimal text of H3 is `format(cell, "x")` (h3geo.org, "Index
bit layout"). Ascending numbers are the order of every array here.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import h3.api.basic_int as h3
import numpy as np
import numpy.typing as npt

DISK_CELLS = 7
OUTSIDE = -1


@dataclass(frozen=True)
class Grid:
    """Universe of cells and their disks k = 1.

    cells: (n,) int64 H3 cells of one resolution, strictly ascending.
    disks: (n, 7) int32 positions in `cells`; column 0 is the cell itself, columns 1 to 6 its neighbours in ascending
        order of their cell number, OUTSIDE (-1) for a neighbour beyond the universe (and the sixth of a pentagon).
    """

    cells: npt.NDArray[np.int64]
    disks: npt.NDArray[np.int32]

    @property
    def size(self) -> int:
        return len(self.cells)


def build_grid(cells: Iterable[int]) -> Grid:
    """Grid over the given H3 cells, in any order, repetitions allowed; at city size (2,500 cells) a few ms.

    ValueError for an empty universe, for a number that is no H3 cell and for cells of different resolutions.
    """
    universe = np.unique(np.fromiter(cells, dtype=np.int64))
    if universe.size == 0:
        raise ValueError("cells is empty")
    invalid = [int(cell) for cell in universe if not h3.is_valid_cell(int(cell))]
    if invalid:
        raise ValueError(f"not an H3 cell: {invalid[0]}")
    resolutions = {h3.get_resolution(int(cell)) for cell in universe}
    if len(resolutions) > 1:
        raise ValueError(f"cells of different resolutions: {sorted(resolutions)}")
    disks = np.full((universe.size, DISK_CELLS), OUTSIDE, dtype=np.int32)
    disks[:, 0] = np.arange(universe.size)
    for position, cell in enumerate(universe):
        ring = sorted(set(h3.grid_disk(int(cell), 1)) - {int(cell)})
        disks[position, 1 : 1 + len(ring)] = positions(universe, np.array(ring, dtype=np.int64))
    return Grid(cells=_frozen(universe), disks=_frozen(disks))


def positions(universe: npt.NDArray[np.int64], cells: npt.ArrayLike) -> npt.NDArray[np.int32]:
    """Positions of `cells` in the ascending `universe`.

    universe: (n,) int64 ascending; cells: (m,) int64 or uint64. Returns (m,) int32, OUTSIDE (-1) where absent.
    """
    wanted = np.asarray(cells).astype(np.int64)
    found = np.searchsorted(universe, wanted)
    found[found == universe.size] = 0
    return np.where(universe[found] == wanted, found, OUTSIDE).astype(np.int32)


def count_cells(grid: Grid, cells: npt.ArrayLike, counts: npt.ArrayLike | None = None) -> npt.NDArray[np.int64]:
    """Cases per cell of the universe; cases beyond it are not counted.

    cells: (m,) H3 cells, repetitions are added up; counts: (m,) cases of each entry, 1 where not given.
    Returns (n,) int64. ValueError for negative or broken counts and for unequal lengths.
    """
    place = positions(grid.cells, cells)
    number = np.ones(place.size, dtype=np.int64) if counts is None else whole_counts(counts)
    if number.shape != place.shape:
        raise ValueError(f"counts has shape {number.shape}, cells {place.shape}")
    inside = place != OUTSIDE
    result = np.zeros(grid.size, dtype=np.int64)
    np.add.at(result, place[inside], number[inside])
    return result


def disk_sums(grid: Grid, values: npt.ArrayLike) -> npt.NDArray:
    """Sum of `values` over each cell's disk k = 1, as far as the disk lies in the universe.

    values: (..., n) counts or weights, last axis in the order of `grid.cells`. Returns the same shape and dtype.
    ValueError where the last axis does not have n entries.
    """
    array = np.asarray(values)
    if array.ndim == 0 or array.shape[-1] != grid.size:
        raise ValueError(f"values has shape {array.shape}, the grid {grid.size} cells")
    padded = np.concatenate([array, np.zeros((*array.shape[:-1], 1), dtype=array.dtype)], axis=-1)
    total = padded[..., grid.disks[:, 0]]
    for column in range(1, DISK_CELLS):
        total = total + padded[..., grid.disks[:, column]]
    return total


def whole_counts(values: npt.ArrayLike) -> npt.NDArray[np.int64]:
    """`values` as int64; ValueError where one is negative, missing or no whole number."""
    array = np.asarray(values)
    if array.dtype.kind not in "iuf" and array.size:
        raise ValueError(f"counts must be numbers, got {array.dtype}")
    result = array.astype(np.int64) if np.isfinite(array).all() else None
    if result is None or (result != array).any() or (result < 0).any():
        raise ValueError("counts must be whole numbers of at least 0")
    return result


def _frozen(array: npt.NDArray) -> npt.NDArray:
    array.setflags(write=False)
    return array
