"""The only file that grants and revokes. Targets are agencies' member groups, never persons."""

from __future__ import annotations

from django.core.exceptions import PermissionDenied, ValidationError
from django.db import models, transaction
from guardian.shortcuts import assign_perm, remove_perm
from guardian.utils import get_group_obj_perms_model

from agencies import audit
from agencies.models import Agency, RoleGroup
from agencies.roles import Role
from agencies.visibility import AgencyScoped, SharingLevel


def _view_permission(record: AgencyScoped) -> str:
    return f"{record._meta.app_label}.view_{record._meta.model_name}"


def _require_release(record: AgencyScoped, by) -> None:
    if record.agency_id != by.agency_id or not by.can("share_records"):
        raise PermissionDenied("Nur die Rolle „Freigabe“ der eigenen Behörde darf Meldungen freigeben.")


@transaction.atomic
def grant(*, record: AgencyScoped, to: Agency, by, reason: str = "") -> None:
    """Let one more agency see the record's face and cleared note, whatever its level."""
    _require_release(record, by)
    if to.pk == record.agency_id:
        raise ValidationError("Die eigene Behörde sieht ihre Meldungen immer. Bitte eine andere Behörde wählen.")
    if not record.category.is_shareable:
        raise ValidationError("Meldungen dieser Art werden nie freigegeben.")
    if not record.agency.is_sharing:
        raise ValidationError(
            "Die Mitgliedschaft Ihrer Behörde ist nicht aktiv. Eine Freigabe ist deshalb nicht möglich."
        )
    if record.agency.scope.highest_at(record.category, record.district) != SharingLevel.COOPERATION:
        raise ValidationError(
            "Die Vereinbarung Ihrer Behörde mit der Kooperation erlaubt für diese Art und dieses Gebiet keine "
            "Einzelfreigabe."
        )
    if not to.is_sharing:
        raise ValidationError(f"{to.short_name} hat keine aktive Mitgliedschaft. Bitte eine andere Behörde wählen.")
    assign_perm(_view_permission(record), RoleGroup.objects.get(agency=to, role=Role.MEMBER).group, record)
    record.touch()
    audit.record(audit.Act.GRANTED, by=by, obj=record, owner=record.agency, recipient=to, purpose=reason)


@transaction.atomic
def revoke(*, record: AgencyScoped, to: Agency, by, reason: str = "") -> None:
    _require_release(record, by)
    remove_perm(_view_permission(record), RoleGroup.objects.get(agency=to, role=Role.MEMBER).group, record)
    record.touch()
    audit.record(audit.Act.REVOKED, by=by, obj=record, owner=record.agency, recipient=to, purpose=reason)


def agencies_granted(record: AgencyScoped) -> list[Agency]:
    """Agencies named in a grant on this record, active or not; for the owner's eyes only. One query."""
    grants = get_group_obj_perms_model(type(record)).objects.filter(content_object=record)
    return list(Agency.objects.filter(role_groups__group__in=grants.values("group_id")).distinct())


def agencies_seeing(record: AgencyScoped) -> list[Agency]:
    """Other agencies whose staff can see the face right now."""
    if not record.agency.is_sharing:
        return []
    others = Agency.objects.active().exclude(pk=record.agency_id)
    if record.sharing_level == SharingLevel.COOPERATION:
        return list(others)
    return list(others.filter(pk__in=[agency.pk for agency in agencies_granted(record)]))


@transaction.atomic
def withdraw_all(*, record: AgencyScoped, by, reason: str) -> None:
    """Take back every grant on the record, e.g. when its category turns out to be one that is never shared."""
    for agency in agencies_granted(record):
        remove_perm(_view_permission(record), RoleGroup.objects.get(agency=agency, role=Role.MEMBER).group, record)
        audit.record(audit.Act.REVOKED, by=by, obj=record, owner=record.agency, recipient=agency, purpose=reason)


def granted_rows(model: type[AgencyScoped], *, owner: Agency, to: Agency | None = None) -> models.QuerySet:
    """Grants on records of the owner, all or those to one agency, oldest first."""
    rows = get_group_obj_perms_model(model).objects.filter(content_object__agency=owner)
    return (rows if to is None else rows.filter(group__role_group__agency=to)).order_by("pk")


@transaction.atomic
def revoke_rows(rows: models.QuerySet, *, reason: str, limit: int | None = None) -> int:
    """Take back the first of these grants, each with an entry in the log; the number taken back."""
    found = list(rows.select_related("content_object__agency", "group__role_group__agency")[:limit])
    for row in found:
        record = row.content_object
        audit.record(
            audit.Act.REVOKED,
            by=None,
            obj=record,
            owner=record.agency,
            recipient=row.group.role_group.agency,
            purpose=reason,
        )
        record.touch()
    rows.model.objects.filter(pk__in=[row.pk for row in found]).delete()
    return len(found)
