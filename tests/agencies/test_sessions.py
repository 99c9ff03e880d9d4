"""Sessions: what the table holds, how long they last, who sees and who ends them."""

import datetime as dt
import re

import pytest
import time_machine
from django.conf import settings
from django.test import Client
from django.urls import reverse

from agencies.audit import Act
from agencies.models import AuditEntry, Session
from agencies.people import deactivate_person
from agencies.sessions import (
    ASKED_BY_PAGES,
    browser_family,
    coarse_address,
    digest_of_key,
    end_sessions,
    end_sessions_of,
)
from agencies.tasks import tidy_sign_on
from lagebild.retrospect_models import Retrospect
from tests.factories import PASSWORD

SESSIONS = "/konto/sitzungen/"
FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"


def log_in(user, **headers) -> Client:
    client = Client(headers=headers)
    assert client.post("/konto/anmelden/", {"username": user.email, "password": PASSWORD}).status_code == 302
    return client


def is_in(client) -> bool:
    return client.get("/konto/").status_code == 200


def cookie(client) -> str:
    return client.cookies[settings.SESSION_COOKIE_NAME].value


def test_the_table_holds_no_key_that_opens_a_session(world):
    client = log_in(world.owner_entry)
    row = Session.objects.get(user=world.owner_entry)
    key = cookie(client)
    assert row.session_key == digest_of_key(key)
    assert key not in "".join(str(value) for value in Session.objects.values().get().values())
    thief = Client()
    for stolen in (row.session_key, row.session_key[:32], row.session_data[:32]):
        thief.cookies[settings.SESSION_COOKIE_NAME] = stolen
        assert not is_in(thief)


def test_signing_in_changes_the_key(world):
    client = Client()
    client.get("/konto/anmelden/")
    session = client.session
    session["probe"] = 1
    session.save()
    before = session.session_key
    client.cookies[settings.SESSION_COOKIE_NAME] = before
    client.post("/konto/anmelden/", {"username": world.owner_entry.email, "password": PASSWORD})
    assert cookie(client) != before
    assert not Session.objects.filter(session_key=digest_of_key(before)).exists()


def test_absolute_end_comes_however_busy_one_is_and_keeps_the_way_back(world):
    with time_machine.travel(dt.datetime(2026, 3, 2, 7, 0, tzinfo=dt.UTC), tick=False) as clock:
        client = log_in(world.owner_entry)
        for _ in range(2 * settings.SESSION_MAX_HOURS):
            clock.shift(dt.timedelta(minutes=29))
            assert client.get("/behoerden/?x=1").status_code == 200
        clock.shift(dt.timedelta(minutes=29))
        answer = client.get("/behoerden/?x=1")
        assert answer.url == "/konto/anmelden/?next=/behoerden/%3Fx%3D1&grund=dauer"
        assert "länger als 12 Stunden" in client.get(answer.url).text
        again = client.post(answer.url, {"username": world.owner_entry.email, "password": PASSWORD})
        assert again.url == "/behoerden/?x=1"


def test_idle_end_is_told_and_a_sent_form_leads_back_to_its_page(world):
    with time_machine.travel(dt.datetime(2026, 3, 2, 7, 0, tzinfo=dt.UTC), tick=False) as clock:
        client = log_in(world.owner_entry)
        key = cookie(client)
        clock.shift(dt.timedelta(minutes=61))
        answer = client.get("/behoerden/")
        assert answer.url == "/konto/anmelden/?next=/behoerden/&grund=ende"
        assert "länger als 60 Minuten nicht tätig" in client.get(answer.url).text
        client.cookies[settings.SESSION_COOKIE_NAME] = key
        posted = client.post("/konto/sitzungen/", {}, headers={"Referer": "http://testserver/konto/sitzungen/?a=b"})
        assert posted.url == "/konto/anmelden/?next=%2Fkonto%2Fsitzungen%2F%3Fa%3Db&grund=ende"
        client.cookies[settings.SESSION_COOKIE_NAME] = key
        foreign = client.post("/konto/sitzungen/", {}, headers={"Referer": "https://example.org/konto/"})
        assert foreign.url == "/konto/anmelden/?next=/konto/sitzungen/&grund=ende"


def test_a_page_that_asks_by_itself_keeps_nobody_signed_on(world):
    with time_machine.travel(dt.datetime(2026, 3, 2, 7, 0, tzinfo=dt.UTC), tick=False) as clock:
        asked = Retrospect.objects.create(
            agency=world.police,
            asked_by=world.owner_entry,
            stream="group:public-order",
            stream_label="Öffentliche Ordnung",
            kind="incident",
            first_day=dt.date(2025, 1, 1),
            last_day=dt.date(2025, 12, 31),
            longest_days=28,
        )
        client = log_in(world.owner_entry)
        progress = reverse("lagebild:retrospect_progress", args=[asked.pk])
        for _ in range(11):
            clock.shift(dt.timedelta(minutes=5))
            answer = client.get(progress, headers={"HX-Request": "true"})
            assert (answer.status_code, "Stand erneuern" in answer.text) == (200, True)
        clock.shift(dt.timedelta(minutes=6))
        ended = client.get(progress, headers={"HX-Request": "true"})
        assert (ended.status_code, ended["HX-Refresh"], ended.content) == (200, "true", b"")
        assert not is_in(client)
        again = Client().get(progress, headers={"HX-Request": "true"})
        assert again["HX-Refresh"] == "true"


