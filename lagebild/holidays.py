"""Public holidays of North Rhine-Westphalia, computed from the rule (Feiertagsgesetz NW, section 2)."""

from __future__ import annotations

import datetime as dt
import functools

# First year from which the list below is the law as it stands: until 1994 the Buß- und Bettag was one of them.
FIRST_YEAR = 1995
_ONE_DAY = dt.timedelta(days=1)
_FIXED = (
    (1, 1, "Neujahr"),
    (5, 1, "Tag der Arbeit"),
    (10, 3, "Tag der Deutschen Einheit"),
    (11, 1, "Allerheiligen"),
    (12, 25, "1. Weihnachtstag"),
    (12, 26, "2. Weihnachtstag"),
)
_FROM_EASTER = (
    (-2, "Karfreitag"),
    (1, "Ostermontag"),
    (39, "Christi Himmelfahrt"),
    (50, "Pfingstmontag"),
    (60, "Fronleichnam"),
)
# A holiday in all of Germany for once, 500 years after the Reformation.
_ONCE = {dt.date(2017, 10, 31): "Reformationstag"}


def easter_sunday(year: int) -> dt.date:
    """Easter Sunday of the Gregorian calendar: Gauss's rule with both corrections of Lichtenberg (1997).

    The moon (`moon`) and the Sunday after it (`sunday`) are counted in days of March.
    """
    if not dt.MINYEAR <= year <= dt.MAXYEAR:
        raise ValueError(f"there is no date in the year {year}")
    century = year // 100
    shift = 15 + (3 * century + 3) // 4 - (8 * century + 13) // 25
    phase = (19 * (year % 19) + shift) % 30
    correction = (phase + (year % 19) // 11) // 29
    moon = 21 + phase - correction
    first_sunday = 7 - (year + year // 4 + 2 - (3 * century + 3) // 4) % 7
    sunday = moon + 7 - (moon - first_sunday) % 7
    return dt.date(year, 3, 1) + (sunday - 1) * _ONE_DAY


@functools.lru_cache(maxsize=64)
def public_holidays(year: int) -> dict[dt.date, str]:
    """The public holidays of a year by date, ascending; ValueError before `FIRST_YEAR`."""
    if year < FIRST_YEAR:
        raise ValueError(f"public holidays are known from {FIRST_YEAR} on, not for {year}")
    easter = easter_sunday(year)
    found = {dt.date(year, month, day): name for month, day, name in _FIXED}
    for days, name in _FROM_EASTER:
        day = easter + days * _ONE_DAY
        found[day] = f"{found[day]} und {name}" if day in found else name
    found |= {day: name for day, name in _ONCE.items() if day.year == year}
    return dict(sorted(found.items()))


def holidays_between(first: dt.date, last: dt.date) -> dict[dt.date, str]:
    """The public holidays from first to last, both included."""
    found = {}
    for year in range(first.year, last.year + 1):
        found |= {day: name for day, name in public_holidays(year).items() if first <= day <= last}
    return found
