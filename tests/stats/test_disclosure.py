"""The three rules by example and their boundaries. That they protect is proved by attack in tests/disclosure."""

import numpy as np
import pytest

from lagebild.stats.disclosure import (
    NO_CELL,
    Contributions,
    DeliveredCounts,
    open_sums,
    publish_counts,
    publish_deliveries,
    surviving_share,
)

FIELDS = ("district", "group", "week", "cell", "agency", "count", "minimum")


def contributions(rows, minimum=3):
    """rows: (district, group, week, cell, agency, count)."""
    table = np.array([(*row, minimum) for row in rows], dtype=np.int64).reshape(-1, len(FIELDS))
    return Contributions(*table.T)


def publish(rows, *, minimum=3, districts=1, blocks_end=1, silent=None):
    """rows: (district, week, cell, agency, count) of one group."""
    table = contributions([(row[0], 1, *row[1:]) for row in rows], minimum)
    return publish_counts(table, blocks_end=blocks_end, districts=districts, silent=silent)


def listed(atoms):
    return list(zip(*(column.tolist() for column in vars(atoms).values()), strict=True))


def test_a_contribution_of_the_minimum_is_told_and_a_smaller_one_leaves_no_trace():
    alone = publish([(1, 0, NO_CELL, 7, 3)])
    assert listed(alone.weeks) == [(1, 1, 0, 3)]
    for count in (1, 2):
        with_others = publish([(1, 0, NO_CELL, 7, 3), (1, 0, NO_CELL, 8, count)])
        assert listed(with_others.weeks) == listed(alone.weeks)
        assert not with_others.districts.count.size
        assert not with_others.city.count.size


def test_told_contributions_are_added_up_over_agencies():
    found = publish([(1, 0, 11, 7, 3), (1, 0, 11, 8, 4), (1, 0, 11, 9, 2)])
    assert listed(found.weeks) == [(1, 1, 0, 7)]
    assert listed(found.cells) == [(1, 1, 0, 11, 7)]


@pytest.mark.parametrize(
    ("weeks", "told"),
    [
        ((1, 1, 0, 0), []),
        ((1, 1, 1, 0), [3]),
        ((2, 2, 2, 0), [6]),
        ((2, 2, 2, 1), []),  # more than (4 - 1)(3 - 1): no week could be 0
        ((2, 2, 2, 2), []),
        ((3, 2, 2, 0), [4]),
        ((3, 2, 2, 1), []),
        ((3, 4, 2, 2), []),
    ],
)
def test_what_four_weeks_hide_is_told_as_a_sum_only_where_each_could_still_be_anything(weeks, told):
    found = publish([(1, week, NO_CELL, 7, count) for week, count in enumerate(weeks)])
    assert found.districts.count.tolist() == told


def test_a_week_without_delivery_is_no_hidden_part():
    rows = [(1, 0, NO_CELL, 7, 2), (1, 1, NO_CELL, 7, 2), (1, 2, NO_CELL, 7, 2)]
    assert publish(rows).districts.count.tolist() == [6]
    assert publish(rows, silent=np.array([[7, 3], [7, 3]])).districts.count.size == 0
    assert publish(rows, silent=np.array([[8, 3], [7, 4]])).districts.count.tolist() == [6]


def test_what_districts_hide_is_told_for_the_city():
    rows = [(1, 0, NO_CELL, 7, 2), (2, 1, NO_CELL, 7, 2), (3, 0, NO_CELL, 8, 2)]
    found = publish(rows, districts=4)
    assert found.districts.count.size == 0
    assert listed(found.city) == [(1, 0, 4)]
    assert publish(rows, districts=3).city.count.tolist() == [4]
    assert publish([*rows[:2], (3, 1, NO_CELL, 7, 2)], districts=3).city.count.size == 0


def test_a_district_with_one_hidden_week_stays_out_of_the_city_sum():
    told = [(1, week, NO_CELL, 7, 3) for week in (1, 2, 3)]
    rows = [(1, 0, NO_CELL, 7, 2), (2, 0, NO_CELL, 7, 2), (3, 0, NO_CELL, 7, 1)]
    assert publish(rows, districts=5).city.count.tolist() == [5]
    assert publish(rows + told, districts=5).city.count.tolist() == [3]


def test_a_district_that_hides_more_than_a_sum_may_tell_stays_out_of_the_city_sum():
    rows = [(1, week, NO_CELL, 7, 2) for week in range(4)] + [(2, 0, NO_CELL, 7, 2), (3, 0, NO_CELL, 7, 1)]
    assert publish(rows, districts=5).city.count.tolist() == [3]


@pytest.mark.parametrize(
    ("total", "parts", "minimum"), [(2, 9, 3), (3, 2, 3), (7, 4, 3), (4, 4, 5), (3, 1, 3), (1, 0, 2)]
)
def test_sums_that_may_not_be_told(total, parts, minimum):
    assert not open_sums([total], [parts], [minimum])[0]


def test_cells_tell_no_more_than_the_weeks_do():
    rows = [(1, 0, 11, 7, 2), (1, 1, 11, 7, 1), (1, 2, 12, 7, 5)]
    assert listed(publish(rows).cells) == [(1, 1, 0, 12, 5)]


def test_without_a_hidden_week_the_cells_keep_back_k_minus_one():
    rows = [(1, week, 11, 7, 3) for week in range(4)]
    assert publish(rows).cells.count.size == 0
    assert publish([*rows, (1, 0, 12, 7, 1)]).cells.count.size == 0
    assert publish([*rows, (1, 0, 12, 7, 2)]).cells.count.tolist() == [12]


