"""The entry and change forms through their addresses: what is saved, what is refused and how it is said."""

import datetime

import pytest
from django.utils import timezone

from agencies.visibility import SharingLevel
from incidents import actions
from incidents.models import Accuracy, Complaint, Incident, Kind, SharingDefault
from tests import factories

NEW = "/vorfaelle/neu/"


@pytest.fixture
def category(world):
    return factories.make_category("graffiti", label="Graffiti", lead_agencies=["polizei"])


def typed(**fields) -> dict:
    return {
        "category": "graffiti",
        "severity": "2",
        "occurred_from": "gestern 22:30",
        "place_text": "Unter der Brücke",
        "lon": "7,8078",
        "lat": "51.6781",
        "accuracy": "point",
        "description": "Kanarien-Text",
        "sharing_level": "internal",
    } | fields


def refused(response) -> dict[str, str]:
    assert response.status_code == 200
    assert not Incident.objects.exists()
    text = response.content.decode()
    errors = {name: messages[0] for name, messages in response.context["form"].errors.items()}
    assert errors
    # Every objection stands in the summary and, where it has a field, once more beside it.
    assert "Die Angaben wurden noch nicht gespeichert" in text
    return errors


def test_record_is_saved_and_opened(world, signed_in, category):
    response = signed_in(world.owner_entry).post(NEW, typed(occurred_to="23:15"), follow=True)
    record = Incident.objects.get()
    yesterday = timezone.localdate() - datetime.timedelta(days=1)
    assert response.redirect_chain == [(f"/vorfaelle/{record.pk}/", 302)]
    assert f"unter {record.detail.number_label} gespeichert" in response.content.decode()
    start, end = (timezone.localtime(moment) for moment in (record.occurred_from, record.occurred_to))
    assert (start.date(), f"{start:%H:%M}", f"{end:%H:%M}") == (yesterday, "22:30", "23:15")
    assert (record.detail.lon, record.detail.lat) == (7.8078, 51.6781)
    assert record.detail.created_by == world.owner_entry


def test_next_entry_follows_at_once(world, signed_in, category):
    response = signed_in(world.owner_entry).post(NEW, typed(next="1"))
    assert (response.status_code, response.url, Incident.objects.count()) == (302, NEW, 1)


def test_complaint_has_its_contact_field_and_incident_has_none(world, signed_in, category):
    factories.make_category("laerm", kind=Kind.COMPLAINT, group="beschwerden")
    client = signed_in(world.owner_entry)
    client.post("/beschwerden/neu/", typed(category="laerm", complainant_contact="Tel. 1"))
    assert Complaint.objects.get().detail.complainant_contact == "Tel. 1"
    assert 'name="complainant_contact"' not in client.get(NEW).content.decode()


def test_empty_form_names_what_is_missing(world, signed_in, category):
    errors = refused(signed_in(world.owner_entry).post(NEW, {}))
    assert set(errors) == {"category", "severity", "occurred_from", "sharing_level"}
    assert errors["category"] == "Es fehlt die Art. Bitte eine Kategorie wählen."
    assert errors["occurred_from"].startswith("Es fehlt der Beginn. Bitte")


