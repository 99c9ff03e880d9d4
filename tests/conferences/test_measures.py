"""Measures: made from a decision, reported on, listed."""

import datetime

import pytest
from django.utils import timezone

from agencies.audit import Act
from agencies.models import AuditEntry, Membership, MembershipStatus
from conferences.models import ConferenceStatus, Measure, MeasureReport, MeasureStatus
from conferences.views.measures import due_words
from tests.conferences.conftest import make_conference, make_measure


@pytest.fixture
def meeting(world):
    return make_conference(world.police, world.order, days=-10, status=ConferenceStatus.HELD)


@pytest.fixture
def measure(world, meeting):
    return make_measure(meeting, world.order)


def day(offset: int) -> str:
    return f"{timezone.localdate() + datetime.timedelta(days=offset):%d.%m.%Y}"


def create(client, meeting, responsible, **changes):
    decision, _ = meeting.decisions.get_or_create(number=1, defaults={"text": "So."})
    values = {"title": "Beleuchtung", "agency": responsible.pk, "starts_on": day(1), "due_on": day(30)} | changes
    return client.post(f"/konferenzen/{meeting.pk}/beschluesse/{decision.pk}/massnahme/", values)


def report(client, measure, status="running", text="Es läuft."):
    return client.post(f"/massnahmen/{measure.pk}/", {"status": status, "text": text})


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"title": ""}, "title"),
        ({"due_on": ""}, "due_on"),
        ({"due_on": day(0), "starts_on": day(1)}, "due_on"),
        ({"due_on": day(-11), "starts_on": ""}, "due_on"),
        ({"due_on": "01.01.1900"}, "due_on"),
        ({"due_on": "bald"}, "due_on"),
        ({"agency": ""}, "agency"),
        ({"description": "x" * 4001}, "description"),
        ({"area": "999999"}, "area"),
        ({"finding": "kein-finding"}, "finding"),
    ],
    ids=lambda value: str(value)[:30],
)
def test_bad_measure_is_refused_at_the_field(world, signed_in, meeting, changes, field):
    response = create(signed_in(world.chair), meeting, world.order, **changes)
    assert set(response.context["form"].errors) == {field}
    assert Measure.objects.count() == 0


def test_responsible_is_an_active_full_member(world, signed_in, meeting):
    client = signed_in(world.chair)
    for agency in (world.tax, world.guest_agency):
        assert "agency" in create(client, meeting, agency).context["form"].errors
    assert create(client, meeting, world.customs).status_code == 302
    entry = AuditEntry.objects.get(action=Act.MEASURE_CHANGED)
    assert (entry.user, entry.recipient, entry.facts) == (world.chair, world.customs, {"step": "created"})


def test_decision_of_another_meeting_is_not_found(world, signed_in, meeting):
    decision = meeting.decisions.create(number=1, text="So.")
    other = make_conference(world.police)
    path = f"/konferenzen/{other.pk}/beschluesse/{decision.pk}/massnahme/"
    assert signed_in(world.chair).get(path).status_code == 404


@pytest.mark.parametrize(
    ("name", "status"),
    [
        ("partner_release", 302),
        ("chair", 302),
        ("partner", 403),
        ("owner_lead", 403),
        ("owner_entry", 403),
        ("stranger", 404),
        ("suspended", 404),
        ("guest", 404),
        ("admin", 403),
        ("data_protection", 403),
    ],
)
def test_who_reports_progress(world, signed_in, measure, name, status):
    assert report(signed_in(getattr(world, name)), measure).status_code == status
    assert MeasureReport.objects.count() == (status == 302)
    measure.refresh_from_db()
    assert measure.status == (MeasureStatus.RUNNING if status == 302 else MeasureStatus.PLANNED)


def test_suspended_agency_reports_nothing(world, signed_in, measure):
    Membership.objects.filter(agency=world.order).update(status=MembershipStatus.SUSPENDED)
    assert report(signed_in(world.partner_release), measure).status_code == 404


@pytest.mark.parametrize("start", MeasureStatus)
def test_steps_of_a_measure(world, signed_in, measure, start):
    planned, running, done, dropped = (status.value for status in MeasureStatus)
    agency_may = {planned: {planned, running, done}, running: {running, done}, done: {done}, dropped: {dropped}}
    chair_may = {
        planned: {planned, running, done, dropped},
        running: {running, done, dropped},
        done: {done, running},
        dropped: {dropped, running},
    }
    for person, allowed in ((world.partner_release, agency_may), (world.chair, chair_may)):
        client = signed_in(person)
        taken = set()
        for status in MeasureStatus.values:
            Measure.objects.filter(pk=measure.pk).update(status=start)
            if report(client, measure, status).status_code == 302:
                taken.add(status)
        assert taken == allowed[start], person


