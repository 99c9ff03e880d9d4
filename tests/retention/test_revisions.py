"""The database remembers what changed of a record, for its owner alone, until the record goes."""

import dataclasses
import datetime as dt

import pytest
from django.core.exceptions import PermissionDenied
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import DatabaseError, connection, transaction
from django.urls import reverse
from django.utils import timezone

from agencies.models import AuditEntry
from agencies.visibility import SharingLevel
from incidents import actions
from incidents.importing import kept
from incidents.importing.push import PushedRow, push
from incidents.models import IncidentRevision, Kind
from incidents.revisions import blacken, revisions_of
from incidents.workflow import Status
from lagebild.retention import delete_now
from tests import factories

pytestmark = pytest.mark.django_db


@pytest.fixture
def record(world):
    return factories.make_incident(
        world.police, sharing_level=SharingLevel.COOPERATION, description="Vorher-Text", reference="AZ 1"
    )


def data_of(record, **changed) -> actions.RecordData:
    detail = record.detail
    data = actions.RecordData(
        category=record.category,
        occurred_from=record.occurred_from,
        lon=detail.lon,
        lat=detail.lat,
        accuracy="point",
        description=detail.description,
        reference=detail.reference,
    )
    return dataclasses.replace(data, **changed)


def told(record) -> list[tuple]:
    return [
        (change.label, change.before, change.after) for revision in revisions_of(record) for change in revision.changes
    ]


def test_a_change_keeps_old_and_new_value_and_who_made_it(world, record):
    actions.change(record=record, data=data_of(record, description="Nachher-Text", severity=4), by=world.owner_entry)
    assert sorted(told(record)) == [("Sachverhalt", "Vorher-Text", "Nachher-Text"), ("Schwere", "normal", "schwer")]
    assert {revision.who for revision in revisions_of(record)} == {str(world.owner_entry)}


def test_status_level_category_time_and_place_are_told_in_words(world, record):
    actions.advance(record=record, status=Status.IN_PROGRESS, by=world.owner_entry)
    actions.set_level(record=record, level=SharingLevel.STATISTICS, by=world.owner_release)
    other = factories.make_category("other", label="Anderes", group="incident-group")
    later = record.occurred_from.replace(microsecond=0) + dt.timedelta(hours=-2)
    record.refresh_from_db()
    moved = data_of(record, category=other, occurred_from=later, lon=7.85, lat=51.69, status=record.status)
    actions.change(record=record, data=moved, by=world.owner_entry)
    labels = {label: (before, after) for label, before, after in told(record)}
    assert labels["Status"] == ("Gemeldet", "In Bearbeitung")
    assert labels["Freigabestufe"] == ("Kooperation", "Nur zählen")
    assert labels["Kategorie"] == ("Incident-Kind", "Anderes")
    assert labels["Stadtbezirk"] == ("West", "Ost")
    assert labels["Beginn"][1] == f"{timezone.localtime(later):%d.%m.%Y, %H:%M} Uhr"
    assert labels["Länge"] == ("7.8078", "7.85")
    assert not any("H3" in label for label in labels)


def test_nothing_is_told_where_nothing_differs(world, record):
    record.refresh_from_db()
    actions.change(record=record, data=data_of(record), by=world.owner_entry)
    record.touch()
    assert not IncidentRevision.objects.exists()


def test_imports_and_pushes_are_remembered_too(world, record):
    rows = (
        "kategorie;beginn;aktenzeichen;sachverhalt\n"
        f"Incident-Kind;{timezone.localtime(record.occurred_from):%d.%m.%Y %H:%M:%S};AZ 1;Aus der Datei\n"
    )
    upload = SimpleUploadedFile("neu.csv", rows.encode())
    run = kept.keep_check(upload=upload, kind=Kind.INCIDENT, mapping={}, by=world.owner_release)
    assert run.updated == 1
    kept.take_over(run=run, by=world.owner_release)
    row = PushedRow(data_of(record, description="Vom Partnersystem"), frozenset({"description"}), has_place=False)
    push(kind=Kind.INCIDENT, rows=[row], by=world.owner_entry)
    texts = [(before, after) for label, before, after in told(record) if label == "Sachverhalt"]
    assert set(texts) == {("Vorher-Text", "Aus der Datei"), ("Aus der Datei", "Vom Partnersystem")}


