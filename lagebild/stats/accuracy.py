"""Was the map right? Hit rate, PAI, PEI and RRI of chosen places against what came afterwards."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.stats import binomtest


@dataclass(frozen=True)
class Accuracy:
    """Result of `accuracy`.

    hits: cases in the chosen places. cases: cases in all. hit_rate: hits / cases, None without cases. area_share: share
    of the area that was chosen, 0 to 1. pai: hit_rate / area_share, 1 is what a map drawn at random reaches; None
    without cases or choice. pei: hits / the most that any choice of the same area could have had, 0 to 1; None without
    cases or choice. rri: expected cases / hits in the chosen places, 1 where the level was met; None where nothing was
    expected or no case came there.
    """

    hits: int
    cases: int
    hit_rate: float | None
    area_share: float
    pai: float | None
    pei: float | None
    rri: float | None


def accuracy(
    chosen: npt.ArrayLike,
    counts: npt.ArrayLike,
    *,
    areas: npt.ArrayLike | None = None,
    expected: npt.ArrayLike | None = None,
) -> Accuracy:
    """Compare the places a map had marked with the cases that came afterwards.

    chosen: (n,) bool, the marked places. counts: (n,) whole numbers of at least 0, cases that came. areas: (n,) float
    above 0, sizes of the places; equal where not given. expected: (n,) float of at least 0, cases the map had expected
    in the same time.

    PAI: Chainey et al. 2008, Security Journal 21:4. PEI: White, Hunt & Green 2023, Security Journal, against the best
    choice in hindsight. RRI as in Wheeler & Steenbeek 2021, J Quant Criminol 37:445. Agrees with ptools::pai. The best
    choice takes the densest places first, and of the last one the part that still fits; for places of different size
    ptools takes the same number of places instead, which lets PEI exceed 1.
    ValueError for lengths that differ, no place at all and values outside these ranges.
    """
    marked, came, sizes, level = _checked(chosen, counts, areas, expected)
    hits, cases = int(came[marked].sum()), int(came.sum())
    area_share = float(sizes[marked].sum() / sizes.sum())
    hit_rate = hits / cases if cases else None
    judged = hit_rate is not None and area_share > 0
    return Accuracy(
        hits=hits,
        cases=cases,
        hit_rate=hit_rate,
        area_share=area_share,
        pai=hit_rate / area_share if judged else None,
        pei=min(1.0, hits / _best(came, sizes, float(sizes[marked].sum()))) if judged else None,
        rri=float(level[marked].sum() / hits) if level is not None and hits else None,
    )


def share_interval(hits: int, cases: int) -> tuple[float, float] | None:
    """Bounds of the share that so many hits of so many cases leave open, 95 %; None without cases.

    Clopper & Pearson 1934, Biometrika 26:404. ValueError where hits is not between 0 and cases.
    """
    if not 0 <= hits <= cases:
        raise ValueError(f"hits must be between 0 and {cases}, got {hits}")
    if not cases:
        return None
    found = binomtest(hits, cases).proportion_ci(confidence_level=0.95, method="exact")
    return float(found.low), float(found.high)


def _best(came: npt.NDArray[np.int64], sizes: npt.NDArray[np.float64], area: float) -> float:
    """The most cases any choice of places, the last one in part, can hold on this area."""
    order = np.argsort(-came / sizes, kind="stable")
    before = np.concatenate([[0.0], np.cumsum(sizes[order])[:-1]])
    share = np.clip((area - before) / sizes[order], 0.0, 1.0)
    return float((share * came[order]).sum())


def _checked(
    chosen: npt.ArrayLike, counts: npt.ArrayLike, areas: npt.ArrayLike | None, expected: npt.ArrayLike | None
) -> tuple[npt.NDArray[np.bool_], npt.NDArray[np.int64], npt.NDArray[np.float64], npt.NDArray[np.float64] | None]:
    marked, came = np.asarray(chosen), np.asarray(counts)
    if marked.ndim != 1 or not len(marked) or marked.dtype != np.bool_:
        raise ValueError("chosen must be one series of at least one bool")
    if came.dtype.kind not in "iu" or (came < 0).any():
        raise ValueError("counts must be whole numbers of at least 0")
    sizes = np.ones(len(marked)) if areas is None else np.asarray(areas, dtype=np.float64)
    level = None if expected is None else np.asarray(expected, dtype=np.float64)
    for name, series in (("counts", came), ("areas", sizes), ("expected", level)):
        if series is not None and series.shape != marked.shape:
            raise ValueError(f"{name} must have {len(marked)} values, got shape {series.shape}")
    if not (np.isfinite(sizes) & (sizes > 0)).all():
        raise ValueError("areas must be above 0")
    if level is not None and not (np.isfinite(level) & (level >= 0)).all():
        raise ValueError("expected must be at least 0")
    return marked, came.astype(np.int64), sizes, level
