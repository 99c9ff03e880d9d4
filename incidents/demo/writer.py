"""Write generated rows in bulk. Past the actions on purpose: nobody entered these records."""

from __future__ import annotations

import datetime
from collections import Counter
from collections.abc import Iterable

from agencies import sharing
from agencies.models import Agency
from agencies.visibility import SharingLevel
from agencies.wall.context import acting_as
from incidents.actions import MODEL_OF_KIND, NOTE_OF_KIND
from incidents.demo.cast import Cast
from incidents.demo.deliveries import CountRow, WeekRow
from incidents.demo.frame import Kind
from incidents.demo.habits import HABITS, usual_level
from incidents.demo.rows import Row
from incidents.geo import DETAIL_RESOLUTION, SHARED_RESOLUTION, cell_at
from incidents.models import (
    Area,
    Category,
    CountDelivery,
    DeliveredWeek,
    Incident,
    NumberSequence,
    Record,
    RecordDetail,
    SharingDefault,
    Source,
)

BATCH = 2000
# Who lets whom see single records that the partners otherwise do not see, and how many of a thousand records.
GRANTS = (
    ("bundespolizei", SharingLevel.STATISTICS, "polizei", "Gemeinsame Ermittlungen am Hauptbahnhof"),
    ("polizei", SharingLevel.INTERNAL, "ordnungsamt", "Abstimmung einer gemeinsamen Streife"),
    ("schule", SharingLevel.STATISTICS, "polizei", "Beratung der Schule vor Ort"),
)
GRANTS_PER_PAIR = 5


def write_records(rows: list[Row], cast: Cast) -> None:
    """Faces, details and notes of one agency, with the running numbers where the next entry goes on."""
    categories = {category.slug: category for category in Category.objects.all()}
    districts = {area.slug: area for area in Area.objects.filter(kind="district")}
    for kind, model in MODEL_OF_KIND.items():
        chosen = [row for row in rows if row.kind == kind]
        faces = [_face(model, row, cast, categories, districts) for row in chosen]
        model.objects.bulk_create(faces, batch_size=BATCH)
        detail = model.detail_model()
        detail.objects.bulk_create([_detail(detail, row, cast) for row in chosen], batch_size=BATCH)
        _write_notes(kind, chosen, cast)
    last = Counter()
    for row in rows:
        last[row.agency, row.kind, row.year] = max(last[row.agency, row.kind, row.year], row.number)
    NumberSequence.objects.bulk_create(
        NumberSequence(agency=cast.agencies[agency], kind=kind, year=year, last=number)
        for (agency, kind, year), number in last.items()
    )


def _face(
    model: type[Record], row: Row, cast: Cast, categories: dict[str, Category], districts: dict[str, Area]
) -> Record:
    category = categories[row.category]
    shows_cell = row.lon is not None and category.may_have_cell
    return model(
        id=row.id,
        agency=cast.agencies[row.agency],
        category=category,
        occurred_from=row.occurred_from,
        occurred_to=row.occurred_to,
        status=row.status,
        severity=row.severity,
        sharing_level=row.sharing_level,
        accuracy=row.accuracy,
        cell=cell_at(row.lon, row.lat, SHARED_RESOLUTION) if shows_cell else None,
        district=districts[row.district] if row.district else None,
        source=Source.IMPORT,
        is_demonstration=True,
        created_at=row.created_at,
        updated_at=row.updated_at,
    )


def _detail(model: type[RecordDetail], row: Row, cast: Cast) -> RecordDetail:
    complaint = (
        {"complainant_contact": row.complainant_contact, "reporter_key": row.reporter_key}
        if row.kind == "complaint"
        else {}
    )
    return model(
        record_id=row.id,
        agency=cast.agencies[row.agency],
        number=row.number,
        year=row.year,
        reference=row.reference,
        lon=row.lon,
        lat=row.lat,
        cell=cell_at(row.lon, row.lat, DETAIL_RESOLUTION) if row.lon is not None else None,
        place_text=row.place_text,
        description=row.description,
        internal_note=row.internal_note,
        created_by=cast.person("erfassung", row.agency),
        **complaint,
    )


def _write_notes(kind: str, rows: Iterable[Row], cast: Cast) -> None:
    model = NOTE_OF_KIND[kind]
    model.objects.bulk_create(
        model(
            record_id=row.id,
            agency=cast.agencies[row.agency],
            text=row.note,
            written_by=cast.person("erfassung", row.agency),
            written_at=row.updated_at,
            cleared_by=cast.person("freigabe", row.agency) if row.note_is_cleared else None,
            cleared_at=row.updated_at if row.note_is_cleared else None,
        )
        for row in rows
        if row.note
    )


def write_defaults(kinds: dict[str, Kind], cast: Cast, agency: Agency) -> None:
    """The level the agency's lead has set for the categories it leads."""
    if agency.slug not in HABITS:
        return
    SharingDefault.objects.bulk_create(
        SharingDefault(
            agency=agency,
            category=category,
            level=usual_level(
                agency.slug,
                is_sensitive=kinds[category.slug].is_sensitive,
                is_shareable=category.is_shareable,
            ),
        )
        for category in Category.objects.filter(lead_agencies__contains=[agency.slug]).order_by("slug")
    )


def write_counts(counts: list[CountRow], cast: Cast) -> None:
    categories = {category.slug: category for category in Category.objects.all()}
    areas = {area.slug: area for area in Area.objects.all()}
    CountDelivery.objects.bulk_create(
        CountDelivery(
            agency=cast.agencies[row.agency],
            area=areas[row.area],
            category=categories[row.category],
            unit=categories[row.category].unit,
            period_start=row.period_start,
            period_end=row.period_end,
            count=row.count,
            is_demonstration=True,
        )
        for row in counts
    )


def write_weeks(weeks: list[WeekRow], cast: Cast, *, noted_at: datetime.datetime) -> None:
    DeliveredWeek.objects.bulk_create(
        DeliveredWeek(agency=cast.agencies[row.agency], week=row.week, basis=row.basis, noted_at=noted_at)
        for row in weeks
    )


def write_grants(cast: Cast) -> None:
    """Single records shown to one named agency, granted by the owner's release role."""
    for owner, level, to, reason in GRANTS:
        by = cast.person("freigabe", owner)
        with acting_as(by):
            chosen = Incident.objects.owned_by(by).filter(sharing_level=level, category__is_shareable=True)
            newest = chosen.select_related("agency", "category").order_by("-occurred_from", "pk")[:GRANTS_PER_PAIR]
            for record in newest:
                sharing.grant(record=record, to=cast.agencies[to], by=by, reason=reason)
