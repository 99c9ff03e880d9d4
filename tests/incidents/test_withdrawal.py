"""Sharing as far as the agreement goes; what is withdrawn when it narrows, ends or runs out."""

import datetime
import io

import pytest
from django.core.exceptions import ValidationError
from django.utils import timezone

from agencies import memberships, sharing
from agencies.audit import Act
from agencies.membership_models import Withdrawal
from agencies.models import Agency, AuditEntry, Membership, MembershipStatus
from agencies.scope import Scope
from agencies.visibility import SharingLevel
from incidents import actions, withdrawal
from incidents.catalogue import load_categories
from incidents.importing.refusals import FileError
from incidents.importing.run import Delivery, check, import_file
from incidents.models import Category, CountDelivery, Incident, IncidentNote, SharingDefault
from incidents.tasks import withdraw_pending
from incidents.withdrawal import withdraw
from tests import factories
from tests.factories import make_category, make_complaint, make_incident

EAST = (7.84, 51.68)
INTERNAL, STATISTICS, COOPERATION = SharingLevel
WEST_ONLY = Scope(areas=frozenset({"west"}))


def withdraw_all_pending() -> int:
    pending = Membership.objects.exclude(withdrawal=Withdrawal.NOTHING).select_related("agency")
    return sum(withdraw(membership) for membership in pending)


def agree(agency: Agency, scope: Scope, **fields) -> Agency:
    """Write the scope to the running membership; the agency as a new request would load it."""
    Membership.objects.current().filter(agency=agency).update(
        scope_level=scope.level,
        scope_groups=sorted(scope.groups),
        scope_categories=sorted(scope.categories),
        scope_areas=sorted(scope.areas),
        **fields,
    )
    return Agency.objects.get(pk=agency.pk)


def as_of_now(person):
    return type(person).objects.get(pk=person.pk)


def seen_by(person, model=Incident) -> set:
    return set(model.objects.visible_to(as_of_now(person)).values_list("pk", flat=True))


def refusal(act, **arguments) -> str:
    """What the action objects to; empty if it went through."""
    try:
        act(**arguments)
    except (ValidationError, FileError) as error:
        return str(error)
    return ""


# Sharing beyond the agreement is refused.

SCOPES = {
    "everything": (Scope(), {"noise west": COOPERATION, "noise east": COOPERATION, "theft west": COOPERATION}),
    "a category": (
        Scope(categories=frozenset({"noise"})),
        {"noise west": COOPERATION, "noise east": COOPERATION, "theft west": INTERNAL},
    ),
    "a group": (
        Scope(groups=frozenset({"property"})),
        {"noise west": INTERNAL, "noise east": INTERNAL, "theft west": COOPERATION},
    ),
    "a district": (WEST_ONLY, {"noise west": COOPERATION, "noise east": INTERNAL, "theft west": COOPERATION}),
    "counting": (
        Scope(level=STATISTICS, areas=frozenset({"west"})),
        {"noise west": STATISTICS, "noise east": INTERNAL, "theft west": STATISTICS},
    ),
    "nothing": (Scope(level=INTERNAL), dict.fromkeys(("noise west", "noise east", "theft west"), INTERNAL)),
}


@pytest.fixture
def records(world) -> dict[str, Incident]:
    noise, theft = make_category("noise"), make_category("theft", group="property")
    return {
        "noise west": make_incident(world.police, category=noise),
        "noise east": make_incident(world.police, category=noise, place=EAST),
        "theft west": make_incident(world.police, category=theft),
    }


@pytest.mark.parametrize("name", SCOPES)
def test_levels_and_grants_beyond_the_agreement_are_refused(world, records, name):
    scope, highest = SCOPES[name]
    agree(world.police, scope)
    for label, record in records.items():
        by, record = as_of_now(world.owner_release), Incident.objects.get(pk=record.pk)
        refused = {level: refusal(actions.set_level, record=record, level=level, by=by) for level in SharingLevel}
        order = list(SharingLevel)
        beyond = {level for level in order if order.index(level) > order.index(highest[label])}
        assert {level for level, text in refused.items() if "Vereinbarung" in text} == beyond
        # It is internal from the beginning, and what holds already is no change.
        assert {level for level, text in refused.items() if not text} == set(order) - beyond - {INTERNAL}
        refusal(actions.set_level, record=record, level=INTERNAL, by=by)
        text = refusal(sharing.grant, record=Incident.objects.get(pk=record.pk), to=world.order, by=by)
        assert ("Vereinbarung" in text) == (highest[label] != COOPERATION)


