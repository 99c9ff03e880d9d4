"""What was refused is in the log, also when the request that tried it is rolled back."""

import uuid

import pytest
from django.core.exceptions import PermissionDenied
from django.db import connection, transaction
from django.http import HttpResponse
from django.test import Client
from django.urls import path

from agencies import audit
from agencies.audit import Act
from agencies.keys import create_api_key
from agencies.models import AuditEntry, KeyScope
from agencies.visibility import SharingLevel
from hamm_security import urls
from tests import factories
from tests.conftest import make_world


def probe(request, pk: int) -> HttpResponse:
    audit.record(Act.CHANGED, by=request.user, probe=pk)
    raise PermissionDenied


handler500 = urls.handler500
urlpatterns = [path("probe/<int:pk>/", probe, name="probe"), *urls.urlpatterns]


def refusals() -> list[tuple]:
    found = AuditEntry.objects.filter(action=Act.ACCESS_REFUSED).order_by("pk")
    return [(entry.object_type, entry.object_id, entry.facts) for entry in found]


@pytest.mark.urls(__name__)
@pytest.mark.django_db(transaction=True)
def test_a_rolled_back_request_still_leaves_its_failed_attempt(monkeypatch, real_failures, client):
    monkeypatch.setitem(connection.settings_dict, "ATOMIC_REQUESTS", True)
    world = make_world()
    client.force_login(world.partner, backend="django.contrib.auth.backends.ModelBackend")
    assert client.get("/probe/7/").status_code == 403
    assert not AuditEntry.objects.filter(action=Act.CHANGED).exists()
    facts = {"route": "probe", "method": "GET", "answer": 403}
    assert refusals() == [("", "7", facts)]
    entry = AuditEntry.objects.get(action=Act.ACCESS_REFUSED)
    assert (entry.user, entry.agency) == (world.partner, world.order)


@pytest.mark.django_db(transaction=True)
def test_a_failure_is_written_at_once_and_for_good(real_failures):
    with transaction.atomic():
        audit.record(Act.CHANGED, by=None)
        audit.record_failure(Act.LOGIN_FAILED, by=None, typed="x")
        transaction.set_rollback(True)
    assert [entry.action for entry in AuditEntry.objects.all()] == [Act.LOGIN_FAILED]


@pytest.fixture
def faces(world):
    return {level: factories.make_incident(world.police, sharing_level=level) for level in SharingLevel}


def test_reaching_for_what_others_do_not_share_is_recorded(world, signed_in, faces):
    client = signed_in(world.partner)
    hidden, seen, nobodys = faces["internal"].pk, faces["cooperation"].pk, uuid.uuid4()
    answers = [client.get(f"/vorfaelle/{hidden}/?q=Geheimes"), client.get(f"/vorfaelle/{nobodys}/?q=Geheimes")]
    client.post(f"/vorfaelle/{seen}/stufe/", {"sharing_level": "internal", "reason": "Geheimes"})
    assert [answer.status_code for answer in answers] == [404, 404]
    name = "incidents.incident"
    assert refusals() == [
        (name, str(hidden), {"route": "incidents:detail", "method": "GET", "answer": 404}),
        (name, str(nobodys), {"route": "incidents:detail", "method": "GET", "answer": 404}),
        (name, str(seen), {"route": "incidents:level", "method": "POST", "answer": 403}),
    ]
    assert "Geheimes" not in str(list(AuditEntry.objects.values()))


def test_refused_pages_and_pulls_are_recorded_for_whoever_is_known(world, signed_in, faces):
    signed_in(world.partner).get("/datenschutz/protokoll/?purpose=Geheimes")
    assert refusals() == [("", "", {"route": "privacy_log", "method": "GET", "answer": 403})]
    _, key = create_api_key(agency=world.order, scope=KeyScope.READ, label="Probe", by=None)
    headers = {"Authorization": f"Api-Key {key}"}
    outside = Client()
    assert outside.get(f"/api/v1/incidents/{faces['internal'].pk}/", headers=headers).status_code == 404
    assert outside.post("/api/v1/incidents/", {}, headers=headers, content_type="application/json").status_code == 403
    entries = AuditEntry.objects.filter(action=Act.ACCESS_REFUSED, api_key__isnull=False).order_by("pk")
    assert [(entry.agency, entry.object_type, entry.facts["route"]) for entry in entries] == [
        (world.order, "incidents.incident", "api:incidents-detail"),
        (world.order, "", "api:incidents-list"),
    ]


def test_strangers_unknown_addresses_and_typed_words_leave_no_entry(world, client, signed_in, faces):
    assert client.get(f"/vorfaelle/{faces['internal'].pk}/").status_code == 302
    assert client.get("/gibt-es-nicht/").status_code == 404
    signed_in(world.partner)
    assert client.get("/gibt-es-nicht/").status_code == 404
    assert client.get("/behoerden/max-mustermann/").status_code == 404
    assert client.get("/api/v1/gibt/es/nicht/").status_code == 404
    assert refusals() == []


def test_the_owner_does_not_read_refusals_in_the_history_of_a_record(world, signed_in, faces):
    record = faces["cooperation"]
    signed_in(world.partner).post(f"/vorfaelle/{record.pk}/status/", {"status": "done"})
    assert len(refusals()) == 1
    page = signed_in(world.owner_entry).get(f"/vorfaelle/{record.pk}/").text
    assert "abgewiesen" not in page