BAD = [
    ({"category": "gibt-es-nicht"}, "category", "Diese Kategorie gibt es hier nicht"),
    ({"category": "laerm"}, "category", "Diese Kategorie gibt es hier nicht"),
    ({"category": "veraltet"}, "category", "Diese Kategorie gibt es hier nicht"),
    ({"severity": "9"}, "severity", "Diese Schwere gibt es nicht"),
    ({"severity": "viel"}, "severity", "Diese Schwere gibt es nicht"),
    ({"occurred_from": "neulich"}, "occurred_from", "Der Zeitpunkt ist nicht lesbar"),
    ({"occurred_from": "01.01.1900 12:00"}, "occurred_from", "liegt vor 1990"),
    ({"occurred_from": "2100-01-01 12:00"}, "occurred_from", "liegt in der Zukunft"),
    ({"occurred_from": "9999-12-31T23:59"}, "occurred_from", "Das Jahr 9999 kann nicht stimmen"),
    ({"occurred_from": "x" * 1_000_000}, "occurred_from", "Der Text ist länger als 60 Zeichen."),
    ({"occurred_to": "vorgestern 10:00"}, "occurred_to", "Der Zeitraum endet vor seinem Beginn"),
    ({"occurred_to": "2100-01-01 12:00"}, "occurred_to", "Das Ende liegt in der Zukunft"),
    ({"description": "x" * 1_000_000}, "description", "Der Text ist länger als 10.000 Zeichen."),
    ({"place_text": "x" * 201}, "place_text", "Der Text ist länger als 200 Zeichen."),
    ({"reference": "x" * 81}, "reference", "Der Text ist länger als 80 Zeichen."),
    ({"description": "a\x00b"}, "description", "unzulässiges Steuerzeichen"),
    ({"lon": "7,9"}, "lon", "außerhalb des Stadtgebiets"),
    ({"lon": "51.6781", "lat": "7.8078"}, "lon", "vertauscht"),
    ({"lon": "500", "lat": "500"}, "lon", "außerhalb des gültigen Bereichs"),
    ({"lon": "abc"}, "lon", "Das ist keine Koordinate"),
    ({"lon": "nan", "lat": "nan"}, "lon", "Das ist keine Koordinate"),
    ({"lon": "1e400"}, "lon", "Das ist keine Koordinate"),
    ({"lon": "1" * 100_000}, "lon", "Das ist keine Koordinate"),
    ({"lat": ""}, "lon", "Es fehlt eine der beiden Koordinaten"),
    ({"accuracy": "genau"}, "accuracy", "Diese Genauigkeit gibt es nicht"),
    ({"district": "atlantis"}, "district", "Diesen Stadtbezirk gibt es nicht"),
    ({"sharing_level": "cooperation"}, "sharing_level", "Diese Freigabestufe dürfen Sie hier nicht setzen"),
    ({"sharing_level": "public"}, "sharing_level", "Diese Freigabestufe dürfen Sie hier nicht setzen"),
]


@pytest.mark.parametrize(("fields", "field", "part"), BAD, ids=[f"{field}-{i}" for i, (_, field, _) in enumerate(BAD)])
def test_bad_input_is_told_at_its_field_and_kept(world, signed_in, category, fields, field, part):
    factories.make_category("laerm", kind=Kind.COMPLAINT, group="beschwerden")
    factories.make_category("veraltet", is_active=False)
    response = signed_in(world.owner_entry).post(NEW, typed(**fields))
    errors = refused(response)
    assert part in errors[field]
    assert "Kanarien-Text" in response.content.decode() or "description" in fields
    form = response.context["form"]
    kept = typed(**fields)
    assert {name: form[name].value() for name in kept if name in form.fields} == kept


def test_request_beyond_the_limit_is_refused_without_an_error_page(world, signed_in, category):
    client = signed_in(world.owner_entry)
    client.raise_request_exception = False
    body = "description=" + "x" * (11 * 1024 * 1024)
    response = client.post(NEW, body, content_type="application/x-www-form-urlencoded")
    assert response.status_code == 413


def test_taken_reference_is_told_at_its_field(world, signed_in, category):
    factories.make_incident(world.police, reference="AZ 1")
    response = signed_in(world.owner_entry).post(NEW, typed(reference="AZ 1"))
    assert "trägt schon eine andere Meldung" in response.context["form"].errors["reference"][0]
    assert Incident.objects.count() == 1


