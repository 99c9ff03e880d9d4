"""Release of the protected counts: each 28-day block once, when it is complete, by the rules of `stats.disclosure`.

Everything of a block is released together from the same records, so nothing that arrives between two releases can be
read off as a difference. Records that arrive after their block was released stay out of the protected part, and so
does the history of an agency that joins later.
"""

from __future__ import annotations

import bisect
import datetime as dt

import numpy as np
from django.db import transaction

from agencies.visibility import SharingLevel
from incidents.models import Area, AreaKind, DeliveryBasis
from lagebild.models import AtomFamily, ReleasedAtom, ReleasedBlock
from lagebild.selectors import (
    NO_DISTRICT,
    CaseTable,
    DeliveredCount,
    Stratum,
    day_number,
    load_cases,
    load_coverage,
    load_deliveries,
    load_granted,
    load_shared_days,
)
from lagebild.stats.disclosure import (
    Contributions,
    DeliveredCounts,
    PublishedCounts,
    publish_counts,
    publish_deliveries,
)
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
    contributions = _contributions(cases, load_granted(first=first, last=last), due)
    published = publish_counts(
        contributions, blocks_end=end, districts=_districts(cases), silent=_silent_weeks(contributions, due)
    )
    atoms = _record_atoms(cases.strata, published)
    atoms += _delivered_atoms(_deliveries(first - LONGEST_DELIVERY, last), set(due))
    ReleasedAtom.objects.bulk_create(atoms, batch_size=2000)
    return len(due)


def _districts(cases: CaseTable) -> int:
    """Districts of the city and, as one more, no district; whatever else old records may name."""
    known = set(Area.objects.filter(kind=AreaKind.DISTRICT).values_list("pk", flat=True))
    return len(known | {NO_DISTRICT} | set(np.unique(cases.district).tolist()))


def _silent_weeks(contributions: Contributions, due: list[int]) -> np.ndarray:
    """(s, 2) agency and week: weeks of the due blocks that, as everybody can read, brought no records."""
    first, last = block_period(due[0]).start, block_period(due[-1]).last_day
    basis = load_coverage(first=first, last=last).basis
    weeks = [
        (week, week_period(week).start)
        for block in due
        for week in range(block * BLOCK_WEEKS, (block + 1) * BLOCK_WEEKS)
    ]
    silent = [
        (agency, week)
        for agency in np.unique(contributions.agency).tolist()
        for week, monday in weeks
        if basis.get((agency, monday)) != DeliveryBasis.RECORDS
    ]
    return np.array(silent, dtype=np.int64).reshape(-1, 2)


