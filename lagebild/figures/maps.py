"""A map of one kind of records: areas, cells in five steps, hotspots, scale bar, north, legend.

Incidents and complaints are never added up, so there is no map of both: draw two and set them side by side.
"""

from dataclasses import dataclass

from lagebild.figures import palette, svg
from lagebild.figures.geometry import (
    Box,
    Point,
    Projection,
    Ring,
    centre,
    free_place,
    outline,
    project,
)
from lagebild.figures.symbols import hatched

NOUNS = {palette.INCIDENT: "Vorfälle", palette.COMPLAINT: "Beschwerden"}
HOTSPOT_NOUNS = {palette.INCIDENT: "Brennpunkt", palette.COMPLAINT: "Beschwerdehotspot"}
HOTSPOT_PLURALS = {palette.INCIDENT: "Brennpunkte", palette.COMPLAINT: "Beschwerdehotspots"}

_LABEL_SIZE = 12
_SMALL = 11
_LEGEND_ROW = 20
_MARGIN = 2


@dataclass(frozen=True)
class MapArea:
    name: str
    kind: str
    rings: tuple[Ring, ...]


@dataclass(frozen=True)
class MapCell:
    """A hexagon with its step 1 to 5; `count` is None where the number is protected."""

    ramp: int
    boundary: Ring
    count: int | None = None


@dataclass(frozen=True)
class MapMark:
    """A hotspot: the label printed on the map and the cells it covers."""

    label: str
    cells: tuple[Ring, ...]


@dataclass(frozen=True)
class MapScale:
    """Words for steps that stand for something else than the count of a cell; `title` follows the noun."""

    title: str
    labels: tuple[str, ...]


def draw_map(
    *,
    kind: str,
    title: str,
    description: str,
    bbox: tuple[float, float, float, float],
    areas: tuple[MapArea, ...],
    cells: tuple[MapCell, ...],
    marks: tuple[MapMark, ...],
    width: float = 680,
    max_height: float = 560,
    scale: MapScale | None = None,
) -> str:
    """An SVG drawing; rings and bbox are (lon, lat) in WGS84, kind is `incident` or `complaint`.

    Without a scale the legend names the counts of the cells of each step.
    """
    if kind not in palette.RAMPS:
        raise ValueError(f"unknown kind of record: {kind!r}")
    projection, height = project(bbox, width=width - 2 * _MARGIN, max_height=max_height)
    frame = Box(_MARGIN, _MARGIN, width - _MARGIN, height - _MARGIN)
    names, taken = _area_names(areas, cells, projection, frame)
    legend, legend_height = _legend(kind, cells, scale, bool(marks), width, height + 8)
    parts = [
        *_area_shapes(areas, projection),
        *_cell_shapes(kind, cells, projection),
        *names,
        *_mark_shapes(kind, marks, projection, frame, taken),
        *_scale_bar(projection, height),
        *_north(width),
        *legend,
    ]
    return svg.document(width, height + 8 + legend_height, *parts, title=title, description=description)


def _area_shapes(areas: tuple[MapArea, ...], projection: Projection) -> list[str]:
    districts = [area for area in areas if area.kind == "district"]
    others = [area for area in areas if area.kind != "district"]
    return [
        svg.element(
            "path",
            d=svg.path([projection.ring(ring) for ring in area.rings]),
            fill=palette.AREA,
            fill_rule="evenodd",
            stroke=palette.BOUNDARY,
            stroke_width=1,
            stroke_linejoin="round",
        )
        for area in districts
    ] + [
        svg.element(
            "path",
            d=svg.path([projection.ring(ring) for ring in area.rings]),
            fill="none",
            stroke=palette.INK_SOFT,
            stroke_width=1,
            stroke_dasharray="4 2.5",
            stroke_linejoin="round",
        )
        for area in others
    ]


