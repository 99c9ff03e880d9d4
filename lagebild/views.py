from __future__ import annotations

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.cache import get_conditional_response
from django.utils.http import quote_etag
from django.views.decorators.http import require_GET, require_POST

from agencies.access import requires
from incidents.models import CategoryGroup
from lagebild import layers
from lagebild.danger_wording import danger_lines
from lagebild.models import Night, Picture
from lagebild.night_models import NightState
from lagebild.page import picture_page
from lagebild.tasks import rebuild_nightly


@require_GET
@requires("read_picture")
def picture(request: HttpRequest) -> HttpResponse:
    """The stored picture; nothing is computed here."""
    pictures = Picture.objects.visible_to(request.user).newest_first()
    shown = (
        get_object_or_404(pictures, pk=request.GET["stand"]) if _is_uuid(request.GET.get("stand")) else pictures.first()
    )
    if shown is None:
        return render(request, "lagebild/picture_missing.html", {"is_member": request.user.agency.is_sharing})
    may_freeze = request.user.can("freeze_editions")
    context = picture_page(shown, request.GET) | {
        "may_freeze": may_freeze,
        "running": Night.objects.filter(state=NightState.RUNNING).first() if may_freeze else None,
        "dangers": danger_lines(request.user),
    }
    return render(request, "lagebild/picture.html", context)


@require_GET
@requires("read_picture")
def cells(request: HttpRequest) -> HttpResponse:
    """Map layer of a picture as GeoJSON, with an entity tag: a published picture never changes."""
    stand = request.GET.get("stand")
    pictures = Picture.objects.visible_to(request.user)
    shown = get_object_or_404(pictures, pk=stand) if _is_uuid(stand) else pictures.newest_first().first()
    if shown is None:
        return JsonResponse(layers.feature_collection([]), content_type="application/geo+json")
    group = request.GET.get("gruppe", "")
    if not CategoryGroup.objects.filter(slug=group).exists():
        group = ""
    etag = quote_etag(f"{shown.sha256}-{group}")
    if (unchanged := get_conditional_response(request, etag=etag)) is not None:
        return unchanged
    layer = layers.of_group(shown, group) if group else layers.overview(shown)
    response = JsonResponse(layers.feature_collection(layer), content_type="application/geo+json")
    response["ETag"] = etag
    response["Cache-Control"] = "private, no-cache"
    return response


@require_POST
@requires("freeze_editions")
def rebuild(request: HttpRequest) -> HttpResponse:
    """Ask the worker for a fresh picture of today."""
    rebuild_nightly.delay()
    messages.info(request, "Das Lagebild wird neu erstellt. Bitte laden Sie die Seite in etwa einer Minute neu.")
    return redirect("lagebild:picture")


def _is_uuid(text: str | None) -> bool:
    try:
        Picture._meta.pk.to_python(text or "-")
    except ValidationError:
        return False
    return True
