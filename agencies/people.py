"""What happens to people: invited, given roles, closed, helped back in. By their own lead, and never another's."""

from __future__ import annotations

import datetime
from collections.abc import Iterable

from django.conf import settings
from django.contrib.auth.tokens import default_token_generator
from django.core.exceptions import PermissionDenied, ValidationError
from django.core.signing import BadSignature, Signer
from django.db import transaction
from django.utils import timezone
from django.utils.encoding import force_bytes
from django.utils.http import urlsafe_base64_encode

from agencies import audit
from agencies.models import Agency, Invitation, RoleGroup, User, address_as_kept
from agencies.roles import COORDINATION_ROLES, Role
from agencies.sessions import end_sessions
from agencies.wall.context import acting_as

FORGOTTEN_AFTER = datetime.timedelta(days=30)
_INVITATIONS = Signer(salt="agencies.invitation")


@transaction.atomic
def invite(*, agency: Agency, email: str, full_name: str, roles: Iterable[Role], by: User) -> Invitation:
    """Ask somebody to join the agency.

    Whether the address has an account at another agency is neither asked nor told here: the invitation is the same,
    and who opens it learns it.
    """
    roles = frozenset(roles)
    if not _leads(by, agency) and not _names_first_lead(by, agency, roles):
        raise PermissionDenied("Nur die Leitung der Behörde darf Personen einladen.")
    _check_roles(agency, roles)
    if User.objects.with_address(email).filter(agency=agency).exists():
        raise ValidationError(
            {"email": "Mit dieser E-Mail-Adresse gibt es in der Behörde schon ein Konto. Bitte die Adresse prüfen."}
        )
    now = timezone.now()
    open_ones = agency.person_invitations.filter(email=address_as_kept(email), accepted_at=None, withdrawn_at=None)
    open_ones.update(withdrawn_at=now)
    invitation = Invitation.objects.create(
        agency=agency,
        email=address_as_kept(email),
        full_name=full_name,
        roles=sorted(roles),
        invited_by=by,
        expires_at=now + datetime.timedelta(days=settings.INVITATION_DAYS),
    )
    audit.record(audit.Act.INVITED, by=by, obj=invitation, owner=agency, roles=sorted(roles))
    return invitation


def invitation_token(invitation: Invitation) -> str:
    """What the address of the invitation carries. It cannot be made from the row without the installation's key."""
    return _INVITATIONS.sign(str(invitation.pk))


def find_invitation(token: str) -> Invitation | None:
    """The open invitation of that address; None for a used, withdrawn, expired, outlived or made-up one."""
    try:
        pk = _INVITATIONS.unsign(token)
    except BadSignature:
        return None
    invitation = Invitation.objects.select_related("agency", "invited_by__agency").filter(pk=pk).first()
    return invitation if invitation is not None and _is_good(invitation) else None


def _is_good(invitation: Invitation) -> bool:
    """Whether it is open and whoever has sent it could still send it: a closed account lets nobody in behind it."""
    by, agency, roles = invitation.invited_by, invitation.agency, frozenset(map(Role, invitation.roles))
    return invitation.is_open(timezone.now()) and (_leads(by, agency) or _names_first_lead(by, agency, roles))


def holder_of(invitation: Invitation) -> User | None:
    """Whoever has an account under the invited address already, at whatever agency."""
    return User.objects.with_address(invitation.email).first()


@transaction.atomic
def take_invitation(*, invitation: Invitation, password: str) -> User:
    """Create the account. The invitation is used up by this, also when two take it at once."""
    now = timezone.now()
    taken = Invitation.objects.filter(pk=invitation.pk, accepted_at=None, withdrawn_at=None, expires_at__gt=now)
    if not _is_good(invitation) or taken.update(accepted_at=now) != 1 or holder_of(invitation) is not None:
        raise ValidationError("Diese Einladung gilt nicht mehr. Bitte die Leitung um eine neue bitten.")
    with acting_as(invitation.agency):
        user = User.objects.create_user(
            invitation.email, password, full_name=invitation.full_name, agency=invitation.agency
        )
        _write_roles(user, invitation.roles)
    audit.record(audit.Act.INVITATION_TAKEN, by=user, obj=user, owner=user.agency, roles=invitation.roles)
    return user


@transaction.atomic
def withdraw_invitation(*, invitation: Invitation, by: User) -> None:
    if not _leads(by, invitation.agency):
        raise PermissionDenied("Nur die Leitung der Behörde darf Einladungen zurückziehen.")
    invitation.withdrawn_at = timezone.now()
    invitation.save(update_fields=("withdrawn_at",))
    audit.record(audit.Act.INVITATION_WITHDRAWN, by=by, obj=invitation, owner=invitation.agency)


