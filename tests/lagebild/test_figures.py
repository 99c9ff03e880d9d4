import re
import xml.etree.ElementTree as ET
from dataclasses import replace
from datetime import date, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lagebild.figures import palette
from lagebild.figures.calendar import Mark, Span, kinds_in_words, week_marks
from lagebild.figures.charts import Panel, draw_weekly_lines, scale_end
from lagebild.figures.coverage import CoverageRow, describe, draw_coverage
from lagebild.figures.geometry import Box, free_place, hatch, outline, project
from lagebild.figures.maps import MapArea, MapCell, MapMark, draw_map
from lagebild.figures.symbols import LABELS, symbol

SVG = "{http://www.w3.org/2000/svg}"
SQUARE = ((0.0, 0.0), (10.0, 0.0), (10.0, 10.0), (0.0, 10.0))
BBOX = (7.68, 51.57, 8.0, 51.75)
CELL = ((7.80, 51.67), (7.81, 51.67), (7.81, 51.68), (7.80, 51.68))
NEIGHBOUR = ((7.81, 51.67), (7.82, 51.67), (7.82, 51.68), (7.81, 51.68))
WEEK = date(2025, 11, 24)


def small_map(kind="incident", **changes):
    parts = {
        "title": "Karte <Mitte> & mehr",
        "description": "Alles zu sehen",
        "bbox": BBOX,
        "areas": (MapArea("Mitte & Süd", "district", (((7.7, 51.6), (7.9, 51.6), (7.9, 51.7), (7.7, 51.7)),)),),
        "cells": (MapCell(1, CELL, 3), MapCell(5, NEIGHBOUR, 17)),
        "marks": (MapMark("V 1", (CELL, NEIGHBOUR)),),
    }
    return draw_map(kind=kind, **{**parts, **changes})


def chart(**changes):
    parts = {"panels": (Panel("Mitte", (1, None, None, 4), (2, 2, 2, 2)),), "first_week": WEEK, "unit": "je Woche"}
    return draw_weekly_lines(kind="incident", title="Linien", description="d", **{**parts, **changes})


def matrix():
    rows = (CoverageRow("Polizei", ("delivered", "none", "missing", "not_member")),)
    return draw_coverage(title="Lieferungen", description="d", periods=("KW 1", "KW 2", "KW 3", "KW 4"), rows=rows)


def texts(drawing):
    return [element.text for element in ET.fromstring(drawing).iter(f"{SVG}text")]  # noqa: S314


def luminance(colour):
    channels = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one, other):
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize(
    "drawing", [small_map(), small_map("complaint"), chart(), matrix(), *(symbol(kind) for kind in LABELS)]
)
def test_drawing_is_well_formed_named_and_free_of_what_a_strict_csp_forbids(drawing):
    root = ET.fromstring(drawing)  # noqa: S314
    assert root.tag == f"{SVG}svg"
    assert root[0].tag == f"{SVG}title"
    assert root[0].text == root.get("aria-label")
    assert {element.tag for element in root.iter()} <= {
        f"{SVG}{name}" for name in ("svg", "title", "desc", "rect", "path", "circle", "text")
    }
    names = {name for element in root.iter() for name in element.attrib}
    assert not {name for name in names if name in {"style", "href", "id", "class"} or name.startswith("on")}


def test_map_prints_markup_in_names_literally():
    drawing = small_map()
    assert "Karte &lt;Mitte&gt; &amp; mehr" in drawing
    assert "Mitte & Süd" in texts(drawing)
    assert "V 1" in texts(drawing)


def test_complaint_cells_are_hatched_and_incident_cells_are_not():
    dark = f'stroke="{palette.COMPLAINT_LINE}" stroke-width="0.7"'
    assert dark in small_map("complaint")
    assert "0.7" not in re.findall(r'stroke-width="([^"]+)"', small_map("incident"))


def test_legend_gives_the_counts_of_each_step_and_names_a_protected_step():
    cells = (MapCell(2, CELL, 3), MapCell(2, NEIGHBOUR, 6), MapCell(4, CELL, None))
    words = texts(small_map(cells=cells))
    assert "3–6" in words
    assert "Stufe 4" in words
    assert "Vorfälle je Wabe im Zeitraum" in words


