"""Signing in and out, the own account, passwords."""

from __future__ import annotations

from django.contrib import messages
from django.contrib.auth import views as auth_views
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse, reverse_lazy
from django.views.decorators.http import require_safe

from agencies import audit
from agencies.forms import FirstPasswordForm, LoginForm, OwnPasswordForm
from agencies.lockout import digest_of
from agencies.models import User
from agencies.roles import capabilities_of


class Login(auth_views.LoginView):
    template_name = "agencies/login.html"
    authentication_form = LoginForm
    redirect_authenticated_user = True

    def get_default_redirect_url(self) -> str:
        """People without an agency have no start page; their account page says what is missing."""
        return reverse("start" if self.request.user.agency_id else "account")

    def form_valid(self, form: LoginForm) -> HttpResponse:
        response = super().form_valid(form)
        audit.record(audit.Act.LOGIN, by=form.get_user())
        return response

    def form_invalid(self, form: LoginForm) -> HttpResponse:
        if form.was_refused:
            self._record_failure(form.cleaned_data["username"])
        return super().form_invalid(form)

    def _record_failure(self, typed: str) -> None:
        account = User.objects.select_related("agency").filter(email__iexact=typed).first()
        audit.record_failure(
            audit.Act.LOGIN_FAILED,
            by=None,
            obj=account,
            owner=account.agency if account else None,
            address=self.request.META.get("REMOTE_ADDR", ""),
            typed=digest_of(typed),
        )


class Logout(auth_views.LogoutView):
    def post(self, request: HttpRequest, *args, **kwargs) -> HttpResponse:
        if request.user.is_authenticated:
            audit.record(audit.Act.LOGOUT, by=request.user)
        return super().post(request, *args, **kwargs)


class ChangePassword(auth_views.PasswordChangeView):
    template_name = "agencies/password_change.html"
    form_class = OwnPasswordForm
    success_url = reverse_lazy("account")

    def form_valid(self, form: OwnPasswordForm) -> HttpResponse:
        response = super().form_valid(form)
        audit.record(audit.Act.PASSWORD_CHANGED, by=self.request.user)
        messages.success(self.request, "Ihr neues Passwort gilt ab sofort.")
        return response


class SetPassword(auth_views.PasswordResetConfirmView):
    """Opened through an access link that the agency's lead has issued."""

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
        messages.success(self.request, "Ihr Passwort ist festgelegt. Bitte melden Sie sich damit an.")
        return response


@login_required
@require_safe
def account(request: HttpRequest) -> HttpResponse:
    user = request.user
    duties = [(role.label, capabilities_of(role)) for role in sorted(user.assigned_roles)] if user.agency else []
    membership = user.agency.current_membership if user.agency else None
    return render(request, "agencies/account.html", {"duties": duties, "membership": membership})
