"""What happens to records: report, change, share, note. Each action checks, writes and logs in one transaction."""

from __future__ import annotations

import datetime
from collections.abc import Iterable
from dataclasses import dataclass, replace

from django.core.exceptions import PermissionDenied, ValidationError
from django.db import transaction
from django.db.models import F
from django.utils import timezone

from agencies import audit, sharing
from agencies.models import Agency
from agencies.scope import OUTSIDE, lower_of, rank
from agencies.scope import require as require_scope
from agencies.visibility import COUNTED_LEVELS, SharingLevel
from incidents.geo import DETAIL_RESOLUTION, SHARED_RESOLUTION, DistrictIndex, cell_at
from incidents.listeners import shared_categories, tell_shared_change
from incidents.models import (
    Accuracy,
    Area,
    Category,
    Complaint,
    ComplaintNote,
    DeliveredWeek,
    DeliveryBasis,
    Incident,
    IncidentNote,
    Kind,
    NumberSequence,
    Record,
    RecordNote,
    Severity,
    SharingDefault,
    Source,
)
from incidents.retention import Door
from incidents.revisions import set_author
from incidents.workflow import TRANSITIONS, Status

MODEL_OF_KIND: dict[str, type[Record]] = {Kind.INCIDENT: Incident, Kind.COMPLAINT: Complaint}
NOTE_OF_KIND: dict[str, type[RecordNote]] = {Kind.INCIDENT: IncidentNote, Kind.COMPLAINT: ComplaintNote}
EARLIEST_YEAR = 1990
# Clocks of partner systems may run ahead a little.
FUTURE_TOLERANCE = datetime.timedelta(minutes=15)


@dataclass(frozen=True)
class RecordData:
    """What a form, a file row or an API call says about one record. Texts are confidential.

    An empty sharing level asks for the agency's default, as far as its agreement goes.
    """

    category: Category
    occurred_from: datetime.datetime
    occurred_to: datetime.datetime | None = None
    severity: int = Severity.NORMAL
    status: str = Status.REPORTED
    lon: float | None = None
    lat: float | None = None
    accuracy: str = Accuracy.UNKNOWN
    district: Area | None = None
    place_text: str = ""
    description: str = ""
    internal_note: str = ""
    reference: str = ""
    complainant_contact: str = ""
    reporter_key: str = ""
    sharing_level: str = SharingLevel.INTERNAL


def check_record(data: RecordData, *, now: datetime.datetime | None = None) -> dict[str, str]:
    """Every objection to the data, as {field: German message}; empty if there is none. Pure, no queries."""
    moment = now or timezone.now()
    errors: dict[str, str] = {}
    if data.occurred_from > moment + FUTURE_TOLERANCE:
        errors["occurred_from"] = "Der Beginn liegt in der Zukunft. Bitte Datum und Uhrzeit prüfen."
    if data.occurred_from.year < EARLIEST_YEAR:
        errors["occurred_from"] = f"Der Beginn liegt vor {EARLIEST_YEAR}. Bitte das Jahr prüfen."
    if data.occurred_to is not None:
        if data.occurred_to < data.occurred_from:
            errors["occurred_to"] = "Der Zeitraum endet vor seinem Beginn. Bitte Ende prüfen."
        elif data.occurred_to > moment + FUTURE_TOLERANCE:
            errors["occurred_to"] = "Das Ende liegt in der Zukunft. Bitte Datum und Uhrzeit prüfen."
    if not data.category.is_shareable and data.sharing_level != SharingLevel.INTERNAL:
        errors["sharing_level"] = (
            "Meldungen dieser Art bleiben in der eigenen Behörde. Bitte „Nur eigene Behörde“ wählen."
        )
    return errors | _check_place(data)


def _check_place(data: RecordData) -> dict[str, str]:
    if (data.lon is None) != (data.lat is None):
        return {"lon": "Es fehlt eine der beiden Koordinaten. Bitte Länge und Breite angeben oder beide leer lassen."}
    if data.lon is None:
        return {}
    if not (-180 <= data.lon <= 180 and -90 <= data.lat <= 90):
        return {"lon": "Die Koordinaten liegen außerhalb des gültigen Bereichs. Bitte Länge und Breite prüfen."}
    return {}