def test_the_smallest_cell_that_suffices_is_withheld():
    rows = [(1, 0, 11, 7, 3), (1, 1, 12, 7, 4), (1, 2, 13, 7, 9), (1, 3, 14, 7, 3)]
    assert publish(rows).cells.cell.tolist() == [12, 13, 14]
    assert publish(rows, minimum=5).cells.cell.tolist() == [13]


def test_several_cells_are_withheld_where_none_suffices():
    rows = [(1, week, cell, 7, 1) for week in range(4) for cell in (11, 12, 13, 14, 15, 16)]
    found = publish(rows, minimum=4)
    # Weeks of six are told, 24 in all; six cells of four would tell them all.
    assert found.weeks.count.tolist() == [6, 6, 6, 6]
    assert found.cells.count.tolist() == [4] * 5
    assert publish(rows, minimum=4, silent=None).cells.cell.tolist() == [12, 13, 14, 15, 16]


def test_records_without_a_cell_are_never_a_cell():
    found = publish([(1, 0, NO_CELL, 7, 9)])
    assert found.weeks.count.tolist() == [9]
    assert found.cells.count.size == 0


def test_a_cell_across_a_boundary_has_one_atom_in_each_district():
    found = publish([(1, 0, 11, 7, 4), (2, 0, 11, 7, 5)], districts=2)
    assert listed(found.cells) == [(1, 1, 0, 11, 4), (2, 1, 0, 11, 5)]


def test_cases_others_see_one_by_one_protect_nobody():
    def told(seen):
        table = contributions([(1, 1, 0, NO_CELL, 7, 5)])
        table = Contributions(*(getattr(table, name) for name in FIELDS), seen=np.array([seen]))
        return publish_counts(table, blocks_end=1, districts=1).weeks.count.tolist()

    assert (told(0), told(2), told(3)) == ([5], [5], [])


def test_blocks_appear_only_when_complete_and_stay():
    rows = [(1, week, 11, 7, 5) for week in range(8)] + [(1, 9, 11, 7, 2)]
    early, late = publish(rows, blocks_end=1), publish(rows, blocks_end=2)
    assert early.weeks.week.tolist() == [0, 1, 2, 3]
    assert late.weeks.week.tolist() == list(range(8))
    assert publish(rows, blocks_end=3).weeks.week.tolist() == list(range(8))


def test_order_and_splitting_of_rows_do_not_matter(rng):
    keys = rng.integers(0, [3, 2, 8, 6, 4], size=(300, 5))
    rows = [(*key, 1) for key in keys.tolist()]
    merged, counts = np.unique(keys, axis=0, return_counts=True)
    together = [(*key, count) for key, count in zip(merged[::-1].tolist(), counts[::-1].tolist(), strict=True)]
    one, other = (publish_counts(contributions(r), blocks_end=2, districts=3) for r in (rows, together))
    for mine, yours in zip(vars(one).values(), vars(other).values(), strict=True):
        assert listed(mine) == listed(yours)


def test_districts_groups_blocks_and_agencies_do_not_meet():
    """Only the city sum joins districts, of one agency and group."""
    rows = [(1, 1, 0, NO_CELL, 7, 2), (2, 1, 0, NO_CELL, 8, 2), (3, 2, 0, NO_CELL, 7, 2), (4, 1, 4, NO_CELL, 7, 2)]
    found = publish_counts(contributions(rows), blocks_end=2, districts=8)
    assert all(not atoms.count.size for atoms in vars(found).values())


def delivered(rows, minimum=5):
    """rows: (agency, period, area, count, is_city)."""
    table = np.array(rows, dtype=np.int64).reshape(-1, 5)
    agency, period, area, count, is_city = table.T
    same = np.ones(len(table), dtype=np.int64)
    return publish_deliveries(DeliveredCounts(agency, same, period, area, count, minimum * same, is_city.astype(bool)))


def test_delivered_counts_follow_the_same_rules():
    rows = [(7, 0, 1, 9, 0), (7, 0, 2, 4, 0), (8, 0, 1, 5, 0), (8, 0, 2, 4, 0)]
    found = delivered(rows)
    assert (found.area.tolist(), found.count.tolist(), found.city_count.tolist()) == ([1], [14], [])
    # Three districts hide 4, 2 and 2: each could still be 0 or 4.
    assert delivered([(7, 0, 1, 4, 0), (7, 0, 2, 2, 0), (7, 0, 3, 2, 0)]).city_count.tolist() == [8]
    assert delivered([(7, 0, 1, 4, 0), (7, 0, 2, 4, 0), (7, 0, 3, 1, 0)]).city_count.tolist() == []


def test_a_delivered_city_count_below_the_minimum_is_not_told_through_a_sum():
    found = delivered([(7, period, 0, 4, 1) for period in range(3)])
    assert found.count.size == found.city_count.size == 0


def test_surviving_shares_add_up_from_fine_to_coarse():
    rows = [(1, 0, 11, 7, 6), (1, 1, 12, 7, 1), (1, 2, 13, 7, 2), (2, 0, NO_CELL, 7, 1)]
    table = contributions([(row[0], 1, *row[1:]) for row in rows])
    found = surviving_share(table, publish_counts(table, blocks_end=1, districts=2))
    assert found == pytest.approx({"weeks": 0.6, "districts": 0.9, "city": 0.9, "cells": 6 / 9})
    assert set(surviving_share(contributions([]), publish([])).values()) == {1.0}


def test_empty_input_and_rows_without_cases_have_no_atoms():
    for rows in ([], [(1, 0, 11, 7, 0)]):
        assert all(not atoms.count.size for atoms in vars(publish(rows)).values())


def test_more_districts_than_said_are_refused():
    with pytest.raises(ValueError, match="districts"):
        publish([(1, 0, 11, 7, 3), (2, 0, 11, 7, 3)], districts=1)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"count": [1, -1]}, "count"),
        ({"seen": [0, 2]}, "seen"),
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
