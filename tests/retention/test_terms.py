"""Terms and dates: which rule holds, what counts from when, what the database finds due is what the page says."""

import datetime as dt
import io

import pytest
from django.core.exceptions import PermissionDenied, ValidationError
from django.core.management import CommandError, call_command
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from agencies.models import AuditEntry
from agencies.visibility import SharingLevel
from incidents import actions
from incidents.models import Complaint, DeletedReference, Incident, IncidentExtension, RetentionRule, RetentionRun
from incidents.retention import Door, Terms, add_months, dates_for_owner, due_for_deletion, due_for_review, limits
from incidents.retention_actions import extend, remove_rule, set_rule
from lagebild.actions import build_picture
from lagebild.models import ReleasedBlock
from lagebild.retention import apply_retention, delete_now, plan_retention
from lagebild.tasks import apply_retention as nightly
from tests import factories

NOON = dt.datetime(2026, 11, 22, 12, tzinfo=dt.UTC)
TODAY = NOON.date()

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _day(time_machine):
    time_machine.move_to(NOON, tick=False)


def incident(agency, days: int, **fields) -> Incident:
    return factories.make_incident(agency, occurred_from=NOON - dt.timedelta(days=days), **fields)


def rule(agency, delete: int, review: int = 1, **scope) -> RetentionRule:
    return RetentionRule.objects.create(agency=agency, review_after_months=review, delete_after_months=delete, **scope)


# Which term holds


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({}, (24, 36, 120)),
        ({"is_grave": True}, (36, 60, 120)),
        ({"is_sensitive": True}, (12, 24, 60)),
        ({"geo": "G", "is_grave": True}, (12, 24, 60)),
        ({"kind": "complaint"}, (12, 24, 60)),
    ],
)
def test_defaults_follow_what_the_category_is(world, fields, expected):
    category = factories.make_category("one", **fields)
    term = Terms(world.police).of(category)
    assert (term.review, term.delete, term.longest) == expected


def test_the_narrowest_rule_holds_and_only_in_its_agency(world):
    category = factories.make_category("one", group="some")
    found = [Terms(world.police).of(category).delete]
    for scope in ({}, {"group": category.group}, {"category": category}):
        rule(world.police, 10 + len(found), **scope)
        found.append(Terms(world.police).of(category).delete)
    assert found == [36, 11, 12, 13]
    assert Terms(world.order).of(category).delete == 36


def test_a_general_rule_never_reaches_beyond_the_limit_of_a_protected_category(world):
    rule(world.police, 120, review=100)
    term = Terms(world.police).of(factories.make_category("one", is_sensitive=True))
    assert (term.review, term.delete) == (60, 60)


def test_every_category_of_the_catalogue_has_a_set():
    assert all(0 < one.review <= one.delete <= one.longest <= 120 for one in limits().sets)
    assert limits().shortest_delete * 28 > 2 * 28, "protected counts of a block are released before its records go"


# Who sets it


def test_the_lead_sets_replaces_and_removes_a_rule(world):
    category = factories.make_category("one")
    set_rule(by=world.owner_lead, review_after_months=6, delete_after_months=12, category=category)
    kept = set_rule(by=world.owner_lead, review_after_months=7, delete_after_months=14, category=category, basis=" G ")
    assert RetentionRule.objects.get() == kept
    assert (kept.delete_after_months, kept.basis, kept.agency) == (14, "G", world.police)
    remove_rule(rule=kept, by=world.owner_lead)
    assert not RetentionRule.objects.exists()
    entries = AuditEntry.objects.filter(action="settings_changed", owner=world.police)
    assert [entry.facts["retention"] for entry in entries] == ["one"] * 3


@pytest.mark.parametrize("who", ["owner_entry", "owner_release", "chair", "data_protection", "admin", "superuser"])
def test_nobody_but_the_lead_sets_terms(world, who):
    with pytest.raises(PermissionDenied):
        set_rule(by=getattr(world, who), review_after_months=6, delete_after_months=12)


