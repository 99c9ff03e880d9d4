"""What happens to pictures and findings: build, publish, assess."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import logging

import numpy as np
from django.conf import settings
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import connection, transaction
from django.db.models import F, Max
from django.utils import timezone

from agencies import audit
from agencies.models import Agency
from agencies.visibility import SharingLevel
from incidents.models import CategoryGroup, DeliveryBasis
from lagebild.calendar import calendar_words, load_calendar
from lagebild.city_weeks import WeekResult
from lagebild.episodes import record_signals
from lagebild.findings import record_sightings
from lagebild.frozen import frozen_cells, frozen_weeks
from lagebild.inputs import WEEKS, Inputs, Window
from lagebild.map_checks import check_map, load_earlier_map
from lagebild.models import (
    FINDING_STEPS,
    Cell,
    Coverage,
    CoverageState,
    Finding,
    FindingStatus,
    Night,
    Picture,
    PictureState,
    ReleasedAtom,
    ReleasedBlock,
    Trend,
)
from lagebild.nights import begin_night, do_part, finish_night, load_watch, night_field
from lagebild.phenomena.findings import record_phenomena
from lagebild.phenomena.looks import look_keys
from lagebild.phenomena.words import stored_phenomena
from lagebild.release import release_due_blocks
from lagebild.selectors import (
    NO_DISTRICT,
    CaseTable,
    any_demonstration,
    faces_digest,
    load_cases,
    load_city,
    load_coverage,
    load_weeks,
)
from lagebild.signal_words import stored_words
from lagebild.statements import MOST as MOST_STATEMENTS
from lagebild.statements import key_statements, phenomenon_statements, signal_statements
from lagebild.streams import CellResult, assemble_streams
from lagebild.time_profiles import load_times, record_profiles
from lagebild.trends import TrendResult, assemble_trends

logger = logging.getLogger(__name__)

METHOD = {
    "hotspots": "exact binomial disk test k=1, H3 resolution 9, Benjamini-Hochberg 5 %, at least 5 cases",
    "signals": "space-time permutation scan, disks k = 0 to 8, windows 1 to 28 days, agency x day class strata",
    "status_words": "13 periods of 28 days, exact binomial, level 5 %",
    "trends": "52 complete ISO weeks against the same weeks of the year before, exact conditional interval 95 %",
    "weeks": "Farrington flexible, 4 to 2 years, else EARS C1 to C3; one false alarm a year each, city and districts",
    "hours": "aoristic profile of the local week, spans of less than a day, without control-driven and sensitive ones",
    "self_check": "PAI and PEI of the map of 28 days before, marked cells against as many with most cases before",
    "phenomena": "modus and shift weekly, near repeats and chains by the quarter; one false a year over all four",
    "protected": "minimum 3 (5 for area-only and sensitive categories) of each agency's own cases, rests as sums",
}
WEEK_FIELDS = ("week_state", "week_method", "week_count", "week_expected", "week_low", "week_high")
PEAK_FIELDS = ("peak_day", "peak_days", "peak_hour", "peak_hours", "peak_share")
_BUILD_LOCK = 0x4C616765  # one build at a time in the whole database


def method_words() -> dict[str, str]:
    """What the picture says of its methods; other methods make another picture."""
    along = {"signals": f"{METHOD['signals']}, single streams along lines, too"} if settings.SCAN_STREETS else {}
    return METHOD | along


def build_picture(*, date: dt.date) -> Picture:
    """Build the picture of the local day `date` and publish it in one step.

    The same day from the same records gives the picture that is already there; from changed records a new revision.
    Works for no person: it reads what is shared with the picture and stores published values only.
    """
    with transaction.atomic():
        _begin(date)
        return publish_night(night=begin_night(date))


@transaction.atomic
def open_night(*, date: dt.date) -> Night | None:
    """Begin, or go on with, the run of the day; None where its picture is there and nothing has changed."""
    _begin(date)
    latest = _latest(date)
    if latest is not None and latest.input_sha256 == _fingerprint(_load_inputs(date)):
        logger.info("Picture of %s is unchanged (revision %s).", date, latest.revision)
        return None
    return begin_night(date)


def _begin(date: dt.date) -> None:
    if date > timezone.localdate():
        raise ValidationError("Das Datum liegt in der Zukunft. Bitte ein Datum bis heute angeben.")
    _one_at_a_time()
    release_due_blocks(date)


@transaction.atomic
def publish_night(*, night: Night) -> Picture:
    """Publish the picture out of the night's parts; what is missing, or was made from other cases, is scanned now."""
    _one_at_a_time()
    inputs = _load_inputs(night.date)
    fingerprint = _fingerprint(inputs)
    latest = _latest(night.date)
    is_new = latest is None or latest.input_sha256 != fingerprint
    picture = _publish(inputs, fingerprint, night) if is_new else latest
    finish_night(night, is_new=is_new)
    return picture


