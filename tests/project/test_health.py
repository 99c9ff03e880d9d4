"""Monitoring pages answer without a login and tell nothing about any agency."""

import pytest
from django.test import override_settings


def test_live_needs_neither_database_nor_login(client):
    response = client.get("/health/live")
    assert (response.status_code, response.content) == (200, b"ok\n")


@pytest.mark.django_db
def test_ready_when_both_servers_answer(client):
    response = client.get("/health/ready")
    assert response.status_code == 200
    assert response.json() == {"database": True, "row_security": True, "broker": True, "picture_age_seconds": None}


@pytest.mark.django_db
@override_settings(BROKER_URL="redis+socket:///nowhere/s.sock")
def test_not_ready_without_a_broker(client):
    response = client.get("/health/ready")
    assert response.status_code == 503
    assert response.json()["broker"] is False


@pytest.mark.django_db
def test_metrics_are_prometheus_text_without_agency_figures(client):
    response = client.get("/metrics")
    assert response.headers["Content-Type"].startswith("text/plain; version=0.0.4")
    samples = [line.split("{")[0].split(" ")[0] for line in response.text.splitlines() if not line.startswith("#")]
    assert samples == [
        "portal_info",
        "portal_database_up",
        "portal_broker_up",
        "portal_process_start_time_seconds",
    ]


def test_security_headers_on_every_answer(client):
    headers = client.get("/health/live").headers
    policy = set(headers["Content-Security-Policy"].split("; "))
    assert {"default-src 'none'", "script-src 'self'", "style-src 'self'", "img-src 'self' data:"} <= policy
    assert "unsafe" not in headers["Content-Security-Policy"]
    assert headers["Permissions-Policy"].startswith("camera=()")
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["X-Frame-Options"] == "DENY"
    assert headers["Referrer-Policy"] == "same-origin"


@pytest.mark.parametrize(
    ("hops", "forwarded", "expected"),
    [
        (0, "203.0.113.7", "198.51.100.1"),
        (1, "203.0.113.7", "203.0.113.7"),
        (1, "6.6.6.6, 203.0.113.7", "203.0.113.7"),
        (2, "6.6.6.6, 203.0.113.7, 192.0.2.9", "203.0.113.7"),
        (2, "203.0.113.7", "198.51.100.1"),
    ],
)
def test_callers_address_comes_from_trusted_proxies_only(client, settings, hops, forwarded, expected):
    settings.TRUSTED_PROXY_COUNT = hops
    response = client.get("/health/live", headers={"X-Forwarded-For": forwarded}, REMOTE_ADDR="198.51.100.1")
    assert response.wsgi_request.META["REMOTE_ADDR"] == expected
