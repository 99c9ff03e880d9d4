"""The Celery application and the only door to background tasks: `task`."""

import functools
import hashlib
import logging
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from celery import Celery
from django.db import connection

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "hamm_security.settings")

app = Celery("hamm_security")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()

logger = logging.getLogger(__name__)


@contextmanager
def advisory_lock(name: str) -> Iterator[bool]:
    """Yield whether this process now holds the database-wide lock `name`; never wait for it.

    The lock lives on a connection of its own: it survives rollbacks of the work it guards, and a worker
    that is killed loses it together with the connection.
    """
    key = int.from_bytes(hashlib.blake2b(name.encode(), digest_size=8).digest(), signed=True)
    guard = connection.copy()
    try:
        with guard.cursor() as cursor:
            cursor.execute("SELECT pg_try_advisory_lock(%s)", [key])
            held = cursor.fetchone()[0]
        yield held
    finally:
        guard.close()


def _one_at_a_time(function: Callable[..., Any]) -> Callable[..., Any]:
    name = f"{function.__module__}.{function.__qualname__}"

    @functools.wraps(function)
    def run(*args: Any, **kwargs: Any) -> Any:
        with advisory_lock(name) as held:
            if held:
                return function(*args, **kwargs)
        logger.info("%s is already running elsewhere; this run ends without doing anything.", name)
        return None

    return run


def task(
    function: Callable[..., Any] | None = None,
    *,
    retry_on: tuple[type[Exception], ...] = (),
    singleton: bool = False,
    time_limit_s: int = 900,
) -> Any:
    """Register a background task: late acknowledgement, JSON arguments, a hard time limit.

    `retry_on` names the errors after which it is tried again (at most five times, with growing pauses);
    `singleton` lets only one run of the task, whatever its arguments, proceed at a time and ends the others;
    `time_limit_s` ends the work softly, 30 s before the process is killed.
    Usable bare (`@task`) or with arguments (`@task(singleton=True)`).
    """

    def register(body: Callable[..., Any]) -> Any:
        options: dict[str, Any] = {
            "acks_late": True,
            "reject_on_worker_lost": True,
            "serializer": "json",
            "soft_time_limit": time_limit_s,
            "time_limit": time_limit_s + 30,
        }
        if retry_on:
            options |= {"autoretry_for": retry_on, "max_retries": 5, "retry_backoff": 5, "retry_jitter": True}
        return app.task(**options)(_one_at_a_time(body) if singleton else body)

    return register if function is None else register(function)
