import csv

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from lagebild.stats.gistar import local_g_star

LINE = np.array([[0, 1, -1], [1, 0, 2], [2, 1, 3], [3, 2, 4], [4, 3, -1]])


@pytest.fixture(scope="module")
def memphis(shared):
    path = shared / "data" / "reference" / "gistar" / "expected_spdep_memphis_500m_queen_self.csv"
    with path.open(newline="") as file:
        rows = list(csv.DictReader(file))
    place = [tuple(int(part) for part in row["region"].split(":")) for row in rows]
    index = {cell: number for number, cell in enumerate(place)}
    queen = [[index.get((x + dx, y + dy), -1) for dx in (-1, 0, 1) for dy in (-1, 0, 1)] for x, y in place]
    column = {name: np.array([float(row[name]) for row in rows]) for name in ("count", "gistar", "p_fdr")}
    return column, np.array(queen)


def test_memphis_robberies_agree_with_spdep(memphis):
    column, queen = memphis
    z = local_g_star(column["count"], queen)
    assert z.shape == (4189,)
    np.testing.assert_allclose(z, column["gistar"], atol=1e-11)
    q = stats.false_discovery_control(2 * stats.norm.sf(np.abs(z)))
    np.testing.assert_allclose(q, column["p_fdr"], atol=1e-12)
    assert np.count_nonzero((z > 0) & (q <= 0.05)) == 382


def test_agrees_with_the_formula_written_out_with_a_weight_matrix(quarter, rng):
    values = rng.poisson(2, quarter.size).astype(float)
    n = quarter.size
    weight = np.zeros((n, n))
    for place, disk in enumerate(quarter.disks):
        weight[place, disk[disk >= 0]] = 1
    s = np.sqrt((values**2).sum() / n - values.mean() ** 2)
    expected = [
        (row @ values - row.sum() * values.mean()) / (s * np.sqrt((n * (row**2).sum() - row.sum() ** 2) / (n - 1)))
        for row in weight
    ]
    np.testing.assert_allclose(local_g_star(values, quarter.disks), expected, rtol=1e-10)


@given(st.lists(st.integers(0, 30), min_size=5, max_size=5), st.floats(0.1, 100), st.floats(-50, 50))
def test_unit_and_origin_of_the_values_do_not_matter(values, unit, origin):
    first = local_g_star(values, LINE)
    second = local_g_star(np.array(values) * unit + origin, LINE)
    if len(set(values)) > 1:
        np.testing.assert_allclose(second, first, atol=1e-6)
        assert np.isfinite(first).all()
    else:
        assert np.isnan(first).all()


def test_order_of_places_does_not_matter(quarter, rng):
    values = rng.poisson(1, quarter.size)
    order = rng.permutation(quarter.size)
    rank = np.append(np.argsort(order), -1)
    moved = local_g_star(values[order], rank[quarter.disks[order]])
    np.testing.assert_allclose(moved, local_g_star(values, quarter.disks)[order], rtol=1e-10)


def test_each_period_is_a_map_of_its_own(quarter, rng):
    values = rng.poisson(1, (4, quarter.size))
    values[2] = 0
    z = local_g_star(values, quarter.disks)
    assert np.isnan(z[2]).all()
    np.testing.assert_allclose(z[3], local_g_star(values[3], quarter.disks))


def test_everything_in_one_cell_is_hottest_around_that_cell(quarter):
    values = np.zeros(quarter.size)
    centre = next(place for place, disk in enumerate(quarter.disks) if (disk >= 0).all())
    values[centre] = 9
    z = local_g_star(values, quarter.disks)
    assert set(np.flatnonzero(z > 0).tolist()) == set(quarter.disks[centre].tolist())


@pytest.mark.parametrize(
    ("values", "neighbours", "message"),
    [
        ([1.0], [[0]], "two places"),
        ([1.0, np.nan], [[0], [1]], "finite"),
        ([1.0, 2.0], [[0], [0]], "itself"),
        ([1.0, 2.0], [[0], [2]], "out of range"),
        ([1.0, 2.0], [[0]], "whole numbers"),
    ],
)
def test_unusable_input_is_refused(values, neighbours, message):
    with pytest.raises(ValueError, match=message):
        local_g_star(values, neighbours)
