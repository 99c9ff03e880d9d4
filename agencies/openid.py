"""Signing on through the OpenID Connect service of an agency: authorization code flow with state, nonce and PKCE.

The service vouches for an e-mail address; it opens an existing, active account of its own agency and nothing else.
Sources: OpenID Connect Core 1.0 (3.1.3.7), RFC 7636, RFC 9700.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
import time
from urllib.parse import urlencode, urlsplit

import jwt
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import transaction
from django.http import HttpRequest

from agencies import audit
from agencies.encryption import decrypt, encrypt
from agencies.models import Agency, MembershipStatus, SignOn, User
from agencies.outgoing import CallError, get_json, post_form
from agencies.wall.context import acting_as

_FLOW = "openid_flow"
_FLOW_FOR_S = 600
# Only signatures with a public key: what is signed with a shared one could be made by whoever verifies it.
_ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA")
_CLOCK_DRIFT_S = 60


class RefusedError(Exception):
    """The sign-on does not come about; `reason` is for the log, people read one neutral sentence."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@transaction.atomic
def configure(
    *, agency: Agency, issuer: str, client_id: str, client_secret: str, asserts_factor: bool, is_active: bool, by
) -> SignOn:
    """Create or change the agency's service; an empty secret keeps the one there is."""
    values = {
        "issuer": issuer,
        "client_id": client_id,
        "asserts_factor": asserts_factor,
        "is_active": is_active,
    }
    if client_secret:
        values["client_secret"] = encrypt(client_secret)
    service, _ = SignOn.objects.update_or_create(agency=agency, defaults=values)
    audit.record(audit.Act.SETTINGS_CHANGED, by=by, obj=service, owner=agency, part="sign_on", is_active=is_active)
    return service


def _discovered(service: SignOn) -> dict:
    """The service's own description of itself. It must call itself by the issuer that was entered."""
    description = get_json(f"{service.issuer}/.well-known/openid-configuration")
    issuer = description.get("issuer")
    if not isinstance(issuer, str) or issuer.rstrip("/") != service.issuer:
        raise RefusedError("issuer")
    return description


def _address(description: dict, name: str) -> str:
    """One of the addresses in the description; raises `CallError` where there is none that could be called."""
    value = description.get(name)
    try:
        if isinstance(value, str) and urlsplit(value).scheme == "https":
            return value
    except ValueError as error:
        raise CallError(f"{name}: {error}") from error
    raise CallError(f"{name}: no https address")


def begin(request: HttpRequest, service: SignOn, *, redirect_uri: str, next_url: str) -> str:
    """The address of the service to send the browser to; what the answer must fit waits in the session."""
    try:
        endpoint = _address(_discovered(service), "authorization_endpoint")
    except CallError as error:
        raise RefusedError("discovery") from error
    state, nonce, verifier = (secrets.token_urlsafe(32) for _ in range(3))
    request.session[_FLOW] = {
        "service": service.pk,
        "state": state,
        "nonce": nonce,
        "verifier": verifier,
        "next": next_url,
        "at": int(time.time()),
    }
    challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
    query = {
        "response_type": "code",
        "client_id": service.client_id,
        "redirect_uri": redirect_uri,
        "scope": "openid email",
        "state": state,
        "nonce": nonce,
        "code_challenge": challenge,
        "code_challenge_method": "S256",
    }
    return f"{endpoint}{'&' if '?' in endpoint else '?'}{urlencode(query)}"


def complete(request: HttpRequest, service: SignOn, *, redirect_uri: str) -> tuple[User, str]:
    """(whose account it is, where the person wanted to go). Each flow is good for one answer."""
    flow = request.session.pop(_FLOW, None)
    if flow is None or flow["service"] != service.pk or time.time() - flow["at"] > _FLOW_FOR_S:
        raise RefusedError("no_flow")
    if not hmac.compare_digest(request.GET.get("state", "").encode(), flow["state"].encode()):
        raise RefusedError("state")
    if not (code := request.GET.get("code")):
        raise RefusedError("service")
    claims = _claims(service, code, redirect_uri, flow)
    return account_for(service, claims), flow["next"]


def _claims(service: SignOn, code: str, redirect_uri: str, flow: dict) -> dict:
    try:
        description = _discovered(service)
        fields = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": redirect_uri,
            "client_id": service.client_id,
            "code_verifier": flow["verifier"],
        }
        if service.client_secret:
            fields["client_secret"] = decrypt(service.client_secret)
        token = post_form(_address(description, "token_endpoint"), fields)["id_token"]
        keys = jwt.PyJWKSet.from_dict(get_json(_address(description, "jwks_uri")))
        claims = verified(token, keys, service)
    except (CallError, KeyError, TypeError, jwt.PyJWTError) as error:
        raise RefusedError("token") from error
    if not hmac.compare_digest(str(claims.get("nonce", "")).encode(), flow["nonce"].encode()):
        raise RefusedError("nonce")
    return claims


def verified(token: str, keys: jwt.PyJWKSet, service: SignOn) -> dict:
    """The claims of a token that this service has signed for this portal, now. Raises `jwt.PyJWTError`."""
    header = jwt.get_unverified_header(token)
    fitting = [key for key in keys.keys if key.key_id == header.get("kid")] or (
        keys.keys if len(keys.keys) == 1 else []
    )
    if not fitting:
        raise jwt.InvalidTokenError("no key fits")
    claims = jwt.decode(
        token,
        fitting[0].key,
        algorithms=_ALGORITHMS,
        audience=service.client_id,
        leeway=_CLOCK_DRIFT_S,
        options={"require": ["exp", "iat", "aud", "iss", "sub"]},
    )
    if str(claims["iss"]).rstrip("/") != service.issuer:
        raise jwt.InvalidIssuerError("foreign issuer")
    if isinstance(claims["aud"], list) and len(claims["aud"]) > 1 and claims.get("azp") != service.client_id:
        raise jwt.InvalidAudienceError("issued to somebody else")
    return claims


def account_for(service: SignOn, claims: dict) -> User:
    """The open account of the service's own agency under the verified address."""
    email = claims.get("email")
    if not isinstance(email, str) or claims.get("email_verified") is not True:
        raise RefusedError("email_unverified")
    try:
        validate_email(email)
    except ValidationError as error:
        raise RefusedError("no_account") from error
    with acting_as(service.agency):
        membership = service.agency.current_membership
    if membership is None or membership.status == MembershipStatus.SUSPENDED:
        raise RefusedError("agency")
    user = User.objects.with_address(email).filter(agency_id=service.agency_id, is_active=True).first()
    if user is None:
        raise RefusedError("no_account")
    return user
