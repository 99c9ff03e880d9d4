"""People and access keys of the own agency, through the pages of its lead."""

import datetime
import io

import pytest
from django.core.exceptions import PermissionDenied, ValidationError
from django.core.management import CommandError, call_command
from django.test import Client
from django.utils import timezone

from agencies.audit import Act
from agencies.keys import find_key
from agencies.models import ApiKey, AuditEntry, KeyScope, User
from agencies.people import invite, set_roles
from agencies.roles import Role
from tests.factories import make_agency

NEW_PERSON = {"full_name": "Dana Neu", "email": "neu@polizei.example", "roles": ["entry", "release"]}
NEW_KEY = {
    "label": "Abruf nachts",
    "purpose": "Lagebeurteilung der Wache",
    "scope": "read",
    "days": "30",
    "networks": "10.1.0.0/16\n10.2.0.0/16",
}
NOT_THE_LEAD = ("owner_entry", "owner_release")
STRANGERS = ("partner", "stranger", "suspended", "guest", "chair", "data_protection", "admin")


def path_of(agency, tail):
    return f"/behoerden/{agency.slug}/{tail}"


def test_lead_adds_a_person_who_sets_the_password_through_the_link(world, signed_in, client):
    response = signed_in(world.owner_lead).post("/behoerden/polizei/personen/neu/", NEW_PERSON)
    assert "no-store" in response["Cache-Control"]
    assert not User.objects.filter(email="neu@polizei.example").exists()
    address = response.context["address"].removeprefix("http://testserver")
    client.post("/konto/abmelden/")
    assert "legen Sie ein Passwort fest" in client.get(address).text.replace("Legen", "legen")
    new = "Eigenes-Kennwort-2027"
    assert client.post(address, {"new_password1": new, "new_password2": new}).url == "/konto/anmelden/"
    person = User.objects.get(email="neu@polizei.example")
    assert person.agency == world.police
    assert person.assigned_roles == {Role.ENTRY, Role.RELEASE}
    assert client.post("/konto/anmelden/", {"username": person.email, "password": new}).status_code == 302
    client.post("/konto/abmelden/")
    assert "Diese Einladung gilt nicht mehr." in client.get(address).text


def test_link_of_a_closed_account_opens_nothing(world, signed_in, client):
    client = signed_in(world.owner_lead)
    response = client.post(f"/behoerden/polizei/personen/{world.owner_entry.pk}/zugangslink/")
    client.post(f"/behoerden/polizei/personen/{world.owner_entry.pk}/sperre/")
    client.post("/konto/abmelden/")
    assert "Dieser Zugangslink gilt nicht mehr." in client.get(response.context["address"], follow=True).text


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"email": ""}, "email"),
        ({"email": "keine-adresse"}, "email"),
        ({"email": "ERFASSUNG@polizei.example"}, "email"),
        ({"full_name": ""}, "full_name"),
        ({"full_name": "x" * 1_000_000}, "full_name"),
        ({"roles": ["admin"]}, "roles"),
        ({"roles": ["member"]}, "roles"),
        ({"roles": ["gibt-es-nicht"]}, "roles"),
    ],
    ids=lambda value: str(value)[:30],
)
def test_bad_person_is_refused_at_the_field_and_nothing_is_lost(world, signed_in, changes, field):
    before = User.objects.count()
    response = signed_in(world.owner_lead).post("/behoerden/polizei/personen/neu/", NEW_PERSON | changes)
    assert response.status_code == 200
    assert field in response.context["form"].errors
    assert User.objects.count() == before
    kept = {"full_name": "Dana Neu"} | {key: value for key, value in changes.items() if key == "full_name"}
    assert response.context["form"]["full_name"].value() == kept["full_name"]


def test_lead_sets_and_removes_roles(world, signed_in):
    client = signed_in(world.owner_lead)
    path = f"/behoerden/polizei/personen/{world.owner_entry.pk}/"
    client.post(path, {"roles": ["release"]})
    assert User.objects.get(pk=world.owner_entry.pk).assigned_roles == {Role.RELEASE}
    client.post(path, {})
    assert User.objects.get(pk=world.owner_entry.pk).assigned_roles == set()
    assert AuditEntry.objects.filter(action=Act.ROLES_CHANGED, user=world.owner_lead).count() == 2


def test_nobody_changes_the_own_roles_or_closes_the_own_account(world, signed_in):
    client = signed_in(world.owner_lead)
    own = f"/behoerden/polizei/personen/{world.owner_lead.pk}/"
    response = client.post(own, {"roles": ["entry", "lead"]})
    assert "kann niemand selbst ändern" in response.text
    client.post(own + "sperre/")
    lead = User.objects.get(pk=world.owner_lead.pk)
    assert (lead.assigned_roles, lead.is_active) == ({Role.LEAD}, True)


def test_lead_closes_and_opens_an_account(world, signed_in):
    client = signed_in(world.owner_lead)
    path = f"/behoerden/polizei/personen/{world.owner_entry.pk}/sperre/"
    for expected in (False, True):
        client.post(path)
        assert User.objects.get(pk=world.owner_entry.pk).is_active is expected
    assert AuditEntry.objects.filter(action=Act.PERSON_CHANGED, owner=world.police).count() == 2


@pytest.mark.parametrize("tail", ["personen/neu/", "schluessel/neu/", "personen/{pk}/"])
def test_pages_of_the_lead_by_role(world, signed_in, tail):
    path = path_of(world.police, tail.format(pk=world.owner_entry.pk))
    expected = {"owner_lead": 200} | dict.fromkeys(NOT_THE_LEAD, 403) | dict.fromkeys(STRANGERS, 404)
    found = {name: signed_in(getattr(world, name)).get(path).status_code for name in expected}
    assert found == expected