def test_only_the_owner_sees_what_changed(world, record, signed_in):
    actions.change(record=record, data=data_of(record, description="Nachher-Text"), by=world.owner_entry)
    url = reverse("incidents:detail", args=[record.pk])
    seen = {who: signed_in(getattr(world, who)).get(url).content.decode() for who in ("owner_entry", "partner")}
    assert "Vorher-Text" in seen["owner_entry"]
    assert "Vorher-Text" not in seen["partner"]
    assert "Änderungen im Einzelnen" not in seen["partner"]
    assert not IncidentRevision.objects.owned_by(world.partner).exists()
    assert IncidentRevision.objects.owned_by(world.owner_entry).exists()


def _delete_and_end(rows) -> None:
    rows.delete()
    connection.check_constraints()


def test_what_is_remembered_is_neither_altered_nor_removed(world, record):
    actions.change(record=record, data=data_of(record, description="Nachher-Text"), by=world.owner_entry)
    rows = IncidentRevision.objects.filter(record=record)
    for values in (
        {"changes": {"description": ["Gefälscht", "Nachher-Text"]}},
        {"author": world.owner_lead},
        {"redacted_at": timezone.now()},
        {"redacted_at": timezone.now(), "changes": {"description": [None, "Gefälscht"]}},
        {"redacted_at": timezone.now(), "changes": {}},
        {"record": factories.make_incident(world.police)},
    ):
        with pytest.raises(DatabaseError, match="only blackened"), transaction.atomic():
            rows.update(**values)
    with pytest.raises(DatabaseError, match="goes with its record"), transaction.atomic():
        _delete_and_end(rows)
    assert told(record) == [("Sachverhalt", "Vorher-Text", "Nachher-Text")]


def test_blackening_takes_the_values_once_and_for_all(world, record, signed_in):
    actions.change(record=record, data=data_of(record, description="Nachher-Text"), by=world.owner_entry)
    revision = record.revisions.get()
    url = reverse("incidents:blacken", args=[record.pk, revision.pk])
    assert signed_in(world.owner_entry).post(url).status_code == 403
    assert signed_in(world.partner_release).post(url).status_code == 403
    assert signed_in(world.owner_release).post(url, follow=True).status_code == 200
    revision.refresh_from_db()
    assert revision.changes == {"description": [None, None]}
    assert revision.redacted_by == world.owner_release
    assert AuditEntry.objects.filter(action="redacted", object_id=str(record.pk)).count() == 1
    page = signed_in(world.owner_release).get(reverse("incidents:detail", args=[record.pk])).content.decode()
    assert "geschwärzt" in page
    assert "Vorher-Text" not in page
    blacken(record=record, revision=revision, by=world.owner_release)
    assert AuditEntry.objects.filter(action="redacted").count() == 1


def test_a_revision_of_another_record_is_not_blackened(world, record):
    actions.change(record=record, data=data_of(record, description="Nachher-Text"), by=world.owner_entry)
    other = factories.make_incident(world.order)
    with pytest.raises(PermissionDenied):
        blacken(record=other, revision=record.revisions.get(), by=world.partner_release)
    with pytest.raises(PermissionDenied):
        blacken(record=record, revision=record.revisions.get(), by=world.stranger)


def test_revisions_go_with_their_record(world, record):
    actions.change(record=record, data=data_of(record, description="Nachher-Text"), by=world.owner_entry)
    delete_now(record=record, reason="not_needed", by=world.owner_release)
    connection.check_constraints()
    assert not IncidentRevision.objects.exists()
