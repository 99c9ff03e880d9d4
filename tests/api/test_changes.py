"""The change feed over HTTP: its form, its cursors, its refusals. What it says is tested in tests/incidents."""

import datetime

import pytest
from django.core import signing
from django.utils import timezone

from agencies.audit import Act
from agencies.models import ApiKey, AuditEntry
from agencies.visibility import SharingLevel
from incidents import actions
from incidents.changes_models import ToldRecord
from tests.api.conftest import problem_of
from tests.factories import make_complaint, make_incident

PATH = "/changes/"
COOPERATION = SharingLevel.COOPERATION


@pytest.fixture
def records(world):
    shared = make_incident(world.police, sharing_level=COOPERATION, description="Vertraulich")
    make_complaint(world.police, sharing_level=COOPERATION)
    make_incident(world.police)
    return shared


def test_entries_carry_the_record_as_the_lists_do(world, caller_of, records):
    caller = caller_of(world.order)
    body = caller.get(PATH).json()
    assert set(body) == {"cursor", "next", "has_more", "as_of", "results"}
    assert not body["has_more"]
    entries = {entry["kind"]: entry for entry in body["results"]}
    assert set(entries) == {"incident", "complaint"}
    assert entries["incident"]["record"] == caller.get(f"/incidents/{records.pk}/").json()
    assert entries["incident"]["record"]["detail"] is None
    assert "Vertraulich" not in caller.get(PATH).text
    own = caller_of(world.police).get(PATH).json()["results"]
    assert "Vertraulich" in [entry["record"]["detail"]["description"] for entry in own]


def test_withdrawn_entries_name_kind_and_id_alone(world, caller_of, records):
    caller = caller_of(world.order)
    first = caller.get(PATH).json()
    actions.set_level(record=records, level=SharingLevel.STATISTICS, by=world.owner_release)
    second = caller.get(first["next"]).json()
    assert second["results"] == [{"change": "withdrawn", "kind": "incident", "id": str(records.pk), "record": None}]
    assert caller.get(second["next"]).json()["results"] == []


def test_one_kind_alone(world, caller_of, records):
    caller = caller_of(world.order)
    answer = caller.get(PATH, {"kind": "complaint"}).json()
    assert {entry["kind"] for entry in answer["results"]} == {"complaint"}
    assert not ToldRecord.objects.filter(kind="incident").exists()
    body = problem_of(caller.get(PATH, {"cursor": answer["cursor"]}), 400)
    assert "anderen Auswahl" in body["errors"][0]["reason"]


def test_pages_are_bounded_and_end(world, caller_of):
    for _ in range(7):
        make_incident(world.police, sharing_level=COOPERATION)
    caller = caller_of(world.order)
    sizes, address = [], f"{PATH}?page_size=3"
    while True:
        body = caller.get(address).json()
        sizes.append(len(body["results"]))
        if not body["has_more"]:
            break
        address = body["next"]
    assert sizes == [3, 3, 1]


def test_nothing_new_is_said_by_304_with_a_hint_when_to_come_back(world, caller_of, records):
    caller = caller_of(world.order)
    answer = caller.get(caller.get(PATH).json()["next"])
    assert (answer.status_code, answer["Retry-After"]) == (200, "300")
    again = caller.get(answer.json()["next"], **{"If-None-Match": answer["ETag"]})
    assert (again.status_code, again["Retry-After"], again.content) == (304, "300", b"")
    make_incident(world.police, sharing_level=COOPERATION)
    changed = caller.get(answer.json()["next"], **{"If-None-Match": answer["ETag"]})
    assert changed.status_code == 200
    assert len(changed.json()["results"]) == 1


@pytest.mark.parametrize(
    "text",
    ["x", "1", "a:b:c", "é", "..", "W10:1abc:zzz", "x" * 3000, signing.dumps([0, "", 2, "", ""])],
    ids=["letter", "digit", "colons", "umlaut", "dots", "shape", "long", "signed elsewhere"],
)
def test_unreadable_cursors_are_refused(world, caller_of, text):
    body = problem_of(caller_of(world.order).get(PATH, {"cursor": text}), 400)
    assert body["code"] == "invalid"
    assert body["errors"][0]["field"] == "cursor"


def test_cursors_of_another_agency_are_unreadable(world, caller_of, records):
    theirs = caller_of(world.fire).get(PATH).json()["cursor"]
    body = problem_of(caller_of(world.order).get(PATH, {"cursor": theirs}), 400)
    assert "nicht lesbar" in body["errors"][0]["reason"]
    assert caller_of(world.fire).get(PATH, {"cursor": theirs}).status_code == 200


def test_cursors_expire_after_ninety_days(world, caller_of, time_machine):
    caller = caller_of(world.order)
    cursor = caller.get(PATH).json()["cursor"]
    now = timezone.now()
    ApiKey.objects.update(expires_at=now + datetime.timedelta(days=400))
    time_machine.move_to(now + datetime.timedelta(days=89), tick=False)
    assert caller.get(PATH, {"cursor": cursor}).status_code == 200
    time_machine.move_to(now + datetime.timedelta(days=91), tick=False)
    body = problem_of(caller.get(PATH, {"cursor": cursor}), 410)
    assert body["code"] == "cursor_expired"
    assert "von vorn beginnen" in body["detail"]


@pytest.mark.parametrize(
    "query",
    [{"kind": "person"}, {"page_size": "0"}, {"page_size": "1001"}, {"since": "2026-01-01"}, {"kind": "Incident"}],
)
def test_unknown_and_impossible_filters_are_refused(world, caller_of, query):
    assert problem_of(caller_of(world.order).get(PATH, query), 400)["code"] == "invalid"


def test_foreign_rows_handed_out_are_logged_per_owner_and_own_ones_are_not(world, caller_of, records):
    caller_of(world.police).get(PATH)
    caller_of(world.order).get(PATH)
    entry = AuditEntry.objects.get(action=Act.PULLED)
    assert (entry.agency, entry.facts["owners"]) == (world.order, {"polizei": 2})


def test_work_of_a_page_does_not_grow_with_its_rows(world, caller_of, django_assert_max_num_queries):
    caller = caller_of(world.order)
    for _ in range(30):
        make_incident(world.police, sharing_level=COOPERATION)
    with django_assert_max_num_queries(32):
        assert len(caller.get(PATH).json()["results"]) == 30


def test_description_names_the_feed_and_its_refusals(db, client):
    page = client.get("/api/v1/docs/").text
    assert "/api/v1/changes/" in page
    assert "cursor_expired" in page
