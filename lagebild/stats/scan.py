"""Prospective space-time permutation scan (Kulldorff, Heffernan, Hartman, Assunção & Mostashari 2005, PLoS Med 2:e59).

A cylinder is a zone and the last w days. With c cases in it of C in all, and an expected number μ from the totals,

    LLR = c ln(c/μ) + (C − c) ln((C − c)/(C − μ))   where c > μ, else 0;

the statistic is the largest LLR of all cylinders. Null hypothesis: within a stratum the days are exchangeable among the
cases, so μ = Σ_strata (cases of the stratum in the zone) × (cases of the stratum in the window) / (cases of the
stratum). A stratum is one agency, weekday class, counting epoch and place of its own; days without delivery have no
cases and none expected.

A replicate deals the days out anew within each stratum. Only who gets the last W days matters: a partial shuffle, whose
cost does not depend on what lies further back. Of a stratum with very many cases first the number each place has in the
window is drawn (multivariate hypergeometric), then its days are shuffled: the same distribution, and the cost no longer
depends on the size of the archive.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numba
import numpy as np
import numpy.typing as npt

from lagebild.stats.zones import NO_ZONE, Zones

WINDOW_DAYS = 28
LEAST_CASES = 5
# Cases in the window per place from which a stratum is dealt by numbers first.
LARGE_FROM = 20


@dataclass(frozen=True)
class Cases:
    """Cases of one stream, counted by place, age and stratum. Arrays (m,) of equal length.

    place: 0 to n − 1; age: days before the day of the analysis, 0 is that day; stratum: 0, 1, …; count: at least 1.
    """

    place: npt.NDArray[np.int64]
    age: npt.NDArray[np.int64]
    stratum: npt.NDArray[np.int64]
    count: npt.NDArray[np.int64]

    @property
    def total(self) -> int:
        return int(self.count.sum())


@dataclass(frozen=True)
class Cluster:
    """A cylinder: `places` over the last `days` days, with its count, its expectation and its log-likelihood ratio."""

    zone: int
    places: tuple[int, ...]
    days: int
    count: int
    expected: float
    llr: float


@dataclass(frozen=True)
class Stream:
    """Cases made ready for scanning one zone family.

    recent: (n, W) int64 cases per place of the last 1, 2, …, W days; expected: (zones, W) float64; total: all cases;
    dealt: per stratum the cases per place (n,) and per age (W,).
    """

    zones: Zones
    recent: npt.NDArray[np.int64]
    expected: npt.NDArray[np.float64]
    total: int
    least: int
    dealt: tuple[tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]], ...]

    @property
    def is_empty(self) -> bool:
        """There is no case in the window."""
        return not self.recent[:, -1].any()

    @property
    def is_quiet(self) -> bool:
        """No cylinder can hold the least number of cases."""
        return int(self.recent[:, -1].sum()) < self.least


def cases(
    place: npt.ArrayLike, age: npt.ArrayLike, stratum: npt.ArrayLike | None = None, count: npt.ArrayLike | None = None
) -> Cases:
    """Cases out of equally long sequences of whole numbers; one stratum and single cases where not given.

    ValueError for unequal lengths, negative places, ages or strata, and counts below 1.
    """
    where = np.asarray(place, dtype=np.int64).reshape(-1)
    when = np.asarray(age, dtype=np.int64).reshape(-1)
    layer = np.zeros_like(where) if stratum is None else np.asarray(stratum, dtype=np.int64).reshape(-1)
    number = np.ones_like(where) if count is None else np.asarray(count, dtype=np.int64).reshape(-1)
    if not where.shape == when.shape == layer.shape == number.shape:
        raise ValueError(f"unequal lengths: {where.size}, {when.size}, {layer.size}, {number.size}")
    if where.size and min(where.min(), when.min(), layer.min()) < 0:
        raise ValueError("place, age and stratum must be at least 0")
    if where.size and number.min() < 1:
        raise ValueError("count must be at least 1")
    return Cases(where, when, layer, number)


def prepare(data: Cases, zones: Zones, *, days: int = WINDOW_DAYS, least: int = LEAST_CASES) -> Stream:
    """Totals and expectations of every cylinder. ValueError for places beyond the family and a window below one day."""
    if days < 1 or least < 1:
        raise ValueError(f"days and least must be at least 1, got {days} and {least}")
    if data.place.size and data.place.max() >= zones.size:
        raise ValueError(f"place {int(data.place.max())} is beyond the {zones.size} places of the family")
    labels, layer = np.unique(data.stratum, return_inverse=True)
    strata, layer = labels.size, layer.reshape(-1)
    young = data.age < days
    per_place = _counted(layer * zones.size + data.place, data.count, (strata, zones.size))
    per_age = _counted((layer * days + data.age)[young], data.count[young], (strata, days))
    recent = _counted((data.place * days + data.age)[young], data.count[young], (zones.size, days))
    dealt = np.flatnonzero(per_age.any(axis=1))
    per_place, per_age = per_place[dealt], per_age[dealt]
    return Stream(
        zones=zones,
        recent=np.cumsum(recent, axis=1),
        expected=_expectations(zones.sums(per_place.T), np.cumsum(per_age, axis=1) / per_place.sum(axis=1)[:, None]),
        total=data.total,
        least=least,
        dealt=tuple(zip(per_place, per_age, strict=True)),
    )


def _counted(key: npt.NDArray[np.int64], count: npt.NDArray[np.int64], shape: tuple[int, int]) -> npt.NDArray[np.int64]:
    size = shape[0] * shape[1]
    return np.bincount(key, weights=count, minlength=size).astype(np.int64).reshape(shape)


def statistic(stream: Stream) -> float:
    """The largest log-likelihood ratio of all cylinders; 0.0 where none holds more than expected."""
    if stream.is_quiet:
        return 0.0
    return float(
        _largest(*_walked(stream), stream.recent.astype(np.int32), stream.expected, stream.total, stream.least)
    )


def clusters(stream: Stream, *, most: int = 10) -> tuple[Cluster, ...]:
    """The best cylinders, best first; a further one only where its zone shares no place with an earlier one.

    Of cylinders with equal ratios the one with fewer places, then the shorter, then the earlier zone comes first.
    """
    if stream.is_quiet:
        return ()
    llr, days = _best_of_zones(
        *_walked(stream), stream.recent.astype(np.int32), stream.expected, stream.total, stream.least
    )
    found: list[Cluster] = []
    taken: set[int] = set()
    sizes = stream.zones.sizes
    for zone in np.lexsort((np.arange(llr.size), days, sizes, -llr)):
        if llr[zone] <= 0 or len(found) == most:
            break
        places = stream.zones.places(int(zone))
        if taken.isdisjoint(places.tolist()):
            taken.update(places.tolist())
            found.append(_cluster(stream, int(zone), places, int(days[zone]), float(llr[zone])))
    return tuple(found)


def null_maxima(stream: Stream, replicates: int, rng: np.random.Generator) -> npt.NDArray[np.float64]:
    """(replicates,) float64: the statistic under the null hypothesis, in the order in which `rng` gives it.

    ValueError for a negative number.
    """
    if replicates < 0:
        raise ValueError(f"replicates must be at least 0, got {replicates}")
    if stream.is_quiet:
        return np.zeros(replicates)
    deck = Deck.of(stream)
    walked = _walked(stream)
    recent = np.zeros(stream.recent.shape, dtype=np.int32)
    maxima = np.empty(replicates)
    for replicate in range(replicates):
        deck.deal(recent, rng)
        maxima[replicate] = _largest(*walked, recent, stream.expected, stream.total, stream.least)
    return maxima


@dataclass(frozen=True)
class Deck:
    """What a replicate deals out. `deal` shuffles it in place: any order is as good a start as another.

    Strata of usual size: labels: (c,) int32, the place of each case, stratum after stratum; bounds: where each begins;
    per_age: (strata, W) how many of it each age gets. Large strata: pairs of cases per place (n,) and, for each case of
    the window, its age.
    """

    labels: npt.NDArray[np.int32]
    bounds: npt.NDArray[np.int64]
    per_age: npt.NDArray[np.int64]
    large: tuple[tuple[npt.NDArray[np.int64], npt.NDArray[np.int16]], ...]

    @classmethod
    def of(cls, stream: Stream, *, large_from: int = LARGE_FROM) -> Deck:
        """large_from: cases in the window per place."""
        size, days = stream.recent.shape
        is_large = [per_age.sum() >= large_from * size for _, per_age in stream.dealt]
        usual = [dealt for dealt, large in zip(stream.dealt, is_large, strict=True) if not large]
        places = np.arange(size, dtype=np.int32)
        labels = [np.repeat(places, per_place) for per_place, _ in usual]
        return cls(
            labels=np.concatenate([np.empty(0, dtype=np.int32), *labels]),
            bounds=np.cumsum([0, *(label.size for label in labels)]).astype(np.int64),
            per_age=np.array([per_age for _, per_age in usual], dtype=np.int64).reshape(-1, days),
            large=tuple(
                (per_place, np.repeat(np.arange(days, dtype=np.int16), per_age))
                for (per_place, per_age), large in zip(stream.dealt, is_large, strict=True)
                if large
            ),
        )

    def deal(self, recent: npt.NDArray[np.int32], rng: np.random.Generator) -> None:
        """One replicate's cases of the last 1, 2, …, W days into `recent` (n, W)."""
        _deal(self.labels, self.bounds, self.per_age, recent, rng)
        for per_place, ages in self.large:
            window = rng.multivariate_hypergeometric(per_place, ages.size, method="marginals")
            _spread(ages, window, recent, rng)
        _accumulate(recent)