def test_a_lead_removes_no_rule_of_another_agency(world):
    with pytest.raises(PermissionDenied):
        remove_rule(rule=rule(world.police, 12), by=world.stranger)


@pytest.mark.parametrize(
    ("review", "delete", "field"),
    [(1, 2, "delete_after_months"), (1, 121, "delete_after_months"), (13, 12, "review_after_months")],
)
def test_a_rule_outside_the_limits_is_refused_at_its_field(world, review, delete, field):
    with pytest.raises(ValidationError) as refused:
        set_rule(by=world.owner_lead, review_after_months=review, delete_after_months=delete)
    assert set(refused.value.message_dict) == {field}


def test_a_protected_category_and_its_group_keep_the_lower_limit(world):
    category = factories.make_category("one", group="mixed", is_sensitive=True)
    factories.make_category("two", group="mixed")
    for scope in ({"category": category}, {"group": category.group}):
        with pytest.raises(ValidationError):
            set_rule(by=world.owner_lead, review_after_months=6, delete_after_months=61, **scope)
        set_rule(by=world.owner_lead, review_after_months=6, delete_after_months=60, **scope)


# From when, until when


@given(day=st.dates(dt.date(1990, 1, 1), dt.date(2100, 1, 1)), months=st.integers(-240, 240))
def test_months_stay_in_the_month_they_lead_to(day, months):
    later = add_months(day, months)
    assert (later.year * 12 + later.month) - (day.year * 12 + day.month) == months
    assert later.day == day.day or (later.day < day.day and (later + dt.timedelta(days=1)).day == 1)


def test_months_count_from_the_end_of_the_event(world):
    rule(world.police, 12, review=6)
    record = incident(world.police, 400, occurred_to=NOON - dt.timedelta(days=100))
    dates = dates_for_owner(record)
    assert (dates.review_on, dates.delete_on) == (dt.date(2027, 2, 14), dt.date(2027, 8, 14))


def test_the_local_day_of_the_end_counts(world):
    rule(world.police, 12)
    late = dt.datetime(2025, 11, 21, 23, 30, tzinfo=dt.UTC)  # 22 November in Hamm
    record = factories.make_incident(world.police, occurred_from=late)
    assert dates_for_owner(record).delete_on == TODAY
    apply_retention(agency=world.police, today=TODAY - dt.timedelta(days=1))
    assert Incident.objects.exists()
    apply_retention(agency=world.police, today=TODAY)
    assert not Incident.objects.exists()


@pytest.mark.parametrize("months", [3, 6, 12, 13])
def test_the_database_finds_due_what_the_dates_say(world, months):
    rule(world.police, months, review=2)
    for days in range(20, 460, 3):
        record = incident(world.police, days)
        if days % 4 == 0:
            until = TODAY + dt.timedelta(days=days % 5 - 2)
            IncidentExtension.objects.create(
                record=record, agency=world.police, until=until, reason="-", extended_by=world.owner_release
            )
    own, terms = Incident.objects.filter(agency=world.police), Terms(world.police)
    expected = {record.pk: dates_for_owner(record) for record in own}
    found = {row.pk for _, _, due in due_for_deletion(own, terms, today=TODAY) for row in due}
    assert found == {pk for pk, dates in expected.items() if dates.delete_on <= TODAY}
    review = {row.pk: (row.review_on, row.delete_on) for row in due_for_review(own, terms, today=TODAY)}
    assert review == {pk: (d.review_on, d.delete_on) for pk, d in expected.items() if d.is_due(TODAY)}
    assert 0 < len(found) < len(expected)


# Extending


def extended(world, record, days: int, reason="Verfahren läuft", by=None):
    return extend(record=record, until=TODAY + dt.timedelta(days=days), reason=reason, by=by or world.owner_release)


