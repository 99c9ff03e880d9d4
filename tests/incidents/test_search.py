"""Search and filters of the lists: own texts, of partners only what they shared."""

import datetime

import pytest
from django.utils import timezone

from agencies.visibility import SharingLevel
from incidents.actions import NOTE_OF_KIND
from incidents.models import Complaint, Incident, Kind
from tests import backstage, factories

COOPERATION = SharingLevel.COOPERATION


@pytest.fixture
def found(signed_in):
    """Primary keys listed for a person under the given filter."""

    def listed(user, path="/vorfaelle/", **query):
        response = signed_in(user).get(path, query)
        assert response.status_code == 200
        return {row.record.pk for row in response.context["rows"]}

    return listed


@pytest.mark.parametrize("field", ["description", "place_text", "internal_note"])
def test_text_is_found_by_its_owner_and_never_by_a_partner(world, found, field):
    record = factories.make_incident(world.police, sharing_level=COOPERATION, **{field: "Graffiti an der Brücke"})
    assert found(world.owner_entry, q="brücken graffiti") == {record.pk}
    assert found(world.partner, q="brücken graffiti") == set()
    assert found(world.partner) == {record.pk}


def test_reference_and_number_are_found_by_the_owner_alone(world, found):
    record = factories.make_incident(world.police, sharing_level=COOPERATION, reference="AZ-4711")
    for text in ("AZ-4711", record.detail.number_label, record.detail.number_label.partition("-")[2]):
        assert found(world.owner_entry, q=text) == {record.pk}
        assert found(world.partner, q=text) == set()


def test_number_of_another_agency_does_not_hit_the_own_record_of_that_number(world, found):
    record = factories.make_incident(world.police)
    other = record.detail.number_label.replace("POLIZEI", "ZOLL")
    assert found(world.owner_entry, q=other) == set()


def test_partner_finds_category_district_short_id_and_cleared_note(world, found):
    category = factories.make_category("graffiti", label="Graffiti und Schmiererei")
    record = factories.make_incident(world.police, sharing_level=COOPERATION, category=category, place=(7.84, 51.67))
    hidden = factories.make_incident(world.police, category=category, place=(7.84, 51.67))
    for text in ("graffiti", "Ost", record.short_id, record.short_id.lower()):
        assert found(world.partner, q=text) == {record.pk}
    assert found(world.partner, q=hidden.short_id) == set()
    note = NOTE_OF_KIND["incident"].objects
    note.create(record=record, agency=world.police, text="Silberfarbener Lack", written_by=world.owner_entry)
    assert found(world.partner, q="silberfarben") == set()
    note.update(cleared_by=world.owner_release, cleared_at=timezone.now())
    assert found(world.partner, q="silberfarben") == {record.pk}


def test_contact_of_a_complainant_is_not_searched_at_all(world, found):
    factories.make_complaint(world.police, complainant_contact="Zeugin Bergmann")
    assert found(world.owner_lead, "/beschwerden/", q="Bergmann") == set()


@pytest.mark.parametrize(
    "text", ["%", "_", "'", '"', "\\", "a & | !", "--", "<script>", "():*", "x" * 200, "20260-1", "2026-999999999"]
)
def test_odd_search_texts_are_harmless(world, found, text):
    factories.make_incident(world.police, description="Text")
    assert found(world.owner_entry, q=text) == set()


def test_filters_narrow_what_is_visible(world, found):
    theft = factories.make_category("diebstahl", group="eigentum")
    fight = factories.make_category("schlaegerei", group="gewalt")
    old = datetime.datetime(2026, 3, 1, 0, 30, tzinfo=timezone.get_current_timezone())
    mine = factories.make_incident(world.police, category=theft, occurred_from=old, status="done")
    shared = factories.make_incident(world.order, category=fight, sharing_level=COOPERATION, place=(7.84, 51.67))
    factories.make_incident(world.order, category=fight)
    cases = {
        (): {mine.pk, shared.pk},
        (("own", "own"),): {mine.pk},
        (("own", "shared"),): {shared.pk},
        (("category", "diebstahl"),): {mine.pk},
        (("category", "group:gewalt"),): {shared.pk},
        (("district", "ost"),): {shared.pk},
        (("status", "open"),): {shared.pk},
        (("status", "done"),): {mine.pk},
        (("level", "internal"),): {mine.pk},
        (("agency", "ordnungsamt"),): {shared.pk},
        (("start", "2026-03-01"), ("end", "2026-03-01")): {mine.pk},
        (("start", "02.03.2026"),): {shared.pk},
        (("end", "2026-02-28"),): set(),
        (("own", "own"), ("district", "ost")): set(),
    }
    assert {query: found(world.owner_entry, **dict(query)) for query in cases} == cases


@pytest.mark.parametrize(
    ("query", "part"),
    [
        ({"start": "2026-03-02", "end": "2026-03-01"}, "Der Zeitraum endet vor seinem Beginn"),
        ({"start": "gestern"}, "Dieser Tag ist nicht lesbar"),
        ({"start": "0001-01-01"}, "Das Jahr 1 kann nicht stimmen"),
        ({"end": "9999-12-31"}, "Das Jahr 9999 kann nicht stimmen"),
        ({"district": "atlantis"}, "Diese Auswahl gibt es nicht"),
        ({"agency": "atlantis"}, "Diese Auswahl gibt es nicht"),
        ({"category": "group:"}, "Diese Auswahl gibt es nicht"),
        ({"own": "x"}, "Diese Auswahl gibt es nicht"),
        ({"q": "x" * 201}, "Der Text ist länger als 200 Zeichen."),
    ],
)
def test_wrong_filter_is_told_and_shows_nothing(world, signed_in, query, part):
    factories.make_incident(world.police)
    response = signed_in(world.owner_entry).get("/vorfaelle/", query)
    assert response.status_code == 200
    assert part in response.content.decode()
    assert response.context["rows"] == []


def test_kinds_do_not_mix(world, found):
    incident = factories.make_incident(world.police)
    complaint = factories.make_complaint(world.police)
    assert found(world.owner_entry) == {incident.pk}
    assert found(world.owner_entry, "/beschwerden/") == {complaint.pk}


def test_filter_offers_categories_of_its_kind_only(world, signed_in):
    factories.make_category("diebstahl", label="Diebstahl")
    factories.make_category("muell", label="Müll", kind=Kind.COMPLAINT, group="beschwerden")
    text = signed_in(world.owner_entry).get("/beschwerden/").content.decode()
    assert "Müll" in text
    assert "Diebstahl" not in text


@pytest.mark.parametrize("model", [Incident, Complaint])
def test_search_takes_no_part_in_visibility(world, model):
    maker = factories.make_incident if model is Incident else factories.make_complaint
    maker(world.police, sharing_level=COOPERATION, description="Graffiti")
    with backstage.acting(world.partner):
        assert not model.objects.visible_to(world.partner).search("Graffiti", world.partner).exists()
    with backstage.acting(world.owner_entry):
        assert model.objects.visible_to(world.owner_entry).search("Graffiti", world.owner_entry).count() == 1
