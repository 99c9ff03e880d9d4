"""Against SaTScan 10.3.2 on its own sample and on synthetic cities, and against the formula written out."""

import datetime as dt
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from lagebild.stats import scan
from lagebild.stats.scan import Cases, Deck, cases, clusters, null_maxima, prepare, sequential_p, statistic
from lagebild.stats.zones import circles, hexagon_disks

EARTH_KM = 6371.2


def _rows(path):
    return [line.split() for line in path.read_text().splitlines() if line.strip()]


def _days_before(end: dt.date, text: str) -> int:
    return (end - dt.date(*(int(part) for part in text.split("/")))).days


@pytest.fixture(scope="module")
def fever(shared):
    """Fever cases in New York, November 2001: the circles of at most 3 km and the cases by ZIP code."""
    folder = shared / "data" / "reference" / "satscan_samples"
    places = _rows(folder / "NYCfever.geo")
    latitude, longitude = (np.radians([float(row[column]) for row in places]) for column in (1, 2))
    flat = np.cos(latitude) * np.exp(1j * longitude)
    chord = np.sqrt(np.abs(flat[:, None] - flat[None, :]) ** 2 + np.subtract.outer(*2 * (np.sin(latitude),)) ** 2)
    number = {row[0]: index for index, row in enumerate(places)}
    data = cases(
        [number[row[0]] for row in _rows(folder / "NYCfever.cas")],
        [_days_before(dt.date(2001, 11, 24), row[2]) for row in _rows(folder / "NYCfever.cas")],
        count=[int(row[1]) for row in _rows(folder / "NYCfever.cas")],
    )
    names = [row[0] for row in places]
    return names, prepare(data, circles(EARTH_KM * chord, 3.0), days=7, least=2)


def _synthetic(shared, name):
    folder = shared / "data" / "reference" / "satscan_expected" / name
    rows = _rows(folder / "g.geo")
    number = {row[0]: index for index, row in enumerate(rows)}
    position = np.array([complex(float(row[1]), float(row[2])) for row in rows])
    family = circles(np.abs(np.subtract.outer(position, position)), 2.6)
    cas = _rows(folder / "c.cas")
    ages = [_days_before(dt.date(2024, 12, 30), row[2]) for row in cas]
    data = cases([number[row[0]] for row in cas], ages, count=[int(row[1]) for row in cas])
    return prepare(data, family, least=2), np.loadtxt(folder / "r.llr.txt")


def test_fever_in_new_york_agrees_with_satscan(fever):
    names, stream = fever
    found = clusters(stream, most=3)
    assert [round(cluster.llr, 6) for cluster in found] == [3.845418, 3.164201, 2.137259]
    assert {int(names[place]) for place in found[0].places} == {
        *(11418, 11415, 11419, 11435, 11416, 11421, 11451, 11375, 11417)
    }
    assert [[names[place] for place in cluster.places] for cluster in found[1:]] == [["11372"], ["10472"]]
    assert (found[0].count, round(found[0].expected, 2), found[0].days) == (4, 0.67, 3)


def test_fever_in_new_york_has_satscans_null_distribution(fever, shared):
    _, stream = fever
    own = null_maxima(stream, 9_999, np.random.default_rng(20011124))
    folder = shared / "data" / "reference" / "satscan_expected"
    theirs = np.loadtxt(folder / "NYCSpaceTimePermutation_9999reps.llr.txt")
    # Ties are many, and SaTScan prints six digits.
    assert stats.ks_2samp(np.round(own, 6), theirs).pvalue > 0.01
    p = (1 + np.count_nonzero(own >= statistic(stream) - 1e-9)) / 10_000
    assert p == pytest.approx(0.2112, abs=3 * math.sqrt(2 * 0.2112 * 0.7888 / 9_999))


@pytest.mark.parametrize(("name", "llr", "days", "count"), [("10k", 7.200157, 23, 7), ("100k", 8.592523, 14, 31)])
def test_synthetic_cities_agree_with_satscan(shared, name, llr, days, count):
    stream, theirs = _synthetic(shared, f"hamm_synth_{name}")
    best = clusters(stream, most=1)[0]
    assert (round(best.llr, 6), best.days, best.count) == (llr, days, count)
    own = null_maxima(stream, 150, np.random.default_rng(7))
    assert stats.ks_2samp(own, theirs).pvalue > 0.01


def _by_hand(data: Cases, family, days: int, least: int) -> float:
    best = 0.0
    for zone in range(family.count):
        inside = np.isin(data.place, family.places(zone))
        for window in range(1, days + 1):
            recent = data.age < window
            count = int(data.count[inside & recent].sum())
            mean = sum(
                data.count[inside & (data.stratum == layer)].sum()
                * data.count[recent & (data.stratum == layer)].sum()
                / data.count[data.stratum == layer].sum()
                for layer in np.unique(data.stratum)
            )
            if count >= least and count > mean:
                rest = data.total - count
                value = count * math.log(count / mean)
                value += rest * math.log(rest / (data.total - mean)) if rest else 0.0
                best = max(best, value)
    return best


