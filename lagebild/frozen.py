"""What deleted records leave to the picture: counts on fixed atoms, added to the records that are still there.

Frozen is what every member could see and count record by record, the cooperation part. The protected part needs
nothing here: its atoms are stored when they are released and never computed again.
"""

from __future__ import annotations

import datetime as dt
from collections import Counter

from django.db import connection
from django.db.models import QuerySet

from agencies.models import Membership
from agencies.visibility import SharingLevel
from incidents.models import CategoryGroup
from lagebild.models import AtomFamily, FrozenCount
from lagebild.selectors import NO_CELL, NO_DISTRICT, Stratum, day_number, grouped_cases, load_strata, week_of
from lagebild.stats.weeks import block_index, block_period

_COLUMNS = {
    "family": "text",
    "period_start": "date",
    "agency_id": "bigint",
    "group_id": "bigint",
    "unit_label": "text",
    "is_control_driven": "boolean",
    "minimum": "smallint",
    "area_id": "bigint",
    "cell": "bigint",
    "count": "integer",
}
Row = tuple[Stratum, int, int, int, int, int]


def freeze_counts(records: QuerySet) -> int:
    """Add what the cooperation counts of these records to the frozen counts; returns how many records that were.

    To be called in the transaction that deletes them, once.
    """
    strata, stratum_of = load_strata()
    shared = records.filter(sharing_level=SharingLevel.COOPERATION, category__in_picture=True)
    atoms: Counter = Counter()
    total = 0
    for position, district, cell, agency, day, number in grouped_cases(shared, stratum_of):
        date = dt.date(1970, 1, 1) + dt.timedelta(days=day)
        block = block_period(block_index(date)).start
        atoms[AtomFamily.WEEK.value, week_of(date), agency, strata[position], district, NO_CELL] += number
        atoms[AtomFamily.CELL.value, block, agency, strata[position], district, cell] += number
        total += number
    if atoms:
        _add(sorted(atoms.items()))
    return total


def _add(atoms: list) -> None:
    rows = [
        (
            *(family, start, agency, stratum.group_id, stratum.unit_label, stratum.is_control_driven, stratum.minimum),
            *(district or None, cell or None, count),
        )
        for (family, start, agency, stratum, district, cell), count in atoms
    ]
    table = connection.ops.quote_name(FrozenCount._meta.db_table)
    values = ", ".join(f"%s::{kind}[]" for kind in _COLUMNS.values())
    statement = (
        f"INSERT INTO {table} ({', '.join(_COLUMNS)}) SELECT * FROM unnest({values}) "  # noqa: S608 – names only
        f"ON CONFLICT ON CONSTRAINT frozen_count_once DO UPDATE SET count = {table}.count + excluded.count"
    )
    with connection.cursor() as cursor:
        cursor.execute(statement, [list(column) for column in zip(*rows, strict=True)])


def frozen_weeks(*, first: dt.date, last: dt.date) -> list[Row]:
    """Frozen cases of active members in weeks that begin on first to last, on their Mondays."""
    return _load(AtomFamily.WEEK, first, last)


def frozen_cells(*, first: dt.date, last: dt.date) -> list[Row]:
    """Frozen cases of active members by cell, in blocks that begin on first to last, on their first days.

    The picture's own 28-day periods end on its date, so at the window's edge a block counts whole or not at all.
    """
    return _load(AtomFamily.CELL, first, last)


def _load(family: AtomFamily, first: dt.date, last: dt.date) -> list[Row]:
    kinds = dict(CategoryGroup.objects.values_list("pk", "kind"))
    rows = FrozenCount.objects.filter(
        family=family,
        period_start__gte=first,
        period_start__lte=last,
        agency_id__in=Membership.objects.active_full().values("agency_id"),
    )
    return [
        (
            Stratum(row.group_id, kinds[row.group_id], row.unit_label, row.is_control_driven, row.minimum),
            row.area_id or NO_DISTRICT,
            row.cell or NO_CELL,
            row.agency_id,
            day_number(row.period_start),
            row.count,
        )
        for row in rows.order_by("pk").iterator(chunk_size=20_000)
    ]
