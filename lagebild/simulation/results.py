"""Results as JSON lines in a folder, and the table made from them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np

from lagebild.simulation.measuring import Part
from lagebild.simulation.methods import METHODS
from lagebild.simulation.settings import SETTINGS, Setting
from lagebild.stats.alarms import NIGHTS_A_YEAR

FILE = "results.jsonl"
DAYS = (3, 7, 14, 28)
Key = tuple[str, str, str, int, int, int]


def key_of(line: dict) -> Key:
    """Pools do not depend on how many of them there will be; what they judge does."""
    nulls = 0 if line["part"] == Part.POOL else line["nulls"]
    return line["setting"], line["method"], line["part"], line["chunk"], line["seed"], nulls


def read(folder: Path) -> dict[Key, dict]:
    """All finished lines; what an interrupted run left half-written is not finished."""
    path = folder / FILE
    if not path.exists():
        return {}
    *finished, _ = path.read_text(encoding="utf-8").split("\n")
    lines = [json.loads(text) for text in finished]
    return {key_of(line): line for line in lines}


def append(folder: Path, line: dict) -> None:
    with (folder / FILE).open("a", encoding="utf-8") as file:
        file.write(json.dumps(line, separators=(",", ":")) + "\n")


def drop_unfinished(folder: Path) -> None:
    """Cut off a last line without an end, so that the next one starts on a line of its own."""
    path = folder / FILE
    if path.exists():
        content = path.read_bytes()
        path.write_bytes(content[: content.rfind(b"\n") + 1])


def table(lines: Iterable[dict], settings: Sequence[Setting] = SETTINGS) -> str:
    """Markdown, one row per setting, method, seed and number of null nights, in the order of the settings."""
    rows: dict[tuple, list] = {}
    for line in lines:
        if line["part"] in {Part.QUIET, Part.OUTBREAKS}:
            key = (line["setting"], line["method"], line["seed"], line["nulls"], line["part"])
            rows.setdefault(key, []).append(line["result"])
    head = ["setting", "method", "seed", "null nights", "quiet nights", "alarm nights a year", "episodes a year"]
    head += ["outbreaks", "detected by day 3/7/14/28, %", "median distance, m"]
    text = [_row(head), "|" + "---|" * len(head)]
    for setting in settings:
        found = sorted(key[1:4] for key in rows if key[0] == setting.name)
        for method, seed, nulls in sorted(found, key=lambda key: (list(METHODS).index(key[0]), *key[1:])):
            key = (method, seed, nulls)
            outbreaks = [one for result in rows[setting.name, *key, Part.OUTBREAKS] for one in result]
            cells = [setting.label, METHODS[method].label, str(seed), f"{nulls:,}"]
            quiet = _quiet(rows.get((setting.world, *key, Part.QUIET), []))
            text.append(_row(cells + quiet + _found(outbreaks)))
            if any(one and len(one) > 2 for one in outbreaks):
                cells[1] = f"{METHODS[method].label}: the best of them alone"
                text.append(_row([*cells, "", "", "", *_found(_best_alone(outbreaks))]))
    return "\n".join(text)


def _row(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cells) + " |"


def _best_alone(outbreaks: Sequence[list | None]) -> list[list | None]:
    """The stream that detects most by day 14, without the others."""
    streams = zip(*(one[2] for one in outbreaks if one), strict=True)
    alone = [[[day] if day else None for day in days] for days in streams]
    best = max(alone, key=lambda found: sum(one is not None and one[0] <= 14 for one in found))
    return [*best, *(None for one in outbreaks if not one)]


def _quiet(results: list[dict]) -> list[str]:
    nights = sum(result["nights"] for result in results)
    if not nights:
        return ["0", "", ""]
    rates = [sum(result[name] for result in results) * NIGHTS_A_YEAR / nights for name in ("alarm_nights", "episodes")]
    return [f"{nights:,}", *(f"{rate:.2f}" for rate in rates)]


def _found(outbreaks: Sequence[list | None]) -> list[str]:
    if not outbreaks:
        return ["0", "", ""]
    days = np.array([outbreak[0] if outbreak else np.inf for outbreak in outbreaks])
    shares = "/".join(f"{100 * (days <= day).mean():.0f}" for day in DAYS)
    apart = [outbreak[1] for outbreak in outbreaks if outbreak and len(outbreak) > 1]
    return [str(len(outbreaks)), shares, f"{1000 * np.median(apart):.0f}" if apart else ""]
