import csv
import datetime
import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lagebild.stats import near_repeat
from lagebild.stats.near_repeat import Metric, knox, near_repeats

CASES = st.lists(
    st.tuples(st.integers(0, 40), st.integers(0, 40), st.integers(0, 30)), min_size=2, max_size=25, unique=True
)
BANDS = {"space_edges": [1, 5, 15], "time_edges": [2, 7]}


def read_cases(path):
    with path.open(newline="") as file:
        rows = list(csv.reader(file))
    points = np.array([[float(x), float(y)] for x, y, _ in rows])
    return points, np.array([datetime.date.fromisoformat(day).toordinal() for *_, day in rows])


def read_table(path):
    with path.open(newline="") as file:
        return np.array([[int(cell) for cell in row[1:]] for row in list(csv.reader(file))[1:]])


def read_calculator(path):
    """Observed 5 × 4 table of the Near Repeat Calculator and the mean and spread of its simulated tables."""
    with path.open(newline="") as file:
        lines = list(csv.reader(file))
    start = next(n for n, line in enumerate(lines) if line[:1] == ["Observed frequencies distribution"])
    observed = [[int(cell or 0) for cell in line[2:6]] for line in lines[start + 3 : start + 8]]
    simulated = [[int(c) for c in line[1:] if c] for line in lines if line[:1] == ["Expected"]]
    draws = np.array(simulated).reshape(4, 5, -1).swapaxes(0, 1)
    return np.array(observed), draws.mean(axis=2), draws.std(axis=2, ddof=1) / np.sqrt(draws.shape[2])


@pytest.fixture(scope="module")
def folder(shared):
    return shared / "data" / "reference" / "knox_nearrepeat"


def by_hand(points, days, space_edges, time_edges, metric=Metric.EUCLIDEAN):
    table = np.zeros((len(space_edges) + 1, len(time_edges) + 1), dtype=int)
    for a, b in itertools.combinations(range(len(days)), 2):
        dx, dy = abs(points[a][0] - points[b][0]), abs(points[a][1] - points[b][1])
        distance = dx + dy if metric is Metric.MANHATTAN else (dx**2 + dy**2) ** 0.5
        row = sum(distance >= edge for edge in space_edges)
        column = sum(abs(int(days[a]) - int(days[b])) >= edge for edge in time_edges)
        table[row, column] += 1
    return table


def test_chicago_burglary_agrees_with_the_near_repeat_calculator(folder, rng):
    points, days = read_cases(folder / "chicago_be_month1.csv")
    observed, mean, error = read_calculator(next(folder.glob("chicago_be_month1_NRverbose*.csv")))
    # The Calculator's "0 to 7 days" are the days 0 to 6, its "1 to 100 meters" [1, 100); it measures city blocks.
    edges = {"space_edges": [1, 100, 200, 300], "time_edges": [7, 14, 21]}
    result = knox(points, days, **edges, rng=rng, metric=Metric.MANHATTAN)
    np.testing.assert_array_equal(result.observed, observed)
    np.testing.assert_array_equal(
        observed[:2], [[28, 5, 5, 2], [44, 13, 8, 4]], err_msg="not the published table of January 2016"
    )
    assert (np.abs(result.expected - mean) < 4.5 * error).all()
    assert np.argwhere(result.p[:-1, :-1] <= 0.01).tolist() == [[0, 0], [1, 0], [2, 0]]
    assert result.p_joint[1, 0] <= 0.05 < result.p_joint[3, 0]


def test_chicago_arson_agrees_with_both_published_tables(folder, rng):
    points, days = read_cases(folder / "chicago_arson.csv")
    one = {"rng": rng, "metric": Metric.MANHATTAN, "permutations": 99}
    correct = knox(points, days, space_edges=[1, 201, 401, 601], time_edges=[2, 3, 4], **one)
    np.testing.assert_array_equal(correct.observed, read_table(folder / "expected_knox_arson_correct_labels.csv"))
    shifted = knox(points, days, space_edges=[1, 200, 400, 600], time_edges=[1, 2, 3], **one)
    np.testing.assert_array_equal(shifted.observed, read_table(folder / "expected_knox_arson_NRC_labels.csv"))


