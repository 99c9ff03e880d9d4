"""Kernaussagen: at most five sentences that say what changed, each with its period. Published values only."""

from __future__ import annotations

from collections.abc import Iterable

from agencies.models import Agency
from incidents.models import Kind
from lagebild.inputs import Window
from lagebild.models import Phenomenon, Signal, StatusWord, Verdict, WeekState
from lagebild.phenomena.words import summary
from lagebild.stats.weeks import YEAR_DAYS
from lagebild.streams import HotspotResult
from lagebild.trends import TrendResult
from lagebild.wording import expected_text, factor_text, german_number, percent_text, period_text, place_label

MOST = 5
GROWTH_FROM = 10
_KIND_WORD = {Kind.INCIDENT: "Brennpunkt", Kind.COMPLAINT: "Beschwerdehotspot"}


def key_statements(
    window: Window,
    hotspots: list[HotspotResult],
    trends: list[TrendResult],
    late: list[Agency],
) -> list[str]:
    """Up to five sentences: seen only together, growing, faded, unusual week, clearest change, late deliveries."""
    candidates = [
        _merged(hotspots, window),
        _growing(hotspots),
        _faded(hotspots),
        _week(trends, window),
        _city_change(trends, window),
        _late(late),
    ]
    found = [sentence for sentence in candidates if sentence]
    if len(found) < MOST and (strongest := _strongest(hotspots, window)):
        found.insert(0, strongest)
    return found[:MOST]


def signal_statements(signals: list[Signal]) -> list[str]:
    """One sentence for the surest alarm, and how many more there are."""
    alarms = [signal for signal in signals if signal.is_alarm]
    if not alarms:
        return []
    best, number = alarms[0], len({signal.finding_id for signal in alarms})
    where = best.finding.place_label
    if best.count is not None:
        how = f"{german_number(best.count)} statt etwa {expected_text(best.expected)} Meldungen"
    else:
        how = "mehrere Gruppen zugleich, keine für sich auffällig"
    together = ", erkennbar nur in den zusammengeführten Daten" if best.is_merged_only else ""
    more = "" if number == 1 else f" Dazu {_more(number - 1)}."
    return [f"{where}: neues Signal, {best.stream_label}, {how} seit {best.first_day:%d.%m.%Y}{together}.{more}"]


def phenomenon_statements(rows: Iterable[Phenomenon]) -> list[str]:
    """One sentence for the surest phenomenon of tonight, and how many more there are."""
    new = [row for row in rows if row.finding.first_seen_on == row.picture.date]
    if not new:
        return []
    best = new[0]
    together = ", erkennbar nur in den zusammengeführten Daten" if best.is_merged_only else ""
    more = {1: "", 2: " Dazu ein weiteres Phänomen."}.get(len(new), f" Dazu {len(new) - 1} weitere Phänomene.")
    return [f"Neues Phänomen: {best.finding.subject} ({best.finding.place_label}), {summary(best)}{together}.{more}"]


def _more(number: int) -> str:
    return "ein weiteres Signal" if number == 1 else f"{number} weitere Signale"


def _where(hotspot: HotspotResult) -> str:
    label = place_label(hotspot.center_cell, hotspot.district)
    named = hotspot.district is None or hotspot.district.name in label
    return label if named else f"{label} ({hotspot.district.name})"


def _ordered(hotspots: list[HotspotResult]) -> list[HotspotResult]:
    return sorted(hotspots, key=lambda h: (h.p_value, -h.count, h.center_cell))


def _merged(hotspots: list[HotspotResult], window: Window) -> str | None:
    chosen = next((h for h in _ordered(hotspots) if h.is_merged_only and h.status_word != StatusWord.FORMER), None)
    if chosen is None:
        return None
    return (
        f"{_where(chosen)}: {_KIND_WORD[chosen.group.kind]} {chosen.group.label} mit {german_number(chosen.count)} "
        f"Meldungen seit {chosen.active_since or window.first:%d.%m.%Y}, erkennbar nur in den zusammengeführten Daten."
    )


