"""A look back at one stream: every interval of a whole period is searched, whenever it began and ended.

Loading and strata are those of the nightly scan; what differs is the search (`lagebild.stats.retrospective`). Loading
asks the database, searching does not.
"""

from __future__ import annotations

import datetime as dt
import zlib
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from agencies.models import Agency
from incidents.models import Area
from lagebild.calendar import calendar_words, load_calendar
from lagebild.retrospect_models import Retrospect
from lagebild.scanning import (
    Field,
    StreamCases,
    count_by_agency,
    fingerprint,
    least_cases,
    load_stream,
    stratified,
    zones_of,
)
from lagebild.selectors import day_number, load_city
from lagebild.stats.retrospective import PastCluster, look_back, null_permuted, p_of, past
from lagebild.streams import named_agencies
from lagebild.watch import load_watch
from lagebild.wording import place_label

# What is shown as more than chance, and how many of it at most.
SIGNIFICANT = 0.05
MOST_CLUSTERS = 10
REPLICATES = 999
# An agency alone needs no more than a yes or no.
REPLICATES_ALONE, HOPELESS_ALONE = 199, 10
# Raised with every change of what a search makes of the same cases.
SEARCH_VERSION = 1


class StreamGoneError(Exception):
    """The stream that was asked for is not watched any more."""


@dataclass(frozen=True)
class Loaded:
    """Everything a search needs."""

    stream: str
    longest: int
    field: Field
    found: StreamCases
    group_ids: tuple[int, ...]
    least: int
    slugs: dict[int, str]
    sha256: str

    @property
    def total(self) -> int:
        return int(self.found.count.sum())

    def day(self, period: int) -> dt.date:
        return self.field.first + dt.timedelta(days=period)

    def rng(self, *words: str) -> np.random.Generator:
        """The same stream, period and longest duration, the same random numbers, on every machine."""
        keys = (zlib.crc32(word.encode()) for word in ("retrospect", self.stream, *words))
        return np.random.default_rng([*keys, self.field.first.toordinal(), self.field.date.toordinal(), self.longest])


@dataclass(frozen=True)
class FoundCluster:
    """One cluster in words and numbers, as it is stored."""

    center_cell: int
    cells: list[int]
    district: Area | None
    place_label: str
    first_day: dt.date
    last_day: dt.date
    count: int
    expected: float
    llr: float
    p_value: float
    is_merged_only: bool | None
    agencies: list[str]


@dataclass(frozen=True)
class Outcome:
    cases: int
    first_case_on: dt.date | None
    least: int
    replicates: int
    sha256: str
    clusters: list[FoundCluster]


def load(*, pk) -> Loaded:
    """The cooperation faces of the period as they stand now; raises StreamGoneError."""
    asked = Retrospect.objects.get(pk=pk)
    watch = load_watch()
    stream = next((stream for stream in watch.streams if stream.id == asked.stream), None)
    if stream is None:
        raise StreamGoneError
    city = load_city()
    calendar = load_calendar(asked.first_day, asked.last_day)
    days = (asked.last_day - asked.first_day).days + 1
    whole = Field(asked.last_day, city, calendar, zones_of(city.grid), SIGNIFICANT, days)
    found = load_stream(stream, whole)
    least = least_cases(stream)
    words = [SEARCH_VERSION, days, asked.longest_days, least, calendar_words(calendar), stream.category_ids]
    return Loaded(
        stream=stream.id,
        longest=asked.longest_days,
        field=whole,
        found=found,
        group_ids=watch.group_ids[stream.id],
        least=least,
        slugs=dict(Agency.objects.values_list("pk", "slug")),
        sha256=fingerprint(found, whole, words),
    )


