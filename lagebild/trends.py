"""Comparisons with the year before, per district, group and counting unit. Published values in, plain results out."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from dataclasses import dataclass

import numpy as np

from incidents.models import Area, CategoryGroup
from lagebild.city_weeks import WeekResult, judge_weeks
from lagebild.inputs import WEEKS, Inputs
from lagebild.models import AtomFamily
from lagebild.selectors import day_number
from lagebild.stats.rates import Comparison, compare
from lagebild.stats.weeks import YEAR_DAYS, block_index

# A comparison needs at least this many weeks that were delivered in both years.
COMPARABLE_WEEKS = 26


@dataclass(frozen=True)
class TrendResult:
    area: Area
    group: CategoryGroup
    unit_label: str
    comparison: Comparison
    weeks: list[int | None]
    weeks_before: list[int | None]
    weeks_compared: int
    missing_agencies: tuple[str, ...]
    protected_current: int
    protected_previous: int
    last_week: WeekResult | None


def assemble_trends(inputs: Inputs) -> list[TrendResult]:
    """Every district and the city, every group and counting unit that has any case in the two years."""
    areas = [*inputs.city.districts, *([inputs.city.whole] if inputs.city.whole else [])]
    results = []
    judged = judge_weeks(inputs)
    for key in sorted(_group_units(inputs)):
        series = _Series.of(inputs, judged, *key)
        results += [trend for area in areas if (trend := series.trend(area)) is not None]
    return results


def _group_units(inputs: Inputs) -> set[tuple[int, str]]:
    table = inputs.weeks
    found = {(table.strata[i].group_id, table.strata[i].unit_label) for i in np.unique(table.stratum)}
    return found | {(atom.group_id, atom.unit_label) for atom in inputs.released}


@dataclass(frozen=True)
class _Series:
    """Weekly cooperation counts of one group and unit: (areas) -> (2, 52) year before and current."""

    inputs: Inputs
    group: CategoryGroup
    unit_label: str
    by_area: dict[int, np.ndarray]
    delivered: np.ndarray
    missing_agencies: tuple[str, ...]
    protected: dict[int, tuple[int, int]]
    last_week: dict[int, WeekResult]

    @classmethod
    def of(
        cls, inputs: Inputs, judged: dict[tuple[int, int, str], WeekResult], group_id: int, unit_label: str
    ) -> _Series:
        window, table = inputs.window, inputs.weeks
        positions = [i for i, s in enumerate(table.strata) if (s.group_id, s.unit_label) == (group_id, unit_label)]
        table = table.where(np.isin(table.stratum, positions))
        week = (table.day - day_number(window.earliest)) // 7
        inside = (week >= 0) & (week < 2 * WEEKS)
        table, week = table.where(inside), week[inside]
        whole = inputs.city.whole
        by_area: dict[int, np.ndarray] = {}
        for area in [*inputs.city.districts, *([whole] if whole else [])]:
            chosen = np.ones(week.size, dtype=bool) if area is whole else table.district == area.pk
            counts = np.bincount(week[chosen], weights=table.count[chosen], minlength=2 * WEEKS)
            by_area[area.pk] = counts.astype(np.int64).reshape(2, WEEKS)
        contributors = [agency for agency in inputs.coverage.agencies if agency.pk in set(table.agency.tolist())]
        delivered, missing = _delivered(inputs, contributors)
        return cls(
            inputs=inputs,
            group=inputs.groups[group_id],
            unit_label=unit_label,
            by_area=by_area,
            delivered=delivered,
            missing_agencies=missing,
            protected=_protected_sums(inputs, group_id, unit_label),
            last_week={area: week for (area, *key), week in judged.items() if key == [group_id, unit_label]},
        )

    def trend(self, area: Area) -> TrendResult | None:
        before, current = self.by_area[area.pk]
        protected_before, protected = self.protected.get(area.pk, (0, 0))
        if not (before.any() or current.any() or protected or protected_before):
            return None
        both = self.delivered.all(axis=0)
        comparable = int(both.sum()) >= COMPARABLE_WEEKS
        return TrendResult(
            area=area,
            group=self.group,
            unit_label=self.unit_label,
            comparison=compare(
                int(current[both].sum()),
                int(before[both].sum()),
                current_complete=comparable,
                previous_complete=comparable,
            ),
            weeks=_with_gaps(current, self.delivered[1]),
            weeks_before=_with_gaps(before, self.delivered[0]),
            weeks_compared=int(both.sum()),
            missing_agencies=self.missing_agencies,
            protected_current=protected,
            protected_previous=protected_before,
            last_week=self.last_week.get(area.pk),
        )


def _with_gaps(counts: np.ndarray, delivered: np.ndarray) -> list[int | None]:
    return [int(count) if there else None for count, there in zip(counts, delivered, strict=True)]


def _delivered(inputs: Inputs, contributors: list) -> tuple[np.ndarray, tuple[str, ...]]:
    """(2, 52) bool: weeks all contributors delivered; and the slugs of those that missed any."""
    weeks = [inputs.window.earliest + dt.timedelta(weeks=i) for i in range(2 * WEEKS)]
    delivered = np.ones(2 * WEEKS, dtype=bool)
    missing = []
    for agency in contributors:
        gaps = np.array([inputs.coverage.missing(agency.pk, week) for week in weeks])
        delivered &= ~gaps
        if gaps.any():
            missing.append(agency.slug)
    return delivered.reshape(2, WEEKS), tuple(sorted(missing))


def _protected_sums(inputs: Inputs, group_id: int, unit_label: str) -> dict[int, tuple[int, int]]:
    """Area id -> published atoms (year before, current), over periods released in both years."""
    window = inputs.window
    shift = dt.timedelta(days=YEAR_DAYS)
    sums: dict[int, list[int]] = defaultdict(lambda: [0, 0])
    for atom in inputs.released:
        if atom.family == AtomFamily.CELL or (atom.group_id, atom.unit_label) != (group_id, unit_label):
            continue
        is_current = atom.period_start >= window.first_week
        twin = atom.period_start - shift if is_current else atom.period_start + shift
        if atom.period_start < window.earliest or block_index(twin) not in inputs.released_blocks:
            continue
        for area_id in {atom.area_id, inputs.city.whole.pk if inputs.city.whole else None} - {None}:
            sums[area_id][is_current] += atom.count
    return {area_id: (before, current) for area_id, (before, current) in sums.items()}
