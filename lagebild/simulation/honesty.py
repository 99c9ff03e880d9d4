"""Are p-values honest? A stored pool judges a later night of the same stream, in which nothing happened.

Each look is a city's year of its own: null maxima are dealt from the cases known in one night, and the p of a night
zero to six days later is its rank among them. Under the null hypothesis a share of at most α of all looks has p ≤ α.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import stats

from lagebild.simulation.city import DAY_CLASSES, YEAR, City, Ground, Night, build_city, synthetic_ground
from lagebild.simulation.methods import NIGHT_STREAMS
from lagebild.stats.alarms import null_pool, pool_p, threshold_p
from lagebild.stats.scan import WINDOW_DAYS, Stream, cases, null_maxima, prepare, statistic
from lagebild.stats.zones import Zones, hexagon_disks

POOL = 499
LOOKS_A_CHUNK = 20
WEEK = 7
LEVELS = (1 / 20, 1 / 100, 1 / 500)
PART = "ranks"
# The tail: so many maxima of one stream, ten pools of them, and the threshold of a whole night.
TAIL_PART = "tail"
TAIL_MAXIMA = 200_000
MAXIMA_A_CHUNK = 5_000
_RADIUS = 10
_LARGEST = 4
_RECORDS = 3_000
_LATE_DAYS = 5
_EVENT_DAYS = 3
_EVENT_FACTOR = 20


@dataclass(frozen=True)
class Judged:
    """What the stream is like.

    is_mixed: three agencies that differ in place, weekday and season, else one; may_be_late: the night of the pool and
    the one that is judged each miss the first agency's last five days in half of all looks; has_masks: an event at its
    place and three undelivered days of an agency are taken out.
    """

    name: str
    label: str
    is_mixed: bool = True
    may_be_late: bool = False
    has_masks: bool = False


JUDGED = (
    Judged("plain", "one agency, one stratum", is_mixed=False),
    Judged("strata", "three agencies, strata agency × day class"),
    Judged("late", "the same, the first agency five days late in every second night", may_be_late=True),
    Judged("masks", "the same, an event's place and three undelivered days masked", has_masks=True),
)


@dataclass(frozen=True)
class HonestyTask:
    judged: Judged
    chunk: int
    seed: int


@dataclass(frozen=True)
class TailTask:
    chunk: int
    seed: int


@dataclass(frozen=True)
class _Masks:
    """places: (n,) bool, where the event is; first: its first day; agency: not delivered from `missing` on."""

    places: npt.NDArray[np.bool_]
    first: int
    agency: int
    missing: int

    def kept(self, place, day, agency) -> npt.NDArray[np.bool_]:
        at_event = self.places[place] & (day >= self.first) & (day < self.first + _EVENT_DAYS)
        return ~at_event & ~((agency == self.agency) & (day >= self.missing) & (day < self.missing + _EVENT_DAYS))


def look_again(task: HonestyTask) -> dict:
    """The chunk's line; `result`: per look how many of the maxima reach the night's statistic."""
    rng = np.random.default_rng([task.seed, JUDGED.index(task.judged), task.chunk])
    ground = synthetic_ground(_RADIUS)
    zones = hexagon_disks(ground.grid, _LARGEST)
    city = _city(task.judged, ground, task.seed)
    ranks = [_rank(task.judged, city, zones, rng) for _ in range(LOOKS_A_CHUNK)]
    return {
        "setting": task.judged.name,
        "method": "scan",
        "part": PART,
        "chunk": task.chunk,
        "seed": task.seed,
        "nulls": POOL,
        "result": ranks,
    }


def deal_tail(task: TailTask) -> dict:
    """The chunk's line; `result`: null maxima of the one stream that the seed decides."""
    stratified = JUDGED[1]
    ground = synthetic_ground(_RADIUS)
    rng = np.random.default_rng([task.seed, len(JUDGED)])
    series = _city(stratified, ground, task.seed).draw(rng, YEAR)
    today = series.first + YEAR - 1
    stream = _stream(series.night(today), today, hexagon_disks(ground.grid, _LARGEST), None)
    maxima = null_maxima(stream, MAXIMA_A_CHUNK, np.random.default_rng([task.seed, len(JUDGED), task.chunk]))
    return {
        "setting": TAIL_PART,
        "method": "scan",
        "part": TAIL_PART,
        "chunk": task.chunk,
        "seed": task.seed,
        "nulls": 0,
        "result": [round(float(value), 6) for value in maxima],
    }


