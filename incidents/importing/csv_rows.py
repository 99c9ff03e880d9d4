"""Rows of a CSV file. One broken line costs one row: reading goes on with the next line."""

from __future__ import annotations

import csv
import re
from collections import deque
from collections.abc import Iterator
from typing import TextIO

from incidents.importing.refusals import FileError
from incidents.importing.table import RawRow, Table

_DELIMITERS = ";,\t"
_QUOTED = re.compile(r'"[^"]*"')
_NAMED_DELIMITER = re.compile(r"sep=(.)\s*", re.I)
LONGEST_LINE = 130_000
# A quoted cell may hold line breaks; beyond this many lines its closing mark is missing.
MOST_JOINED_LINES = 200
WRONG_WIDTH = (
    "Die Zeile hat mehr oder weniger Spalten als die Kopfzeile. Bitte Trennzeichen und Anführungszeichen prüfen."
)
TOO_LONG = "Die Zeile ist länger als 130.000 Zeichen. Bitte den Text kürzen."
OPEN_QUOTE = "Ein Anführungszeichen wird nicht geschlossen. Bitte die Zeile berichtigen."


def csv_table(text: TextIO) -> Table:
    lines = _Lines(text)
    header = next(lines, None) or ""
    number = 1
    if named := _NAMED_DELIMITER.fullmatch(header):
        header, number = next(lines, None) or "", 2
    delimiter = named.group(1) if named else _delimiter(header)
    columns = [cell.strip() for cell in _cells(header, delimiter)]
    return Table(columns, _rows(lines, delimiter, len(columns), number))


def _delimiter(header: str) -> str:
    bare = _QUOTED.sub("", header)
    best = max(_DELIMITERS, key=bare.count)
    if best not in bare:
        raise FileError(
            "In der ersten Zeile steht kein Trennzeichen. Bitte die Datei als CSV mit Semikolon oder Komma und mit "
            "Spaltennamen in der ersten Zeile speichern."
        )
    return best


class _Lines:
    """Physical lines with a way back; None stands for a line that is too long to be read."""

    def __init__(self, text: TextIO) -> None:
        self.text = text
        self.returned: deque[str | None] = deque()

    def __iter__(self) -> _Lines:
        return self

    def __next__(self) -> str | None:
        if self.returned:
            return self.returned.popleft()
        line = self.text.readline(LONGEST_LINE)
        if not line:
            raise StopIteration
        if len(line) < LONGEST_LINE or line.endswith("\n"):
            return line
        while (rest := self.text.readline(LONGEST_LINE)) and not rest.endswith("\n"):
            pass
        return None

    def give_back(self, lines: list[str | None]) -> None:
        self.returned.extendleft(reversed(lines))


def _rows(lines: _Lines, delimiter: str, width: int, number: int) -> Iterator[RawRow]:
    for line in lines:
        number += 1
        if line is None:
            yield RawRow(number, [], TOO_LONG)
            continue
        if line.count('"') % 2:
            yield _joined(line, lines, delimiter, width, number)
            continue
        cells = _cells(line, delimiter)
        if len(cells) != width and line.strip():
            yield RawRow(number, [], WRONG_WIDTH)
        elif any(cells):
            yield RawRow(number, cells)


def _joined(line: str, lines: _Lines, delimiter: str, width: int, number: int) -> RawRow:
    """A row whose quoted cell runs over several lines; if they make no row, only the first line is refused."""
    parts, quotes, size = [line], line.count('"'), len(line)
    while quotes % 2 and len(parts) <= MOST_JOINED_LINES and size < LONGEST_LINE:
        following = next(lines, None)
        if following is None:
            break
        parts.append(following)
        quotes, size = quotes + following.count('"'), size + len(following)
    if quotes % 2 == 0:
        cells = _cells("".join(parts), delimiter)
        if len(cells) == width:
            return RawRow(number, cells)
    lines.give_back(parts[1:])
    return RawRow(number, [], OPEN_QUOTE)


def _cells(text: str, delimiter: str) -> list[str]:
    try:
        return next(csv.reader([text], delimiter=delimiter), [])
    except csv.Error:
        return []
