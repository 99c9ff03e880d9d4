"""Cells into values: dates, numbers, texts as German and international files spell them. Pure functions."""

from __future__ import annotations

import datetime
import math
import re
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from incidents.importing.refusals import CellError

_TIME = r"(\d{1,2})[:.](\d{2})(?::(\d{2})(?:[.,]\d{1,9})?)?"
_ISO = re.compile(rf"(\d{{4}})-(\d{{1,2}})-(\d{{1,2}})(?:[T ]\s*{_TIME}\s?(Z|[+-]\d{{2}}(?::?\d{{2}})?)?)?", re.ASCII)
_GERMAN = re.compile(rf"(\d{{1,2}})\.(\d{{1,2}})\.(\d{{4}})(?:,?\s+(?:um\s+)?{_TIME}(?:\s*Uhr)?)?", re.ASCII | re.I)
_NUMBER = re.compile(r"[+-]?\d+(?:\.\d+)?(?:[eE][+-]?\d{1,2})?", re.ASCII)
_GROUPED = re.compile(r"\d{1,3}(?:\.\d{3})+", re.ASCII)
# Neither can be stored as text: a null character, half of a surrogate pair.
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")
_YEARS = range(1800, 2200)
LARGEST_COUNT = 10_000_000


@dataclass(frozen=True)
class Moment:
    """A point in time (UTC) and, where the file only names the day, that local day."""

    at: datetime.datetime
    day: datetime.date | None = None


def moment(text: str, zone: ZoneInfo, field: str) -> Moment:
    """ISO or German date and time. Without offset it is local: the repeated hour in autumn counts as its first
    run, an hour that the clocks skip in spring is refused."""
    if match := _ISO.fullmatch(text):
        year, month, day, *clock, offset = match.groups()
    elif match := _GERMAN.fullmatch(text):
        day, month, year, *clock = match.groups()
        offset = None
    else:
        raise CellError(
            field,
            "date",
            "Das Datum ist nicht lesbar. Bitte als 06.10.2022 14:30 oder 2022-10-06T14:30 schreiben.",
        )
    try:
        date = datetime.date(int(year), int(month), int(day))
        time = datetime.time(*(int(part or 0) for part in clock))
    except ValueError:
        date = datetime.date.min
    if date.year not in _YEARS:
        raise CellError(field, "date", "Dieses Datum oder diese Uhrzeit gibt es nicht. Bitte Tag und Uhrzeit prüfen.")
    naive = datetime.datetime.combine(date, time)
    if offset:
        return Moment((naive - _offset(offset, field)).replace(tzinfo=datetime.UTC))
    if clock[0] is None:
        return Moment(_start_of_day(date, zone), date)
    return Moment(_local(naive, zone, field))


def _offset(text: str, field: str) -> datetime.timedelta:
    if text == "Z":
        return datetime.timedelta(0)
    hours, minutes = int(text[1:3]), int(text[-2:]) if len(text) > 3 else 0
    if hours > 14 or minutes > 59:
        raise CellError(
            field, "date", "Den angegebenen Zeitversatz gibt es nicht. Bitte zum Beispiel +02:00 schreiben."
        )
    return datetime.timedelta(hours=hours, minutes=minutes) * (-1 if text[0] == "-" else 1)


def _local(naive: datetime.datetime, zone: ZoneInfo, field: str) -> datetime.datetime:
    first = naive.replace(tzinfo=zone)
    # Before a jump forward the earlier offset is the smaller one; in a repeated hour it is the larger one.
    if first.utcoffset() < first.replace(fold=1).utcoffset():
        raise CellError(
            field,
            "time_gap",
            "Diese Uhrzeit gab es an dem Tag nicht, weil die Uhren auf Sommerzeit vorgestellt wurden. "
            "Bitte die Uhrzeit prüfen.",
        )
    return first.astimezone(datetime.UTC)


def _start_of_day(date: datetime.date, zone: ZoneInfo) -> datetime.datetime:
    return datetime.datetime.combine(date, datetime.time(), zone).astimezone(datetime.UTC)


def end_of_day(date: datetime.date, zone: ZoneInfo, now: datetime.datetime) -> datetime.datetime | None:
    """The last minute of a local day; None while the day still runs, so that a file of today is not in the future."""
    end = datetime.datetime.combine(date, datetime.time(23, 59), zone).astimezone(datetime.UTC)
    return end if end <= now else None


def number(text: str, field: str) -> float:
    """A coordinate: decimal point or comma, groups by dot, apostrophe or blank."""
    bare = text.replace("'", "").replace("’", "").replace(" ", "").replace("\u00a0", "")
    if "," in bare:
        bare = bare.replace(".", "").replace(",", ".")
    elif bare.count(".") > 1:
        bare = bare.replace(".", "")
    value = float(bare) if _NUMBER.fullmatch(bare) else math.nan
    if not math.isfinite(value):
        raise CellError(field, "number", "Die Koordinate ist keine Zahl. Bitte zum Beispiel 7,8078 schreiben.")
    return value


def whole_number(text: str, field: str) -> int:
    """A count: digits only, thousands grouped by dots as German files do."""
    bare = text.replace(".", "") if _GROUPED.fullmatch(text) else text
    if not (bare.isascii() and bare.isdigit() and len(bare) < 12):
        raise CellError(
            field, "count", "Die Anzahl ist keine ganze Zahl ab 0. Bitte nur Ziffern schreiben, zum Beispiel 12."
        )
    if int(bare) > LARGEST_COUNT:
        raise CellError(field, "count", "Die Anzahl ist unglaubwürdig groß. Bitte die Zahl prüfen.")
    return int(bare)


def storable(text: str, field: str, limit: int) -> str:
    if len(text) > limit:
        grouped = f"{limit:,}".replace(",", ".")
        raise CellError(field, "too_long", f"Der Text ist länger als {grouped} Zeichen. Bitte kürzen.")
    if _UNSTORABLE.search(text):
        raise CellError(field, "characters", "Der Text enthält unzulässige Steuerzeichen. Bitte entfernen.")
    return text
