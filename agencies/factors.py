"""Second factors: who needs one, setting up, checking and taking away. Every step is logged."""

from __future__ import annotations

import base64
import datetime
import hashlib
import hmac
import secrets
import struct
import time
from collections.abc import Callable

from django.conf import settings
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.http import urlencode

from agencies import audit, passkeys
from agencies.encryption import decrypt, encrypt
from agencies.models import Factor, FactorKind, User
from agencies.roles import Role
from agencies.sessions import FACTOR, end_sessions

MANDATORY_ROLES = frozenset({Role.RELEASE, Role.LEAD, Role.CHAIR, Role.DATA_PROTECTION, Role.ADMIN})
STRONG = (FactorKind.TOTP, FactorKind.PASSKEY)
# RFC 6238 with the values that every authenticator app supports; one step of clock difference either way.
TOTP_STEP_S, TOTP_DIGITS, TOTP_DRIFT = 30, 6, 1
RECOVERY_CODES = 10
# At 10 tries per quarter of an hour a six-digit code holds for years.
MOST_FAILURES, PAUSE = 10, datetime.timedelta(minutes=15)
# Paths somebody may visit before the factor is set up.
_SETTING_UP = ("/konto/faktoren/", "/konto/bestaetigen/", "/konto/abmelden/", "/barrierefreiheit/", "/health/")


def has_factor(user: User) -> bool:
    return user.factors.filter(kind__in=STRONG).exists()


def needs_factor(user: User) -> bool:
    return not (settings.SECOND_FACTOR_OPTIONAL or MANDATORY_ROLES.isdisjoint(user.roles))


def second_factor(get_response: Callable[[HttpRequest], HttpResponse]) -> Callable[[HttpRequest], HttpResponse]:
    """Middleware: whoever must have a second factor and has signed on without one may set it up and nothing else."""

    def middleware(request: HttpRequest) -> HttpResponse:
        user = request.user
        is_missing = user.is_authenticated and FACTOR not in request.session and needs_factor(user)
        if is_missing and not request.path.startswith(_SETTING_UP):
            return redirect(f"{reverse('factors')}?{urlencode({'next': request.get_full_path()})}")
        return get_response(request)

    return middleware


# One-time codes


def new_totp_secret() -> str:
    return base64.b32encode(secrets.token_bytes(20)).decode()


def totp_uri(secret: str, user: User) -> str:
    """What the app reads from the picture."""
    issuer = settings.PORTAL_NAME
    query = urlencode({"secret": secret, "issuer": issuer, "digits": TOTP_DIGITS, "period": TOTP_STEP_S})
    label = urlencode({"": f"{issuer}:{user.email}"})[1:].replace("+", "%20")
    return f"otpauth://totp/{label}?{query.replace('+', '%20')}"


def totp_code(secret: str, step: int) -> str:
    """The code of one time step (RFC 4226, section 5.3)."""
    digest = hmac.new(base64.b32decode(secret), struct.pack(">Q", step), hashlib.sha1).digest()
    offset = digest[-1] & 0xF
    value = struct.unpack(">I", digest[offset : offset + 4])[0] & 0x7FFFFFFF
    return f"{value % 10**TOTP_DIGITS:0{TOTP_DIGITS}}"


def totp_step_of(secret: str, code: str, *, after: int) -> int | None:
    """The time step the code belongs to, if it is near now and later than the last one used."""
    now = int(time.time()) // TOTP_STEP_S
    for step in range(now - TOTP_DRIFT, now + TOTP_DRIFT + 1):
        if step > after and hmac.compare_digest(totp_code(secret, step).encode(), code.encode()):
            return step
    return None


@transaction.atomic
def add_totp(*, user: User, secret: str, code: str) -> Factor:
    """Keep the secret once its first code has been shown; that code is used up by this."""
    step = totp_step_of(secret, _digits(code), after=0)
    if step is None:
        raise ValidationError(
            {"code": "Der Code stimmt nicht. Bitte den neuesten Code eingeben und die Uhrzeit des Geräts prüfen."}
        )
    user.factors.filter(kind=FactorKind.TOTP).delete()
    factor = user.factors.create(
        kind=FactorKind.TOTP, label="Einmalcode-App", secret=encrypt(secret), counter=step, used_at=timezone.now()
    )
    audit.record(audit.Act.FACTOR_ADDED, by=user, obj=user, owner=user.agency, kind=factor.kind)
    return factor


def _digits(code: str) -> str:
    return code.replace(" ", "").replace("-", "")


# Passkeys


@transaction.atomic
def add_passkey(*, user: User, label: str, public_key: str, counter: int) -> Factor:
    factor = user.factors.create(kind=FactorKind.PASSKEY, label=label, secret=public_key, counter=counter)
    audit.record(audit.Act.FACTOR_ADDED, by=user, obj=user, owner=user.agency, kind=factor.kind)
    return factor


# Recovery codes


def _hash_of(code: str) -> str:
    """80 random bits need no slow hash."""
    return hashlib.sha256(code.replace("-", "").replace(" ", "").upper().encode()).hexdigest()


