"""How a file's columns become fields: the mapping file, or the portal's own column names without one."""

from __future__ import annotations

from collections.abc import Mapping as Dictionary
from dataclasses import dataclass
from zoneinfo import ZoneInfo, available_timezones

from django.conf import settings
from pyproj import CRS
from pyproj.exceptions import CRSError

from agencies.visibility import SharingLevel
from incidents.importing.fields import CODED_FIELDS, COUNT_FIELDS, COUNTS, LABELS, RECORD_FIELDS, own_names
from incidents.importing.geojson_rows import X_COLUMN, Y_COLUMN
from incidents.importing.refusals import FileError

HASH_OF_ROW = "hash_of_row"
WGS84 = 4326
_KEYS = {
    "name",
    "columns",
    "crs",
    "time_zone",
    "codes",
    "defaults",
    "ignore",
    "constants",
    "reference",
    "level",
    "level_on_update",
    "unit",
    "rows",
}
_PLACES = (("lon", "lat"), ("x", "y"))
COUNTS_NEEDED = ("area", "period_from", "period_to", "category", "count")
RECORDS_NEEDED = ("category", "occurred_from")


@dataclass(frozen=True)
class RowFilter:
    """Which rows of a common file are meant: by values of a column, or every n-th row."""

    column: str = ""
    values: frozenset[str] = frozenset()
    modulo: int = 1
    remainder: int = 0


@dataclass(frozen=True)
class Mapping:
    """A checked mapping. `columns` and `constants` by field; codes and ignored codes are case-folded."""

    columns: dict[str, tuple[str, ...]]
    constants: dict[str, str]
    crs: int
    zone: ZoneInfo
    codes: dict[str, dict[str, str]]
    defaults: dict[str, str]
    ignored: dict[str, frozenset[str]]
    hashes_rows: bool
    level: str
    level_on_update: bool
    unit: str
    rows: RowFilter

    @property
    def carried(self) -> frozenset[str]:
        """Fields the file speaks of; everything else stays as it is when a record is updated."""
        return frozenset(self.columns) | frozenset(self.constants)

    @property
    def column_names(self) -> dict[str, str]:
        return {field: " + ".join(names) for field, names in self.columns.items()}


def mapping_for(content: Dictionary, columns: list[str], kind: str) -> Mapping:
    """The mapping file's content checked against the head of the file; own column names where it names none."""
    if not isinstance(content, Dictionary) or set(content) - _KEYS:
        raise FileError("Die Zuordnungsdatei enthält unbekannte Angaben. Bitte mit der Beschreibung vergleichen.")
    fields = COUNT_FIELDS if kind == COUNTS else RECORD_FIELDS[kind]
    named = _columns(content.get("columns"), fields) or _own_columns(columns, fields)
    constants = {name: str(value) for name, value in _texts(content, "constants", fields).items()}
    hashes = content.get("reference") == HASH_OF_ROW
    if content.get("reference") not in (None, HASH_OF_ROW):
        raise FileError(f"In der Zuordnungsdatei darf „reference“ nur „{HASH_OF_ROW}“ sein. Bitte berichtigen.")
    _require(named, constants, columns, fields)
    return Mapping(
        columns=named,
        constants=constants,
        crs=_crs(content.get("crs"), named),
        zone=_zone(content.get("time_zone", settings.LOCAL_TIME_ZONE)),
        codes=_codes(content),
        defaults={name: str(value) for name, value in _texts(content, "defaults", CODED_FIELDS).items()},
        ignored=_ignored(content),
        hashes_rows=kind != COUNTS and (hashes or "reference" not in {*named, *constants}),
        level=_level(content.get("level", "")),
        level_on_update=_flag(content, "level_on_update"),
        unit=_text(content, "unit"),
        rows=_row_filter(content.get("rows"), columns),
    )


def _own_columns(columns: list[str], fields: tuple[str, ...]) -> dict[str, tuple[str, ...]]:
    names = own_names(fields)
    found: dict[str, tuple[str, ...]] = {}
    for column in columns:
        field = names.get(column.casefold())
        if field and field not in found:
            found[field] = (column,)
    if X_COLUMN in columns and not {"lon", "x"} & set(found):
        found |= {"lon": (X_COLUMN,), "lat": (Y_COLUMN,)}
    return found


def _columns(content: object, fields: tuple[str, ...]) -> dict[str, tuple[str, ...]]:
    if content is None:
        return {}
    if not isinstance(content, Dictionary):
        raise FileError("In der Zuordnungsdatei muss „columns“ Felder und Spalten nennen. Bitte berichtigen.")
    found = {}
    for field, names in content.items():
        listed = [names] if isinstance(names, str) else names
        if field not in fields or not (isinstance(listed, list) and listed and all(isinstance(n, str) for n in listed)):
            raise FileError(
                "Die Zuordnungsdatei nennt unter „columns“ ein unbekanntes Feld oder keine Spalte. "
                f"Möglich sind: {', '.join(fields)}."
            )
        found[field] = tuple(name.strip() for name in listed)
    return found


