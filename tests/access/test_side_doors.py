"""The doors beside the pages: answers to forms, mails, partial answers, foreign ids, conditional requests, files."""

from __future__ import annotations

import datetime
from urllib.parse import urlencode

import pytest
from django.core import mail
from django.urls import reverse
from django.utils import timezone
from django.utils.http import http_date

from agencies.models import AuditEntry
from incidents.models import Kind
from tests.access.crawl import address, rows_that, send
from tests.access.routes import API_ROWS, KEYS, PAGE_ROWS
from tests.access.stage import NAMESPACES, Stage, body_of, canaries
from tests.access.test_leaks import OTHER_KEYS, OTHERS, addresses, leaks, text_of

QUESTIONS = ("stand", "agency", "q", "category", "person", "owner", "erkenntnis", "edition", "conference", "id", "pk")
QUESTIONS += ("picture", "cursor", "next", "object_id", "reference", "record", "finding")


def _mails() -> list[str]:
    """What was sent since the last look, heads and recipients included."""
    sent = [str(message.message()) + message.body for message in mail.outbox]
    mail.outbox.clear()
    return sent


@pytest.mark.parametrize("who", OTHERS)
def test_no_answer_to_a_form_shows_a_secret_of_another_agency(stage, undone, who):
    """Everything that can be posted, to own and foreign things, and the page one is sent on to."""
    texts = {}
    for row in rows_that("POST", PAGE_ROWS):
        if row.route in ("login", "logout", "password_set"):
            continue

        def post(row=row) -> str:
            answer = send(stage, who, row)
            follow = stage.ask(who, "GET", answer["Location"]) if answer.status_code == 302 else answer
            return "\n".join([text_of(answer), text_of(follow), *_mails()])

        texts[str(row)] = undone(post)
    assert len(texts) > 50
    assert leaks(stage, who, texts) == []


def test_mails_of_the_owner_stay_in_the_house_and_hold_no_text_of_a_record(stage, undone):
    """Everything the owner can post, by its lead."""
    sent = []
    for row in rows_that("POST", PAGE_ROWS):
        undone(send, stage, "owner_lead", row)
        sent += mail.outbox
        mail.outbox.clear()
    texts = {name: text for name, text in stage.secrets.items() if not name.startswith("person")}
    for message in sent:
        assert all(recipient.endswith("@polizei.example") for recipient in message.recipients())
        assert [name for name, secret in texts.items() if secret in str(message.message()) + message.body] == []


@pytest.mark.parametrize("key", OTHER_KEYS)
def test_no_answer_to_a_push_shows_a_secret_of_another_agency(stage, undone, key):
    texts = {str(row): undone(lambda row=row: text_of(send(stage, key, row))) for row in rows_that("POST", API_ROWS)}
    assert leaks(stage, key, texts) == []


@pytest.mark.parametrize("key", [key for key in KEYS if key not in OTHER_KEYS and not key.startswith("owner")])
def test_a_refused_key_reads_nothing(stage, key):
    """Of no key, a wrong, an expired, a revoked one and one from elsewhere, and of keys that only read their own."""
    texts = {name: text_of(stage.pull(key, url)) for name, url in addresses(stage, API_ROWS).items()}
    assert leaks(stage, key, texts) == []


def _foreign_ids(stage: Stage) -> dict[str, str]:
    things = stage.things
    records = {
        f"{kind} {label}": str(stage.records[kind, label].pk) for kind in Kind for label in ("internal", "granted")
    }
    return records | {
        "meeting": str(things.closed.pk),
        "measure": str(things.hidden_measure.pk),
        "run": str(things.run.pk),
        "key": things.key.prefix,
        "person": stage.world.owner_lead.email,
        "reference": canaries(Kind.INCIDENT, "internal")["reference"],
    }


@pytest.mark.parametrize("who", ["stranger", "guest"])
def test_foreign_ids_in_a_question_fetch_nothing(stage, who):
    """In the address and in every name a page might read; only an echo of what was asked is allowed."""
    texts = {}
    for name, value in _foreign_ids(stage).items():
        question = urlencode(dict.fromkeys(QUESTIONS, value))
        # The address of an invitation is itself the secret: whoever has it reads for whom it is.
        rows = {row.route: row for row in rows_that("GET", PAGE_ROWS) if row.thing != "invitation"}
        for row in rows.values():
            answer = stage.ask(who, "GET", f"{address(stage, row)}?{question}")
            texts[f"{row} asked for {name}"] = text_of(answer).replace(value, "")
    assert len(texts) > 300
    assert leaks(stage, who, texts) == []


