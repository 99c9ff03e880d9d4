"""A session ends after an hour without a request, and is written at most once a minute."""

import datetime as dt

import pytest
import time_machine
from django.conf import settings
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from agencies.models import Session

pytestmark = pytest.mark.django_db
START = dt.datetime(2026, 3, 2, 9, 0, tzinfo=dt.UTC)


@pytest.fixture
def clock():
    with time_machine.travel(START, tick=False) as traveller:
        yield traveller


@pytest.fixture
def person(clock, world, signed_in):
    return signed_in(world.without_agency)


def expiry() -> dt.datetime:
    return Session.objects.get().expire_date


def is_signed_in(client) -> bool:
    return "_auth_user_id" in client.session


def test_request_prolongs_the_session(person, clock):
    clock.shift(dt.timedelta(minutes=50))
    person.get("/konto/")
    assert expiry() == timezone.now() + dt.timedelta(minutes=60)
    clock.shift(dt.timedelta(minutes=50))
    assert is_signed_in(person)


def test_session_ends_without_requests(person, clock):
    clock.shift(dt.timedelta(seconds=settings.SESSION_COOKIE_AGE + 1))
    assert not is_signed_in(person)
    assert person.get("/konto/").status_code == 302


def test_session_is_written_once_a_minute(person, clock):
    person.get("/konto/")
    before = expiry()
    clock.shift(dt.timedelta(seconds=59))
    with CaptureQueriesContext(connection) as queries:
        person.get("/konto/")
    assert [query["sql"] for query in queries if 'UPDATE "agencies_session"' in query["sql"]] == []
    assert expiry() == before
