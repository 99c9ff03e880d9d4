"""Every refusal as problem details (RFC 9457): German for people, `code` for machines."""

from __future__ import annotations

from collections.abc import Iterator

from django.core.exceptions import RequestDataTooBig
from django.core.exceptions import ValidationError as DjangoValidationError
from django.http import JsonResponse
from rest_framework.exceptions import APIException, ValidationError
from rest_framework.response import Response
from rest_framework.serializers import as_serializer_error
from rest_framework.settings import api_settings
from rest_framework.views import exception_handler

PROBLEM_JSON = "application/problem+json"
# Where the kinds of problems are described; an address relative to the portal.
TYPE_BASE = "/api/v1/docs/#problem-"
TITLES = {
    400: "Die Anfrage ist fehlerhaft",
    401: "Kein gültiger Zugangsschlüssel",
    403: "Nicht erlaubt",
    404: "Nicht gefunden",
    405: "Methode nicht vorgesehen",
    406: "Format nicht verfügbar",
    409: "Gleichzeitige Änderung",
    410: "Fortsetzung abgelaufen",
    413: "Anfrage zu groß",
    415: "Format nicht lesbar",
    429: "Zu viele Anfragen",
    500: "Interner Fehler",
}
# Fixed texts, so that an answer does not depend on why something is refused or whether it exists.
DETAILS = {
    "not_authenticated": "Bitte den Zugangsschlüssel in der Kopfzeile „Authorization: Api-Key …“ mitsenden.",
    "authentication_failed": (
        "Der Zugangsschlüssel ist falsch, abgelaufen oder gesperrt oder gilt nicht für Ihr Netz. "
        "Bitte bei der Leitung Ihrer Behörde nachfragen."
    ),
    "not_found": "Unter dieser Adresse gibt es nichts, was Sie abrufen dürfen. Adressen enden mit einem Schrägstrich.",
    "method_not_allowed": "Diese Adresse kennt die Methode nicht. Bitte die Beschreibung ansehen.",
    "not_acceptable": "Das verlangte Format gibt es hier nicht. Bitte „Accept: application/json“ senden.",
    "content_too_large": "Der Inhalt der Anfrage ist zu groß. Bitte in kleinere Anfragen teilen.",
    "parse_error": "Die Anfrage ist nicht lesbar. Bitte Adresse, Kopfzeilen und Inhalt prüfen.",
    "unsupported_media_type": "Der Inhalt muss JSON sein. Bitte „Content-Type: application/json“ senden.",
    "throttled": "Bitte warten Sie und senden Sie die Anfrage danach noch einmal.",
    "invalid": "Mindestens eine Angabe ist ungültig. Bitte die genannten Angaben berichtigen.",
    "server_error": "Die Anfrage konnte nicht bearbeitet werden. Bitte später noch einmal versuchen.",
}
# The codes a caller can meet, with their status; described on the page about the interface.
CODES = {
    "invalid": 400,
    "parse_error": 400,
    "not_authenticated": 401,
    "authentication_failed": 401,
    "permission_denied": 403,
    "not_found": 404,
    "method_not_allowed": 405,
    "not_acceptable": 406,
    "conflict": 409,
    "cursor_expired": 410,
    "content_too_large": 413,
    "unsupported_media_type": 415,
    "throttled": 429,
    "server_error": 500,
}


class ContentTooLarge(APIException):
    status_code = 413
    default_code = "content_too_large"
    default_detail = DETAILS["content_too_large"]


class CursorExpired(APIException):
    status_code = 410
    default_code = "cursor_expired"
    default_detail = (
        "Die Fortsetzung ist älter als 90 Tage. Bitte die Kopie leeren und ohne „cursor“ von vorn beginnen."
    )


class Conflict(APIException):
    status_code = 409
    default_code = "conflict"
    default_detail = "Dieselben Meldungen wurden gerade an anderer Stelle gespeichert. Bitte die Anfrage wiederholen."


def problem_details(exc: Exception, context: dict) -> Response | None:
    """The framework's answer to an error in one form; None leaves an unforeseen error to Django."""
    if isinstance(exc, DjangoValidationError):
        exc = ValidationError(as_serializer_error(exc))
    elif isinstance(exc, RequestDataTooBig):
        exc = ContentTooLarge()
    response = exception_handler(exc, context)
    if response is None:
        return None
    response.data = _body(response.status_code, response.data)
    response.content_type = PROBLEM_JSON
    return response


def _body(status: int, data: dict | list) -> dict:
    """`data` is what the framework would have answered: {"detail": …} or errors by field."""
    detail = data.get("detail") if isinstance(data, dict) else None
    if getattr(detail, "code", "invalid") == "invalid":
        return problem(status, "invalid", errors=list(field_errors(data)))
    return problem(status, detail.code, str(detail))


def problem(status: int, code: str, detail: str = "", errors: list[dict] | None = None) -> dict:
    body = {
        "type": f"{TYPE_BASE}{code}",
        "title": TITLES[status],
        "status": status,
        "detail": DETAILS.get(code, detail),
        "code": code,
    }
    return body | {"errors": errors} if errors is not None else body


def field_errors(data: object, path: tuple[str, ...] = ()) -> Iterator[dict]:
    """Nested errors as flat lines; the field of a list's element is named by its position."""
    if isinstance(data, dict):
        for name, inner in data.items():
            step = () if name == api_settings.NON_FIELD_ERRORS_KEY else (_printable(str(name)),)
            yield from field_errors(inner, path + step)
    elif isinstance(data, list):
        for position, inner in enumerate(data):
            nested = isinstance(inner, (dict, list))
            yield from field_errors(inner, (*path, str(position)) if nested else path)
    else:
        yield {"field": ".".join(path), "reason": str(data)}


def _printable(name: str) -> str:
    """Names come from the caller: half surrogates in them could not be sent back."""
    return name[:80].encode("utf-8", "replace").decode()


def problem_response(status: int, code: str) -> JsonResponse:
    """The same answer from outside the framework's views."""
    body = problem(status, code)
    return JsonResponse(body, status=status, content_type=PROBLEM_JSON, json_dumps_params={"ensure_ascii": False})
