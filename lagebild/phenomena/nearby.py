"""Near repeats: after one case the next ones come sooner, in the same cell or beside it, than chance explains.

Where a case lies is known to its cell of resolution 9. Distances are those of cell centres, and the bands are rings:
the same cell, the neighbouring ones, those of the second ring.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

import numpy as np

from incidents.geo import cell_center, to_metric
from lagebild.phenomena.budget import FIRST_LOOK, is_dismissed, permutations_for
from lagebild.phenomena.looks import Cases, Look
from lagebild.selectors import day_number
from lagebild.stats.grid import OUTSIDE, Grid, disk_sums
from lagebild.stats.near_repeat import knox, near_repeats
from lagebild.stream_sets import AlarmStream

# Days apart: the same day (often one event told twice), 1 to 7, 8 to 14, in the table also 15 to 28.
TESTED_DAYS = (1, 8, 15)
TABLE_DAYS = (1, 8, 15, 29)
# Rings in distances of neighbouring centres: those of the second lie at 1.73 and 2, those of the third beyond 2.6.
SAME_CELL_M = 1.0
BESIDE, SECOND_RING = 1.35, 2.3
LEAST_CASES = 20
LEAST_PAIRS = 5
# Pairs of cases that have nothing to do with each other water every ratio down; 1.2 is the usual bound in practice.
LEAST_FACTOR = 1.2
# Of more pairs a random part of the cases is taken, whose table is the same on average.
MOST_PAIRS = 60_000
CHAIN_CASES, MOST_CHAIN_CELLS, CHAINS_TOLD = 3, 12, 3


@dataclass(frozen=True)
class _Ground:
    """points: (n, 2) metres of the cells' centres; apart: metres between neighbouring ones."""

    points: np.ndarray
    apart: float


@dataclass(frozen=True)
class _Excess:
    """p of the first week; pairs and expected ones within the days the excess lasts."""

    p: float
    days: int
    pairs: int
    expected: float


def find_near(look: Look) -> list[dict]:
    """Streams of the look in which cases follow each other closely, as JSON."""
    ground = _ground(look.city.grid)
    found = [_stream(look, stream, ground) for stream in look.streams]
    return [words for words in found if words is not None]


def _ground(grid: Grid) -> _Ground:
    points = np.array([to_metric(*cell_center(int(cell))) for cell in grid.cells])
    beside = grid.disks[:, 1:]
    one, other = np.nonzero(beside != OUTSIDE)
    apart = np.hypot(*(points[one] - points[beside[one, other]]).T)
    return _Ground(points, float(np.median(apart)) if apart.size else SAME_CELL_M)


def _stream(look: Look, stream: AlarmStream, ground: _Ground) -> dict | None:
    cases, stratum = _kept(look, stream, look.cases(stream))
    if cases.day.size < LEAST_CASES:
        return None
    part = _thinned(look, stream, cases)
    tested = cases.where(part)
    found = _tested(look, stream, tested, stratum[part], ground)
    if found is None:
        return None
    near = near_repeats(
        ground.points[tested.place], tested.day, metres=BESIDE * ground.apart, within_days=TESTED_DAYS[1]
    )
    linked = tested.where(np.unique(near.pairs[near.gap > 0]))
    # Of a part of the cases the chains are torn.
    chains = _chains(look, tested, near.chains) if part.size == cases.day.size else []
    return {
        "stream": stream.id,
        "first": look.first.isoformat(),
        "count": found.pairs,
        "expected": found.expected,
        "p": found.p,
        "cells": sorted({cell for chain in chains for cell in chain["cells"]}),
        "agencies": linked.by_agency(),
        "alone": _alone(look, stream, linked, ground),
        "evidence": {
            "days": found.days,
            "cases": int(cases.day.size),
            "sample": int(part.size),
            "bands": _bands(tested, stratum[part], ground),
            "chains": chains,
        },
    }


def _kept(look: Look, stream: AlarmStream, cases: Cases) -> tuple[Cases, np.ndarray]:
    """A row per case that is not masked, and the strata within which days are exchangeable."""
    strata = look.strata(stream, cases)
    each = np.repeat(np.flatnonzero(strata.kept), cases.count[strata.kept])
    return cases.where(each).counted_once(), strata.number[each]


