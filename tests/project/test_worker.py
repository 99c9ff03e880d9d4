"""The nightly task on a real Valkey and a real worker process, dispatched the way beat dispatches it."""

import os
import sys
import tempfile
from pathlib import Path

import pytest
from celery import Celery
from django.conf import settings
from django.db import connection
from psycopg.conninfo import make_conninfo

from hamm_security.local.demo import PROGRAMS
from hamm_security.local.postgres import BUILDER
from hamm_security.local.processes import end, spawn, tail
from hamm_security.local.valkey import Valkey
from lagebild.models import Picture

pytestmark = pytest.mark.broker
PATIENCE_S = 90


@pytest.fixture
def folder():
    with tempfile.TemporaryDirectory(prefix="hamm-worker-") as name:
        yield Path(name)


@pytest.fixture
def broker_url(folder):
    valkey = Valkey(folder)
    valkey.start()
    yield valkey.broker_url
    valkey.stop()


@pytest.fixture
def worker_log(transactional_db, folder, broker_url):
    """Run a worker on the test database; yield its log."""
    database = make_conninfo(os.environ["DATABASE_URL"], dbname=connection.settings_dict["NAME"])
    log = folder / "worker.log"
    worker = spawn(
        [sys.executable, "-m", *PROGRAMS["worker"]],
        env={
            **os.environ,
            "DJANGO_SETTINGS_MODULE": "hamm_security.settings",
            "DATABASE_URL": database,
            "DATABASE_BUILDER_URL": make_conninfo(database, user=BUILDER),
            "BROKER_URL": broker_url,
        },
        log=log,
        cwd=settings.BASE_DIR,
    )
    yield log
    end(worker)


def test_nightly_picture_is_built_once_however_often_it_is_dispatched(world, broker_url, worker_log):
    task = settings.CELERY_BEAT_SCHEDULE["rebuild-picture"]["task"]
    with Celery(broker=broker_url, backend=broker_url) as sender:
        results = [sender.send_task(task) for _ in range(3)]
        built = {result.get(timeout=PATIENCE_S) for result in results}
    picture = Picture.objects.published().get()
    assert built == {str(picture.pk)}
    assert "Traceback" not in tail(worker_log, lines=10_000)
