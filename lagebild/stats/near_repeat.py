"""Near repeats: cases that follow each other closely in space and time more often than chance explains.

The test is Knox's (1964, Appl Stat 13:25): all pairs of cases are counted by distance and by time apart, and the
table is compared with those of permuted times. Its use on crime: Johnson et al. 2007, J Quant Criminol 23:201.

Under the null hypothesis the times are exchangeable between the cases of a stratum: where cases happen and when they
happen stay as they are, which case has which time is random. Places with their own season or weekday, or an agency
that delivered only part of the period, break that; `strata` keeps such cases apart.
"""

from collections.abc import Callable
from dataclasses import dataclass
from enum import IntEnum
from itertools import combinations_with_replacement

import numba
import numpy as np
import numpy.typing as npt
from scipy import sparse
from scipy.spatial import cKDTree

PERMUTATIONS = 999
MAXIMUM_PAIRS = 20_000_000
# The search radius is widened by this factor; distances are compared exactly afterwards.
ROUNDING = 1 + 1e-9


class Metric(IntEnum):
    """Distance between two points; the number is the order of the Minkowski norm."""

    MANHATTAN = 1
    EUCLIDEAN = 2


@dataclass(frozen=True)
class KnoxTable:
    """Pairs by space band (rows) and time band (columns); s and t edges make s + 1 and t + 1 bands, the last open.

    observed: (s + 1, t + 1) int64 pairs. expected: same shape, float64, exact mean over all permutations.
    ratio: observed / expected, NaN where nothing is expected. p: upper tail of each cell by itself, at least
    1 / (permutations + 1). p_joint: (s, t), p of the cells without an open band, adjusted for looking at all of them.
    """

    observed: npt.NDArray[np.int64]
    expected: npt.NDArray[np.float64]
    ratio: npt.NDArray[np.float64]
    p: npt.NDArray[np.float64]
    p_joint: npt.NDArray[np.float64]
    permutations: int


@dataclass(frozen=True)
class Chain:
    """Cases linked by near-repeat pairs, by time and position; first and last: days of the first and last case."""

    cases: tuple[int, ...]
    first: int
    last: int


@dataclass(frozen=True)
class NearRepeats:
    """Pairs below both limits and the chains they form.

    pairs: (m, 2) int64 positions of the cases, the earlier (on the same day the lower position) first, rows ascending.
    distance: (m,) float64 metres. gap: (m,) int64 days. chains: longest first, then by first day, then by first case.
    """

    pairs: npt.NDArray[np.int64]
    distance: npt.NDArray[np.float64]
    gap: npt.NDArray[np.int64]
    chains: tuple[Chain, ...]


def knox(
    points: npt.ArrayLike,
    days: npt.ArrayLike,
    *,
    space_edges: npt.ArrayLike,
    time_edges: npt.ArrayLike,
    rng: np.random.Generator,
    strata: npt.ArrayLike | None = None,
    metric: Metric = Metric.EUCLIDEAN,
    permutations: int = PERMUTATIONS,
) -> KnoxTable | None:
    """Knox table with Monte-Carlo p-values; None for fewer than two cases.

    points: (n, 2) float, metres of a projected system. days: (n,) whole numbers. space_edges: (s,) metres, time_edges:
    (t,) whole days, positive and ascending; bands are half open, [0, e1), [e1, e2), ... and [es, inf). A first edge of
    1 m makes a band "same place". strata: (n,) codes, times are permuted within each; all cases one stratum where not
    given. The same cases in another order give the same table, p included, for the same state of `rng`.

    p is (1 + permutations at or above the observed count) / (permutations + 1); p_joint the single-step minP of
    Westfall & Young (1993, Resampling-based Multiple Testing, ch. 2), seldom below s·t / (permutations + 1).
    ValueError for wrong shapes, missing numbers, unordered edges, no permutation, more than MAXIMUM_PAIRS pairs within
    the last space edge.
    """
    place, day = _cases(points, days)
    rows, columns = _edges(space_edges, "space_edges"), _edges(time_edges, "time_edges")
    if (columns != np.floor(columns)).any():
        raise ValueError("time_edges must be whole days")
    if permutations < 1:
        raise ValueError(f"permutations must be at least 1, got {permutations}")
    if day.size < 2:
        return None
    place, day, stratum = _canonical(place, day, strata)
    search = _PairCount(place, day, rows, columns, metric)
    shuffled = _shuffle(stratum)
    counts = np.empty((permutations + 1, rows.size + 1, columns.size + 1), dtype=np.int64)
    counts[0] = observed = search.table(np.arange(day.size))
    for draw in range(1, permutations + 1):
        counts[draw] = search.table(shuffled(rng))
    expected = _expected(search, day, stratum, columns)
    ratio = np.divide(observed, expected, out=np.full(expected.shape, np.nan), where=expected > 0)
    return KnoxTable(
        observed=observed,
        expected=expected,
        ratio=ratio,
        p=(counts >= observed).sum(axis=0) / (permutations + 1),
        p_joint=_joint(counts[:, :-1, :-1]),
        permutations=permutations,
    )


