"""The portal refuses to start with anything missing, and says which variable and what to do."""

import os
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from django.conf import settings

ROOT = Path(settings.BASE_DIR)
COMPLETE = {
    "SECRET_KEY": "k" * 64,
    "ALLOWED_HOSTS": "lagebild.example",
    "DATABASE_URL": "postgresql://portal:geheim@db.example:5433/portal?sslmode=require",
    "BROKER_URL": "redis://broker.example:6379/0",
}


def load_settings(environment: dict[str, str], expression: str = "''") -> subprocess.CompletedProcess:
    code = f"from django.conf import settings as s; s.DEBUG; print({expression})"
    return subprocess.run(
        [sys.executable, "-c", code],
        env={"PATH": os.environ["PATH"], "DJANGO_SETTINGS_MODULE": "hamm_security.settings", **environment},
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )


def test_complete_environment_starts_safe():
    result = load_settings(
        COMPLETE,
        "s.DEBUG, s.SESSION_COOKIE_SECURE, s.CSRF_COOKIE_SECURE, s.SECURE_SSL_REDIRECT, s.SECURE_HSTS_SECONDS > 0",
    )
    assert result.stderr == ""
    assert result.stdout.strip() == "False True True True True"


@pytest.mark.parametrize("name", sorted(COMPLETE))
def test_missing_variable_stops_the_start_and_is_named(name):
    result = load_settings({key: value for key, value in COMPLETE.items() if key != name})
    assert result.returncode == 1
    last_line = result.stderr.strip().splitlines()[-1]
    assert last_line.startswith(f"django.core.exceptions.ImproperlyConfigured: The environment variable {name} is miss")
    assert "Set it to" in last_line


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("SECRET_KEY", "short"),
        ("DATABASE_URL", "mysql://portal@db.example/portal"),
        ("DATABASE_URL", "postgresql://portal@db.example"),
        ("LOCAL_TIME_ZONE", "Europe/Hamm"),
        ("METRIC_EPSG", "EPSG:25832"),
        ("DEBUG", "vielleicht"),
    ],
)
def test_unusable_value_stops_the_start_and_is_named(name, value):
    result = load_settings({**COMPLETE, name: value})
    assert result.returncode == 1
    assert name in result.stderr.strip().splitlines()[-1]


def test_database_url_is_read_with_options():
    result = load_settings(COMPLETE, "sorted(s.DATABASES['default'].items())")
    assert "('HOST', 'db.example')" in result.stdout
    assert "('PORT', '5433')" in result.stdout
    assert "('OPTIONS', {'sslmode': 'require'})" in result.stdout


def test_database_url_may_name_a_socket():
    url = "postgresql:///lage?host=/run/postgresql&user=portal"
    result = load_settings({**COMPLETE, "DATABASE_URL": url}, "s.DATABASES['default']['HOST']")
    assert result.stdout.strip() == "/run/postgresql"


def test_password_never_appears_in_the_refusal():
    broken = {**COMPLETE, "DATABASE_URL": "postgresql://portal:geheim@db.example:port/portal?unknown=1"}
    result = load_settings(broken)
    assert result.returncode == 1
    assert "geheim" not in result.stderr.strip().splitlines()[-1]


def test_content_policy_admits_the_tile_server_and_nothing_else():
    expression = "s.CONTENT_SECURITY_POLICY['DIRECTIVES']['img-src']"
    assert load_settings(COMPLETE, expression).stdout.strip() == """["'self'", 'data:']"""
    tiles = {**COMPLETE, "TILE_URL": "https://tiles.example/{z}/{x}/{y}.png"}
    assert load_settings(tiles, expression).stdout.strip() == """["'self'", 'data:', 'https://tiles.example']"""


def test_version_is_the_package_version():
    assert tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"] == settings.PORTAL_VERSION
