"""Signing in, the lock, passwords, the account page, and what the log keeps of it."""

import pytest
from axes.models import AccessAttempt
from django.urls import reverse

from agencies.audit import Act
from agencies.models import AuditEntry, Membership, MembershipStatus
from tests.factories import PASSWORD

LOGIN = "/konto/anmelden/"


def log_in(client, email, password=PASSWORD, **extra):
    return client.post(LOGIN, {"username": email, "password": password, **extra})


def entries(act):
    return list(AuditEntry.objects.filter(action=act))


def test_login_opens_the_start_page_and_is_logged(world, client):
    response = log_in(client, "Erfassung@Polizei.example")
    assert response.status_code == 302
    assert response.url == reverse("start")
    entry = entries(Act.LOGIN)[0]
    assert (entry.user, entry.agency) == (world.owner_entry, world.police)


def test_login_returns_to_the_page_asked_for_but_to_no_other_host(world, client):
    assert client.get("/behoerden/").url == "/konto/anmelden/?next=/behoerden/"
    assert log_in(client, world.owner_entry.email, next="/behoerden/").url == "/behoerden/"
    client.post("/konto/abmelden/")
    assert log_in(client, world.owner_entry.email, next="https://example.org/").url == reverse("start")


@pytest.mark.parametrize(
    ("email", "password"),
    [
        ("erfassung@polizei.example", "falsch"),
        ("niemand@polizei.example", PASSWORD),
        ("inaktiv@polizei.example", PASSWORD),
    ],
    ids=["wrong password", "no account", "inactive"],
)
def test_refused_logins_look_the_same(world, client, email, password):
    response = log_in(client, email, password)
    assert response.status_code == 200
    assert "Die Anmeldung ist fehlgeschlagen." in response.text
    assert client.get("/konto/").status_code == 302
    page = response.text.replace(email, "EMAIL").split("<main")[1]
    other = log_in(client, "jemand@anders.example", "x").text.replace("jemand@anders.example", "EMAIL")
    assert page.split("csrfmiddlewaretoken")[0] == other.split("<main")[1].split("csrfmiddlewaretoken")[0]


def test_failed_login_is_logged_without_the_typed_address(world, client):
    typed = "mein-geheimes-passwort-2026"
    log_in(client, typed, "x")
    log_in(client, world.owner_entry.email, "falsch")
    unknown, known = sorted(entries(Act.LOGIN_FAILED), key=lambda entry: entry.pk)
    assert (unknown.user, unknown.object_id, unknown.owner) == (None, "", None)
    assert (known.object_type, known.object_id) == ("agencies.user", str(world.owner_entry.pk))
    assert known.owner == world.police
    stored = " ".join(str(row) for row in (*AuditEntry.objects.values(), *AccessAttempt.objects.values()))
    assert typed not in stored
    assert world.owner_entry.email not in stored
    assert "falsch" not in stored


def test_empty_form_is_no_failed_login(world, client):
    response = client.post(LOGIN, {"username": "", "password": ""})
    assert response.status_code == 200
    assert entries(Act.LOGIN_FAILED) == []


def test_six_wrong_passwords_lock_the_account_for_this_address_with_a_german_page(world, client):
    for _ in range(5):
        response = log_in(client, world.owner_entry.email, "falsch")
    assert response.status_code == 429
    assert "Die Anmeldung ist vorübergehend gesperrt" in response.text
    assert log_in(client, world.owner_entry.email.upper()).status_code == 429
    assert client.get("/konto/").status_code == 302
    assert log_in(client, world.partner.email).status_code == 302


def test_look_alikes_of_an_address_are_not_the_address(world, client):
    # UPPER() of the database makes an I of a dotless ı: each spelling would be an account of five tries of its own.
    for spelling in ("erfassung@polızei.example", "erfassung@polizeı.example", "erfaſſung@polızeı.example"):
        assert log_in(client, spelling).status_code == 200, spelling
        assert client.get("/konto/").status_code == 302
    assert {entry.object_id for entry in entries(Act.LOGIN_FAILED)[:2]} == {""}
    assert log_in(client, " Erfassung@POLIZEI.example ").status_code == 302


