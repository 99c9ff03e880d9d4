"""The frozen content of an edition: everything the print shows, and nothing that changes afterwards.

Dates are ISO dates ("2026-11-22"), `created_at` an ISO time with its offset. A number that is protected is None.
`to_json` is canonical: the same content gives the same text, so its SHA-256 names the content.
"""

import json
import math
import types
from dataclasses import MISSING, dataclass, fields, is_dataclass
from datetime import date, datetime
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

SCHEMA = 1
MAX_STATEMENTS = 5

RecordKind = Literal["incident", "complaint"]
HotspotKind = Literal["brennpunkt", "beschwerdehotspot"]
FindingKind = Literal["brennpunkt", "beschwerdehotspot", "phaenomen", "gefahr", "angstraum"]
SpecialKind = Literal["holiday", "school_holidays", "event"]
DeliveryStatus = Literal["delivered", "none", "missing", "not_member"]
Position = tuple[float, float]
Ring = tuple[Position, ...]


@dataclass(frozen=True)
class PictureRef:
    """The stored picture the edition was frozen from."""

    date: str
    revision: int
    sha256: str


@dataclass(frozen=True)
class Periods:
    """First and last day of the period shown and of the one it is compared with."""

    current: tuple[str, str]
    previous: tuple[str, str]
    label: str


@dataclass(frozen=True)
class Area:
    slug: str
    name: str
    kind: str
    rings: tuple[Ring, ...]


@dataclass(frozen=True)
class HotspotCell:
    boundary: Ring


@dataclass(frozen=True)
class Hotspot:
    """`merged_only`: no agency's own records show this cluster, only the merged ones do.

    `rank` is the place in the printed list; `ratio_text` says in full how strong the cluster is.
    """

    kind: HotspotKind
    rank: int
    label: str
    title: str
    group_label: str
    district: str
    period: str
    count: int | None
    expected: float | None
    ratio_text: str
    status_label: str
    merged_only: bool
    agencies: tuple[str, ...]
    cells: tuple[HotspotCell, ...]
    assessment: str | None = None
    measure: str | None = None


@dataclass(frozen=True)
class Cell:
    kind: RecordKind
    ramp: int
    boundary: Ring
    count: int | None = None


@dataclass(frozen=True)
class MapScale:
    """What the five steps of the maps mean; `title` follows the noun ("Vorfälle …")."""

    title: str
    labels: tuple[str, str, str, str, str]


@dataclass(frozen=True)
class TableRow:
    """`counted`: the published part of what may only be counted, 0 for none. `compared` is False where there is
    nothing else: the row then has no figures to compare.
    """

    group_label: str
    unit_label: str
    current: int | None
    previous: int | None
    change_text: str
    verdict_label: str
    counted: int = 0
    compared: bool = True


@dataclass(frozen=True)
class DistrictTable:
    """`whole_city`: the table is of the city and its `district` is not printed."""

    district: str
    kind: RecordKind
    rows: tuple[TableRow, ...]
    whole_city: bool = False


@dataclass(frozen=True)
class Tables:
    districts: tuple[DistrictTable, ...] = ()


@dataclass(frozen=True)
class Trend:
    """Weekly counts; None is a week without a delivery."""

    district: str
    kind: RecordKind
    group_label: str
    weeks: tuple[int | None, ...]
    weeks_before: tuple[int | None, ...]
    first_week: str


@dataclass(frozen=True)
class SpecialDays:
    """ISO dates of days that are special in the districts named, or in the whole city where none is."""

    kind: SpecialKind
    name: str
    first: str
    last: str
    districts: tuple[str, ...] = ()


@dataclass(frozen=True)
class CoverageWeek:
    label: str
    start: str


@dataclass(frozen=True)
class CoverageAgency:
    short_name: str
    cells: tuple[DeliveryStatus, ...]


@dataclass(frozen=True)
class Coverage:
    weeks: tuple[CoverageWeek, ...] = ()
    agencies: tuple[CoverageAgency, ...] = ()


@dataclass(frozen=True)
class Finding:
    """`since` is an ISO date or words; None fields are printed as not yet given."""

    kind: FindingKind
    title: str
    where: str
    since: str
    strength: str
    who_does_what: str | None
    assessment: str | None
    status_label: str


@dataclass(frozen=True)
class Signal:
    """An alarm of the nightly search.

    `since` is an ISO date, `chance` how often chance alone does as much, `together` who would have seen it.
    """

    kind: FindingKind
    title: str
    since: str
    days: int
    strength: str
    chance: str
    together: str
    status_label: str
    assessment: str | None = None
    who_does_what: str | None = None


@dataclass(frozen=True)
class Signals:
    """`nearest` came closest to the threshold without reaching it, in words."""

    period: tuple[str, str]
    searches: int
    once_in_nights: str
    alarms: tuple[Signal, ...] = ()
    nearest: tuple[str, ...] = ()


@dataclass(frozen=True)
class WeekRow:
    kind: RecordKind
    group_label: str
    unit_label: str
    count: int
    expected: str
    compared_with: str
    state_label: str
    is_unusual: bool


@dataclass(frozen=True)
class Week:
    """The last complete week of the whole city; `districts` names what is unusually high in single ones."""

    period: tuple[str, str]
    label: str
    rows: tuple[WeekRow, ...] = ()
    left_out: tuple[str, ...] = ()
    districts: tuple[str, ...] = ()


