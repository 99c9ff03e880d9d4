"""What an edition says of the night's signals and of the last complete week. Published values only.

Guests of a meeting read it: no agency is named as a contributor.
"""

from __future__ import annotations

import datetime as dt

from django.conf import settings

from incidents.models import AreaKind
from lagebild.edition_hotspots import assessment_text, doing_text
from lagebild.models import Picture, Signal, Trend, WeekState
from lagebild.printing import content as printed
from lagebild.signal_words import once_text, part_text, shown
from lagebild.stats.scan import WINDOW_DAYS
from lagebild.wording import expected_text, german_number

# What the table shows, in this order.
_STATES = (WeekState.HIGH, WeekState.LOW, WeekState.USUAL)
_LEFT_OUT = {
    WeekState.TOO_FEW: "Zu wenige Fälle für eine Aussage",
    WeekState.NO_HISTORY: "Noch keine ausreichende Vorgeschichte",
    WeekState.MISSING: "Nicht beurteilt, weil eine Lieferung fehlt",
}
_STREETS = ", und gerade Straßenzüge von zwei bis dreizehn Waben" if settings.SCAN_STREETS else ""
METHODS = (
    (
        "Signale sucht das Verfahren jede Nacht. Es vergleicht jeden Ort mit seinem eigenen Jahr: Sind dort in den "
        "letzten 1 bis 28 Tagen mehr Meldungen eingegangen, als nach dem Anteil, den der Ort sonst hat, und nach dem "
        "Tempo der ganzen Stadt zu erwarten waren? Abgesucht werden Kreise aus Waben, von einer einzigen Wabe bis zu "
        f"knapp drei Kilometern im Umkreis{_STREETS}. Verglichen wird nur innerhalb einer Behörde und einer Art von "
        "Tagen (Werktage, Samstage, Sonn- und Feiertage). Um zu sehen, was Zufall ist, verteilt der Rechner die Tage "
        "der Meldungen viele tausend Mal neu; was seltener ist, als sich so auszählen lässt, ist geschätzt. „Nur "
        "gemeinsam erkennbar“ heißt: Keine Behörde hätte das Signal bei derselben Schwelle aus ihren eigenen Meldungen "
        "erkannt. Ein Signal nennt keine Ursache."
    ),
    (
        "Die letzte volle Woche wird mit derselben Jahreszeit der letzten zwei bis vier Jahre verglichen (Verfahren "
        "nach Farrington), wo die Vorgeschichte dafür nicht reicht, mit den Wochen davor (EARS). „Ungewöhnlich hoch“"
        " heißt: Über alle Gruppen der Stadt zusammen würde der Zufall eine der Grenzen etwa einmal im Jahr "
        "überschreiten; für die Stadtbezirke zusammen gilt dasselbe. Fehlt eine Lieferung, wird die Woche nicht "
        "beurteilt."
    ),
)
DANGER_METHODS = (
    "Gefahren beruhen nicht auf einer Rechnung, sondern auf Regeln, die die Behörden selbst festlegen: Art, Schwere "
    "und Zahl der Meldungen, Umkreis und Zeitraum. Erfüllen freigegebene Meldungen eine Regel, wird die Gefahr "
    "sofort nach der Eingabe vorgeschlagen, auch bei einem einzigen Ereignis. Gedruckt wird sie erst, wenn ein "
    "Mensch sie bestätigt hat."
)


def signal_methods(picture: Picture) -> tuple[str, ...]:
    """Paragraphs on what this picture shows; none on searches it was made without."""
    return (*(METHODS if _was_scanned(picture) else ()), DANGER_METHODS)


def signal_chapter(picture: Picture) -> printed.Signals | None:
    """The night's alarms and what came nearest; None for a picture of before the scan."""
    if not _was_scanned(picture):
        return None
    rows = picture.signals.select_related("finding__responsible_agency", "finding__assessed_by__agency")
    alarms, nearest = shown(rows)
    stored = picture.parameters["signals"]
    first = picture.date - dt.timedelta(days=WINDOW_DAYS - 1)
    return printed.Signals(
        period=(first.isoformat(), picture.date.isoformat()),
        searches=stored["streams"],
        once_in_nights=german_number(float(f"{1 / stored['threshold_p']:.2g}")),
        alarms=tuple(_alarm(row) for row in alarms),
        nearest=tuple(_nearest(row) for row in nearest),
    )


