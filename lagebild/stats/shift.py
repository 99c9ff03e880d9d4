"""Shifting hotspots: an area that fades beside one that grows.

Each area's cases before and after are compared with the rest of the stream's by the exact conditional test of
`conditional`, once for a fall and once for a rise. "One falls and the other rises" is false as soon as one of the two
did not happen; the p-value of a pair is therefore the larger of the two (intersection-union test: Berger 1982,
Technometrics 24:295), which holds its level whatever the other area does and however the two depend on each other.

Areas must not be chosen by what the test looks at: an area picked for its many cases before will mostly have fewer
after. What may be used is the number of cases before and after together, which is fixed under the null hypothesis: all
disks with enough cases, or hotspots of the whole time.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import h3.api.basic_int as h3
import numpy as np
import numpy.typing as npt
from scipy import sparse
from scipy.spatial import cKDTree

from lagebild.stats.conditional import expected, lower_tail, upper_tail
from lagebild.stats.grid import OUTSIDE, Grid, whole_counts

EARTH_RADIUS_M = 6_371_008.8
MAXIMUM_DISTANCE_M = 1_500.0
MINIMUM_CASES = 10
FALSE_DISCOVERY_RATE = 0.05
# Tails of sums of hypergeometric counts fall off like a normal distribution's: below so many standard deviations no
# area has a p of half the strict level, and the exact one is spared.
STRICT_LEVEL, LEAST_DEVIATION = 0.01, 1.5


@dataclass(frozen=True)
class Change:
    """One area's cases before and after; expected: cases after if it developed like the rest; p: of its fall or rise.

    area: position in the list of areas, for disks the position of the centre cell in the grid.
    """

    area: int
    before: int
    after: int
    expected: float
    p: float


@dataclass(frozen=True)
class Shift:
    """A fading area and a growing one within the distance; they share no cell.

    p: larger of the two p-values; q: adjusted over all tested pairs. distance_m: between the areas' centres.
    together_ratio, together_p: cases after in both areas together as a ratio to those expected, and its two-sided p;
    near 1 what one lost the other gained, above it the two have grown as a whole.
    """

    fading: Change
    growing: Change
    distance_m: float
    p: float
    q: float
    together_ratio: float
    together_p: float


@dataclass(frozen=True)
class Shifts:
    """shifts: best first, no cell in two of them; tested: ordered pairs of areas; areas: areas with enough cases."""

    shifts: tuple[Shift, ...]
    tested: int
    areas: int


@dataclass(frozen=True)
class _Counts:
    """Cases before and after per stratum and area (s, m), per stratum (s,); cells: sparse (m, n) membership."""

    before: npt.NDArray[np.int64]
    after: npt.NDArray[np.int64]
    all_before: npt.NDArray[np.int64]
    all_after: npt.NDArray[np.int64]

    def tested(self, *areas: int):
        """Observed cases after and the margins of the areas together."""
        chosen = list(areas)
        after = self.after[:, chosen].sum(axis=1)
        part = self.before[:, chosen].sum(axis=1) + after
        return int(after.sum()), part, self.all_after, self.all_before + self.all_after

    def deviation(self) -> npt.NDArray[np.float64]:
        """(m,) cases after less those expected, in standard deviations; 0 where nothing can vary."""
        whole = np.maximum(self.all_before + self.all_after, 1)[:, None]
        share, part = self.all_after[:, None] / whole, self.before + self.after
        variance = (part * share * (1 - share) * (whole - part) / np.maximum(whole - 1, 1)).sum(axis=0)
        difference = (self.after - part * share).sum(axis=0)
        return np.divide(difference, np.sqrt(variance), out=np.zeros_like(difference), where=variance > 0)


def find_shifts(
    grid: Grid,
    before: npt.ArrayLike,
    after: npt.ArrayLike,
    *,
    areas: Sequence[Sequence[int]] | None = None,
    maximum_m: float = MAXIMUM_DISTANCE_M,
    minimum: int = MINIMUM_CASES,
    fdr: float = FALSE_DISCOVERY_RATE,
) -> Shifts | None:
    """Shifts among neighbouring areas; None where nothing happened before or nothing after.

    before, after: (n,) or (s, n) whole numbers, cases per cell (and stratum, mostly the agency) in two windows of any
    length. areas: positions of each area's cells in the grid; every disk k = 1 where not given. maximum_m: largest
    distance between the centres. minimum: cases an area needs in both windows together.

    Tested are all ordered pairs of areas with enough cases, no cell in common and centres within the distance. q is
    that of Bogomolov & Heller's replicability procedure (`_adjusted`). Of significant pairs the best (smallest p, then
    more cases, then position) is kept, and a further one only where it shares no cell with a kept one.
    ValueError for wrong shapes, broken counts, areas that are empty or outside the grid, and limits out of range.
    """
    if not (maximum_m > 0 and minimum >= 1 and 0 < fdr < 1):
        raise ValueError(f"maximum_m, minimum or fdr out of range: {maximum_m}, {minimum}, {fdr}")
    number = [np.atleast_2d(whole_counts(values)) for values in (before, after)]
    if number[0].shape != number[1].shape or number[0].shape[1:] != (grid.size,):
        raise ValueError(f"before has shape {number[0].shape}, after {number[1].shape}, the grid {grid.size} cells")
    members = _members(grid, areas)
    if not (number[0].any() and number[1].any()):
        return None
    counts = _Counts(
        *((members @ values.T).T for values in number),
        all_before=number[0].sum(axis=1),
        all_after=number[1].sum(axis=1),
    )
    enough = np.flatnonzero((counts.before + counts.after).sum(axis=0) >= minimum)
    fall, rise = _tails(counts, enough, fdr)
    pairs, distance = _neighbours(grid, members, enough, maximum_m)
    p = np.maximum(fall[pairs[:, 0]], rise[pairs[:, 1]])
    q = _adjusted(fall[pairs[:, 0]], rise[pairs[:, 1]], fdr)
    cases = counts.before.sum(axis=0)[pairs[:, 0]] + counts.after.sum(axis=0)[pairs[:, 1]]
    order = np.lexsort((pairs[:, 1], pairs[:, 0], -cases, p))
    shifts, taken = [], np.zeros(grid.size, dtype=bool)
    for rank in order[q[order] <= fdr].tolist():
        fading, growing = pairs[rank].tolist()
        cells = np.concatenate([members[[fading]].indices, members[[growing]].indices])
        if not taken[cells].any():
            taken[cells] = True
            shifts.append(_shift(counts, fading, growing, fall, rise, float(distance[rank]), float(q[rank])))
    return Shifts(tuple(shifts), tested=len(pairs), areas=enough.size)


def _tails(counts: _Counts, enough, fdr: float) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """p of each area's fall and of its rise; at a strict level 1 where the deviation is too small to matter."""
    fall, rise = np.ones(counts.after.shape[1]), np.ones(counts.after.shape[1])
    deviation = counts.deviation()
    least = LEAST_DEVIATION if fdr <= STRICT_LEVEL else -np.inf
    for area in enough[-deviation[enough] >= least].tolist():
        fall[area] = lower_tail(*counts.tested(area))
    for area in enough[deviation[enough] >= least].tolist():
        rise[area] = upper_tail(*counts.tested(area))
    return fall, rise


