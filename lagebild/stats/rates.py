"""Comparison of two counts of the same length of time, usually a period and the same period of the year before."""

from dataclasses import dataclass
from enum import StrEnum

from scipy import stats


class Verdict(StrEnum):
    """What may be said of a comparison."""

    RISE = "rise"
    FALL = "fall"
    UNCLEAR = "unclear"
    TOO_FEW = "too_few"
    NOT_COMPARABLE = "not_comparable"


@dataclass(frozen=True)
class Comparison:
    """Result of `compare`.

    difference: current - previous, cases; None where the two are not comparable.
    percent: change in per cent of the rate per unit of exposure; None where previous is 0 or not comparable.
    ratio: rate ratio current / previous; None where previous is 0 or not comparable.
    low, high: bounds of the exact interval of the ratio; high None where unbounded (previous is 0), both None where
        both counts are 0 or the two are not comparable.
    confidence: confidence level of the interval, 0 to 1.
    """

    current: int
    previous: int
    difference: int | None
    percent: float | None
    ratio: float | None
    low: float | None
    high: float | None
    confidence: float
    verdict: Verdict


def compare(
    current: int,
    previous: int,
    *,
    current_complete: bool = True,
    previous_complete: bool = True,
    exposure_ratio: float = 1.0,
    confidence: float = 0.95,
) -> Comparison:
    """Compare two Poisson counts by their rate ratio with the exact conditional interval.

    Given the sum of both counts the current one is binomial with probability rE / (1 + rE), r the rate ratio and E
    the exposure ratio; the Clopper-Pearson bounds of that probability are mapped back to r (Przyborowski & Wilenski
    1940, Biometrika 31:313; Clopper & Pearson 1934, Biometrika 26:404). The interval covers at least its level.

    current, previous: cases, whole numbers of at least 0. current_complete, previous_complete: False where a delivery
    is missing in that period; the verdict is then NOT_COMPARABLE and no figure of change is given, because what is
    missing is no decrease. exposure_ratio: length of the current period divided by that of the previous one.

    RISE and FALL need an interval that excludes 1. TOO_FEW: even if all cases had fallen into one of the two periods
    the interval would include 1 (at 95 % and equal exposure: fewer than 6 cases together). UNCLEAR: everything else.
    Cases that come in series scatter more than Poisson counts; for them the interval is too narrow.
    ValueError for negative counts, an exposure ratio that is not positive and a confidence outside (0, 1).
    """
    _check(current, previous, exposure_ratio, confidence)
    if not (current_complete and previous_complete):
        nothing = {"difference": None, "percent": None, "ratio": None, "low": None, "high": None}
        return Comparison(current, previous, **nothing, confidence=confidence, verdict=Verdict.NOT_COMPARABLE)
    ratio = current / previous / exposure_ratio if previous else None
    low, high = _interval(current, previous, exposure_ratio, confidence)
    return Comparison(
        current=current,
        previous=previous,
        difference=current - previous,
        percent=None if ratio is None else 100 * (ratio - 1),
        ratio=ratio,
        low=low,
        high=high,
        confidence=confidence,
        verdict=_verdict(current + previous, low, high, exposure_ratio, confidence),
    )


def _check(current: int, previous: int, exposure_ratio: float, confidence: float) -> None:
    for name, value in (("current", current), ("previous", previous)):
        if value != int(value) or value < 0:
            raise ValueError(f"{name} must be a whole number of at least 0, got {value}")
    if not exposure_ratio > 0:
        raise ValueError(f"exposure_ratio must be positive, got {exposure_ratio}")
    if not 0 < confidence < 1:
        raise ValueError(f"confidence must lie between 0 and 1, got {confidence}")


def _interval(
    current: int, previous: int, exposure_ratio: float, confidence: float
) -> tuple[float | None, float | None]:
    if current + previous == 0:
        return None, None
    tail = (1 - confidence) / 2
    lower = stats.beta.ppf(tail, current, previous + 1) if current else 0.0
    low = float(lower / (1 - lower) / exposure_ratio)
    if not previous:
        return low, None
    upper = stats.beta.ppf(1 - tail, current + 1, previous)
    return low, float(upper / (1 - upper) / exposure_ratio)


def _verdict(together: int, low: float | None, high: float | None, exposure_ratio: float, confidence: float) -> Verdict:
    tail = (1 - confidence) / 2
    share = exposure_ratio / (1 + exposure_ratio)
    if min(share, 1 - share) ** together > tail:
        return Verdict.TOO_FEW
    if low is not None and low > 1:
        return Verdict.RISE
    if high is not None and high < 1:
        return Verdict.FALL
    return Verdict.UNCLEAR
