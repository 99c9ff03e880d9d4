import csv
import datetime as dt
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from lagebild.stats.farrington import Rule, judge, reference_weeks, seasons

REFERENCE_RULE = Rule(alpha=0.05)
HISTORY = 52 * 4 + 3
QUIET = np.tile([2.0, 3.0, 4.0, 3.0], 60)


def table(shared, name):
    with (shared / "data" / "reference" / "farrington_ears" / name).open(newline="") as file:
        return list(csv.DictReader(file))


@pytest.fixture(scope="module")
def newport(shared):
    rows = table(shared, "salmNewport_total_weekly.csv")
    mondays = [dt.date.fromisoformat(row["date"]) for row in rows]
    return np.array([float(row["observed"]) for row in rows]), mondays


def test_newport_agrees_with_surveillance(shared, newport):
    counts, mondays = newport
    alarms = 0
    rows = table(shared, "expected_farrington_salmNewport_2011on.csv")
    for row in rows:
        week = mondays.index(dt.date.fromisoformat(row["date"]))
        result = judge(counts, week=week, first_monday=mondays[0], rule=REFERENCE_RULE)
        assert result.observed == int(row["observed"])
        assert result.alarm is (row["alarm_flexible_nb"] == "TRUE"), row
        assert result.enough_cases is (row["up_flexible_nb"] != "NA"), row
        if result.enough_cases:
            assert result.upper == int(row["up_flexible_nb"]), row
            assert result.expected == pytest.approx(float(row["exp_flexible"]), rel=1e-9)
        alarms += result.alarm
    assert len(rows) == 163
    assert alarms == 16


def test_agona_agrees_with_surveillance_without_dates(shared):
    counts = [int(row["observed"]) for row in table(shared, "salmonella_agona_weekly.csv")]
    rows = table(shared, "expected_salmonella_agona_last52.csv")
    for row in rows:
        result = judge(counts, week=int(row["t"]) - 1, rule=Rule(alpha=0.01))
        assert result.enough_cases is (row["flex_up"] != "NA")
        assert result.alarm is (row["flex_alarm"] == "TRUE"), row
        if result.enough_cases:
            assert result.upper == int(row["flex_up"]), row
    assert sum(row["flex_alarm"] == "TRUE" for row in rows) == 3


def test_without_trend_and_outliers_the_expectation_is_the_mean_of_the_season():
    rule = Rule(trend_p=0)
    counts = QUIET[: HISTORY + 1]
    windows = [counts[HISTORY - 52 * back - 3 : HISTORY - 52 * back + 4] for back in range(1, 5)]
    result = judge(counts, rule=rule)
    assert result.trend is None
    assert result.expected == pytest.approx(np.mean(windows))
    assert result.dispersion == 1
    assert result.upper == stats.poisson.ppf(0.995, result.expected)
    assert result.p_value == pytest.approx(stats.poisson.sf(result.observed - 1, result.expected))
    assert result.score == pytest.approx((result.observed - result.expected) / (result.upper - result.expected))


def test_scatter_raises_the_bound(rng):
    narrow = rng.poisson(20, HISTORY + 1)
    wide = rng.negative_binomial(5, 0.2, HISTORY + 1)
    assert judge(wide).dispersion > 3 > 1.5 > judge(narrow).dispersion
    assert judge(wide).upper > judge(narrow).upper


def test_alarm_exactly_where_the_p_value_is_at_most_alpha(rng):
    history = rng.negative_binomial(4, 0.3, HISTORY)
    found = [judge(np.append(history, observed)) for observed in range(60)]
    assert [result.alarm for result in found] == [result.p_value <= 0.005 for result in found]
    assert {result.upper for result in found} == {found[0].upper}
    assert found[0].upper < 59


def test_a_past_outbreak_hardly_raises_the_bound(rng):
    calm = rng.poisson(5, HISTORY + 1)
    outbreak = calm.copy()
    outbreak[HISTORY - 104 : HISTORY - 102] = 60
    without = Rule(outlier=1e9)
    assert judge(outbreak, rule=without).upper > judge(outbreak).upper
    assert judge(outbreak).expected < judge(calm).expected * 1.3


def test_a_rise_in_progress_does_not_raise_its_own_bound(rng):
    calm = rng.poisson(5, HISTORY + 1)
    rising = calm.copy()
    rising[HISTORY - 20 : HISTORY] += 30
    assert judge(rising).upper == judge(calm).upper


