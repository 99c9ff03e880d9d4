"""What changed of a record, for its owner: read out of what the database remembers, and blackened where it must be."""

from __future__ import annotations

import datetime
from dataclasses import dataclass

from django.core.exceptions import PermissionDenied
from django.db import connection, models, transaction
from django.db.models import QuerySet
from django.utils import timezone

from agencies import audit
from incidents.models import Area, Category, Record, RecordRevision

MOST_REVISIONS = 50
# Follow from the exact place and say nothing to people.
_DERIVED = frozenset({"cell"})
_PLACE = {"lon": "Länge", "lat": "Breite"}
NOTHING = "–"


@dataclass(frozen=True)
class Change:
    label: str
    before: str
    after: str


@dataclass(frozen=True)
class Revision:
    pk: int
    at: datetime.datetime
    who: str
    changes: tuple[Change, ...]
    is_redacted: bool


def set_author(by) -> None:
    """Name who writes from here to the end of the transaction; a key or the system has no name."""
    author = "" if by is None or by.api_key is not None else str(by.pk)
    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config('portal.author', %s, true)", [author])


def revisions_of(record: Record) -> list[Revision]:
    """Newest first; for the owner's eyes only. One query, up to two more for names."""
    rows = list(record.revisions.select_related("author")[:MOST_REVISIONS])
    words = _Words(record, rows)
    found = []
    for row in rows:
        told = {name: values for name, values in row.changes.items() if name not in _DERIVED}
        changes = tuple(words.change(name, before, after) for name, (before, after) in sorted(told.items()))
        if changes:
            who = str(row.author) if row.author else "Schnittstelle, Import oder System"
            found.append(Revision(row.pk, row.at, who, changes, row.redacted_at is not None))
    return found


class _Words:
    """Columns and values in German."""

    def __init__(self, record: Record, rows: list[RecordRevision]) -> None:
        fields = (*type(record)._meta.concrete_fields, *record.detail_model()._meta.concrete_fields)
        self.fields = {field.column: field for field in reversed(fields)}
        self.names = {
            "category_id": _names(Category.objects.all(), rows, "category_id"),
            "district_id": _names(Area.objects.defer("geometry"), rows, "district_id"),
        }

    def change(self, name: str, before, after) -> Change:
        return Change(_PLACE.get(name) or self.label(name), self.value(name, before), self.value(name, after))

    def label(self, name: str) -> str:
        field = self.fields.get(name)
        return str(field.verbose_name) if field is not None else name

    def value(self, name: str, value) -> str:
        if value in (None, ""):
            return NOTHING
        if name in self.names:
            return self.names[name].get(value, str(value))
        field = self.fields.get(name)
        if isinstance(field, models.DateTimeField):
            return f"{timezone.localtime(datetime.datetime.fromisoformat(value)):%d.%m.%Y, %H:%M} Uhr"
        choices = dict(field.flatchoices) if field is not None else {}
        return str(choices.get(value, value))


def _names(rows: QuerySet, revisions: list[RecordRevision], column: str) -> dict[int, str]:
    keys = {key for revision in revisions for key in revision.changes.get(column, ()) if key is not None}
    return {row.pk: str(row) for row in rows.filter(pk__in=keys)} if keys else {}


@transaction.atomic
def blacken(*, record: Record, revision: RecordRevision, by) -> None:
    """Take the values out of a remembered change: what should never have been written must not live on in it."""
    if record.agency_id != by.agency_id or revision.record_id != record.pk or not by.can("share_records"):
        raise PermissionDenied("Den Verlauf schwärzen Freigabe und Leitung der eigenen Behörde.")
    revision = type(revision).objects.select_for_update().get(pk=revision.pk)
    if revision.redacted_at is not None:
        return
    revision.changes = {name: [None, None] for name in revision.changes}
    revision.redacted_at, revision.redacted_by = timezone.now(), by
    revision.save(update_fields=("changes", "redacted_at", "redacted_by"))
    audit.record(audit.Act.REDACTED, by=by, obj=record, owner=record.agency, number=revision.pk)
