"""Who sees which meeting, edition and measure."""

import re
import uuid

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from agencies.audit import Act
from agencies.models import AuditEntry, Membership, MembershipStatus
from conferences.models import ConferenceStatus
from tests.conferences.conftest import PDF, make_conference, make_measure

# Police and the guest are invited, order and fire are not, customs has no person in the cast.
INVITED = {"owner_entry", "owner_release", "owner_lead", "guest", "chair"}
MEMBERS = INVITED - {"guest"}
# Members of the cast whose roles read no picture at all.
WITHOUT_ROLE = {"data_protection", "admin", "second_admin", "without_agency", "superuser"}
OTHERS = {"partner", "partner_release", "stranger", "suspended"}


def body(response) -> str:
    return re.sub(r'name="csrfmiddlewaretoken" value="\w+"', "", response.text)


def statuses(world, signed_in, path: str) -> dict[str, int]:
    people = {name: person for name, person in world.people().items() if name != "inactive"}
    return {name: signed_in(person).get(path).status_code for name, person in people.items()}


def expected(seeing: set[str]) -> dict[str, int]:
    everybody = INVITED | OTHERS
    return dict.fromkeys(everybody - seeing, 404) | dict.fromkeys(seeing, 200) | dict.fromkeys(WITHOUT_ROLE, 403)


@pytest.fixture
def meeting(world, edition, finding):
    conference = make_conference(world.police, world.guest_agency, world.tax, edition=edition)
    conference.agenda_items.create(position=1, title="Lage am Bahnhof", finding=finding)
    return conference


@pytest.mark.parametrize("tail", ["", "einladung/", "ausgabe.pdf"])
@pytest.mark.parametrize("status", [ConferenceStatus.INVITED, ConferenceStatus.HELD, ConferenceStatus.CANCELLED])
def test_meeting_is_for_the_chair_and_the_invited(world, signed_in, meeting, tail, status):
    type(meeting).objects.update(status=status)
    assert statuses(world, signed_in, f"/konferenzen/{meeting.pk}/{tail}") == expected(INVITED)


@pytest.mark.parametrize("tail", ["", "einladung/", "ausgabe.pdf"])
def test_a_plan_is_for_the_chair_alone(world, signed_in, meeting, tail):
    type(meeting).objects.update(status=ConferenceStatus.PLANNED)
    assert statuses(world, signed_in, f"/konferenzen/{meeting.pk}/{tail}") == expected({"chair"})


def test_lists_hold_what_the_pages_show(world, signed_in, meeting):
    make_conference(world.order, title="Anderes")
    make_conference(world.police, title="Geplant", status=ConferenceStatus.PLANNED)
    titles = {"owner_entry": {"Lenkungsgruppe"}, "guest": {"Lenkungsgruppe"}, "partner": {"Anderes"}}
    titles |= {"stranger": set(), "suspended": set(), "chair": {"Lenkungsgruppe", "Anderes", "Geplant"}}
    for name, wanted in titles.items():
        lines = signed_in(getattr(world, name)).get("/konferenzen/").context["lines"]
        assert {conference.title for conference, _ in lines} == wanted, name


def test_not_invited_and_not_existing_look_the_same(world, signed_in, meeting):
    client = signed_in(world.stranger)
    for path in ("/konferenzen/{}/", "/konferenzen/{}/ausgabe.pdf", "/massnahmen/{}/"):
        hidden, missing = client.get(path.format(meeting.pk)), client.get(path.format(uuid.uuid4()))
        assert hidden.status_code == missing.status_code == 404
        assert body(hidden) == body(missing)


def test_suspension_hides_the_meeting_at_once(world, signed_in, meeting):
    Membership.objects.filter(agency=world.police).update(status=MembershipStatus.SUSPENDED)
    client = signed_in(world.owner_lead)
    assert client.get(f"/konferenzen/{meeting.pk}/").status_code == 404
    assert client.get(f"/konferenzen/{meeting.pk}/ausgabe.pdf").status_code == 404
    assert client.get("/konferenzen/").context["lines"] == []