def test_chicago_arson_agrees_with_knox_of_r_surveillance(folder, rng):
    points, days = read_cases(folder / "chicago_arson.csv")
    edges = {"space_edges": [np.nextafter(400, 401)], "time_edges": [4]}
    result = knox(points, days, **edges, rng=rng, metric=Metric.MANHATTAN, permutations=999)
    np.testing.assert_array_equal(result.observed, [[19, 192], [2692, 133078]])
    assert result.expected[0, 0] == pytest.approx(4.206624, abs=5e-7)
    assert result.p[0, 0] == 0.001
    assert result.p_joint[0, 0] == 0.001


@pytest.mark.parametrize("metric", Metric)
@given(cases=CASES)
@settings(max_examples=40)
def test_pairs_are_those_counted_one_by_one(metric, cases):
    points, days = np.array(cases)[:, :2], np.array(cases)[:, 2]
    edges = {"space_edges": [1, 5, 15], "time_edges": [2, 7]}
    result = knox(points, days, **edges, rng=np.random.default_rng(1), metric=metric, permutations=1)
    np.testing.assert_array_equal(result.observed, by_hand(points, days, **edges, metric=metric))
    found = near_repeats(points, days, metres=15, within_days=7, metric=metric)
    assert len(found.pairs) == result.observed[:-1, :-1].sum()


@pytest.mark.parametrize("strata", [None, [0, 1, 0, 1, 1, 0]])
def test_expected_and_p_agree_with_all_permutations(strata):
    points = [[0, 0], [3, 0], [4, 1], [20, 0], [23, 2], [24, 0]]
    days = np.array([0, 1, 3, 9, 9, 12])
    edges = {"space_edges": [5], "time_edges": [3]}
    tables = []
    for order in itertools.permutations(range(6)):
        if strata is None or all(strata[a] == strata[b] for a, b in enumerate(order)):
            tables.append(by_hand(points, days[list(order)], **edges))
    assert len(tables) == (720 if strata is None else 36)
    result = knox(points, days, **edges, rng=np.random.default_rng(5), strata=strata, permutations=9_999)
    np.testing.assert_allclose(result.expected, np.mean(tables, axis=0), rtol=1e-12)
    exact = np.mean([table >= result.observed for table in tables], axis=0)
    np.testing.assert_allclose(result.p, exact, atol=0.02)


def test_nothing_near_is_found_as_often_as_the_level_allows():
    rng = np.random.default_rng(7)
    edges = {"space_edges": [100, 300], "time_edges": [7, 14], "permutations": 99}
    alone = joint = 0
    for _ in range(300):
        season = 180 + 60 * np.sin(np.linspace(0, 6, 120)) + rng.normal(0, 20, 120)
        points = rng.normal(0, 400, (120, 2))
        result = knox(points, season.astype(int), **edges, rng=rng)
        alone += result.p[0, 0] <= 0.05
        joint += (result.p_joint <= 0.05).any()
    assert alone <= 27  # 99.9 % of a binomial with 300 nights at 5 %
    assert 3 <= joint <= 27


def test_a_planted_series_is_found_and_its_bands_named(rng):
    points, days = rng.uniform(0, 5_000, (500, 2)), rng.integers(0, 91, 500)
    start = rng.integers(0, 500, 20)
    points = np.vstack([points, points[start] + rng.uniform(-40, 40, (20, 2))])
    days = np.append(days, np.minimum(days[start] + 3, 90))
    result = knox(points, days, space_edges=[100, 400], time_edges=[7, 14], rng=rng)
    assert result.p[0, 0] == 0.001
    assert result.p_joint[0, 0] <= 0.004
    assert result.ratio[0, 0] > 1.5
    assert result.p_joint[0, 1] > 0.05


def test_an_agency_that_delivers_one_part_of_town_in_one_month_looks_like_a_series_only_without_strata(rng):
    points = np.vstack([rng.uniform(0, 1_000, (60, 2)), rng.uniform(3_000, 4_000, (60, 2))])
    days = np.concatenate([rng.integers(0, 30, 60), rng.integers(60, 90, 60)])
    edges = {"space_edges": [300], "time_edges": [14], "rng": rng}
    assert knox(points, days, **edges).p[0, 0] == 0.001
    assert knox(points, days, **edges, strata=np.repeat([4, 9], 60)).p[0, 0] > 0.05


