"""How often and how much: who asks too often waits, and is told how long; who sends too much is refused unread."""

import io

import pytest
from django.core.cache import cache
from django.test import RequestFactory
from django.urls import reverse
from redis.exceptions import ConnectionError as NoConnection

from agencies import limits
from hamm_security.limits import ANY_METHOD, LARGE_UPLOADS, SENDING, UNCOUNTED
from hamm_security.settings import RATE_LIMITS
from tests.access.test_routes import all_routes

pytestmark = pytest.mark.django_db
HOUR = 3600


def test_every_limited_route_and_every_named_limit_exists():
    routes = set(all_routes())
    assert {*ANY_METHOD, *SENDING, *LARGE_UPLOADS, *UNCOUNTED} <= routes
    named = {"person", "visitor", "sign_on", "password_mail", "api_key", "api_address", "api_refused"}
    assert {*ANY_METHOD.values(), *SENDING.values(), *named} == set(RATE_LIMITS)
    assert all(most > 0 and window_s > 0 for most, window_s in RATE_LIMITS.values())


def test_a_person_who_asks_too_often_waits(world, signed_in, limited):
    limited(person=(2, HOUR))
    client = signed_in(world.partner)
    statuses = [client.get(reverse("account")).status_code for _ in range(3)]
    assert statuses == [200, 200, 429]
    refused = client.get(reverse("start"))
    seconds = int(refused["Retry-After"])
    assert 0 < seconds <= HOUR
    assert f"Bitte warten Sie {seconds} Sekunden" in refused.content.decode()
    assert refused["Cache-Control"] == "private, no-store"
    client.force_login(world.stranger, backend="django.contrib.auth.backends.ModelBackend")
    assert client.get(reverse("account")).status_code == 200, "a colleague behind the same address goes on"


def test_the_window_ends(world, signed_in, limited, time_machine):
    limited(person=(1, 600))
    client = signed_in(world.partner)
    assert [client.get(reverse("account")).status_code for _ in range(2)] == [200, 429]
    time_machine.shift(600)
    assert client.get(reverse("account")).status_code == 200


def test_visitors_count_by_address(client, limited):
    limited(visitor=(2, HOUR))
    login = reverse("login")
    assert [client.get(login).status_code for _ in range(3)] == [200, 200, 429]
    assert client.get(login, REMOTE_ADDR="192.0.2.7").status_code == 200


def test_signing_on_is_limited_whatever_the_account(client, limited):
    """The lockout counts per account; trying one password on many accounts is stopped here."""
    limited(sign_on=(3, HOUR))
    login = reverse("login")
    statuses = [
        client.post(login, {"username": f"person{number}@polizei.example", "password": "falsch"}).status_code
        for number in range(4)
    ]
    assert statuses == [200, 200, 200, 429]
    assert client.get(login).status_code == 200


def test_addresses_of_one_ipv6_network_count_as_one(limited):
    limited(visitor=(1, HOUR))
    factory = RequestFactory()
    waits = [
        limits.count("visitor", limits.address_of(factory.get("/", REMOTE_ADDR=address)))
        for address in ("2001:db8::1", "2001:db8::2", "2001:db8:0:1::1", "unknown", "", "::ffff:10.0.0.1", "10.0.0.2")
    ]
    assert [bool(wait) for wait in waits] == [False, True, False, False, True, False, False]
    mapped = limits.address_of(factory.get("/", REMOTE_ADDR="::ffff:10.0.0.2"))
    assert mapped == limits.address_of(factory.get("/", REMOTE_ADDR="10.0.0.2"))


@pytest.mark.parametrize(("route", "limit"), ANY_METHOD.items())
def test_routes_with_a_limit_of_their_own_keep_it(world, signed_in, limited, route, limit):
    limited(**{limit: (1, HOUR)})
    client = signed_in(world.owner_lead)
    args = {"print": ["00000000-0000-4000-8000-000000000000"], "sign_on_service": ["polizei"]}.get(limit, [])
    statuses = [client.get(reverse(route, args=args)).status_code for _ in range(2)]
    assert statuses[0] in (200, 302, 403, 404)
    assert statuses[1] == 429


@pytest.mark.parametrize(("route", "limit"), SENDING.items())
def test_forms_with_a_limit_of_their_own_keep_it(world, signed_in, limited, route, limit):
    limited(**{limit: (1, HOUR)})
    client = signed_in(world.owner_lead)
    args = {"agencies:person_add": ["polizei"], "agencies:person_link": ["polizei", world.owner_lead.pk]}.get(route, [])
    url = reverse(route, args=args)
    statuses = [client.post(url).status_code for _ in range(2)]
    assert statuses[0] < 404
    assert statuses[1] == 429
    assert client.get(url).status_code != 429, "looking at the form is not limited"


def test_monitoring_is_never_refused(client, limited):
    limited(visitor=(1, HOUR))
    assert {client.get(reverse("health_live")).status_code for _ in range(3)} == {200}


def test_a_limit_counts_across_processes(limited):
    """Counters live in the cache and nowhere in the process."""
    limited(visitor=(1, HOUR))
    assert limits.count("visitor", "address:192.0.2.7") == 0
    assert limits.look("visitor", "address:192.0.2.7") > 0
    cache.clear()
    assert limits.look("visitor", "address:192.0.2.7") == 0


def test_without_the_cache_the_portal_goes_on_and_says_so(client, limited, monkeypatch, caplog):
    limited(visitor=(1, HOUR))

    def fail(*args, **kwargs):
        raise NoConnection

    monkeypatch.setattr("agencies.limits.cache.incr", fail)
    assert {client.get(reverse("login")).status_code for _ in range(3)} == {200}
    assert "the limit visitor is not kept" in caplog.text


@pytest.mark.parametrize("route", ["login", "imports:index", "incidents:create", "api:incidents-bulk"])
def test_what_is_too_large_is_refused_before_it_is_read(world, signed_in, route, settings):
    settings.UPLOAD_MAX_BYTES, settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 3 * 1024**2, 1024**2

    class Unread(io.BytesIO):
        def read(self, *args):
            raise AssertionError("the body was read")

    client = signed_in(world.owner_lead)
    most = 3 * 1024**2 if route in LARGE_UPLOADS else 1024**2
    about = {"content_type": "multipart/form-data; boundary=x"}
    beyond = client.post(reverse(route), **about, CONTENT_LENGTH=str(most + 2 * 1024**2), **{"wsgi.input": Unread()})
    within = client.post(reverse(route), **about, CONTENT_LENGTH=str(most), **{"wsgi.input": io.BytesIO()})
    assert (beyond.status_code, within.status_code == 413) == (413, False)


def test_a_length_that_is_no_number_is_refused(client):
    assert client.post(reverse("login"), CONTENT_LENGTH="-1").status_code == 413
