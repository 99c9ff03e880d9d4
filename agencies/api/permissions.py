from rest_framework.permissions import SAFE_METHODS, BasePermission
from rest_framework.request import Request

from agencies.models import ApiKey


class KeyScope(BasePermission):
    """Reading needs a key, writing one with that scope. Which rows a key sees is for `visible_to` to say."""

    message = (
        "Dieser Zugangsschlüssel darf nur lesen. Bitte einen Schlüssel mit dem Umfang „Lesen und Schreiben“ verwenden."
    )

    def has_permission(self, request: Request, view) -> bool:
        key = request.auth
        return isinstance(key, ApiKey) and (request.method in SAFE_METHODS or key.can("enter_records"))
