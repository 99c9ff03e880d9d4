"""Attacks on protected counts. The attacker's system is built from cases by week x cell, not from the atoms' sums."""

import itertools
from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import event, given, settings
from hypothesis import strategies as st
from scipy.optimize import linprog

from lagebild.stats.disclosure import NO_CELL, Contributions, primary_rule, publish_counts, surviving_share
from lagebild.stats.weeks import BLOCK_WEEKS

AGENCIES = range(4)
FIELDS = ("district", "group", "week", "cell", "agency", "count", "minimum")


def contributions(rows, minimum=3):
    """rows: (district, group, week, cell, agency, count)."""
    table = np.array([(*row, minimum) for row in rows], dtype=np.int64).reshape(-1, len(FIELDS))
    return Contributions(*table.T)


def block_rows(rows):
    return [(1, 1, week, cell, agency, count) for week, cell, agency, count in rows]


@st.composite
def worlds(draw, districts=1):
    rows = draw(
        st.lists(
            st.tuples(
                st.integers(1, districts),
                st.just(1),
                st.integers(0, 3),
                st.sampled_from([NO_CELL, 11, 12, 13, 14]),
                st.sampled_from(AGENCIES),
                st.integers(1, 7),
            ),
            min_size=1,
            max_size=14,
        )
    )
    return rows, draw(st.sampled_from([2, 3, 5]))


@dataclass
class Attack:
    """What one attacker knows of one block: cases of others by (week, cell), published sums, and the withheld atoms."""

    names: list
    atoms: dict
    known: np.ndarray
    values: np.ndarray
    truth: np.ndarray
    withheld: list

    def recovered(self):
        rank = np.linalg.matrix_rank(self.known) if len(self.known) else 0
        return [
            name for name in self.withheld if np.linalg.matrix_rank(np.vstack([self.known, self.atoms[name]])) == rank
        ]

    def least(self, family):
        """Smallest total of the family's withheld atoms that agrees with everything published."""
        union = sum((self.atoms[name] for name in self.withheld if name[0] == family), np.zeros(len(self.truth)))
        if not union.any():
            return 0
        kwargs = {"A_eq": self.known, "b_eq": self.values} if len(self.known) else {}
        return round(linprog(union, bounds=(0, None), **kwargs).fun)


def attack(rows, result, attacker, district=1):
    """System of the attacker in the unknowns x[week, cell], cases of all others.

    Atoms that hold no case of others are known to be empty, as the strongest attacker would know.
    """
    others = [row for row in rows if row[0] == district and row[4] != attacker]
    own = [row for row in rows if row[0] == district and row[4] == attacker]
    weeks, cells = sorted({row[2] for row in others}), sorted({row[3] for row in others})
    unknowns = list(itertools.product(weeks, cells))
    truth = np.array([sum(r[5] for r in others if (r[2], r[3]) == unknown) for unknown in unknowns])
    atoms = {("week", week): np.array([w == week for w, _ in unknowns], dtype=float) for week in weeks}
    atoms |= {("cell", cell): np.array([c == cell for _, c in unknowns], dtype=float) for cell in cells}
    published = {}
    for week, count, is_out in _table(result.weeks, "week", district):
        if is_out:
            published["week", week] = count - sum(row[5] for row in own if row[2] == week)
    for cell, count, is_out in _table(result.cells, "cell", district):
        if is_out:
            published["cell", cell] = count - sum(row[5] for row in own if row[3] == cell)
    names = [name for name in atoms if name in published]
    return Attack(
        names=names,
        atoms=atoms,
        known=np.array([atoms[name] for name in names]).reshape(len(names), len(unknowns)),
        values=np.array([published[name] for name in names]),
        truth=truth,
        withheld=[name for name in atoms if name not in published],
    )


def _table(atoms, key, district):
    mine = atoms.district == district
    return zip(getattr(atoms, key)[mine], atoms.count[mine], atoms.published[mine], strict=True)


