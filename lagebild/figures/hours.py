"""The week by the clock: seven days, 24 hours, one field per hour, the fuller the darker."""

from dataclasses import dataclass
from itertools import pairwise

from lagebild.figures import palette, svg

DAYS = ("Montag", "Dienstag", "Mittwoch", "Donnerstag", "Freitag", "Samstag", "Sonntag")
HOURS = 24
STEPS = 5

_ROW = 22
_HEAD = 20
_LEGEND = 40
_SMALL = 11
_NAME = 12
_NAMES = 28
_SWATCH = 16
_HOURS_NAMED = 3


@dataclass(frozen=True)
class Scale:
    """Upper ends of the five steps, all of equal width; the last is the highest value or just above."""

    ends: tuple[float, ...]

    @classmethod
    def of(cls, hours: tuple[float, ...]) -> "Scale":
        highest = max(hours)
        width = next(
            base * 10.0**power
            for power in range(-3, 7)
            for base in (1, 1.5, 2, 2.5, 3, 4, 5, 6, 8)
            if base * 10.0**power * STEPS >= highest
        )
        return cls(tuple(width * step for step in range(1, STEPS + 1)))

    def step(self, value: float) -> int:
        """0 for nothing, else 1 to 5."""
        return 0 if value <= 0 else 1 + sum(value > end for end in self.ends[:-1])

    def labels(self) -> tuple[str, ...]:
        ends = [_german(end) for end in self.ends]
        return (f"bis {ends[0]}", *(f"über {low} bis {high}" for low, high in pairwise(ends)))


def draw_hours(
    *, kind: str, title: str, description: str, hours: tuple[float, ...], unit: str, width: float = 720
) -> str:
    """An SVG heat table. `hours`: 168 values of at least 0, Monday 0 to 1 first."""
    if kind not in palette.RAMPS:
        raise ValueError(f"unknown kind of record: {kind!r}")
    if len(hours) != len(DAYS) * HOURS:
        raise ValueError(f"a week has {len(DAYS) * HOURS} hours, got {len(hours)}")
    scale, step = Scale.of(hours), (width - _NAMES) / HOURS
    shapes = _head(step)
    for day, name in enumerate(DAYS):
        top = _HEAD + day * _ROW
        shapes.append(svg.text(name[:2], 0, top + _ROW * 0.7, font_size=_NAME, fill=palette.INK))
        for hour in range(HOURS):
            value = hours[day * HOURS + hour]
            shapes.append(_field(kind, scale.step(value), _NAMES + hour * step, top, step))
    bottom = _HEAD + len(DAYS) * _ROW
    shapes += _legend(kind, scale, unit, bottom + 10)
    return svg.document(width, bottom + 10 + _LEGEND, *shapes, title=title, description=description)


def _head(step: float) -> list[str]:
    return [
        svg.text(
            f"{hour} Uhr",
            _NAMES + hour * step,
            _HEAD - 6,
            font_size=_SMALL,
            fill=palette.INK_SOFT,
        )
        for hour in range(0, HOURS, _HOURS_NAMED)
    ]


def _field(kind: str, step: int, left: float, top: float, width: float) -> str:
    box = {"x": left + 0.5, "y": top + 1, "width": width - 1, "height": _ROW - 2}
    if not step:
        return svg.element("rect", **box, fill=palette.GROUND, stroke=palette.GRID, stroke_width=0.5)
    return svg.element("rect", **box, fill=palette.RAMPS[kind][step - 1])


def _legend(kind: str, scale: Scale, unit: str, top: float) -> list[str]:
    shapes = [svg.text(unit, 0, top + 10, font_size=_SMALL, fill=palette.INK_SOFT)]
    x = 0.0
    for step, words in enumerate(("keine", *scale.labels())):
        shapes.append(_field(kind, step, x, top + 15, _SWATCH))
        shapes.append(svg.text(words, x + _SWATCH + 5, top + 29, font_size=_SMALL, fill=palette.INK))
        x += _SWATCH + 5 + svg.text_width(words, _SMALL) + 12
    return shapes


def _german(value: float) -> str:
    return f"{value:.3f}".rstrip("0").rstrip(".").replace(".", ",")
