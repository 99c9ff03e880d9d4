"""Tables to download: the empty template of a delivery, and a run's refusals."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable

from agencies.spreadsheet import safe_cell
from incidents.importing.fields import COUNT_FIELDS, COUNTS, RECORD_FIELDS, TEMPLATE_COLUMNS
from incidents.models import ImportRun


def template_csv(kind: str) -> str:
    fields = COUNT_FIELDS if kind == COUNTS else RECORD_FIELDS[kind]
    return _csv([[TEMPLATE_COLUMNS[field] for field in fields if field not in {"x", "y"}]])


def report_csv(run: ImportRun) -> str:
    """Row, column and reason of every kept refusal; no cell contents."""
    rows = [[refusal["row"], refusal["column"], refusal["message"]] for refusal in run.refusals]
    return _csv([["Zeile", "Spalte", "Grund"], *rows])


def _csv(rows: Iterable[list]) -> str:
    """With byte order mark and semicolons, as spreadsheet programmes in German offices expect it."""
    out = io.StringIO()
    out.write("\ufeff")
    csv.writer(out, delimiter=";").writerows([safe_cell(value) for value in row] for row in rows)
    return out.getvalue()
