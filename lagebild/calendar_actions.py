"""What happens to the calendar: entries and delivery notices are added, changed and removed."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from django.core.exceptions import PermissionDenied, ValidationError
from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from agencies import audit
from incidents.geo import DistrictIndex, cells_within, city_cells
from incidents.importing.weeks import monday, week_label
from incidents.models import Area, AreaKind, CategoryGroup, DeliveredWeek, DeliveryBasis
from lagebild.calendar_models import CalendarEntry, DeliveryNotice, EntryKind, Extent, NoticeKind

FIRST_DAY = dt.date(2000, 1, 1)
YEARS_AHEAD = 5
# Longer than any of its kind: who enters more has mistaken a year.
LONGEST_DAYS = {EntryKind.SCHOOL_HOLIDAYS: 62, EntryKind.EVENT: 92}
LONGEST_NOTICE_DAYS = 731
SMALLEST_RADIUS_M, LARGEST_RADIUS_M = 100, 5000
MOST_VISITORS = 1_000_000


@dataclass(frozen=True)
class EntryData:
    kind: str
    name: str
    first_day: dt.date
    last_day: dt.date
    extent: str = Extent.CITY
    districts: tuple[str, ...] = ()
    place_label: str = ""
    lon: float | None = None
    lat: float | None = None
    radius_m: int | None = None
    visitors: int | None = None


@dataclass(frozen=True)
class NoticeData:
    """Without groups the notice speaks of all deliveries of the agency."""

    kind: str
    first_day: dt.date
    last_day: dt.date
    groups: tuple[str, ...] = ()


def may_enter(actor, kind: str) -> bool:
    """Agencies enter events, the coordination office school holidays, too; members only."""
    can = actor.can("enter_events") and (kind == EntryKind.EVENT or actor.can("maintain_calendar"))
    return can and actor.agency.is_sharing


def may_change(entry: CalendarEntry, actor) -> bool:
    """Of what the actor sees: everything for the coordination office, else the own agency's events."""
    is_own = entry.agency_id == actor.agency_id or actor.can("maintain_calendar")
    return is_own and may_enter(actor, entry.kind)


def may_notify(actor) -> bool:
    return actor.can("import_records") and actor.agency.is_sharing


@transaction.atomic
def add_entry(*, data: EntryData, by) -> CalendarEntry:
    if not may_enter(by, data.kind):
        raise PermissionDenied("Ihre Rolle erlaubt diesen Eintrag in den Kalender nicht.")
    entry = CalendarEntry(agency=by.agency, kind=data.kind, is_demonstration=by.agency.is_demonstration)
    _take(entry, data)
    entry.save(force_insert=True)
    _log_entry(entry, by, "created")
    return entry


@transaction.atomic
def change_entry(*, entry: CalendarEntry, data: EntryData, by) -> CalendarEntry:
    """The kind and the agency that entered it stay."""
    entry = _locked_entry(entry, by)
    _take(entry, data)
    entry.save()
    _log_entry(entry, by, "changed")
    return entry


@transaction.atomic
def remove_entry(*, entry: CalendarEntry, by) -> None:
    entry = _locked_entry(entry, by)
    _log_entry(entry, by, "removed")
    entry.delete()


@transaction.atomic
def give_notice(*, data: NoticeData, by) -> DeliveryNotice:
    _require_may_notify(by)
    notice = DeliveryNotice(agency=by.agency, is_demonstration=by.agency.is_demonstration)
    _take_notice(notice, data)
    notice.save(force_insert=True)
    _log_notice(notice, by, "created")
    return notice


@transaction.atomic
def change_notice(*, notice: DeliveryNotice, data: NoticeData, by) -> DeliveryNotice:
    notice = _locked_notice(notice, by)
    _take_notice(notice, data)
    notice.save()
    _log_notice(notice, by, "changed")
    return notice


@transaction.atomic
def withdraw_notice(*, notice: DeliveryNotice, by) -> None:
    notice = _locked_notice(notice, by)
    _log_notice(notice, by, "removed")
    notice.delete()


