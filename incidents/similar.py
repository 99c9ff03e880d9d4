"""Records that may describe the same event: same category group, ±12 hours, within 200 metres."""

from __future__ import annotations

import datetime
import math

from django.conf import settings
from django.db.models import Q

from incidents.geo import SHARED_RESOLUTION, cell_at, to_metric, to_wgs84
from incidents.models import Category, Record

WINDOW = datetime.timedelta(hours=12)
RADIUS_M = 200.0
MOST_SHOWN = 5
_DIRECTIONS = 16


def similar_records(
    *, model: type[Record], by, category: Category, occurred_from: datetime.datetime, lon: float, lat: float
) -> list[Record]:
    """At most five records `by` may see by role, nearest in time first. Two queries.

    Own records are measured by their exact place; of others only the shared cell is known, so every cell
    within reach of the point counts.
    """
    near = model.objects.without_inspection(by).filter(
        category__group_id=category.group_id,
        occurred_from__gte=occurred_from - WINDOW,
        occurred_from__lte=occurred_from + WINDOW,
    )
    reach = Q(pk__in=_own_within(model, by, near, lon, lat)) | (
        ~Q(agency_id=by.agency_id) & Q(cell__in=_cells_within(lon, lat))
    )
    found = near.filter(reach).select_related("category", "agency", "district")
    nearest = sorted(found[:200], key=lambda record: (abs(record.occurred_from - occurred_from), str(record.pk)))
    return nearest[:MOST_SHOWN]


def _own_within(model: type[Record], by, near, lon: float, lat: float) -> list:
    details = model.detail_model().objects.owned_by(by).filter(record__in=near, lon__isnull=False)
    here = to_metric(lon, lat)
    return [
        pk
        for pk, x, y in details.values_list("record_id", "lon", "lat")[:1000]
        if math.dist(here, to_metric(x, y)) <= RADIUS_M
    ]


def _cells_within(lon: float, lat: float) -> set[int]:
    """Shared cells that a circle of the radius around the point touches (its rim taken in steps of about 80 m)."""
    x, y = to_metric(lon, lat)
    angles = [2 * math.pi * step / _DIRECTIONS for step in range(_DIRECTIONS)]
    rim = [
        to_wgs84(x + RADIUS_M * math.cos(angle), y + RADIUS_M * math.sin(angle), settings.METRIC_EPSG)
        for angle in angles
    ]
    return {cell_at(*point, SHARED_RESOLUTION) for point in [(lon, lat), *rim]}
