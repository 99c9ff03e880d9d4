import csv
import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import optimize
from scipy.stats import beta

from lagebild.stats.accuracy import accuracy, share_interval

CAME = np.array([6, 7, 3, 2, 1, 0])
EXPECTED = np.array([8.0, 4.0, 4.0, 2.0, 1.0, 0.0])


def first(number, of=6):
    return np.arange(of) < number


maps = st.integers(1, 8).flatmap(
    lambda n: st.tuples(
        st.lists(st.booleans(), min_size=n, max_size=n),
        st.lists(st.integers(0, 10_000_000), min_size=n, max_size=n),
        st.lists(st.floats(0.1, 10), min_size=n, max_size=n),
    )
)


def test_the_published_table_is_reproduced(shared):
    with (shared / "data" / "reference" / "wdd" / "expected_pai.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    counts = np.array([int(row["Count"]) for row in rows])
    expected = np.array([float(row["Pred"]) for row in rows])
    areas = np.array([float(row["Area"]) for row in rows])
    assert len(rows) == 6
    for row in rows:
        found = accuracy(first(int(row["Order"])), counts, areas=areas, expected=expected)
        assert found.hits == int(row["CumCount"])
        assert found.hit_rate == pytest.approx(float(row["PCumCount"]), rel=1e-12)
        assert found.area_share == pytest.approx(float(row["PCumArea"]), rel=1e-12)
        assert found.pai == pytest.approx(float(row["PAI"]), rel=1e-12)
        assert found.pei == pytest.approx(float(row["PEI"]), rel=1e-12)
        assert found.rri == pytest.approx(float(row["RRI"]), rel=1e-12)


def test_the_first_place_of_six():
    found = accuracy(first(1), CAME, expected=EXPECTED)
    assert (found.hits, found.cases) == (6, 19)
    assert found.pai == pytest.approx(6 / 19 * 6)
    assert found.pei == pytest.approx(6 / 7)
    assert found.rri == pytest.approx(8 / 6)


@given(maps)
def test_all_places_are_no_better_than_chance(case):
    _, counts, areas = case
    found = accuracy(np.ones(len(counts), dtype=bool), counts, areas=areas)
    assert found.area_share == 1
    if sum(counts):
        assert (found.pai, found.pei) == (pytest.approx(1), pytest.approx(1))
    else:
        assert (found.hit_rate, found.pai, found.pei) == (None, None, None)


def fractional_best(chosen, counts, areas):
    """The most cases on the chosen area when parts of places may be chosen, by linear programming."""
    area = sum(size for size, marked in zip(areas, chosen, strict=True) if marked)
    solved = optimize.linprog([-count for count in counts], A_ub=[areas], b_ub=[area], bounds=(0, 1))
    return -solved.fun


@settings(deadline=None)
@given(maps)
def test_no_choice_beats_the_best_choice(case):
    chosen, counts, areas = case
    found = accuracy(np.array(chosen), counts, areas=areas)
    if found.pei is not None:
        assert 0 <= found.pei <= 1
        assert found.pei == pytest.approx(found.hits / fractional_best(chosen, counts, areas), rel=1e-6)


@given(st.lists(st.integers(0, 20), min_size=1, max_size=7), st.data())
def test_among_equal_places_the_best_choice_is_the_best_of_all_choices(counts, data):
    chosen = np.array(data.draw(st.lists(st.booleans(), min_size=len(counts), max_size=len(counts))))
    found = accuracy(chosen, counts)
    number = int(chosen.sum())
    if found.pei is None:
        assert number == 0 or sum(counts) == 0
    else:
        best = max(sum(choice) for choice in itertools.combinations(counts, number))
        assert found.pei == pytest.approx(found.hits / best)


@given(maps, st.floats(0.01, 1000), st.randoms(use_true_random=False))
def test_order_and_unit_of_area_do_not_matter(case, unit, random):
    chosen, counts, areas = (np.array(part) for part in case)
    order = random.sample(range(len(counts)), len(counts))
    found = accuracy(chosen, counts, areas=areas, expected=areas)
    moved = accuracy(chosen[order], counts[order], areas=areas[order] * unit, expected=areas[order])
    assert (moved.hits, moved.cases) == (found.hits, found.cases)
    for name in ("area_share", "hit_rate", "pai", "pei", "rri"):
        before, after = getattr(found, name), getattr(moved, name)
        assert (before is None and after is None) or after == pytest.approx(before, rel=1e-9), name


def test_unsigned_counts_are_counts():
    assert accuracy(first(1), CAME.astype(np.uint8)) == accuracy(first(1), CAME)


def test_large_places_are_no_bargain():
    areas = [1, 9]
    assert accuracy([False, True], [5, 5], areas=areas).pai == pytest.approx(0.5 / 0.9)
    assert accuracy([False, True], [5, 5], areas=areas).pei == pytest.approx(5 / (5 + 5 * 8 / 9))
    assert accuracy([True, False], [5, 5], areas=areas).pai == pytest.approx(5)


@pytest.mark.parametrize(
    ("chosen", "counts", "missing"),
    [
        ([False, False], [1, 2], {"pai", "pei", "rri"}),
        ([True, False], [0, 0], {"hit_rate", "pai", "pei", "rri"}),
        ([True, False], [0, 3], {"rri"}),
    ],
    ids=["nothing chosen", "nothing came", "nothing came there"],
)
def test_what_cannot_be_told_is_none(chosen, counts, missing):
    found = accuracy(chosen, counts, expected=[1, 1])
    names = ("hit_rate", "pai", "pei", "rri")
    assert {name for name in names if getattr(found, name) is None} == missing


def test_without_expected_cases_there_is_no_rri():
    assert accuracy([True], [3]).rri is None


def test_a_billion_cases_do_not_overflow():
    found = accuracy(first(150, 300), np.full(300, 10_000_000, dtype=np.int32))
    assert found.hits == 1_500_000_000
    assert found.cases == 3_000_000_000


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"chosen": [], "counts": []}, "at least one bool"),
        ({"chosen": [1], "counts": [1]}, "at least one bool"),
        ({"chosen": [True], "counts": [-1]}, "counts"),
        ({"chosen": [True], "counts": [0.5]}, "counts"),
        ({"chosen": [True], "counts": [1, 2]}, "counts must have 1"),
        ({"chosen": [True], "counts": [1], "areas": [0]}, "areas"),
        ({"chosen": [True], "counts": [1], "areas": [1, 1]}, "areas must have 1"),
        ({"chosen": [True], "counts": [1], "expected": [-1]}, "expected"),
        ({"chosen": [True], "counts": [1], "expected": [np.nan]}, "expected"),
    ],
)
def test_unusable_input_is_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        accuracy(**arguments)


@given(cases=st.integers(1, 500), data=st.data())
def test_interval_of_the_share_is_that_of_the_beta_quantiles(cases, data):
    """Clopper and Pearson's bounds by another way."""
    hits = data.draw(st.integers(0, cases))
    low, high = share_interval(hits, cases)
    assert low == pytest.approx(beta.ppf(0.025, hits, cases - hits + 1) if hits else 0.0, abs=1e-9)
    assert high == pytest.approx(beta.ppf(0.975, hits + 1, cases - hits) if hits < cases else 1.0, abs=1e-9)
    assert low <= hits / cases <= high


def test_interval_of_nothing_is_unknown_and_impossible_hits_are_refused():
    assert share_interval(0, 0) is None
    for hits, cases in ((-1, 3), (4, 3)):
        with pytest.raises(ValueError, match="hits"):
            share_interval(hits, cases)
