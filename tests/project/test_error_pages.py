"""What goes wrong is told in German, without the cause; partner systems are told in their own form."""

from __future__ import annotations

import json

import pytest
from django.core.exceptions import RequestDataTooBig, SuspiciousOperation
from django.test import Client, RequestFactory
from django.urls import reverse

from agencies.api.problems import PROBLEM_JSON
from hamm_security import errors

pytestmark = pytest.mark.django_db
# Words of frameworks, tracebacks and the database that no reader is to meet.
INNER_WORDS = (
    "Traceback",
    "Exception",
    "django",
    "psycopg",
    "SELECT",
    "views.py",
    "DoesNotExist",
    "Error",
    "DisallowedHost",
)
SECRET = "Zwitscher-Fehlertext"


def look(response, status: int) -> str:
    assert response.status_code == status
    text = response.content.decode()
    assert '<html lang="de"' in text
    assert "<h1" in text
    assert [word for word in (*INNER_WORDS, SECRET) if word in text] == []
    return text


def problem(response, status: int) -> dict:
    assert response.status_code == status
    assert response["Content-Type"] == PROBLEM_JSON
    assert "\\u" not in response.content.decode()
    body = json.loads(response.content)
    assert body["status"] == status
    assert [word for word in (*INNER_WORDS, SECRET) if word in response.content.decode()] == []
    return body


def test_a_foreign_host_name_is_refused(settings):
    look(Client(headers={"host": f"{SECRET.lower()}.example"}).get("/konto/anmelden/"), 400)
    answer = Client(headers={"host": "evil.example"}).get("/api/v1/incidents/")
    assert problem(answer, 400)["code"] == "parse_error"


def test_a_forwarded_host_name_counts_for_nothing(world, signed_in):
    """The access link that a lead hands on names the portal's own address."""
    client = signed_in(world.owner_lead)
    url = reverse("agencies:person_link", args=["polizei", world.owner_entry.pk])
    answer = client.post(url, headers={"x-forwarded-host": "evil.example", "forwarded": "host=evil.example"})
    assert "http://testserver/konto/" in answer.content.decode()
    assert "evil.example" not in answer.content.decode()


def test_what_may_not_be_done_and_what_is_not_there(world, signed_in):
    client = signed_in(world.partner)
    assert "Dafür fehlt Ihnen die Berechtigung" in look(client.get(reverse("imports:index")), 403)
    assert "Diese Seite gibt es nicht" in look(client.get(f"/{SECRET}/"), 404)


def test_a_method_that_is_not_meant(world, signed_in):
    answer = signed_in(world.owner_lead).get(reverse("logout"))
    assert "Diese Adresse lässt sich so nicht aufrufen" in look(answer, 405)
    assert "POST" in answer["Allow"]


def test_a_form_without_its_token(world):
    client = Client(enforce_csrf_checks=True)
    client.force_login(world.owner_entry, backend="django.contrib.auth.backends.ModelBackend")
    assert "Das Formular ist abgelaufen" in look(client.post(reverse("incidents:create"), {"category": SECRET}), 403)


def test_too_much_at_once(world, signed_in, settings):
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 1024
    client = signed_in(world.owner_entry)
    assert "Die Sendung ist zu groß" in look(client.post(reverse("incidents:create"), {"description": "x" * 5000}), 413)


def test_too_many_fields_at_once(world, signed_in, settings):
    settings.DATA_UPLOAD_MAX_NUMBER_FIELDS = 10
    client = signed_in(world.owner_entry)
    look(client.post(reverse("incidents:create"), {f"field{number}": "x" for number in range(20)}), 400)


@pytest.mark.parametrize(
    ("exception", "status"), [(SuspiciousOperation(SECRET), 400), (RequestDataTooBig(SECRET), 413)]
)
def test_a_bad_request_says_nothing_of_its_cause(exception, status):
    look(errors.bad_request(RequestFactory().get("/vorfaelle/"), exception), status)
    problem(errors.bad_request(RequestFactory().get("/api/v1/incidents/"), exception), status)


def test_an_unforeseen_error_says_nothing_of_its_cause(world, signed_in, monkeypatch):
    def fail(*args, **kwargs):
        raise RuntimeError(SECRET)

    monkeypatch.setattr("agencies.views.accounts.capabilities_of", fail)
    client = signed_in(world.owner_entry)
    client.raise_request_exception = False
    assert "Im Portal ist eine Störung aufgetreten" in look(client.get(reverse("account")), 500)
    monkeypatch.setattr("agencies.api.views.AgencyViewSet.visible_rows", fail)
    assert problem(errors.server_error(RequestFactory().get("/api/v1/agencies/")), 500)["code"] == "server_error"


def test_too_many_requests(world, signed_in):
    answer = errors.too_many_requests(RequestFactory().get("/vorfaelle/"), 1)
    assert "Bitte warten Sie eine Sekunde" in look(answer, 429)
    assert answer["Retry-After"] == "1"
    answer = errors.too_many_requests(RequestFactory().get("/api/v1/docs/"), 30)
    assert problem(answer, 429)["code"] == "throttled"
    assert answer["Retry-After"] == "30"


def test_every_error_page_bears_the_name_of_the_portal(settings):
    settings.PORTAL_NAME = "Sicherheitsbund Musterstadt"
    request = RequestFactory().get("/vorfaelle/")
    answers = {
        400: errors.bad_request(request, SuspiciousOperation()),
        413: errors.bad_request(request, RequestDataTooBig()),
        429: errors.too_many_requests(request, 2),
        500: errors.server_error(request),
        404: Client().get("/gibt-es-nicht/"),
        405: Client().put("/konto/abmelden/"),
        403: Client(enforce_csrf_checks=True).post("/konto/anmelden/"),
    }
    for status, answer in answers.items():
        text = look(answer, status)
        assert text.count("Sicherheitsbund Musterstadt") == 2