def locate(data: RecordData, districts: DistrictIndex) -> tuple[dict, dict, str | None]:
    """(face fields, detail fields, objection) for the place: what is shared is coarsened here and nowhere else."""
    if data.lon is None or data.lat is None:
        accuracy = Accuracy.DISTRICT if data.district else Accuracy.UNKNOWN
        face = {"accuracy": accuracy, "cell": None, "district": data.district}
        return face, {"lon": None, "lat": None, "cell": None}, None
    district = districts.district_of(data.lon, data.lat)
    if district is None:
        return {}, {}, _outside_message(data.lon, data.lat, districts)
    exact = {"lon": data.lon, "lat": data.lat, "cell": cell_at(data.lon, data.lat, DETAIL_RESOLUTION)}
    accuracy = data.accuracy if data.accuracy in {Accuracy.STREET, Accuracy.DISTRICT} else Accuracy.POINT
    shows_cell = data.category.may_have_cell and accuracy != Accuracy.DISTRICT
    cell = cell_at(data.lon, data.lat, SHARED_RESOLUTION) if shows_cell else None
    return {"accuracy": accuracy, "cell": cell, "district": district}, exact, None


def _outside_message(lon: float, lat: float, districts: DistrictIndex) -> str:
    if -90 <= lon <= 90 and districts.district_of(lat, lon) is not None:
        return "Länge und Breite sind offenbar vertauscht. Bitte die beiden Werte tauschen."
    return "Der Ort liegt außerhalb des Stadtgebiets. Bitte den Ort auf der Karte prüfen."


def allowed_levels(*, agency: Agency, category: Category, by) -> list[SharingLevel]:
    """Levels `by` may choose for a new record of this category, wherever it is. Queries."""
    highest = agency.scope.highest(category)
    if by is None or by.can("share_records"):
        return [level for level in SharingLevel if rank(level) <= rank(highest)]
    return sorted({SharingLevel.INTERNAL, default_level(agency=agency, category=category)}, key=rank)


def default_level(*, agency: Agency, category: Category) -> SharingLevel:
    """The level a new record proposes: what the lead has set for the category, as far as the agreement goes."""
    default = SharingDefault.objects.filter(agency=agency, category=category).first()
    return SharingLevel(lower_of(default.level, agency.scope.highest(category)) if default else SharingLevel.INTERNAL)


def moved_beyond(record: Record, *, agency: Agency, category: Category, district: Area | None) -> str:
    """Why a shared record may not get this category and district; empty if it may, or if both stay."""
    if record.sharing_level == SharingLevel.INTERNAL or (
        record.category_id == category.pk and record.district_id == (district.pk if district else None)
    ):
        return ""
    if rank(record.sharing_level) <= rank(agency.agreed_scope.highest_at(category, district)):
        return ""
    return f"{OUTSIDE} Bitte zuerst die Freigabe zurücknehmen."


def next_numbers(*, agency: Agency, kind: str, year: int, count: int = 1) -> range:
    """Reserve `count` running numbers; the row lock lasts to the end of the transaction."""
    NumberSequence.objects.get_or_create(agency=agency, kind=kind, year=year)
    sequence = NumberSequence.objects.select_for_update().get(agency=agency, kind=kind, year=year)
    NumberSequence.objects.filter(pk=sequence.pk).update(last=F("last") + count)
    return range(sequence.last + 1, sequence.last + count + 1)


@transaction.atomic
def report(*, kind: str, data: RecordData, by, source: str = Source.BROWSER) -> Record:
    """Save a new record of the actor's agency; raises ValidationError with a message per field."""
    if not by.can("enter_records"):
        raise PermissionDenied("Ihre Rolle erlaubt das Erfassen von Meldungen nicht.")
    takes_default = not data.sharing_level
    if takes_default:
        data = replace(data, sharing_level=default_level(agency=by.agency, category=data.category))
    face, detail = _checked(data, by)
    if objection := Door(by.agency, kind).objection(data):
        raise ValidationError(objection)
    if takes_default:
        highest = by.agency.scope.highest_at(data.category, face["district"])
        data = replace(data, sharing_level=lower_of(data.sharing_level, highest))
    require_scope(by.agency.scope, level=data.sharing_level, category=data.category, area=face["district"])
    if data.sharing_level not in allowed_levels(agency=by.agency, category=data.category, by=by):
        message = "Diese Stufe setzt in Ihrer Behörde nur die Rolle „Freigabe“. Bitte eine niedrigere wählen."
        raise ValidationError({"sharing_level": message})
    model = MODEL_OF_KIND[kind]
    record = model.objects.create(
        agency=by.agency,
        category=data.category,
        occurred_from=data.occurred_from,
        occurred_to=data.occurred_to,
        status=data.status,
        severity=data.severity,
        sharing_level=data.sharing_level,
        source=source,
        **face,
    )
    year = timezone.localtime(record.created_at).year
    (number,) = next_numbers(agency=by.agency, kind=kind, year=year)
    _require_free_reference(record, data.reference)
    model.detail_model().objects.create(
        record=record,
        agency=by.agency,
        year=year,
        number=number,
        created_by=None if by.api_key else by,
        **detail,
        **_texts(data, kind),
    )
    _note_counted(record)
    audit.record(audit.Act.CREATED, by=by, obj=record, owner=by.agency, level=data.sharing_level)
    tell_shared_change(shared_categories((data.category.pk, data.sharing_level)))
    return record


