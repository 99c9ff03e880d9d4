"""What an import refuses and why. Messages are fixed German sentences: they never repeat what a cell holds."""

from __future__ import annotations

import datetime
from collections import Counter
from dataclasses import asdict, dataclass, field

from django.core.exceptions import ValidationError

# Refusals kept with a run; all of them are counted.
STORED_LIMIT = 1_000


class FileError(ValidationError):
    """The file as a whole cannot be taken; the message is for people."""


class CellError(Exception):
    """One objection to one field of a row."""

    def __init__(self, field_name: str, code: str, message: str) -> None:
        super().__init__(message)
        self.objection = Objection(field_name, code, message)


@dataclass(frozen=True)
class Objection:
    field: str
    code: str
    message: str


@dataclass(frozen=True)
class Refusal:
    row: int
    column: str
    code: str
    message: str


@dataclass
class Tally:
    """Counts of one run while it goes through the file."""

    rows: int = 0
    created: int = 0
    updated: int = 0
    unchanged: int = 0
    skipped: int = 0
    refused: int = 0
    refusals: list[Refusal] = field(default_factory=list)
    reasons: Counter[str] = field(default_factory=Counter)
    first_day: datetime.date | None = None
    last_day: datetime.date | None = None
    counted_days: tuple[datetime.date, datetime.date] | None = None
    hashes_rows: bool = False

    def refuse(self, row: int, objections: list[Objection], columns: dict[str, str]) -> None:
        """Count one row out; `columns` names the file's column of each field."""
        self.refused += 1
        for objection in objections:
            self.reasons[objection.message] += 1
            if len(self.refusals) < STORED_LIMIT:
                column = columns.get(objection.field, "")
                self.refusals.append(Refusal(row, column, objection.code, objection.message))

    def saw(self, first: datetime.date, last: datetime.date) -> None:
        """Widen the period that the accepted rows span."""
        self.first_day = min(self.first_day or first, first)
        self.last_day = max(self.last_day or last, last)

    def saw_counted(self, day: datetime.date) -> None:
        """Widen the period between the rows that the picture counts: the weeks everybody may take for delivered."""
        first, last = self.counted_days or (day, day)
        self.counted_days = min(first, day), max(last, day)

    def stored(self) -> dict:
        """The run's columns."""
        return {
            "rows": self.rows,
            "created": self.created,
            "updated": self.updated,
            "unchanged": self.unchanged,
            "skipped": self.skipped,
            "refused": self.refused,
            "refusals": [asdict(refusal) for refusal in sorted(self.refusals, key=lambda refusal: refusal.row)],
            "reasons": dict(self.reasons.most_common()),
            "first_day": self.first_day,
            "last_day": self.last_day,
        }
