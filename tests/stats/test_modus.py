import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from lagebild.stats.modus import NO_PLACE, find_growing

CASE = st.tuples(st.integers(0, 3), st.integers(0, 4), st.integers(0, 2), st.booleans())
# Twenty modi, ten places and three agencies of very different weight.
MODI = 1 / np.arange(1, 21)
PLACES = 1 / np.arange(1, 11)


def stream(rng, cases=3_000, share=28 / 364):
    """A stream whose modi have their own places but no growth of their own."""
    modus = rng.choice(20, cases, p=MODI / MODI.sum())
    place = (rng.choice(10, cases, p=PLACES / PLACES.sum()) + modus) % 10
    return modus, place, rng.choice(3, cases, p=[0.7, 0.2, 0.1]), rng.random(cases) < share


def add(data, rng, modus, cases, places, agencies=3):
    extra = (
        np.full(cases, modus),
        rng.integers(0, places, cases),
        rng.integers(0, agencies, cases),
        np.full(cases, True),
    )
    return tuple(np.concatenate(pair) for pair in zip(data, extra, strict=True))


def test_a_modus_that_grows_everywhere_is_found_with_its_numbers(rng):
    data = add(stream(rng), rng, modus=12, cases=20, places=10)
    result = find_growing(*data)
    modus, place, agency, recent = data
    (found,) = result.growths
    assert result.city_wide == (found,)
    assert found.modus == 12
    assert found.recent == np.count_nonzero((modus == 12) & recent)
    assert found.baseline == np.count_nonzero((modus == 12) & ~recent)
    assert (result.recent, result.baseline) == (recent.sum(), (~recent).sum())
    assert result.tested == 20
    mean = sum(np.count_nonzero((agency == a) & (modus == 12)) * recent[agency == a].mean() for a in range(3))
    assert found.expected == pytest.approx(mean)
    assert found.ratio == pytest.approx(found.recent / mean)
    where = np.bincount(place[(modus == 12) & recent], minlength=10)
    assert found.places == np.count_nonzero(where)
    assert where[found.largest_place] == where.max()
    assert found.largest_share == pytest.approx(where.max() / where.sum())
    assert found.effective_places == pytest.approx(where.sum() ** 2 / (where**2).sum())
    assert found.agencies == 3
    assert found.p < found.p_elsewhere < 0.05


def test_without_strata_p_is_fishers_exact_test_against_the_rest_of_the_stream(rng):
    data = add(stream(rng), rng, modus=12, cases=20, places=10)
    modus, _, agency, recent = data
    (found,) = find_growing(*data, strata=np.zeros_like(agency)).growths
    table = [
        [np.count_nonzero(((modus == 12) == of) & (recent == now)) for now in (True, False)] for of in (True, False)
    ]
    assert found.p == pytest.approx(stats.fisher_exact(table, alternative="greater").pvalue, rel=1e-9)
    elsewhere = data[1] != found.largest_place
    table = [
        [np.count_nonzero(((modus == 12) == of) & (recent == now) & elsewhere) for now in (True, False)]
        for of in (True, False)
    ]
    assert found.p_elsewhere == pytest.approx(stats.fisher_exact(table, alternative="greater").pvalue, rel=1e-9)


def test_a_modus_that_grows_at_one_place_is_not_city_wide(rng):
    (found,) = find_growing(*add(stream(rng), rng, modus=12, cases=25, places=1)).growths
    assert found.largest_place == 0
    assert found.p_elsewhere > 0.05
    assert not found.is_city_wide


def test_many_places_do_not_hide_that_one_of_them_carries_the_growth(rng):
    data = add(add(stream(rng), rng, modus=1, cases=30, places=1), rng, modus=1, cases=4, places=10)
    (found,) = find_growing(*data).growths
    assert found.places == 10
    assert found.largest_share <= 0.5
    assert found.p_elsewhere > 0.05
    assert not found.is_city_wide


def test_of_two_equally_strong_places_the_one_that_carries_the_growth_is_named():
    # Modus 1: at place 0 as ever, at place 8 only now, here and there elsewhere; modus 2: the rest of the stream.
    usual, now, few = (
        [(1, 0, False)] * 84,
        [(1, 0, True)] * 7 + [(1, 8, True)] * 7,
        [(1, 3, False)] * 12 + [(1, 3, True)],
    )
    rest = [(2, number % 10, number % 13 == 0) for number in range(1_300)]
    modus, place, recent = (np.array(column) for column in zip(*(usual + now + few + rest), strict=True))
    (found,) = find_growing(modus, place, np.zeros_like(modus), recent, fdr=0.2).growths
    assert found.largest_place == 8
    assert found.p_elsewhere > 0.4


@pytest.mark.parametrize("limit", [{"minimum_places": 11}, {"maximum_share": 0.1}])
def test_too_few_places_and_too_large_a_share_are_not_city_wide(rng, limit):
    (found,) = find_growing(*add(stream(rng), rng, modus=12, cases=20, places=10), **limit).growths
    assert not found.is_city_wide


