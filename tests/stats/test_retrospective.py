"""Against SaTScan's discrete Poisson model on the brain cancer cases of New Mexico, and the scan of this evening."""

import datetime as dt

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from lagebild.stats.retrospective import (
    _deal,
    expected_from_margins,
    look_back,
    null_permuted,
    null_poisson,
    p_of,
    past,
    reached,
)
from lagebild.stats.scan import cases, clusters, prepare, ratio
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


def _best_by_hand(observed, expected, family, longest, least):
    """The largest ratio, by looking at every interval of every zone."""
    total, best = observed.sum(), 0.0
    for zone in range(family.count):
        places = family.places(zone)
        for begin in range(observed.shape[1]):
            for end in range(begin, min(begin + longest, observed.shape[1])):
                count = observed[places, begin : end + 1].sum()
                mean = expected[places, begin : end + 1].sum()
                if count >= least and count > mean:
                    best = max(best, ratio(count, mean, total))
    return best


@given(
    seed=st.integers(0, 10_000),
    periods=st.integers(1, 40),
    longest=st.integers(1, 40),
    least=st.integers(1, 5),
    number=st.sampled_from((1, 5, 40, 400, 100_000)),
    crowd=st.sampled_from((0, 3, 30, 70_000)),
)
@settings(max_examples=40, deadline=None)
def test_no_interval_is_dismissed_that_is_the_best(quarter, seed, periods, longest, least, number, crowd):
    rng = np.random.default_rng(seed)
    family = hexagon_disks(quarter, 2)
    shares = rng.gamma(0.3, 1, (37, 1)) * rng.gamma(0.5, 1, (1, periods))
    observed = rng.multinomial(number, (shares / shares.sum()).ravel()).reshape(37, periods)
    observed[rng.integers(37), rng.integers(periods)] += crowd
    expected = expected_from_margins(observed)
    found = look_back(observed, expected, family, longest=longest, least=least, most=1)
    best = _best_by_hand(observed, expected, family, longest, least)
    assert (found[0].llr if found else 0.0) == pytest.approx(best, rel=1e-6, abs=1e-9)


def test_places_may_come_again_at_another_time_only(quarter, rng):
    observed = rng.poisson(0.2, (37, 200))
    inner = quarter.disks[(quarter.disks >= 0).all(axis=1)][0][:3]
    observed[inner, 30:36] += 3
    observed[inner, 150:156] += 2
    family, expected = hexagon_disks(quarter, 3), expected_from_margins(observed)
    twice = look_back(observed, expected, family, longest=28, least=5, most=2, may_recur=True)
    assert [(c.first, c.last) for c in twice] == [(30, 35), (150, 155)]
    assert set(twice[0].places) & set(twice[1].places) & set(inner.tolist())
    once = look_back(observed, expected, family, longest=28, least=5, most=2)
    assert not set(once[0].places) & set(once[1].places)


def _two_strata(rng, number=600):
    """Weekdays in the west, weekends in the east: no cluster but for who ignores the class of the day."""
    stratum = rng.integers(0, 2, number)
    day = np.where(stratum == 1, 7 * rng.integers(0, 20, number), 7 * rng.integers(0, 20, number) + 3)
    return cases(np.where(stratum == 1, rng.integers(0, 8, number), rng.integers(29, 37, number)), 139 - day, stratum)


def test_the_expectations_are_those_of_the_strata(rng):
    data = _two_strata(rng)
    layers = np.zeros((2, 37, 140), dtype=int)
    np.add.at(layers, (data.stratum, data.place, 139 - data.age), 1)
    table = past(data, places=37, periods=140)
    np.testing.assert_array_equal(table.observed, layers.sum(axis=0))
    np.testing.assert_allclose(table.expected, expected_from_margins(layers))


def test_dealing_keeps_the_margins_of_every_stratum(rng):
    data = _two_strata(rng)
    table = past(data, places=37, periods=140)
    counts, labels = np.zeros_like(table.observed), table.labels.copy()
    _deal(labels, table.times, table.bounds, counts, rng)
    assert (counts != table.observed).any()
    for own in (slice(0, 8), slice(29, 37)):
        np.testing.assert_array_equal(counts[own].sum(axis=0), table.observed[own].sum(axis=0))
    np.testing.assert_array_equal(counts.sum(axis=1), table.observed.sum(axis=1))


def test_p_is_honest_within_strata_and_not_without(quarter):
    family, few = hexagon_disks(quarter, 2), {"longest": 14, "least": 5}

    def found(data, seed):
        table = past(data, places=37, periods=140)
        best = look_back(table.observed, table.expected, family, most=1, **few)
        value = best[0].llr if best else 0.0
        rng = np.random.default_rng(1000 + seed)
        return p_of(null_permuted(table, family, value, rng=rng, replicates=99, stop_after=20, **few), value)

    given_data = [_two_strata(np.random.default_rng(seed), 1_000) for seed in range(40)]
    stratified = [found(data, seed) for seed, data in enumerate(given_data)]
    plain = [found(cases(data.place, data.age), seed) for seed, data in enumerate(given_data[:10])]
    assert sum(p <= 0.05 for p in stratified) <= stats.binom.ppf(0.999, 40, 0.05)
    assert stats.kstest(stratified, "uniform").pvalue > 0.001
    assert sum(p <= 0.05 for p in plain) >= 8


def test_the_same_seed_gives_the_same_maxima_and_stops_early(quarter, rng):
    table = past(_two_strata(rng), places=37, periods=140)
    family = hexagon_disks(quarter, 2)
    done = []

    def draw(value, seed):
        rng = np.random.default_rng(seed)
        return null_permuted(table, family, value, longest=14, least=5, rng=rng, replicates=300, report=done.append)

    everything = draw(100.0, 3)
    np.testing.assert_array_equal(everything, draw(100.0, 3))
    assert (everything != draw(100.0, 4)).any()
    assert done == [99, 198, 297, 300] * 3
    assert p_of(everything, 100.0) == 1 / 301
    early = draw(0.5, 3)
    np.testing.assert_array_equal(early, everything[: early.size])
    assert early.size == 99
    assert reached(early, 0.5) >= 50


def test_no_cases_and_cases_beyond_the_table(quarter):
    family = hexagon_disks(quarter, 1)
    empty = past(cases([], []), places=37, periods=60)
    assert empty.total == 0
    assert look_back(empty.observed, empty.expected, family, longest=7) == ()
    with pytest.raises(ValueError, match="beyond"):
        past(cases([3], [60]), places=37, periods=60)
    with pytest.raises(ValueError, match="beyond"):
        past(cases([37], [0]), places=37, periods=60)
