"""The finished values the print template sets: every figure formatted, every drawing drawn, no decision left."""

from datetime import UTC, datetime
from typing import Any

from lagebild.figures.symbols import LABELS, symbol
from lagebild.printing.content import (
    DistrictTable,
    EditionContent,
    Finding,
    Hotspot,
    Measure,
    Signal,
    Signals,
    TableRow,
    Week,
    WeekRow,
)
from lagebild.printing.drawings import (
    charts_of,
    has_news,
    hotspots_of,
    map_of,
    map_period,
    matrices_of,
    overview_limit,
    overview_of,
    special_words,
)
from lagebild.printing.german import PROTECTED, count_text, day_text, paragraphs, period_text, shortened

KINDS = ("incident", "complaint")

_KEPT_TOGETHER_BELOW = 1500
_MAP_HEIGHT = 500
_HEAD_CHARACTERS = 118
_SHORTEST_TITLE = 12
_FOOT_CHARACTERS = 72
_PROTECTED_AGENCIES = "geschützt, die Anteile der einzelnen Behörden liegen unter der Mindestzahl"
_MERGED_ONLY = "erst die Meldungen mehrerer Behörden zusammen zeigen diese Häufung"
_NOTHING = "–"
_NOUNS = {"incident": "Vorfälle", "complaint": "Beschwerden"}
_COUNTED_NOTE = (
    "„nur gezählt“ sind Zahlen, die Behörden allein zum Zählen freigeben. Gedruckt ist nur der veröffentlichte Teil; "
    "kleine Zahlen bleiben zurückgehalten. Sie kommen zu den Zahlen des Zeitraums hinzu und werden nicht mit dem "
    "Vorjahr verglichen. „–“ bedeutet: dazu ist nichts veröffentlicht."
)
_PROTECTED_NOTE = (
    f"„{PROTECTED}“ bedeutet geschützt: die Zahl liegt unter der Mindestzahl oder ließe auf eine solche schließen."
)


def sheets(content: EditionContent, *, copy_label: str | None) -> dict[str, Any]:
    """Plain values for the template, named as `edition.typ` reads them."""
    return {
        "frame": _frame(content, copy_label),
        "facts": _facts(content),
        "statements": list(content.statements),
        "news": _news(content),
        "map_note": content.map_note,
        "hotspot_note": content.hotspot_note,
        "overview": [overview_of(content, kind) for kind in KINDS] if content.areas or content.cells else [],
        "overview_note": " ".join(filter(None, (overview_limit(content), content.map_note))),
        "kinds": [_kind(content, kind) for kind in KINDS],
        "special_days": special_words(content),
        "phenomena": [_finding(finding) for finding in content.findings if finding.kind in ("phaenomen", "gefahr")],
        "fear_spaces": [_finding(finding) for finding in content.findings if finding.kind == "angstraum"],
        "place_findings": [
            _finding(finding) for finding in content.findings if finding.kind in ("brennpunkt", "beschwerdehotspot")
        ],
        "measures": [_measure(measure) for measure in content.measures],
        "methods": [paragraph for text in content.methods for paragraph in paragraphs(text)],
        "gaps": list(content.gaps),
        "matrices": matrices_of(content),
        "abbreviations": [[item.short, item.long] for item in content.abbreviations],
        "symbols": {kind: symbol(kind) for kind in LABELS},
    }


def _frame(content: EditionContent, copy_label: str | None) -> dict[str, Any]:
    created = datetime.fromisoformat(content.created_at).astimezone(UTC)
    return {
        "marking": content.marking,
        "running_title": _running_title(content),
        "title": " ".join(content.title.split()),
        "number": content.number,
        "body": content.body,
        "issued_by": content.issued_by,
        "issued_by_short": shortened(content.issued_by, _FOOT_CHARACTERS),
        "as_of": day_text(content.as_of),
        "copy": shortened(copy_label or "", 2 * _FOOT_CHARACTERS),
        "demonstration": content.demonstration,
        "created": [created.year, created.month, created.day, created.hour, created.minute, created.second],
    }


