"""Small multiples of weekly lines: this period against the one before, all on one scale, gaps shown as gaps."""

import math
from dataclasses import dataclass
from datetime import date, timedelta

from lagebild.figures import palette, svg
from lagebild.figures.calendar import EVENT, HOLIDAY, LABELS, SCHOOL_HOLIDAYS, Mark
from lagebild.figures.geometry import hatch

MONTHS = (
    "Jan",
    "Feb",
    "Mär",
    "Apr",
    "Mai",
    "Jun",
    "Jul",
    "Aug",
    "Sep",
    "Okt",
    "Nov",
    "Dez",
)

_TITLE_HEIGHT = 23
_PLOT_HEIGHT = 74
_AXIS_HEIGHT = 16
_PANEL_GAP = 14
_LEFT = 28
_SMALL = 11
_NAME = 12
_LEGEND_HEIGHT = 24
_MARK_HEIGHT = 9
_MARK_LEGEND_HEIGHT = 18


@dataclass(frozen=True)
class Panel:
    """One line chart; None is a week without a delivery. `marks` name special weeks of `weeks`."""

    title: str
    weeks: tuple[int | None, ...]
    weeks_before: tuple[int | None, ...]
    marks: tuple[Mark, ...] = ()


@dataclass(frozen=True)
class _Frame:
    left: float
    top: float
    width: float
    weeks: int
    highest: int
    height: float = _PLOT_HEIGHT
    above: float = 0

    def x(self, week: float) -> float:
        return self.left + (week + 0.5) / self.weeks * self.width

    @property
    def week_width(self) -> float:
        return self.width / self.weeks

    def y(self, value: float) -> float:
        return self.top + self.height * (1 - value / self.highest)


def draw_weekly_lines(
    *,
    kind: str,
    title: str,
    description: str,
    panels: tuple[Panel, ...],
    first_week: date,
    unit: str,
    current_label: str = "dieser Zeitraum",
    previous_label: str = "Zeitraum davor",
    columns: int = 3,
    width: float = 680,
    highest: int | None = None,
    plot_height: float = _PLOT_HEIGHT,
) -> str:
    """An SVG drawing of one panel per series; `highest` sets the common scale across several drawings."""
    if kind not in palette.LINES:
        raise ValueError(f"unknown kind of record: {kind!r}")
    top_value = scale_end(panels) if highest is None else highest
    panel_width = (width - (columns - 1) * _PANEL_GAP) / columns
    marked = {mark.kind for panel in panels for mark in panel.marks}
    above = _MARK_HEIGHT if marked else 0
    legend_height = _LEGEND_HEIGHT + (_MARK_LEGEND_HEIGHT if marked else 0)
    panel_height = _TITLE_HEIGHT + above + plot_height + _AXIS_HEIGHT + _PANEL_GAP
    shapes = [*_legend(kind, width, current_label, previous_label, unit), *_mark_legend(marked, _LEGEND_HEIGHT)]
    for index, panel in enumerate(panels):
        frame = _Frame(
            left=index % columns * (panel_width + _PANEL_GAP) + _LEFT,
            top=index // columns * panel_height + legend_height + _TITLE_HEIGHT + above,
            width=panel_width - _LEFT,
            weeks=max(len(panel.weeks), len(panel.weeks_before), 1),
            highest=top_value,
            height=plot_height,
            above=above,
        )
        shapes += _panel(kind, panel, frame, first_week)
    height = math.ceil(len(panels) / columns) * panel_height + legend_height
    return svg.document(width, height, *shapes, title=title, description=description)


def scale_end(panels: tuple[Panel, ...]) -> int:
    """The round number that ends the common scale of all panels."""
    highest = max(
        (value or 0 for panel in panels for value in (*panel.weeks, *panel.weeks_before)),
        default=0,
    )
    step = next(base * 10**power for power in range(9) for base in (1, 2, 5) if base * 10**power * 4 >= max(highest, 4))
    return math.ceil(max(highest, 1) / step) * step


