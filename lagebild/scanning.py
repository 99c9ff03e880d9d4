"""Signals of one night: each stream is scanned for what has grown in the last four weeks.

Reads cooperation faces only, which every member sees one by one: what is running shows no protected count. The result
of a stream is plain JSON; what it was made from is told by a hash, so that a stream already scanned is not scanned
again.
"""

from __future__ import annotations

import datetime as dt
import functools
import hashlib
import zlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from django.db.models import Count, F

from agencies.visibility import SharingLevel
from incidents.models import Category, Complaint, GeoLimit, Incident, Kind
from lagebild.calendar import Calendar
from lagebild.night_models import NullPool
from lagebild.selectors import City, LocalDay, LocalHours, day_number, local_instants
from lagebild.stats.alarms import NullPool as Maxima
from lagebild.stats.alarms import null_pool, pool_p
from lagebild.stats.grid import OUTSIDE, Grid, build_grid, positions
from lagebild.stats.multivariate import Bundle, bundle, joint_cluster, joint_null_maxima, joint_statistic
from lagebild.stats.repeats import repeats
from lagebild.stats.scan import (
    LEAST_CASES,
    WINDOW_DAYS,
    Cases,
    Cluster,
    Stream,
    cases,
    clusters,
    null_maxima,
    prepare,
    statistic,
)
from lagebild.stats.weeks import YEAR_DAYS
from lagebild.stats.zones import Zones, hexagon_disks, joined, lines
from lagebild.strata import strata_of
from lagebild.stream_sets import AlarmStream

# Without a stored pool: so many replicates dismiss a quiet stream, so many judge a loud one.
DISMISSED_AFTER = 10
FIRST_LOOK = 199
AT_ONCE = 2_000
# A joint search costs as much as all its streams, and an agency alone needs no more than a yes or no.
AT_ONCE_COSTLY = 500
FIRST_LOOK_COSTLY = 39
# Few cases of a grave kind are enough, and it is said openly.
LEAST_GRAVE = 3
JOINT = "joint"
ALONE = "alone"
# What cases can be told apart by besides cell, agency and day; None: a column of the face.
COLUMNS = {"category_id": None, "hours": LocalHours()}


@dataclass(frozen=True)
class StreamCases:
    """Case rows of one stream inside the city. Arrays (m,) int64: place in the grid, agency id, day, count."""

    place: np.ndarray
    agency: np.ndarray
    day: np.ndarray
    count: np.ndarray

    def of_agency(self, agency: int) -> StreamCases:
        own = self.agency == agency
        return StreamCases(self.place[own], self.agency[own], self.day[own], self.count[own])


def count_by_agency(agency: np.ndarray, count: np.ndarray) -> dict[int, int]:
    """Agency id, ascending, -> cases; agency and count: (m,)."""
    ids, position = np.unique(agency, return_inverse=True)
    totals = np.bincount(position.reshape(-1), weights=count, minlength=ids.size).astype(int)
    return dict(zip(ids.tolist(), totals.tolist(), strict=True))


@dataclass(frozen=True)
class Field:
    """What the streams of a night share: the `days` up to `date`, twelve months where nothing else is said.

    `zones` are disks. Single streams are scanned along `streets` as well where these are given; joint searches never
    are, whose expectations would take five times the memory.
    """

    date: dt.date
    city: City
    calendar: Calendar
    zones: Zones
    threshold: float
    days: int = YEAR_DAYS
    streets: Zones | None = None

    @property
    def stream_zones(self) -> Zones:
        return self.streets or self.zones

    @property
    def first(self) -> dt.date:
        return self.date - dt.timedelta(days=self.days - 1)


def zones_of(grid: Grid) -> Zones:
    return _zones_of(grid.cells.tobytes(), grid.size)


def streets_of(grid: Grid) -> Zones:
    """Disks and straight lines."""
    return _streets_of(grid.cells.tobytes(), grid.size)


@functools.lru_cache(maxsize=2)
def _zones_of(cells: bytes, size: int) -> Zones:
    return hexagon_disks(build_grid(np.frombuffer(cells, dtype=np.int64, count=size).tolist()))


