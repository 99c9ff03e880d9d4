"""From drawn days and spots to whole rows: level, status, texts, file numbers."""

from __future__ import annotations

import datetime
import hashlib
import uuid
from collections import defaultdict
from dataclasses import dataclass, replace

import numpy as np

from incidents.demo.frame import Frame, Kind
from incidents.demo.geography import Place, Spots
from incidents.demo.habits import draw_levels, level_shares, reference
from incidents.demo.texts import INTERNAL_NOTES, NOTES, describe

WIDE_SPREAD_M = 250
LONG_SPANS = {"bicycle-theft": 600, "theft-from-vehicle": 700, "burglary-dwelling": 500, "criminal-damage": 500}
SHORT_SPANS = {"noise-order": 150, "public-order": 90, "fire-rescue": 80, "events": 240}
MINOR_GROUPS = frozenset({"waste", "traffic", "cleanliness", "traffic-parking", "infrastructure", "authority"})
SERIOUS_GROUPS = frozenset({"violence", "weapons"})


@dataclass(frozen=True)
class Batch:
    """Records of one agency, kind and category: local days, minutes of the day and positions."""

    agency: str
    kind: str
    category: str
    days: list[datetime.date]
    minutes: np.ndarray
    spots: Spots
    planted: bool


@dataclass(frozen=True, slots=True)
class Row:
    """One record with its detail, ready to be written."""

    id: uuid.UUID
    kind: str
    agency: str
    category: str
    occurred_from: datetime.datetime
    occurred_to: datetime.datetime | None
    created_at: datetime.datetime
    updated_at: datetime.datetime
    status: str
    severity: int
    sharing_level: str
    accuracy: str
    lon: float | None
    lat: float | None
    district: str | None
    place_text: str
    description: str
    internal_note: str
    complainant_contact: str
    reporter_key: str
    note: str
    note_is_cleared: bool
    planted: bool
    year: int = 0
    number: int = 0
    reference: str = ""


def finish(batches: list[Batch], frame: Frame, rng: np.random.Generator) -> list[Row]:
    """Rows of all batches, oldest first, numbered per agency, kind and year of entry."""
    rows = [row for batch in batches for row in _rows(batch, frame, rng)]
    rows.sort(key=lambda row: (row.occurred_from, row.id.int))
    return _numbered(rows, frame)


def _numbered(rows: list[Row], frame: Frame) -> list[Row]:
    last: dict[tuple[str, str, int], int] = defaultdict(int)
    numbers: dict[uuid.UUID, tuple[int, int]] = {}
    for row in sorted(rows, key=lambda row: (row.created_at, row.id.int)):
        year = row.created_at.astimezone(frame.timezone).year
        last[row.agency, row.kind, year] += 1
        numbers[row.id] = (year, last[row.agency, row.kind, year])
    return [
        replace(row, year=year, number=number, reference=reference(row.agency, row.kind, year, number))
        for row, (year, number) in ((row, numbers[row.id]) for row in rows)
    ]


def _rows(batch: Batch, frame: Frame, rng: np.random.Generator) -> list[Row]:
    n = len(batch.days)
    kind = frame.kinds[batch.category]
    ids = [uuid.UUID(bytes=rng.bytes(16), version=4) for _ in range(n)]
    times = _times(batch, kind.group, frame, rng)
    ages = np.array([(frame.until - day).days for day in batch.days])
    places = _places(batch, kind.geo, frame, rng)
    shares = level_shares(batch.agency, is_sensitive=kind.is_sensitive, is_shareable=kind.is_shareable)
    levels = ["cooperation"] * n if batch.planted else draw_levels(shares, n, rng)
    statuses = _statuses(ages, rng)
    severities = _severities(kind, n, rng)
    descriptions = describe([kind.group] * n, rng)
    reporters = _reporters(batch.kind, n, frame, rng)
    chances = rng.random((n, 2))
    return [
        Row(
            ids[i],
            batch.kind,
            batch.agency,
            batch.category,
            *times[i],
            statuses[i],
            severities[i],
            levels[i],
            *places[i],
            descriptions[i],
            INTERNAL_NOTES[int(chances[i, 1] * 1000) % len(INTERNAL_NOTES)] if chances[i, 1] < 0.15 else "",
            *reporters[i],
            NOTES[int(chances[i, 0] * 1e6) % len(NOTES)]
            if levels[i] == "cooperation" and chances[i, 0] < 0.012
            else "",
            chances[i, 0] < 0.0096,
            batch.planted,
        )
        for i in range(n)
    ]


