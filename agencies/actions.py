"""What happens to agencies, memberships and people. Every action writes its audit entry in the same transaction."""

from __future__ import annotations

import datetime
from collections.abc import Iterable

from django.contrib.auth.models import Group
from django.contrib.auth.tokens import default_token_generator
from django.core.exceptions import PermissionDenied, ValidationError
from django.core.files import File
from django.db import transaction
from django.utils import timezone
from django.utils.encoding import force_bytes
from django.utils.http import urlsafe_base64_encode

from agencies import audit
from agencies.models import Agency, Membership, MembershipKind, MembershipStatus, RoleGroup, User
from agencies.roles import ASSIGNABLE_ROLES, COORDINATION_ROLES, Role

# Allowed steps of a membership; activation is the four-eyes step.
MEMBERSHIP_STEPS: dict[MembershipStatus, frozenset[MembershipStatus]] = {
    MembershipStatus.DRAFT: frozenset({MembershipStatus.SIGNED, MembershipStatus.ENDED}),
    MembershipStatus.SIGNED: frozenset({MembershipStatus.ACTIVE, MembershipStatus.ENDED}),
    MembershipStatus.ACTIVE: frozenset({MembershipStatus.SUSPENDED, MembershipStatus.ENDED}),
    MembershipStatus.SUSPENDED: frozenset({MembershipStatus.ACTIVE, MembershipStatus.ENDED}),
    MembershipStatus.ENDED: frozenset(),
}


def ensure_role_groups(agency: Agency) -> None:
    """Create the agency's groups: one per role and the member group."""
    roles = [Role.MEMBER, *(r for r in ASSIGNABLE_ROLES if agency.is_coordination or r not in COORDINATION_ROLES)]
    for role in roles:
        group, _ = Group.objects.get_or_create(name=f"{agency.slug}:{role.value}")
        RoleGroup.objects.get_or_create(agency=agency, role=role, defaults={"group": group})


@transaction.atomic
def add_person(
    *, agency: Agency, email: str, full_name: str, roles: Iterable[Role], by, password: str | None = None
) -> User:
    """Create a person of the agency with the given roles. `by` is None for set-up commands.

    The administration may name the first lead of an agency that has none; everybody else comes from the lead.
    """
    roles = frozenset(roles)
    if by is not None and not _leads(by, agency) and not _names_first_lead(by, agency, roles):
        raise PermissionDenied("Nur die Leitung der Behörde darf Personen anlegen.")
    if User.objects.filter(email__iexact=email).exists():
        raise ValidationError(
            {"email": "Mit dieser E-Mail-Adresse gibt es bereits ein Konto. Bitte eine andere Adresse angeben."}
        )
    user = User.objects.create_user(email, password, full_name=full_name, agency=agency)
    _write_roles(user, roles)
    audit.record(audit.Act.ROLES_CHANGED, by=by, obj=user, owner=agency, roles=sorted(roles))
    return user


@transaction.atomic
def set_roles(*, user: User, roles: Iterable[Role], by) -> None:
    if by is not None and not _leads(by, user.agency):
        raise PermissionDenied("Nur die Leitung der Behörde darf Rollen vergeben.")
    if by is not None and by.pk == user.pk:
        raise ValidationError("Die eigenen Rollen kann niemand selbst ändern. Bitte eine zweite Leitung bitten.")
    _write_roles(user, roles)
    audit.record(audit.Act.ROLES_CHANGED, by=by, obj=user, owner=user.agency, roles=sorted(roles))


@transaction.atomic
def deactivate_person(*, user: User, by) -> None:
    """Close the account; sessions end with the next request, because an inactive person is never signed in."""
    if by.pk == user.pk:
        raise ValidationError("Das eigene Konto kann niemand selbst sperren. Bitte eine zweite Leitung bitten.")
    _set_active(user, is_active=False, by=by)


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
    first_lead = by.can("administer_memberships") and Role.LEAD in user.roles and not user.has_usable_password()
    if not (_leads(by, user.agency) or first_lead):
        raise PermissionDenied("Nur die Leitung der Behörde darf Zugangslinks ausstellen.")
    if not user.is_active:
        raise ValidationError("Das Konto ist gesperrt. Bitte die Person zuerst entsperren.")
    audit.record(audit.Act.ACCESS_LINK_ISSUED, by=by, obj=user, owner=user.agency)
    return urlsafe_base64_encode(force_bytes(user.pk)), default_token_generator.make_token(user)


def _leads(by, agency: Agency) -> bool:
    return by.can("lead_agency") and by.agency_id == agency.pk


