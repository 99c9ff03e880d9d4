"""Signing on through an agency's OpenID Connect service: one way in, and the many that are none."""

import time
from urllib.parse import parse_qs, urlsplit

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from django.db import connection
from django.test import Client

from agencies import factors, openid, outgoing
from agencies.audit import Act
from agencies.models import AuditEntry, Membership, MembershipStatus, SignOn, User
from tests.agencies.openid_service import Service

PATH, BACK = "/konto/dienst/polizei/", "/konto/dienst/polizei/zurueck/"


@pytest.fixture(scope="module")
def running(tmp_path_factory):
    service = Service(tmp_path_factory.mktemp("openid"))
    yield service
    service.close()


@pytest.fixture
def service(running, world, settings, monkeypatch) -> Service:
    settings.SIGN_ON_PRIVATE_NETWORKS = True
    monkeypatch.setenv("SSL_CERT_FILE", str(running.certificate))
    running.claims, running.answers, running.sign_with = {"email": world.owner_entry.email}, {}, (running.key, "RS256")
    running.codes.clear()
    running.calls.clear()
    configure(world.police, running)
    return running


def configure(agency, service, **changes) -> SignOn:
    values = {
        "issuer": service.issuer,
        "client_id": "portal",
        "client_secret": "streng-geheim",
        "asserts_factor": False,
        "is_active": True,
        "by": None,
    }
    return openid.configure(agency=agency, **(values | changes))


def go(service, client=None, path=PATH, back=BACK, **changed):
    """Start, let the service answer, come back; `changed` parts of the answer are replaced."""
    client = client or Client()
    address = client.get(path).url
    query = {name: values[0] for name, values in parse_qs(service.authorize(address)).items()}
    return client, client.get(back, query | changed)


def reason() -> str:
    return AuditEntry.objects.filter(action=Act.LOGIN_FAILED).latest("pk").facts["reason"]


def is_in(client) -> bool:
    return client.get("/konto/").status_code == 200


def refused(client, answer) -> bool:
    is_neutral = "Die Anmeldung ist nicht möglich" in answer.text and "einrichtet" not in answer.text
    return answer.status_code == 403 and is_neutral and not is_in(client)


def test_it_opens_the_own_account_and_leads_on(service, world):
    client, answer = go(service, path=f"{PATH}?next=/behoerden/")
    assert answer.url == "/behoerden/"
    assert client.get("/konto/").context["user"] == world.owner_entry
    assert AuditEntry.objects.get(action=Act.LOGIN).facts == {"through": "openid", "factor": "none"}


def test_the_question_carries_state_nonce_and_a_hashed_verifier(service):
    client = Client()
    asked = parse_qs(urlsplit(client.get(PATH).url).query)
    assert asked["response_type"] == ["code"]
    assert asked["code_challenge_method"] == ["S256"]
    assert asked["redirect_uri"] == ["http://testserver/konto/dienst/polizei/zurueck/"]
    values = [asked[name][0] for name in ("state", "nonce", "code_challenge")]
    assert len({*values}) == 3
    assert min(map(len, values)) >= 43
    assert client.session["openid_flow"]["verifier"] not in str(asked)
    again = parse_qs(urlsplit(Client().get(PATH).url).query)
    assert all(asked[name] != again[name] for name in ("state", "nonce", "code_challenge"))


@pytest.mark.parametrize(
    ("changed", "why"),
    [({"state": "anders"}, "state"), ({"state": ""}, "state"), ({"code": ""}, "service"), ({"code": "x"}, "token")],
)
def test_a_changed_answer_is_refused(service, changed, why):
    assert refused(*go(service, **changed))
    assert reason() == why


def test_an_answer_nobody_asked_for_is_refused(service):
    client = Client()
    assert refused(client, client.get(BACK, {"code": "a-code", "state": "x"}))
    assert reason() == "no_flow"


def test_an_answer_works_once_and_in_the_browser_that_asked(service):
    asking, thief = Client(), Client()
    query = {name: values[0] for name, values in parse_qs(service.authorize(asking.get(PATH).url)).items()}
    assert refused(thief, thief.get(BACK, query))
    thief.get(PATH)
    assert refused(thief, thief.get(BACK, query))
    assert asking.get(BACK, query).status_code == 302
    asking.post("/konto/abmelden/")
    assert refused(asking, asking.get(BACK, query))


def test_a_stolen_code_is_worthless_without_the_verifier(service):
    victim, thief = Client(), Client()
    service.authorize(victim.get(PATH).url)
    state = parse_qs(urlsplit(thief.get(PATH).url).query)["state"][0]
    assert refused(thief, thief.get(BACK, {"code": "a-code", "state": state}))
    assert reason() == "token"


