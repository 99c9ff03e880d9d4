"""What the database itself refuses, whatever the code above it does."""

import datetime
import json

import pytest
from django.contrib.auth.models import Group, Permission
from django.contrib.contenttypes.models import ContentType
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import DatabaseError, IntegrityError, transaction
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from guardian.models import GroupObjectPermission, UserObjectPermission

from agencies import audit, sharing
from agencies.keys import create_api_key
from agencies.models import AuditEntry, KeyScope, Membership, MembershipKind, MembershipStatus
from agencies.roles import Role
from agencies.visibility import SharingLevel
from incidents.api.views import ComplaintViewSet, IncidentViewSet
from incidents.models import (
    Complaint,
    ComplaintNote,
    Incident,
    IncidentDetail,
    IncidentGroupObjectPermission,
    IncidentNote,
)
from tests import backstage, factories

NOTES = {Incident: IncidentNote, Complaint: ComplaintNote}
MAKERS = {Incident: factories.make_incident, Complaint: factories.make_complaint}


def generic_grant(record) -> dict:
    content_type = ContentType.objects.get_for_model(record)
    permission = Permission.objects.get(content_type=content_type, codename="view_incident")
    return {"content_type": content_type, "permission": permission, "object_pk": str(record.pk)}


def test_grants_to_persons_have_no_table(world):
    record = factories.make_incident(world.police)
    with pytest.raises(IntegrityError, match="grants_to_groups_only"):
        UserObjectPermission.objects.create(user=world.partner, **generic_grant(record))


def test_generic_grants_to_groups_have_no_table(world):
    record = factories.make_incident(world.police)
    group = world.order.role_groups.get(role=Role.MEMBER).group
    with pytest.raises(IntegrityError, match="grants_in_direct_tables_only"):
        GroupObjectPermission.objects.create(group=group, **generic_grant(record))


@pytest.mark.parametrize("role", [Role.LEAD, None], ids=["role group", "group of no agency"])
def test_a_grant_to_another_group_than_the_member_group_opens_nothing(world, role):
    record = factories.make_incident(world.police)
    group = world.fire.role_groups.get(role=role).group if role else Group.objects.create(name="Arbeitskreis")
    world.stranger.groups.add(group)
    permission = Permission.objects.get(codename="view_incident")
    IncidentGroupObjectPermission.objects.create(group=group, permission=permission, content_object=record)
    assert set(Incident.objects.visible_to(world.stranger)) == set()
    assert not world.stranger.has_perm("incidents.view_incident", record)


def test_a_model_wide_permission_opens_no_record(world):
    record = factories.make_incident(world.police)
    for user in (world.stranger, world.admin):
        user.user_permissions.set(Permission.objects.filter(content_type__app_label="incidents"))
        assert not user.has_perm("incidents.view_incident", record)
        assert not user.has_perm("incidents.change_incident", record)
        assert set(Incident.objects.visible_to(user)) == set()


def test_a_grant_goes_with_its_record(world):
    record = factories.make_incident(world.police)
    sharing.grant(record=record, to=world.order, by=world.owner_release)
    record.delete()
    assert not IncidentGroupObjectPermission.objects.exists()


@pytest.mark.parametrize(
    "name", ["owner_entry", "partner_release", "stranger", "chair", "admin", "superuser", "inactive"]
)
def test_only_the_release_of_the_owner_grants_and_revokes(world, name):
    record = factories.make_incident(world.police, sharing_level=SharingLevel.COOPERATION)
    by = world.people()[name]
    for step in (sharing.grant, sharing.revoke):
        with pytest.raises(PermissionDenied):
            step(record=record, to=world.fire, by=by)
    assert sharing.agencies_granted(record) == []


@pytest.mark.parametrize("agency", ["tax", "guest_agency", "police"])
def test_nothing_is_granted_to_agencies_without_active_membership_or_to_oneself(world, agency):
    record = factories.make_incident(world.police)
    with pytest.raises(ValidationError):
        sharing.grant(record=record, to=getattr(world, agency), by=world.owner_release)
    assert sharing.agencies_granted(record) == []


