"""What a look at one form reads: streams, days and cases. Cooperation faces only, through the loading of the scan."""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace

import h3.api.basic_int as h3
import numpy as np

from incidents.models import Category, Kind
from lagebild.calendar import Calendar, calendar_words, load_calendar
from lagebild.phenomena.budget import look_day, look_level
from lagebild.phenomenon_models import Form
from lagebild.scanning import count_by_agency, load_rows, seeded
from lagebild.selectors import NO_TIME, City, day_number
from lagebild.stats.weeks import YEAR_DAYS
from lagebild.strata import Strata, strata_of
from lagebild.stream_sets import AlarmStream
from lagebild.watch import Watch
from lagebild.wording import place_label

PREFIX = "form"
# Raised with every change of what a look makes of the same cases.
FORM_VERSION = 1
SHIFT_DAYS = 84
CHAIN_WEEKS = 52
# Places that count as one where a form must show in several: about 0.7 km².
PLACE_RESOLUTION = 8


@dataclass(frozen=True)
class Cases:
    """Case rows of one stream. Arrays (m,) int64: place in the grid, agency, day, count, category, time of day.

    Only a look at modi reads the time of day; else it is NO_TIME.
    """

    place: np.ndarray
    agency: np.ndarray
    day: np.ndarray
    count: np.ndarray
    category: np.ndarray
    hours: np.ndarray

    def where(self, mask: np.ndarray) -> Cases:
        return Cases(*(column[mask] for column in vars(self).values()))

    def counted_once(self) -> Cases:
        """Where there is a row per case."""
        return replace(self, count=np.ones_like(self.count))

    def of_agency(self, agency: int) -> Cases:
        return self.where(self.agency == agency)

    def by_agency(self) -> dict[str, int]:
        """Agency id, as JSON knows keys, -> cases."""
        return {str(agency): number for agency, number in count_by_agency(self.agency, self.count).items()}


@dataclass(frozen=True)
class Look:
    """One form on one day. `streams` are those looked at, `tests` the streams or pairs that share the form's budget."""

    key: str
    form: Form
    day: dt.date
    first: dt.date
    city: City
    calendar: Calendar
    streams: tuple[AlarmStream, ...]
    group_ids: dict[str, tuple[int, ...]]
    tests: int
    rows: dict[str, np.ndarray]

    @property
    def level(self) -> float:
        return look_level(self.form, self.tests)

    def cases(self, stream: AlarmStream) -> Cases:
        rows = self.rows[stream.kind]
        columns = list(rows[np.isin(rows[:, 4], stream.category_ids)].T)
        return Cases(*columns, *[np.full_like(columns[0], NO_TIME)] * (6 - len(columns)))

    def strata(self, stream: AlarmStream, cases: Cases) -> Strata:
        """What is exchangeable, and what is masked, by the rule of the signals."""
        return strata_of(
            calendar=self.calendar,
            city=self.city,
            group_ids=self.group_ids[stream.id],
            agency=cases.agency,
            day=cases.day,
            place=cases.place,
            count=cases.count,
        )

    def place_label(self, cell: int) -> str:
        return place_label(cell, self.city.district_of_cell.get(cell))

    def rng(self, *words: str) -> np.random.Generator:
        """The same look at the same stream, the same random numbers."""
        return seeded(":".join((self.key, *words)), self.day)

    @property
    def sha256(self) -> str:
        """Over the cases and everything else the result depends on."""
        words = [FORM_VERSION, self.key, self.day.isoformat(), self.first.isoformat(), self.level]
        words += [calendar_words(self.calendar), [[stream.id, stream.category_ids] for stream in self.streams]]
        digest = hashlib.sha256(repr(words).encode())
        for rows in self.rows.values():
            digest.update(np.ascontiguousarray(rows).tobytes())
        digest.update(self.city.grid.cells.tobytes())
        return digest.hexdigest()


