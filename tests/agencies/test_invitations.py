"""Invitations, and that nothing on the way tells who has an account."""

import datetime as dt
import re

import pytest
import time_machine
from django.contrib.auth import hashers
from django.core import mail
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from agencies.audit import Act
from agencies.models import AuditEntry, Invitation, User
from agencies.people import invitation_token, invite, take_invitation
from agencies.roles import Role
from agencies.tasks import tidy_sign_on
from tests.factories import PASSWORD

ADD = "/behoerden/polizei/personen/neu/"
NEW = "Eigenes-Kennwort-2027"
BOTH = {"new_password1": NEW, "new_password2": NEW}


@pytest.fixture
def mails(settings, eager_tasks):
    settings.EMAIL_HOST = "mail.example"
    return mail.outbox


def invited(world, email="neu@polizei.example", roles=(Role.ENTRY,)) -> tuple[Invitation, str]:
    found = invite(agency=world.police, email=email, full_name="Dana Neu", roles=roles, by=world.owner_lead)
    return found, f"/konto/einladung/{invitation_token(found)}/"


def body(response) -> str:
    """The page without what differs between any two requests."""
    return re.sub(r'name="csrfmiddlewaretoken" value="[^"]*"', "", response.text)


def test_mail_carries_the_address_and_no_secret(world, signed_in, mails, django_capture_on_commit_callbacks):
    with django_capture_on_commit_callbacks(execute=True):
        answer = signed_in(world.owner_lead).post(ADD, {"full_name": "Dana Neu", "email": "neu@polizei.example"})
    assert "address" not in answer.context
    assert "ist unterwegs" in answer.text
    [message] = mails
    assert message.to == ["neu@polizei.example"]
    address = re.search(r"http://testserver(/konto/einladung/\S+)", message.body)[1]
    assert address not in answer.text
    assert Client().post(address, BOTH).url == "/konto/anmelden/"
    assert User.objects.get(email="neu@polizei.example").check_password(NEW)
    assert AuditEntry.objects.filter(action__in=(Act.INVITED, Act.INVITATION_TAKEN)).count() == 2


def test_the_lead_reads_the_same_whether_or_not_somebody_elsewhere_has_the_address(
    world, signed_in, mails, django_capture_on_commit_callbacks
):
    client = signed_in(world.owner_lead)
    answers = {}
    for email in ("niemand@zoll.example", world.partner.email):
        with django_capture_on_commit_callbacks(execute=True) as callbacks:
            answer = client.post(ADD, {"full_name": "Dana Neu", "email": email, "roles": ["entry"]})
        answers[email] = (answer.status_code, len(callbacks), body(answer).replace(email, "ADRESSE"))
    assert len(set(answers.values())) == 1
    listed = client.get("/behoerden/polizei/").text
    assert "niemand@zoll.example" in listed
    assert world.partner.email in listed
    assert [message.to for message in mails] == [["niemand@zoll.example"], [world.partner.email]]
    first, second = (re.sub(r"http\S+", "", message.body) for message in mails)
    assert first == second


def test_who_has_an_account_learns_it_from_the_address_and_keeps_it(world):
    _, address = invited(world, world.partner.email, (Role.LEAD,))
    assert "gibt es bereits ein Konto" in Client().get(address).text
    assert Client().post(address, BOTH).status_code == 200
    partner = User.objects.get(pk=world.partner.pk)
    assert (partner.agency, partner.assigned_roles) == (world.order, {Role.ENTRY})
    assert partner.check_password(PASSWORD)


def test_invitation_works_once_within_its_days(world, settings):
    found, address = invited(world)
    assert Client().post(address, BOTH | {"new_password2": "anders-anders-anders"}).status_code == 200
    assert Client().post(address, {"new_password1": "kurz", "new_password2": "kurz"}).status_code == 200
    assert Client().post(address, BOTH).status_code == 302
    assert "gilt nicht mehr" in Client().get(address).text
    with pytest.raises(ValidationError):
        take_invitation(invitation=found, password=NEW)
    _, late = invited(world, "spaet@polizei.example")
    with time_machine.travel(dt.datetime.now(dt.UTC) + dt.timedelta(days=settings.INVITATION_DAYS, minutes=1)):
        assert "gilt nicht mehr" in Client().post(late, BOTH).text
    assert not User.objects.filter(email="spaet@polizei.example").exists()


def test_withdrawn_replaced_and_made_up_invitations_open_nothing(world, signed_in):
    found, address = invited(world)
    signed_in(world.owner_lead).post(f"/behoerden/polizei/einladungen/{found.pk}/ruecknahme/")
    other, second = invited(world)
    _, third = invited(world)
    forged = f"/konto/einladung/{other.pk}:{'A' * 43}/"
    for dead in (address, second, forged, "/konto/einladung/x/", f"/konto/einladung/{other.pk}/"):
        assert "gilt nicht mehr" in Client().post(dead, BOTH).text, dead
    assert Client().post(third, BOTH).status_code == 302