def test_a_suspended_agency_and_an_unshareable_category_grant_nothing(world):
    conduct = factories.make_category("conduct", group="g", is_shareable=False, in_picture=False)
    for record, by in (
        (factories.make_incident(world.tax), world.suspended),
        (factories.make_incident(world.police, category=conduct), world.owner_release),
    ):
        with pytest.raises(ValidationError):
            sharing.grant(record=record, to=world.order, by=by)
        assert sharing.agencies_granted(record) == []


@pytest.mark.parametrize("tamper", ["update", "delete", "save", "row delete"])
def test_the_log_only_grows(world, tamper):
    audit.record(audit.Act.READ, by=world.partner, owner=world.police)
    entry = AuditEntry.objects.get()
    steps = {
        "update": lambda: AuditEntry.objects.filter(pk=entry.pk).update(agency=world.fire),
        "delete": lambda: AuditEntry.objects.filter(pk=entry.pk).delete(),
        "save": entry.save,
        "row delete": entry.delete,
    }
    with pytest.raises(DatabaseError, match="append_only"), transaction.atomic():
        steps[tamper]()
    assert AuditEntry.objects.get(pk=entry.pk).agency == world.order


@pytest.mark.parametrize("model", NOTES)
def test_a_note_is_cleared_by_a_second_person(world, model):
    record = MAKERS[model](world.police)
    note = {"record": record, "agency": world.police, "text": "Hinweis", "written_by": world.owner_release}
    with pytest.raises(IntegrityError, match="second_person"), transaction.atomic():
        NOTES[model].objects.create(**note, cleared_by=world.owner_release, cleared_at=timezone.now())
    with pytest.raises(IntegrityError, match="clearing_whole"), transaction.atomic():
        NOTES[model].objects.create(**note, cleared_at=timezone.now())


def test_an_agency_has_one_current_membership(world):
    later = timezone.localdate() + datetime.timedelta(days=400)
    for status in set(MembershipStatus) - {MembershipStatus.ENDED}:
        with pytest.raises(IntegrityError, match="membership_one_current"), transaction.atomic():
            Membership.objects.create(
                agency=world.tax, kind=MembershipKind.VOTING, status=status, valid_from=later, signed_on=later
            )
    Membership.objects.create(
        agency=world.tax, kind=MembershipKind.VOTING, status=MembershipStatus.ENDED, valid_from=later
    )


def test_a_membership_is_not_active_without_signature(world):
    with pytest.raises(IntegrityError, match="membership_active_signed"), transaction.atomic():
        Membership.objects.filter(agency=world.order).update(signed_on=None)


def test_references_and_numbers_are_unique_within_an_agency_and_not_across(world):
    factories.make_incident(world.police, reference="AZ 1")
    factories.make_incident(world.order, reference="AZ 1")
    with pytest.raises(IntegrityError, match="reference_once"), transaction.atomic():
        factories.make_incident(world.police, reference="AZ 1")
    first = IncidentDetail.objects.get(agency=world.police)
    second = factories.make_incident(world.police)
    with pytest.raises(IntegrityError, match="number_once"), transaction.atomic():
        IncidentDetail.objects.filter(record=second).update(number=first.number, year=first.year)


@pytest.mark.parametrize("label", ["incident", "complaint"])
def test_nothing_the_interface_writes_ends_up_in_another_agency(world, monkeypatch, label):
    """Should a fault ever save into a foreign agency, the look after the write takes it back."""
    viewset = {"incident": IncidentViewSet, "complaint": ComplaintViewSet}[label]
    make = {"incident": factories.make_incident, "complaint": factories.make_complaint}[label]

    def save_elsewhere(view, serializer):
        with backstage.behind():
            return make(world.police, sharing_level=SharingLevel.COOPERATION)

    monkeypatch.setattr(viewset, "save_new", save_elsewhere)
    factories.make_category("laerm", kind=label)
    _, key = create_api_key(agency=world.order, scope=KeyScope.WRITE, label="Probe", by=None)
    answer = Client(headers={"Authorization": f"Api-Key {key}"}).post(
        reverse(f"api:{label}s-list"),
        json.dumps({"category": "laerm", "occurred_from": "2026-11-01T10:00:00+01:00"}),
        content_type="application/json",
    )
    assert answer.status_code == 404
    assert not viewset.model.objects.exists()
