"""Dangers in the portal: raised on entry from every way in, kept as episodes, resting on cooperation faces alone."""

import datetime as dt
import io
from functools import partial

import pytest
from django.core.management import call_command
from django.urls import reverse
from django.utils import timezone

from agencies import memberships, sharing
from agencies.keys import create_api_key
from agencies.models import AuditEntry, KeyScope, Membership, MembershipStatus
from agencies.scope import NOTHING
from agencies.visibility import SharingLevel
from incidents import actions
from incidents.importing.run import Delivery, import_file
from incidents.models import Incident, Kind, SharingDefault
from incidents.retention_actions import Reason, delete_records
from incidents.withdrawal import withdraw_batch
from lagebild.actions import assess_finding, build_picture
from lagebild.danger_checks import check_dangers
from lagebild.danger_models import Danger, DangerRule, Reach
from lagebild.models import Finding, FindingKind, FindingStatus
from lagebild.tasks import check_dangers as check_task
from lagebild.tasks import rebuild_nightly
from tests import factories
from tests.backstage import as_builder

NOW = dt.datetime(2026, 11, 22, 12, tzinfo=dt.UTC)
FAR = (7.8500, 51.6900)
COOPERATION = SharingLevel.COOPERATION


@pytest.fixture(autouse=True)
def _day(time_machine):
    time_machine.move_to(NOW, tick=False)


@pytest.fixture
def knife(world):
    return factories.make_category("knife", group="violence", label="Messer")


def make_rule(agency, **fields) -> DangerRule:
    values = {"name": "Messerangriffe", "good": "life", "categories": ["knife"], "count": 2, "window_days": 7} | fields
    return DangerRule.objects.create(agency=agency, **values)


@pytest.fixture
def rule(world, knife):
    return make_rule(world.siko)


def attack(agency, category, *, days: float = 1, **fields):
    fields = {"sharing_level": COOPERATION} | fields
    return factories.make_incident(
        agency, category=category, occurred_from=timezone.now() - dt.timedelta(days=days), **fields
    )


def check(**which) -> list[Finding]:
    """As the task does it: with the builder's login."""
    with as_builder():
        return check_dangers(**which)


def dangers() -> list[Danger]:
    return list(Danger.objects.select_related("finding").order_by("finding__number"))


def test_two_records_of_two_agencies_raise_one_danger(world, knife, rule):
    records = [attack(world.police, knife, days=2), attack(world.order, knife)]
    (finding,) = check()
    danger = finding.danger
    assert (finding.kind, finding.status, finding.subject) == (FindingKind.GEFAHR, "proposed", "Messerangriffe")
    assert (finding.place_label, finding.district.slug) == ("Bereich Hauptbahnhof Hamm", "west")
    assert (danger.incidents, danger.complaints) == (sorted(record.pk for record in records), [])
    assert (danger.cells, danger.center_cell) == ([records[0].cell], records[0].cell)
    assert (danger.parts, danger.agencies) == (["Messer: 2"], ["ordnungsamt", "polizei"])
    assert danger.rule_words == (
        "Mindestens 2 Vorfälle „Messer“, in derselben Wabe (rund 0,1 km²), innerhalb von 7 Tagen."
    )
    assert AuditEntry.objects.get(action="danger_raised").object_id == str(finding.pk)


@pytest.mark.parametrize("level", [SharingLevel.INTERNAL, SharingLevel.STATISTICS])
def test_what_is_not_shared_with_all_raises_nothing(world, knife, rule, level):
    attack(world.police, knife)
    attack(world.order, knife, sharing_level=level)
    assert check() == []


def test_a_granted_record_raises_nothing(world, knife, rule):
    attack(world.police, knife)
    record = attack(world.police, knife, sharing_level=SharingLevel.INTERNAL)
    sharing.grant(record=record, to=world.order, by=world.owner_release)
    assert check() == []


def test_records_of_a_suspended_agency_raise_nothing(world, knife, rule):
    attack(world.police, knife)
    attack(world.tax, knife)
    assert check() == []


def test_the_portals_own_rule_leaves_the_suspended_out_too(world, knife, rule):
    """Without the builder's policies."""
    attack(world.police, knife)
    attack(world.tax, knife)
    assert check_dangers() == []