@dataclass(frozen=True)
class MonteCarlo:
    """p by Besag & Clifford (1991, Biometrika 78:301): `exceeding` of `replicates` reached the observed statistic."""

    p: float
    exceeding: int
    replicates: int


def sequential_p(
    stream: Stream,
    rng: np.random.Generator,
    *,
    observed: float | None = None,
    stop_after: int = 10,
    most: int = 999,
    batch: int = 50,
) -> MonteCarlo:
    """Replicates until `stop_after` of them reach the observed statistic, `most` at the utmost.

    p = exceeding/replicates where it stopped early, else (exceeding + 1)/(replicates + 1).
    """
    value = statistic(stream) if observed is None else observed
    if value <= 0:
        return MonteCarlo(1.0, 0, 0)
    exceeding = done = 0
    while done < most:
        drawn = null_maxima(stream, min(batch, most - done), rng)
        reached = np.cumsum(drawn >= value)
        if exceeding + reached[-1] >= stop_after:
            done += int(np.searchsorted(reached, stop_after - exceeding)) + 1
            return MonteCarlo(stop_after / done, stop_after, done)
        exceeding, done = exceeding + int(reached[-1]), done + drawn.size
    return MonteCarlo((exceeding + 1) / (done + 1), exceeding, done)


def _cluster(stream: Stream, zone: int, places: Sequence[int], days: int, llr: float) -> Cluster:
    members = np.asarray(places)
    return Cluster(
        zone=zone,
        places=tuple(int(place) for place in members),
        days=days,
        count=int(stream.recent[members, days - 1].sum()),
        expected=float(stream.expected[zone, days - 1]),
        llr=llr,
    )


