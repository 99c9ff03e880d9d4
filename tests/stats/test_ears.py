import csv
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from lagebild.stats.ears import Method, Rule, judge

REFERENCE_RULE = Rule(least_spread=0, least_cases=0)
WEEKS = [3, 5, 4, 6, 2, 4, 4, 30, 7, 12]
Z = stats.norm.isf(0.001)


def table(shared, name):
    with (shared / "data" / "reference" / "farrington_ears" / name).open(newline="") as file:
        return list(csv.DictReader(file))


@pytest.fixture(scope="module")
def newport(shared):
    rows = table(shared, "salmNewport_total_weekly.csv")
    position = {row["date"]: number for number, row in enumerate(rows)}
    expected = table(shared, "expected_ears_salmNewport_2011on.csv")
    assert len(expected) == 163
    return [float(row["observed"]) for row in rows], [(position[row["date"]], row) for row in expected]


@pytest.mark.parametrize(("method", "alarms"), [(Method.C1, 7), (Method.C2, 10)])
def test_newport_agrees_with_surveillance(newport, method, alarms):
    counts, rows = newport
    found = 0
    for week, row in rows:
        result = judge(counts, week=week, method=method, rule=REFERENCE_RULE)
        assert result.upper == pytest.approx(float(row[f"{method.name}_up"]), rel=1e-12)
        assert result.alarm is (row[f"{method.name}_alarm"] == "TRUE"), row
        found += result.alarm
    assert found == alarms


def test_newport_c3_has_the_parts_of_the_bound_of_surveillance(newport):
    counts, rows = newport
    found = 0
    for week, row in rows:
        result = judge(counts, week=week, method=Method.C3, rule=REFERENCE_RULE)
        bound = max(0, result.observed + result.spread * (Z - result.carried))
        assert bound == pytest.approx(float(row["C3_up"]), rel=1e-9, abs=1e-12)
        assert (result.observed > bound) == (row["C3_alarm"] == "TRUE"), row
        found += result.observed > bound
    assert found == 6


def test_c1_and_c2_are_mean_and_scatter_of_seven_weeks():
    c1 = judge(WEEKS, method=Method.C1)
    assert (c1.expected, c1.carried) == (pytest.approx(np.mean(WEEKS[2:9])), 0)
    assert c1.upper == pytest.approx(np.mean(WEEKS[2:9]) + Z * np.std(WEEKS[2:9], ddof=1))
    c2 = judge(WEEKS)
    assert c2.expected == pytest.approx(4)
    assert c2.upper == pytest.approx(4 + Z * np.std(WEEKS[:7], ddof=1))
    assert (c1.alarm, c2.alarm) == (False, True)
    assert c2.score == pytest.approx((12 - 4) / (c2.upper - 4))


@given(st.lists(st.integers(0, 40), min_size=12, max_size=30))
def test_c3_alarms_where_three_weeks_together_are_high_and_the_last_adds_to_it(counts):
    result = judge(counts, method=Method.C3)
    terms = []
    for week in range(-3, 0):
        c2 = judge(counts, week=week, method=Method.C2)
        terms.append(max(0, (c2.observed - c2.expected) / c2.spread - 1))
    assert result.carried == pytest.approx(sum(terms[:2]))
    at_the_bound = (result.upper - result.expected) / result.spread - 1
    assert at_the_bound + result.carried == pytest.approx(max(Z, result.carried))
    if abs(sum(terms) - Z) > 1e-9 and (terms[2] == 0 or terms[2] > 1e-9):
        assert result.alarm == (sum(terms) > Z and terms[2] > 0 and result.enough_cases)


def test_three_slightly_high_weeks_are_seen_by_c3_alone():
    counts = [8, 10, 12, 10, 9, 11, 10, 9, 11, 13, 14, 13]
    assert [judge(counts, method=method).alarm for method in Method] == [False, False, True]


def test_a_missing_week_is_skipped():
    gap = [9, 3, 5, 4, 6, np.nan, 2, 4, 4, 30, 7, 12]
    full = [9, 3, 5, 4, 6, 2, 4, 4, 30, 7, 12]
    assert judge(gap) == judge(full)
    assert judge([*full[:-1], np.nan]) is None
    assert judge([5, 4, *full[:-2], np.nan, 12], method=Method.C3).carried > 10
    assert judge([5, 4, *full[:-3], np.nan, np.nan, 12], method=Method.C3).carried == 0


@pytest.mark.parametrize(("method", "needed"), [(Method.C1, 8), (Method.C2, 10), (Method.C3, 12)])
def test_too_few_weeks_are_no_result(method, needed):
    counts = np.full(needed, 3)
    assert judge(counts, method=method) is not None
    assert judge(counts[1:], method=method) is None
    long_ago = np.concatenate([counts, np.full(13, np.nan), [3]])
    assert judge(long_ago, method=method) is None


def test_few_cases_raise_no_alarm():
    counts = [0] * 12 + [4]
    assert judge(counts).observed > judge(counts).upper
    assert not judge(counts).alarm
    assert judge([*counts[:-2], 1, 4]).alarm


def test_without_any_scatter_the_least_spread_makes_the_bound():
    assert judge([6] * 12).upper == pytest.approx(6 + Z * 0.5)
    bare = judge([6] * 12, rule=replace(Rule(), least_spread=0))
    assert (bare.upper, bare.score, bare.alarm) == (6, None, False)
    jump = [6] * 10 + [7, 7]
    assert judge(jump, method=Method.C3, rule=replace(Rule(), least_spread=0)).carried == np.inf


def test_weeks_after_the_judged_one_are_not_looked_at():
    for method in Method:
        assert judge([*WEEKS, *WEEKS, 99], week=-2, method=method) == judge([*WEEKS, *WEEKS], method=method)


@given(st.lists(st.integers(0, 10_000_000), min_size=12, max_size=20), st.integers(0, 1000))
def test_a_level_added_to_all_weeks_moves_the_bound_by_it(counts, level):
    for method in Method:
        low = judge(counts, method=method)
        high = judge(np.array(counts) + level, method=method)
        assert high.upper - level == pytest.approx(low.upper, rel=1e-6, abs=1e-3)


@given(st.lists(st.integers(0, 50), min_size=11, max_size=11), st.integers(0, 100), st.integers(0, 100))
def test_more_cases_this_week_are_never_less_of_an_alarm(before, first, second):
    for method in Method:
        low, high = (judge([9, *before, count], method=method) for count in sorted((first, second)))
        assert high.upper == low.upper
        assert high.alarm >= low.alarm


@pytest.mark.parametrize(
    ("counts", "week", "message"),
    [
        ([1, -1], -1, "whole numbers"),
        ([1, 0.5], -1, "whole numbers"),
        ([1, np.inf], -1, "whole numbers"),
        ([[1, 2]], -1, "one series"),
        ([1, 2], -3, "out of range"),
        ([], -1, "out of range"),
    ],
)
def test_unusable_input_is_refused(counts, week, message):
    with pytest.raises(ValueError, match=message):
        judge(counts, week=week)


@pytest.mark.parametrize(
    "change", [{"baseline": 2}, {"alpha": 0}, {"least_spread": -1}, {"least_cases": -1}, {"least_weeks": 0}]
)
def test_an_unusable_rule_is_refused(change):
    with pytest.raises(ValueError, match=next(iter(change))):
        replace(Rule(), **change)
