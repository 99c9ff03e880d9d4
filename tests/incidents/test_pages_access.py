"""Each role against each page, and what of a foreign record must never reach a page."""

import re
import uuid

import pytest
from django.urls import reverse

from agencies import sharing
from agencies.audit import Act
from agencies.models import AuditEntry
from agencies.visibility import SharingLevel
from incidents.actions import NOTE_OF_KIND
from incidents.models import Kind
from tests import factories

NAMESPACES = {"incident": "incidents", "complaint": "complaints"}
CANARIES = {
    "place_text": "Kanarienweg-Geheimort",
    "description": "Kanarien-Sachverhalt",
    "internal_note": "Kanarien-Vermerk",
    "reference": "KANARIEN-AZ-77",
}
EXACT = (7.807312, 51.678119)

# Person → status of list, entry, export and defaults.
GENERAL = {
    "owner_entry": (200, 200, 403, 403),
    "owner_release": (200, 200, 200, 403),
    "owner_lead": (200, 200, 200, 200),
    "partner": (200, 200, 403, 403),
    "partner_release": (200, 200, 200, 403),
    "stranger": (200, 200, 200, 200),
    "suspended": (200, 200, 200, 200),
    "guest": (200, 200, 403, 403),
    "without_agency": (403, 403, 403, 403),
    "inactive": (302, 302, 302, 302),
    "chair": (200, 403, 403, 403),
    "data_protection": (403, 403, 403, 403),
    "admin": (403, 403, 403, 403),
    "second_admin": (403, 403, 403, 403),
    "superuser": (403, 403, 403, 403),
}
# Person → status of detail, edit and place of an internal, a cooperation and a singly granted police record.
NOT_THERE, SEEN, OWN = (404, 404, 404), (200, 403, 200), (200, 200, 200)
RECORD = {
    "owner_entry": (OWN, OWN, OWN),
    "owner_release": (OWN, OWN, OWN),
    "owner_lead": (OWN, OWN, OWN),
    "partner": (NOT_THERE, SEEN, SEEN),
    "partner_release": (NOT_THERE, SEEN, SEEN),
    "stranger": (NOT_THERE, SEEN, NOT_THERE),
    "suspended": (NOT_THERE, NOT_THERE, NOT_THERE),
    "guest": (NOT_THERE, NOT_THERE, NOT_THERE),
    "without_agency": (NOT_THERE, NOT_THERE, NOT_THERE),
    "inactive": ((302, 302, 302),) * 3,
    "chair": (NOT_THERE, SEEN, NOT_THERE),
    "data_protection": (NOT_THERE, NOT_THERE, NOT_THERE),
    "admin": (NOT_THERE, NOT_THERE, NOT_THERE),
    "second_admin": (NOT_THERE, NOT_THERE, NOT_THERE),
    "superuser": (NOT_THERE, NOT_THERE, NOT_THERE),
}
STEPS = ("advance", "level", "grant", "note", "clear_note")


def make(kind, agency, **fields):
    maker = factories.make_incident if kind == "incident" else factories.make_complaint
    return maker(agency, **fields)


@pytest.fixture(params=["incident", "complaint"])
def kind(request):
    return request.param


@pytest.fixture
def records(world, kind):
    """An internal, a cooperation and an internal record granted to the partner, all full of canaries."""
    contact = {"complainant_contact": "Kanarien-Kontakt"} if kind == "complaint" else {}

    def canary_record(number, level):
        texts = CANARIES | {"reference": f"{CANARIES['reference']}-{number}"} | contact
        return make(kind, world.police, sharing_level=level, place=EXACT, **texts)

    internal = canary_record(1, SharingLevel.INTERNAL)
    cooperation = canary_record(2, SharingLevel.COOPERATION)
    granted = canary_record(3, SharingLevel.STATISTICS)
    sharing.grant(record=granted, to=world.order, by=world.owner_release)
    return internal, cooperation, granted


def address(kind, name, *args):
    return reverse(f"{NAMESPACES[kind]}:{name}", args=args)


def test_tables_name_the_whole_cast(world):
    assert set(GENERAL) == set(RECORD) == set(world.people())


@pytest.mark.parametrize("name", GENERAL)
def test_general_pages_open_by_role(world, signed_in, kind, name):
    client = signed_in(world.people()[name])
    found = tuple(client.get(address(kind, page)).status_code for page in ("list", "create", "export", "defaults"))
    assert found == GENERAL[name]