def test_growth_is_found_and_followed(rng):
    mean = 5 * np.exp(0.004 * np.arange(HISTORY + 1))
    result = judge(rng.poisson(mean))
    assert result.trend == pytest.approx(0.004, abs=0.001)
    assert result.expected == pytest.approx(mean[-1], rel=0.15)


@pytest.mark.parametrize(
    ("growth", "rule"),
    [
        (-0.004, Rule(years=2)),
        (0.0, Rule(trend_p=0.05)),
        (0.03, Rule()),
    ],
    ids=["fewer than three years", "not significant", "predicts more than was ever observed"],
)
def test_no_trend_where(growth, rule):
    counts = np.round(10 * np.exp(growth * np.arange(HISTORY + 1)) + np.tile([0, 1, -1, 0], 53))
    assert judge(counts, rule=rule).trend is None
    assert judge(np.round(100 * np.exp(-0.004 * np.arange(HISTORY + 1)))).trend == pytest.approx(-0.004, rel=0.1)


def test_windows_alone_agree_with_the_formulas_written_out(rng):
    counts = rng.poisson(5, HISTORY + 1).astype(float)
    counts[HISTORY - 104] = 40
    past = np.concatenate([counts[HISTORY - 52 * back - 3 : HISTORY - 52 * back + 4] for back in range(1, 5)])
    mean = past.mean()
    scatter = max(1, ((past - mean) ** 2 / mean).sum() / 27)
    residual = 1.5 * (past ** (2 / 3) - mean ** (2 / 3)) / (mean ** (1 / 6) * np.sqrt(scatter * (1 - 1 / 28)))
    weight = np.where(residual > 2.58, 1 / np.square(np.maximum(residual, 2.58)), 1)
    weight *= 28 / weight.sum()
    mean = np.average(past, weights=weight)
    scatter = (weight * (past - mean) ** 2 / mean).sum() / 27
    result = judge(counts, rule=Rule(seasons=1, trend_p=0))
    assert weight.min() < 0.2
    assert result.expected == pytest.approx(mean, rel=1e-6)
    assert result.dispersion == pytest.approx(scatter, rel=1e-4)
    assert scatter > 1.2


def test_few_cases_raise_no_alarm():
    counts = np.zeros(HISTORY + 1)
    counts[-1] = 4
    quiet = judge(counts)
    assert quiet.p_value < 1e-6
    assert (quiet.upper, quiet.enough_cases, quiet.alarm) == (0, False, False)
    counts[-4] = 1
    loud = judge(counts)
    assert (loud.enough_cases, loud.alarm) == (True, True)


def test_too_short_a_history_is_no_result():
    assert judge(QUIET[:HISTORY]) is None
    assert judge(QUIET[: HISTORY + 1]) is not None
    assert judge([3]) is None


def test_a_missing_week_is_not_judged_and_not_history(rng):
    counts = rng.poisson(6, HISTORY + 1).astype(float)
    missing = counts.copy()
    missing[-1] = np.nan
    assert judge(missing) is None
    unlike = counts.copy()
    unlike[60:63] = 500
    gap = counts.copy()
    gap[60:63] = np.nan
    assert judge(gap).expected == pytest.approx(judge(counts).expected, rel=0.1)
    assert judge(unlike, rule=Rule(outlier=1e9)).dispersion > 2 * judge(gap).dispersion


def test_too_patchy_a_history_is_no_result(rng):
    counts = rng.poisson(6, HISTORY + 1).astype(float)
    late = counts.copy()
    late[:120] = np.nan
    assert judge(late) is None
    same_season = counts.copy()
    for reference in reference_weeks(HISTORY, years=4)[:3]:
        same_season[reference - 3 : reference + 4] = np.nan
    assert judge(same_season) is None


@pytest.mark.parametrize("lonely", [0, 6, 40])
def test_a_week_alone_in_its_season_says_nothing_of_the_others(rng, lonely):
    counts = rng.poisson(6, HISTORY + 1).astype(float)
    season = seasons(HISTORY, reference_weeks(HISTORY, years=4), half_window=3, parts=10)
    counts[season == 5] = np.nan
    one = counts.copy()
    one[np.flatnonzero(season == 5)[2]] = lonely
    without, with_one = (judge(series, rule=Rule(trend_p=0)) for series in (counts, one))
    assert with_one.expected == pytest.approx(without.expected, rel=1e-5)
    assert with_one.dispersion == pytest.approx(without.dispersion, rel=0.02)


