"""All worlds of a small box, published by the real code at once: what one publication leaves possible, exactly.

An agency's contributions are decided for the agency and group alone, so every world becomes a group of its own.
"""

from __future__ import annotations

import itertools
from collections import defaultdict
from collections.abc import Callable, Iterable

import numpy as np

from lagebild.stats.disclosure import NO_CELL, Contributions, PublishedCounts, publish_counts
from tests.disclosure.worlds import lookup

# (district, week or None, cell or None) -> cases
Margins = dict[tuple[int, int | None, int | None], int]


def one_district(most: int, cells: int) -> Iterable[Margins]:
    """Four weeks of 0 to `most` cases, split over so many cells and records without one."""
    for weeks in itertools.product(range(most + 1), repeat=4):
        total = sum(weeks)
        for split in itertools.product(range(total + 1), repeat=cells):
            if sum(split) <= total:
                yield {(0, week, None): n for week, n in enumerate(weeks)} | {
                    (0, None, 10 + cell): n for cell, n in enumerate(split)
                }


def many_districts(most: int, districts: int, weeks: int) -> Iterable[Margins]:
    """So many weeks of each district, 0 to `most` cases, none of them in a cell."""
    places = [(district, week, None) for district in range(districts) for week in range(weeks)]
    for counts in itertools.product(range(most + 1), repeat=len(places)):
        yield dict(zip(places, counts, strict=True))


def intervals(
    worlds: Iterable[Margins], *, minimum: int, districts: int, publish: Callable[..., PublishedCounts] = publish_counts
) -> tuple[int, list[tuple[tuple, set[int], set[int]]]]:
    """Number of worlds, and per publication and contribution: its place, the values possible, those not told."""
    found = list(worlds)
    rows = [row for group, world in enumerate(found) for row in _rows(group, world)]
    table = np.array(rows, dtype=np.int64).reshape(-1, 6)
    contributions = Contributions(*table.T, minimum=np.full(len(table), minimum))
    told: dict[int, list] = defaultdict(list)
    for (family, *keys), count in lookup(publish(contributions, blocks_end=1, districts=districts)).items():
        group = keys.pop(0 if family == "city" else 1)
        told[group].append((family, *keys, count))
    classes: dict[tuple, list[int]] = defaultdict(list)
    for group in range(len(found)):
        classes[tuple(told[group])].append(group)
    result = []
    for publication, members in classes.items():
        for place in found[0]:
            values = {found[group][place] for group in members}
            name = ("weeks", *place[:2]) if place[2] is None else ("cells", place[0], 0, place[2])
            if not any(entry[:-1] == name for entry in publication):
                result.append((place, values, publication))
    return len(found), result


def _rows(group: int, world: Margins) -> list[tuple[int, ...]]:
    """(district, group, week, cell, agency, count) with these margins."""
    rows = []
    for district in {place[0] for place in world}:
        left = {cell: n for (d, _, cell), n in world.items() if d == district and cell is not None}
        left[NO_CELL] = 10**6
        for (d, week, _), number in world.items():
            if d == district and week is not None:
                for cell in left:
                    part = min(number, left[cell])
                    if part:
                        rows.append((district, group, week, cell, 0, part))
                    number, left[cell] = number - part, left[cell] - part
    return rows
