import itertools

import h3.api.basic_int as h3
import numpy as np
import pytest
from scipy import stats

from lagebild.stats.grid import build_grid
from lagebild.stats.status import Status, active_periods, hotspot_status, status_words


def word(pattern):
    return Status(status_words(np.array([[mark == "x"] for mark in pattern]))[0])


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        (".............", Status.NONE),
        ("............x", Status.NEW),
        ("..........xxx", Status.NEW),
        ("..........x..", Status.NEW),
        ("xxxxxxxxxxxxx", Status.PERSISTENT),
        ("x.x.x.x.x.xxx", Status.PERSISTENT),
        ("xxxxxx......x", Status.PERSISTENT),
        ("xxxxx.......x", Status.SPORADIC),
        ("xxxxxxxxxxxx.", Status.SPORADIC),
        ("xxxxxxxxxx...", Status.FORMER),
        ("x............", Status.FORMER),
        (".........xxxx", Status.SPORADIC),
    ],
)
def test_word_of_a_pattern(pattern, expected):
    assert word(pattern) is expected


def test_every_one_of_the_8192_patterns_gets_the_word_its_definition_says():
    patterns = np.array(list(itertools.product([False, True], repeat=13)))
    words = status_words(patterns.T)
    for pattern, given in zip(patterns.tolist(), words.tolist(), strict=True):
        early, late = pattern[:10], pattern[10:]
        if not any(pattern):
            expected = "none"
        elif not any(early):
            expected = "new"
        elif not any(late):
            expected = "former"
        else:
            expected = "persistent" if pattern[-1] and sum(pattern) >= 7 else "sporadic"
        assert given == expected


def test_period_is_active_by_the_exact_binomial_tail_of_that_period(quarter, rng):
    counts = rng.poisson(0.6, (4, quarter.size))
    active = active_periods(quarter, counts)
    for period in range(4):
        for place, disk in enumerate(quarter.disks):
            inside = disk[disk >= 0]
            observed = int(counts[period, inside].sum())
            share = len(inside) / quarter.size
            p = stats.binomtest(observed, int(counts[period].sum()), share, alternative="greater").pvalue
            assert active[period, place] == (observed >= 1 and p <= 0.05)


def test_periods_without_any_case_are_active_nowhere(quarter):
    assert not active_periods(quarter, np.zeros((13, quarter.size), dtype=int)).any()


def test_planted_courses_get_their_words(city):
    rng = np.random.default_rng(5)
    counts = rng.poisson(60 / city.size, (13, city.size))
    counts[:, 300] += 4
    counts[-2:, 900] += 6
    counts[:8, 1500] += 5
    counts[[2, 11], 2100] += 8
    counts[::3, 2200] = 0
    words = hotspot_status(city, counts, [300, 900, 1500, 2100])
    assert words == (Status.PERSISTENT, Status.NEW, Status.FORMER, Status.SPORADIC)


def test_hotspot_active_in_no_single_period_is_sporadic(city):
    counts = np.zeros((13, city.size), dtype=int)
    counts[:, ::10] = 1
    assert not active_periods(city, counts)[:, 0].any()
    assert hotspot_status(city, counts, [0]) == (Status.SPORADIC,)


def test_order_of_cells_does_not_change_their_words(rng):
    active = rng.random((13, 200)) < 0.3
    order = rng.permutation(200)
    assert (status_words(active[:, order]) == status_words(active)[order]).all()


@pytest.mark.parametrize(
    ("active", "recent", "message"),
    [
        (np.zeros((13, 2)), 3, "bool"),
        (np.zeros(13, dtype=bool), 3, "bool"),
        (np.zeros((3, 2), dtype=bool), 3, "recent"),
        (np.zeros((13, 2), dtype=bool), 0, "recent"),
    ],
)
def test_unusable_pattern_is_refused(active, recent, message):
    with pytest.raises(ValueError, match=message):
        status_words(active, recent=recent)


@pytest.mark.parametrize(("shape", "level"), [((13, 36), 0.05), ((37,), 0.05), ((13, 37), 0.0)])
def test_unusable_counts_or_level_are_refused(quarter, shape, level):
    with pytest.raises(ValueError, match=r"^(counts|level) must"):
        active_periods(quarter, np.zeros(shape, dtype=int), level=level)


def test_a_single_case_is_no_activity_however_quiet_the_stream_is():
    cells = sorted(h3.grid_disk(h3.latlng_to_cell(51.678, 7.808, 9), 6))
    grid = build_grid(cells)
    counts = np.zeros((2, grid.size), dtype=np.int64)
    counts[0, 0], counts[1, 0] = 1, 2
    assert active_periods(grid, counts)[:, 0].tolist() == [False, True]
