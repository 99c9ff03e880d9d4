"""What is recorded and why; who read the own agency's data; the log for the data-protection role."""

from __future__ import annotations

from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_safe

from agencies import audit
from agencies.access import requires
from agencies.forms import AuditFilter, ReadersFilter
from agencies.models import Agency, AuditEntry

PAGE_SIZE = 50
# Words for what an entry is about; the log itself keeps model names.
OBJECT_WORDS = {
    "agencies.user": "Person",
    "agencies.apikey": "Zugangsschlüssel",
    "agencies.membership": "Mitgliedschaft",
    "incidents.incident": "Vorfall",
    "incidents.complaint": "Beschwerde",
    "incidents.incidentnote": "Hinweis zu einem Vorfall",
    "incidents.complaintnote": "Hinweis zu einer Beschwerde",
    "lagebild.picture": "Lagebild",
    "lagebild.edition": "Ausgabe",
    "lagebild.finding": "Erkenntnis",
    "conferences.conference": "Konferenz",
    "conferences.measure": "Maßnahme",
}
ACT_WORDS = dict(audit.Act.choices)


def _lines(entries) -> list[dict]:
    return [
        {
            "entry": entry,
            "act": ACT_WORDS.get(entry.action, entry.action),
            "what": _what(entry),
            "facts": ", ".join(f"{name}: {value}" for name, value in sorted(entry.facts.items())),
        }
        for entry in entries
    ]


def _what(entry: AuditEntry) -> str:
    word = OBJECT_WORDS.get(entry.object_type, entry.object_type)
    return f"{word} {entry.object_id[:8]}".strip()


@require_safe
def privacy(request: HttpRequest) -> HttpResponse:
    user = request.user
    with_agency = user.is_authenticated and user.agency is not None
    context = {
        "sees_readers": with_agency and user.can("lead_agency"),
        "sees_log": with_agency and user.can("read_audit"),
    }
    return render(request, "agencies/privacy.html", context)


@requires("lead_agency")
@require_safe
def readers(request: HttpRequest) -> HttpResponse:
    """Who read our data. Agencies are named, persons are not: their data-protection officer can look them up."""
    agency = request.user.agency
    entries = AuditEntry.objects.reads_by_others(agency, audit.READING).with_names()
    others = Agency.objects.exclude(pk=agency.pk).order_by("short_name")
    form = ReadersFilter(request.GET, agencies=others)
    if form.is_valid():
        wanted = {"action": form.cleaned_data["act"], "agency": form.cleaned_data["agency"]}
        entries = entries.filter(**{name: value for name, value in wanted.items() if value}, **form.period())
    page = Paginator(entries, PAGE_SIZE).get_page(request.GET.get("page"))
    context = {
        "page_obj": page,
        "lines": _lines(page),
        "filter_form": form,
        "is_filtered": any(request.GET.get(name) for name in form.fields),
        "reset_url": reverse("privacy_readers"),
    }
    return render(request, "agencies/readers.html", context)


@requires("read_audit")
@require_safe
def audit_log(request: HttpRequest) -> HttpResponse:
    """Search the log. It opens only with a stated reason, and the search is an entry of the log itself."""
    form = AuditFilter(request.GET if "purpose" in request.GET else None)
    context = {"filter_form": form, "reset_url": reverse("privacy_log")}
    if form.is_bound and form.is_valid():
        entries = AuditEntry.objects.filter(**form.conditions()).with_names()
        page = Paginator(entries, PAGE_SIZE).get_page(request.GET.get("page"))
        context |= {"page_obj": page, "lines": _lines(page)}
        audit.record(
            audit.Act.SEARCHED,
            by=request.user,
            purpose=form.cleaned_data["purpose"],
            log="audit",
            filters=sorted(name for name in form.conditions()),
            hits=page.paginator.count,
            page=page.number,
        )
    return render(request, "agencies/audit_log.html", context)
