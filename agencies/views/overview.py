"""The agencies of the cooperation: who belongs to whom, and on what footing."""

from __future__ import annotations

from dataclasses import dataclass

from django.db.models import Prefetch
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils import timezone
from django.views.decorators.http import require_safe

from agencies.access import agency_required
from agencies.models import Agency, ApiKey, Membership, MembershipStatus, User

STATUS_TONES = {
    MembershipStatus.DRAFT: "info",
    MembershipStatus.SIGNED: "info",
    MembershipStatus.ACTIVE: "success",
    MembershipStatus.SUSPENDED: "warning",
    MembershipStatus.ENDED: "neutral",
}


@dataclass(frozen=True)
class Line:
    """One agency in the list with its place in the hierarchy and its latest membership."""

    agency: Agency
    depth: int
    membership: Membership | None
    tone: str


def _with_memberships(user: User):
    seen = Membership.objects.visible_to(user)
    agencies = Agency.objects.visible_to(user).select_related("parent")
    return agencies.prefetch_related(Prefetch("memberships", queryset=seen))


def _latest(agency: Agency) -> Membership | None:
    return agency.current_membership or next(iter(agency.memberships.all()), None)


def _lines(agencies: list[Agency]) -> list[Line]:
    """Parents before their children, each level by name; an agency whose parent is not shown stands at the top."""
    shown = {agency.pk for agency in agencies}
    children: dict[int | None, list[Agency]] = {}
    for agency in agencies:
        children.setdefault(agency.parent_id if agency.parent_id in shown else None, []).append(agency)

    def walk(parent: int | None, depth: int):
        for agency in children.get(parent, ()):
            membership = _latest(agency)
            yield Line(agency, depth, membership, STATUS_TONES[membership.status] if membership else "neutral")
            yield from walk(agency.pk, depth + 1)

    return list(walk(None, 0))


@agency_required
@require_safe
def agency_list(request: HttpRequest) -> HttpResponse:
    lines = _lines(list(_with_memberships(request.user)))
    active = sum(line.membership is not None and line.membership.status == MembershipStatus.ACTIVE for line in lines)
    context = {"lines": lines, "active_count": active, "shows_all": request.user.agency.is_sharing}
    return render(request, "agencies/agency_list.html", context)


@agency_required
@require_safe
def agency_detail(request: HttpRequest, slug: str) -> HttpResponse:
    user = request.user
    agency = get_object_or_404(_with_memberships(user), slug=slug)
    is_own = agency.pk == user.agency_id
    leads = is_own and user.can("lead_agency")
    administers = user.can("administer_memberships")
    membership = _latest(agency)
    context = {
        "agency": agency,
        "children": Agency.objects.visible_to(user).filter(parent=agency),
        "membership": membership,
        "tone": STATUS_TONES[membership.status] if membership else "neutral",
        "memberships": agency.memberships.all(),
        "is_own": is_own,
        "leads": leads,
        "administers": administers,
        "may_inspect": user.can("inspect_records") and not is_own,
        "may_open_documents": is_own or administers,
        "people": _people(agency) if leads else [],
        "invitations": _open_invitations(agency) if leads else [],
        "keys": _keys(agency) if leads else [],
        "needs_lead": administers and not agency.has_lead,
    }
    return render(request, "agencies/agency_detail.html", context)


def _open_invitations(agency: Agency):
    return agency.person_invitations.filter(accepted_at=None, withdrawn_at=None, expires_at__gt=timezone.now())


def _people(agency: Agency) -> list[tuple[User, str]]:
    """Each person of the agency with the roles in words; three queries, however many people."""
    people = User.objects.filter(agency=agency).order_by("full_name", "email").prefetch_related("groups__role_group")
    return [(person, ", ".join(person.role_labels()) or "keine Rolle") for person in people]


def _keys(agency: Agency) -> list[ApiKey]:
    return list(ApiKey.objects.filter(agency=agency).select_related("created_by"))
