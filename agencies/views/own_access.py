"""What people see and change of their own access: second factors and sessions."""

from __future__ import annotations

import segno
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from agencies import factors, passkeys, sessions
from agencies.access import freshly_confirmed
from agencies.encryption import decrypt, encrypt
from agencies.forms import PasskeyForm, TotpForm, went_through
from agencies.models import FactorKind, User
from agencies.views.accounts import safe_next

_NEW_TOTP, _THEN = "new_totp", "after_factor"


@login_required
@never_cache
@require_http_methods(["GET", "HEAD"])
def own_factors(request: HttpRequest) -> HttpResponse:
    user = request.user
    if target := safe_next(request):
        request.session[_THEN] = target
    own = user.factors.filter(kind__in=factors.STRONG)
    context = {
        "factors": own,
        "has_totp": any(factor.kind == FactorKind.TOTP for factor in own),
        "codes_left": factors.recovery_codes_left(user),
        "is_due": factors.needs_factor(user) and not own,
        "is_demanded": factors.needs_factor(user),
        "then": request.session.get(_THEN, "") if own else "",
    }
    return render(request, "agencies/factors.html", context)


@login_required
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@freshly_confirmed
def factor_totp(request: HttpRequest) -> HttpResponse:
    """The picture for the app, and the first code as proof that it has arrived there."""
    secret = decrypt(request.session.setdefault(_NEW_TOTP, encrypt(factors.new_totp_secret())))
    form = TotpForm(request.POST or None)
    code = form.cleaned_data["code"] if request.method == "POST" and form.is_valid() else ""
    if code and went_through(form, factors.add_totp, user=request.user, secret=secret, code=code):
        del request.session[_NEW_TOTP]
        return _after_adding(request, FactorKind.TOTP)
    picture = segno.make(factors.totp_uri(secret, request.user), error="m").svg_data_uri(scale=4, border=2)
    spaced = " ".join(secret[i : i + 4] for i in range(0, len(secret), 4))
    return render(request, "agencies/factor_totp.html", {"form": form, "picture": picture, "secret": spaced})


@login_required
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@freshly_confirmed
def factor_passkey(request: HttpRequest) -> HttpResponse:
    form = PasskeyForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            public_key, counter = passkeys.registered(request, form.cleaned_data["passkey"])
        except ValidationError as error:
            form.add_error(None, error)
        else:
            factors.add_passkey(
                user=request.user, label=form.cleaned_data["label"], public_key=public_key, counter=counter
            )
            return _after_adding(request, FactorKind.PASSKEY)
    context = {"form": form, "options": passkeys.ask_to_register(request, request.user)}
    return render(request, "agencies/factor_passkey.html", context)


def _after_adding(request: HttpRequest, kind: FactorKind) -> HttpResponse:
    """The session counts as signed on with the factor; the first factor brings the recovery codes.

    The other sessions end: one that began with the password alone could set up a factor of its own.
    """
    request.session.cycle_key()
    request.session[sessions.FACTOR] = kind.value
    sessions.end_sessions(request.user, by=request.user, but=request.session.session_key)
    messages.success(
        request,
        "Der zweite Faktor ist eingerichtet. Ab jetzt fragt die Anmeldung danach. Andere Sitzungen sind beendet.",
    )
    if factors.recovery_codes_left(request.user):
        return redirect("factors")
    return _show_codes(request)


@login_required
@never_cache
@require_POST
@freshly_confirmed
def recovery_codes(request: HttpRequest) -> HttpResponse:
    """New codes; the answer is the only page that ever shows them."""
    if not factors.has_factor(request.user):
        messages.error(
            request, "Wiederherstellungscodes gibt es erst mit einem zweiten Faktor. Bitte zuerst einrichten."
        )
        return redirect("factors")
    return _show_codes(request)


def _show_codes(request: HttpRequest) -> HttpResponse:
    codes = factors.renew_recovery_codes(user=request.user)
    return render(request, "agencies/recovery_codes.html", {"codes": codes})


@login_required
@require_POST
@freshly_confirmed
def factor_remove(request: HttpRequest, pk: int) -> HttpResponse:
    factor = get_object_or_404(request.user.factors.filter(kind__in=factors.STRONG), pk=pk)
    try:
        factors.remove_factor(factor=factor, by=request.user)
    except ValidationError as error:
        messages.error(request, error.messages[0])
    else:
        messages.success(request, "Der zweite Faktor ist entfernt.")
    return redirect("factors")


@login_required
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def own_sessions(request: HttpRequest) -> HttpResponse:
    """Where one is signed on; ends one of the others, or all of them."""
    here = sessions.digest_of_key(request.session.session_key)
    if request.method == "POST":
        _end(request, request.user, request.POST.get("sitzung", ""))
        return redirect("sessions")
    rows = [(row, row.pk == here) for row in sessions.own_sessions(request.user)]
    return render(request, "agencies/sessions.html", {"rows": rows, "has_others": len(rows) > 1})


def _end(request: HttpRequest, user: User, which: str) -> None:
    if which == "andere":
        count = sessions.end_sessions(user, by=user, but=request.session.session_key)
        messages.success(request, "Alle anderen Sitzungen sind beendet." if count else "Es gab keine andere Sitzung.")
        return
    sessions.end_session(get_object_or_404(user.sessions.all(), pk=which), by=user)
    messages.success(request, "Die Sitzung ist beendet.")
