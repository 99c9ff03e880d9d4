"""Looking back: the best cylinders of a whole period, whenever they began and ended (retrospective space-time scan).

The same ratio as in `scan`, over all intervals instead of those that end today. With expectations from the margins of
the table it is the space-time permutation model (Kulldorff et al. 2005), with expectations from populations the
discrete Poisson model (Kulldorff, Athas, Feuer, Miller & Key 1998, Am J Public Health 88:1377).

Null hypothesis of the permutation model: within a stratum the periods are exchangeable among the cases. A replicate
deals all periods of a stratum out anew among its cases, so that the margins, and with them all expectations, stay.

Most intervals are dismissed without a logarithm. With c cases, μ expected and d = c − μ the ratio exceeds a value B
only where d exceeds a bound that depends on μ and the number of all cases; the excesses of all intervals of one length
are compared with the bound of the smallest μ among them at once.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numba
import numpy as np
import numpy.typing as npt

from lagebild.stats.grid import whole_counts
from lagebild.stats.scan import Cases, draw, ratio
from lagebild.stats.zones import NO_ZONE, Zones

# So many replicates as large as the observed, and p is above 5 %, whatever the others of the 999 are.
HOPELESS = 50
BATCH = 99
# Maxima of replicates that differ by no more than this are equal: sums of the same numbers in another order.
_EQUAL = 1e-9
# The steps of the bound's argument, from the smallest expectation told apart on.
_SMALLEST, _STEP, _STEPS = 1e-4, 1.1, 300
_SHUT = np.float32(-1e9)
# Zones with up to so many cases are looked at case by case.
_FEW = 32
# Lengths up to the first are looked at one by one, longer ones so many at once.
_SINGLE, _STRIDE = 8, 4


@dataclass(frozen=True)
class PastCluster:
    """`places` over the periods `first` to `last` (positions, both included)."""

    places: tuple[int, ...]
    first: int
    last: int
    count: int
    expected: float
    llr: float


@dataclass(frozen=True)
class Past:
    """Cases of a whole period, ready for looking back and for dealing out anew.

    observed: (n, T) integer; expected: (n, T) float64 from the margins of each stratum. labels, times: (m,) int32 place
    and period of every single case, stratum after stratum; bounds: (strata + 1,) where each begins.
    """

    observed: npt.NDArray[np.integer]
    expected: npt.NDArray[np.float64]
    labels: npt.NDArray[np.int32]
    times: npt.NDArray[np.int32]
    bounds: npt.NDArray[np.int64]

    @property
    def total(self) -> int:
        return self.labels.size


def expected_from_margins(observed: npt.ArrayLike) -> npt.NDArray[np.float64]:
    """(n, T): cases of the place × cases of the period / all cases, per stratum where observed is (strata, n, T)."""
    counts = whole_counts(observed).astype(np.float64)
    layers = counts if counts.ndim == 3 else counts[None]
    totals = layers.sum(axis=(1, 2), keepdims=True)
    products = layers.sum(axis=2, keepdims=True) * layers.sum(axis=1, keepdims=True)
    return np.divide(products, totals, out=np.zeros_like(products), where=totals > 0).sum(axis=0)


def past(data: Cases, *, places: int, periods: int) -> Past:
    """The last `periods` periods of the cases; age 0 is the last of them. ValueError for what lies beyond either."""
    if data.place.size and (data.place.max() >= places or data.age.max() >= periods):
        raise ValueError(f"there are cases beyond {places} places or {periods} periods")
    by_stratum = np.lexsort((data.age, data.place, data.stratum))
    place, time, stratum, number = (
        column[by_stratum] for column in (data.place, periods - 1 - data.age, data.stratum, data.count)
    )
    observed = np.zeros((places, periods), dtype=np.int64)
    np.add.at(observed, (place, time), number)
    observed = _small(observed)
    expected = np.zeros((places, periods))
    for layer in np.unique(stratum):
        own = stratum == layer
        by_place = np.bincount(place[own], weights=number[own], minlength=places)
        by_time = np.bincount(time[own], weights=number[own], minlength=periods)
        expected += np.outer(by_place, by_time) / by_place.sum()
    labels, times, layers = (np.repeat(column, number) for column in (place, time, stratum))
    bounds = np.flatnonzero(np.diff(layers, prepend=-1, append=-1)) if layers.size else np.zeros(1)
    return Past(observed, expected, labels.astype(np.int32), times.astype(np.int32), bounds.astype(np.int64))


def look_back(
    observed: npt.ArrayLike,
    expected: npt.ArrayLike,
    zones: Zones,
    *,
    longest: int,
    least: int = 2,
    most: int = 10,
    is_current_only: bool = False,
    may_recur: bool = False,
) -> tuple[PastCluster, ...]:
    """The best cylinders of at most `longest` periods, best first, without common places.

    observed: (n, T) cases; expected: (n, T) with the same sum; is_current_only: only intervals that end with the last
    period; may_recur: places may come again, at another time. Of cylinders with equal ratios the one with fewer places,
    then the shorter comes first. ValueError for unequal shapes or sums that differ by more than a millionth.
    """
    counts, means = _checked(observed, expected, zones)
    search = _Search.of(means, zones, int(counts.sum()), longest, least)
    blocked = np.zeros(counts.shape, dtype=np.bool_)
    found: list[PastCluster] = []
    while len(found) < most:
        value, zone, begin, end = search.best(counts, blocked=blocked, is_current_only=is_current_only)
        if value <= 0:
            break
        places, span = zones.places(zone), slice(begin, end + 1)
        found.append(
            PastCluster(
                places=tuple(places.tolist()),
                first=begin,
                last=end,
                count=int(counts[places, span].sum()),
                expected=float(means[places, span].sum()),
                llr=value,
            )
        )
        blocked[places, span if may_recur else slice(None)] = True
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
    search = _Search.of(means, zones, total, longest, least)
    maxima = np.empty(replicates)
    for replicate in range(replicates):
        maxima[replicate] = search.best(_small(rng.multinomial(total, shares).reshape(means.shape)))[0]
    return maxima


def null_permuted(
    data: Past,
    zones: Zones,
    value: float,
    *,
    longest: int,
    rng: np.random.Generator,
    least: int = 2,
    replicates: int = 999,
    stop_after: int = HOPELESS,
    report: Callable[[int], None] = lambda done: None,
) -> npt.NDArray[np.float64]:
    """(at most `replicates`,) largest ratios where the periods of each stratum are dealt out anew among its cases.

    Stops after the batch in which `stop_after` of them have reached `value`. After the first batch what is below its
    median is given as that median: nothing there is told apart any more. `report` is told how many are done.
    """
    search = _Search.of(data.expected, zones, data.total, longest, least)
    labels, counts = data.labels.copy(), np.zeros_like(data.observed)
    maxima, floor = np.empty(0), 0.0
    while maxima.size < replicates and reached(maxima, value) < stop_after:
        drawn = np.empty(min(BATCH, replicates - maxima.size))
        for replicate in range(drawn.size):
            _deal(labels, data.times, data.bounds, counts, rng)
            drawn[replicate] = search.best(counts, floor=floor)[0]
        maxima = np.concatenate([maxima, drawn])
        floor = floor or float(np.median(drawn))
        report(maxima.size)
    return maxima


def reached(maxima: npt.NDArray[np.float64], value: float) -> int:
    """How many replicates are as large."""
    return int(np.count_nonzero(maxima >= value - _EQUAL))


def p_of(maxima: npt.NDArray[np.float64], value: float) -> float:
    """(k + 1)/(n + 1); for a further cluster conservative, as the maxima are those of the best."""
    return (reached(maxima, value) + 1) / (maxima.size + 1)


def _checked(observed: npt.ArrayLike, expected: npt.ArrayLike, zones: Zones) -> tuple[npt.NDArray, npt.NDArray]:
    counts, means = whole_counts(observed), np.asarray(expected, dtype=np.float64)
    if counts.shape != means.shape or counts.ndim != 2 or counts.shape[0] != zones.size:
        raise ValueError(f"observed {counts.shape} and expected {means.shape} for {zones.size} places")
    if abs(counts.sum() - means.sum()) > 1e-6 * max(counts.sum(), 1):
        raise ValueError(f"observed and expected add up to {counts.sum()} and {means.sum()}")
    return _small(counts), means


def _small(counts: npt.NDArray[np.int64]) -> npt.NDArray[np.integer]:
    """The same in two bytes each, where all places together have so few cases in every period: twice as fast."""
    fits = counts.size and counts.sum(axis=0).max() <= np.iinfo(np.int16).max
    return counts.astype(np.int16 if fits else np.int32)


@dataclass(frozen=True)
class _Search:
    """What is the same for all tables with these expectations.

    means: (zones, T) float32; level: (zones, longest) int16 step of the smallest expectation of each length; fewest:
    (zones, longest) float32 excess that the least number of cases has at least.
    """

    zones: Zones
    expected: npt.NDArray[np.float64]
    means: npt.NDArray[np.float32]
    level: npt.NDArray[np.int16]
    fewest: npt.NDArray[np.float32]
    total: int
    least: int

    @classmethod
    def of(cls, expected: npt.NDArray[np.float64], zones: Zones, total: int, longest: int, least: int) -> _Search:
        if longest < 1 or least < 1:
            raise ValueError(f"longest and least must be at least 1, got {longest} and {least}")
        length = min(longest, expected.shape[1])
        walked = (zones.order, zones.first, zones.number)
        means, level, fewest = _tables(*walked, zones.count, expected, length, least)
        return cls(zones, expected, means, level, fewest, total, least)

    def best(
        self,
        counts: npt.NDArray[np.integer],
        *,
        floor: float = 0.0,
        blocked: npt.NDArray[np.bool_] | None = None,
        is_current_only: bool = False,
    ) -> tuple[float, int, int, int]:
        """Ratio, zone, first and last period of the best cylinder; the floor where none exceeds it."""
        zone, begin, end = _best(
            self.zones.order,
            self.zones.first,
            self.zones.number,
            counts,
            counts.sum(axis=1, dtype=np.int64),
            self.means,
            self.level,
            self.fewest,
            self.total,
            self.least,
            floor,
            blocked if blocked is not None else _NOTHING,
            is_current_only,
        )
        if zone == NO_ZONE:
            return floor, zone, begin, end
        places = self.zones.places(zone)
        inside = int(counts[places, begin : end + 1].sum())
        return float(ratio(inside, self.expected[places, begin : end + 1].sum(), self.total)), zone, begin, end


_NOTHING = np.zeros((0, 0), dtype=np.bool_)


@numba.njit(cache=True, nogil=True)
def _tables(order, first, number, zones, expected, longest, least):
    periods = expected.shape[1]
    means = np.zeros((zones, periods), np.float32)
    level = np.zeros((zones, longest), np.int16)
    fewest = np.zeros((zones, longest), np.float32)
    running = np.empty(periods)
    sums = np.empty(periods + 1)
    for chain in range(first.size - 1):
        running[:] = 0.0
        for step in range(first[chain], first[chain + 1]):
            running += expected[order[step]]
            zone = number[step]
            if zone == NO_ZONE:
                continue
            means[zone] = running
            sums[0] = 0.0
            for period in range(periods):
                sums[period + 1] = sums[period] + running[period]
            for length in range(1, longest + 1):
                low, high = np.inf, 0.0
                for begin in range(periods - length + 1):
                    mean = sums[begin + length] - sums[begin]
                    low, high = min(low, mean), max(high, mean)
                fewest[zone, length - 1] = least - high
                if low > _SMALLEST:
                    level[zone, length - 1] = min(int(np.log(low / _SMALLEST) / np.log(_STEP)), _STEPS - 1)
    return means, level, fewest


@numba.njit(cache=True, nogil=True)
def _bounds(value, total, bounds):
    """Excesses below which no ratio exceeds `value`, per step of the expectation; 0 for all below the smallest.

    For a given ratio the excess rises with the expectation as long as that is a small part of all cases; the smallest
    bound of all larger steps holds beyond.
    """
    bounds[0] = 0.0
    for step in range(1, bounds.size):
        mean = _SMALLEST * _STEP**step
        if mean >= total:
            bounds[step] = 0.0
            continue
        low, high = 0.0, total - mean
        if value <= 0.0:
            bounds[step] = 0.0
            continue
        for _ in range(30):
            middle = 0.5 * (low + high)
            if ratio(mean + middle, mean, total) > value:
                high = middle
            else:
                low = middle
        bounds[step] = low
    lowest = np.inf
    for step in range(bounds.size - 1, 0, -1):
        if _SMALLEST * _STEP**step < total:
            lowest = min(lowest, bounds[step])
            bounds[step] = lowest


@numba.njit(cache=True, nogil=True)
def _best(
    order, first, number, observed, of_place, means, level, fewest, total, least, floor, blocked, is_current_only
):
    periods = observed.shape[1]
    inside = np.empty(periods, observed.dtype)
    shut = np.zeros(periods, np.bool_)
    longest = level.shape[1]
    days = np.empty(_FEW, np.int64)
    excess = np.zeros(periods + _STRIDE, np.float32)
    work = np.empty((3, periods + _STRIDE), np.float32)
    bounds = np.empty(_STEPS)
    best, tabled = floor, floor
    _bounds(tabled, total, bounds)
    found, found_size, found_begin, found_length = NO_ZONE, 0, 0, 0
    for chain in range(first.size - 1):
        inside[:] = 0
        shut[:] = False
        held = looked_at = 0
        for step in range(first[chain], first[chain + 1]):
            place = order[step]
            if of_place[place]:
                held += of_place[place]
                for period in range(periods):
                    inside[period] += observed[place, period]
            if blocked.size:
                shut |= blocked[place]
            zone = number[step]
            # Places without cases add nothing but expectation: the zone before was at least as good, and smaller.
            if zone == NO_ZONE or held < least or held == looked_at:
                continue
            looked_at = held
            if best > tabled + 0.25:
                tabled = best
                _bounds(tabled, total, bounds)
            if held <= _FEW and not is_current_only:
                value, begin, length = _of_few(inside, means[zone], shut, days, longest, total, least, best)
            else:
                _exceeding(inside, means[zone], shut, excess)
                limits = level[zone], fewest[zone]
                value, begin, length = _of_zone(
                    inside, means[zone], excess, work, bounds, limits, total, least, best, is_current_only
                )
            size = step - first[chain] + 1
            is_narrower = value == best and found != NO_ZONE and (size, length) < (found_size, found_length)
            if value > best or is_narrower:
                best, found, found_size, found_begin, found_length = value, zone, size, begin, length
    return found, found_begin, found_begin + found_length - 1


@numba.njit(cache=True, nogil=True)
def _of_zone(inside, mean, excess, work, bounds, limits, total, least, best, is_current_only):
    """Ratio, begin and length of the best interval of a zone; ratio -1 where none reaches `best`."""
    level, fewest = limits
    periods, longest = inside.size, level.size
    sums, ahead, leap = work[0], work[1], work[2]
    sums[:] = 0
    if longest > _SINGLE:
        _look_ahead(excess, ahead, leap)
    value, found_begin, found_length = -1.0, 0, 0
    done = 0
    while done < longest:
        steps = _STRIDE if _SINGLE <= done <= longest - _STRIDE else 1
        bound = np.inf
        for length in range(done + 1, done + steps + 1):
            bound = min(bound, max(bounds[level[length - 1]], fewest[length - 1]))
        # The sums are rounded to seven digits.
        bound = np.float32(0.999 * bound - 0.01)
        further, most = (leap, ahead) if steps > 1 else (excess, excess)
        if _prolong(sums[: periods - done], further[done:periods], most[done:periods], bound):
            for begin in range(periods - done):
                if sums[begin] - further[done + begin] + most[done + begin] <= bound - np.float32(0.01):
                    continue
                for length in range(done + 1, min(done + steps, periods - begin) + 1):
                    if is_current_only and begin + length < periods:
                        continue
                    found = _ratio_of(inside, mean, begin, length, total, least)
                    if found >= best and (found > value or (found == value and length < found_length)):
                        value, found_begin, found_length = found, begin, length
        done += steps
    return value, found_begin, found_length


@numba.njit(cache=True, nogil=True)
def _of_few(inside, mean, shut, days, longest, total, least, best):
    """The same of a zone with few cases: the best interval begins and ends with one."""
    number = 0
    for period in range(inside.size):
        if inside[period] and not shut[period]:
            days[number] = period
            number += 1
    value, found_begin, found_length = -1.0, 0, 0
    for first in range(number):
        begin, at, cases, expected = days[first], days[first], 0, 0.0
        for last in range(first, number):
            end = days[last]
            if end - begin >= longest:
                break
            while at <= end and not shut[at]:
                expected += mean[at]
                at += 1
            if at <= end:
                break
            cases += inside[end]
            if cases < least or cases <= expected:
                continue
            found = ratio(cases, expected, total)
            if found >= best and found > value:
                value, found_begin, found_length = found, begin, end - begin + 1
    return value, found_begin, found_length


@numba.njit(cache=True, nogil=True)
def _exceeding(inside, mean, shut, excess):
    for period in range(inside.size):
        excess[period] = _SHUT if shut[period] else np.float32(inside[period]) - mean[period]


@numba.njit(cache=True, nogil=True)
def _look_ahead(excess, ahead, leap):
    """The largest sum of 1, 2, ... `_STRIDE` periods from each on, and that of all of them."""
    for begin in range(excess.size - _STRIDE):
        running = excess[begin]
        largest = running
        for further in range(1, _STRIDE):
            running += excess[begin + further]
            largest = running if running > largest else largest
        ahead[begin], leap[begin] = largest, running


@numba.njit(cache=True, nogil=True)
def _prolong(sums, further, most, bound):
    """Add `further` to all sums; whether one would with `most` exceed the bound. Written so that it is vectorised."""
    exceeds = np.int32(0)
    for begin in range(sums.size):
        before = sums[begin]
        sums[begin] = before + further[begin]
        exceeds |= np.int32(before + most[begin] > bound)
    return exceeds


@numba.njit(cache=True, nogil=True)
def _ratio_of(inside, mean, begin, length, total, least):
    """Ratio of one interval, -1 where it has too few cases or no more than expected."""
    cases, expected = 0, 0.0
    for period in range(begin, begin + length):
        cases += inside[period]
        expected += mean[period]
    return ratio(cases, expected, total) if cases >= least and cases > expected else -1.0


@numba.njit(cache=True, nogil=True)
def _deal(labels, times, bounds, counts, rng):
    """One replicate into `counts`. `labels` is shuffled in place: any order is as good a start as another."""
    counts[:] = 0
    for layer in range(bounds.size - 1):
        end = bounds[layer + 1]
        for at in range(bounds[layer], end):
            counts[draw(labels, at, end, rng), times[at]] += 1
