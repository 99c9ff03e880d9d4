"""A danger in German words: the same on screen and paper."""

from __future__ import annotations

from django.utils import timezone

from lagebild.models import Danger
from lagebild.wording import period_text


def span_text(danger: Danger) -> str:
    """The days of the records it rests on: 01.03.–05.03.2026, or the one day."""
    first, last = (timezone.localdate(at) for at in (danger.first_at, danger.last_at))
    return f"{first:%d.%m.%Y}" if first == last else period_text(first, last)


def strength_line(danger: Danger) -> str:
    """What it rests on and when; says so where it no longer holds."""
    line = f"{', '.join(danger.parts)} ({span_text(danger)})"
    return line if danger.holds else f"{line}; {state_text(danger)}"


def state_text(danger: Danger) -> str:
    if danger.holds:
        return "Die Regel ist nach den freigegebenen Meldungen erfüllt."
    return (
        f"trifft seit der Prüfung am {danger.ended_on:%d.%m.%Y} nicht mehr zu, weil zugrunde liegende Meldungen "
        "geändert oder nicht mehr freigegeben sind"
    )