def search(loaded: Loaded, *, report: Callable[[int], None]) -> Outcome:
    """Every cluster that chance explains in at most 1 of 20 cases, best first, else the best there is."""
    one = _Search(loaded, loaded.found)
    found = one.best()
    maxima = one.null(found[0].llr, loaded.rng(), replicates=REPLICATES, report=report) if found else np.empty(0)
    alone = _Alone(loaded)
    shown = [(cluster, p_of(maxima, cluster.llr)) for cluster in found]
    loud = [(cluster, p) for cluster, p in shown if p <= SIGNIFICANT]
    clusters = [_words(loaded, cluster, p, alone if loud else None) for cluster, p in loud or shown[:1]]
    days = loaded.found.day
    return Outcome(
        cases=loaded.total,
        first_case_on=loaded.day(int(days.min()) - day_number(loaded.field.first)) if days.size else None,
        least=loaded.least,
        replicates=maxima.size,
        sha256=loaded.sha256,
        clusters=clusters,
    )


class _Search:
    """Cases of all agencies, or of one, over the period."""

    def __init__(self, loaded: Loaded, found: StreamCases) -> None:
        data = stratified(found, loaded.field, group_ids=loaded.group_ids)
        self.loaded = loaded
        self.table = past(data, places=loaded.field.city.grid.size, periods=loaded.field.days)
        self.limits = {"longest": loaded.longest, "least": loaded.least}

    def best(self) -> tuple[PastCluster, ...]:
        if self.table.total < self.loaded.least:
            return ()
        table, zones = self.table, self.loaded.field.zones
        return look_back(table.observed, table.expected, zones, most=MOST_CLUSTERS, may_recur=True, **self.limits)

    def null(self, value: float, rng: np.random.Generator, **more) -> np.ndarray:
        return null_permuted(self.table, self.loaded.field.zones, value, rng=rng, **self.limits, **more)


@dataclass
class _Alone:
    """Which agencies would have shown a cluster out of their own cases, at the same level; each is searched once."""

    loaded: Loaded
    searched: dict[int, tuple[_Search, tuple[PastCluster, ...]]] = field(default_factory=dict)
    maxima: dict[int, np.ndarray] = field(default_factory=dict)

    def has_shown(self, cluster: PastCluster, counts: dict[int, int]) -> bool:
        if np.unique(self.loaded.found.agency).size == 1:
            return True
        return any(
            self._shows(agency, cluster)
            for agency, count in sorted(counts.items(), key=lambda item: -item[1])
            if count >= self.loaded.least
        )

    def _shows(self, agency: int, cluster: PastCluster) -> bool:
        if agency not in self.searched:
            one = _Search(self.loaded, self.loaded.found.of_agency(agency))
            self.searched[agency] = one, one.best()
        one, own = self.searched[agency]
        near = next((found for found in own if _touch(found, cluster)), None)
        if near is None:
            return False
        if agency not in self.maxima:
            rng = self.loaded.rng(self.loaded.slugs[agency])
            self.maxima[agency] = one.null(near.llr, rng, replicates=REPLICATES_ALONE, stop_after=HOPELESS_ALONE)
        return p_of(self.maxima[agency], near.llr) <= SIGNIFICANT


def _touch(one: PastCluster, other: PastCluster) -> bool:
    return one.first <= other.last and other.first <= one.last and not set(one.places).isdisjoint(other.places)


def _words(loaded: Loaded, cluster: PastCluster, p: float, alone: _Alone | None) -> FoundCluster:
    city = loaded.field.city
    cells = [int(city.grid.cells[place]) for place in cluster.places]
    district = city.district_of_cell.get(cells[0])
    counts = _counts(loaded, cluster)
    return FoundCluster(
        center_cell=cells[0],
        cells=cells,
        district=district,
        place_label=place_label(cells[0], district),
        first_day=loaded.day(cluster.first),
        last_day=loaded.day(cluster.last),
        count=cluster.count,
        expected=cluster.expected,
        llr=cluster.llr,
        p_value=p,
        is_merged_only=None if alone is None else not alone.has_shown(cluster, counts),
        agencies=named_agencies(counts, loaded.slugs),
    )


def _counts(loaded: Loaded, cluster: PastCluster) -> dict[int, int]:
    """Agency -> number of its cases in the cluster."""
    found, first = loaded.found, day_number(loaded.field.first)
    inside = np.isin(found.place, cluster.places)
    inside &= (found.day >= first + cluster.first) & (found.day <= first + cluster.last)
    return count_by_agency(found.agency[inside], found.count[inside])
