"""Tables for German offices: CSV with semicolons and a byte order mark, safe to open in a spreadsheet."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable

from django.http import HttpResponse

MOST_ROWS = 20_000
# A spreadsheet takes text that begins so for a formula and runs it; blanks and invisible characters before it, and
# the wide forms of the signs, are overlooked by some.
_FORMULA = re.compile(r"[\s\x00-\x20\u200b-\u200f\u2060\ufeff]*[=+\-@＝＋－＠]|[\t\r\n\x00]")


def safe_cell(value: object) -> str:
    text = "" if value is None else str(value)
    return f"'{text}" if _FORMULA.match(text) else text


def as_csv(headings: Iterable[str], rows: Iterable[Iterable[object]]) -> str:
    out = io.StringIO()
    out.write("\ufeff")
    writer = csv.writer(out, delimiter=";")
    writer.writerow(headings)
    writer.writerows([safe_cell(value) for value in row] for row in rows)
    return out.getvalue()


def download(text: str, name: str) -> HttpResponse:
    response = HttpResponse(text.encode(), content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    return response
