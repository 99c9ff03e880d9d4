"""The drawings of method.md, by the portal's own figures.

From the project's folder: PYTHONPATH=. .venv/bin/python docs/pictures/draw.py
"""  # noqa: INP001 – a script beside what it draws

import math
from collections.abc import Iterable
from itertools import pairwise
from pathlib import Path

from lagebild.figures import palette, svg
from lagebild.figures.geometry import Point, Ring, outline

FOLDER = Path(__file__).parent
WIDTH = 680
RED, PALE, LINE = palette.INCIDENT_RAMP[3], palette.INCIDENT_RAMP[0], palette.INCIDENT_LINE
Cell = tuple[int, int]


def disk(centre: Cell, radius: int) -> list[Cell]:
    """Axial coordinates of all cells within `radius` steps."""
    q0, r0 = centre
    steps = range(-radius, radius + 1)
    return [(q0 + q, r0 + r) for r in steps for q in steps if abs(q + r) <= radius]


def place(cell: Cell, middle: Point, size: float) -> Point:
    q, r = cell
    return middle[0] + size * math.sqrt(3) * (q + r / 2), middle[1] + size * 1.5 * r


def ring(cell: Cell, middle: Point, size: float) -> Ring:
    x, y = place(cell, middle, size)
    corners = (math.radians(60 * corner - 30) for corner in range(6))
    return tuple((x + size * math.cos(angle), y + size * math.sin(angle)) for angle in corners)


def cells(wanted: Iterable[Cell], middle: Point, size: float, *, fill: str = palette.AREA) -> str:
    rings = [ring(cell, middle, size) for cell in wanted]
    return svg.element("path", d=svg.path(rings), fill=fill, stroke=palette.GRID, stroke_width=1)


def border(wanted: Iterable[Cell], middle: Point, size: float, **look: str | float) -> str:
    edges = outline([ring(cell, middle, size) for cell in wanted])
    look = {"stroke": LINE, "stroke_width": 2.2, "stroke_linecap": "round", "fill": "none"} | look
    return svg.element("path", d=svg.path(edges, closed=False), **look)


def words(content: str, x: float, y: float, **look: str | float) -> str:
    return svg.text(content, x, y, **{"font_size": 12.5, "fill": palette.INK} | look)


def heading(content: str, x: float, y: float = 18) -> str:
    return words(content, x, y, font_size=14, font_weight=600)


def arrow(start: Point, end: Point) -> str:
    angle = math.atan2(end[1] - start[1], end[0] - start[0])
    wings = [(end[0] - 8 * math.cos(angle + turn), end[1] - 8 * math.sin(angle + turn)) for turn in (0.45, -0.45)]
    lines = [(start, end), (wings[0], end, wings[1])]
    return svg.element("path", d=svg.path(lines, closed=False), stroke=palette.INK, stroke_width=1.6, fill="none")


# ---- how the search works


def search() -> str:
    middle, size = (160, 144), 16
    steps = [(disk((0, 0), 2), PALE), (disk((0, 0), 1), palette.INCIDENT_RAMP[1]), ([(0, 0)], RED)]
    parts = [heading("Wo? Kreise aus Waben", 8), cells(disk((0, 0), 4), middle, size)]
    parts += [cells(wanted, middle, size, fill=fill) for wanted, fill in steps]
    parts += [border(wanted, middle, size) for wanted, _ in steps]
    parts.append(border(disk((2, -1), 2), middle, size, stroke=palette.INK, stroke_width=1.6, stroke_dasharray="4 3.5"))
    parts.append(arrow(place((0, 0), middle, size), place((2, -1), middle, size)))
    parts += [
        words("Um jede Wabe: sie allein, mit ihren Nachbarn,", 8, 286),
        words("mit zwei Ringen … bis acht Ringen.", 8, 303),
        words("Dann dasselbe um die nächste Wabe.", 8, 320),
        *_windows(left=372, right=664),
    ]
    return svg.document(
        WIDTH,
        330,
        *parts,
        title="Wie nach Signalen gesucht wird",
        description="Links wachsen Kreise aus Waben um eine Wabe, dann um die nächste. Rechts enden Zeitfenster von 1 "
        "bis 28 Tagen alle am Tag des Lagebilds. Jeder Kreis wird mit jedem Zeitfenster geprüft.",
    )


