"""Fixed calendar grid: ISO weeks and 28-day blocks of four whole ISO weeks.

Weeks run Monday to Sunday (ISO 8601) and are numbered from `EPOCH_MONDAY`; block b holds the weeks 4b to 4b + 3.
The grid never moves: counts released for a week or block are released once, and two overlapping windows of
different phase would allow their difference to be read off.

All dates are local calendar dates. An instant becomes a date in the city's own time zone before it gets here.
Every interval is half open: `start` is the first day, `end` the first day after it.
"""

import datetime as dt
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

EPOCH_MONDAY = dt.date(2000, 1, 3)
WEEK_DAYS = 7
BLOCK_WEEKS = 4
BLOCK_DAYS = WEEK_DAYS * BLOCK_WEEKS
YEAR_BLOCKS = 13
YEAR_DAYS = BLOCK_DAYS * YEAR_BLOCKS


@dataclass(frozen=True, order=True)
class Period:
    """Half-open interval of local dates, `start` included, `end` not. ValueError where it is empty."""

    start: dt.date
    end: dt.date

    def __post_init__(self) -> None:
        if self.end <= self.start:
            raise ValueError(f"period must end after it starts: {self.start} to {self.end}")

    @property
    def last_day(self) -> dt.date:
        return self.end - dt.timedelta(days=1)

    @property
    def length_days(self) -> int:
        return (self.end - self.start).days

    def __contains__(self, day: dt.date) -> bool:
        return self.start <= day < self.end


def week_index(day: dt.date) -> int:
    """Number of the ISO week holding `day`; 0 is the week of EPOCH_MONDAY, earlier weeks are negative."""
    return (day - EPOCH_MONDAY).days // WEEK_DAYS


def block_index(day: dt.date) -> int:
    """Number of the 28-day block holding `day`; block b consists of the weeks 4b to 4b + 3."""
    return week_index(day) // BLOCK_WEEKS


def week_indices(days: npt.ArrayLike) -> npt.NDArray[np.int32]:
    """Week numbers of many days at once.

    days: (n,) datetime64[D] or anything numpy converts to it without loss, local dates.
    Returns (n,) int32. ValueError for a missing date (NaT).
    """
    array = np.asarray(days, dtype="datetime64[D]")
    if np.isnat(array).any():
        raise ValueError("days contains a missing date (NaT)")
    return ((array - np.datetime64(EPOCH_MONDAY)).astype(np.int64) // WEEK_DAYS).astype(np.int32)


def week_period(index: int) -> Period:
    """The seven days of week `index`."""
    start = EPOCH_MONDAY + dt.timedelta(weeks=index)
    return Period(start, start + dt.timedelta(days=WEEK_DAYS))


def block_period(index: int) -> Period:
    """The 28 days of block `index`."""
    start = EPOCH_MONDAY + dt.timedelta(days=index * BLOCK_DAYS)
    return Period(start, start + dt.timedelta(days=BLOCK_DAYS))


def complete_weeks_end(before: dt.date) -> int:
    """First week number that is not complete when `before` is the first day not yet over.

    Weeks with a smaller number are complete. On a Monday the week that ended the day before is complete.
    """
    return week_index(before)


def complete_blocks_end(before: dt.date) -> int:
    """First block number that is not complete when `before` is the first day not yet over."""
    return block_index(before)


def last_blocks(before: dt.date, number: int = YEAR_BLOCKS) -> tuple[Period, ...]:
    """The `number` last complete blocks, oldest first, adjoining; thirteen make 364 days, the "12 months".

    before: first day that is not yet over (the day a night's picture is built on). ValueError for number < 1.
    """
    if number < 1:
        raise ValueError(f"number must be at least 1, got {number}")
    end = complete_blocks_end(before)
    return tuple(block_period(index) for index in range(end - number, end))


def running_part(before: dt.date) -> Period | None:
    """Days after the last complete block and before `before`; None on the day a block begins."""
    start = block_period(block_index(before)).start
    return Period(start, before) if before > start else None


def year_before(period: Period) -> Period:
    """The same number of days 364 days (52 weeks) earlier.

    52 weeks instead of a calendar year keep weekdays, ISO weeks and 28-day blocks aligned and both lengths equal.
    The calendar date drifts by one day a year, two in leap years. ValueError for a period longer than 364 days,
    which would overlap the one it is compared with.
    """
    if period.length_days > YEAR_DAYS:
        raise ValueError(f"period of {period.length_days} days overlaps the same period of the year before")
    shift = dt.timedelta(days=YEAR_DAYS)
    return Period(period.start - shift, period.end - shift)