def _panel(kind: str, panel: Panel, frame: _Frame, first_week: date) -> list[str]:
    right = frame.left + frame.width
    room = frame.width + _LEFT
    return [
        svg.text(
            svg.shortened(panel.title, _NAME, room),
            frame.left - _LEFT,
            frame.top - frame.above - 10,
            font_size=_NAME,
            font_weight=600,
            fill=palette.INK,
        ),
        *_gaps(panel.weeks, frame),
        *(_grid_line(frame, right, value) for value in (0, frame.highest // 2, frame.highest) if value == 0 or value),
        *_months(frame, first_week),
        *_line(panel.weeks_before, frame, stroke=palette.PREVIOUS, stroke_width=0.9),
        *_line(panel.weeks, frame, stroke=palette.LINES[kind], stroke_width=1.6),
        *_gap_words(panel.weeks, frame),
        *(shape for mark in panel.marks for shape in _mark(mark.kind, frame.x(mark.week), frame.top, frame.week_width)),
    ]


def _grid_line(frame: _Frame, right: float, value: int) -> str:
    y = frame.y(value)
    line = f"M{svg.number(frame.left)} {svg.number(y)}H{svg.number(right)}"
    return svg.element("path", d=line, stroke=palette.GRID, stroke_width=0.6) + svg.text(
        str(value),
        frame.left - 3,
        y + 3.2,
        font_size=_SMALL,
        text_anchor="end",
        fill=palette.INK_SOFT,
    )


def _months(frame: _Frame, first_week: date) -> list[str]:
    """A tick and a name at the first week that starts in every third month."""
    shapes = []
    starts = [first_week + timedelta(weeks=week) for week in range(frame.weeks)]
    base = frame.top + frame.height
    for week, start in enumerate(starts):
        if start.day > 7 or (start.month % 3 != first_week.month % 3 and frame.weeks > 14):
            continue
        x = frame.x(week)
        shapes.append(
            svg.element(
                "path",
                d=f"M{svg.number(x)} {svg.number(base)}v3",
                stroke=palette.INK_SOFT,
                stroke_width=0.6,
            )
        )
        if x + 12 <= frame.left + frame.width:
            shapes.append(
                svg.text(
                    MONTHS[start.month - 1], x, base + 12, font_size=_SMALL, fill=palette.INK_SOFT, text_anchor="middle"
                )
            )
    return shapes


def _runs(values: tuple[int | None, ...], *, missing: bool) -> list[tuple[int, int]]:
    """Spans (first, last) of neighbouring weeks that are all missing, or all present."""
    spans: list[tuple[int, int]] = []
    for week, value in enumerate(values):
        if (value is None) is not missing:
            continue
        if spans and spans[-1][1] == week - 1:
            spans[-1] = (spans[-1][0], week)
        else:
            spans.append((week, week))
    return spans


def _gaps(values: tuple[int | None, ...], frame: _Frame) -> list[str]:
    top, bottom = frame.top, frame.top + frame.height
    shapes = []
    for first, last in _runs(values, missing=True):
        left, right = frame.x(first - 0.5), frame.x(last + 0.5)
        shapes += missing_patch(((left, top), (right, top), (right, bottom), (left, bottom)))
    return shapes


def _gap_words(values: tuple[int | None, ...], frame: _Frame) -> list[str]:
    """The words on every gap wide enough for them; narrower ones are told by the legend."""
    words, shapes = "keine Lieferung", []
    for first, last in _runs(values, missing=True):
        left, right = frame.x(first - 0.5), frame.x(last + 0.5)
        if right - left < svg.text_width(words, _SMALL) + 4:
            continue
        middle, height = (left + right) / 2, frame.top + frame.height / 2
        room = svg.text_width(words, _SMALL) * 0.92
        shapes.append(
            svg.element("rect", x=middle - room / 2, y=height - 11, width=room, height=15, fill=palette.GROUND)
        )
        shapes.append(svg.text(words, middle, height, font_size=_SMALL, text_anchor="middle", fill=palette.INK))
    return shapes


def _mark(kind: str, x: float, base: float, width: float) -> list[str]:
    """School holidays are a band on the plot's upper edge, a holiday a stroke through it, an event a wedge above."""
    if kind == SCHOOL_HOLIDAYS:
        return [svg.element("rect", x=x - width / 2, y=base - 5, width=width, height=3.5, fill=palette.SPECIAL_BAND)]
    if kind == HOLIDAY:
        line = f"M{svg.number(x)} {svg.number(base - 6.5)}v6.5"
        return [svg.element("path", d=line, stroke=palette.INK, stroke_width=1.4)]
    wedge = ((x - 3.2, base - 12.5), (x + 3.2, base - 12.5), (x, base - 7))
    return [svg.element("path", d=svg.path([wedge]), fill=palette.INK)]


def _mark_legend(marked: set[str], top: float) -> list[str]:
    shapes, x = [], 0.0
    for kind in (kind for kind in (HOLIDAY, SCHOOL_HOLIDAYS, EVENT) if kind in marked):
        words = f"Woche mit {LABELS[kind]}"
        shapes += _mark(kind, x + 8, top + (10 if kind == EVENT else 4) + 3, 16)
        shapes.append(svg.text(words, x + 21, top + 6.5, font_size=_SMALL, fill=palette.INK))
        x += 21 + svg.text_width(words, _SMALL) + 12
    return shapes


def missing_patch(ring: tuple) -> list[str]:
    """White with diagonal grey: no delivery."""
    strokes = hatch(ring, 3.6)
    return [
        svg.element("path", d=svg.path([ring]), fill=palette.GROUND),
        svg.element(
            "path",
            d=svg.path(strokes, closed=False),
            stroke=palette.MISSING_HATCH,
            stroke_width=0.8,
        ),
    ]


def _line(values: tuple[int | None, ...], frame: _Frame, **pen: str | float) -> list[str]:
    shapes = []
    for first, last in _runs(values, missing=False):
        points = [(frame.x(week), frame.y(values[week])) for week in range(first, last + 1)]
        if len(points) == 1:
            shapes.append(
                svg.element(
                    "circle",
                    cx=points[0][0],
                    cy=points[0][1],
                    r=1.4,
                    fill=pen["stroke"],
                )
            )
        else:
            shapes.append(
                svg.element(
                    "path",
                    d=svg.path([points], closed=False),
                    fill="none",
                    stroke_linejoin="round",
                    **pen,
                )
            )
    return shapes


def _legend(kind: str, width: float, current: str, previous: str, unit: str) -> list[str]:
    shapes, x = [], 0.0
    for words, pen in (
        (current, {"stroke": palette.LINES[kind], "stroke_width": 1.6}),
        (
            previous,
            {"stroke": palette.PREVIOUS, "stroke_width": 0.9},
        ),
    ):
        shapes.append(svg.element("path", d=f"M{svg.number(x)} 8h20", **pen))
        shapes.append(svg.text(words, x + 25, 11.5, font_size=_SMALL, fill=palette.INK))
        x += 25 + svg.text_width(words, _SMALL) + 12
    shapes += missing_patch(((x, 2.0), (x + 18, 2.0), (x + 18, 14.0), (x, 14.0)))
    shapes.append(svg.text("keine Lieferung", x + 23, 11.5, font_size=_SMALL, fill=palette.INK))
    shapes.append(
        svg.text(
            unit,
            width,
            11.5,
            font_size=_SMALL,
            text_anchor="end",
            fill=palette.INK_SOFT,
        )
    )
    return shapes