def test_an_extension_keeps_the_record_and_its_end_brings_the_review_back(world):
    rule(world.police, 12)
    record = incident(world.police, 370)
    extended(world, record, 30)
    apply_retention(agency=world.police, today=TODAY)
    dates = dates_for_owner(Incident.objects.get())
    assert dates.review_on == dates.delete_on == TODAY + dt.timedelta(days=30)
    assert AuditEntry.objects.filter(action="retention_extended", object_id=str(record.pk)).count() == 1
    assert "Verfahren" not in str(AuditEntry.objects.get(action="retention_extended").__dict__)


def test_at_most_three_extensions(world):
    record = incident(world.police, 370)
    for days in (400, 500, 600):
        extended(world, record, days)
    with pytest.raises(ValidationError, match="3-mal"):
        extended(world, record, 700)


@pytest.mark.parametrize("days", [0, -1, 800])
def test_an_extension_leads_ahead_and_no_further_than_two_years(world, days):
    record = incident(world.police, 800)
    with pytest.raises(ValidationError):
        extended(world, record, days)


def test_no_extension_beyond_the_limit_of_the_law(world):
    record = incident(world.police, 5 * 365 - 60, category=factories.make_category("one", is_sensitive=True))
    extended(world, record, 20)
    with pytest.raises(ValidationError):
        extended(world, record, 90)
    over = incident(world.police, 6 * 365, category=factories.make_category("one"))
    over.category.is_sensitive = True
    over.category.save()
    with pytest.raises(ValidationError, match="Höchstfrist"):
        extended(world, over, 20)


def test_an_extension_needs_a_reason(world):
    with pytest.raises(ValidationError) as refused:
        extended(world, incident(world.police, 800), 30, reason="  ")
    assert set(refused.value.message_dict) == {"reason"}


@pytest.mark.parametrize("who", ["owner_entry", "partner_release", "stranger", "chair", "suspended", "superuser"])
def test_others_neither_extend_nor_delete(world, who):
    record = incident(world.police, 800, sharing_level=SharingLevel.COOPERATION)
    with pytest.raises(PermissionDenied):
        extended(world, record, 30, by=getattr(world, who))
    with pytest.raises(PermissionDenied):
        delete_now(record=record, reason="not_needed", by=getattr(world, who))
    assert Incident.objects.filter(pk=record.pk).exists()


# Runs


def test_a_run_deletes_what_is_due_in_its_agency_alone_and_counts_by_rule(world):
    for agency in (world.police, world.order):
        incident(agency, 3000)
        incident(agency, 3000)
        incident(agency, 10)
        factories.make_complaint(agency, occurred_from=NOON - dt.timedelta(days=3000))
    planned = plan_retention(agency=world.police, today=TODAY)
    run = apply_retention(agency=world.police, today=TODAY)
    assert [line["count"] for line in run.lines] == [1, 2]
    assert sorted(planned, key=lambda line: line.key) == [type(planned[0])(**line) for line in run.lines]
    left = {agency: Incident.objects.filter(agency=agency).count() for agency in (world.police, world.order)}
    assert left == {world.police: 1, world.order: 3}
    assert Complaint.objects.count() == 1


def test_a_dry_run_changes_nothing(world):
    incident(world.police, 3000)
    out = io.StringIO()
    call_command("apply_retention", "--dry-run", "--agency", "polizei", stdout=out)
    assert out.getvalue() == "polizei\tVorfälle\tIncident-Kind\tVoreinstellung „Vorfälle“, 36 Monate\t1\n"
    assert Incident.objects.count() == 1
    assert not RetentionRun.objects.exists()
    assert not AuditEntry.objects.exists()


def test_a_second_run_finds_nothing_more(world):
    incident(world.police, 3000)
    apply_retention(agency=world.police, today=TODAY)
    assert apply_retention(agency=world.police, today=TODAY).lines == []


