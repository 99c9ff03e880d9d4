"""The Lagebild pages: what members see, what they may do, what it costs."""

import datetime as dt

import pytest
from django.urls import reverse

from agencies.models import AuditEntry, Membership, MembershipStatus
from agencies.visibility import SharingLevel
from lagebild.actions import build_picture
from lagebild.models import Finding, Picture
from tests import factories

TODAY = dt.date(2026, 11, 22)
MEMBERS = ("owner_entry", "owner_release", "owner_lead", "partner", "stranger", "chair")
OUTSIDERS = ("suspended", "guest")
WITHOUT_ROLE = ("data_protection", "admin")


@pytest.fixture(autouse=True)
def _day(time_machine):
    time_machine.move_to(dt.datetime(2026, 11, 22, 12, tzinfo=dt.UTC), tick=False)


@pytest.fixture
def picture(world) -> Picture:
    for i in range(14):
        factories.make_incident(
            world.police,
            occurred_from=dt.datetime(2026, 11, 20, 20, tzinfo=dt.UTC) - dt.timedelta(days=4 * i),
            sharing_level=SharingLevel.COOPERATION,
            description=f"GEHEIM-{i}",
        )
    return build_picture(date=TODAY)


def test_members_see_the_picture_with_its_statement_and_finding(world, picture, signed_in):
    for name in MEMBERS:
        page = signed_in(getattr(world, name)).get(reverse("lagebild:picture"))
        assert page.status_code == 200
        text = page.content.decode()
        assert "Stand 22.11.2026, Fassung 1" in text
        assert "Bereich Hauptbahnhof Hamm" in text
        assert "GEHEIM" not in text


def test_agencies_without_active_full_membership_see_nothing_of_it(world, picture, signed_in):
    for name in OUTSIDERS:
        client = signed_in(getattr(world, name))
        text = client.get(reverse("lagebild:picture")).content.decode()
        assert "Ihre Behörde hat keine aktive Mitgliedschaft" in text
        assert "Hauptbahnhof" not in text
        assert client.get(reverse("lagebild:cells")).json()["features"] == []
        assert client.get(reverse("lagebild:cells"), {"stand": picture.pk}).status_code == 404
        assert "Hauptbahnhof" not in client.get(reverse("lagebild:findings")).content.decode()
        assert client.get(reverse("lagebild:finding", args=(Finding.objects.get().pk,))).status_code == 404


def test_administration_and_data_protection_are_refused(world, picture, signed_in):
    for name in WITHOUT_ROLE:
        client = signed_in(getattr(world, name))
        for route in ("picture", "cells", "findings", "editions"):
            assert client.get(reverse(f"lagebild:{route}")).status_code == 403


def test_suspension_closes_the_picture_at_once(world, picture, signed_in):
    client = signed_in(world.partner)
    assert len(client.get(reverse("lagebild:cells")).json()["features"]) > 0
    Membership.objects.filter(agency=world.order).update(status=MembershipStatus.SUSPENDED)
    assert client.get(reverse("lagebild:cells")).json()["features"] == []


def test_cells_come_with_an_entity_tag_and_are_sent_once(world, picture, signed_in):
    client = signed_in(world.partner)
    first = client.get(reverse("lagebild:cells"), {"stand": picture.pk})
    again = client.get(reverse("lagebild:cells"), {"stand": picture.pk}, headers={"if-none-match": first["ETag"]})
    assert (first.status_code, again.status_code, again.content) == (200, 304, b"")
    other = client.get(
        reverse("lagebild:cells"),
        {"stand": picture.pk, "gruppe": "incident-group"},
        headers={"if-none-match": first["ETag"]},
    )
    assert other.status_code == 200
    assert other.json()["features"][0]["properties"]["count"] == 14


def test_page_narrows_to_kind_group_and_district(world, picture, signed_in):
    client = signed_in(world.partner)

    def shown(**choice) -> bool:
        return "Bereich Hauptbahnhof Hamm" in str(client.get(reverse("lagebild:picture"), choice).context["findings"])

    assert shown(art="incident", gruppe="incident-group", bezirk="west")
    assert not shown(art="complaint")
    assert not shown(bezirk="ost")
    assert shown(art="unsinn", gruppe="gibt-es-nicht")


def test_unknown_picture_is_not_found_and_nonsense_shows_the_latest(world, picture, signed_in):
    client = signed_in(world.partner)
    unknown = "00000000-0000-4000-8000-000000000000"
    assert client.get(reverse("lagebild:picture"), {"stand": unknown}).status_code == 404
    assert client.get(reverse("lagebild:picture"), {"stand": "gestern"}).status_code == 200


