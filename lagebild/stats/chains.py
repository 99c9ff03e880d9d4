"""Chains: events of one stream that precede those of another at the same place by some weeks.

Counted is every pair of an event of the first stream at a place and one of the second in its disk l weeks later. Two
streams that share a season or lively places have many such pairs without any connection, and two that flare up
together have them at every lag, forwards and backwards. Hence two questions, each with its own null hypothesis; a
chain needs both:

- Together: given each place's and each week's totals, the places' deviations from them in the first stream are
  unconnected with the second. Exchangeable are circular shifts in time of the first stream's deviations, by one
  random number of weeks per block of places. Deviations are scaled to equal variance over the season, so that
  shifting them past it changes nothing. What stays as it is: the second stream, all places' totals, how long a flare
  lasts, and how far it reaches within a block.
- In this order: blocks may be connected, but no direction is preferred. Exchangeable are the signs of each block's
  difference between pairs l weeks forwards and l weeks backwards (Fisher 1935, The Design of Experiments, section 21).

Both take the maximum over all lags, so that having looked at each costs no level.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from lagebild.stats.grid import Grid, disk_sums, whole_counts

MAXIMUM_LAG = 8
PERMUTATIONS = 999
# Weeks over which the spread of deviations is smoothed before they are scaled by it.
SEASON_WEEKS = 13
TOLERANCE = 1e-9


@dataclass(frozen=True)
class Carrier:
    """One place's part: pairs at the best lag and those expected from its own and the weeks' totals."""

    place: int
    pairs: int
    expected: float


@dataclass(frozen=True)
class Lead:
    """How the first stream precedes the second.

    lag: weeks with the largest sum of the first question's test. pairs, expected: at that lag over all places; excess:
    their difference.
    by_lag: (lags,) excess of each lag from 1. p_together, p_order: of the two questions, at least
    1 / (permutations + 1); p: the larger. carriers: fewest places whose excess adds up to half of all places' positive
    excess, largest first. blocks: blocks in which both streams have events.
    """

    lag: int
    pairs: int
    expected: float
    excess: float
    by_lag: npt.NDArray[np.float64]
    p_together: float
    p_order: float
    p: float
    carriers: tuple[Carrier, ...]
    blocks: int
    permutations: int


def find_lead(
    grid: Grid,
    first: npt.ArrayLike,
    second: npt.ArrayLike,
    *,
    rng: np.random.Generator,
    blocks: npt.ArrayLike | None = None,
    maximum_lag: int = MAXIMUM_LAG,
    permutations: int = PERMUTATIONS,
) -> Lead | None:
    """Whether and by how many weeks `first` precedes `second`; None where they have no events in a common disk.

    first, second: (n, w) whole numbers, events per cell of the grid and week, weeks without a gap. blocks: (n,)
    integer codes of the places that are shifted together, as large as flares reach (districts, H3 cells two
    resolutions coarser); each cell by itself where not given. maximum_lag: lags 1 to this.

    Places are weighted by 1 / events of the second stream in their disk, as in the score test of "each event of the
    first adds the same to the second": busy places would drown the others in their noise.
    p_together = (1 + shifts whose largest sum is at or above the observed one) / (permutations + 1), p_order likewise
    over random signs with each lag's sum divided by the root of its sum of squares. Weeks close to a circle in both,
    not in `pairs`. The same table of cells in the same order, weeks and seed give the same result.
    ValueError for wrong shapes, broken counts, fewer than four times `maximum_lag` weeks, no permutation.
    """
    early, late = whole_counts(first), whole_counts(second)
    if early.shape != late.shape or early.ndim != 2 or early.shape[0] != grid.size:
        raise ValueError(f"first has shape {early.shape}, second {late.shape}, the grid {grid.size} cells")
    if maximum_lag < 1 or permutations < 1 or early.shape[1] < 4 * maximum_lag:
        raise ValueError(
            f"{early.shape[1]} weeks, lags to {maximum_lag}, {permutations} permutations do not go together"
        )
    block = _blocks(blocks, grid.size)
    around = disk_sums(grid, late.T).T
    used = (early.sum(axis=1) > 0) & (around.sum(axis=1) > 0)
    if not used.any():
        return None
    deviation = _deviations(early, scaled=True)[used]
    weight = 1 / around[used].sum(axis=1, keepdims=True)
    correlation = _correlation(deviation, weight * _deviations(around, scaled=False)[used])
    correlation = _by_block(correlation, block[used])
    lags = np.arange(1, maximum_lag + 1)
    together = _p_together(correlation, lags, permutations, rng)
    order = _p_order(correlation[:, lags] - correlation[:, -lags], permutations, rng)
    by_lag = [_pairs(early, around, int(lag)) for lag in lags]
    excess = np.array([(pairs - mean).sum() for pairs, mean in by_lag])
    best = int(correlation[:, lags].sum(axis=0).argmax())
    pairs, mean = by_lag[best]
    return Lead(
        lag=best + 1,
        pairs=int(pairs.sum()),
        expected=float(mean.sum()),
        excess=float(excess[best]),
        by_lag=excess,
        p_together=together,
        p_order=order,
        p=max(together, order),
        carriers=_carriers(pairs, mean),
        blocks=len(correlation),
        permutations=permutations,
    )


def _blocks(blocks: npt.ArrayLike | None, size: int) -> npt.NDArray[np.int64]:
    """Codes 0, 1, ... in the order of the blocks' first places, whatever they were called."""
    code = np.arange(size) if blocks is None else np.asarray(blocks)
    if code.shape != (size,) or code.dtype.kind not in "iu":
        raise ValueError(f"blocks must be {size} integers, got {code.dtype} of shape {code.shape}")
    _, start, inverse = np.unique(code, return_index=True, return_inverse=True)
    return np.argsort(np.argsort(start))[inverse]


