"""Which chunks are still to be computed, and computing them."""

from __future__ import annotations

import multiprocessing
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import replace
from pathlib import Path

from lagebild.simulation import results
from lagebild.simulation.honesty import (
    JUDGED,
    LOOKS_A_CHUNK,
    MAXIMA_A_CHUNK,
    PART,
    POOL,
    TAIL_MAXIMA,
    TAIL_PART,
    HonestyTask,
    TailTask,
    deal_tail,
    look_again,
)
from lagebild.simulation.measuring import NULLS_A_CHUNK, OUTBREAKS_A_CHUNK, Part, Task, run
from lagebild.simulation.real import path_of
from lagebild.simulation.settings import Setting
from lagebild.stats.alarms import NIGHTS_A_YEAR

SEED = 1
AnyTask = Task | HonestyTask | TailTask


def absent(settings: Sequence[Setting], folder: Path) -> list[Setting]:
    """Settings whose real background is not there."""
    return [setting for setting in settings if setting.real and not path_of(setting.real, folder).exists()]


def simulate(
    settings: Sequence[Setting],
    output: Path,
    *,
    outbreaks: int,
    nulls: int,
    workers: int,
    folder: Path,
    seed: int = SEED,
) -> Iterator[dict]:
    """Compute what the output folder lacks, line by line: setting after setting, first its thresholds.

    Numbers are rounded up to whole chunks. ValueError for numbers below 1, and for fewer null nights than a year has:
    what happens once a year cannot be seen in them.
    """
    if min(outbreaks, workers) < 1 or nulls < NIGHTS_A_YEAR:
        raise ValueError(f"{outbreaks} outbreaks, {nulls} null nights, {workers} processes")
    output.mkdir(parents=True, exist_ok=True)
    results.drop_unfinished(output)
    many, few = -(-nulls // NULLS_A_CHUNK), -(-outbreaks // OUTBREAKS_A_CHUNK)
    for setting in settings:
        tasks = [
            Task(setting, method, Part.POOL, chunk, seed, many * NULLS_A_CHUNK, folder)
            for method in setting.methods
            for chunk in range(many)
        ]
        yield from _computed(tasks, output, workers)
        done = results.read(output)
        pools = {method: _pools([t for t in tasks if t.method == method], done) for method in setting.methods}
        judged = [
            replace(task, part=part, pools=pools[task.method], chunk=chunk)
            for task in tasks
            if task.chunk == 0
            for part, number in ((Part.QUIET, many), (Part.OUTBREAKS, few))
            for chunk in range(number)
        ]
        yield from _computed(judged, output, workers)


def judge_p_values(output: Path, *, nights: int, workers: int, seed: int = SEED) -> Iterator[dict]:
    """Compute what the output folder lacks of `nights` looks at each stream, rounded up, and of the tail's maxima.

    ValueError below 1.
    """
    if min(nights, workers) < 1:
        raise ValueError(f"{nights} nights, {workers} processes")
    output.mkdir(parents=True, exist_ok=True)
    results.drop_unfinished(output)
    for judged in JUDGED:
        tasks = [HonestyTask(judged, chunk, seed) for chunk in range(-(-nights // LOOKS_A_CHUNK))]
        yield from _computed(tasks, output, workers)
    yield from _computed([TailTask(chunk, seed) for chunk in range(TAIL_MAXIMA // MAXIMA_A_CHUNK)], output, workers)


def _key(task: AnyTask) -> results.Key:
    if isinstance(task, TailTask):
        return TAIL_PART, "scan", TAIL_PART, task.chunk, task.seed, 0
    if isinstance(task, HonestyTask):
        return task.judged.name, "scan", PART, task.chunk, task.seed, POOL
    return results.key_of(
        {"setting": task.name, "method": task.method, "part": task.part.value}
        | {"chunk": task.chunk, "seed": task.seed, "nulls": task.nulls}
    )


def _pools(tasks: Sequence[Task], done: dict[results.Key, dict]) -> tuple[tuple[float, ...], ...]:
    """Per stream the null statistics of all chunks."""
    chunks = [done[_key(task)]["result"] for task in tasks]
    return tuple(tuple(value for part in stream for value in part) for stream in zip(*chunks, strict=True))


def _computed(tasks: Sequence[AnyTask], output: Path, workers: int) -> Iterator[dict]:
    done = results.read(output)
    missing = [task for task in tasks if _key(task) not in done]
    for line in map(_run, missing) if workers == 1 or len(missing) < 2 else _in_processes(missing, workers):
        results.append(output, line)
        yield line


def _run(task: AnyTask) -> dict:
    if isinstance(task, TailTask):
        return deal_tail(task)
    return look_again(task) if isinstance(task, HonestyTask) else run(task)


def _in_processes(tasks: Sequence[AnyTask], workers: int) -> Iterator[dict]:
    # Not forked: the parent holds database connections and threads that a copy must not share.
    with ProcessPoolExecutor(workers, mp_context=multiprocessing.get_context("spawn")) as executor:
        for future in as_completed([executor.submit(_run, task) for task in tasks]):
            yield future.result()