@pytest.mark.parametrize("name", RECORD)
def test_record_pages_open_by_role(world, signed_in, kind, records, name):
    client = signed_in(world.people()[name])
    found = tuple(
        tuple(client.get(address(kind, page, record.pk)).status_code for page in ("detail", "edit", "place"))
        for record in records
    )
    assert found == RECORD[name]


@pytest.mark.parametrize("name", ["partner", "stranger", "chair", "suspended", "admin", "without_agency"])
def test_steps_on_foreign_records_are_refused(world, signed_in, kind, records, name):
    client = signed_in(world.people()[name])
    for record, statuses in zip(records, RECORD[name], strict=True):
        expected = 403 if statuses == SEEN else 404
        found = {step: client.post(address(kind, step, record.pk)).status_code for step in STEPS}
        found["revoke"] = client.post(address(kind, "revoke", record.pk, "ordnungsamt")).status_code
        assert found == dict.fromkeys((*STEPS, "revoke"), expected)


def test_entry_staff_may_not_share_or_clear(world, signed_in, kind, records):
    client = signed_in(world.owner_entry)
    found = {
        step: client.post(address(kind, step, records[0].pk)).status_code for step in ("level", "grant", "clear_note")
    }
    assert set(found.values()) == {403}


def test_anonymous_goes_to_the_login(client, world, kind, records):
    pages = [address(kind, page) for page in ("list", "create", "export", "defaults", "sight", "similar")]
    pages += [address(kind, page, records[1].pk) for page in ("detail", "edit", "place")]
    pages += [reverse(name) for name in ("start", "areas_geojson", "known_places", "district_of_point")]
    for page in pages:
        response = client.get(page)
        assert (response.status_code, response.url.partition("?")[0]) == (302, "/konto/anmelden/")


@pytest.mark.parametrize("name", ["partner", "partner_release", "stranger", "chair"])
def test_confidential_detail_reaches_no_foreign_page(world, signed_in, kind, records, name):
    client = signed_in(world.people()[name])
    note = NOTE_OF_KIND[kind].objects
    note.create(record=records[1], agency=world.police, text="Kanarien-Hinweis", written_by=world.owner_entry)
    numbers = [record.detail.number_label for record in records]
    pages = [address(kind, "list"), f"{address(kind, 'list')}?q=Kanarien", reverse("start")]
    pages += [address(kind, page, record.pk) for record in records for page in ("detail", "place")]
    category = records[1].category.slug
    moment = records[1].occurred_from.isoformat().replace("+", "%2B")
    pages.append(f"{address(kind, 'similar')}?category={category}&occurred_from={moment}&lon=7.8073&lat=51.6781")
    for page in pages:
        text = client.get(page).content.decode()
        for canary in ("Geheimort", "Sachverhalt-", "Kanarien-", "KANARIEN", "7.807312", "7,80731", *numbers):
            assert canary not in text, f"{canary} on {page}"


def test_owner_sees_the_whole_detail(world, signed_in, kind, records):
    text = signed_in(world.owner_entry).get(address(kind, "detail", records[0].pk)).content.decode()
    expected = {*CANARIES.values(), records[0].detail.number_label, "7,80731"}
    assert {canary for canary in expected if canary in text} == expected


def test_cleared_note_is_seen_and_an_uncleared_one_is_not(world, signed_in, kind, records):
    notes, page = NOTE_OF_KIND[kind].objects, address(kind, "detail", records[1].pk)
    note = notes.create(record=records[1], agency=world.police, text="Mit Werkzeug", written_by=world.owner_entry)
    client = signed_in(world.partner)
    assert "Mit Werkzeug" not in client.get(page).content.decode()
    notes.filter(pk=note.pk).update(cleared_by=world.owner_release, cleared_at=note.written_at)
    assert "Mit Werkzeug" in client.get(page).content.decode()


def test_unknown_and_invisible_records_look_the_same(world, signed_in, kind, records):
    client = signed_in(world.stranger)
    # The token against forged requests is masked anew for every answer.
    token = re.compile(rb'(name="csrfmiddlewaretoken" value=)"[^"]+"')
    bodies = {
        token.sub(rb"\1", client.get(address(kind, page, pk)).content)
        for page in ("detail", "edit", "place")
        for pk in (records[0].pk, uuid.uuid4())
    }
    assert len(bodies) == 1
    assert "Diese Seite gibt es nicht" in bodies.pop().decode()


