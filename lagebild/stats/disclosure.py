"""Protected counts: which atoms of the counted-only records may be published.

What is protected. Records shared at the level "count only" and delivered counts; what every member sees anyway can be
subtracted by everybody and is no part of this. The atoms are fixed: district x group x ISO week, and for records with
a cell, cell x group x 28-day block of four whole ISO weeks. Everything else shown is a sum of published atoms.

Primary rule (minimum frequency with one contributor removed; Hundepool et al. 2012, Statistical Disclosure Control,
Wiley, ch. 4 and 5: minimum frequency, dominance and p% rules): an atom is published if and only if its whole is at
least k and, after removing any one agency's share, the rest is 0 or at least k. The one agency removed is the attacker
who subtracts its own records. A count of 0 is not published; consumers show 0 and withheld alike.

Complementary rule (Cox 1980, J Am Stat Assoc 75:377). Both families add up the same records, hence within a district,
group and block the sum of the weeks equals the sum of the cells. Districts, groups and blocks share no record, so this
is the only relation between atoms. A cell atom is cell AND district: a cell across a boundary makes one atom in each
district, by the district of the record's exact place, which keeps both families exact partitions of the same records
(assigning whole cells by their centre would need other district totals than those shown). Records without a cell form
one further atom of the second family that is never shown.

Let an attacker know own records, and assume he knows which atoms hold none of others. From the published atoms he gets

    D = (rest of the withheld weeks) - (rest of the withheld cells)

and nothing more: the rest in the withheld weeks is at least D, that in the withheld cells at least -D, and equal to it
where one side is empty. Weeks are released first and stay; the cells of a complete block are then withheld, beyond the
primary rule, until for each attacker (each agency, and one without own records) |D| is 0 or at least k: no bound shows
that "1 to k - 1" cases of others are hidden. It follows that

- an attacker without own records recovers no atom that fails the primary rule. If one atom alone were unknown to him
  its whole would be |D|, at least k, so it fails because some agency sees a rest of 1 to k - 1 in it; but that rest is
  this agency's |D|;
- an agency may at most find, where everything else unknown is its own, that the others have k or more in an atom.

Cells are withheld smallest first, a single sufficient cell before several, superfluous ones given back; same input,
same result. With all cells withheld D is minus the rest of the published weeks, each of them 0 or at least k, so the
procedure always ends safely.

Limits. Agencies that pool their records are one attacker only if counted as one agency. The rules bound what linear
relations and non-negativity give; they do not hide that an attacker may guess well. Counts are released once: the same
records must be handed in for the cells of a block as for its weeks, so a record that arrives after its week has been
released must be left out of the block, and stored releases are never computed again from changed records.
"""

