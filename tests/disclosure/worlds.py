"""Random worlds of counted-only cases, and worlds that differ from a given one in what one agency hides."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from lagebild.stats.disclosure import NO_CELL, Contributions, PublishedCounts, publish_counts
from lagebild.stats.weeks import BLOCK_WEEKS

BLOCKS = 2
CELLS = 4
MOST_DISTRICTS = 4


@dataclass(frozen=True)
class Target:
    """One contribution: what `agency` has of `group` in a district and a week, or in a cell and a block."""

    group: int
    agency: int
    district: int
    block: int
    week: int | None = None
    cell: int | None = None


@dataclass(frozen=True)
class World:
    """rows: (district, group, week, cell, agency) -> (hidden, seen) cases."""

    rows: dict[tuple[int, int, int, int, int], tuple[int, int]]
    minimum: dict[int, int]
    districts: int
    agencies: int
    silent: frozenset[tuple[int, int]] = frozenset()

    def contributions(self) -> Contributions:
        keys = list(self.rows)
        table = np.array(keys, dtype=np.int64).reshape(-1, 5)
        counts = np.array(list(self.rows.values()), dtype=np.int64).reshape(-1, 2)
        minimum = np.array([self.minimum[key[1]] for key in keys], dtype=np.int64)
        return Contributions(*table.T, counts.sum(axis=1), minimum, counts[:, 1])

    def publish(self) -> PublishedCounts:
        return self.publish_until(BLOCKS)

    def publish_until(self, blocks_end: int) -> PublishedCounts:
        silent = np.array(sorted(self.silent), dtype=np.int64).reshape(-1, 2)
        return publish_counts(self.contributions(), blocks_end=blocks_end, districts=self.districts, silent=silent)

    def by_week(self, group: int, agency: int, block: int) -> Counter:
        """(district, week) -> hidden cases."""
        return self._hidden(group, agency, block, 2)

    def by_cell(self, group: int, agency: int, block: int) -> Counter:
        """(district, cell) -> hidden cases."""
        return self._hidden(group, agency, block, 3)

    def _hidden(self, group: int, agency: int, block: int, column: int) -> Counter:
        found: Counter = Counter()
        for key, (hidden, _) in self.rows.items():
            if (key[1], key[4], key[2] // BLOCK_WEEKS) == (group, agency, block):
                found[key[0], key[column]] += hidden
        return found

    def only(self, agency: int) -> World:
        """What is left when everybody else subtracts what they know."""
        mine = {key: value for key, value in self.rows.items() if key[4] == agency}
        return replace(self, rows=mine)

    def targets(self) -> Iterator[Target]:
        """Every contribution there can be, empty ones too; silent weeks are known to be empty."""
        for group in self.minimum:
            for agency in range(self.agencies):
                for block in range(BLOCKS):
                    for district in range(self.districts):
                        for week in range(block * BLOCK_WEEKS, (block + 1) * BLOCK_WEEKS):
                            if (agency, week) not in self.silent:
                                yield Target(group, agency, district, block, week=week)
                        for cell in cells_of(district):
                            yield Target(group, agency, district, block, cell=cell)


def cells_of(district: int) -> range:
    return range(10 * (district + 1), 10 * (district + 1) + CELLS)


def random_world(rng: np.random.Generator) -> World:
    """Two to six agencies, up to four districts, one or two groups; most contributions near the minimum."""
    agencies, districts = int(rng.integers(2, 7)), int(rng.integers(1, MOST_DISTRICTS + 1))
    minimum = {group: int(rng.choice([3, 3, 5])) for group in range(int(rng.integers(1, 3)))}
    silent = frozenset((a, w) for a in range(agencies) for w in range(BLOCKS * BLOCK_WEEKS) if rng.random() < 0.06)
    rows: dict = {}
    for group, k in minimum.items():
        for agency in range(agencies):
            habit = rng.gamma(1.0, k / 3, size=districts)
            located = rng.choice([0.0, 0.7, 0.95, 1.0])
            favourite = rng.dirichlet(np.full(CELLS, rng.choice([0.2, 1.0])), size=districts)
            for week in range(BLOCKS * BLOCK_WEEKS):
                for district in range(districts if (agency, week) not in silent else 0):
                    for _ in range(int(rng.poisson(habit[district]))):
                        chosen = int(rng.choice(cells_of(district), p=favourite[district]))
                        key = (district, group, week, chosen if rng.random() < located else NO_CELL, agency)
                        hidden, seen = rows.get(key, (0, 0))
                        rows[key] = (hidden, seen + 1) if rng.random() < 0.05 else (hidden + 1, seen)
    return World(rows, minimum, districts, agencies, silent)


def same(one: PublishedCounts, other: PublishedCounts) -> bool:
    """Whether two publications agree in every number."""
    return all(
        np.array_equal(getattr(mine, name), getattr(yours, name))
        for mine, yours in zip(vars(one).values(), vars(other).values(), strict=True)
        for name in vars(mine)
    )


def lookup(published: PublishedCounts) -> dict[tuple, int]:
    """(family, keys) -> published count; what is absent is not published."""
    found = {}
    for family, atoms in vars(published).items():
        *keys, count = (column.tolist() for column in vars(atoms).values())
        found |= {(family, *key): number for *key, number in zip(*keys, count, strict=True)}
    return found


def value_of(world: World, target: Target) -> int:
    """Hidden cases of the contribution."""
    if target.cell is None:
        return world.by_week(target.group, target.agency, target.block)[target.district, target.week]
    return world.by_cell(target.group, target.agency, target.block)[target.district, target.cell]


def is_told(world: World, target: Target) -> bool:
    """Whether the agency's contribution is among the published ones; decided for the agency alone."""
    found = lookup(world.only(target.agency).publish())
    if target.cell is not None:
        return ("cells", target.district, target.group, target.block, target.cell) in found
    return ("weeks", target.district, target.group, target.week) in found