def test_every_part_that_pages_ask_by_themselves_is_known():
    asked = set()
    for path in (settings.BASE_DIR / "templates").rglob("*.html"):
        for tag in re.findall(r"<[^>]*hx-trigger=[^>]*>", path.read_text()):
            if re.search(r"""hx-trigger="[^"]*\b(every|load|revealed|intersect)\b""", tag):
                asked |= set(re.findall(r"hx-(?:get|post)=\"{% url '([^']+)'", tag))
    assert asked == ASKED_BY_PAGES


def test_without_a_session_nothing_is_said_of_an_end(client, world):
    assert client.get("/behoerden/").url == "/konto/anmelden/?next=/behoerden/"


def test_one_sees_the_own_sessions_and_no_others(world):
    client = log_in(world.owner_entry, **{"User-Agent": FIREFOX})
    log_in(world.owner_release)
    rows = client.get(SESSIONS).context["rows"]
    assert [(row.user_id, row.browser, row.address, is_here) for row, is_here in rows] == [
        (world.owner_entry.pk, "Firefox", "127.0.0.0/24", True)
    ]


def test_one_ends_one_session_or_all_others(world):
    here, there, elsewhere = (log_in(world.owner_entry) for _ in range(3))
    here.post(SESSIONS, {"sitzung": digest_of_key(cookie(there))})
    assert [is_in(client) for client in (here, there, elsewhere)] == [True, False, True]
    here.post(SESSIONS, {"sitzung": "andere"})
    assert [is_in(client) for client in (here, there, elsewhere)] == [True, False, False]
    assert AuditEntry.objects.filter(action=Act.SESSION_ENDED, user=world.owner_entry).count() == 2


def test_nobody_ends_sessions_of_others_by_their_digest(world):
    victim = log_in(world.owner_release)
    for person in (world.owner_entry, world.owner_lead, world.stranger):
        assert log_in(person).post(SESSIONS, {"sitzung": digest_of_key(cookie(victim))}).status_code == 404
    assert is_in(victim)


def test_the_lead_signs_an_own_person_off_and_no_foreign_one(world):
    own, foreign = log_in(world.owner_entry), log_in(world.partner)
    lead = log_in(world.owner_lead)
    lead.post(f"/behoerden/polizei/personen/{world.owner_entry.pk}/abmelden/")
    assert lead.post(f"/behoerden/polizei/personen/{world.partner.pk}/abmelden/").status_code == 404
    assert lead.post(f"/behoerden/ordnungsamt/personen/{world.partner.pk}/abmelden/").status_code == 404
    assert [is_in(own), is_in(foreign), is_in(lead)] == [False, True, True]


def test_closing_an_account_ends_its_sessions_at_once(world):
    client = log_in(world.owner_entry)
    deactivate_person(user=world.owner_entry, by=world.owner_lead)
    assert not Session.objects.filter(user=world.owner_entry).exists()
    assert not is_in(client)


def test_sessions_of_an_agency_end_together(world):
    police, order = log_in(world.owner_entry), log_in(world.partner)
    assert end_sessions_of(world.police, by=world.admin) == 1
    assert [is_in(police), is_in(order)] == [False, True]


def test_a_new_password_ends_the_other_sessions(world):
    here, there = log_in(world.owner_entry), log_in(world.owner_entry)
    new = "Neues-Kennwort-2027"
    here.post("/konto/passwort/", {"old_password": PASSWORD, "new_password1": new, "new_password2": new})
    assert [is_in(here), is_in(there)] == [True, False]
    assert Session.objects.filter(user=world.owner_entry).count() == 1


def test_sessions_past_their_end_are_removed(world):
    log_in(world.owner_entry)
    log_in(world.partner)
    Session.objects.filter(user=world.partner).update(expire_date=dt.datetime.now(dt.UTC) - dt.timedelta(seconds=1))
    tidy_sign_on()
    assert [row.user for row in Session.objects.exclude(user=None)] == [world.owner_entry]


def test_ending_nothing_is_not_logged(world):
    assert end_sessions(world.owner_entry) == 0
    assert not AuditEntry.objects.filter(action=Act.SESSION_ENDED).exists()


@pytest.mark.parametrize(
    ("agent", "family"),
    [
        (FIREFOX, "Firefox"),
        ("Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 Chrome/140.0 Safari/537.36 Edg/140.0", "Edge"),
        ("Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 Chrome/140.0 Safari/537.36", "Chrome"),
        ("Mozilla/5.0 (Macintosh) AppleWebKit/605.1 Version/18 Safari/605.1", "Safari"),
        ("<script>", "unbekannt"),
    ],
)
def test_browser_family(agent, family):
    assert browser_family(agent) == family


@pytest.mark.parametrize(
    ("address", "network"),
    [("10.20.30.40", "10.20.30.0/24"), ("2001:db8:1:2::5", "2001:db8:1::/48"), ("unix", ""), ("", "")],
)
def test_address_is_kept_coarse(address, network):
    assert coarse_address(address) == network
