"""Pages of errors: in German, without a word on the cause. Partner systems are told in their own form."""

from __future__ import annotations

from collections.abc import Callable

from django.conf import settings
from django.core.exceptions import RequestDataTooBig
from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string

from agencies.api import problems


def _is_interface(request: HttpRequest) -> bool:
    return request.path.startswith("/api/")


def _page(status: int, **context) -> HttpResponse:
    """Drawn without the request: it may have been refused before anybody knew whose it is."""
    return HttpResponse(
        render_to_string(f"{status}.html", {"portal_name": settings.PORTAL_NAME, **context}), status=status
    )


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    status, code = (413, "content_too_large") if isinstance(exception, RequestDataTooBig) else (400, "parse_error")
    if _is_interface(request):
        return problems.problem_response(status, code)
    return _page(status)


def server_error(request: HttpRequest) -> HttpResponse:
    """An unforeseen error."""
    if _is_interface(request):
        return problems.problem_response(500, "server_error")
    return _page(500)


def too_many_requests(request: HttpRequest, seconds: int) -> HttpResponse:
    response = problems.problem_response(429, "throttled") if _is_interface(request) else _page(429, seconds=seconds)
    response["Retry-After"] = str(seconds)
    return response


def method_page(get_response: Callable[[HttpRequest], HttpResponse]) -> Callable[[HttpRequest], HttpResponse]:
    """Refused methods come from the framework without a body."""

    def middleware(request: HttpRequest) -> HttpResponse:
        response = get_response(request)
        if response.status_code == 405 and not response.streaming and not response.content:
            page = _page(405)
            page["Allow"] = response.get("Allow", "")
            return page
        return response

    return middleware
