"""Who sees which record: one table, asked three ways; and the rule against an independent statement of it."""

from __future__ import annotations

import datetime
import json
from dataclasses import dataclass

import pytest
from django.contrib.auth.models import AnonymousUser, Permission
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from guardian.utils import get_group_obj_perms_model
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from agencies.inspection_models import LONGEST
from agencies.keys import create_api_key
from agencies.models import Agency, KeyScope, Membership, MembershipKind, MembershipStatus, User
from agencies.roles import Role
from agencies.visibility import SharingLevel
from incidents.models import Complaint, Incident, Record
from tests import backstage, factories

TODAY = timezone.localdate
DAY = datetime.timedelta(days=1)
MAKERS = {Incident: factories.make_incident, Complaint: factories.make_complaint}

# Records by title: owner, level, agencies granted to. All of a shareable category but "Verhalten".
RECORDS = {
    "Polizei intern": ("polizei", "internal", ()),
    "Polizei gezählt": ("polizei", "statistics", ()),
    "Polizei geteilt": ("polizei", "cooperation", ()),
    "Polizei intern an Ordnungsamt": ("polizei", "internal", ("ordnungsamt",)),
    "Polizei gezählt an Feuerwehr und Siko": ("polizei", "statistics", ("feuerwehr", "siko")),
    "Polizei intern an alle ohne Rechte": (
        "polizei",
        "internal",
        ("finanzamt", "schulaufsicht", "entwurf", "kuenftig"),
    ),
    "Verhalten": ("polizei", "internal", ()),
    "Ordnungsamt intern": ("ordnungsamt", "internal", ()),
    "Ordnungsamt geteilt": ("ordnungsamt", "cooperation", ()),
    "Ordnungsamt intern an Polizei": ("ordnungsamt", "internal", ("polizei",)),
    "Geschäftsstelle intern": ("siko", "internal", ()),
    "Ausgesetzt geteilt": ("finanzamt", "cooperation", ("polizei",)),
    "Gast geteilt": ("schulaufsicht", "cooperation", ("polizei",)),
    "Entwurf geteilt": ("entwurf", "cooperation", ("polizei",)),
    "Unterzeichnet geteilt": ("unterzeichnet", "cooperation", ("polizei",)),
    "Beendet geteilt": ("beendet", "cooperation", ("polizei",)),
    "Abgelaufen geteilt": ("abgelaufen", "cooperation", ("polizei",)),
    "Künftig geteilt": ("kuenftig", "cooperation", ("polizei",)),
    "Ohne Mitgliedschaft geteilt": ("ohne", "cooperation", ("polizei",)),
    "Letzter Tag geteilt": ("letzter-tag", "cooperation", ()),
    "Absichtserklärung geteilt": ("absicht", "cooperation", ()),
}
FOR_ALL = {"Polizei geteilt", "Ordnungsamt geteilt", "Letzter Tag geteilt", "Absichtserklärung geteilt"}
POLICE = {title for title, (owner, *_) in RECORDS.items() if owner == "polizei"}
ORDER = {title for title, (owner, *_) in RECORDS.items() if owner == "ordnungsamt"}

EXPECTED = {
    "owner_entry": POLICE | FOR_ALL | {"Ordnungsamt intern an Polizei"},
    "owner_release": POLICE | FOR_ALL | {"Ordnungsamt intern an Polizei"},
    "owner_lead": POLICE | FOR_ALL | {"Ordnungsamt intern an Polizei"},
    "partner": ORDER | FOR_ALL | {"Polizei intern an Ordnungsamt"},
    "partner_release": ORDER | FOR_ALL | {"Polizei intern an Ordnungsamt"},
    "stranger": FOR_ALL | {"Polizei gezählt an Feuerwehr und Siko"},
    "chair": FOR_ALL | {"Polizei gezählt an Feuerwehr und Siko", "Geschäftsstelle intern"},
    "suspended": {"Ausgesetzt geteilt"},
    "guest": {"Gast geteilt"},
    "draft": {"Entwurf geteilt"},
    "signed": {"Unterzeichnet geteilt"},
    "ended": {"Beendet geteilt"},
    "expired": {"Abgelaufen geteilt"},
    "future": {"Künftig geteilt"},
    "no_membership": {"Ohne Mitgliedschaft geteilt"},
    "last_day": FOR_ALL,
    "letter_of_intent": FOR_ALL,
    "member_without_role": set(),
    "data_protection": set(),
    "admin": set(),
    "second_admin": set(),
    "superuser": set(),
    "superuser_of_police": set(),
    "inactive": set(),
    "without_agency": set(),
    "role_of_another_agency": set(),
    "anonymous": set(),
}
# Agencies beside those of the cast: slug, person, status, kind, first and last day from today.
MORE_AGENCIES = (
    ("entwurf", "draft", "draft", "voting", -9, None),
    ("unterzeichnet", "signed", "signed", "voting", -9, None),
    ("beendet", "ended", "ended", "voting", -9, None),
    ("abgelaufen", "expired", "active", "voting", -9, -1),
    ("kuenftig", "future", "active", "voting", 1, None),
    ("letzter-tag", "last_day", "active", "associated", -9, 0),
    ("absicht", "letter_of_intent", "active", "letter_of_intent", 0, None),
)


