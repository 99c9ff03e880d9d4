"""What is recorded and why; who read the own agency's data; the log for the data-protection role."""

from __future__ import annotations

from urllib.parse import urlencode

from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_safe

from agencies import audit, audit_chain
from agencies.access import freshly_confirmed, requires
from agencies.log_forms import AuditFilter, ReadersFilter
from agencies.log_words import ACTS, act_words, fact_words, object_words, read_words
from agencies.models import Agency, AuditEntry
from agencies.spreadsheet import MOST_ROWS, as_csv, download

PAGE_SIZE = 50
SUMMARY_SIZE = 12
OWN_CONTROL = "Nachweis der Einsichten in die eigenen Daten"
_READERS_HEADINGS = ("Zeit", "Behörde", "Zugang", "Vorgang", "Was", "Zweck")
_LOG_HEADINGS = (
    *("Nummer", "Zeit", "Person oder Schlüssel", "Behörde", "Vorgang", "Was", "Kennung", "Daten von", "An"),
    *("Zweck", "Angaben"),
)


@require_safe
def privacy(request: HttpRequest) -> HttpResponse:
    user = request.user
    with_agency = user.is_authenticated and user.agency is not None
    context = {
        "sees_readers": with_agency and user.can("lead_agency"),
        "sees_log": with_agency and user.can("read_audit"),
        "sees_terms": with_agency and user.can("lead_agency"),
        "sees_review": with_agency and user.can("share_records"),
        "sees_proofs": with_agency and (user.can("lead_agency") or user.can("read_audit")),
    }
    return render(request, "agencies/privacy.html", context)


@requires("lead_agency")
@require_safe
def readers(request: HttpRequest) -> HttpResponse:
    """Who read our data. Agencies are named, persons are not: their data-protection officer can look them up."""
    agency = request.user.agency
    form, entries = _readings(request)
    page = Paginator(entries.with_names(), PAGE_SIZE).get_page(request.GET.get("page"))
    context = {
        "page_obj": page,
        "lines": [{"entry": entry, "act": act_words(entry), "what": read_words(entry, agency.slug)} for entry in page],
        "summary": _summary(entries),
        "filter_form": form,
        "filter_query": _without_page(request),
        "is_filtered": any(request.GET.get(name) for name in form.fields),
        "is_too_long": page.paginator.count > MOST_ROWS,
        "reset_url": reverse("privacy_readers"),
    }
    return render(request, "agencies/readers.html", context)


@requires("lead_agency")
@require_safe
@freshly_confirmed
def readers_csv(request: HttpRequest) -> HttpResponse:
    """The filtered readings as a table: time, agency, act and purpose, and again no person."""
    agency = request.user.agency
    _, entries = _readings(request)
    rows = [
        (
            _moment(entry),
            entry.agency.short_name,
            "Zugangsschlüssel" if entry.api_key_id else "Person",
            act_words(entry),
            read_words(entry, agency.slug) or "Liste",
            entry.purpose,
        )
        for entry in entries.with_names()[:MOST_ROWS]
    ]
    audit.record(audit.Act.EXPORTED, by=request.user, purpose=OWN_CONTROL, log="readers", rows=len(rows))
    return download(as_csv(_READERS_HEADINGS, rows), f"einsichten-{timezone.localdate():%Y-%m-%d}.csv")


def _readings(request: HttpRequest):
    """The filter of the page and the entries it leaves; an unreadable filter leaves all."""
    agency = request.user.agency
    entries = AuditEntry.objects.reads_by_others(agency, audit.TOLD_TO_OWNER)
    form = ReadersFilter(request.GET, agencies=Agency.objects.exclude(pk=agency.pk).order_by("short_name"))
    if form.is_valid():
        wanted = {"action": form.cleaned_data["act"], "agency": form.cleaned_data["agency"]}
        entries = entries.filter(**{name: value for name, value in wanted.items() if value}, **form.period())
    return form, entries


def _summary(entries) -> list[dict]:
    """How often which agency read for which purpose, over the whole period chosen."""
    return [
        {
            "agency": row["agency__short_name"],
            "act": ACTS.get(row["action"], row["action"]),
            "purpose": row["purpose"],
            "number": row["number"],
            "last": row["last"],
        }
        for row in entries.by_agency_and_purpose()[:SUMMARY_SIZE]
    ]


@requires("read_audit")
@require_safe
def audit_log(request: HttpRequest) -> HttpResponse:
    """Search the log. It opens only with a stated reason, and the search is an entry of the log itself."""
    form = AuditFilter(request.GET if "purpose" in request.GET else None)
    context = {"filter_form": form, "reset_url": reverse("privacy_log"), "head": audit_chain.head()}
    if form.is_bound and form.is_valid():
        entries = AuditEntry.objects.filter(form.conditions()).with_names()
        page = Paginator(entries, PAGE_SIZE).get_page(request.GET.get("page"))
        lines = [
            {"entry": entry, "act": act_words(entry), "what": object_words(entry), "facts": fact_words(entry)}
            for entry in page
        ]
        context |= {
            "page_obj": page,
            "lines": lines,
            "filter_query": _without_page(request),
            "is_too_long": page.paginator.count > MOST_ROWS,
        }
        audit.record(
            audit.Act.SEARCHED,
            by=request.user,
            purpose=form.cleaned_data["purpose"],
            log="audit",
            filters=form.used(),
            hits=page.paginator.count,
            page=page.number,
        )
    return render(request, "agencies/audit_log.html", context)


@requires("read_audit")
@require_safe
@freshly_confirmed
def audit_log_csv(request: HttpRequest) -> HttpResponse:
    """The entries found, as a table; with the same reason as the search, else back to it."""
    form = AuditFilter(request.GET)
    if not form.is_valid():
        return redirect(f"{reverse('privacy_log')}?{urlencode(request.GET)}" if request.GET else "privacy_log")
    entries = AuditEntry.objects.filter(form.conditions()).with_names()
    rows = [
        (
            entry.pk,
            _moment(entry),
            entry.user or entry.api_key or "System",
            entry.agency,
            act_words(entry),
            object_words(entry),
            entry.object_id,
            entry.owner,
            entry.recipient,
            entry.purpose,
            fact_words(entry),
        )
        for entry in entries[:MOST_ROWS]
    ]
    audit.record(
        audit.Act.EXPORTED,
        by=request.user,
        purpose=form.cleaned_data["purpose"],
        log="audit",
        filters=form.used(),
        rows=len(rows),
    )
    return download(as_csv(_LOG_HEADINGS, rows), f"protokoll-{timezone.localdate():%Y-%m-%d}.csv")


def _moment(entry: AuditEntry) -> str:
    return f"{timezone.localtime(entry.at):%d.%m.%Y %H:%M:%S}"


def _without_page(request: HttpRequest) -> str:
    query = request.GET.copy()
    query.pop("page", None)
    return query.urlencode()