@pytest.mark.parametrize(
    ("claims", "why"),
    [
        ({"nonce": "anders"}, "nonce"),
        ({"nonce": None}, "nonce"),
        ({"aud": "anders"}, "token"),
        ({"aud": ["portal", "anders"]}, "token"),
        ({"iss": "https://anders.example"}, "token"),
        ({"exp": 1}, "token"),
        ({"sub": None}, "token"),
        ({"email_verified": False}, "email_unverified"),
        ({"email_verified": "true"}, "email_unverified"),
        ({"email": None}, "email_unverified"),
        ({"email": ["erfassung@polizei.example"]}, "email_unverified"),
        ({"email": "niemand@polizei.example"}, "no_account"),
        ({"email": "erfassung@ordnungsamt.example"}, "no_account"),
        ({"email": "vorsitz@siko.example"}, "no_account"),
        ({"email": "super@portal.example"}, "no_account"),
        ({"email": "inaktiv@polizei.example"}, "no_account"),
        ({"email": "erfassung@polızei.example"}, "no_account"),
        ({"email": "erfaſſung@polizei.example"}, "no_account"),
        ({"email": "erfassung\x00@polizei.example"}, "no_account"),
        ({"email": "\ud800@polizei.example"}, "no_account"),
    ],
    ids=str,
)
def test_what_the_token_says_must_fit(service, claims, why):
    before = User.objects.count()
    service.claims |= claims
    assert refused(*go(service))
    assert reason() == why
    assert User.objects.count() == before


def test_foreign_signatures_are_refused(service):
    stranger = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    for key in ((stranger, "RS256"), ("streng-geheim-und-lang-genug-für-hmac!", "HS256"), (None, "none")):
        service.sign_with = key
        assert refused(*go(service))
        assert reason() == "token"


def test_the_service_of_one_agency_opens_no_other(service, world):
    configure(world.order, service)
    assert refused(*go(service, path="/konto/dienst/ordnungsamt/", back="/konto/dienst/ordnungsamt/zurueck/"))
    client, answer = go(service, path="/konto/dienst/ordnungsamt/", back=BACK)
    assert refused(client, answer)
    assert reason() == "no_flow"


def test_the_service_of_a_suspended_agency_opens_nothing(service, world):
    Membership.objects.filter(agency=world.police).update(status=MembershipStatus.SUSPENDED)
    assert refused(*go(service))
    assert reason() == "agency"


def test_a_service_out_of_use_is_not_there(service, world):
    assert "Über Ihre Behörde anmelden" in Client().get("/konto/anmelden/").text
    configure(world.police, service, is_active=False)
    assert "Über Ihre Behörde anmelden" not in Client().get("/konto/anmelden/").text
    assert [Client().get(path).status_code for path in (PATH, BACK, "/konto/dienst/zoll/")] == [404] * 3


