"""How the chair prepares and holds a meeting, through the pages."""

import datetime
import uuid

import pytest
from django.core.exceptions import PermissionDenied
from django.utils import timezone

from agencies.audit import Act
from agencies.models import AuditEntry, Membership, MembershipStatus
from conferences import actions
from conferences.models import AgendaItem, Body, Conference, ConferenceStatus, Decision, Measure
from tests.conferences.conftest import make_conference, make_edition, make_measure

NOT_CHAIR = (
    "owner_entry",
    "owner_lead",
    "partner_release",
    "stranger",
    "suspended",
    "guest",
    "admin",
    "data_protection",
)


def fields(*agencies, **changes):
    values = {"body": "conference", "title": "Sicherheitskonferenz", "date": "06.10.2026", "time": "14:30"}
    return values | {"place": "Rathaus, Saal 1", "agencies": [agency.pk for agency in agencies]} | changes


@pytest.fixture
def chair(world, signed_in):
    return signed_in(world.chair)


def status_of(meeting):
    return Conference.objects.get(pk=meeting.pk).status


def positions(meeting):
    return [(item.position, item.title) for item in meeting.agenda_items.all()]


def test_whole_story_of_two_meetings(world, signed_in, edition, finding):
    chair = signed_in(world.chair)
    today = f"{timezone.localdate():%d.%m.%Y}"
    response = chair.post("/konferenzen/neu/", fields(world.police, world.order, date=today))
    meeting = Conference.objects.get()
    page = f"/konferenzen/{meeting.pk}/"
    assert response.url == page
    assert timezone.localtime(meeting.starts_at).strftime("%H:%M") == "14:30"
    chair.post(page + "tagesordnung/neu/", {"title": "Lage", "note": "Vortrag", "finding": finding.pk})
    chair.post(page + "ausgabe/", {"edition": edition.pk})
    chair.post(page + "schritt/einladen/")
    item = meeting.agenda_items.get()
    decision_fields = {"agenda_item": item.pk, "text": "Mehr Streifen.", "votes_for": 2}
    chair.post(page + "beschluesse/neu/", decision_fields | {"votes_against": 0, "votes_abstained": 0})
    decision = meeting.decisions.get()
    due = timezone.localdate() + datetime.timedelta(days=90)
    measure_fields = {"title": "Doppelstreife am Bahnhof", "agency": world.order.pk, "area": finding.district_id}
    chair.post(
        page + f"beschluesse/{decision.pk}/massnahme/", measure_fields | {"due_on": f"{due:%d.%m.%Y}", "finding": ""}
    )
    chair.post(page + "schritt/durchgefuehrt/")
    meeting.refresh_from_db()
    assert (meeting.status, meeting.edition) == (ConferenceStatus.HELD, edition)
    assert (decision.number, decision.votes_for, decision.agenda_item) == (1, 2, item)
    measure = Measure.objects.get()
    assert (measure.agency, measure.due_on, measure.area) == (world.order, due, finding.district)

    following = make_conference(world.police, world.order, days=60)
    shown = chair.get(f"/konferenzen/{following.pk}/").context["earlier"]
    assert [line.measure for line in shown] == [measure]
    assert chair.get(page).context["earlier"] == []
    steps = AuditEntry.objects.filter(action=Act.CONFERENCE_CHANGED).order_by("pk")
    assert [entry.facts["step"] for entry in steps] == [
        "created",
        "agenda_added",
        "edition_attached",
        "invited",
        "decided",
        "held",
    ]
    assert {entry.user for entry in steps} == {world.chair}


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"title": ""}, "title"),
        ({"title": "x" * 1_000_000}, "title"),
        ({"date": "31.02.2026"}, "date"),
        ({"date": "06.10.1900"}, "date"),
        ({"date": "06.10.2099"}, "date"),
        ({"date": ""}, "date"),
        ({"date": "29.03.2026", "time": "02:30"}, "time"),
        ({"time": "halb drei"}, "time"),
        ({"place": "  "}, "place"),
        ({"body": "stammtisch"}, "body"),
        ({"agencies": [999999]}, "agencies"),
        ({"agencies": ["polizei"]}, "agencies"),
    ],
    ids=lambda value: str(value)[:30],
)
def test_bad_meeting_is_refused_at_the_field_and_nothing_is_lost(world, chair, changes, field):
    response = chair.post("/konferenzen/neu/", fields(world.police, **changes))
    assert response.status_code == 200
    form = response.context["form"]
    assert field in form.errors
    assert Conference.objects.count() == 0
    assert form["time" if field != "time" else "place"].value() in {"14:30", "Rathaus, Saal 1"}


