from __future__ import annotations

from django.contrib import messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.core.paginator import Paginator
from django.db import transaction
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods

from agencies import audit
from agencies.access import requires
from agencies.models import Agency
from agencies.visibility import reads_picture
from lagebild.finding_views import surroundings
from lagebild.layers import RATIO_LABELS, feature_collection
from lagebild.retrospect import KEPT_MONTHS, ask
from lagebild.retrospect_forms import RetrospectForm
from lagebild.retrospect_models import Retrospect, RetrospectState
from lagebild.retrospect_search import REPLICATES
from lagebild.retrospect_wording import (
    TONES,
    again_url,
    cluster_lines,
    is_loud,
    layer,
    state_text,
    summary,
    time_bar,
)
from lagebild.stream_sets import alarm_streams
from lagebild.tasks import look_back
from lagebild.wording import german_number, period_text

PER_PAGE = 20
GEOJSON = "application/geo+json"


@require_http_methods(["GET", "POST"])
@requires("read_picture")
@never_cache
def retrospects(request: HttpRequest) -> HttpResponse:
    """Ask for a look back, and see those of the own agency."""
    if not reads_picture(request.user):
        if request.method == "POST":
            raise PermissionDenied
        return render(request, "lagebild/retrospect_list.html", {"is_member": False})
    today = timezone.localdate()
    initial = RetrospectForm.usual(today) | {name: request.GET[name] for name in FIELDS if name in request.GET}
    form = RetrospectForm(request.POST or None, initial=initial, streams=alarm_streams(), today=today)
    if request.method == "POST" and form.is_valid() and (asked := _asked(form, request)) is not None:
        messages.success(request, "Der Rückblick ist angefordert. Die Berechnung dauert meist ein bis drei Minuten.")
        return redirect("lagebild:retrospect", pk=asked.pk)
    rows = Retrospect.objects.visible_to(request.user).newest_first().select_related("asked_by")
    page = Paginator(rows, PER_PAGE).get_page(request.GET.get("page"))
    context = {"is_member": True, "form": form, "page_obj": page, "rows": [_row(row) for row in page]}
    return render(request, "lagebild/retrospect_list.html", context | {"kept_months": KEPT_MONTHS})


FIELDS = tuple(RetrospectForm.base_fields)


def _asked(form: RetrospectForm, request: HttpRequest) -> Retrospect | None:
    data = form.cleaned_data
    try:
        asked = ask(
            stream=form.chosen,
            first=data["first_day"],
            last=data["last_day"],
            longest=data["longest_days"],
            by=request.user,
        )
    except ValidationError as error:
        form.take(error)
        return None
    key = str(asked.pk)
    transaction.on_commit(lambda: look_back.delay(key), robust=True)
    return asked


def _row(asked: Retrospect) -> dict:
    return {
        "asked": asked,
        "period": period_text(asked.first_day, asked.last_day),
        "state": asked.get_state_display(),
        "tone": TONES[RetrospectState(asked.state)],
    }


@require_GET
@requires("read_picture")
@never_cache
def retrospect(request: HttpRequest, pk) -> HttpResponse:
    """What was found, or how far it is; reading a result is logged."""
    asked = _own(request, pk)
    context = _row(asked) | {"state_text": state_text(asked), "again_url": again_url(asked)}
    _log_reading(request, asked)
    if asked.state == RetrospectState.DONE:
        context |= _result(asked)
    return render(request, "lagebild/retrospect_detail.html", context)


def _result(asked: Retrospect) -> dict:
    clusters = list(asked.clusters.select_related("district").defer("district__geometry"))
    loud = [cluster for cluster in clusters if is_loud(cluster)]
    slugs = {slug for cluster in clusters for slug in cluster.agencies}
    names = dict(Agency.objects.filter(slug__in=slugs).values_list("slug", "short_name")) if slugs else {}
    return {
        "summary": summary(asked, clusters),
        "is_loud": bool(loud),
        "lines": cluster_lines(asked, clusters, names),
        "figure": time_bar(asked, clusters) if clusters else "",
        "map_bbox": surroundings([cell for cluster in clusters for cell in cluster.cells]) if clusters else "",
        "steps": [{"ramp": ramp, "label": label} for ramp, label in enumerate(RATIO_LABELS, start=1)],
        "cases": german_number(asked.cases),
        "replicates": german_number(asked.replicates),
        "all_replicates": asked.replicates == REPLICATES,
        "starts_late": asked.first_case_on is not None and (asked.first_case_on - asked.first_day).days > LATE_DAYS,
        "kept_months": KEPT_MONTHS,
    }


# So long without a case at the beginning is told: there may have been no deliveries yet.
LATE_DAYS = 28


@require_GET
@requires("read_picture")
@never_cache
def retrospect_progress(request: HttpRequest, pk) -> HttpResponse:
    """The line that tells how far it is; once it is finished the page is asked for anew."""
    asked = _own(request, pk)
    context = _row(asked) | {"state_text": state_text(asked)}
    response = render(request, "lagebild/_retrospect_progress.html", context)
    if not asked.is_unfinished:
        response["HX-Refresh"] = "true"
    return response


@require_GET
@requires("read_picture")
@never_cache
def retrospect_map(request: HttpRequest, pk) -> JsonResponse:
    asked = _own(request, pk)
    _log_reading(request, asked)
    return JsonResponse(feature_collection(layer(asked, asked.clusters.all())), content_type=GEOJSON)


def _log_reading(request: HttpRequest, asked: Retrospect) -> None:
    if asked.state == RetrospectState.DONE:
        audit.record(audit.Act.READ, by=request.user, obj=asked, kind=asked.kind, stream=asked.stream)


def _own(request: HttpRequest, pk) -> Retrospect:
    return get_object_or_404(Retrospect.objects.visible_to(request.user).select_related("asked_by"), pk=pk)
