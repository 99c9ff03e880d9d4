"""What holds for every route alike, whoever asks: headers, tokens, methods, redirects, no change by looking, no hint.

The table of routes drives it: a new route is in these tests from its first day.
"""

from __future__ import annotations

import logging
from urllib.parse import urlencode, urlsplit

import pytest
from django.conf import settings
from django.test import Client
from django.urls import reverse

from tests.access.crawl import (
    address,
    changed,
    contents,
    most_able,
    rows_that,
    send,
    statements,
    unknown_address,
    who_gets_in,
)
from tests.access.payloads import PAYLOADS
from tests.access.routes import API_ROWS, PAGE_ROWS, Row
from tests.access.stage import Stage, body_of

# Descriptions without data, the same for everybody.
PUBLIC = ("api:schema",)
# What a look may leave behind: the log, the session, that a key was used, failed sign-ons, what the change feed told.
TRACES = {"agencies_auditentry", "agencies_unsealedentry", "agencies_session", "agencies_apikey"}
TRACES |= {"incidents_toldrecord", "incidents_feedposition"}
ELSEWHERE = ("https://evil.example/", "//evil.example/", "/\\evil.example", "javascript:alert(1)", "https:evil.example")
UNUSUAL_METHODS = ("OPTIONS", "TRACE", "CONNECT", "PROPFIND", "SPIELE")


def _kept(value: str) -> set[str]:
    return {part.strip() for part in value.split(",")}


def _header_faults(row: Row, answer) -> list[str]:
    headers = answer.headers
    policy = headers.get("Content-Security-Policy", "")
    kept = _kept(headers.get("Cache-Control", ""))
    wanted = {
        "policy": "default-src 'none'" in policy and "frame-ancestors 'none'" in policy and "unsafe" not in policy,
        "base": "base-uri 'none'" in policy or "sandbox" in policy,
        "frames": headers.get("X-Frame-Options") == "DENY",
        "sniffing": headers.get("X-Content-Type-Options") == "nosniff",
        "referrer": headers.get("Referrer-Policy") == "same-origin",
        "opener": headers.get("Cross-Origin-Opener-Policy") == "same-origin",
        "resource": headers.get("Cross-Origin-Resource-Policy") == "same-origin",
        "permissions": "camera=()" in headers.get("Permissions-Policy", ""),
        "kept nowhere": "no-store" in kept or {"private", "no-cache"} <= kept or row.route in PUBLIC,
        "charset": not headers.get("Content-Type", "").startswith("text/") or "utf-8" in headers["Content-Type"],
        "no CORS": not any(name.lower().startswith("access-control-") for name in headers),
        "cookies": all(cookie["httponly"] and cookie["samesite"] == "Lax" for cookie in answer.cookies.values()),
        "file": "sandbox" in policy or not headers.get("Content-Disposition", "").startswith("attachment"),
    }
    return [f"{row}: {name}" for name, holds in wanted.items() if not holds]


@pytest.mark.parametrize("who", ["anonymous", "owner_lead", "stranger", "chair"])
def test_every_page_carries_the_headers_that_protect_it(stage, who):
    answers = [(row, send(stage, who, row)) for row in rows_that("GET", PAGE_ROWS)]
    assert [fault for row, answer in answers for fault in _header_faults(row, answer)] == []


@pytest.mark.parametrize("key", ["none", "wrong", "owner write", "stranger write"])
def test_every_answer_to_a_key_carries_them_too(stage, undone, key):
    answers = [(row, undone(send, stage, key, row)) for row in API_ROWS]
    assert [fault for row, answer in answers for fault in _header_faults(row, answer)] == []
    assert {name for _, answer in answers for name in answer.cookies} == set()


def test_every_form_needs_its_token(stage):
    """Posted by whoever may do it, with everything it takes but the token."""
    rows = rows_that("POST", PAGE_ROWS)
    client = Client(enforce_csrf_checks=True)
    before = contents()
    statuses = {}
    for row in rows:
        client.cookies[settings.SESSION_COOKIE_NAME] = stage.sessions[most_able(row)]
        data = PAYLOADS.get(row.route, lambda stage: {})(stage)
        statuses[str(row)] = client.post(address(stage, row), data).status_code
    assert len(statuses) > 50
    assert statuses == dict.fromkeys(statuses, 403)
    assert changed(before, contents()) <= TRACES


