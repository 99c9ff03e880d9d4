import h3.api.basic_int as h3
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lagebild.stats.chains import _deviations, _p_order, find_lead
from lagebild.stats.grid import OUTSIDE, build_grid
from tests.stats.conftest import CITY_CENTRE

TOWN = build_grid(h3.grid_disk(CITY_CENTRE, 8))
SMALL = build_grid(h3.grid_disk(CITY_CENTRE, 1))
DISTRICTS = np.unique([h3.cell_to_parent(int(cell), 7) for cell in TOWN.cells], return_inverse=True)[1]
WEEKS = 104
SEASON = 1 + 0.8 * np.cos(2 * np.pi * np.arange(WEEKS) / 52)
FAIR = np.where(np.arange(WEEKS) % 52 < 8, 12.0, 1.0)


def streams(rng, events=1_000, *, flares="none", season=SEASON):
    """Two unconnected streams with the same season and the same lively places.

    flares: "own" of four weeks, each stream its own, over a whole disk; "common": both at the same time and place.
    """
    rates = [np.outer(rng.gamma(0.6, 1, TOWN.size), season)] * 2
    rates = [rate.copy() for rate in rates]
    for _ in range(TOWN.size // 8):
        disk = TOWN.disks[rng.integers(TOWN.size)]
        start = rng.integers(WEEKS - 4)
        for number, rate in enumerate(rates):
            if flares == "own" and number:
                disk, start = TOWN.disks[rng.integers(TOWN.size)], rng.integers(WEEKS - 4)
            if flares != "none":
                rate[disk[disk != OUTSIDE], start : start + 4] *= 6
    return [rng.poisson(rate * events / rate.sum()) for rate in rates]


def plant(first, second, rng, cases, lag, places=None):
    place = rng.integers(0, TOWN.size, cases) if places is None else rng.choice(places, cases)
    week = rng.integers(0, WEEKS - lag, cases)
    np.add.at(first, (place, week), 1)
    np.add.at(second, (TOWN.disks[place, 0], week + lag), 1)


@pytest.mark.parametrize("lag", [1, 3, 8])
def test_a_planted_lead_is_found_with_its_lag(rng, lag):
    first, second = streams(rng)
    plant(first, second, rng, 90, lag)
    result = find_lead(TOWN, first, second, rng=rng)
    assert result.lag == lag
    assert result.p == max(result.p_together, result.p_order) <= 0.01
    assert result.excess == pytest.approx(90, abs=45)
    assert result.excess == result.by_lag[lag - 1] == pytest.approx(result.pairs - result.expected)


def test_pairs_and_expected_are_those_counted_one_by_one(rng):
    first, second = streams(rng, 300)
    result = find_lead(TOWN, first, second, rng=rng, permutations=1)
    pairs = np.zeros(TOWN.size)
    for place in range(TOWN.size):
        disk = TOWN.disks[place][TOWN.disks[place] != OUTSIDE]
        around = second[disk].sum(axis=0)
        for week in range(WEEKS - result.lag):
            pairs[place] += first[place, week] * around[week + result.lag]
    disks = np.array([second[disk[disk != OUTSIDE]].sum(axis=0) for disk in TOWN.disks])
    of_week = [counts.sum(axis=0) / counts.sum() for counts in (first, disks)]
    season = of_week[0][: -result.lag] @ of_week[1][result.lag :]
    expected = first.sum(axis=1) * disks.sum(axis=1) * season
    assert result.pairs == pairs.sum()
    assert result.expected == pytest.approx(expected.sum())
    for carrier in result.carriers:
        assert carrier.pairs == pairs[carrier.place]
        assert carrier.expected == pytest.approx(expected[carrier.place])
    excess = np.sort((pairs - expected)[pairs > expected])[::-1]
    assert len(result.carriers) == np.searchsorted(np.cumsum(excess), excess.sum() / 2) + 1


def test_the_places_that_carry_it_are_named(rng):
    first, second = streams(rng, 300)
    places = rng.choice(TOWN.size, 8, replace=False)
    plant(first, second, rng, 80, 2, places)
    result = find_lead(TOWN, first, second, rng=rng)
    assert result.p <= 0.05
    assert {carrier.place for carrier in result.carriers} <= set(places.tolist())


def test_the_wrong_way_round_is_no_lead(rng):
    first, second = streams(rng)
    plant(first, second, rng, 80, 3)
    result = find_lead(TOWN, second, first, rng=rng)
    assert find_lead(TOWN, first, second, rng=rng).p <= 0.01
    assert result.p_order > 0.2


def test_the_second_event_may_be_in_a_neighbouring_cell_but_no_further(rng):
    first, second = streams(rng, 600)
    inside = np.flatnonzero((TOWN.disks != OUTSIDE).all(axis=1))
    place, week = rng.choice(inside, 80), rng.integers(0, WEEKS - 4, 80)
    near, far = second.copy(), second.copy()
    np.add.at(first, (place, week), 1)
    np.add.at(near, (TOWN.disks[place, rng.integers(1, 7, 80)], week + 4), 1)
    np.add.at(far, ((place + TOWN.size // 2) % TOWN.size, week + 4), 1)
    assert find_lead(TOWN, first, near, rng=rng).p <= 0.01
    assert find_lead(TOWN, first, far, rng=rng).p > 0.05


@pytest.mark.parametrize(
    ("flares", "blocks", "season"),
    [("none", None, SEASON), ("none", None, FAIR), ("own", DISTRICTS, SEASON), ("common", None, SEASON)],
)
def test_season_lively_places_and_flares_raise_no_more_than_the_level(flares, blocks, season):
    rng = np.random.default_rng(17)
    limits = {"rng": rng, "blocks": blocks, "permutations": 99}
    results = [find_lead(TOWN, *streams(rng, 2_000, flares=flares, season=season), **limits) for _ in range(200)]
    alarms, together, order = (
        sum(getattr(result, name) <= 0.05 for result in results) for name in ("p", "p_together", "p_order")
    )
    # 99.9 % of a binomial with 200 draws at 5 % is 21.
    assert alarms <= 21
    assert order <= 21
    if flares == "common":
        assert together > 60
    else:
        assert together <= 25


def test_deviations_spread_as_much_in_the_season_as_out_of_it():
    first, _ = streams(np.random.default_rng(3), 5_000)
    busy = SEASON > 1.5
    quiet = SEASON < 0.5
    spread = {scaled: (_deviations(first, scaled=scaled) ** 2).sum(axis=0) for scaled in (True, False)}
    assert spread[True][busy].mean() / spread[True][quiet].mean() == pytest.approx(1, abs=0.35)
    assert spread[False][busy].mean() > 3 * spread[False][quiet].mean()


def test_a_place_where_very_much_happens_does_not_drown_the_lead_of_the_others(rng):
    first, second = streams(rng, 200)
    plant(first, second, rng, 60, 2)
    first[0] += rng.poisson(30, WEEKS)
    second[0] += rng.poisson(30, WEEKS)
    assert find_lead(TOWN, first, second, rng=rng).p <= 0.01


SERIES = st.lists(st.lists(st.integers(0, 3), min_size=12, max_size=12), min_size=SMALL.size, max_size=SMALL.size).map(
    np.array
)


@given(SERIES, SERIES, st.integers(0, 11))
@settings(max_examples=40)
def test_both_streams_moved_around_the_circle_of_weeks_give_the_same_p(first, second, shift):
    one, other = (
        find_lead(
            SMALL,
            np.roll(first, moved, axis=1),
            np.roll(second, moved, axis=1),
            rng=np.random.default_rng(1),
            maximum_lag=3,
            permutations=49,
        )
        for moved in (0, shift)
    )
    if one is None:
        assert other is None
        return
    assert (one.p_together, one.p_order) == (other.p_together, other.p_order)


@given(SERIES, SERIES, st.permutations(range(3)))
@settings(max_examples=40)
def test_names_of_blocks_do_not_matter(first, second, names):
    blocks = np.arange(SMALL.size) % 3
    one, other = (
        find_lead(SMALL, first, second, blocks=code, rng=np.random.default_rng(1), maximum_lag=3, permutations=49)
        for code in (blocks, np.array(names)[blocks] + 100)
    )
    if one is not None:
        assert (one.p_together, one.p_order, one.blocks) == (other.p_together, other.p_order, other.blocks)
        np.testing.assert_array_equal(one.by_lag, other.by_lag)


def test_order_is_the_share_of_all_signs_of_five_blocks():
    difference = np.array([[3.0, 1], [2, -1], [1, 0], [4, 2], [0.5, 1]])
    unit = difference / np.sqrt((difference**2).sum(axis=0))
    signs = np.array(np.meshgrid(*[[-1, 1]] * 5)).reshape(5, -1).T
    exact = np.mean((signs @ unit).max(axis=1) >= unit.sum(axis=0).max() - 1e-9)
    assert _p_order(difference, 20_000, np.random.default_rng(2)) == pytest.approx(exact, abs=0.01)


def test_the_same_seed_gives_the_same_result(rng):
    first, second = streams(rng, 400)
    one, other = (find_lead(TOWN, first, second, rng=np.random.default_rng(9)) for _ in range(2))
    assert (one.p_together, one.p_order, one.lag, one.carriers) == (
        other.p_together,
        other.p_order,
        other.lag,
        other.carriers,
    )


def test_nothing_nowhere_near_one_event_and_ten_million():
    nothing = np.zeros((TOWN.size, 40), dtype=np.int64)
    here, there = nothing.copy(), nothing.copy()
    here[0, 5] = 10_000_000
    far = int(np.flatnonzero((TOWN.disks[0][None, :] != np.arange(TOWN.size)[:, None]).all(axis=1))[0])
    there[far, 8] = 1
    limits = {"rng": np.random.default_rng(1), "permutations": 19}
    assert find_lead(TOWN, nothing, nothing, **limits) is None
    assert find_lead(TOWN, here, nothing, **limits) is None
    assert find_lead(TOWN, nothing, here, **limits) is None
    assert find_lead(TOWN, here, there, **limits) is None
    there[0, 8] = 10_000_000
    result = find_lead(TOWN, here, there, **limits)
    assert result.blocks == 1
    assert result.by_lag == pytest.approx(np.zeros(8))
    assert result.p == 1


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"first": np.zeros((3, 40))}, "shape"),
        ({"second": np.zeros((TOWN.size, 41))}, "shape"),
        ({"second": np.full((TOWN.size, 40), 0.5)}, "whole numbers"),
        ({"maximum_lag": 11}, "40 weeks"),
        ({"maximum_lag": 0}, "lags to 0"),
        ({"permutations": 0}, "0 permutations"),
        ({"blocks": [1, 2]}, "blocks"),
    ],
)
def test_impossible_input_is_refused(rng, change, message):
    given = {"first": np.ones((TOWN.size, 40)), "second": np.ones((TOWN.size, 40))} | change
    with pytest.raises(ValueError, match=message):
        find_lead(TOWN, given.pop("first"), given.pop("second"), rng=rng, **given)
