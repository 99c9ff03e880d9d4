"""Signing in and out, confirming, the own account, passwords."""

from __future__ import annotations

from django.conf import settings
from django.contrib import messages
from django.contrib.auth import views as auth_views
from django.contrib.auth.decorators import login_required
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse, reverse_lazy
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from agencies import audit, signing_on
from agencies.access import ask_again
from agencies.confirming import held
from agencies.factors import has_factor
from agencies.forms import ConfirmForm, FactorForm, FirstPasswordForm, ForgottenForm, LoginForm, OwnPasswordForm
from agencies.models import SignOn, User
from agencies.passkeys import passkey_options
from agencies.people import find_invitation, holder_of, take_invitation
from agencies.roles import capabilities_of
from agencies.sessions import confirm as note_confirmation
from agencies.sessions import end_sessions
from agencies.tasks import send_password_link

_ENDED = {
    "dauer": (
        "Ihre Anmeldung ist abgelaufen, weil sie länger als {hours} Stunden zurückliegt. "
        "Bitte melden Sie sich wieder an; danach geht es auf derselben Seite weiter."
    ),
    "ende": (
        "Ihre Sitzung ist beendet: Sie waren länger als {minutes} Minuten nicht tätig, oder sie wurde an anderer "
        "Stelle beendet. Bitte melden Sie sich wieder an; danach geht es auf derselben Seite weiter."
    ),
}


def safe_next(request: HttpRequest, default: str = "") -> str:
    """Where the person wanted to go, if that is a page of the portal."""
    target = request.POST.get("next") or request.GET.get("next") or ""
    allowed = url_has_allowed_host_and_scheme(target, {request.get_host()}, require_https=request.is_secure())
    return target if allowed else default


class Login(auth_views.LoginView):
    template_name = "agencies/login.html"
    authentication_form = LoginForm
    redirect_authenticated_user = True

    def get_default_redirect_url(self) -> str:
        """People without an agency have no start page; their account page says what is missing."""
        return reverse("start" if self.request.user.agency_id else "account")

    def get_context_data(self, **kwargs) -> dict:
        notice = _ENDED.get(self.request.GET.get("grund", ""), "").format(
            hours=settings.SESSION_MAX_HOURS, minutes=settings.SESSION_COOKIE_AGE // 60
        )
        services = SignOn.objects.filter(is_active=True).select_related("agency").order_by("agency__short_name")
        return super().get_context_data(
            ended_notice=notice, services=services, mails=bool(settings.EMAIL_HOST), **kwargs
        )

    def form_valid(self, form: LoginForm) -> HttpResponse:
        return signing_on.proceed(self.request, form.get_user(), through="password", next_url=self.get_redirect_url())

    def form_invalid(self, form: LoginForm) -> HttpResponse:
        if form.was_refused:
            typed = form.cleaned_data["username"]
            account = User.objects.with_address(typed).first()
            signing_on.record_failure(audit.Act.LOGIN_FAILED, self.request, account, typed=typed)
        return super().form_invalid(form)


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def login_factor(request: HttpRequest) -> HttpResponse:
    """The second step of signing in, for whoever has shown the password in this browser."""
    user = signing_on.pending_user(request)
    if user is None:
        return redirect("login")
    if (locked := signing_on.locked_response(request, user)) is not None:
        return locked
    form = FactorForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        factor = signing_on.shown_factor(request, user, **form.cleaned_data)
        if factor is not None:
            return signing_on.finish(request, user, factor)
        signing_on.record_failure(audit.Act.LOGIN_FAILED, request, user, typed=user.email, step="factor")
        form.add_error(
            None, "Der zweite Faktor stimmt nicht oder ist verbraucht. Bitte den nächsten Code der App abwarten."
        )
    context = {"form": form, "passkey_options": passkey_options(request, user)}
    return render(request, "agencies/login_factor.html", context)


class Logout(auth_views.LogoutView):
    def post(self, request: HttpRequest, *args, **kwargs) -> HttpResponse:
        if request.user.is_authenticated:
            audit.record(audit.Act.LOGOUT, by=request.user)
        return super().post(request, *args, **kwargs)