def test_cases_without_a_place_count_but_are_no_place(rng):
    modus, place, agency, recent = add(stream(rng), rng, modus=12, cases=20, places=10)
    (found,) = find_growing(modus, np.full(place.size, NO_PLACE), agency, recent).growths
    assert (found.places, found.largest_place, found.largest_share, found.effective_places) == (0, NO_PLACE, 0, 0)
    assert not found.is_city_wide


def test_growth_no_agency_sees_alone_is_marked_so(rng):
    data = add(stream(rng), rng, modus=12, cases=9, places=10)
    (found,) = find_growing(*data).growths
    assert (found.agencies, found.alone) == (3, ())
    data = add(stream(rng), rng, modus=12, cases=30, places=10, agencies=1)
    (found,) = find_growing(*data).growths
    assert found.alone == (0,)


def test_an_agency_sees_alone_what_it_would_report_however_sure_all_together_are(rng):
    (found,) = find_growing(*add(stream(rng), rng, modus=12, cases=45, places=10)).growths
    assert found.alone == (0, 1, 2)


def test_a_stream_that_grows_as_a_whole_raises_nothing():
    rng = np.random.default_rng(4)
    assert sum(len(find_growing(*stream(rng, share=0.3)).growths) for _ in range(100)) <= 14


def test_an_agency_that_joins_with_one_modus_raises_something_only_without_strata(rng):
    modus, place, agency, recent = add(stream(rng), rng, modus=3, cases=80, places=10)
    agency[-80:] = 7
    assert find_growing(modus, place, agency, recent).growths == ()
    (found,) = find_growing(modus, place, agency, recent, strata=np.zeros_like(agency)).growths
    assert found.modus == 3


def test_false_alarms_keep_the_level():
    rng = np.random.default_rng(11)
    nights = sum(bool(find_growing(*stream(rng), minimum=1).growths) for _ in range(1_000))
    assert 10 <= nights <= 74  # 99.9 % of a binomial with 1,000 nights at 5 %


@given(
    st.lists(CASE, min_size=2, max_size=60),
    st.randoms(use_true_random=False),
    st.permutations(range(4)),
    st.permutations(range(5)),
    st.permutations(range(3)),
)
@settings(max_examples=60)
def test_order_and_names_do_not_matter(cases, random, modi, places, agencies):
    given = {"minimum": 1, "minimum_places": 2, "fdr": 0.9}
    one = find_growing(*columns(cases), **given)
    random.shuffle(cases)
    renamed = [(modi[m], places[p], agencies[a], now) for m, p, a, now in cases]
    other = find_growing(*columns(renamed), **given)
    if one is None:
        assert other is None
        return
    back = {found.modus: found for found in other.growths}
    assert len(back) == len(one.growths)
    for found in one.growths:
        same = back[modi[found.modus]]
        for name in ("recent", "baseline", "p", "q", "p_elsewhere", "places", "agencies", "is_city_wide"):
            assert getattr(same, name) == pytest.approx(getattr(found, name))
        assert same.effective_places == pytest.approx(found.effective_places)
        assert sorted(agencies[a] for a in found.alone) == sorted(same.alone)


def columns(cases):
    modus, place, agency, recent = zip(*cases, strict=True)
    return np.array(modus), np.array(place), np.array(agency), np.array(recent)


def test_an_empty_window_is_no_comparison_and_few_cases_no_modus():
    assert find_growing([], [], [], []) is None
    assert find_growing([1, 1], [1, 2], [1, 1], [True, True]) is None
    assert find_growing([1, 1], [1, 2], [1, 1], [False, False]) is None
    result = find_growing([1, 1, 2], [1, 2, 2], [1, 1, 1], [True, False, False])
    assert (result.growths, result.tested) == ((), 0)
    five = find_growing([1] * 5 + [2] * 4, [1] * 9, [1] * 9, [True] * 3 + [False] * 6)
    assert five.tested == 1


def test_the_minimum_counts_recent_cases(rng):
    data = add(stream(rng), rng, modus=12, cases=20, places=10)
    (found,) = find_growing(*data).growths
    assert find_growing(*data, minimum=found.recent).growths[0].modus == 12
    assert find_growing(*data, minimum=found.recent + 1).growths == ()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"recent": [1, 0]}, "True and False"),
        ({"place": [1]}, "place must be 2 integers"),
        ({"modus": [1.5, 2]}, "modus must be 2 integers"),
        ({"strata": [1, 2, 3]}, "strata must be 2 integers"),
        ({"minimum": 0}, "minimum"),
        ({"maximum_share": 1.5}, "maximum_share"),
        ({"fdr": 1}, "fdr"),
    ],
)
def test_impossible_input_is_refused(change, message):
    given = {"modus": [1, 2], "place": [1, 2], "agency": [1, 1], "recent": [True, False]} | change
    with pytest.raises(ValueError, match=message):
        find_growing(**given)
