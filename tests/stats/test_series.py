import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lagebild.stats.series import has_enough_cases, weekly_series


@given(st.lists(st.integers(0, 10_000_000), min_size=1), st.data())
def test_the_series_ends_with_the_week(counts, data):
    week = data.draw(st.integers(-len(counts), len(counts) - 1))
    series, position = weekly_series(counts, week)
    assert series.tolist() == counts[: position + 1]
    assert series[-1] == counts[week]


def test_missing_weeks_stay_missing_and_are_no_cases():
    series, _ = weekly_series([9, 2, np.nan, 2], -1)
    np.testing.assert_array_equal(series, [9, 2, np.nan, 2])
    assert not has_enough_cases(series, cases=5, weeks=3)
    assert has_enough_cases(series, cases=4, weeks=3)
    assert has_enough_cases(series, cases=13, weeks=10)


@pytest.mark.parametrize(
    ("counts", "week", "message"),
    [
        ([1, -1], -1, "whole numbers"),
        ([1, 0.5], -1, "whole numbers"),
        ([1, np.inf], -1, "whole numbers"),
        ([[1, 2]], -1, "one series"),
        ([1, 2], 2, "out of range"),
        ([1, 2], -3, "out of range"),
        ([], -1, "out of range"),
    ],
)
def test_unusable_input_is_refused(counts, week, message):
    with pytest.raises(ValueError, match=message):
        weekly_series(counts, week)
