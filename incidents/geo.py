"""Places: projections, H3 cells and districts. WGS84 in and out; metres in `METRIC_EPSG`."""

from __future__ import annotations

import functools
import math
from dataclasses import dataclass

import h3.api.basic_int as h3
import numpy as np
from django.conf import settings
from pyproj import Transformer
from shapely import STRtree
from shapely.geometry import Point, shape

from incidents.models import Area, AreaKind

DETAIL_RESOLUTION = 10
SHARED_RESOLUTION = 9


@dataclass(frozen=True)
class DistrictIndex:
    """The city's districts as polygons, ready to be asked for a point. Built once per import run or request."""

    areas: tuple[Area, ...]
    tree: STRtree

    @classmethod
    def load(cls) -> DistrictIndex:
        areas = tuple(Area.objects.filter(kind=AreaKind.DISTRICT).order_by("number", "slug"))
        return cls(areas, STRtree([shape(area.geometry) for area in areas]))

    def district_of(self, lon: float, lat: float) -> Area | None:
        """The district that holds the point, the first by number on a shared border; None outside the city."""
        hits = self.tree.query(Point(lon, lat), predicate="intersects")
        return self.areas[min(hits)] if len(hits) else None

    def named(self, text: str) -> Area | None:
        """A district by slug, name or number, as files spell it."""
        wanted = text.strip().casefold()
        for area in self.areas:
            if wanted in {area.slug.casefold(), area.name.casefold(), str(area.number)}:
                return area
        return None


def cell_at(lon: float, lat: float, resolution: int) -> int:
    return h3.latlng_to_cell(lat, lon, resolution)


def cell_boundary(cell: int) -> list[list[float]]:
    """Closed ring of [lon, lat] pairs, rounded to about 0.1 m."""
    ring = [[round(lon, 6), round(lat, 6)] for lat, lon in h3.cell_to_boundary(cell)]
    return [*ring, ring[0]]


def cell_center(cell: int) -> tuple[float, float]:
    """(lon, lat) of the cell's centre."""
    lat, lon = h3.cell_to_latlng(cell)
    return lon, lat


def city_cells(districts: DistrictIndex) -> dict[int, Area]:
    """Every resolution-9 cell whose centre lies in the city, with the district of its centre."""
    found: dict[int, Area] = {}
    for area in districts.areas:
        for cell in h3.geo_to_cells(area.geometry, SHARED_RESOLUTION):
            found.setdefault(cell, area)
    return found


@functools.lru_cache(maxsize=16)
def _to_wgs84(epsg: int) -> Transformer:
    return Transformer.from_crs(epsg, 4326, always_xy=True)


def to_wgs84(x: float | np.ndarray, y: float | np.ndarray, epsg: int) -> tuple:
    """(lon, lat) of a projected point (easting, northing), or of arrays of them."""
    lon, lat = _to_wgs84(epsg).transform(x, y)
    return lon, lat


def to_metric(lon: float, lat: float) -> tuple[float, float]:
    """(easting, northing) in METRIC_EPSG, metres."""
    return _from_wgs84(settings.METRIC_EPSG).transform(lon, lat)


@functools.lru_cache(maxsize=16)
def _from_wgs84(epsg: int) -> Transformer:
    return Transformer.from_crs(4326, epsg, always_xy=True)


def cells_within(lon: float, lat: float, radius_m: float) -> list[int]:
    """Resolution-9 cells whose centre lies at most `radius_m` from the point, and the point's own; ascending."""
    own = cell_at(lon, lat, SHARED_RESOLUTION)
    # Neighbouring centres are the cell's edge times the root of 3 apart; rows of them are nearer by half of that root.
    row_m = 1.5 * h3.average_hexagon_edge_length(SHARED_RESOLUTION, unit="m")
    near = h3.grid_disk(own, math.ceil(1.2 * radius_m / row_m) + 1)
    centre = to_metric(lon, lat)
    return sorted(cell for cell in near if cell == own or math.dist(centre, to_metric(*cell_center(cell))) <= radius_m)
