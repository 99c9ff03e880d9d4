import h3.api.basic_int as h3
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from lagebild.stats.grid import build_grid, disk_sums, positions
from lagebild.stats.hotspots import find_hotspots
from tests.stats.conftest import CITY_CENTRE

SMALL = build_grid(h3.grid_disk(CITY_CENTRE, 3))
MAPS = st.lists(st.integers(0, 12), min_size=SMALL.size, max_size=SMALL.size).map(np.array)


def two_rings(centre):
    return set(positions(SMALL.cells, h3.grid_disk(int(SMALL.cells[centre]), 2)).tolist())


def scatter(grid, cases, rng):
    return np.bincount(rng.integers(0, grid.size, cases), minlength=grid.size)


def test_p_is_the_sum_of_binomial_probabilities_of_each_disk(quarter, rng):
    counts = scatter(quarter, 60, rng)
    result = find_hotspots(quarter, counts)
    for place in range(quarter.size):
        size = np.count_nonzero(quarter.disks[place] >= 0)
        observed = int(counts[quarter.disks[place][quarter.disks[place] >= 0]].sum())
        p = sum(stats.binom.pmf(k, 60, size / quarter.size) for k in range(observed, 61))
        assert result.count[place] == observed
        assert result.expected[place] == pytest.approx(60 * size / quarter.size)
        assert result.p[place] == pytest.approx(p, rel=1e-9)


def test_q_follows_benjamini_and_hochberg_step_by_step(quarter, rng):
    result = find_hotspots(quarter, scatter(quarter, 60, rng))
    order = np.argsort(result.p)
    running, expected = 1.0, np.empty(quarter.size)
    for rank in range(quarter.size, 0, -1):
        running = min(running, result.p[order[rank - 1]] * quarter.size / rank)
        expected[order[rank - 1]] = running
    np.testing.assert_allclose(result.q, expected, rtol=1e-12)


def test_planted_disk_is_found_with_its_centre_cells_and_numbers(city, rng):
    counts = scatter(city, 1000, rng)
    centre = int(np.searchsorted(city.cells, CITY_CENTRE))
    counts[city.disks[centre]] += 4
    result = find_hotspots(city, counts)
    best = result.hotspots[0]
    assert len(result.hotspots) == 1
    assert best.centre == centre
    assert set(best.cells) >= set(city.disks[centre].tolist())
    assert best.count == counts[city.disks[centre]].sum()
    assert best.cases == counts[list(best.cells)].sum()
    assert best.expected == pytest.approx(counts.sum() * 7 / city.size)
    assert best.p == result.p[centre]
    assert best.q == result.q[centre] <= 0.05


def test_everything_in_one_cell_is_one_hotspot_centred_there(city):
    counts = np.zeros(city.size, dtype=int)
    place = int(np.searchsorted(city.cells, CITY_CENTRE))
    counts[place] = 40
    (only,) = find_hotspots(city, counts).hotspots
    assert only.centre == place
    assert set(only.cells) == set(city.disks[place].tolist())
    assert only.count == only.cases == 40


def test_significant_cell_beside_the_second_hotspot_belongs_to_the_second(city):
    place = {cell: index for index, cell in enumerate(city.cells.tolist())}
    second = h3.grid_ring(CITY_CENTRE, 10)[0]
    beside = next(cell for cell in h3.grid_ring(second, 2) if h3.grid_distance(cell, CITY_CENTRE) > 10)
    counts = np.zeros(city.size, dtype=int)
    counts[[place[CITY_CENTRE], place[second], place[beside]]] = 60, 30, 20
    result = find_hotspots(city, counts)
    assert next(spot.centre for spot in result.hotspots) == place[CITY_CENTRE]
    assert result.significant[place[beside]]
    (owner,) = [number for number, spot in enumerate(result.hotspots) if place[beside] in spot.cells]
    assert owner == 1
    assert set(result.hotspots[0].cells) == set(city.disks[place[CITY_CENTRE]].tolist())


def test_larger_count_leads_where_p_is_too_small_for_a_float(city):
    counts = np.ones(city.size, dtype=int)
    lesser, greater = city.size // 2, city.size // 2 + 400
    counts[city.disks[greater]] = 1000
    counts[[lesser, greater]] = 3000, 2000
    first, second = find_hotspots(city, counts).hotspots
    assert first.p == second.p == 0
    assert (first.centre, second.centre) == (greater, lesser)


@pytest.mark.parametrize("cases", [0, 1])
def test_empty_map_and_single_case_have_no_hotspot(city, cases):
    counts = np.zeros(city.size, dtype=int)
    counts[7] = cases
    result = find_hotspots(city, counts)
    assert result.hotspots == ()
    assert not result.significant.any()
    assert (result.p[result.count == 0] == 1).all()


def test_minimum_decides_between_four_and_five_and_three_for_grave_streams(city):
    counts = np.zeros(city.size, dtype=int)
    counts[1000] = 4
    assert find_hotspots(city, counts).hotspots == ()
    assert len(find_hotspots(city, counts, minimum=3).hotspots) == 1
    counts[1000] = 5
    assert len(find_hotspots(city, counts).hotspots) == 1


