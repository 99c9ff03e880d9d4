"""Multivariate scan (Kulldorff, Mostashari, Duczmal, Yih, Kleinman & Platt 2007, Stat Med 26:1824).

Several streams over the same cylinders: the ratio of a cylinder is the sum of the ratios of those streams that have
more in it than expected. One more here and one more there add up although categories and counting units differ; the
counts themselves are never added.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numba
import numpy as np
import numpy.typing as npt

from lagebild.stats.scan import Deck, Stream, ratio
from lagebild.stats.zones import NO_ZONE


@dataclass(frozen=True)
class JointCluster:
    """A cylinder with its summed ratio; `parts`: per stream (position, count, expected, ratio) where it contributes."""

    places: tuple[int, ...]
    days: int
    llr: float
    parts: tuple[tuple[int, int, float, float], ...]


@dataclass(frozen=True)
class Bundle:
    """Streams over one zone family and window, stacked. recent: (S, n, W) int32; expected: (S, zones, W)."""

    streams: tuple[Stream, ...]
    recent: npt.NDArray[np.int32]
    expected: npt.NDArray[np.float64]
    totals: npt.NDArray[np.int64]


def bundle(streams: Sequence[Stream]) -> Bundle:
    """Streams that can be scanned together. ValueError for none and for different families, windows or least counts."""
    if not streams:
        raise ValueError("no stream")
    first = streams[0]
    if any(s.zones is not first.zones or s.recent.shape != first.recent.shape for s in streams):
        raise ValueError("the streams have different zone families or windows")
    if any(s.least != first.least for s in streams):
        raise ValueError("the streams ask for different least counts")
    return Bundle(
        streams=tuple(streams),
        recent=np.stack([s.recent for s in streams]).astype(np.int32),
        expected=np.stack([s.expected for s in streams]),
        totals=np.array([s.total for s in streams], dtype=np.int64),
    )


def joint_statistic(data: Bundle) -> float:
    """The largest summed ratio over all cylinders with at least `least` cases of all streams together."""
    zones, least = data.streams[0].zones, data.streams[0].least
    value, _, _ = _joint(zones.order, zones.first, zones.number, data.recent, data.expected, data.totals, least)
    return float(value)


def joint_cluster(data: Bundle) -> JointCluster | None:
    """The cylinder with the largest summed ratio, None where no stream has more than expected anywhere."""
    zones, least = data.streams[0].zones, data.streams[0].least
    value, zone, days = _joint(zones.order, zones.first, zones.number, data.recent, data.expected, data.totals, least)
    if value <= 0:
        return None
    places = zones.places(int(zone))
    parts = []
    for position, stream in enumerate(data.streams):
        count = int(stream.recent[places, days - 1].sum())
        mean = float(stream.expected[zone, days - 1])
        if count > mean > 0:
            parts.append((position, count, mean, float(ratio(count, mean, stream.total))))
    return JointCluster(tuple(int(p) for p in places), int(days), float(value), tuple(parts))


def joint_null_maxima(data: Bundle, replicates: int, rng: np.random.Generator) -> npt.NDArray[np.float64]:
    """(replicates,) the statistic where each stream's days are dealt out anew, independently of the others."""
    zones, least = data.streams[0].zones, data.streams[0].least
    decks = [Deck.of(stream) for stream in data.streams]
    recent = np.zeros_like(data.recent)
    maxima = np.empty(replicates)
    for replicate in range(replicates):
        for deck, dealt in zip(decks, recent, strict=True):
            deck.deal(dealt, rng)
        maxima[replicate] = _joint(zones.order, zones.first, zones.number, recent, data.expected, data.totals, least)[0]
    return maxima


@numba.njit(cache=True, nogil=True)
def _joint(order, first, number, recent, expected, totals, least):
    """(largest summed ratio, its zone, its days)."""
    streams, days = recent.shape[0], recent.shape[2]
    inside = np.empty((streams, days), np.int32)
    summed = np.empty(days)
    together = np.empty(days, np.int32)
    best, best_zone, best_days = 0.0, 0, 0
    for chain in range(first.size - 1):
        inside[:] = 0
        together[:] = 0
        for step in range(first[chain], first[chain + 1]):
            place = order[step]
            for stream in range(streams):
                if recent[stream, place, days - 1] > 0:
                    for day in range(days):
                        inside[stream, day] += recent[stream, place, day]
                        together[day] += recent[stream, place, day]
            zone = number[step]
            if zone == NO_ZONE or together[days - 1] < least:
                continue
            _add_up(inside, expected[:, zone], totals, summed)
            for day in range(days):
                if together[day] >= least and summed[day] > best:
                    best, best_zone, best_days = summed[day], zone, day + 1
    return best, best_zone, best_days


@numba.njit(cache=True, nogil=True)
def _add_up(inside, expected, totals, summed):
    """Per window the sum of the ratios of the streams that have more than expected."""
    summed[:] = 0.0
    for stream in range(inside.shape[0]):
        for day in range(inside.shape[1]):
            count = inside[stream, day]
            if count > expected[stream, day]:
                summed[day] += ratio(count, expected[stream, day], totals[stream])