def test_what_the_picture_does_not_count_raises_nothing(world, rule):
    unseen = factories.make_category("knife", group="violence", in_picture=False)
    type(unseen).objects.update(in_picture=False)
    attack(world.police, unseen)
    attack(world.police, unseen)
    assert check() == []


def test_rules_of_agencies_that_are_no_member_raise_nothing(world, knife):
    make_rule(world.tax)
    attack(world.police, knife)
    attack(world.police, knife)
    assert check() == []


def test_a_rule_that_is_switched_off_raises_nothing(world, knife, rule):
    DangerRule.objects.update(is_active=False)
    attack(world.police, knife)
    attack(world.police, knife)
    assert check() == []


def test_area_only_categories_are_placed_by_district_alone(world):
    threat = factories.make_category("threat", group="school", geo="G")
    make_rule(world.siko, categories=[], groups=["school"], count=1, reach=Reach.DISTRICT)
    make_rule(world.siko, name="Wabe", categories=["threat"], count=1)
    attack(world.police, threat)
    (finding,) = check()
    assert (finding.subject, finding.place_label) == ("Messerangriffe", "Stadtbezirk West")
    assert (finding.danger.cells, finding.danger.center_cell) == ([], None)


def test_control_driven_categories_of_a_group_are_left_out(world, knife):
    search = factories.make_category("search", group="violence", origin="control")
    make_rule(world.siko, categories=[], groups=["violence"])
    attack(world.police, search)
    attack(world.police, search)
    attack(world.police, knife)
    assert check() == []


def test_a_single_control_driven_find_counts_where_it_is_named(world):
    gas = factories.make_category("gas", group="trade", origin="control")
    make_rule(world.siko, categories=["gas"], count=1)
    attack(world.police, gas)
    assert [finding.subject for finding in check()] == ["Messerangriffe"]


def test_incidents_and_complaints_meet_in_two_conditions(world, knife):
    fear = factories.make_category("fear", kind=Kind.COMPLAINT, group="unsafe", label="Angst")
    make_rule(world.siko, count=1, also_categories=["fear"], also_count=1)
    attack(world.police, knife)
    assert check() == []
    complaint = factories.make_complaint(world.order, category=fear, sharing_level=COOPERATION)
    (finding,) = check()
    assert finding.danger.complaints == [complaint.pk]
    assert finding.danger.parts == ["Angst: 1", "Messer: 1"]


def test_a_late_delivery_of_old_records_raises_nothing(world, knife, rule):
    for days in (16, 17, 40, 41):
        attack(world.police, knife, days=days)
    assert check() == []
    attack(world.police, knife, days=13)
    assert len(check()) == 1


# Episodes.


@pytest.fixture
def raised(world, knife, rule) -> Finding:
    attack(world.police, knife, days=2)
    attack(world.order, knife, days=1)
    return check()[0]


def test_checking_again_changes_nothing(raised):
    assert check() == []
    assert [danger.finding_id for danger in dangers()] == [raised.pk]


def test_a_repeat_continues_the_same_finding(world, knife, raised, time_machine):
    time_machine.move_to(NOW + dt.timedelta(days=3), tick=False)
    attack(world.fire, knife)
    assert check() == [raised]
    (danger,) = dangers()
    assert (danger.size, danger.finding.last_seen_on, danger.agencies[0]) == (3, dt.date(2026, 11, 25), "feuerwehr")


def test_after_a_quiet_window_a_new_finding_begins(world, knife, raised, time_machine):
    time_machine.move_to(NOW + dt.timedelta(days=30), tick=False)
    attack(world.police, knife)
    attack(world.police, knife)
    (again,) = check()
    assert again.number == raised.number + 1


def test_another_place_is_another_finding(world, knife, raised):
    attack(world.police, knife, place=FAR)
    attack(world.police, knife, place=FAR)
    assert len(check()) == 1
    assert len(dangers()) == 2


def assess(world, finding, status):
    assess_finding(finding=finding, status=status, assessment="Geprüft", by=world.chair)


