"""Pages, filters, their errors, and the number of queries."""

import datetime
import uuid

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from agencies.visibility import SharingLevel
from hamm_security.api_urls import router
from incidents.models import Complaint, Incident
from tests import factories
from tests.api.conftest import problem_of

LISTS = [f"/{name}/" for name, _, _ in router.registry]


def shared(world, count: int, **fields) -> list[Incident]:
    return [factories.make_incident(world.police, sharing_level="cooperation", **fields) for _ in range(count)]


def test_pages_reach_every_row_that_shares_one_moment(world, caller_of):
    records = shared(world, 7)
    Incident.objects.update(updated_at=timezone.now())
    ids = caller_of(world.order).ids("/incidents/", {"page_size": 2})
    assert sorted(ids) == sorted(str(record.pk) for record in records)
    assert ids == sorted(ids)


def test_changes_between_pages_lose_nothing(world, caller_of):
    records = shared(world, 6)
    caller = caller_of(world.order)
    first = caller.get("/incidents/", {"page_size": 2}).json()
    seen = [row["id"] for row in first["results"]]
    records[0].touch()
    records[3].touch()
    newcomer = shared(world, 1)[0]
    Incident.objects.filter(pk=records[1].pk).update(sharing_level=SharingLevel.INTERNAL)
    response = caller.get(first["next"]).json()
    seen += [row["id"] for row in response["results"]]
    while response["next"]:
        response = caller.get(response["next"]).json()
        seen += [row["id"] for row in response["results"]]
    order = [records[0], records[1], records[2], records[4], records[5], records[0], records[3], newcomer]
    assert seen == [str(record.pk) for record in order]


def test_as_of_is_a_watermark(world, caller_of):
    shared(world, 2)
    caller = caller_of(world.order)
    as_of = caller.get("/incidents/").json()["as_of"]
    late = shared(world, 1)[0]
    assert caller.ids("/incidents/", {"updated_since": as_of}) == [str(late.pk)]


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    rows=st.lists(st.tuples(st.sampled_from(["police", "order", "tax"]), st.sampled_from(SharingLevel.values),
                            st.integers(0, 2)), max_size=12),
    page_size=st.integers(1, 5),
)  # fmt: skip
def test_union_of_all_pages_is_the_visible_set(world, caller_of, rows, page_size):
    Complaint.objects.all().delete()
    moment = timezone.now()
    for agency, level, minutes in rows:
        at = moment - datetime.timedelta(minutes=minutes)
        factories.make_complaint(getattr(world, agency), sharing_level=level, updated_at=at)
    caller = caller_of(world.order)
    ids = caller.ids("/complaints/", {"page_size": page_size})
    assert len(ids) == len(set(ids))
    visible = Complaint.objects.visible_to(world.partner).values_list("pk", flat=True)
    assert set(ids) == {str(pk) for pk in visible}


def test_filters_narrow(world, caller_of):
    noise = factories.make_category("noise", group="public-order")
    theft = factories.make_category("theft", group="theft")
    start = datetime.datetime(2026, 1, 5, 10, tzinfo=datetime.UTC)
    day = datetime.timedelta(days=1)
    rows = {
        "a": factories.make_incident(world.order, category=noise, occurred_from=start),
        "b": factories.make_incident(
            world.police, category=noise, occurred_from=start + day, sharing_level="cooperation", status="done"
        ),
        "c": factories.make_incident(
            world.police,
            category=theft,
            occurred_from=start + 2 * day,
            sharing_level="cooperation",
            place=(7.85, 51.68),
        ),
    }
    names = {str(record.pk): name for name, record in rows.items()}
    caller = caller_of(world.order)
    cases = [
        ({"category": "noise"}, "ab"),
        ({"group": "theft"}, "c"),
        ({"district": "ost"}, "c"),
        ({"status": "done"}, "b"),
        ({"agency": "polizei"}, "bc"),
        ({"own": "true"}, "a"),
        ({"own": "false"}, "bc"),
        ({"occurred_from": (start + day).isoformat()}, "bc"),
        ({"occurred_before": (start + day).isoformat()}, "a"),
        ({"occurred_from": "2026-01-06T00:00:00Z", "occurred_before": "2026-01-07T00:00:00Z"}, "b"),
        ({"category": "noise", "own": "false"}, "b"),
    ]
    for query, expected in cases:
        assert "".join(sorted(names[pk] for pk in caller.ids("/incidents/", query))) == expected, query


