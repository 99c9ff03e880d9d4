"""A delivered file into a table: tells the formats apart and says clearly what it cannot read."""

from __future__ import annotations

import gzip
import io
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import BinaryIO

from django.conf import settings

from incidents.importing.csv_rows import csv_table
from incidents.importing.geojson_rows import geojson_table
from incidents.importing.refusals import FileError
from incidents.importing.table import RawRow, Table

_UTF8_MARK = b"\xef\xbb\xbf"
_GZIP = b"\x1f\x8b"
_AS_CSV = "Bitte in der Tabellenkalkulation „Speichern unter“ und „CSV UTF-8“ wählen."
_FOREIGN: tuple[tuple[bytes, str], ...] = (
    (b"PK\x03\x04", f"Die Datei ist eine Excel-Arbeitsmappe oder ein ZIP-Archiv, keine CSV-Datei. {_AS_CSV}"),
    (b"\xd0\xcf\x11\xe0", f"Die Datei ist eine alte Excel-Arbeitsmappe, keine CSV-Datei. {_AS_CSV}"),
    (b"\xff\xfe", f"Die Datei ist in UTF-16 gespeichert. {_AS_CSV}"),
    (b"\xfe\xff", f"Die Datei ist in UTF-16 gespeichert. {_AS_CSV}"),
    (b"%PDF", "Die Datei ist ein PDF. Bitte eine CSV-Datei oder GeoJSON liefern."),
    (b"<", "Die Datei ist eine Web- oder XML-Seite. Bitte eine CSV-Datei oder GeoJSON liefern."),
    (b"[", "Die Datei ist JSON, aber kein GeoJSON mit einer FeatureCollection. Bitte die Datei neu ausgeben."),
)
_WRONG_ENCODING = f"Die Datei ist nicht in UTF-8 gespeichert, sondern vermutlich in Windows-1252. {_AS_CSV}"
_BINARY = f"Die Datei enthält keinen Text. {_AS_CSV}"
_DAMAGED = "Die gepackte Datei ist beschädigt oder unvollständig. Bitte erneut übertragen."


@dataclass(frozen=True)
class Limits:
    size_bytes: int
    rows: int
    unpacks: bool


COMMAND_LINE = Limits(size_bytes=1024**3, rows=5_000_000, unpacks=True)
# More rows would keep a request waiting for longer than web servers allow.
BROWSER_ROWS = 20_000


def browser_limits() -> Limits:
    return Limits(size_bytes=settings.UPLOAD_MAX_BYTES, rows=BROWSER_ROWS, unpacks=False)


class _Counted(io.RawIOBase):
    """Stops reading when the (unpacked) contents grow past the limit."""

    def __init__(self, file: BinaryIO, limit: int) -> None:
        super().__init__()
        self.file, self.limit, self.total = file, limit, 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: bytearray) -> int:
        data = self.file.read(len(buffer))
        self.total += len(data)
        if self.total > self.limit:
            megabytes = self.limit // 1024**2
            raise FileError(f"Die Datei ist größer als {megabytes} MB. Bitte in mehrere Dateien teilen.")
        buffer[: len(data)] = data
        return len(data)


def open_table(file: BinaryIO, limits: Limits) -> Table:
    """Columns and rows of a CSV or GeoJSON file; raises FileError, while rows are read too."""
    head = file.read(4096)
    file.seek(0)
    if head.startswith(_GZIP):
        if not limits.unpacks:
            raise FileError("Die Datei ist gepackt. Bitte die entpackte Datei hochladen.")
        file = gzip.GzipFile(fileobj=file)
        with _telling():
            head = file.read(4096)
            file.seek(0)
    _refuse_foreign(head)
    stream = io.BufferedReader(_Counted(file, limits.size_bytes), 1024**2)
    text = io.TextIOWrapper(stream, encoding="utf-8-sig")
    is_json = head.removeprefix(_UTF8_MARK).lstrip().startswith(b"{")
    with _telling():
        table = geojson_table(text) if is_json else csv_table(text)
    _refuse_head(table.columns)
    return replace(table, rows=_guarded(table.rows, limits))


def _refuse_foreign(head: bytes) -> None:
    bare = head.removeprefix(_UTF8_MARK).lstrip()
    if not bare:
        raise FileError("Die Datei ist leer. Bitte eine Datei mit Kopfzeile und mindestens einer Zeile wählen.")
    for start, message in _FOREIGN:
        if bare.startswith(start):
            raise FileError(message)
    if b"\x00" in head:
        raise FileError(_BINARY)


def _refuse_head(columns: list[str]) -> None:
    named = [column.casefold() for column in columns if column]
    if len(set(named)) != len(named):
        raise FileError("Eine Spaltenüberschrift kommt mehrfach vor. Bitte die Spalten eindeutig benennen.")


def _guarded(rows: Iterator[RawRow], limits: Limits) -> Iterator[RawRow]:
    with _telling():
        for count, row in enumerate(rows, 1):
            if count > limits.rows:
                most = f"{limits.rows:,}".replace(",", ".")
                raise FileError(
                    f"Die Datei hat mehr als {most} Zeilen. Bitte teilen oder von der Administration einlesen lassen."
                )
            yield row


@contextmanager
def _telling() -> Iterator[None]:
    """Reading errors come up wherever the stream happens to be read; each has one German sentence."""
    try:
        yield
    except UnicodeDecodeError as error:
        raise FileError(_WRONG_ENCODING) from error
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise FileError(_DAMAGED) from error
