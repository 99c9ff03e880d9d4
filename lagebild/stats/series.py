"""Weekly series with gaps: what goes into the tests of a single week."""

import numpy as np
import numpy.typing as npt


def weekly_series(counts: npt.ArrayLike, week: int) -> tuple[npt.NDArray[np.float64], int]:
    """The series up to `week` as float64, and the position of `week`.

    counts: (n,) whole numbers of at least 0, NaN where a delivery is missing. week: position, from the end where
    negative.
    ValueError for counts below 0, not whole or infinite, more than one series, and a week out of range.
    """
    series = np.asarray(counts, dtype=np.float64)
    if series.ndim != 1:
        raise ValueError(f"counts must be one series, got shape {series.shape}")
    known = series[~np.isnan(series)]
    if not np.isfinite(known).all() or (known < 0).any() or (known != np.floor(known)).any():
        raise ValueError("counts must be whole numbers of at least 0, or NaN where a delivery is missing")
    if not -len(series) <= week < len(series):
        raise ValueError(f"week {week} is out of range for {len(series)} weeks")
    position = range(len(series))[week]
    return series[: position + 1], position


def has_enough_cases(series: npt.NDArray[np.float64], *, cases: int, weeks: int) -> bool:
    """Whether the last `weeks` weeks hold at least `cases` cases; what is missing is not there."""
    return bool(np.nansum(series[-weeks:]) >= cases)