def _expected(counts) -> npt.NDArray[np.float64]:
    """Events per place and week if each place's events were spread over the weeks like all events."""
    week = counts.sum(axis=0, dtype=np.float64)
    return np.outer(counts.sum(axis=1), week / week.sum())


def _deviations(counts, *, scaled: bool) -> npt.NDArray[np.float64]:
    """Counts less expected ones, each place's sum 0; scaled: to equal variance over the season."""
    deviation = counts - _expected(counts)
    if scaled:
        total = np.maximum(counts.sum(axis=1, keepdims=True), 1)
        spread = ndimage.uniform_filter1d((deviation**2 / total).sum(axis=0), SEASON_WEEKS, mode="wrap")
        deviation = np.divide(
            deviation, np.sqrt(np.maximum(spread, 0)), out=np.zeros_like(deviation), where=spread > TOLERANCE
        )
    return deviation - deviation.mean(axis=1, keepdims=True)


def _correlation(early, late) -> npt.NDArray[np.float64]:
    """(n, w) sums over weeks t of early[t] · late[t + k], k = 0 ... w - 1, weeks closed to a circle."""
    weeks = early.shape[1]
    return np.fft.irfft(np.conj(np.fft.rfft(early, axis=1)) * np.fft.rfft(late, axis=1), n=weeks, axis=1)


def _by_block(correlation, block) -> npt.NDArray[np.float64]:
    kept, row = np.unique(block, return_inverse=True)
    total = np.zeros((kept.size, correlation.shape[1]))
    np.add.at(total, row, correlation)
    return total


def _p_together(correlation, lags, permutations: int, rng: np.random.Generator) -> float:
    """p of the largest sum over lags when each block of the first stream is shifted by a random number of weeks."""
    number, weeks = correlation.shape
    observed = correlation[:, lags].sum(axis=0).max()
    reached = 0
    for _ in range(permutations):
        shift = rng.integers(0, weeks, number)
        moved = correlation[np.arange(number)[:, None], (lags[None, :] - shift[:, None]) % weeks]
        reached += moved.sum(axis=0).max() >= observed - TOLERANCE * np.abs(correlation).max()
    return float((1 + reached) / (permutations + 1))


def _p_order(difference, permutations: int, rng: np.random.Generator) -> float:
    """p of the largest standardised sum over lags when each block's differences change their sign at random."""
    scale = np.sqrt((difference**2).sum(axis=0))
    unit = np.divide(difference, scale, out=np.zeros_like(difference), where=scale > TOLERANCE)
    sign = rng.integers(0, 2, (permutations, len(unit)), dtype=np.int8) * 2.0 - 1
    reached = np.count_nonzero((sign @ unit).max(axis=1) >= unit.sum(axis=0).max() - TOLERANCE)
    return float((1 + reached) / (permutations + 1))


def _pairs(early, around, lag: int) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float64]]:
    """Pairs with this lag per place, and those expected from the totals of places and weeks."""
    pairs = (early[:, :-lag] * around[:, lag:]).sum(axis=1)
    mean = (_expected(early)[:, :-lag] * _expected(around)[:, lag:]).sum(axis=1)
    return pairs, mean


def _carriers(pairs, mean) -> tuple[Carrier, ...]:
    excess = pairs - mean
    order = np.lexsort((np.arange(pairs.size), -excess))
    order = order[(excess[order] > 0) & (pairs[order] > 0)]
    reached = np.cumsum(excess[order])
    if order.size == 0:
        return ()
    enough = int(np.searchsorted(reached, reached[-1] / 2)) + 1
    return tuple(Carrier(int(place), int(pairs[place]), float(mean[place])) for place in order[:enough])
