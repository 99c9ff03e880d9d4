"""When things were: one row each, a bar from the first day to the last, on a common scale of months."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

from lagebild.figures import palette, svg
from lagebild.figures.charts import MONTHS
from lagebild.figures.geometry import hatch

_WIDTH = 680
_ROW = 26
_BAR = 12
_TOP = 6
_AXIS = 34
_SMALL = 11
_NAME = 12
_LABELS = 190
# Half a month's mark needs so much room.
_MONTH_ROOM = 24
_SHORTEST = 3


@dataclass(frozen=True)
class Bar:
    """`label` names the row; `words` say the days beside the bar."""

    label: str
    first: date
    last: date
    words: str


@dataclass(frozen=True)
class _Scale:
    first: date
    days: int

    def x(self, day: date) -> float:
        """Where the day begins."""
        return _LABELS + (day - self.first).days / self.days * (_WIDTH - _LABELS - 8)


def draw_timeline(*, kind: str, title: str, description: str, bars: tuple[Bar, ...], first: date, last: date) -> str:
    """An SVG drawing of the bars over the days first to last. ValueError for a bar beyond them."""
    if kind not in palette.LINES:
        raise ValueError(f"unknown kind of record: {kind!r}")
    if any(bar.first < first or bar.last > last for bar in bars):
        raise ValueError(f"there is a bar beyond {first} to {last}")
    scale = _Scale(first, (last - first).days + 1)
    base = _TOP + _ROW * len(bars)
    shapes = [
        *_axis(scale, last, base),
        *(shape for row, bar in enumerate(bars) for shape in _row(kind, bar, row, scale)),
    ]
    return svg.document(_WIDTH, base + _AXIS, *shapes, title=title, description=description)


def _axis(scale: _Scale, last: date, base: float) -> Iterator[str]:
    """A line at the first of every month, its name below where there is room, the year below the first and January."""
    starts = [scale.first, *_month_starts(scale.first, last)]
    free, is_first = 0.0, True
    for number, day in enumerate(starts):
        x = scale.x(day)
        line = f"M{svg.number(x)} {svg.number(_TOP)}V{svg.number(base + 4)}"
        yield svg.element("path", d=line, stroke=palette.GRID, stroke_width=0.6)
        if x < free or x + _MONTH_ROOM > _WIDTH:
            continue
        # The first mark gives way to a month that begins soon after it.
        if number == 0 and day.day != 1 and len(starts) > 1 and scale.x(starts[1]) < x + _MONTH_ROOM:
            continue
        free = x + _MONTH_ROOM
        yield svg.text(MONTHS[day.month - 1], x + 2, base + 15, font_size=_SMALL, fill=palette.INK_SOFT)
        if is_first or day.month == 1:
            yield svg.text(str(day.year), x + 2, base + 28, font_size=_SMALL, fill=palette.INK_SOFT)
        is_first = False


def _month_starts(first: date, last: date) -> Iterator[date]:
    year, month = first.year, first.month
    while True:
        year, month = (year, month + 1) if month < 12 else (year + 1, 1)
        if date(year, month, 1) > last:
            return
        yield date(year, month, 1)


def _row(kind: str, bar: Bar, row: int, scale: _Scale) -> Iterator[str]:
    top = _TOP + row * _ROW + (_ROW - _BAR) / 2
    left = scale.x(bar.first)
    width = max(scale.x(bar.last) - left + (_WIDTH - _LABELS - 8) / scale.days, _SHORTEST)
    left = min(left, _WIDTH - 8 - width)
    yield svg.text(svg.shortened(bar.label, _NAME, _LABELS - 12), 0, top + _BAR - 2, font_size=_NAME, fill=palette.INK)
    yield from _surface(kind, left, top, width)
    room = svg.text_width(bar.words, _SMALL)
    fits = left + width + 7 + room <= _WIDTH
    x, anchor = (left + width + 5, "start") if fits else (left - 5, "end")
    yield svg.element(
        "rect", x=x - (0 if fits else room) - 1, y=top - 1, width=room + 2, height=_BAR + 2, fill=palette.GROUND
    )
    yield svg.text(bar.words, x, top + _BAR - 2, font_size=_SMALL, text_anchor=anchor, fill=palette.INK)


def _surface(kind: str, left: float, top: float, width: float) -> Iterator[str]:
    """Solid for incidents, hatched for complaints, as on the map."""
    line = palette.LINES[kind]
    fill = palette.RAMPS[kind][3] if kind == palette.INCIDENT else palette.RAMPS[kind][0]
    yield svg.element("rect", x=left, y=top, width=width, height=_BAR, fill=fill, stroke=line, stroke_width=0.8)
    if kind == palette.COMPLAINT:
        ring = ((left, top), (left + width, top), (left + width, top + _BAR), (left, top + _BAR))
        strokes = svg.path(hatch(ring, 3.6), closed=False)
        yield svg.element("path", d=strokes, stroke=line, stroke_width=0.8)
