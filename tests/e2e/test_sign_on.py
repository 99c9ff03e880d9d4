"""Signing on as people do: app, recovery code, passkey, and a form that waits for a confirmation."""

from __future__ import annotations

import time

import pytest

from agencies.factors import totp_code
from agencies.models import ApiKey, FactorKind
from agencies.sessions import CONFIRMED, SessionStore
from tests import factories
from tests.conftest import make_world

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
AUTHENTICATOR = {
    "protocol": "ctap2",
    "transport": "internal",
    "hasUserVerification": True,
    "isUserVerified": True,
    "automaticPresenceSimulation": True,
}


@pytest.fixture
def city(transactional_db, settings):
    settings.SECOND_FACTOR_OPTIONAL = False
    settings.CONFIRM_MINUTES = 15
    return make_world()


def first_step(visitor, user) -> None:
    page = visitor.page
    visitor.open("/konto/anmelden/")
    page.get_by_label("E-Mail-Adresse").fill(user.email)
    page.get_by_label("Passwort").fill(factories.PASSWORD)
    visitor.press("Anmelden")


def sign_off(visitor) -> None:
    visitor.page.locator("details[data-menu] summary").click()
    visitor.press("Abmelden")


def code_of(secret: str) -> str:
    return totp_code(secret, int(time.time()) // 30)


def unused(user, secret: str) -> str:
    """A code that the account takes now; waits for the next one where the present one is used up."""
    last = user.factors.get(kind=FactorKind.TOTP).counter
    while int(time.time()) // 30 + 1 <= last:
        time.sleep(0.5)
    return totp_code(secret, max(int(time.time()) // 30, last + 1))


def test_app_and_recovery_code(city, arrive):
    lead = arrive()
    page = lead.page
    first_step(lead, city.owner_lead)
    assert "Ihre Rolle verlangt einen zweiten Faktor." in lead.text()
    lead.open("/behoerden/")
    assert "Ihre Rolle verlangt einen zweiten Faktor." in lead.text()
    lead.inspect()
    lead.press("App für Einmalcodes einrichten", role="link")
    lead.inspect()
    secret = page.locator("[data-totp-secret]").inner_text().replace(" ", "")
    page.get_by_label("Code aus der App").fill(code_of(secret))
    lead.press("Einrichten")
    codes = page.locator("[data-recovery-code]").all_inner_texts()
    assert len(codes) == 10
    lead.inspect()
    lead.press("Ich habe die Codes verwahrt", role="link")
    lead.inspect()
    lead.press("Weiter zu der Seite, die Sie öffnen wollten", role="link")
    assert page.url.endswith("/behoerden/")
    sign_off(lead)

    first_step(lead, city.owner_lead)
    lead.inspect()
    page.get_by_label("Code").fill("000000")
    lead.press("Anmelden")
    assert "Der zweite Faktor stimmt nicht" in lead.text()
    page.get_by_label("Code").fill(unused(city.owner_lead, secret))
    lead.press("Anmelden")
    assert page.locator("h1").inner_text() == "Start"
    sign_off(lead)

    first_step(lead, city.owner_lead)
    page.get_by_label("Code").fill(codes[3].lower())
    lead.press("Anmelden")
    assert page.locator("h1").inner_text() == "Start"
    lead.open("/konto/sitzungen/")
    assert "Chrome" in lead.text()
    lead.inspect()


def test_passkey_signs_on_and_confirms_and_the_form_is_not_lost(city, arrive):
    lead = arrive()
    page = lead.page
    devices = lead.context.new_cdp_session(page)
    devices.send("WebAuthn.enable")
    devices.send("WebAuthn.addVirtualAuthenticator", {"options": AUTHENTICATOR})
    first_step(lead, city.owner_lead)
    lead.press("Passkey einrichten", role="link")
    lead.inspect()
    lead.press("Passkey einrichten")
    assert "Ihre Wiederherstellungscodes" in lead.text()
    sign_off(lead)

    first_step(lead, city.owner_lead)
    lead.press("Passkey benutzen")
    assert page.locator("h1").inner_text() == "Start"
    assert city.owner_lead.factors.get(kind=FactorKind.PASSKEY).counter > 0

    lead.open("/behoerden/polizei/schluessel/neu/")
    for label, text in {"Bezeichnung": "Abruf <nachts> & mehr", "Erlaubte Netze": "10.1.0.0/16\n10.2.0.0/16"}.items():
        page.get_by_label(label).fill(text)
    forget_confirmation(lead)
    lead.press("Schlüssel anlegen")
    assert "Bitte bestätigen Sie, dass Sie es sind" in lead.text()
    lead.inspect()
    page.get_by_role("button", name="Passkey benutzen").click()
    page.get_by_role("heading", name="Zugangsschlüssel „Abruf <nachts> & mehr“").wait_for()
    assert ApiKey.objects.get().networks == ["10.1.0.0/16", "10.2.0.0/16"]


def forget_confirmation(visitor) -> None:
    [cookie] = [cookie for cookie in visitor.context.cookies() if "sitzung" in cookie["name"]]
    session = SessionStore(cookie["value"])
    session[CONFIRMED] = 0
    session.save()