def _names_first_lead(by, agency: Agency, roles: frozenset[Role]) -> bool:
    return by.can("administer_memberships") and roles == {Role.LEAD} and not agency.has_lead


def _write_roles(user: User, roles: Iterable[Role]) -> None:
    wanted = {Role(role) for role in roles}
    if Role.MEMBER in wanted or (wanted & COORDINATION_ROLES and not user.agency.is_coordination):
        raise ValidationError("Diese Rolle gibt es in der Behörde nicht. Bitte eine andere Rolle wählen.")
    groups = RoleGroup.objects.filter(agency=user.agency, role__in=wanted | {Role.MEMBER})
    user.groups.set([role_group.group for role_group in groups.select_related("group")])
    user.__dict__.pop("roles", None)


@transaction.atomic
def propose_membership(
    *, agency: Agency, kind: MembershipKind, valid_from: datetime.date, valid_until: datetime.date | None = None, by
) -> Membership:
    _require_administration(by)
    if agency.memberships.current().exists():
        raise ValidationError("Diese Behörde hat bereits eine Mitgliedschaft. Bitte zuerst die bestehende beenden.")
    membership = Membership.objects.create(
        agency=agency, kind=kind, valid_from=valid_from, valid_until=valid_until, proposed_by=by
    )
    _log_membership(membership, by)
    return membership


@transaction.atomic
def sign_membership(
    *, membership: Membership, signed_on: datetime.date, signatory: str, document: File | None, by
) -> None:
    """Enter the signed agreement: date, signatory and the document itself."""
    _require_administration(by)
    membership = _locked(membership)
    if document is None:
        raise ValidationError("Es fehlt das unterzeichnete Dokument. Bitte die Datei anfügen.")
    if signed_on > timezone.localdate():
        raise ValidationError("Das Datum der Unterschrift liegt in der Zukunft. Bitte das Datum prüfen.")
    _step(membership, MembershipStatus.SIGNED)
    membership.signed_on, membership.signatory, membership.document = signed_on, signatory, document
    membership.proposed_by = by
    membership.save()
    _log_membership(membership, by)


@transaction.atomic
def activate_membership(*, membership: Membership, by) -> None:
    """Second pair of eyes: whoever entered the agreement cannot activate it."""
    _require_administration(by)
    membership = _locked(membership)
    if membership.status == MembershipStatus.SIGNED and by is not None and membership.proposed_by_id == by.pk:
        raise ValidationError(
            "Wer die Vereinbarung eingetragen hat, darf sie nicht selbst aktivieren. "
            "Bitte eine zweite Person der Administration bitten."
        )
    _step(membership, MembershipStatus.ACTIVE)
    membership.activated_by, membership.activated_at = by, timezone.now()
    membership.save()
    _log_membership(membership, by)


@transaction.atomic
def suspend_membership(*, membership: Membership, reason: str, by) -> None:
    _leave(membership, MembershipStatus.SUSPENDED, reason, by)


@transaction.atomic
def end_membership(*, membership: Membership, reason: str, by) -> None:
    _leave(membership, MembershipStatus.ENDED, reason, by)


def _leave(membership: Membership, status: MembershipStatus, reason: str, by) -> None:
    _require_administration(by)
    if not reason.strip():
        raise ValidationError("Es fehlt die Begründung. Bitte angeben, warum die Mitgliedschaft sich ändert.")
    membership = _locked(membership)
    _step(membership, status)
    membership.reason = reason
    if status == MembershipStatus.ENDED:
        membership.valid_until = max(timezone.localdate(), membership.valid_from)
    membership.save()
    _log_membership(membership, by)


def _locked(membership: Membership) -> Membership:
    return Membership.objects.select_for_update().select_related("agency").get(pk=membership.pk)


def _step(membership: Membership, status: MembershipStatus) -> None:
    if status not in MEMBERSHIP_STEPS[MembershipStatus(membership.status)]:
        raise ValidationError(
            f"Von „{membership.get_status_display()}“ führt kein Weg zu „{status.label}“. "
            "Bitte den Stand der Mitgliedschaft prüfen."
        )
    membership.status = status


def _require_administration(by) -> None:
    if by is not None and not by.can("administer_memberships"):
        raise PermissionDenied("Nur die Administration darf Mitgliedschaften ändern.")


def _log_membership(membership: Membership, by) -> None:
    audit.record(audit.Act.MEMBERSHIP_CHANGED, by=by, obj=membership, owner=membership.agency, status=membership.status)
