"""Access keys of the own agency, for its lead."""

from __future__ import annotations

import datetime

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from agencies.access import agency_required, freshly_confirmed
from agencies.forms import KeyForm
from agencies.keys import create_api_key, revoke_api_key
from agencies.models import ApiKey, KeyScope
from agencies.views.people import led_agency


@agency_required
@never_cache
@require_http_methods(["GET", "POST"])
@freshly_confirmed
def key_add(request: HttpRequest, slug: str) -> HttpResponse:
    """The answer to the POST is the only page that ever shows the secret, so nothing is stored on the way."""
    agency = led_agency(request, slug)
    form = KeyForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        data = form.cleaned_data
        try:
            key, secret = create_api_key(
                agency=agency,
                scope=KeyScope(data["scope"]),
                label=data["label"],
                purpose=data["purpose"],
                by=request.user,
                networks=data["networks"],
                valid_for=datetime.timedelta(days=data["days"]),
            )
        except ValidationError as error:
            form.add_error(None, error)
        else:
            return render(request, "agencies/key_created.html", {"agency": agency, "key": key, "secret": secret})
    return render(request, "agencies/key_form.html", {"form": form, "agency": agency})


@agency_required
@require_POST
def key_revoke(request: HttpRequest, slug: str, pk: int) -> HttpResponse:
    agency = led_agency(request, slug)
    key = get_object_or_404(ApiKey, agency=agency, pk=pk)
    revoke_api_key(key=key, by=request.user)
    messages.success(request, f"Der Zugangsschlüssel „{key.label}“ ist gesperrt und gilt ab sofort nicht mehr.")
    return redirect("agencies:detail", slug=agency.slug)