def test_the_interface_needs_no_token_because_it_knows_no_cookie(stage, undone):
    client = Client(enforce_csrf_checks=True)
    for row in rows_that("POST", API_ROWS):
        client.cookies[settings.SESSION_COOKIE_NAME] = stage.sessions["owner_lead"]
        assert client.post(address(stage, row), "[]", content_type="application/json").status_code in (401, 404), row


def test_looking_changes_nothing(stage):
    """GET and HEAD of every route by everybody who gets in, one after the other."""
    before = contents()
    asked = 0
    for row in rows_that("GET"):
        for who in who_gets_in(row):
            send(stage, who, row)
            asked += 1
    assert asked > 600
    assert changed(before, contents()) <= TRACES


@pytest.mark.parametrize("method", UNUSUAL_METHODS)
def test_unusual_methods_do_and_tell_nothing(stage, method):
    before = contents()
    told = {}
    for row in {row.route: row for row in (*PAGE_ROWS, *API_ROWS) if who_gets_in(row)}.values():
        who = most_able(row)
        answer = (stage.ask if row in PAGE_ROWS else stage.pull)(who, url=address(stage, row), method=method)
        if answer.status_code < 300 and body_of(answer):
            told[row.route] = answer.status_code
    assert told == {}
    assert changed(before, contents()) <= TRACES


def test_no_header_or_field_turns_a_look_into_a_deed(stage):
    """`X-HTTP-Method-Override` and `_method` count for nothing."""
    before = contents()
    routes = {row.route: row for row in rows_that("POST", PAGE_ROWS) if row.route != "logout"}
    for row in routes.values():
        headers = {"x-http-method-override": "POST", "x-method-override": "DELETE"}
        stage.ask(most_able(row), "GET", f"{address(stage, row)}?_method=POST", None, **headers)
    assert changed(before, contents()) <= TRACES


def _leads_away(answer) -> bool:
    place = answer.headers.get("Location", "") + answer.headers.get("HX-Redirect", "")
    return "evil.example" in (urlsplit(place).netloc or place.partition("?")[0]) or place.startswith("javascript")


@pytest.mark.parametrize("where", ELSEWHERE)
def test_no_route_leads_to_another_site(stage, undone, where):
    """Whatever is asked for as the next page: in the address, in the form, as the page one comes from."""
    names = ("next", "redirect_to", "redirect", "url", "return_to")
    question = urlencode(dict.fromkeys(names, where))
    found = []
    for row in [*PAGE_ROWS, *rows_that("GET", API_ROWS)]:
        who = most_able(row)
        url = f"{address(stage, row)}?{question}"
        if row in API_ROWS:
            answer = stage.pull(who, url)
        else:
            data = None
            if row.method == "POST":
                data = PAYLOADS.get(row.route, lambda stage: {})(stage) | dict.fromkeys(names, where)
            answer = undone(stage.ask, who, row.method, url, data, referer=where)
        if _leads_away(answer):
            found.append((str(row), answer.headers["Location"]))
    assert found == []


def test_signing_on_leads_only_into_the_portal(stage):
    """Also for those who are signed on already, where the form sends on at once."""
    for where in ELSEWHERE:
        answer = stage.ask("owner_lead", "GET", f"{reverse('login')}?{urlencode({'next': where})}")
        assert (answer.status_code, answer["Location"]) == (302, reverse("start"))


def test_no_question_writes_a_header(stage):
    question = urlencode(dict.fromkeys(("next", "q", "page", "stand", "gruppe", "purpose"), "x\r\nX-Eingeschleust: ja"))
    answers = [
        (row, stage.ask(most_able(row), "GET", f"{address(stage, row)}?{question}"))
        for row in rows_that("GET", PAGE_ROWS)
    ]
    assert [str(row) for row, answer in answers if "X-Eingeschleust" in answer.headers] == []
    assert [str(row) for row, answer in answers if answer.status_code >= 500] == []


NAMES = ("own", "level", "agency", "category", "district", "status", "start", "end", "q", "page", "stand", "gruppe")
NAMES += ("art", "since", "until", "act", "owner", "person", "purpose", "lon", "lat", "occurred_from", "cursor", "next")
ODD_VALUES = ("\x00", "'", "%", "\ud83d", "-1", "9" * 400, "[]", "{{7*7}}", "${7*7}", "../../etc/passwd", "a" * 5000)


