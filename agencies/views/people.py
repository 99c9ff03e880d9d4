"""People of the own agency: their lead adds them, gives roles, closes and opens accounts."""

from __future__ import annotations

from django.conf import settings
from django.contrib import messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from agencies.access import agency_required, freshly_confirmed, requires
from agencies.factors import has_factor, reset_factors
from agencies.forms import PersonForm, RolesForm, StaffForm, went_through
from agencies.models import Agency, Invitation, User
from agencies.people import (
    deactivate_person,
    end_sessions_of_person,
    invitation_token,
    invite,
    issue_access_link,
    names_first_lead,
    reactivate_person,
    set_roles,
    withdraw_invitation,
)
from agencies.roles import Role
from agencies.tasks import send_invitation


def led_agency(request: HttpRequest, slug: str) -> Agency:
    """The own agency, for its lead. Other agencies' people and keys do not exist for anybody else."""
    agency = get_object_or_404(Agency.objects.visible_to(request.user), slug=slug)
    if agency.pk != request.user.agency_id:
        raise Http404
    if not request.user.can("lead_agency"):
        raise PermissionDenied
    return agency


@agency_required
@never_cache
@require_http_methods(["GET", "POST"])
@freshly_confirmed
def person_add(request: HttpRequest, slug: str) -> HttpResponse:
    """The lead invites with roles; the administration invites only the first lead of an agency without one."""
    agency = get_object_or_404(Agency.objects.visible_to(request.user), slug=slug)
    first_lead = names_first_lead(request.user, agency)
    if not first_lead:
        agency = led_agency(request, slug)
    form = (PersonForm if first_lead else StaffForm)(request.POST or None, agency=agency)
    if request.method == "POST" and form.is_valid():
        values = {"email": form.cleaned_data["email"], "full_name": form.cleaned_data["full_name"]}
        try:
            invitation = invite(agency=agency, roles=form.wanted_roles(), by=request.user, **values)
        except ValidationError as error:
            form.add_error(None, error)
        else:
            return _show_invitation(request, invitation)
    return render(request, "agencies/person_form.html", {"form": form, "agency": agency})


def _show_invitation(request: HttpRequest, invitation: Invitation) -> HttpResponse:
    """Mailed where mail is set up; else the lead hands the address over. Nothing here tells who has an account."""
    context = {"agency": invitation.agency, "invitation": invitation}
    if settings.EMAIL_HOST:
        origin = request.build_absolute_uri("/").rstrip("/")
        transaction.on_commit(lambda: send_invitation.delay(str(invitation.pk), origin))
    else:
        path = reverse("invitation", args=[invitation_token(invitation)])
        context["address"] = request.build_absolute_uri(path)
    return render(request, "agencies/invited.html", context)


@agency_required
@require_POST
@freshly_confirmed
def invitation_withdraw(request: HttpRequest, slug: str, pk) -> HttpResponse:
    agency = led_agency(request, slug)
    invitation = get_object_or_404(agency.person_invitations.filter(accepted_at=None, withdrawn_at=None), pk=pk)
    withdraw_invitation(invitation=invitation, by=request.user)
    messages.success(request, f"Die Einladung von {invitation.full_name} ist zurückgezogen.")
    return redirect("agencies:detail", slug=agency.slug)


@agency_required
@require_http_methods(["GET", "POST"])
@freshly_confirmed
def person_detail(request: HttpRequest, slug: str, pk: int) -> HttpResponse:
    agency = led_agency(request, slug)
    person = get_object_or_404(User, agency=agency, pk=pk)
    initial = {"roles": [role.value for role in person.assigned_roles]}
    form = RolesForm(request.POST or None, agency=agency, initial=initial)
    if request.method == "POST":
        # A form without a ticked box posts nothing but the token, which still means "no role".
        form = RolesForm(request.POST, agency=agency)
        roles = {"roles": form.cleaned_data["roles"]} if form.is_valid() else None
        if roles and went_through(form, set_roles, user=person, by=request.user, **roles):
            messages.success(request, f"Die Rollen von {person} sind gespeichert.")
            return redirect("agencies:detail", slug=agency.slug)
    context = {
        "form": form,
        "agency": agency,
        "person": person,
        "is_self": person.pk == request.user.pk,
        "session_count": person.sessions.filter(expire_date__gt=timezone.now()).count(),
        "has_factor": has_factor(person),
    }
    return render(request, "agencies/person_detail.html", context)


