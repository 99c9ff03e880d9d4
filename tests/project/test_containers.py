"""The container files name only services, commands, modules and files that exist."""

import importlib
import re
import sys
import tomllib
from pathlib import Path

import pytest
import yaml
from django.conf import settings
from django.core.management import get_commands

from hamm_security.celery import app

ROOT = Path(settings.BASE_DIR)
COMPOSE = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
DOCKERFILE = (ROOT / "Dockerfile").read_text()
ENV_EXAMPLE = (ROOT / ".env.example").read_text()
OWN_SERVICES = ("web", "worker", "builder", "beat", "migrate")
SETTINGS_SOURCE = (ROOT / "hamm_security" / "settings.py").read_text()


def image_command() -> list[str]:
    return yaml.safe_load(re.search(r"^CMD (\[.*\])$", DOCKERFILE, re.MULTILINE).group(1))


def command_exists(words: list[str]) -> bool:
    if words[:2] == ["python", "manage.py"]:
        return (ROOT / "manage.py").exists() and words[2] in get_commands()
    return (Path(sys.executable).parent / words[0]).exists()


def test_stack_has_all_services():
    assert set(COMPOSE["services"]) == {*OWN_SERVICES, "database", "valkey"}


@pytest.mark.parametrize("service", OWN_SERVICES)
def test_service_command_exists(service):
    assert command_exists(COMPOSE["services"][service].get("command") or image_command())


@pytest.mark.parametrize("service", ["worker", "builder", "beat"])
def test_celery_services_load_the_application(service):
    words = COMPOSE["services"][service]["command"]
    module = importlib.import_module(words[words.index("-A") + 1])
    assert module.celery_app is app


def test_image_serves_the_wsgi_application():
    module = importlib.import_module(image_command()[1])
    assert callable(module.application)


@pytest.mark.parametrize("service", [name for name in COMPOSE["services"] if name != "migrate"])
def test_lasting_service_has_a_healthcheck(service):
    assert COMPOSE["services"][service]["healthcheck"]["test"]


def test_dependencies_name_services():
    for service in COMPOSE["services"].values():
        assert set(service.get("depends_on", {})) <= set(COMPOSE["services"])


@pytest.mark.parametrize("service", OWN_SERVICES)
def test_every_variable_handed_over_is_read_by_the_settings(service):
    for name in COMPOSE["services"][service]["environment"]:
        assert f'"{name}"' in SETTINGS_SOURCE, name


def test_secrets_have_no_default():
    text = (ROOT / "docker-compose.yml").read_text()
    logins = {f"DATABASE_{login}_PASSWORD" for login in ("WEB", "OWNER", "BUILDER")}
    secrets = {"SECRET_KEY", "POSTGRES_PASSWORD", "VALKEY_PASSWORD", *logins}
    for name in secrets:
        assert f"${{{name}:?" in text
        assert f"${{{name}:-" not in text
        assert re.search(rf"^{name}=$", ENV_EXAMPLE, re.MULTILINE)


def test_every_substituted_variable_is_in_the_example():
    used = set(re.findall(r"(?<!\$)\$\{([A-Z_]+)", (ROOT / "docker-compose.yml").read_text()))
    documented = set(re.findall(r"^([A-Z_]+)=", ENV_EXAMPLE, re.MULTILINE))
    assert used == documented


def test_image_installs_the_lock_and_runs_unprivileged():
    copied = re.search(r"^COPY (\S+) \./$", DOCKERFILE, re.MULTILINE).group(1)
    assert (ROOT / copied).exists()
    assert f"--require-hashes --requirement {copied}" in DOCKERFILE
    assert re.search(r"^USER (?!root)\w+$", DOCKERFILE, re.MULTILINE)


def test_image_copies_every_package_and_file_it_needs():
    kept = {line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")}
    packages = set(tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["root_packages"])
    assert kept == packages | {"templates", "manage.py", "requirements.lock"}
    assert all((ROOT / name).exists() for name in kept)


def test_each_service_is_given_the_logins_it_needs_and_no_other():
    given = {
        service: {name for name in COMPOSE["services"][service]["environment"] if name.startswith("DATABASE_")}
        for service in OWN_SERVICES
    }
    web = {"DATABASE_URL"}
    assert given == {
        "web": web,
        "worker": web,
        "beat": web,
        "builder": web | {"DATABASE_BUILDER_URL"},
        "migrate": web | {"DATABASE_BUILDER_URL", "DATABASE_OWNER_URL"},
    }


def test_every_routed_queue_has_its_service():
    queues = {route["queue"] for route in settings.CELERY_TASK_ROUTES.values()} | {"celery"}
    served = {
        word.removeprefix("--queues=")
        for service in ("worker", "builder")
        for word in COMPOSE["services"][service]["command"]
        if word.startswith("--queues=")
    }
    assert served == queues