def tail_ratios(maxima: npt.ArrayLike, level: float, pools: int = 10) -> npt.NDArray[np.float64]:
    """(pools,) p that each equal part of the maxima gives by its tail, as a ratio to the p counted in all of them.

    At the value that a share `level` of all maxima reaches. ValueError where that is fewer than ten.
    """
    values = np.asarray(maxima, dtype=np.float64)
    number = int(values.size * level)
    if number < 10:
        raise ValueError(f"{values.size} maxima hold {number} beyond {level}")
    threshold = np.sort(values)[-number]
    counted = np.count_nonzero(values >= threshold) / values.size
    return np.array([pool_p(null_pool(part), threshold).p / counted for part in np.array_split(values, pools)])


def _rank(judged: Judged, city: City, zones: Zones, rng: np.random.Generator) -> int:
    series = city.draw(rng, YEAR + WEEK)
    first = series.first + YEAR - 1
    masks = _masks(city.ground, first, rng) if judged.has_masks else None
    if masks is not None:
        # What an event brings in would be seen by anyone who did not leave it out.
        places = np.flatnonzero(masks.places)
        number = rng.poisson(_EVENT_FACTOR, _EVENT_DAYS)
        day = np.repeat(np.arange(masks.first, masks.first + _EVENT_DAYS), number)
        series = series.with_cases(rng.choice(places, day.size), day, rng.integers(0, city.agencies, day.size))
    pool, night = (
        _stream(series.night(today, late_agency=0, late_days=_late_days(judged, rng)), today, zones, masks)
        for today in (first, first + int(rng.integers(WEEK)))
    )
    return int(np.count_nonzero(null_maxima(pool, POOL, rng) >= statistic(night)))


def _late_days(judged: Judged, rng: np.random.Generator) -> int:
    return _LATE_DAYS if judged.may_be_late and rng.random() < 0.5 else 0


def _masks(ground: Ground, today: int, rng: np.random.Generator) -> _Masks:
    places = np.zeros(ground.size, dtype=bool)
    disk = ground.grid.disks[rng.integers(ground.size)]
    places[disk[disk >= 0]] = True
    event, missing = today - rng.integers(-WEEK, WINDOW_DAYS, 2)
    return _Masks(places, int(event), int(rng.integers(3)), int(missing))


def _stream(night: Night, today: int, zones: Zones, masks: _Masks | None) -> Stream:
    layer = night.agency * DAY_CLASSES + night.day_class if night.agency.any() else np.zeros_like(night.place)
    kept = np.ones(night.place.size, dtype=bool)
    if masks is not None:
        layer = 2 * layer + masks.places[night.place]
        kept = masks.kept(night.place, today - night.age, night.agency)
    return prepare(cases(night.place[kept], night.age[kept], layer[kept]), zones)


def _city(judged: Judged, ground: Ground, seed: int) -> City:
    mixed = judged.is_mixed
    return build_city(ground, seed, _RECORDS, agencies=3 if mixed else 1, has_weekdays=mixed, has_mixes=mixed)


def tail_sentence(lines: Iterable[dict]) -> str:
    """What the tails of ten pools say at the whole night's threshold; empty without enough maxima."""
    maxima = [value for line in lines if line["part"] == TAIL_PART for value in line["result"]]
    level = threshold_p(NIGHT_STREAMS)
    if len(maxima) * level < 10:
        return ""
    ratios = tail_ratios(maxima, level)
    return (
        f"{len(maxima):,} maxima of one stream; ten pools of {len(maxima) // 10:,} give {ratios.mean():.2f} ± "
        f"{ratios.std(ddof=1):.2f} of the counted p at 1/{round(1 / level):,}, "
        f"{ratios.min():.2f} the least and {ratios.max():.2f} the most."
    )


def honesty_table(lines: Iterable[dict]) -> str:
    """Markdown: per stream the looks with p at or below each level, and how many chance allows at 99.9 %."""
    ranks: dict[tuple[str, int], list[int]] = {}
    for line in lines:
        if line["part"] == PART:
            ranks.setdefault((line["setting"], line["seed"]), []).extend(line["result"])
    head = ["stream", "seed", "nights", *(f"p ≤ 1/{round(1 / level)} (99.9 % of chance)" for level in LEVELS)]
    text = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    for judged in JUDGED:
        for (name, seed), found in sorted(ranks.items()):
            if name == judged.name:
                cells = [judged.label, str(seed), f"{len(found):,}", *(_share(found, level) for level in LEVELS)]
                text.append("| " + " | ".join(cells) + " |")
    return "\n".join(text)


def within(ranks: Sequence[int], level: float) -> tuple[int, int, int]:
    """Looks with p at or below the level, and the bounds of the binomial 99.9 % interval."""
    p = (1 + np.asarray(ranks)) / (POOL + 1)
    low, high = stats.binom.interval(0.999, len(ranks), level)
    return int(np.count_nonzero(p <= level)), int(low), int(high)


def _share(ranks: Sequence[int], level: float) -> str:
    number, low, high = within(ranks, level)
    return f"{number} ({low} to {high})"