def _one_at_a_time() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_BUILD_LOCK])


def _latest(date: dt.date) -> Picture | None:
    return Picture.objects.published().filter(date=date).order_by("-revision").first()


def _load_inputs(date: dt.date) -> Inputs:
    window = Window(date)
    cases = load_cases(SharingLevel.COOPERATION, first=window.earliest, last=date)
    weeks, cells = frozen_weeks(first=window.earliest, last=date), frozen_cells(first=window.first, last=date)
    return Inputs(
        window=window,
        city=load_city(),
        groups={group.pk: group for group in CategoryGroup.objects.all()},
        weeks=cases.by_week().with_cases(weeks),
        earlier=_load_earlier(window),
        days=cases.between(window.first, date).with_cases(cells),
        released=list(
            ReleasedAtom.objects.filter(period_start__gte=window.earliest, period_end__lte=date).order_by("pk")
        ),
        released_blocks=frozenset(ReleasedBlock.objects.values_list("pk", flat=True)),
        coverage=load_coverage(first=window.history_start, last=date),
        calendar=load_calendar(window.first, date),
        watch=load_watch(),
        # A look may reach further back; what is deleted there makes no revision.
        faces=faces_digest(first=window.first, last=date),
        times=load_times(first=window.first, last=date),
        earlier_map=load_earlier_map(date),
    )


def _load_earlier(window: Window) -> CaseTable:
    last = window.earliest - dt.timedelta(days=1)
    frozen = frozen_weeks(first=window.history_start, last=last)
    return load_weeks(first=window.history_start, last=last).with_cases(frozen)


def _fingerprint(inputs: Inputs) -> str:
    """SHA-256 over everything the picture depends on."""
    digest = hashlib.sha256()
    for table in (inputs.weeks, inputs.earlier, inputs.days):
        for column in (table.stratum, table.district, table.cell, table.agency, table.day, table.count):
            digest.update(np.ascontiguousarray(column).tobytes())
    for column in inputs.times.columns:
        digest.update(column.tobytes())
    digest.update(inputs.city.grid.cells.tobytes())
    words = [
        settings.PORTAL_VERSION,
        method_words(),
        [
            [s.group_id, s.unit_label, s.is_control_driven, s.minimum]
            for s in (*inputs.weeks.strata, *inputs.earlier.strata)
        ],
        [[atom.pk, atom.count] for atom in inputs.released],
        sorted((agency, week.isoformat(), basis) for (agency, week), basis in inputs.coverage.basis.items()),
        [agency.slug for agency in inputs.coverage.agencies],
        calendar_words(inputs.calendar),
        [[stream.id, stream.category_ids] for stream in inputs.watch.streams],
        inputs.faces,
        inputs.earlier_map.words if inputs.earlier_map else None,
    ]
    digest.update(json.dumps(words, sort_keys=True).encode())
    return digest.hexdigest()


