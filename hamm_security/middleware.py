"""Small request-wide duties for which no library is at hand."""

from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponse

GetResponse = Callable[[HttpRequest], HttpResponse]


def client_address(get_response: GetResponse) -> GetResponse:
    """Put the caller's address into REMOTE_ADDR when trusted proxies stand in front of the portal.

    Only the entries written by the trusted proxies count, read from the right: everything further left
    in X-Forwarded-For can be made up by the caller.
    """

    def middleware(request: HttpRequest) -> HttpResponse:
        hops = settings.TRUSTED_PROXY_COUNT
        if hops:
            chain = [part.strip() for part in request.META.get("HTTP_X_FORWARDED_FOR", "").split(",") if part.strip()]
            if len(chain) >= hops:
                request.META["REMOTE_ADDR"] = chain[-hops]
        return get_response(request)

    return middleware


def answer_headers(get_response: GetResponse) -> GetResponse:
    """What every answer says beside the framework's own headers; stands outside the content policy."""

    def middleware(request: HttpRequest) -> HttpResponse:
        response = get_response(request)
        response.headers.setdefault("Permissions-Policy", settings.PERMISSIONS_POLICY)
        response.headers.setdefault("Cross-Origin-Resource-Policy", "same-origin")
        # Whoever says nothing else is kept nowhere: not in the browser, not on the way.
        response.headers.setdefault("Cache-Control", "private, no-store")
        if response.headers.get("Content-Disposition", "").startswith("attachment"):
            # Opened in the browser after all, a file can run nothing and belongs to no origin.
            response.headers["Content-Security-Policy"] = "default-src 'none'; frame-ancestors 'none'; sandbox"
        return response

    return middleware
