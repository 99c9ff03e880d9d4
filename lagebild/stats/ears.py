"""EARS C1, C2 and C3: is a week's count far above the last few weeks? For streams without years of history."""

from dataclasses import dataclass
from enum import StrEnum

import numpy as np
import numpy.typing as npt
from scipy import special

from lagebild.stats.series import has_enough_cases, weekly_series

LAG = 2
REACH = 2


class Method(StrEnum):
    """C1: against the weeks right before. C2: two weeks are left out before the judged one. C3: C2 of three weeks."""

    C1 = "c1"
    C2 = "c2"
    C3 = "c3"


@dataclass(frozen=True)
class Rule:
    """How `judge` works.

    baseline: known weeks to compare with, at least 3. alpha: share of quiet weeks that may exceed the bound if counts
    were normal, 0 to 0.5. least_spread: standard deviation that is assumed at least, cases; without one, a single case
    after weeks of nothing is an alarm. least_cases, least_weeks: no alarm with fewer cases than this in so many weeks,
    the judged one included. ValueError for values outside these ranges.
    """

    baseline: int = 7
    alpha: float = 0.001
    least_spread: float = 0.5
    least_cases: int = 5
    least_weeks: int = 4

    def __post_init__(self) -> None:
        for name, least in (("baseline", 3), ("least_cases", 0), ("least_weeks", 1)):
            if getattr(self, name) < least:
                raise ValueError(f"{name} must be at least {least}, got {getattr(self, name)}")
        if not 0 < self.alpha < 0.5:
            raise ValueError(f"alpha must lie between 0 and 0.5, got {self.alpha}")
        if not 0 <= self.least_spread < np.inf:
            raise ValueError(f"least_spread must be at least 0, got {self.least_spread}")


STANDARD = Rule()


@dataclass(frozen=True)
class Judgement:
    """Result of `judge`.

    observed: cases of the week. expected: mean of the weeks compared with. spread: their standard deviation, at least
    `Rule.least_spread`. carried: what C3 brings along from the two weeks before, in standard deviations; 0 for C1 and
    C2. upper: bound in cases, not whole. score: (observed - expected) / (upper - expected), above 1 where observed
    exceeds upper; None where the bound is the expectation. enough_cases: at least `Rule.least_cases` in
    `Rule.least_weeks`. alarm: enough cases and observed above upper.
    """

    observed: int
    expected: float
    spread: float
    carried: float
    upper: float
    score: float | None
    enough_cases: bool
    alarm: bool


def judge(
    counts: npt.ArrayLike, *, week: int = -1, method: Method = Method.C2, rule: Rule = STANDARD
) -> Judgement | None:
    """Judge one week against the few before it; None where it is unknown or too few of them are known.

    counts: (n,) float, cases per week, oldest first, without gaps; NaN for a week with a missing delivery. The weeks
    compared with are the last `Rule.baseline` known ones, no further back than twice as many weeks. Weeks after the
    judged one are not looked at. week: position of the judged week, by default the last.

    Hutwagner et al. 2003, J Urban Health 80:i89; Fricker et al. 2008, Stat Med 27:3407. With mean m and standard
    deviation s (divisor one less) of the weeks compared with and z the 1 - alpha quantile of the normal distribution,
    C1 and C2 have the bound m + z s. C3 is the sum of max(0, (count - m) / s - 1) over the judged week and the two
    before it, compared with z; a missing week adds nothing. Its bound is m + s (1 + max(0, z - carried)): alarm where
    C3 exceeds z and the judged week itself adds to it. Deviation: the source alarms on the weeks before alone as well.

    surveillance::earsC has the same C1 and C2. Its bound of C3 puts the judged count where its own documentation has
    the mean, so that any count above 0 is an alarm where carried > z, and none elsewhere.
    Counts are not normal and seven weeks are few: quiet weeks exceed the bound far more often than alpha.
    ValueError for counts below 0, not whole or infinite, and a week out of range.
    """
    series, position = weekly_series(counts, week)
    if np.isnan(series[position]):
        return None
    found = _baseline(series, position, 0 if method is Method.C1 else LAG, rule)
    carried = _carried(series, position, rule) if method is Method.C3 else 0.0
    if found is None or carried is None:
        return None
    mean, spread = found
    z = float(-special.ndtri(rule.alpha))
    room = spread * (1 + max(0.0, z - carried) if method is Method.C3 else z)
    observed = int(series[position])
    enough = has_enough_cases(series, cases=rule.least_cases, weeks=rule.least_weeks)
    return Judgement(
        observed=observed,
        expected=mean,
        spread=spread,
        carried=carried,
        upper=mean + room,
        score=(observed - mean) / room if room > 0 else None,
        enough_cases=enough,
        alarm=enough and observed > mean + room,
    )


def _baseline(series: npt.NDArray[np.float64], position: int, lag: int, rule: Rule) -> tuple[float, float] | None:
    """Mean and standard deviation of the weeks to compare with."""
    end = max(0, position - lag)
    before = series[max(0, end - REACH * rule.baseline) : end]
    past = before[~np.isnan(before)][-rule.baseline :]
    if len(past) < rule.baseline:
        return None
    return float(past.mean()), max(float(past.std(ddof=1)), rule.least_spread)


def _carried(series: npt.NDArray[np.float64], position: int, rule: Rule) -> float | None:
    total = 0.0
    for earlier in (position - 2, position - 1):
        if earlier < 0:
            return None
        if np.isnan(series[earlier]):
            continue
        found = _baseline(series, earlier, LAG, rule)
        if found is None:
            return None
        mean, spread = found
        excess = series[earlier] - mean
        # Without any spread a count above the mean is infinitely far above it.
        total += max(0.0, excess / spread - 1) if spread > 0 else (np.inf if excess > 0 else 0.0)
    return float(total)
