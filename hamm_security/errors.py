from django.http import HttpRequest, HttpResponse
from django.views import defaults

from agencies.api import problems


def server_error(request: HttpRequest) -> HttpResponse:
    """An unforeseen error, told to partner systems in their own form."""
    if request.path.startswith("/api/"):
        return problems.server_error(request)
    return defaults.server_error(request)