def _more_people(world) -> dict[str, User]:
    people = {}
    for slug, name, status, kind, first, last in MORE_AGENCIES:
        agency = factories.make_agency(slug, status=None)
        Membership.objects.create(
            agency=agency,
            status=status,
            kind=kind,
            valid_from=TODAY() + first * DAY,
            valid_until=None if last is None else TODAY() + last * DAY,
            signed_on=None if status == "draft" else TODAY() - 9 * DAY,
        )
        people[name] = factories.make_person(agency, Role.LEAD)
    people["no_membership"] = factories.make_person(factories.make_agency("ohne", status=None), Role.LEAD)
    people["member_without_role"] = factories.make_person(world.police)
    people["superuser_of_police"] = factories.make_person(world.police, is_superuser=True)
    wanderer = factories.make_person(world.fire)
    wanderer.groups.add(*world.owner_lead.groups.all())
    people["role_of_another_agency"] = wanderer
    return people


@dataclass(frozen=True)
class Scene:
    world: object
    people: dict
    titles: dict
    model: type[Record]

    def titled(self, records) -> set[str]:
        return {self.titles[record.pk] for record in records}


@pytest.fixture(params=[Incident, Complaint], ids=["incident", "complaint"])
def scene(world, request) -> Scene:
    people = world.people() | _more_people(world) | {"anonymous": AnonymousUser()}
    agencies = {agency.slug: agency for agency in Agency.objects.all()}
    conduct = factories.make_category(
        "conduct", kind=request.param._meta.model_name, is_shareable=False, in_picture=False
    )
    titles = {}
    for title, (owner, level, granted) in RECORDS.items():
        fields = {"category": conduct} if title == "Verhalten" else {}
        record = MAKERS[request.param](agencies[owner], sharing_level=level, **fields)
        titles[record.pk] = title
        for slug in granted:
            grant_past_the_checks(record, agencies[slug])
    return Scene(world, people, titles, request.param)


def grant_past_the_checks(record: Record, agency: Agency) -> None:
    """A grant as it stands in the table after a membership has ended; the action itself would refuse it."""
    model = get_group_obj_perms_model(type(record))
    permission = Permission.objects.get(codename=f"view_{record._meta.model_name}")
    model.objects.create(
        group=agency.role_groups.get(role=Role.MEMBER).group, permission=permission, content_object=record
    )


def test_the_table_names_the_whole_cast(scene):
    assert set(EXPECTED) == set(scene.people)


def test_visible_to_gives_exactly_the_table(scene):
    found = {name: scene.titled(scene.model.objects.visible_to(user)) for name, user in scene.people.items()}
    assert found == EXPECTED


def test_has_perm_answers_exactly_the_table(scene):
    permission = f"incidents.view_{scene.model._meta.model_name}"
    records = list(scene.model.objects.all())
    found = {
        name: scene.titled(record for record in records if user.has_perm(permission, record))
        for name, user in scene.people.items()
    }
    assert found == EXPECTED


def test_the_database_shows_exactly_the_table(scene):
    """Asked for every row, in the name of each person and without the portal's rule."""
    found = {
        name: scene.titled(rows_in_the_name_of(scene.model, user))
        for name, user in scene.people.items()
        if name != "anonymous"
    }
    assert found | {"anonymous": set()} == EXPECTED


