"""At which hours of the week it happens: cooperation cases by their spans of local time, per group and hotspot."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from django.conf import settings
from django.db.models import BigIntegerField, Case, Count, F, Func, IntegerField, Q, QuerySet, Value, When
from django.db.models.functions import Coalesce

from agencies.visibility import SharingLevel
from incidents.models import CategoryGroup, Complaint, GeoLimit, Incident, Origin
from lagebild.models import Picture, Sighting, TimeProfile
from lagebild.selectors import NO_CELL, local_instants
from lagebild.stats.aoristic import A_MONDAY, HOUR_MINUTES, HOURS, WEEK_MINUTES, Peak, peak, profile

DAY_MINUTES = HOURS * HOUR_MINUTES
# 00:00 to 23:59 is how a day without a time of day is entered. From here on a span says nothing of the hour.
UNTIMED_MINUTES = DAY_MINUTES - 1
# 1 January 1970 was a Thursday.
_MONDAY_OFFSET = 3 * DAY_MINUTES
DIGITS = 3


@dataclass(frozen=True)
class TimeTable:
    """Counted spans. Arrays (n,) int64, ascending by all keys from left to right: the same records, the same arrays.

    group: CategoryGroup id; cell: H3 resolution 9 or NO_CELL; begin: minute of the local week, Monday first; length:
    minutes, 0 for what lies within one hour of the clock (`begin` is that hour's), UNTIMED_MINUTES for what lasts a day
    or longer (`begin` is 0); count: cases, at least 1.
    """

    group: np.ndarray
    cell: np.ndarray
    begin: np.ndarray
    length: np.ndarray
    count: np.ndarray

    def where(self, mask: np.ndarray) -> TimeTable:
        return TimeTable(*(column[mask] for column in self.columns))

    @property
    def columns(self) -> tuple[np.ndarray, ...]:
        return self.group, self.cell, self.begin, self.length, self.count


@dataclass(frozen=True)
class HoursOfWeek:
    """hours: (168,) expected cases per hour of the local week; timed: cases in them; untimed: those without an hour."""

    hours: tuple[float, ...]
    timed: int
    untimed: int
    peak: Peak | None


class _LocalMinute(Func):
    """Minutes of the local clock since 1970, seconds cut off."""

    output_field = IntegerField()

    def as_sql(self, compiler, connection, **context):
        clock = f"(%(expressions)s AT TIME ZONE '{settings.LOCAL_TIME_ZONE}')"
        return super().as_sql(compiler, connection, template=f"floor(extract(epoch from {clock}) / 60)::int", **context)


def load_times(*, first: dt.date, last: dt.date) -> TimeTable:
    """Cooperation cases that began on the local days first to last, both kinds, by group and cell. Two queries.

    Left out: what depends on how much is controlled, and sensitive categories. Categories told by area only count for
    their group in the whole city, never for a cell. Deleted records leave no times.
    """
    rows = []
    for model in (Incident, Complaint):
        shared = model.objects.in_picture().filter(sharing_level=SharingLevel.COOPERATION)
        counted = shared.between(*local_instants(first, last)).filter(category__is_sensitive=False)
        rows.append(_counted(counted.exclude(category__origin=Origin.CONTROL)))
    table = np.concatenate(rows)
    table = table[np.lexsort(table.T[::-1])]
    return TimeTable(*(np.ascontiguousarray(column) for column in table.T))


def _counted(records: QuerySet) -> np.ndarray:
    """(n, 5) int64, the columns of the table."""
    begin = _LocalMinute("occurred_from")
    end = _LocalMinute(Coalesce("occurred_to", "occurred_from"))
    spans = records.order_by().annotate(
        minute=(begin + _MONDAY_OFFSET) % WEEK_MINUTES,
        # In autumn an hour comes twice: a span within it may end, by the clock, before it begins, and is below 0.
        minutes=end - begin,
    )
    untimed = Q(minutes__gte=UNTIMED_MINUTES)
    within = Q(minutes__lte=Value(HOUR_MINUTES) - F("minute_of_hour"))
    hour = F("minute") - F("minute_of_hour")
    nowhere = Value(NO_CELL, output_field=BigIntegerField())
    grouped = (
        spans.annotate(minute_of_hour=F("minute") % HOUR_MINUTES)
        .annotate(
            place=Case(When(category__geo=GeoLimit.POINT, cell__isnull=False, then="cell"), default=nowhere),
            begin=Case(When(untimed, then=Value(0)), When(within, then=hour), default=F("minute")),
            length=Case(When(untimed, then=Value(UNTIMED_MINUTES)), When(within, then=Value(0)), default=F("minutes")),
        )
        .values_list("category__group_id", "place", "begin", "length")
        .annotate(number=Count("pk"))
    )
    return np.fromiter(grouped.iterator(chunk_size=20_000), dtype=np.dtype((np.int64, 5))).reshape(-1, 5)


def hours_of_week(table: TimeTable) -> HoursOfWeek:
    """Profile of all cases of the table."""
    told = table.length < UNTIMED_MINUTES
    timed = table.where(told)
    start = A_MONDAY + np.repeat(timed.begin, timed.count).astype("timedelta64[m]")
    end = start + np.repeat(timed.length, timed.count).astype("timedelta64[m]")
    found = profile(start, end)
    return HoursOfWeek(
        hours=tuple(found.weights.reshape(-1).round(DIGITS).tolist()),
        timed=found.events,
        untimed=int(table.count[~told].sum()),
        peak=peak(found.weights, events=found.events),
    )


def record_profiles(
    picture: Picture, times: TimeTable, groups: Iterable[CategoryGroup], sightings: Sequence[Sighting]
) -> list[TimeProfile]:
    """Store the profile of each group that has cases, and of the cells of tonight's hotspots."""
    rows = []
    for group in sorted(groups, key=lambda group: group.pk):
        own = times.where(times.group == group.pk)
        if not own.count.size:
            continue
        rows.append(_row(picture, group, hours_of_week(own)))
        for sighting in sightings:
            if sighting.finding.group_id == group.pk:
                near = own.where(np.isin(own.cell, sighting.cells))
                rows.append(_row(picture, group, hours_of_week(near), finding=sighting.finding))
    return TimeProfile.objects.bulk_create(rows, batch_size=200)


def _row(picture: Picture, group: CategoryGroup, found: HoursOfWeek, **fields) -> TimeProfile:
    row = TimeProfile(
        picture=picture, group=group, hours=list(found.hours), timed=found.timed, untimed=found.untimed, **fields
    )
    if found.peak is not None:
        row.peak_day, row.peak_days = found.peak.first_day, found.peak.days
        row.peak_hour, row.peak_hours = found.peak.first_hour, found.peak.hours
        row.peak_share = round(found.peak.share, DIGITS + 1)
    return row
