from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from agencies.access import agency_required
from agencies.purpose import SESSION_KEY, PurposeForm, stated_purpose


@agency_required
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def purpose(request: HttpRequest) -> HttpResponse:
    """Ask why foreign data are read, then go on to where the person was going."""
    following = _following(request)
    form = PurposeForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        request.session[SESSION_KEY] = form.words
        if not following:
            messages.success(request, "Der Zweck gilt ab jetzt für diese Sitzung.")
        return redirect(following or reverse("account"))
    context = {"form": form, "following": following, "stated": stated_purpose(request)}
    return render(request, "agencies/purpose.html", context)


def _following(request: HttpRequest) -> str:
    """An address of this portal, or nothing: the question must not send anybody elsewhere."""
    wanted = request.POST.get("next") or request.GET.get("next", "")
    hosts = {request.get_host()}
    is_own = url_has_allowed_host_and_scheme(wanted, allowed_hosts=hosts, require_https=request.is_secure())
    return wanted if is_own and wanted.startswith("/") else ""