def rows_in_the_name_of(model: type[Record], user: User) -> list[Record]:
    with backstage.acting(user):
        return list(model.objects.all())


# State of an inspection of the police by the administration: what it opens.
INSPECTIONS = {"running": POLICE, "run out": set(), "ended": set(), "of a suspended agency": set()}


def inspect(state: str, agency: Agency, user: User) -> None:
    ago = {"run out": LONGEST, "ended": LONGEST / 2}.get(state, datetime.timedelta())
    fields = {"ended_at": timezone.now() - ago / 2} if state == "ended" else {}
    factories.make_inspection(agency, user, opened_at=timezone.now() - ago, **fields)


@pytest.mark.parametrize("state", INSPECTIONS)
def test_an_inspection_opens_the_faces_of_one_agency_to_one_person(scene, state):
    agency = scene.world.tax if state == "of a suspended agency" else scene.world.police
    inspect(state, agency, scene.world.admin)
    expected = EXPECTED | {"admin": INSPECTIONS[state]}
    permission = f"incidents.view_{scene.model._meta.model_name}"
    records = list(scene.model.objects.all())
    people = {name: user for name, user in scene.people.items() if name != "anonymous"}
    expected.pop("anonymous")
    listed = {name: scene.titled(scene.model.objects.visible_to(user)) for name, user in people.items()}
    asked = {
        name: scene.titled(row for row in records if user.has_perm(permission, row)) for name, user in people.items()
    }
    stored = {name: scene.titled(rows_in_the_name_of(scene.model, user)) for name, user in people.items()}
    assert listed == asked == stored == expected
    usual = {name: scene.titled(scene.model.objects.without_inspection(user)) for name, user in people.items()}
    assert usual == {name: titles for name, titles in EXPECTED.items() if name in people}
    assert not scene.model.detail_model().objects.owned_by(scene.world.admin).exists()


def test_interface_lists_exactly_the_table(scene):
    """A key reads as entry staff of its agency."""
    url = reverse(f"api:{scene.model._meta.model_name}s-list")
    readers = {"owner_entry", "partner", "stranger", "suspended", "guest", "draft", "ended", "expired", "future"}
    found = {}
    for name in readers:
        _, key = create_api_key(agency=scene.people[name].agency, scope=KeyScope.READ, label=name, by=None)
        answer = Client(headers={"Authorization": f"Api-Key {key}"}).get(url)
        found[name] = {scene.titles[_pk(scene, row["id"])] for row in json.loads(answer.content)["results"]}
    assert found == {name: EXPECTED[name] for name in readers}


def _pk(scene: Scene, text: str):
    return scene.model._meta.pk.to_python(text)


def test_details_are_the_owners_alone(scene):
    """The stranger has no records of its own."""
    details = scene.model.detail_model().objects
    own = {name: {row.agency_id for row in details.owned_by(user)} for name, user in scene.people.items()}
    readers = {name for name, titles in EXPECTED.items() if titles} - {"stranger"}
    assert own == {name: {user.agency_id} if name in readers else set() for name, user in scene.people.items()}


@pytest.mark.parametrize("action", ["change", "delete"])
def test_writing_is_for_the_entry_staff_of_the_owner(scene, action):
    """The chair reads and does not write, not even records of the coordination office."""
    permission = f"incidents.{action}_{scene.model._meta.model_name}"
    records = list(scene.model.objects.all())
    found = {
        name: scene.titled(record for record in records if user.has_perm(permission, record))
        for name, user in scene.people.items()
    }
    own = {key: set() for key in EXPECTED} | {
        **dict.fromkeys(("owner_entry", "owner_release", "owner_lead"), POLICE),
        **dict.fromkeys(("partner", "partner_release"), ORDER),
        "suspended": {"Ausgesetzt geteilt"},
        "guest": {"Gast geteilt"},
        **{name: EXPECTED[name] for name in ("draft", "signed", "ended", "expired", "future", "no_membership")},
        "last_day": {"Letzter Tag geteilt"},
        "letter_of_intent": {"Absichtserklärung geteilt"},
    }
    assert found == own


def test_permission_of_the_other_kind_says_nothing(scene):
    other = {Incident: "incidents.view_complaint", Complaint: "incidents.view_incident"}[scene.model]
    records = scene.model.objects.visible_to(scene.world.owner_lead)
    assert not any(scene.world.owner_lead.has_perm(other, record) for record in records)