def test_suspension_withdraws_what_was_shared_at_once(world, signed_in, kind, records):
    client = signed_in(world.partner)
    assert client.get(address(kind, "detail", records[1].pk)).status_code == 200
    world.police.memberships.update(status="suspended")
    assert client.get(address(kind, "detail", records[1].pk)).status_code == 404
    assert client.get(address(kind, "list")).context["rows"] == []


def test_partner_is_told_why_and_owner_who(world, signed_in, kind, records):
    def text(user, record):
        return signed_in(user).get(address(kind, "detail", record.pk)).content.decode()

    assert "für die Kooperation freigegeben hat" in text(world.partner, records[1])
    assert "Ihrer Behörde einzeln freigegeben hat" in text(world.partner, records[2])
    assert "weil Ihre Behörde sie erfasst hat" in text(world.owner_entry, records[1])
    assert "sehen diese Meldung durch Einzelfreigabe: Ordnungsamt." in text(world.owner_entry, records[2])


def test_history_is_the_owners_alone(world, signed_in, kind, records):
    page = address(kind, "detail", records[2].pk)
    assert "Einzelfreigabe an Ordnungsamt erteilt" in signed_in(world.owner_entry).get(page).content.decode()
    text = signed_in(world.partner).get(page).content.decode()
    assert "Einzelfreigabe an" not in text
    assert "history" not in signed_in(world.partner).get(page).context


def test_reading_a_foreign_record_is_logged_once_per_request(world, signed_in, kind, records):
    client = signed_in(world.partner)
    client.get(address(kind, "detail", records[1].pk))
    entry = AuditEntry.objects.get(action=Act.READ)
    assert (entry.owner, entry.user, entry.object_id) == (world.police, world.partner, str(records[1].pk))
    signed_in(world.owner_entry).get(address(kind, "detail", records[1].pk))
    client.get(address(kind, "detail", records[0].pk))
    assert AuditEntry.objects.filter(action=Act.READ).count() == 1


def test_owner_reads_who_looked_without_names_of_foreign_staff(world, signed_in, kind, records):
    page = address(kind, "detail", records[1].pk)
    client = signed_in(world.partner)
    client.get(page)
    client.get(page)
    text = signed_in(world.owner_entry).get(page).content.decode()
    assert "Einsicht (2-mal)" in text
    assert str(world.partner) not in text


def test_shared_place_is_the_cell_and_the_own_one_the_point(world, signed_in, kind, records):
    page = address(kind, "place", records[1].pk)
    (shared,) = signed_in(world.partner).get(page).json()["features"]
    (own,) = signed_in(world.owner_entry).get(page).json()["features"]
    assert (shared["geometry"]["type"], len(shared["geometry"]["coordinates"][0])) == ("Polygon", 7)
    assert own["geometry"] == {"type": "Point", "coordinates": list(EXACT)}


def test_place_of_an_area_only_category_is_empty(world, signed_in):
    category = factories.make_category("haus", kind=Kind.INCIDENT, geo="G")
    record = make("incident", world.police, category=category, sharing_level=SharingLevel.COOPERATION, cell=None)
    response = signed_in(world.partner).get(address("incident", "place", record.pk))
    assert response.json()["features"] == []


def test_areas_answer_conditionally(world, signed_in):
    client = signed_in(world.partner)
    first = client.get(reverse("areas_geojson"))
    assert [feature["properties"]["name"] for feature in first.json()["features"]] == ["West", "Ost"]
    second = client.get(reverse("areas_geojson"), headers={"If-None-Match": first["ETag"]})
    assert (second.status_code, second.content) == (304, b"")
    factories.Area.objects.get(slug="ost").save()
    assert client.get(reverse("areas_geojson"), headers={"If-None-Match": first["ETag"]}).status_code == 200


def test_pages_with_records_are_kept_by_no_cache(world, signed_in, kind, records):
    response = signed_in(world.partner).get(address(kind, "detail", records[1].pk))
    assert {"no-store", "private"} <= set(response["Cache-Control"].replace(" ", "").split(","))
