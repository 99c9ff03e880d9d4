"""Asking again who is there before something weighty, without losing what was typed."""

from __future__ import annotations

from django.core import signing
from django.http import HttpRequest

_SALT = "agencies.confirming"
_KEPT_FOR_S = 3600


def hold(request: HttpRequest) -> str:
    """The posted fields, signed for this person: they travel through the confirmation in the page, not on the server.

    Files cannot be held: a form with one comes back with its texts and asks for the file again.
    """
    fields = [(name, value) for name, values in request.POST.lists() for value in values]
    fields = [(name, value) for name, value in fields if name != "csrfmiddlewaretoken"]
    content = {"person": request.user.pk, "path": request.get_full_path(), "fields": fields}
    return signing.dumps(content, salt=_SALT, compress=True)


def held(request: HttpRequest, text: str) -> dict | None:
    """What `hold` gave out to the same person within the hour: `path` and `fields`."""
    try:
        content = signing.loads(text, salt=_SALT, max_age=_KEPT_FOR_S)
    except signing.BadSignature:
        return None
    return content if content["person"] == request.user.pk else None
