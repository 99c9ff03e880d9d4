"""Shifts: a place that fades beside one that grows, twelve weeks against the twelve before."""

from __future__ import annotations

import datetime as dt

import numpy as np

from lagebild.phenomena.budget import LEAST_FACTOR
from lagebild.phenomena.looks import SHIFT_DAYS, Cases, Look, days_ago
from lagebild.stats.grid import OUTSIDE
from lagebild.stats.shift import Change, Shift, Shifts, find_shifts
from lagebild.stream_sets import AlarmStream


def find_moved(look: Look) -> list[dict]:
    """Shifts within every stream, as JSON."""
    found = []
    for stream in look.streams:
        cases = look.cases(stream)
        shifts = _shifts(look, stream, cases)
        for shift in filter(_is_large, shifts.shifts if shifts else ()):
            found.append(_words(look, stream, cases, shift))
    return found


def _shifts(look: Look, stream: AlarmStream, cases: Cases) -> Shifts | None:
    strata = look.strata(stream, cases)
    kept, number = cases.where(strata.kept), strata.number[strata.kept]
    after = kept.day >= days_ago(look, SHIFT_DAYS)
    shape = (int(number.max(initial=0)) + 1, look.city.grid.size)
    windows = []
    for now in (~after, after):
        counts = np.zeros(shape, dtype=np.int64)
        np.add.at(counts, (number[now], kept.place[now]), kept.count[now])
        windows.append(counts)
    return find_shifts(look.city.grid, *windows, fdr=look.level)


def _is_large(shift: Shift) -> bool:
    return (
        shift.growing.after >= LEAST_FACTOR * shift.growing.expected
        and LEAST_FACTOR * shift.fading.after <= shift.fading.expected
    )


def _words(look: Look, stream: AlarmStream, cases: Cases, shift: Shift) -> dict:
    fading, growing = _places(look, shift.fading), _places(look, shift.growing)
    there = cases.where(np.isin(cases.place, np.concatenate([fading, growing])))
    return {
        "stream": stream.id,
        "first": look.first.isoformat(),
        "count": shift.growing.after,
        "expected": shift.growing.expected,
        "p": shift.q,
        "cells": _cells(look, np.concatenate([fading, growing])),
        "agencies": there.by_agency(),
        "alone": _alone(look, stream, there, cases, fading, growing),
        "evidence": {
            "turned": (look.day - dt.timedelta(days=SHIFT_DAYS - 1)).isoformat(),
            "fading": _side(look, shift.fading, fading),
            "growing": _side(look, shift.growing, growing),
            "distance_m": shift.distance_m,
            "together_ratio": shift.together_ratio,
            "together_p": shift.together_p,
        },
    }


def _places(look: Look, change: Change) -> np.ndarray:
    disk = look.city.grid.disks[change.area]
    return disk[disk != OUTSIDE]


def _cells(look: Look, places: np.ndarray) -> list[int]:
    return [int(cell) for cell in look.city.grid.cells[places]]


def _side(look: Look, change: Change, places: np.ndarray) -> dict:
    center = int(look.city.grid.cells[change.area])
    return {
        "center": center,
        "place": look.place_label(center),
        "cells": _cells(look, places),
        "before": change.before,
        "after": change.after,
        "expected": change.expected,
    }


def _alone(
    look: Look, stream: AlarmStream, there: Cases, cases: Cases, fading: np.ndarray, growing: np.ndarray
) -> list[int]:
    """Agencies whose own cases show the same shift, by the same test and level."""
    seen = []
    for agency in np.unique(there.agency).tolist():
        shifts = _shifts(look, stream, cases.of_agency(agency))
        if any(
            np.isin(_places(look, shift.fading), fading).any() and np.isin(_places(look, shift.growing), growing).any()
            for shift in (shifts.shifts if shifts else ())
        ):
            seen.append(agency)
    return seen
