"""Passkeys (WebAuthn) as a second factor: what the browser is asked and how its answer is checked."""

from __future__ import annotations

import base64
import binascii
import json

from django.core.exceptions import ValidationError
from django.http import HttpRequest
from fido2.server import Fido2Server
from fido2.webauthn import (
    AttestedCredentialData,
    AuthenticationResponse,
    PublicKeyCredentialRpEntity,
    PublicKeyCredentialUserEntity,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)

from agencies.models import Factor, FactorKind, User

_STATE = "passkey_state"
_REFUSED = "Der Passkey wurde nicht angenommen. Bitte erneut versuchen oder einen anderen Faktor benutzen."


def _server(request: HttpRequest) -> Fido2Server:
    """The portal as browsers know it: by its host name, which Django has checked against ALLOWED_HOSTS."""
    host = request.get_host().partition(":")[0]
    return Fido2Server(PublicKeyCredentialRpEntity(id=host, name=host))


def _credential(factor: Factor) -> AttestedCredentialData:
    return AttestedCredentialData(base64.b64decode(factor.secret))


def _answer(text: str) -> dict:
    try:
        answer = json.loads(text)
    except ValueError as error:
        raise ValidationError(_REFUSED) from error
    if not isinstance(answer, dict):
        raise ValidationError(_REFUSED)
    return answer


def ask_to_register(request: HttpRequest, user: User) -> str:
    """Options for `navigator.credentials.create` as JSON; the challenge waits in the session."""
    known = [_credential(factor) for factor in user.factors.filter(kind=FactorKind.PASSKEY)]
    entity = PublicKeyCredentialUserEntity(id=f"person-{user.pk}".encode(), name=user.email, display_name=str(user))
    options, state = _server(request).register_begin(
        user=entity,
        credentials=known,
        resident_key_requirement=ResidentKeyRequirement.DISCOURAGED,
        user_verification=UserVerificationRequirement.PREFERRED,
    )
    request.session[_STATE] = state
    return json.dumps(dict(options))


def registered(request: HttpRequest, answer: str) -> tuple[str, int]:
    """(public key as stored, counter) of the new passkey. Each challenge is good for one answer."""
    state = request.session.pop(_STATE, None)
    if state is None:
        raise ValidationError(_REFUSED)
    try:
        data = _server(request).register_complete(state, _answer(answer))
    except (ValueError, TypeError, KeyError, AttributeError, binascii.Error) as error:
        raise ValidationError(_REFUSED) from error
    return base64.b64encode(bytes(data.credential_data)).decode(), data.counter


def passkey_options(request: HttpRequest, user: User) -> str:
    """What the page asks the browser to sign; empty for whoever has no passkey."""
    return _ask_to_sign(request, user) if user.factors.filter(kind=FactorKind.PASSKEY).exists() else ""


def _ask_to_sign(request: HttpRequest, user: User) -> str:
    """Options for `navigator.credentials.get` as JSON."""
    known = [_credential(factor) for factor in user.factors.filter(kind=FactorKind.PASSKEY)]
    options, state = _server(request).authenticate_begin(known, UserVerificationRequirement.PREFERRED)
    request.session[_STATE] = state
    return json.dumps(dict(options))


def signed(request: HttpRequest, user: User, answer: str) -> tuple[Factor, int] | None:
    """The passkey that has answered the challenge, with its new counter; None if none of the person's has.

    A counter that does not grow betrays a copy (WebAuthn 7.2, step 22); passkeys that do not count say 0.
    """
    state = request.session.pop(_STATE, None)
    if state is None:
        return None
    factors = list(user.factors.filter(kind=FactorKind.PASSKEY))
    known = {_credential(factor).credential_id: factor for factor in factors}
    try:
        response = AuthenticationResponse.from_dict(_answer(answer))
        used = _server(request).authenticate_complete(state, [_credential(factor) for factor in factors], response)
    except (ValidationError, ValueError, TypeError, KeyError, AttributeError, binascii.Error):
        return None
    factor, counter = known[used.credential_id], response.response.authenticator_data.counter
    if (counter or factor.counter) and counter <= factor.counter:
        return None
    return factor, counter
