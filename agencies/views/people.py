"""People of the own agency: their lead adds them, gives roles, closes and opens accounts."""

from __future__ import annotations

from django.contrib import messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from agencies.access import agency_required
from agencies.actions import add_person, deactivate_person, issue_access_link, reactivate_person, set_roles
from agencies.forms import PersonForm, RolesForm, StaffForm, went_through
from agencies.models import Agency, User


def led_agency(request: HttpRequest, slug: str) -> Agency:
    """The own agency, for its lead. Other agencies' people and keys do not exist for anybody else."""
    agency = get_object_or_404(Agency.objects.visible_to(request.user), slug=slug)
    if agency.pk != request.user.agency_id:
        raise Http404
    if not request.user.can("lead_agency"):
        raise PermissionDenied
    return agency


def _person_form(request: HttpRequest, agency: Agency) -> PersonForm:
    """The lead chooses roles; the administration names only the first lead of an agency without one."""
    form_class: type[PersonForm] = StaffForm
    if request.user.can("administer_memberships") and not agency.has_lead:
        form_class = PersonForm
    return form_class(request.POST or None, agency=agency)


@agency_required
@never_cache
@require_http_methods(["GET", "POST"])
def person_add(request: HttpRequest, slug: str) -> HttpResponse:
    agency = get_object_or_404(Agency.objects.visible_to(request.user), slug=slug)
    if not (request.user.can("administer_memberships") and not agency.has_lead):
        agency = led_agency(request, slug)
    form = _person_form(request, agency)
    if request.method == "POST" and form.is_valid():
        values = {"email": form.cleaned_data["email"], "full_name": form.cleaned_data["full_name"]}
        if went_through(form, add_person, agency=agency, roles=form.wanted_roles(), by=request.user, **values):
            person = User.objects.get(email__iexact=values["email"])
            return _show_link(request, agency, person)
    return render(request, "agencies/person_form.html", {"form": form, "agency": agency})


@agency_required
@require_http_methods(["GET", "POST"])
def person_detail(request: HttpRequest, slug: str, pk: int) -> HttpResponse:
    agency = led_agency(request, slug)
    person = get_object_or_404(User, agency=agency, pk=pk)
    initial = {"roles": [role.value for role in person.assigned_roles]}
    form = RolesForm(request.POST or None, agency=agency, initial=initial)
    if request.method == "POST":
        # A form without a ticked box posts nothing but the token, which still means "no role".
        form = RolesForm(request.POST, agency=agency)
        if form.is_valid() and went_through(
            form, set_roles, user=person, roles=form.cleaned_data["roles"], by=request.user
        ):
            messages.success(request, f"Die Rollen von {person} sind gespeichert.")
            return redirect("agencies:detail", slug=agency.slug)
    context = {"form": form, "agency": agency, "person": person, "is_self": person.pk == request.user.pk}
    return render(request, "agencies/person_detail.html", context)


@agency_required
@require_POST
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
        done = "ist entsperrt" if person.is_active else "ist gesperrt und kann sich nicht mehr anmelden"
        messages.success(request, f"Das Konto von {person} {done}.")
    return redirect("agencies:person", slug=agency.slug, pk=person.pk)


@agency_required
@never_cache
@require_POST
def person_link(request: HttpRequest, slug: str, pk: int) -> HttpResponse:
    agency = led_agency(request, slug)
    return _show_link(request, agency, get_object_or_404(User, agency=agency, pk=pk))


def _show_link(request: HttpRequest, agency: Agency, person: User) -> HttpResponse:
    try:
        uid, token = issue_access_link(user=person, by=request.user)
    except ValidationError as error:
        messages.error(request, error.messages[0])
        return redirect("agencies:person", slug=agency.slug, pk=person.pk)
    address = request.build_absolute_uri(reverse("password_set", args=[uid, token]))
    return render(request, "agencies/access_link.html", {"agency": agency, "person": person, "address": address})