def test_an_interrupted_run_is_taken_up_and_its_proof_covers_both_parts(world, monkeypatch):
    monkeypatch.setattr("lagebild.retention.BATCH", 2)
    for days in range(3000, 3005):
        incident(world.police, days)
    monkeypatch.setattr("lagebild.retention._finish", _fail)
    with pytest.raises(ZeroDivisionError):
        apply_retention(agency=world.police, today=TODAY)
    monkeypatch.undo()
    incident(world.police, 3006)
    run = apply_retention(agency=world.police, today=TODAY)
    assert RetentionRun.objects.count() == 1
    assert run.deleted == 6
    assert (
        sum(
            AuditEntry.objects.filter(action="deleted").values_list("facts__records", flat=True)[i]["Incident-Kind"]
            for i in range(AuditEntry.objects.filter(action="deleted").count())
        )
        == 6
    )


def _fail(*args):
    raise ZeroDivisionError


def test_no_run_for_a_day_to_come(world):
    incident(world.police, 10)
    with pytest.raises(CommandError, match="Zukunft"):
        call_command("apply_retention", "--date", "2036-01-01")
    with pytest.raises(CommandError, match="gibt es nicht"):
        call_command("apply_retention", "--agency", "niemand")
    assert Incident.objects.exists()


def test_the_nightly_task_serves_every_agency(world):
    for agency in (world.police, world.order, world.tax):
        incident(agency, 3000)
    gone = nightly()
    assert {slug: count for slug, count in gone.items() if count} == {"polizei": 1, "ordnungsamt": 1, "finanzamt": 1}
    assert not Incident.objects.exists()
    assert RetentionRun.objects.exclude(finished_at=None).count() == len(gone)


def test_counted_only_records_wait_until_their_counts_are_released(world):
    rule(world.police, 3)
    incident(world.police, 200, sharing_level=SharingLevel.STATISTICS)
    apply_retention(agency=world.police, today=TODAY)
    assert Incident.objects.count() == 1
    build_picture(date=TODAY)
    assert ReleasedBlock.objects.exists()
    apply_retention(agency=world.police, today=TODAY)
    assert Incident.objects.count() == 0


# What is gone stays gone


def data(record: Incident, days: int, reference: str = "") -> actions.RecordData:
    return actions.RecordData(
        category=record.category, occurred_from=NOON - dt.timedelta(days=days), reference=reference
    )


def test_before_the_first_run_the_past_may_be_brought_in_and_afterwards_not(world):
    record = incident(world.police, 10)
    assert Door(world.police, "incident").objection(data(record, 3000)) == {}
    apply_retention(agency=world.police, today=TODAY)
    assert set(Door(world.police, "incident").objection(data(record, 3000))) == {"occurred_from"}
    assert Door(world.police, "incident").objection(data(record, 30)) == {}
    assert Door(world.order, "incident").objection(data(record, 3000)) == {}
    with pytest.raises(ValidationError, match="Löschfrist"):
        actions.report(kind="incident", data=data(record, 3000), by=world.owner_entry)


def test_what_was_deleted_by_hand_is_not_delivered_again_until_its_age_keeps_it_out(world):
    record = incident(world.police, 100, reference="AZ 7")
    delete_now(record=record, reason="not_needed", by=world.owner_release)
    held = DeletedReference.objects.get()
    assert "AZ 7" not in str(held.__dict__)
    assert set(Door(world.police, "incident").objection(data(record, 100, "AZ 7"))) == {"reference"}
    assert Door(world.police, "incident").objection(data(record, 100, "AZ 8")) == {}
    assert Door(world.police, "complaint").objection(data(record, 100, "AZ 7")) == {}
    assert Door(world.order, "incident").objection(data(record, 100, "AZ 7")) == {}
    assert held.until == add_months(timezone.localdate(record.occurred_from), 36)


def test_deletion_by_hand_names_the_record_and_the_reason_in_the_log(world):
    record = incident(world.police, 100)
    with pytest.raises(ValidationError):
        delete_now(record=record, reason="expired", by=world.owner_release)
    delete_now(record=record, reason="unlawful", by=world.owner_release)
    entry = AuditEntry.objects.get(action="deleted")
    assert (entry.object_id, entry.user, entry.facts["reason"]) == (str(record.pk), world.owner_release, "unlawful")