@pytest.mark.parametrize("typed", ["14:30", "14.30", "14:30 Uhr", " 14:30Uhr "])
@pytest.mark.parametrize("day", ["06.10.2026", "2026-10-06", "6.10.26"])
def test_dates_and_times_as_people_write_them(world, chair, typed, day):
    chair.post("/konferenzen/neu/", fields(world.police, time=typed, date=day))
    assert timezone.localtime(Conference.objects.get().starts_at).strftime("%d.%m.%Y %H:%M") == "06.10.2026 14:30"


def test_only_agencies_with_an_active_membership_can_be_invited(world, chair):
    offered = set(chair.get("/konferenzen/neu/").context["form"].fields["agencies"].queryset)
    assert offered == {world.police, world.order, world.fire, world.customs, world.guest_agency}
    response = chair.post("/konferenzen/neu/", fields(world.tax))
    assert "agencies" in response.context["form"].errors


def test_agency_suspended_after_the_invitation_stays_on_the_list(world, chair):
    meeting = make_conference(world.police, world.order)
    Membership.objects.filter(agency=world.order).update(status=MembershipStatus.SUSPENDED)
    path = f"/konferenzen/{meeting.pk}/bearbeiten/"
    assert chair.post(path, fields(world.police, world.order, title="Neu")).status_code == 302
    assert set(meeting.agencies.all()) == {world.police, world.order}


def test_editing_shows_what_is_stored_and_writes_what_is_typed(world, chair):
    meeting = make_conference(world.police)
    path = f"/konferenzen/{meeting.pk}/bearbeiten/"
    form = chair.get(path).context["form"]
    assert form["title"].value() == "Lenkungsgruppe"
    assert form["agencies"].value() == [world.police.pk]
    chair.post(path, fields(world.order, title="Neuer Titel"))
    meeting.refresh_from_db()
    assert meeting.title == "Neuer Titel"
    assert list(meeting.agencies.all()) == [world.order]


def test_an_invited_meeting_keeps_at_least_one_agency(world, chair):
    meeting = make_conference(world.police)
    response = chair.post(f"/konferenzen/{meeting.pk}/bearbeiten/", fields())
    assert "noch keine Behörde ausgewählt" in response.text
    assert list(meeting.agencies.all()) == [world.police]


def test_inviting_makes_the_plan_visible_and_needs_agencies(world, chair, signed_in):
    empty = make_conference(status=ConferenceStatus.PLANNED)
    assert "noch keine Behörde" in chair.post(f"/konferenzen/{empty.pk}/schritt/einladen/", follow=True).text
    assert status_of(empty) == ConferenceStatus.PLANNED
    meeting = make_conference(world.police, status=ConferenceStatus.PLANNED)
    assert signed_in(world.owner_entry).get(f"/konferenzen/{meeting.pk}/").status_code == 404
    signed_in(world.chair).post(f"/konferenzen/{meeting.pk}/schritt/einladen/")
    assert signed_in(world.owner_entry).get(f"/konferenzen/{meeting.pk}/").status_code == 200


@pytest.mark.parametrize("status", ConferenceStatus)
@pytest.mark.parametrize(
    ("step", "target", "sources"),
    [
        ("einladen", ConferenceStatus.INVITED, {ConferenceStatus.PLANNED}),
        ("durchgefuehrt", ConferenceStatus.HELD, {ConferenceStatus.INVITED}),
        ("absagen", ConferenceStatus.CANCELLED, {ConferenceStatus.INVITED}),
    ],
)
def test_steps_of_a_meeting(world, chair, status, step, target, sources):
    meeting = make_conference(world.police, status=status)
    chair.post(f"/konferenzen/{meeting.pk}/schritt/{step}/")
    assert status_of(meeting) == (target if status in sources else status)


def test_a_coming_meeting_was_not_held(world, chair):
    meeting = make_conference(world.police, days=2)
    page = chair.post(f"/konferenzen/{meeting.pk}/schritt/durchgefuehrt/", follow=True).text
    assert "hat noch nicht stattgefunden" in page
    assert status_of(meeting) == ConferenceStatus.INVITED


