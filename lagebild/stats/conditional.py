"""Exact conditional test of a part against the whole in two windows, over strata.

In stratum s let N of the whole's cases be in both windows, K of them in the recent one, and n belong to the part.
If the part develops like the rest of its stratum, the number of its recent cases is hypergeometric (N, n, K) whatever
the rates, the growth and the lengths of the windows are (Fisher 1935; for several strata Mehta, Patel & Gray 1985,
J Am Stat Assoc 80:969). The sum over independent strata is the convolution of their distributions.
"""

import numpy as np
import numpy.typing as npt

# Beyond so many standard deviations (and the margin for small counts) a stratum's probabilities are below 1e-80.
DEVIATIONS = 20
MARGIN = 100
SMALLEST = float(np.finfo(np.float64).tiny)


def upper_tail(observed: int, part: npt.ArrayLike, recent: npt.ArrayLike, whole: npt.ArrayLike) -> float:
    """P(X >= observed), X the part's recent cases summed over strata; never below the smallest float.

    part, recent, whole: (s,) whole numbers n, K and N of each stratum, 0 <= n, K <= N, of up to 10,000,000 and more.
    ValueError for other numbers and unequal shapes.
    """
    n, k, total = (np.atleast_1d(np.asarray(values)).astype(np.int64) for values in (part, recent, whole))
    if not (n.shape == k.shape == total.shape and n.ndim == 1):
        raise ValueError(f"part, recent and whole have shapes {n.shape}, {k.shape}, {total.shape}")
    if (np.minimum(n, k) < 0).any() or (np.maximum(n, k) > total).any():
        raise ValueError("part and recent must lie between 0 and whole")
    certain = (n == 0) | (k == 0) | (k == total) | (n == total)
    missing = int(observed) - int(np.minimum(n, k)[certain].sum())
    n, k, total = n[~certain], k[~certain], total[~certain]
    if n.size == 0:
        return 1.0 if missing <= 0 else SMALLEST
    return min(max(_convolved(missing, n, k, total), SMALLEST), 1.0)


def lower_tail(observed: int, part: npt.ArrayLike, recent: npt.ArrayLike, whole: npt.ArrayLike) -> float:
    """P(X <= observed); arguments and errors as in `upper_tail`."""
    rest = np.asarray(whole) - np.asarray(recent)
    return upper_tail(int(np.sum(part)) - int(observed), part, rest, whole)


def expected(part: npt.ArrayLike, recent: npt.ArrayLike, whole: npt.ArrayLike) -> float:
    """Mean of X, the sum of n·K/N over strata that have cases."""
    n, k, total = (np.asarray(values, dtype=np.float64) for values in (part, recent, whole))
    return float(np.divide(n * k, total, out=np.zeros_like(total), where=total > 0).sum())


def _convolved(observed: int, n, k, total) -> float:
    probability, offset = np.ones(1), 0
    # In an order of their own, so that the names of the strata do not decide the last digit.
    for whole, recent, part in sorted(zip(total.tolist(), k.tolist(), n.tolist(), strict=True)):
        mean = part * recent / whole
        spread = DEVIATIONS * np.sqrt(mean * (1 - recent / whole)) + MARGIN
        low = max(0, part + recent - whole, int(mean - spread))
        high = min(part, recent, int(mean + spread) + 1)
        probability = np.convolve(probability, _probabilities(low, high, part, recent, whole))
        offset += low
    reached = max(observed - offset, 0)
    upper = probability[reached:].sum()
    return float(1 - probability[:reached].sum() if upper > 0.9 else upper)


def _probabilities(low: int, high: int, part: int, recent: int, whole: int) -> npt.NDArray[np.float64]:
    """Hypergeometric probabilities of low to high from the ratios of neighbours, normalised to the sum 1."""
    x = np.arange(low, high, dtype=np.float64)
    ratio = (part - x) * (recent - x) / ((x + 1) * (whole - part - recent + x + 1))
    logarithm = np.concatenate([[0.0], np.cumsum(np.log(ratio))])
    probability = np.exp(logarithm - logarithm.max())
    return probability / probability.sum()
