"""Aoristic profile of the week: when things happened of which only a span of time is known."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.special import rel_entr

DAYS = 7
HOURS = 24
HOUR_MINUTES = 60
WEEK_MINUTES = DAYS * HOURS * HOUR_MINUTES
A_MONDAY = np.datetime64("2000-01-03", "m")
# Runs of hours a peak may have. Shorter ones are noise, longer ones no time of day.
PEAK_HOURS = range(3, 10)
PEAK_FACTOR = 1.5
PEAK_LEVEL = 0.05


@dataclass(frozen=True)
class Profile:
    """Result of `profile`.

    weights: (7, 24) float, Monday first, hour 0 first; the sum is `events`. events: number of spans. exact: how many
    lie within one hour of the clock. vague: how many last a week or longer, say nothing and are in all hours alike.
    """

    weights: npt.NDArray[np.float64]
    events: int
    exact: int
    vague: int


def profile(start: npt.ArrayLike, end: npt.ArrayLike) -> Profile:
    """Weight of every hour of the week: each span counts 1, spread evenly over its minutes.

    start, end: (n,) datetime64, local times without a zone, end not before start; `end` NaT where the time is known
    exactly. Seconds are cut off. A span of no or one minute counts in the hour of its start; one of a week or more is
    spread over all 168 hours alike, whatever it leaves over. The minute in which a span ends is no part of it.

    Ratcliffe 2000, Int J Geogr Inf Sci 14:669; by the hour of the week as Ratcliffe 2002, J Quant Criminol 18:23.
    Agrees with aoristic.df of the R package aoristic. Across a change of the clock a span is an hour longer or
    shorter than the clocks say; the caller's local times decide.
    ValueError for lengths that differ, a start that is missing and an end before its start: aoristic.df takes such a
    span for its start, here the caller decides.
    """
    first, last = (np.asarray(times, dtype="datetime64[m]") for times in (start, end))
    _check(first, last)
    offset = (first - A_MONDAY).astype(np.int64) % WEEK_MINUTES
    length = np.where(np.isnat(last), 0, (last - first).astype(np.int64))
    length = np.maximum(length, 1)
    vague = length >= WEEK_MINUTES
    begin, minutes = offset[~vague], length[~vague]
    per_minute = _spread(begin, minutes)
    weights = per_minute.reshape(DAYS * HOURS, HOUR_MINUTES).sum(axis=1) + vague.sum() / (DAYS * HOURS)
    return Profile(
        weights=weights.reshape(DAYS, HOURS),
        events=len(first),
        exact=int((begin % HOUR_MINUTES + minutes <= HOUR_MINUTES).sum()),
        vague=int(vague.sum()),
    )


def _check(first: npt.NDArray, last: npt.NDArray) -> None:
    if first.ndim != 1 or first.shape != last.shape:
        raise ValueError(f"start and end must be two series of the same length, got {first.shape} and {last.shape}")
    if np.isnat(first).any():
        raise ValueError("start must be known")
    if (last < first).any():
        raise ValueError(f"{int((last < first).sum())} spans end before they start")


def _spread(begin: npt.NDArray[np.int64], minutes: npt.NDArray[np.int64]) -> npt.NDArray[np.float64]:
    """Weight of each minute of the week; spans may run over its end."""
    size = 2 * WEEK_MINUTES
    end = begin + minutes
    share = 1.0 / minutes
    running = np.cumsum(
        np.bincount(begin, weights=share, minlength=size) - np.bincount(end, weights=share, minlength=size)
    )
    # Where no span runs the sum of what came and went is a rounding error.
    touched = np.cumsum(np.bincount(begin, minlength=size) - np.bincount(end, minlength=size)) > 0
    return np.where(touched, running, 0.0).reshape(2, WEEK_MINUTES).sum(axis=0)


@dataclass(frozen=True)
class Peak:
    """The same hours on neighbouring days that hold more than an even week would give them.

    Hours past midnight belong to the day before.

    first_day: 0 Monday to 6 Sunday; days: 1 to 7, on from first_day; first_hour: 0 to 23; hours: how many. share: of
    all weight, 0 to 1; share_of_week: of all hours, 0 to 1. llr: log likelihood ratio against an even week.
    """

    first_day: int
    days: int
    first_hour: int
    hours: int
    share: float
    share_of_week: float
    llr: float


def peak(weights: npt.ArrayLike, *, events: int) -> Peak | None:
    """The run of days and hours that stands out most; None where none stands out for certain.

    weights: (7, 24) float as of `profile`, Monday first, their sum about `events`, the number of spans.

    Among runs of 1 to 7 days and 3 to 9 hours the one with the largest ratio c ln(c/m) + (C - c) ln((C - c)/(C - m)),
    c the weight in the run, C all, m the run's part of an even week. Weights are no counts, but each span adds between
    0 and 1 to a run, so that exp(-ratio) bounds the chance of as much in that run (Hoeffding 1963, J Am Stat Assoc
    58:13, Theorem 1), and a peak is told where that times the number of runs is at most 5 %. It must also hold half as
    much again as an even week would give it.
    ValueError for another shape, weights below 0 and a sum that is not `events`.
    """
    week = np.asarray(weights, dtype=np.float64)
    if week.shape != (DAYS, HOURS) or not (np.isfinite(week) & (week >= 0)).all():
        raise ValueError("weights must be 7 x 24 numbers of at least 0")
    if abs(week.sum() - events) > 0.001 * max(events, 1) + 0.5:
        raise ValueError(f"weights add up to {week.sum()}, not to {events} events")
    if not events:
        return None
    total = float(week.sum())
    share = np.minimum(_weights(week) / total, 1.0)
    even = _RUNS[:, 1] * _RUNS[:, 3] / (DAYS * HOURS)
    llr = np.where(share > even, total * (rel_entr(share, even) + rel_entr(1 - share, 1 - even)), 0.0)
    best = int(np.argmax(llr))
    if len(_RUNS) * np.exp(-llr[best]) > PEAK_LEVEL or share[best] < PEAK_FACTOR * even[best]:
        return None
    return Peak(*_RUNS[best].tolist(), share=float(share[best]), share_of_week=float(even[best]), llr=float(llr[best]))


def _weights(week: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """(n,) weights in `_RUNS`."""
    size = DAYS * HOURS
    around = np.concatenate([[0.0], np.cumsum(np.tile(week.reshape(-1), 2))])
    found = []
    for hours in PEAK_HOURS:
        of_day = (around[hours : hours + size] - around[:size]).reshape(DAYS, HOURS)
        for days in range(1, DAYS + 1):
            found += [of_day[(first + np.arange(days)) % DAYS].sum(axis=0) for first in _first_days(days)]
    return np.concatenate(found)


def _first_days(days: int) -> range:
    """A run of all days has no first one."""
    return range(DAYS if days < DAYS else 1)


# (n, 4) first day, days, first hour, hours; in the order of `_weights`.
_RUNS = np.array(
    [
        (first_day, days, first_hour, hours)
        for hours in PEAK_HOURS
        for days in range(1, DAYS + 1)
        for first_day in _first_days(days)
        for first_hour in range(HOURS)
    ]
)
