"""The stage is built once per module inside a transaction that is rolled back; each test acts in a savepoint of it."""

import pytest
from django.db import transaction
from django.utils import timezone

from tests.access.stage import Stage, build_stage


@pytest.fixture(scope="module")
def built(django_db_setup, django_db_blocker):
    with django_db_blocker.unblock(), transaction.atomic():
        yield build_stage()
        transaction.set_rollback(True)


@pytest.fixture
def stage(built, db) -> Stage:
    return built


@pytest.fixture
def undone(db):
    """A call whose changes to the database are taken back, so that the next person finds the same city."""

    def call(function, *args, **kwargs):
        with transaction.atomic():
            answer = function(*args, **kwargs)
            transaction.set_rollback(True)
        return answer

    return call


@pytest.fixture
def standing_clock(built, time_machine):
    """Two looks at the same page then differ only by what the records say."""
    time_machine.move_to(timezone.now(), tick=False)