def _windows(*, left: float, right: float) -> list[str]:
    first, day = left + 62, (right - left - 62) / 28
    parts = [heading("Wann? Zeitfenster bis heute", left)]
    for row, days in enumerate((1, 2, 3, 7, 14, 28)):
        y = 40 + 33 * row
        label = "1 Tag" if days == 1 else f"{days} Tage"
        parts.append(words(label, left + 52, y + 15, text_anchor="end"))
        parts.append(svg.element("rect", x=first, y=y, width=right - first, height=20, fill=palette.AREA))
        parts.append(svg.element("rect", x=right - days * day, y=y, width=days * day, height=20, fill=RED))
    parts.append(svg.element("path", d=svg.path([((right, 34), (right, 240))]), stroke=palette.INK, stroke_width=1.6))
    return [
        *parts,
        words("vor 28 Tagen", first, 256, fill=palette.INK_SOFT),
        words("heute", right, 256, text_anchor="end", fill=palette.INK_SOFT),
        words("Jeder Kreis mit jedem Zeitfenster:", left, 286),
        words("Sind es mehr Meldungen,", left, 303),
        words("als hier in diesen Tagen zu erwarten?", left, 320),
    ]


# ---- how "only together" arises

# Where the reports of each agency lie: cell and a shift within it, in cell sizes.
REPORTS = {
    "Polizei": [((0, 0), (-0.35, 0.1)), ((1, 0), (0, -0.3)), ((0, 1), (0.3, 0.1)), ((-1, 0), (0.1, 0.3))],
    "Ordnungsamt": [((0, 0), (0.35, -0.25)), ((0, -1), (0, 0.2)), ((1, -1), (-0.2, 0)), ((-1, 1), (0.2, -0.1))],
    "Bundespolizei": [((0, 0), (0.1, 0.45)), ((1, 0), (0.25, 0.35)), ((0, 1), (-0.4, -0.3))],
}


def together() -> str:
    size, y, xs = 15, 92, (80, 236, 392)
    parts = []
    for x, (agency, reports) in zip(xs, REPORTS.items(), strict=True):
        parts += [heading(agency, x - svg.text_width(agency, 14) / 2), cells(disk((0, 0), 2), (x, y), size)]
        parts += [_report(agency, x, y, size, *report) for report in reports]
        parts += _verdict(x, f"{len(reports)} Meldungen", "allein zu wenig")
    for start, end in pairwise(xs):
        parts.append(words("+", (start + end) / 2, y + 7, font_size=22, text_anchor="middle"))
    x = 584
    parts += [
        words("=", (xs[-1] + x) / 2 - 3, y + 7, font_size=22, text_anchor="middle"),
        heading("Alle zusammen", x - svg.text_width("Alle zusammen", 14) / 2),
        cells(disk((0, 0), 2), (x, y), size),
        cells(disk((0, 0), 1), (x, y), size, fill=PALE),
        border(disk((0, 0), 1), (x, y), size, stroke_width=3),
        *(_report(agency, x, y, size, *report) for agency, reports in REPORTS.items() for report in reports),
        *_verdict(x, "11 Meldungen statt etwa 1", "ein Signal: nur gemeinsam"),
    ]
    return svg.document(
        WIDTH,
        196,
        *parts,
        title="Wie „nur gemeinsam erkennbar“ entsteht",
        description="Vier Meldungen der Polizei, vier des Ordnungsamts und drei der Bundespolizei um denselben Ort "
        "sind jede für sich zu wenig für ein Signal. Zusammen sind es elf Meldungen statt etwa einer: ein Signal.",
    )


def _report(agency: str, x: float, y: float, size: float, cell: Cell, shift: Point) -> str:
    """One sign per agency, so that it is told apart in grey print."""
    at_x, at_y = place(cell, (x, y), size)
    at_x, at_y = at_x + shift[0] * size, at_y + shift[1] * size
    look = {"fill": LINE, "stroke": palette.GROUND, "stroke_width": 0.8}
    if agency == "Polizei":
        return svg.element("circle", cx=at_x, cy=at_y, r=4.4, **look)
    if agency == "Ordnungsamt":
        return svg.element("rect", x=at_x - 4, y=at_y - 4, width=8, height=8, **look)
    corners = ((at_x, at_y - 5), (at_x + 5, at_y + 4), (at_x - 5, at_y + 4))
    return svg.element("path", d=svg.path([corners]), **look)