@pytest.mark.parametrize("value", ODD_VALUES, ids=lambda value: ascii(value)[:12])
def test_odd_questions_break_no_page(stage, value):
    """Also twice the same name: the interface refuses that, pages take the last."""
    question = urlencode([(name, text) for name in NAMES for text in ("x", value)], errors="surrogatepass")
    broken = {}
    for row in rows_that("GET"):
        ask = stage.ask if row in PAGE_ROWS else stage.pull
        answer = ask(most_able(row), url=f"{address(stage, row)}?{question}", method="GET")
        if answer.status_code >= 500 or body_of(answer) == b"49":
            broken[str(row)] = answer.status_code
    assert broken == {}


def _hidden(rows: list[Row], who: str) -> list[Row]:
    """Rows whose object `who` may not know of. That an agency is there is no secret to whoever may open its page."""
    known = {row.thing for row in rows if row.route.endswith("agencies:detail") and row.expected[who] == "200"}
    return [
        row
        for row in rows
        if row.expected[who] == "404" and row.thing and row.thing not in known and row.route != "api:unknown"
    ]


def _told_apart(stage: Stage, undone, who: str, rows: list[Row]) -> list[str]:
    """Rows where something that is there, and hidden, differs from what is not there in anything but its name."""
    found = []
    for row in rows:
        looks = []
        for url in (address(stage, row), unknown_address(stage, row)):
            answer, asked = statements(lambda row=row, url=url: undone(send, stage, who, row, url))
            headers = {name: value for name, value in answer.headers.items() if name != "Content-Length"}
            looks.append((answer.status_code, headers, len(body_of(answer)), asked))
        if looks[0] != looks[1]:
            found.append(str(row))
    return found


@pytest.mark.parametrize("who", ["stranger", "partner_release", "guest", "admin", "suspended"])
def test_a_foreign_page_costs_the_same_as_none(stage, undone, standing_clock, who):
    """Status, headers, length and every statement to the database are the same: no clock can tell them apart."""
    rows = _hidden(PAGE_ROWS, who)
    assert len(rows) > 15
    assert _told_apart(stage, undone, who, rows) == []


@pytest.mark.parametrize("key", ["stranger write", "guest write", "suspended write"])
def test_a_foreign_row_costs_a_key_the_same_as_none(stage, undone, standing_clock, key):
    rows = _hidden(API_ROWS, key)
    assert len(rows) > 5
    assert _told_apart(stage, undone, key, rows) == []


def test_the_running_text_log_holds_no_text_of_a_record(stage, undone, caplog):
    """Every route once by the owner, who fills in and reads everything, with errors and refusals by others."""
    caplog.set_level(logging.DEBUG)
    logging.getLogger("django.db.backends").setLevel(logging.INFO)
    for row in (*PAGE_ROWS, *API_ROWS):
        for who in {"owner_lead", "stranger"} if row in PAGE_ROWS else {"owner write", "wrong"}:
            undone(send, stage, who, row)
    stage.ask("owner_lead", "GET", f"{reverse('incidents:list')}?{urlencode({'q': 'Zwitscher'})}")
    assert len(caplog.records) > 100
    assert [name for name, secret in stage.secrets.items() if secret in caplog.text] == []
    assert "Zwitscher" not in caplog.text


def test_no_path_writes_a_line_of_the_text_log(stage, caplog):
    for path in ("/x%0aERROR%20gef%C3%A4lscht/", "/api/v1/x%0d%0aERROR%20gef%C3%A4lscht/"):
        stage.ask("anonymous", "GET", path)
    lines = [line for record in caplog.records for line in record.getMessage().splitlines()]
    assert any("gef" in line for line in lines)
    assert [line for line in lines if line.startswith("ERROR")] == []


def test_there_is_no_admin_site_and_no_debugging_page(stage):
    for path in ("/admin/", "/admin/login/", "/__debug__/", "/silk/", "/.git/config", "/.env", "/media/", "/static/"):
        for who in ("superuser", "admin", "anonymous"):
            assert stage.ask(who, "GET", path).status_code == 404, path
