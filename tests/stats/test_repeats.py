import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lagebild.stats.repeats import repeats

REPORTS = st.lists(st.tuples(st.integers(0, 4), st.integers(0, 60)), max_size=60)


def test_seven_days_from_the_first_report_not_from_the_previous():
    assert repeats([1] * 5, [0, 4, 7, 8, 12]).tolist() == [False, True, True, False, True]


def test_other_places_and_categories_are_other_events():
    assert repeats([1, 2, 1], [0, 0, 1]).tolist() == [False, False, True]


def test_of_several_on_the_first_day_one_counts():
    assert repeats([5, 5, 5], [3, 3, 3]).sum() == 2


@given(REPORTS, st.integers(-500, 500))
def test_order_and_the_calendar_do_not_change_how_many_remain(reports, shift):
    event, day = [e for e, _ in reports], [d for _, d in reports]
    kept = np.count_nonzero(~repeats(event, day))
    order = np.random.default_rng(len(reports)).permutation(len(reports))
    moved = repeats(np.array(event, dtype=int)[order], np.array(day, dtype=int)[order] + shift)
    assert np.count_nonzero(~moved) == kept


@given(REPORTS)
def test_each_repeat_has_a_first_report_within_the_days(reports):
    event, day = [e for e, _ in reports], [d for _, d in reports]
    found = repeats(event, day)
    for index in np.flatnonzero(found):
        assert any(
            not found[other] and event[other] == event[index] and 0 <= day[index] - day[other] <= 7
            for other in range(len(reports))
        )


@pytest.mark.parametrize(("event", "day", "days"), [([1], [1, 2], 7), ([1], [1], -1)])
def test_impossible_input_is_refused(event, day, days):
    with pytest.raises(ValueError, match=r"shape|at least"):
        repeats(event, day, days=days)
