"""What was refused stays in the log: 403, and 404 for one object, of whoever is signed in."""

from __future__ import annotations

import uuid
from collections.abc import Callable

from django.http import HttpRequest, HttpResponse
from django.urls import ResolverMatch

from agencies import audit

# What the number in an address of a page stands for, by the longest beginning of the route's name.
_OBJECTS = {
    "incidents:": "incidents.incident",
    "complaints:": "incidents.complaint",
    "imports:": "incidents.importrun",
    "lagebild:finding": "lagebild.finding",
    "lagebild:edition": "lagebild.edition",
    "conferences:": "conferences.conference",
    "measures:": "conferences.measure",
    "agencies:person": "agencies.user",
    "agencies:key": "agencies.apikey",
    "agencies:document": "agencies.membership",
}


def refusals_logged(get_response: Callable[[HttpRequest], HttpResponse]) -> Callable[[HttpRequest], HttpResponse]:
    """Middleware. Stands outside of the request's transaction: by now that is rolled back or through.

    The entry names route, method, object and answer, never what was typed; the answer is left as it is.
    """

    def middleware(request: HttpRequest) -> HttpResponse:
        response = get_response(request)
        if response.status_code in (403, 404) and request.resolver_match is not None:
            _record(request, request.resolver_match, response.status_code)
        return response

    return middleware


def _record(request: HttpRequest, route: ResolverMatch, status: int) -> None:
    object_id = _object_id(route)
    if not request.user.is_authenticated or (status == 404 and not object_id):
        return
    audit.record_failure(
        audit.Act.ACCESS_REFUSED,
        by=request.user,
        object_type=_object_type(route) if object_id else "",
        object_id=object_id,
        route=route.view_name,
        method=request.method if request.method in ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE") else "andere",
        answer=status,
    )


def _object_id(route: ResolverMatch) -> str:
    """The identifier in the address; words, which anybody may have typed, are none."""
    for value in (route.kwargs.get("pk"), *route.kwargs.values()):
        if isinstance(value, (int, uuid.UUID)):
            return str(value)
        if isinstance(value, str):
            try:
                return str(uuid.UUID(value))
            except ValueError:
                continue
    return ""


def _object_type(route: ResolverMatch) -> str:
    view = getattr(route.func, "cls", None)
    if view is not None:
        return view.queryset.model._meta.label_lower
    found = [start for start in _OBJECTS if route.view_name.startswith(start)]
    return _OBJECTS[max(found, key=len)] if found else ""
