"""The administration's reasoned look into one agency's records: what it means, its beginning and its end."""

from __future__ import annotations

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from agencies import inspections
from agencies.access import freshly_confirmed, requires
from agencies.forms import InspectionForm
from agencies.inspection_models import LONGEST
from agencies.models import Agency


@requires("inspect_records")
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@freshly_confirmed
def inspection(request: HttpRequest, slug: str) -> HttpResponse:
    agency = get_object_or_404(Agency.objects.visible_to(request.user), slug=slug)
    form = InspectionForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            opened = inspections.open_inspection(agency=agency, by=request.user, **form.cleaned_data)
        except ValidationError as error:
            form.add_error(None, error)
        else:
            messages.success(request, f"Die Sondereinsicht in die Meldungen von {opened.agency} ist geöffnet.")
            return redirect("incidents:list")
    context = {
        "form": form,
        "agency": agency,
        "obstacle": inspections.obstacle(agency, request.user),
        "minutes": int(LONGEST.total_seconds() // 60),
    }
    return render(request, "agencies/inspection.html", context)


@requires("inspect_records")
@never_cache
@require_POST
def inspection_end(request: HttpRequest, slug: str) -> HttpResponse:
    agency = get_object_or_404(Agency.objects.visible_to(request.user), slug=slug)
    if inspections.end_inspection(agency=agency, by=request.user):
        messages.success(request, f"Die Sondereinsicht in die Meldungen von {agency} ist beendet.")
    else:
        messages.info(request, f"In die Meldungen von {agency} läuft keine Sondereinsicht mehr.")
    return redirect("agencies:detail", slug=agency.slug)