@transaction.atomic
def renew_recovery_codes(*, user: User) -> list[str]:
    """Replace all recovery codes; the plain ones exist in this answer only."""
    user.factors.filter(kind=FactorKind.RECOVERY).delete()
    plain = [base64.b32encode(secrets.token_bytes(10)).decode() for _ in range(RECOVERY_CODES)]
    codes = ["-".join(code[i : i + 4] for i in range(0, 16, 4)) for code in plain]
    user.factors.bulk_create(Factor(user=user, kind=FactorKind.RECOVERY, secret=_hash_of(code)) for code in codes)
    audit.record(audit.Act.RECOVERY_RENEWED, by=user, obj=user, owner=user.agency)
    return codes


def recovery_codes_left(user: User) -> int:
    return user.factors.filter(kind=FactorKind.RECOVERY, used_at=None).count()


# Checking


def is_paused(user: User) -> bool:
    """Whether too many wrong factors in a row have been tried on the account."""
    failed_at = user.factor_failed_at
    return user.factor_failures >= MOST_FAILURES and failed_at is not None and timezone.now() - failed_at < PAUSE


@transaction.atomic
def check_code(*, user: User, code: str) -> FactorKind | None:
    """Use up a one-time code or a recovery code; the kind it was, or None. A code works once."""
    locked = _locked(user)
    if is_paused(locked):
        return None
    kind = _use_totp(locked, _digits(code)) or _use_recovery(locked, code)
    _count(locked, passed=kind is not None)
    return kind


@transaction.atomic
def check_passkey(*, request: HttpRequest, user: User, answer: str) -> FactorKind | None:
    locked = _locked(user)
    if is_paused(locked):
        return None
    found = passkeys.signed(request, locked, answer)
    if found is not None:
        factor, counter = found
        Factor.objects.filter(pk=factor.pk).update(counter=counter, used_at=timezone.now())
    _count(locked, passed=found is not None)
    return FactorKind.PASSKEY if found is not None else None


def _locked(user: User) -> User:
    """Two requests with the same code come one after the other."""
    return User.objects.select_for_update(of=("self",)).get(pk=user.pk)


def _use_totp(user: User, code: str) -> FactorKind | None:
    factor = user.factors.filter(kind=FactorKind.TOTP).first()
    if factor is None or len(code) != TOTP_DIGITS:
        return None
    step = totp_step_of(decrypt(factor.secret), code, after=factor.counter)
    if step is None:
        return None
    Factor.objects.filter(pk=factor.pk).update(counter=step, used_at=timezone.now())
    return FactorKind.TOTP


def _use_recovery(user: User, code: str) -> FactorKind | None:
    rows = user.factors.filter(kind=FactorKind.RECOVERY, secret=_hash_of(code), used_at=None)
    if rows.update(used_at=timezone.now()) != 1:
        return None
    audit.record(audit.Act.RECOVERY_USED, by=user, obj=user, owner=user.agency, left=recovery_codes_left(user))
    return FactorKind.RECOVERY


def _count(user: User, *, passed: bool) -> None:
    user.factor_failures = 0 if passed else min(user.factor_failures + 1, 1000)
    user.factor_failed_at = None if passed else timezone.now()
    user.save(update_fields=("factor_failures", "factor_failed_at"))


# Taking away


@transaction.atomic
def remove_factor(*, factor: Factor, by: User) -> None:
    """Take a factor of one's own away. The last one stays where the role demands one."""
    others = by.factors.filter(kind__in=STRONG).exclude(pk=factor.pk).exists()
    if not others and needs_factor(by):
        raise ValidationError(
            "Ihre Rolle verlangt einen zweiten Faktor. Bitte zuerst einen anderen einrichten, dann diesen entfernen."
        )
    kind = factor.kind
    factor.delete()
    if not others:
        by.factors.filter(kind=FactorKind.RECOVERY).delete()
    audit.record(audit.Act.FACTOR_REMOVED, by=by, obj=by, owner=by.agency, kind=kind)


@transaction.atomic
def reset_factors(*, user: User, by) -> None:
    """Take all factors of a person who has lost them, and end the sessions.

    The lead does it for the own people, the administration for leads; nobody for themselves.
    """
    if by is not None and by.pk == user.pk:
        raise ValidationError("Die eigenen Faktoren kann niemand selbst zurücksetzen. Bitte eine zweite Person bitten.")
    is_lead = by is not None and by.can("lead_agency") and by.agency_id == user.agency_id
    is_admin = by is not None and by.can("administer_memberships") and Role.LEAD in user.roles
    if by is not None and not (is_lead or is_admin):
        raise PermissionDenied("Nur die Leitung der Behörde darf zweite Faktoren zurücksetzen.")
    user.factors.all().delete()
    User.objects.filter(pk=user.pk).update(factor_failures=0, factor_failed_at=None)
    end_sessions(user, by=by)
    audit.record(audit.Act.FACTORS_RESET, by=by, obj=user, owner=user.agency)
