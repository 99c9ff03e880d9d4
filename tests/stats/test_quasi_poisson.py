import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import optimize

from lagebild.stats.quasi_poisson import fit_quasi_poisson

TWO_GROUPS = np.repeat(np.eye(2), 4, axis=0)


def line(n):
    return np.column_stack([np.ones(n), np.linspace(-1, 1, n)])


@given(
    st.lists(st.integers(0, 10_000_000), min_size=8, max_size=8),
    st.lists(st.floats(0.1, 10), min_size=8, max_size=8),
)
def test_groups_alone_are_fitted_by_their_weighted_means(counts, weights):
    counts, weights = np.array(counts, dtype=float), np.array(weights)
    fit = fit_quasi_poisson(TWO_GROUPS, counts, weights)
    for group in (slice(0, 4), slice(4, 8)):
        mean = np.average(counts[group], weights=weights[group])
        np.testing.assert_allclose(fit.mean[group], mean, rtol=1e-5, atol=1e-2 if mean == 0 else 0)
    assert fit.leverage.sum() == pytest.approx(2)


def test_a_slope_maximises_the_likelihood(rng):
    counts = rng.poisson(np.exp(2 + 0.8 * np.linspace(-1, 1, 60))).astype(float)
    weights = rng.uniform(0.5, 2, 60)
    design = line(60)
    fit = fit_quasi_poisson(design, counts, weights)

    def loss(beta):
        return (weights * (np.exp(design @ beta) - counts * (design @ beta))).sum()

    best = optimize.minimize(loss, [1.0, 0.0], method="Nelder-Mead", options={"xatol": 1e-9, "fatol": 1e-12})
    np.testing.assert_allclose(fit.coefficients, best.x, atol=1e-5)
    pearson = (weights * (counts - fit.mean) ** 2 / fit.mean).sum() / 58
    assert fit.dispersion == pytest.approx(pearson, rel=1e-4)
    information = design.T @ (design * (weights * fit.mean)[:, None])
    np.testing.assert_allclose(fit.unscaled, np.linalg.inv(information), rtol=1e-3)


def test_a_fit_that_runs_away_is_no_result():
    counts = np.zeros(40)
    counts[-1] = 10_000_000
    assert fit_quasi_poisson(line(40), counts, np.ones(40)) is None


def test_columns_that_say_the_same_are_no_result():
    design = np.column_stack([np.ones(5), np.zeros(5)])
    assert fit_quasi_poisson(design, np.ones(5), np.ones(5)) is None


def test_as_many_columns_as_counts_are_refused():
    with pytest.raises(ValueError, match="more of them than columns"):
        fit_quasi_poisson(np.eye(3), np.ones(3), np.ones(3))
