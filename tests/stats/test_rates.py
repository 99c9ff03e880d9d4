import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from lagebild.stats.rates import Verdict, compare

counts = st.integers(0, 400)


def test_clopper_pearson_bounds_of_the_published_example():
    # Clopper-Pearson 95 % for 10 of 30 is 0.1729 to 0.5281 (tables of the exact binomial interval).
    result = compare(10, 20)
    assert result.low == pytest.approx(0.1729 / (1 - 0.1729), rel=1e-3)
    assert result.high == pytest.approx(0.5281 / (1 - 0.5281), rel=1e-3)


@given(counts, counts, st.floats(0.2, 5))
def test_bounds_agree_with_the_exact_binomial_interval_of_scipy(current, previous, exposure):
    result = compare(current, previous, exposure_ratio=exposure)
    if current + previous == 0:
        assert (result.low, result.high) == (None, None)
        return
    interval = stats.binomtest(current, current + previous).proportion_ci(0.95, method="exact")
    assert result.low == pytest.approx(interval.low / (1 - interval.low) / exposure, rel=1e-6)
    if previous:
        assert result.high == pytest.approx(interval.high / (1 - interval.high) / exposure, rel=1e-6)
    else:
        assert result.high is None


@given(counts, counts)
def test_exchanging_the_periods_mirrors_interval_and_verdict(current, previous):
    mirror = {Verdict.RISE: Verdict.FALL, Verdict.FALL: Verdict.RISE}
    there, back = compare(current, previous), compare(previous, current)
    assert there.difference == -back.difference
    assert back.verdict == mirror.get(there.verdict, there.verdict)
    if current and previous:
        assert there.low == pytest.approx(1 / back.high)


@given(counts, counts)
def test_ratio_lies_in_its_interval(current, previous):
    result = compare(current, previous)
    if result.ratio is not None:
        assert result.low <= result.ratio <= result.high


def test_base_of_zero_has_no_percent_and_no_ratio():
    result = compare(8, 0)
    assert (result.difference, result.percent, result.ratio, result.high) == (8, None, None, None)
    all_in_one = 0.025 ** (1 / 8)
    assert result.low == pytest.approx(all_in_one / (1 - all_in_one))
    assert result.verdict is Verdict.RISE


def test_nothing_in_both_periods_is_too_few_with_a_difference_of_zero():
    result = compare(0, 0)
    assert (result.difference, result.percent, result.low, result.high) == (0, None, None, None)
    assert result.verdict is Verdict.TOO_FEW


@pytest.mark.parametrize(
    ("current", "previous", "verdict"),
    [
        (5, 0, Verdict.TOO_FEW),
        (2, 3, Verdict.TOO_FEW),
        (6, 0, Verdict.RISE),
        (0, 6, Verdict.FALL),
        (5, 1, Verdict.UNCLEAR),
        (3, 1, Verdict.TOO_FEW),
        (20, 10, Verdict.UNCLEAR),
        (30, 10, Verdict.RISE),
        (200, 300, Verdict.FALL),
    ],
)
def test_verdict_of_small_and_large_counts(current, previous, verdict):
    assert compare(current, previous).verdict is verdict


@given(counts, counts, st.booleans())
def test_missing_delivery_is_never_a_decrease(current, previous, which):
    result = compare(current, previous, current_complete=which, previous_complete=not which)
    assert result.verdict is Verdict.NOT_COMPARABLE
    assert {result.difference, result.percent, result.ratio, result.low, result.high} == {None}
    assert (result.current, result.previous) == (current, previous)


def test_equal_rates_over_unequal_lengths_show_no_change():
    result = compare(20, 10, exposure_ratio=2.0)
    assert result.ratio == pytest.approx(1)
    assert result.percent == pytest.approx(0)
    assert result.verdict is Verdict.UNCLEAR


@pytest.mark.parametrize("mean", [2, 10, 60])
def test_a_constant_rate_is_called_a_change_in_at_most_five_per_cent(mean):
    top = int(mean + 10 * math.sqrt(mean) + 10)
    wrong = sum(
        stats.poisson.pmf(first, mean) * stats.poisson.pmf(second, mean)
        for first in range(top)
        for second in range(top)
        if compare(first, second).verdict in (Verdict.RISE, Verdict.FALL)
    )
    assert 0 < wrong <= 0.05


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"current": -1, "previous": 0}, "current"),
        ({"current": 1, "previous": 1.5}, "previous"),
        ({"current": 1, "previous": 1, "exposure_ratio": 0}, "exposure_ratio"),
        ({"current": 1, "previous": 1, "confidence": 1}, "confidence"),
    ],
)
def test_impossible_arguments_are_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        compare(**arguments)
