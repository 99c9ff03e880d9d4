"""Faces of records as a German spreadsheet table (CSV)."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable

import h3.api.basic_int as h3
from django.utils import timezone

from incidents.models import Record
from incidents.sight import is_granted_singly

MOST_ROWS = 20_000
HEADINGS = (
    *("Kennung", "Behörde", "Kategorie", "Gruppe", "Beginn", "Ende", "Status", "Schwere"),
    *("Ortsgenauigkeit", "Stadtbezirk", "H3-Zelle", "Freigabestufe", "Freigegebener Hinweis"),
)
# A spreadsheet takes text with these beginnings for a formula and runs it.
_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n")


def safe_cell(value: object) -> str:
    text = "" if value is None else str(value)
    return f"'{text}" if text.lstrip(" ").startswith(_FORMULA_STARTS) else text


def as_csv(records: Iterable[Record], by) -> str:
    """The table with a byte order mark, as spreadsheet programmes in German offices expect it.

    `records` bring their category with group, agency, district and note.
    """
    out = io.StringIO()
    out.write("\ufeff")
    writer = csv.writer(out, delimiter=";")
    writer.writerow(HEADINGS)
    for record in records:
        writer.writerow([safe_cell(value) for value in _cells(record, by)])
    return out.getvalue()


def _cells(record: Record, by) -> tuple:
    note = cleared_note(record)
    is_granted = record.agency_id != by.agency_id and is_granted_singly(record)
    return (
        record.short_id,
        record.agency.short_name,
        record.category.label,
        record.category.group.label,
        _moment(record.occurred_from),
        _moment(record.occurred_to),
        record.get_status_display(),
        record.get_severity_display(),
        record.get_accuracy_display(),
        record.district.name if record.district else "",
        h3.int_to_str(record.cell) if record.cell is not None else "",
        "Einzelfreigabe" if is_granted else record.get_sharing_level_display(),
        note.text if note else "",
    )


def cleared_note(record: Record):
    """The note the partners may read, None while there is none. `note` must have been selected along."""
    note = getattr(record, "note", None)
    return note if note is not None and note.cleared_at is not None else None


def _moment(moment) -> str:
    return f"{timezone.localtime(moment):%d.%m.%Y %H:%M}" if moment else ""
