"""Limits of the pages: how large a request may be, and how often it may come."""

from __future__ import annotations

from collections.abc import Callable

from django.conf import settings
from django.core.exceptions import BadRequest, RequestDataTooBig
from django.http import HttpRequest, HttpResponse

from agencies.limits import address_of, count
from hamm_security.errors import too_many_requests

# What a form's own fields and the borders between files may take beside a file.
ROOM_FOR_FIELDS = 1024 * 1024
# The routes that take large files; everything else stays within what is held in memory.
LARGE_UPLOADS = frozenset({"imports:index"})
# Monitoring asks whenever it likes.
UNCOUNTED = frozenset({"health_live", "health_ready", "metrics"})
# Limits of single routes, for every method and for sending a form.
ANY_METHOD = {
    "known_places": "typing",
    "district_of_point": "typing",
    "incidents:similar": "typing",
    "complaints:similar": "typing",
    "incidents:sight": "typing",
    "complaints:sight": "typing",
    "lagebild:edition_pdf": "print",
    "conferences:pdf": "print",
    "privacy_readers_csv": "export",
    "privacy_log_csv": "export",
    "sign_on": "sign_on_service",
    "sign_on_return": "sign_on_service",
}
SENDING = {
    "incidents:export": "export",
    "complaints:export": "export",
    "imports:index": "upload",
    "lagebild:rebuild": "rebuild",
    "password_change": "password",
    "confirm": "password",
    "password_forgotten": "mail",
    "agencies:person_add": "access_link",
    "agencies:person_link": "access_link",
}


class RequestSize:
    """Refuse a body by its stated length, before any of it is read. The server reads no further than that length."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_view(self, request: HttpRequest, view, args, kwargs) -> None:
        is_large = request.resolver_match.view_name in LARGE_UPLOADS
        most = settings.UPLOAD_MAX_BYTES if is_large else settings.DATA_UPLOAD_MAX_MEMORY_SIZE
        length = request.META.get("CONTENT_LENGTH") or "0"
        if not length.isdecimal() or int(length) > most + ROOM_FOR_FIELDS:
            raise RequestDataTooBig
        # No text the database could hold; forms refuse it of themselves, questions in an address have no form.
        if "%00" in request.META.get("QUERY_STRING", ""):
            raise BadRequest


class RequestRate:
    """Count requests per person, of visitors per address; the interface counts for itself."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_view(self, request: HttpRequest, view, args, kwargs) -> HttpResponse | None:
        route = request.resolver_match.view_name
        if route in UNCOUNTED:
            return None
        is_known = request.user.is_authenticated
        who = f"person:{request.user.pk}" if is_known else address_of(request)
        names = ["person" if is_known else "visitor", ANY_METHOD.get(route)]
        if request.method == "POST":
            names += [SENDING.get(route), None if is_known else "sign_on"]
        waits = [count(name, who) for name in names if name]
        return too_many_requests(request, max(waits)) if any(waits) else None