STATES = {
    MembershipStatus.DRAFT: False,
    MembershipStatus.SIGNED: False,
    MembershipStatus.ACTIVE: True,
    MembershipStatus.SUSPENDED: False,
    MembershipStatus.ENDED: False,
}


@pytest.mark.parametrize(("status", "may_share"), STATES.items())
def test_sharing_in_every_state_of_the_membership(world, status, may_share):
    """Raising, granting, entering at a level, counts: only while the membership is active. Lowering always."""
    Membership.objects.filter(agency=world.police).update(status=status)
    Agency.objects.filter(pk=world.police.pk).update(delivers_counts=True)
    shared = make_incident(world.police, sharing_level=COOPERATION)
    record = make_incident(world.police)
    by = as_of_now(world.owner_release)
    data = actions.RecordData(category=record.category, occurred_from=timezone.now(), sharing_level=STATISTICS)
    attempts = {
        "level": lambda: actions.set_level(record=record, level=COOPERATION, by=by),
        "grant": lambda: sharing.grant(record=Incident.objects.get(pk=record.pk), to=world.order, by=by),
        "entry": lambda: actions.report(kind="incident", data=data, by=by),
        "counts": lambda: check(counts_file(by.agency)),
    }
    texts = {name: refusal(attempt) for name, attempt in attempts.items()}
    refused = {name for name, text in texts.items() if "nicht aktiv" in text}
    assert refused == (set() if may_share else set(attempts))
    assert {name for name, text in texts.items() if not text} == set(attempts) - refused
    actions.set_level(record=shared, level=STATISTICS, by=by)
    actions.set_level(record=shared, level=INTERNAL, by=by)
    default = actions.default_level(agency=by.agency, category=record.category)
    SharingDefault.objects.create(agency=world.police, category=record.category, level=COOPERATION)
    assert default == INTERNAL
    after = actions.default_level(agency=as_of_now(by).agency, category=record.category)
    assert (after == COOPERATION) == may_share


def counts_file(agency: Agency, *, area: str = "west", category: str = "incident-kind") -> Delivery:
    make_category("incident-kind", group="incident-group")
    text = f"Gebiet;Kategorie;Von;Bis;Anzahl\n{area};{category};01.06.2026;30.06.2026;7\n"
    return Delivery(io.BytesIO(text.encode()), "zahlen.csv", agency, "counts")


def test_counts_beyond_the_agreement_are_refused_by_the_row(world):
    Agency.objects.filter(pk=world.police.pk).update(delivers_counts=True)
    agency = agree(world.police, WEST_ONLY)
    assert import_file(counts_file(agency)).created == 1
    refused = import_file(counts_file(agency, area="ost"))
    assert (refused.created, refused.refused) == (0, 1)
    assert "umfasst diese Art oder dieses Gebiet nicht" in str(refused.refusals)


def test_entry_offers_and_takes_only_what_is_agreed(world, signed_in):
    category = make_category("noise")
    agree(world.police, Scope(level=STATISTICS))
    by = as_of_now(world.owner_release)
    assert actions.allowed_levels(agency=by.agency, category=category, by=by) == [INTERNAL, STATISTICS]
    client = signed_in(world.owner_release)
    answer = client.post(
        "/vorfaelle/neu/",
        {"category": "noise", "severity": "2", "occurred_from": "gestern 10:00", "lon": "7,8078"}
        | {"lat": "51,6781", "accuracy": "point", "sharing_level": "cooperation"},
    )
    assert answer.status_code == 200
    assert not Incident.objects.exists()