@settings(max_examples=400, deadline=None)
@given(worlds())
def test_nobody_recovers_a_withheld_atom_from_published_sums(world):
    rows, minimum = world
    result = publish_counts(contributions(rows, minimum), weeks_end=BLOCK_WEEKS)
    event(f"cells published: {result.cells.published.any()}")
    stranger = attack(rows, result, attacker=None)
    assert [name for name in stranger.recovered() if name != ("cell", NO_CELL)] == []
    for attacker in AGENCIES:
        system = attack(rows, result, attacker)
        for name in system.recovered():
            rest = int(system.atoms[name] @ system.truth)
            assert rest == 0 or rest >= minimum


@settings(max_examples=300, deadline=None)
@given(worlds())
def test_no_attacker_learns_of_one_to_k_minus_one_cases_of_others_in_withheld_atoms(world):
    rows, minimum = world
    result = publish_counts(contributions(rows, minimum), weeks_end=BLOCK_WEEKS)
    for attacker in (None, *AGENCIES):
        system = attack(rows, result, attacker)
        for family in ("week", "cell"):
            least = system.least(family)
            assert least == 0 or least >= minimum


@settings(max_examples=300, deadline=None)
@given(worlds())
def test_subtracting_own_cases_from_a_published_atom_leaves_none_or_at_least_k(world):
    rows, minimum = world
    result = publish_counts(contributions(rows, minimum), weeks_end=BLOCK_WEEKS)
    for key, atoms in ((2, result.weeks), (3, result.cells)):
        name = "week" if key == 2 else "cell"
        for value, count, is_out in _table(atoms, name, 1):
            holding = [row for row in rows if row[key] == value]
            assert count == sum(row[5] for row in holding)
            for attacker in AGENCIES:
                rest = count - sum(row[5] for row in holding if row[4] == attacker)
                assert not is_out or (count >= minimum and (rest == 0 or rest >= minimum))


@settings(max_examples=200, deadline=None)
@given(worlds(districts=2), st.randoms(use_true_random=False))
def test_order_and_splitting_of_rows_do_not_matter(world, random):
    rows, minimum = world
    shuffled = [(*row[:5], 1) for row in rows for _ in range(row[5])]
    random.shuffle(shuffled)
    first = publish_counts(contributions(rows, minimum), weeks_end=4)
    second = publish_counts(contributions(shuffled, minimum), weeks_end=4)
    for one, other in ((first.weeks, second.weeks), (first.cells, second.cells)):
        for name in vars(one):
            assert getattr(one, name).tolist() == getattr(other, name).tolist()


@settings(max_examples=100, deadline=None)
@given(worlds(districts=3))
def test_districts_and_groups_are_decided_independently(world):
    rows, minimum = world
    together = publish_counts(contributions([*rows, *((row[0], 2, *row[2:]) for row in rows)], minimum), weeks_end=4)
    for district in {row[0] for row in rows}:
        alone = publish_counts(contributions([row for row in rows if row[0] == district], minimum), weeks_end=4)
        for group in (1, 2):
            part = (together.cells.district == district) & (together.cells.group == group)
            assert together.cells.published[part].tolist() == alone.cells.published.tolist()
            assert together.cells.cell[part].tolist() == alone.cells.cell.tolist()


def brute_force_primary(rows, minimum):
    """rows: (atom, agency, count)."""
    verdict = {}
    for atom in {row[0] for row in rows}:
        mine = [row for row in rows if row[0] == atom]
        total = sum(row[2] for row in mine)
        rests = [total - sum(row[2] for row in mine if row[1] == agency) for agency in AGENCIES]
        verdict[atom] = total >= minimum[atom] and all(rest == 0 or rest >= minimum[atom] for rest in rests)
    return verdict


@given(st.lists(st.tuples(st.integers(0, 3), st.sampled_from(AGENCIES), st.integers(0, 6)), min_size=1, max_size=20))
def test_primary_rule_agrees_with_its_definition(rows):
    minimum = [2, 3, 5, 3]
    atom, agency, count = zip(*rows, strict=True)
    passes = primary_rule(atom, agency, count, minimum)
    for number, expected in brute_force_primary(rows, minimum).items():
        assert passes[number] == expected


