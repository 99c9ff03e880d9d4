"""Weighty steps ask again who is there, and lose nothing of what was typed."""

import datetime as dt
import html
import re

import pytest
import time_machine

from agencies.audit import Act
from agencies.models import ApiKey, AuditEntry
from agencies.visibility import SharingLevel
from tests.factories import PASSWORD, make_incident

CONFIRM = "/konto/bestaetigen/"


@pytest.fixture
def clock(settings):
    settings.CONFIRM_MINUTES = 15
    with time_machine.travel(dt.datetime(2026, 3, 2, 9, 0, tzinfo=dt.UTC), tick=False) as traveller:
        yield traveller


def fields_of(page: str) -> dict[str, str]:
    return {
        name: html.unescape(value)
        for name, value in re.findall(r'<textarea name="([^"]+)"[^>]*>\n(.*?)</textarea>', page, re.S)
    }


def test_signing_in_counts_for_a_quarter_of_an_hour(world, signed_in, clock):
    client = signed_in(world.owner_lead)
    clock.shift(dt.timedelta(minutes=14))
    assert client.get("/behoerden/polizei/schluessel/neu/").status_code == 200
    clock.shift(dt.timedelta(minutes=2))
    answer = client.get("/behoerden/polizei/schluessel/neu/?a=b")
    assert answer.url == f"{CONFIRM}?next=%2Fbehoerden%2Fpolizei%2Fschluessel%2Fneu%2F%3Fa%3Db"
    assert client.get("/behoerden/polizei/").status_code == 200


def test_confirming_leads_on_and_lasts(world, signed_in, clock):
    client = signed_in(world.owner_lead)
    clock.shift(dt.timedelta(minutes=16))
    path = "/behoerden/polizei/schluessel/neu/"
    assert client.post(CONFIRM, {"password": "falsch", "next": path}).status_code == 200
    assert client.get(path).status_code == 302
    assert client.post(CONFIRM, {"password": PASSWORD, "next": path}).url == path
    assert client.get(path).status_code == 200
    assert AuditEntry.objects.filter(action=Act.CONFIRMED, user=world.owner_lead).count() == 1
    assert AuditEntry.objects.filter(action=Act.CONFIRM_FAILED, object_id=str(world.owner_lead.pk)).count() == 1


@pytest.mark.parametrize("target", ["https://example.org/", "//example.org/", "javascript:alert(1)"])
def test_confirming_leads_nowhere_else(world, signed_in, target):
    assert signed_in(world.owner_lead).post(CONFIRM, {"password": PASSWORD, "next": target}).url == "/konto/"


def test_a_form_sent_too_late_is_kept_and_sent_again(world, signed_in, clock):
    client = signed_in(world.owner_lead)
    clock.shift(dt.timedelta(minutes=16))
    typed = {
        "label": 'Abruf <nachts> & "mehr"',
        "purpose": "Nächtlicher Abruf",
        "scope": "read",
        "days": "30",
        "networks": "10.1.0.0/16\n10.2.0.0/16",
    }
    path = "/behoerden/polizei/schluessel/neu/"
    asked = client.post(path, typed)
    assert asked.status_code == 200
    assert "Was Sie eingegeben haben, bleibt erhalten." in asked.text
    assert not ApiKey.objects.exists()
    held = asked.context["form"]["held"].value()
    wrong = client.post(CONFIRM, {"password": "falsch", "held": held})
    assert wrong.context["form"]["held"].value() == held
    again = client.post(CONFIRM, {"password": PASSWORD, "held": held})
    assert f'action="{path}"' in again.text
    fields = fields_of(again.text)
    assert {name: value.replace("\r\n", "\n") for name, value in fields.items()} == typed
    assert "secret" in client.post(path, fields).context
    assert ApiKey.objects.get().label == typed["label"]


def test_held_fields_are_worth_nothing_to_somebody_else_or_when_changed(world, signed_in, clock):
    client = signed_in(world.owner_lead)
    clock.shift(dt.timedelta(minutes=16))
    held = client.post("/behoerden/polizei/schluessel/neu/", {"label": "x"}).context["form"]["held"].value()
    changed = client.post(CONFIRM, {"password": PASSWORD, "held": held[:-1] + ("a" if held[-1] != "a" else "b")})
    assert changed.url == "/konto/"
    other = signed_in(world.stranger).post(CONFIRM, {"password": PASSWORD, "held": held})
    assert other.url == "/konto/"


def test_five_wrong_confirmations_lock(world, signed_in):
    client = signed_in(world.owner_lead)
    for _ in range(5):
        answer = client.post(CONFIRM, {"password": "falsch"})
    assert answer.status_code == 429
    assert client.post(CONFIRM, {"password": PASSWORD}).status_code == 429


def test_weighty_steps_ask_and_others_do_not(world, signed_in, clock):
    record = make_incident(world.police, sharing_level=SharingLevel.INTERNAL)
    asked = {
        f"/vorfaelle/{record.pk}/stufe/": {"sharing_level": "cooperation", "reason": "x"},
        f"/vorfaelle/{record.pk}/freigaben/": {"agency": "zoll", "reason": "x"},
        "/vorfaelle/export/": {"purpose": "x"},
        "/vorfaelle/freigabevorgaben/": {},
        "/behoerden/polizei/schluessel/neu/": {},
        "/behoerden/polizei/personen/neu/": {},
        f"/behoerden/polizei/personen/{world.owner_entry.pk}/": {"roles": ["lead"]},
        f"/behoerden/polizei/personen/{world.owner_entry.pk}/sperre/": {},
        f"/behoerden/polizei/personen/{world.owner_entry.pk}/faktoren/": {},
        f"/behoerden/polizei/personen/{world.owner_entry.pk}/zugangslink/": {},
        "/konto/faktoren/app/": {"code": "000000"},
        "/konto/faktoren/passkey/": {"passkey": "{}"},
        "/konto/faktoren/codes/": {},
    }
    client = signed_in(world.owner_lead)
    clock.shift(dt.timedelta(minutes=16))
    titles = {path: "bestätigen Sie, dass Sie es sind" in client.post(path, data).text for path, data in asked.items()}
    assert titles == dict.fromkeys(asked, True)
    record.refresh_from_db()
    assert record.sharing_level == SharingLevel.INTERNAL
    assert client.get(f"/vorfaelle/{record.pk}/").status_code == 200
    admin = signed_in(world.admin)
    clock.shift(dt.timedelta(minutes=16))
    assert admin.get("/behoerden/feuerwehr/mitgliedschaft/").url.startswith(CONFIRM)
    assert admin.get("/behoerden/feuerwehr/anmeldedienst/").url.startswith(CONFIRM)
