"""One sign per kind of finding: colour, shape and letter, the same on map, screen and paper."""

from lagebild.figures import palette, svg
from lagebild.figures.geometry import hatch

LABELS = {
    "brennpunkt": "Brennpunkt",
    "beschwerdehotspot": "Beschwerdehotspot",
    "phaenomen": "Phänomen",
    "gefahr": "Gefahr",
    "angstraum": "Angstraum",
    "massnahme": "Maßnahme",
}

_HEXAGON = (
    (12.0, 1.5),
    (21.1, 6.75),
    (21.1, 17.25),
    (12.0, 22.5),
    (2.9, 17.25),
    (2.9, 6.75),
)


def symbol(kind: str, *, size: float = 24) -> str:
    """The sign of a kind of finding as a small drawing of its own; ValueError for an unknown kind."""
    if kind not in LABELS:
        raise ValueError(f"unknown kind of finding: {kind!r}")
    return svg.element(
        "svg",
        svg.element("title", LABELS[kind]),
        *_DRAWINGS[kind](),
        xmlns="http://www.w3.org/2000/svg",
        viewBox="0 0 24 24",
        width=size,
        height=size,
        role="img",
        aria_label=LABELS[kind],
        font_family=svg.FONT,
    )


def hatched(rings: list, ramp: int) -> list[str]:
    """Complaint cells of one step: its tint, hatched in dark on light steps and in white on dark ones."""
    strokes = [stroke for ring in rings for stroke in hatch(ring, 3.2)]
    ink = palette.COMPLAINT_LINE if ramp <= 3 else palette.GROUND
    return [
        svg.element("path", d=svg.path(rings), fill=palette.COMPLAINT_RAMP[ramp - 1]),
        svg.element("path", d=svg.path(strokes, closed=False), stroke=ink, stroke_width=0.7, fill="none"),
    ]


def _letter(letter: str, colour: str, *, y: float = 16.5) -> str:
    return svg.text(
        letter,
        12,
        y,
        font_size=12.5,
        font_weight=600,
        text_anchor="middle",
        fill=colour,
    )


def _incident() -> list[str]:
    return [
        svg.element("path", d=svg.path([_HEXAGON]), fill=palette.INCIDENT_LINE),
        _letter("V", palette.GROUND),
    ]


def _complaint() -> list[str]:
    return [
        *hatched([_HEXAGON], 1),
        svg.element(
            "path",
            d=svg.path([_HEXAGON]),
            fill="none",
            stroke=palette.COMPLAINT_LINE,
            stroke_width=1.6,
        ),
        svg.element("circle", cx=12, cy=12, r=6.6, fill=palette.GROUND),
        _letter("B", palette.COMPLAINT_LINE),
    ]


def _phenomenon() -> list[str]:
    ring = svg.element(
        "circle",
        cx=12,
        cy=12,
        r=9.6,
        fill=palette.GROUND,
        stroke=palette.PHENOMENON,
        stroke_width=2.6,
    )
    return [ring, _letter("P", palette.PHENOMENON)]


def _danger() -> list[str]:
    triangle = svg.path([((12.0, 1.0), (23.4, 22.0), (0.6, 22.0))])
    return [
        svg.element("path", d=triangle, fill=palette.DANGER_GROUND),
        _letter("G", palette.DANGER, y=19.5),
    ]


def _fear_space() -> list[str]:
    outline = svg.element(
        "rect",
        x=2.5,
        y=2.5,
        width=19,
        height=19,
        rx=4,
        fill=palette.GROUND,
        stroke=palette.FEAR_SPACE,
        stroke_width=2,
        stroke_dasharray="0.2 3.6",
        stroke_linecap="round",
    )
    return [outline, _letter("A", palette.FEAR_SPACE)]


def _measure() -> list[str]:
    outline = svg.element(
        "rect",
        x=2,
        y=2,
        width=20,
        height=20,
        rx=3,
        fill=palette.GROUND,
        stroke=palette.MEASURE,
        stroke_width=2,
    )
    tick = svg.element(
        "path",
        d="M14.2 6.6L16.2 8.8L20 4.4",
        fill="none",
        stroke=palette.MEASURE,
        stroke_width=1.8,
    )
    letter = svg.text(
        "M",
        10.5,
        18.5,
        font_size=11.5,
        font_weight=600,
        text_anchor="middle",
        fill=palette.MEASURE,
    )
    return [outline, tick, letter]


_DRAWINGS = {
    "brennpunkt": _incident,
    "beschwerdehotspot": _complaint,
    "phaenomen": _phenomenon,
    "gefahr": _danger,
    "angstraum": _fear_space,
    "massnahme": _measure,
}