def _growing(hotspots: list[HotspotResult]) -> str | None:
    rising = [h for h in hotspots if h.recent_count >= GROWTH_FROM and h.recent_count >= 1.5 * max(h.recent_before, 1)]
    if not rising:
        return None
    chosen = max(rising, key=lambda h: (h.recent_count - h.recent_before, h.center_cell))
    return (
        f"{_where(chosen)}: {_KIND_WORD[chosen.group.kind]} {chosen.group.label} wächst von "
        f"{german_number(chosen.recent_before)} auf {german_number(chosen.recent_count)} Meldungen "
        "(letzte zwölf Wochen gegenüber den zwölf Wochen davor)."
    )


def _faded(hotspots: list[HotspotResult]) -> str | None:
    chosen = next((h for h in _ordered(hotspots) if h.status_word == StatusWord.FORMER), None)
    if chosen is None:
        return None
    return (
        f"{_where(chosen)}: Der {_KIND_WORD[chosen.group.kind]} {chosen.group.label} ist abgeklungen; in den letzten "
        "drei Monaten ist dort keine auffällige Häufung mehr zu erkennen."
    )


def _week(trends: list[TrendResult], window: Window) -> str | None:
    """The clearest alarm of the last week, the city's before the districts', and how many other groups have one."""
    alarms = [t for t in trends if t.last_week is not None and t.last_week.state == WeekState.HIGH]
    if not alarms:
        return None
    chosen = max(alarms, key=lambda t: (t.area.kind == "city", t.last_week.score or 0, -t.group.pk, -t.area.pk))
    week = chosen.last_week
    where = "Stadtweit" if chosen.area.kind == "city" else f"{chosen.area.name}:"
    groups = {t.group.pk for t in alarms} - {chosen.group.pk}
    verb = "ist eine weitere Gruppe" if len(groups) == 1 else f"sind {len(groups)} weitere Gruppen"
    more = f" Ebenso ungewöhnlich {verb}." if groups else ""
    return (
        f"{where} ungewöhnlich viel bei {chosen.group.label}: {german_number(week.count)} {chosen.unit_label} in Woche "
        f"{window.last_week.isocalendar().week} ({period_text(window.last_week, window.last_day)}), zu erwarten waren "
        f"{german_number(week.low)} bis {german_number(week.high)}.{more}"
    )


def _city_change(trends: list[TrendResult], window: Window) -> str | None:
    clear = [t for t in trends if t.area.kind == "city" and t.comparison.verdict in (Verdict.RISE, Verdict.FALL)]
    if not clear:
        return None
    chosen = max(clear, key=lambda t: (abs(t.comparison.difference), t.group.pk))
    word = "Zunahme" if chosen.comparison.verdict == Verdict.RISE else "Rückgang"
    percent = chosen.comparison.percent
    by = f" um {percent_text(abs(percent))}" if percent is not None else ""
    return (
        f"Stadtweit {word} bei {chosen.group.label}{by} gegenüber dem Vorjahreszeitraum "
        f"(von {german_number(chosen.comparison.previous)} auf {german_number(chosen.comparison.current)} "
        f"{chosen.unit_label}, {chosen.weeks_compared} vergleichbare Wochen bis {window.last_day:%d.%m.%Y})."
    )


def _late(late: list[Agency]) -> str | None:
    if not late:
        return None
    names = ", ".join(agency.short_name for agency in late)
    missing = "fehlt eine Lieferung" if len(late) == 1 else "fehlen Lieferungen"
    return f"Für die letzte volle Woche {missing} ({names}); fehlende Zahlen sind kein Rückgang."


def _strongest(hotspots: list[HotspotResult], window: Window) -> str | None:
    chosen = next((h for h in _ordered(hotspots) if h.status_word != StatusWord.FORMER), None)
    if chosen is None:
        return f"Seit {window.first:%d.%m.%Y} ist kein Brennpunkt und kein Beschwerdehotspot zu erkennen."
    return (
        f"{_where(chosen)}: stärkster {_KIND_WORD[chosen.group.kind]} ({chosen.group.label}) mit "
        f"{german_number(chosen.count)} Meldungen in {YEAR_DAYS} Tagen, "
        f"{factor_text(chosen.count, chosen.expected)} gegenüber einer gleichmäßigen Verteilung."
    )
