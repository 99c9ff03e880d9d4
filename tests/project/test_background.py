"""The schedule names existing tasks; the task decorator keeps its promises."""

import pytest
from celery.exceptions import Retry
from django.conf import settings
from django.db import connection

from hamm_security.celery import advisory_lock, app, task


@pytest.fixture
def runs():
    return []


@pytest.mark.parametrize("entry", sorted(settings.CELERY_BEAT_SCHEDULE))
def test_schedule_entry_names_a_registered_task(entry):
    app.loader.import_default_modules()
    assert settings.CELERY_BEAT_SCHEDULE[entry]["task"] in app.tasks


def test_nightly_picture_is_scheduled_at_half_past_two_local_time():
    schedule = settings.CELERY_BEAT_SCHEDULE["rebuild-picture"]["schedule"]
    assert (schedule.hour, schedule.minute) == ({2}, {30})
    assert settings.CELERY_TIMEZONE == "Europe/Berlin"


def test_every_own_task_acknowledges_late_and_is_limited():
    app.loader.import_default_modules()
    own = [entry for name, entry in app.tasks.items() if not name.startswith("celery.")]
    assert own
    visibility_s = settings.CELERY_BROKER_TRANSPORT_OPTIONS["visibility_timeout"]
    for entry in own:
        assert entry.acks_late, entry.name
        assert entry.serializer == "json", entry.name
        assert 0 < entry.soft_time_limit < entry.time_limit < visibility_s, entry.name


@pytest.mark.django_db
def test_singleton_ends_quietly_while_another_run_holds_the_lock(runs):
    @task(singleton=True)
    def count():
        runs.append(1)
        return "done"

    name = f"{__name__}.{test_singleton_ends_quietly_while_another_run_holds_the_lock.__qualname__}.<locals>.count"
    with advisory_lock(name) as held:
        assert held is True
        assert count() is None
    assert runs == []
    assert count() == "done"
    assert runs == [1]


@pytest.mark.django_db
def test_lock_is_free_again_after_an_error():
    with pytest.raises(ZeroDivisionError), advisory_lock("a-name"):
        raise ZeroDivisionError
    with advisory_lock("a-name") as held:
        assert held is True


@pytest.mark.django_db
def test_lock_is_not_the_work_connection():
    with advisory_lock("a-name"), connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid()")
        assert cursor.fetchone() == (0,)


def test_named_errors_are_tried_again_and_others_are_not():
    @task(retry_on=(ConnectionError,))
    def fetch(kind):
        raise {"lost": ConnectionError, "wrong": ValueError}[kind](kind)

    with pytest.raises(Retry):
        fetch.apply(args=("lost",), throw=True)
    with pytest.raises(ValueError, match="wrong"):
        fetch.apply(args=("wrong",), throw=True)