def test_release_may_share_directly_and_entry_where_the_lead_allows(world, signed_in, category):
    signed_in(world.owner_release).post(NEW, typed(sharing_level="cooperation"))
    SharingDefault.objects.create(agency=world.police, category=category, level=SharingLevel.STATISTICS)
    client = signed_in(world.owner_entry)
    client.post(NEW, typed(sharing_level="statistics"))
    assert sorted(Incident.objects.values_list("sharing_level", flat=True)) == ["cooperation", "statistics"]
    text = client.get(f"{NEW}?category=graffiti").content.decode()
    assert 'value="statistics"' in text
    assert 'value="cooperation"' not in text


def test_markup_in_texts_stays_text(world, signed_in, category):
    script = "<script>alert(1)</script>"
    client = signed_in(world.owner_entry)
    response = client.post(NEW, typed(description=script, place_text=script), follow=True)
    pages = [response.content.decode(), client.get("/vorfaelle/").content.decode()]
    assert ["<script>alert" in page for page in pages] == [False, False]
    assert "&lt;script&gt;alert(1)" in pages[0]


def test_known_address_gives_the_place_when_no_point_was_set(world, signed_in, category):
    fields = typed(place_text="Hauptbahnhof Hamm", lon="", lat="")
    response = signed_in(world.owner_entry).post(NEW, fields, follow=True)
    record = Incident.objects.get()
    assert (record.accuracy, record.district.slug, record.detail.lon) == (Accuracy.STREET, "west", 7.8078)
    assert "wurde aus der Adresse übernommen" in response.content.decode()


def test_unknown_address_leaves_the_record_without_place(world, signed_in, category):
    signed_in(world.owner_entry).post(NEW, typed(place_text="Irgendwo", lon="", lat=""))
    record = Incident.objects.get()
    assert (record.accuracy, record.district, record.detail.place_text) == (Accuracy.UNKNOWN, None, "Irgendwo")


def test_chosen_district_beats_the_address(world, signed_in, category):
    signed_in(world.owner_entry).post(NEW, typed(place_text="Hauptbahnhof Hamm", lon="", lat="", district="ost"))
    record = Incident.objects.get()
    assert (record.accuracy, record.district.slug, record.detail.lon) == (Accuracy.DISTRICT, "ost", None)


def test_categories_led_by_the_own_agency_come_first(world, signed_in):
    factories.make_category("abfall", label="Abfall", group="ordnung", lead_agencies=["ordnungsamt"])
    factories.make_category("bettelei", label="Bettelei", group="gewalt", lead_agencies=["ordnungsamt"])
    factories.make_category("schlaegerei", label="Schlägerei", group="gewalt", lead_agencies=["polizei"])
    form = signed_in(world.owner_entry).get(NEW).context["form"]
    groups = [(label, [name for _, name in members]) for label, members in form.fields["category"].choices[1:]]
    assert groups == [("Gewalt", ["Schlägerei", "Bettelei"]), ("Ordnung", ["Abfall"])]


def test_change_shows_what_is_saved_and_saves_what_is_typed(world, signed_in, category):
    client = signed_in(world.owner_entry)
    client.post(NEW, typed(occurred_from="06.10.2022 14:30", reference="AZ 9"))
    record = Incident.objects.get()
    page = f"/vorfaelle/{record.pk}/bearbeiten/"
    form = client.get(page).context["form"]
    assert "sharing_level" not in form.fields
    shown = {name: form[name].value() for name in form.fields}
    assert (shown["occurred_from"], shown["lon"], shown["reference"]) == ("06.10.2022 14:30", 7.8078, "AZ 9")
    response = client.post(page, typed(occurred_from="06.10.2022 15:00", reference="AZ 9", severity="4"))
    assert (response.status_code, response.url) == (302, f"/vorfaelle/{record.pk}/")
    record.refresh_from_db()
    assert (f"{timezone.localtime(record.occurred_from):%H:%M}", record.severity) == ("15:00", 4)


