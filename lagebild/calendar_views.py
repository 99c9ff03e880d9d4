"""Pages of the calendar: the year, entries and delivery notices."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from django.contrib import messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_GET, require_http_methods

from agencies.access import requires
from incidents.models import Area, AreaKind, CategoryGroup
from lagebild.calendar_actions import (
    YEARS_AHEAD,
    add_entry,
    change_entry,
    change_notice,
    give_notice,
    may_change,
    may_enter,
    may_notify,
    remove_entry,
    withdraw_notice,
)
from lagebild.calendar_forms import ENTRY_FORMS, CalendarFilter, NoticeForm
from lagebild.calendar_models import CalendarEntry, DeliveryNotice, EntryKind, Extent
from lagebild.holidays import holidays_between
from lagebild.wording import german_number, period_text

YEARS_BACK = 10


@dataclass(frozen=True)
class Line:
    """One row of the year's table."""

    first: dt.date
    period: str
    kind: str
    name: str
    where: str
    visitors: str
    agency: str
    change_url: str = ""
    remove_url: str = ""


@require_GET
@requires("read_picture")
def calendar(request: HttpRequest) -> HttpResponse:
    this_year = timezone.localdate().year
    chosen = CalendarFilter(
        {"jahr": this_year} | request.GET.dict(), years=range(this_year - YEARS_BACK, this_year + YEARS_AHEAD + 1)
    )
    is_valid = chosen.is_valid()
    year = chosen.cleaned_data.get("jahr") or this_year
    kind = chosen.cleaned_data["art"] if is_valid else ""
    first, last = dt.date(year, 1, 1), dt.date(year, 12, 31)
    lines = [*_holiday_lines(first, last, kind), *_entry_lines(request.user, first, last, kind)]
    return render(
        request,
        "lagebild/calendar.html",
        {
            "filter_form": chosen,
            "reset_url": reverse("lagebild:calendar"),
            "year": year,
            "shows_days": kind != "notice",
            "lines": sorted(lines, key=lambda line: (line.first, line.kind, line.name)),
            "shows_notices": kind in ("", "notice"),
            "notices": _notice_lines(request.user, first, last) if kind in ("", "notice") else [],
            "is_member": request.user.agency.is_sharing,
            "may_enter": may_enter(request.user, EntryKind.EVENT),
            "may_enter_holidays": may_enter(request.user, EntryKind.SCHOOL_HOLIDAYS),
            "may_notify": may_notify(request.user),
        },
    )


def _holiday_lines(first: dt.date, last: dt.date, kind: str) -> list[Line]:
    if kind not in ("", "holiday"):
        return []
    return [
        Line(day, f"{day:%d.%m.%Y}", "Feiertag", name, "", "", "nach Gesetz")
        for day, name in holidays_between(first, last).items()
    ]


def _entry_lines(user, first: dt.date, last: dt.date, kind: str) -> list[Line]:
    rows = CalendarEntry.objects.visible_to(user).touching(first, last).select_related("agency")
    if kind in EntryKind.values:
        rows = rows.filter(kind=kind)
    elif kind:
        return []
    districts = _district_names()
    return [
        Line(
            first=entry.first_day,
            period=_period(entry),
            kind=entry.get_kind_display(),
            name=entry.name,
            where=_where(entry, districts) if entry.is_event else "",
            visitors=german_number(entry.visitors) if entry.visitors else "",
            agency=entry.agency.short_name + (" (Demonstration)" if entry.is_demonstration else ""),
            **_urls("calendar_entry", entry) if may_change(entry, user) else {},
        )
        for entry in rows
    ]


def _urls(route: str, row: CalendarEntry | DeliveryNotice) -> dict[str, str]:
    return {
        "change_url": reverse(f"lagebild:{route}", args=(row.pk,)),
        "remove_url": reverse(f"lagebild:{route}_remove", args=(row.pk,)),
    }


def _district_names() -> dict[str, str]:
    return dict(Area.objects.filter(kind=AreaKind.DISTRICT).order_by("number", "slug").values_list("slug", "name"))


def _where(entry: CalendarEntry, districts: dict[str, str]) -> str:
    if entry.extent == Extent.CITY:
        return "ganze Stadt"
    names = ", ".join(districts.get(slug, slug) for slug in entry.districts)
    if entry.extent == Extent.DISTRICTS:
        return names
    place = entry.place_label or "einen gewählten Ort"
    return f"{german_number(entry.radius_m)} m um {place} ({names})"


def _period(row: CalendarEntry | DeliveryNotice) -> str:
    if row.first_day == row.last_day:
        return f"{row.first_day:%d.%m.%Y}"
    return period_text(row.first_day, row.last_day)


def _notice_lines(user, first: dt.date, last: dt.date) -> list[dict]:
    rows = list(DeliveryNotice.objects.visible_to(user).touching(first, last).select_related("agency"))
    labels = dict(CategoryGroup.objects.values_list("slug", "label")) if rows else {}
    gives_notices = may_notify(user)
    return [
        {
            "period": _period(row),
            "agency": row.agency.short_name + (" (Demonstration)" if row.is_demonstration else ""),
            "kind": row.get_kind_display(),
            "groups": ", ".join(labels.get(slug, slug) for slug in row.groups) or "alle Gruppen",
        }
        | (_urls("calendar_notice", row) if gives_notices and row.agency_id == user.agency_id else {})
        for row in rows
    ]


