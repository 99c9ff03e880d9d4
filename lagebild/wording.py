"""Figures in German words an official can repeat; the same on screen and paper."""

from __future__ import annotations

import datetime as dt

from lagebild.models import Sighting, Trend, Verdict

_SWAP = str.maketrans(",.", ".,")


def german_number(value: float, digits: int = 0) -> str:
    """Figures as the portal prints them: 2.216 and 13,9."""
    return f"{value:,.{digits}f}".translate(_SWAP)


def percent_text(value: float, *, signed: bool = False) -> str:
    """13,9 % with a no-break space; signed: +13,9 % and −13,9 %."""
    sign = ("+" if value > 0 else "−" if value < 0 else "±") if signed else ""
    return f"{sign}{german_number(abs(value), 1)}\N{NO-BREAK SPACE}%"


def period_text(first: dt.date, last: dt.date) -> str:
    """01.03.–31.03.2026; both years where they differ."""
    start = f"{first:%d.%m.}" if first.year == last.year else f"{first:%d.%m.%Y}"
    return f"{start}–{last:%d.%m.%Y}"


def change_text(trend: Trend) -> str:
    if trend.verdict == Verdict.NOT_COMPARABLE or trend.previous is None:
        return "nicht vergleichbar"
    if trend.change_percent is None:
        return f"{trend.current - trend.previous:+d}".replace("-", "−")
    return percent_text(trend.change_percent, signed=True)


def surprise_text(p_value: float) -> str:
    """How often chance alone would do this at this place, in words."""
    if p_value < 1e-6:
        return "Zufall so gut wie ausgeschlossen"
    share = 1 / p_value
    scale = 10 ** max(len(str(int(share))) - 2, 0)
    return f"durch Zufall in etwa 1 von {german_number(round(share / scale) * scale)} Fällen"


def strength_text(sighting: Sighting) -> str:
    """Count, expectation and how sure, in one line."""
    factor = sighting.count / sighting.expected if sighting.expected else 0
    return (
        f"{german_number(sighting.count)} Meldungen, bei gleichmäßiger Verteilung "
        f"{german_number(sighting.expected, 1)} ({german_number(factor, 1)}-fach); {surprise_text(sighting.p_value)}"
    )


def recent_text(sighting: Sighting) -> str:
    return (
        f"{german_number(sighting.recent_count)} in den letzten zwölf Wochen, "
        f"{german_number(sighting.recent_before)} in den zwölf Wochen davor"
    )