@functools.lru_cache(maxsize=2)
def _streets_of(cells: bytes, size: int) -> Zones:
    grid = build_grid(np.frombuffer(cells, dtype=np.int64, count=size).tolist())
    return joined(_zones_of(cells, size), lines(grid))


def load_stream(stream: AlarmStream, field: Field) -> StreamCases:
    """Cooperation cases of the field's days by cell, agency and day; repeats of one defect are left out."""
    rows = load_rows(stream.kind, stream.category_ids, field.city, first=field.first, last=field.date)
    return StreamCases(*(np.ascontiguousarray(column) for column in rows.T))


def load_rows(
    kind: str, category_ids: Sequence[int], city: City, *, first: dt.date, last: dt.date, by: Sequence[str] = ()
) -> np.ndarray:
    """Cooperation cases on the local days first to last of the categories that may be told by cell, counted.

    (m, 4 + len(by)) int64, ascending: place in the city's grid, agency id, day, count, and the columns `by` (names of
    `COLUMNS`). Repeats of one defect are left out, and what lies outside the city. Two or three queries.
    """
    categories = list(Category.objects.filter(pk__in=category_ids, geo=GeoLimit.POINT))
    defects = [category.pk for category in categories if category.is_defect]
    others = [category.pk for category in categories if not category.is_defect]
    rows = np.concatenate(
        [
            _counted(_records(kind, others, first, last, by), by),
            _first_reports(_records(kind, defects, first, last, by), by),
        ]
    )
    place = positions(city.grid.cells, rows[:, 0])
    inside = place != OUTSIDE
    columns = np.column_stack([place[inside], rows[inside, 1:]])
    return columns[np.lexsort(columns.T[::-1])].astype(np.int64)


def _records(kind: str, categories: Sequence[int], first: dt.date, last: dt.date, by: Sequence[str]):
    model = Incident if kind == Kind.INCIDENT else Complaint
    named = {name: COLUMNS[name] for name in by if COLUMNS[name] is not None}
    return (
        model.objects.in_picture()
        .filter(sharing_level=SharingLevel.COOPERATION, category_id__in=categories, cell__isnull=False)
        .between(*local_instants(first, last))
        .order_by()
        .annotate(day=LocalDay("occurred_from"), **named)
    )


def _counted(records, by: Sequence[str]) -> np.ndarray:
    rows = records.values_list("cell", "agency_id", "day", *by).annotate(number=Count("pk"))
    return _array(
        ((cell, agency, day_number(day), number, *more) for cell, agency, day, *more, number in rows.iterator(20_000)),
        4 + len(by),
    )


def _first_reports(records, by: Sequence[str]) -> np.ndarray:
    """The same of defects, each event counted once: same agency, category and exact cell, seven days.

    Across agencies the exact cell would tell where a foreign report lies: whether one's own takes its place.
    """
    rows = (
        records.annotate(exact=F("detail__cell"))
        .values_list("cell", "agency_id", "day", "category_id", "exact", *by)
        .order_by("day", "pk")
    )
    table = _array(
        (
            (cell, agency, day_number(day), 1, *more, category, exact or cell)
            for cell, agency, day, category, exact, *more in rows
        ),
        6 + len(by),
    )
    event = np.unique(table[:, [1, -2, -1]], axis=0, return_inverse=True)[1].reshape(-1)
    return table[~repeats(event, table[:, 2]), :-2]


def _array(rows: Iterable[tuple[int, ...]], width: int) -> np.ndarray:
    return np.fromiter(rows, dtype=np.dtype((np.int64, width))).reshape(-1, width)


def least_cases(stream: AlarmStream) -> int:
    """Three where every category is grave, five else."""
    graves = Category.objects.filter(pk__in=stream.category_ids).values_list("is_grave", flat=True)
    return LEAST_GRAVE if all(graves) else LEAST_CASES


def prepared(
    found: StreamCases, field: Field, *, least: int, group_ids: Sequence[int], zones: Zones | None = None
) -> Stream:
    """Strata and masks applied, ready to scan."""
    return prepare(stratified(found, field, group_ids=group_ids), zones or field.zones, least=least)


