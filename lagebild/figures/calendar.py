"""Which weeks of a chart hold a public holiday, school holidays or a major event."""

from dataclasses import dataclass
from datetime import date, timedelta

HOLIDAY, SCHOOL_HOLIDAYS, EVENT = "holiday", "school_holidays", "event"
# In the order they are named in legends and tables.
LABELS = {HOLIDAY: "Feiertag", SCHOOL_HOLIDAYS: "Schulferien", EVENT: "Großveranstaltung"}
PLURALS = {HOLIDAY: "Feiertage", SCHOOL_HOLIDAYS: "Schulferien", EVENT: "Großveranstaltungen"}


@dataclass(frozen=True)
class Span:
    """Days that are special in the districts named, or in the whole city where none is."""

    kind: str
    name: str
    first: date
    last: date
    districts: tuple[str, ...] = ()


@dataclass(frozen=True)
class Mark:
    """A week of the chart, counted from 0, that has at least one day of the kind."""

    week: int
    kind: str


def week_marks(spans: tuple[Span, ...], first_week: date, weeks: int, district: str) -> tuple[Mark, ...]:
    """The marks of one district's chart, each week and kind once. `first_week` is the first day of week 0."""
    found = {
        Mark(week, span.kind)
        for span in spans
        if not span.districts or district in span.districts
        for week in range(weeks)
        if span.first <= first_week + timedelta(days=7 * week + 6) and span.last >= first_week + timedelta(weeks=week)
    }
    return tuple(sorted(found, key=lambda mark: (mark.week, mark.kind)))


def kinds_in_words(spans: tuple[Span, ...]) -> str:
    """A sentence for screen readers; empty where nothing is marked."""
    kinds = {span.kind for span in spans}
    names = " oder ".join(label for kind, label in LABELS.items() if kind in kinds)
    return f"Gekennzeichnet sind Wochen mit {names}." if names else ""
