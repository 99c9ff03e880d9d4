"""In whose name the database is asked: `acting_as(actor)`. Outside of it there are no rows."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.db import DEFAULT_DB_ALIAS, connection, connections, transaction
from django.utils import timezone
from django.utils.crypto import salted_hmac

from agencies.models import Agency, ApiKey, User

OWNER = "owner"
BUILDER = "builder"
_SETTING = "portal.context"


class Office(StrEnum):
    """Actors that are no row of a table."""

    VISITOR = "visitor"  # somebody not signed in: sees accounts and keys in order to sign on, no records
    OPERATOR = "operator"  # a command on the shell: directory, memberships, catalogue, no records
    BUILDER = "builder"  # the nightly build, with the builder's login


def _key(secret: str) -> bytes:
    return salted_hmac("hamm_security.wall", "context", secret=secret, algorithm="sha256").digest()


def signing_keys() -> list[bytes]:
    """The key in use and those of SECRET_KEY_FALLBACKS."""
    return [_key(secret) for secret in (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS)]


def _claims(actor) -> tuple[str, ...]:
    """Kind and number of the actor, the portal's day and moment."""
    now = timezone.now()
    moment = (timezone.localdate(now).isoformat(), now.isoformat())
    if isinstance(actor, Office):
        return actor.value, "", *moment
    kinds = {User: "person", ApiKey: "key", Agency: "agency"}
    kind = next((name for model, name in kinds.items() if isinstance(actor, model)), None)
    if kind is None:
        raise TypeError(f"{actor!r} cannot act: neither person, key, agency nor office.")
    return kind, str(actor.pk), *moment


def _enter(actor) -> None:
    """Sign the actor into the running transaction. Not through Django's cursor: it is protocol, not a query."""
    raw = connection.connection
    transaction_of = raw.execute("SELECT pg_backend_pid()::text, (extract(epoch FROM now()) * 1000000)::bigint::text")
    payload = "|".join((*_claims(actor), *transaction_of.fetchone()))
    signature = hmac.new(_key(settings.SECRET_KEY), payload.encode(), hashlib.sha256).hexdigest()
    _set(f"{signature}:{payload}")


def _set(value: str) -> None:
    connection.connection.execute("SELECT set_config(%s, %s, true)", [_SETTING, value])


def _current() -> str:
    return connection.connection.execute("SELECT current_setting(%s, true)", [_SETTING]).fetchone()[0] or ""


@contextmanager
def acting_as(actor) -> Iterator[None]:
    """One transaction in the name of a person, an access key, an agency (background work for it) or an office.

    May be nested: afterwards the surrounding actor acts again.
    """
    with transaction.atomic():
        connection.ensure_connection()
        before = _current()
        _enter(actor)
        yield
        if not connection.needs_rollback:
            _set(before)


def act_on_as(actor) -> None:
    """From here to the end of the surrounding `acting_as` somebody else acts: who has just signed on."""
    if not connection.in_atomic_block:
        raise RuntimeError("act_on_as() needs a surrounding acting_as().")
    _enter(actor)


def nobody_acts() -> None:
    """From here to the next `act_on_as` or the end of the surrounding `acting_as` there are no rows."""
    _set("")


@contextmanager
def login(alias: str) -> Iterator[None]:
    """Work with another of the logins in settings, on a connection of its own."""
    before = connections[DEFAULT_DB_ALIAS]
    connections[DEFAULT_DB_ALIAS] = connections[alias]
    try:
        yield
    finally:
        connections[DEFAULT_DB_ALIAS] = before
        connections[alias].close()


@contextmanager
def builder_login() -> Iterator[None]:
    """Work with the builder's login as the nightly build and nothing else."""
    if not settings.DATABASES[BUILDER]["USER"]:
        raise ImproperlyConfigured("DATABASE_BUILDER_URL is missing; without it no picture can be built.")
    with login(BUILDER), acting_as(Office.BUILDER):
        with connection.cursor() as cursor:
            # A cursor is planned for its first rows, which here costs ten times as much: the build reads all of them.
            cursor.execute("SET LOCAL cursor_tuple_fraction = 1")
        yield
