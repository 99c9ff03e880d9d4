"""Small request-wide duties for which no library is at hand."""

from collections.abc import Callable, Iterator

from django.conf import settings
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse

from agencies.api.auth import shows_key
from agencies.wall.context import Office, act_on_as, acting_as, nobody_acts

GetResponse = Callable[[HttpRequest], HttpResponse]
# Monitoring must get an answer when the database gives none.
_MONITORING = ("/health/", "/metrics")


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


def acting(get_response: GetResponse) -> GetResponse:
    """Run the request in one transaction in the name of who is signed in, else of a visitor.

    A streamed answer is produced after the view has returned: it gets a transaction of its own in the same name.
    """

    def middleware(request: HttpRequest) -> HttpResponse:
        if request.path_info.startswith(_MONITORING):
            return get_response(request)
        with acting_as(Office.VISITOR):
            actor = request.user if request.user.is_authenticated else Office.VISITOR
            if actor is not Office.VISITOR:
                act_on_as(actor)
            elif shows_key(request):
                # The key is asked for within the view's savepoint, behind which a visitor's rights would wait.
                nobody_acts()
            response = get_response(request)
        if isinstance(response, StreamingHttpResponse) and not response.is_async:
            response.streaming_content = _streamed(response.streaming_content, actor)
        return response

    return middleware


def _streamed(chunks: Iterator[bytes], actor) -> Iterator[bytes]:
    with acting_as(actor):
        yield from chunks