def _walked(stream: Stream) -> tuple:
    return stream.zones.order, stream.zones.first, stream.zones.number


@numba.njit(cache=True, nogil=True)
def _expectations(inside, share):
    """(zones, W): per stratum (cases in the zone) × (share of its cases in the last 1, 2, …, W days), added up."""
    zones, strata = inside.shape
    days = share.shape[1]
    expected = np.zeros((zones, days))
    for zone in range(zones):
        for layer in range(strata):
            if inside[zone, layer] > 0:
                for day in range(days):
                    expected[zone, day] += inside[zone, layer] * share[layer, day]
    return expected


@numba.njit(cache=True, nogil=True)
def ratio(count, expected, total):
    """Log-likelihood ratio of one cylinder with count > expected."""
    value = count * np.log(count / expected)
    if total > count:
        value += (total - count) * np.log((total - count) / (total - expected))
    return value


@numba.njit(cache=True, nogil=True)
def _largest(order, first, number, recent, expected, total, least):
    days = recent.shape[1]
    inside = np.empty(days, np.int32)
    best = 0.0
    for chain in range(first.size - 1):
        inside[:] = 0
        for step in range(first[chain], first[chain + 1]):
            place = order[step]
            if recent[place, days - 1] > 0:
                for day in range(days):
                    inside[day] += recent[place, day]
            zone = number[step]
            if zone == NO_ZONE or inside[days - 1] < least:
                continue
            for day in range(days - 1, -1, -1):
                count = inside[day]
                if count < least:
                    break
                mean = expected[zone, day]
                excess = count - mean
                # The ratio is at most d²/2·(1/μ + 1/(C − c)): most logarithms are spared.
                if excess <= 0.0 or (
                    count < total and 0.5 * excess * excess * (1.0 / mean + 1.0 / (total - count)) <= best
                ):
                    continue
                value = ratio(count, mean, total)
                if value > best:
                    best = value
    return best