def test_map_does_not_depend_on_the_order_of_its_cells():
    cells = (MapCell(1, CELL, 3), MapCell(5, NEIGHBOUR, 17))
    assert small_map(cells=cells) == small_map(cells=cells[::-1])


@pytest.mark.parametrize(
    ("changes", "message"),
    [({"kind": "both"}, "both"), ({"cells": (MapCell(6, CELL),)}, "6"), ({"bbox": (8.0, 51.0, 7.0, 52.0)}, "empty")],
)
def test_map_refuses_what_it_cannot_draw(changes, message):
    with pytest.raises(ValueError, match=message):
        small_map(**changes)


def test_projection_keeps_distances_at_the_scale_of_a_city():
    projection, height = project(BBOX, width=680, max_height=560)
    assert height <= 560
    _, south = projection.point(7.8, 51.60)
    _, north = projection.point(7.8, 51.61)
    west, _ = projection.point(7.80, 51.66)
    east, _ = projection.point(7.81, 51.66)
    assert (south - north) / projection.units_per_metre == pytest.approx(1112, abs=2)
    assert (east - west) / projection.units_per_metre == pytest.approx(690, abs=2)


def test_hatch_strokes_stay_inside_the_ring_and_keep_their_spacing():
    strokes = hatch(SQUARE, 2.0)
    assert len(strokes) == 8
    for start, end in strokes:
        assert start[0] + start[1] == pytest.approx(end[0] + end[1])
        assert all(-0.01 <= value <= 10.01 for value in (*start, *end))


def test_outline_leaves_out_the_edge_between_two_cells():
    neighbour = tuple((x + 10, y) for x, y in SQUARE)
    edges = outline([SQUARE, neighbour])
    assert len(edges) == 6
    assert not [edge for edge in edges if edge[0][0] == edge[1][0] == 10]


def test_label_finds_a_place_that_covers_nothing():
    frame, taken = Box(0, 0, 200, 200), [Box(90, 80, 160, 120)]
    x, y = free_place((100, 100), (30, 14), taken, frame)
    assert not Box.around(x, y, 30, 14).overlaps(taken[0])
    assert Box.around(x, y, 30, 14).within(frame)


def test_missing_weeks_break_the_line_and_say_so():
    drawing = chart(panels=(Panel("Mitte", (1, None, None, None, 4), (2, 2, 2, 2, 2)),))
    lines = re.findall(r'd="(M[^"]*)" fill="none" stroke-linejoin="round" stroke="#([0-9a-f]+)"', drawing)
    assert [colour for _, colour in lines] == [palette.PREVIOUS[1:]]
    assert drawing.count("<circle") == 2
    assert texts(drawing).count("keine Lieferung") == 2


def test_all_panels_share_one_scale():
    panels = (Panel("klein", (1, 2), (1, 1)), Panel("groß", (90, 40), (10, 10)))
    assert scale_end(panels) == 100
    assert texts(chart(panels=panels)).count("100") == 2


@given(st.lists(st.one_of(st.none(), st.integers(0, 10**6)), min_size=1, max_size=60))
def test_scale_reaches_every_value_and_any_weeks_can_be_drawn(weeks):
    panel = Panel("x", tuple(weeks), ())
    assert scale_end((panel,)) >= max((week or 0 for week in weeks), default=0)
    ET.fromstring(chart(panels=(panel,)))  # noqa: S314


@given(st.text(max_size=40))
def test_any_text_gives_a_well_formed_drawing(name):
    ET.fromstring(chart(panels=(replace(Panel("", (1,), (1,)), title=name),)))  # noqa: S314


def test_coverage_tells_zero_from_missing():
    assert texts(matrix()).count("0") == 2
    row = CoverageRow("Zoll", ("delivered", "delivered", "missing"))
    assert describe((row,)) == "Zoll: Lieferung 2-mal, keine Lieferung 1-mal."


@pytest.mark.parametrize("cells", [("delivered",), ("late", "none")])
def test_coverage_refuses_unknown_statuses_and_missing_columns(cells):
    with pytest.raises(ValueError, match=r"Polizei|late"):
        draw_coverage(title="t", description="d", periods=("1", "2"), rows=(CoverageRow("Polizei", cells),))


