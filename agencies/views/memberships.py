"""The guided process of a membership, for the administration; its document also for the agency itself."""

from __future__ import annotations

import secrets

from django import forms
from django.contrib import messages
from django.http import FileResponse, Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods, require_safe

from agencies import audit
from agencies.access import agency_required, requires
from agencies.actions import (
    MEMBERSHIP_STEPS,
    activate_membership,
    end_membership,
    propose_membership,
    sign_membership,
    suspend_membership,
)
from agencies.forms import ActivateForm, ProposeForm, ReasonForm, SignForm, went_through
from agencies.models import Agency, Membership, MembershipStatus

# The part of the address, the status it leads to, its form and its action.
STEPS = {
    "vorschlagen": (MembershipStatus.DRAFT, ProposeForm, propose_membership),
    "unterzeichnen": (MembershipStatus.SIGNED, SignForm, sign_membership),
    "aktivieren": (MembershipStatus.ACTIVE, ActivateForm, activate_membership),
    "aussetzen": (MembershipStatus.SUSPENDED, ReasonForm, suspend_membership),
    "beenden": (MembershipStatus.ENDED, ReasonForm, end_membership),
}


def _offered(membership: Membership | None) -> list[str]:
    if membership is None:
        return ["vorschlagen"]
    allowed = MEMBERSHIP_STEPS[MembershipStatus(membership.status)]
    return [name for name, (status, _, _) in STEPS.items() if status in allowed]


@requires("administer_memberships")
@require_http_methods(["GET", "POST"])
def membership_steps(request: HttpRequest, slug: str, step: str = "") -> HttpResponse:
    """Show the process with one form per allowed step; take the posted one."""
    agency = get_object_or_404(Agency.objects.visible_to(request.user), slug=slug)
    membership = agency.memberships.current().select_related("proposed_by").first()
    forms_of_steps = {name: STEPS[name][1](prefix=name) for name in _offered(membership)}
    if request.method == "POST":
        if step not in STEPS:
            raise Http404
        form = STEPS[step][1](request.POST, request.FILES, prefix=step)
        if _take(step, form, agency, membership, request.user):
            messages.success(request, f"Die Mitgliedschaft von {agency.short_name} ist fortgeschrieben.")
            return redirect("agencies:membership", slug=agency.slug)
        forms_of_steps[step] = form
    return render(request, "agencies/membership.html", _context(request, agency, membership, forms_of_steps))


def _take(step: str, form: forms.Form, agency: Agency, membership: Membership | None, by) -> bool:
    if not form.is_valid():
        return False
    target = {"agency": agency} if step == "vorschlagen" else {"membership": membership}
    if membership is None and step != "vorschlagen":
        form.add_error(None, "Die Behörde hat keine laufende Mitgliedschaft. Bitte zuerst einen Entwurf anlegen.")
        return False
    values = dict(form.cleaned_data)
    if step == "unterzeichnen":
        # The name the file had on somebody's computer is nobody's business here.
        values["document"].name = f"{agency.slug}-{secrets.token_hex(8)}.pdf"
    return went_through(form, STEPS[step][2], **target, **values, by=by)


def _context(request, agency: Agency, membership: Membership | None, forms_of_steps: dict) -> dict:
    names = {
        "vorschlagen": "Entwurf anlegen",
        "unterzeichnen": "Unterzeichnete Vereinbarung eintragen",
        "aktivieren": "Mitgliedschaft aktivieren",
        "aussetzen": "Mitgliedschaft aussetzen",
        "beenden": "Mitgliedschaft beenden",
    }
    is_resumed = membership is not None and membership.status == MembershipStatus.SUSPENDED
    names["aktivieren"] = "Mitgliedschaft wieder aktivieren" if is_resumed else names["aktivieren"]
    return {
        "agency": agency,
        "membership": membership,
        "stages": [
            {"label": status.label, "is_current": membership is not None and status == membership.status}
            for status in MembershipStatus
        ],
        "steps": [{"name": name, "title": names[name], "form": form} for name, form in forms_of_steps.items()],
        "entered_by_me": membership is not None
        and membership.status == MembershipStatus.SIGNED
        and membership.proposed_by_id == request.user.pk,
    }


@agency_required
@require_safe
def membership_document(request: HttpRequest, slug: str, pk: int) -> FileResponse:
    """The signed agreement, for the administration and the agency itself; every opening is logged."""
    user = request.user
    rows = Membership.objects.visible_to(user).select_related("agency").exclude(document="")
    membership = get_object_or_404(rows, agency__slug=slug, pk=pk)
    if not (user.can("administer_memberships") or membership.agency_id == user.agency_id):
        raise Http404
    try:
        content = membership.document.open("rb")
    except FileNotFoundError as error:
        raise Http404 from error
    audit.record(audit.Act.READ, by=user, obj=membership, owner=membership.agency, part="document")
    name = f"Vereinbarung-{membership.agency.slug}.pdf"
    return FileResponse(content, as_attachment=True, filename=name, content_type="application/pdf")