def look_keys() -> list[str]:
    """The parts of a night that look for phenomena: a form and kind each, and the chains between both kinds."""
    return [
        *(f"{PREFIX}:{form}:{kind}" for form in (Form.MODUS, Form.SHIFT, Form.NEAR_REPEAT) for kind in Kind),
        f"{PREFIX}:{Form.CHAIN}",
    ]


def looked_streams(watch: Watch) -> list[AlarmStream]:
    """The catalogue's groups with the categories that may be told by cell; a group without any is left out.

    Agencies' own streams would count the same records twice.
    """
    streams = [
        replace(stream, category_ids=tuple(pk for pk in stream.category_ids if pk in watch.by_cell))
        for kind in Kind
        for stream in watch.together(kind)
    ]
    return [stream for stream in streams if stream.category_ids]


def tests_of(form: Form, streams: Sequence[AlarmStream]) -> int:
    """How many tests of a form one look makes: streams, or pairs of a complaint and an incident stream."""
    complaints = sum(stream.kind == Kind.COMPLAINT for stream in streams)
    return complaints * (len(streams) - complaints) if form == Form.CHAIN else len(streams)


def first_day(form: Form, last: dt.date) -> dt.date:
    """First day of what a look that ends with `last` reads."""
    if form == Form.NEAR_REPEAT:
        return last.replace(month=last.month - 2, day=1)
    days = {Form.MODUS: YEAR_DAYS, Form.SHIFT: 2 * SHIFT_DAYS, Form.CHAIN: 7 * CHAIN_WEEKS}[form]
    return last - dt.timedelta(days=days - 1)


def load_look(key: str, date: dt.date, watch: Watch, city: City) -> Look:
    """About ten queries, two of them for the cases of each kind."""
    _, form, *kinds = key.split(":")
    form = Form(form)
    last = look_day(form, date)
    if form == Form.CHAIN:
        # Whole weeks, of which the quarter's last may be broken.
        last -= dt.timedelta(days=(last.weekday() + 1) % 7)
    first = first_day(form, last)
    streams = looked_streams(watch)
    kinds = kinds or list(Kind)
    by = ("category_id", "hours") if form == Form.MODUS else ("category_id",)
    chosen = tuple(stream for stream in streams if stream.kind in kinds)
    if form == Form.MODUS:
        chosen = _told_by_hour(chosen)
    rows = {
        kind: load_rows(kind, _categories(chosen, kind), city, first=first, last=last, by=by) for kind in sorted(kinds)
    }
    return Look(
        key=key,
        form=form,
        day=last,
        first=first,
        city=city,
        calendar=load_calendar(first, last),
        streams=chosen,
        group_ids={stream.id: watch.group_ids[stream.id] for stream in chosen},
        tests=tests_of(form, streams),
        rows=rows,
    )


def _told_by_hour(streams: Sequence[AlarmStream]) -> tuple[AlarmStream, ...]:
    """Without sensitive categories, whose hours are told nowhere: a habit can point at a household. One query."""
    sensitive = set(Category.objects.filter(is_sensitive=True).values_list("pk", flat=True))
    left = (
        replace(stream, category_ids=tuple(pk for pk in stream.category_ids if pk not in sensitive))
        for stream in streams
    )
    return tuple(stream for stream in left if stream.category_ids)


def _categories(streams: Sequence[AlarmStream], kind: str) -> list[int]:
    return sorted(pk for stream in streams if stream.kind == kind for pk in stream.category_ids)


def wider_places(city: City) -> np.ndarray:
    """(n,) int64: of each cell of the grid the H3 cell of `PLACE_RESOLUTION` it lies in."""
    return np.array([h3.cell_to_parent(int(cell), PLACE_RESOLUTION) for cell in city.grid.cells], dtype=np.int64)


def days_ago(look: Look, days: int) -> int:
    """Number of the first of the last `days` days of a look."""
    return day_number(look.day) - days + 1
