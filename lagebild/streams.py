"""Cells and hotspots of every stream (category group). Published values in, plain results out; writes nothing."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from incidents.models import Area, CategoryGroup
from lagebild.inputs import Inputs
from lagebild.models import AtomFamily, ReleasedAtom, StatusWord
from lagebild.selectors import NO_CELL, day_number
from lagebild.stats.grid import OUTSIDE, count_cells
from lagebild.stats.hotspots import Hotspot, HotspotMap, find_hotspots
from lagebild.stats.status import active_periods, hotspot_status
from lagebild.stats.weeks import BLOCK_DAYS, YEAR_BLOCKS

RECENT_DAYS = 84
# An agency is named at a hotspot where its own records there are at least this many.
NAMED_FROM = 3
RAMP_STEPS = 5
HOTSPOTS_PER_STREAM = 4


def named_agencies(counts: Mapping[int, int], slugs: Mapping[int, str]) -> list[str]:
    """Slugs, in order, of the agencies that may be named: counts by Agency id, of records that all members see."""
    return sorted(slugs[pk] for pk, count in counts.items() if count >= NAMED_FROM and pk in slugs)


@dataclass(frozen=True)
class CellResult:
    group: CategoryGroup
    cell: int
    district: Area | None
    count: int
    disk_count: int
    expected: float
    p_value: float
    is_significant: bool
    ramp: int


@dataclass(frozen=True)
class HotspotResult:
    group: CategoryGroup
    center_cell: int
    cells: tuple[int, ...]
    district: Area | None
    count: int
    expected: float
    p_value: float
    status_word: str
    active_since: dt.date | None
    recent_count: int
    recent_before: int
    is_merged_only: bool
    agencies: tuple[str, ...]


def assemble_streams(inputs: Inputs) -> tuple[list[CellResult], list[HotspotResult]]:
    """Cells and hotspots of every stream (category group), control-driven categories left out."""
    cells: list[CellResult] = []
    hotspots: list[HotspotResult] = []
    for group in sorted(inputs.groups.values(), key=lambda g: g.pk):
        stream = _Stream.of(inputs, group)
        if stream.total == 0:
            continue
        found = find_hotspots(inputs.city.grid, stream.year)
        cells += stream.cell_results(found)
        hotspots += stream.hotspot_results(found)
    return cells, hotspots


@dataclass(frozen=True)
class _Stream:
    """One group's published counts on the city's grid.

    periods: (13, n) cooperation part by 28-day period ending on the picture's date; by_agency: agency id -> (n,)
    cooperation part; protected: (n,) released atoms; recent, recent_before: (n,) cooperation part of the last 84 days
    and the 84 before.
    """

    inputs: Inputs
    group: CategoryGroup
    periods: np.ndarray
    by_agency: dict[int, np.ndarray]
    protected: np.ndarray
    recent: np.ndarray
    recent_before: np.ndarray

    @classmethod
    def of(cls, inputs: Inputs, group: CategoryGroup) -> _Stream:
        grid, window = inputs.city.grid, inputs.window
        table = inputs.days.of_group(group.pk)
        table = table.where(table.cell != NO_CELL)
        periods = np.zeros((YEAR_BLOCKS, grid.size), dtype=np.int64)
        age = (table.day - day_number(window.first)) // BLOCK_DAYS
        for period in range(YEAR_BLOCKS):
            chosen = age == period
            periods[period] = count_cells(grid, table.cell[chosen], table.count[chosen])
        protected = np.zeros(grid.size, dtype=np.int64)
        for atom in _cell_atoms(inputs, group):
            protected += count_cells(grid, [atom.cell], [atom.count])
        days_ago = day_number(window.date) - table.day
        recent, before = days_ago < RECENT_DAYS, (days_ago >= RECENT_DAYS) & (days_ago < 2 * RECENT_DAYS)
        by_agency = {
            int(agency): count_cells(grid, table.cell[table.agency == agency], table.count[table.agency == agency])
            for agency in np.unique(table.agency)
        }
        return cls(
            inputs=inputs,
            group=group,
            periods=periods,
            by_agency=by_agency,
            protected=protected,
            recent=count_cells(grid, table.cell[recent], table.count[recent]),
            recent_before=count_cells(grid, table.cell[before], table.count[before]),
        )

    @property
    def year(self) -> np.ndarray:
        return self.periods.sum(axis=0) + self.protected

    @property
    def total(self) -> int:
        return int(self.year.sum())

    def cell_results(self, found: HotspotMap) -> list[CellResult]:
        city, year = self.inputs.city, self.year
        shown = np.flatnonzero(year)
        ramp = _ramp(year)
        return [
            CellResult(
                group=self.group,
                cell=(cell := int(city.grid.cells[i])),
                district=city.district_of_cell[cell],
                count=int(year[i]),
                disk_count=int(found.count[i]),
                expected=float(found.expected[i]),
                p_value=float(found.p[i]),
                is_significant=bool(found.significant[i]),
                ramp=int(ramp[i]),
            )
            for i in shown
        ]

    def hotspot_results(self, found: HotspotMap) -> list[HotspotResult]:
        city = self.inputs.city
        best = found.hotspots[:HOTSPOTS_PER_STREAM]
        words = hotspot_status(city.grid, self.periods, [hotspot.centre for hotspot in best])
        active = active_periods(city.grid, self.periods)
        alone = self._seen_alone()
        results = []
        for hotspot, found_word in zip(best, words, strict=True):
            members = list(hotspot.cells)
            word = StatusWord.UNKNOWN if self._is_mostly_protected(hotspot) else StatusWord(found_word.value)
            results.append(
                HotspotResult(
                    group=self.group,
                    center_cell=(center := int(city.grid.cells[hotspot.centre])),
                    cells=tuple(int(city.grid.cells[i]) for i in members),
                    district=city.district_of_cell[center],
                    count=hotspot.count,
                    expected=hotspot.expected,
                    p_value=hotspot.p,
                    status_word=word,
                    active_since=None if word == StatusWord.UNKNOWN else self._active_since(active[:, hotspot.centre]),
                    recent_count=int(self.recent[members].sum()),
                    recent_before=int(self.recent_before[members].sum()),
                    is_merged_only=not alone[members].any(),
                    agencies=self._named(members),
                )
            )
        return results

    def _is_mostly_protected(self, hotspot: Hotspot) -> bool:
        """Whether released atoms are half of the disk or more.

        An atom is withheld below its minimum, so their course over the year would read withholding as fading.
        """
        disk = self.inputs.city.grid.disks[hotspot.centre]
        return 2 * int(self.protected[disk[disk != OUTSIDE]].sum()) >= hotspot.count

    def _active_since(self, active: np.ndarray) -> dt.date | None:
        """First day of the unbroken run of active periods that ends last; None where no period is active."""
        on = np.flatnonzero(active)
        if not on.size:
            return None
        start = on[-1]
        while start > 0 and active[start - 1]:
            start -= 1
        return self.inputs.window.first + dt.timedelta(days=int(start) * BLOCK_DAYS)

    def _seen_alone(self) -> np.ndarray:
        """(n,) bool: cells that are significant in some agency's own part, the protected part counting as one."""
        seen = np.zeros(self.inputs.city.grid.size, dtype=bool)
        for counts in (*self.by_agency.values(), self.protected):
            if counts.any():
                seen |= find_hotspots(self.inputs.city.grid, counts).significant
        return seen

    def _named(self, members: list[int]) -> tuple[str, ...]:
        slugs = {agency.pk: agency.slug for agency in self.inputs.coverage.agencies}
        return tuple(named_agencies({pk: int(counts[members].sum()) for pk, counts in self.by_agency.items()}, slugs))


def _cell_atoms(inputs: Inputs, group: CategoryGroup) -> list[ReleasedAtom]:
    return [
        atom
        for atom in inputs.released
        if atom.family == AtomFamily.CELL
        and atom.group_id == group.pk
        and not atom.is_control_driven
        and atom.period_start >= inputs.window.first
        and atom.period_end <= inputs.window.date
    ]


def _ramp(counts: np.ndarray) -> np.ndarray:
    """(n,) 1..5: fifths of the cells that have cases; 1 elsewhere."""
    filled = np.sort(counts[counts > 0])
    rank = np.searchsorted(filled, counts, side="left") / max(filled.size, 1)
    return np.clip((rank * RAMP_STEPS).astype(int) + 1, 1, RAMP_STEPS)