@pytest.mark.parametrize("status", [FindingStatus.DISMISSED, FindingStatus.CLOSED])
def test_what_was_dismissed_stays_quiet_until_it_grows(world, knife, raised, status):
    if status == FindingStatus.CLOSED:
        assess(world, raised, FindingStatus.CONFIRMED)
    assess(world, raised, status)
    assert check() == []
    assert Finding.objects.get().status == status
    attack(world.police, knife, days=0.5)
    assert check() == [raised]
    finding = Finding.objects.get()
    assert (finding.status, finding.danger.size, finding.assessment) == ("proposed", 3, "Geprüft")


def test_what_was_confirmed_stays_confirmed_when_it_grows(world, knife, raised):
    assess(world, raised, FindingStatus.CONFIRMED)
    attack(world.police, knife, days=0.5)
    assert check() == [raised]
    assert Finding.objects.get().status == "confirmed"


def lower(world, record):
    actions.set_level(record=record, level=SharingLevel.INTERNAL, by=world.owner_release)


def test_what_is_no_longer_shared_ends_the_danger_and_names_nobody(world, raised):
    danger = Danger.objects.get()
    lower(world, Incident.objects.get(agency=world.police))
    assert check() == []
    ended = Danger.objects.get()
    assert (ended.holds, ended.ended_on, ended.agencies) == (False, dt.date(2026, 11, 22), [])
    assert (ended.parts, ended.first_at, ended.last_at) == (danger.parts, danger.first_at, danger.last_at)


def test_a_suspension_ends_what_rested_on_the_agency(world, raised):
    Membership.objects.filter(agency=world.order).update(status=MembershipStatus.SUSPENDED)
    check()
    assert not Danger.objects.get().holds
    Membership.objects.filter(agency=world.order).update(status=MembershipStatus.ACTIVE)
    check()
    danger = Danger.objects.get()
    assert (danger.holds, danger.ended_on, danger.agencies) == (True, None, ["ordnungsamt", "polizei"])


@pytest.mark.parametrize("step", [memberships.suspend_membership, memberships.end_membership])
def test_a_suspended_or_leaving_agency_is_named_by_no_danger_from_then_on(
    world, raised, eager_tasks, django_capture_on_commit_callbacks, step
):
    with django_capture_on_commit_callbacks(execute=True):
        step(membership=world.order.memberships.get(), reason="Prüfung", by=world.admin)
    danger = Danger.objects.get()
    assert (danger.holds, danger.agencies) == (False, [])


def test_a_lifted_suspension_lets_the_danger_hold_again(world, raised, eager_tasks, django_capture_on_commit_callbacks):
    membership = world.order.memberships.get()
    with django_capture_on_commit_callbacks(execute=True):
        memberships.suspend_membership(membership=membership, reason="Prüfung", by=None)
    assert not Danger.objects.get().holds
    with django_capture_on_commit_callbacks(execute=True):
        memberships.propose_lifting(membership=membership, reason="Geprüft", by=world.admin)
        memberships.lift_suspension(membership=membership, by=world.second_admin)
    assert Danger.objects.get().holds


def test_what_is_left_after_a_withdrawal_is_shown_if_it_still_meets_the_rule(world, knife, raised):
    third = attack(world.police, knife)
    check()
    lower(world, third)
    check()
    danger = Danger.objects.get()
    assert (danger.holds, danger.size, third.pk in danger.incidents) == (True, 2, False)


@pytest.mark.parametrize("status", [FindingStatus.DISMISSED, FindingStatus.CLOSED])
def test_who_no_longer_shares_is_not_named_by_what_was_put_aside(world, knife, raised, status):
    attack(world.fire, knife)
    (finding,) = check()
    Finding.objects.filter(pk=finding.pk).update(status=status)
    Incident.objects.filter(agency=world.fire).update(sharing_level=SharingLevel.INTERNAL)
    assert check() == []
    (danger,) = dangers()
    assert (danger.holds, danger.agencies) == (True, ["ordnungsamt", "polizei"])


def test_a_rule_that_was_switched_off_still_ends_what_is_no_longer_shared(world, raised):
    DangerRule.objects.update(is_active=False)
    check()
    assert Danger.objects.get().holds
    lower(world, Incident.objects.get(agency=world.police))
    check()
    assert not Danger.objects.get().holds


