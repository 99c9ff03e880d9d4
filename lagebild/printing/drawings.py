"""The figures of an edition: which maps, charts and matrices it carries, each with its words for screen readers."""

from datetime import date

from lagebild.figures.calendar import PLURALS, Span, kinds_in_words, week_marks
from lagebild.figures.charts import Panel, draw_weekly_lines, scale_end
from lagebild.figures.coverage import CoverageRow, describe, draw_coverage
from lagebild.figures.maps import HOTSPOT_PLURALS, NOUNS, MapArea, MapCell, MapMark, MapScale, draw_map
from lagebild.printing.content import CoverageWeek, EditionContent, Hotspot, Trend
from lagebild.printing.german import count_text, day_text, period_text

HOTSPOT_KINDS = {"incident": "brennpunkt", "complaint": "beschwerdehotspot"}

_NAMED_IN_OVERVIEW = 10
_PANELS_PER_ROW = 4
_PANELS_PER_CHART = 16
_PLOT_HEIGHT = 56
_WEEKS_PER_MATRIX = 53
_AGENCIES_PER_MATRIX = 36


def hotspots_of(content: EditionContent, kind: str) -> list[Hotspot]:
    """The hotspots of one kind of records in their printed order."""
    wanted = [hotspot for hotspot in content.hotspots if hotspot.kind == HOTSPOT_KINDS[kind]]
    return sorted(wanted, key=lambda hotspot: (hotspot.rank, hotspot.label))


def overview_of(content: EditionContent, kind: str) -> dict[str, str]:
    """Half a line wide, for the first page: names only the first hotspots, so that it stays readable."""
    return map_of(content, kind, hotspots_of(content, kind)[:_NAMED_IN_OVERVIEW], width=334, max_height=300)


def overview_limit(content: EditionContent) -> str:
    """What the first page leaves out, in words; empty where it shows every hotspot."""
    if all(len(hotspots_of(content, kind)) <= _NAMED_IN_OVERVIEW for kind in HOTSPOT_KINDS):
        return ""
    return f"Bezeichnet sind je die ersten {_NAMED_IN_OVERVIEW} der Aufstellung in Kapitel {places_chapter(content)}."


def has_news(content: EditionContent) -> bool:
    """Whether the chapter on signals and the last week is printed; editions of before have none."""
    return content.signals is not None or content.week is not None


def places_chapter(content: EditionContent) -> int:
    """Number of the chapter on Brennpunkte und Beschwerdehotspots."""
    return 4 if has_news(content) else 3


def map_period(content: EditionContent) -> str:
    """The days the maps and hotspots speak of."""
    return period_text(*(content.map_period or content.periods.current))


def map_of(
    content: EditionContent, kind: str, hotspots: list[Hotspot], *, width: float, max_height: float
) -> dict[str, str]:
    listed = "; ".join(f"{hotspot.label}: {hotspot.title}, {hotspot.district}" for hotspot in hotspots)
    alt = (
        f"Karte: {NOUNS[kind]} je Wabe, {map_period(content)}. "
        f"{HOTSPOT_PLURALS[kind]} in dieser Karte: {listed or 'keine'}."
    )
    drawing = draw_map(
        kind=kind,
        title=NOUNS[kind],
        description=alt,
        bbox=content.bbox,
        areas=tuple(MapArea(area.name, area.kind, area.rings) for area in content.areas),
        cells=tuple(MapCell(cell.ramp, cell.boundary, cell.count) for cell in content.cells if cell.kind == kind),
        marks=tuple(MapMark(hotspot.label, tuple(cell.boundary for cell in hotspot.cells)) for hotspot in hotspots),
        width=width,
        max_height=max_height,
        scale=MapScale(content.map_scale.title, content.map_scale.labels) if content.map_scale else None,
    )
    return {"svg": drawing, "alt": alt}


