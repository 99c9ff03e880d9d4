"""Second factors: set up, asked for, used up, lost; and whom the portal does not let work without one."""

import base64
import datetime as dt
import hashlib
import json
import time

import pytest
import time_machine
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from django.core.exceptions import PermissionDenied, ValidationError
from django.test import Client
from fido2.cose import ES256
from fido2.utils import websafe_decode, websafe_encode
from fido2.webauthn import Aaguid, AttestedCredentialData, AuthenticatorData, CollectedClientData

from agencies import factors
from agencies.audit import Act
from agencies.models import AuditEntry, Factor, FactorKind, Session, User
from agencies.people import set_roles
from agencies.roles import Role
from tests.factories import PASSWORD

START = dt.datetime(2026, 3, 2, 9, 0, tzinfo=dt.UTC)
STEP_PAGE = "/konto/anmelden/faktor/"
# RFC 6238, appendix B (SHA-1), cut to six digits.
RFC_SECRET = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"
RFC_CODES = {59: "287082", 1111111109: "081804", 1111111111: "050471", 1234567890: "005924", 20000000000: "353130"}


@pytest.fixture
def clock():
    with time_machine.travel(START, tick=False) as traveller:
        yield traveller


def code_now(secret: str, steps: int = 0) -> str:
    return factors.totp_code(secret, int(time.time()) // 30 + steps)


def give_totp(user, clock) -> str:
    """The secret of a fresh app; its first code is used up, the clock one step on."""
    secret = factors.new_totp_secret()
    factors.add_totp(user=user, secret=secret, code=code_now(secret))
    clock.shift(60)
    return secret


def first_step(user) -> Client:
    client = Client()
    answer = client.post("/konto/anmelden/", {"username": user.email, "password": PASSWORD, "next": "/behoerden/"})
    assert answer.url == STEP_PAGE
    return client


def is_in(client) -> bool:
    return client.get("/konto/").status_code == 200


def acts(act) -> int:
    return AuditEntry.objects.filter(action=act).count()


@pytest.mark.parametrize(("moment", "code"), RFC_CODES.items())
def test_codes_are_those_of_the_standard(moment, code):
    assert factors.totp_code(RFC_SECRET, moment // 30) == code


def test_app_is_set_up_by_its_first_code_and_brings_recovery_codes(world, signed_in, clock):
    client = signed_in(world.owner_entry)
    page = client.get("/konto/faktoren/app/")
    assert page.context["picture"].startswith("data:image/svg+xml")
    secret = page.context["secret"].replace(" ", "")
    assert "Der Code stimmt nicht." in client.post("/konto/faktoren/app/", {"code": "000000"}).text
    assert not Factor.objects.exists()
    done = client.post("/konto/faktoren/app/", {"code": code_now(secret)})
    codes = done.context["codes"]
    assert len(set(codes)) == 10
    assert "no-store" in done["Cache-Control"]
    stored = "".join(f"{row.secret} {row.label}" for row in Factor.objects.all())
    assert secret not in stored
    assert not any(code in stored or code.replace("-", "") in stored for code in codes)
    assert secret not in client.get("/konto/faktoren/").text
    assert codes[0] not in client.get("/konto/faktoren/").text
    assert acts(Act.FACTOR_ADDED) == 1
    assert is_in(client)


def test_signing_in_takes_both_steps(world, clock):
    secret = give_totp(world.owner_entry, clock)
    client = first_step(world.owner_entry)
    assert not is_in(client)
    assert acts(Act.LOGIN) == 0
    assert client.post(STEP_PAGE, {"code": code_now(secret)}).url == "/behoerden/"
    assert is_in(client)
    assert AuditEntry.objects.get(action=Act.LOGIN).facts == {"through": "password", "factor": "totp"}


def test_a_code_works_once_and_neighbouring_steps_only(world, clock):
    secret = give_totp(world.owner_entry, clock)
    code = code_now(secret)
    assert factors.check_code(user=world.owner_entry, code=f"{code[:3]} {code[3:]}") == FactorKind.TOTP
    assert factors.check_code(user=world.owner_entry, code=code) is None
    assert factors.check_code(user=world.owner_entry, code=code_now(secret, -1)) is None
    assert factors.check_code(user=world.owner_entry, code=code_now(secret, 2)) is None
    assert factors.check_code(user=world.owner_entry, code=code_now(secret, 1)) == FactorKind.TOTP


@pytest.mark.parametrize("code", ["", "000000", "x" * 40, "１２３４５６", "12\x0034", "' OR 1=1 --"])
def test_wrong_codes_open_nothing(world, clock, code):
    give_totp(world.owner_entry, clock)
    client = first_step(world.owner_entry)
    assert client.post(STEP_PAGE, {"code": code}).status_code == 200
    assert not is_in(client)


def test_wrong_codes_are_logged_and_lock_like_wrong_passwords(world, clock):
    secret = give_totp(world.owner_entry, clock)
    client = first_step(world.owner_entry)
    answers = [client.post(STEP_PAGE, {"code": "000000"}).status_code for _ in range(5)]
    assert answers == [200] * 4 + [429]
    assert client.post(STEP_PAGE, {"code": code_now(secret)}).status_code == 429
    assert AuditEntry.objects.filter(action=Act.LOGIN_FAILED, facts__step="factor").count() == 5


def test_ten_wrong_codes_pause_the_account_from_wherever_they_come(world, clock):
    secret = give_totp(world.owner_entry, clock)
    for _ in range(10):
        assert factors.check_code(user=world.owner_entry, code="000000") is None
    assert factors.check_code(user=world.owner_entry, code=code_now(secret)) is None
    clock.shift(dt.timedelta(minutes=16))
    assert factors.check_code(user=world.owner_entry, code=code_now(secret)) == FactorKind.TOTP
    assert User.objects.get(pk=world.owner_entry.pk).factor_failures == 0


def test_the_first_step_is_good_for_ten_minutes_one_browser_and_the_same_password(world, clock):
    secret = give_totp(world.owner_entry, clock)
    late, elsewhere, changed = first_step(world.owner_entry), Client(), first_step(world.owner_entry)
    assert elsewhere.post(STEP_PAGE, {"code": code_now(secret)}).url == "/konto/anmelden/"
    clock.shift(dt.timedelta(minutes=9))
    world.owner_entry.set_password("Ein-anderes-Kennwort-2026")
    world.owner_entry.save()
    assert changed.post(STEP_PAGE, {"code": code_now(secret)}).url == "/konto/anmelden/"
    world.owner_entry.set_password(PASSWORD)
    world.owner_entry.save()
    late = first_step(world.owner_entry)
    clock.shift(dt.timedelta(minutes=11))
    assert late.post(STEP_PAGE, {"code": code_now(secret)}).url == "/konto/anmelden/"
    assert not any(is_in(client) for client in (late, elsewhere, changed))


def test_closing_the_account_between_the_steps_closes_the_second(world, clock):
    secret = give_totp(world.owner_entry, clock)
    client = first_step(world.owner_entry)
    User.objects.filter(pk=world.owner_entry.pk).update(is_active=False)
    assert client.post(STEP_PAGE, {"code": code_now(secret)}).url == "/konto/anmelden/"


def test_recovery_code_works_once_in_any_spelling(world, clock):
    give_totp(world.owner_entry, clock)
    code, other, *_ = factors.renew_recovery_codes(user=world.owner_entry)
    assert first_step(world.owner_entry).post(STEP_PAGE, {"code": code.lower().replace("-", " ")}).url == "/behoerden/"
    assert first_step(world.owner_entry).post(STEP_PAGE, {"code": code}).status_code == 200
    assert acts(Act.RECOVERY_USED) == 1
    assert factors.recovery_codes_left(world.owner_entry) == 9
    factors.renew_recovery_codes(user=world.owner_entry)
    assert factors.check_code(user=world.owner_entry, code=other) is None


def test_codes_of_others_open_nothing(world, clock):
    secret = give_totp(world.partner, clock)
    give_totp(world.owner_entry, clock)
    code = factors.renew_recovery_codes(user=world.partner)[0]
    assert factors.check_code(user=world.owner_entry, code=code) is None
    assert factors.check_code(user=world.owner_entry, code=code_now(secret)) is None


@pytest.mark.parametrize(
    ("who", "is_due"),
    [
        ("owner_entry", False),
        ("guest", False),
        ("without_agency", False),
        ("owner_release", True),
        ("owner_lead", True),
        ("chair", True),
        ("data_protection", True),
        ("admin", True),
    ],
)
def test_roles_that_must_have_a_factor_can_do_nothing_else_first(world, signed_in, settings, who, is_due):
    settings.SECOND_FACTOR_OPTIONAL = False
    client = signed_in(getattr(world, who))
    for path in ("/", "/konto/", "/konto/sitzungen/", "/behoerden/", "/vorfaelle/", "/lagebild/", "/konto/passwort/"):
        answer = client.get(path)
        assert (answer.status_code == 302 and answer["Location"].startswith("/konto/faktoren/?next=")) is is_due, path
    assert client.get("/konto/faktoren/app/").status_code == 200
    assert client.post("/konto/abmelden/").status_code == 302


def test_set_up_opens_the_portal_and_leads_back(world, signed_in, settings, clock):
    settings.SECOND_FACTOR_OPTIONAL = False
    client = signed_in(world.owner_release)
    client.get(client.get("/vorfaelle/?q=x").url)
    secret = client.get("/konto/faktoren/app/").context["secret"].replace(" ", "")
    client.post("/konto/faktoren/app/", {"code": code_now(secret)})
    assert client.get("/konto/faktoren/").context["then"] == "/vorfaelle/?q=x"
    assert client.get("/vorfaelle/").status_code == 200


def test_a_first_factor_ends_sessions_that_began_without_it(world, settings, clock):
    settings.SECOND_FACTOR_OPTIONAL = False
    person = world.owner_release
    own, thief = Client(), Client()
    for client in (own, thief):
        assert client.post("/konto/anmelden/", {"username": person.email, "password": PASSWORD}).status_code == 302
    secret = own.get("/konto/faktoren/app/").context["secret"].replace(" ", "")
    own.post("/konto/faktoren/app/", {"code": code_now(secret)})
    assert is_in(own)
    # Whoever has only the password must not be able to put an app of their own in the place of the first.
    page = thief.get("/konto/faktoren/app/")
    assert page.status_code == 302
    assert page.url.startswith("/konto/anmelden/")
    assert Session.objects.filter(user=person).count() == 1


def test_a_role_given_later_demands_the_factor_at_once(world, signed_in, settings):
    settings.SECOND_FACTOR_OPTIONAL = False
    client = signed_in(world.owner_entry)
    assert client.get("/behoerden/").status_code == 200
    set_roles(user=world.owner_entry, roles=[Role.RELEASE], by=world.owner_lead)
    assert client.get("/behoerden/").url.startswith("/konto/faktoren/")


def test_the_last_factor_stays_where_the_role_demands_one(world, signed_in, settings, clock):
    settings.SECOND_FACTOR_OPTIONAL = False
    give_totp(world.owner_lead, clock)
    totp = world.owner_lead.factors.get(kind=FactorKind.TOTP)
    with pytest.raises(ValidationError):
        factors.remove_factor(factor=totp, by=world.owner_lead)
    factors.add_passkey(user=world.owner_lead, label="Rechner", public_key="", counter=0)
    factors.remove_factor(factor=totp, by=world.owner_lead)
    assert acts(Act.FACTOR_REMOVED) == 1


def test_removing_the_last_factor_takes_the_recovery_codes_with_it(world, signed_in, clock):
    give_totp(world.owner_entry, clock)
    factors.renew_recovery_codes(user=world.owner_entry)
    factor = world.owner_entry.factors.get(kind=FactorKind.TOTP)
    signed_in(world.owner_entry).post(f"/konto/faktoren/{factor.pk}/entfernen/")
    assert not world.owner_entry.factors.exists()


def test_factors_of_others_are_neither_seen_nor_removed(world, signed_in, clock):
    give_totp(world.owner_entry, clock)
    factor = world.owner_entry.factors.get(kind=FactorKind.TOTP)
    for person in (world.owner_release, world.owner_lead, world.admin, world.stranger):
        client = signed_in(person)
        assert client.post(f"/konto/faktoren/{factor.pk}/entfernen/").status_code == 404
        assert list(client.get("/konto/faktoren/").context["factors"]) == []


def test_the_lead_resets_factors_of_the_own_people(world, signed_in, clock):
    give_totp(world.owner_entry, clock)
    other = Client()
    other.force_login(world.owner_entry, backend="django.contrib.auth.backends.ModelBackend")
    lead = signed_in(world.owner_lead)
    assert "Faktoren zurücksetzen" in lead.get(f"/behoerden/polizei/personen/{world.owner_entry.pk}/").text
    lead.post(f"/behoerden/polizei/personen/{world.owner_entry.pk}/faktoren/")
    assert not world.owner_entry.factors.exists()
    assert not Session.objects.filter(user=world.owner_entry).exists()
    assert AuditEntry.objects.get(action=Act.FACTORS_RESET).user == world.owner_lead


def test_the_administration_resets_leads_and_nobody_else(world, signed_in, clock):
    for person in (world.stranger, world.owner_entry, world.admin):
        give_totp(person, clock)
    client = signed_in(world.admin)
    assert set(client.get("/behoerden/polizei/leitungen/").context["people"]) == {world.owner_lead, world.inactive}
    assert client.post("/behoerden/feuerwehr/leitungen/", {"person": world.stranger.pk}).status_code == 302
    assert not world.stranger.factors.exists()
    for slug, person in (("polizei", world.owner_entry), ("siko", world.admin), ("feuerwehr", world.owner_lead)):
        assert client.post(f"/behoerden/{slug}/leitungen/", {"person": person.pk}).status_code == 404
    assert world.owner_entry.factors.exists()
    for person in ("owner_lead", "chair", "data_protection", "stranger"):
        answer = signed_in(getattr(world, person)).post(
            "/behoerden/polizei/leitungen/", {"person": world.owner_lead.pk}
        )
        assert answer.status_code == 403


@pytest.mark.parametrize(
    ("by", "whose"),
    [("owner_lead", "partner"), ("owner_release", "owner_entry"), ("admin", "owner_entry"), ("stranger", "owner_lead")],
)
def test_reset_is_refused_to_everybody_else(world, by, whose):
    with pytest.raises(PermissionDenied):
        factors.reset_factors(user=getattr(world, whose), by=getattr(world, by))


def test_nobody_resets_the_own_factors(world):
    with pytest.raises(ValidationError):
        factors.reset_factors(user=world.owner_lead, by=world.owner_lead)


def test_confirming_takes_a_code_in_place_of_the_password(world, signed_in, clock):
    secret = give_totp(world.owner_entry, clock)
    client = signed_in(world.owner_entry)
    assert client.post("/konto/bestaetigen/", {"code": "000000", "next": "/behoerden/"}).status_code == 200
    assert client.post("/konto/bestaetigen/", {"code": code_now(secret), "next": "/behoerden/"}).url == "/behoerden/"


HOLLOW = '{"id": "AA", "rawId": "AA", "type": "public-key", "response": {}}'


@pytest.mark.parametrize(
    "answer", ["", "{}", "[]", "null", '{"id": 1}', "x" * 30_000, HOLLOW], ids=lambda value: value[:9]
)
def test_made_up_passkeys_are_an_ordinary_refusal(world, signed_in, clock, answer):
    client = signed_in(world.owner_entry)
    client.get("/konto/faktoren/passkey/", headers={"Host": "localhost"})
    assert client.post("/konto/faktoren/passkey/", {"label": "x", "passkey": answer}).status_code == 200
    assert not Factor.objects.exists()
    secret = give_totp(world.owner_entry, clock)
    step = first_step(world.owner_entry)
    assert step.post(STEP_PAGE, {"passkey": answer}).status_code == 200
    assert not is_in(step)
    assert step.post(STEP_PAGE, {"code": code_now(secret)}).status_code == 302


class SoftPasskey:
    """A passkey in software, registered with a person; its signature counter is whatever it is told."""

    def __init__(self, user, *, counter: int = 0) -> None:
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.number = b"kennung-%d" % user.pk
        public = ES256.from_cryptography_key(self.key.public_key())
        data = AttestedCredentialData.create(Aaguid.NONE, self.number, public)
        stored = base64.b64encode(bytes(data)).decode()
        self.factor = factors.add_passkey(user=user, label="Stick", public_key=stored, counter=counter)

    def sign(self, options: str, *, counter: int, origin: str = "https://testserver") -> str:
        """The browser's answer to the question in the page."""
        challenge = websafe_decode(json.loads(options)["publicKey"]["challenge"])
        client = CollectedClientData.create(CollectedClientData.TYPE.GET, challenge, origin)
        present = AuthenticatorData.FLAG.UP
        data = AuthenticatorData.create(hashlib.sha256(b"testserver").digest(), present, counter)
        signature = self.key.sign(bytes(data) + client.hash, ec.ECDSA(hashes.SHA256()))
        parts = {"clientDataJSON": bytes(client), "authenticatorData": bytes(data), "signature": signature}
        number = websafe_encode(self.number)
        response = {name: websafe_encode(value) for name, value in parts.items()}
        return json.dumps({"id": number, "rawId": number, "type": "public-key", "response": response})


def question(client) -> str:
    return client.get(STEP_PAGE).context["passkey_options"]


@pytest.mark.parametrize(
    ("before", "shown", "opens"),
    [(0, 0, True), (0, 1, True), (5, 6, True), (5, 5, False), (5, 4, False), (5, 0, False)],
)
def test_a_passkey_whose_counter_does_not_grow_is_a_copy(world, clock, before, shown, opens):
    passkey = SoftPasskey(world.owner_entry, counter=before)
    client = first_step(world.owner_entry)
    client.post(STEP_PAGE, {"passkey": passkey.sign(question(client), counter=shown)})
    assert is_in(client) is opens
    passkey.factor.refresh_from_db()
    assert passkey.factor.counter == (shown if opens else before)


def test_a_passkey_answers_its_own_question_once_at_this_host_for_its_own_person(world, clock):
    passkey, foreign = SoftPasskey(world.owner_entry), SoftPasskey(world.partner)
    client = first_step(world.owner_entry)
    asked = question(client)
    for answer in (
        foreign.sign(asked, counter=1),
        passkey.sign(question(first_step(world.owner_entry)), counter=1),
        passkey.sign(question(client), counter=1, origin="https://anders.example"),
    ):
        question(client)
        client.post(STEP_PAGE, {"passkey": answer})
        assert not is_in(client)
    good = passkey.sign(question(client), counter=1)
    client.post(STEP_PAGE, {"passkey": good})
    assert is_in(client)
    again = first_step(world.owner_entry)
    again.post(STEP_PAGE, {"passkey": good})
    assert not is_in(again)
