"""One complaint on its way: entered, shared, seen by the partner, counted, printed, decided upon, pulled."""

from __future__ import annotations

import datetime
import json
import re
from urllib.parse import urlsplit

import pytest
from django.utils import timezone

from agencies.keys import create_api_key
from agencies.models import KeyScope
from incidents.models import Complaint, Kind
from tests import factories
from tests.access.stage import make_background
from tests.conftest import make_world

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

SECRET = "Eine Gruppe wirft Flaschen, Zeugin wohnt gegenüber."
PLACE = "Hauptbahnhof"
REFERENCE = "OA-77-4711"


@pytest.fixture
def city(transactional_db):
    world = make_world()
    factories.make_category("laerm", kind=Kind.COMPLAINT, group="ruhe", label="Lärm auf der Straße")
    make_background(world)
    return world


def german(day: datetime.date) -> str:
    return f"{day:%d.%m.%Y}"


def enter_complaint(entry) -> None:
    """By keyboard alone, with a relative time and a place that the portal knows."""
    page, keyboard = entry.page, entry.page.keyboard
    entry.inspect()
    entry.tab_to("a[href='/beschwerden/neu/']")
    with page.expect_navigation(wait_until="networkidle"):
        keyboard.press("Enter")
    entry.tab_to("#id_category")
    with page.expect_response(re.compile("/sichtbarkeit/")):
        keyboard.type("Lärm")
    entry.tab_to("#id_occurred_from")
    keyboard.type("gestern 22:30")
    entry.tab_to("#id_place_text")
    keyboard.type(PLACE)
    page.locator("#orte [data-place-lon]").first.wait_for()
    entry.tab_to("[data-place-lon]")
    keyboard.press("Enter")
    page.locator("#stadtbezirk", has_text="West").wait_for()
    entry.tab_to("#id_description")
    keyboard.type(SECRET)
    entry.tab_to("#id_reference")
    keyboard.type(REFERENCE)
    assert "Nur Ihre Behörde (Ordnungsamt) sieht diese Meldung." in page.locator("#wer-sieht-das").inner_text()
    entry.inspect()
    with page.expect_navigation(wait_until="networkidle"):
        keyboard.press("Control+Enter")
    text = entry.text()
    assert re.search(r"ORDNUNGSAMT-\d{4}-\d{6}", text)
    assert SECRET in text
    entry.inspect()


def share(release, path: str) -> None:
    """Read who sees it, then share it."""
    page = release.page
    release.open("/beschwerden/")
    release.inspect()
    release.open(path)
    panel = page.get_by_role("region", name="Wer sieht das jetzt?")
    assert "Nur Ihre Behörde (Ordnungsamt)" in panel.inner_text()
    page.get_by_text("Stufe setzen").first.click()
    page.get_by_label("Kooperation").check()
    release.inspect()
    release.press("Stufe setzen")
    assert "Außer Ihrer Behörde sehen diese Meldung" in panel.inner_text()
    assert "Polizei" in panel.inner_text()


def state_purpose(visitor, purpose: str) -> None:
    """Answer the question that stands between a person and the first foreign data of a session."""
    assert visitor.page.locator("h1").inner_text() == "Zweck der Einsicht"
    visitor.inspect()
    visitor.page.get_by_label(purpose).check()
    visitor.press("Weiter")


def read_as_partner(police, path: str) -> None:
    police.open("/beschwerden/?own=shared")
    state_purpose(police, "Lagebeurteilung im eigenen Zuständigkeitsbereich")
    assert police.page.url.endswith("/beschwerden/?own=shared")
    assert "Lärm auf der Straße" in police.text()
    police.inspect()
    police.open(path)
    text = police.text()
    assert re.search(r"weil .*Ordnungsamt.* sie für die Kooperation freigegeben hat", text)
    assert "Wabe von rund 400 Metern" in text
    shown = police.page.content()
    assert [word for word in (SECRET, "Zeugin", PLACE, REFERENCE, "ORDNUNGSAMT-") if word in shown] == []
    police.inspect()
    police.open("/vorfaelle/neu/")
    police.inspect()


def rebuild_picture(chair) -> None:
    chair.open("/lagebild/")
    chair.press("Lagebild jetzt erstellen")
    chair.open("/lagebild/")
    text = chair.text()
    assert f"Stand {german(timezone.localdate())}, Fassung 1" in text
    assert chair.page.get_by_role("table").count() >= 2
    chair.inspect()
    chair.open("/lagebild/erkenntnisse/")
    chair.inspect()