def test_level_cannot_be_smuggled_into_a_change(world, signed_in, category):
    record = factories.make_incident(world.police, category=category)
    page = f"/vorfaelle/{record.pk}/bearbeiten/"
    signed_in(world.owner_entry).post(page, typed(sharing_level="cooperation", agency="ordnungsamt"))
    record.refresh_from_db()
    assert (record.sharing_level, record.agency) == (SharingLevel.INTERNAL, world.police)


def test_bad_change_keeps_the_record_and_what_was_typed(world, signed_in, category):
    record = factories.make_incident(world.police, category=category, description="alt")
    page = f"/vorfaelle/{record.pk}/bearbeiten/"
    response = signed_in(world.owner_entry).post(page, typed(occurred_to="vorgestern 10:00"))
    assert "endet vor seinem Beginn" in response.context["form"].errors["occurred_to"][0]
    assert "Kanarien-Text" in response.content.decode()
    assert record.detail_model().objects.get().description == "alt"


def test_record_of_a_retired_category_can_still_be_changed(world, signed_in, category):
    record = factories.make_incident(world.police, category=category)
    category.is_active = False
    category.save()
    page = f"/vorfaelle/{record.pk}/bearbeiten/"
    assert signed_in(world.owner_entry).post(page, typed(description="neu")).status_code == 302


def test_sight_sentence_names_the_agencies_and_what_stays(world, signed_in, category):
    def sentence(user, **query):
        return signed_in(user).get("/vorfaelle/sichtbarkeit/", query).content.decode()

    shared = sentence(world.owner_release, category="graffiti", sharing_level="cooperation")
    assert "sehen diese Meldung: Feuerwehr, Ordnungsamt, Siko und Zoll." in shared
    assert "als Wabe von rund 400 Metern" in shared
    assert "Sachverhalt, interner Vermerk und Aktenzeichen bleiben in Ihrer Behörde" in shared
    counted = sentence(world.owner_release, category="graffiti", sharing_level="statistics")
    assert "Nur Ihre Behörde (Polizei) sieht diese Meldung." in counted
    assert "nur als Zahl mitgezählt" in counted
    internal = sentence(world.owner_release, category="graffiti", sharing_level="internal")
    assert "Im Lagebild wird sie nicht gezählt." in internal
    suspended = sentence(world.suspended, category="graffiti", sharing_level="cooperation")
    assert "Die Mitgliedschaft Ihrer Behörde ist nicht aktiv." in suspended
    assert "Feuerwehr" not in suspended
    factories.make_category("haus", label="Haus", geo="G")
    assert "vom Ort nur den Stadtbezirk" in sentence(world.owner_lead, category="haus", sharing_level="cooperation")
    factories.make_category("personal", is_shareable=False, in_picture=False)
    never = sentence(world.owner_lead, category="personal", sharing_level="cooperation")
    assert "werden nie freigegeben" in never
    assert "Ordnungsamt" not in never
    assert "sobald die Art gewählt ist" in sentence(world.owner_lead, category="nein", sharing_level="x")


def test_new_category_brings_its_levels_and_the_leads_proposal(world, signed_in, category):
    SharingDefault.objects.create(agency=world.police, category=category, level=SharingLevel.COOPERATION)
    query = {"category": "graffiti", "levels": "1"}
    text = signed_in(world.owner_entry).get("/vorfaelle/sichtbarkeit/", query).content.decode()
    assert text.count('type="radio"') == 2
    assert "Ordnungsamt" in text
    assert 'hx-swap-oob="innerHTML"' in text


def similar(client, **query):
    response = client.get("/vorfaelle/aehnliche/", {"category": "graffiti", "lon": "7.8078", "lat": "51.6781"} | query)
    assert response.status_code == 200
    return {record.pk for record in response.context.get("records") or ()}, response.content.decode()


