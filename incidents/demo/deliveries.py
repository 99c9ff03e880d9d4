"""Counts that agencies bound to secrecy deliver, and the weeks for which each agency has delivered anything."""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np

from incidents.demo.frame import SPAN_DAYS, Frame
from incidents.demo.generator import missed_weeks, monday
from incidents.demo.geography import INHABITANTS
from incidents.demo.habits import COUNTS_ONLY, LATE, SUSPENDED, SUSPENDED_FOR
from incidents.demo.rows import Row

CITY = "hamm"
PERIOD_DAYS = 28
# Agency -> category -> (usual count of four weeks in the whole city, delivered by district).
USUAL: dict[str, dict[str, tuple[float, bool]]] = {
    "jugendamt": {
        "youth-group": (46, True),
        "minor-at-risk-place": (28, True),
        "child-welfare-referral": (62, False),
    },
    "schule": {"truancy": (64, True)},
    "jva": {"prison-contraband": (14, False), "prison-incident": (7, False)},
    "staatsanwaltschaft": {"fast-track-proceedings": (9, False), "case-disposal": (310, False)},
}


@dataclass(frozen=True)
class CountRow:
    agency: str
    area: str
    category: str
    period_start: datetime.date
    period_end: datetime.date
    count: int


@dataclass(frozen=True)
class WeekRow:
    """A delivered week; `basis` is records, counts or nothing."""

    agency: str
    week: datetime.date
    basis: str


def four_weeks(frame: Frame) -> Iterator[tuple[datetime.date, datetime.date]]:
    """Monday and last Sunday of every four whole weeks within the data, counted back from the last full week."""
    first = frame.until - datetime.timedelta(days=SPAN_DAYS - 1)
    end = monday(frame.until + datetime.timedelta(days=1)) - datetime.timedelta(days=1)
    while (start := end - datetime.timedelta(days=PERIOD_DAYS - 1)) >= first:
        yield start, end
        end = start - datetime.timedelta(days=1)


def counts(frame: Frame) -> list[CountRow]:
    """Four-weekly counts per district or for the city."""
    rng = np.random.default_rng((frame.seed, 1))
    everybody = sum(INHABITANTS.values())
    found = []
    for start, end in four_weeks(frame):
        for agency, table in USUAL.items():
            for category, (usual, by_district) in table.items():
                shares = {slug: n / everybody for slug, n in INHABITANTS.items()} if by_district else {CITY: 1.0}
                found += [
                    CountRow(agency, area, category, start, end, int(rng.poisson(usual * share)))
                    for area, share in shares.items()
                ]
    return found


def delivered_weeks(frame: Frame, rows: Iterable[Row], agencies: Iterable[str]) -> list[WeekRow]:
    """Which weeks each agency has delivered; a week without its row is missing, not empty."""
    last = monday(frame.until)
    weeks = [last - datetime.timedelta(weeks=ago) for ago in range(SPAN_DAYS // 7, -1, -1)]
    with_records = {(row.agency, monday(row.occurred_from.astimezone(frame.timezone).date())) for row in rows}
    missed = set(missed_weeks(frame.until))
    last_count = max((end for _, end in four_weeks(frame)), default=weeks[0])
    found = []
    for agency in agencies:
        for week in weeks:
            basis = "records" if (agency, week) in with_records else "nothing"
            if agency in COUNTS_ONLY:
                basis = "counts"
            if _is_delivered(agency, week, frame, missed, last_count):
                found.append(WeekRow(agency, week, basis))
    return found


def _is_delivered(
    agency: str, week: datetime.date, frame: Frame, missed: set[datetime.date], last_count: datetime.date
) -> bool:
    if agency in COUNTS_ONLY:
        return week + datetime.timedelta(days=6) <= last_count
    if agency == LATE:
        return week not in missed
    if agency == SUSPENDED:
        return week <= frame.until - SUSPENDED_FOR
    return True