@pytest.mark.parametrize(
    ("shares", "minimum", "published"),
    [
        ({0: 3}, 3, True),
        ({0: 2}, 3, False),
        ({0: 3, 1: 3}, 3, True),
        ({0: 9, 1: 2}, 3, False),
        ({0: 9, 1: 1, 2: 1}, 3, False),
        ({0: 9, 1: 2, 2: 1}, 3, True),
        ({0: 1, 1: 1, 2: 1}, 3, False),
        ({0: 4}, 5, False),
        ({0: 5, 1: 5}, 5, True),
    ],
)
def test_primary_rule_by_example(shares, minimum, published):
    result = primary_rule([0] * len(shares), list(shares), list(shares.values()), [minimum])
    assert result.tolist() == [published]


def test_small_cell_is_not_derivable_from_complete_weeks():
    rows = block_rows([(0, 11, 0, 6), (1, 12, 0, 4), (2, 13, 0, 2), (2, 11, 0, 3)])
    result = publish_counts(contributions(rows), weeks_end=4)
    assert result.weeks.published.tolist() == [True, True, True]
    # Cell 13 fails alone; 12 is the smallest other cell and goes with it.
    assert dict(zip(result.cells.cell.tolist(), result.cells.published.tolist(), strict=True)) == {
        11: True,
        12: False,
        13: False,
    }


def test_small_week_is_not_derivable_from_complete_cells():
    rows = block_rows([(0, 11, 0, 4), (1, 11, 0, 1), (1, 12, 0, 1), (2, 12, 0, 5)])
    result = publish_counts(contributions(rows), weeks_end=4)
    assert result.weeks.published.tolist() == [True, False, True]
    assert result.cells.published.tolist() == [False, True]


def test_withheld_week_known_to_its_only_contributor_does_not_open_the_cells():
    rows = block_rows([(0, 11, 1, 6), (0, 12, 1, 2), (1, 11, 0, 1), (2, 13, 1, 4)])
    result = publish_counts(contributions(rows), weeks_end=4)
    system = attack(rows, result, attacker=0)
    assert system.recovered() == []
    assert system.least("cell") == 0 or system.least("cell") >= 3


def test_nothing_is_withheld_without_need():
    rows = block_rows([(0, 11, 0, 3), (1, 12, 1, 4), (2, 13, 2, 5)])
    result = publish_counts(contributions(rows), weeks_end=4)
    assert result.weeks.published.all()
    assert result.cells.published.all()


def test_withheld_remainder_that_is_large_enough_costs_no_further_cell():
    rows = block_rows([(0, 11, 0, 9), (1, 12, 0, 2), (1, 13, 0, 2)])
    result = publish_counts(contributions(rows), weeks_end=4)
    assert result.cells.published.tolist() == [True, False, False]


def test_one_sufficient_cell_goes_before_two_smaller_ones():
    rows = block_rows([(0, 11, 0, 5), (0, 12, 1, 6), (0, 13, 0, 6), (0, 13, 1, 6), (0, 14, 2, 1)])
    result = publish_counts(contributions(rows, minimum=5), weeks_end=4)
    assert result.weeks.published.tolist() == [True]
    assert result.cells.published.tolist() == [True, True, False, False]


def test_cell_withheld_on_the_way_is_given_back_when_others_suffice():
    rows = block_rows([(0, 11, 1, 5), (0, 12, 0, 5), (1, 13, 0, 6), (1, 11, 1, 2)])
    result = publish_counts(contributions(rows), weeks_end=4)
    assert result.weeks.published.tolist() == [True, False]
    assert dict(zip(result.cells.cell.tolist(), result.cells.published.tolist(), strict=True)) == {
        11: False,
        12: True,
        13: False,
    }