def _publish(inputs: Inputs, fingerprint: str, night: Night) -> Picture:
    date, watch = inputs.window.date, inputs.watch
    field = night_field(date, inputs.city, inputs.calendar, watch)
    parts = [do_part(night=night, key=key, watch=watch, field=field) for key in watch.parts]
    looks = [do_part(night=night, key=key, watch=watch, field=field) for key in look_keys()]
    cells, hotspots = assemble_streams(inputs)
    trends = assemble_trends(inputs)
    last = Picture.objects.filter(date=date).aggregate(last=Max("revision"))["last"] or 0
    picture = Picture.objects.create(
        date=date,
        revision=last + 1,
        parameters={
            "method": method_words(),
            "first": inputs.window.first.isoformat(),
            "last": date.isoformat(),
            "unlocated_percent": _unlocated_percent(inputs),
            "signals": {"streams": len(watch.parts), "threshold_p": watch.threshold},
            "self_check": check_map(inputs.earlier_map, inputs.days, inputs.city, inputs.groups, date),
        },
        code_version=settings.PORTAL_VERSION,
        input_sha256=fingerprint,
        is_demonstration=any_demonstration(),
        statements=key_statements(inputs.window, hotspots, trends, _late_agencies(inputs)),
    )
    Cell.objects.bulk_create([_cell_row(picture, cell) for cell in cells], batch_size=2000)
    Trend.objects.bulk_create([_trend_row(picture, trend, inputs.window) for trend in trends], batch_size=500)
    Coverage.objects.bulk_create(_coverage_rows(picture, inputs), batch_size=2000)
    sightings = record_sightings(picture, hotspots, (inputs.window.first, date))
    record_profiles(picture, inputs.times, inputs.groups.values(), sightings)
    signals = record_signals(picture, watch, parts, inputs.city)
    picture.parameters["signals"] |= stored_words(signals)
    phenomena = record_phenomena(picture, looks, inputs.city)
    picture.parameters["phenomena"] = stored_phenomena(phenomena, [look.result for look in looks])
    news = [*signal_statements(signals), *phenomenon_statements(phenomena)]
    picture.statements = [*news, *picture.statements][:MOST_STATEMENTS]
    picture.sha256 = picture_sha256(picture)
    picture.state, picture.published_at = PictureState.PUBLISHED, timezone.now()
    picture.save(update_fields=("parameters", "statements", "sha256", "state", "published_at"))
    audit.record(audit.Act.PICTURE_BUILT, by=None, obj=picture, revision=picture.revision)
    return picture


def _unlocated_percent(inputs: Inputs) -> float | None:
    """Share of the period's cooperation records without a district, per cent; None where there are none."""
    table = inputs.days
    total = int(table.count.sum())
    return round(100 * int(table.count[table.district == NO_DISTRICT].sum()) / total, 1) if total else None


def picture_sha256(picture: Picture) -> str:
    """Hash of what the picture says: the same rows give the same hash, whatever their ids."""
    digest = hashlib.sha256(json.dumps([picture.date.isoformat(), picture.statements]).encode())
    cells = picture.cells.order_by("group_id", "cell").values_list("group__slug", "cell", "count", "ramp")
    trends = picture.trends.order_by("area_id", "group_id", "unit_label").values_list(
        "area__slug", "group__slug", "unit_label", "current", "previous", "weeks", "weeks_before", "protected_current"
    )
    sightings = picture.sightings.order_by("rank", "finding__kind").values_list(
        "finding__number", "cells", "count", "status_word", "is_merged_only"
    )
    signals = picture.signals.order_by("stream", "rank").values_list(
        "stream", "cells", "days", "count", "llr", "is_alarm", "is_merged_only", "agencies"
    )
    for rows in (cells, trends, sightings, signals):
        digest.update(json.dumps([list(row) for row in rows]).encode())
    phenomena = picture.phenomena.order_by("finding__number")
    for row in phenomena.values_list("finding__number", "form", "count", "expected", "p_value", "cells", "evidence"):
        digest.update(json.dumps(row).encode())
    weeks = picture.trends.exclude(week_state="").order_by("area_id", "group_id", "unit_label")
    # Pictures of before weeks were judged, or phenomena looked for, keep the hash they have.
    for row in weeks.values_list("area__slug", "group__slug", "unit_label", *WEEK_FIELDS):
        digest.update(json.dumps(row).encode())
    # The same of those from before hours were told and maps were checked.
    hours = picture.timeprofiles.order_by("group__slug", F("finding__number").asc(nulls_first=True))
    for row in hours.values_list("group__slug", "finding__number", "hours", "timed", "untimed", *PEAK_FIELDS):
        digest.update(json.dumps(row).encode())
    if check := picture.parameters.get("self_check"):
        digest.update(json.dumps(check, sort_keys=True).encode())
    return digest.hexdigest()


def _cell_row(picture: Picture, cell: CellResult) -> Cell:
    return Cell(
        picture=picture,
        group=cell.group,
        cell=cell.cell,
        district=cell.district,
        count=cell.count,
        disk_count=cell.disk_count,
        expected=cell.expected,
        p_value=cell.p_value,
        is_significant=cell.is_significant,
        ramp=cell.ramp,
    )


