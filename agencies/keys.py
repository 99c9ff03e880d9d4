"""Access keys: made, checked, revoked. The key is shown once; the database keeps a prefix and a SHA-256 of the rest.

A fast hash is right here: the secret is 256 random bits, not a password a person chose.
"""

from __future__ import annotations

import datetime
import hashlib
import hmac
import ipaddress
import secrets

from django.core.exceptions import PermissionDenied, ValidationError
from django.db import transaction
from django.utils import timezone

from agencies import audit
from agencies.models import REGULAR_PULL, Agency, ApiKey, KeyScope

DEFAULT_VALID_FOR = datetime.timedelta(days=365)
_LAST_USED_STEP = datetime.timedelta(minutes=5)


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()


@transaction.atomic
def create_api_key(
    *,
    agency: Agency,
    scope: KeyScope,
    label: str,
    by,
    purpose: str = REGULAR_PULL,
    networks: list[str] | None = None,
    valid_for: datetime.timedelta = DEFAULT_VALID_FOR,
) -> tuple[ApiKey, str]:
    """Make a key and return it with its only plain copy. `by` is None on the command line.

    Every pull with the key carries its purpose into the log.
    """
    if by is not None and not (by.can("lead_agency") and by.agency_id == agency.pk):
        raise PermissionDenied("Nur die Leitung der Behörde darf Zugangsschlüssel anlegen.")
    if agency.is_coordination and scope == KeyScope.WRITE:
        raise ValidationError("Die Geschäftsstelle führt keine Meldungen. Bitte einen Schlüssel zum Lesen anlegen.")
    for network in networks or []:
        try:
            ipaddress.ip_network(network)
        except ValueError as error:
            raise ValidationError(f"„{network}“ ist kein Netz. Bitte zum Beispiel 10.1.0.0/16 angeben.") from error
    prefix, secret = secrets.token_hex(6), secrets.token_urlsafe(32)
    key = ApiKey.objects.create(
        agency=agency,
        label=label,
        prefix=prefix,
        secret_hash=_digest(secret),
        scope=scope,
        purpose=purpose,
        networks=networks or [],
        created_by=by,
        expires_at=timezone.now() + valid_for,
    )
    audit.record(audit.Act.KEY_CREATED, by=by, obj=key, owner=agency, purpose=purpose, scope=scope)
    return key, f"{prefix}.{secret}"


@transaction.atomic
def revoke_api_key(*, key: ApiKey, by) -> None:
    if not (by.can("lead_agency") and by.agency_id == key.agency_id):
        raise PermissionDenied("Nur die Leitung der Behörde darf Zugangsschlüssel sperren.")
    ApiKey.objects.filter(pk=key.pk, revoked_at=None).update(revoked_at=timezone.now())
    audit.record(audit.Act.KEY_REVOKED, by=by, obj=key, owner=key.agency)


def _is_within(address: str, networks: list[str]) -> bool:
    """A caller whose address is unknown or unreadable is within no network."""
    try:
        caller = ipaddress.ip_address(address)
    except ValueError:
        return False
    return any(caller in ipaddress.ip_network(network) for network in networks)


def find_key(presented: str, *, address: str) -> ApiKey | None:
    """The usable key that was presented from an allowed network, or None; the refusal of a known key is logged."""
    prefix, _, secret = presented.partition(".")
    key = ApiKey.objects.select_related("agency").filter(prefix=prefix).first()
    now = timezone.now()
    matches = hmac.compare_digest(_digest(secret), key.secret_hash if key else _digest(""))
    if key is None:
        return None
    if not (matches and key.is_usable(now) and (not key.networks or _is_within(address, key.networks))):
        audit.record_failure(audit.Act.KEY_REFUSED, by=None, obj=key, owner=key.agency)
        return None
    if key.last_used_at is None or now - key.last_used_at > _LAST_USED_STEP:
        ApiKey.objects.filter(pk=key.pk).update(last_used_at=now)
    return key