def test_two_distant_places_are_two_areas_and_neighbouring_ones_one(city):
    place = {cell: index for index, cell in enumerate(city.cells.tolist())}
    far = place[h3.grid_ring(CITY_CENTRE, 10)[0]]
    near = place[h3.grid_ring(CITY_CENTRE, 4)[0]]
    centre = place[CITY_CENTRE]
    apart = np.zeros(city.size, dtype=int)
    apart[[centre, far]] = 20, 18
    assert [(spot.centre, spot.area) for spot in find_hotspots(city, apart).hotspots] == [(centre, 0), (far, 1)]
    adjoining = np.zeros(city.size, dtype=int)
    adjoining[[centre, near]] = 20, 18
    found = find_hotspots(city, adjoining).hotspots
    assert [(spot.centre, spot.area) for spot in found] == [(centre, 0), (near, 0)]


@settings(deadline=None)
@given(MAPS)
def test_hotspots_are_disjoint_cover_all_significant_cells_and_meet_the_criteria(counts):
    result = find_hotspots(SMALL, counts)
    cells = [cell for spot in result.hotspots for cell in spot.cells]
    assert len(cells) == len(set(cells))
    assert set(np.flatnonzero(result.significant).tolist()) <= set(cells)
    assert sum(spot.cases for spot in result.hotspots) <= result.total
    assert ((result.p >= 0) & (result.p <= 1) & (result.q >= result.p - 1e-15)).all()
    ranks = [(spot.p, -spot.count) for spot in result.hotspots]
    assert ranks == sorted(ranks)
    for spot in result.hotspots:
        assert spot.count >= 5
        assert spot.q <= 0.05
        assert spot.count > spot.expected
        assert set(spot.cells) <= two_rings(spot.centre)


@settings(deadline=None)
@given(MAPS, st.floats(0.01, 1000))
def test_scale_of_the_weights_does_not_matter(counts, scale):
    weights = np.linspace(1, 4, SMALL.size)
    first = find_hotspots(SMALL, counts, weights=weights)
    second = find_hotspots(SMALL, counts, weights=weights * scale)
    np.testing.assert_allclose(second.p, first.p, rtol=1e-9)
    np.testing.assert_allclose(
        find_hotspots(SMALL, counts, weights=np.full(SMALL.size, scale)).p, find_hotspots(SMALL, counts).p, rtol=1e-9
    )


def test_same_geometry_elsewhere_gives_the_same_numbers(rng):
    other = h3.latlng_to_cell(51.68, 7.82, 8)
    there = build_grid(h3.grid_disk(other, 3))
    cells = h3.grid_disk(CITY_CENTRE, 3)
    counts = rng.poisson(1, len(cells))
    counts[0] += 15
    ring = {cell: h3.cell_to_local_ij(CITY_CENTRE, cell) for cell in cells}
    origin_here, origin_there = ring[CITY_CENTRE], h3.cell_to_local_ij(other, other)
    step = [origin_there[axis] - origin_here[axis] for axis in (0, 1)]
    moved = [h3.local_ij_to_cell(other, ij[0] + step[0], ij[1] + step[1]) for ij in ring.values()]
    here_counts = dict(zip(cells, counts, strict=True))
    there_counts = dict(zip(moved, counts, strict=True))
    first = find_hotspots(SMALL, [here_counts[cell] for cell in SMALL.cells.tolist()])
    second = find_hotspots(there, [there_counts[cell] for cell in there.cells.tolist()])
    assert sorted(first.p) == pytest.approx(sorted(second.p))
    assert [spot.count for spot in first.hotspots] == [spot.count for spot in second.hotspots]


def test_background_as_weights_explains_the_busy_place_away(city, rng):
    background = np.ones(city.size)
    background[city.disks[1000]] = 60
    cases = rng.choice(city.size, 1500, p=background / background.sum())
    counts = np.bincount(cases, minlength=city.size)
    assert 1000 in [spot.centre for spot in find_hotspots(city, counts).hotspots]
    assert find_hotspots(city, counts, weights=background).hotspots == ()


@pytest.mark.parametrize("cases", [60, 1000, 10000])
def test_maps_without_any_hotspot_show_one_in_about_five_per_cent_at_most(city, cases):
    rng = np.random.default_rng(cases)
    false = sum(bool(find_hotspots(city, scatter(city, cases, rng)).hotspots) for _ in range(400))
    # 20 expected at the nominal level; 30 are exceeded by chance in 1.3 % of such checks.
    assert false <= 30


def test_normal_approximation_would_report_hotspots_in_most_of_these_maps(city):
    rng = np.random.default_rng(60)
    size = (city.disks >= 0).sum(axis=1)
    false = 0
    for _ in range(50):
        counts = scatter(city, 60, rng)
        share = size / city.size
        z = (disk_sums(city, counts) - 60 * share) / np.sqrt(60 * share * (1 - share))
        false += bool((stats.false_discovery_control(stats.norm.sf(z)) <= 0.05).any())
    assert false > 25


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"counts": [1, 2]}, "counts has shape"),
        ({"counts": [-1] * 37}, "whole numbers"),
        ({"weights": [1.0]}, "weights has shape"),
        ({"weights": [-1.0] * 37}, "weights must be"),
        ({"weights": [0.0] * 37}, "weights must be"),
        ({"weights": [0.0] + [1.0] * 36}, "weight 0"),
        ({"minimum": 0}, "minimum"),
        ({"fdr": 1.0}, "fdr"),
    ],
)
def test_unusable_input_is_refused(quarter, change, message):
    with pytest.raises(ValueError, match=message):
        find_hotspots(quarter, **{"counts": [1] * 37, **change})
