"""Make the records of a demonstration city: same numbers in, same rows out. No database, no clock."""

from __future__ import annotations

import datetime

import numpy as np

from incidents.demo.frame import Frame
from incidents.demo.geography import Spots
from incidents.demo.habits import LATE, MISSED_WEEKS, SUSPENDED, SUSPENDED_FOR
from incidents.demo.rhythm import Rhythm, rhythm_of
from incidents.demo.rows import Batch, Row, finish
from incidents.demo.stories import StoryPart, all_parts, moments
from incidents.demo.volumes import Stream, streams


def monday(day: datetime.date) -> datetime.date:
    return day - datetime.timedelta(days=day.weekday())


def missed_weeks(until: datetime.date) -> list[datetime.date]:
    """Mondays of the weeks the late agency did not deliver."""
    return [monday(until) - datetime.timedelta(weeks=weeks) for weeks in MISSED_WEEKS]


def generate(frame: Frame) -> list[Row]:
    """Exactly `frame.records` rows, oldest first; raises ValueError when that is too few to hold the stories."""
    parts = all_parts(frame.records)
    planted = sum(len(part.days_ago) for part in parts)
    if frame.records < 2 * planted:
        raise ValueError(f"records={frame.records}: at least {2 * planted} are needed to hold the planted stories")
    rng = np.random.default_rng(frame.seed)
    days = frame.days
    open_days = {agency: _open_days(agency, days, frame.until) for agency in {s.agency for s in streams()}}
    batches = [
        _background(stream, n, frame, days, open_days[stream.agency], rng)
        for stream, n in _allocate(frame.records - planted, open_days)
        if n
    ]
    batches += [_planted(part, frame, rng) for part in parts]
    return finish(batches, frame, rng)


def _open_days(agency: str, days: list[datetime.date], until: datetime.date) -> np.ndarray:
    """(n,) float, 1 where the agency delivers, 0 where it does not."""
    if agency == SUSPENDED:
        return np.array([float(day <= until - SUSPENDED_FOR) for day in days])
    missed = set(missed_weeks(until)) if agency == LATE else set()
    return np.array([float(monday(day) not in missed) for day in days])


def _allocate(total: int, open_days: dict[str, np.ndarray]) -> list[tuple[Stream, int]]:
    """Whole numbers per stream in proportion to its volume, adding up to `total` (largest remainder)."""
    found = streams()
    weights = np.array([stream.per_year * open_days[stream.agency].mean() for stream in found])
    exact = total * weights / weights.sum()
    counts = np.floor(exact).astype(int)
    largest = np.argsort(counts - exact, kind="stable")[: total - counts.sum()]
    counts[largest] += 1
    return list(zip(found, counts.tolist(), strict=True))


def _background(
    stream: Stream, n: int, frame: Frame, days: list[datetime.date], open_days: np.ndarray, rng: np.random.Generator
) -> Batch:
    kind = frame.kinds[stream.category]
    rhythm: Rhythm = rhythm_of(kind.group, stream.category)
    weights = rhythm.day_weights(days) * open_days
    drawn = [days[index] for index in np.sort(rng.choice(len(days), n, p=weights / weights.sum()))]
    spots: Spots = frame.city.draw(kind.group, stream.category, n, rng)
    return Batch(stream.agency, stream.kind, stream.category, drawn, rhythm.minutes(drawn, rng), spots, planted=False)


def _planted(part: StoryPart, frame: Frame, rng: np.random.Generator) -> Batch:
    days, minutes = moments(part, frame.until, rng)
    n = len(days)
    place = np.full(n, frame.city.place(part.place))
    spots = frame.city.around(place, np.full(n, part.spread_m), rng)
    return Batch(part.agency, part.kind, part.category, days, minutes, spots, planted=True)