@transaction.atomic
def change(*, record: Record, data: RecordData, by) -> Record:
    """Change the facts of an own record; the sharing level has an action of its own."""
    record = _own_locked(record, by, "enter_records")
    face, detail = _checked(data, by)
    if not data.category.is_shareable and record.sharing_level != SharingLevel.INTERNAL:
        raise ValidationError(
            {"category": "Meldungen dieser Art werden nie freigegeben. Bitte zuerst die Freigabe zurücknehmen."}
        )
    if objection := moved_beyond(record, agency=record.agency, category=data.category, district=face["district"]):
        raise ValidationError({"category": objection})
    values = {
        "category": data.category,
        "occurred_from": data.occurred_from,
        "occurred_to": data.occurred_to,
        "severity": data.severity,
        **face,
    }
    differs = any(getattr(record, name) != value for name, value in values.items())
    before = record.category_id
    for name, value in values.items():
        setattr(record, name, value)
    if differs:
        # Partners see this time; a change of the detail alone is none of theirs.
        record.updated_at = timezone.now()
    record.save()
    _note_counted(record)
    if not data.category.is_shareable:
        sharing.withdraw_all(record=record, by=by, reason="Kategorie wird nie freigegeben")
    elif record.agency.agreed_scope.highest_at(data.category, record.district) != SharingLevel.COOPERATION:
        sharing.withdraw_all(record=record, by=by, reason="Nicht von der Vereinbarung umfasst")
    _require_free_reference(record, data.reference)
    details = record.detail_model().objects.filter(record=record, agency=record.agency)
    details.update(**detail, **_texts(data, record.kind))
    audit.record(audit.Act.CHANGED, by=by, obj=record, owner=record.agency)
    if differs:
        tell_shared_change(shared_categories(*((pk, record.sharing_level) for pk in (before, data.category.pk))))
    return record


@transaction.atomic
def advance(*, record: Record, status: str, by) -> Record:
    """Take the record one step along the workflow."""
    record = _own_locked(record, by, "enter_records")
    if status not in TRANSITIONS[Status(record.status)]:
        raise ValidationError("Dieser Schritt ist vom jetzigen Status aus nicht möglich. Bitte die Seite neu laden.")
    record.status, record.updated_at = status, timezone.now()
    record.save(update_fields=("status", "updated_at"))
    audit.record(audit.Act.CHANGED, by=by, obj=record, owner=record.agency, status=status)
    return record


@transaction.atomic
def set_level(*, record: Record, level: str, by, reason: str = "") -> Record:
    """Raise or lower the sharing level; the release role's decision."""
    record = _own_locked(record, by, "share_records")
    if level not in SharingLevel.values:
        raise ValidationError(
            {"sharing_level": "Diese Freigabestufe gibt es nicht. Bitte eine der drei Stufen wählen."}
        )
    if level != SharingLevel.INTERNAL and not record.category.is_shareable:
        raise ValidationError({"sharing_level": "Meldungen dieser Art werden nie freigegeben."})
    before = record.sharing_level
    if level == before:
        raise ValidationError({"sharing_level": "Diese Stufe gilt schon. Bitte eine andere Freigabestufe wählen."})
    if rank(level) > rank(before):
        require_scope(record.agency.scope, level=level, category=record.category, area=record.district)
    record.sharing_level, record.updated_at = level, timezone.now()
    record.save(update_fields=("sharing_level", "updated_at"))
    _note_counted(record)
    audit.record(
        audit.Act.LEVEL_CHANGED, by=by, obj=record, owner=record.agency, purpose=reason, before=before, after=level
    )
    tell_shared_change(shared_categories(*((record.category_id, one) for one in (before, level))))
    return record


@transaction.atomic
def propose_note(*, record: Record, text: str, by) -> RecordNote:
    """Write the note for the partners; it stays unseen until a second person clears it."""
    record = _own_locked(record, by, "enter_records")
    if not text.strip():
        raise ValidationError({"text": "Der Hinweis ist leer. Bitte einen Text eingeben."})
    replaces_cleared = NOTE_OF_KIND[record.kind].objects.filter(record=record, cleared_at__isnull=False).exists()
    note, _ = NOTE_OF_KIND[record.kind].objects.update_or_create(
        record=record,
        defaults={
            "agency": record.agency,
            "text": text.strip(),
            "written_by": by,
            "written_at": timezone.now(),
            "cleared_by": None,
            "cleared_at": None,
        },
    )
    if replaces_cleared:
        record.touch()
    audit.record(audit.Act.NOTE_PROPOSED, by=by, obj=record, owner=record.agency)
    return note