def near_repeats(
    points: npt.ArrayLike,
    days: npt.ArrayLike,
    *,
    metres: float,
    within_days: int,
    metric: Metric = Metric.EUCLIDEAN,
    minimum: int = 2,
) -> NearRepeats:
    """Pairs less than `metres` and less than `within_days` apart, and the chains of at least `minimum` cases.

    points, days: as in `knox`, whose bands below the same two edges hold exactly these pairs. A chain is a connected
    component: its first and last case may lie far apart. ValueError as in `knox`, and for limits that are not positive.
    """
    place, day = _cases(points, days)
    if not (metres > 0 and within_days > 0):
        raise ValueError(f"metres and within_days must be positive, got {metres} and {within_days}")
    scaled = (day - day.min(initial=0)) * (metres / within_days)
    pair = _near(np.column_stack([place, scaled]), metres, np.inf)
    distance = _distance(place, pair, metric)
    gap = np.abs(day[pair[:, 0]] - day[pair[:, 1]])
    close = (distance < metres) & (gap < within_days)
    pair, distance, gap = pair[close], distance[close], gap[close]
    pair = np.sort(pair, axis=1)
    pair = np.where((day[pair[:, 0]] > day[pair[:, 1]])[:, None], pair[:, ::-1], pair)
    order = np.lexsort((pair[:, 1], pair[:, 0]))
    return NearRepeats(pair[order], distance[order], gap[order], _chains(pair, day, minimum))


class _PairCount:
    """Near pairs of fixed points, counted by the time bands of changing times.

    Only pairs within the last space edge are held; the open band is the rest of all pairs, whose time bands no
    permutation within strata changes in sum.
    """

    def __init__(self, place, day, rows, columns, metric: Metric) -> None:
        pair = _near(place, rows[-1], metric)
        band = np.searchsorted(rows, _distance(place, pair, metric), side="right")
        order = np.lexsort((pair[:, 0], band))
        order = order[band[order] < rows.size]
        self.first, self.second = (np.ascontiguousarray(pair[order, side], dtype=np.int32) for side in (0, 1))
        self.border = np.searchsorted(band[order], np.arange(rows.size + 1))
        self.edges = columns.astype(np.int64)
        self.day = day - day.min()
        if self.day.max() < np.iinfo(np.int32).max:
            self.day = self.day.astype(np.int32)
        self.total = np.diff(_pairs_below(day, day, self.edges), prepend=0, append=day.size * (day.size - 1) // 2)

    def table(self, order) -> npt.NDArray[np.int64]:
        table = np.zeros((self.border.size, self.edges.size + 1), dtype=np.int64)
        _count(self.day[order], self.first, self.second, self.border, self.edges, table)
        table[-1] = self.total - table[:-1].sum(axis=0)
        return table


@numba.njit(cache=True)
def _count(day, first, second, border, edges, table):
    """Add to `table` the pairs of each space band by time band."""
    for row in range(border.size - 1):
        for pair in range(border[row], border[row + 1]):
            gap = abs(day[first[pair]] - day[second[pair]])
            band = 0
            while band < edges.size and gap >= edges[band]:
                band += 1
            table[row, band] += 1


def _cases(points: npt.ArrayLike, days: npt.ArrayLike) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.int64]]:
    place, when = np.asarray(points, dtype=np.float64), np.asarray(days)
    if place.size == 0 and when.size == 0:
        return np.empty((0, 2)), np.empty(0, dtype=np.int64)
    if place.ndim != 2 or place.shape[1] != 2 or when.shape != place.shape[:1]:
        raise ValueError(f"points has shape {place.shape}, days {when.shape}")
    if not np.isfinite(place).all():
        raise ValueError("points must be finite")
    if when.dtype.kind not in "iuf" or not np.isfinite(when).all() or (when != when.astype(np.int64)).any():
        raise ValueError("days must be whole numbers")
    return place, when.astype(np.int64)


def _edges(edges: npt.ArrayLike, name: str) -> npt.NDArray[np.float64]:
    result = np.asarray(edges, dtype=np.float64)
    if result.ndim != 1 or result.size == 0 or not np.isfinite(result).all():
        raise ValueError(f"{name} must be a list of numbers")
    if result[0] <= 0 or (np.diff(result) <= 0).any():
        raise ValueError(f"{name} must be positive and ascending")
    return result


