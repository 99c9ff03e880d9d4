"""Protected counts: what may be published of records that are counted but not shown, and of delivered counts.

Every contribution is decided for itself: what one agency has in one atom. What others have, or whether they take part
at all, changes nothing, so agencies that pool what they know pool nothing about a third. Published are sums over the
agencies. The atoms are fixed and disjoint: agency x group x district x ISO week; what stays hidden of a district's
four weeks may be told as one sum of the 28-day block, what then stays hidden of the districts as one sum of the city.
A second family cuts the same records by cell x 28-day block.

Rule 1, minimum frequency (Hundepool et al. 2012, Statistical Disclosure Control, Wiley, ch. 5), applied to a single
respondent's share like the dominance and p% rules (ch. 4): a contribution is told where at least k of its cases are
hidden from all others (cases that another agency sees one by one protect nobody). Seen cases count where it is told.

Rule 2, a sum of n hidden parts, each of 0 to k - 1, is told where it is at least k and at most (n - 1)(k - 1). Then
each part can still be 0 and can still be k - 1: the feasibility interval of every part (Fischetti and Salazar-Gonzalez
2001, Management Sci 47:1008) is the whole of 0 to k - 1. Parts of 0 count among the n unless everybody knows that they
are 0 (a week without delivery). A city sum takes only districts of less than k with two hidden weeks or more: a week
then stays anything from 0 to k - 1 even for who knows in which districts an agency never works.

Rule 3, complementary suppression (Cox 1980, J Am Stat Assoc 75:377). Within agency, group, district and block the weeks
and the cells add up to the same number. Cells of at least k are told as long as their sum stays within what the weeks
tell; where no week is left hidden or their rest has been told as a sum, within k - 1 less. So told cells never bound
the weeks, and what the cells hide is at least k - 1 or has no upper bound.

Protection. Whoever knows every other contribution, everything published and these rules still finds each hidden
contribution to be anything from 0 to k - 1. The rules are part of the proof: for each such value there is a world in
which they publish exactly the same (put what the cells hide into few-case cells or records without a cell). Knowing
the algorithm, the attack of Wong et al. 2007 (VLDB, 543-554) on minimal suppression, hence gains nothing.

Limits. A told contribution is at least k and exact in its sum; with only two agencies in a group one subtracts itself
and has the other's. The rules bound what follows with certainty, not good guessing. Counts are told once: all families
of a block from the same records at one time, and never again from changed ones.
"""

from dataclasses import dataclass, replace
from dataclasses import field as default

import numpy as np
import numpy.typing as npt

from lagebild.stats.weeks import BLOCK_WEEKS

NO_CELL = 0
MINIMUM = 3
SENSITIVE_MINIMUM = 5

IntArray = npt.NDArray[np.int64]
BoolArray = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Contributions:
    """Counted-only cases, one row per entry; rows of the same keys are added up. All arrays (n,) whole numbers.

    district, group, agency: keys of the caller. group must cut finely enough that no record is in two groups (category
    group x kind x geo) and carries one minimum. week: ISO week number (weeks.week_index). cell: H3 cell, NO_CELL (0)
    for records without one. count: cases, at least 0. minimum: k of the row's group, at least 2. seen: how many of the
    cases some other agency sees one by one, at most count; left out: none.
    ValueError for unequal lengths, negative counts, more seen than counted, k below 2 and two different k in one group.
    """

    district: IntArray
    group: IntArray
    week: IntArray
    cell: IntArray
    agency: IntArray
    count: IntArray
    minimum: IntArray
    seen: IntArray = default(default_factory=lambda: np.zeros(0, dtype=np.int64))

    def __post_init__(self) -> None:
        if np.asarray(self.seen).size == 0:
            object.__setattr__(self, "seen", np.zeros(np.asarray(self.district).size, dtype=np.int64))
        for name in ("district", "group", "week", "cell", "agency", "count", "minimum", "seen"):
            array = np.asarray(getattr(self, name))
            if array.ndim != 1 or (array.size and array.dtype.kind not in "iu"):
                raise ValueError(f"{name} must be one row of whole numbers")
            object.__setattr__(self, name, array.astype(np.int64))
            if array.size != self.district.size:
                raise ValueError(f"{name} has {array.size} entries, district {self.district.size}")
        if (self.count < 0).any() or (self.seen < 0).any() or (self.seen > self.count).any():
            raise ValueError("count must be at least 0, seen at least 0 and at most count")
        if (self.minimum < 2).any():
            raise ValueError("minimum must be at least 2")
        pairs, _ = _unique_rows(np.column_stack([self.group, self.minimum]))
        if len(pairs) != len(np.unique(self.group)):
            raise ValueError("a group has two different minimums")

    def where(self, mask: BoolArray) -> "Contributions":
        """The rows of `mask`."""
        return Contributions(
            self.district[mask],
            self.group[mask],
            self.week[mask],
            self.cell[mask],
            self.agency[mask],
            self.count[mask],
            self.minimum[mask],
            self.seen[mask],
        )