def test_defaults_beyond_the_agreement_are_refused_and_lowered_where_they_stand(world):
    category = make_category("noise")
    SharingDefault.objects.create(agency=world.police, category=category, level=COOPERATION)
    agency = agree(world.police, Scope(level=STATISTICS))
    assert actions.default_level(agency=agency, category=category) == STATISTICS
    with pytest.raises(ValidationError, match="geht diese Stufe über die Vereinbarung"):
        actions.set_sharing_defaults(levels={category: COOPERATION}, by=as_of_now(world.owner_lead))
    actions.set_sharing_defaults(levels={category: STATISTICS}, by=as_of_now(world.owner_lead))


FILE = "Aktenzeichen;Kategorie;Beginn;Länge;Breite\n{}\n"


def delivery(agency: Agency, *rows: str, **mapping) -> Delivery:
    text = FILE.format("\n".join(rows))
    return Delivery(io.BytesIO(text.encode()), "meldungen.csv", agency, "incident", mapping=mapping)


def test_import_lowers_a_default_and_refuses_a_level_that_was_asked_for(world):
    noise = make_category("noise")
    SharingDefault.objects.create(agency=world.police, category=noise, level=COOPERATION)
    agency = agree(world.police, WEST_ONLY)
    rows = ("A1;noise;01.06.2026 10:00;7,8078;51,6781", "A2;noise;01.06.2026 10:00;7,84;51,68")
    run = import_file(delivery(agency, *rows))
    assert (run.created, run.refused) == (2, 0)
    levels = dict(Incident.objects.values_list("district__slug", "sharing_level"))
    assert levels == {"west": COOPERATION, "ost": INTERNAL}
    moved = ("A1;noise;01.06.2026 10:00;7,84;51,68", "A2;noise;01.06.2026 11:00;7,84;51,68")
    run = import_file(delivery(agency, *moved))
    assert (run.updated, run.refused) == (1, 1)
    assert "zuerst die Freigabe zurücknehmen" in str(run.refusals)
    asked = tuple(row.replace("A", "B", 1) for row in rows)
    run = import_file(delivery(agency, *asked, level="cooperation"))
    assert (run.created, run.refused) == (1, 1)
    assert "umfasst diese Art oder dieses Gebiet nicht" in str(run.refusals)


def test_import_that_moves_a_granted_record_outside_takes_the_grant(world):
    make_category("noise")
    agency = agree(world.police, WEST_ONLY)
    import_file(delivery(agency, "A1;noise;01.06.2026 10:00;7,8078;51,6781"))
    record = Incident.objects.get()
    sharing.grant(record=record, to=world.order, by=as_of_now(world.owner_release))
    assert seen_by(world.partner) == {record.pk}
    import_file(delivery(agency, "A1;noise;01.06.2026 10:00;7,84;51,68"))
    assert sharing.agencies_granted(record) == []


def test_change_that_leads_a_shared_record_outside_is_refused(world):
    agree(world.police, WEST_ONLY)
    by = as_of_now(world.owner_entry)
    record = make_incident(world.police, sharing_level=COOPERATION)
    place = {"lon": EAST[0], "lat": EAST[1]}
    data = actions.RecordData(category=record.category, occurred_from=record.occurred_from, **place)
    with pytest.raises(ValidationError, match="Bitte zuerst die Freigabe zurücknehmen"):
        actions.change(record=record, data=data, by=by)
    granted = make_incident(world.police)
    sharing.grant(record=granted, to=world.order, by=as_of_now(world.owner_release))
    actions.change(record=granted, data=data, by=by)
    assert sharing.agencies_granted(granted) == []


def test_suspended_agency_goes_on_editing_what_it_had_shared(world):
    Membership.objects.filter(agency=world.police).update(status=MembershipStatus.SUSPENDED)
    record = make_incident(world.police, sharing_level=COOPERATION)
    data = actions.RecordData(category=record.category, occurred_from=record.occurred_from, lon=7.79, lat=51.67)
    assert actions.change(record=record, data=data, by=as_of_now(world.owner_entry)).sharing_level == COOPERATION


# What is withdrawn.