def _running_title(content: EditionContent) -> str:
    """Number and short title, cut so that both fit beside the marking on one line."""
    number = f"Ausgabe {content.number}"
    room = _HEAD_CHARACTERS - round(1.25 * len(content.marking)) - len(number)
    return f"{number} · {shortened(content.title, room)}" if room >= _SHORTEST_TITLE else number


def _facts(content: EditionContent) -> dict[str, str]:
    picture, created = content.picture, datetime.fromisoformat(content.created_at)
    return {
        "label": content.periods.label,
        "current": period_text(*content.periods.current),
        "previous": period_text(*content.periods.previous),
        "map_period": map_period(content),
        "source": f"Lagebild vom {day_text(picture.date)}, Fassung {picture.revision}",
        "picture_date": day_text(picture.date),
        "revision": str(picture.revision),
        "sha256": picture.sha256,
        "created": f"{created:%d.%m.%Y, %H:%M} Uhr",
        "delivery": _delivery(content),
    }


def _delivery(content: EditionContent) -> str:
    """One sentence on who delivered for the last week; empty where nothing is known of deliveries."""
    members = [agency for agency in content.coverage.agencies if agency.cells and agency.cells[-1] != "not_member"]
    if not members:
        return ""
    missing = [agency.short_name for agency in members if agency.cells[-1] == "missing"]
    if not missing:
        return f"Für die letzte Woche liegen Lieferungen aller {len(members)} beteiligten Behörden vor."
    return (
        f"Für die letzte Woche haben {len(members) - len(missing)} von {len(members)} beteiligten Behörden geliefert. "
        f"Keine Lieferung: {', '.join(missing)}."
    )


def _news(content: EditionContent) -> dict[str, Any] | None:
    """The chapter on signals and the last week; None for editions frozen without either."""
    if not has_news(content):
        return None
    return {
        "signals": _signals(content.signals) if content.signals else None,
        "week": _week(content.week) if content.week else None,
    }


def _signals(signals: Signals) -> dict[str, Any]:
    searches = "1 Prüfung" if signals.searches == 1 else f"{count_text(signals.searches)} Prüfungen"
    return {
        "verdict": _verdict(len(signals.alarms)),
        "scanned": (
            f"Gesucht wurde im Zeitraum {period_text(*signals.period)} mit {searches}: in jeder Gruppe von "
            "Vorfällen und von Beschwerden, in den Auswahlen, die Behörden selbst festgelegt haben, und in mehreren "
            f"Gruppen zugleich. Gemeldet wird, was der Zufall in einer Prüfung höchstens in 1 von "
            f"{signals.once_in_nights} Nächten hervorbrächte. Im ganzen Lagebild entsteht so höchstens etwa ein "
            "Fehlalarm im Jahr."
        ),
        "alarms": [_signal(signal) for signal in signals.alarms],
        "nearest": [f"{text}." for text in signals.nearest],
    }


def _verdict(alarms: int) -> str:
    if alarms:
        return f"{'Ein Signal geht' if alarms == 1 else f'{alarms} Signale gehen'} über den Zufall hinaus."
    return "Kein Signal: In den letzten vier Wochen ist an keinem Ort etwas gewachsen, das über den Zufall hinausgeht."


def _signal(signal: Signal) -> dict[str, Any]:
    days = "1 Tag" if signal.days == 1 else f"{signal.days} Tage"
    facts = [
        ["Seit", [f"{day_text(signal.since)} ({days} bis zum Stand)"]],
        ["Stärke", [signal.strength]],
        ["Zufall", [signal.chance]],
        ["Erkennbar", [signal.together]],
        ["Einordnung", [signal.status_label]],
        *_judgement(signal.assessment, signal.who_does_what),
    ]
    return _block(signal.kind, signal.title, facts)


def _week(week: Week) -> dict[str, Any]:
    notes = list(week.left_out)
    if week.districts:
        notes.insert(0, f"In einzelnen Stadtbezirken ungewöhnlich hoch: {'; '.join(week.districts)}.")
    tables = [(kind, [row for row in week.rows if row.kind == kind]) for kind in KINDS]
    return {
        "title": f"Die letzte volle Woche in der ganzen Stadt: {week.label}",
        "period": period_text(*week.period),
        "tables": [
            {
                "title": f"{_NOUNS[kind]} der {week.label} in der gesamten Stadt",
                "rows": [_week_row(row) for row in rows],
            }
            for kind, rows in tables
            if rows
        ],
        "notes": notes,
    }


