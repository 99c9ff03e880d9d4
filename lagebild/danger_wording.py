"""A danger in German words: the same on screen and paper."""

from __future__ import annotations

from django.urls import reverse
from django.utils import timezone

from lagebild.models import Danger, Finding, FindingKind
from lagebild.wording import period_text

MOST_SHOWN = 5


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


def danger_lines(actor) -> list[dict]:
    """The dangers that hold now, newest first, for the page of the picture, which is older. One query."""
    rows = Finding.objects.visible_to(actor).live().filter(kind=FindingKind.GEFAHR, danger__holds=True)
    return [
        {
            "url": reverse("lagebild:finding", args=(finding.pk,)),
            "what": f"{finding.headline}, {finding.place_label}",
            "strength": strength_line(finding.danger),
            "status": finding.get_status_display(),
        }
        for finding in rows.select_related("danger").order_by("-danger__grown_at", "number")[:MOST_SHOWN]
    ]