def _area_names(
    areas: tuple[MapArea, ...], cells: tuple[MapCell, ...], projection: Projection, frame: Box
) -> tuple[list[str], list[Box]]:
    """The names, each moved up or down from its area's middle until it covers no cell and no other name."""
    occupied = [_extent([projection.ring(cell.boundary)]) for cell in cells]
    shapes, taken = [], []
    for area in areas:
        size = _LABEL_SIZE if area.kind == "district" else _SMALL
        width = svg.text_width(area.name, size)
        x, middle = centre([projection.ring(ring) for ring in area.rings])
        x = min(max(x, frame.left + width / 2), frame.right - width / 2)
        steps = (middle + sign * step * size / 2 for step in range(9) for sign in (1, -1))
        places = (y for y in steps if not _covers(Box.around(x, y, width, size), [*occupied, *taken], frame))
        y = next(places, middle)
        taken.append(Box.around(x, y, width, size))
        shapes.append(
            svg.text(
                area.name,
                x,
                y + size * 0.35,
                font_size=size,
                text_anchor="middle",
                fill=palette.INK,
                stroke=palette.GROUND,
                stroke_width=3.5,
                stroke_linejoin="round",
                paint_order="stroke",
            )
        )
    return shapes, taken


def _covers(box: Box, others: list[Box], frame: Box) -> bool:
    return not box.within(frame) or any(box.overlaps(other) for other in others)


def _cell_shapes(kind: str, cells: tuple[MapCell, ...], projection: Projection) -> list[str]:
    """One layer per step, the strongest on top."""
    layers: dict[int, list[Ring]] = {}
    for cell in sorted(cells, key=lambda cell: (cell.ramp, cell.boundary)):
        layers.setdefault(cell.ramp, []).append(projection.ring(cell.boundary))
    return [shape for ramp, rings in layers.items() for shape in _layer(kind, rings, ramp)]


def _layer(kind: str, rings: list[Ring], ramp: int) -> list[str]:
    if not 1 <= ramp <= 5:
        raise ValueError(f"ramp {ramp} is not one of 1 to 5")
    fill = (
        [svg.element("path", d=svg.path(rings), fill=palette.INCIDENT_RAMP[ramp - 1])]
        if kind == palette.INCIDENT
        else hatched(rings, ramp)
    )
    edge = svg.element("path", d=svg.path(rings), fill="none", stroke=palette.LINES[kind], stroke_width=0.4)
    return [*fill, edge]


def _mark_shapes(
    kind: str,
    marks: tuple[MapMark, ...],
    projection: Projection,
    frame: Box,
    taken: list[Box],
) -> list[str]:
    placed = [(mark, [projection.ring(ring) for ring in mark.cells]) for mark in marks if mark.cells]
    outlines = [_outline_shape(rings) for _, rings in placed]
    blocked = [*taken, *(_extent(rings) for _, rings in placed)]
    leaders, labels = [], []
    for mark, rings in placed:
        anchor = centre([_hull_box(rings)])
        size = (svg.text_width(mark.label, _LABEL_SIZE) + 6, _LABEL_SIZE + 4)
        place = free_place(anchor, size, blocked, frame)
        blocked.append(Box.around(*place, *size))
        leaders.append(
            svg.element(
                "path",
                d=svg.path([(anchor, place)], closed=False),
                stroke=palette.INK,
                stroke_width=0.8,
            )
        )
        labels += _label(kind, mark.label, place, size)
    return [*outlines, *leaders, *labels]


def _outline_shape(rings: list[Ring]) -> str:
    edges = outline(rings)
    return svg.element(
        "path",
        d=svg.path(edges, closed=False),
        fill="none",
        stroke=palette.INK,
        stroke_width=2,
        stroke_linecap="round",
    )


def _label(kind: str, label: str, place: Point, size: tuple[float, float]) -> list[str]:
    box = svg.element(
        "rect",
        x=place[0] - size[0] / 2,
        y=place[1] - size[1] / 2,
        width=size[0],
        height=size[1],
        rx=2,
        fill=palette.GROUND,
        stroke=palette.LINES[kind],
        stroke_width=1.2,
    )
    words = svg.text(
        label,
        place[0],
        place[1] + _LABEL_SIZE * 0.36,
        font_size=_LABEL_SIZE,
        font_weight=600,
        text_anchor="middle",
        fill=palette.LINES[kind],
    )
    return [box, words]


def _hull_box(rings: list[Ring]) -> Ring:
    box = _extent(rings)
    return (
        (box.left, box.top),
        (box.right, box.top),
        (box.right, box.bottom),
        (box.left, box.bottom),
    )


