"""Farrington flexible: is a week's count higher than season, trend and scatter of past years let expect?"""

import datetime as dt
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import special, stats

from lagebild.stats.quasi_poisson import Fit, fit_quasi_poisson
from lagebild.stats.series import has_enough_cases, weekly_series

YEAR_WEEKS = 52
WEEK_DAYS = 7
TREND_YEARS = 3
THIS_SEASON = 0
NO_SEASON = -1


@dataclass(frozen=True)
class Rule:
    """How `judge` works; the defaults are those of Noufaily et al. (2013), with four years of history.

    years: years of history. half_window: weeks on either side of the same week of earlier years that make up its
    season. seasons: parts of the year including that one; 1 leaves everything outside the windows unused. left_out:
    weeks right before the judged one that are no history, so that a rise in progress does not raise its own bound.
    alpha: share of quiet weeks that may exceed the bound, 0 to 0.5. outlier: residual above which a past week counts
    less. trend_p: the trend stays where its p-value is below this; 1 keeps it in any case. least_cases, least_weeks:
    no alarm with fewer cases than this in so many weeks, the judged one included. known_share: share of the weeks of
    history, and of the judged week's season among them, that must be known, 0 to 1.
    ValueError for values outside these ranges.
    """

    years: int = 4
    half_window: int = 3
    seasons: int = 10
    left_out: int = 26
    alpha: float = 0.005
    outlier: float = 2.58
    trend_p: float = 1.0
    least_cases: int = 5
    least_weeks: int = 4
    known_share: float = 0.5

    def __post_init__(self) -> None:
        for name, least in (("years", 1), ("half_window", 0), ("seasons", 1), ("left_out", 0), ("least_weeks", 1)):
            if getattr(self, name) < least:
                raise ValueError(f"{name} must be at least {least}, got {getattr(self, name)}")
        if self.least_cases < 0:
            raise ValueError(f"least_cases must be at least 0, got {self.least_cases}")
        if not 0 < self.alpha < 0.5:
            raise ValueError(f"alpha must lie between 0 and 0.5, got {self.alpha}")
        if not (0 <= self.trend_p <= 1 and 0 <= self.known_share <= 1):
            raise ValueError("trend_p and known_share must lie between 0 and 1")
        if not self.outlier > 0:
            raise ValueError(f"outlier must be above 0, got {self.outlier}")
        if self.seasons > 1 and YEAR_WEEKS - 2 * self.half_window - 1 < self.seasons - 1:
            raise ValueError(f"a year has no room for {self.seasons} seasons beside a window of {self.half_window}")


STANDARD = Rule()


@dataclass(frozen=True)
class Judgement:
    """Result of `judge`.

    observed: cases of the week. expected: cases the past lets expect. upper: largest count that is still no surprise.
    p_value: probability of as many cases or more, 0 to 1; comparable between streams. score: (observed - expected) /
    (upper - expected), above 1 where observed exceeds upper; None where upper is not above expected. dispersion:
    variance divided by mean, at least 1. trend: growth per week on the log scale, None where no trend was used.
    enough_cases: at least `Rule.least_cases` in `Rule.least_weeks`. alarm: enough cases and observed above upper.
    """

    observed: int
    expected: float
    upper: int
    p_value: float
    score: float | None
    dispersion: float
    trend: float | None
    enough_cases: bool
    alarm: bool


def judge(
    counts: npt.ArrayLike, *, week: int = -1, first_monday: dt.date | None = None, rule: Rule = STANDARD
) -> Judgement | None:
    """Judge one week against earlier years; None where it is unknown or its history is too short or too patchy.

    counts: (n,) float, cases per week, oldest first, without gaps; NaN for a week with a missing delivery, which is
    neither judged nor history. Weeks after the judged one are not looked at. week: position of the judged week, by
    default the last. first_monday: first day of the first week; the same week of an earlier year is then the one whose
    first day lies nearest to the same date of that year. Without it a year has 52 weeks.

    Noufaily et al. 2013, Stat Med 32:1206: quasi-Poisson regression on season and trend, refitted with past outbreaks
    weighted down by their standardised Anscombe residuals, bound from the negative binomial with the fitted mean and
    dispersion. The trend is left out where fewer than three years are used, where it is not significant at
    `Rule.trend_p`, and where it predicts more than was ever observed. Agrees with surveillance::farringtonFlexible
    (thresholdMethod "nbPlugin") but for the score, which is computed on the scale of cases as the source has it, and
    weeks with too few cases, which have a bound as well.

    The bound knows no uncertainty of the fitted mean and is then a little too low.
    ValueError for counts below 0, not whole or infinite, and a week out of range.
    """
    series, position = weekly_series(counts, week)
    references = reference_weeks(position, years=rule.years, first_monday=first_monday)
    if np.isnan(series[position]) or references[-1] < rule.half_window:
        return None
    history = _history(series, references, rule)
    if history is None:
        return None
    past, season, time = history
    model = _model(past, season, time, trend=rule.years >= TREND_YEARS, rule=rule)
    if model is None:
        return None
    enough = has_enough_cases(series, cases=rule.least_cases, weeks=rule.least_weeks)
    return _verdict(int(series[position]), model, enough=enough, rule=rule)