@pytest.mark.parametrize(
    ("addresses", "is_locked"),
    [
        (("2001:db8::1", "2001:db8::2:0:0:3", "2001:db8::ffff", "2001:db8:0:0:9::", "2001:db8::1"), True),
        (("2001:db8::1", "2001:db8:0:1::1", "2001:db8:0:2::1", "2001:db8:0:3::1", "2001:db8:0:4::1"), False),
        (("::ffff:192.0.2.1", "::ffff:192.0.2.2", "::ffff:192.0.2.3", "::ffff:192.0.2.4", "192.0.2.5"), False),
        (("192.0.2.1", "::ffff:192.0.2.1", "192.0.2.1", "::ffff:192.0.2.1", "192.0.2.1"), True),
        (("", "", "", "", ""), True),
    ],
)
def test_the_lock_counts_networks_of_ipv6_and_addresses_of_ipv4(world, client, addresses, is_locked):
    for address in addresses:
        answer = client.post(LOGIN, {"username": world.owner_entry.email, "password": "x"}, REMOTE_ADDR=address)
    assert (answer.status_code == 429) is is_locked


def test_success_resets_the_count(world, client):
    for _ in range(2):
        for _ in range(4):
            log_in(client, world.owner_entry.email, "falsch")
        assert log_in(client, world.owner_entry.email).status_code == 302
        client.post("/konto/abmelden/")


@pytest.mark.parametrize("typed", ["a\x00b@polizei.example", "x" * 1_000_000], ids=["nul", "megabyte"])
def test_odd_input_is_an_ordinary_refusal(world, client, typed):
    response = log_in(client, typed)
    assert response.status_code == 200
    assert response.context["form"].errors != {}


def test_logout_needs_post_and_is_logged(world, signed_in):
    client = signed_in(world.owner_entry)
    assert client.get("/konto/abmelden/").status_code == 405
    assert client.post("/konto/abmelden/").status_code == 302
    assert client.get("/konto/").status_code == 302
    assert [entry.user for entry in entries(Act.LOGOUT)] == [world.owner_entry]


def test_deactivation_ends_the_session(world, signed_in):
    client = signed_in(world.owner_entry)
    assert client.get("/konto/").status_code == 200
    world.owner_entry.is_active = False
    world.owner_entry.save()
    assert client.get("/konto/").status_code == 302


def test_password_change_asks_for_the_old_one_keeps_the_session_and_is_logged(world, signed_in):
    client = signed_in(world.owner_entry)
    new = "Neues-Kennwort-2027"
    refused = client.post("/konto/passwort/", {"old_password": "falsch", "new_password1": new, "new_password2": new})
    assert "old_password" in refused.context["form"].errors
    assert entries(Act.PASSWORD_CHANGED) == []
    done = client.post("/konto/passwort/", {"old_password": PASSWORD, "new_password1": new, "new_password2": new})
    assert done.status_code == 302
    assert client.get("/konto/").status_code == 200
    assert [entry.user for entry in entries(Act.PASSWORD_CHANGED)] == [world.owner_entry]
    client.post("/konto/abmelden/")
    assert log_in(client, world.owner_entry.email, new).status_code == 302


def test_short_password_is_refused_in_german(world, signed_in):
    client = signed_in(world.owner_entry)
    response = client.post(
        "/konto/passwort/", {"old_password": PASSWORD, "new_password1": "kurz", "new_password2": "kurz"}
    )
    assert "Das Passwort ist zu kurz. Bitte mindestens 12 Zeichen wählen." in response.text


def test_account_says_what_the_roles_may_do(world, signed_in):
    text = signed_in(world.owner_release).get("/konto/").text
    assert "Freigabe" in text
    assert "Freigabestufen ändern" in text
    assert "Personen, Rollen und Zugangsschlüssel" not in text


def test_person_without_agency_signs_in_to_a_clear_page_and_nothing_else(world, client):
    assert log_in(client, world.without_agency.email).url == "/konto/"
    assert "Ihr Konto gehört zu keiner Behörde" in client.get("/konto/").text
    for path in ("/behoerden/", "/konferenzen/", "/massnahmen/", "/datenschutz/einsichten/", "/datenschutz/protokoll/"):
        response = client.get(path)
        assert response.status_code == 403, path
        assert "Ihr Konto gehört zu keiner Behörde" in response.text


def test_people_of_a_suspended_agency_sign_in_and_are_told(world, client):
    assert log_in(client, world.suspended.email).status_code == 302
    assert "Die Mitgliedschaft Ihrer Behörde ist ausgesetzt." in client.get("/konto/").text


@pytest.mark.parametrize("person", ["owner_entry", "chair"])
def test_active_members_read_no_notice(world, signed_in, person):
    assert "Die Mitgliedschaft Ihrer Behörde" not in signed_in(getattr(world, person)).get("/konto/").text


def test_guests_are_told_what_they_see(world, signed_in):
    assert "nimmt als Gast" in signed_in(world.guest).get("/konto/").text


def test_unsigned_membership_is_told(world, signed_in):
    Membership.objects.filter(agency=world.fire).update(status=MembershipStatus.DRAFT)
    assert "noch nicht unterzeichnet" in signed_in(world.stranger).get("/konto/").text