def _require_may_notify(by) -> None:
    if not may_notify(by):
        raise PermissionDenied("Hinweise zu Lieferungen geben Freigabe und Leitung der liefernden Behörde.")


def _locked_entry(entry: CalendarEntry, by) -> CalendarEntry:
    rows = CalendarEntry.objects.visible_to(by).select_for_update(of=("self",)).select_related("agency")
    found = rows.filter(pk=entry.pk).first()
    if found is None or not may_change(found, by):
        raise PermissionDenied("Diesen Eintrag ändern nur die Behörde, die ihn angelegt hat, und die Geschäftsstelle.")
    return found


def _locked_notice(notice: DeliveryNotice, by) -> DeliveryNotice:
    _require_may_notify(by)
    rows = DeliveryNotice.objects.owned_by(by).select_for_update(of=("self",)).select_related("agency")
    found = rows.filter(pk=notice.pk).first()
    if found is None:
        raise PermissionDenied("Diesen Hinweis ändert nur die Behörde, die ihn gegeben hat.")
    return found


def _take(entry: CalendarEntry, data: EntryData) -> None:
    """Write the data into the entry, or raise what is wrong with it, field by field."""
    errors = _period_errors(data.first_day, data.last_day, LONGEST_DAYS[EntryKind(entry.kind)])
    name = " ".join(data.name.split())
    if not name:
        errors["name"] = "Es fehlt die Bezeichnung. Bitte eintragen."
    if data.visitors is not None and not 1 <= data.visitors <= MOST_VISITORS:
        errors["visitors"] = "Die Zahl der Gäste liegt nicht zwischen 1 und 1.000.000. Bitte prüfen oder leer lassen."
    entry.name, entry.first_day, entry.last_day = name, data.first_day, data.last_day
    entry.visitors = data.visitors if entry.is_event else None
    errors |= _take_extent(entry, data if entry.is_event else EntryData(entry.kind, name, *_days(data)))
    if not errors:
        errors = _clash(entry)
    if errors:
        raise ValidationError(errors)


def _days(data: EntryData | NoticeData) -> tuple[dt.date, dt.date]:
    return data.first_day, data.last_day


def _take_extent(entry: CalendarEntry, data: EntryData) -> dict[str, str]:
    """Where the entry counts: only what belongs to the chosen extent is kept."""
    entry.extent, entry.place_label = data.extent, " ".join(data.place_label.split())
    entry.districts, entry.cells, entry.lon, entry.lat, entry.radius_m = [], [], None, None, None
    if data.extent == Extent.DISTRICTS:
        known = Area.objects.filter(kind=AreaKind.DISTRICT, slug__in=data.districts).order_by("number", "slug")
        entry.districts = list(known.values_list("slug", flat=True))
        if not entry.districts or len(entry.districts) != len(set(data.districts)):
            return {"districts": "Es fehlt der Stadtbezirk. Bitte mindestens einen aus der Liste wählen."}
    if data.extent == Extent.RADIUS:
        return _take_circle(entry, data)
    return {}


def _take_circle(entry: CalendarEntry, data: EntryData) -> dict[str, str]:
    if data.radius_m is None or not SMALLEST_RADIUS_M <= data.radius_m <= LARGEST_RADIUS_M:
        return {"radius_m": "Der Umkreis liegt nicht zwischen 100 und 5.000 Metern. Bitte ändern."}
    if data.lon is None or data.lat is None:
        return {"place": "Es fehlt der Ort. Bitte einen bekannten Ort nennen oder ihn auf der Karte wählen."}
    districts = city_cells(DistrictIndex.load())
    if not -180 <= data.lon <= 180 or not -90 <= data.lat <= 90:
        cells = []
    else:
        cells = [cell for cell in cells_within(data.lon, data.lat, data.radius_m) if cell in districts]
    if not cells:
        return {"place": "Der Ort liegt außerhalb des Stadtgebiets. Bitte einen Ort in der Stadt wählen."}
    entry.lon, entry.lat, entry.radius_m, entry.cells = data.lon, data.lat, data.radius_m, cells
    touched = {districts[cell] for cell in cells}
    entry.districts = [area.slug for area in sorted(touched, key=lambda area: (area.number or 0, area.slug))]
    return {}


