"""Status word of a place: how its clustering runs through the thirteen 28-day periods.

A place is active in a period where its disk holds at least MINIMUM_ACTIVE cases and the exact binomial test of
hotspots.py, applied to that period alone, gives p <= LEVEL. The level is not adjusted for the number of places: the
word describes hotspots already found over the twelve months with adjustment, it does not find any. Over thirteen
periods a quiet cell is active by chance now and then, so its word means nothing and is not shown.

With T periods, the last R of them recent (13 and 3), the word is the first of these that holds:

- none: no period active
- new: active in at least one recent period and in none before
- former: active before, in no recent period
- persistent: active in the last period and in more than half of all
- sporadic: everything else

Every pattern has exactly one word. The names follow the categories of emerging hot spot analysis (Gi* per period with a
Mann-Kendall trend; used by Harris et al. 2017, Environ Res Lett 12:024012), reduced to words a reader can check by
counting. Deviation: the exact test in place of Gi*, whose normal p is not valid at the one or two cases a disk holds in
a period; the Gi* variant is `local_g_star(counts, grid.disks) >= z` in place of active_periods.
Limit: a steady place with about one case a period in a busy stream is rarely active in any single period; it is called
sporadic although the year shows it clearly.
"""

from collections.abc import Sequence
from enum import StrEnum

import numpy as np
import numpy.typing as npt

from lagebild.stats.grid import Grid, disk_sums, whole_counts
from lagebild.stats.hotspots import disk_shares, upper_tail

LEVEL = 0.05
MINIMUM_ACTIVE = 2
RECENT_PERIODS = 3


class Status(StrEnum):
    """Stored value of the status word; German labels: anhaltend, neu, ehemals, wechselnd."""

    NONE = "none"
    NEW = "new"
    PERSISTENT = "persistent"
    FORMER = "former"
    SPORADIC = "sporadic"


def active_periods(
    grid: Grid,
    counts: npt.ArrayLike,
    *,
    weights: npt.ArrayLike | None = None,
    level: float = LEVEL,
    minimum: int = MINIMUM_ACTIVE,
) -> npt.NDArray[np.bool_]:
    """In which periods each cell's disk is active.

    counts: (T, n) whole numbers, cases per period (oldest first) and cell; weights: (n,) as in find_hotspots.
    Returns (T, n) bool. ValueError for wrong shapes, negative counts or weights, a level outside (0, 1).
    """
    number = whole_counts(counts)
    if number.ndim != 2 or number.shape[1] != grid.size:
        raise ValueError(f"counts must be (periods, {grid.size}), got {number.shape}")
    if not 0 < level < 1:
        raise ValueError(f"level must lie between 0 and 1, got {level}")
    disk = disk_sums(grid, number)
    p = upper_tail(disk, number.sum(axis=1, keepdims=True), disk_shares(grid, weights))
    return (p <= level) & (disk >= minimum)


def status_words(active: npt.ArrayLike, *, recent: int = RECENT_PERIODS) -> npt.NDArray[np.str_]:
    """Status word of every cell.

    active: (T, n) bool, oldest period first; recent: number of last periods that count as recent, 1 <= recent < T.
    Returns (n,) str, each entry the value of a Status. ValueError for another shape or recent out of range.
    """
    state = np.asarray(active)
    if state.ndim != 2 or state.dtype != np.bool_:
        raise ValueError(f"active must be (periods, cells) bool, got {state.shape} {state.dtype}")
    if not 1 <= recent < len(state):
        raise ValueError(f"recent must lie between 1 and {len(state) - 1}, got {recent}")
    lately = state[-recent:].any(axis=0)
    before = state[:-recent].any(axis=0)
    mostly = state[-1] & (2 * state.sum(axis=0) > len(state))
    return np.select(
        [~lately & ~before, lately & ~before, before & ~lately, mostly],
        [Status.NONE.value, Status.NEW.value, Status.FORMER.value, Status.PERSISTENT.value],
        default=Status.SPORADIC.value,
    )


def hotspot_status(
    grid: Grid, counts: npt.ArrayLike, centres: Sequence[int], *, weights: npt.ArrayLike | None = None
) -> tuple[Status, ...]:
    """Status of the hotspots with these centre cells (positions in the grid), in their order.

    counts, weights: as in active_periods, with the periods that make up the hotspots' twelve months. A hotspot that
    is active in no single period, because its cases are spread thinly over the year, is SPORADIC.
    """
    words = status_words(active_periods(grid, counts, weights=weights))
    found = (Status(str(words[centre])) for centre in centres)
    return tuple(Status.SPORADIC if word is Status.NONE else word for word in found)
