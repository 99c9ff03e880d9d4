"""A modus that grows across the city: category × time of day × kind of place, more often than the stream explains.

Each modus is compared between a recent window and a baseline by the exact conditional test of `conditional`: given how
many cases the stream has in both windows and how many the modus has in all, the recent cases of the modus are drawn
from those of the stream. A stream that grows as a whole, a quiet season or a longer baseline therefore raise nothing.
The test is stratified by agency, so that an agency that joins, pauses or delivers late and mostly knows one modus
does not make it grow.

Growing says nothing of where. City-wide is a modus only where several places have it, no place holds most of it, and
it still grows when its strongest place is taken out of both windows.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import stats

from lagebild.stats.conditional import expected, upper_tail

MINIMUM_CASES = 5
MINIMUM_PLACES = 3
MAXIMUM_SHARE = 0.5
FALSE_DISCOVERY_RATE = 0.05
NO_PLACE = -1


@dataclass(frozen=True)
class Growth:
    """One modus whose share in the stream has grown.

    recent, baseline: its cases in the two windows; expected: recent cases if it developed like the stream; ratio:
    recent / expected. p, q: of the test and adjusted over all tested modi. places: places with recent cases;
    largest_place: the place with most of them (of equal ones the one whose absence leaves least growth), NO_PLACE
    where no case has a place; largest_share: its share of the recent cases with a place; effective_places: number of
    equally busy places that would be as concentrated (inverse of the sum of squared shares). p_elsewhere: p when
    nothing is counted at that place. agencies: agencies with recent cases; alone: codes of those whose own cases pass
    the same test, minimum and threshold without the others. is_city_wide: all conditions of `find_growing` hold.
    """

    modus: int
    recent: int
    baseline: int
    expected: float
    ratio: float
    p: float
    q: float
    places: int
    largest_place: int
    largest_share: float
    effective_places: float
    p_elsewhere: float
    agencies: int
    alone: tuple[int, ...]
    is_city_wide: bool


@dataclass(frozen=True)
class Growths:
    """growths: growing modi, smallest p first (then more recent cases, then modus); tested: modi with enough cases.

    recent, baseline: cases of the whole stream.
    """

    growths: tuple[Growth, ...]
    tested: int
    recent: int
    baseline: int

    @property
    def city_wide(self) -> tuple[Growth, ...]:
        return tuple(growth for growth in self.growths if growth.is_city_wide)


@dataclass(frozen=True)
class _Cases:
    modus: npt.NDArray[np.int64]
    place: npt.NDArray[np.int64]
    agency: npt.NDArray[np.int64]
    stratum: npt.NDArray[np.int64]
    recent: npt.NDArray[np.bool_]

    def only(self, wanted: npt.NDArray[np.bool_]) -> "_Cases":
        return _Cases(
            self.modus[wanted], self.place[wanted], self.agency[wanted], self.stratum[wanted], self.recent[wanted]
        )


@dataclass(frozen=True)
class _Limits:
    minimum: int
    minimum_places: int
    maximum_share: float
    fdr: float


def find_growing(
    modus: npt.ArrayLike,
    place: npt.ArrayLike,
    agency: npt.ArrayLike,
    recent: npt.ArrayLike,
    *,
    strata: npt.ArrayLike | None = None,
    minimum: int = MINIMUM_CASES,
    minimum_places: int = MINIMUM_PLACES,
    maximum_share: float = MAXIMUM_SHARE,
    fdr: float = FALSE_DISCOVERY_RATE,
) -> Growths | None:
    """Growing modi of one stream; None where one of the windows holds no case, so that nothing can be compared.

    modus, place, agency: (n,) integer codes of every case of the stream in both windows, NO_PLACE (-1) where a case
    has no place. recent: (n,) bool, True in the recent window. strata: (n,) codes, within which windows are
    exchangeable; the agencies where not given.

    Tested are modi with at least `minimum` cases in both windows together, which is fixed under the null hypothesis;
    Benjamini & Hochberg (1995, J R Stat Soc B 57:289) over these. Reported are those with q <= fdr and at least
    `minimum` recent cases. City-wide: cases in at least `minimum_places` places, at most `maximum_share` of them at
    the largest, and p_elsewhere <= fdr.
    ValueError for unequal lengths, codes that are no integers, and limits outside their range.
    """
    cases = _read(modus, place, agency, recent, strata)
    if minimum < 1 or minimum_places < 1 or not 0 < maximum_share <= 1 or not 0 < fdr < 1:
        raise ValueError("minimum and minimum_places must be at least 1, maximum_share and fdr between 0 and 1")
    now = int(cases.recent.sum())
    if now in (0, cases.recent.size):
        return None
    codes, index, number = np.unique(cases.modus, return_inverse=True, return_counts=True)
    tested = np.flatnonzero(number >= minimum)
    part, observed, whole_recent, whole = _tables(cases, index, codes.size)
    p = np.array([upper_tail(observed[modus], part[modus], whole_recent, whole) for modus in tested])
    q = stats.false_discovery_control(p, method="bh") if p.size else p
    threshold = fdr * np.count_nonzero(q <= fdr) / max(tested.size, 1)
    growths = [
        _growth(
            cases,
            int(codes[modus]),
            mean=expected(part[modus], whole_recent, whole),
            p=float(p[rank]),
            q=float(q[rank]),
            threshold=threshold,
            limits=_Limits(minimum, minimum_places, maximum_share, fdr),
        )
        for rank, modus in enumerate(tested)
        if q[rank] <= fdr and observed[modus] >= minimum
    ]
    growths.sort(key=lambda growth: (growth.p, -growth.recent, growth.modus))
    return Growths(tuple(growths), tested=tested.size, recent=now, baseline=cases.recent.size - now)


def _read(modus, place, agency, recent, strata) -> _Cases:
    now = np.asarray(recent)
    now = now.astype(bool) if now.size == 0 else now
    if now.dtype != bool or now.ndim != 1:
        raise ValueError(f"recent must be a list of True and False, got {now.dtype} of shape {now.shape}")
    codes = []
    for name, values in (("modus", modus), ("place", place), ("agency", agency), ("strata", strata)):
        code = np.asarray(agency if values is None else values)
        code = code.astype(np.int64) if code.size == 0 else code
        if code.shape != now.shape or code.dtype.kind not in "iu":
            raise ValueError(f"{name} must be {now.size} integers, got {code.dtype} of shape {code.shape}")
        codes.append(code.astype(np.int64))
    _, stratum = np.unique(codes[3], return_inverse=True)
    return _Cases(codes[0], codes[1], codes[2], stratum, now)


def _tables(cases: _Cases, group: npt.NDArray[np.int64], groups: int):
    """Cases of each group per stratum (groups, s), recent cases of each group (groups,), and per stratum recent and all
    cases (s,)."""
    strata = int(cases.stratum.max(initial=-1)) + 1
    part = np.bincount(group * strata + cases.stratum, minlength=groups * strata).reshape(groups, strata)
    recent = np.bincount(cases.stratum[cases.recent], minlength=strata)
    return part, np.bincount(group[cases.recent], minlength=groups), recent, part.sum(axis=0)


def _p(cases: _Cases, modus: int) -> float:
    part, observed, recent, whole = _tables(cases, (cases.modus == modus).astype(np.int64), 2)
    return upper_tail(observed[1], part[1], recent, whole)


def _growth(cases: _Cases, modus: int, *, mean: float, p: float, q: float, threshold: float, limits: _Limits) -> Growth:
    of_modus = cases.modus == modus
    now = cases.only(of_modus & cases.recent)
    places, number = np.unique(now.place[now.place != NO_PLACE], return_counts=True)
    share = number / max(int(number.sum()), 1)
    strongest = places[number == number.max(initial=0)].tolist()
    elsewhere = [_p(cases.only(cases.place != place), modus) for place in strongest]
    p_elsewhere = max(elsewhere, default=p)
    spread = places.size >= limits.minimum_places and share.max(initial=0) <= limits.maximum_share
    return Growth(
        modus=modus,
        recent=now.modus.size,
        baseline=int(of_modus.sum()) - now.modus.size,
        expected=mean,
        ratio=now.modus.size / mean,
        p=p,
        q=q,
        places=places.size,
        largest_place=strongest[elsewhere.index(p_elsewhere)] if strongest else NO_PLACE,
        largest_share=float(share.max(initial=0)),
        effective_places=float(1 / (share**2).sum()) if places.size else 0.0,
        p_elsewhere=p_elsewhere,
        agencies=np.unique(now.agency).size,
        alone=_alone(cases, modus, limits.minimum, threshold),
        is_city_wide=bool(spread and p_elsewhere <= limits.fdr),
    )


def _alone(cases: _Cases, modus: int, minimum: int, threshold: float) -> tuple[int, ...]:
    agencies, number = np.unique(cases.agency[(cases.modus == modus) & cases.recent], return_counts=True)
    enough = agencies[number >= minimum].tolist()
    return tuple(agency for agency in enough if _p(cases.only(cases.agency == agency), modus) <= threshold)