@dataclass(frozen=True)
class Measure:
    """`due` is an ISO date or words."""

    title: str
    agency: str
    due: str | None
    status_label: str
    effect: str | None = None


@dataclass(frozen=True)
class Abbreviation:
    short: str
    long: str


@dataclass(frozen=True)
class EditionContent:
    number: str
    title: str
    body: str
    issued_by: str
    marking: str
    as_of: str
    picture: PictureRef
    created_at: str
    demonstration: bool
    periods: Periods
    bbox: tuple[float, float, float, float]
    statements: tuple[str, ...] = ()
    signals: Signals | None = None
    week: Week | None = None
    areas: tuple[Area, ...] = ()
    map_note: str = ""
    map_scale: MapScale | None = None
    map_period: tuple[str, str] | None = None
    hotspot_note: str = ""
    hotspots: tuple[Hotspot, ...] = ()
    cells: tuple[Cell, ...] = ()
    tables: Tables = Tables()
    trends: tuple[Trend, ...] = ()
    calendar: tuple[SpecialDays, ...] = ()
    coverage: Coverage = Coverage()
    findings: tuple[Finding, ...] = ()
    measures: tuple[Measure, ...] = ()
    methods: tuple[str, ...] = ()
    gaps: tuple[str, ...] = ()
    abbreviations: tuple[Abbreviation, ...] = ()
    schema: int = SCHEMA

    def __post_init__(self) -> None:
        if self.schema != SCHEMA:
            raise ValueError(f"schema {self.schema} is not {SCHEMA}")
        if len(self.statements) > MAX_STATEMENTS:
            raise ValueError(f"{len(self.statements)} statements, at most {MAX_STATEMENTS} are printed")
        if any(not 1 <= cell.ramp <= 5 for cell in self.cells):
            raise ValueError("a cell's ramp is not one of 1 to 5")
        if any(len(agency.cells) != len(self.coverage.weeks) for agency in self.coverage.agencies):
            raise ValueError("an agency's coverage has not one cell per week")
        shown = (*self.periods.current, *self.periods.previous, *(self.map_period or ()))
        searched = [day for part in (self.signals, self.week) if part for day in part.period]
        special = (day for days in self.calendar for day in (days.first, days.last))
        for day in (self.as_of, self.picture.date, *shown, *searched, *special):
            date.fromisoformat(day)
        if datetime.fromisoformat(self.created_at).tzinfo is None:
            raise ValueError(f"created_at {self.created_at} has no offset")


def to_json(content: EditionContent) -> str:
    """The canonical text: sorted keys, no spaces, coordinates and rates rounded to six decimals."""
    return json.dumps(_plain(content), ensure_ascii=False, sort_keys=True, separators=(",", ":"), allow_nan=False)


def from_json(text: str) -> EditionContent:
    """The content of a canonical text; ValueError names what is unknown, missing or of another type."""
    return from_dict(json.loads(text))


def from_dict(data: dict[str, Any]) -> EditionContent:
    """The content of plain dicts and lists, as a JSON column returns them; fails as `from_json` does."""
    return _load(EditionContent, data, "content")


def _plain(value: Any) -> Any:
    if is_dataclass(value):
        return {field.name: _plain(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    if isinstance(value, float):
        return round(value, 6) + 0.0
    return value


def _load(kind: Any, value: Any, where: str) -> Any:
    if is_dataclass(kind):
        return _load_dataclass(kind, value, where)
    origin = get_origin(kind)
    if origin in (Union, types.UnionType):
        inner = next(option for option in get_args(kind) if option is not types.NoneType)
        return None if value is None else _load(inner, value, where)
    if origin is tuple:
        return _load_tuple(get_args(kind), value, where)
    if origin is Literal:
        if value not in get_args(kind):
            raise ValueError(f"{where}: {value!r} is none of {', '.join(get_args(kind))}")
        return value
    if kind is float and type(value) is int:
        return float(value)
    if type(value) is not kind:
        raise ValueError(f"{where}: {value!r} is not of type {kind.__name__}")
    if kind is float and not math.isfinite(value):
        raise ValueError(f"{where}: {value!r} is not a finite number")
    return value


def _load_tuple(options: tuple, value: Any, where: str) -> tuple:
    if not isinstance(value, list | tuple):
        raise ValueError(f"{where}: {value!r} is not a list")
    if options[-1] is not Ellipsis and len(options) != len(value):
        raise ValueError(f"{where}: {len(value)} values instead of {len(options)}")
    wanted = [options[0]] * len(value) if options[-1] is Ellipsis else options
    return tuple(
        _load(kind, item, f"{where}[{index}]") for index, (kind, item) in enumerate(zip(wanted, value, strict=True))
    )


def _load_dataclass(kind: type, value: Any, where: str) -> Any:
    if not isinstance(value, dict):
        raise ValueError(f"{where}: {value!r} is not an object")
    names = {field.name: field for field in fields(kind)}
    if unknown := sorted(set(value) - set(names)):
        raise ValueError(f"{where}: unknown {', '.join(unknown)}")
    if missing := [name for name, field in names.items() if field.default is MISSING and name not in value]:
        raise ValueError(f"{where}: missing {', '.join(missing)}")
    hints = get_type_hints(kind)
    return kind(**{name: _load(hints[name], value[name], f"{where}.{name}") for name in names if name in value})
