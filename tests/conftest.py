"""The cast: the people and agencies every test knows, and more of them than needed: a leak has somewhere to go."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

import pytest
from celery.app.task import Task
from django.core.cache import cache
from django.core.management import BaseCommand
from django.db import connections
from django.test.client import ClientHandler
from django.test.utils import setup_databases, teardown_databases
from django.utils import timezone

from agencies import audit
from agencies.models import Agency, MembershipKind, MembershipStatus, User
from agencies.purpose import PURPOSES, SESSION_KEY
from agencies.roles import Role
from agencies.wall import context
from hamm_security.celery import app
from tests import backstage as stage
from tests import factories


@dataclass(frozen=True)
class World:
    """Agencies: police owns, order shares with it, fire and customs are full strangers, tax is suspended."""

    police: Agency
    order: Agency
    fire: Agency
    customs: Agency
    tax: Agency
    guest_agency: Agency
    siko: Agency
    owner_entry: User
    owner_release: User
    owner_lead: User
    partner: User
    partner_release: User
    stranger: User
    suspended: User
    guest: User
    without_agency: User
    inactive: User
    chair: User
    data_protection: User
    admin: User
    second_admin: User
    superuser: User

    def people(self) -> dict[str, User]:
        return {name: value for name, value in vars(self).items() if isinstance(value, User)}


def make_world() -> World:
    factories.make_city()
    police, order, fire, customs = (factories.make_agency(s) for s in ("polizei", "ordnungsamt", "feuerwehr", "zoll"))
    tax = factories.make_agency("finanzamt", status=MembershipStatus.SUSPENDED)
    guest_agency = factories.make_agency("schulaufsicht", kind=MembershipKind.GUEST)
    siko = factories.make_agency("siko", is_coordination=True)
    person = factories.make_person
    return World(
        police=police,
        order=order,
        fire=fire,
        customs=customs,
        tax=tax,
        guest_agency=guest_agency,
        siko=siko,
        owner_entry=person(police, Role.ENTRY, email="erfassung@polizei.example"),
        owner_release=person(police, Role.RELEASE, email="freigabe@polizei.example"),
        owner_lead=person(police, Role.LEAD, email="leitung@polizei.example"),
        partner=person(order, Role.ENTRY, email="erfassung@ordnungsamt.example"),
        partner_release=person(order, Role.RELEASE, email="freigabe@ordnungsamt.example"),
        stranger=person(fire, Role.LEAD, email="leitung@feuerwehr.example"),
        suspended=person(tax, Role.LEAD, email="leitung@finanzamt.example"),
        guest=person(guest_agency, Role.ENTRY, email="erfassung@schulaufsicht.example"),
        without_agency=person(None, email="ohne@behoerde.example"),
        inactive=person(police, Role.LEAD, email="inaktiv@polizei.example", is_active=False),
        chair=person(siko, Role.CHAIR, email="vorsitz@siko.example"),
        data_protection=person(siko, Role.DATA_PROTECTION, email="datenschutz@siko.example"),
        admin=person(siko, Role.ADMIN, email="admin@siko.example"),
        second_admin=person(siko, Role.ADMIN, email="admin2@siko.example"),
        superuser=person(None, email="super@portal.example", is_superuser=True),
    )


@pytest.fixture
def world(db) -> World:
    return make_world()


@pytest.fixture(autouse=True)
def failures_stay_in_the_test(request, monkeypatch):
    """Refusals are written on the test's own connection, whose rows nobody else sees; `real_failures` undoes it."""
    if "real_failures" not in request.fixturenames:
        monkeypatch.setattr(audit, "connection_of_its_own", stage.connection_of_its_own)


@pytest.fixture
def real_failures():
    """Refusals are written as in operation: on a connection of their own, at once and for good."""


def state_purpose(client) -> None:
    session = client.session
    session[SESSION_KEY] = PURPOSES[0]
    session.save()


@pytest.fixture
def signed_in(client):
    """Sign a person in without the login form, with a purpose stated, and return the client."""

    def sign_in(user: User):
        client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
        state_purpose(client)
        return client

    return sign_in


@pytest.fixture
def limited(settings, time_machine):
    """Set limits for this test: name=(number, seconds). The window does not end while the test runs."""
    cache.clear()

    def limit(**limits: tuple[int, int]) -> None:
        settings.RATE_LIMITS = limits

    time_machine.move_to(timezone.now().replace(minute=0, second=1, microsecond=0), tick=False)
    yield limit
    cache.clear()


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder with real data and reference results; tests that need it skip where it is absent."""
    folder = Path(os.environ.get("HAMM_SHARED") or Path(__file__).resolve().parents[2] / "shared")
    if not (folder / "data").is_dir():
        pytest.skip("The folder with real incident data (../shared/data) is not here.")
    return folder


@pytest.fixture
def eager_tasks():
    """Background tasks run at once, in the caller, and raise what they raise."""
    before = app.conf.task_always_eager, app.conf.task_eager_propagates
    app.conf.task_always_eager = app.conf.task_eager_propagates = True
    yield
    app.conf.task_always_eager, app.conf.task_eager_propagates = before


@pytest.fixture(scope="session")
def django_db_setup(django_test_environment, django_db_blocker, django_db_modify_db_settings):
    """One database for the three logins, whichever of them a test names: the owner's makes it."""
    with django_db_blocker.unblock():
        made = setup_databases(verbosity=0, interactive=False, aliases=set(connections))
    yield
    with django_db_blocker.unblock():
        connections.close_all()
        teardown_databases(made, verbosity=0)


@pytest.fixture(autouse=True)
def _the_portal_acts_on_stage(request, monkeypatch):
    """Tests set their scene backstage, as the owner; what the portal does it does as the web login, as everywhere."""
    if not ({"db", "transactional_db"} & set(request.fixturenames) or request.node.get_closest_marker("django_db")):
        return
    for owner, name in ((ClientHandler, "__call__"), (BaseCommand, "execute"), (Task, "__call__")):
        monkeypatch.setattr(owner, name, stage.played(getattr(owner, name)))
    monkeypatch.setattr(context, "builder_login", stage.as_builder)


@pytest.fixture
def on_stage():
    """`with on_stage(actor):` asks the database as the portal does for that actor."""
    return stage.acting


@pytest.fixture(autouse=True)
def _nothing_stays_behind(request):
    """After a test that commits, the tables are emptied by their owner; Django would only ask the web login to."""
    marker = request.node.get_closest_marker("django_db")
    commits = "transactional_db" in request.fixturenames or (marker is not None and marker.kwargs.get("transaction"))
    if commits:
        request.getfixturevalue("transactional_db")
    yield
    if commits:
        stage.empty_the_tables()
