"""The coverage matrix: which agency delivered in which period, so that a gap is never read as a decrease."""

from dataclasses import dataclass

from lagebild.figures import palette, svg
from lagebild.figures.charts import missing_patch

STATUS_LABELS = {
    "delivered": "Lieferung",
    "none": "Fehlanzeige (0 Fälle gemeldet)",
    "missing": "keine Lieferung",
    "not_member": "nicht beteiligt",
}

_ROW = 17
_HEAD = 20
_SMALL = 11
_NAME = 12
_LEGEND = 24


@dataclass(frozen=True)
class CoverageRow:
    name: str
    cells: tuple[str, ...]


def draw_coverage(
    *,
    title: str,
    description: str,
    periods: tuple[str, ...],
    rows: tuple[CoverageRow, ...],
    width: float = 680,
) -> str:
    """An SVG matrix, one row per agency and one column per period; statuses as in STATUS_LABELS."""
    for row in rows:
        if len(row.cells) != len(periods):
            raise ValueError(f"{row.name}: {len(row.cells)} cells for {len(periods)} periods")
    names = min(max((svg.text_width(row.name, _NAME) for row in rows), default=0) + 8, width * 0.3)
    step = min((width - names) / max(len(periods), 1), 40)
    shapes = _head(periods, names, step)
    for index, row in enumerate(rows):
        top = _HEAD + index * _ROW
        shapes.append(
            svg.text(
                svg.shortened(row.name, 11, names - 6),
                0,
                top + _ROW * 0.7,
                font_size=11,
                fill=palette.INK,
            )
        )
        for column, status in enumerate(row.cells):
            shapes += _cell(status, names + column * step, top, step)
    bottom = _HEAD + len(rows) * _ROW
    shapes += _legend(bottom + 8)
    return svg.document(width, bottom + 8 + _LEGEND, *shapes, title=title, description=description)


def describe(rows: tuple[CoverageRow, ...]) -> str:
    """The matrix in words, for those who cannot see it."""
    sentences = []
    for row in rows:
        counted = [(words, row.cells.count(status)) for status, words in STATUS_LABELS.items()]
        listed = ", ".join(f"{words} {times}-mal" for words, times in counted if times)
        sentences.append(f"{row.name}: {listed or 'keine Zeiträume'}.")
    return " ".join(sentences)


def _head(periods: tuple[str, ...], left: float, step: float) -> list[str]:
    widest = max((svg.text_width(label, _SMALL) for label in periods), default=1) + 6
    every = max(1, -(-int(widest) // max(int(step), 1)))
    return [
        svg.text(
            label,
            left + column * step,
            _HEAD - 7,
            font_size=_SMALL,
            fill=palette.INK_SOFT,
        )
        for column, label in enumerate(periods)
        if column % every == 0 and widest - 6 <= (len(periods) - column) * max(step, 1)
    ]


def _cell(status: str, left: float, top: float, step: float) -> list[str]:
    """One field; every status has a shape of its own, not only a tone."""
    if status not in STATUS_LABELS:
        raise ValueError(f"unknown delivery status: {status!r}")
    x, y, width, height = left + 0.8, top + 2, step - 1.6, _ROW - 4
    if status == "delivered":
        return [svg.element("rect", x=x, y=y, width=width, height=height, fill=palette.DELIVERED)]
    if status == "not_member":
        return [
            svg.element(
                "circle",
                cx=x + width / 2,
                cy=y + height / 2,
                r=0.9,
                fill=palette.BOUNDARY,
            )
        ]
    border = {"stroke": palette.MISSING_HATCH, "stroke_width": 0.7}
    box = svg.element("rect", x=x, y=y, width=width, height=height, fill="none", **border)
    if status == "none":
        zero = svg.text(
            "0",
            x + width / 2,
            y + height * 0.76,
            font_size=_SMALL,
            text_anchor="middle",
            fill=palette.INK,
        )
        return [box, zero]
    ring = ((x, y), (x + width, y), (x + width, y + height), (x, y + height))
    return [*missing_patch(ring), box]


def _legend(top: float) -> list[str]:
    shapes, x = [], 0.0
    for status, words in STATUS_LABELS.items():
        shapes += _cell(status, x, top, 14)
        shapes.append(svg.text(words, x + 18, top + _ROW * 0.68, font_size=_SMALL, fill=palette.INK))
        x += 18 + svg.text_width(words, _SMALL) + 12
    return shapes