def charts_of(content: EditionContent, kind: str) -> list[dict[str, str]]:
    """One chart per group of categories and first week, its districts side by side on one scale."""
    groups: dict[tuple[str, str], list[Trend]] = {}
    for trend in content.trends:
        if trend.kind == kind:
            groups.setdefault((trend.group_label, trend.first_week), []).append(trend)
    charts, spans = [], special_spans(content)
    for (group_label, first_week), trends in groups.items():
        panels = tuple(_panel(trend, spans) for trend in trends)
        scale = {"highest": scale_end(panels), "columns": min(_PANELS_PER_ROW, len(panels))}
        for start in range(0, len(panels), _PANELS_PER_CHART):
            shown = panels[start : start + _PANELS_PER_CHART]
            charts.append(_chart(content, kind, group_label, date.fromisoformat(first_week), shown, scale))
    return charts


def special_spans(content: EditionContent) -> tuple[Span, ...]:
    return tuple(
        Span(days.kind, days.name, date.fromisoformat(days.first), date.fromisoformat(days.last), days.districts)
        for days in content.calendar
    )


def special_words(content: EditionContent) -> str:
    """The marked days by kind, in one paragraph; empty where nothing is marked."""
    kinds: dict[str, list[str]] = {}
    for span in special_spans(content):
        first, last = span.first.isoformat(), span.last.isoformat()
        period = day_text(first) if first == last else period_text(first, last)
        kinds.setdefault(span.kind, []).append(f"{span.name} ({', '.join([period, *span.districts])})")
    return " ".join(f"{PLURALS[kind]}: {'; '.join(kinds[kind])}." for kind in PLURALS if kind in kinds)


def _panel(trend: Trend, spans: tuple[Span, ...]) -> Panel:
    marks = week_marks(spans, date.fromisoformat(trend.first_week), len(trend.weeks), trend.district)
    return Panel(trend.district, trend.weeks, trend.weeks_before, marks)


def _chart(
    content: EditionContent,
    kind: str,
    group_label: str,
    first_week: date,
    panels: tuple[Panel, ...],
    scale: dict[str, int],
) -> dict[str, str]:
    title = f"{NOUNS[kind]} je Woche und Stadtbezirk: {group_label}"
    alt = " ".join([f"{title}.", *(_panel_words(panel) for panel in panels), *_marked_words(content)])
    drawing = draw_weekly_lines(
        kind=kind,
        title=title,
        description=alt,
        panels=panels,
        first_week=first_week,
        unit=f"{NOUNS[kind]} je Woche",
        current_label=period_text(*content.periods.current),
        previous_label=period_text(*content.periods.previous),
        plot_height=_PLOT_HEIGHT,
        **scale,
    )
    return {"svg": drawing, "alt": alt, "title": title}


def _marked_words(content: EditionContent) -> list[str]:
    words = kinds_in_words(special_spans(content))
    return [words] if words else []


def _panel_words(panel: Panel) -> str:
    known = [value for value in panel.weeks if value is not None]
    if not known:
        return f"{panel.title}: keine Lieferung."
    gaps = len(panel.weeks) - len(known)
    missing = f", {gaps} {'Woche' if gaps == 1 else 'Wochen'} ohne Lieferung" if gaps else ""
    return f"{panel.title}: Höchstwert {count_text(max(known))}, zuletzt {count_text(known[-1])}{missing}."


def matrices_of(content: EditionContent) -> list[dict[str, str]]:
    """The coverage of the latest weeks, in parts of a page's height."""
    weeks = content.coverage.weeks[-_WEEKS_PER_MATRIX:]
    if not weeks:
        return []
    rows = [CoverageRow(agency.short_name, agency.cells[-_WEEKS_PER_MATRIX:]) for agency in content.coverage.agencies]
    parts = [tuple(rows[start : start + _AGENCIES_PER_MATRIX]) for start in range(0, len(rows), _AGENCIES_PER_MATRIX)]
    return [_matrix(weeks, part) for part in parts]


def _matrix(weeks: tuple[CoverageWeek, ...], rows: tuple[CoverageRow, ...]) -> dict[str, str]:
    title = f"Lieferungen je Behörde und Woche, {weeks[0].label} bis {weeks[-1].label}"
    alt = f"{title}. {describe(rows)}"
    periods = tuple(week.label for week in weeks)
    drawing = draw_coverage(title=title, description=alt, periods=periods, rows=rows)
    return {"svg": drawing, "alt": alt, "title": title}