def _week_row(row: WeekRow) -> dict[str, Any]:
    cells = [
        row.group_label,
        row.unit_label,
        count_text(row.count),
        row.expected,
        row.compared_with,
        row.state_label,
    ]
    return {"cells": cells, "is_unusual": row.is_unusual}


def _kind(content: EditionContent, kind: str) -> dict[str, Any]:
    return {
        "kind": kind,
        "charts": charts_of(content, kind),
        "map": map_of(content, kind, hotspots_of(content, kind), width=680, max_height=_MAP_HEIGHT),
        "hotspots": [_hotspot(hotspot, map_period(content)) for hotspot in hotspots_of(content, kind)],
        "tables": [_table(table) for table in content.tables.districts if table.kind == kind],
        "table_notes": _table_notes(content, kind),
    }


def _table_notes(content: EditionContent, kind: str) -> str:
    rows = [row for table in content.tables.districts if table.kind == kind for row in table.rows]
    is_protected = any(None in (row.current, row.previous) for row in rows)
    return " ".join([_COUNTED_NOTE, *([_PROTECTED_NOTE] if is_protected else [])])


def _hotspot(hotspot: Hotspot, map_period: str) -> dict[str, Any]:
    """A block; its period is printed only where it is not the map's."""
    facts = [
        ["Raum und Art", [f"{hotspot.district}, {hotspot.group_label}"]],
        *([["Zeitraum", [hotspot.period]]] if hotspot.period != map_period else []),
        ["Stärke", [f"Zahl geschützt; {hotspot.ratio_text}" if hotspot.count is None else hotspot.ratio_text]],
        ["Einordnung", ["; ".join(filter(None, (hotspot.status_label, _MERGED_ONLY if hotspot.merged_only else "")))]],
        ["Behörden", [", ".join(hotspot.agencies) or _PROTECTED_AGENCIES]],
        *_judgement(hotspot.assessment, hotspot.measure),
    ]
    return _block(hotspot.kind, f"{hotspot.label}\u2002{hotspot.title}", facts)


def _judgement(assessment: str | None, doing: str | None) -> list:
    """Assessment and who does what; one line where neither is given yet."""
    if not (assessment or doing):
        return [["Bewertung", ["Noch nicht bewertet, niemand ist zuständig."]]]
    return [
        ["Bewertung", paragraphs(assessment or "") or ["Noch nicht bewertet."]],
        ["Wer tut was", paragraphs(doing or "") or ["noch nicht vereinbart"]],
    ]


def _finding(finding: Finding) -> dict[str, Any]:
    facts = [
        ["Raum", [finding.where]],
        ["Seit", [day_text(finding.since)]],
        ["Stärke", [finding.strength]],
        ["Einordnung", [finding.status_label]],
        *_judgement(finding.assessment, finding.who_does_what),
    ]
    return _block(finding.kind, finding.title, facts)


def _block(kind: str, title: str, facts: list) -> dict[str, Any]:
    length = len(title) + sum(len(line) for _, lines in facts for line in lines)
    return {
        "kind": kind,
        "kind_label": LABELS[kind],
        "title": title,
        "facts": facts,
        "keep_together": length < _KEPT_TOGETHER_BELOW,
    }


def _table(table: DistrictTable) -> dict[str, Any]:
    where = "in der gesamten Stadt" if table.whole_city else f"im Stadtbezirk {table.district}"
    return {"title": f"{_NOUNS[table.kind]} {where}", "rows": [_row(row) for row in table.rows]}


def _row(row: TableRow) -> list[str]:
    figures = [count_text(row.current), count_text(row.previous), row.change_text]
    return [
        row.group_label,
        row.unit_label,
        *(figures if row.compared else [_NOTHING] * len(figures)),
        count_text(row.counted) if row.counted else _NOTHING,
        row.verdict_label,
    ]


def _measure(measure: Measure) -> list[str]:
    due = day_text(measure.due) if measure.due else "offen"
    return [measure.title, measure.agency, due, measure.status_label, measure.effect or "noch nicht gemessen"]
