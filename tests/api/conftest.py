"""Partner systems of the cast: each calls with a real key over HTTP."""

from __future__ import annotations

import datetime
import json
from collections.abc import Callable
from dataclasses import dataclass, field

import pytest
from django.test import Client

from agencies.keys import create_api_key
from agencies.models import Agency, ApiKey, KeyScope

ROOT = "/api/v1"


@dataclass
class Caller:
    """One key at work."""

    key: ApiKey
    secret: str
    client: Client = field(default_factory=Client)

    def headers(self, further: dict[str, str]) -> dict[str, str]:
        return {"Authorization": f"Api-Key {self.secret}"} | further

    def get(self, path: str, query: dict | None = None, **headers: str):
        return self.client.get(self._url(path), query or {}, headers=self.headers(headers))

    def post(self, path: str, body: object):
        text = body if isinstance(body, (str, bytes)) else json.dumps(body)
        return self.client.post(self._url(path), text, content_type="application/json", headers=self.headers({}))

    def call(self, method: str, path: str):
        return self.client.generic(method, self._url(path), headers=self.headers({}))

    def rows(self, path: str, query: dict | None = None) -> list[dict]:
        """All rows of a list, page by page."""
        response = self.get(path, query)
        assert response.status_code == 200, response.content
        rows = response.json()["results"]
        while address := response.json()["next"]:
            response = self.get(address)
            assert response.status_code == 200, response.content
            rows += response.json()["results"]
        return rows

    def ids(self, path: str, query: dict | None = None) -> list[str]:
        return [row["id"] for row in self.rows(path, query)]

    @staticmethod
    def _url(path: str) -> str:
        return path if path.startswith("http") else ROOT + path


@pytest.fixture
def caller_of(world) -> Callable[..., Caller]:
    def make(agency: Agency, scope: str | None = None, **fields) -> Caller:
        scope = scope or (KeyScope.READ if agency.is_coordination else KeyScope.WRITE)
        fields.setdefault("valid_for", datetime.timedelta(days=30))
        key, secret = create_api_key(agency=agency, scope=scope, label="Test", by=None, **fields)
        return Caller(key, secret)

    return make


def problem_of(response, status: int) -> dict:
    """The body of a refusal, after checking that it has the common form."""
    assert response.status_code == status, response.content
    assert response.headers["Content-Type"] == "application/problem+json"
    body = response.json()
    assert body["status"] == status
    assert body["type"] == f"/api/v1/docs/#problem-{body['code']}"
    assert body["title"]
    assert body["detail"]
    return body
