"""Limits of the interface: per key and per address. Keys that are refused count against their address."""

from __future__ import annotations

from django.conf import settings
from rest_framework.exceptions import PermissionDenied, Throttled
from rest_framework.request import Request
from rest_framework.throttling import BaseThrottle

from agencies.limits import address_of, count, look


class KeyThrottle(BaseThrottle):
    """Asked by the framework once the key is known."""

    def allow_request(self, request: Request, view) -> bool:
        self.seconds = count("api_key", f"key:{request.user.pk}")
        return self.seconds == 0

    def wait(self) -> int:
        return self.seconds


def check_connection(request: Request) -> None:
    """Unencrypted calls are refused and not sent on to https: the caller would show the key in the open every time."""
    if settings.SECURE_SSL_REDIRECT and not request.is_secure():
        raise PermissionDenied("Die Schnittstelle antwortet nur über https. Bitte die Adresse des Aufrufs ändern.")


def check_address(request: Request) -> None:
    """Before any key is looked up: an address that calls too often, or with keys that are refused, waits."""
    address = address_of(request)
    if seconds := count("api_address", address) or look("api_refused", address):
        raise Throttled(seconds)


def note_refusal(request: Request) -> None:
    count("api_refused", address_of(request))
