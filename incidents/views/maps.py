"""Geometry for the maps: the areas, and the place of one record as far as the person may see it."""

from __future__ import annotations

import hashlib

from django.contrib.auth.decorators import login_required
from django.db.models import Count, Max
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.cache import cache_control
from django.views.decorators.http import condition, require_safe

from agencies import audit
from agencies.purpose import purpose_question
from incidents.geo import cell_boundary
from incidents.models import Area, AreaKind, Record
from incidents.views.pages import inspection_of, private_page, visible_record

GEOJSON = "application/geo+json"


def _areas_etag(request: HttpRequest) -> str:
    state = Area.objects.aggregate(count=Count("pk"), newest=Max("updated_at"))
    return f'"{hashlib.sha256(repr(state).encode()).hexdigest()[:32]}"'


@require_safe
@login_required
@cache_control(private=True, no_cache=True)
@condition(etag_func=_areas_etag)
def areas(request: HttpRequest) -> JsonResponse:
    """The districts as GeoJSON."""
    features = [
        {
            "type": "Feature",
            "id": area.slug,
            "geometry": area.geometry,
            "properties": {"name": area.name, "number": area.number, "is_official": area.is_official},
        }
        for area in Area.objects.filter(kind=AreaKind.DISTRICT)
    ]
    return _collection(features)


@require_safe
@private_page()
def place(request: HttpRequest, kind: str, pk) -> HttpResponse:
    """The exact point for the owner, the shared cell for others; logged as a reading where it is foreign."""
    record = visible_record(request, kind, pk)
    if record.agency_id != request.user.agency_id:
        inspection = inspection_of(record, request.user)
        if inspection is None and (question := purpose_question(request)):
            return question
        purpose = inspection.purpose if inspection else ""
        audit.record(audit.Act.READ, by=request.user, obj=record, owner=record.agency, purpose=purpose, part="place")
        return _collection(_shared_place(record))
    detail = record.detail_model().objects.owned_by(request.user).get(record=record)
    if detail.lon is None:
        return _collection([])
    point = {"type": "Point", "coordinates": [detail.lon, detail.lat]}
    return _collection([_feature(point, "Genauer Ort")])


def _shared_place(record: Record) -> list[dict]:
    if record.cell is None:
        return []
    polygon = {"type": "Polygon", "coordinates": [cell_boundary(record.cell)]}
    return [_feature(polygon, "Geteilter Ort (Wabe)")]


def _feature(geometry: dict, label: str) -> dict:
    return {"type": "Feature", "geometry": geometry, "properties": {"label": label}}


def _collection(features: list[dict]) -> JsonResponse:
    return JsonResponse({"type": "FeatureCollection", "features": features}, content_type=GEOJSON)
