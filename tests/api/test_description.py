"""The schema is sound and the page about it shows everything and no data."""

import io
import json
import re

from django.core.management import call_command

from agencies.api.problems import CODES, DETAILS, TITLES
from hamm_security.api_urls import router
from tests import factories


def test_schema_is_valid_and_free_of_guesses():
    out = io.StringIO()
    call_command("spectacular", "--validate", "--fail-on-warn", stdout=out)
    assert "/api/v1/incidents/bulk/" in out.getvalue()


def test_schema_file_names_every_address_and_the_key(client, db):
    response = client.get("/api/v1/schema/")
    schema = json.loads(response.content)
    assert {f"/api/v1/{name}/" for name, _, _ in router.registry} <= set(schema["paths"])
    assert schema["components"]["securitySchemes"]["ApiKey"]["name"] == "Authorization"
    for methods in schema["paths"].values():
        for operation in methods.values():
            assert operation["security"] == [{"ApiKey": []}]
            assert operation["summary"]
            assert "application/problem+json" in operation["responses"]["default"]["content"]


def test_page_is_open_and_shows_fields_but_no_data(client, world):
    factories.make_category("geheime-art", label="Geheime Art")
    text = client.get("/api/v1/docs/").content.decode()
    for word in ("GET /api/v1/incidents/", "POST /api/v1/incidents/bulk/", "updated_since", "detail.description"):
        assert word in text
    for word in ("polizei", "ordnungsamt", "geheime-art"):
        assert word not in text.lower()
    assert not re.search(r"<script(?![^>]*\bsrc=)|<style|\sstyle=", text)


def test_every_problem_is_described(client, db):
    text = client.get("/api/v1/docs/").content.decode()
    assert all(f'id="problem-{code}"' in text for code in CODES)
    assert set(CODES.values()) == set(TITLES)
    assert set(DETAILS) <= set(CODES)


def test_unforeseen_errors_are_told_as_problems(world, caller_of, monkeypatch):
    caller = caller_of(world.police)
    caller.client.raise_request_exception = False
    monkeypatch.setattr("incidents.api.views.CategoryViewSet.serializer_class", None)
    response = caller.get("/categories/")
    assert (response.status_code, response.headers["Content-Type"]) == (500, "application/problem+json")
    assert response.json()["code"] == "server_error"
    assert "serializer" not in response.content.decode()
