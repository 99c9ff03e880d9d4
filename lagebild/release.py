"""Release of the protected counts: each 28-day block once, when it is complete, by the rules of `stats.disclosure`.

Weeks and cells of a block are released together from the same records, so nothing that arrives between two releases
can be read off as a difference. Records that arrive after their block was released stay out of the protected part.
"""

from __future__ import annotations

import datetime as dt

import numpy as np
from django.db import transaction

from agencies.visibility import SharingLevel
from lagebild.models import AtomFamily, ReleasedAtom, ReleasedBlock
from lagebild.selectors import CaseTable, DeliveredCount, day_number, load_cases, load_deliveries
from lagebild.stats.disclosure import CellAtoms, Contributions, WeekAtoms, primary_rule, publish_counts
from lagebild.stats.weeks import (
    BLOCK_WEEKS,
    EPOCH_MONDAY,
    Period,
    block_index,
    block_period,
    complete_blocks_end,
    week_period,
)

# Two years are shown; a third gives a new installation some history.
RELEASED_BLOCKS = 39
# A delivered count may speak of up to a year; it is released with the block its last day lies in.
LONGEST_DELIVERY = dt.timedelta(days=366)


@transaction.atomic
def release_due_blocks(before: dt.date) -> int:
    """Release every complete block before the local day that has not been released; returns how many.

    Works for no person: what it stores is published by construction.
    """
    end = complete_blocks_end(before)
    done = set(ReleasedBlock.objects.select_for_update().values_list("pk", flat=True))
    due = [index for index in range(end - RELEASED_BLOCKS, end) if index not in done]
    if not due:
        return 0
    ReleasedBlock.objects.bulk_create([ReleasedBlock(index=index) for index in due])
    first, last = block_period(due[0]).start, block_period(due[-1]).last_day
    cases = load_cases(SharingLevel.STATISTICS, first=first, last=last)
    weeks = (cases.day - day_number(EPOCH_MONDAY)) // 7
    in_due = np.isin(weeks // BLOCK_WEEKS, due)
    published = publish_counts(_contributions(cases, weeks, in_due), weeks_end=end * BLOCK_WEEKS)
    atoms = [*_week_atoms(cases, published.weeks), *_cell_atoms(cases, published.cells)]
    atoms += _delivered_atoms(load_deliveries(first=first - LONGEST_DELIVERY, last=last), set(due))
    ReleasedAtom.objects.bulk_create(atoms, batch_size=2000)
    return len(due)


def _contributions(cases: CaseTable, weeks: np.ndarray, mask: np.ndarray) -> Contributions:
    minimum = np.array([stratum.minimum for stratum in cases.strata], dtype=np.int64)
    return Contributions(
        district=cases.district[mask],
        group=cases.stratum[mask],
        week=weeks[mask],
        cell=cases.cell[mask],
        agency=cases.agency[mask],
        count=cases.count[mask],
        minimum=minimum[cases.stratum[mask]],
    )


def _atom(cases: CaseTable, stratum: int, district: int, period: Period, **fields) -> ReleasedAtom:
    described = cases.strata[stratum]
    return ReleasedAtom(
        group_id=described.group_id,
        unit_label=described.unit_label,
        is_control_driven=described.is_control_driven,
        area_id=district or None,
        block_id=block_index(period.start),
        period_start=period.start,
        period_end=period.last_day,
        **fields,
    )


def _week_atoms(cases: CaseTable, atoms: WeekAtoms) -> list[ReleasedAtom]:
    return [
        _atom(cases, group, district, week_period(week), family=AtomFamily.WEEK, count=count)
        for group, district, week, count in _published(atoms, atoms.week)
    ]


def _cell_atoms(cases: CaseTable, atoms: CellAtoms) -> list[ReleasedAtom]:
    cells = atoms.cell[atoms.published].tolist()
    return [
        _atom(cases, group, district, block_period(block), family=AtomFamily.CELL, count=count, cell=cell)
        for (group, district, block, count), cell in zip(_published(atoms, atoms.block), cells, strict=True)
    ]


def _published(atoms: WeekAtoms | CellAtoms, period: np.ndarray) -> list[list[int]]:
    """(stratum, district, period, count) of the atoms that may be published; the others stop here."""
    columns = (atoms.group, atoms.district, period, atoms.count)
    return np.column_stack([column[atoms.published] for column in columns]).tolist()


def _delivered_atoms(rows: list[DeliveredCount], due: set[int]) -> list[ReleasedAtom]:
    """Delivered counts, added up over categories and agencies per area, stratum and period, where they pass the rule.

    A period is released with the block its last day lies in.
    """
    due_rows = [row for row in _disjoint(rows) if block_index(row.period_end) in due]
    keys = sorted({_delivery_key(row) for row in due_rows})
    position = {key: index for index, key in enumerate(keys)}
    atom = np.array([position[_delivery_key(row)] for row in due_rows], dtype=np.int64)
    agency = np.array([row.agency_id for row in due_rows], dtype=np.int64)
    count = np.array([row.count for row in due_rows], dtype=np.int64)
    minimum = np.array([key[0].minimum for key in keys], dtype=np.int64)
    passes = primary_rule(atom, agency, count, minimum)
    totals = np.bincount(atom, weights=count, minlength=len(keys)).astype(int)
    return [
        ReleasedAtom(
            family=AtomFamily.DELIVERED,
            block_id=block_index(end),
            group_id=stratum.group_id,
            unit_label=stratum.unit_label,
            is_control_driven=stratum.is_control_driven,
            area_id=area,
            period_start=start,
            period_end=end,
            count=int(totals[position[(stratum, area, start, end)]]),
        )
        for (stratum, area, start, end) in keys
        if passes[position[(stratum, area, start, end)]]
    ]


def _disjoint(rows: list[DeliveredCount]) -> list[DeliveredCount]:
    """Rows that share no case with each other, so that no difference of two published ones shows a withheld one.

    Per agency and stratum only one cut of the city (districts before the whole) and no overlapping periods count.
    """
    cut: dict[tuple, list[tuple[dt.date, dt.date]]] = {}
    kept = []
    for row in sorted(rows, key=lambda row: (row.is_city, row.period_start, row.period_end)):
        periods = cut.setdefault((row.agency_id, row.stratum), [])
        same_cut = (row.period_start, row.period_end) in periods and not row.is_city
        if same_cut or not any(start <= row.period_end and row.period_start <= end for start, end in periods):
            periods.append((row.period_start, row.period_end))
            kept.append(row)
    return kept


def _delivery_key(row: DeliveredCount) -> tuple:
    return (row.stratum, row.area_id, row.period_start, row.period_end)
