import h3.api.basic_int as h3
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from lagebild.stats.grid import OUTSIDE, build_grid, disk_sums
from lagebild.stats.shift import _adjusted, find_shifts
from tests.stats.conftest import CITY_CENTRE

SMALL = build_grid(h3.grid_disk(CITY_CENTRE, 5))
P = st.floats(1e-6, 1)


def place_of(grid, steps):
    """Position of the cell so many steps from the middle of the city, always in the same direction."""
    ring = sorted(h3.grid_ring(CITY_CENTRE, steps)) if steps else [CITY_CENTRE]
    return int(np.searchsorted(grid.cells, ring[0]))


@pytest.fixture
def weight(city):
    weight = np.random.default_rng(2).gamma(0.5, 1, city.size)
    return weight / weight.sum()


def test_a_hotspot_that_moves_four_cells_is_found_with_its_numbers(city, weight, rng):
    here, there = place_of(city, 0), place_of(city, 4)
    before, after = rng.multinomial(1_000, weight), rng.multinomial(1_000, weight)
    np.add.at(before, city.disks[here][np.arange(35) % 7], 1)
    np.add.at(after, city.disks[there][np.arange(35) % 7], 1)
    result = find_shifts(city, before, after)
    (shift,) = result.shifts
    assert (shift.fading.area, shift.growing.area) == (here, there)
    was, now = disk_sums(city, before), disk_sums(city, after)
    for change, side in ((shift.fading, "less"), (shift.growing, "greater")):
        assert (change.before, change.after) == (was[change.area], now[change.area])
        table = [[change.after, change.before], [1_035 - change.after, 1_035 - change.before]]
        assert change.p == pytest.approx(stats.fisher_exact(table, alternative=side).pvalue, rel=1e-9)
        assert change.expected == pytest.approx((change.before + change.after) / 2)
    assert shift.p == max(shift.fading.p, shift.growing.p)
    one, other = (h3.cell_to_latlng(int(city.cells[place])) for place in (here, there))
    assert shift.distance_m == pytest.approx(1_000 * h3.great_circle_distance(one, other), rel=0.02)
    both = [shift.fading.after + shift.growing.after, shift.fading.before + shift.growing.before]
    table = [both, [1_035 - both[0], 1_035 - both[1]]]
    tails = [stats.fisher_exact(table, alternative=side).pvalue for side in ("less", "greater")]
    assert shift.together_p == pytest.approx(min(1, 2 * min(tails)), rel=1e-9)
    assert 0.7 < shift.together_ratio < 1.4


def test_one_that_fades_beside_nothing_is_no_shift(city, weight, rng):
    before, after = rng.multinomial(1_000, weight), rng.multinomial(1_000, weight)
    np.add.at(before, city.disks[place_of(city, 0)][np.arange(70) % 7], 1)
    assert find_shifts(city, before, after).shifts == ()
    assert find_shifts(city, after, before).shifts == ()


def test_only_neighbours_within_the_distance_count(city, weight, rng):
    before, after = rng.multinomial(1_000, weight), rng.multinomial(1_000, weight)
    np.add.at(before, city.disks[place_of(city, 0)][np.arange(60) % 7], 1)
    np.add.at(after, city.disks[place_of(city, 12)][np.arange(60) % 7], 1)
    assert find_shifts(city, before, after).shifts == ()
    (shift,) = find_shifts(city, before, after, maximum_m=5_000).shifts
    assert 3_500 < shift.distance_m < 5_000


def test_given_areas_are_numbered_in_their_order_and_overlapping_ones_are_no_pair(city):
    here, there = place_of(city, 0), place_of(city, 4)
    before, after = np.ones(city.size, dtype=int), np.ones(city.size, dtype=int)
    before[here], after[there] = 40, 40
    areas = [[there], city.disks[here].tolist(), [here, *city.disks[there]]]
    result = find_shifts(city, before, after, areas=areas)
    assert (result.areas, result.tested) == (3, 2)
    (shift,) = result.shifts
    assert (shift.fading.area, shift.growing.area) == (1, 0)
    assert (shift.fading.before, shift.fading.after) == (46, 7)
    assert (shift.growing.before, shift.growing.after) == (1, 40)


def test_no_cell_is_in_two_shifts(city, weight, rng):
    before, after = rng.multinomial(1_000, weight), rng.multinomial(1_000, weight)
    for place, cases in ((0, before), (4, after), (13, before), (17, after)):
        np.add.at(cases, city.disks[place_of(city, place)][np.arange(70) % 7], 1)
    shifts = find_shifts(city, before, after).shifts
    cells = [cell for shift in shifts for area in (shift.fading, shift.growing) for cell in city.disks[area.area]]
    assert len(shifts) == 2
    assert len(set(cells) - {OUTSIDE}) == len(cells)
    assert shifts[0].p <= shifts[1].p


