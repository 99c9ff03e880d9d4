"""What time does to memberships: reminders before the end of a term, and the end itself."""

from __future__ import annotations

import datetime

from django.core.mail import EmailMessage
from django.db import transaction
from django.db.models import Q
from django.template.loader import render_to_string

from agencies.memberships import EXPIRED, IN_FORCE, end_membership
from agencies.models import Membership, MembershipStatus, User
from agencies.roles import Role

REMIND_DAYS = (90, 30, 7)


def memberships_running_out(today: datetime.date) -> list[Membership]:
    """Memberships in force whose term has ended or ends within the longest reminder."""
    horizon = today + datetime.timedelta(days=max(REMIND_DAYS))
    rows = Membership.objects.filter(status__in=IN_FORCE, valid_until__lte=horizon)
    return list(rows.select_related("agency").order_by("valid_until", "pk"))


def running_out_for(user, today: datetime.date) -> list[Membership]:
    """Memberships whose end the person should know of: the own agency's for leads, all for the administration."""
    if user.can("administer_memberships"):
        return memberships_running_out(today)
    if user.can("lead_agency"):
        return [row for row in memberships_running_out(today) if row.agency_id == user.agency_id]
    return []


def waiting_for(user) -> list[Membership]:
    """Memberships with a step that this administrator can take as the second person."""
    if not user.can("administer_memberships"):
        return []
    to_activate = Q(status=MembershipStatus.SIGNED) & ~Q(proposed_by=user)
    to_lift = Q(status=MembershipStatus.SUSPENDED, lifting_proposed_by__isnull=False) & ~Q(lifting_proposed_by=user)
    to_widen = Q(proposal__isnull=False) & ~Q(proposal__proposed_by=user)
    rows = Membership.objects.filter(to_activate | (to_lift & ~Q(suspended_by=user)) | to_widen)
    return list(rows.select_related("agency").order_by("agency__short_name"))


def keep_term(*, membership: Membership, today: datetime.date) -> str:
    """ "ended" when the term is over, "reminded" when a reminder was due and went out, else ""; safe to repeat."""
    if membership.valid_until is None or membership.status not in IN_FORCE:
        return ""
    if membership.valid_until < today:
        end_membership(membership=membership, reason=EXPIRED, by=None)
        return "ended"
    return "reminded" if _remind(membership, today) else ""


@transaction.atomic
def _remind(membership: Membership, today: datetime.date) -> bool:
    """Each reminder goes out once; a mail that cannot be sent leaves it due."""
    left = (membership.valid_until - today).days
    due = min((days for days in REMIND_DAYS if left <= days), default=None)
    if due is None:
        return False
    unsent = Q(reminded_days=None) | Q(reminded_days__gt=due)
    claimed = Membership.objects.filter(unsent, pk=membership.pk, valid_until=membership.valid_until)
    if not claimed.update(reminded_days=due):
        return False
    EmailMessage(
        subject=f"Mitgliedschaft von {membership.agency.short_name} endet am {membership.valid_until:%d.%m.%Y}",
        body=render_to_string("agencies/membership_expiry.txt", {"membership": membership, "days": left}),
        bcc=_addressees(membership),
    ).send()
    return True


def _addressees(membership: Membership) -> list[str]:
    """The agency's office and leads, and the administration; each once."""
    leads = Q(agency=membership.agency, groups__role_group__role=Role.LEAD)
    administration = Q(agency__is_coordination=True, groups__role_group__role=Role.ADMIN)
    people = User.objects.filter(leads | administration, is_active=True).values_list("email", flat=True)
    return sorted({*people, *filter(None, (membership.contact_email,))})
