"""Every route, method and role: who gets in, who is sent away, and how."""

import re
import uuid
from collections.abc import Iterator

import pytest
from django.urls import URLPattern, URLResolver, get_resolver, reverse

from tests.access.payloads import PAYLOADS, api_record
from tests.access.routes import API_ROWS, KEYS, PAGE_ROWS, PEOPLE, Row
from tests.access.stage import Stage, body_of

# Django's own form pages take PUT for POST and send on who is signed in, whatever the method.
SIGN_IN_PAGES = ("login", "password_change", "password_set")
METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
CSRF_TOKEN = re.compile(rb'name="csrfmiddlewaretoken" value="[^"]*"')


def all_routes(resolver=None, prefix: str = "") -> Iterator[str]:
    for entry in (resolver or get_resolver()).url_patterns:
        if isinstance(entry, URLResolver):
            yield from all_routes(entry, f"{prefix}{entry.namespace}:" if entry.namespace else prefix)
        elif isinstance(entry, URLPattern):
            yield f"{prefix}{entry.name}"


def address(stage: Stage, row: Row) -> str:
    return reverse(row.route, args=stage.args[row.thing])


def token(response) -> str:
    if response.status_code == 302 and response["Location"].startswith(f"{reverse('login')}?next="):
        return "log"
    return str(response.status_code)


def test_the_tables_name_every_route_of_the_project():
    assert {row.route for row in (*PAGE_ROWS, *API_ROWS)} == set(all_routes())


def test_the_columns_are_the_whole_cast(stage):
    assert set(PEOPLE) == {"anonymous", *stage.world.people()} - {"second_admin"}
    assert set(KEYS) - set(stage.keys) == {"none"}


@pytest.mark.parametrize("row", PAGE_ROWS, ids=str)
def test_page_opens_for_whom_the_table_says(stage, undone, row):
    def visit(who: str) -> str:
        data = PAYLOADS.get(row.route, lambda stage: {})(stage) if row.method == "POST" else None
        return token(stage.ask(who, row.method, address(stage, row), data))

    assert {who: undone(visit, who) for who in PEOPLE} == row.expected


@pytest.mark.parametrize("row", API_ROWS, ids=str)
def test_interface_answers_the_keys_the_table_says(stage, undone, row):
    def pull(key: str) -> str:
        data = api_record(row.route) if row.method == "POST" else None
        return token(stage.pull(key, address(stage, row), row.method, data))

    assert {key: undone(pull, key) for key in KEYS} == row.expected


def _who_gets_in(row: Row) -> list[str]:
    return [who for who, status in row.expected.items() if status < "400"]


def test_methods_without_a_row_do_nothing(stage, undone):
    """Tried by whoever may do most with the route: the last column that gets in."""
    rows = [row for row in (*PAGE_ROWS, *API_ROWS) if _who_gets_in(row) and row.route not in SIGN_IN_PAGES]
    known = {(row.route, row.method) for row in rows}
    taken = {}
    for row in {row.route: row for row in rows}.values():
        who, url = _who_gets_in(row)[-1], address(stage, row)
        ask = stage.ask if who in PEOPLE else stage.pull
        for method in METHODS:
            if (row.route, method) not in known:
                taken[row.route, method] = undone(ask, who, method=method, url=url).status_code
    assert len(taken) > 200
    assert {case: status for case, status in taken.items() if status < 400} == {}


def test_a_session_opens_no_address_of_the_interface(stage):
    closed = [row for row in API_ROWS if row.expected["none"] == "401"]
    assert len(closed) >= 20
    assert {stage.ask("owner_lead", row.method, address(stage, row)).status_code for row in closed} == {401}


def test_a_key_opens_no_page(stage):
    closed = [row for row in PAGE_ROWS if row.method == "GET" and row.expected["anonymous"] == "log"]
    found = {row.route: token(stage.pull("owner write", address(stage, row))) for row in closed}
    assert found == dict.fromkeys(found, "log")


def _unknown(argument):
    """Something of the same shape that nobody has."""
    return {int: 987_654_321, str: "gibt-es-nicht", uuid.UUID: uuid.uuid4()}[type(argument)]


def _hidden(rows: list[Row], column: str) -> list[Row]:
    return [row for row in rows if row.method == "GET" and row.expected[column] == "404" and row.thing]


@pytest.mark.parametrize("who", ["stranger", "guest", "admin"])
def test_pages_that_one_may_not_see_look_like_pages_that_do_not_exist(stage, who):
    rows = _hidden(PAGE_ROWS, who)
    assert rows
    for row in rows:
        args = stage.args[row.thing]
        unknown = reverse(row.route, args=[*args[:-1], _unknown(args[-1])])
        answers = [stage.ask(who, "GET", url) for url in (address(stage, row), unknown)]
        bodies = [CSRF_TOKEN.sub(b"", body_of(answer)) for answer in answers]
        assert [answer.status_code for answer in answers] == [404, 404], row
        assert bodies[0] == bodies[1], row


@pytest.mark.parametrize("key", ["stranger write", "guest write", "owner read"])
def test_rows_that_a_key_may_not_see_look_like_rows_that_do_not_exist(stage, key):
    rows = [row for row in _hidden(API_ROWS, key) if row.route != "api:unknown"]
    assert rows
    for row in rows:
        args = stage.args[row.thing]
        unknown = reverse(row.route, args=[*args[:-1], _unknown(args[-1])])
        answers = [stage.pull(key, url) for url in (address(stage, row), unknown)]
        assert [answer.status_code for answer in answers] == [404, 404], row
        assert body_of(answers[0]) == body_of(answers[1]), row
