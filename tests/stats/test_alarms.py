import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from lagebild.stats.alarms import null_pool, pool_p, recurrence_nights, threshold_p


def test_p_is_counted_where_many_maxima_lie_above():
    pool = null_pool(np.arange(1, 1001))
    found = pool_p(pool, 901)
    assert (found.p, found.exceeding, found.is_fitted) == (101 / 1001, 100, False)


@pytest.mark.parametrize(
    ("distribution", "most"), [(stats.gumbel_r(8, 1.2), 1.25), (stats.expon(5, 1), 1.1), (stats.norm(8, 1), 6)]
)
@pytest.mark.parametrize("level", [1 / 2_000, 1.2e-4, 5e-5])
def test_the_fitted_tail_is_close_where_the_alarm_is_and_errs_to_the_safe_side(distribution, most, level):
    """The mean of 40 pools; single pools scatter. A normal distribution falls off much faster than the ratios do."""
    value = distribution.isf(level)
    found = [pool_p(null_pool(distribution.rvs(20_000, random_state=seed)), value) for seed in range(40)]
    assert 0.9 * level <= np.mean([p.p for p in found]) <= most * level
    assert all(p.is_fitted for p in found if p.exceeding < 30)


@given(st.lists(st.floats(0, 50, allow_nan=False), min_size=1, max_size=200), st.floats(0, 80, allow_nan=False))
def test_p_is_a_probability_and_never_rises_with_the_statistic(maxima, value):
    pool = null_pool(maxima)
    lower, higher = pool_p(pool, value), pool_p(pool, value + 1)
    assert 0 <= higher.p <= lower.p <= 1


def test_order_of_the_pool_does_not_matter():
    values = np.random.default_rng(1).gumbel(8, 1, 5_000)
    assert pool_p(null_pool(values), 15.0) == pool_p(null_pool(values[::-1]), 15.0)


def test_nothing_observed_has_p_one_and_equal_maxima_have_no_tail():
    pool = null_pool(np.zeros(500))
    assert pool.tail is None
    assert pool_p(pool, 0.0).p == 1.0
    assert pool_p(pool, 0.1).p == 1 / 501


def test_threshold_and_recurrence():
    assert threshold_p(23) == pytest.approx(1 / 8395)
    assert threshold_p(1, 2.0) == pytest.approx(2 / 365)
    assert recurrence_nights(0.01) == pytest.approx(100)


@pytest.mark.parametrize(
    "call",
    [
        lambda: null_pool([]),
        lambda: null_pool([1.0, np.nan]),
        lambda: null_pool([-1.0]),
        lambda: threshold_p(0),
        lambda: threshold_p(1, 0),
        lambda: recurrence_nights(0),
    ],
)
def test_impossible_input_is_refused(call):
    with pytest.raises(ValueError, match=r"must be|false alarms"):
        call()
