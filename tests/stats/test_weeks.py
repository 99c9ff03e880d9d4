import datetime as dt
import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lagebild.stats import weeks

days = st.dates(dt.date(1990, 1, 1), dt.date(2090, 12, 31))


def test_epoch_is_a_monday_that_begins_iso_week_one():
    assert weeks.EPOCH_MONDAY.isocalendar()[1:] == (1, 1)


@given(days)
def test_week_is_the_iso_week_of_the_calendar(day):
    period = weeks.week_period(weeks.week_index(day))
    assert day in period
    assert period.length_days == 7
    assert period.start.isocalendar() == (*day.isocalendar()[:2], 1)


@given(days)
def test_block_is_the_union_of_its_four_weeks(day):
    block = weeks.block_index(day)
    first, *_, last = [weeks.week_period(index) for index in range(4 * block, 4 * block + 4)]
    assert weeks.block_period(block) == weeks.Period(first.start, last.end)
    assert day in weeks.block_period(block)


@given(st.lists(days, max_size=20))
def test_many_days_get_the_same_weeks_as_single_ones(several):
    assert weeks.week_indices(np.array(several, dtype="datetime64[D]")).tolist() == [
        weeks.week_index(day) for day in several
    ]


def test_missing_date_is_refused():
    with pytest.raises(ValueError, match="NaT"):
        weeks.week_indices(np.array(["2025-01-01", "NaT"], dtype="datetime64[D]"))


@given(days)
def test_last_blocks_adjoin_are_over_and_miss_less_than_a_block(day):
    blocks = weeks.last_blocks(day)
    assert len(blocks) == 13
    assert all(earlier.end == later.start for earlier, later in itertools.pairwise(blocks))
    assert dt.timedelta(0) <= day - blocks[-1].end < dt.timedelta(days=28)
    running = weeks.running_part(day)
    assert (running is None) == (day == blocks[-1].end)
    assert running is None or running == weeks.Period(blocks[-1].end, day)


def test_week_is_complete_on_the_following_monday_and_not_on_its_sunday():
    sunday, monday = dt.date(2025, 3, 9), dt.date(2025, 3, 10)
    week = weeks.week_index(sunday)
    assert weeks.complete_weeks_end(sunday) == week
    assert weeks.complete_weeks_end(monday) == week + 1


def test_year_before_keeps_length_weekday_and_block_boundaries():
    block = weeks.block_period(weeks.block_index(dt.date(2025, 6, 2)))
    before = weeks.year_before(block)
    assert before == weeks.block_period(weeks.block_index(dt.date(2025, 6, 2)) - 13)
    assert before.start.weekday() == block.start.weekday()


def test_year_before_refuses_a_period_that_would_overlap_itself():
    with pytest.raises(ValueError, match="overlaps"):
        weeks.year_before(weeks.Period(dt.date(2024, 1, 1), dt.date(2025, 1, 1)))


def test_last_day_belongs_to_the_period_and_end_does_not():
    period = weeks.Period(dt.date(2025, 1, 6), dt.date(2025, 1, 13))
    assert period.last_day == dt.date(2025, 1, 12)
    assert period.last_day in period
    assert period.end not in period


def test_empty_period_and_no_blocks_are_refused():
    with pytest.raises(ValueError, match="must end after"):
        weeks.Period(dt.date(2025, 1, 1), dt.date(2025, 1, 1))
    with pytest.raises(ValueError, match="number"):
        weeks.last_blocks(dt.date(2025, 1, 1), number=0)
