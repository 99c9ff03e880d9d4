"""Looking back: the best cylinders of a whole period, whenever they began and ended (retrospective space-time scan).

The same ratio as in `scan`, over all intervals instead of those that end today. With expectations from the margins of
the table it is the space-time permutation model (Kulldorff et al. 2005), with expectations from populations the
discrete Poisson model (Kulldorff, Athas, Feuer, Miller & Key 1998, Am J Public Health 88:1377).
"""

from __future__ import annotations

from dataclasses import dataclass

import numba
import numpy as np
import numpy.typing as npt

from lagebild.stats.grid import whole_counts
from lagebild.stats.scan import ratio
from lagebild.stats.zones import NO_ZONE, Zones


@dataclass(frozen=True)
class PastCluster:
    """`places` over the periods `first` to `last` (positions, both included)."""

    places: tuple[int, ...]
    first: int
    last: int
    count: int
    expected: float
    llr: float


def expected_from_margins(observed: npt.ArrayLike) -> npt.NDArray[np.float64]:
    """(n, T): cases of the place × cases of the period / all cases, per stratum where observed is (strata, n, T)."""
    counts = whole_counts(observed).astype(np.float64)
    layers = counts if counts.ndim == 3 else counts[None]
    totals = layers.sum(axis=(1, 2), keepdims=True)
    products = layers.sum(axis=2, keepdims=True) * layers.sum(axis=1, keepdims=True)
    return np.divide(products, totals, out=np.zeros_like(products), where=totals > 0).sum(axis=0)


def look_back(
    observed: npt.ArrayLike,
    expected: npt.ArrayLike,
    zones: Zones,
    *,
    longest: int,
    least: int = 2,
    most: int = 10,
    is_current_only: bool = False,
) -> tuple[PastCluster, ...]:
    """The best cylinders of at most `longest` periods, best first, without common places.

    observed: (n, T) cases; expected: (n, T) with the same sum; is_current_only: only intervals that end with the last
    period. ValueError for unequal shapes or sums that differ by more than a millionth.
    """
    counts, means = _checked(observed, expected, zones)
    llr, begin, end = _past(
        zones.order, zones.first, zones.number, zones.count, counts, means, longest, least, is_current_only
    )
    found: list[PastCluster] = []
    taken: set[int] = set()
    for zone in np.lexsort((np.arange(llr.size), zones.sizes, -llr)):
        if llr[zone] <= 0 or len(found) == most:
            break
        places = zones.places(int(zone)).tolist()
        if not taken.isdisjoint(places):
            continue
        taken.update(places)
        span = slice(int(begin[zone]), int(end[zone]) + 1)
        found.append(
            PastCluster(
                places=tuple(places),
                first=span.start,
                last=span.stop - 1,
                count=int(counts[places, span].sum()),
                expected=float(means[places, span].sum()),
                llr=float(llr[zone]),
            )
        )
    return tuple(found)


def null_poisson(
    expected: npt.ArrayLike,
    total: int,
    zones: Zones,
    *,
    longest: int,
    replicates: int,
    rng: np.random.Generator,
    least: int = 2,
) -> npt.NDArray[np.float64]:
    """(replicates,) largest ratios where `total` cases fall on the table in proportion to `expected`."""
    means = np.asarray(expected, dtype=np.float64)
    shares = (means / means.sum()).reshape(-1)
    maxima = np.empty(replicates)
    for replicate in range(replicates):
        counts = rng.multinomial(total, shares).reshape(means.shape).astype(np.int64)
        maxima[replicate] = _past(
            zones.order, zones.first, zones.number, zones.count, counts, means, longest, least, False
        )[0].max(initial=0.0)
    return maxima


def _checked(observed: npt.ArrayLike, expected: npt.ArrayLike, zones: Zones) -> tuple[npt.NDArray, npt.NDArray]:
    counts, means = whole_counts(observed), np.asarray(expected, dtype=np.float64)
    if counts.shape != means.shape or counts.ndim != 2 or counts.shape[0] != zones.size:
        raise ValueError(f"observed {counts.shape} and expected {means.shape} for {zones.size} places")
    if abs(counts.sum() - means.sum()) > 1e-6 * max(counts.sum(), 1):
        raise ValueError(f"observed and expected add up to {counts.sum()} and {means.sum()}")
    return counts, means


@numba.njit(cache=True, nogil=True)
def _past(order, first, number, zones, observed, expected, longest, least, is_current_only):
    periods = observed.shape[1]
    total = observed.sum()
    values = np.zeros(zones)
    begins = np.zeros(zones, np.int64)
    ends = np.zeros(zones, np.int64)
    inside = np.empty(periods + 1, np.int64)
    means = np.empty(periods + 1)
    for chain in range(first.size - 1):
        inside[:] = 0
        means[:] = 0.0
        for step in range(first[chain], first[chain + 1]):
            place = order[step]
            count = 0
            mean = 0.0
            for period in range(periods):
                count += observed[place, period]
                mean += expected[place, period]
                inside[period + 1] += count
                means[period + 1] += mean
            zone = number[step]
            if zone == NO_ZONE or inside[periods] < least:
                continue
            for end in range(periods - 1 if is_current_only else 0, periods):
                for begin in range(max(0, end - longest + 1), end + 1):
                    cases = inside[end + 1] - inside[begin]
                    mean = means[end + 1] - means[begin]
                    if cases < least or cases <= mean:
                        continue
                    value = ratio(cases, mean, total)
                    if value > values[zone]:
                        values[zone], begins[zone], ends[zone] = value, begin, end
    return values, begins, ends
