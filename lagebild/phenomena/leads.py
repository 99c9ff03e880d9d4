"""Chains: complaints of one group that come weeks before incidents of another at the same places."""

from __future__ import annotations

import datetime as dt

import numpy as np

from incidents.models import Kind
from lagebild.phenomena.budget import FIRST_LOOK, is_dismissed, permutations_for
from lagebild.phenomena.looks import CHAIN_WEEKS, Cases, Look, wider_places
from lagebild.selectors import day_number
from lagebild.stats.chains import MAXIMUM_LAG, Lead, find_lead
from lagebild.stats.grid import OUTSIDE
from lagebild.stream_sets import AlarmStream

# Fewer of either cannot show an order in several places.
LEAST_CASES = 20
LEAST_PAIRS = 5


def find_leads(look: Look) -> list[dict]:
    """Pairs of a complaint and an incident stream of which the first precedes the second, as JSON."""
    blocks = wider_places(look.city)
    cases = {stream.id: look.cases(stream) for stream in look.streams}
    weekly = {key: by_week(look, found) for key, found in cases.items()}
    found = []
    for early, late in pairs_of(look.streams):
        lead = _lead(look, f"{early.id}:{late.id}", weekly[early.id], weekly[late.id], blocks)
        if lead is not None and lead.p <= look.level and lead.excess > 0 and lead.pairs >= LEAST_PAIRS:
            found.append(_words(look, early, late, cases[early.id], cases[late.id], lead, blocks))
    return found


def pairs_of(streams: tuple[AlarmStream, ...]) -> list[tuple[AlarmStream, AlarmStream]]:
    complaints = [stream for stream in streams if stream.kind == Kind.COMPLAINT]
    return [(early, late) for early in complaints for late in streams if late.kind == Kind.INCIDENT]


def by_week(look: Look, cases: Cases) -> np.ndarray:
    """(n, w) int64: cases per cell and week."""
    counts = np.zeros((look.city.grid.size, CHAIN_WEEKS), dtype=np.int64)
    np.add.at(counts, (cases.place, (cases.day - day_number(look.first)) // 7), cases.count)
    return counts


def _lead(look: Look, name: str, early: np.ndarray, late: np.ndarray, blocks: np.ndarray) -> Lead | None:
    """The lead as the look judges it: few permutations where they dismiss it, else as many as the level needs."""
    if min(early.sum(), late.sum()) < LEAST_CASES:
        return None
    first = find_lead(look.city.grid, early, late, rng=look.rng(name, "first"), blocks=blocks, permutations=FIRST_LOOK)
    if first is None or is_dismissed(first.p):
        return None
    return find_lead(
        look.city.grid,
        early,
        late,
        rng=look.rng(name, "all"),
        blocks=blocks,
        permutations=permutations_for(look.level),
    )


def _words(
    look: Look, early: AlarmStream, late: AlarmStream, before: Cases, after: Cases, lead: Lead, blocks: np.ndarray
) -> dict:
    disks = look.city.grid.disks[[carrier.place for carrier in lead.carriers]]
    there = np.unique(disks[disks != OUTSIDE])
    told = before.where(np.isin(before.place, there)), after.where(np.isin(after.place, there))
    totals = [part.by_agency() for part in told]
    cells = look.city.grid.cells
    return {
        "stream": early.id,
        "second": late.id,
        "first": look.first.isoformat(),
        "count": lead.pairs,
        "expected": lead.expected,
        "p": lead.p,
        "cells": [int(cells[carrier.place]) for carrier in lead.carriers],
        "agencies": {key: max(total.get(key, 0) for total in totals) for key in {**totals[0], **totals[1]}},
        "alone": _alone(look, early, late, before, after, blocks),
        "evidence": {
            "lag": lead.lag,
            "by_lag": [float(excess) for excess in lead.by_lag],
            "blocks": lead.blocks,
            "places": [
                {
                    "place": look.place_label(int(cells[carrier.place])),
                    "pairs": carrier.pairs,
                    "expected": carrier.expected,
                }
                for carrier in lead.carriers
            ],
            "weeks": CHAIN_WEEKS,
            "most_weeks": MAXIMUM_LAG,
            "last": (look.first + dt.timedelta(weeks=CHAIN_WEEKS, days=-1)).isoformat(),
        },
    }


def _alone(
    look: Look, early: AlarmStream, late: AlarmStream, before: Cases, after: Cases, blocks: np.ndarray
) -> list[int]:
    """Agencies that have both themselves, and whose own cases pass the same test."""
    seen = []
    for agency in sorted(set(before.agency.tolist()) & set(after.agency.tolist())):
        own = [by_week(look, cases.of_agency(agency)) for cases in (before, after)]
        lead = _lead(look, f"{early.id}:{late.id}:{agency}", *own, blocks)
        if lead is not None and lead.p <= look.level:
            seen.append(agency)
    return seen