def _contributions(cases: CaseTable, granted: CaseTable, due: list[int]) -> Contributions:
    """`granted` says of the entries of `cases` how many of their cases others see one by one."""
    week = (cases.day - day_number(EPOCH_MONDAY)) // 7
    mask = np.isin(week // BLOCK_WEEKS, due)
    minimum = np.array([stratum.minimum for stratum in cases.strata], dtype=np.int64)
    seen_of = dict(zip(_entries(granted), granted.count.tolist(), strict=True))
    seen = np.zeros(len(week), dtype=np.int64)
    if seen_of:
        seen[:] = [seen_of.get(entry, 0) for entry in _entries(cases)]
    return Contributions(
        district=cases.district[mask],
        group=cases.stratum[mask],
        week=week[mask],
        cell=cases.cell[mask],
        agency=cases.agency[mask],
        count=cases.count[mask],
        minimum=minimum[cases.stratum[mask]],
        seen=seen[mask],
    )


def _entries(cases: CaseTable) -> list[tuple[int, ...]]:
    columns = (cases.stratum, cases.district, cases.cell, cases.agency, cases.day)
    return list(zip(*(column.tolist() for column in columns), strict=True))


def _record_atoms(strata: tuple[Stratum, ...], published: PublishedCounts) -> list[ReleasedAtom]:
    weeks, districts, city, cells = published.weeks, published.districts, published.city, published.cells
    nowhere = np.full_like(city.group, NO_DISTRICT)
    atoms = [
        _atom(strata[group], area, week_period(week), family=AtomFamily.WEEK, count=count)
        for group, area, week, count in _rows(weeks.group, weeks.district, weeks.week, weeks.count)
    ]
    atoms += [
        _atom(strata[group], area, block_period(block), family=AtomFamily.BLOCK, count=count)
        for part in (
            _rows(districts.group, districts.district, districts.block, districts.count),
            _rows(city.group, nowhere, city.block, city.count),
        )
        for group, area, block, count in part
    ]
    return atoms + [
        _atom(strata[group], area, block_period(block), family=AtomFamily.CELL, count=count, cell=cell)
        for group, area, block, count, cell in _rows(cells.group, cells.district, cells.block, cells.count, cells.cell)
    ]


def _rows(*columns: np.ndarray) -> list[list[int]]:
    return np.column_stack(columns).tolist()


def _atom(stratum: Stratum, area: int, period: Period, **fields) -> ReleasedAtom:
    """`area` is a district, or NO_DISTRICT for what is known of the city only."""
    return ReleasedAtom(
        group_id=stratum.group_id,
        unit_label=stratum.unit_label,
        is_control_driven=stratum.is_control_driven,
        area_id=area or None,
        block_id=block_index(period.last_day),
        period_start=period.start,
        period_end=period.last_day,
        **fields,
    )


def _deliveries(first: dt.date, last: dt.date) -> list[DeliveredCount]:
    """Delivered counts that share no case with each other nor with records of their agency."""
    rows = load_deliveries(first=first, last=last)
    days = load_shared_days({row.agency_id for row in rows}, first=first, last=last) if rows else {}
    return [row for row in _disjoint(rows) if not _holds_day(days.get((row.agency_id, row.stratum), []), row)]


def _holds_day(days: list[dt.date], row: DeliveredCount) -> bool:
    place = bisect.bisect_left(days, row.period_start)
    return place < len(days) and days[place] <= row.period_end


def _delivered_atoms(rows: list[DeliveredCount], due: set[int]) -> list[ReleasedAtom]:
    """A period is released with the block its last day lies in."""
    rows = [row for row in rows if block_index(row.period_end) in due]
    strata = sorted({row.stratum for row in rows})
    periods = sorted({(row.period_start, row.period_end) for row in rows})
    stratum_at = {stratum: index for index, stratum in enumerate(strata)}
    period_at = {period: index for index, period in enumerate(periods)}
    table = np.array(
        [
            (
                row.agency_id,
                stratum_at[row.stratum],
                period_at[row.period_start, row.period_end],
                NO_DISTRICT if row.is_city else row.area_id,
                row.count,
                row.stratum.minimum,
            )
            for row in rows
        ],
        dtype=np.int64,
    ).reshape(-1, 6)
    is_city = np.array([row.is_city for row in rows], dtype=bool)
    published = publish_deliveries(DeliveredCounts(*table.T, is_city=is_city))
    nowhere = np.full_like(published.city_group, NO_DISTRICT)
    found = _rows(published.group, published.area, published.period, published.count)
    found += _rows(published.city_group, nowhere, published.city_period, published.city_count)
    return [
        _atom(
            strata[group],
            area,
            Period(periods[period][0], periods[period][1] + dt.timedelta(days=1)),
            family=AtomFamily.DELIVERED,
            count=count,
        )
        for group, area, period, count in found
    ]


def _disjoint(rows: list[DeliveredCount]) -> list[DeliveredCount]:
    """Rows that share no case with each other, so that no difference of two published ones shows a withheld one.

    Per agency and stratum only one cut of the city (districts before the whole) and no overlapping periods count. What
    ends first goes first: it has been released first, and what comes later must keep clear of it.
    """
    cut: dict[tuple, list[tuple[dt.date, dt.date, bool]]] = {}
    kept = []
    for row in sorted(rows, key=lambda row: (row.period_end, row.is_city, -row.period_start.toordinal())):
        taken = cut.setdefault((row.agency_id, row.stratum), [])
        mine = (row.period_start, row.period_end, row.is_city)
        if mine in taken or not any(start <= row.period_end and row.period_start <= end for start, end, _ in taken):
            taken.append(mine)
            kept.append(row)
    return kept
