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
from agencies.log_words import act_words, fact_words, object_words, read_words
from agencies.models import Agency, AuditEntry

PAGE_SIZE = 50


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
        "lines": [{"entry": entry, "act": act_words(entry), "what": read_words(entry, agency.slug)} for entry in page],
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
        lines = [
            {"entry": entry, "act": act_words(entry), "what": object_words(entry), "facts": fact_words(entry)}
            for entry in page
        ]
        context |= {"page_obj": page, "lines": lines}
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
