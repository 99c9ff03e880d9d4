"""What goes by its age alone, with no record to go with: reports of imports, uploads, counts, digests, proofs.

Each entry is the table, the word for it, and the rows of one agency that are over on a day. Tables of the frameworks
and files belong to no agency and are cleared once a night.
"""

from __future__ import annotations

import datetime
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib import import_module

from axes.models import AccessAttempt, AccessFailureLog, AccessLog
from django.conf import settings
from django.core.files.storage import default_storage
from django.db import transaction
from django.db.models import Model, QuerySet
from django.utils import timezone

from agencies.inspection_models import Inspection
from agencies.models import Agency
from incidents.importing.kept import KEPT_FOR
from incidents.models import CountDelivery, DeletedReference, ImportRun, ImportStatus, RetentionRun
from incidents.retention import add_months

IMPORT_REPORTS_MONTHS = 12
# What the picture and its comparisons read lies within three years.
COUNTS_MONTHS = 60
PROOFS_MONTHS = 60
INSPECTIONS_MONTHS = 24
ATTEMPTS_DAYS = 30
UPLOAD_FOLDER = "imports"


def session_model() -> type[Model]:
    return import_module(settings.SESSION_ENGINE).SessionStore.get_model_class()


def _start(day: datetime.date) -> datetime.datetime:
    return timezone.make_aware(datetime.datetime.combine(day, datetime.time.min))


def _import_reports(agency: Agency, today: datetime.date) -> QuerySet:
    return ImportRun.objects.filter(agency=agency, created_at__lt=_start(add_months(today, -IMPORT_REPORTS_MONTHS)))


def _checked_uploads(agency: Agency, today: datetime.date) -> QuerySet:
    waiting = ImportRun.objects.filter(agency=agency, status=ImportStatus.CHECKED)
    return waiting.filter(created_at__lt=_start(today) - KEPT_FOR)


def _counts(agency: Agency, today: datetime.date) -> QuerySet:
    return CountDelivery.objects.filter(agency=agency, period_end__lt=add_months(today, -COUNTS_MONTHS))


def _digests(agency: Agency, today: datetime.date) -> QuerySet:
    return DeletedReference.objects.filter(agency=agency, until__lte=today)


def _proofs(agency: Agency, today: datetime.date) -> QuerySet:
    return RetentionRun.objects.filter(agency=agency, date__lt=add_months(today, -PROOFS_MONTHS)).exclude(
        finished_at=None
    )


def _inspections(agency: Agency, today: datetime.date) -> QuerySet:
    return Inspection.objects.filter(agency=agency, opened_at__lt=_start(add_months(today, -INSPECTIONS_MONTHS)))


@dataclass(frozen=True)
class Expiry:
    label: str
    rule: str
    rows: Callable[[Agency, datetime.date], QuerySet]


EXPIRIES: tuple[Expiry, ...] = (
    Expiry("geprüfte, nicht übernommene Dateien", "1 Tag", _checked_uploads),
    Expiry("Importberichte", f"{IMPORT_REPORTS_MONTHS} Monate", _import_reports),
    Expiry("gelieferte Zahlen", f"{COUNTS_MONTHS} Monate ab Ende des Zeitraums", _counts),
    Expiry("Kennwerte gelöschter Aktenzeichen", "bis zum regulären Löschtag", _digests),
    Expiry("Löschnachweise", f"{PROOFS_MONTHS} Monate", _proofs),
    Expiry("Sondereinsichten", f"{INSPECTIONS_MONTHS} Monate", _inspections),
)
EXPIRING_TABLES = frozenset(
    model._meta.db_table for model in (ImportRun, CountDelivery, DeletedReference, RetentionRun, Inspection)
)
# Cleared without an agency: nothing in them belongs to one.
TECHNICAL_TABLES = frozenset(
    {
        session_model()._meta.db_table,
        *(model._meta.db_table for model in (AccessAttempt, AccessFailureLog, AccessLog)),
    }
)


@transaction.atomic
def clear_expired(expiry: Expiry, *, agency: Agency, today: datetime.date) -> int:
    """Delete the rows with their files; a file goes when the transaction has ended well."""
    rows = expiry.rows(agency, today)
    files = list(rows.exclude(upload="").values_list("upload", flat=True)) if rows.model is ImportRun else []
    transaction.on_commit(lambda: [default_storage.delete(name) for name in files])
    return sum(rows.delete()[1].values())


def clear_technical(*, today: datetime.date, dry_run: bool) -> Iterator[tuple[str, int]]:
    """(what, how many) of ended sessions, old sign-in attempts and uploads nobody asks for any more."""
    before = _start(today - datetime.timedelta(days=ATTEMPTS_DAYS))
    for label, rows in (
        ("beendete Sitzungen", _ended_sessions(today)),
        *((label, model.objects.filter(attempt_time__lt=before)) for model, label in _ATTEMPTS.items()),
    ):
        yield label, rows.count() if dry_run else rows.delete()[0]
    names = _stray_uploads(today)
    for name in [] if dry_run else names:
        default_storage.delete(name)
    yield "liegen gebliebene Dateien", len(names)


_ATTEMPTS = {
    AccessAttempt: "Anmeldeversuche",
    AccessFailureLog: "fehlgeschlagene Anmeldungen",
    AccessLog: "Anmeldungen",
}


def _ended_sessions(today: datetime.date) -> QuerySet:
    return session_model().objects.filter(expire_date__lt=_start(today))


def _stray_uploads(today: datetime.date) -> list[str]:
    """Files of uploads that outlived their day, whether or not a row still knows them: a crash leaves some behind."""
    if not default_storage.exists(UPLOAD_FOLDER):
        return []
    before = _start(today) - KEPT_FOR
    names = (f"{UPLOAD_FOLDER}/{name}" for name in default_storage.listdir(UPLOAD_FOLDER)[1])
    return [name for name in names if default_storage.get_modified_time(name) < before]
