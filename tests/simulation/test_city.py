import gzip

import h3.api.basic_int as h3
import numpy as np
import pytest

from lagebild.simulation.city import YEAR, build_city, day_classes, ground_of
from lagebild.simulation.outbreaks import CELLS, DAYS, Outbreak, Shape, places_of
from lagebild.simulation.real import load


def drawn(town, seed, **properties):
    return build_city(town, 5, 20_000, **properties).draw(np.random.default_rng(seed), 2 * YEAR)


def test_the_same_seed_gives_the_same_cases(town):
    one, same, other = drawn(town, 1), drawn(town, 1), drawn(town, 2)
    assert np.array_equal(one.place, same.place)
    assert np.array_equal(one.day, same.day)
    assert not np.array_equal(one.place[:100], other.place[:100])


@pytest.mark.parametrize("properties", [{}, {"has_weekdays": True}, {"has_mixes": True}])
def test_a_city_has_the_cases_a_year_it_is_asked_for(town, properties):
    assert drawn(town, 3, agencies=3, **properties).place.size == pytest.approx(40_000, abs=5 * 200 + 400)


def test_party_quarters_are_busy_at_weekends_and_the_rest_is_not(town):
    rates = build_city(town, 5, 1_000, has_weekdays=True).rates[0]
    party = rates[1] > 1.01 * rates[0]
    assert 7 <= party.sum() <= 6 * 7
    assert rates[1, party] == pytest.approx(2.5 / 0.4 * rates[0, party])
    assert rates[1, ~party] == pytest.approx(rates[0, ~party])


def test_mixed_agencies_differ_in_place_season_and_week(town):
    city = build_city(town, 5, 1_000, agencies=3, has_mixes=True)
    share = city.rates[0, 0] / city.rates[:, 0].sum(axis=0)
    assert share.max() > 2 * share.min()
    assert city.rates[1, 2].sum() == pytest.approx(0.3 * city.rates[1, 0].sum())
    assert city.seasons.mean(axis=1) == pytest.approx(1)
    assert abs(city.seasons[0] - city.seasons[1]).max() > 0.3


def test_a_night_knows_a_year_and_not_what_is_late(town):
    series = drawn(town, 1, agencies=3)
    today = series.first + 500
    night = series.night(today, late_agency=0, late_days=5)
    assert (night.age.min(), night.age.max()) == (0, YEAR - 1)
    assert night.age[night.agency == 0].min() == 5
    assert np.array_equal(night.day_class, day_classes(today - night.age))


def test_days_five_and_six_of_a_week_are_the_weekend():
    assert day_classes(np.arange(7, 14)).tolist() == [0, 0, 0, 0, 0, 1, 2]


def test_each_family_of_a_ground_holds_the_one_before(town):
    for smaller, larger in ((town.disks, town.streets), (town.streets, town.shapes)):
        assert larger.count > smaller.count
        np.testing.assert_array_equal(larger.sizes[: smaller.count], smaller.sizes)


@pytest.mark.parametrize("shape", Shape)
def test_an_outbreak_is_seven_connected_cells(town, rng, shape):
    for _ in range(20):
        places = places_of(shape, town, rng)
        cells = set(town.grid.cells[places].tolist())
        assert len(cells) == CELLS
        reached = {next(iter(cells))}
        for _ in range(CELLS):
            reached |= {cell for cell in cells if any(h3.are_neighbor_cells(cell, other) for other in reached)}
        assert reached == cells


def test_a_street_is_straight_and_a_disk_is_round(town, rng):
    street, disk = (town.grid.cells[places_of(shape, town, rng)] for shape in (Shape.STREET, Shape.DISK))
    assert h3.grid_distance(int(street[0]), int(street[-1])) == CELLS - 1
    assert set(h3.grid_disk(int(disk[0]), 1)) == set(disk.tolist())


def test_an_outbreak_adds_its_cases_to_its_places_days_and_agencies(town, rng):
    quiet = build_city(town, 5, 100, agencies=3).draw(rng, YEAR + DAYS)
    places = places_of(Shape.IRREGULAR, town, rng)
    loud = Outbreak(places, quiet.first + YEAR, 10.0, (0, 2)).added_to(quiet, rng)
    new = slice(quiet.place.size, None)
    assert loud.place[new].size == pytest.approx(280, abs=90)
    assert set(loud.place[new].tolist()) == set(places.tolist())
    assert set(loud.agency[new].tolist()) == {0, 2}
    assert set((loud.day[new] - quiet.first - YEAR).tolist()) == set(range(DAYS))


def test_a_shape_that_fits_nowhere_is_refused(rng):
    from_one = ground_of([h3.latlng_to_cell(51.68, 7.82, 9)])
    with pytest.raises(ValueError, match="no street of 7 cells"):
        places_of(Shape.STREET, from_one, rng)


def test_real_cases_are_read_without_repeats_and_halved(tmp_path):
    (tmp_path / "real").mkdir()
    rows = ["date,kategorie,lon,lat,e,n"]
    rows += [f"20{year}-{month:02}-05,Abfall/Sammelstelle,8.5,47.4,0,0" for year in (16, 17) for month in range(1, 13)]
    rows += ["2016-01-12,Abfall/Sammelstelle,8.5,47.4,0,0", "2016-01-06,Graffiti,8.5,47.4,0,0"]
    with gzip.open(tmp_path / "real" / "zueri_wie_neu_2016_2023.csv.gz", "wt") as file:
        file.write("\n".join(rows))
    city = load("zuerich", tmp_path)
    assert city.cases.place.size == 24
    assert city.ground.size == 7
    # 5 January 2016 was a Tuesday.
    assert city.cases.first % 7 == 1
    early = city.draw(np.random.default_rng(1), 300, is_fresh=False)
    late = city.draw(np.random.default_rng(1), 300)
    assert early.day.max() < city.cases.first + city.days // 2 <= late.day.min()
    with pytest.raises(ValueError, match="too few"):
        city.draw(np.random.default_rng(1), 400)