def _period_errors(first: dt.date, last: dt.date, longest_days: int) -> dict[str, str]:
    latest = dt.date(timezone.localdate().year + YEARS_AHEAD, 12, 31)
    if last < first:
        return {"last_day": "Der Zeitraum endet vor seinem Beginn. Bitte das Ende prüfen."}
    for name, day in (("first_day", first), ("last_day", last)):
        if not FIRST_DAY <= day <= latest:
            return {name: f"Der Tag liegt nicht zwischen 2000 und {latest.year}. Bitte das Jahr prüfen."}
    if (last - first).days >= longest_days:
        return {"last_day": f"Der Zeitraum ist länger als {longest_days} Tage. Bitte prüfen oder in Teilen eintragen."}
    return {}


def _clash(entry: CalendarEntry) -> dict[str, str]:
    """School holidays do not overlap, and no event is entered twice."""
    others = CalendarEntry.objects.of_members().filter(kind=entry.kind).exclude(pk=entry.pk)
    if entry.is_event:
        same = others.filter(name__iexact=entry.name, first_day=entry.first_day, last_day=entry.last_day)
        return {"name": "Diese Veranstaltung ist schon eingetragen."} if same.exists() else {}
    other = others.touching(entry.first_day, entry.last_day).first()
    if other is None:
        return {}
    period = f"{other.first_day:%d.%m.%Y}–{other.last_day:%d.%m.%Y}"
    return {"first_day": f"In diesem Zeitraum liegen schon die {other.name} ({period}). Bitte den Zeitraum prüfen."}


def _take_notice(notice: DeliveryNotice, data: NoticeData) -> None:
    errors = _period_errors(data.first_day, data.last_day, LONGEST_NOTICE_DAYS)
    known = CategoryGroup.objects.filter(slug__in=data.groups).order_by("kind", "order", "slug")
    notice.groups = list(known.values_list("slug", flat=True))
    notice.kind, notice.first_day, notice.last_day = data.kind, data.first_day, data.last_day
    if data.kind not in NoticeKind.values:
        errors["kind"] = "Bitte wählen, was mit der Lieferung ist."
    if len(notice.groups) != len(set(data.groups)):
        errors["groups"] = "Diese Gruppe gibt es nicht. Bitte aus der Liste wählen."
    if not errors:
        errors = _notice_clash(notice)
    if errors:
        raise ValidationError(errors)


def _notice_clash(notice: DeliveryNotice) -> dict[str, str]:
    """No second notice of the same, and none against the agency's own word that there was nothing to report."""
    others = DeliveryNotice.objects.filter(agency=notice.agency, kind=notice.kind).exclude(pk=notice.pk)
    same_groups = Q(groups=[]) | Q(groups__overlap=notice.groups) if notice.groups else Q()
    if others.touching(notice.first_day, notice.last_day).filter(same_groups).exists():
        return {"first_day": "Für diese Tage gibt es schon einen solchen Hinweis. Bitte jenen ändern."}
    if notice.kind == NoticeKind.RECOUNTED:
        return {}
    nothing = DeliveredWeek.objects.filter(
        agency=notice.agency,
        basis=DeliveryBasis.NOTHING,
        week__gte=monday(notice.first_day),
        week__lte=notice.last_day,
    ).order_by("week")
    week = nothing.values_list("week", flat=True).first()
    if week is None:
        return {}
    return {"first_day": f"Für {week_label(week)} liegt Ihre Fehlanzeige vor. Bitte den Zeitraum prüfen."}


def _log_entry(entry: CalendarEntry, by, step: str) -> None:
    _log(entry, by, step, kind=entry.kind)


def _log_notice(notice: DeliveryNotice, by, step: str) -> None:
    _log(notice, by, step, kind=notice.kind, groups=notice.groups)


def _log(row: CalendarEntry | DeliveryNotice, by, step: str, **facts) -> None:
    period = {"first_day": row.first_day.isoformat(), "last_day": row.last_day.isoformat()}
    audit.record(audit.Act.CALENDAR_CHANGED, by=by, obj=row, owner=row.agency, step=step, **facts, **period)
