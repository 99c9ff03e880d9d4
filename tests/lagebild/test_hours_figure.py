"""The drawing of the week by the clock."""

from xml.etree import ElementTree

import pytest

from lagebild.figures import palette
from lagebild.figures.hours import DAYS, Scale, draw_hours

SVG = "{http://www.w3.org/2000/svg}"
NOTHING = (0.0,) * 168


def drawn(hours, **fields) -> ElementTree.Element:
    values = {"kind": "incident", "title": "Tageszeiten", "description": "In Worten.", "unit": "Meldungen"} | fields
    return ElementTree.fromstring(draw_hours(hours=hours, **values))  # noqa: S314 – drawn here


def fields_of(drawing) -> list[str]:
    """Fill of the 168 fields, Monday 0 o'clock first; before them the ground, after them the legend."""
    return [box.get("fill") for box in drawing.iter(f"{SVG}rect")][1:169]


def test_every_hour_stands_in_its_place_and_step():
    hours = list(NOTHING)
    hours[4 * 24 + 22], hours[0] = 10.0, 1.0
    fills = fields_of(drawn(tuple(hours)))
    assert fills[4 * 24 + 22] == palette.INCIDENT_RAMP[4]
    assert fills[0] == palette.INCIDENT_RAMP[0]
    assert set(fills) == {palette.GROUND, palette.INCIDENT_RAMP[0], palette.INCIDENT_RAMP[4]}


def test_days_hours_and_steps_are_named():
    words = [text.text for text in drawn((7.3,) * 168).iter(f"{SVG}text")]
    assert words[:8] == [f"{hour} Uhr" for hour in range(0, 24, 3)]
    assert words[8:15] == [day[:2] for day in DAYS]
    assert words[15:] == ["Meldungen", "keine", "bis 1,5", *(f"über {a} bis {b}" for a, b in STEPS)]


STEPS = (("1,5", "3"), ("3", "4,5"), ("4,5", "6"), ("6", "7,5"))


@pytest.mark.parametrize("highest", [0.001, 0.004, 0.4, 1, 1.01, 4.99, 5, 7.5, 40, 41, 999, 12_345.6, 2_000_000])
def test_scale_holds_the_highest_value_and_no_less_than_half_of_it(highest):
    scale = Scale.of((0.0, highest))
    assert scale.ends[-1] >= highest
    assert scale.ends[-1] <= max(2 * highest, 0.005)
    assert scale.step(highest) <= 5
    assert (scale.step(0), scale.step(scale.ends[0]), scale.step(scale.ends[0] * 1.01)) == (0, 1, 2)


def test_complaints_have_their_own_ramp_and_nonsense_is_refused():
    assert palette.COMPLAINT_RAMP[4] in fields_of(drawn((1.0,) * 168, kind="complaint"))
    with pytest.raises(ValueError, match="kind"):
        drawn(NOTHING, kind="measure")
    with pytest.raises(ValueError, match="168"):
        drawn(NOTHING[:24])


def test_an_empty_week_is_drawn_empty():
    assert set(fields_of(drawn(NOTHING))) == {palette.GROUND}
