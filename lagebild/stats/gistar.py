"""Local G* of Getis and Ord: standardised sum of the values in each place's neighbourhood."""

import numpy as np
import numpy.typing as npt

OUTSIDE = -1


def local_g_star(values: npt.ArrayLike, neighbours: npt.ArrayLike) -> npt.NDArray[np.float64]:
    """z-values of local G* with binary weights.

    values: (..., n) float, finite; each row of the last axis is a map of its own. neighbours: (n, m) int, positions of
    the places that count for each place, the place itself included (which is what the star means), OUTSIDE (-1) for
    empty slots; `Grid.disks` of hexagons or any list of a square grid. Returns (..., n) float64; a map without any
    variation has no z-values and gives NaN throughout.

    z = (sum_j w_ij x_j - W_i x̄) / (s sqrt((n W_i - W_i²) / (n - 1))), s² the variance with divisor n; Ord & Getis 1995,
    Geogr Anal 27:286, equation for G_i*(d) (sum of w² equals W_i for binary weights). Agrees with spdep::localG.

    The normal p-value of z is far too small at sparse counts; hotspots.py tests exactly instead.
    ValueError for wrong shapes, positions out of range, a place missing from its own list, and values not finite.
    """
    x = np.asarray(values, dtype=np.float64)
    lists = np.asarray(neighbours)
    _check(x, lists)
    n = x.shape[-1]
    padded = np.concatenate([x, np.zeros((*x.shape[:-1], 1))], axis=-1)
    local = sum(padded[..., lists[:, column]] for column in range(lists.shape[1]))
    weight = (lists != OUTSIDE).sum(axis=1)
    mean = x.mean(axis=-1, keepdims=True)
    scatter = x.std(axis=-1, keepdims=True)
    scale = scatter * np.sqrt((n * weight - weight**2) / (n - 1))
    with np.errstate(divide="ignore", invalid="ignore"):
        z = (local - weight * mean) / scale
    constant = x.max(axis=-1, keepdims=True) == x.min(axis=-1, keepdims=True)
    return np.where(constant | (scale == 0), np.nan, z)


def _check(x: npt.NDArray[np.float64], lists: npt.NDArray) -> None:
    if x.ndim == 0 or x.shape[-1] < 2:
        raise ValueError(f"values needs at least two places, got shape {x.shape}")
    if not np.isfinite(x).all():
        raise ValueError("values must be finite")
    n = x.shape[-1]
    if lists.ndim != 2 or len(lists) != n or lists.dtype.kind not in "iu":
        raise ValueError(f"neighbours must be ({n}, m) whole numbers, got {lists.shape} {lists.dtype}")
    if (lists < OUTSIDE).any() or (lists >= n).any():
        raise ValueError("neighbours holds a position out of range")
    if not (lists == np.arange(n)[:, None]).any(axis=1).all():
        raise ValueError("neighbours must hold each place itself")
