import h3.api.basic_int as h3
import numpy as np
import pytest

from lagebild.stats.zones import circles, grown, hexagon_disks, joined, lines


def _zones(family):
    return [tuple(family.places(number).tolist()) for number in range(family.count)]


def test_disks_are_h3_disks_inside_the_universe(quarter):
    family = hexagon_disks(quarter, largest=2)
    found = {frozenset(zone) for zone in _zones(family)}
    expected = {
        frozenset(np.flatnonzero(np.isin(quarter.cells, h3.grid_disk(int(cell), radius))).tolist())
        for cell in quarter.cells
        for radius in (0, 1, 2)
    }
    assert found == expected


def test_a_larger_disk_without_a_further_cell_is_no_zone(quarter):
    whole = hexagon_disks(quarter, largest=8)
    assert max(whole.sizes) == 37
    assert (whole.sizes == 37).sum() == 37


def test_city_has_as_many_disks_as_expected(city):
    family = hexagon_disks(city)
    assert family.count == 9 * 2437
    assert family.sizes.max() == 217


def test_sums_agree_with_membership(quarter, rng):
    values = rng.integers(0, 9, (37, 3))
    irregular = grown(quarter, np.random.default_rng(3), ways=2, largest=6)
    for family in (hexagon_disks(quarter, 3), lines(quarter, 5), irregular, joined(lines(quarter, 5), irregular)):
        expected = [values[list(zone)].sum(axis=0) for zone in _zones(family)]
        np.testing.assert_array_equal(family.sums(values), expected)
        np.testing.assert_array_equal(family.sizes, [len(zone) for zone in _zones(family)])


def test_lines_are_straight_and_connected(quarter):
    family = lines(quarter, longest=7)
    centre = int(np.flatnonzero(quarter.cells == h3.latlng_to_cell(51.68, 7.82, 9))[0])
    through_centre = [zone for zone in _zones(family) if len(zone) == 7 and zone[0] == centre]
    assert len(through_centre) == 3
    for zone in through_centre:
        cells = [int(quarter.cells[place]) for place in zone]
        ends = max(h3.grid_distance(a, b) for a in cells for b in cells)
        assert ends == 6
        assert {place for other in through_centre if other != zone for place in other} & set(zone) == {centre}
    assert {len(zone) for zone in _zones(family)} == set(range(2, 8))


def test_irregular_zones_are_connected_and_grow_cell_by_cell(quarter):
    family = grown(quarter, np.random.default_rng(3), ways=3, largest=9)
    zones = _zones(family)
    assert {len(zone) for zone in zones} == set(range(2, 10))
    assert family.count == 37 * 3 * 8
    for zone in zones:
        cells = {int(quarter.cells[place]) for place in zone}
        reached, rim = set(), {next(iter(cells))}
        while rim:
            reached |= rim
            rim = {near for cell in rim for near in h3.grid_ring(cell, 1) if near in cells} - reached
        assert reached == cells
    assert len({frozenset(zone) for zone in zones if len(zone) == 9}) > 37
    again = grown(quarter, np.random.default_rng(3), ways=3, largest=9)
    np.testing.assert_array_equal(family.order, again.order)
    for ways, largest in ((0, 5), (1, 1)):
        with pytest.raises(ValueError, match="at least"):
            grown(quarter, np.random.default_rng(3), ways=ways, largest=largest)


def test_joined_families_hold_the_zones_of_each(quarter):
    one, two = hexagon_disks(quarter, 2), lines(quarter, 4)
    assert _zones(joined(one, two)) == _zones(one) + _zones(two)
    with pytest.raises(ValueError, match="places"):
        joined(one, circles(np.zeros((2, 2)), 1))
    with pytest.raises(ValueError, match="places"):
        joined()


def test_circles_take_places_of_equal_distance_together():
    line = np.abs(np.subtract.outer(np.arange(5.0), np.arange(5.0)))
    family = circles(line, largest=2)
    assert (0,) in _zones(family)
    assert (2, 1, 3) in _zones(family)
    assert (2, 1) not in _zones(family)
    assert (0, 1, 2) in _zones(family)
    assert max(len(zone) for zone in _zones(family)) == 5


@pytest.mark.parametrize("call", [lambda g: hexagon_disks(g, -1), lambda g: circles([[0, 1]], 1)])
def test_impossible_families_are_refused(quarter, call):
    with pytest.raises(ValueError, match=r"must be|shape"):
        call(quarter)


def test_an_unknown_zone_is_an_error(quarter):
    family = hexagon_disks(quarter, 0)
    with pytest.raises(IndexError):
        family.places(37)
    with pytest.raises(ValueError, match="37 places"):
        family.sums([1, 2])
