from __future__ import annotations

import uuid

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.core.paginator import Paginator
from django.db.models import F, Prefetch
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_http_methods

from agencies.access import requires
from agencies.models import Agency
from incidents.geo import cell_boundary
from incidents.models import CategoryGroup
from lagebild.actions import assess_finding
from lagebild.danger_wording import span_text, state_text
from lagebild.forms import AssessmentForm
from lagebild.hour_words import hours_block
from lagebild.models import Finding, FindingKind, FindingStatus, Sighting, Signal
from lagebild.page import finding_lines
from lagebild.phenomena.pages import dossier
from lagebild.signal_words import line, signal_sentences
from lagebild.wording import german_number, period_text, surprise_sentence

PER_PAGE = 50
SIGHTINGS_SHOWN = 30


class FindingFilter(forms.Form):
    art = forms.ChoiceField(label="Art", required=False, choices=[("", "alle Arten"), *FindingKind.choices])
    stand = forms.ChoiceField(label="im Stand", required=False, choices=[("", "offen"), *FindingStatus.choices])


@require_GET
@requires("read_picture")
def findings(request: HttpRequest) -> HttpResponse:
    chosen = FindingFilter(request.GET)
    rows = Finding.objects.visible_to(request.user).select_related("group", "district", "responsible_agency")
    values = chosen.cleaned_data if chosen.is_valid() else {}
    if values.get("art"):
        rows = rows.filter(kind=values["art"])
    rows = rows.filter(status=values["stand"]) if values.get("stand") else rows.live()
    # A danger comes between two pictures and waits for somebody to look at it.
    rows = rows.order_by(F("danger__grown_at").desc(nulls_last=True), "-last_seen_on", "number")
    page = Paginator(rows, PER_PAGE).get_page(request.GET.get("page"))
    number = page.paginator.count
    return render(
        request,
        "lagebild/finding_list.html",
        {
            "filter_form": chosen,
            "page_obj": page,
            "result_text": f"{german_number(number)} Erkenntnis{'se' if number != 1 else ''}",
            "reset_url": reverse("lagebild:findings"),
        },
    )


@require_http_methods(["GET", "POST"])
@requires("read_picture")
def finding(request: HttpRequest, pk) -> HttpResponse:
    shown = get_object_or_404(
        Finding.objects.visible_to(request.user)
        .select_related("group", "district", "responsible_agency", "assessed_by__agency", "danger__rule")
        .prefetch_related(Prefetch("sightings", _newest_sightings())),
        pk=pk,
    )
    if request.method == "POST" and not request.user.can("assess_findings"):
        raise PermissionDenied
    form = AssessmentForm(request.POST or None, finding=shown, initial=_initial(shown))
    if request.method == "POST" and form.is_valid() and _assessed(shown, form, request):
        messages.success(request, "Die Bewertung ist gespeichert.")
        return redirect("lagebild:finding", pk=shown.pk)
    return render(request, "lagebild/finding_detail.html", _detail(shown, form, request))


def _newest_sightings():
    return Sighting.objects.select_related("picture").order_by("-picture__date", "-picture__revision")


def _initial(shown: Finding) -> dict:
    return {
        "status": shown.status,
        "assessment": shown.assessment,
        "responsible": shown.responsible_agency_id,
        "no_measure_reason": shown.no_measure_reason,
        "review_on": f"{shown.review_on:%d.%m.%Y}" if shown.review_on else "",
    }


def _assessed(shown: Finding, form: AssessmentForm, request: HttpRequest) -> bool:
    try:
        assess_finding(finding=shown, by=request.user, **form.cleaned_data)
    except ValidationError as error:
        form.add_error(None, error)
        return False
    return True


def _detail(shown: Finding, form: AssessmentForm, request: HttpRequest) -> dict:
    sightings = list(shown.sightings.all())[:SIGHTINGS_SHOWN]
    latest = sightings[0] if sightings else None
    if latest:
        latest.finding = shown
    signals = shown.signals.select_related("picture").order_by("-picture__date", "-picture__revision", "rank")
    signals = list(signals[:SIGHTINGS_SHOWN])
    signal = signals[0] if signals else None
    shown_on = latest or signal
    return {
        "finding": shown,
        "signal": signal,
        "signal_sentences": signal_sentences(signal) if signal else [],
        "latest": latest,
        "lines": finding_lines(latest) if latest else None,
        "period": period_text(latest.period_start, latest.period_end) if latest else "",
        "surprise": surprise_sentence(latest.p_value) if latest else "",
        "hours": _hours(shown, latest),
        "agencies": ", ".join(_names(_contributing(shown, latest, signal))),
        "history": sightings,
        "signals": [{"picture": row.picture, **line(row)} for row in signals],
        "form": form if request.user.can("assess_findings") else None,
        "cells_url": cells_url(shown_on.picture_id, shown.group) if shown_on else "",
        "map_bbox": surroundings(shown_on.cells) if shown_on else "",
        "may_assess": request.user.can("assess_findings"),
    } | (_phenomenon_detail(shown) if shown.kind == FindingKind.PHAENOMEN else _danger_detail(shown))


def _phenomenon_detail(shown: Finding) -> dict:
    context = dossier(shown)
    row = context["phenomenon"]
    context["agencies"] = ", ".join(_names(row.agencies))
    context["map_bbox"] = surroundings(row.cells) if row.cells else ""
    return context


def _danger_detail(shown: Finding) -> dict:
    """What a danger shows beside what every finding shows; nothing for others."""
    if shown.kind != FindingKind.GEFAHR:
        return {}
    danger = shown.danger
    has_place = bool(danger.cells) or shown.district is not None
    state = state_text(danger)
    return {
        "danger": danger,
        "span": span_text(danger),
        "state": state,
        "ended_text": f"Die Gefahr {state}.",
        "place_url": reverse("lagebild:finding_place", args=(shown.pk,)) if has_place else "",
        "map_bbox": surroundings(danger.cells) if danger.cells else "",
    }


def _hours(shown: Finding, latest: Sighting | None) -> dict | None:
    """When it happens in the cells of the latest sighting; None where the picture tells no hours."""
    profile = shown.time_profiles.filter(picture=latest.picture_id).first() if latest else None
    if profile is None:
        return None
    profile.group = shown.group
    return hours_block(profile, label=f"{shown.group.label}, {shown.place_label}")


def _contributing(shown: Finding, latest: Sighting | None, signal: Signal | None) -> list[str]:
    if shown.kind == FindingKind.GEFAHR:
        return shown.danger.agencies
    named = {*(latest.agencies if latest else []), *(signal.agencies if signal else [])}
    return sorted(named)


def cells_url(picture: uuid.UUID, group: CategoryGroup | None) -> str:
    """The cell layer of a picture: of the group, or of all where the finding is of no single one."""
    return f"{reverse('lagebild:cells')}?stand={picture}" + (f"&gruppe={group.slug}" if group else "")


def surroundings(cells: list[int]) -> str:
    """The box of the map: the cells of the cluster with a good kilometre around them."""
    corners = [corner for cell in cells for corner in cell_boundary(cell)]
    longitudes, latitudes = [lon for lon, _ in corners], [lat for _, lat in corners]
    box = (min(longitudes) - 0.02, min(latitudes) - 0.012, max(longitudes) + 0.02, max(latitudes) + 0.012)
    return ",".join(f"{value:.4f}" for value in box)


def _names(slugs: list[str]) -> list[str]:
    agencies = Agency.objects.filter(slug__in=slugs).order_by("short_name")
    return [agency.short_name for agency in agencies]
