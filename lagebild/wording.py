"""Figures in German words an official can repeat; the same on screen and paper."""

from __future__ import annotations

import datetime as dt

from incidents.geo import cell_center
from incidents.models import Area
from incidents.places import nearest_name
from lagebild.models import Sighting, Trend, Verdict

# Below this base a percentage says more than the figures do.
SMALL_BASE = 10
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


def week_text(trend: Trend) -> str:
    """Woche 47: 31, zu erwarten 18 bis 27; empty where the week is not judged at all."""
    if not trend.week_state:
        return ""
    week = f"Woche {trend.period_end.isocalendar().week}"
    if trend.week_count is None:
        return week
    counted = f"{week}: {german_number(trend.week_count)}"
    if trend.week_high is None:
        return counted
    recent = " (nach den letzten Wochen)" if trend.week_method.startswith("ears") else ""
    return f"{counted}, zu erwarten {german_number(trend.week_low)} bis {german_number(trend.week_high)}{recent}"


def is_counted_only(trend: Trend) -> bool:
    """True where the whole row is counts released for counting alone: there is nothing to compare."""
    return not trend.current and not trend.previous and bool(trend.protected_current or trend.protected_previous)


def change_text(trend: Trend) -> str:
    """The change in per cent, over a small base as a difference; a dash where nothing is compared."""
    if trend.verdict == Verdict.NOT_COMPARABLE or trend.previous is None:
        return "nicht vergleichbar"
    if is_counted_only(trend):
        return "–"
    if trend.previous < SMALL_BASE or trend.change_percent is None:
        return difference_text(trend.current - trend.previous)
    return percent_text(trend.change_percent, signed=True)


def difference_text(value: int) -> str:
    sign = "+" if value > 0 else "−" if value < 0 else "±"
    return f"{sign}{german_number(abs(value))}"


def expected_text(value: float) -> str:
    """3,9; what would round to nothing is "unter 0,1"."""
    return "unter 0,1" if value < 0.05 else german_number(value, 1)


def factor_text(count: float, expected: float) -> str:
    """1,8-fach; from ten on without decimals and "rund"."""
    factor = count / expected if expected else 0
    return f"rund {german_number(factor)}-fach" if factor >= 10 else f"{german_number(factor, 1)}-fach"


PRACTICALLY_NEVER = 1e-6


def _cases(p_value: float) -> str:
    share = 1 / p_value
    scale = 10 ** max(len(str(int(share))) - 2, 0)
    return f"in etwa 1 von {german_number(round(share / scale) * scale)} Fällen"


def surprise_text(p_value: float) -> str:
    """How often chance alone would do this at this place, in words."""
    if p_value < PRACTICALLY_NEVER:
        return "Zufall so gut wie ausgeschlossen"
    return f"durch Zufall {_cases(p_value)}"


def surprise_sentence(p_value: float) -> str:
    """The same as a sentence of its own."""
    if p_value < PRACTICALLY_NEVER:
        return (
            "Wären die Meldungen gleichmäßig über das Stadtgebiet verteilt, wäre eine solche Häufung an dieser Stelle "
            "so gut wie ausgeschlossen."
        )
    return (
        "Wären die Meldungen gleichmäßig über das Stadtgebiet verteilt, entstünde eine solche Häufung an dieser Stelle "
        f"durch Zufall {_cases(p_value)}."
    )


def strength_text(sighting: Sighting) -> str:
    """Count, expectation and how sure, in one line."""
    return (
        f"{german_number(sighting.count)} Meldungen, bei gleichmäßiger Verteilung wären "
        f"{expected_text(sighting.expected)} zu erwarten ({factor_text(sighting.count, sighting.expected)}); "
        f"{surprise_text(sighting.p_value)}"
    )


def recent_text(sighting: Sighting) -> str:
    """The last months; only records shared one by one are known so soon."""
    return (
        f"Einzelmeldungen in den letzten zwölf Wochen {german_number(sighting.recent_count)}, "
        f"in den zwölf davor {german_number(sighting.recent_before)}"
    )


def place_label(cell: int | None, district: Area | None) -> str:
    """The well-known place nearest to the cell, else the district, else the city."""
    if cell is not None and (name := nearest_name(*cell_center(cell))):
        return f"Bereich {name}"
    return f"Stadtbezirk {district.name}" if district else "Stadtgebiet"
