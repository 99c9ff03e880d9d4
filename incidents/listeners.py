"""Who is told, once it is committed, that something shared with all members has changed.

Later apps register a callable here in their `ready()`; this app knows none of them. What stays below the level
`cooperation` before and after tells nobody.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from django.db import transaction

from agencies.visibility import SharingLevel

# Takes the keys of the categories concerned. Called after the commit, once per write and not once per record.
Listener = Callable[[list[int]], object]
_listeners: list[Listener] = []


def on_shared_change(listener: Listener) -> None:
    """Have `listener` called; registering twice changes nothing."""
    if listener not in _listeners:
        _listeners.append(listener)


def tell_shared_change(categories: Iterable[int]) -> None:
    """Say that cooperation faces of these categories were added, changed, lowered or removed."""
    keys = sorted(set(categories))
    if keys:
        for listener in _listeners:
            # A broker that is down must not undo what was entered; the nightly build looks again.
            transaction.on_commit(lambda listener=listener: listener(keys), robust=True)


def shared_categories(*states: tuple[int, str]) -> set[int]:
    """Of (category id, sharing level) before and after a change those that all members see."""
    return {category for category, level in states if level == SharingLevel.COOPERATION}