@pytest.mark.parametrize("asserts", [False, True])
def test_the_portal_asks_for_the_factor_unless_the_service_does(service, world, settings, asserts):
    settings.SECOND_FACTOR_OPTIONAL = False
    configure(world.police, service, asserts_factor=asserts)
    service.claims["email"] = world.owner_release.email
    secret = factors.new_totp_secret()
    code = factors.totp_code(secret, int(time.time()) // factors.TOTP_STEP_S)
    factors.add_totp(user=world.owner_release, secret=secret, code=code)
    client, answer = go(service)
    assert answer.url == ("/" if asserts else "/konto/anmelden/faktor/")
    assert is_in(client) is asserts
    service.claims["email"] = world.owner_lead.email
    client, answer = go(service)
    assert client.get("/behoerden/").status_code == (200 if asserts else 302)


def test_the_secret_is_stored_encrypted_and_never_shown(service, world, signed_in):
    with connection.cursor() as cursor:
        cursor.execute("SELECT client_secret FROM agencies_signon")
        stored = cursor.fetchone()[0]
    assert "streng-geheim" not in stored
    client = signed_in(world.admin)
    page = client.get("/behoerden/polizei/anmeldedienst/").text
    assert stored not in page
    assert "streng-geheim" not in page
    values = {"issuer": service.issuer, "client_id": "neu", "client_secret": "", "is_active": "on"}
    assert client.post("/behoerden/polizei/anmeldedienst/", values).status_code == 302
    row = SignOn.objects.get()
    assert (row.client_id, row.client_secret) == ("neu", stored)


def test_only_https_is_taken(world, signed_in):
    values = {"issuer": "http://dienst.example", "client_id": "x", "is_active": "on"}
    answer = signed_in(world.admin).post("/behoerden/polizei/anmeldedienst/", values)
    assert "über https" in answer.text
    assert not SignOn.objects.exists()


@pytest.mark.parametrize(
    "url",
    [
        "http://localhost/",
        "https://127.0.0.1/",
        "https://localhost/",
        "https://10.0.0.1/",
        "https://169.254.169.254/latest/meta-data/",
        "https://[::1]/",
        "https://[::ffff:10.0.0.1]/",
        "https://user:word@localhost/",
        "file:///etc/passwd",
        "https:///",
    ],
)
def test_addresses_inside_are_not_called(settings, url):
    settings.SIGN_ON_PRIVATE_NETWORKS = False
    with pytest.raises(outgoing.CallError, match=r"not public|only plain https"):
        outgoing.get_json(url)


def test_redirects_are_not_followed_and_long_answers_refused(service):
    service.answers["/lang"] = {"x": "y" * outgoing.MAX_BYTES}
    service.answers["/liste"] = [1]
    for tail in ("/lang", "/liste", "/token"):
        with pytest.raises(outgoing.CallError):
            outgoing.get_json(service.issuer + tail)


def test_a_certificate_nobody_vouches_for_is_refused(service, monkeypatch):
    monkeypatch.delenv("SSL_CERT_FILE")
    with pytest.raises(outgoing.CallError, match="certificate"):
        outgoing.get_json(f"{service.issuer}/keys")


def test_a_service_that_calls_itself_otherwise_is_refused(service):
    service.answers["/.well-known/openid-configuration"] = {"issuer": "https://anders.example"}
    client = Client()
    assert refused(client, client.get(PATH))
    assert reason() == "issuer"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *(("issuer", value) for value in (5, None)),
        *(("authorization_endpoint", value) for value in (5, None, ["https://x.example"], "https://[::1", "http://x")),
        *(
            ("token_endpoint", value)
            for value in (5, None, "https://[x", "https://x:99999999/", "https://ü\udc80.example")
        ),
        ("token_endpoint", f"https://{'a' * 300}.example/"),
        ("jwks_uri", {}),
    ],
)
def test_a_service_that_describes_itself_wrongly_is_refused_and_logged(service, monkeypatch, name, value):
    asking, real = Client(), openid.get_json
    query = {key: values[0] for key, values in parse_qs(service.authorize(asking.get(PATH).url)).items()}
    monkeypatch.setattr(
        openid, "get_json", lambda url: real(url) | {name: value} if "openid-conf" in url else real(url)
    )
    client = Client()
    answers = [client.get(PATH)] if name in {"issuer", "authorization_endpoint"} else []
    if name != "authorization_endpoint":
        answers.append(asking.get(BACK, query))
    assert [answer.status_code for answer in answers] == [403] * len(answers)
    assert reason() in {"issuer", "discovery", "token"}


@pytest.mark.parametrize("content", [b"[" * 200_000, b'{"a":' + b"9" * 100_000 + b"}", b"\xff", b"[]", b""])
def test_what_is_no_object_is_a_failed_call(content):
    with pytest.raises(outgoing.CallError):
        outgoing._object("https://x.example", content)


@pytest.mark.parametrize(
    ("address", "is_called"),
    [
        *((text, True) for text in ("93.184.215.14", "2606:2800:21f::1", "64:ff9b::5db8:d70e", "2002:5db8:d70e::1")),
        *(
            (text, False)
            for text in ("::ffff:127.0.0.1", "::127.0.0.1", "::1", "fe80::1", "fc00::1", "fec0::1", "ff02::1")
        ),
        *(
            (text, False)
            for text in ("64:ff9b::7f00:1", "64:ff9b::a00:1", "64:ff9b:1::1", "2002:7f00:1::", "2002:a00:1::")
        ),
        *((text, False) for text in ("127.0.0.1", "10.0.0.1", "169.254.169.254", "100.64.0.1", "0.0.0.0", "224.0.0.1")),  # noqa: S104
    ],
)
def test_addresses_that_only_lead_inside_by_a_detour_are_not_called(monkeypatch, address, is_called):
    monkeypatch.setattr(outgoing.socket, "getaddrinfo", lambda *args, **kwargs: [(0, 0, 0, "", (address, 443))])
    if is_called:
        assert outgoing.allowed_address("x.example", 443) == address
    else:
        with pytest.raises(outgoing.CallError):
            outgoing.allowed_address("x.example", 443)
