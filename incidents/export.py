"""Faces of records as a German spreadsheet table (CSV)."""

from __future__ import annotations

from collections.abc import Iterable

import h3.api.basic_int as h3
from django.utils import timezone

from agencies import spreadsheet
from incidents.models import Record
from incidents.sight import is_granted_singly

HEADINGS = (
    *("Kennung", "Behörde", "Kategorie", "Gruppe", "Beginn", "Ende", "Status", "Schwere"),
    *("Ortsgenauigkeit", "Stadtbezirk", "H3-Zelle", "Freigabestufe", "Freigegebener Hinweis"),
)


def as_csv(records: Iterable[Record], by) -> str:
    """The table of these records, which bring their category with group, agency, district and note."""
    return spreadsheet.as_csv(HEADINGS, (_cells(record, by) for record in records))


def table_of_now(records: list[Record], by) -> tuple[str, list[Record]]:
    """The finished table with its rows: none of an agency whose membership was no longer active when it was finished.

    Writing takes a while; a suspension meanwhile takes the rows out again.
    """
    while True:
        text = as_csv(records, by)
        standing = _still_given(records, by)
        if len(standing) == len(records):
            return text, records
        records = standing


def _still_given(records: list[Record], by) -> list[Record]:
    giving = by.agency.sharing_now() | {by.agency_id}
    return [record for record in records if record.agency_id in giving]


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
