"""Hotspots of twelve months: hexagon disks that hold more cases than their share of the city explains.

Null hypothesis: each of the N cases falls independently on the cells of the universe, on cell i with probability
w_i / sum(w). The count of a disk is then binomial with N and the disk's share of the weight, and its upper tail is
computed exactly. The normal approximation behind the usual local G* is far from valid at a few cases per disk.

What the test answers depends on universe and weights:

- Universe: the cells of the city, all of them, whether or not anything ever happened there. Keeping only cells with
  cases would lower the share of every place nobody reports from, and make the answer depend on the data it judges.
  Cells beyond the boundary must be left out: no agency reports from there, they would look like quiet places.
- Uniform weights (the default) answer "more here than if cases were spread evenly over the city". Where people live
  and go out this is nearly always so; the result is a map of where the load lies, not of what is unusual.
- Other weights condition the question: the same stream's long-run counts ("more than this place's usual share"), all
  groups together ("more than activity in general explains"), residents or street length. Such weights need a floor
  above 0 in every cell, since a case in a cell of weight 0 contradicts the hypothesis outright.

Independence of cases fails for series and for one event reported many times; those are merged before counting.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import sparse, stats

from lagebild.stats.grid import OUTSIDE, Grid, disk_sums, whole_counts

MINIMUM_CASES = 5
MINIMUM_GRAVE_CASES = 3
FALSE_DISCOVERY_RATE = 0.05


@dataclass(frozen=True)
class Hotspot:
    """One hotspot; count, expected, p and q are those of the disk around `centre`.

    centre: position of the centre cell in the grid. cells: ascending positions of the disk's cells and of the
    significant cells that belong to it, disjoint between hotspots. area: number of the connected area of significant
    disks the hotspot lies in, from 0 in order of the best hotspot; hotspots of one area adjoin each other.
    cases: cases in `cells`, not in the disk alone; summing over hotspots counts no case twice.
    """

    centre: int
    cells: tuple[int, ...]
    area: int
    count: int
    expected: float
    p: float
    q: float
    cases: int


@dataclass(frozen=True)
class HotspotMap:
    """Per cell (n,): cases in the disk int64, expected float64, p and q float64, significant bool; and the hotspots.

    hotspots: best first (smallest p, then larger count of the disk, then of the cell, then position).
    total: cases in the universe; minimum, fdr: the arguments of the computation.
    """

    count: npt.NDArray[np.int64]
    expected: npt.NDArray[np.float64]
    p: npt.NDArray[np.float64]
    q: npt.NDArray[np.float64]
    significant: npt.NDArray[np.bool_]
    hotspots: tuple[Hotspot, ...]
    total: int
    minimum: int
    fdr: float


def find_hotspots(
    grid: Grid,
    counts: npt.ArrayLike,
    *,
    weights: npt.ArrayLike | None = None,
    minimum: int = MINIMUM_CASES,
    fdr: float = FALSE_DISCOVERY_RATE,
) -> HotspotMap:
    """Hotspots among the disks k = 1 of `grid` by exact binomial test and Benjamini-Hochberg.

    counts: (n,) whole numbers, cases per cell over the window. weights: (n,) float, at least 0, relative size of each
    cell under the null hypothesis; equal where not given. minimum: cases a disk needs (MINIMUM_GRAVE_CASES for rare,
    grave categories). fdr: level of the adjusted p over all n disks, also those below the minimum.

    Significant disks are joined like the secondary clusters of SaTScan under "no geographical overlap": the best disk
    becomes a hotspot, further ones only where their disk shares no cell with a hotspot's disk; every other significant
    cell belongs to the best hotspot whose disk its own disk touches, and the disk's remaining cells with it.
    ValueError for wrong shapes, negative counts or weights, weights summing to 0, a case in a cell of weight 0, a
    minimum below 1 and an fdr outside (0, 1).
    """
    number = whole_counts(counts)
    share = _disk_shares(grid, number, weights)
    if minimum < 1:
        raise ValueError(f"minimum must be at least 1, got {minimum}")
    if not 0 < fdr < 1:
        raise ValueError(f"fdr must lie between 0 and 1, got {fdr}")
    total = int(number.sum())
    disk = disk_sums(grid, number)
    p = upper_tail(disk, total, share)
    q = stats.false_discovery_control(p, method="bh")
    significant = (q <= fdr) & (disk >= minimum)
    expected = total * share
    ranking = np.lexsort((np.arange(grid.size), -number, -disk, p))
    centres = [int(cell) for cell in ranking if significant[cell]]
    hotspots = _collect(grid, centres, number, disk, expected, p, q)
    return HotspotMap(disk, expected, p, q, significant, hotspots, total=total, minimum=minimum, fdr=fdr)


def disk_shares(grid: Grid, weights: npt.ArrayLike | None = None) -> npt.NDArray[np.float64]:
    """Share of each cell's disk in the whole weight, (n,) float64 in [0, 1]; equal weights where not given.

    ValueError for a wrong shape, negative or missing weights and weights summing to 0.
    """
    weight = np.ones(grid.size) if weights is None else np.asarray(weights, dtype=np.float64)
    if weight.shape != (grid.size,):
        raise ValueError(f"weights has shape {weight.shape}, the grid {grid.size} cells")
    if not (np.isfinite(weight) & (weight >= 0)).all() or weight.sum() == 0:
        raise ValueError("weights must be at least 0 and not all 0")
    return np.minimum(disk_sums(grid, weight / weight.sum()), 1.0)


def upper_tail(
    disk: npt.NDArray[np.int64], total: int | npt.NDArray[np.int64], share: npt.NDArray[np.float64]
) -> npt.NDArray[np.float64]:
    """P(X >= disk) for X binomial with `total` trials and probability `share`; exactly 1 where disk is 0."""
    return np.where(disk == 0, 1.0, np.clip(stats.binom.sf(disk - 1, total, share), 0.0, 1.0))


def _disk_shares(grid: Grid, number: npt.NDArray[np.int64], weights: npt.ArrayLike | None) -> npt.NDArray[np.float64]:
    if number.shape != (grid.size,):
        raise ValueError(f"counts has shape {number.shape}, the grid {grid.size} cells")
    share = disk_shares(grid, weights)
    if weights is not None and (number[np.asarray(weights) == 0] > 0).any():
        raise ValueError("a case lies in a cell of weight 0")
    return share


def _collect(grid: Grid, ranked: list[int], number, disk, expected, p, q) -> tuple[Hotspot, ...]:
    owner: dict[int, int] = {}
    core: dict[int, int] = {}
    centres: list[int] = []
    for cell in ranked:
        members = _members(grid, cell)
        touched = [core[member] for member in members if member in core]
        if not touched:
            core.update(dict.fromkeys(members, len(centres)))
            touched = [len(centres)]
            centres.append(cell)
        owner.setdefault(cell, min(touched))
    owner.update(core)
    cells: list[list[int]] = [[] for _ in centres]
    for cell, hotspot in owner.items():
        cells[hotspot].append(cell)
    area = _areas(grid, ranked, centres)
    return tuple(
        Hotspot(
            centre=centre,
            cells=tuple(sorted(cells[index])),
            area=area[index],
            count=int(disk[centre]),
            expected=float(expected[centre]),
            p=float(p[centre]),
            q=float(q[centre]),
            cases=int(number[cells[index]].sum()),
        )
        for index, centre in enumerate(centres)
    )


def _areas(grid: Grid, ranked: list[int], centres: list[int]) -> list[int]:
    """Number of the connected area each centre lies in; significant disks that share a cell are connected."""
    member = grid.disks[ranked].reshape(-1)
    row = np.repeat(np.arange(len(ranked)), grid.disks.shape[1])
    inside = member != OUTSIDE
    incidence = sparse.csr_array(
        (np.ones(inside.sum(), dtype=np.int32), (row[inside], member[inside])), shape=(len(ranked), grid.size)
    )
    _, label = sparse.csgraph.connected_components(incidence @ incidence.T, directed=False)
    of_cell = dict(zip(ranked, label, strict=True))
    numbering: dict[int, int] = {}
    return [numbering.setdefault(int(of_cell[centre]), len(numbering)) for centre in centres]


def _members(grid: Grid, cell: int) -> list[int]:
    return [int(member) for member in grid.disks[cell] if member != OUTSIDE]
