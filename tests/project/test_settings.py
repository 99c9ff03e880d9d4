"""The portal refuses to start with anything missing, and says which variable and what to do."""

import os
import re
import secrets
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from django.conf import settings

from tests.project.test_layout import project_files

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
        ("TILE_URL", "http://tiles.example/{z}/{x}/{y}.png"),
        ("TILE_URL", "https://user:geheim@tiles.example/{z}/{x}/{y}.png"),
        ("TILE_URL", "https://tiles.example; script-src */{z}"),
        ("TILE_URL", "javascript:alert(1)"),
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


PRODUCTION = {**COMPLETE, "RELEASE": "1", "TRUSTED_PROXY_COUNT": "1", "SECRET_KEY": secrets.token_urlsafe(64)}


def test_the_deploy_check_finds_nothing_in_production():
    result = subprocess.run(
        [sys.executable, "manage.py", "check", "--deploy", "--fail-level", "DEBUG"],
        env={"PATH": os.environ["PATH"], **PRODUCTION},
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stderr
    assert "no issues" in result.stdout


def test_production_cookies_and_headers_are_the_strict_ones():
    names = ("SESSION_COOKIE", "CSRF_COOKIE")
    flags = [f"s.{name}_{part}" for name in names for part in ("NAME", "SECURE", "HTTPONLY", "SAMESITE", "DOMAIN")]
    result = load_settings(PRODUCTION, ", ".join(flags))
    assert result.stdout.split() == [
        "__Host-sitzung",
        "True",
        "True",
        "Lax",
        "None",
        "__Host-formular",
        "True",
        "True",
        "Lax",
        "None",
    ]
    result = load_settings(PRODUCTION, "s.SECURE_HSTS_SECONDS, s.SECURE_HSTS_INCLUDE_SUBDOMAINS, s.SECURE_HSTS_PRELOAD")
    assert result.stdout.split() == ["31536000", "True", "False"]
    assert load_settings({**PRODUCTION, "HSTS_PRELOAD": "1"}, "s.SECURE_HSTS_PRELOAD").stdout.strip() == "True"


def test_policy_allows_nothing_but_the_portal_itself():
    policy = settings.CONTENT_SECURITY_POLICY["DIRECTIVES"]
    assert policy["default-src"] == policy["base-uri"] == policy["frame-ancestors"] == ["'none'"]
    assert policy["img-src"] == ["'self'", "data:"]
    rest = set(policy) - {"default-src", "base-uri", "frame-ancestors", "img-src"}
    assert {name for name in rest if policy[name] != ["'self'"]} == set()
    assert "unsafe" not in repr(policy)


def test_limits_of_a_release_are_shared_by_all_processes():
    expression = "s.CACHES['default']['BACKEND'].rsplit('.')[-1], s.CACHES['default'].get('LOCATION')"
    assert load_settings(PRODUCTION, expression).stdout.split() == ["RedisCache", COMPLETE["BROKER_URL"]]
    elsewhere = {**PRODUCTION, "CACHE_URL": "redis://cache.example/1"}
    assert load_settings(elsewhere, expression).stdout.split() == ["RedisCache", "redis://cache.example/1"]
    refused = load_settings({**PRODUCTION, "BROKER_URL": "amqp://broker.example"})
    assert "CACHE_URL is missing" in refused.stderr


def test_the_server_itself_never_calls_the_tile_server():
    """Only the page's frame reads the setting, for the browser."""
    apps = ("agencies", "incidents", "lagebild", "conferences", "hamm_security")
    readers = [path for app in apps for path in (ROOT / app).rglob("*.py") if "TILE_URL" in path.read_text()]
    assert {str(path.relative_to(ROOT)) for path in readers} == {
        "hamm_security/settings.py",
        "hamm_security/context.py",
    }


def test_calls_to_the_outside_leave_through_one_door():
    """There are no webhooks. Sign-on services of agencies are called through `agencies/outgoing.py` alone."""
    calls = re.compile(
        r"^\s*(?:import|from) (?:http\.client|urllib\.request|requests|httpx|aiohttp|socket|ftplib)\b", re.M
    )
    apps = ("agencies", "incidents", "lagebild", "conferences", "hamm_security")
    callers = {
        str(path.relative_to(ROOT))
        for app in apps
        for path in (ROOT / app).rglob("*.py")
        if calls.search(path.read_text()) and "local" not in path.parts
    }
    assert callers <= {"agencies/outgoing.py"}


SECRET_SHAPES = re.compile(
    r"-----BEGIN [A-Z ]*PRIVATE KEY|\bAKIA[0-9A-Z]{16}\b|\bgh[pousr]_[A-Za-z0-9]{36}|\bxox[abprs]-[\w-]{10,}"
    r"|\bglpat-[\w-]{20}|\beyJ[\w-]{20,}\.eyJ[\w-]{20,}\.|\b[0-9a-f]{12}\.[A-Za-z0-9_-]{43}\b"
    r"|(?:postgresql|redis|amqp|https?)://[^\s/:@\"'${<]+:(?!PASSWORD@|geheim@)[^\s/@\"'${<]{6,}@"
)


def test_the_repository_holds_no_secret():
    """Private keys, tokens of known services, access keys of the portal, addresses with passwords."""
    found = []
    for path in project_files():
        if path.suffix in {".py", ".md", ".toml", ".yml", ".yaml", ".json", ".html", ".js", ".txt", ".example", ""}:
            text = path.read_text(encoding="utf-8", errors="replace")
            found += [f"{path.relative_to(ROOT)}: {match.group(0)[:20]}" for match in SECRET_SHAPES.finditer(text)]
    assert found == []


def test_version_is_the_package_version():
    assert tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"] == settings.PORTAL_VERSION