@pytest.mark.parametrize("tail", ["personen/{pk}/sperre/", "personen/{pk}/zugangslink/", "schluessel/{key}/sperre/"])
def test_posts_of_the_lead_by_role(world, signed_in, tail):
    key = ApiKey.objects.create(
        agency=world.police, prefix="abc", scope=KeyScope.READ, expires_at=timezone.now() + datetime.timedelta(days=1)
    )
    path = path_of(world.police, tail.format(pk=world.owner_entry.pk, key=key.pk))
    for name in (*NOT_THE_LEAD, *STRANGERS):
        status = signed_in(getattr(world, name)).post(path).status_code
        assert status == (403 if name in NOT_THE_LEAD else 404), name
    assert User.objects.get(pk=world.owner_entry.pk).is_active
    assert ApiKey.objects.get(pk=key.pk).revoked_at is None


def test_people_and_keys_of_another_agency_are_not_reached_through_the_own_address(world, signed_in):
    key = ApiKey.objects.create(
        agency=world.order, prefix="abc", scope=KeyScope.READ, expires_at=timezone.now() + datetime.timedelta(days=1)
    )
    client = signed_in(world.owner_lead)
    assert client.get(f"/behoerden/polizei/personen/{world.partner.pk}/").status_code == 404
    assert client.post(f"/behoerden/polizei/personen/{world.partner.pk}/sperre/").status_code == 404
    assert client.post(f"/behoerden/polizei/schluessel/{key.pk}/sperre/").status_code == 404


def test_actions_refuse_a_foreign_lead(world):
    with pytest.raises(PermissionDenied):
        invite(agency=world.police, email="x@y.example", full_name="X", roles=[], by=world.stranger)
    with pytest.raises(PermissionDenied):
        set_roles(user=world.owner_entry, roles=[Role.LEAD], by=world.stranger)
    with pytest.raises(ValidationError):
        set_roles(user=world.owner_entry, roles=[Role.ADMIN], by=world.owner_lead)


def test_administration_names_the_first_lead_of_an_agency_and_no_second_one(world, signed_in):
    make_agency("veterinaeramt")
    client = signed_in(world.admin)
    path = "/behoerden/veterinaeramt/personen/neu/"
    response = client.post(path, {"full_name": "Erste Leitung", "email": "l@vet.example", "roles": ["entry"]})
    new = "Eigenes-Kennwort-2027"
    assert Client().post(response.context["address"], {"new_password1": new, "new_password2": new}).status_code == 302
    assert User.objects.get(email="l@vet.example").assigned_roles == {Role.LEAD}
    assert client.get(path).status_code == 404


def test_key_is_shown_once_works_and_stops_when_revoked(world, signed_in):
    client = signed_in(world.owner_lead)
    response = client.post("/behoerden/polizei/schluessel/neu/", NEW_KEY)
    secret = response.context["secret"]
    assert secret in response.text
    assert "no-store" in response["Cache-Control"]
    assert secret not in client.get("/behoerden/polizei/").text
    assert find_key(secret, address="10.2.3.4").agency == world.police
    assert find_key(secret, address="192.168.0.1") is None
    client.post(f"/behoerden/polizei/schluessel/{response.context['key'].pk}/sperre/")
    assert find_key(secret, address="10.2.3.4") is None


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"label": ""}, "label"),
        ({"days": "0"}, "days"),
        ({"days": "731"}, "days"),
        ({"days": "99999999999999999999"}, "days"),
        ({"networks": "überall"}, "networks"),
        ({"scope": "admin"}, "scope"),
    ],
)
def test_bad_key_is_refused_at_the_field(world, signed_in, changes, field):
    response = signed_in(world.owner_lead).post("/behoerden/polizei/schluessel/neu/", NEW_KEY | changes)
    assert field in response.context["form"].errors
    assert ApiKey.objects.count() == 0


def test_command_prints_only_the_key(world):
    out = io.StringIO()
    call_command(
        "create_api_key",
        "--agency",
        "polizei",
        "--scope",
        "write",
        "--network",
        "10.0.0.0/8",
        "--days",
        "7",
        stdout=out,
    )
    key = find_key(out.getvalue().removesuffix("\n"), address="10.9.9.9")
    assert (key.agency, key.scope) == (world.police, "write")
    assert datetime.timedelta(days=6) < key.expires_at - timezone.now() <= datetime.timedelta(days=7)


@pytest.mark.parametrize(
    "arguments",
    [
        ("--agency", "gibt-es-nicht", "--scope", "read"),
        ("--agency", "polizei", "--scope", "alles"),
        ("--agency", "polizei", "--scope", "read", "--network", "kein-netz"),
        ("--agency", "polizei", "--scope", "read", "--days", "0"),
    ],
)
def test_command_refuses_and_prints_nothing(world, arguments):
    out = io.StringIO()
    with pytest.raises(CommandError):
        call_command("create_api_key", *arguments, stdout=out)
    assert out.getvalue() == ""
    assert ApiKey.objects.count() == 0


def test_coordination_office_gets_no_key_to_write_with(world):
    with pytest.raises(CommandError, match="führt keine Meldungen"):
        call_command("create_api_key", agency="siko", scope="write", stdout=io.StringIO())
    out = io.StringIO()
    call_command("create_api_key", agency="siko", scope="read", stdout=out)
    assert find_key(out.getvalue().strip(), address="127.0.0.1").agency == world.siko
