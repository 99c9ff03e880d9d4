"""The only bridge from the database to the statistics: rows in, numpy arrays out. PostgreSQL does the counting.

Everything here reads only what is shared with the picture: owner with an active full membership, category counted.
The cooperation part is what every member may see record by record; the protected part (level `statistics` and
delivered counts) leaves this room only through `lagebild.release`.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from django.conf import settings
from django.db.models import Count, DateField, DecimalField, F, Func, Q, QuerySet, SmallIntegerField, Sum
from django.utils import timezone
from guardian.utils import get_group_obj_perms_model

from agencies.models import Agency, Membership
from agencies.visibility import COUNTED_LEVELS, SharingLevel
from incidents.geo import DistrictIndex, city_cells
from incidents.models import (
    Area,
    AreaKind,
    Category,
    Complaint,
    CountDelivery,
    DeliveredWeek,
    GeoLimit,
    Incident,
    Origin,
    Record,
)
from lagebild.stats.grid import Grid, build_grid

NO_CELL = 0
NO_DISTRICT = 0
# 1 January 1970 was a Thursday.
_WEEKDAY_OF_DAY_0 = 3


@dataclass(frozen=True, order=True)
class Stratum:
    """What may be added up: one category group, one counting unit, one origin, one minimum count."""

    group_id: int
    kind: str
    unit_label: str
    is_control_driven: bool
    minimum: int


@dataclass(frozen=True)
class CaseTable:
    """Counted cases. Arrays (n,) int64, ascending by all keys from left to right: the same records, the same arrays.

    stratum: position in `strata`; district: Area id or NO_DISTRICT; cell: H3 resolution 9 or NO_CELL; agency: Agency
    id; day: local date as days since 1970-01-01; count: cases, at least 1.
    """

    strata: tuple[Stratum, ...]
    stratum: np.ndarray
    district: np.ndarray
    cell: np.ndarray
    agency: np.ndarray
    day: np.ndarray
    count: np.ndarray

    def where(self, mask: np.ndarray) -> CaseTable:
        columns = (self.stratum, self.district, self.cell, self.agency, self.day, self.count)
        return CaseTable(self.strata, *(column[mask] for column in columns))

    def of_group(self, group_id: int) -> CaseTable:
        """Cases of one category group, without what depends on how much is controlled."""
        of_group = [
            position
            for position, stratum in enumerate(self.strata)
            if stratum.group_id == group_id and not stratum.is_control_driven
        ]
        return self.where(np.isin(self.stratum, of_group))

    def between(self, first: dt.date, last: dt.date) -> CaseTable:
        """Cases on the local days first to last, both included."""
        return self.where((self.day >= day_number(first)) & (self.day <= day_number(last)))

    def by_week(self) -> CaseTable:
        """The same cases per ISO week, without cells: day is the Monday."""
        monday = self.day - (self.day + _WEEKDAY_OF_DAY_0) % 7
        nowhere = np.full_like(self.cell, NO_CELL)
        keys = (self.stratum, self.district, nowhere, self.agency, monday, self.count)
        return _table(self.strata, np.column_stack(keys))

    def with_cases(self, rows: list[tuple[Stratum, int, int, int, int, int]]) -> CaseTable:
        """These cases and further ones, given as (stratum, district, cell, agency, day, count)."""
        if not rows:
            return self
        strata = tuple(sorted({*self.strata, *(row[0] for row in rows)}))
        position = {stratum: index for index, stratum in enumerate(strata)}
        moved = np.array([position[stratum] for stratum in self.strata], dtype=np.int64)
        own = (moved[self.stratum], self.district, self.cell, self.agency, self.day, self.count)
        more = [(position[stratum], *rest) for stratum, *rest in rows]
        return _table(strata, np.vstack([np.column_stack(own), np.array(more, dtype=np.int64).reshape(-1, 6)]))


def day_number(day: dt.date) -> int:
    return day.toordinal() - dt.date(1970, 1, 1).toordinal()


def week_of(day: dt.date) -> dt.date:
    """Monday of the ISO week."""
    return day - dt.timedelta(days=day.weekday())


class LocalDay(Func):
    """Local calendar date of a timestamp; the time zone is a setting checked at start."""

    output_field = DateField()

    def as_sql(self, compiler, connection, **context):
        template = f"(%(expressions)s AT TIME ZONE '{settings.LOCAL_TIME_ZONE}')::date"
        return super().as_sql(compiler, connection, template=template, **context)


class LocalWeek(Func):
    """Monday of the local ISO week of a timestamp."""

    output_field = DateField()

    def as_sql(self, compiler, connection, **context):
        template = f"date_trunc('week', %(expressions)s AT TIME ZONE '{settings.LOCAL_TIME_ZONE}')::date"
        return super().as_sql(compiler, connection, template=template, **context)


# Beginning of each time of day, and the longest span of which one can be told. What begins earlier is of the night.
DAY_TIMES = (6, 12, 18, 22)
LONGEST_TIMED = "4 hours"
NO_TIME = -1


class LocalHours(Func):
    """Time of day of a record: position among night and `DAY_TIMES`, NO_TIME where its span is too long to tell."""

    output_field = SmallIntegerField()

    def __init__(self) -> None:
        super().__init__(F("occurred_from"), F("occurred_to"))

    def as_sql(self, compiler, connection, **context):
        begins, ends = (compiler.compile(expression)[0] for expression in self.get_source_expressions())
        hour = f"extract(hour FROM {begins} AT TIME ZONE '{settings.LOCAL_TIME_ZONE}')::int"
        bounds = ", ".join(str(bound) for bound in DAY_TIMES)
        time = f"mod(width_bucket({hour}, ARRAY[{bounds}]), {len(DAY_TIMES)})"
        return f"CASE WHEN {ends} - {begins} > interval '{LONGEST_TIMED}' THEN {NO_TIME} ELSE {time} END", []


class FaceHash(Func):
    """64 bits of what a look at phenomena reads of a face."""

    output_field = DecimalField(max_digits=40, decimal_places=0)
    template = "hashtextextended(concat_ws('|', %(expressions)s), 0)"

    def __init__(self) -> None:
        super().__init__("category_id", "agency_id", "cell", "district_id", "occurred_from", "occurred_to")

    def as_sql(self, compiler, connection, **context):
        columns = [compiler.compile(expression)[0] for expression in self.get_source_expressions()]
        # Instants as numbers: their text depends on the session.
        columns[-2:] = [f"extract(epoch FROM {column})" for column in columns[-2:]]
        return self.template % {"expressions": ", ".join(columns)}, []


def faces_digest(*, first: dt.date, last: dt.date) -> list[list[int]]:
    """Number and hash of the cooperation faces of both kinds: the same faces in any order give the same. Two queries.

    The tables above know a face by day, group and cell; phenomena also by category and time of day.
    """
    digest = []
    for model in (Incident, Complaint):
        shared = model.objects.in_picture().filter(sharing_level=SharingLevel.COOPERATION)
        counted = shared.between(*local_instants(first, last)).order_by()
        found = counted.aggregate(number=Count("pk"), total=Sum(FaceHash()))
        digest.append([found["number"], int(found["total"] or 0)])
    return digest


def load_strata() -> tuple[tuple[Stratum, ...], dict[int, int]]:
    """All strata in a fixed order, and category id -> position."""
    of_category = {
        category.pk: Stratum(
            group_id=category.group_id,
            kind=category.kind,
            unit_label=category.unit_label,
            is_control_driven=category.origin == Origin.CONTROL,
            minimum=category.minimum_count,
        )
        for category in Category.objects.filter(in_picture=True).order_by("pk")
    }
    strata = tuple(sorted(set(of_category.values())))
    position = {stratum: index for index, stratum in enumerate(strata)}
    return strata, {pk: position[stratum] for pk, stratum in of_category.items()}


def load_cases(level: SharingLevel, *, first: dt.date, last: dt.date) -> CaseTable:
    """Shared cases of one level on the local days first to last, both kinds. Two counting queries."""
    strata, stratum_of = load_strata()
    counted = (
        model.objects.in_picture().filter(sharing_level=level).between(*local_instants(first, last))
        for model in (Incident, Complaint)
    )
    return _table(strata, np.concatenate([_columns(records, stratum_of) for records in counted]))


def load_weeks(*, first: dt.date, last: dt.date) -> CaseTable:
    """The cooperation part by ISO week (Mondays), without cells, on the local days first to last. Two counting queries.

    PostgreSQL adds up the weeks: for years of history a hundredth of the rows that single days and cells would be.
    """
    strata, stratum_of = load_strata()
    rows = []
    for model in (Incident, Complaint):
        shared = model.objects.in_picture().filter(sharing_level=SharingLevel.COOPERATION)
        weeks = shared.between(*local_instants(first, last)).order_by().annotate(week=LocalWeek("occurred_from"))
        grouped = weeks.values_list("category_id", "district_id", "agency_id", "week").annotate(number=Count("pk"))
        rows += [
            (stratum_of[category], district or NO_DISTRICT, NO_CELL, agency, day_number(week), number)
            for category, district, agency, week, number in grouped.iterator(chunk_size=20_000)
        ]
    return _table(strata, np.array(rows, dtype=np.int64).reshape(-1, 6))


def load_granted(*, first: dt.date, last: dt.date) -> CaseTable:
    """Of the cases at level `statistics`, those whose face some other agency sees by a grant. Two counting queries."""
    strata, stratum_of = load_strata()
    counted = (
        model.objects.in_picture().filter(sharing_level=SharingLevel.STATISTICS, pk__in=_granted(model))
        for model in (Incident, Complaint)
    )
    parts = [_columns(records.between(*local_instants(first, last)), stratum_of) for records in counted]
    return _table(strata, np.concatenate(parts))


def _granted(model: type[Record]) -> QuerySet:
    """Keys of the records that some agency has been granted."""
    codename = f"view_{model._meta.model_name}"
    grants = get_group_obj_perms_model(model).objects.filter(permission__codename=codename)
    return grants.values("content_object_id")


def local_instants(first: dt.date, last: dt.date) -> tuple[dt.datetime, dt.datetime]:
    """Beginning of the local day `first` and end of the local day `last`."""
    days = (first, last + dt.timedelta(days=1))
    start, end = (timezone.make_aware(dt.datetime.combine(day, dt.time.min)) for day in days)
    return start, end


def _columns(records: QuerySet, stratum_of: dict[int, int]) -> np.ndarray:
    """`grouped_cases` as (n, 6) int64, without a list of them in between: at a million records it takes a gigabyte."""
    return np.fromiter(grouped_cases(records, stratum_of), dtype=np.dtype((np.int64, 6)))


def grouped_cases(records: QuerySet, stratum_of: dict[int, int]) -> Iterator[tuple[int, ...]]:
    """Records counted by (position of the stratum, district, cell, agency, day, count)."""
    grouped = (
        records.order_by()
        .annotate(day=LocalDay("occurred_from"))
        .values_list("category_id", "category__geo", "district_id", "cell", "agency_id", "day")
        .annotate(number=Count("pk"))
    )
    for category, geo, district, cell, agency, day, number in grouped.iterator(chunk_size=20_000):
        yield (
            stratum_of[category],
            district or NO_DISTRICT,
            cell if cell and geo == GeoLimit.POINT else NO_CELL,
            agency,
            day_number(day),
            number,
        )


def _table(strata: tuple[Stratum, ...], data: np.ndarray) -> CaseTable:
    """data: (n, 6) int64, the columns of the table; equal keys become one row."""
    if not data.size:
        return CaseTable(strata, *data.T)
    # Five columns become one number that sorts as they do: sorting rows takes many times as long.
    values, codes = zip(*(np.unique(column, return_inverse=True) for column in data[:, :5].T), strict=True)
    sizes = tuple(len(column) for column in values)
    keys, inverse = np.unique(np.ravel_multi_index(codes, sizes), return_inverse=True)
    count = np.bincount(inverse, weights=data[:, 5], minlength=len(keys)).astype(np.int64)
    columns = [column[code] for column, code in zip(values, np.unravel_index(keys, sizes), strict=True)]
    return CaseTable(strata, *columns, count)


@dataclass(frozen=True)
class DeliveredCount:
    """A count an agency delivered for an area and period; its unit and group say what it may be added to."""

    stratum: Stratum
    area_id: int
    is_city: bool
    agency_id: int
    period_start: dt.date
    period_end: dt.date
    count: int


def load_deliveries(*, first: dt.date, last: dt.date) -> list[DeliveredCount]:
    """Delivered counts of active members whose whole period lies in first to last, for districts and the city.

    Other areas overlap with districts; their counts are not taken.
    """
    strata, stratum_of = load_strata()
    rows = (
        CountDelivery.objects.select_related("area")
        .filter(
            agency_id__in=Membership.objects.active_full().values("agency_id"),
            category__in_picture=True,
            area__kind__in=(AreaKind.DISTRICT, AreaKind.CITY),
            period_start__gte=first,
            period_end__lte=last,
        )
        .order_by("pk")
    )
    return [
        DeliveredCount(
            stratum=strata[stratum_of[row.category_id]],
            area_id=row.area_id,
            is_city=row.area.kind == AreaKind.CITY,
            agency_id=row.agency_id,
            period_start=row.period_start,
            period_end=row.period_end,
            count=row.count,
        )
        for row in rows
    ]


def load_shared_days(agencies: set[int], *, first: dt.date, last: dt.date) -> dict[tuple[int, Stratum], list[dt.date]]:
    """Per agency and stratum the local days, ascending, of records it shares in any way. Two queries."""
    strata, stratum_of = load_strata()
    found: dict[tuple[int, Stratum], list[dt.date]] = {}
    for model in (Incident, Complaint):
        shared = model.objects.filter(
            Q(sharing_level__in=COUNTED_LEVELS) | Q(pk__in=_granted(model)),
            agency_id__in=agencies,
            category__in_picture=True,
        )
        days = shared.between(*local_instants(first, last)).order_by().annotate(day=LocalDay("occurred_from"))
        for agency, category, day in days.values_list("agency_id", "category_id", "day").distinct():
            found.setdefault((agency, strata[stratum_of[category]]), []).append(day)
    return {key: sorted(set(days)) for key, days in found.items()}


@dataclass(frozen=True)
class City:
    """Districts, their cells and the outline. `grid` holds every resolution-9 cell whose centre lies in a district."""

    districts: tuple[Area, ...]
    whole: Area | None
    grid: Grid
    district_of_cell: dict[int, Area]


def load_city() -> City:
    index = DistrictIndex.load()
    cells = city_cells(index)
    whole = Area.objects.filter(kind="city").order_by("pk").first()
    return City(index.areas, whole, build_grid(cells), cells)


@dataclass(frozen=True)
class CoverageTable:
    """Which active member delivered for which ISO week (Monday)."""

    agencies: tuple[Agency, ...]
    member_since: dict[int, dt.date]
    basis: dict[tuple[int, dt.date], str]

    def missing(self, agency_id: int, week: dt.date) -> bool:
        return (agency_id, week) not in self.basis


def load_coverage(*, first: dt.date, last: dt.date) -> CoverageTable:
    members = Membership.objects.active_full().select_related("agency").order_by("agency__short_name")
    delivering = [row for row in members if not row.agency.is_coordination]
    weeks = DeliveredWeek.objects.filter(
        agency__in=[row.agency_id for row in delivering], week__gte=first, week__lte=last
    )
    return CoverageTable(
        agencies=tuple(row.agency for row in delivering),
        member_since={row.agency_id: row.valid_from for row in delivering},
        basis={(row.agency_id, row.week): row.basis for row in weeks},
    )


def any_demonstration() -> bool:
    return any(model.objects.filter(is_demonstration=True).exists() for model in (Incident, Complaint))
