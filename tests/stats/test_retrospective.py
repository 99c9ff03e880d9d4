"""Against SaTScan's discrete Poisson model on the brain cancer cases of New Mexico, and the scan of this evening."""

import datetime as dt

import numpy as np
import pytest
from scipy import stats

from lagebild.stats.retrospective import expected_from_margins, look_back, null_poisson
from lagebild.stats.scan import cases, clusters, prepare
from lagebild.stats.zones import circles, hexagon_disks

FIRST_YEAR, YEARS = 1973, 19
FILES = ("cas", "geo", "pop")


@pytest.fixture(scope="module")
def new_mexico(shared):
    """Cases (32 counties, 19 years), expectations by age and sex, circles of at most half the population."""
    folder = shared / "data" / "reference" / "satscan_samples"
    cas, geo, pop = ([line.split() for line in (folder / f"nm.{end}").read_text().splitlines()] for end in FILES)
    names = [row[0] for row in geo]
    number = {name: index for index, name in enumerate(names)}
    observed = np.zeros((len(names), YEARS), dtype=int)
    by_group = np.zeros((18, 2))
    for name, count, year, age, sex in cas:
        observed[number[name], int(year) - FIRST_YEAR] += int(count)
        by_group[int(age) - 1, int(sex) - 1] += int(count)
    census = np.zeros((3, len(names), 18, 2))
    for name, year, people, age, sex in pop:
        census[{"73": 0, "82": 1, "91": 2}[year[-2:]], number[name], int(age) - 1, int(sex) - 1] += int(people)
    people = np.array([_person_days(census, FIRST_YEAR + year) for year in range(YEARS)])
    rate = by_group / people.sum(axis=(0, 1))
    expected = (people * rate).sum(axis=(2, 3)).T
    latitude, longitude = (np.radians([float(row[column]) for row in geo]) for column in (1, 2))
    return names, observed, expected, _circles_by_population(latitude, longitude, people.sum(axis=(0, 2, 3)))


def _person_days(census, year):
    """Of one calendar year: populations run straight from one 1 July of a census to the next, days count at noon."""
    counted = [dt.date(year, 7, 1).toordinal() for year in (1973, 1982, 1991)]
    days = np.arange(dt.date(year, 1, 1).toordinal(), dt.date(year + 1, 1, 1).toordinal()) + 0.5
    share = np.interp(days, counted, [0, 1, 2])
    weight = np.clip(1 - np.abs(np.subtract.outer([0, 1, 2], share)), 0, 1).sum(axis=1)
    return np.tensordot(weight, census, axes=1)


def _circles_by_population(latitude, longitude, people):
    """Circles of at most half the population; SaTScan's own best circle holds 50.2 % of it."""
    angle = np.sin(latitude)[:, None] * np.sin(latitude) + np.cos(latitude)[:, None] * np.cos(latitude) * np.cos(
        longitude[:, None] - longitude
    )
    distance = np.arccos(np.clip(angle, -1, 1))
    np.fill_diagonal(distance, 0)
    for row in distance:
        order = np.argsort(row)
        row[order[np.cumsum(people[order]) > 0.503 * people.sum()]] = 10
    return circles(distance, 1)


def test_new_mexico_agrees_with_satscan(new_mexico):
    names, observed, expected, family = new_mexico
    found = look_back(observed, expected, family, longest=9, most=3)
    assert [(FIRST_YEAR + c.first, FIRST_YEAR + c.last, c.count) for c in found[:2]] == [
        (1985, 1989, 236),
        (1988, 1989, 16),
    ]
    assert {names[place] for place in found[0].places} == {
        *("Torrance", "Bernalillo", "Valencia", "SantaFe", "Guadelupe", "Socorro", "Sandoval", "SanMiguel", "LosAlamos")
    }
    assert found[0].expected == pytest.approx(176.22, abs=0.01)
    assert [round(cluster.llr, 5) for cluster in found] == [10.97976, 5.68483, 3.88419]


def test_new_mexico_has_satscans_null_distribution(new_mexico, shared):
    _, observed, expected, family = new_mexico
    theirs = np.loadtxt(shared / "data" / "reference" / "satscan_expected" / "NewMexicoSpaceTimePoisson.llr.txt")
    own = null_poisson(
        expected, int(observed.sum()), family, longest=9, replicates=999, rng=np.random.default_rng(1991)
    )
    assert stats.ks_2samp(own, theirs).pvalue > 0.01


def test_the_evening_scan_is_the_last_interval_of_the_year(quarter, rng):
    family = hexagon_disks(quarter, 3)
    place, age = rng.integers(0, 37, 300), rng.integers(0, 60, 300)
    observed = np.zeros((37, 60), dtype=int)
    np.add.at(observed, (place, 59 - age), 1)
    evening = clusters(prepare(cases(place, age), family, days=14, least=2), most=3)
    past = look_back(
        observed, expected_from_margins(observed), family, longest=14, least=2, most=3, is_current_only=True
    )
    assert [round(c.llr, 9) for c in past] == [round(c.llr, 9) for c in evening]
    assert {c.last for c in past} == {59}
    assert [59 - c.first + 1 for c in past] == [c.days for c in evening]


def test_a_past_outbreak_is_found_at_its_time(quarter, rng):
    observed = rng.poisson(0.01, (37, 365))
    inner = quarter.disks[(quarter.disks >= 0).all(axis=1)][0]
    observed[inner[:3], 100:107] += 2
    best = look_back(observed, expected_from_margins(observed), hexagon_disks(quarter, 3), longest=28, most=1)[0]
    assert 97 <= best.first <= 100
    assert best.last == 106
    assert best.count >= 42


def test_margins_add_up_within_each_stratum(rng):
    observed = rng.integers(0, 4, (3, 5, 7))
    expected = expected_from_margins(observed)
    np.testing.assert_allclose(expected.sum(axis=1), observed.sum(axis=(0, 2)))
    np.testing.assert_allclose(expected.sum(axis=0), observed.sum(axis=(0, 1)))


def test_sums_that_differ_and_other_shapes_are_refused(quarter):
    family = hexagon_disks(quarter, 1)
    with pytest.raises(ValueError, match="add up"):
        look_back(np.ones((37, 4), dtype=int), np.full((37, 4), 1.1), family, longest=2)
    with pytest.raises(ValueError, match="37 places"):
        look_back(np.ones((36, 4), dtype=int), np.ones((36, 4)), family, longest=2)
