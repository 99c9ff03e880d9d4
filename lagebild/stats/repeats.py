"""Repeated reports of one defect are one event.

A report is a repeat where the same category was reported at the same place at most seven days after the *first* report
of the event. Chained from the previous report instead, a place that is reported every week would stay one event for
ever; measured from the first it becomes a new one, as it should.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

REPEAT_DAYS = 7


def repeats(event: npt.ArrayLike, day: npt.ArrayLike, *, days: int = REPEAT_DAYS) -> npt.NDArray[np.bool_]:
    """Which reports repeat an earlier one.

    event: (m,) int64, equal for reports that can be of one event (same category, same place); day: (m,) int64.
    Returns (m,) bool, in the order given. Of several on the first day one counts. ValueError for unequal lengths or a
    negative number of days.
    """
    keys, when = np.asarray(event, dtype=np.int64), np.asarray(day, dtype=np.int64)
    if keys.shape != when.shape or keys.ndim != 1:
        raise ValueError(f"event has shape {keys.shape}, day {when.shape}")
    if days < 0:
        raise ValueError(f"days must be at least 0, got {days}")
    result = np.zeros(keys.size, dtype=bool)
    current = first = None
    for index in np.lexsort((np.arange(keys.size), when, keys)):
        if keys[index] == current and when[index] - first <= days:
            result[index] = True
        else:
            current, first = keys[index], when[index]
    return result