@pytest.mark.parametrize("name", SCOPES)
def test_narrowing_withdraws_what_lies_outside_and_nothing_else(world, records, name):
    scope, highest = SCOPES[name]
    by = world.owner_release
    for record in records.values():
        actions.set_level(record=record, level=COOPERATION, by=by)
        sharing.grant(record=record, to=world.order, by=by)
    foreign = make_incident(world.order, sharing_level=COOPERATION, place=EAST)
    Membership.objects.filter(agency=world.order).update(withdrawal=Withdrawal.OUTSIDE)
    membership = world.police.memberships.get()
    taken = memberships.set_scope(
        membership=membership, scope=scope, words="Umfang", valid_until=None, reason="Darum", by=world.admin
    )
    assert taken
    withdraw_all_pending()
    found = {label: Incident.objects.get(pk=record.pk) for label, record in records.items()}
    assert {label: record.sharing_level for label, record in found.items()} == highest
    granted = {label for label, record in found.items() if sharing.agencies_granted(record)}
    assert granted == {label for label, level in highest.items() if level == COOPERATION}
    assert Incident.objects.get(pk=foreign.pk).sharing_level == COOPERATION
    lowered = AuditEntry.objects.filter(action=Act.LEVEL_CHANGED, owner=world.police, user=None)
    assert lowered.count() == sum(level != COOPERATION for level in highest.values())
    assert not Membership.objects.exclude(withdrawal="").exists()
    assert withdraw_all_pending() == 0


def everything_shared(world) -> Incident:
    record = make_incident(world.police, sharing_level=COOPERATION)
    IncidentNote.objects.create(
        record=record,
        agency=world.police,
        text="Mit Werkzeug",
        written_by=world.owner_entry,
        cleared_by=world.owner_lead,
        cleared_at=timezone.now(),
    )
    make_complaint(world.police, sharing_level=STATISTICS)
    sharing.grant(record=make_incident(world.police), to=world.order, by=world.owner_release)
    sharing.grant(record=make_incident(world.order), to=world.police, by=world.partner_release)
    SharingDefault.objects.create(agency=world.police, category=record.category, level=COOPERATION)
    CountDelivery.objects.create(
        agency=world.police,
        area=record.district,
        category=record.category,
        period_start=datetime.date(2026, 6, 1),
        period_end=datetime.date(2026, 6, 30),
        unit="case",
        count=7,
    )
    return record


def test_leaving_withdraws_everything_and_rejoining_starts_from_nothing_shared(world, eager_tasks):
    record = everything_shared(world)
    kept = make_incident(world.order, sharing_level=COOPERATION)
    sharing.grant(record=make_incident(world.order), to=world.fire, by=world.partner_release)
    end = {"membership": world.police.memberships.get(), "reason": "Austritt", "by": world.admin}
    memberships.end_membership(**end)
    assert seen_by(world.partner) == set(Incident.objects.filter(agency=world.order).values_list("pk", flat=True))
    withdraw_pending()
    for model in actions.MODEL_OF_KIND.values():
        assert not model.objects.filter(agency=world.police).exclude(sharing_level=INTERNAL).exists()
        assert not sharing.granted_rows(model, owner=world.police).exists()
        assert not sharing.granted_rows(model, owner=world.order, to=world.police).exists()
    assert sharing.granted_rows(Incident, owner=world.order).count() == 1
    assert IncidentNote.objects.get(record=record).cleared_at is not None
    assert not CountDelivery.objects.exists()
    assert set(SharingDefault.objects.values_list("level", flat=True)) == {INTERNAL}
    revoked = AuditEntry.objects.filter(action=Act.REVOKED, user=None).values_list("owner__slug", "recipient__slug")
    assert set(revoked) == {("polizei", "ordnungsamt"), ("ordnungsamt", "polizei")}
    assert "Zurückgenommene Freigaben: 6." in [step.text for step in world.police.memberships.get().steps.all()]
    Membership.objects.create(
        agency=world.police,
        kind="voting",
        status="active",
        valid_from=timezone.localdate(),
        signed_on=timezone.localdate(),
    )
    assert (
        seen_by(world.partner) & set(Incident.objects.filter(agency=world.police).values_list("pk", flat=True)) == set()
    )
    assert kept.pk in seen_by(world.owner_entry)


