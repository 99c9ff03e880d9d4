"""What the brute-force guard may keep of a failed login, and what the person reads when it locks."""

from __future__ import annotations

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.crypto import salted_hmac

from agencies import audit
from agencies.models import address_as_kept

_SALT = "agencies.lockout"


def digest_of(typed: str) -> str:
    """Keyed digest of what was typed as e-mail: tells repeated attempts apart, and nothing else.

    People type passwords and private addresses into the wrong field, so the plain text is kept nowhere.
    """
    return salted_hmac(_SALT, address_as_kept(typed), algorithm="sha256").hexdigest()[:32]


def account_digest(request: HttpRequest, credentials: dict | None = None) -> str:
    typed = (credentials or {}).get("username") or request.POST.get("username") or ""
    return digest_of(typed)


def locked_out(request: HttpRequest, original_response: HttpResponse | None, credentials: dict | None) -> HttpResponse:
    address = request.META.get("REMOTE_ADDR", "")
    audit.record_failure(audit.Act.LOCKED_OUT, by=None, address=address, typed=account_digest(request, credentials))
    minutes = int(settings.AXES_COOLOFF_TIME.total_seconds() // 60)
    return render(request, "agencies/locked_out.html", {"minutes": minutes}, status=429)
