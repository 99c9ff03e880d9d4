import itertools
from math import comb

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from lagebild.stats.conditional import expected, lower_tail, upper_tail

STRATUM = st.integers(0, 12).flatmap(
    lambda whole: st.tuples(st.integers(0, whole), st.integers(0, whole), st.just(whole))
)
STRATA = st.lists(STRATUM, min_size=1, max_size=3)


def written_out(observed, strata):
    """The upper tail from binomial coefficients, over all combinations of the strata's recent cases."""
    total = 0.0
    for split in itertools.product(*[range(n + 1) for n, _, _ in strata]):
        if sum(split) >= observed:
            ways = [
                comb(n, x) * comb(N - n, k - x) if k >= x else 0 for x, (n, k, N) in zip(split, strata, strict=True)
            ]
            total += np.prod([way / comb(N, k) for way, (_, k, N) in zip(ways, strata, strict=True)])
    return total


@given(STRATA, st.integers(0, 20))
def test_p_is_the_sum_over_all_tables(strata, observed):
    n, k, whole = np.array(strata).T
    assert upper_tail(observed, n, k, whole) == pytest.approx(written_out(observed, strata), rel=1e-9, abs=1e-300)


@given(STRATA, st.integers(0, 20))
def test_lower_and_upper_tail_share_the_observed_value(strata, observed):
    n, k, whole = np.array(strata).T
    together = lower_tail(observed, n, k, whole) + upper_tail(observed + 1, n, k, whole)
    assert together == pytest.approx(1, abs=1e-9)
    assert upper_tail(0, n, k, whole) == pytest.approx(1)


@given(STRATA.flatmap(lambda strata: st.tuples(st.just(strata), st.permutations(strata))), st.integers(0, 20))
def test_names_of_strata_do_not_matter(both, observed):
    one, other = (np.array(strata).T for strata in both)
    assert upper_tail(observed, *one) == upper_tail(observed, *other)


@given(STRATA, st.integers(0, 20), st.integers(0, 2))
def test_a_recent_case_more_of_the_part_never_raises_p(strata, observed, where):
    n, k, whole = np.array(strata).T
    further = np.arange(n.size) == where % n.size
    after = upper_tail(observed + 1, n + further, k + further, whole + further)
    assert after <= upper_tail(observed, n, k, whole) * (1 + 1e-9)


def test_one_stratum_is_fishers_exact_test():
    _, p = stats.fisher_exact([[8, 4], [30, 70]], alternative="greater")
    assert upper_tail(8, [12], [38], [112]) == pytest.approx(p, rel=1e-12)
    assert expected([12, 0], [38, 0], [112, 0]) == pytest.approx(12 * 38 / 112)


def test_ten_million_cases_in_ten_strata_neither_overflow_nor_lose_the_tail():
    n, k, whole = np.full(10, 500_000), np.full(10, 77_000), np.full(10, 1_000_000)
    mean = expected(n, k, whole)
    assert mean == 385_000
    deviation = np.sqrt(10 * 77_000 * 0.25 * (923_000 / 999_999))
    observed = int(mean + 4 * deviation) + 1
    assert upper_tail(observed, n, k, whole) == pytest.approx(stats.norm.sf(4), rel=0.05)
    assert upper_tail(int(mean - 4 * deviation), n, k, whole) == pytest.approx(1, abs=1e-3)
    assert upper_tail(770_000, n, k, whole) == np.finfo(float).tiny
    assert upper_tail(5_500, [70_000], [770_000], [10_000_000]) == pytest.approx(
        stats.binom.sf(5_499, 70_000, 0.077), rel=0.1
    )


@pytest.mark.parametrize("margins", [([3], [2], [2]), ([-1], [2], [5]), ([1, 1], [2], [5]), ([1], [6], [5])])
def test_impossible_margins_are_refused(margins):
    with pytest.raises(ValueError, match=r"between 0 and whole|shapes"):
        upper_tail(1, *margins)