def _random(rng, number=120, places=37, ages=60, strata=3) -> Cases:
    return cases(
        rng.integers(0, places, number),
        np.minimum(rng.exponential(12, number).astype(int), ages),
        rng.integers(0, strata, number),
        rng.integers(1, 3, number),
    )


def test_agrees_with_the_formula_written_out(quarter, rng):
    family = hexagon_disks(quarter, 3)
    for _ in range(5):
        data = _random(rng)
        assert statistic(prepare(data, family, days=14, least=3)) == pytest.approx(_by_hand(data, family, 14, 3))


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 2**32 - 1))
def test_order_and_names_of_strata_do_not_matter(quarter, seed):
    rng = np.random.default_rng(seed)
    data, family = _random(rng), hexagon_disks(quarter, 3)
    order, names = rng.permutation(data.place.size), rng.permutation(3) * 5
    other = cases(data.place[order], data.age[order], names[data.stratum[order]], data.count[order])
    one, two = prepare(data, family), prepare(other, family)
    assert statistic(one) == pytest.approx(statistic(two))
    assert [c.places for c in clusters(one)] == [c.places for c in clusters(two)]


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), more=st.integers(1, 6))
def test_more_cases_today_in_the_best_zone_never_lower_the_statistic(quarter, seed, more):
    data = _random(np.random.default_rng(seed), strata=1)
    family = hexagon_disks(quarter, 2)
    before = clusters(prepare(data, family, least=2), most=1)
    if not before:
        return
    place = before[0].places[0]
    added = cases([*data.place, place], [*data.age, 0], [*data.stratum, 0], [*data.count, more])
    assert statistic(prepare(added, family, least=2)) >= before[0].llr - 1e-9


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), shift=st.integers(1, 400))
def test_what_lies_further_back_than_the_window_may_lie_anywhere(quarter, seed, shift):
    data, family = _random(np.random.default_rng(seed)), hexagon_disks(quarter, 3)
    old = data.age >= 14
    moved = cases(data.place, np.where(old, data.age + shift, data.age), data.stratum, data.count)
    assert statistic(prepare(data, family, days=14)) == statistic(prepare(moved, family, days=14))


def test_nothing_one_case_one_place_and_one_day_are_no_cluster(quarter):
    family = hexagon_disks(quarter, 3)
    for data in (
        cases([], []),
        cases([3], [0]),
        cases([3] * 50, range(50)),
        cases(range(37), [0] * 37, count=[9] * 37),
    ):
        stream = prepare(data, family)
        assert statistic(stream) == 0.0
        assert clusters(stream) == ()
        assert sequential_p(stream, np.random.default_rng(1)).p == 1.0


