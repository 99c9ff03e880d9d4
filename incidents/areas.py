"""Load areas (city, districts, custom areas, zones with time windows) from a GeoJSON file."""

from __future__ import annotations

import re
from itertools import combinations

from django.db import transaction
from shapely import GEOSException
from shapely.geometry import Polygon, shape

from agencies import audit
from agencies.loading import Changes, LoadError, check_entry, check_once, entries
from incidents.models import Area, AreaKind

DAYS = frozenset({"mon", "tue", "wed", "thu", "fri", "sat", "sun"})
CLOCK = re.compile(r"([01]\d|2[0-3]):[0-5]\d")
# Neighbouring official polygons may overlap by slivers from generalisation.
OVERLAP_SHARE = 0.01


@transaction.atomic
def load_areas(content: dict, *, by=None) -> Changes:
    """Upsert areas by slug. Areas the file does not name stay as they are."""
    features = entries(content, "features")
    _check(features)
    changes = Changes()
    for feature in features:
        properties = feature["properties"]
        values = {
            "name": properties["name"],
            "kind": properties["kind"],
            "number": properties.get("number"),
            "geometry": {name: feature["geometry"][name] for name in ("type", "coordinates")},
            "windows": properties.get("windows", []),
            "is_official": properties.get("official", False),
            "note": properties.get("note", ""),
        }
        changes.upsert(Area, properties["slug"], values, label=properties["name"])
    if changes:
        facts = {"created": len(changes.created), "updated": len(changes.updated)}
        audit.record(audit.Act.SETTINGS_CHANGED, by=by, file="areas", **facts)
    return changes


def _check(features: list[dict]) -> None:
    objections = []
    polygons: dict[int, Polygon] = {}
    for number, feature in enumerate(features, 1):
        where = f"Gebiet {number}"
        properties = feature.get("properties")
        if not isinstance(properties, dict):
            objections.append(f"{where}: Es fehlen die Eigenschaften („properties“). Bitte ergänzen.")
            continue
        objections += check_entry(properties, {"slug": str, "name": str, "kind": str}, where=where)
        objections += _check_properties(properties, where)
        polygon, objection = _polygon(feature.get("geometry"), where)
        objections += objection
        if polygon is not None and properties.get("kind") == AreaKind.DISTRICT:
            polygons[number] = polygon
    if not objections:
        objections += check_once([feature["properties"]["slug"] for feature in features], what="Gebiet")
        objections += _check_overlaps(polygons)
    if objections:
        raise LoadError(*objections)


def _check_properties(properties: dict, where: str) -> list[str]:
    objections = []
    if properties.get("kind", AreaKind.CITY) not in AreaKind.values:
        allowed = ", ".join(AreaKind.values)
        objections.append(f"{where}: Die Art „{properties['kind']}“ gibt es nicht. Möglich ist: {allowed}.")
    number = properties.get("number")
    if number is not None and (not isinstance(number, int) or not 0 <= number <= 32767):
        objections.append(f"{where}: Die Nummer muss eine ganze Zahl sein. Bitte den Wert prüfen.")
    if not isinstance(properties.get("official", False), bool):
        objections.append(f"{where}: „official“ muss true oder false sein.")
    for name, limit in (("slug", 50), ("name", 100), ("note", 300)):
        if len(str(properties.get(name) or "")) > limit:
            objections.append(f"{where}: „{name}“ ist länger als {limit} Zeichen. Bitte kürzen.")
    windows = properties.get("windows", [])
    if not isinstance(windows, list) or not all(_is_window(window) for window in windows):
        objections.append(f"{where}: Ein Zeitfenster braucht Tage (mon bis sun) und Uhrzeiten (HH:MM). Bitte prüfen.")
    return objections


def _is_window(window: object) -> bool:
    if not isinstance(window, dict) or not isinstance(window.get("days"), list):
        return False
    times = (str(window.get("from", "")), str(window.get("to", "")))
    return bool(window["days"]) and DAYS.issuperset(window["days"]) and all(CLOCK.fullmatch(time) for time in times)


def _polygon(geometry: object, where: str) -> tuple[Polygon | None, list[str]]:
    if not isinstance(geometry, dict) or geometry.get("type") not in {"Polygon", "MultiPolygon"}:
        return None, [f"{where}: Die Geometrie muss ein Polygon oder MultiPolygon sein. Bitte die Datei prüfen."]
    try:
        polygon = shape(geometry)
    except (GEOSException, IndexError, KeyError, TypeError, ValueError):
        return None, [f"{where}: Die Geometrie ist nicht lesbar. Bitte die Koordinaten prüfen."]
    if polygon.is_empty or not polygon.is_valid:
        return None, [f"{where}: Das Polygon ist leer oder überschneidet sich selbst. Bitte die Grenze berichtigen."]
    west, south, east, north = polygon.bounds
    if not (-180 <= west <= east <= 180 and -90 <= south <= north <= 90):
        return None, [f"{where}: Die Koordinaten sind nicht in WGS84 (Länge, Breite). Bitte umrechnen."]
    return polygon, []


def _check_overlaps(polygons: dict[int, Polygon]) -> list[str]:
    return [
        f"Gebiet {first} und Gebiet {second}: Die Stadtbezirke überlappen sich. Bitte die Grenzen berichtigen."
        for first, second in combinations(polygons, 2)
        if polygons[first].intersection(polygons[second]).area
        > OVERLAP_SHARE * min(polygons[first].area, polygons[second].area)
    ]
