"""Who calls: `Authorization: Api-Key KEY`. Every reason to refuse a key gets the same answer."""

from __future__ import annotations

import re

from django.http import HttpRequest
from drf_spectacular.extensions import OpenApiAuthenticationExtension
from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request

from agencies.keys import find_key
from agencies.models import ApiKey
from agencies.wall.context import Office, act_on_as, acting_as

KEYWORD = "Api-Key"
# Anything else cannot be a key and never reaches the database.
_SHAPE = re.compile(r"[0-9a-f]{12}\.[A-Za-z0-9_-]{20,120}")


def shows_key(request: HttpRequest | Request) -> bool:
    return request.headers.get("Authorization", "").partition(" ")[0].casefold() == KEYWORD.casefold()


class ApiKeyAuthentication(BaseAuthentication):
    def authenticate(self, request: Request) -> tuple[ApiKey, ApiKey] | None:
        """The key is both who acts and what was shown; None where no key was shown at all."""
        if not shows_key(request):
            return None
        presented = request.headers["Authorization"].partition(" ")[2].strip()
        key = None
        if _SHAPE.fullmatch(presented):
            # Whoever is signed in in the same browser has no say in this.
            with acting_as(Office.VISITOR):
                key = find_key(presented, address=request.META.get("REMOTE_ADDR", ""))
        if key is None:
            raise AuthenticationFailed
        act_on_as(key)
        return key, key

    def authenticate_header(self, request: Request) -> str:
        return f'{KEYWORD} realm="api"'


class ApiKeyScheme(OpenApiAuthenticationExtension):
    target_class = ApiKeyAuthentication
    name = "ApiKey"

    def get_security_definition(self, auto_schema) -> dict:
        return {
            "type": "apiKey",
            "in": "header",
            "name": "Authorization",
            "description": "Zugangsschlüssel der Behörde in der Form: Api-Key SCHLÜSSEL",
        }
