"""What one night's picture is made of: its days and the arrays it reads."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from incidents.models import CategoryGroup
from lagebild.calendar import Calendar
from lagebild.map_checks import EarlierMap
from lagebild.models import ReleasedAtom
from lagebild.selectors import CaseTable, City, CoverageTable, week_of
from lagebild.stats.weeks import YEAR_DAYS
from lagebild.time_profiles import TimeTable
from lagebild.watch import Watch

WEEKS = 52
# Four years for the judgement of a week, and the weeks around the same one four years ago.
HISTORY_WEEKS = 4 * 52 + 8


@dataclass(frozen=True)
class Window:
    """The days a picture speaks of: 364 days ending on its date, and the last 52 complete ISO weeks."""

    date: dt.date

    @property
    def first(self) -> dt.date:
        return self.date - dt.timedelta(days=YEAR_DAYS - 1)

    @property
    def first_week(self) -> dt.date:
        return self.last_week - dt.timedelta(weeks=WEEKS - 1)

    @property
    def last_week(self) -> dt.date:
        """Monday of the last complete ISO week."""
        return week_of(self.date + dt.timedelta(days=1)) - dt.timedelta(weeks=1)

    @property
    def last_day(self) -> dt.date:
        """Sunday of the last complete ISO week."""
        return self.last_week + dt.timedelta(days=6)

    @property
    def earliest(self) -> dt.date:
        """First day of anything the picture reads."""
        return self.first_week - dt.timedelta(days=YEAR_DAYS)

    @property
    def history_start(self) -> dt.date:
        """Monday of the first week that the last one is judged by."""
        return self.last_week - dt.timedelta(weeks=HISTORY_WEEKS - 1)


@dataclass(frozen=True)
class Inputs:
    """`weeks` are the cooperation cases of both years by ISO week, `days` those of the window by day and cell.

    `earlier` are the weeks before both years, as far as one is judged by them. All hold the frozen counts of what has
    been deleted since: by week, and by cell and 28-day block. `times` are the spans of the window's cooperation cases,
    `earlier_map` the map that the last four weeks judge, `faces` a digest of the faces that looks at phenomena read.
    """

    window: Window
    city: City
    groups: dict[int, CategoryGroup]
    weeks: CaseTable
    earlier: CaseTable
    days: CaseTable
    released: list[ReleasedAtom]
    released_blocks: frozenset[int]
    coverage: CoverageTable
    calendar: Calendar
    watch: Watch
    faces: list[list[int]]
    times: TimeTable
    earlier_map: EarlierMap | None
