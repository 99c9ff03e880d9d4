"""Who gets in: right, wrong, expired, revoked, from elsewhere, without."""

import datetime

import pytest
from django.test import override_settings
from django.utils import timezone

from agencies.keys import revoke_api_key
from agencies.models import ApiKey, AuditEntry, KeyScope
from incidents.models import Incident
from tests import factories
from tests.api.conftest import problem_of

ENTRY = {"category": "noise", "occurred_from": "2026-01-05T10:00:00+01:00"}


def test_a_key_reads_its_agencys_records(world, caller_of):
    record = factories.make_incident(world.police)
    assert caller_of(world.police).ids("/incidents/") == [str(record.pk)]


@pytest.mark.parametrize("header", [None, "", "Bearer x", "Basic YTpi"])
def test_no_key_is_told_so(client, world, header):
    headers = {} if header is None else {"Authorization": header}
    response = client.get("/api/v1/incidents/", headers=headers)
    assert problem_of(response, 401)["code"] == "not_authenticated"
    assert response.headers["WWW-Authenticate"] == 'Api-Key realm="api"'


def _refused(caller):
    return problem_of(caller.get("/incidents/"), 401)


def test_every_unusable_key_gets_the_same_answer(world, caller_of):
    expired, revoked, foreign_network, wrong = (caller_of(world.police) for _ in range(4))
    ApiKey.objects.filter(pk=expired.key.pk).update(expires_at=timezone.now())
    revoke_api_key(key=revoked.key, by=world.owner_lead)
    ApiKey.objects.filter(pk=foreign_network.key.pk).update(networks=["10.1.0.0/16"])
    wrong.secret = wrong.secret[:-1] + ("A" if wrong.secret[-1] != "A" else "B")
    answers = [_refused(caller) for caller in (expired, revoked, foreign_network, wrong)]
    assert answers == [answers[0]] * 4
    assert answers[0]["code"] == "authentication_failed"
    logged = AuditEntry.objects.filter(action="key_refused", owner=world.police).values_list("object_id", flat=True)
    assert set(logged) == {str(caller.key.pk) for caller in (expired, revoked, foreign_network, wrong)}


@pytest.mark.parametrize(
    "presented", ["x", ".", "abc.def", "0123456789ab.", "0123456789ab.\x00\x00" + "a" * 30, "ä" * 60, "a" * 100_000]
)
def test_what_cannot_be_a_key_is_refused(world, caller_of, presented):
    caller = caller_of(world.police)
    caller.secret = presented
    assert _refused(caller)["code"] == "authentication_failed"


def test_allowed_network_lets_in_and_an_unknown_address_does_not(world, caller_of):
    caller = caller_of(world.police, networks=["127.0.0.0/8"])
    assert caller.get("/incidents/").status_code == 200
    response = caller.client.get("/api/v1/incidents/", headers=caller.headers({}), REMOTE_ADDR="")
    problem_of(response, 401)


@override_settings(TRUSTED_PROXY_COUNT=1)
def test_network_is_the_one_the_proxy_saw(world, caller_of):
    caller = caller_of(world.police, networks=["10.1.0.0/16"])
    assert caller.get("/incidents/", **{"X-Forwarded-For": "10.1.2.3"}).status_code == 200
    problem_of(caller.get("/incidents/", **{"X-Forwarded-For": "10.1.2.3, 192.0.2.7"}), 401)
    problem_of(caller.get("/incidents/", **{"X-Forwarded-For": "keine Adresse"}), 401)


def test_a_session_opens_nothing(world, signed_in):
    problem_of(signed_in(world.owner_lead).get("/api/v1/incidents/"), 401)


@pytest.mark.parametrize("path", ["/incidents/", "/complaints/", "/incidents/bulk/", "/complaints/bulk/"])
def test_reading_keys_write_nothing(world, caller_of, path):
    factories.make_category()
    response = caller_of(world.police, KeyScope.READ).post(path, ENTRY)
    assert problem_of(response, 403)["code"] == "permission_denied"
    assert not Incident.objects.exists()


def test_too_many_requests_are_held_back(world, caller_of, limited):
    limited(api_key=(2, 60))
    caller = caller_of(world.police)
    statuses = [caller.get("/categories/").status_code for _ in range(3)]
    assert statuses == [200, 200, 429]
    response = caller.get("/categories/")
    assert problem_of(response, 429)["code"] == "throttled"
    assert int(response.headers["Retry-After"]) <= 60

    assert caller_of(world.police).get("/categories/").status_code == 200, "another key of the same house"


@pytest.mark.parametrize("authorization", [None, "Api-Key quatsch", f"Api-Key {'0' * 12}.{'x' * 43}"])
def test_an_address_with_refused_keys_has_to_wait(world, caller_of, limited, client, authorization):
    """Also with a good key: whoever tries keys must not learn which one fits."""
    limited(api_refused=(2, 60))
    headers = {"Authorization": authorization} if authorization else {}
    statuses = [client.get("/api/v1/incidents/", headers=headers).status_code for _ in range(3)]
    assert statuses == [401, 401, 429]
    response = caller_of(world.police).get("/categories/")
    assert problem_of(response, 429)["code"] == "throttled"
    assert 1 <= int(response.headers["Retry-After"]) <= 60
    elsewhere = client.get("/api/v1/incidents/", headers=headers, REMOTE_ADDR="192.0.2.7")
    assert elsewhere.status_code == 401


def test_good_keys_are_not_counted_as_refused(world, caller_of, limited):
    limited(api_refused=(2, 60))
    caller = caller_of(world.police)
    assert {caller.get("/categories/").status_code for _ in range(4)} == {200}


def test_an_address_may_not_call_without_end(world, caller_of, limited):
    limited(api_address=(2, 60))
    callers = [caller_of(world.police) for _ in range(3)]
    assert [caller.get("/categories/").status_code for caller in callers] == [200, 200, 429]


def test_an_unencrypted_call_is_refused_and_not_sent_on(world, caller_of, settings):
    settings.SECURE_SSL_REDIRECT = True
    caller = caller_of(world.police)
    assert problem_of(caller.get("/incidents/"), 403)["detail"].startswith("Die Schnittstelle antwortet nur über https")
    encrypted = caller.client.get("/api/v1/incidents/", headers=caller.headers({}), secure=True)
    assert encrypted.status_code == 200


def test_use_is_noted(world, caller_of):
    caller = caller_of(world.police)
    caller.get("/categories/")
    used = ApiKey.objects.get(pk=caller.key.pk).last_used_at
    assert timezone.now() - used < datetime.timedelta(minutes=1)
