"""One chunk of work: so many null nights for the thresholds, quiet nights, or outbreaks.

The random numbers of a chunk come from (seed, setting, part, number of the chunk) and not from the method: all methods
look at the same nights.
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

import h3.api.basic_int as h3
import numpy as np

from lagebild.simulation.city import YEAR, City, Ground, Night, Series, build_city, synthetic_ground
from lagebild.simulation.methods import METHODS, Look
from lagebild.simulation.outbreaks import DAYS, Outbreak, places_of
from lagebild.simulation.real import RealCity, load
from lagebild.simulation.settings import Setting
from lagebild.stats.alarms import NullPool, null_pool, pool_p, threshold_p

NULLS_A_CHUNK = 100
OUTBREAKS_A_CHUNK = 10
# Null nights of one series so far apart have few days in common with what a scan looks at.
_APART_DAYS = 14
_NIGHTS_A_SERIES = 25
# Alarms so near to the one before are the same episode.
EPISODE_DAYS = 14
EPISODE_CELLS = 3


class Part(StrEnum):
    POOL = "pool"
    QUIET = "quiet"
    OUTBREAKS = "outbreaks"


@dataclass(frozen=True)
class Task:
    """pools: per stream the null statistics that were found before; empty for the pools themselves."""

    setting: Setting
    method: str
    part: Part
    chunk: int
    seed: int
    nulls: int
    folder: Path
    pools: tuple[tuple[float, ...], ...] = ()

    @property
    def name(self) -> str:
        """What the chunk belongs to: outbreaks to their row, null and quiet nights to the world they happen in."""
        return self.setting.name if self.part == Part.OUTBREAKS else self.setting.world


def run(task: Task) -> dict:
    """The chunk's line: what was asked for, and `result`."""
    letters = zlib.crc32(f"{task.name} {task.part}".encode())
    rng = np.random.default_rng([task.seed, letters, task.chunk])
    city = city_of(task.setting, task.seed, task.folder)
    result = {Part.POOL: _pool, Part.QUIET: _quiet, Part.OUTBREAKS: _outbreaks}[task.part](task, city, rng)
    return {
        "setting": task.name,
        "method": task.method,
        "part": task.part.value,
        "chunk": task.chunk,
        "seed": task.seed,
        "nulls": task.nulls,
        "result": result,
    }


def city_of(setting: Setting, seed: int, folder: Path) -> City | RealCity:
    if setting.real:
        return load(setting.real, folder)
    return build_city(
        synthetic_ground(setting.radius),
        seed,
        setting.records,
        agencies=setting.agencies,
        has_weekdays=setting.has_weekdays,
        has_mixes=setting.has_mixes,
    )


def _night(setting: Setting, series: Series, today: int) -> Night:
    return series.night(today, late_agency=0 if setting.late_days else None, late_days=setting.late_days)


def _pool(task: Task, city: City | RealCity, rng: np.random.Generator) -> list[list[float]]:
    """Null statistics, one list per stream: permutations of one night, or many nights."""
    method = METHODS[task.method]
    if method.deal:
        series = city.draw(rng, YEAR, is_fresh=False)
        night = _night(task.setting, series, series.first + YEAR - 1)
        values = method.deal(city.ground, night, NULLS_A_CHUNK, rng)
        return [[round(float(value), 6) for value in column] for column in values.T]
    found = []
    while len(found) < NULLS_A_CHUNK:
        series = city.draw(rng, YEAR + _APART_DAYS * (_NIGHTS_A_SERIES - 1), is_fresh=False)
        for number in range(_NIGHTS_A_SERIES):
            night = _night(task.setting, series, series.first + YEAR - 1 + number * _APART_DAYS)
            found.append([round(look.statistic, 6) for look in method.looks(city.ground, night)])
    return [list(column) for column in zip(*found, strict=True)]


def _quiet(task: Task, city: City | RealCity, rng: np.random.Generator) -> dict:
    """Nights in a row without an outbreak: nights with an alarm, and episodes of alarms."""
    pools = _pools(task)
    series = city.draw(rng, YEAR + NULLS_A_CHUNK - 1)
    alarms: list[tuple[int, int]] = []
    nights: set[int] = set()
    for number in range(NULLS_A_CHUNK):
        night = _night(task.setting, series, series.first + YEAR - 1 + number)
        for _, look in _alarming(task, city.ground, night, pools):
            nights.add(number)
            alarms.append((number, int(city.ground.grid.cells[look.locate()[0]])))
    return {"nights": NULLS_A_CHUNK, "alarm_nights": len(nights), "episodes": _episodes(alarms)}


def _outbreaks(task: Task, city: City | RealCity, rng: np.random.Generator) -> list[list | None]:
    """Per outbreak the day of the first alarm whose zone touches it and the distance of the centres in km, or None.

    Of several streams also the day of each of them, None where it has none.
    """
    pools = _pools(task)
    found = []
    for _ in range(OUTBREAKS_A_CHUNK):
        quiet = city.draw(rng, YEAR + DAYS)
        places = places_of(task.setting.shape, city.ground, rng)
        who = range(city.agencies) if task.setting.is_split else (int(rng.integers(city.agencies)),)
        outbreak = Outbreak(places, quiet.first + YEAR, task.setting.extra, tuple(who))
        found.append(_first_alarms(task, city.ground, outbreak, outbreak.added_to(quiet, rng), pools))
    return found


def _first_alarms(
    task: Task, ground: Ground, outbreak: Outbreak, series: Series, pools: Sequence[NullPool]
) -> list | None:
    best: list | None = None
    days: list[int | None] = [None] * len(pools)
    for day in range(1, DAYS + 1):
        night = _night(task.setting, series, outbreak.first + day - 1)
        for number, look in _alarming(task, ground, night, pools):
            zone = look.locate()
            if days[number] is None and np.isin(zone, outbreak.places).any():
                days[number] = day
                apart = np.hypot(*(ground.middle(zone) - ground.middle(outbreak.places)))
                best = best or [day, round(float(apart), 3)]
        if None not in days:
            break
    return [*best, days] if best and len(days) > 1 else best


def _pools(task: Task) -> list[NullPool]:
    """Without permutations the pool is judged by counting alone: half of such maxima are 0, which no tail fits."""
    pools = [null_pool(values) for values in task.pools]
    return pools if METHODS[task.method].deal else [NullPool(pool.maxima, None) for pool in pools]


def _alarming(task: Task, ground: Ground, night: Night, pools: Sequence[NullPool]) -> list[tuple[int, Look]]:
    """Number and look of the streams that alarm, each at one false alarm a year of its own or shared with others."""
    method = METHODS[task.method]
    least, looks = threshold_p(method.sharing), enumerate(method.looks(ground, night))
    return [(number, look) for number, look in looks if pool_p(pools[number], look.statistic).p <= least]


def _episodes(alarms: Sequence[tuple[int, int]]) -> int:
    """Alarms within 14 days and 3 cells of the last alarm of an episode belong to it."""
    open_ones: list[tuple[int, int]] = []
    count = 0
    for night, cell in alarms:
        near = [e for e in open_ones if night - e[0] <= EPISODE_DAYS and h3.grid_distance(cell, e[1]) <= EPISODE_CELLS]
        if not near:
            count += 1
        open_ones = [e for e in open_ones if e not in near] + [(night, cell)]
    return count
