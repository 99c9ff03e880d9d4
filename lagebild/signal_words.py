"""Signals in words and numbers, as page, dossier and print show them. Published values only."""

from __future__ import annotations

from collections.abc import Iterable

from lagebild.models import Signal
from lagebild.wording import expected_text, german_number, period_text

# Beyond this the fitted tail says no more than "practically never".
RAREST = 1_000_000
NEAREST_SHOWN = 5
NEAR = 0.1


def stored_words(signals: Iterable[Signal]) -> dict:
    """For the picture's parameters, so that the page asks no further query: all alarms, and what came nearest."""
    alarms, nearest = shown(signals)
    return {
        "alarms": [line(row) | {"finding": str(row.finding_id), "place": row.finding.place_label} for row in alarms],
        "nearest": [line(row) for row in nearest],
    }


def shown(signals: Iterable[Signal]) -> tuple[list[Signal], list[Signal]]:
    """What is told of a night's signals: the alarms, single streams first and the surest first, and what came nearest.

    One alarm per finding: a joint search that only repeats what a stream says alone adds none.
    """
    rows = sorted(signals, key=lambda row: (bool(row.parts), row.p_value, -row.llr, row.stream, row.rank))
    alarms = list({row.finding_id: row for row in reversed(rows) if row.is_alarm}.values())[::-1]
    quiet = [row for row in rows if not row.is_alarm and row.p_value <= NEAR]
    return alarms, sorted(quiet, key=lambda row: (row.p_value, row.stream, row.rank))[:NEAREST_SHOWN]


def line(signal: Signal) -> dict:
    return {
        "stream": signal.stream_label,
        "kind": signal.kind,
        "since": f"{signal.first_day:%d.%m.%Y}",
        "days": signal.days,
        "count": german_number(signal.count) if signal.count is not None else "",
        "expected": expected_text(signal.expected) if signal.expected is not None else "",
        "parts": [part_text(part) for part in signal.parts],
        "chance": chance_text(signal),
        "is_merged_only": signal.is_merged_only,
    }


def part_text(part: dict) -> str:
    return f"{part['label']} {german_number(part['count'])} statt {expected_text(part['expected'])}"


def recurrence_nights(signal: Signal) -> float:
    """In so many nights chance alone gives as much once in this one stream; at most RAREST."""
    return min(1 / signal.p_value, RAREST) if signal.p_value > 0 else RAREST


def chance_text(signal: Signal) -> str:
    """In how many nights chance alone gives as much in this one stream."""
    nights = recurrence_nights(signal)
    if nights >= RAREST:
        return "seltener als in 1 von 1.000.000 Nächten"
    if nights < 2:
        return "in den meisten Nächten"
    return f"in {'etwa ' if signal.is_fitted else ''}1 von {_rounded(nights)} Nächten"


def once_text(signal: Signal) -> str:
    """The same for print: "in etwa 9.000 Nächten einmal"."""
    nights = recurrence_nights(signal)
    if nights >= RAREST:
        return "seltener als einmal in 1.000.000 Nächten"
    return "in den meisten Nächten" if nights < 2 else f"in etwa {_rounded(nights)} Nächten einmal"


def _rounded(nights: float) -> str:
    return german_number(nights if nights < 100 else float(f"{nights:.2g}"))


def signal_sentences(signal: Signal) -> list[str]:
    """What the dossier says of a signal, in full sentences."""
    last = signal.picture.date
    period = f"am {last:%d.%m.%Y}" if signal.days == 1 else f"vom {period_text(signal.first_day, last)}"
    if signal.count is not None:
        what = (
            f"In den Waben des Signals wurden {period} {german_number(signal.count)} Meldungen gezählt; nach dem "
            f"Verlauf der letzten zwölf Monate wären etwa {expected_text(signal.expected)} zu erwarten gewesen."
        )
    else:
        parts = "; ".join(part_text(part) for part in signal.parts)
        what = f"In den Waben des Signals lagen {period} mehrere Gruppen zugleich über dem Erwarteten: {parts}."
    chance = f"Der Zufall allein bringt so viel in diesem Strom {chance_text(signal)} hervor."
    if signal.is_fitted:
        chance += " Die Zahl ist geschätzt, weil sie über das hinausgeht, was sich auszählen lässt."
    return [what, chance, _together(signal)]


def _together(signal: Signal) -> str:
    if signal.count is None and not signal.is_merged_only:
        # Of one agency, or beside a stream that alarms by itself.
        return "Hier fallen mehrere Gruppen zugleich auf."
    if signal.is_merged_only:
        return "Keine Behörde hätte das Signal aus ihren eigenen Meldungen erkannt."
    return "Mindestens eine Behörde hätte das Signal auch allein erkannt."
