"""What every reader makes of a file: column names and rows of texts, whatever the format."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple


class RawRow(NamedTuple):
    """Row number as a spreadsheet counts (the head is row 1) or as features count; an objection instead of cells."""

    number: int
    cells: list[str]
    objection: str = ""


@dataclass(frozen=True)
class Table:
    columns: list[str]
    rows: Iterator[RawRow]