def test_report_keeps_the_history_and_the_last_word_becomes_the_result(world, signed_in, measure):
    client = signed_in(world.partner_release)
    report(client, measure, "running", "Erste Streifen sind gefahren.")
    report(client, measure, "done", "Zwölf Streifen, Ziel erreicht.")
    measure.refresh_from_db()
    assert (measure.status, measure.result) == (MeasureStatus.DONE, "Zwölf Streifen, Ziel erreicht.")
    page = client.get(f"/massnahmen/{measure.pk}/")
    assert [row["report"].text for row in page.context["reports"]] == [
        "Zwölf Streifen, Ziel erreicht.",
        "Erste Streifen sind gefahren.",
    ]
    entries = AuditEntry.objects.filter(action=Act.MEASURE_CHANGED, user=world.partner_release).order_by("pk")
    assert [entry.facts["status"] for entry in entries] == ["running", "done"]


def test_everybody_reads_whose_report_it_is(world, signed_in, measure):
    """Also those to whom the account that reported is hidden."""
    report(signed_in(world.partner_release), measure, "running", "Erste Streifen sind gefahren.")
    report(signed_in(world.chair), measure, "running", "Weiter so.")
    for person in (world.owner_lead, world.partner_release, world.chair):
        lines = signed_in(person).get(f"/massnahmen/{measure.pk}/").context["reports"]
        assert [line["agency"] for line in lines] == [world.chair.agency, world.order], person


def test_reopening_takes_the_result_back(world, signed_in, measure):
    client = signed_in(world.chair)
    report(client, measure, "done", "Fertig.")
    report(client, measure, "running", "Doch nicht.")
    measure.refresh_from_db()
    assert (measure.status, measure.result) == (MeasureStatus.RUNNING, "")


@pytest.mark.parametrize(
    ("changes", "field"), [({"text": ""}, "text"), ({"text": "x" * 4001}, "text"), ({"status": "erfunden"}, "status")]
)
def test_bad_report_is_refused_and_nothing_is_lost(world, signed_in, measure, changes, field):
    response = report(signed_in(world.chair), measure, **changes)
    assert response.status_code == 200
    assert set(response.context["form"].errors) == {field}
    assert response.context["form"]["text"].value() == changes.get("text", "Es läuft.")
    assert MeasureReport.objects.count() == 0


def test_filters_of_the_list(world, signed_in, meeting):
    late = make_measure(meeting, world.order, due=-12, title="spät")
    soon = make_measure(meeting, world.police, due=3, title="bald", status=MeasureStatus.RUNNING)
    done = make_measure(meeting, world.order, due=-20, title="fertig", status=MeasureStatus.DONE)
    client = signed_in(world.owner_entry)

    def found(**query):
        return [line.measure for line in client.get("/massnahmen/", query).context["lines"]]

    assert found() == [late, soon]
    assert found(state="overdue") == [late]
    assert found(state="done") == [done]
    assert found(state="all") == [done, late, soon]
    assert found(mine="on") == [soon]
    assert found(agency="ordnungsamt", state="all") == [done, late]
    assert found(state="unsinn") == [late, soon]
    assert "überfällig seit 12 Tagen" in client.get("/massnahmen/").text


def test_empty_states(world, signed_in, meeting):
    client = signed_in(world.owner_entry)
    assert "Noch keine Maßnahmen" in client.get("/massnahmen/").text
    make_measure(meeting, world.order, status=MeasureStatus.DONE)
    assert "Keine Maßnahme passt" in client.get("/massnahmen/").text


@pytest.mark.parametrize(
    ("due", "status", "words"),
    [
        (1, "planned", ""),
        (0, "planned", "heute fällig"),
        (0, "done", ""),
        (-1, "running", "überfällig seit gestern"),
        (-2, "planned", "überfällig seit 2 Tagen"),
        (-2, "done", ""),
        (-2, "dropped", ""),
    ],
)
def test_due_date_in_words(due, status, words):
    today = datetime.date(2026, 10, 6)
    assert due_words(Measure(due_on=today + datetime.timedelta(days=due), status=status), today) == words