def _members(grid: Grid, areas: Sequence[Sequence[int]] | None) -> sparse.csr_array:
    """(m, n) int64, 1 where the area has the cell."""
    if areas is None:
        lists = [disk[disk != OUTSIDE] for disk in grid.disks]
    else:
        lists = [np.unique(np.asarray(area, dtype=np.int64)) for area in areas]
    if any(cells.size == 0 or cells[0] < 0 or cells[-1] >= grid.size for cells in lists[: len(areas or ())]):
        raise ValueError("an area is empty or has a cell outside the grid")
    row = np.repeat(np.arange(len(lists)), [cells.size for cells in lists])
    column = np.concatenate([*lists, np.empty(0, dtype=np.int64)])
    return sparse.csr_array((np.ones(row.size, dtype=np.int64), (row, column)), shape=(len(lists), grid.size))


def _neighbours(grid: Grid, members: sparse.csr_array, enough, maximum_m: float):
    """Ordered pairs (k, 2) of areas that share no cell, and the great-circle distance of their centres (k,)."""
    angle = np.radians([h3.cell_to_latlng(int(cell)) for cell in grid.cells])
    cosine = np.cos(angle[:, 0])
    point = np.column_stack([cosine * np.cos(angle[:, 1]), cosine * np.sin(angle[:, 1]), np.sin(angle[:, 0])])
    own = members[enough]
    centre = own @ point
    centre /= np.linalg.norm(centre, axis=1, keepdims=True)
    if enough.size < 2:
        return np.empty((0, 2), dtype=np.int64), np.empty(0)
    chord = 2 * np.sin(min(maximum_m / EARTH_RADIUS_M, np.pi) / 2)
    pair = cKDTree(centre).query_pairs(chord * (1 + 1e-12), output_type="ndarray").astype(np.int64)
    shared = sparse.coo_array(own @ own.T)
    pair = pair[~np.isin(pair[:, 0] * enough.size + pair[:, 1], shared.row.astype(np.int64) * enough.size + shared.col)]
    apart = np.linalg.norm(centre[pair[:, 0]] - centre[pair[:, 1]], axis=1)
    distance = 2 * EARTH_RADIUS_M * np.arcsin(np.minimum(apart / 2, 1))
    return enough[np.vstack([pair, pair[:, ::-1]])], np.tile(distance, 2)


def _adjusted(fall, rise, fdr: float) -> npt.NDArray[np.float64]:
    """q of each pair for "falls and rises" (Bogomolov & Heller 2018, Biometrika 105:505, section 2.2, equal weights).

    Selected are pairs with fall <= fdr / 2 and pairs with rise <= fdr / 2; a pair in both selections is tested for its
    fall against the number selected for a rise and the other way round, then stepped up as by Benjamini & Hochberg.
    The two p-values of a pair come from areas without a common cell and are independent given the totals.
    """
    falling, rising = fall <= fdr / 2, rise <= fdr / 2
    both = np.flatnonzero(falling & rising)
    worst = 2 * np.maximum(fall[both] * np.count_nonzero(rising), rise[both] * np.count_nonzero(falling))
    order = np.argsort(worst)
    stepped = np.minimum.accumulate((worst[order] / np.arange(1, both.size + 1))[::-1])[::-1]
    q = np.ones(fall.size)
    q[both[order]] = np.minimum(stepped, 1)
    return q


def _shift(counts: _Counts, fading: int, growing: int, fall, rise, distance_m: float, q: float) -> Shift:
    observed, part, recent, whole = counts.tested(fading, growing)
    tails = lower_tail(observed, part, recent, whole), upper_tail(observed, part, recent, whole)
    return Shift(
        fading=_change(counts, fading, float(fall[fading])),
        growing=_change(counts, growing, float(rise[growing])),
        distance_m=distance_m,
        p=float(max(fall[fading], rise[growing])),
        q=q,
        together_ratio=observed / expected(part, recent, whole),
        together_p=min(1.0, 2 * min(tails)),
    )


def _change(counts: _Counts, area: int, p: float) -> Change:
    observed, part, recent, whole = counts.tested(area)
    return Change(area, int(part.sum()) - observed, observed, expected(part, recent, whole), p)
