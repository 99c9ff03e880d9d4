"""Pieces of the entry page that answer while somebody types. Nothing is saved here."""

from __future__ import annotations

import math

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from agencies import audit
from agencies.purpose import stated_purpose
from agencies.visibility import SharingLevel
from incidents.geo import DistrictIndex
from incidents.models import Category
from incidents.places import find_places
from incidents.sight import sight_of_level
from incidents.similar import similar_records
from incidents.views.entry import entry_form
from incidents.views.pages import PAGES, log_rows, private_page
from incidents.when import UnreadableTimeError, parse_when


@require_safe
@private_page("enter_records")
def sight(request: HttpRequest, kind: str) -> HttpResponse:
    """Who will see a record of the category and level chosen; after a change of category the levels offered too."""
    pages = PAGES[kind]
    form = entry_form(request, pages)
    category = form.chosen_category
    is_new_category = "levels" in request.GET
    chosen = request.GET.get("sharing_level", "")
    if is_new_category or chosen not in SharingLevel.values:
        chosen = form.chosen_level
    answer = None
    if category is not None:
        answer = sight_of_level(agency=request.user.agency, category=category, level=chosen)
    context = {"pages": pages, "sight": answer, "form": form if is_new_category else None}
    return render(request, "incidents/_sight.html", context)


@require_safe
@private_page("enter_records")
def similar(request: HttpRequest, kind: str) -> HttpResponse:
    """Possible duplicates among the records the person may see; those of others only for a stated purpose."""
    pages = PAGES[kind]
    category = Category.objects.filter(kind=kind, slug=request.GET.get("category", "")).first()
    moment, point = _moment(request.GET.get("occurred_from", "")), _point(request)
    is_ready = bool(category and moment and point and DistrictIndex.load().district_of(*point))
    context = {"pages": pages, "is_ready": is_ready}
    if is_ready:
        records = similar_records(
            model=pages.model, by=request.user, category=category, occurred_from=moment, lon=point[0], lat=point[1]
        )
        if not stated_purpose(request):
            records = [record for record in records if record.agency_id == request.user.agency_id]
            context["asks_purpose"] = request.user.agency.is_sharing
        log_rows(audit.Act.SEARCHED, by=request.user, kind=kind, rows=records)
        context["records"] = records
    return render(request, "incidents/_similar.html", context)


@require_safe
@private_page("enter_records")
def places(request: HttpRequest) -> HttpResponse:
    """Known places of the city for an address text."""
    districts = DistrictIndex.load()
    found = [
        (place, area)
        for place in find_places(request.GET.get("place_text", ""))
        if (area := districts.district_of(place.lon, place.lat))
    ]
    options = [
        {"label": place.label, "district": area.name, "lon": f"{place.lon:.6f}", "lat": f"{place.lat:.6f}"}
        for place, area in found
    ]
    return render(request, "incidents/_places.html", {"places": options})


@require_safe
@private_page("enter_records")
def district(request: HttpRequest) -> HttpResponse:
    """The district of a point, or what is wrong with the point."""
    point = _point(request)
    context = {"has_point": point is not None}
    if point is not None:
        districts = DistrictIndex.load()
        context["district"] = districts.district_of(*point)
        context["is_swapped"] = context["district"] is None and districts.district_of(*point[::-1]) is not None
    return render(request, "incidents/_district.html", context)


def _moment(text: str):
    try:
        return parse_when(text, now=timezone.now())
    except UnreadableTimeError:
        return None


def _point(request: HttpRequest) -> tuple[float, float] | None:
    try:
        lon, lat = (float(request.GET.get(name, "").replace(",", ".")) for name in ("lon", "lat"))
    except ValueError:
        return None
    # Beyond these bounds neither cells nor metres are defined; not-a-number fails both comparisons.
    if not (math.fabs(lon) <= 180 and math.fabs(lat) <= 90):
        return None
    return lon, lat
