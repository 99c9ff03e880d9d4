"""The methods that are compared: each looks at one night and says how unusual its most unusual zone is."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import special

from lagebild.simulation.city import DAY_CLASSES, Ground, Night
from lagebild.stats.grid import disk_sums
from lagebild.stats.scan import LEAST_CASES, Stream, cases, clusters, null_maxima, prepare, statistic
from lagebild.stats.zones import Zones

# The catalogue's 21 groups and two joint searches.
NIGHT_STREAMS = 23
_SMALLEST = float(np.finfo(np.float64).tiny)


@dataclass(frozen=True)
class Look:
    """statistic: large is unusual, 0 is nothing; locate: the places of the most unusual zone, its centre first."""

    statistic: float
    locate: Callable[[], Sequence[int]]


@dataclass(frozen=True)
class Method:
    """looks: the streams a method looks at in a night, always equally many.

    deal: (replicates, streams) null statistics by permutation of a night; None where the method is calibrated on nights
    without an outbreak. sharing: streams that share one false alarm a year with each of these.
    """

    label: str
    looks: Callable[[Ground, Night], list[Look]]
    deal: Callable[[Ground, Night, int, np.random.Generator], npt.NDArray[np.float64]] | None = None
    sharing: int = 1


def stream_of(night: Night, layer: npt.NDArray[np.int64], zones: Zones) -> Stream:
    """layer: (m,) strata of the night's cases."""
    return prepare(cases(night.place, night.age, layer), zones)


def _one_stratum(night: Night) -> npt.NDArray[np.int64]:
    return np.zeros_like(night.place)


def _agency_and_day(night: Night) -> npt.NDArray[np.int64]:
    return night.agency * DAY_CLASSES + night.day_class


def _disks(ground: Ground) -> Zones:
    return ground.disks


def _streets(ground: Ground) -> Zones:
    return ground.streets


def _shapes(ground: Ground) -> Zones:
    return ground.shapes


def _scan(label: str, split: Callable, family: Callable[[Ground], Zones], strata: Callable, sharing: int = 1) -> Method:
    """A scan of each of the nights that `split` makes of a night."""

    def streams(ground: Ground, night: Night) -> list[Stream]:
        return [stream_of(part, strata(part), family(ground)) for part in split(night)]

    def looks(ground: Ground, night: Night) -> list[Look]:
        return [_look(stream) for stream in streams(ground, night)]

    def deal(ground: Ground, night: Night, replicates: int, rng: np.random.Generator) -> npt.NDArray[np.float64]:
        return np.column_stack([null_maxima(stream, replicates, rng) for stream in streams(ground, night)])

    return Method(label, looks, deal, sharing)


def _look(stream: Stream) -> Look:
    return Look(statistic(stream), lambda: clusters(stream, most=1)[0].places)


def _merged(night: Night) -> list[Night]:
    return [night]


def _by_agency(night: Night, agencies: int = 3) -> list[Night]:
    parts = []
    for agency in range(agencies):
        own = night.agency == agency
        parts.append(Night(night.place[own], night.age[own], night.agency[own], night.day_class[own]))
    return parts


def _poisson(label: str, recent: int, before: int) -> Method:
    """Every disk of seven cells: its last days against the days before, given the sum of both.

    Of two Poisson counts with equal rates the first is binomial given their sum (Przyborowski & Wilenski 1940,
    Biometrika 31:313). The statistic is the largest −ln p of the disks with at least five recent cases.
    """

    def looks(ground: Ground, night: Night) -> list[Look]:
        inside = night.age < recent
        base = (night.age >= recent) & (night.age < recent + before)
        new, old = (
            disk_sums(ground.grid, np.bincount(night.place[part], minlength=ground.size)) for part in (inside, base)
        )
        surprise = np.zeros(ground.size)
        enough = new >= LEAST_CASES
        tail = special.betainc(new[enough], old[enough] + 1.0, recent / (recent + before))
        surprise[enough] = -np.log(np.maximum(tail, _SMALLEST))
        best = int(surprise.argmax())
        disk = ground.grid.disks[best]
        return [Look(float(surprise[best]), disk[disk >= 0].tolist)]

    return Method(label, looks)


METHODS = {
    "scan": _scan("scan", _merged, _disks, _one_stratum),
    "scan_strata": _scan("scan, strata agency × day class", _merged, _disks, _agency_and_day),
    "scan_streets": _scan("scan, disks and lines", _merged, _streets, _one_stratum),
    "scan_shapes": _scan("scan, disks, lines and irregular zones", _merged, _shapes, _one_stratum),
    "best_agency": _scan("any of three agencies, own scans", _by_agency, _disks, _agency_and_day),
    "whole_night": _scan(
        f"scan, one false alarm a year over {NIGHT_STREAMS} streams", _merged, _disks, _agency_and_day, NIGHT_STREAMS
    ),
    "poisson_7": _poisson("Poisson 7 d vs 8 weeks, per disk", 7, 56),
    "poisson_28": _poisson("Poisson 28 d vs 11 months, per disk", 28, 337),
}
