"""The doors of the pages: who must be signed in, belong to an agency, hold a capability."""

from __future__ import annotations

import functools
from collections.abc import Callable

from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.http import urlencode

from agencies.confirming import hold
from agencies.forms import ConfirmForm
from agencies.models import User
from agencies.passkeys import passkey_options
from agencies.sessions import is_confirmed
from agencies.visibility import sees_faces
from agencies.wall.context import Office, acting_as

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
    return _passes(lambda user: user.can(capability))


def shows_records(view: View) -> View:
    """Let in who reads records by role, or while an inspection of the person runs."""
    return _passes(sees_faces)(view)


def _passes(test: Callable[[User], bool]) -> Callable[[View], View]:
    def decorate(view: View) -> View:
        @agency_required
        @functools.wraps(view)
        def guarded(request: HttpRequest, *args, **kwargs) -> HttpResponse:
            if not test(request.user):
                raise PermissionDenied
            return view(request, *args, **kwargs)

        return guarded

    return decorate


def signs_on(view: View) -> View:
    """Let the page look up accounts in order to sign somebody on, whoever is signed in in this browser just now."""

    @functools.wraps(view)
    def guarded(request: HttpRequest, *args, **kwargs) -> HttpResponse:
        with acting_as(Office.VISITOR):
            return view(request, *args, **kwargs)

    return guarded


def freshly_confirmed(view: View) -> View:
    """Ask who is there, unless that has been shown lately. Goes below the decorator that signs on.

    The form that was sent meanwhile waits in the page and is sent again afterwards.
    """

    @functools.wraps(view)
    def guarded(request: HttpRequest, *args, **kwargs) -> HttpResponse:
        if is_confirmed(request):
            return view(request, *args, **kwargs)
        if request.method == "POST":
            return ask_again(request, ConfirmForm(user=request.user, initial={"held": hold(request)}))
        return redirect(f"{reverse('confirm')}?{urlencode({'next': request.get_full_path()})}")

    return guarded


def ask_again(request: HttpRequest, form: ConfirmForm, next_url: str = "", status: int = 200) -> HttpResponse:
    """The page that asks for a password or a second factor."""
    context = {"form": form, "next": next_url, "passkey_options": passkey_options(request, request.user)}
    response = render(request, "agencies/confirm.html", context, status=status)
    response["Cache-Control"] = "no-store"
    return response