def test_withdrawing_goes_on_where_it_was_interrupted(world, monkeypatch):
    monkeypatch.setattr(withdrawal, "BATCH", 2)
    for _ in range(7):
        make_incident(world.police, sharing_level=COOPERATION)
    membership = world.police.memberships.get()
    memberships.end_membership(membership=membership, reason="Austritt", by=world.admin)
    membership.refresh_from_db()
    lower = withdrawal._lower
    calls = []

    def break_down(record, *arguments):
        calls.append(record.pk)
        if len(calls) == 5:
            raise ConnectionError
        lower(record, *arguments)

    monkeypatch.setattr(withdrawal, "_lower", break_down)
    with pytest.raises(ConnectionError):
        withdraw(membership)
    shared = Incident.objects.exclude(sharing_level=INTERNAL)
    assert shared.count() == 3
    monkeypatch.setattr(withdrawal, "_lower", lower)
    assert withdraw(membership) == 3
    assert not shared.exists()
    assert AuditEntry.objects.filter(action=Act.LEVEL_CHANGED, owner=world.police).count() == 7


def test_scope_that_changes_while_withdrawing_is_withdrawn_again(world, records, monkeypatch):
    for record in records.values():
        actions.set_level(record=record, level=COOPERATION, by=world.owner_release)
    agree(world.police, WEST_ONLY, withdrawal=Withdrawal.OUTSIDE)
    membership = world.police.memberships.get()
    agree(world.police, Scope(areas=frozenset({"ost"})))
    withdraw(membership)
    assert world.police.memberships.get().withdrawal == Withdrawal.OUTSIDE
    withdraw_all_pending()
    assert not Incident.objects.exclude(sharing_level=INTERNAL).exists()


def test_category_that_turns_out_never_to_be_shared_withdraws_its_records(world):
    category = make_category("noise")
    group = {"slug": category.group.slug, "label": "Ordnung", "kind": "incident"}
    row = {"slug": "noise", "label": "Lärm", "group": group["slug"], "kind": "incident"}
    record = make_incident(world.police, category=category, sharing_level=COOPERATION)
    sharing.grant(record=record, to=world.order, by=world.owner_release)
    load_categories({"groups": [group], "categories": [row]})
    assert withdraw_all_pending() == 0
    load_categories({"groups": [group], "categories": [row | {"shareable": False, "in_picture": False}]})
    assert not Category.objects.get(slug="noise").is_shareable
    withdraw_all_pending()
    assert seen_by(world.partner) == set()
    record.refresh_from_db()
    assert record.sharing_level == INTERNAL


def test_narrowing_on_the_page_starts_the_withdrawal(world, signed_in, eager_tasks, django_capture_on_commit_callbacks):
    record = make_incident(world.police, sharing_level=COOPERATION, place=EAST)
    data = {"level": "cooperation", "areas": ["west"], "valid_until": "", "reason": "Darum"}
    with django_capture_on_commit_callbacks(execute=True):
        answer = signed_in(world.admin).post("/behoerden/polizei/mitgliedschaft/umfang/", data)
    assert answer.status_code == 302
    record.refresh_from_db()
    assert record.sharing_level == INTERNAL
    assert record.pk not in seen_by(world.partner)


# The scope itself.


def test_scope_within_another():
    wide = Scope()
    groups = Scope(groups=frozenset({"a", "b"}), categories=frozenset({"c"}))
    assert groups.is_within(wide)
    assert not wide.is_within(groups)
    assert Scope(groups=frozenset({"a"})).is_within(groups)
    assert not Scope(categories=frozenset({"x"})).is_within(groups)
    assert Scope(level=STATISTICS).is_within(wide)
    assert not wide.is_within(Scope(level=STATISTICS))
    assert WEST_ONLY.is_within(wide)
    assert not Scope(areas=frozenset({"west", "ost"})).is_within(WEST_ONLY)


def test_scope_does_not_limit_receiving(world):
    agree(world.order, Scope(level=INTERNAL))
    record = make_incident(world.police, sharing_level=COOPERATION)
    assert seen_by(world.partner) == {record.pk}
    assert factories.make_city()
