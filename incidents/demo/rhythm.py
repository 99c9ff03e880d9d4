"""When things happen: hour of the week, month of the year, slow growth. Estimated shapes, no published source."""

from __future__ import annotations

import datetime
from dataclasses import dataclass

import numpy as np

HOURS = np.arange(24)


def _bump(centre: float, width: float) -> np.ndarray:
    """A bell over the 24 hours around `centre`, wrapping at midnight."""
    distance = np.minimum(np.abs(HOURS - centre), 24 - np.abs(HOURS - centre))
    return np.exp(-0.5 * (distance / width) ** 2)


def _week(day: np.ndarray, weekday_factors: tuple[float, ...]) -> np.ndarray:
    """(7, 24) weights, Monday first."""
    return np.outer(np.array(weekday_factors), day)


def _nightlife(base: float) -> np.ndarray:
    week = _week(base + _bump(21, 3), (0.5, 0.5, 0.6, 0.8, 1.0, 1.2, 0.8))
    week[4, 20:] += 1.5
    week[5, 20:] += 1.8
    week[5, :5] += 1.6
    week[6, :5] += 1.8
    return week


WEEKS = {
    "any": _week(0.35 + _bump(17, 5), (1, 1, 1, 1, 1.05, 1.05, 0.95)),
    "night": _nightlife(0.1),
    "evening": _week(0.1 + _bump(19, 3.5), (0.9, 0.9, 0.9, 1, 1.2, 1.3, 1.1)),
    "day": _week(0.05 + _bump(13, 3.5), (1.05, 1, 1, 1, 1.05, 0.9, 0.6)),
    "shops": _week(0.02 + _bump(16, 3), (1, 1, 1, 1, 1.2, 1.3, 0.03)),
    "office": _week(0.01 + _bump(11, 2.5), (1.1, 1.1, 1.1, 1.1, 0.9, 0.15, 0.08)),
    "commute": _week(0.05 + _bump(7.5, 1.5) + _bump(17, 2), (1.1, 1.1, 1.1, 1.1, 1.2, 0.7, 0.5)),
    "school": _week(0.01 + _bump(10.5, 2), (1.1, 1, 1, 1, 1, 0.02, 0.02)),
    "patrol": _week(0.1 + _bump(15, 3) + _bump(22, 2), (0.7, 0.8, 0.9, 1, 1.3, 1.3, 0.7)),
}
#         Jan   Feb   Mar   Apr   May   Jun   Jul   Aug   Sep   Oct   Nov   Dec
MONTHS = {
    "flat": (1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0),
    "summer": (0.6, 0.65, 0.8, 1.0, 1.25, 1.4, 1.45, 1.4, 1.15, 0.95, 0.7, 0.65),
    "winter": (1.4, 1.3, 1.1, 0.9, 0.75, 0.7, 0.7, 0.75, 0.9, 1.1, 1.35, 1.4),
    "school": (1.1, 1.1, 1.1, 1.0, 1.1, 1.1, 0.4, 0.4, 1.2, 1.0, 1.2, 0.9),
    "turn": (1.5, 0.3, 0.3, 0.4, 0.4, 0.4, 0.4, 0.4, 0.4, 0.5, 0.6, 6.0),
}


@dataclass(frozen=True)
class Rhythm:
    week: str = "any"
    months: str = "flat"
    growth_per_year: float = 0.0

    def day_weights(self, days: list[datetime.date]) -> np.ndarray:
        """(n,) relative weight of each day."""
        by_weekday = WEEKS[self.week].sum(axis=1)
        weekday = by_weekday[[day.weekday() for day in days]]
        month = np.array(MONTHS[self.months])[[day.month - 1 for day in days]]
        years = np.array([(day - days[-1]).days for day in days]) / 365.25
        return weekday * month * (1 + self.growth_per_year) ** years

    def minutes(self, days: list[datetime.date], rng: np.random.Generator) -> np.ndarray:
        """(n,) int, minute of the local day drawn for each day."""
        cumulative = np.cumsum(WEEKS[self.week], axis=1)
        rows = cumulative[[day.weekday() for day in days]]
        hours = (rng.random(len(days))[:, None] * rows[:, -1:] > rows).sum(axis=1)
        return hours * 60 + rng.integers(0, 60, len(days))


DEFAULT = Rhythm()
GROUPS = {
    "violence": Rhythm("night", "summer", 0.03),
    "property": Rhythm("day", "flat", 0.01),
    "damage-graffiti": Rhythm("night", "flat", -0.02),
    "drugs": Rhythm("patrol", "flat", -0.05),
    "weapons": Rhythm("patrol", "flat", 0.04),
    "public-order": Rhythm("night", "summer", 0.04),
    "waste": Rhythm("day", "flat", 0.06),
    "traffic": Rhythm("commute", "flat", 0.0),
    "trade-tax": Rhythm("evening", "flat", 0.0),
    "youth-school": Rhythm("school", "school", 0.02),
    "rail-transit": Rhythm("commute", "flat", 0.0),
    "fire-rescue": Rhythm("any", "flat", 0.02),
    "justice-prison": Rhythm("office", "flat", 0.0),
    "events": Rhythm("evening", "summer", 0.0),
    "cleanliness": Rhythm("day", "summer", 0.08),
    "noise-order": Rhythm("evening", "summer", 0.05),
    "feeling-unsafe": Rhythm("evening", "winter", 0.05),
    "traffic-parking": Rhythm("commute", "flat", 0.05),
    "infrastructure": Rhythm("day", "winter", 0.06),
    "station-transit": Rhythm("commute", "flat", 0.05),
    "authority": Rhythm("office", "flat", 0.0),
}
CATEGORIES = {
    "shoplifting": Rhythm("shops", "flat", 0.03),
    "burglary-dwelling": Rhythm("evening", "winter", 0.02),
    "bicycle-theft": Rhythm("day", "summer", 0.01),
    "domestic-violence": Rhythm("evening", "flat", 0.03),
    "pyrotechnics": Rhythm("night", "turn", 0.0),
    "street-racing": Rhythm("night", "summer", 0.05),
    "speeding": Rhythm("office", "flat", 0.0),
    "injury-crash": Rhythm("commute", "flat", 0.0),
    "unexploded-ordnance": Rhythm("office", "flat", 0.0),
    "dog-control": Rhythm("day", "summer", 0.0),
    "derelict-property": Rhythm("office", "flat", 0.02),
    "school-vandalism": Rhythm("night", "flat", 0.0),
    "football-travel": Rhythm("evening", "school", 0.0),
    "c-lighting": Rhythm("evening", "winter", 0.04),
    "c-green-playground": Rhythm("day", "summer", 0.05),
    "c-school-route": Rhythm("school", "school", 0.0),
}


def rhythm_of(group: str, category: str) -> Rhythm:
    return CATEGORIES.get(category) or GROUPS.get(group, DEFAULT)
