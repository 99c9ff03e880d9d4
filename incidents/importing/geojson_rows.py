"""Rows of a GeoJSON FeatureCollection of points: properties are columns, the point stands in two more."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import NoReturn, TextIO

from incidents.importing.refusals import FileError
from incidents.importing.table import RawRow, Table

X_COLUMN, Y_COLUMN = "geometry.x", "geometry.y"
NO_POINT = "Das Objekt ist kein Punkt. Bitte nur Punkte liefern oder die Geometrie leer lassen."
NO_FEATURE = "Der Eintrag ist kein Objekt mit Eigenschaften. Bitte die Datei neu ausgeben."
NESTED = "Eine Eigenschaft enthält eine Liste oder ein Objekt. Bitte nur Texte und Zahlen liefern."


def geojson_table(text: TextIO) -> Table:
    try:
        document = json.load(text, parse_constant=_not_a_number)
    except UnicodeDecodeError:
        raise
    except (ValueError, RecursionError) as error:
        raise FileError("Die Datei ist kein gültiges GeoJSON. Bitte die Datei neu ausgeben.") from error
    features = document.get("features")
    if document.get("type") != "FeatureCollection" or not isinstance(features, list):
        raise FileError("Die Datei ist kein GeoJSON mit einer FeatureCollection. Bitte die Datei neu ausgeben.")
    names: dict[str, None] = {}
    for feature in features:
        if _is_feature(feature):
            names.update(dict.fromkeys(feature["properties"]))
    return Table([*names, X_COLUMN, Y_COLUMN], _rows(features, list(names)))


def _not_a_number(name: str) -> NoReturn:
    raise FileError("Die Datei enthält Zahlen ohne Wert (NaN oder Infinity). Bitte die Datei neu ausgeben.")


def _is_feature(feature: object) -> bool:
    return isinstance(feature, dict) and isinstance(feature.get("properties"), dict)


def _rows(features: list, names: list[str]) -> Iterator[RawRow]:
    for number, feature in enumerate(features, 1):
        if not _is_feature(feature):
            yield RawRow(number, [], NO_FEATURE)
            continue
        point = _point(feature.get("geometry"))
        values = [feature["properties"].get(name) for name in names]
        if point is None:
            yield RawRow(number, [], NO_POINT)
        elif any(isinstance(value, (dict, list)) for value in values):
            yield RawRow(number, [], NESTED)
        else:
            yield RawRow(number, [*("" if value is None else str(value) for value in values), *point])


def _point(geometry: object) -> tuple[str, str] | None:
    """Both coordinates as text, empty for a feature without a place, None for anything but a point."""
    if geometry is None:
        return "", ""
    if not isinstance(geometry, dict) or geometry.get("type") != "Point":
        return None
    match geometry.get("coordinates"):
        case [int() | float() as x, int() | float() as y, *_]:
            return repr(x), repr(y)
    return None
