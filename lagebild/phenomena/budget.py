"""How often each form is looked for, and how sure one must be: one false phenomenon a year over everything."""

from __future__ import annotations

import datetime as dt

from lagebild.phenomenon_models import Form

# For all forms and streams together; each form gets the same share of it.
ACCEPTED_FALSE_PHENOMENA_PER_YEAR = 1.0
LOOKS_A_YEAR = {Form.MODUS: 52, Form.SHIFT: 52, Form.NEAR_REPEAT: 4, Form.CHAIN: 4}
# Among few streams the budget alone would be lax.
LARGEST_LEVEL = 0.01
# A chance that has to show in so few of the permutations cannot be told from none.
REACHED_AT_LEVEL = 2
FIRST_LOOK = 199
# What is certain and small helps nobody: so many times what is expected, or one so many-th of it.
LEAST_FACTOR = 1.5
DISMISSED_FROM = 10


def look_level(form: Form, tests: int) -> float:
    """Largest p with which one of `tests` streams (of chains: pairs of streams) may pass at one look.

    A form is looked for L times a year, each time in n streams, and may raise a/4 false phenomena a year, a the
    accepted ones: p <= a / (4 L n). With 20 streams 1 in 4,160 for what is looked for weekly and 1 in 320 for what is
    looked for by the quarter. Windows of weekly looks overlap, so that several false looks are mostly one finding: the
    budget holds for looks and the more for findings.
    """
    if tests < 1:
        return LARGEST_LEVEL
    return min(LARGEST_LEVEL, ACCEPTED_FALSE_PHENOMENA_PER_YEAR / (len(Form) * LOOKS_A_YEAR[form] * tests))


def permutations_for(level: float, cells: int = 1) -> int:
    """Fewest permutations whose smallest p, adjusted for `cells` cells, is half the level or less."""
    return int(REACHED_AT_LEVEL * (cells + 1) / level)


def is_dismissed(p: float) -> bool:
    """Whether FIRST_LOOK permutations say that more are not worth it (Besag & Clifford 1991, Biometrika 78:301).

    Who goes on is judged by fresh permutations alone, whose p keeps its level whatever the first ones said.
    """
    return p * (FIRST_LOOK + 1) >= DISMISSED_FROM + 1


def look_day(form: Form, date: dt.date) -> dt.date:
    """Last day a picture's look knows: the last Sunday, or the end of the last complete quarter, on or before it."""
    if LOOKS_A_YEAR[form] == 52:
        return date - dt.timedelta(days=(date.weekday() + 1) % 7)
    tomorrow = date + dt.timedelta(days=1)
    return dt.date(tomorrow.year, 3 * ((tomorrow.month - 1) // 3) + 1, 1) - dt.timedelta(days=1)
