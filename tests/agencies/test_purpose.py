"""The purpose of reading: asked once per session before foreign data are shown, and carried into the log."""

import io

import pytest
from django.core.management import call_command
from django.test import Client
from django.urls import reverse

from agencies.audit import Act
from agencies.models import REGULAR_PULL, ApiKey, AuditEntry
from agencies.purpose import OTHER, PURPOSES, SESSION_KEY
from agencies.visibility import SharingLevel
from tests import factories

PAGE = "/konto/zweck/"


@pytest.fixture
def face(world):
    return factories.make_incident(world.police, sharing_level=SharingLevel.COOPERATION)


@pytest.fixture
def visit(client):
    """Sign somebody in who has not been asked yet."""

    def sign_in(person) -> Client:
        client.force_login(person, backend="django.contrib.auth.backends.ModelBackend")
        return client

    return sign_in


def test_asked_once_then_carried_by_every_reading(world, face, visit):
    client, address = visit(world.partner), f"/vorfaelle/{face.pk}/"
    question = client.get(address)
    assert (question.status_code, question["Location"]) == (302, f"{PAGE}?next={address.replace('/', '%2F')}")
    assert not AuditEntry.objects.filter(action=Act.READ).exists()
    page = client.get(question["Location"])
    assert all(name in page.text for name in PURPOSES)
    answer = client.post(PAGE, {"purpose": PURPOSES[2], "detail": "Nachtdienst", "next": address})
    assert (answer.status_code, answer["Location"]) == (302, address)
    assert client.get(address).status_code == 200
    client.get("/vorfaelle/")
    client.get(f"{address}ort.geojson")
    read = AuditEntry.objects.filter(agency=world.order)
    assert set(read.values_list("action", "purpose")) == {
        (Act.READ, f"{PURPOSES[2]}: Nachtdienst"),
        (Act.SEARCHED, f"{PURPOSES[2]}: Nachtdienst"),
    }


def test_a_list_with_its_question_is_not_lost(world, face, visit):
    client = visit(world.partner)
    asked = client.get("/vorfaelle/", {"own": "shared", "district": "west"})
    page = client.get(asked["Location"])
    assert page.context["following"] == "/vorfaelle/?own=shared&district=west"
    done = client.post(PAGE, {"purpose": PURPOSES[0], "next": page.context["following"]})
    assert done["Location"] == "/vorfaelle/?own=shared&district=west"


def test_who_sees_nothing_foreign_is_not_asked(world, face, visit):
    own = factories.make_incident(world.order)
    client = visit(world.partner)
    assert client.get(f"/vorfaelle/{own.pk}/").status_code == 200
    assert client.get("/vorfaelle/", {"own": "own"}).status_code == 200
    for path in ("/", "/vorfaelle/neu/", "/lagebild/", "/konto/", "/beschwerden/"):
        assert client.get(path).status_code == 200, path
    for person in (world.guest, world.suspended):
        assert visit(person).get("/vorfaelle/").status_code == 200
    assert visit(world.stranger).get(f"/vorfaelle/{own.pk}/").status_code == 404


def test_the_next_session_is_asked_again(world, face, visit):
    client = visit(world.partner)
    client.post(PAGE, {"purpose": PURPOSES[0]})
    assert client.get("/vorfaelle/").status_code == 200
    client.post(reverse("logout"))
    assert visit(world.partner).get("/vorfaelle/").status_code == 302


@pytest.mark.parametrize(
    ("typed", "fault"),
    [
        ({}, "purpose"),
        ({"purpose": "Neugier"}, "purpose"),
        ({"purpose": OTHER}, "detail"),
        ({"purpose": OTHER, "detail": "   "}, "detail"),
        ({"purpose": PURPOSES[0], "detail": "x" * 121}, "detail"),
    ],
)
def test_incomplete_answers_come_back_with_what_was_typed(world, visit, typed, fault):
    client = visit(world.partner)
    answer = client.post(PAGE, typed | {"next": "/vorfaelle/?q=Abc"})
    assert fault in answer.context["form"].errors
    assert 'value="/vorfaelle/?q=Abc"' in answer.text
    assert SESSION_KEY not in client.session
    if typed.get("detail", "").strip():
        assert typed["detail"] in answer.text


def test_another_purpose_stands_in_its_own_words(world, visit):
    client = visit(world.partner)
    client.post(PAGE, {"purpose": OTHER, "detail": "Anfrage des Rates"})
    assert client.session[SESSION_KEY] == "Anfrage des Rates"
    assert "Anfrage des Rates" in client.get(PAGE).text
    assert "Anfrage des Rates" in client.get(reverse("account")).text


@pytest.mark.parametrize(
    "elsewhere",
    [
        "https://boese.example/",
        "//boese.example/",
        "/\\boese.example",
        "javascript:alert(1)",
        "https:boese",
        "\t//x.y",
        "",
    ],
)
def test_nobody_is_sent_elsewhere(world, visit, elsewhere):
    client = visit(world.partner)
    assert client.get(PAGE, {"next": elsewhere}).context["following"] == ""
    assert client.post(PAGE, {"purpose": PURPOSES[0], "next": elsewhere})["Location"] == reverse("account")


def test_similar_records_of_others_wait_for_the_purpose_and_lose_nothing_typed(world, face, visit):
    mine = factories.make_incident(world.order)
    client = visit(world.partner)
    question = {"category": face.category.slug, "occurred_from": face.occurred_from.isoformat()}
    question |= dict(zip(("lon", "lat"), factories.STATION, strict=True))
    before = client.get("/vorfaelle/aehnliche/", question)
    assert [record.pk for record in before.context["records"]] == [mine.pk]
    assert 'target="_blank"' in before.text
    assert not AuditEntry.objects.filter(action=Act.SEARCHED).exists()
    client.post(PAGE, {"purpose": PURPOSES[0]})
    after = client.get("/vorfaelle/aehnliche/", question)
    assert {record.pk for record in after.context["records"]} == {mine.pk, face.pk}
    assert AuditEntry.objects.get(action=Act.SEARCHED).facts["owners"] == {"polizei": 1}


def test_an_export_keeps_its_own_purpose(world, face, visit):
    client = visit(world.partner_release)
    client.post(PAGE, {"purpose": PURPOSES[0]})
    client.post("/vorfaelle/export/", {"purpose": "Vorlage für den Stab"})
    assert AuditEntry.objects.get(action=Act.EXPORTED).purpose == "Vorlage für den Stab"


def test_a_key_is_made_with_a_purpose_and_every_pull_carries_it(world, face):
    out = io.StringIO()
    call_command("create_api_key", agency="ordnungsamt", scope="read", purpose="Nachtabgleich", stdout=out)
    assert ApiKey.objects.get().purpose == "Nachtabgleich"
    headers = {"Authorization": f"Api-Key {out.getvalue().strip()}"}
    for path in ("/api/v1/incidents/", f"/api/v1/incidents/{face.pk}/"):
        assert Client().get(path, headers=headers).status_code == 200
    pulled = AuditEntry.objects.filter(action=Act.PULLED)
    assert [entry.purpose for entry in pulled] == ["Nachtabgleich"] * 2


def test_without_the_option_a_key_has_a_sensible_purpose(world):
    call_command("create_api_key", agency="ordnungsamt", scope="read", stdout=io.StringIO())
    assert ApiKey.objects.get().purpose == REGULAR_PULL
