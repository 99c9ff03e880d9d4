"""One printed line per measured value."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from dataclasses import asdict, dataclass
from statistics import median
from time import perf_counter


@dataclass(frozen=True)
class Measurement:
    """A value, what it is compared with (`vs`), and the quotient of both where there is such a thing."""

    name: str
    value: float
    unit: str
    vs: str | None = None
    ratio: float | None = None

    @classmethod
    def at_most(cls, name: str, value: float, unit: str, limit: float) -> Measurement:
        """Kept while the ratio is 1 or less."""
        return cls(name, value, unit, vs=f"at most {limit:g}", ratio=round(value / limit, 3))

    @classmethod
    def at_least(cls, name: str, value: float, unit: str, limit: float) -> Measurement:
        """Kept while the ratio is 1 or more."""
        return cls(name, value, unit, vs=f"at least {limit:g}", ratio=round(value / limit, 3))

    def print(self) -> None:
        sys.stdout.write(json.dumps(asdict(self), ensure_ascii=False) + "\n")
        sys.stdout.flush()


def median_ms(call: Callable[[], object], *, runs: int = 15) -> float:
    """Return the median duration in milliseconds after one call that warms up."""
    call()
    durations = []
    for _ in range(runs):
        started = perf_counter()
        call()
        durations.append(1000 * (perf_counter() - started))
    return round(median(durations), 2)


def seconds(call: Callable[[], object]) -> float:
    started = perf_counter()
    call()
    return round(perf_counter() - started, 3)
