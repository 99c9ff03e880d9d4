"""Measures: list, page, progress; created by the chair out of a decision."""

from __future__ import annotations

import datetime
from collections.abc import Iterable
from dataclasses import dataclass

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_safe

from agencies.access import requires
from agencies.forms import went_through
from agencies.models import Agency
from conferences.forms import MeasureFilter, MeasureForm, ReportForm
from conferences.measures import create_measure, may_report, report_progress
from conferences.models import Conference, Decision, Measure, MeasureReport, MeasureStatus

PAGE_SIZE = 50
_TONES = {
    MeasureStatus.PLANNED: "neutral",
    MeasureStatus.RUNNING: "info",
    MeasureStatus.DONE: "success",
    MeasureStatus.DROPPED: "neutral",
}


@dataclass(frozen=True)
class MeasureLine:
    """A measure as the lists show it: how far it is and how its due date stands today, in words."""

    measure: Measure
    label: str
    tone: str
    due_words: str


def due_words(measure: Measure, today: datetime.date) -> str:
    if not measure.is_overdue(today):
        return "heute fällig" if measure.is_open and measure.due_on == today else ""
    days = (today - measure.due_on).days
    return "überfällig seit gestern" if days == 1 else f"überfällig seit {days} Tagen"


def measure_lines(measures: Iterable[Measure]) -> list[MeasureLine]:
    today = timezone.localdate()
    return [
        MeasureLine(
            measure,
            measure.get_status_display(),
            "danger" if measure.is_overdue(today) else _TONES[MeasureStatus(measure.status)],
            due_words(measure, today),
        )
        for measure in measures
    ]


def _filtered(measures, form: MeasureFilter, actor):
    data = form.cleaned_data if form.is_valid() else {}
    state = data.get("state") or "open"
    if state == "open":
        measures = measures.open()
    elif state == "overdue":
        measures = measures.overdue(timezone.localdate())
    elif state != "all":
        measures = measures.filter(status=state)
    if data.get("erkenntnis"):
        measures = measures.filter(finding=data["erkenntnis"])
    if data.get("agency"):
        measures = measures.filter(agency=data["agency"])
    return measures.filter(agency=actor.agency) if data.get("mine") else measures


@requires("read_picture")
@require_safe
def measure_list(request: HttpRequest) -> HttpResponse:
    form = MeasureFilter(request.GET)
    everything = Measure.objects.visible_to(request.user)
    page = Paginator(_filtered(everything, form, request.user).with_names(), PAGE_SIZE).get_page(
        request.GET.get("page")
    )
    count = page.paginator.count
    context = {
        "page_obj": page,
        "lines": measure_lines(page),
        "filter_form": form,
        "result_text": "1 Maßnahme" if count == 1 else f"{count} Maßnahmen",
        "is_filtered": any(request.GET.get(name) for name in form.fields),
        "has_others": not count and everything.exists(),
        "reset_url": reverse("measures:list"),
    }
    return render(request, "conferences/measure_list.html", context)


def _agency_of(report: MeasureReport, measure: Measure) -> Agency | None:
    """Accounts of other agencies are hidden, only the chair's are known to all: who is hidden is of the responsible."""
    if report.reported_by is not None:
        return report.reported_by.agency
    return measure.agency if report.reported_by_id else None


@requires("read_picture")
@require_http_methods(["GET", "POST"])
def measure_detail(request: HttpRequest, pk) -> HttpResponse:
    """The measure with its reports; whoever may report posts the next one here."""
    user = request.user
    measure = get_object_or_404(Measure.objects.visible_to(user).with_names(), pk=pk)
    reports_allowed = may_report(measure, user)
    if request.method == "POST" and not reports_allowed:
        raise PermissionDenied
    form = ReportForm(request.POST or None, measure=measure, actor=user) if reports_allowed else None
    if request.method == "POST" and form.is_valid():
        status = MeasureStatus(form.cleaned_data["status"])
        if went_through(form, report_progress, measure=measure, text=form.cleaned_data["text"], status=status, by=user):
            messages.success(request, "Der Sachstand ist gemeldet.")
            return redirect("measures:detail", pk=pk)
    meeting = measure.decision.conference
    context = {
        "line": measure_lines([measure])[0],
        "measure": measure,
        "reports": [
            {"report": report, "agency": _agency_of(report, measure)}
            for report in measure.reports.select_related("reported_by__agency")
        ],
        "form": form,
        "meeting": meeting if Conference.objects.visible_to(user).filter(pk=meeting.pk).exists() else None,
    }
    return render(request, "conferences/measure_detail.html", context)


@requires("run_conferences")
@require_http_methods(["GET", "POST"])
def measure_add(request: HttpRequest, pk, decision_pk) -> HttpResponse:
    meetings = Conference.objects.visible_to(request.user).filter(pk=pk)
    decisions = Decision.objects.select_related("conference", "agenda_item")
    decision = get_object_or_404(decisions, conference__in=meetings, pk=decision_pk)
    finding = decision.agenda_item.finding_id if decision.agenda_item else None
    form = MeasureForm(request.POST or None, actor=request.user, initial={"finding": finding})
    is_valid = request.method == "POST" and form.is_valid()
    if is_valid and went_through(form, create_measure, decision=decision, **form.cleaned_data, by=request.user):
        messages.success(request, "Die Maßnahme ist angelegt und steht auf der nächsten Konferenz oben.")
        return redirect("conferences:detail", pk=pk)
    return render(request, "conferences/measure_form.html", {"form": form, "decision": decision})