def test_ten_million_cases_do_not_overflow(quarter):
    data = cases([*range(37), 5], [*[100] * 37, 0], count=[10_000_000 // 37] * 37 + [30_000_000])
    found = clusters(prepare(data, hexagon_disks(quarter, 1)), most=1)[0]
    assert found.count == 30_000_000
    assert math.isfinite(found.llr)
    assert found.llr > 1e6


def test_strata_take_in_what_an_agency_reports_late(quarter, rng):
    """One agency, whose cases lie in one quarter of the city, has not delivered for five days."""
    family = hexagon_disks(quarter, 3)
    place = rng.integers(0, 37, 40_000)
    agency = (place < 9).astype(int)
    age = rng.integers(0, 365, 40_000)
    kept = (agency == 0) | (age >= 5)
    merged = prepare(cases(place[kept], age[kept]), family)
    split = prepare(cases(place[kept], age[kept], agency[kept]), family)
    assert sequential_p(merged, np.random.default_rng(1), most=199).p <= 0.01
    assert sequential_p(split, np.random.default_rng(1), most=199).p > 0.05


def test_replicates_keep_the_days_of_each_stratum_and_the_places_of_all(quarter, rng):
    data = _random(rng, number=400)
    stream = prepare(data, hexagon_disks(quarter, 2))
    for large_from in (0, scan.LARGE_FROM):
        deck = Deck.of(stream, large_from=large_from)
        assert (len(deck.large), deck.labels.size) == ((3, 0) if large_from == 0 else (0, data.total))
        recent = np.zeros((37, 28), np.int32)
        deck.deal(recent, rng)
        np.testing.assert_array_equal(recent.sum(axis=0), np.cumsum(sum(per_age for _, per_age in stream.dealt)))
        assert (np.diff(recent, axis=1, prepend=0) >= 0).all()
        assert (recent[:, -1] <= sum(per_place for per_place, _ in stream.dealt)).all()
    for layer, (per_place, _) in enumerate(stream.dealt):
        own = deck.labels[deck.bounds[layer] : deck.bounds[layer + 1]]
        np.testing.assert_array_equal(np.bincount(own, minlength=37), per_place)


def test_large_strata_are_dealt_alike(quarter):
    """Where first the numbers and then the days are drawn, a place gets the same cases on the same days."""
    data = _random(np.random.default_rng(5), number=200, strata=2)
    stream = prepare(data, hexagon_disks(quarter, 1), days=7, least=2)
    drawn = {}
    for large_from in (0, scan.LARGE_FROM):
        deck, rng = Deck.of(stream, large_from=large_from), np.random.default_rng(6)
        recent, found = np.zeros((37, 7), np.int32), []
        for _ in range(4_000):
            deck.deal(recent, rng)
            found.append(recent[[3, 17, 30]][:, [0, 2, 6]].reshape(-1).copy())
        drawn[large_from] = np.array(found)
    expected = sum(np.outer(per_place, np.cumsum(per_age)) / per_place.sum() for per_place, per_age in stream.dealt)[
        [3, 17, 30]
    ][:, [0, 2, 6]].reshape(-1)
    for found in drawn.values():
        error = found.std(axis=0) / np.sqrt(len(found))
        assert (np.abs(found.mean(axis=0) - expected) <= 4 * error).all()
    for one, two in zip(*(found.T for found in drawn.values()), strict=True):
        values = np.arange(max(one.max(), two.max()) + 1)
        table = np.array([np.bincount(counts, minlength=values.size) for counts in (one, two)])
        assert stats.chi2_contingency(table[:, table.sum(axis=0) > 10]).pvalue > 1e-4


def test_the_same_seed_gives_the_same_maxima(quarter, rng):
    stream = prepare(_random(rng), hexagon_disks(quarter, 3), least=2)
    one, two = (null_maxima(stream, 50, np.random.default_rng(4)) for _ in range(2))
    np.testing.assert_array_equal(one, two)
    assert np.unique(one).size > 10


def test_p_values_are_uniform_where_nothing_happens(quarter):
    """600 nights of one stream without an outbreak, each against its own 99 replicates."""
    rng = np.random.default_rng(11)
    family = hexagon_disks(quarter, 3)
    weight = rng.dirichlet(np.full(37, 0.5))
    ranks = []
    for _ in range(600):
        data = cases(rng.choice(37, 900, p=weight), rng.integers(0, 365, 900), rng.integers(0, 2, 900))
        stream = prepare(data, family, least=2)
        ranks.append(np.count_nonzero(null_maxima(stream, 99, rng) >= statistic(stream)))
    p = (1 + np.array(ranks)) / 100
    for level in (0.05, 0.2, 0.5):
        assert stats.binomtest(int((p <= level).sum()), 600, level).pvalue > 0.001


def test_an_outbreak_is_found_where_it_is(city, rng):
    family = hexagon_disks(city)
    disk = city.disks[1200]
    background = rng.integers(0, city.size, 2_800), rng.integers(0, 365, 2_800)
    data = cases([*background[0], *rng.choice(disk, 14)], [*background[1], *rng.integers(0, 7, 14)])
    stream = prepare(data, family)
    best = clusters(stream, most=1)[0]
    assert set(best.places) & set(disk.tolist())
    assert best.days <= 8
    result = sequential_p(stream, rng)
    assert result.p == 0.001
    assert (result.exceeding, result.replicates) == (0, 999)


def test_a_quiet_stream_is_dismissed_early(city):
    rng = np.random.default_rng(3)
    data = cases(rng.integers(0, city.size, 2_800), rng.integers(0, 365, 2_800))
    result = sequential_p(prepare(data, hexagon_disks(city)), rng)
    assert result.exceeding == 10
    assert result.replicates < 300
    assert result.p == 10 / result.replicates


@pytest.mark.parametrize(
    ("place", "age", "stratum", "count"),
    [
        ([1], [1, 2], None, None),
        ([-1], [0], None, None),
        ([1], [-1], None, None),
        ([1], [0], [-1], None),
        ([1], [0], None, [0]),
    ],
)
def test_impossible_cases_are_refused(place, age, stratum, count):
    with pytest.raises(ValueError, match=r"must be|unequal"):
        cases(place, age, stratum, count)


def test_places_beyond_the_family_and_empty_windows_are_refused(quarter):
    family = hexagon_disks(quarter, 1)
    with pytest.raises(ValueError, match="beyond"):
        prepare(cases([37], [0]), family)
    with pytest.raises(ValueError, match="at least 1"):
        prepare(cases([1], [0]), family, days=0)
    with pytest.raises(ValueError, match="at least 0"):
        null_maxima(prepare(cases([1], [0]), family), -1, np.random.default_rng(1))