def test_guest_gets_invitation_and_edition_but_no_findings_decisions_or_measures(world, signed_in, meeting):
    earlier = make_conference(world.police, world.guest_agency, days=-30, status=ConferenceStatus.HELD)
    make_measure(earlier, world.police, title="Frühere Maßnahme")
    make_measure(meeting, world.police, title="Jetzige Maßnahme")
    member = signed_in(world.owner_entry).get(f"/konferenzen/{meeting.pk}/").text
    guest = signed_in(world.guest).get(f"/konferenzen/{meeting.pk}/").text
    assert "Lage am Bahnhof" in guest
    for secret in ("Bahnhofsquartier", "Es wird getan.", "Frühere Maßnahme", "Jetzige Maßnahme"):
        assert secret in member, secret
        assert secret not in guest, secret
    assert signed_in(world.guest).get("/massnahmen/").context["lines"] == []


def test_edition_download_is_logged_as_a_print(world, signed_in, meeting, edition):
    response = signed_in(world.guest).get(f"/konferenzen/{meeting.pk}/ausgabe.pdf")
    assert response.content == PDF
    assert response["Content-Type"] == "application/pdf"
    entry = AuditEntry.objects.get(action=Act.PRINTED)
    assert (entry.user, entry.object_id, entry.facts) == (
        world.guest,
        str(edition.pk),
        {"conference": str(meeting.pk)},
    )


def test_meeting_without_edition_has_no_pdf(world, signed_in):
    meeting = make_conference(world.police)
    assert signed_in(world.owner_entry).get(f"/konferenzen/{meeting.pk}/ausgabe.pdf").status_code == 404
    assert AuditEntry.objects.filter(action=Act.PRINTED).count() == 0


def test_measures_are_for_the_invited_members_and_the_responsible_agency(world, signed_in, meeting):
    measure = make_measure(meeting, world.order)
    seeing = MEMBERS | {"partner", "partner_release"}
    assert statuses(world, signed_in, f"/massnahmen/{measure.pk}/") == expected(seeing)
    listed = {
        name
        for name in INVITED | OTHERS
        if signed_in(getattr(world, name)).get("/massnahmen/").context["page_obj"].paginator.count
    }
    assert listed == seeing


def test_responsible_agency_that_was_not_invited_learns_nothing_of_the_meeting(world, signed_in, meeting):
    measure = make_measure(meeting, world.order)
    text = signed_in(world.partner).get(f"/massnahmen/{measure.pk}/").text
    assert "Lenkungsgruppe" not in text
    assert str(meeting.pk) not in text


@pytest.mark.parametrize("name", ["owner_lead", "guest", "chair"])
def test_meeting_list_needs_as_many_queries_for_two_as_for_twenty(world, signed_in, name):
    client = signed_in(getattr(world, name))
    counts = []
    for size in (2, 18):
        for _ in range(size):
            make_conference(world.police, world.guest_agency)
        counts.append(queries(client, "/konferenzen/"))
    assert counts[0] == counts[1]


def test_pages_with_measures_need_as_many_queries_for_two_as_for_twenty(world, signed_in, meeting, finding):
    client = signed_in(world.chair)
    earlier = make_conference(world.police, days=-30, status=ConferenceStatus.HELD)
    counts = {"/massnahmen/": [], f"/konferenzen/{meeting.pk}/": []}
    for size in (2, 18):
        for number in range(size):
            make_measure(earlier, world.police, area=finding.district, finding=finding)
            make_measure(meeting, world.order, area=finding.district)
            meeting.agenda_items.create(position=10 * size + number, title="Punkt", finding=finding)
        for path, found in counts.items():
            found.append(queries(client, path))
    assert all(first == second for first, second in counts.values()), counts


def queries(client, path: str) -> int:
    client.get(path)
    with CaptureQueriesContext(connection) as captured:
        assert client.get(path).status_code == 200
    return len(captured)
