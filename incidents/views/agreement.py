"""The administration's page for what an agency may give by its agreement, and until when."""

from __future__ import annotations

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods

from agencies.access import freshly_confirmed, requires
from agencies.memberships import IN_FORCE, set_scope
from agencies.models import Agency
from incidents.agreement import ScopeForm
from incidents.tasks import withdraw_pending

_TAKEN = "Der Umfang ist festgelegt und gilt ab sofort."
_WAITS = (
    "Der neue Umfang geht über die bisherige Vereinbarung hinaus. Er gilt, sobald eine zweite Person der "
    "Administration ihn bestätigt; bis dahin bleibt alles, wie es ist."
)


@requires("administer_memberships")
@require_http_methods(["GET", "HEAD", "POST"])
@freshly_confirmed
def membership_scope(request: HttpRequest, slug: str) -> HttpResponse:
    agency = get_object_or_404(Agency.objects.visible_to(request.user), slug=slug)
    membership = agency.memberships.current().first()
    if membership is None:
        raise Http404
    is_in_force = membership.status in IN_FORCE
    form = ScopeForm(request.POST or None, initial=ScopeForm.initial_of(membership), needs_reason=is_in_force)
    if request.method == "POST" and form.is_valid():
        try:
            is_taken = set_scope(
                membership=membership,
                scope=form.scope(),
                words=form.words(),
                valid_until=form.cleaned_data["valid_until"],
                reason=form.cleaned_data["reason"],
                by=request.user,
            )
        except ValidationError as error:
            form.add_error(None, error)
        else:
            transaction.on_commit(withdraw_pending.delay, robust=True)
            messages.success(request, _TAKEN if is_taken else _WAITS)
            return redirect("agencies:membership", slug=agency.slug)
    context = {"agency": agency, "form": form, "membership": membership, "is_in_force": is_in_force}
    return render(request, "agencies/membership_scope.html", context)