def _extent(rings: list[Ring]) -> Box:
    xs = [x for ring in rings for x, _ in ring]
    ys = [y for ring in rings for _, y in ring]
    return Box(min(xs), min(ys), max(xs), max(ys))


def _scale_bar(projection: Projection, height: float) -> list[str]:
    metres = max(
        (m for m in (100, 200, 500, 1000, 2000, 5000) if m * projection.units_per_metre <= 130),
        default=100,
    )
    length = metres * projection.units_per_metre
    y = height - 8
    words = f"{metres // 1000}\u202fkm" if metres >= 1000 else f"{metres}\u202fm"
    bar = f"M{svg.number(6)} {svg.number(y - 5)}V{svg.number(y)}H{svg.number(6 + length)}V{svg.number(y - 5)}"
    return [
        svg.element("path", d=bar, fill="none", stroke=palette.INK, stroke_width=1.2),
        svg.text(words, 6 + length + 4, y, font_size=_SMALL, fill=palette.INK),
    ]


def _north(width: float) -> list[str]:
    x = width - 14
    return [
        svg.element(
            "path",
            d=svg.path([((x, 4), (x + 6, 20), (x, 16), (x - 6, 20))]),
            fill=palette.INK,
        ),
        svg.text("N", x, 31, font_size=_SMALL, text_anchor="middle", fill=palette.INK),
    ]


def _legend(
    kind: str, cells: tuple[MapCell, ...], scale: MapScale | None, has_marks: bool, width: float, top: float
) -> tuple[list[str], float]:
    """Swatches with their units, wrapped to the width; returns the shapes and the height they take."""
    entries = _steps(cells, scale)
    heading = f"{NOUNS[kind]} {scale.title if scale else 'je Wabe im Zeitraum'}"
    x, y = 4.0, top + 12
    shapes = [svg.text(heading, x, y, font_size=_SMALL, font_weight=600, fill=palette.INK)]
    if not entries:
        shapes.append(
            svg.text(
                "keine Wabe mit veröffentlichter Zahl",
                x,
                y + _LEGEND_ROW,
                font_size=_SMALL,
            )
        )
    y += _LEGEND_ROW
    for ramp, words in entries:
        room = 22 + svg.text_width(words, _SMALL) + 8
        if x + room > width:
            x, y = 4.0, y + _LEGEND_ROW
        shapes += _layer(kind, [_hexagon(x + 8, y - 3.5, 8)], ramp)
        shapes.append(svg.text(words, x + 20, y, font_size=_SMALL, fill=palette.INK))
        x += room
    if has_marks:
        x, y = 4.0, y + _LEGEND_ROW
        shapes.append(_outline_shape([_hexagon(x + 8, y - 3.5, 7)]))
        letter = "V" if kind == palette.INCIDENT else "B"
        words = f"{HOTSPOT_NOUNS[kind]} mit Kennung {letter} 1, {letter} 2 …"
        shapes.append(svg.text(words, x + 20, y, font_size=_SMALL, fill=palette.INK))
    return shapes, y - top + 8


def _steps(cells: tuple[MapCell, ...], scale: MapScale | None) -> list[tuple[int, str]]:
    """The steps in use with the span of their counts; a step without any open count is named by its number."""
    if scale:
        return [(ramp, scale.labels[ramp - 1]) for ramp in sorted({cell.ramp for cell in cells})]
    steps = []
    for ramp in sorted({cell.ramp for cell in cells}):
        counts = [cell.count for cell in cells if cell.ramp == ramp and cell.count is not None]
        if not counts:
            words = f"Stufe {ramp}"
        elif min(counts) == max(counts):
            words = f"{min(counts)}"
        else:
            words = f"{min(counts)}–{max(counts)}"
        steps.append((ramp, words))
    return steps


def _hexagon(x: float, y: float, radius: float) -> Ring:
    half, high = radius * 0.866, radius / 2
    return (
        (x, y - radius),
        (x + half, y - high),
        (x + half, y + high),
        (x, y + radius),
        (x - half, y + high),
        (x - half, y - high),
    )