@agency_required
@require_POST
@freshly_confirmed
def person_switch(request: HttpRequest, slug: str, pk: int) -> HttpResponse:
    """Close an open account, open a closed one."""
    agency = led_agency(request, slug)
    person = get_object_or_404(User, agency=agency, pk=pk)
    action = deactivate_person if person.is_active else reactivate_person
    try:
        action(user=person, by=request.user)
    except ValidationError as error:
        messages.error(request, error.messages[0])
    else:
        done = (
            "entsperrt" if person.is_active else "gesperrt. Die Person ist abgemeldet und kann sich nicht mehr anmelden"
        )
        messages.success(request, f"Das Konto von {person} ist {done}.")
    return redirect("agencies:person", slug=agency.slug, pk=person.pk)


@agency_required
@never_cache
@require_POST
@freshly_confirmed
def person_link(request: HttpRequest, slug: str, pk: int) -> HttpResponse:
    agency = led_agency(request, slug)
    return _show_link(request, agency, get_object_or_404(User, agency=agency, pk=pk))


@agency_required
@require_POST
@freshly_confirmed
def person_sign_off(request: HttpRequest, slug: str, pk: int) -> HttpResponse:
    agency = led_agency(request, slug)
    person = get_object_or_404(User, agency=agency, pk=pk)
    count = end_sessions_of_person(user=person, by=request.user)
    text = f"{person} ist überall abgemeldet." if count else f"{person} war nirgends angemeldet."
    messages.success(request, text)
    if person.pk == request.user.pk:
        return redirect("login")
    return redirect("agencies:person", slug=agency.slug, pk=person.pk)


@agency_required
@require_POST
@freshly_confirmed
def person_reset(request: HttpRequest, slug: str, pk: int) -> HttpResponse:
    """Take the second factors of somebody who has lost them."""
    agency = led_agency(request, slug)
    person = get_object_or_404(User, agency=agency, pk=pk)
    _reset(request, person)
    return redirect("agencies:person", slug=agency.slug, pk=person.pk)


@requires("administer_memberships")
@require_http_methods(["GET", "POST"])
@freshly_confirmed
def leads(request: HttpRequest, slug: str) -> HttpResponse:
    """For the administration: the leads of an agency, whose second factors nobody there could reset."""
    agency = get_object_or_404(Agency.objects.visible_to(request.user), slug=slug)
    people = User.objects.filter(agency=agency, groups__role_group__agency=agency, groups__role_group__role=Role.LEAD)
    if request.method == "POST":
        pk = request.POST.get("person", "")
        _reset(request, get_object_or_404(people, pk=pk if pk.isdecimal() else 0))
        return redirect("agencies:leads", slug=agency.slug)
    return render(request, "agencies/leads.html", {"agency": agency, "people": people.order_by("full_name", "email")})


def _reset(request: HttpRequest, person: User) -> None:
    try:
        reset_factors(user=person, by=request.user)
    except ValidationError as error:
        messages.error(request, error.messages[0])
    else:
        messages.success(request, f"Die zweiten Faktoren von {person} sind zurückgesetzt, die Sitzungen beendet.")


def _show_link(request: HttpRequest, agency: Agency, person: User) -> HttpResponse:
    try:
        uid, token = issue_access_link(user=person, by=request.user)
    except ValidationError as error:
        messages.error(request, error.messages[0])
        return redirect("agencies:person", slug=agency.slug, pk=person.pk)
    address = request.build_absolute_uri(reverse("password_set", args=[uid, token]))
    return render(request, "agencies/access_link.html", {"agency": agency, "person": person, "address": address})