def test_missing_weeks_before_an_alarm_are_no_cases():
    counts = np.append(np.zeros(HISTORY), 4.0)
    counts[-4:-1] = np.nan
    assert judge(counts).enough_cases is False
    counts[-1] = 5
    assert judge(counts).enough_cases is True


def test_weeks_after_the_judged_one_are_not_looked_at(rng):
    counts = rng.poisson(5, HISTORY + 30)
    assert judge(counts, week=HISTORY) == judge(counts[: HISTORY + 1])


@given(st.dates(dt.date(2004, 1, 1), dt.date(2060, 12, 31)), st.integers(0, 400))
def test_reference_weeks_lie_nearest_to_the_same_date(day, week):
    first = day - dt.timedelta(days=day.weekday())
    monday = first + dt.timedelta(weeks=week)
    for back, reference in enumerate(reference_weeks(week, years=5, first_monday=first), start=1):
        found = first + dt.timedelta(weeks=reference)
        assert reference in (week - 52 * back - 1, week - 52 * back)
        month, on = (3, 1) if (monday.month, monday.day) == (2, 29) else (monday.month, monday.day)
        assert abs((found - dt.date(monday.year - back, month, on)).days) <= 3


def test_seasons_part_the_year():
    references = reference_weeks(HISTORY, years=4)
    season = seasons(HISTORY, references, half_window=3, parts=10)
    year = season[references[-1] - 3 : references[-2] - 3]
    assert len(year) == 52
    assert np.bincount(year).tolist() == [7] + [5] * 9
    assert season[references[0] - 3 : references[0] + 4].tolist() == [0] * 7
    assert (np.diff(year[7:]) >= 0).all()
    windows_only = seasons(HISTORY, references, half_window=3, parts=1)
    assert np.count_nonzero(windows_only == 0) == 4 * 7 + 4


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_any_series_gets_a_sound_judgement_or_none(data):
    seed = data.draw(st.integers(0, 2**32 - 1))
    mean = data.draw(st.sampled_from([0.0, 0.02, 0.5, 5.0, 1e3, 1e7]))
    rng = np.random.default_rng(seed)
    counts = rng.poisson(mean, HISTORY + 1).astype(float)
    for _ in range(data.draw(st.integers(0, 3))):
        counts[rng.integers(len(counts))] = data.draw(st.sampled_from([0, 1, 50, 10_000_000]))
    counts[rng.random(len(counts)) < data.draw(st.sampled_from([0, 0.1, 0.6]))] = np.nan
    result = judge(counts)
    if result is None:
        share = np.isnan(counts[: HISTORY - 26]).mean()
        assert np.isnan(counts[-1]) or share > 0.2
        return
    assert result.expected >= 0
    assert result.upper >= 0
    assert 0 <= result.p_value <= 1
    assert result.dispersion >= 1
    assert result.alarm is (result.enough_cases and result.observed > result.upper)


def test_ten_million_cases_a_week_are_judged(rng):
    counts = rng.poisson(10_000_000, HISTORY + 1)
    result = judge(counts)
    assert result.expected == pytest.approx(10_000_000, rel=0.01)
    assert not result.alarm
    counts[-1] = 10_100_000
    assert judge(counts).alarm


@given(st.integers(0, 30), st.integers(0, 30))
def test_more_cases_this_week_are_never_less_of_an_alarm(first, second):
    low, high = (judge(np.append(QUIET[:HISTORY], count)) for count in sorted((first, second)))
    assert high.p_value <= low.p_value
    assert high.upper == low.upper
    assert high.alarm >= low.alarm


@pytest.mark.parametrize(
    ("counts", "week", "message"),
    [
        ([1, -1], -1, "whole numbers"),
        ([1, 0.5], -1, "whole numbers"),
        ([1, np.inf], -1, "whole numbers"),
        ([[1, 2]], -1, "one series"),
        ([1, 2], 2, "out of range"),
        ([], -1, "out of range"),
    ],
)
def test_unusable_input_is_refused(counts, week, message):
    with pytest.raises(ValueError, match=message):
        judge(counts, week=week)


@pytest.mark.parametrize(
    "change",
    [
        {"years": 0},
        {"half_window": -1},
        {"alpha": 0.5},
        {"trend_p": 1.1},
        {"known_share": -0.1},
        {"least_cases": -1},
        {"outlier": 0},
        {"seasons": 50},
    ],
)
def test_an_unusable_rule_is_refused(change):
    with pytest.raises(ValueError, match=next(iter(change))):
        replace(Rule(), **change)
