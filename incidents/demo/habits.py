"""How each agency shares, and how it numbers its own files."""

from __future__ import annotations

import datetime

import numpy as np

LEVELS = ("cooperation", "statistics", "internal")
# Shares of cooperation, statistics and internal among an agency's ordinary records.
HABITS: dict[str, tuple[float, float, float]] = {
    "polizei": (0.72, 0.18, 0.10),
    "ordnungsamt": (0.90, 0.06, 0.04),
    "bundespolizei": (0.15, 0.75, 0.10),
    "feuerwehr": (0.93, 0.05, 0.02),
    "zoll": (0.0, 0.85, 0.15),
    "schule": (0.20, 0.70, 0.10),
    "amtsgericht": (0.30, 0.60, 0.10),
    "jva": (0.20, 0.70, 0.10),
    "finanzamt": (0.40, 0.50, 0.10),
}
# Agencies that deliver numbers and no records at all.
COUNTS_ONLY = ("jugendamt", "staatsanwaltschaft")
SUSPENDED = "finanzamt"
SUSPENDED_FOR = datetime.timedelta(days=90)
# The agency that missed whole weeks, and which (weeks before the last one).
LATE = "feuerwehr"
MISSED_WEEKS = (7, 8, 9)


def level_shares(agency: str, *, is_sensitive: bool, is_shareable: bool) -> tuple[float, float, float]:
    """Shares of the three levels; sensitive kinds are counted rather than shown, some never leave."""
    if not is_shareable:
        return (0.0, 0.0, 1.0)
    cooperation, statistics, internal = HABITS[agency]
    return (0.0, cooperation + statistics, internal) if is_sensitive else (cooperation, statistics, internal)


def draw_levels(shares: tuple[float, float, float], n: int, rng: np.random.Generator) -> list[str]:
    return [LEVELS[index] for index in rng.choice(3, n, p=shares)]


def usual_level(agency: str, *, is_sensitive: bool, is_shareable: bool) -> str:
    shares = level_shares(agency, is_sensitive=is_sensitive, is_shareable=is_shareable)
    return LEVELS[int(np.argmax(shares))]


def reference(agency: str, kind: str, year: int, number: int) -> str:
    """The agency's own file number in its usual form, unique per agency, kind, year and number."""
    mark = "B" if kind == "complaint" else ""
    forms = {
        "polizei": f"601000-{mark}{number:06d}-{year % 100:02d}/{number % 9}",
        "bundespolizei": f"BPOL-MS-{year}/{mark}{number:06d}",
        "ordnungsamt": f"32.2-{year}-{mark}{number:06d}",
        "feuerwehr": f"37-{mark}{number:06d}/{year}",
        "schule": f"40-{mark}{number:05d}/{year}",
        "zoll": f"FKS-BI {mark}{number}/{year}",
        "amtsgericht": f"HAM-W {mark}{number}/{year}",
        "jva": f"JVA-SiO {mark}{number}/{year}",
        "finanzamt": f"FA-HAM {mark}{number}/{year}",
    }
    return forms[agency]