def test_only_a_plan_is_discarded(world, chair):
    plan, invited = make_conference(world.police, status=ConferenceStatus.PLANNED), make_conference(world.police)
    for meeting in (plan, invited):
        chair.post(f"/konferenzen/{meeting.pk}/entwurf-loeschen/")
    assert list(Conference.objects.all()) == [invited]


def test_agenda_is_reordered_and_closes_its_gaps(world, chair):
    meeting = make_conference(world.police)
    page = f"/konferenzen/{meeting.pk}/tagesordnung/"
    for title in "ABC":
        chair.post(page + "neu/", {"title": title})
    first, second, third = meeting.agenda_items.all()
    chair.post(f"{page}{third.pk}/verschieben/", {"direction": "up"})
    assert positions(meeting) == [(1, "A"), (2, "C"), (3, "B")]
    chair.post(f"{page}{third.pk}/verschieben/", {"direction": "up"})
    chair.post(f"{page}{third.pk}/verschieben/", {"direction": "up"})
    chair.post(f"{page}{first.pk}/verschieben/", {"direction": "down"})
    assert positions(meeting) == [(1, "C"), (2, "B"), (3, "A")]
    chair.post(f"{page}{third.pk}/loeschen/")
    assert positions(meeting) == [(1, "B"), (2, "A")]
    chair.post(f"{page}{second.pk}/", {"title": "B neu", "note": "Text"})
    assert positions(meeting) == [(1, "B neu"), (2, "A")]


def test_agenda_item_with_a_decision_stays(world, chair):
    meeting = make_conference(world.police)
    item = meeting.agenda_items.create(position=1, title="A")
    meeting.decisions.create(number=1, text="So.", agenda_item=item)
    page = chair.post(f"/konferenzen/{meeting.pk}/tagesordnung/{item.pk}/loeschen/", follow=True).text
    assert "er bleibt deshalb stehen" in page
    assert AgendaItem.objects.count() == 1


@pytest.mark.parametrize("changes", [{"title": ""}, {"note": "x" * 4001}, {"finding": str(uuid.uuid4())}])
def test_bad_agenda_item_is_refused(world, chair, changes):
    meeting = make_conference(world.police)
    response = chair.post(f"/konferenzen/{meeting.pk}/tagesordnung/neu/", {"title": "A"} | changes)
    assert set(response.context["form"].errors) == set(changes)
    assert AgendaItem.objects.count() == 0


def test_item_of_another_meeting_is_not_found(world, chair):
    one, other = make_conference(world.police), make_conference(world.police)
    item = other.agenda_items.create(position=1, title="A")
    for tail in ("", "verschieben/", "loeschen/"):
        assert chair.post(f"/konferenzen/{one.pk}/tagesordnung/{item.pk}/{tail}").status_code == 404


def test_a_held_meeting_is_closed(world, chair, edition):
    meeting = make_conference(world.police, status=ConferenceStatus.HELD, edition=edition)
    other = make_edition(2)
    item = meeting.agenda_items.create(position=1, title="A")
    page = f"/konferenzen/{meeting.pk}/"
    assert "abgeschlossen" in chair.post(page + "bearbeiten/", fields(world.police)).text
    assert "abgeschlossen" in chair.post(page + "tagesordnung/neu/", {"title": "B"}).text
    assert "abgeschlossen" in chair.post(page + f"tagesordnung/{item.pk}/loeschen/", follow=True).text
    assert "abgeschlossen" in chair.post(page + "ausgabe/", {"edition": other.pk}).text
    meeting.refresh_from_db()
    assert (meeting.title, meeting.edition) == ("Lenkungsgruppe", edition)
    assert positions(meeting) == [(1, "A")]


def test_editions_are_offered_newest_first(world, chair, edition):
    newer = make_edition(2)
    meeting = make_conference(world.police)
    page = chair.get(f"/konferenzen/{meeting.pk}/ausgabe/")
    assert list(page.context["form"].fields["edition"].queryset) == [newer, edition]


def test_without_editions_the_page_says_how_to_begin(world, chair):
    meeting = make_conference(world.police)
    assert "Noch keine Ausgabe" in chair.get(f"/konferenzen/{meeting.pk}/ausgabe/").text


def vote(chair, meeting, **changes):
    values = {"text": "So.", "votes_for": 2, "votes_against": 0, "votes_abstained": 0}
    return chair.post(f"/konferenzen/{meeting.pk}/beschluesse/neu/", values | changes)