def with_hidden(world: World, target: Target, value: int) -> World:
    """A world in which the hidden contribution is `value` and everything published should be the same."""
    k = world.minimum[target.group]
    found = lookup(world.only(target.agency).publish())
    weeks = world.by_week(target.group, target.agency, target.block)
    cells = world.by_cell(target.group, target.agency, target.block)
    span = range(target.block * BLOCK_WEEKS, (target.block + 1) * BLOCK_WEEKS)
    heard = [week for week in span if (target.agency, week) not in world.silent]
    key = (target.group, target.block)
    hidden = {
        district: [w for w in heard if ("weeks", district, target.group, w) not in found]
        for district in range(world.districts)
    }
    closed = [d for d in hidden if hidden[d] and ("districts", d, *key) not in found]
    shared = [d for d in closed if len(hidden[d]) > 1]
    rest = {d: sum(weeks[d, w] for w in hidden[d]) for d in hidden}
    wanted = value if target.cell is None else k - 1
    if target.district in shared:
        pool = sum(rest[d] for d in shared if rest[d] < k) if ("city", *key) in found else wanted
        rest |= _shared_out(pool, shared, {target.district: wanted}, k)
    elif target.district in closed:
        rest[target.district] = wanted
    chosen = {(d, w): weeks[d, w] for d in hidden for w in heard if w not in hidden[d]}
    for district, parts in hidden.items():
        fixed = {target.week: value} if (district, target.cell) == (target.district, None) else {}
        chosen |= {(district, w): n for w, n in _shared_out(rest[district], parts, fixed, k).items()}
    told = {
        place: n for place, n in cells.items() if ("cells", place[0], target.group, target.block, place[1]) in found
    }
    if target.cell is not None:
        told[target.district, target.cell] = value
    return _rebuilt(world, target, chosen, told)


def _shared_out(total: int, parts: list[int], fixed: dict[int, int], k: int) -> dict[int, int]:
    """`total` over the parts, at most k - 1 each, the fixed ones as they are."""
    left = total - sum(fixed.values())
    result = dict(fixed)
    for part in parts:
        if part not in fixed:
            result[part] = min(left, k - 1)
            left -= result[part]
    assert left == 0
    return result


def _rebuilt(world: World, target: Target, weeks: dict, cells: dict) -> World:
    """The agency's hidden cases of the group and block anew from both margins; what cells do not hold has no cell."""
    rows = {}
    for key, (hidden, seen) in world.rows.items():
        mine = (key[1], key[4], key[2] // BLOCK_WEEKS) == (target.group, target.agency, target.block)
        rows[key] = (0, seen) if mine else (hidden, seen)
    for district in range(world.districts):
        in_week = {w: n for (d, w), n in weeks.items() if d == district}
        in_cell = {c: n for (d, c), n in cells.items() if d == district}
        in_cell[NO_CELL] = sum(in_week.values()) - sum(n for c, n in in_cell.items() if c != NO_CELL)
        assert in_cell[NO_CELL] >= 0
        for week, cell, number in _corner(in_week, in_cell):
            key = (district, target.group, week, cell, target.agency)
            hidden, seen = rows.get(key, (0, 0))
            rows[key] = (hidden + number, seen)
    return replace(world, rows={key: value for key, value in rows.items() if any(value)})


def _corner(weeks: dict[int, int], cells: dict[int, int]) -> Iterator[tuple[int, int, int]]:
    """A table with these two margins (north-west corner rule)."""
    left = dict(cells)
    for week, number in weeks.items():
        for cell in left:
            part = min(number, left[cell])
            if part:
                yield week, cell, part
            number, left[cell] = number - part, left[cell] - part