# The rule once more, in plain Python and without a look at the code.

STATUSES = [status.value for status in MembershipStatus]
KINDS = [kind.value for kind in MembershipKind]
membership = st.one_of(
    st.none(),
    st.tuples(
        st.sampled_from([*STATUSES, "active", "active", "active"]),
        st.sampled_from(KINDS),
        st.integers(-2, 1),
        st.one_of(st.none(), st.integers(0, 3)),
    ),
)
worlds = st.fixed_dictionaries(
    {
        "memberships": st.lists(membership, min_size=2, max_size=3),
        "readers": st.lists(
            st.tuples(
                st.integers(0, 2),
                st.sampled_from([None, *Role, Role.ADMIN, Role.ADMIN]),
                st.booleans(),
                st.one_of(st.none(), st.tuples(st.integers(0, 2), st.sampled_from(["running", "run out", "ended"]))),
            ),
            min_size=1,
            max_size=4,
        ),
        "records": st.lists(
            st.tuples(st.integers(0, 2), st.sampled_from(SharingLevel.values), st.sets(st.integers(0, 2))),
            min_size=1,
            max_size=5,
        ),
    }
)
READING_ROLES = {"entry", "release", "lead", "chair"}


def in_force(agreement) -> bool:
    """A full membership that is active and whose term holds today; "days" counts from today, the end from the start."""
    if agreement is None:
        return False
    status, kind, start, length = agreement
    return status == "active" and kind != "guest" and start <= 0 and (length is None or start + length >= 0)


def may_see(world: dict, reader: tuple, record: tuple) -> bool:
    agency, role, is_active, inspection = reader
    owner, level, granted = record
    if not is_active or role is None:
        return False
    between_members = in_force(world["memberships"][owner]) and in_force(world["memberships"][agency])
    if role.value == "admin":
        return between_members and owner != agency and inspection == (owner, "running")
    if role.value not in READING_ROLES:
        return False
    if owner == agency:
        return True
    return between_members and (level == "cooperation" or agency in granted)


def _build(plan: dict) -> tuple[list[User], list[Incident]]:
    agencies = []
    for number, agreement in enumerate(plan["memberships"]):
        agency = factories.make_agency(f"welt-{number}", status=None, is_coordination=True)
        agencies.append(agency)
        if agreement is not None:
            status, kind, start, length = agreement
            first = TODAY() + start * DAY
            last = None if length is None else first + length * DAY
            Membership.objects.create(
                agency=agency, status=status, kind=kind, valid_from=first, valid_until=last, signed_on=TODAY()
            )
    readers = [
        factories.make_person(agencies[agency], *([role] if role else []), is_active=is_active)
        for agency, role, is_active, _ in plan["readers"]
    ]
    for user, (*_, inspection) in zip(readers, plan["readers"], strict=True):
        if inspection is not None:
            inspect(inspection[1], agencies[inspection[0]], user)
    records = []
    for owner, level, granted in plan["records"]:
        record = factories.make_incident(agencies[owner], sharing_level=level)
        records.append(record)
        for number in granted:
            grant_past_the_checks(record, agencies[number])
    return readers, records


@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(plan=worlds)
def test_any_small_world_is_seen_as_the_rule_says(db, undone, plan):
    last = len(plan["memberships"]) - 1
    plan["readers"] = [
        (min(agency, last), role, is_active, inspection and (min(inspection[0], last), inspection[1]))
        for agency, role, is_active, inspection in plan["readers"]
    ]
    plan["records"] = [
        (min(owner, last), level, {min(number, last) for number in granted})
        for owner, level, granted in plan["records"]
    ]

    def look() -> None:
        readers, records = _build(plan)
        for reader, user in zip(plan["readers"], readers, strict=True):
            expected = {
                record.pk for record, told in zip(records, plan["records"], strict=True) if may_see(plan, reader, told)
            }
            assert {record.pk for record in Incident.objects.visible_to(user)} == expected
            asked = {record.pk for record in records if user.has_perm("incidents.view_incident", record)}
            assert asked == expected
            assert {record.pk for record in rows_in_the_name_of(Incident, user)} == expected

    undone(look)