@pytest.mark.parametrize("key", ["stranger write", "guest write"])
def test_filters_of_the_interface_fetch_nothing_by_foreign_ids(stage, key):
    texts = {}
    for name, value in _foreign_ids(stage).items():
        for field in ("agency", "category", "district", "updated_since", "picture", "status", "finding", "cursor"):
            for row in rows_that("GET", API_ROWS):
                if row.route.endswith("-list"):
                    answer = stage.pull(key, f"{address(stage, row)}?{urlencode({field: value})}")
                    texts[f"{row} by {field} {name}"] = text_of(answer).replace(value, "")
    assert leaks(stage, key, texts) == []


@pytest.mark.parametrize("who", ["partner_release", "stranger", "suspended"])
def test_partial_answers_show_no_more_than_pages(stage, who):
    """Asked as the page's own scripts ask, each address answers the same or a piece of it."""
    texts = {}
    for name, url in addresses(stage, PAGE_ROWS).items():
        answer = stage.ask(who, "GET", url, None, **{"hx-request": "true", "hx-target": "inhalt", "hx-boosted": "true"})
        texts[name] = text_of(answer)
    assert leaks(stage, who, texts) == []


@pytest.mark.parametrize("who", ["stranger", "stranger write"])
def test_conditional_requests_confirm_nothing_hidden(stage, who):
    """`If-None-Match: *` asks whether there is anything at all."""
    rows = [row for row in rows_that("GET", [*PAGE_ROWS, *API_ROWS]) if row.expected.get(who) == "404"]
    tomorrow = http_date((timezone.now() + datetime.timedelta(days=1)).timestamp())
    assert len(rows) > 8
    for row in rows:
        for headers in ({"if-none-match": "*"}, {"if-match": '"x"'}, {"if-modified-since": tomorrow}):
            if row in PAGE_ROWS:
                answer = stage.ask(who, "GET", address(stage, row), None, **headers)
            else:
                answer = stage.pull(who, address(stage, row), **headers)
            assert answer.status_code == 404, (row, headers)
            assert "ETag" not in answer.headers
            assert "Last-Modified" not in answer.headers


def test_an_entity_tag_does_not_depend_on_what_is_hidden(stage):
    """Tags are of published pictures and of areas, which are the same for all."""
    tagged = {}
    for row in rows_that("GET"):
        for who in ("owner_lead", "partner_release") if row in PAGE_ROWS else ("owner write", "partner write"):
            answer = send(stage, who, row)
            if answer.status_code == 200 and "ETag" in answer.headers:
                tagged.setdefault(row.route, set()).add(answer["ETag"])
    assert {"lagebild:cells", "api:pictures-list", "areas_geojson"} <= set(tagged)
    assert {route: tags for route, tags in tagged.items() if len(tags) > 1} == {}


def test_a_file_is_reached_by_no_address_of_its_own(stage):
    """What is uploaded lies outside everything that is served."""
    names = (stage.things.run.upload.name, stage.things.membership.document.name)
    for name in names:
        for prefix in ("/media/", "/", "/static/", "/static/../media/", "/memberships/", "/imports/"):
            for who in ("owner_lead", "admin", "anonymous"):
                assert stage.ask(who, "GET", f"{prefix}{name}").status_code in (400, 404), (prefix, who)


def test_stored_files_carry_no_name_of_the_sender(stage):
    assert "Zwitscher" not in stage.things.run.upload.name
    answer = stage.ask(
        "owner_lead", "GET", address(stage, next(r for r in PAGE_ROWS if r.route == "agencies:document"))
    )
    assert answer["Content-Disposition"] == 'attachment; filename="Vereinbarung-polizei.pdf"'


def test_the_log_tells_owners_no_names_of_others_and_the_log_role_no_texts(stage):
    for who, allowed in (("owner_lead", set()), ("data_protection", {"person", "purpose"})):
        for namespace in NAMESPACES.values():
            stage.ask("partner", "GET", reverse(f"{namespace}:list"))
        url = reverse("privacy_readers") if who == "owner_lead" else f"{reverse('privacy_log')}?purpose=Probe"
        text = text_of(stage.ask(who, "GET", url))
        found = {name.split()[0] for name, secret in stage.secrets.items() if secret in text}
        assert found - {"person"} <= allowed, who
        if who == "owner_lead":
            assert stage.world.partner.full_name not in text
    assert AuditEntry.objects.exists()


def test_everything_asked_for_was_answered(stage):
    """No error of the portal hides behind an empty answer."""
    broken = {}
    for row in rows_that("GET"):
        for who in row.expected:
            answer = send(stage, who, row)
            if answer.status_code >= 500 or (answer.status_code == 200 and not body_of(answer)):
                broken[str(row)] = (who, answer.status_code)
    assert broken == {}