@numba.njit(cache=True, nogil=True)
def _best_of_zones(order, first, number, recent, expected, total, least):
    days = recent.shape[1]
    inside = np.empty(days, np.int32)
    values = np.zeros(expected.shape[0])
    lengths = np.zeros(expected.shape[0], np.int64)
    for chain in range(first.size - 1):
        inside[:] = 0
        for step in range(first[chain], first[chain + 1]):
            place = order[step]
            for day in range(days):
                inside[day] += recent[place, day]
            zone = number[step]
            if zone == NO_ZONE:
                continue
            for day in range(days):
                if inside[day] < least or inside[day] <= expected[zone, day]:
                    continue
                value = ratio(inside[day], expected[zone, day], total)
                if value > values[zone]:
                    values[zone], lengths[zone] = value, day + 1
    return values, lengths


@numba.njit(cache=True, nogil=True)
def draw(cards, at, end, rng):
    """One of the cards from `at` to before `end`, put to `at`: drawing without replacement.

    A fraction is drawn ten times as fast as by `integers`; no card is favoured by more than one in a thousand million.
    """
    other = at + int(rng.random() * (end - at))
    card = cards[other]
    cards[other] = cards[at]
    cards[at] = card
    return card


@numba.njit(cache=True, nogil=True)
def _deal(labels, bounds, per_age, recent, rng):
    """The last W days to cases of each stratum drawn without replacement: a shuffle of as many labels."""
    recent[:] = 0
    for layer in range(bounds.size - 1):
        at, end = bounds[layer], bounds[layer + 1]
        for age in range(recent.shape[1]):
            for _ in range(per_age[layer, age]):
                recent[draw(labels, at, end, rng), age] += 1
                at += 1


@numba.njit(cache=True, nogil=True)
def _spread(ages, window, recent, rng):
    """The ages in random order to the places, as many as each has in the window."""
    at = 0
    for place in range(window.size):
        for _ in range(window[place]):
            recent[place, draw(ages, at, ages.size, rng)] += 1
            at += 1


@numba.njit(cache=True, nogil=True)
def _accumulate(recent):
    for place in range(recent.shape[0]):
        for age in range(1, recent.shape[1]):
            recent[place, age] += recent[place, age - 1]
