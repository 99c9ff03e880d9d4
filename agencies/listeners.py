"""Who is told, once it is committed, that an agency has become, or is no longer, one that shares.

Later apps register a callable here in their `ready()`; this app knows none of them.
"""

from __future__ import annotations

from collections.abc import Callable

from django.db import transaction

# Called after the commit.
Listener = Callable[[], object]
_listeners: list[Listener] = []


def on_membership_change(listener: Listener) -> None:
    """Have `listener` called; registering twice changes nothing."""
    if listener not in _listeners:
        _listeners.append(listener)


def tell_membership_change() -> None:
    for listener in _listeners:
        # A broker that is down must not undo a suspension.
        transaction.on_commit(listener, robust=True)
