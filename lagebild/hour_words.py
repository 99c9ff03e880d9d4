"""Hours of the week in words and as a drawing, for page and dossier. Stored values only."""

from __future__ import annotations

from lagebild.figures.hours import DAYS, HOURS, draw_hours
from lagebild.models import TimeProfile
from lagebild.wording import german_number, percent_text

# Fewer than this spread over 168 hours show hours where something happened once.
LEAST_CASES = 30
ADVERBS = ("montags", "dienstags", "mittwochs", "donnerstags", "freitags", "samstags", "sonntags")
UNIT = "Meldungen je Stunde der Woche, zwölf Monate zusammen"


def hours_block(profile: TimeProfile, *, label: str) -> dict:
    """Sentence, and where there are enough cases drawing and table. `label` says whose hours they are."""
    block = {"sentences": [*_sentences(profile), *_untimed(profile)], "svg": "", "rows": []}
    if profile.timed < LEAST_CASES:
        return block
    title = f"Tageszeiten: {label}"
    hours = tuple(profile.hours)
    return block | {
        "title": title,
        "svg": draw_hours(
            kind=profile.group.kind,
            title=title,
            description=" ".join(block["sentences"]),
            hours=hours,
            unit=UNIT,
        ),
        "heads": [str(hour) for hour in range(HOURS)],
        "rows": [
            {"day": day, "values": [_value_text(value) for value in hours[i * HOURS : (i + 1) * HOURS]]}
            for i, day in enumerate(DAYS)
        ],
    }


def _sentences(profile: TimeProfile) -> list[str]:
    if profile.timed < LEAST_CASES:
        number = "keine" if not profile.timed else "nur eine" if profile.timed == 1 else f"nur {profile.timed}"
        return [f"Für eine Aussage zu Tageszeiten sind es zu wenige Meldungen: {number} mit Uhrzeit."]
    if profile.peak_share is None:
        number = german_number(profile.timed)
        return [
            f"Die {number} Meldungen verteilen sich über die Woche, ohne dass Tage und Stunden deutlich herausragen."
        ]
    share_of_week = 100 * profile.peak_days * profile.peak_hours / (len(DAYS) * HOURS)
    share = f"{percent_text(100 * profile.peak_share)} der {german_number(profile.timed)} Meldungen mit Uhrzeit"
    return [f"Am häufigsten {peak_text(profile)}: In {percent_text(share_of_week)} der Woche liegen {share}."]


def peak_text(profile: TimeProfile) -> str:
    """Freitags und samstags zwischen 20 und 2 Uhr; what runs past midnight belongs to its evening."""
    last = (profile.peak_hour + profile.peak_hours) % HOURS or HOURS
    return f"{_days_text(profile.peak_day, profile.peak_days)} zwischen {profile.peak_hour} und {last} Uhr"


def _days_text(first: int, number: int) -> str:
    if number == len(DAYS):
        return "täglich"
    names = [ADVERBS[(first + i) % len(DAYS)] for i in range(number)]
    if number <= 2:
        return " und ".join(names)
    return f"{names[0]} bis {names[-1]}"


def _untimed(profile: TimeProfile) -> list[str]:
    if not profile.untimed:
        return []
    share = 100 * profile.untimed / (profile.timed + profile.untimed)
    what = "haben keine Uhrzeit, sondern nur einen Tag oder einen längeren Zeitraum; sie fehlen hier."
    return [f"{percent_text(share)} aller Meldungen {what}"]


def _value_text(value: float) -> str:
    if not value:
        return "0"
    return "<\N{NO-BREAK SPACE}0,1" if value < 0.05 else german_number(value, 1)