def test_unknown_symbol_is_refused():
    with pytest.raises(ValueError, match="verdacht"):
        symbol("verdacht")


@pytest.mark.parametrize("ramp", palette.RAMPS.values(), ids=list(palette.RAMPS))
def test_ramps_darken_in_even_steps_of_lightness(ramp):
    lightness = [116 * luminance(colour) ** (1 / 3) - 16 for colour in ramp]
    steps = [before - after for before, after in pairwise(lightness)]
    assert all(11 <= step <= 17 for step in steps)


@pytest.mark.parametrize(
    "colour",
    [
        palette.INCIDENT_LINE,
        palette.COMPLAINT_LINE,
        palette.PHENOMENON,
        palette.FEAR_SPACE,
        palette.MEASURE,
        palette.PREVIOUS,
        palette.MISSING_HATCH,
        palette.BOUNDARY,
    ],
)
def test_colours_that_carry_meaning_stand_out_from_the_ground(colour):
    assert contrast(colour, palette.GROUND) >= 3


def test_weeks_are_marked_from_their_first_to_their_last_day():
    monday, sunday = date(2025, 12, 1), date(2025, 12, 7)
    spans = (
        Span("holiday", "Sonntag", sunday, sunday),
        Span("event", "Vorher", date(2025, 11, 1), date(2025, 11, 23)),
        Span("event", "Danach", date(2025, 12, 22), date(2025, 12, 23)),
        Span("school_holidays", "Ferien", monday, date(2025, 12, 8)),
        Span("event", "Fest", monday, monday, ("Mitte",)),
        Span("event", "Noch ein Fest", sunday, sunday, ("Mitte",)),
    )
    everywhere = {(1, "holiday"), (1, "school_holidays"), (2, "school_holidays")}
    marked = {name: {(mark.week, mark.kind) for mark in week_marks(spans, WEEK, 4, name)} for name in ("Mitte", "Ost")}
    assert marked == {"Mitte": everywhere | {(1, "event")}, "Ost": everywhere}
    assert len(week_marks(spans, WEEK, 4, "Mitte")) == 4


@given(st.integers(0, 51), st.integers(0, 6), st.integers(0, 400))
def test_a_mark_stands_on_every_week_of_its_days_and_on_no_other(week, weekday, length):
    first = WEEK + timedelta(weeks=week, days=weekday)
    span = Span("event", "Fest", first, first + timedelta(days=length))
    last_week = min((week * 7 + weekday + length) // 7, 51)
    assert [mark.week for mark in week_marks((span,), WEEK, 52, "Mitte")] == [*range(week, last_week + 1)]


def test_a_chart_tells_its_marks_in_the_legend_and_only_those_it_has():
    marks = (Mark(0, "holiday"), Mark(3, "event"))
    drawing = chart(panels=(Panel("Mitte", (1, None, None, 4), (2, 2, 2, 2), marks),))
    words = texts(drawing)
    assert "Woche mit Feiertag" in words
    assert "Woche mit Großveranstaltung" in words
    assert "Woche mit Schulferien" not in words
    assert not [word for word in texts(chart()) if word.startswith("Woche mit")]
    assert kinds_in_words((Span("holiday", "Neujahr", WEEK, WEEK),)) == "Gekennzeichnet sind Wochen mit Feiertag."
    assert kinds_in_words(()) == ""


def test_marks_keep_clear_of_lines_and_titles():
    """The plot keeps its height; the drawing grows by the room the marks need."""
    plain = ET.fromstring(chart())  # noqa: S314
    panel = Panel("Mitte", (1, None, None, 4), (2, 2, 2, 2), (Mark(0, "event"),))
    marked = ET.fromstring(chart(panels=(panel,)))  # noqa: S314
    assert float(marked.get("height")) > float(plain.get("height"))
    wedge = [e.get("d") for e in marked.iter(f"{SVG}path") if e.get("fill") == palette.INK][-1]
    title = next(e for e in marked.iter(f"{SVG}text") if e.text == "Mitte")
    highest = min(float(point.split()[1]) for point in wedge[1:-1].split("L"))
    assert highest >= float(title.get("y")) + 2
