"""Signing on through the own agency's service, and the administration's page to enter it."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from agencies import audit, openid, signing_on
from agencies.access import freshly_confirmed, requires
from agencies.forms import SignOnForm
from agencies.models import Agency, SignOn
from agencies.views.accounts import safe_next


def _service(slug: str) -> SignOn:
    return get_object_or_404(SignOn.objects.select_related("agency"), agency__slug=slug, is_active=True)


def _return_address(request: HttpRequest, service: SignOn) -> str:
    return request.build_absolute_uri(reverse("sign_on_return", args=[service.agency.slug]))


@require_safe
@never_cache
def sign_on(request: HttpRequest, slug: str) -> HttpResponse:
    """Send the browser to the agency's service."""
    if request.user.is_authenticated:
        return redirect("start")
    service = _service(slug)
    try:
        address = openid.begin(
            request, service, redirect_uri=_return_address(request, service), next_url=safe_next(request)
        )
    except openid.RefusedError as refusal:
        return _refused(request, service, refusal)
    return redirect(address)


@require_safe
@never_cache
def sign_on_return(request: HttpRequest, slug: str) -> HttpResponse:
    """The browser comes back with the service's answer."""
    service = _service(slug)
    try:
        user, next_url = openid.complete(request, service, redirect_uri=_return_address(request, service))
    except openid.RefusedError as refusal:
        return _refused(request, service, refusal)
    if (locked := signing_on.locked_response(request, user)) is not None:
        return locked
    return signing_on.proceed(request, user, through="openid", next_url=next_url, asserts_factor=service.asserts_factor)


def _refused(request: HttpRequest, service: SignOn, refusal: openid.RefusedError) -> HttpResponse:
    """One answer for every refusal; the reason is in the log."""
    audit.record_failure(
        audit.Act.LOGIN_FAILED,
        by=None,
        owner=service.agency,
        address=request.META.get("REMOTE_ADDR", ""),
        through="openid",
        reason=refusal.reason,
    )
    return render(request, "agencies/sign_on_refused.html", {"agency": service.agency}, status=403)


@requires("administer_memberships")
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@freshly_confirmed
def sign_on_settings(request: HttpRequest, slug: str) -> HttpResponse:
    """The administration enters the service of an agency; its secret is never shown again."""
    agency = get_object_or_404(Agency.objects.visible_to(request.user), slug=slug)
    service = SignOn.objects.filter(agency=agency).first()
    names = ("issuer", "client_id", "asserts_factor", "is_active")
    form = SignOnForm(request.POST or None, initial={name: getattr(service, name) for name in names} if service else {})
    if request.method == "POST" and form.is_valid():
        openid.configure(agency=agency, by=request.user, **form.cleaned_data)
        messages.success(request, f"Der Anmeldedienst von {agency.short_name} ist gespeichert.")
        return redirect("agencies:sign_on", slug=agency.slug)
    context = {
        "form": form,
        "agency": agency,
        "service": service,
        "return_address": request.build_absolute_uri(reverse("sign_on_return", args=[agency.slug])),
    }
    return render(request, "agencies/sign_on_settings.html", context)
