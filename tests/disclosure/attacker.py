"""An attacker with mixed-integer linear programming who knows the rules: bounds of every unknown contribution.

Written from the rules as they are stated in docs/method-technical.md, not from the code that applies them.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field

import numpy as np
from scipy.optimize import Bounds, LinearConstraint, milp
from scipy.sparse import csr_array

from lagebild.stats.disclosure import NO_CELL
from lagebild.stats.weeks import BLOCK_WEEKS
from tests.disclosure.worlds import World, cells_of, lookup

Terms = dict[int, float]


class Attack:
    """What agencies `knowing` together can tell of the others, for one group and block.

    They know their own cases, every case shown one by one, all that is published and the rules.
    """

    def __init__(self, world: World, knowing: set[int], group: int, block: int) -> None:
        self.world, self.group, self.block = world, group, block
        self.k = world.minimum[group]
        self.unknown = [agency for agency in range(world.agencies) if agency not in knowing]
        self.weeks = range(block * BLOCK_WEEKS, (block + 1) * BLOCK_WEEKS)
        self.seen = _seen(world, group)
        self.most = (
            2 * sum(world.by_week(group, agency, block).total() for agency in range(world.agencies)) + 4 * self.k
        )
        self.problem = _Problem()
        self.variable: dict[tuple[int, int, str, int], int] = {}
        self.told: dict[tuple, list[Terms]] = defaultdict(list)
        for agency in self.unknown:
            self._agency(agency)
        self._publications(knowing)

    def bounds(self, agency: int, district: int, *, week: int | None = None, cell: int | None = None):
        """Least and largest number of cases of the contribution that agree with everything known."""
        name = ("week", week) if cell is None else ("cell", cell)
        return self.problem.range_of(self.variable[agency, district, *name], self.most)

    def _agency(self, agency: int) -> None:
        problem, k, most = self.problem, self.k, self.most
        shared = []
        silent = sum((agency, week) in self.world.silent for week in self.weeks)
        for district in range(self.world.districts):
            told_weeks, is_told, hidden = [], [], []
            for week in self.weeks:
                limit = 0 if (agency, week) in self.world.silent else most
                number = self.variable[agency, district, "week", week] = problem.integer(limit)
                flag = problem.flag()
                problem.at_least({number: 1, flag: -k}, 0)
                problem.at_most({number: 1, flag: -most}, k - 1)
                part = problem.product(number, flag, most)
                seen = self.seen[agency, district, week, None]
                self.told["weeks", district, self.group, week].append({part: 1, flag: seen})
                told_weeks.append(part)
                is_told.append(flag)
                hidden.append((number, part))
            rest = self._rest(hidden)
            full, tight = (self._at_least_told(is_told, BLOCK_WEEKS - silent - few) for few in (0, 1))
            is_open, is_large = self._open_sum(rest, {-1: BLOCK_WEEKS - silent, **dict.fromkeys(is_told, -1)})
            pool = problem.product(rest, is_open, most)
            self.told["districts", district, self.group, self.block].append({pool: 1})
            self._cells(agency, district, told_weeks, pool, is_open, full)
            shared.append((rest, is_open, is_large, tight))
        self._city(shared)

    def _at_least_told(self, is_told: list[int], number: int) -> int:
        """Flag: so many weeks or more are told."""
        flag = self.problem.flag()
        self.problem.at_least({**dict.fromkeys(is_told, 1), flag: -max(number, 0)}, 0)
        self.problem.at_most({**dict.fromkeys(is_told, 1), flag: -BLOCK_WEEKS}, number - 1)
        return flag

    def _rest(self, hidden: list[tuple[int, int]]) -> int:
        """What the weeks hide."""
        rest = self.problem.integer(self.most)
        sides: Terms = {rest: 1}
        for number, part in hidden:
            sides |= {number: -1, part: 1}
        self.problem.equal(sides, 0)
        return rest

    def _city(self, districts: list[tuple[int, int, int, int]]) -> None:
        """A district is a part where it is neither told nor left with one hidden week; taken where below k."""
        problem, most = self.problem, self.most
        whole = problem.integer(most)
        total = {whole: 1}
        parts: Terms = {-1: 0}
        for rest, is_open, is_large, tight in districts:
            is_part, is_taken = problem.flag(), problem.flag()
            problem.at_most({is_part: 1, is_open: 1}, 1)
            problem.at_most({is_part: 1, tight: 1}, 1)
            problem.at_least({is_part: 1, is_open: 1, tight: 1}, 1)
            problem.at_most({is_taken: 1, is_part: -1}, 0)
            problem.at_most({is_taken: 1, is_large: 1}, 1)
            problem.at_least({is_taken: 1, is_part: -1, is_large: 1}, 0)
            total[problem.product(rest, is_taken, most)] = -1
            parts[is_part] = 1
        problem.equal(total, 0)
        is_open, _ = self._open_sum(whole, parts)
        self.told["city", self.group, self.block].append({problem.product(whole, is_open, most): 1})

    def _open_sum(self, total: int, parts: Terms) -> tuple[int, int]:
        """Flags of rule 2: told, and k or more but not told; parts: their number, its constant under the key -1."""
        problem, k, most = self.problem, self.k, self.most
        terms = {name: (k - 1) * factor for name, factor in parts.items() if name != -1}
        ceiling = (k - 1) * (parts[-1] - 1)
        is_open, is_large = problem.flag(), problem.flag()
        above = {name: -factor for name, factor in terms.items()}
        bound = most + (k - 1) * (parts[-1] + len(parts) + BLOCK_WEEKS + 1)
        problem.at_most({is_open: 1, is_large: 1}, 1)
        problem.at_least({total: 1, is_open: -k, is_large: -k}, 0)
        problem.at_most({total: 1, is_open: -bound, is_large: -bound}, k - 1)
        problem.at_most({total: 1, is_open: bound} | above, ceiling + bound)
        problem.at_least({total: 1, is_large: -bound} | above, ceiling + 1 - bound)
        return is_open, is_large

    def _cells(self, agency: int, district: int, told_weeks: list[int], pool: int, is_open: int, full: int) -> None:
        problem, k, most = self.problem, self.k, self.most
        numbers, parts = [problem.integer(most)], []
        for cell in cells_of(district):
            number = self.variable[agency, district, "cell", cell] = problem.integer(most)
            flag = problem.flag()
            problem.at_least({number: 1, flag: -k}, 0)
            part = problem.product(number, flag, most)
            seen = self.seen[agency, district, self.block, cell]
            self.told["cells", district, self.group, self.block, cell].append({part: 1, flag: seen})
            numbers.append(number)
            parts.append(part)
        weeks = {self.variable[agency, district, "week", week]: 1 for week in self.weeks}
        problem.equal(weeks | dict.fromkeys(numbers, -1), 0)
        limit = {**dict.fromkeys(told_weeks, -1), pool: -1, is_open: k - 1, full: k - 1}
        problem.at_most({**dict.fromkeys(parts, 1), **limit}, 0)

    def _publications(self, knowing: set[int]) -> None:
        """Everything published, less what the knowing agencies know to be theirs."""
        published = lookup(self.world.publish())
        own = [lookup(self.world.only(agency).publish()) for agency in knowing]
        for name, parts in self.told.items():
            value = published.get(name, 0) - sum(told.get(name, 0) for told in own)
            terms: Terms = defaultdict(float)
            for part in parts:
                for variable, factor in part.items():
                    terms[variable] += factor
            self.problem.equal(dict(terms), value)


def _seen(world: World, group: int) -> defaultdict:
    """(agency, district, week, None) and (agency, district, block, cell) -> cases shown one by one."""
    found: defaultdict = defaultdict(int)
    for (district, in_group, week, cell, agency), (_, seen) in world.rows.items():
        if in_group == group:
            found[agency, district, week, None] += seen
            if cell != NO_CELL:
                found[agency, district, week // BLOCK_WEEKS, cell] += seen
    return found


@dataclass
class _Problem:
    """Rows of a mixed-integer program, all variables whole numbers from 0."""

    upper: list[float] = field(default_factory=list)
    rows: list[tuple[Terms, float, float]] = field(default_factory=list)
    solved: int = 0

    def integer(self, most: float) -> int:
        self.upper.append(most)
        return len(self.upper) - 1

    def flag(self) -> int:
        return self.integer(1)

    def product(self, number: int, flag: int, most: float) -> int:
        """number x flag (McCormick 1976, exact for a flag)."""
        part = self.integer(most)
        self.at_most({part: 1, flag: -most}, 0)
        self.at_most({part: 1, number: -1}, 0)
        self.at_least({part: 1, number: -1, flag: -most}, -most)
        return part

    def equal(self, terms: Terms, value: float) -> None:
        self.rows.append((terms, value, value))

    def at_most(self, terms: Terms, value: float) -> None:
        self.rows.append((terms, -np.inf, value))

    def at_least(self, terms: Terms, value: float) -> None:
        self.rows.append((terms, value, np.inf))

    def range_of(self, variable: int, most: int) -> tuple[int, int]:
        ends = []
        for sign in (1, -1):
            cost = np.zeros(len(self.upper))
            cost[variable] = sign
            answer = milp(
                cost,
                constraints=self._constraints(),
                bounds=Bounds(0, np.array(self.upper)),
                integrality=np.ones(len(cost)),
            )
            self.solved += 1
            assert answer.success, answer.message
            ends.append(round(sign * answer.fun))
        return ends[0], ends[1]

    def _constraints(self) -> LinearConstraint:
        entries = [(i, name, factor) for i, (terms, _, _) in enumerate(self.rows) for name, factor in terms.items()]
        row, column, value = zip(*entries, strict=True)
        matrix = csr_array((value, (row, column)), shape=(len(self.rows), len(self.upper)))
        return LinearConstraint(matrix, [r[1] for r in self.rows], [r[2] for r in self.rows])