def test_old_picture_says_how_old_it_is(world, picture, signed_in, time_machine):
    time_machine.move_to(dt.datetime(2026, 11, 25, 12, tzinfo=dt.UTC), tick=False)
    text = signed_in(world.partner).get(reverse("lagebild:picture")).content.decode()
    assert "Dieses Lagebild ist 3 Tage alt." in text


def test_page_needs_few_queries_however_much_it_shows(world, picture, signed_in, django_assert_max_num_queries):
    client = signed_in(world.partner)
    with django_assert_max_num_queries(15):
        client.get(reverse("lagebild:picture"))
    with django_assert_max_num_queries(10):
        client.get(reverse("lagebild:cells"), {"stand": picture.pk})


def assess(client, finding, **changes):
    data = {"status": "confirmed", "assessment": "Szene verlagert sich.", "review_on": "15.01.2027"} | changes
    return client.post(reverse("lagebild:finding", args=(finding.pk,)), data)


def test_chair_assesses_a_finding_by_name(world, picture, signed_in):
    finding = Finding.objects.get()
    answer = assess(signed_in(world.chair), finding, responsible=world.order.pk)
    finding.refresh_from_db()
    assert answer.status_code == 302
    assert (finding.status, finding.assessed_by, finding.responsible_agency) == ("confirmed", world.chair, world.order)
    assert finding.review_on == dt.date(2027, 1, 15)
    assert AuditEntry.objects.filter(action="finding_assessed", user=world.chair, object_id=str(finding.pk)).exists()


@pytest.mark.parametrize("name", ["owner_entry", "owner_lead", "partner", "stranger"])
def test_nobody_else_assesses(world, picture, signed_in, name):
    finding = Finding.objects.get()
    assert assess(signed_in(getattr(world, name)), finding).status_code == 403
    finding.refresh_from_db()
    assert finding.assessment == ""


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"assessment": ""}, "Es fehlt die Bewertung."),
        ({"status": "closed"}, ""),
        ({"review_on": "31.02.2027"}, "Das Datum ist nicht lesbar."),
        ({"review_on": "01.01.2026"}, "Die Wiedervorlage liegt in der Vergangenheit."),
        ({"responsible": "999999"}, ""),
    ],
)
def test_bad_assessment_keeps_what_was_typed(world, picture, signed_in, changes, message):
    finding = Finding.objects.get()
    answer = assess(signed_in(world.chair), finding, no_measure_reason="Streife läuft bereits", **changes)
    text = answer.content.decode()
    assert answer.status_code == 200
    assert message in text
    assert "Streife läuft bereits" in text
    finding.refresh_from_db()
    assert finding.status == "proposed"


def test_suspended_agency_cannot_be_made_responsible(world, picture, signed_in):
    assess(signed_in(world.chair), Finding.objects.get(), responsible=world.tax.pk)
    assert Finding.objects.get().responsible_agency is None


def test_chair_rebuilds_from_the_browser_and_others_cannot(world, picture, signed_in, eager_tasks):
    factories.make_incident(world.police, sharing_level=SharingLevel.COOPERATION)
    assert signed_in(world.partner).post(reverse("lagebild:rebuild")).status_code == 403
    assert Picture.objects.count() == 1
    assert signed_in(world.chair).post(reverse("lagebild:rebuild")).status_code == 302
    assert Picture.objects.filter(revision=2).exists()


def test_wrong_method_is_refused(world, picture, signed_in):
    client = signed_in(world.chair)
    assert client.get(reverse("lagebild:rebuild")).status_code == 405
    assert client.post(reverse("lagebild:picture")).status_code == 405


def test_start_page_names_the_strongest_finding_of_a_night_first(world, picture, signed_in):
    strongest = Finding.objects.get()
    weaker = {"kind": strongest.kind, "group": strongest.group, "district": strongest.district}
    days = {"first_seen_on": strongest.first_seen_on, "last_seen_on": strongest.last_seen_on}
    Finding.objects.create(number=strongest.number + 1, place_label="Bereich Nebenstraße", **weaker, **days)
    for route in ("start", "lagebild:findings"):
        text = signed_in(world.chair).get(reverse(route)).content.decode()
        assert text.index("Bereich Hauptbahnhof Hamm") < text.index("Bereich Nebenstraße")


def test_maps_ask_a_tile_server_only_where_the_installation_names_one(world, picture, signed_in, settings):
    client = signed_in(world.partner)
    assert 'data-tiles=""' in client.get(reverse("lagebild:picture")).content.decode()
    settings.TILE_URL, settings.TILE_ATTRIBUTION = "https://tiles.example/{z}/{x}/{y}.png", "© Musteramt"
    text = client.get(reverse("lagebild:picture")).content.decode()
    assert 'data-tiles="https://tiles.example/{z}/{x}/{y}.png" data-tiles-attribution="© Musteramt"' in text