def test_a_rule_that_was_switched_off_raises_nothing_elsewhere(world, knife, raised):
    DangerRule.objects.update(is_active=False)
    attack(world.police, knife, place=FAR)
    attack(world.police, knife, place=FAR)
    assert check() == []
    assert len(dangers()) == 1


def test_numbers_go_on_with_those_of_the_picture(world, knife, raised):
    for number in range(14):
        attack(world.police, factories.make_category("noise"), days=1 + 4 * number)
    picture = build_picture(date=NOW.date())
    assert picture.sightings.get().finding.number == raised.number + 1
    attack(world.police, knife, place=FAR)
    attack(world.police, knife, place=FAR)
    assert check()[0].number == raised.number + 2


def test_the_nightly_build_looks_for_all(world, knife, rule, eager_tasks):
    attack(world.police, knife)
    attack(world.police, knife)
    rebuild_nightly.delay()
    assert len(dangers()) == 1


def test_the_command_looks_for_all_as_the_night_does(world, knife, rule):
    for _ in range(2):
        attack(world.police, knife)
    said = io.StringIO()
    call_command("rebuild_lagebild", stdout=said)
    assert len(dangers()) == 1
    assert "Neue oder gewachsene Gefahren: 1" in said.getvalue()
    call_command("rebuild_lagebild", stdout=said)
    assert said.getvalue().endswith("Neue oder gewachsene Gefahren: 0\n")


def test_only_the_rules_concerned_are_checked(world, knife, rule):
    other = factories.make_category("other")
    attack(world.police, knife)
    attack(world.police, knife)
    assert check(categories=[other.pk]) == []
    assert len(check(categories=[other.pk, knife.pk])) == 1


def test_the_number_of_queries_does_not_grow_with_the_records(world, knife, rule, django_assert_max_num_queries):
    for number in range(40):
        attack(world.police, knife, days=number / 40)
    with as_builder(), django_assert_max_num_queries(20):
        check_dangers()
    assert Danger.objects.get().size == 40


# Every way in tells the worker, once, and only of what all members see.


@pytest.fixture
def told(monkeypatch):
    """Categories of each task that was queued."""
    queued = []

    def keep(categories: list[int]) -> None:
        queued.append(categories)

    monkeypatch.setattr(check_task, "delay", keep)
    return queued


def data(category, **fields) -> actions.RecordData:
    lon, lat = factories.STATION
    values = {"occurred_from": NOW - dt.timedelta(hours=1), "lon": lon, "lat": lat, "sharing_level": COOPERATION}
    return actions.RecordData(category=category, **(values | fields))


def report(world, category, **fields):
    return actions.report(kind=Kind.INCIDENT, data=data(category, **fields), by=world.owner_release)


def changed(world, knife, record, **fields):
    actions.change(record=record, data=data(knife, occurred_from=record.occurred_from, **fields), by=world.owner_lead)


WRITES = {
    "report": lambda world, knife, record: report(world, knife),
    "level raised": lambda world, knife, record: actions.set_level(
        record=attack(world.police, knife, sharing_level=SharingLevel.INTERNAL), level=COOPERATION, by=world.owner_lead
    ),
    "level lowered": lambda world, knife, record: lower(world, record),
    "severity changed": partial(changed, severity=4),
    "withdrawn": lambda world, knife, record: withdraw_batch(agency=world.police, scope=NOTHING, reason="Ende"),
    "deleted": lambda world, knife, record: delete_records(
        records=type(record).objects.filter(pk=record.pk),
        agency=world.police,
        reason=Reason.UNLAWFUL,
        rule="Probe",
        count=len,
    ),
}


@pytest.mark.parametrize("way", WRITES)
def test_every_write_of_a_shared_record_is_told_once(world, knife, told, django_capture_on_commit_callbacks, way):
    record = attack(world.police, knife)
    with django_capture_on_commit_callbacks(execute=True):
        WRITES[way](world, knife, record)
    assert told == [[knife.pk]]


def test_a_changed_category_tells_of_both(world, knife, told, django_capture_on_commit_callbacks):
    other = factories.make_category("other", group="violence")
    record = attack(world.police, knife)
    with django_capture_on_commit_callbacks(execute=True):
        changed(world, other, record)
    assert told == [sorted((knife.pk, other.pk))]