def test_possible_duplicates_are_near_in_place_and_time_and_visible(world, signed_in, category):
    moment = timezone.now().replace(microsecond=0) - datetime.timedelta(days=2)
    hours = datetime.timedelta(hours=1)

    def make(agency, level=SharingLevel.INTERNAL, lon=7.8078, shift=0, **fields):
        place, begin = (lon, 51.6781), moment + shift * hours
        return factories.make_incident(
            agency, **({"category": category} | fields), sharing_level=level, place=place, occurred_from=begin
        )

    own = make(world.police, shift=11)
    shared = make(world.order, SharingLevel.COOPERATION, lon=7.8090)
    make(world.police, lon=7.8120)
    make(world.police, shift=13)
    make(world.police, category=factories.make_category("anderes", group="andere"))
    make(world.order)
    make(world.order, SharingLevel.COOPERATION, lon=7.8250)
    found, text = similar(signed_in(world.owner_entry), occurred_from=moment.isoformat())
    assert found == {own.pk, shared.pk}
    assert "2 Meldungen" in text
    found, text = similar(signed_in(world.stranger), occurred_from=moment.isoformat())
    assert found == {shared.pk}


@pytest.mark.parametrize(
    "query",
    [
        {"category": "nein"},
        {"occurred_from": "neulich"},
        {"lon": ""},
        {"lon": "abc"},
        {"lon": "nan"},
        {"lon": "1e308"},
        {"lat": "-89.99", "lon": "179"},
    ],
)
def test_duplicates_wait_for_category_time_and_place(world, signed_in, category, query):
    found, text = similar(signed_in(world.owner_entry), **({"occurred_from": "gestern 10:00"} | query))
    assert found == set()
    assert "sobald Art, Beginn und Ort feststehen" in text


def test_address_lookup_offers_places_inside_the_city_only(world, signed_in):
    client = signed_in(world.owner_entry)
    text = client.get("/karte/orte/", {"place_text": "Hbf"}).content.decode()
    assert 'data-place-lon="7.807800" data-place-lat="51.678100"' in text
    assert "West" in text
    # Known in Hamm, but outside the two districts of the cast.
    assert "button" not in client.get("/karte/orte/", {"place_text": "Maximilianpark"}).content.decode()
    assert "button" not in client.get("/karte/orte/", {"place_text": "<b>"}).content.decode()


@pytest.mark.parametrize(
    ("lon", "lat", "part"),
    [
        ("7,84", "51,67", "Stadtbezirk Ost"),
        ("51.67", "7.84", "vertauscht"),
        ("9", "51", "außerhalb des Stadtgebiets"),
        ("999", "51", ""),
        ("", "", ""),
    ],
)
def test_district_of_a_point_is_named(world, signed_in, lon, lat, part):
    text = signed_in(world.owner_entry).get("/karte/stadtbezirk/", {"lon": lon, "lat": lat}).content.decode().strip()
    assert part in text
    assert bool(text) == bool(part)


@pytest.mark.parametrize("name", ["chair", "admin", "without_agency"])
def test_pieces_of_the_entry_page_are_for_those_who_enter(world, signed_in, category, name):
    client = signed_in(world.people()[name])
    pages = ("/vorfaelle/sichtbarkeit/", "/vorfaelle/aehnliche/", "/karte/orte/", "/karte/stadtbezirk/")
    assert {client.get(page).status_code for page in pages} == {403}


def test_defaults_page_sets_what_new_records_propose(world, signed_in, category):
    factories.make_category("personal", label="Personal", is_shareable=False, in_picture=False)
    client = signed_in(world.owner_lead)
    page = "/vorfaelle/freigabevorgaben/"
    assert "Wird nie freigegeben." in client.get(page).content.decode()
    assert client.post(page, {"graffiti": "cooperation", "personal": "cooperation"}).status_code == 302
    assert actions.default_level(agency=world.police, category=category) == SharingLevel.COOPERATION
    assert SharingDefault.objects.count() == 1
    wrong = client.post(page, {"graffiti": "public"})
    assert "Diese Stufe gibt es nicht" in wrong.content.decode()
    assert actions.default_level(agency=world.police, category=category) == SharingLevel.COOPERATION