def test_a_late_delivery_of_one_agency_looks_like_a_shift_only_without_strata(city):
    here, there = place_of(city, 0), place_of(city, 4)
    one, other = np.ones((2, city.size), dtype=int)
    one[here], other[there] = 40, 40
    before, after = np.array([one, other]), np.array([one // 4, other * 4])
    after[0, here] = 10
    assert find_shifts(city, before, after).shifts == ()
    assert len(find_shifts(city, before.sum(axis=0), after.sum(axis=0)).shifts) == 1


def test_nothing_that_changes_alone_raises_more_than_the_level(city, weight):
    rng = np.random.default_rng(8)
    inside = np.flatnonzero((city.disks != OUTSIDE).all(axis=1))
    nothing = single = 0
    for _ in range(60):
        before, after = rng.multinomial(1_500, weight), rng.multinomial(1_500, weight)
        nothing += bool(find_shifts(city, before, after).shifts)
        np.add.at(before, city.disks[rng.choice(inside)][np.arange(63) % 7], 1)
        single += bool(find_shifts(city, before, after).shifts)
    assert nothing <= 9  # 99.9 % of a binomial with 60 maps at 5 %
    assert single <= 9


@given(st.lists(st.tuples(P, P), max_size=30), st.floats(0.01, 0.5))
def test_q_is_the_level_at_which_bogomolov_and_hellers_rule_rejects(pairs, fdr):
    fall, rise = np.array(pairs).reshape(-1, 2).T
    falls, rises = np.count_nonzero(fall <= fdr / 2), np.count_nonzero(rise <= fdr / 2)
    chosen = (fall <= fdr / 2) & (rise <= fdr / 2)
    rejected = np.zeros(fall.size, dtype=bool)
    for number in range(fall.size, 0, -1):
        passes = chosen & (fall * rises <= number * fdr / 2) & (rise * falls <= number * fdr / 2)
        if passes.sum() >= number:
            rejected = passes
            break
    q = _adjusted(fall, rise, fdr)
    np.testing.assert_array_equal(q <= fdr * (1 + 1e-12), rejected)
    assert (q[~chosen] == 1).all()


COUNTS = st.lists(st.integers(0, 9), min_size=SMALL.size, max_size=SMALL.size).map(np.array)


@given(COUNTS, COUNTS, st.permutations(range(12)))
@settings(max_examples=30, deadline=None)
def test_order_of_areas_and_names_of_strata_do_not_matter(before, after, order):
    areas = [SMALL.disks[place][SMALL.disks[place] >= 0].tolist() for place in range(0, SMALL.size, 8)][:12]
    before[areas[0]], after[areas[7]] = 9, 9
    strata = np.array([before, after[::-1]]), np.array([after, before[::-1]])
    limits = {"maximum_m": 9_000, "minimum": 1, "fdr": 0.9}
    one = find_shifts(SMALL, *strata, areas=areas, **limits)
    renamed = [values[::-1] for values in strata]
    other = find_shifts(SMALL, *renamed, areas=[areas[place] for place in order], **limits)
    assert (one.tested, one.areas) == (other.tested, other.areas)
    assert [shift.p for shift in one.shifts][:1] == [shift.p for shift in other.shifts][:1]
    assert [shift.q for shift in one.shifts][:1] == [shift.q for shift in other.shifts][:1]


@given(COUNTS, COUNTS)
@settings(max_examples=20, deadline=None)
def test_time_reversed_fading_and_growing_change_places(before, after):
    limits = {"minimum": 1, "fdr": 0.9}
    one, other = find_shifts(SMALL, before, after, **limits), find_shifts(SMALL, after, before, **limits)
    if one is None:
        assert other is None
        return
    assert one.tested == other.tested
    assert [shift.p for shift in one.shifts][:1] == pytest.approx([shift.p for shift in other.shifts][:1])


def test_empty_windows_few_cases_one_place_and_ten_million(city):
    nothing, some = np.zeros(city.size, dtype=int), np.zeros(city.size, dtype=int)
    assert find_shifts(city, nothing, nothing) is None
    some[5] = 10_000_000
    assert find_shifts(city, some, nothing) is None
    same = find_shifts(city, some, some)
    assert (same.shifts, same.tested) == ((), 0)
    assert same.areas == np.count_nonzero(city.disks == 5)
    assert find_shifts(city, some, some, minimum=20_000_001).areas == 0
    far = np.roll(some, 1)
    far[place_of(city, 9)] += 5_000_000
    some[place_of(city, 5)] += 5_000_000
    assert find_shifts(city, some, far, maximum_m=9_000).shifts[0].p < 1e-300


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"before": [1, 2]}, "shape"),
        ({"after": np.full(SMALL.size, -1)}, "whole numbers"),
        ({"areas": [[1], []]}, "empty"),
        ({"areas": [[SMALL.size]]}, "outside"),
        ({"areas": [[-1]]}, "outside"),
        ({"maximum_m": 0}, "maximum_m"),
        ({"fdr": 1}, "fdr"),
    ],
)
def test_impossible_input_is_refused(change, message):
    ones = np.ones(SMALL.size, dtype=int)
    with pytest.raises(ValueError, match=message):
        find_shifts(SMALL, **({"before": ones, "after": ones} | change))