def _canonical(place, day, strata: npt.ArrayLike | None):
    """The cases in an order of their own, and their strata numbered by first appearance in it."""
    label = np.zeros(day.size, dtype=np.int64) if strata is None else np.unique(strata, return_inverse=True)[1]
    if label.shape != day.shape:
        raise ValueError(f"strata has shape {label.shape}, days {day.shape}")
    order = np.lexsort((label, day, place[:, 1], place[:, 0]))
    _, first, inverse = np.unique(label[order], return_index=True, return_inverse=True)
    return place[order], day[order], np.argsort(np.argsort(first))[inverse]


def _shuffle(stratum) -> Callable[[np.random.Generator], npt.NDArray[np.intp]]:
    """Draws random permutations of the positions that move none out of its stratum."""
    places = np.argsort(stratum, kind="stable")

    def draw(rng: np.random.Generator) -> npt.NDArray[np.intp]:
        order = np.empty(stratum.size, dtype=np.intp)
        order[places] = np.argsort(stratum + rng.random(stratum.size))
        return order

    return draw


def _near(coordinates, radius: float, norm: float) -> npt.NDArray[np.int64]:
    if len(coordinates) < 2:
        return np.empty((0, 2), dtype=np.int64)
    tree = cKDTree(coordinates)
    found = (tree.count_neighbors(tree, radius * ROUNDING, p=norm) - len(coordinates)) // 2
    if found > MAXIMUM_PAIRS:
        raise ValueError(f"{found} pairs of cases lie near each other, at most {MAXIMUM_PAIRS} can be counted")
    return tree.query_pairs(radius * ROUNDING, p=norm, output_type="ndarray").astype(np.int64).reshape(-1, 2)


def _distance(place, pair, metric: Metric) -> npt.NDArray[np.float64]:
    apart = np.abs(place[pair[:, 0]] - place[pair[:, 1]])
    return apart.sum(axis=1) if metric is Metric.MANHATTAN else np.hypot(apart[:, 0], apart[:, 1])


def _pairs_below(one, other, edges) -> npt.NDArray[np.int64]:
    """Pairs of the two lists of days less than each edge apart; of one list with itself each pair once."""
    ordered, same = np.sort(other), one is other
    below = [
        int((np.searchsorted(ordered, one + edge, "left") - np.searchsorted(ordered, one - edge, "right")).sum())
        for edge in edges
    ]
    return np.array([(number - one.size) // 2 if same else number for number in below], dtype=np.int64)


def _expected(search: _PairCount, day, stratum, columns) -> npt.NDArray[np.float64]:
    """Mean table over all permutations: each near pair of two strata has a random pair of their times."""
    edges = columns.astype(np.int64)
    expected = np.zeros((search.border.size, edges.size + 1))
    band = np.repeat(np.arange(search.border.size - 1), np.diff(search.border))
    low = np.minimum(stratum[search.first], stratum[search.second])
    high = np.maximum(stratum[search.first], stratum[search.second])
    number = int(stratum.max()) + 1
    cells, pairs = np.unique((low * number + high) * search.border.size + band, return_counts=True)
    near = dict(zip(cells.tolist(), pairs.tolist(), strict=True))
    of = [day[stratum == code] for code in range(number)]
    for a, b in combinations_with_replacement(range(number), 2):
        pairs_in = [near.get((a * number + b) * search.border.size + row, 0) for row in range(search.border.size - 1)]
        if any(pairs_in):
            every = of[a].size * (of[a].size - 1) // 2 if a == b else of[a].size * of[b].size
            share = np.diff(_pairs_below(of[a], of[b], edges), prepend=0, append=every) / every
            expected[:-1] += np.outer(pairs_in, share)
    expected[-1] = np.maximum(search.total - expected[:-1].sum(axis=0), 0)
    return expected


def _joint(counts) -> npt.NDArray[np.float64]:
    flat = counts.reshape(len(counts), -1)
    below = np.column_stack([np.searchsorted(np.sort(cell), cell, side="left") for cell in flat.T])
    p = (len(flat) - below) / len(flat)
    smallest = np.sort(p.min(axis=1))
    return (np.searchsorted(smallest, p[0], side="right") / len(flat)).reshape(counts.shape[1:])


def _chains(pair, day, minimum: int) -> tuple[Chain, ...]:
    link = sparse.coo_array((np.ones(len(pair), dtype=np.int8), (pair[:, 0], pair[:, 1])), shape=(day.size, day.size))
    if day.size == 0:
        return ()
    _, label = sparse.csgraph.connected_components(link, directed=False)
    order = np.lexsort((np.arange(day.size), day, label))
    groups = np.split(order, np.flatnonzero(np.diff(label[order])) + 1)
    chains = [
        Chain(tuple(group.tolist()), first=int(day[group[0]]), last=int(day[group[-1]]))
        for group in groups
        if group.size >= max(minimum, 2)
    ]
    return tuple(sorted(chains, key=lambda chain: (-len(chain.cases), chain.first, chain.cases)))