from dataclasses import dataclass

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
    for records and delivered counts without one. count: cases, at least 0. minimum: k of the row's group, at least 2.
    ValueError for unequal lengths, negative counts, k below 2 and two different k in one group.
    """

    district: IntArray
    group: IntArray
    week: IntArray
    cell: IntArray
    agency: IntArray
    count: IntArray
    minimum: IntArray

    def __post_init__(self) -> None:
        for name in ("district", "group", "week", "cell", "agency", "count", "minimum"):
            array = np.asarray(getattr(self, name))
            if array.ndim != 1 or (array.size and array.dtype.kind not in "iu"):
                raise ValueError(f"{name} must be one row of whole numbers")
            object.__setattr__(self, name, array.astype(np.int64))
            if array.size != self.district.size:
                raise ValueError(f"{name} has {array.size} entries, district {self.district.size}")
        if (self.count < 0).any():
            raise ValueError("count must be at least 0")
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
        )


@dataclass(frozen=True)
class WeekAtoms:
    """Atoms district x group x week holding cases, ascending by (district, group, week); arrays (m,).

    count is the true number of every atom: store and show it only where `published`.
    """

    district: IntArray
    group: IntArray
    week: IntArray
    count: IntArray
    published: BoolArray


@dataclass(frozen=True)
class CellAtoms:
    """Atoms cell x district x group x block holding cases, ascending by (district, group, block, cell); arrays (m,).

    count is the true number of every atom: store and show it only where `published`. A cell across a district boundary
    has one atom in each district; its figure on a map is the sum of the published ones.
    """

    district: IntArray
    group: IntArray
    block: IntArray
    cell: IntArray
    count: IntArray
    published: BoolArray


@dataclass(frozen=True)
class PublishedCounts:
    """Both families of atoms up to a date."""

    weeks: WeekAtoms
    cells: CellAtoms


def publish_counts(contributions: Contributions, *, weeks_end: int) -> PublishedCounts:
    """Atoms of all complete weeks and blocks and which of them may be published.

    weeks_end: first week number that is not complete (weeks.complete_weeks_end); rows of that week and later are left
    out, and cells of a block only appear when its four weeks are complete.
    """
    rows = contributions.where((contributions.week < weeks_end) & (contributions.count > 0))
    week_keys = np.column_stack([rows.district, rows.group, rows.week])
    week = _family(week_keys, rows)
    whole_blocks = rows.where(rows.week // BLOCK_WEEKS < weeks_end // BLOCK_WEEKS)
    cell_keys = np.column_stack(
        [whole_blocks.district, whole_blocks.group, whole_blocks.week // BLOCK_WEEKS, whole_blocks.cell]
    )
    cell = _family(cell_keys, whole_blocks)
    week_published = primary_rule(week.atom, week.agency, week.share, week.minimum)
    cell_passes = primary_rule(cell.atom, cell.agency, cell.share, cell.minimum)
    cell_published = _withhold_cells(week, week_published, cell, cell_passes)
    shown = cell.keys[:, 3] != NO_CELL
    return PublishedCounts(
        weeks=WeekAtoms(*week.keys.T, count=week.total, published=week_published),
        cells=CellAtoms(*cell.keys[shown].T, count=cell.total[shown], published=cell_published[shown]),
    )


def primary_rule(atom: npt.ArrayLike, agency: npt.ArrayLike, count: npt.ArrayLike, minimum: npt.ArrayLike) -> BoolArray:
    """Which atoms pass the primary rule on their own.

    atom: (n,) int, position of the atom, 0 <= atom < m; agency: (n,) int; count: (n,) int, at least 0; several rows
    of one atom and agency are added up. minimum: (m,) int, k of each atom. Returns (m,) bool.
    """
    number = np.asarray(minimum, dtype=np.int64)
    pair, inverse = _unique_rows(np.column_stack([np.asarray(atom), np.asarray(agency)]).astype(np.int64))
    share = np.zeros(len(pair), dtype=np.int64)
    np.add.at(share, inverse, np.asarray(count, dtype=np.int64))
    total = np.zeros(len(number), dtype=np.int64)
    np.add.at(total, pair[:, 0], share)
    rest = total[pair[:, 0]] - share
    passes = total >= number
    passes[pair[(rest > 0) & (rest < number[pair[:, 0]]), 0]] = False
    return passes


def surviving_share(count: npt.ArrayLike, published: npt.ArrayLike) -> float | None:
    """Share of all cases that lies in published atoms, 0 to 1; None where there are no cases.

    count: (m,) int; published: (m,) bool.
    """
    number = np.asarray(count)
    total = int(number.sum())
    return int(number[np.asarray(published, dtype=bool)].sum()) / total if total else None


@dataclass(frozen=True)
class _Family:
    """keys (m, c) of the atoms; total, minimum (m,); atom, agency, share (s,) one entry per atom and agency."""

    keys: IntArray
    total: IntArray
    minimum: IntArray
    atom: IntArray
    agency: IntArray
    share: IntArray


def _family(keys: IntArray, rows: Contributions) -> _Family:
    atoms, inverse = _unique_rows(keys)
    pairs, pair_inverse = _unique_rows(np.column_stack([inverse, rows.agency]))
    share = np.zeros(len(pairs), dtype=np.int64)
    np.add.at(share, pair_inverse, rows.count)
    total = np.zeros(len(atoms), dtype=np.int64)
    np.add.at(total, inverse, rows.count)
    minimum = np.zeros(len(atoms), dtype=np.int64)
    minimum[inverse] = rows.minimum
    return _Family(atoms, total, minimum, pairs[:, 0], pairs[:, 1], share)


def _withhold_cells(week: _Family, week_published: BoolArray, cell: _Family, cell_passes: BoolArray) -> BoolArray:
    """Apply the complementary rule block by block; the atoms of a block are contiguous in both families."""
    published = cell_passes & (cell.keys[:, 3] != NO_CELL)
    blocks, block_of = _unique_rows(cell.keys[:, :3])
    bounds = np.searchsorted(block_of, np.arange(len(blocks) + 1))
    week_block = np.column_stack([week.keys[:, :2], week.keys[:, 2] // BLOCK_WEEKS])
    week_of = _row_positions(blocks, week_block)
    by_block = np.argsort(week_of, kind="stable")
    first_week = by_block[np.searchsorted(week_of, np.arange(len(blocks)), sorter=by_block)]
    week_number = np.bincount(week_of, minlength=len(blocks) + 1)
    week_rest, cell_rest = _Rests(week), _Rests(cell)
    for index in np.unique(block_of[published]):
        atoms = slice(bounds[index], bounds[index + 1])
        weeks = slice(first_week[index], first_week[index] + week_number[index])
        agencies = cell_rest.agencies(atoms)
        week_gap = week_rest.table(weeks, agencies)[~week_published[weeks]].sum(axis=0)
        cells = cell_rest.table(atoms, agencies)
        published[atoms] = _withhold(week_gap, cells, published[atoms], int(cell.minimum[atoms.start]))
    return published


class _Rests:
    """Rest of an atom after removing one agency, read off the list of shares, which is ordered by atom."""

    def __init__(self, family: _Family) -> None:
        self._family = family
        self._start = np.searchsorted(family.atom, np.arange(len(family.total) + 1))

    def agencies(self, atoms: slice) -> IntArray:
        return np.unique(self._family.agency[self._start[atoms.start] : self._start[atoms.stop]])

    def table(self, atoms: slice, agencies: IntArray) -> IntArray:
        """(atoms, 1 + agencies): the whole, then the rest without each agency."""
        entry = slice(self._start[atoms.start], self._start[atoms.stop])
        rest = np.repeat(self._family.total[atoms][:, None], 1 + len(agencies), axis=1)
        column = 1 + np.searchsorted(agencies, self._family.agency[entry])
        rest[self._family.atom[entry] - atoms.start, column] -= self._family.share[entry]
        return rest


def _withhold(week_gap: IntArray, rest: IntArray, is_open: BoolArray, minimum: int) -> BoolArray:
    """Cells of one district, group and block that stay published once no attacker learns too much.

    week_gap: (a,) rest of the withheld weeks per attacker; rest: (c, a) rest of each cell; is_open: (c,) bool.
    """
    result = is_open.copy()
    gap = week_gap - rest[~result].sum(axis=0)
    order = np.argsort(rest[:, 0], kind="stable")
    added: list[int] = []
    while not _is_safe(gap, minimum):
        left = order[result[order]]
        sufficient = _is_safe(gap - rest[left], minimum)
        chosen = int(left[np.argmax(sufficient)])
        result[chosen] = False
        gap = gap - rest[chosen]
        added.append(chosen)
    for cell in reversed(added):
        if _is_safe(gap + rest[cell], minimum):
            result[cell] = True
            gap = gap + rest[cell]
    return result


def _is_safe(gap: IntArray, minimum: int) -> npt.NDArray[np.bool_]:
    """Whether |D| is 0 or at least the minimum for all attackers; gap: (..., a)."""
    return ((gap == 0) | (np.abs(gap) >= minimum)).all(axis=-1)


def _unique_rows(rows: IntArray) -> tuple[IntArray, IntArray]:
    """Unique rows in ascending order and the position of each row among them, sooner than np.unique(axis=0)."""
    code = np.zeros(len(rows), dtype=np.int64)
    for column in rows.T:
        values, place = np.unique(column, return_inverse=True)
        _, code = np.unique(code * len(values) + place, return_inverse=True)
    _, first = np.unique(code, return_index=True)
    return rows[first], code


def _row_positions(ordered: IntArray, rows: IntArray) -> IntArray:
    """Position of each row in the unique rows `ordered`; len(ordered) where absent."""
    both, inverse = _unique_rows(np.vstack([ordered, rows]))
    place = np.full(len(both), len(ordered), dtype=np.int64)
    place[inverse[: len(ordered)]] = np.arange(len(ordered))
    return place[inverse[len(ordered) :]]
