"""Honest alarms: p from a stored pool of null maxima, and the recurrence interval over all streams of a night.

With S streams looked at every night and a accepted false alarms a year, a stream may alarm where its p is at most
a / (365 S) (recurrence interval 1/p nights: Kleinman, Lazarus & Platt 2004, Am J Epidemiol 159:217). That is far beyond
what 999 replicates can tell, hence the pool of many thousand, and beyond the pool a fitted tail.

The tail is the generalised Pareto distribution of the excesses over a high quantile of the pool, fitted by probability-
weighted moments (Hosking & Wallis 1987, Technometrics 29:339). A Gumbel distribution fitted to the whole pool (Abrams,
Kulldorff & Kleinman 2010, Am J Epidemiol suppl.) bends where most maxima are, not where the alarm is.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

NIGHTS_A_YEAR = 365
POOL_SIZE = 20_000
# The part of the pool whose excesses are fitted, and the fewest maxima above the observed that are simply counted.
_TAIL_SHARE = 0.025
_COUNTED_FROM = 30
_FEWEST_EXCESSES = 20


@dataclass(frozen=True)
class Tail:
    """P(X > x) = share · (1 + shape (x − start)/scale)^(−1/shape) for x ≥ start; exponential where shape is 0."""

    start: float
    share: float
    scale: float
    shape: float

    def p(self, value: float) -> float:
        depth = (value - self.start) / self.scale
        if abs(self.shape) < 1e-9:
            return float(self.share * np.exp(-depth))
        return float(self.share * max(1 + self.shape * depth, 0.0) ** (-1 / self.shape))


@dataclass(frozen=True)
class NullPool:
    """Null maxima of one stream, ascending, with the tail fitted to the largest of them (None: too few different)."""

    maxima: npt.NDArray[np.float64]
    tail: Tail | None


@dataclass(frozen=True)
class PoolP:
    """p-value against a pool; `is_fitted` says that it rests on the fitted tail and not on counting."""

    p: float
    exceeding: int
    is_fitted: bool


def null_pool(maxima: npt.ArrayLike) -> NullPool:
    """Pool out of maxima in any order. ValueError where one is missing, negative or infinite, or none is given."""
    values = np.sort(np.asarray(maxima, dtype=np.float64).reshape(-1))
    if values.size == 0 or not np.isfinite(values).all() or values[0] < 0:
        raise ValueError("maxima must be finite numbers of at least 0")
    return NullPool(values, _fit(values))


def pool_p(pool: NullPool, observed: float) -> PoolP:
    """Counted, (k + 1)/(n + 1), while k maxima reach the observed value and k is large; by the tail beyond.

    A statistic of 0 has p = 1. The tail never says more than counting would: p is at most (k + 1)/(n + 1).
    """
    size = pool.maxima.size
    exceeding = int(size - np.searchsorted(pool.maxima, observed, side="left"))
    counted = (exceeding + 1) / (size + 1)
    if observed <= 0:
        return PoolP(1.0, size, False)
    if exceeding >= _COUNTED_FROM or pool.tail is None or observed <= pool.tail.start:
        return PoolP(counted, exceeding, False)
    return PoolP(min(counted, pool.tail.p(observed)), exceeding, True)


def threshold_p(streams: int, accepted_a_year: float = 1.0) -> float:
    """The largest p that alarms. ValueError where either is not above 0."""
    if streams < 1 or accepted_a_year <= 0:
        raise ValueError(f"{streams} streams, {accepted_a_year} false alarms a year")
    return min(1.0, accepted_a_year / (NIGHTS_A_YEAR * streams))


def recurrence_nights(p: float) -> float:
    """Nights until chance alone gives as much once, in one stream. ValueError outside (0, 1]."""
    if not 0 < p <= 1:
        raise ValueError(f"p must be above 0 and at most 1, got {p}")
    return 1 / p


def _fit(values: npt.NDArray[np.float64]) -> Tail | None:
    number = max(int(values.size * _TAIL_SHARE), _FEWEST_EXCESSES)
    if values.size <= number:
        return None
    start = values[-number - 1]
    excess = values[-number:] - start
    # Probability-weighted moments a0 = E[X], a1 = E[X (1 − F)].
    a0 = excess.mean()
    a1 = (excess * (1 - (np.arange(1, number + 1) - 0.35) / number)).mean()
    if a0 <= 0 or a0 <= 2 * a1:
        return None
    shape = 2 - a0 / (a0 - 2 * a1)
    scale = 2 * a0 * a1 / (a0 - 2 * a1)
    return Tail(start=float(start), share=number / values.size, scale=float(scale), shape=float(shape))