def _thinned(look: Look, stream: AlarmStream, cases: Cases) -> np.ndarray:
    """Positions of the cases that are tested: all, or so many at random that about MOST_PAIRS lie near each other."""
    counts = np.bincount(cases.place, minlength=look.city.grid.size)
    pairs = int((counts * disk_sums(look.city.grid, counts)).sum() - cases.day.size) // 2
    if pairs <= MOST_PAIRS:
        return np.arange(cases.day.size)
    size = int(cases.day.size * np.sqrt(MOST_PAIRS / pairs))
    return np.sort(look.rng(stream.id, "thinned").choice(cases.day.size, size, replace=False))


def _tested(
    look: Look, stream: AlarmStream, cases: Cases, stratum: np.ndarray, ground: _Ground, *words: str
) -> _Excess | None:
    """Pairs of 1 to 7 days, there or beside, where they pass the level and are many and large enough."""

    def table(permutations: int, name: str):
        return knox(
            ground.points[cases.place],
            cases.day,
            space_edges=[BESIDE * ground.apart],
            time_edges=TESTED_DAYS,
            rng=look.rng(stream.id, name, *words),
            strata=stratum,
            permutations=permutations,
        )

    first = table(FIRST_LOOK, "first")
    if is_dismissed(float(first.p_joint[0, 1])):
        return None
    found = table(permutations_for(look.level, len(TESTED_DAYS)), "all")
    bands = 2 if found.p_joint[0, 2] <= look.level else 1
    within = slice(1, 1 + bands)
    excess = _Excess(
        p=float(found.p_joint[0, 1]),
        days=TESTED_DAYS[bands] - 1,
        pairs=int(found.observed[0, within].sum()),
        expected=float(found.expected[0, within].sum()),
    )
    enough = excess.pairs >= max(LEAST_PAIRS, LEAST_FACTOR * excess.expected)
    return excess if excess.p <= look.level and enough else None


def _bands(cases: Cases, stratum: np.ndarray, ground: _Ground) -> list[dict]:
    """Pairs and those expected, by ring and days apart. The expected ones are exact, no permutation is needed."""
    table = knox(
        ground.points[cases.place],
        cases.day,
        space_edges=[SAME_CELL_M, BESIDE * ground.apart, SECOND_RING * ground.apart],
        time_edges=TABLE_DAYS,
        rng=np.random.default_rng(0),
        strata=stratum,
        permutations=1,
    )
    last = [edge - 1 for edge in TABLE_DAYS]
    return [
        {
            "ring": ring,
            "from_days": last[band - 1] + 1,
            "to_days": last[band],
            "pairs": int(table.observed[ring, band]),
            "expected": float(table.expected[ring, band]),
        }
        for ring in range(3)
        for band in range(1, len(TABLE_DAYS))
    ]


def _chains(look: Look, cases: Cases, chains) -> list[dict]:
    """The longest chains of few cells: in a busy stream everything hangs together with everything."""
    told = []
    for chain in chains:
        places = np.unique(cases.place[list(chain.cases)])
        if len(chain.cases) >= CHAIN_CASES and places.size <= MOST_CHAIN_CELLS:
            told.append(
                {
                    "cases": len(chain.cases),
                    "cells": [int(cell) for cell in look.city.grid.cells[places]],
                    "place": look.place_label(int(look.city.grid.cells[cases.place[chain.cases[-1]]])),
                    "first": _date(chain.first).isoformat(),
                    "last": _date(chain.last).isoformat(),
                    "is_running": chain.last > day_number(look.day) - TESTED_DAYS[1],
                }
            )
    return told[:CHAINS_TOLD]


def _date(day: int) -> dt.date:
    return dt.date(1970, 1, 1) + dt.timedelta(days=day)


def _alone(look: Look, stream: AlarmStream, linked: Cases, ground: _Ground) -> list[int]:
    """Agencies whose own cases pass the same test."""
    seen = []
    for agency in np.unique(linked.agency).tolist():
        cases, stratum = _kept(look, stream, look.cases(stream).of_agency(agency))
        if cases.day.size < LEAST_CASES:
            continue
        part = _thinned(look, stream, cases)
        if _tested(look, stream, cases.where(part), stratum[part], ground, str(agency)) is not None:
            seen.append(agency)
    return seen