BAD_QUERIES = [
    ("/incidents/", "page_size", "0"),
    ("/incidents/", "page_size", "1001"),
    ("/incidents/", "page_size", "viele"),
    ("/incidents/", "page_size", "²"),
    ("/incidents/", "cursor", "x"),
    ("/incidents/", "cursor", "ä"),
    ("/incidents/", "cursor", "MDAwMS0wMS0wMXw"),
    ("/incidents/", "cursr", "x"),
    ("/incidents/", "page", "2"),
    ("/incidents/", "category", "no-such"),
    ("/incidents/", "category", "' OR 1=1 --"),
    ("/incidents/", "group", "no-such"),
    ("/incidents/", "district", "stadt"),
    ("/incidents/", "agency", "no-such"),
    ("/incidents/", "status", "weg"),
    ("/incidents/", "own", "vielleicht"),
    ("/incidents/", "own", "1"),
    ("/incidents/", "updated_since", "gestern"),
    ("/incidents/", "updated_since", "0001-01-01T00:00:00+14:00"),
    ("/incidents/", "updated_since", "9999-12-31T23:59:59-14:00"),
    ("/incidents/", "updated_since", "2026-01-01T00:00:00 01:00"),
    ("/incidents/", "updated_since", "2026-13-01T00:00:00Z"),
    ("/incidents/", "occurred_from", "2026-02-30T00:00:00Z"),
    ("/incidents/", "occurred_before", "x" * 5000),
    ("/categories/", "kind", "beides"),
    ("/categories/", "page", "0"),
    ("/categories/", "page", "99"),
    ("/categories/", "page", "last"),
    ("/categories/", "cursor", "x"),
    ("/areas/", "kind", "planet"),
    ("/agencies/", "slug", "polizei"),
    ("/cells/", "picture", "x"),
    ("/cells/", "picture", str(uuid.UUID(int=7))),
    ("/cells/", "significant", "ja"),
    ("/cells/", "page_size", "5001"),
    ("/trends/", "area", "no-such"),
    ("/trends/", "verdict", "gut"),
    ("/findings/", "seen_since", "01.01.2026"),
    ("/findings/", "kind", "brand"),
    ("/pictures/", "date_from", "0000-00-00"),
    ("/editions/", "number", "1"),
    ("/conferences/", "starts_from", "x"),
    ("/measures/", "due_before", "x"),
]


@pytest.mark.parametrize(("path", "name", "value"), BAD_QUERIES)
def test_bad_queries_are_refused_at_their_name(world, caller_of, path, name, value):
    problem = problem_of(caller_of(world.police).get(path, {name: value}), 400)
    assert {line["field"] for line in problem["errors"]} == {name}
    assert all(line["reason"] for line in problem["errors"])


def test_a_character_no_text_holds_is_a_bad_request(world, caller_of):
    for path in ("/incidents/", "/cells/"):
        problem_of(caller_of(world.police).get(path, {"page_size": "\x00"}), 400)


def test_repeated_and_misplaced_names_are_refused(world, caller_of):
    caller = caller_of(world.police)
    record = factories.make_incident(world.police)
    problem_of(caller.get("/incidents/?own=true&own=false"), 400)
    problem_of(caller.get(f"/incidents/{record.pk}/", {"own": "true"}), 400)


@pytest.mark.parametrize(
    "path",
    ["/", "/incident/", "/incidents", "/incidents/x/", "/incidents/%00/", f"/incidents/{'a' * 36}/",
     "/categories/%00/", "/categories/no-such/", "/agencies/no-such/", "/editions/x/pdf/",
     f"/editions/{uuid.UUID(int=1)}/pdf/", f"/conferences/{uuid.UUID(int=1)}/pdf/", "/cells/1/"],
)  # fmt: skip
def test_unknown_addresses_are_not_found(world, caller_of, path):
    assert problem_of(caller_of(world.police).get(path), 404)["code"] == "not_found"


def test_unknown_addresses_answer_posts_alike(world, caller_of):
    assert problem_of(caller_of(world.police).post("/incidents", {}), 404)["code"] == "not_found"


def test_other_formats_are_not_offered(world, caller_of):
    assert problem_of(caller_of(world.police).get("/incidents/", Accept="text/html"), 406)["code"] == "not_acceptable"


@pytest.mark.parametrize("path", LISTS)
def test_every_list_answers_every_active_agency_and_numbers_nothing_else(world, caller_of, path):
    for agency in (world.police, world.tax, world.guest_agency, world.siko):
        body = caller_of(agency).get(path).json()
        assert set(body) - {"cursor", "has_more"} in (
            {"next", "as_of", "results"},
            {"count", "next", "previous", "results"},
        )
        if "count" in body:
            assert body["count"] == len(body["results"])


@pytest.mark.parametrize("kind", ["incidents", "complaints"])
def test_record_list_costs_the_same_for_many(world, caller_of, kind):
    make = {"incidents": factories.make_incident, "complaints": factories.make_complaint}[kind]
    caller = caller_of(world.order)
    caller.get(f"/{kind}/")

    def queries() -> int:
        with CaptureQueriesContext(
            connection,
        ) as captured:
            assert caller.get(f"/{kind}/").status_code == 200
        return len(captured)

    def add(number: int) -> None:
        for _ in range(number):
            make(world.police, sharing_level="cooperation")
            make(world.order)

    add(1)
    few = queries()
    add(9)
    assert queries() == few
    assert few <= 12