def reference_weeks(week: int, *, years: int, first_monday: dt.date | None = None) -> list[int]:
    """Positions of the same week one to `years` years earlier, latest first; negative before the series begins.

    29 February is looked for on 1 March where the earlier year has none.
    """
    if first_monday is None:
        return [week - YEAR_WEEKS * back for back in range(1, years + 1)]
    monday = first_monday + dt.timedelta(days=WEEK_DAYS * week)
    found = []
    for back in range(1, years + 1):
        leap_day = (monday.month, monday.day) == (2, 29)
        same = dt.date(monday.year - back, 3, 1) if leap_day else monday.replace(year=monday.year - back)
        found.append(((same - first_monday).days + WEEK_DAYS // 2) // WEEK_DAYS)
    return found


def _history(
    series: npt.NDArray[np.float64], references: list[int], rule: Rule
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.intp], npt.NDArray[np.float64]] | None:
    """Known counts of the past, their seasons and their times in weeks before the judged week (the last)."""
    now = len(series) - 1
    season = seasons(now, references, half_window=rule.half_window, parts=rule.seasons)
    season[max(0, now - rule.left_out) :] = NO_SEASON
    used = season != NO_SEASON
    known = used & ~np.isnan(series)
    here = used & (season == THIS_SEASON)
    enough_here = max(2, rule.known_share * here.sum())
    if known.sum() < rule.known_share * used.sum() or (known & here).sum() < enough_here:
        return None
    at = np.flatnonzero(known)
    parameters = len(np.unique(season[at])) + 1
    return None if len(at) <= parameters else (series[at], season[at], (at - now).astype(np.float64))


def seasons(now: int, references: list[int], *, half_window: int, parts: int) -> npt.NDArray[np.intp]:
    """Season of each week up to `now`: 0 around it and its references, 1 to parts - 1 in between, -1 before all.

    What lies between two windows is cut into parts - 1 stretches of equal length, the first ones a week longer where
    it does not divide evenly.
    """
    season = np.full(now + 1, NO_SEASON, dtype=np.intp)
    season[max(0, now - half_window) :] = THIS_SEASON
    for later, reference in zip([now, *references[:-1]], references, strict=True):
        start, end = reference + half_window + 1, later - half_window
        season[reference - half_window : start] = THIS_SEASON
        if parts > 1:
            length, longer = divmod(end - start, parts - 1)
            season[start:end] = np.repeat(np.arange(1, parts), length + (np.arange(parts - 1) < longer))
    return season


@dataclass(frozen=True)
class _Model:
    expected: float
    dispersion: float
    trend: float | None


def _model(
    past: npt.NDArray[np.float64],
    season: npt.NDArray[np.intp],
    time: npt.NDArray[np.float64],
    *,
    trend: bool,
    rule: Rule,
) -> _Model | None:
    levels = np.unique(season)
    level = (season[:, None] == levels).astype(np.float64)
    if trend:
        # Time is 0 in the judged week, so that the prediction is the coefficient of its season, which comes first.
        fit = _reweighted(np.column_stack([level, time]), past, rule.outlier)
        if fit is not None:
            expected = float(np.exp(fit.coefficients[0]))
            if expected <= past.max() and _trend_p(fit, len(past)) < rule.trend_p:
                return _Model(expected, max(fit.dispersion, 1.0), float(fit.coefficients[-1]))
    fit = _reweighted(level, past, rule.outlier)
    return None if fit is None else _Model(float(np.exp(fit.coefficients[0])), max(fit.dispersion, 1.0), None)


def _reweighted(design: npt.NDArray[np.float64], past: npt.NDArray[np.float64], outlier: float) -> Fit | None:
    """Fit, weigh past outbreaks down, fit again."""
    first = fit_quasi_poisson(design, past, np.ones(len(past)))
    if first is None:
        return None
    residual = 1.5 * (past ** (2 / 3) * first.mean ** (-1 / 6) - np.sqrt(first.mean))
    free = 1 - first.leverage
    # A week alone in its season is fitted exactly and can be no outlier.
    alone = free < 1e-9
    scale = np.sqrt(max(first.dispersion, 1.0) * np.where(alone, 1.0, free))
    standardised = np.where(alone, 0.0, residual / scale)
    weights = np.where(standardised > outlier, np.maximum(standardised, outlier) ** -2.0, 1.0)
    return fit_quasi_poisson(design, past, weights * len(past) / weights.sum())


def _trend_p(fit: Fit, n: int) -> float:
    """Two-sided p-value of the last coefficient; 0 where it is beyond all numbers."""
    error = np.sqrt(max(fit.dispersion, 1.0) * fit.unscaled[-1, -1])
    return float(2 * special.stdtr(n - len(fit.coefficients), -abs(fit.coefficients[-1] / error)))


def _verdict(observed: int, model: _Model, *, enough: bool, rule: Rule) -> Judgement:
    excess = model.dispersion - 1
    # Nearer to 1 the negative binomial is the Poisson distribution, but its size is no longer a usable number.
    if excess > 1e-9:
        law = stats.nbinom(model.expected / excess, 1 / model.dispersion)
    else:
        law = stats.poisson(model.expected)
    upper = int(law.ppf(1 - rule.alpha))
    room = upper - model.expected
    return Judgement(
        observed=observed,
        expected=model.expected,
        upper=upper,
        p_value=float(law.sf(observed - 1)),
        score=(observed - model.expected) / room if room > 0 else None,
        dispersion=model.dispersion,
        trend=model.trend,
        enough_cases=enough,
        alarm=enough and observed > upper,
    )