def forget_invitations(agency: Agency) -> int:
    """Delete names and addresses of whoever has not come, a month after the invitation has ended; how many."""
    long_ago = timezone.now() - FORGOTTEN_AFTER
    count, _ = agency.person_invitations.filter(accepted_at=None, expires_at__lt=long_ago).delete()
    return count


@transaction.atomic
def add_person(
    *, agency: Agency, email: str, full_name: str, roles: Iterable[Role], password: str | None = None
) -> User:
    """Create a person at once, for set-up commands. On the pages people are invited."""
    roles = frozenset(roles)
    _check_roles(agency, roles)
    if User.objects.with_address(email).exists():
        raise ValidationError(
            {"email": "Mit dieser E-Mail-Adresse gibt es bereits ein Konto. Bitte eine andere Adresse angeben."}
        )
    user = User.objects.create_user(email, password, full_name=full_name, agency=agency)
    _write_roles(user, roles)
    audit.record(audit.Act.ROLES_CHANGED, by=None, obj=user, owner=agency, roles=sorted(roles))
    return user


@transaction.atomic
def set_roles(*, user: User, roles: Iterable[Role], by) -> None:
    if by is not None and not _leads(by, user.agency):
        raise PermissionDenied("Nur die Leitung der Behörde darf Rollen vergeben.")
    if by is not None and by.pk == user.pk:
        raise ValidationError("Die eigenen Rollen kann niemand selbst ändern. Bitte eine zweite Leitung bitten.")
    _check_roles(user.agency, roles)
    _write_roles(user, roles)
    audit.record(audit.Act.ROLES_CHANGED, by=by, obj=user, owner=user.agency, roles=sorted(roles))


@transaction.atomic
def deactivate_person(*, user: User, by) -> None:
    """Close the account and end its sessions."""
    if by.pk == user.pk:
        raise ValidationError("Das eigene Konto kann niemand selbst sperren. Bitte eine zweite Leitung bitten.")
    _set_active(user, is_active=False, by=by)
    end_sessions(user, by=by)


@transaction.atomic
def reactivate_person(*, user: User, by) -> None:
    _set_active(user, is_active=True, by=by)


def _set_active(user: User, *, is_active: bool, by) -> None:
    if not _leads(by, user.agency):
        raise PermissionDenied("Nur die Leitung der Behörde darf Personen sperren und entsperren.")
    user.is_active = is_active
    user.save(update_fields=("is_active",))
    audit.record(audit.Act.PERSON_CHANGED, by=by, obj=user, owner=user.agency, is_active=is_active)


@transaction.atomic
def issue_access_link(*, user: User, by) -> tuple[str, str]:
    """(uid, token) of the address under which the person sets a password, once, within PASSWORD_RESET_TIMEOUT.

    Whoever issues it never learns the password.
    """
    if not _leads(by, user.agency):
        raise PermissionDenied("Nur die Leitung der Behörde darf Zugangslinks ausstellen.")
    if not user.is_active:
        raise ValidationError("Das Konto ist gesperrt. Bitte die Person zuerst entsperren.")
    audit.record(audit.Act.ACCESS_LINK_ISSUED, by=by, obj=user, owner=user.agency)
    return urlsafe_base64_encode(force_bytes(user.pk)), default_token_generator.make_token(user)


@transaction.atomic
def end_sessions_of_person(*, user: User, by: User) -> int:
    """Sign the person off everywhere, for the lead; how many sessions that were."""
    if not _leads(by, user.agency):
        raise PermissionDenied("Nur die Leitung der Behörde darf Sitzungen beenden.")
    return end_sessions(user, by=by)


def _leads(by, agency: Agency) -> bool:
    return by.can("lead_agency") and by.agency_id == agency.pk


def names_first_lead(by, agency: Agency) -> bool:
    """Whether the administration may invite a lead: the agency has none."""
    return by.can("administer_memberships") and not agency.has_lead


def _names_first_lead(by, agency: Agency, roles: frozenset[Role]) -> bool:
    return roles == {Role.LEAD} and names_first_lead(by, agency)


def _check_roles(agency: Agency, roles: Iterable[Role]) -> None:
    wanted = {Role(role) for role in roles}
    if Role.MEMBER in wanted or (wanted & COORDINATION_ROLES and not agency.is_coordination):
        raise ValidationError("Diese Rolle gibt es in der Behörde nicht. Bitte eine andere Rolle wählen.")


def _write_roles(user: User, roles: Iterable[Role]) -> None:
    groups = RoleGroup.objects.filter(agency=user.agency, role__in={*roles, Role.MEMBER})
    user.groups.set([role_group.group for role_group in groups.select_related("group")])
    user.__dict__.pop("roles", None)