@given(CASES, st.randoms(use_true_random=False), st.integers(-800_000, 800_000), st.booleans())
@settings(max_examples=40)
def test_order_and_origin_do_not_matter(cases, random, shift, divided):
    order = list(range(len(cases)))
    random.shuffle(order)
    points, days = np.array(cases)[:, :2], np.array(cases)[:, 2]
    strata = points[:, 0] % 3 if divided else np.zeros(len(cases), dtype=int)
    one = knox(points, days, **BANDS, strata=strata, rng=np.random.default_rng(3), permutations=19)
    other = knox(
        points[order],
        days[order] + shift,
        **BANDS,
        strata=np.array([70, 11, 40])[strata[order]],
        rng=np.random.default_rng(3),
        permutations=19,
    )
    for name in ("observed", "expected", "p", "p_joint"):
        np.testing.assert_allclose(getattr(other, name), getattr(one, name), rtol=1e-12)
    a = near_repeats(points, days, metres=5, within_days=4)
    b = near_repeats(points[order], days[order] + shift, metres=5, within_days=4)
    assert {frozenset(c.cases) for c in a.chains} == {frozenset(order[n] for n in c.cases) for c in b.chains}


def test_a_case_more_beside_another_never_makes_fewer_near_pairs(rng):
    points, days = rng.uniform(0, 100, (30, 2)), rng.integers(0, 30, 30)
    before = knox(points, days, **BANDS, rng=rng, permutations=1).observed
    after = knox(np.vstack([points, points[:1]]), np.append(days, days[0]), **BANDS, rng=rng, permutations=1).observed
    assert (after >= before).all()
    assert after[0, 0] == before[0, 0] + 1
    assert after.sum() == before.sum() + 30


def test_nobody_one_case_and_everything_at_one_place_and_day(rng):
    assert knox([], [], **BANDS, rng=rng) is None
    assert knox([[1, 1]], [5], **BANDS, rng=rng) is None
    empty = near_repeats([], [], metres=5, within_days=4)
    assert empty.pairs.shape == (0, 2)
    assert empty.chains == ()
    assert near_repeats([[1, 1]], [5], metres=5, within_days=4).chains == ()
    same = knox(np.ones((50, 2)), np.full(50, 9), **BANDS, rng=rng, permutations=9)
    assert same.observed[0, 0] == same.observed.sum() == 1225
    assert (same.p == 1).all()
    assert (same.p_joint == 1).all()
    assert np.isnan(same.ratio[1, 1])


def test_chains_are_connected_cases_in_order_of_time():
    points = [[0, 0], [900, 0], [90, 0], [0, 900], [180, 0], [901, 0]]
    days = [5, 40, 1, 5, 9, 40]
    result = near_repeats(points, days, metres=100, within_days=10)
    assert result.pairs.tolist() == [[1, 5], [2, 0], [2, 4]]
    assert result.distance.tolist() == [1, 90, 90]
    assert result.gap.tolist() == [0, 4, 8]
    assert [(chain.cases, chain.first, chain.last) for chain in result.chains] == [((2, 0, 4), 1, 9), ((1, 5), 40, 40)]
    assert len(near_repeats(points, days, metres=100, within_days=10, minimum=3).chains) == 1
    assert near_repeats(points, days, metres=90, within_days=8).chains[0].cases == (1, 5)


def test_the_number_of_all_pairs_of_a_large_archive_is_exact():
    days = np.arange(10_000_000)
    below = near_repeat._pairs_below(days, days, np.array([1, 2, 10_000_000]))
    assert below.tolist() == [0, 9_999_999, 49_999_995_000_000]


def test_too_many_near_pairs_are_refused_before_they_fill_the_memory(rng):
    with pytest.raises(ValueError, match="24995985 pairs"):
        knox(np.zeros((7_071, 2)) + 1, np.zeros(7_071), space_edges=[1], time_edges=[1], rng=rng)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"points": [[1, 2], [3, 4]]}, "shape"),
        ({"points": [[1, 2], [3, np.nan], [3, 4]]}, "finite"),
        ({"days": [1, 2.5, 3]}, "whole"),
        ({"space_edges": [5, 5]}, "ascending"),
        ({"space_edges": []}, "list"),
        ({"time_edges": [0, 5]}, "positive"),
        ({"time_edges": [1.5]}, "whole"),
        ({"permutations": 0}, "permutations"),
        ({"strata": [1, 2]}, "strata"),
    ],
)
def test_impossible_input_is_refused(rng, change, message):
    given = {"points": [[0, 0], [1, 1], [2, 2]], "days": [1, 2, 3], **BANDS, "rng": rng} | change
    with pytest.raises(ValueError, match=message):
        knox(given.pop("points"), given.pop("days"), **given)


def test_limits_of_near_repeats_must_be_positive():
    with pytest.raises(ValueError, match="positive"):
        near_repeats([[0, 0]], [1], metres=0, within_days=1)