def _times(
    batch: Batch, group: str, frame: Frame, rng: np.random.Generator
) -> list[tuple[datetime.datetime, datetime.datetime | None, datetime.datetime, datetime.datetime]]:
    """(begin, end, entered, changed) per record, none later than the end of the last day."""
    last = datetime.datetime.combine(frame.until, datetime.time(23, 59), frame.timezone).astimezone(datetime.UTC)
    span = LONG_SPANS.get(batch.category) or SHORT_SPANS.get(group, 0)
    draws = rng.random((len(batch.days), 2))
    lags = rng.exponential((180.0, 6000.0), (len(batch.days), 2))
    found = []
    for day, minute, draw, lag in zip(batch.days, batch.minutes.tolist(), draws.tolist(), lags.tolist(), strict=True):
        clock = datetime.time(minute // 60, minute % 60)
        begin = datetime.datetime.combine(day, clock, frame.timezone).astimezone(datetime.UTC)
        end = (
            min(begin + datetime.timedelta(minutes=int(10 + draw[1] * span)), last)
            if span * draw[0] > span / 2
            else None
        )
        entered = min((end or begin) + datetime.timedelta(minutes=int(5 + lag[0])), last)
        changed = min(entered + datetime.timedelta(minutes=int(lag[1])), last)
        found.append((begin, end, entered, changed))
    return found


def _places(
    batch: Batch, geo: str, frame: Frame, rng: np.random.Generator
) -> list[tuple[str, float | None, float | None, str | None, str]]:
    """(accuracy, lon, lat, district, text) per record; kinds that are only counted by area get no point."""
    spots, n = batch.spots, len(batch.days)
    shares = (0.72, 0.18, 0.07, 0.03) if geo == "P" else (0.0, 0.0, 0.97, 0.03)
    accuracies = np.zeros(n, int) if batch.planted else rng.choice(4, n, p=shares)
    numbers = rng.integers(1, 120, n)
    found = []
    for i, accuracy in enumerate(accuracies.tolist()):
        district = frame.city.district_slugs[spots.district[i]]
        place = frame.city.places[spots.place[i]]
        if accuracy == 3:
            found.append(("unknown", None, None, None, ""))
        elif accuracy == 2:
            found.append(("district", None, None, district, "Ort nur als Stadtbezirk bekannt"))
        else:
            text = _place_text(place, int(numbers[i]), exact=accuracy == 0, wide=spots.spread_m[i] >= WIDE_SPREAD_M)
            name = "point" if accuracy == 0 else "street"
            found.append((name, float(spots.lon[i]), float(spots.lat[i]), district, text))
    return found


def _place_text(place: Place, number: int, *, exact: bool, wide: bool) -> str:
    street = place.streets[number % len(place.streets)] if place.streets else ""
    if wide:
        return f"Umfeld {place.name}"
    if street and exact:
        return f"{street} {number}"
    return street or place.name


def _statuses(ages: np.ndarray, rng: np.random.Generator) -> list[str]:
    is_open = rng.random(len(ages)) < 0.02 + 0.9 * np.exp(-ages / 20)
    pending = rng.choice(("reported", "in_progress", "waiting"), len(ages), p=(0.4, 0.4, 0.2))
    closed = rng.choice(("done", "rejected"), len(ages), p=(0.87, 0.13))
    return np.where(is_open, pending, closed).tolist()


def _severities(kind: Kind, n: int, rng: np.random.Generator) -> list[int]:
    if kind.is_grave:
        shares = (0.0, 0.0, 0.5, 0.5)
    elif kind.group in SERIOUS_GROUPS:
        shares = (0.0, 0.6, 0.35, 0.05)
    elif kind.group in MINOR_GROUPS:
        shares = (0.5, 0.47, 0.03, 0.0)
    else:
        shares = (0.15, 0.7, 0.14, 0.01)
    return (1 + rng.choice(4, n, p=shares)).tolist()


def _reporters(kind: str, n: int, frame: Frame, rng: np.random.Generator) -> list[tuple[str, str]]:
    """(contact, key) per complaint; a few people report often. Empty for incidents."""
    if kind != "complaint":
        return [("", "")] * n
    often = rng.random(n) < 0.05
    people = np.where(often, rng.integers(0, 12, n), rng.integers(12, 12 + 2 * frame.records, n)).tolist()
    reachable = rng.random(n) < 0.4
    keys = [hashlib.sha256(f"{frame.seed}:{person}".encode()).hexdigest()[:32] for person in people]
    contacts = [f"anliegen-{p}@buerger.example" if r else "" for p, r in zip(people, reachable, strict=True)]
    return list(zip(contacts, keys, strict=True))
