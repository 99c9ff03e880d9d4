"""Plane geometry for the drawings: projection, hatching, outlines and room for labels. No Django, no shapely."""

import math
from dataclasses import dataclass

Point = tuple[float, float]
Ring = tuple[Point, ...]

_EARTH_RADIUS_M = 6_371_008.8


@dataclass(frozen=True)
class Projection:
    """Equirectangular around the middle of a box, scaled into a frame; true to a few metres at a city's size."""

    west: float
    south: float
    metres_per_degree_x: float
    metres_per_degree_y: float
    units_per_metre: float
    left: float
    bottom: float

    def point(self, lon: float, lat: float) -> Point:
        x = self.left + (lon - self.west) * self.metres_per_degree_x * self.units_per_metre
        y = self.bottom - (lat - self.south) * self.metres_per_degree_y * self.units_per_metre
        return x, y

    def ring(self, ring: Ring) -> Ring:
        return tuple(self.point(lon, lat) for lon, lat in ring)


def project(bbox: tuple[float, float, float, float], *, width: float, max_height: float) -> tuple[Projection, float]:
    """The projection of a (west, south, east, north) box into a frame, and the frame's height."""
    west, south, east, north = bbox
    if not (west < east and south < north):
        raise ValueError(f"bbox {bbox} is empty")
    per_degree_y = math.radians(1) * _EARTH_RADIUS_M
    per_degree_x = per_degree_y * math.cos(math.radians((south + north) / 2))
    wide, tall = (east - west) * per_degree_x, (north - south) * per_degree_y
    scale = min(width / wide, max_height / tall)
    height = tall * scale
    projection = Projection(
        west,
        south,
        per_degree_x,
        per_degree_y,
        scale,
        (width - wide * scale) / 2,
        height,
    )
    return projection, height


def hatch(ring: Ring, spacing: float) -> list[tuple[Point, Point]]:
    """Rising diagonal strokes inside a ring, on one grid for the whole drawing so that neighbours join."""
    turned = [(x + y, y - x) for x, y in ring]
    low, high = min(u for u, _ in turned), max(u for u, _ in turned)
    step = spacing * math.sqrt(2)
    strokes = []
    for index in range(math.ceil(low / step), math.floor(high / step) + 1):
        level = (index + 1e-6) * step
        crossings = sorted(
            v1 + (level - u1) * (v2 - v1) / (u2 - u1)
            for (u1, v1), (u2, v2) in zip(turned, turned[1:] + turned[:1], strict=True)
            if (u1 < level) != (u2 < level)
        )
        strokes += [
            (
                ((level - start) / 2, (level + start) / 2),
                ((level - end) / 2, (level + end) / 2),
            )
            for start, end in zip(crossings[::2], crossings[1::2], strict=True)
        ]
    return strokes


def outline(rings: list[Ring]) -> list[tuple[Point, Point]]:
    """The edges that belong to one ring only: the outer border of a patch of cells."""
    edges: dict[frozenset, list[tuple[Point, Point]]] = {}
    for ring in rings:
        for start, end in zip(ring, ring[1:] + ring[:1], strict=True):
            ends = frozenset((_rounded(start), _rounded(end)))
            if len(ends) == 2:
                edges.setdefault(ends, []).append((start, end))
    return [found[0] for found in edges.values() if len(found) == 1]


def centre(rings: list[Ring]) -> Point:
    """The area centroid of the largest ring."""
    ring = max(rings, key=lambda candidate: abs(_area(candidate)))
    area = _area(ring)
    if abs(area) < 1e-9:
        return ring[0]
    pairs = list(zip(ring, ring[1:] + ring[:1], strict=True))
    x = sum((x1 + x2) * (x1 * y2 - x2 * y1) for (x1, y1), (x2, y2) in pairs) / (6 * area)
    y = sum((y1 + y2) * (x1 * y2 - x2 * y1) for (x1, y1), (x2, y2) in pairs) / (6 * area)
    return x, y


@dataclass(frozen=True)
class Box:
    left: float
    top: float
    right: float
    bottom: float

    @classmethod
    def around(cls, x: float, y: float, width: float, height: float) -> "Box":
        return cls(x - width / 2, y - height / 2, x + width / 2, y + height / 2)

    def overlaps(self, other: "Box") -> bool:
        return (
            self.left < other.right and other.left < self.right and self.top < other.bottom and other.top < self.bottom
        )

    def within(self, other: "Box") -> bool:
        return (
            other.left <= self.left
            and self.right <= other.right
            and other.top <= self.top
            and self.bottom <= other.bottom
        )


def free_place(anchor: Point, size: tuple[float, float], taken: list[Box], frame: Box) -> Point:
    """The nearest centre for a label that overlaps nothing and stays in the frame; the anchor if there is none."""
    width, height = size
    for distance in range(1, 16):
        for turn in range(16):
            angle = math.radians(turn * 22.5 - 45)
            x = anchor[0] + math.cos(angle) * (width * 0.55 + distance * height * 0.7)
            y = anchor[1] + math.sin(angle) * distance * height * 0.9
            box = Box.around(x, y, width + 2, height + 2)
            if box.within(frame) and not any(box.overlaps(other) for other in taken):
                return x, y
    return anchor


def _rounded(point: Point) -> Point:
    return round(point[0], 2), round(point[1], 2)


def _area(ring: Ring) -> float:
    return sum(x1 * y2 - x2 * y1 for (x1, y1), (x2, y2) in zip(ring, ring[1:] + ring[:1], strict=True)) / 2