def _trend_row(picture: Picture, trend: TrendResult, window: Window) -> Trend:
    comparison = trend.comparison
    return Trend(
        picture=picture,
        area=trend.area,
        group=trend.group,
        unit_label=trend.unit_label,
        period_start=window.first_week,
        period_end=window.last_day,
        current=comparison.current,
        previous=comparison.previous,
        change_percent=comparison.percent,
        ratio=comparison.ratio,
        ratio_low=comparison.low,
        ratio_high=comparison.high,
        verdict=comparison.verdict,
        weeks_compared=trend.weeks_compared,
        missing_agencies=list(trend.missing_agencies),
        first_week=window.first_week,
        weeks=trend.weeks,
        weeks_before=trend.weeks_before,
        protected_current=trend.protected_current,
        protected_previous=trend.protected_previous,
        **_week_fields(trend.last_week),
    )


def _week_fields(week: WeekResult | None) -> dict:
    if week is None:
        return {}
    values = (week.state, week.method, week.count, week.expected, week.low, week.high)
    return dict(zip(WEEK_FIELDS, values, strict=True))


def _coverage_state(inputs: Inputs, agency: Agency, week: dt.date) -> CoverageState:
    basis = inputs.coverage.basis.get((agency.pk, week))
    if basis == DeliveryBasis.NOTHING:
        return CoverageState.NOTHING
    if basis is not None:
        return CoverageState.DELIVERED
    joined = inputs.coverage.member_since[agency.pk]
    return CoverageState.NOT_MEMBER if week + dt.timedelta(days=6) < joined else CoverageState.MISSING


def _coverage_rows(picture: Picture, inputs: Inputs) -> list[Coverage]:
    weeks = [inputs.window.first_week + dt.timedelta(weeks=i) for i in range(WEEKS)]
    return [
        Coverage(picture=picture, agency=agency, week=week, state=_coverage_state(inputs, agency, week))
        for agency in inputs.coverage.agencies
        for week in weeks
    ]


def _late_agencies(inputs: Inputs) -> list[Agency]:
    """Members that owe a delivery: the last complete week, or six weeks where counts are delivered by the month."""
    late = []
    for agency in inputs.coverage.agencies:
        weeks = [inputs.window.last_week - dt.timedelta(weeks=i) for i in range(6 if agency.delivers_counts else 1)]
        if all(_coverage_state(inputs, agency, week) == CoverageState.MISSING for week in weeks):
            late.append(agency)
    return late


@transaction.atomic
def assess_finding(
    *,
    finding: Finding,
    status: str,
    assessment: str,
    by,
    responsible: Agency | None = None,
    no_measure_reason: str = "",
    review_on: dt.date | None = None,
) -> Finding:
    """A named person judges what the engine proposed: status, responsible agency, date to look again."""
    if not by.can("assess_findings"):
        raise PermissionDenied("Nur Vorsitz und Geschäftsstelle bewerten Erkenntnisse.")
    finding = Finding.objects.select_for_update().get(pk=finding.pk)
    errors = {}
    if status != finding.status and status not in FINDING_STEPS[FindingStatus(finding.status)]:
        errors["status"] = "Dieser Schritt ist vom jetzigen Stand aus nicht möglich. Bitte einen anderen Stand wählen."
    if not assessment.strip():
        errors["assessment"] = "Es fehlt die Bewertung. Bitte in ein bis zwei Sätzen begründen."
    if responsible is not None and not responsible.is_sharing:
        errors["responsible"] = "Diese Behörde hat keine aktive Mitgliedschaft. Bitte eine andere Behörde wählen."
    if review_on is not None and review_on < timezone.localdate():
        errors["review_on"] = "Die Wiedervorlage liegt in der Vergangenheit. Bitte ein späteres Datum wählen."
    if errors:
        raise ValidationError(errors)
    finding.status, finding.assessment = status, assessment.strip()
    finding.assessed_by, finding.assessed_at = by, timezone.now()
    finding.responsible_agency, finding.no_measure_reason = responsible, no_measure_reason.strip()
    finding.review_on = review_on
    finding.save()
    audit.record(audit.Act.FINDING_ASSESSED, by=by, obj=finding, status=status)
    return finding