@transaction.atomic
def clear_note(*, record: Record, by) -> RecordNote:
    """Release the note to whoever may see the face; never by the person who wrote it."""
    record = _own_locked(record, by, "clear_notes")
    note = NOTE_OF_KIND[record.kind].objects.select_for_update().get(record=record)
    if note.written_by_id == by.pk:
        raise ValidationError(
            "Den Hinweis muss eine zweite Person freigeben. Bitte eine Kollegin oder einen Kollegen bitten."
        )
    note.cleared_by, note.cleared_at = by, timezone.now()
    note.save(update_fields=("cleared_by", "cleared_at"))
    record.touch()
    audit.record(audit.Act.NOTE_CLEARED, by=by, obj=record, owner=record.agency)
    return note


@transaction.atomic
def set_sharing_defaults(*, levels: dict[Category, str], by) -> None:
    """Set the level new records of a category propose, which entry staff may then use; the lead's decision."""
    if not by.can("lead_agency"):
        raise PermissionDenied("Nur die Leitung der Behörde setzt Freigabevorgaben.")
    for category, level in levels.items():
        if level not in SharingLevel.values or (level != SharingLevel.INTERNAL and not category.is_shareable):
            raise ValidationError(f"Für „{category}“ gibt es diese Stufe nicht. Bitte eine andere wählen.")
        if rank(level) > rank(by.agency.agreed_scope.highest(category)):
            raise ValidationError(
                f"Für „{category}“ geht diese Stufe über die Vereinbarung Ihrer Behörde mit der Kooperation hinaus. "
                "Bitte eine niedrigere wählen."
            )
        SharingDefault.objects.update_or_create(agency=by.agency, category=category, defaults={"level": level})
    audit.record(
        audit.Act.SETTINGS_CHANGED,
        by=by,
        owner=by.agency,
        sharing_defaults={category.slug: level for category, level in levels.items()},
    )


def note_delivery(*, agency: Agency, days: Iterable[datetime.date], basis: str) -> None:
    """Mark the ISO weeks of the given local days as delivered; "nothing to report" gives way to records.

    Weeks already noted on this basis stay as they are, so that a delivery made twice changes nothing.
    """
    weeks = {day - datetime.timedelta(days=day.weekday()) for day in days}
    noted = DeliveredWeek.objects.filter(agency=agency, basis=basis, week__in=weeks).values_list("week", flat=True)
    DeliveredWeek.objects.bulk_create(
        [DeliveredWeek(agency=agency, week=week, basis=basis) for week in sorted(weeks.difference(noted))],
        update_conflicts=True,
        unique_fields=("agency", "week"),
        update_fields=("basis", "noted_at"),
    )


def _note_counted(record: Record) -> None:
    """The record's week counts as delivered, as everybody can read; of an internal record nobody learns even that."""
    if record.sharing_level in COUNTED_LEVELS:
        day = timezone.localdate(record.occurred_from)
        note_delivery(agency=record.agency, days=[day], basis=DeliveryBasis.RECORDS)


def _own_locked(record: Record, by, capability: str) -> Record:
    if record.agency_id != by.agency_id or not by.can(capability):
        raise PermissionDenied("Ihre Rolle erlaubt diesen Schritt an der Meldung nicht.")
    set_author(by)
    return (
        type(record)
        .objects.select_for_update(of=("self",))
        .select_related("agency", "category__group", "district")
        .get(pk=record.pk)
    )


def _require_free_reference(record: Record, reference: str) -> None:
    details = record.detail_model().objects.filter(agency=record.agency, reference=reference)
    if reference and details.exclude(record=record).exists():
        raise ValidationError(
            {"reference": "Dieses Aktenzeichen trägt schon eine andere Meldung Ihrer Behörde. Bitte prüfen."}
        )


def _checked(data: RecordData, by) -> tuple[dict, dict]:
    errors = check_record(data)
    face, detail, objection = locate(data, DistrictIndex.load()) if "lon" not in errors else ({}, {}, None)
    if objection:
        errors["lon"] = objection
    if errors:
        raise ValidationError(errors)
    return face, detail


def _texts(data: RecordData, kind: str) -> dict[str, str]:
    texts = {
        "place_text": data.place_text,
        "description": data.description,
        "internal_note": data.internal_note,
        "reference": data.reference,
    }
    if kind == Kind.COMPLAINT:
        texts |= {"complainant_contact": data.complainant_contact, "reporter_key": data.reporter_key}
    return texts