@dataclass(frozen=True)
class WeekAtoms:
    """Published counts by district x group x week, ascending by these; arrays (m,), count at least k."""

    district: IntArray
    group: IntArray
    week: IntArray
    count: IntArray


@dataclass(frozen=True)
class DistrictAtoms:
    """Published sums of what the weeks of a block hide, by district x group x block, ascending; arrays (m,)."""

    district: IntArray
    group: IntArray
    block: IntArray
    count: IntArray


@dataclass(frozen=True)
class CityAtoms:
    """Published sums of what the districts hide, by group x block, ascending by these; arrays (m,)."""

    group: IntArray
    block: IntArray
    count: IntArray


@dataclass(frozen=True)
class CellAtoms:
    """Published counts by district x group x block x cell, ascending by these; arrays (m,), count at least k.

    A cell across a district boundary has one atom in each district; its figure on a map is their sum.
    """

    district: IntArray
    group: IntArray
    block: IntArray
    cell: IntArray
    count: IntArray


@dataclass(frozen=True)
class PublishedCounts:
    """All that may be published of whole blocks. Weeks, districts and city are disjoint; cells cut the same cases."""

    weeks: WeekAtoms
    districts: DistrictAtoms
    city: CityAtoms
    cells: CellAtoms


def publish_counts(
    contributions: Contributions, *, blocks_end: int, districts: int, silent: IntArray | None = None
) -> PublishedCounts:
    """What the three rules let through; only complete blocks are looked at.

    blocks_end: first block number that is not complete (weeks.complete_blocks_end); its rows are left out.
    districts: how many values `district` can take, whether or not they hold cases, at least 1. silent: (s, 2) agency
    and week, ascending pairs or not, where everybody knows that the agency has nothing (no delivery, or nothing to
    report); such weeks are no hidden parts. ValueError where the contributions name more districts.
    """
    if districts < max(1, len(np.unique(contributions.district))):
        raise ValueError(f"districts is {districts}, the contributions have more")
    rows = contributions.where((contributions.week // BLOCK_WEEKS < blocks_end) & (contributions.count > 0))
    block = rows.week // BLOCK_WEEKS
    week = _Shares.of(rows, np.column_stack([rows.group, rows.agency, block, rows.district, rows.week]))
    cell = _Shares.of(rows, np.column_stack([rows.group, rows.agency, block, rows.district, rows.cell]))
    week_open = week.hidden >= week.minimum
    node = week.summed_up(~week_open, columns=4)
    left = BLOCK_WEEKS - _sums(node, week_open) - _silent_weeks(node, silent)
    node_open = open_sums(node.hidden, left, node.minimum)
    shared = ~node_open & (left > 1)
    city = node.summed_up(shared & (node.hidden < node.minimum), columns=3)
    city_open = open_sums(city.hidden, districts - _sums(city, ~shared), city.minimum)
    limit = _sums(node, np.where(week_open, week.hidden, 0)) + np.where(node_open, node.hidden, 0)
    limit -= np.where(node_open | (left < 1), node.minimum - 1, 0)
    cell_open = _open_cells(cell, limit)
    return PublishedCounts(
        weeks=WeekAtoms(*_told(week, week_open, (3, 0, 4))),
        districts=DistrictAtoms(*_told(node.of_hidden(), node_open, (3, 0, 2))),
        city=CityAtoms(*_told(city.of_hidden(), city_open, (0, 2))),
        cells=CellAtoms(*_told(cell, cell_open, (3, 0, 2, 4))),
    )


def open_sums(total: npt.ArrayLike, parts: npt.ArrayLike, minimum: npt.ArrayLike) -> BoolArray:
    """Rule 2: which sums of hidden parts may be told. All (n,) whole numbers: sum, number of parts, k; returns (n,)."""
    number, k = np.asarray(total), np.asarray(minimum)
    return (number >= k) & (number <= (np.asarray(parts) - 1) * (k - 1))


@dataclass(frozen=True)
class DeliveredCounts:
    """Counts delivered for districts, disjoint per agency and period, one row each; rows of the same keys add up.

    agency, group, area, period: keys of the caller; is_city: the row speaks of the whole city. count at least 0;
    minimum: k of the group. All (n,).
    """

    agency: IntArray
    group: IntArray
    period: IntArray
    area: IntArray
    count: IntArray
    minimum: IntArray
    is_city: BoolArray


@dataclass(frozen=True)
class PublishedDeliveries:
    """Sums over agencies: by group x period x area, and what districts hide by group x period. Arrays (m,), (c,)."""

    group: IntArray
    period: IntArray
    area: IntArray
    count: IntArray
    city_group: IntArray
    city_period: IntArray
    city_count: IntArray


def publish_deliveries(delivered: DeliveredCounts) -> PublishedDeliveries:
    """Rules 1 and 2 for delivered counts; the parts of a city sum are the districts the agency delivered for."""
    keys = np.column_stack(
        [delivered.group, delivered.agency, delivered.period, delivered.is_city.astype(np.int64), delivered.area]
    )
    shares = _Shares.gather(keys, delivered.count, delivered.count, delivered.minimum)
    is_open = shares.hidden >= shares.minimum
    city = shares.summed_up(~is_open, columns=4)
    parts = np.bincount(city.place, weights=~is_open, minlength=len(city.minimum)).astype(np.int64)
    city_open = open_sums(city.hidden, parts, city.minimum) & (city.keys[:, 3] == 0)
    return PublishedDeliveries(*_told(shares, is_open, (0, 2, 4)), *_told(city, city_open, (0, 2)))


def surviving_share(contributions: Contributions, published: PublishedCounts) -> dict[str, float]:
    """Share of all cases that is published, 0 to 1, by what it can be told of; all 1 where there are no cases.

    "weeks": with district and week; "districts": with district at least, by 28 days; "city": at all; "cells": of the
    cases that have a cell, those told by cell.
    """
    total = int(contributions.count.sum())
    located = int(contributions.count[contributions.cell != NO_CELL].sum())
    weeks = int(published.weeks.count.sum())
    districts = weeks + int(published.districts.count.sum())
    told = {"weeks": weeks, "districts": districts, "city": districts + int(published.city.count.sum())}
    shares = {name: number / total if total else 1.0 for name, number in told.items()}
    return shares | {"cells": int(published.cells.count.sum()) / located if located else 1.0}


@dataclass(frozen=True)
class _Shares:
    """What agencies hold, one entry per key. keys (m, c) ascending; count, hidden (of count), minimum (m,).

    place: of each row these were gathered from, its entry.
    """

    keys: IntArray
    count: IntArray
    hidden: IntArray
    minimum: IntArray
    place: IntArray

    @classmethod
    def gather(cls, keys: IntArray, count: IntArray, hidden: IntArray, minimum: IntArray) -> "_Shares":
        unique, place = _unique_rows(keys)
        sums = [np.zeros(len(unique), dtype=np.int64) for _ in range(2)]
        np.add.at(sums[0], place, count)
        np.add.at(sums[1], place, hidden)
        number = np.zeros(len(unique), dtype=np.int64)
        number[place] = minimum
        return cls(unique, sums[0], sums[1], number, place)

    @classmethod
    def of(cls, rows: Contributions, keys: IntArray) -> "_Shares":
        return cls.gather(keys, rows.count, rows.count - rows.seen, rows.minimum)

    def of_hidden(self) -> "_Shares":
        """The same with the hidden cases alone."""
        return replace(self, count=self.hidden)

    def summed_up(self, mask: BoolArray, *, columns: int) -> "_Shares":
        """The entries of `mask` added up by their first columns; the others leave an entry of 0."""
        count, hidden = np.where(mask, self.count, 0), np.where(mask, self.hidden, 0)
        return self.gather(self.keys[:, :columns], count, hidden, self.minimum)


def _sums(parent: _Shares, of_children: npt.NDArray) -> IntArray:
    """Whole numbers (or flags) of the entries `parent` was gathered from, added up."""
    return np.bincount(parent.place, weights=of_children, minlength=len(parent.minimum)).astype(np.int64)


def _silent_weeks(node: _Shares, silent: IntArray | None) -> IntArray:
    """Number of silent weeks of each node's agency and block."""
    if silent is None or not len(silent):
        return np.zeros(len(node.minimum), dtype=np.int64)
    pairs, _ = _unique_rows(np.asarray(silent, dtype=np.int64))
    pairs[:, 1] //= BLOCK_WEEKS
    known, place = _unique_rows(np.vstack([pairs, node.keys[:, 1:3]]))
    number = np.bincount(place[: len(pairs)], minlength=len(known))
    return number[place[len(pairs) :]]


def _told(shares: _Shares, is_open: BoolArray, columns: tuple[int, ...]) -> list[IntArray]:
    """Key columns and counts of the open entries, added up over agencies."""
    keys, place = _unique_rows(shares.keys[is_open][:, list(columns)])
    count = np.zeros(len(keys), dtype=np.int64)
    np.add.at(count, place, shares.count[is_open])
    return [*keys.T, count]


def _open_cells(cell: _Shares, limit: IntArray) -> BoolArray:
    """Rule 3. limit: (nodes,) what the cells of each agency, group, block and district may tell together."""
    is_open = (cell.hidden >= cell.minimum) & (cell.keys[:, 4] != NO_CELL)
    _, node = _unique_rows(cell.keys[:, :4])
    told = np.bincount(node[is_open], weights=cell.hidden[is_open], minlength=len(limit)).astype(np.int64)
    excess = told - limit
    candidates = np.flatnonzero(is_open & (excess[node] > 0))
    candidates = candidates[np.lexsort((candidates, cell.hidden[candidates], node[candidates]))]
    for entries in np.split(candidates, np.flatnonzero(np.diff(node[candidates])) + 1):
        if entries.size:
            is_open[entries[_withheld(cell.hidden[entries], int(excess[node[entries[0]]]))]] = False
    return is_open


def _withheld(hidden: IntArray, excess: int) -> IntArray:
    """Positions whose sum is at least `excess`: the smallest that suffices alone, else from the largest down.

    hidden: (n,) ascending; the last of those taken is the smallest that suffices.
    """
    taken: list[int] = []
    left = np.arange(len(hidden))
    while excess > 0 and left.size:
        chosen = int(left[min(np.searchsorted(hidden[left], excess), left.size - 1)])
        taken.append(chosen)
        excess -= int(hidden[chosen])
        left = left[left != chosen]
    return np.array(taken, dtype=np.int64)


def _unique_rows(rows: IntArray) -> tuple[IntArray, IntArray]:
    """Unique rows in ascending order and the position of each row among them, sooner than np.unique(axis=0)."""
    code = np.zeros(len(rows), dtype=np.int64)
    for column in rows.T:
        values, place = np.unique(column, return_inverse=True)
        _, code = np.unique(code * max(len(values), 1) + place, return_inverse=True)
    _, first = np.unique(code, return_index=True)
    return rows[first], code
