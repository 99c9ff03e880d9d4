"""An import from the file to the run's report: check without a trace, or take over in one transaction."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping as Dictionary
from dataclasses import dataclass, field
from pathlib import PurePath
from typing import BinaryIO

from django.core.exceptions import PermissionDenied
from django.db import IntegrityError, connection, transaction

from agencies import audit
from agencies.models import Agency
from incidents.actions import MODEL_OF_KIND, note_delivery
from incidents.importing.counts import CountsDelivery
from incidents.importing.fields import COUNTS
from incidents.importing.mapping import HASH_OF_ROW, mapping_for
from incidents.importing.readers import COMMAND_LINE, Limits, open_table
from incidents.importing.records import RecordDelivery
from incidents.importing.refusals import FileError, Tally
from incidents.importing.store import Store
from incidents.importing.weeks import weeks_between
from incidents.listeners import tell_shared_change
from incidents.models import DeliveryBasis, ImportRun, ImportStatus, Kind
from incidents.revisions import set_author

# Keys of the database's advisory locks: one import per agency and kind at a time.
_LOCKS = {Kind.INCIDENT: 410_001, Kind.COMPLAINT: 410_002, COUNTS: 410_003}
_MEANWHILE = (
    "Während des Imports wurden Meldungen mit denselben Aktenzeichen gespeichert. Bitte den Import erneut starten."
)


@dataclass(frozen=True)
class Delivery:
    """A file handed in by or for an agency. `by` is None for the operator's command line."""

    file: BinaryIO
    file_name: str
    agency: Agency
    kind: str
    mapping: Dictionary = field(default_factory=dict)
    by: object | None = None
    limits: Limits = COMMAND_LINE
    is_demonstration: bool = False


class _AllOrNothingError(Exception):
    """Rolls the import back when a row was refused."""

    def __init__(self, tally: Tally) -> None:
        super().__init__()
        self.tally = tally


def check(delivery: Delivery) -> Tally:
    """What an import would do, without writing anything. Raises FileError."""
    _require(delivery)
    return _go_through(delivery, writes=False)


def import_file(delivery: Delivery, *, all_or_nothing: bool = False, run: ImportRun | None = None) -> ImportRun:
    """Take the file over in one transaction and return its report, on the checked `run` or a new one.

    With `all_or_nothing` one refused row leaves everything as it was; the report says so. Raises FileError.
    """
    _require(delivery)
    try:
        with transaction.atomic():
            one_at_a_time(agency=delivery.agency, kind=delivery.kind)
            set_author(delivery.by)
            tally = _go_through(delivery, writes=True)
            if all_or_nothing and tally.refused:
                raise _AllOrNothingError(tally)
            return _finish(delivery, tally, run)
    except _AllOrNothingError as refusal:
        tally = refusal.tally
        tally.created = tally.updated = tally.unchanged = 0
        failed = new_run(delivery, ImportStatus.FAILED, tally)
        failed.save()
        return failed
    except IntegrityError as error:
        raise FileError(_MEANWHILE) from error


def _require(delivery: Delivery) -> None:
    by = delivery.by
    if by is not None and not (by.agency_id == delivery.agency.pk and by.can("import_records")):
        raise PermissionDenied("Ihre Rolle erlaubt das Einlesen von Dateien nicht.")


def one_at_a_time(*, agency: Agency, kind: str) -> None:
    """Wait until no other delivery of this agency and kind is being written; holds to the end of the transaction."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s, %s)", [_LOCKS[kind], agency.pk])


def _go_through(delivery: Delivery, *, writes: bool) -> Tally:
    delivery.file.seek(0)
    table = open_table(delivery.file, delivery.limits)
    mapping = mapping_for(delivery.mapping, table.columns, delivery.kind)
    if delivery.kind == COUNTS:
        counts = CountsDelivery(
            table=table,
            mapping=mapping,
            agency=delivery.agency,
            writes=writes,
            is_demonstration=delivery.is_demonstration,
        )
        tally = counts.run()
        if writes:
            note_delivery(agency=delivery.agency, days=counts.weeks, basis=DeliveryBasis.COUNTS)
        return tally
    store = Store(
        model=MODEL_OF_KIND[delivery.kind],
        agency=delivery.agency,
        writes=writes,
        created_by=delivery.by,
        is_demonstration=delivery.is_demonstration,
        level_on_update=mapping.level_on_update,
    )
    tally = RecordDelivery(table=table, mapping=mapping, agency=delivery.agency, kind=delivery.kind, store=store).run()
    if writes:
        tell_shared_change(store.shared)
    if writes and tally.counted_days:
        weeks = weeks_between(*tally.counted_days)
        note_delivery(agency=delivery.agency, days=weeks, basis=DeliveryBasis.RECORDS)
    return tally


def new_run(delivery: Delivery, status: ImportStatus, tally: Tally) -> ImportRun:
    """The unsaved report of a run."""
    recognition = {"reference": HASH_OF_ROW} if tally.hashes_rows else {}
    delivery.file.seek(0)
    return ImportRun(
        agency=delivery.agency,
        file_name=PurePath(delivery.file_name).name[:200],
        sha256=hashlib.file_digest(delivery.file, "sha256").hexdigest(),
        kind=delivery.kind,
        mapping={**delivery.mapping, **recognition},
        created_by=delivery.by,
        status=status,
        **tally.stored(),
    )


def _finish(delivery: Delivery, tally: Tally, run: ImportRun | None) -> ImportRun:
    finished = new_run(delivery, ImportStatus.DONE, tally)
    if run is not None:
        finished.pk, finished.created_at = run.pk, run.created_at
    finished.save()
    facts = {name: getattr(tally, name) for name in ("created", "updated", "unchanged", "refused", "skipped")}
    audit.record(audit.Act.IMPORTED, by=delivery.by, obj=finished, owner=delivery.agency, kind=delivery.kind, **facts)
    return finished
