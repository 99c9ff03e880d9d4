"""The start page: what is to be done, what is new, what I entered last. It looks across all apps."""

from __future__ import annotations

import datetime
from urllib.parse import urlencode

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from agencies.inspections import recent_inspections
from agencies.membership_terms import running_out_for, waiting_for
from agencies.visibility import reads_picture, reads_records
from conferences.models import Measure
from incidents.actions import NOTE_OF_KIND
from incidents.models import Record
from incidents.views.pages import PAGES, Pages
from lagebild.models import Finding, FindingStatus
from lagebild.wording import german_number

SHOWN = 6
NEW_FOR = datetime.timedelta(days=28)
REVIEW_AHEAD = datetime.timedelta(days=14)
COUNT_LIMIT = 1_000


@require_safe
@login_required
@never_cache
def start(request: HttpRequest) -> HttpResponse:
    user = request.user
    context = {
        "reads_records": reads_records(user),
        "reads_picture": user.agency is not None and reads_picture(user),
        "may_enter": user.can("enter_records"),
        "to_do": _to_do(user),
        "inspections": _inspections(user),
        "findings": _new_findings(user),
        "records": _last_records(user) if reads_records(user) else [],
    }
    return render(request, "start.html", context)


def _item(text: str, url: str, meta: str, *, is_late: bool = False) -> dict:
    return {"text": text, "url": url, "meta": meta, "is_late": is_late}


def _day(date: datetime.date) -> str:
    return date_format(date, "d.m.Y")


def _to_do(user) -> list[dict]:
    items = [*_memberships(user), *_measures(user), *_findings_to_review(user)]
    for pages in PAGES.values():
        items += _notes_to_clear(user, pages)
    for pages in PAGES.values():
        items += _open_records(user, pages)
    return items


def _memberships(user) -> list[dict]:
    """Steps that wait for a second administrator, and terms that end; for leads the own agency's."""
    page = "agencies:membership" if user.can("administer_memberships") else "agencies:detail"
    waiting = [
        _item(f"Mitgliedschaft: {row.agency}", reverse(page, args=[row.agency.slug]), "wartet auf eine zweite Person")
        for row in waiting_for(user)
    ]
    ending = [
        _item(
            f"Mitgliedschaft von {row.agency} verlängern oder beenden",
            reverse(page, args=[row.agency.slug]),
            f"Mitgliedschaft endet am {_day(row.valid_until)}",
        )
        for row in running_out_for(user, timezone.localdate())
    ]
    return [*waiting[:SHOWN], *ending[:SHOWN]]


def _inspections(user) -> list[dict]:
    """Looks of the coordination office's administration into the own agency's records, for its lead."""
    return [
        _item(
            f"Sondereinsicht der Geschäftsstelle am {_moment(row.opened_at)} bis {_moment(row.over_at, 'H:i')} Uhr",
            f"{reverse('privacy_readers')}?{urlencode({'since': _day(timezone.localdate(row.opened_at))})}",
            f"Grund: {row.reason}",
        )
        for row in recent_inspections(user)[:SHOWN]
    ]


def _moment(at: datetime.datetime, style: str = "d.m.Y, H:i") -> str:
    return date_format(timezone.localtime(at), style)


def _measures(user) -> list[dict]:
    today = timezone.localdate()
    measures = Measure.objects.visible_to(user).open().filter(agency=user.agency).order_by("due_on", "title")
    return [
        _item(
            measure.title,
            reverse("measures:detail", args=[measure.pk]),
            f"Maßnahme, Frist {_day(measure.due_on)}",
            is_late=measure.is_overdue(today),
        )
        for measure in measures[:SHOWN]
    ]


def _findings_to_review(user) -> list[dict]:
    findings = Finding.objects.visible_to(user).live()
    if user.can("assess_findings"):
        proposed = findings.filter(status=FindingStatus.PROPOSED).select_related("group")
        proposed = proposed.order_by("-first_seen_on", "number")
        due = [(finding, f"{finding.headline}, noch nicht bewertet") for finding in proposed[:SHOWN]]
    else:
        ahead = timezone.localdate() + REVIEW_AHEAD
        mine = findings.filter(responsible_agency=user.agency, review_on__lte=ahead).order_by("review_on")
        due = [(finding, f"Wiedervorlage {_day(finding.review_on)}") for finding in mine[:SHOWN]]
    return [_item(str(finding), reverse("lagebild:finding", args=[finding.pk]), meta) for finding, meta in due]


def _notes_to_clear(user, pages: Pages) -> list[dict]:
    if not user.can("clear_notes"):
        return []
    notes = NOTE_OF_KIND[pages.kind].objects.owned_by(user).filter(cleared_at=None).exclude(written_by=user)
    return [
        _item(f"Hinweis freigeben: {note.record}", _url(note.record, pages), f"vorgeschlagen von {note.written_by}")
        for note in notes.select_related("record__category", "written_by").order_by("written_at")[:SHOWN]
    ]


def _open_records(user, pages: Pages) -> list[dict]:
    if not user.can("enter_records"):
        return []
    count = pages.model.objects.owned_by(user).open()[: COUNT_LIMIT + 1].count()
    if not count:
        return []
    number = f"mehr als {german_number(COUNT_LIMIT)}" if count > COUNT_LIMIT else str(count)
    label = pages.one if count == 1 else pages.many
    return [_item(f"{number} {label} offen", f"{reverse(pages.routes['list'])}?own=own&status=open", "Ihrer Behörde")]


def _new_findings(user) -> list[dict]:
    since = timezone.localdate() - NEW_FOR
    findings = Finding.objects.visible_to(user).live().filter(first_seen_on__gte=since)
    return [
        _item(
            str(finding),
            reverse("lagebild:finding", args=[finding.pk]),
            f"{finding.headline}, zuerst erkannt am {_day(finding.first_seen_on)}",
        )
        for finding in findings.select_related("group").order_by("-first_seen_on", "number")[:SHOWN]
    ]


def _last_records(user) -> list[dict]:
    found: list[tuple[Record, Pages]] = []
    for pages in PAGES.values():
        mine = pages.model.detail_model().objects.owned_by(user).filter(created_by=user)
        records = pages.model.objects.visible_to(user).filter(pk__in=mine.values("record_id"))
        found += [(record, pages) for record in records.select_related("category").order_by("-created_at")[:SHOWN]]
    found.sort(key=lambda pair: pair[0].created_at, reverse=True)
    return [
        _item(
            str(record.category),
            _url(record, pages),
            f"{pages.one}, {date_format(timezone.localtime(record.occurred_from), 'd.m.Y, H:i')} Uhr, "
            f"{record.get_status_display()}",
        )
        for record, pages in found[:SHOWN]
    ]


def _url(record: Record, pages: Pages) -> str:
    return reverse(pages.routes["detail"], args=[record.pk])
