"""The last complete week of every district and the city against what its past lets expect. Published values only."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

import numpy as np
from scipy import stats

from incidents.models import Area
from lagebild.inputs import HISTORY_WEEKS, WEEKS, Inputs
from lagebild.models import WeekState
from lagebild.selectors import CaseTable, day_number
from lagebild.stats import ears, farrington

WEEKS_A_YEAR = 52
# Each of the two families, city and districts, may alarm wrongly as often as this.
ACCEPTED_A_YEAR = 1.0
YEARS = (4, 3, 2)
# Years of which more is missing than this leaves are not used: fewer years with more of their weeks tell more.
KNOWN_SHARE = 0.75

SeriesKey = tuple[int, int, str]
GroupKey = tuple[int, str]


@dataclass(frozen=True)
class WeekResult:
    """One week of one series (area, group, counting unit).

    low, high: the counts that are no surprise; above high the state is HIGH. score: how far towards `high` the count
    lies, above 1 beyond it. All four are None where there is nothing to compare with; count is, where it is unknown.
    """

    state: WeekState
    method: str = ""
    count: int | None = None
    expected: float | None = None
    low: int | None = None
    high: int | None = None
    score: float | None = None


def judge_weeks(inputs: Inputs) -> dict[SeriesKey, WeekResult]:
    """Every series that has any case in the two years; control-driven categories are left out.

    A bound is so far out that all series of a family together, judged once a week, cross theirs by chance as often as
    `ACCEPTED_A_YEAR` says.
    """
    whole = inputs.city.whole.pk if inputs.city.whole else None
    found = {
        (area_id, *key): counts for key in sorted(_groups(inputs)) for area_id, counts in _weeks(inputs, key).items()
    }
    cities = sum(area_id == whole for area_id, *_ in found)
    alphas = {True: family_alpha(cities), False: family_alpha(len(found) - cities)}
    first = inputs.window.history_start
    return {key: judge_week(counts, first, alphas[key[0] == whole]) for key, counts in found.items()}


def family_alpha(series: int) -> float:
    """Share of quiet weeks in which one of so many series may cross its bound."""
    return min(0.05, ACCEPTED_A_YEAR / (WEEKS_A_YEAR * max(series, 1)))


def judge_week(counts: np.ndarray, first_monday: dt.date, alpha: float) -> WeekResult:
    """Judge the last week of (HISTORY_WEEKS,) counts: by earlier years, else by the weeks before, else not at all."""
    if np.isnan(counts[-1]):
        return WeekResult(WeekState.MISSING)
    for years in YEARS:
        rule = farrington.Rule(years=years, alpha=alpha, known_share=KNOWN_SHARE)
        by_years = farrington.judge(counts, first_monday=first_monday, rule=rule)
        if by_years is not None:
            low = _lower(by_years, alpha)
            return _result(f"farrington-{years}", by_years, low, by_years.upper)
    return _by_recent_weeks(counts, alpha)


def _by_recent_weeks(counts: np.ndarray, alpha: float) -> WeekResult:
    """C1 to C3, each at a third of the level; the lowest of their bounds counts."""
    rule = _ears_rule(alpha / len(ears.Method))
    judged = {method: found for method in ears.Method if (found := ears.judge(counts, method=method, rule=rule))}
    if ears.Method.C2 not in judged:
        return WeekResult(WeekState.NO_HISTORY, count=int(counts[-1]))
    method = min(judged, key=lambda name: judged[name].upper)
    quiet = judged[ears.Method.C2]
    low = max(0, int(np.ceil(2 * quiet.expected - quiet.upper)))
    return _result(f"ears-{method}", judged[method], low, int(np.floor(judged[method].upper)))


def _result(method: str, judged: farrington.Judgement | ears.Judgement, low: int, high: int) -> WeekResult:
    if not judged.enough_cases:
        state = WeekState.TOO_FEW
    elif judged.observed > high:
        state = WeekState.HIGH
    else:
        state = WeekState.LOW if judged.observed < low else WeekState.USUAL
    score = None if judged.score is None else round(judged.score, 4)
    return WeekResult(state, method, judged.observed, round(judged.expected, 2), low, high, score)


def _lower(judged: farrington.Judgement, alpha: float) -> int:
    """Smallest count that is no surprise, by the law and the level of the upper bound."""
    excess = judged.dispersion - 1
    if excess > 1e-9:
        return int(stats.nbinom(judged.expected / excess, 1 / judged.dispersion).ppf(alpha))
    return int(stats.poisson(judged.expected).ppf(alpha))


def _ears_rule(alpha: float) -> ears.Rule:
    """The level at which the bound m + z s is the prediction bound of normal counts: z = t sqrt(1 + 1/n).

    Mean and spread come from seven weeks; with the quantile of the normal distribution instead quiet weeks cross the
    bound many times as often.
    """
    weeks = ears.STANDARD.baseline
    z = stats.t.isf(alpha, weeks - 1) * np.sqrt(1 + 1 / weeks)
    return ears.Rule(alpha=max(float(stats.norm.sf(z)), np.finfo(float).tiny))


def _groups(inputs: Inputs) -> set[GroupKey]:
    table = _counted(inputs.weeks)
    return {(table.strata[i].group_id, table.strata[i].unit_label) for i in np.unique(table.stratum)}


def _counted(table: CaseTable) -> CaseTable:
    """Without what depends on how much is controlled: more checks are no rise."""
    positions = [i for i, stratum in enumerate(table.strata) if not stratum.is_control_driven]
    return table.where(np.isin(table.stratum, positions))


def _weeks(inputs: Inputs, key: GroupKey) -> dict[int, np.ndarray]:
    """Area id -> cases per week (HISTORY_WEEKS,), oldest first, NaN where a contributor has not delivered.

    Areas with a case in the two years. Contributors are, as for the trends, the agencies with a case in these; of
    longer ago only their cases count.
    """
    recent = _inside(_of(inputs.weeks, key), inputs.window.earliest, 2 * WEEKS)
    agencies = sorted(set(recent.agency.tolist()))
    earlier = _of(inputs.earlier, key)
    earlier = earlier.where(np.isin(earlier.agency, agencies))
    known = _delivered(inputs, agencies)
    areas: list[Area] = [*inputs.city.districts, *([inputs.city.whole] if inputs.city.whole else [])]
    by_area = {}
    for area in areas:
        parts = [table if area is inputs.city.whole else _in_district(table, area) for table in (earlier, recent)]
        if parts[1].count.size:
            counts = sum(_per_week(part, inputs.window.history_start) for part in parts)
            by_area[area.pk] = np.where(known, counts, np.nan)
    return by_area


def _of(table: CaseTable, key: GroupKey) -> CaseTable:
    positions = [i for i, s in enumerate(table.strata) if (s.group_id, s.unit_label) == key]
    return _counted(table.where(np.isin(table.stratum, positions)))


def _in_district(table: CaseTable, area: Area) -> CaseTable:
    return table.where(table.district == area.pk)


def _inside(table: CaseTable, first: dt.date, weeks: int) -> CaseTable:
    return table.between(first, first + dt.timedelta(days=7 * weeks - 1))


def _per_week(table: CaseTable, first: dt.date) -> np.ndarray:
    week = (table.day - day_number(first)) // 7
    inside = (week >= 0) & (week < HISTORY_WEEKS)
    return np.bincount(week[inside], weights=table.count[inside], minlength=HISTORY_WEEKS)


def _delivered(inputs: Inputs, agencies: list[int]) -> np.ndarray:
    """(HISTORY_WEEKS,) bool: weeks for which all these agencies have delivered."""
    first = inputs.window.history_start
    mondays = [first + dt.timedelta(weeks=i) for i in range(HISTORY_WEEKS)]
    return np.array([not any(inputs.coverage.missing(agency, week) for agency in agencies) for week in mondays])
