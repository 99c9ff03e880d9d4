"""The doors of the pages: who must be signed in, belong to an agency, hold a capability."""

from __future__ import annotations

import functools
from collections.abc import Callable

from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

View = Callable[..., HttpResponse]


def agency_required(view: View) -> View:
    """Let in who is signed in and belongs to an agency; tell the others plainly what is missing."""

    @login_required
    @functools.wraps(view)
    def guarded(request: HttpRequest, *args, **kwargs) -> HttpResponse:
        if request.user.agency is None:
            return render(request, "agencies/no_agency.html", status=403)
        return view(request, *args, **kwargs)

    return guarded


def requires(capability: str) -> Callable[[View], View]:
    """Let in who holds the capability; 403 for what a person may know of but not do."""

    def decorate(view: View) -> View:
        @agency_required
        @functools.wraps(view)
        def guarded(request: HttpRequest, *args, **kwargs) -> HttpResponse:
            if not request.user.can(capability):
                raise PermissionDenied
            return view(request, *args, **kwargs)

        return guarded

    return decorate