def stratified(found: StreamCases, field: Field, *, group_ids: Sequence[int]) -> Cases:
    """The cases with the strata they are exchangeable in, without what is masked."""
    strata = strata_of(
        calendar=field.calendar,
        city=field.city,
        group_ids=group_ids,
        agency=found.agency,
        day=found.day,
        place=found.place,
        count=found.count,
    )
    kept = strata.kept
    age = day_number(field.date) - found.day
    return cases(found.place[kept], age[kept], strata.number[kept], found.count[kept])


@dataclass(frozen=True)
class Judged:
    """p and how it was found: by a stored pool, by replicates of this night, or by the tail fitted to either."""

    p: float
    replicates: int
    is_fitted: bool
    maxima: Maxima | None

    def p_of(self, value: float) -> float:
        """p of a further cluster of the same night; conservative, as the pool is that of the best."""
        return pool_p(self.maxima, value).p if self.maxima is not None else self.p


def judge(key: str, observed: float, field: Field, draw, *, stored: NullPool | None) -> Judged:
    """p of the largest ratio. `draw(replicates, rng)` gives null maxima; the same night gives the same ones."""
    if stored is not None:
        pool = null_pool(stored.values())
        found = pool_p(pool, observed)
        return Judged(found.p, stored.size, found.is_fitted, pool)
    if observed <= 0:
        return Judged(1.0, 0, False, None)
    rng = seeded(key, field.date)
    looks, most = (FIRST_LOOK_COSTLY, AT_ONCE_COSTLY) if _is_costly(key) else (FIRST_LOOK, AT_ONCE)
    first = draw(looks, rng)
    exceeding = int(np.count_nonzero(first >= observed))
    if exceeding >= DISMISSED_AFTER:
        return Judged((exceeding + 1) / (first.size + 1), first.size, False, null_pool(first))
    pool = null_pool(np.concatenate([first, draw(most - first.size, rng)]))
    found = pool_p(pool, observed)
    return Judged(found.p, most, found.is_fitted, pool)


def _is_costly(key: str) -> bool:
    return key.startswith((JOINT, ALONE))


def seeded(key: str, date: dt.date) -> np.random.Generator:
    """The same stream and day, the same random numbers, on every machine."""
    return np.random.default_rng([date.toordinal(), zlib.crc32(key.encode())])


def scan_stream(
    stream: AlarmStream, found: StreamCases, field: Field, *, group_ids: Sequence[int], stored: NullPool | None
) -> dict:
    """Result of one stream as JSON: totals, p of its best cluster, and every cluster that alarms."""
    least = least_cases(stream)
    ready = prepared(found, field, least=least, group_ids=group_ids, zones=field.stream_zones)
    observed = statistic(ready)
    judged = judge(
        stream.id,
        observed,
        field,
        lambda number, rng: null_maxima(ready, number, rng),
        stored=stored,
    )
    best = clusters(ready, most=5)
    shown = [
        _cluster_words(cluster, found, field, p=judged.p if index == 0 else judged.p_of(cluster.llr))
        for index, cluster in enumerate(best)
    ]
    alarms = [words for words in shown if words["p"] <= field.threshold]
    for words in alarms:
        words["alone"] = _seen_alone(stream, found, field, words, least=least, group_ids=group_ids)
    return {
        "total": ready.total,
        "recent": int(ready.recent[:, -1].sum()),
        "least": least,
        "llr": observed,
        "p": judged.p,
        "replicates": judged.replicates,
        "is_fitted": judged.is_fitted,
        "best": shown[0] if shown else None,
        "alarms": alarms,
    }


def _cluster_words(cluster: Cluster, found: StreamCases, field: Field, *, p: float) -> dict:
    cells = field.city.grid.cells
    inside = np.isin(found.place, cluster.places) & (found.day > day_number(field.date) - cluster.days)
    agencies = count_by_agency(found.agency[inside], found.count[inside])
    return {
        "center": int(cells[cluster.places[0]]),
        "cells": [int(cells[place]) for place in cluster.places],
        "days": cluster.days,
        "count": cluster.count,
        "expected": cluster.expected,
        "llr": cluster.llr,
        "p": p,
        "agencies": {str(agency): count for agency, count in agencies.items()},
    }