def freeze_edition(chair) -> str:
    chair.open("/lagebild/")
    chair.press("Ausgabe einfrieren", role="link")
    chair.inspect()
    chair.press("Ausgabe einfrieren")
    number = chair.page.locator("h1").inner_text()
    assert re.fullmatch(r"Ausgabe \d{4}-001", number)
    chair.inspect()
    edition = chair.page.url
    chair.open("/konto/zweck/")
    state_purpose(chair, "Vor- oder Nachbereitung einer Sitzung der Sicherheitskooperation")
    chair.open(urlsplit(edition).path)
    printed = chair.context.request.get(f"{chair.page.url}ausgabe.pdf")
    assert printed.body().startswith(b"%PDF-")
    return number


def plan_conference(chair, title: str, day: datetime.date) -> None:
    page = chair.page
    chair.open("/konferenzen/neu/")
    page.get_by_label("Titel").fill(title)
    page.get_by_label("Datum").fill(german(day))
    page.get_by_label("Beginn").fill("09:00")
    page.get_by_label("Ort").fill("Rathaus Hamm")
    page.get_by_label("Ordnungsamt").check()
    page.get_by_label("Polizei").check()
    chair.inspect()
    chair.press("Konferenz planen")
    assert page.locator("h1").inner_text() == title


def hold_conference(chair, edition: str, due_on: datetime.date) -> None:
    page = chair.page
    chair.press("Ausgabe wählen", role="link")
    chair.press("Ausgabe vorlegen")
    assert edition in chair.text()
    chair.press("Einladen")
    chair.inspect()
    chair.press("Beschluss festhalten", role="link")
    page.get_by_label("Beschluss", exact=True).fill("Der Bahnhofsvorplatz wird abends gemeinsam bestreift.")
    page.get_by_label("Ja-Stimmen").fill("2")
    chair.inspect()
    chair.press("Beschluss festhalten")
    with page.expect_navigation(wait_until="networkidle"):
        page.get_by_role("link", name=re.compile("^Maßnahme anlegen")).click()
    page.get_by_label("Maßnahme", exact=True).fill("Gemeinsame Streife")
    page.get_by_label("Verantwortlich").select_option(label="Ordnungsamt")
    page.get_by_label("Frist").fill(german(due_on))
    chair.inspect()
    chair.press("Maßnahme anlegen")
    assert "Gemeinsame Streife" in chair.text()
    chair.inspect()


def pull(partner, key: str, path: str) -> dict:
    """As a partner system does it: with a key and without the cookies of anybody's browser."""
    answer = partner.get(f"/api/v1/{path}", headers={"Authorization": f"Api-Key {key}"})
    assert answer.status == 200
    return answer.json()


def test_a_complaint_becomes_a_measure(city, visit, live_server, playwright_requests):
    today = timezone.localdate()
    enter_complaint(visit(city.partner))
    complaint = Complaint.objects.get()
    assert (complaint.agency, complaint.sharing_level) == (city.order, "internal")
    path = f"/beschwerden/{complaint.pk}/"

    share(visit(city.partner_release), path)
    police = visit(city.owner_entry)
    read_as_partner(police, path)

    chair = visit(city.chair)
    rebuild_picture(chair)
    edition = freeze_edition(chair)
    plan_conference(chair, "Sicherheitskonferenz im Herbst", today)
    hold_conference(chair, edition, due_on=today + datetime.timedelta(days=30))
    plan_conference(chair, "Sicherheitskonferenz im Winter", today + datetime.timedelta(days=60))
    earlier = chair.page.get_by_role("region", name="Offene Maßnahmen früherer Sitzungen").first.inner_text()
    assert "Gemeinsame Streife" in earlier
    assert "Ordnungsamt" in earlier
    for place in ("/massnahmen/", "/konferenzen/", "/behoerden/", "/datenschutz/", "/konto/", "/barrierefreiheit/"):
        chair.open(place)
        chair.inspect()

    _, key = create_api_key(agency=city.police, scope=KeyScope.READ, label="Nachtabruf", by=None)
    partner = playwright_requests.new_context(base_url=live_server.url)
    (face,) = pull(partner, key, "complaints/")["results"]
    assert (face["id"], face["agency"], face["detail"], face["note"]) == (str(complaint.pk), "ordnungsamt", None, None)
    assert SECRET not in json.dumps(face, ensure_ascii=False)
    (pulled,) = pull(partner, key, "editions/")["results"]
    assert edition.endswith(pulled["number"])
    partner.dispose()