def _require(
    named: dict[str, tuple[str, ...]], constants: dict[str, str], columns: list[str], fields: tuple[str, ...]
) -> None:
    present = {column.casefold() for column in columns}
    missing = [name for names in named.values() for name in names if name.casefold() not in present]
    if missing:
        raise FileError(
            f"In der Datei fehlen Spalten der Zuordnung: {', '.join(sorted(set(missing)))}. Bitte Kopfzeile prüfen."
        )
    needed = COUNTS_NEEDED if fields is COUNT_FIELDS else RECORDS_NEEDED
    absent = [LABELS[field] for field in needed if field not in named and field not in constants]
    if absent:
        raise FileError(
            f"In der Datei fehlen Pflichtspalten: {', '.join(absent)}. "
            "Bitte die Kopfzeile mit der Vorlage vergleichen oder eine Zuordnungsdatei angeben."
        )
    for pair in _PLACES:
        if len(set(pair) & set(named)) == 1:
            raise FileError("Es fehlt eine der beiden Koordinatenspalten. Bitte beide liefern oder keine.")
    if {"lon", "x"} <= set(named):
        raise FileError(
            "Die Zuordnung nennt zwei Arten von Koordinaten. Bitte „lon“ und „lat“ oder „x“ und „y“ wählen."
        )


def _texts(content: Dictionary, key: str, fields: tuple[str, ...]) -> Dictionary:
    values = content.get(key, {})
    if not isinstance(values, Dictionary) or set(values) - set(fields):
        raise FileError(
            f"Die Zuordnungsdatei nennt unter „{key}“ ein unbekanntes Feld. Möglich sind: {', '.join(fields)}."
        )
    if any(isinstance(value, (list, dict)) or value is None for value in values.values()):
        raise FileError(f"Unter „{key}“ darf je Feld nur ein Text oder eine Zahl stehen. Bitte berichtigen.")
    return values


def _codes(content: Dictionary) -> dict[str, dict[str, str]]:
    tables = content.get("codes", {})
    if not isinstance(tables, Dictionary) or set(tables) - set(CODED_FIELDS):
        raise FileError(f"„codes“ ist nur für diese Felder vorgesehen: {', '.join(CODED_FIELDS)}.")
    if not all(isinstance(table, Dictionary) for table in tables.values()):
        raise FileError("Unter „codes“ muss je Feld eine Liste von Code und Bedeutung stehen. Bitte berichtigen.")
    return {
        field: {str(code).strip().casefold(): str(meaning) for code, meaning in table.items()}
        for field, table in tables.items()
    }


def _ignored(content: Dictionary) -> dict[str, frozenset[str]]:
    tables = content.get("ignore", {})
    listed = isinstance(tables, Dictionary) and all(isinstance(codes, list) for codes in tables.values())
    if not listed or set(tables) - set(CODED_FIELDS):
        raise FileError("Unter „ignore“ muss je Feld eine Liste von Codes stehen. Bitte berichtigen.")
    return {field: frozenset(str(code).strip().casefold() for code in codes) for field, codes in tables.items()}


def _crs(value: object, named: dict[str, tuple[str, ...]]) -> int:
    """EPSG code of x and y; WGS84 columns need none."""
    if "x" not in named:
        return WGS84
    if value is None:
        return settings.METRIC_EPSG
    if isinstance(value, bool) or not isinstance(value, int):
        raise FileError("In der Zuordnungsdatei muss „crs“ eine EPSG-Nummer sein, zum Beispiel 25832.")
    try:
        CRS.from_epsg(value)
    except CRSError as error:
        raise FileError("Die EPSG-Nummer unter „crs“ gibt es nicht. Bitte zum Beispiel 25832 angeben.") from error
    return value


def _zone(name: object) -> ZoneInfo:
    if not isinstance(name, str) or name not in available_timezones():
        raise FileError("Die Zeitzone unter „time_zone“ gibt es nicht. Bitte zum Beispiel Europe/Berlin angeben.")
    return ZoneInfo(name)


def _level(value: object) -> str:
    if value not in ("", *SharingLevel.values):
        raise FileError(f"Unter „level“ ist nur möglich: {', '.join(SharingLevel.values)}.")
    return value


def _flag(content: Dictionary, key: str) -> bool:
    value = content.get(key, False)
    if not isinstance(value, bool):
        raise FileError(f"„{key}“ muss true oder false sein. Bitte die Zuordnungsdatei berichtigen.")
    return value


def _text(content: Dictionary, key: str) -> str:
    value = content.get(key, "")
    if not isinstance(value, str):
        raise FileError(f"„{key}“ muss ein Text sein. Bitte die Zuordnungsdatei berichtigen.")
    return value


def _row_filter(content: object, columns: list[str]) -> RowFilter:
    match content:
        case None:
            return RowFilter()
        case {"column": str(column), "in": list(values), **rest} if not rest:
            if column.casefold() not in {name.casefold() for name in columns}:
                raise FileError("Die Spalte unter „rows“ steht nicht in der Datei. Bitte die Zuordnung prüfen.")
            return RowFilter(column=column, values=frozenset(str(value).strip().casefold() for value in values))
        case {"modulo": int(modulo), "remainder": int(remainder), **rest} if not rest and 0 <= remainder < modulo:
            return RowFilter(modulo=modulo, remainder=remainder)
    raise FileError(
        "„rows“ muss eine Spalte mit Werten nennen („column“, „in“) oder jede n-te Zeile („modulo“, „remainder“)."
    )
