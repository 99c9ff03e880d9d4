"""Which login the test's connection works with: the owner's to set a scene, the web login's for what the portal does.

The switch is a role on the one connection of the test, because all must happen in the transaction that is taken back.
"""

from __future__ import annotations

import functools
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext

from django.db import connection
from django.db.backends.postgresql.base import DatabaseWrapper
from django.db.backends.signals import connection_created

from agencies.wall.context import Office, acting_as
from hamm_security.local.postgres import BUILDER, OWNER, WEB

_EXEMPT = ("django.", "tests.")


def _role() -> str:
    return connection.connection.execute("SELECT current_user").fetchone()[0]


def _become(role: str) -> None:
    connection.connection.execute(f"SET ROLE {role}")


def _begin_backstage(connection, **kwargs) -> None:
    """Connections of the test itself; those of servers and threads it starts stay with their login."""
    if connection.alias == "default" and threading.current_thread() is threading.main_thread():
        connection.connection.execute(f"SET ROLE {OWNER}")


def _unseen(make_statement: Callable) -> Callable:
    """A test's own transaction makes savepoints of the portal's transactions: they count as no query."""

    def run(self, sid: str) -> None:
        self.connection.execute(make_statement(self.ops)(sid))

    return run


DatabaseWrapper._savepoint = _unseen(lambda operations: operations.savepoint_create_sql)
DatabaseWrapper._savepoint_commit = _unseen(lambda operations: operations.savepoint_commit_sql)
connection_created.connect(_begin_backstage, dispatch_uid="tests.backstage")


@contextmanager
def front(role: str = WEB) -> Iterator[None]:
    if connection.connection is None:
        connection.ensure_connection()
    before = _role()
    _become(role)
    try:
        yield
    finally:
        if not (connection.connection is None or connection.needs_rollback):
            _become(before)
            if before == OWNER and role != OWNER:
                _write_what_stays()


# What the portal writes on a connection of its own stays although the request is rolled back. Here it is kept until the
# portal has left the stage, because there is only the test's connection.
_kept: list[tuple[str, Sequence]] = []


class _Keeper:
    """Stands for a second connection, and for its cursor."""

    def cursor(self) -> AbstractContextManager[_Keeper]:
        return nullcontext(self)

    def execute(self, statement: str, values: Sequence) -> None:
        _kept.append((statement, values))


@contextmanager
def connection_of_its_own() -> Iterator[_Keeper]:
    yield _Keeper()
    if _role() == OWNER:
        _write_what_stays()


def _write_what_stays() -> None:
    with connection.cursor() as cursor:
        while _kept:
            cursor.execute(*_kept.pop(0))


@contextmanager
def acting(actor) -> Iterator[None]:
    with front(), acting_as(actor):
        yield


@contextmanager
def behind() -> Iterator[None]:
    """Back to the owner's role for a moment, while the portal is on stage."""
    with front(OWNER):
        yield


@contextmanager
def as_builder() -> Iterator[None]:
    with front(BUILDER), acting_as(Office.BUILDER):
        yield


def played(function: Callable) -> Callable:
    @functools.wraps(function)
    def on_stage(self, *args, **kwargs):
        if type(self).__module__.startswith(_EXEMPT) and not type(self).__module__.startswith("django.test"):
            return function(self, *args, **kwargs)
        with front():
            return function(self, *args, **kwargs)

    return on_stage


# Filled by `migrate`, not by tests.
_STANDING = ("django_migrations", "django_content_type", "auth_permission")


def empty_the_tables() -> None:
    with behind(), connection.cursor() as cursor:
        tables = set(connection.introspection.table_names(cursor)) - set(_STANDING)
        cursor.execute(f"TRUNCATE {', '.join(sorted(tables))} RESTART IDENTITY")