def _was_scanned(picture: Picture) -> bool:
    return "alarms" in picture.parameters.get("signals", {})


def _alarm(signal: Signal) -> printed.Signal:
    finding = signal.finding
    return printed.Signal(
        kind=finding.kind,
        title=f"{finding.place_label}: {signal.stream_label}",
        since=signal.first_day.isoformat(),
        days=signal.days,
        strength=_strength(signal),
        chance=f"{once_text(signal)}{' (geschätzt)' if signal.is_fitted else ''}",
        together=_together(signal),
        status_label=finding.get_status_display(),
        assessment=assessment_text(finding),
        who_does_what=doing_text(finding),
    )


def _strength(signal: Signal) -> str:
    if signal.count is None:
        parts = "; ".join(part_text(part) for part in signal.parts)
        return f"mehrere Gruppen zugleich über dem Erwarteten, nicht addiert: {parts}"
    return (
        f"{german_number(signal.count)} Meldungen; nach dem Verlauf der letzten zwölf Monate waren etwa "
        f"{expected_text(signal.expected)} zu erwarten"
    )


def _together(signal: Signal) -> str:
    if signal.count is None:
        return "erst in mehreren Gruppen zusammen; keine von ihnen hat für sich Alarm gegeben"
    if signal.is_merged_only:
        return "nur gemeinsam; keine Behörde hätte das Signal aus ihren eigenen Meldungen erkannt"
    return "auch allein; mindestens eine Behörde hätte das Signal aus ihren eigenen Meldungen erkannt"


def _nearest(signal: Signal) -> str:
    if signal.count is None:
        what = "; ".join(part_text(part) for part in signal.parts)
    else:
        what = f"{german_number(signal.count)} statt {expected_text(signal.expected)} Meldungen"
    return f"{signal.stream_label}: {what} seit {signal.first_day:%d.%m.%Y}; Zufall {once_text(signal)}"


def last_week(trends: list[Trend]) -> printed.Week | None:
    """The judgement of the last complete week, the unusual first; None where no series is judged."""
    judged = [trend for trend in trends if trend.week_state]
    city = [trend for trend in judged if trend.area.kind == AreaKind.CITY]
    if not judged:
        return None
    last = judged[0].period_end
    rows = [trend for state in _STATES for trend in city if trend.week_state == state]
    return printed.Week(
        period=((last - dt.timedelta(days=6)).isoformat(), last.isoformat()),
        label=f"Woche {last.isocalendar().week}",
        rows=tuple(_week_row(trend) for trend in rows),
        left_out=tuple(_left_out(city)),
        districts=tuple(
            _district(t) for t in judged if t.area.kind != AreaKind.CITY and t.week_state == WeekState.HIGH
        ),
    )


def _week_row(trend: Trend) -> printed.WeekRow:
    return printed.WeekRow(
        kind=trend.group.kind,
        group_label=trend.group.label,
        unit_label=trend.unit_label,
        count=trend.week_count,
        expected=_usual(trend),
        compared_with="Wochen davor" if trend.week_method.startswith("ears") else "frühere Jahre",
        state_label=trend.get_week_state_display(),
        is_unusual=trend.week_state != WeekState.USUAL,
    )


def _usual(trend: Trend) -> str:
    return f"{german_number(trend.week_low)} bis {german_number(trend.week_high)}"


def _district(trend: Trend) -> str:
    counted = f"{german_number(trend.week_count)} {trend.unit_label}"
    return f"{trend.area.name}: {trend.group.label}, {counted} (üblich {_usual(trend)})"


def _left_out(city: list[Trend]) -> list[str]:
    sentences = []
    for state, words in _LEFT_OUT.items():
        names = [f"{t.group.label} ({t.unit_label})" for t in city if t.week_state == state]
        if names:
            sentences.append(f"{words}: {'; '.join(names)}.")
    return sentences