def test_single_unlocated_case_is_not_derivable():
    rows = block_rows([(0, 11, 0, 6), (1, 12, 0, 5), (1, NO_CELL, 0, 1)])
    result = publish_counts(contributions(rows), weeks_end=4)
    assert NO_CELL not in result.cells.cell
    assert result.cells.published.tolist() == [True, False]


def test_cells_appear_only_once_their_four_weeks_are_complete():
    rows = block_rows([(week, 11, 0, 5) for week in range(8)])
    running = publish_counts(contributions(rows), weeks_end=7)
    assert running.weeks.week.tolist() == list(range(7))
    assert running.cells.block.tolist() == [0]
    assert publish_counts(contributions(rows), weeks_end=8).cells.block.tolist() == [0, 1]


def test_what_is_released_stays_as_time_goes_on():
    random = np.random.default_rng(3)
    rows = [
        (int(random.integers(1, 3)), 1, week, int(random.choice([0, 11, 12, 13])), int(random.integers(0, 3)), 2)
        for week in range(12)
        for _ in range(6)
    ]
    full = publish_counts(contributions(rows), weeks_end=12)
    for end in range(1, 12):
        early = publish_counts(contributions(rows), weeks_end=end)
        known = full.weeks.week < end
        assert early.weeks.published.tolist() == full.weeks.published[known].tolist()
        done = full.cells.block < end // 4
        assert early.cells.published.tolist() == full.cells.published[done].tolist()


def test_cell_across_a_boundary_has_one_atom_in_each_district():
    rows = [(1, 1, 0, 11, 0, 4), (2, 1, 0, 11, 0, 5)]
    cells = publish_counts(contributions(rows), weeks_end=4).cells
    assert list(zip(cells.district, cells.cell, cells.count, strict=True)) == [(1, 11, 4), (2, 11, 5)]


def test_empty_input_and_rows_without_cases_have_no_atoms():
    assert publish_counts(contributions([]), weeks_end=4).weeks.count.size == 0
    assert publish_counts(contributions([(1, 1, 0, 11, 0, 0)]), weeks_end=4).cells.count.size == 0


def test_protection_leaves_most_of_a_busy_group_and_costs_little_beyond_the_primary_rule():
    random = np.random.default_rng(8)
    popularity = 1 / np.arange(1, 51)
    cells = random.choice(np.arange(10, 60), 4500, p=popularity / popularity.sum())
    columns = (
        cells % 7,
        cells * 0 + 1,
        random.integers(0, 52, 4500),
        cells,
        random.integers(0, 3, 4500),
        cells * 0 + 1,
    )
    result = publish_counts(contributions(list(zip(*columns, strict=True))), weeks_end=52)
    assert surviving_share(result.weeks.count, result.weeks.published) > 0.9
    block = columns[2] // BLOCK_WEEKS
    _, atom = np.unique(np.column_stack([cells, block]), axis=0, return_inverse=True)
    primary = primary_rule(atom, columns[4], columns[5], np.full(atom.max() + 1, 3))
    alone = surviving_share(np.bincount(atom), primary)
    both = surviving_share(result.cells.count, result.cells.published)
    assert alone > 0.5
    assert 0.9 * alone < both <= alone


def test_surviving_share_counts_cases_not_atoms():
    assert surviving_share([6, 2, 2], [True, False, True]) == pytest.approx(0.8)
    assert surviving_share([], []) is None


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"count": [1, -1]}, "count"),
        ({"minimum": [3, 1]}, "minimum"),
        ({"minimum": [3, 5]}, "two different"),
        ({"week": [1]}, "entries"),
        ({"cell": [1.5, 2.0]}, "whole numbers"),
    ],
)
def test_unusable_contributions_are_refused(change, message):
    sound = {name: [1, 1] for name in FIELDS} | {"minimum": [3, 3]}
    with pytest.raises(ValueError, match=message):
        Contributions(**{name: np.array(value) for name, value in (sound | change).items()})