def test_only_invited_voting_members_vote(world, chair):
    Membership.objects.filter(agency=world.customs).update(kind="associated")
    meeting = make_conference(world.police, world.order, world.customs, world.guest_agency, world.tax)
    too_many = vote(chair, meeting, votes_against=1)
    assert "stimmberechtigte Mitglieder gibt (2)" in str(too_many.context["form"].errors["votes_for"])
    assert too_many.context["form"]["text"].value() == "So."
    vote(chair, meeting)
    vote(chair, meeting, votes_for=0, votes_against=1, votes_abstained=1)
    numbers = Decision.objects.values_list("number", "votes_for", "votes_against", "votes_abstained")
    assert list(numbers) == [(1, 2, 0, 0), (2, 0, 1, 1)]


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"text": ""}, "text"),
        ({"text": "x" * 1_000_000}, "text"),
        ({"votes_for": -1}, "votes_for"),
        ({"votes_for": ""}, "votes_for"),
    ],
    ids=["empty", "megabyte", "negative", "missing"],
)
def test_bad_decision_is_refused_at_the_field(world, chair, changes, field):
    response = vote(chair, make_conference(world.police, world.order), **changes)
    assert set(response.context["form"].errors) == {field}
    assert Decision.objects.count() == 0


def test_agenda_item_of_another_meeting_is_refused_in_a_decision(world, chair):
    item = make_conference(world.police).agenda_items.create(position=1, title="A")
    response = vote(chair, make_conference(world.police, world.order), agenda_item=item.pk)
    assert "agenda_item" in response.context["form"].errors


@pytest.mark.parametrize("status", [ConferenceStatus.PLANNED, ConferenceStatus.CANCELLED])
def test_decisions_need_an_invited_or_held_meeting(world, chair, status):
    vote(chair, make_conference(world.police, world.order, status=status))
    assert Decision.objects.count() == 0


@pytest.mark.parametrize("name", NOT_CHAIR)
def test_only_the_chair_runs_meetings(world, signed_in, name, edition):
    meeting = make_conference(world.police, world.guest_agency)
    item = meeting.agenda_items.create(position=1, title="A")
    measure = make_measure(meeting, world.police)
    client = signed_in(getattr(world, name))
    page = f"/konferenzen/{meeting.pk}/"
    posts = [
        ("/konferenzen/neu/", fields(world.police)),
        (page + "bearbeiten/", fields(world.police)),
        (page + "ausgabe/", {"edition": edition.pk}),
        (page + "entwurf-loeschen/", {}),
        (page + "schritt/absagen/", {}),
        (page + "tagesordnung/neu/", {"title": "B"}),
        (page + f"tagesordnung/{item.pk}/", {"title": "B"}),
        (page + f"tagesordnung/{item.pk}/verschieben/", {}),
        (page + f"tagesordnung/{item.pk}/loeschen/", {}),
        (page + "beschluesse/neu/", {"text": "So.", "votes_for": 0, "votes_against": 0, "votes_abstained": 0}),
        (page + f"beschluesse/{measure.decision_id}/massnahme/", {"title": "B"}),
    ]
    assert [client.post(path, data).status_code for path, data in posts] == [403] * len(posts)
    assert Conference.objects.count() == 1
    assert positions(meeting) == [(1, "A")]


def test_actions_refuse_who_does_not_chair(world):
    with pytest.raises(PermissionDenied):
        actions.create_conference(
            body=Body.STEERING, title="X", starts_at=timezone.now(), place="Y", by=world.owner_lead
        )
    Membership.objects.filter(agency=world.siko).update(status=MembershipStatus.SUSPENDED)
    with pytest.raises(PermissionDenied):
        actions.create_conference(body=Body.STEERING, title="X", starts_at=timezone.now(), place="Y", by=world.chair)


def test_list_filters_and_empty_states(world, chair, signed_in):
    assert "Noch keine Konferenz" in chair.get("/konferenzen/").text
    past = make_conference(world.police, days=-5, body=Body.CONFERENCE)
    coming = make_conference(world.police, days=5)

    def found(**query):
        return [row for row, _ in chair.get("/konferenzen/", query).context["lines"]]

    assert found() == [coming, past]
    assert found(when="coming") == [coming]
    assert found(when="past") == [past]
    assert found(body="conference") == [past]
    assert found(body="unsinn") == [coming, past]
    assert "Keine Konferenz passt" in chair.get("/konferenzen/", {"body": "coordination"}).text
    assert "Keine Einladung" in signed_in(world.stranger).get("/konferenzen/").text
