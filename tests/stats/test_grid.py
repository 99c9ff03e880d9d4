import h3.api.basic_int as h3
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lagebild.stats.grid import OUTSIDE, build_grid, count_cells, disk_sums, positions
from tests.stats.conftest import CITY_CENTRE


def test_disks_hold_the_cell_itself_and_its_neighbours_inside_the_universe(quarter):
    for place, cell in enumerate(quarter.cells):
        disk = quarter.disks[place]
        assert disk[0] == place
        inside = set(quarter.cells[disk[disk != OUTSIDE]].tolist())
        assert inside == set(h3.grid_disk(int(cell), 1)) & set(quarter.cells.tolist())


def test_universe_is_ascending_and_free_of_repetitions_whatever_the_order():
    cells = h3.grid_disk(CITY_CENTRE, 2)
    assert build_grid(cells).cells.tolist() == sorted(cells)
    assert build_grid([*reversed(cells), cells[0]]).disks.tolist() == build_grid(cells).disks.tolist()


def test_cells_survive_the_way_through_signed_bigint_and_text(quarter):
    unsigned = quarter.cells.astype(np.uint64)
    assert positions(quarter.cells, unsigned).tolist() == list(range(quarter.size))
    assert h3.is_valid_cell(int(format(int(quarter.cells[0]), "x"), 16))
    assert (quarter.cells > 0).all()


def test_disk_sum_equals_a_loop_over_h3_disks(city, rng):
    counts = rng.poisson(0.7, city.size)
    by_cell = dict(zip(city.cells.tolist(), counts.tolist(), strict=True))
    expected = [sum(by_cell.get(other, 0) for other in h3.grid_disk(int(cell), 1)) for cell in city.cells]
    assert disk_sums(city, counts).tolist() == expected


def test_disk_sums_of_several_periods_are_those_of_each(quarter, rng):
    counts = rng.poisson(1, (13, quarter.size))
    together = disk_sums(quarter, counts)
    assert together.tolist() == [disk_sums(quarter, row).tolist() for row in counts]


def test_interior_case_is_seen_by_seven_disks_and_one_beyond_the_universe_by_none(quarter):
    outside = next(cell for cell in h3.grid_ring(CITY_CENTRE, 4))
    counts = count_cells(quarter, np.array([CITY_CENTRE, outside, CITY_CENTRE], dtype=np.int64))
    assert counts.sum() == 2
    assert np.count_nonzero(disk_sums(quarter, counts) == 2) == 7


def test_given_counts_are_added_up_per_cell(quarter):
    cell = int(quarter.cells[5])
    assert count_cells(quarter, [cell, cell], [2, 3])[5] == 5
    assert count_cells(quarter, np.array([], dtype=np.int64)).sum() == 0


def test_grid_of_one_cell_has_no_neighbours():
    grid = build_grid([CITY_CENTRE])
    assert grid.disks.tolist() == [[0] + [OUTSIDE] * 6]
    assert disk_sums(grid, [4]).tolist() == [4]


def test_positions_beyond_the_last_cell_are_outside(quarter):
    assert positions(quarter.cells, [0, np.iinfo(np.int64).max]).tolist() == [OUTSIDE, OUTSIDE]


@pytest.mark.parametrize(
    ("cells", "message"),
    [([], "empty"), ([12345], "not an H3 cell"), ([CITY_CENTRE, h3.cell_to_parent(CITY_CENTRE, 8)], "resolutions")],
)
def test_unusable_universe_is_refused(cells, message):
    with pytest.raises(ValueError, match=message):
        build_grid(cells)


@pytest.mark.parametrize("counts", [[-1], [0.5], [float("nan")]])
def test_broken_counts_are_refused(quarter, counts):
    with pytest.raises(ValueError, match="whole numbers"):
        count_cells(quarter, quarter.cells[:1], counts)


def test_values_of_another_grid_are_refused(quarter):
    with pytest.raises(ValueError, match="37 cells"):
        disk_sums(quarter, np.zeros(36))


@given(st.data())
def test_disk_sums_are_linear(data):
    grid = build_grid(h3.grid_disk(CITY_CENTRE, 2))
    maps = st.lists(st.integers(0, 50), min_size=grid.size, max_size=grid.size).map(np.array)
    first, second = data.draw(maps), data.draw(maps)
    assert (disk_sums(grid, first + 3 * second) == disk_sums(grid, first) + 3 * disk_sums(grid, second)).all()