def _seen_alone(
    stream: AlarmStream, found: StreamCases, field: Field, words: dict, *, least: int, group_ids: Sequence[int]
) -> list[int]:
    """Agencies whose own cases raise an alarm at the same threshold, anywhere that touches the cluster."""
    places = set(positions(field.city.grid.cells, words["cells"]).tolist())
    seen = []
    for agency in sorted(int(key) for key in words["agencies"]):
        own = found.of_agency(agency)
        ready = prepared(own, field, least=least, group_ids=group_ids, zones=field.stream_zones)
        near = next((c for c in clusters(ready, most=5) if places & set(c.places)), None)
        if near is None:
            continue
        judged = judge(
            f"{ALONE}:{stream.id}:{agency}",
            near.llr,
            field,
            lambda number, rng, ready=ready: null_maxima(ready, number, rng),
            stored=None,
        )
        if judged.p <= field.threshold:
            seen.append(agency)
    return seen


def scan_together(
    key: str,
    streams: Sequence[AlarmStream],
    loaded: Sequence[StreamCases],
    field: Field,
    *,
    groups: dict[str, tuple[int, ...]],
    stored: NullPool | None,
) -> dict:
    """The multivariate scan over several streams, as JSON in the form of `scan_stream`, with its parts."""
    kept = [
        (stream, found)
        for stream, found in zip(streams, loaded, strict=True)
        if np.any(found.day > day_number(field.date) - WINDOW_DAYS)
    ]
    if len(kept) < 2:
        return _nothing()
    together = bundle([prepared(found, field, least=LEAST_CASES, group_ids=groups[s.id]) for s, found in kept])
    observed = joint_statistic(together)
    judged = judge(
        key,
        observed,
        field,
        lambda number, rng: joint_null_maxima(together, number, rng),
        stored=stored,
    )
    words = _joint_words(together, kept, field, judged.p)
    return _nothing() | {
        "total": int(together.totals.sum()),
        "recent": int(together.recent[:, :, -1].sum()),
        "llr": observed,
        "p": judged.p,
        "replicates": judged.replicates,
        "is_fitted": judged.is_fitted,
        "best": words,
        "alarms": [words] if words is not None and judged.p <= field.threshold else [],
    }


def _nothing() -> dict:
    return {
        "total": 0,
        "recent": 0,
        "least": LEAST_CASES,
        "llr": 0.0,
        "p": 1.0,
        "replicates": 0,
        "is_fitted": False,
        "best": None,
        "alarms": [],
    }


def _joint_words(
    together: Bundle, kept: Sequence[tuple[AlarmStream, StreamCases]], field: Field, p: float
) -> dict | None:
    best = joint_cluster(together)
    if best is None:
        return None
    cells = field.city.grid.cells
    agencies: dict[str, int] = {}
    parts = []
    for position, count, expected, llr in best.parts:
        stream, found = kept[position]
        parts.append({"stream": stream.id, "label": stream.label, "count": count, "expected": expected, "llr": llr})
        inside = np.isin(found.place, best.places) & (found.day > day_number(field.date) - best.days)
        for agency, own in count_by_agency(found.agency[inside], found.count[inside]).items():
            agencies[str(agency)] = agencies.get(str(agency), 0) + own
    return {
        "center": int(cells[best.places[0]]),
        "cells": [int(cells[place]) for place in best.places],
        "days": best.days,
        "llr": best.llr,
        "p": p,
        "agencies": agencies,
        "parts": sorted(parts, key=lambda part: -part["llr"]),
        "alone": [],
    }


def fingerprint(found: StreamCases, field: Field, words: Sequence) -> str:
    """SHA-256 over the cases of a stream and everything else its result depends on."""
    zones = [field.zones.count, field.stream_zones.count]
    digest = hashlib.sha256(repr((field.date.isoformat(), field.threshold, zones, list(words))).encode())
    for column in (found.place, found.agency, found.day, found.count):
        digest.update(np.ascontiguousarray(column).tobytes())
    digest.update(field.city.grid.cells.tobytes())
    return digest.hexdigest()
