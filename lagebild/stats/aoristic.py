"""Aoristic profile of the week: when things happened of which only a span of time is known."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

DAYS = 7
HOURS = 24
HOUR_MINUTES = 60
WEEK_MINUTES = DAYS * HOURS * HOUR_MINUTES
A_MONDAY = np.datetime64("2000-01-03", "m")


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
