"""Uploads in the browser: checked and kept until somebody takes them over or discards them."""

from __future__ import annotations

import datetime

from django.core.exceptions import PermissionDenied, ValidationError
from django.core.files.uploadedfile import UploadedFile
from django.db import transaction
from django.utils import timezone

from agencies.models import Agency, User
from incidents.importing.readers import browser_limits
from incidents.importing.run import Delivery, check, import_file, new_run
from incidents.models import ImportRun, ImportStatus

KEPT_FOR = datetime.timedelta(days=1)
_GONE = "Diese Datei ist schon übernommen oder verworfen. Bitte bei Bedarf neu hochladen."


def keep_check(*, upload: UploadedFile, kind: str, mapping: dict, by: User) -> ImportRun:
    """Check an uploaded file and keep it with its report. Raises FileError."""
    delivery = Delivery(upload, upload.name, by.agency, kind, mapping, by, browser_limits())
    run = new_run(delivery, ImportStatus.CHECKED, check(delivery))
    _discard_stale(by.agency)
    run.upload.save(f"{run.sha256[:16]}.upload", upload, save=False)
    run.save()
    return run


@transaction.atomic
def take_over(*, run: ImportRun, by: User) -> ImportRun:
    """Import the kept upload and delete it; a second call finds it gone."""
    run = _locked(run, by)
    storage, name = run.upload.storage, run.upload.name
    try:
        with run.upload.open("rb") as file:
            delivery = Delivery(file, run.file_name, run.agency, run.kind, run.mapping, by, browser_limits())
            finished = import_file(delivery, run=run)
    except FileNotFoundError as error:
        raise ValidationError("Die hochgeladene Datei ist nicht mehr da. Bitte neu hochladen.") from error
    transaction.on_commit(lambda: storage.delete(name))
    return finished


@transaction.atomic
def discard(*, run: ImportRun, by: User) -> None:
    """Delete the kept upload with its report; nothing of it was taken over."""
    _delete(_locked(run, by))


def _locked(run: ImportRun, by: User) -> ImportRun:
    if run.agency_id != by.agency_id or not by.can("import_records"):
        raise PermissionDenied("Ihre Rolle erlaubt das Einlesen von Dateien nicht.")
    waiting = ImportRun.objects.select_for_update(of=("self",)).select_related("agency")
    found = waiting.filter(pk=run.pk, status=ImportStatus.CHECKED).exclude(upload="").first()
    if found is None:
        raise ValidationError(_GONE)
    return found


def _discard_stale(agency: Agency) -> None:
    old = ImportRun.objects.filter(agency=agency, status=ImportStatus.CHECKED, created_at__lt=timezone.now() - KEPT_FOR)
    for run in old:
        _delete(run)


def _delete(run: ImportRun) -> None:
    storage, name = run.upload.storage, run.upload.name
    run.delete()
    if name:
        transaction.on_commit(lambda: storage.delete(name))
