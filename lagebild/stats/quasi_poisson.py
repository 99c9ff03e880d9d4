"""Log-linear regression of counts that scatter more than Poisson counts (quasi-Poisson, log link)."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

MAX_STEPS = 25
TOLERANCE = 1e-8
START_OFFSET = 0.1


@dataclass(frozen=True)
class Fit:
    """Result of `fit_quasi_poisson` for n counts and m coefficients.

    coefficients: (m,) float, on the log scale. mean: (n,) float, fitted counts. leverage: (n,) float, 0 to 1, diagonal
    of the hat matrix. unscaled: (m, m) float, covariance of the coefficients before multiplication by the dispersion.
    dispersion: Pearson's chi-square divided by the degrees of freedom, not bounded from below.
    """

    coefficients: npt.NDArray[np.float64]
    mean: npt.NDArray[np.float64]
    leverage: npt.NDArray[np.float64]
    unscaled: npt.NDArray[np.float64]
    dispersion: float


def fit_quasi_poisson(
    design: npt.NDArray[np.float64], counts: npt.NDArray[np.float64], weights: npt.NDArray[np.float64]
) -> Fit | None:
    """Fit log E(counts) = design · coefficients by iteratively reweighted least squares; None without convergence.

    design: (n, m) float of full column rank, n > m. counts: (n,) float, 0 or more. weights: (n,) float, above 0, prior
    weights of the counts.

    McCullagh & Nelder 1989, Generalized Linear Models, sections 2.5 and 6.2. Start (counts + 0.1) and end (relative
    change of the deviance below 1e-8, at most 25 steps) are those of R's glm, leverage, covariance and the weights in
    the dispersion belong to the last step as there: further steps change the fifth or sixth digit and the agreement. A
    group of nothing but zeros has no finite maximum; its mean stays where the rest stands still.
    ValueError for shapes that do not fit and for too few counts.
    """
    n, m = design.shape
    if counts.shape != (n,) or weights.shape != (n,) or n <= m:
        raise ValueError(f"design {design.shape} needs as many counts and weights, and more of them than columns")
    mean = counts + START_OFFSET
    predictor = np.log(mean)
    deviance = _deviance(counts, mean, weights)
    for _ in range(MAX_STEPS):
        working = weights * mean
        root = np.sqrt(working)
        q, r = np.linalg.qr(root[:, None] * design)
        diagonal = np.abs(np.diag(r))
        if not (diagonal > 0).all():
            return None
        coefficients = np.linalg.solve(r, q.T @ (root * (predictor + (counts - mean) / mean)))
        predictor = design @ coefficients
        before = deviance
        with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
            mean = np.exp(predictor)
            deviance = _deviance(counts, mean, weights)
        if not np.isfinite(deviance) or not (mean > 0).all():
            return None
        if abs(deviance - before) < TOLERANCE * (abs(deviance) + START_OFFSET):
            residual = (counts - mean) / mean
            inverse = np.linalg.inv(r)
            return Fit(
                coefficients=coefficients,
                mean=mean,
                leverage=(q**2).sum(axis=1),
                unscaled=inverse @ inverse.T,
                dispersion=float((working * residual**2).sum() / (n - m)),
            )
    return None


def _deviance(
    counts: npt.NDArray[np.float64], mean: npt.NDArray[np.float64], weights: npt.NDArray[np.float64]
) -> float:
    ratio = np.where(counts > 0, counts / mean, 1.0)
    return float(2 * (weights * (counts * np.log(ratio) - (counts - mean))).sum())