@require_http_methods(["GET", "POST"])
@requires("enter_events")
def entry_add(request: HttpRequest, kind: str) -> HttpResponse:
    _require(may_enter(request.user, kind))
    form = ENTRY_FORMS[EntryKind(kind)](request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            entry = add_entry(data=form.entry_data(), by=request.user)
        except ValidationError as error:
            form.take(error)
        else:
            messages.success(request, f"„{entry}“ ist eingetragen. Die nächste Nacht berücksichtigt den Eintrag.")
            return _back_to(entry.first_day)
    return render(request, "lagebild/calendar_entry.html", _entry_page(EntryKind(kind), form))


@require_http_methods(["GET", "POST"])
@requires("read_picture")
def entry(request: HttpRequest, pk) -> HttpResponse:
    shown = _own_entry(request, pk)
    make = ENTRY_FORMS[EntryKind(shown.kind)]
    form = make(request.POST or None, initial=make.initial_of(shown))
    if request.method == "POST" and form.is_valid():
        try:
            changed = change_entry(entry=shown, data=form.entry_data(), by=request.user)
        except ValidationError as error:
            form.take(error)
        else:
            messages.success(request, f"„{changed}“ ist geändert. Die nächste Nacht berücksichtigt die Änderung.")
            return _back_to(changed.first_day)
    return render(request, "lagebild/calendar_entry.html", _entry_page(EntryKind(shown.kind), form, shown))


@require_http_methods(["GET", "POST"])
@requires("read_picture")
def entry_remove(request: HttpRequest, pk) -> HttpResponse:
    shown = _own_entry(request, pk)
    if request.method == "POST":
        remove_entry(entry=shown, by=request.user)
        messages.success(request, f"„{shown}“ ist aus dem Kalender gelöscht.")
        return _back_to(shown.first_day)
    lines = [("Art", shown.get_kind_display()), ("Bezeichnung", shown.name), ("Zeitraum", _period(shown))]
    if shown.is_event:
        lines.append(("Gebiet", _where(shown, _district_names())))
    return render(request, "lagebild/calendar_remove.html", {"title": "Eintrag löschen", "lines": lines})


@require_http_methods(["GET", "POST"])
@requires("import_records")
def notice_add(request: HttpRequest) -> HttpResponse:
    _require(may_notify(request.user))
    form = NoticeForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            notice = give_notice(data=form.notice_data(), by=request.user)
        except ValidationError as error:
            form.take(error)
        else:
            messages.success(request, "Der Hinweis ist gespeichert. Alle Mitglieder sehen ihn im Kalender.")
            return _back_to(notice.first_day)
    return render(request, "lagebild/calendar_notice.html", {"form": form, "notice": None})


@require_http_methods(["GET", "POST"])
@requires("read_picture")
def notice(request: HttpRequest, pk) -> HttpResponse:
    shown = _own_notice(request, pk)
    form = NoticeForm(request.POST or None, initial=NoticeForm.initial_of(shown))
    if request.method == "POST" and form.is_valid():
        try:
            changed = change_notice(notice=shown, data=form.notice_data(), by=request.user)
        except ValidationError as error:
            form.take(error)
        else:
            messages.success(request, "Der Hinweis ist geändert.")
            return _back_to(changed.first_day)
    return render(request, "lagebild/calendar_notice.html", {"form": form, "notice": shown})


@require_http_methods(["GET", "POST"])
@requires("read_picture")
def notice_remove(request: HttpRequest, pk) -> HttpResponse:
    shown = _own_notice(request, pk)
    if request.method == "POST":
        withdraw_notice(notice=shown, by=request.user)
        messages.success(request, "Der Hinweis ist gelöscht.")
        return _back_to(shown.first_day)
    groups = CategoryGroup.objects.filter(slug__in=shown.groups).order_by("kind", "order")
    lines = [
        ("Lieferung", shown.get_kind_display()),
        ("Zeitraum", _period(shown)),
        ("Gruppen", ", ".join(group.label for group in groups) or "alle Gruppen"),
    ]
    return render(request, "lagebild/calendar_remove.html", {"title": "Lieferhinweis löschen", "lines": lines})


def _own_entry(request: HttpRequest, pk) -> CalendarEntry:
    """404 for what one does not see, 403 for what one sees but does not keep."""
    shown = get_object_or_404(CalendarEntry.objects.visible_to(request.user).select_related("agency"), pk=pk)
    _require(may_change(shown, request.user))
    return shown


def _own_notice(request: HttpRequest, pk) -> DeliveryNotice:
    shown = get_object_or_404(DeliveryNotice.objects.visible_to(request.user).select_related("agency"), pk=pk)
    _require(may_notify(request.user) and shown.agency_id == request.user.agency_id)
    return shown


def _require(may: bool) -> None:
    if not may:
        raise PermissionDenied


def _entry_page(kind: EntryKind, form, shown: CalendarEntry | None = None) -> dict:
    words = {
        EntryKind.EVENT: ("Großveranstaltung eintragen", "Großveranstaltung ändern"),
        EntryKind.SCHOOL_HOLIDAYS: ("Schulferien eintragen", "Schulferien ändern"),
    }
    return {"form": form, "title": words[kind][shown is not None], "is_event": kind == EntryKind.EVENT}


def _back_to(day: dt.date) -> HttpResponse:
    return redirect(f"{reverse('lagebild:calendar')}?jahr={day.year}")