@pytest.mark.parametrize("level", [SharingLevel.INTERNAL, SharingLevel.STATISTICS])
def test_what_is_not_shared_with_all_is_told_to_nobody(world, knife, told, django_capture_on_commit_callbacks, level):
    with django_capture_on_commit_callbacks(execute=True):
        record = report(world, knife, sharing_level=level)
        changed(world, knife, record, severity=4)
        actions.advance(record=record, status="in_progress", by=world.owner_lead)
        (other,) = {SharingLevel.INTERNAL, SharingLevel.STATISTICS} - {level}
        actions.set_level(record=record, level=other, by=world.owner_release)
    assert told == []


def rows_of(number: int) -> str:
    lon, lat = factories.STATION
    lines = [f"knife;21.11.2026 {10 + i % 10}:00;A {i};{lon};{lat}" for i in range(number)]
    return "\n".join(["kategorie;beginn;aktenzeichen;lon;lat", *lines])


def take_over(world, number: int):
    file = io.BytesIO(rows_of(number).encode())
    delivery = Delivery(file=file, file_name="neu.csv", agency=world.police, kind="incident", by=world.owner_release)
    return import_file(delivery)


def test_an_import_of_many_is_told_once(world, knife, told, django_capture_on_commit_callbacks):
    SharingDefault.objects.create(agency=world.police, category=knife, level=COOPERATION)
    with django_capture_on_commit_callbacks(execute=True):
        run = take_over(world, 30)
    assert (run.created, told) == (30, [[knife.pk]])
    with django_capture_on_commit_callbacks(execute=True):
        assert take_over(world, 30).unchanged == 30
    assert told == [[knife.pk]]


def test_an_import_below_cooperation_is_told_to_nobody(world, knife, told, django_capture_on_commit_callbacks):
    with django_capture_on_commit_callbacks(execute=True):
        take_over(world, 3)
    assert told == []


def pushed(client, key: str, rows: list[dict]):
    headers = {"Authorization": f"Api-Key {key}"}
    return client.post(reverse("api:incidents-bulk"), rows, content_type="application/json", headers=headers)


def test_a_push_of_many_is_told_once(world, knife, told, client, django_capture_on_commit_callbacks):
    SharingDefault.objects.create(agency=world.police, category=knife, level=COOPERATION)
    _, key = create_api_key(agency=world.police, scope=KeyScope.WRITE, label="Nachts", by=world.owner_lead)
    rows = [
        {"category": "knife", "occurred_from": "2026-11-21T10:00:00+01:00", "reference": f"A {i}"} for i in range(20)
    ]
    with django_capture_on_commit_callbacks(execute=True):
        answer = pushed(client, key, rows)
    assert (answer.json()["created"], told) == (20, [[knife.pk]])


def test_entry_in_the_browser_raises_the_danger_at_once(
    world, knife, rule, signed_in, eager_tasks, django_capture_on_commit_callbacks
):
    attack(world.order, knife)
    SharingDefault.objects.create(agency=world.police, category=knife, level=COOPERATION)
    lon, lat = factories.STATION
    form = {
        "category": "knife",
        "severity": "2",
        "occurred_from": "heute 10:00",
        "lon": str(lon).replace(".", ","),
        "lat": str(lat).replace(".", ","),
        "accuracy": "point",
        "sharing_level": COOPERATION.value,
    }
    client = signed_in(world.owner_entry)
    with django_capture_on_commit_callbacks(execute=True):
        assert client.post(reverse("incidents:create"), form).status_code == 302
    assert "Messerangriffe" in signed_in(world.stranger).get(reverse("lagebild:findings")).content.decode()


def test_a_broker_that_is_down_undoes_nothing(world, knife, monkeypatch, django_capture_on_commit_callbacks):
    def refuse(categories):
        raise ConnectionError

    monkeypatch.setattr(check_task, "delay", refuse)
    with django_capture_on_commit_callbacks(execute=True):
        record = report(world, knife)
    assert type(record).objects.filter(pk=record.pk).exists()