def _verdict(x: float, count: str, said: str) -> list[str]:
    return [
        words(count, x, 168, text_anchor="middle"),
        words(said, x, 187, text_anchor="middle", font_weight=600),
    ]


# ---- how an episode goes on

NIGHTS = 30
SIGNAL_NIGHTS = (2, 3, 4, 5, 10, 11, 28)


def episode() -> str:
    left, step, y = 8, 22, 62
    parts = [heading("Wann ist es dieselbe Erkenntnis?", left)]
    for night in range(NIGHTS):
        fill = RED if night in SIGNAL_NIGHTS else palette.GROUND
        look = {"width": step - 5, "height": step - 5, "fill": fill, "stroke": palette.BOUNDARY}
        parts.append(svg.element("rect", x=left + night * step, y=y, stroke_width=1, **look))
    spans = ((2, 11, "eine Erkenntnis"), (28, 28, "eine neue"))
    parts += [part for first, last, label in spans for part in _span(left, step, y - 8, first, last, label)]
    parts += [
        words("Pause bis 14 Nächte", left + 8 * step - 4, y + 36, text_anchor="middle"),
        words("Pause länger als 14 Nächte", left + 20 * step, y + 36, text_anchor="middle"),
        *_near(middle=(106, 222), size=12),
        *_growth(left=268, foot=306),
    ]
    return svg.document(
        WIDTH,
        372,
        *parts,
        title="Wie eine Erkenntnis weitergeht",
        description="Oben dreißig Nächte: Signale mit Pausen bis vierzehn Nächte setzen dieselbe Erkenntnis fort, "
        "danach beginnt eine neue. Links unten: höchstens drei Waben entfernt gilt als derselbe Ort. Rechts unten: "
        "Eine bei acht Meldungen verworfene Erkenntnis wird erst bei zwölf wieder vorgeschlagen.",
    )


def _span(left: float, step: float, y: float, first: int, last: int, label: str) -> list[str]:
    start, end = left + first * step, left + last * step + step - 5
    line = svg.path([((start, y + 4), (start, y), (end, y), (end, y + 4))], closed=False)
    middle = min((start + end) / 2, WIDTH - svg.text_width(label, 12.5) / 2 - 4)
    return [
        svg.element("path", d=line, stroke=LINE, stroke_width=2, fill="none"),
        words(label, middle, y - 6, text_anchor="middle", font_weight=600),
    ]


def _near(*, middle: Point, size: float) -> list[str]:
    sign = {"r": 5, "fill": LINE, "stroke": palette.GROUND, "stroke_width": 1}
    spots = [place(cell, middle, size) for cell in ((0, 0), (2, 1))]
    return [
        heading("Derselbe Ort", 8, 136),
        cells(disk((0, 0), 3), middle, size, fill=PALE),
        border(disk((0, 0), 3), middle, size),
        *(svg.element("circle", cx=x, cy=y, **sign) for x, y in spots),
        words("höchstens drei Waben entfernt", 8, 324),
    ]


def _growth(*, left: float, foot: float) -> list[str]:
    parts, middles = [heading("Verworfen bleibt still", left, 136)], []
    for number, count in enumerate((8, 9, 9, 10, 11, 12)):
        x, height = left + 62 * number, 11 * count
        fill = RED if count >= 12 else palette.INCIDENT_RAMP[1] if number == 0 else palette.GRID
        parts.append(svg.element("rect", x=x, y=foot - height, width=44, height=height, fill=fill))
        parts.append(words(str(count), x + 22, foot - height - 5, text_anchor="middle"))
        middles.append(x + 22)
    return [
        *parts,
        words("verworfen", middles[0], foot + 18, text_anchor="middle"),
        words("still", (middles[1] + middles[4]) / 2, foot + 18, text_anchor="middle"),
        words("vorgeschlagen", middles[5], foot + 18, text_anchor="middle", font_weight=600),
        words("Wieder vorgeschlagen wird erst, was um die Hälfte", left, foot + 42),
        words("und um mindestens drei Meldungen gewachsen ist.", left, foot + 59),
    ]


PICTURES = {"suche.svg": search, "nur-gemeinsam.svg": together, "erkenntnis.svg": episode}


def main() -> None:
    for name, draw in PICTURES.items():
        (FOLDER / name).write_text(draw() + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