@login_required
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def confirm(request: HttpRequest) -> HttpResponse:
    """Show again who is there; then on to the page asked for, or the held form is sent again."""
    user, next_url = request.user, safe_next(request, reverse("account"))
    if request.method != "POST":
        return ask_again(request, ConfirmForm(user=user), next_url)
    if (locked := signing_on.locked_response(request, user)) is not None:
        return locked
    form = ConfirmForm(request.POST, user=user)
    if not form.is_valid():
        return ask_again(request, form, next_url)
    means = _means_shown(request, form.cleaned_data)
    if not means:
        signing_on.record_failure(audit.Act.CONFIRM_FAILED, request, user, typed=user.email)
        form.add_error(None, "Die Bestätigung stimmt nicht. Bitte Passwort oder Code prüfen.")
        return ask_again(request, form, next_url)
    note_confirmation(request)
    audit.record(audit.Act.CONFIRMED, by=user, factor=means)
    waiting = held(request, form.cleaned_data["held"])
    return render(request, "agencies/resend.html", waiting) if waiting else redirect(next_url)


def _means_shown(request: HttpRequest, data: dict) -> str:
    """By what the person has shown who it is; empty for a wrong answer."""
    if data.get("password"):
        return "password" if signing_on.has_password(request, request.user, data["password"]) else ""
    shown = signing_on.shown_factor(request, request.user, code=data.get("code", ""), passkey=data.get("passkey", ""))
    return shown.value if shown else ""


class ChangePassword(auth_views.PasswordChangeView):
    template_name = "agencies/password_change.html"
    form_class = OwnPasswordForm
    success_url = reverse_lazy("account")

    def form_valid(self, form: OwnPasswordForm) -> HttpResponse:
        response = super().form_valid(form)
        audit.record(audit.Act.PASSWORD_CHANGED, by=self.request.user)
        end_sessions(self.request.user, by=self.request.user, but=self.request.session.session_key)
        messages.success(self.request, "Ihr neues Passwort gilt ab sofort. Andere Sitzungen sind beendet.")
        return response


class SetPassword(auth_views.PasswordResetConfirmView):
    """Opened through an address that the agency's lead has issued or that came by mail."""

    template_name = "agencies/password_set.html"
    form_class = FirstPasswordForm
    success_url = reverse_lazy("login")
    reset_url_token = "neu"  # noqa: S105 – a part of the address, not a password

    def get_user(self, uidb64: str) -> User | None:
        user = super().get_user(uidb64)
        return user if user is not None and user.is_active else None

    def form_valid(self, form: FirstPasswordForm) -> HttpResponse:
        response = super().form_valid(form)
        audit.record(audit.Act.PASSWORD_CHANGED, by=self.user, through="access_link")
        end_sessions(self.user, by=self.user)
        messages.success(self.request, "Ihr Passwort ist festgelegt. Bitte melden Sie sich damit an.")
        return response


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def password_forgotten(request: HttpRequest) -> HttpResponse:
    """The same answer and the same work for every address: what becomes of it is the task's business."""
    form = ForgottenForm(request.POST or None)
    asked = request.method == "POST" and bool(settings.EMAIL_HOST) and form.is_valid()
    if asked:
        send_password_link.delay(form.cleaned_data["email"], request.build_absolute_uri("/").rstrip("/"))
    context = {"form": form, "asked": asked, "mails": bool(settings.EMAIL_HOST)}
    return render(request, "agencies/password_forgotten.html", context)


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def invitation(request: HttpRequest, token: str) -> HttpResponse:
    """Where somebody invited sets a password. Who has an account already learns it here, and only here."""
    found = find_invitation(token)
    if found is None or holder_of(found) is not None:
        return render(request, "agencies/invitation.html", {"invitation": found})
    person = User(email=found.email, full_name=found.full_name, agency=found.agency)
    form = FirstPasswordForm(person, request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            take_invitation(invitation=found, password=form.cleaned_data["new_password1"])
        except ValidationError as error:
            form.add_error(None, error)
        else:
            messages.success(request, "Ihr Konto ist eingerichtet. Bitte melden Sie sich an.")
            return redirect("login")
    return render(request, "agencies/invitation.html", {"invitation": found, "form": form})


@login_required
@require_safe
def account(request: HttpRequest) -> HttpResponse:
    user = request.user
    duties = [(role.label, capabilities_of(role)) for role in sorted(user.assigned_roles)] if user.agency else []
    membership = user.agency.current_membership if user.agency else None
    context = {"duties": duties, "membership": membership, "has_factor": has_factor(user)}
    return render(request, "agencies/account.html", context)
