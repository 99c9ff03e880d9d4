"""The steps an owner takes on a record, through the page."""

import pytest

from agencies import sharing
from agencies.visibility import SharingLevel
from incidents import actions
from incidents.actions import NOTE_OF_KIND
from incidents.models import Incident
from tests import factories

KINDS = {"incident": "/vorfaelle/", "complaint": "/beschwerden/"}


@pytest.fixture(params=KINDS)
def kind(request):
    return request.param


@pytest.fixture
def record(world, kind):
    maker = factories.make_incident if kind == "incident" else factories.make_complaint
    return maker(world.police)


@pytest.fixture
def post(signed_in, kind, record):
    def send(user, step, follow=True, **data):
        return signed_in(user).post(f"{KINDS[kind]}{record.pk}/{step}", data, follow=follow)

    return send


def test_status_moves_on_and_a_wrong_step_is_told(world, post, record):
    response = post(world.owner_entry, "status/", status="in_progress")
    assert "Der neue Status ist gespeichert." in response.content.decode()
    for wrong in ("reported", "unsinn", ""):
        response = post(world.owner_entry, "status/", status=wrong)
        assert "Dieser Schritt ist vom jetzigen Status aus nicht möglich." in response.content.decode()
    record.refresh_from_db()
    assert record.status == "in_progress"


def test_level_opens_and_closes_the_face_for_partners(world, post, record):
    model = type(record)
    post(world.owner_release, "stufe/", sharing_level="cooperation", reason="Lage")
    assert model.objects.visible_to(world.partner).exists()
    text = post(world.owner_release, "stufe/", sharing_level="internal").content.decode()
    assert not model.objects.visible_to(world.partner).exists()
    assert "Freigabestufe von „Nur eigene Behörde“ auf „Kooperation“ geändert: Lage" in text


@pytest.mark.parametrize("data", [{}, {"sharing_level": "public"}, {"sharing_level": "internal", "reason": "x" * 201}])
def test_wrong_level_is_told_at_its_form(world, post, record, data):
    response = post(world.owner_release, "stufe/", **data)
    assert response.status_code == 200
    assert response.context["level_form"].errors
    record.refresh_from_db()
    assert record.sharing_level == SharingLevel.INTERNAL


def test_unshareable_record_cannot_be_raised(world, signed_in):
    category = factories.make_category("personal", is_shareable=False, in_picture=False)
    record = factories.make_incident(world.police, category=category)
    path = f"/vorfaelle/{record.pk}/"
    client = signed_in(world.owner_release)
    response = client.post(f"{path}stufe/", {"sharing_level": "cooperation", "reason": "weil"})
    assert response.context["level_form"].errors["sharing_level"] == ["Meldungen dieser Art werden nie freigegeben."]
    assert response.context["level_form"]["reason"].value() == "weil"
    response = client.post(f"{path}freigaben/", {"agency": "ordnungsamt"})
    assert "werden nie freigegeben" in str(response.context["grant_form"].errors)
    assert not Incident.objects.visible_to(world.partner).exists()


def test_grant_and_its_revocation(world, post, record):
    model = type(record)
    text = post(world.owner_release, "freigaben/", agency="ordnungsamt", reason="Ermittlung").content.decode()
    assert "Ordnungsamt sieht die Meldung ab sofort." in text
    assert "Einzelfreigabe an Ordnungsamt erteilt: Ermittlung" in text
    assert model.objects.visible_to(world.partner).exists()
    assert not model.objects.visible_to(world.stranger).exists()
    post(world.owner_release, "freigaben/ordnungsamt/zuruecknehmen/")
    assert not model.objects.visible_to(world.partner).exists()


@pytest.mark.parametrize("agency", ["", "polizei", "finanzamt", "schulaufsicht", "gibt-es-nicht"])
def test_grant_to_an_impossible_agency_is_told(world, post, record, agency):
    response = post(world.owner_release, "freigaben/", agency=agency)
    assert response.context["grant_form"].errors["agency"]
    assert sharing.agencies_granted(record) == []


def test_revoking_what_was_never_granted_is_not_there(world, post):
    assert post(world.owner_release, "freigaben/zoll/zuruecknehmen/").status_code == 404
    assert post(world.owner_release, "freigaben/nichts/zuruecknehmen/").status_code == 404


def test_note_needs_two_people(world, post, record, kind):
    notes = NOTE_OF_KIND[kind].objects
    assert post(world.owner_release, "hinweis/freigeben/").status_code == 404
    post(world.owner_release, "hinweis/", text="Täter nutzen die Baustelle.")
    text = post(world.owner_release, "hinweis/freigeben/").content.decode()
    assert "muss eine zweite Person freigeben" in text
    assert notes.get().cleared_at is None
    post(world.owner_lead, "hinweis/freigeben/")
    assert notes.get().cleared_by == world.owner_lead


@pytest.mark.parametrize("text", ["", "   ", "x" * 501])
def test_wrong_note_is_told_at_its_form(world, post, record, kind, text):
    response = post(world.owner_entry, "hinweis/", text=text)
    assert response.context["note_form"].errors["text"]
    assert not NOTE_OF_KIND[kind].objects.exists()


def test_steps_are_posted_only(world, signed_in, record, kind):
    client = signed_in(world.owner_lead)
    steps = ("status/", "stufe/", "freigaben/", "freigaben/zoll/zuruecknehmen/", "hinweis/", "hinweis/freigeben/")
    assert {client.get(f"{KINDS[kind]}{record.pk}/{step}").status_code for step in steps} == {405}


def test_buttons_follow_the_role(world, signed_in, record, kind):
    def has(user):
        text = signed_in(user).get(f"{KINDS[kind]}{record.pk}/").content.decode()
        return tuple(part in text for part in ("/bearbeiten/", "/status/", "/hinweis/", "/stufe/", "/freigaben/"))

    actions.set_level(record=record, level=SharingLevel.COOPERATION, by=world.owner_lead)
    assert has(world.owner_entry) == (True, True, True, False, False)
    assert has(world.owner_release) == (True,) * 5
    assert has(world.partner_release) == (False,) * 5


def test_record_page_asks_a_fixed_number_of_questions(world, signed_in, record, kind, django_assert_max_num_queries):
    actions.set_level(record=record, level=SharingLevel.COOPERATION, by=world.owner_lead)
    for agency in (world.order, world.fire, world.customs):
        sharing.grant(record=record, to=agency, by=world.owner_release)
    path = f"{KINDS[kind]}{record.pk}/"
    for user, most in ((world.owner_lead, 16), (world.partner, 10)):
        client = signed_in(user)
        client.get(path)
        with django_assert_max_num_queries(most):
            client.get(path)