@pytest.mark.parametrize("change", ["closed", "no lead", "elsewhere"])
def test_an_invitation_lives_no_longer_than_the_right_to_send_it(world, change):
    _, address = invited(world, roles=(Role.LEAD,))
    assert "gilt nicht mehr" not in Client().get(address).text
    if change == "closed":
        User.objects.filter(pk=world.owner_lead.pk).update(is_active=False)
    elif change == "no lead":
        world.owner_lead.groups.clear()
    else:
        User.objects.filter(pk=world.owner_lead.pk).update(agency=world.order)
    assert "gilt nicht mehr" in Client().get(address).text
    assert "gilt nicht mehr" in Client().post(address, BOTH).text
    assert not User.objects.filter(email="neu@polizei.example").exists()


def test_of_two_first_leads_the_administration_has_invited_one_comes_in(world):
    world.owner_lead.groups.clear()
    links = []
    for email in ("erste@polizei.example", "zweite@polizei.example"):
        found = invite(agency=world.police, email=email, full_name="Dana Neu", roles=(Role.LEAD,), by=world.admin)
        links.append(f"/konto/einladung/{invitation_token(found)}/")
    assert Client().post(links[0], BOTH).status_code == 302
    assert "gilt nicht mehr" in Client().post(links[1], BOTH).text
    assert not User.objects.filter(email="zweite@polizei.example").exists()


def test_an_own_colleague_is_named(world, signed_in):
    answer = signed_in(world.owner_lead).post(ADD, {"full_name": "X", "email": "Freigabe@polizei.example"})
    assert "email" in answer.context["form"].errors


def test_invitations_nobody_took_are_forgotten(world):
    young, _ = invited(world, "jung@polizei.example")
    old, _ = invited(world, "alt@polizei.example")
    taken, _ = invited(world, "da@polizei.example")
    take_invitation(invitation=taken, password=NEW)
    month_ago = dt.datetime.now(dt.UTC) - dt.timedelta(days=31)
    Invitation.objects.filter(pk__in=(old.pk, taken.pk)).update(expires_at=month_ago)
    assert tidy_sign_on() == 1
    assert set(Invitation.objects.all()) == {young, taken}


@pytest.mark.parametrize("by", ["owner_entry", "owner_release", "stranger", "chair", "data_protection", "admin"])
def test_nobody_else_invites_or_withdraws(world, signed_in, by):
    with pytest.raises(PermissionDenied):
        invite(agency=world.police, email="x@y.example", full_name="X", roles=[Role.LEAD], by=getattr(world, by))
    found, _ = invited(world)
    path = f"/behoerden/polizei/einladungen/{found.pk}/ruecknahme/"
    assert signed_in(getattr(world, by)).post(path).status_code in {403, 404}
    found.refresh_from_db()
    assert found.withdrawn_at is None


def test_new_password_is_answered_alike_and_mailed_to_open_accounts_only(world, mails):
    asked = {}
    for email in ("niemand@polizei.example", world.owner_entry.email, world.inactive.email):
        answer = Client().post("/konto/passwort/vergessen/", {"email": email})
        asked[email] = (answer.status_code, body(answer).replace(email, "ADRESSE"))
    assert len(set(asked.values())) == 1
    assert [message.to for message in mails] == [[world.owner_entry.email]]
    address = re.search(r"http://testserver(/konto/passwort/\S+)", mails[0].body)[1]
    client = Client()
    form_path = client.get(address).url
    assert client.post(form_path, BOTH).url == "/konto/anmelden/"
    assert User.objects.get(pk=world.owner_entry.pk).check_password(NEW)


def test_the_request_for_a_new_password_does_the_same_work_for_everybody(world, settings, monkeypatch):
    settings.EMAIL_HOST = "mail.example"
    handed_over = []
    monkeypatch.setattr("agencies.views.accounts.send_password_link.delay", lambda *args: handed_over.append(args))
    counted = []
    for email in ("niemand@polizei.example", world.owner_entry.email):
        with CaptureQueriesContext(connection) as queries:
            Client().post("/konto/passwort/vergessen/", {"email": email})
        counted.append(len(queries))
    assert counted[0] == counted[1]
    assert [email for email, _ in handed_over] == ["niemand@polizei.example", world.owner_entry.email]


@pytest.mark.parametrize("email", ["niemand@polizei.example", "inaktiv@polizei.example", "erfassung@polizei.example"])
def test_a_refused_login_hashes_once_whoever_is_asked_for(world, monkeypatch, email):
    calls = []
    hasher = type(hashers.get_hasher())
    real = hasher.encode
    monkeypatch.setattr(hasher, "encode", lambda self, *args: calls.append(1) or real(self, *args))
    Client().post("/konto/anmelden/", {"username": email, "password": "falsch"})
    assert len(calls) == 1
