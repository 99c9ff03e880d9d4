"""The way in: password or sign-on service first, then the second factor where the account has one."""

from __future__ import annotations

import hmac
import time

from axes.handlers.proxy import AxesProxyHandler
from axes.helpers import get_lockout_response
from django.contrib.auth import authenticate, login
from django.contrib.auth.signals import user_login_failed
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect

from agencies import audit
from agencies.factors import check_code, check_passkey, has_factor
from agencies.lockout import digest_of
from agencies.models import FactorKind, User
from agencies.sessions import FACTOR

_PENDING = "pending_sign_on"
_PENDING_FOR_S = 600
_BACKEND = "django.contrib.auth.backends.ModelBackend"
# What the session keeps as its factor where the agency's own service has asked for one.
BY_SERVICE = "service"


def proceed(
    request: HttpRequest, user: User, *, through: str, next_url: str, asserts_factor: bool = False
) -> HttpResponse:
    """The first step is taken: ask for the factor, or open the portal to whoever has none."""
    if has_factor(user) and not asserts_factor:
        request.session.cycle_key()
        request.session[_PENDING] = {
            "user": user.pk,
            "hash": user.get_session_auth_hash(),
            "at": int(time.time()),
            "through": through,
            "next": next_url,
        }
        return redirect("login_factor")
    return _open(request, user, through=through, factor=BY_SERVICE if asserts_factor else "", next_url=next_url)


def pending_user(request: HttpRequest) -> User | None:
    """Who has taken the first step in this browser within ten minutes, and may still come in."""
    pending = request.session.get(_PENDING)
    if pending is None or time.time() - pending["at"] > _PENDING_FOR_S:
        return None
    user = User.objects.filter(pk=pending["user"], is_active=True).first()
    if user is None or not hmac.compare_digest(user.get_session_auth_hash(), pending["hash"]):
        return None
    return user


def finish(request: HttpRequest, user: User, factor: FactorKind) -> HttpResponse:
    pending = request.session.pop(_PENDING)
    return _open(request, user, through=pending["through"], factor=factor.value, next_url=pending["next"])


def _open(request: HttpRequest, user: User, *, through: str, factor: str, next_url: str) -> HttpResponse:
    login(request, user, backend=_BACKEND)
    if factor:
        request.session[FACTOR] = factor
    audit.record(audit.Act.LOGIN, by=user, through=through, factor=factor or "none")
    # People without an agency have no start page; their account page says what is missing.
    return redirect(next_url or ("start" if user.agency_id else "account"))


def locked_response(request: HttpRequest, user: User) -> HttpResponse | None:
    """The page of the lock, if the guard has closed the account for this caller."""
    credentials = {"username": user.email}
    if AxesProxyHandler.is_allowed(request, credentials):
        return None
    return get_lockout_response(request, credentials=credentials)


def shown_factor(request: HttpRequest, user: User, *, code: str, passkey: str) -> FactorKind | None:
    """The factor shown by code or passkey; a wrong one counts with the guard like a wrong password."""
    kind = check_passkey(request=request, user=user, answer=passkey) if passkey else check_code(user=user, code=code)
    if kind is None:
        user_login_failed.send(sender=__name__, credentials={"username": user.email}, request=request)
    return kind


def has_password(request: HttpRequest, user: User, password: str) -> bool:
    """Whether it is the person's own; asked through the guard, which counts and locks."""
    return authenticate(request, username=user.email, password=password) == user


def record_failure(act: audit.Act, request: HttpRequest, user: User | None, *, typed: str, **facts) -> None:
    """Keep that somebody tried and from where; of what was typed only a digest."""
    audit.record_failure(
        act,
        by=None,
        obj=user,
        owner=user.agency if user else None,
        address=request.META.get("REMOTE_ADDR", ""),
        typed=digest_of(typed),
        **facts,
    )
