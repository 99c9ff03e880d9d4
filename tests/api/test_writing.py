"""What partner systems may say: one record, many records, and everything that is not a record."""

import datetime
import json

import pytest
from django.utils import timezone

from agencies.models import AuditEntry
from agencies.visibility import SharingLevel
from incidents.models import Category, Complaint, DeliveredWeek, Incident, SharingDefault
from tests import factories
from tests.api.conftest import problem_of

FROM = "2026-01-05T10:00:00+01:00"
PLACE = {"lon": factories.STATION[0], "lat": factories.STATION[1]}


@pytest.fixture
def police(world, caller_of):
    factories.make_category("noise")
    factories.make_category("litter", kind="complaint", group="dirt")
    factories.make_category("secret", is_shareable=False, in_picture=False)
    return caller_of(world.police)


def entry(**fields) -> dict:
    return {"category": "noise", "occurred_from": FROM} | fields


def test_a_record_is_reported_into_the_own_agency(world, police):
    body = entry(occurred_to="2026-01-05T11:00:00Z", severity=3, description="Text", reference="A 1", **PLACE)
    response = police.post("/incidents/", body)
    assert response.status_code == 201, response.content
    record = Incident.objects.get()
    assert response.headers["Location"].endswith(f"/api/v1/incidents/{record.pk}/")
    assert response.json() == police.get(f"/incidents/{record.pk}/").json()
    assert (record.agency, record.source, record.sharing_level, record.severity) == (world.police, "api", "internal", 3)
    assert (record.detail.description, record.detail.reference, record.detail.created_by) == ("Text", "A 1", None)
    assert record.occurred_from == datetime.datetime(2026, 1, 5, 9, tzinfo=datetime.UTC)
    created = AuditEntry.objects.get(action="created")
    assert (created.api_key, created.owner) == (police.key, world.police)


def test_complaint_takes_the_contact(police):
    body = {"category": "litter", "occurred_from": FROM, "complainant_contact": "Tel. 1", "reporter_key": "k"}
    assert police.post("/complaints/", body).status_code == 201
    detail = Complaint.objects.get().detail
    assert (detail.complainant_contact, detail.reporter_key) == ("Tel. 1", "k")


def test_level_follows_the_leads_default_and_goes_no_further(world, police):
    police.post("/incidents/", entry())
    assert Incident.objects.get().sharing_level == "internal"
    refused = problem_of(police.post("/incidents/", entry(sharing_level="cooperation")), 400)
    assert [line["field"] for line in refused["errors"]] == ["sharing_level"]
    Incident.objects.all().delete()
    category = factories.make_category("noise")
    SharingDefault.objects.create(agency=world.police, category=category, level=SharingLevel.COOPERATION)
    police.post("/incidents/", entry())
    assert Incident.objects.get().sharing_level == "cooperation"


def test_a_suspended_agency_may_still_keep_its_own_records(world, police, caller_of):
    assert caller_of(world.tax).post("/incidents/", entry()).status_code == 201
    assert Incident.objects.get().agency == world.tax


BAD = {
    "nothing": ({}, {"category", "occurred_from"}),
    "empty texts": (entry(category="", occurred_from=""), {"category", "occurred_from"}),
    "nulls": (entry(category=None, occurred_from=None, description=None), {"category", "occurred_from", "description"}),
    "unknown category": (entry(category="no-such"), {"category"}),
    "category of the other kind": (entry(category="litter"), {"category"}),
    "category as list": (entry(category=["noise"]), {"category"}),
    "category as object": (entry(category={"slug": "noise"}), {"category"}),
    "unknown field": (entry(agency="zoll"), {"agency"}),
    "field of the other kind": (entry(complainant_contact="x"), {"complainant_contact"}),
    "read-only field": (entry(id="1", number="x", updated_at=FROM), {"id", "number", "updated_at"}),
    "half surrogate in a name": (entry(**{"\ud800": 1}), {"?"}),
    "half surrogate": (entry(description="\ud800"), {"description"}),
    "null character": (entry(place_text="a\x00b"), {"place_text"}),
    "1 MB": (entry(description="x" * 1_000_000), {"description"}),
    "long reference": (entry(reference="x" * 81), {"reference"}),
    "text as number": (entry(description={"a": 1}), {"description"}),
    "severity word": (entry(severity="schwer"), {"severity"}),
    "severity 9": (entry(severity=9), {"severity"}),
    "severity true": (entry(severity=True), {"severity"}),
    "status": (entry(status="weg"), {"status"}),
    "status list": (entry(status=["done"]), {"status"}),
    "level": (entry(sharing_level="alle"), {"sharing_level"}),
    "date 1900": (entry(occurred_from="1900-01-01T00:00:00Z"), {"occurred_from"}),
    "date 2100": (entry(occurred_from="2100-01-01T00:00:00Z"), {"occurred_from"}),
    "date year 1": (entry(occurred_from="0001-01-01T00:00:00+14:00"), {"occurred_from"}),
    "date year 9999": (entry(occurred_from="9999-12-31T23:59:59-14:00"), {"occurred_from"}),
    "no date": (entry(occurred_from="gestern"), {"occurred_from"}),
    "day only": (entry(occurred_from="2026-01-05"), {"occurred_from"}),
    "date as number": (entry(occurred_from=1767600000), {"occurred_from"}),
    "ends before": (entry(occurred_to="2026-01-04T10:00:00Z"), {"occurred_to"}),
    "lon only": (entry(lon=7.8), {"lon"}),
    "swapped": (entry(lon=PLACE["lat"], lat=PLACE["lon"]), {"lon"}),
    "outside": (entry(lon=13.4, lat=52.5), {"lon"}),
    "no coordinates": (entry(lon=1e300, lat=-1e300), {"lon"}),
    "coordinates as text": (entry(lon="7,8", lat="51.7"), {"lon", "lat"}),
    "coordinate true": (entry(lon=True, lat=51.7), {"lon"}),
    "accuracy without place": (entry(accuracy="street"), {"accuracy"}),
    "accuracy unknown": (entry(accuracy="unknown", **PLACE), {"accuracy"}),
    "district": (entry(district="stadt"), {"district"}),
    "shared secret": (entry(category="secret", sharing_level="statistics"), {"sharing_level"}),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_records_are_refused_at_their_fields(police, name):
    body, fields = BAD[name]
    problem = problem_of(police.post("/incidents/", body), 400)
    assert {line["field"] for line in problem["errors"]} == fields
    assert all(len(line["reason"]) > 10 for line in problem["errors"])
    assert not Incident.objects.exists()


@pytest.mark.parametrize("name", BAD)
def test_bad_rows_are_refused_by_pointer_and_spare_the_others(police, name):
    body, fields = BAD[name]
    if "level" in name or "shared" in name:
        fields = {"sharing_level"}
    rows = [{"reference": "r", **body}, entry(reference="good")]
    response = police.post("/incidents/bulk/", rows)
    assert response.status_code == 200, response.content
    body = response.json()
    assert (body["created"], body["refused"]) == (1, 1)
    assert {error["pointer"] for error in body["results"][0]["errors"]} == {f"/0/{field}" for field in fields}
    assert Incident.objects.get().detail.reference == "good"


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ("", "invalid"),
        ("{", "parse_error"),
        ("[" * 100_000, "parse_error"),
        (b"\xff\xfe{}", "parse_error"),
        ('{"lon": NaN}', "parse_error"),
        ('{"severity": ' + "9" * 5000 + "}", "parse_error"),
        ("[]", "invalid"),
        ("[1]", "invalid"),
        ("null", "invalid"),
        ('"text"', "invalid"),
        ("7", "invalid"),
    ],
)
@pytest.mark.parametrize("path", ["/incidents/", "/incidents/bulk/"])
def test_bodies_that_are_no_record(police, path, body, code):
    response = police.post(path, body)
    if path.endswith("bulk/") and body == "[1]":
        assert response.json()["refused"] == 1
        return
    assert problem_of(response, 400)["code"] == code
    assert not Incident.objects.exists()


def test_large_bodies_and_other_formats_are_refused(police):
    huge = json.dumps(entry(description="x" * 11_000_000))
    assert problem_of(police.post("/incidents/", huge), 413)["code"] == "content_too_large"
    form = police.client.post("/api/v1/incidents/", {"category": "noise"}, headers=police.headers({}))
    assert problem_of(form, 415)["code"] == "unsupported_media_type"


def test_reference_is_taken_once(police):
    police.post("/incidents/", entry(reference="A 1"))
    problem = problem_of(police.post("/incidents/", entry(reference="A 1")), 400)
    assert [line["field"] for line in problem["errors"]] == ["reference"]
    assert Incident.objects.count() == 1


def outcomes(response) -> list[str]:
    assert response.status_code == 200, response.content
    return [row["outcome"] for row in response.json()["results"]]


def test_the_weeks_of_pushed_rows_that_are_counted_are_delivered(world, police):
    category = Category.objects.get(slug="noise")
    SharingDefault.objects.create(agency=world.police, category=category, level=SharingLevel.STATISTICS)
    police.post("/incidents/bulk/", [entry(reference="r1", **PLACE)])
    assert DeliveredWeek.objects.get().week == datetime.date(2026, 1, 5)


def test_bulk_creates_updates_and_leaves_alone(world, police):
    rows = [entry(reference=f"r{n}", description="alt", **PLACE) for n in range(3)]
    assert outcomes(police.post("/incidents/bulk/", rows)) == ["created"] * 3
    ids = [row["id"] for row in police.post("/incidents/bulk/", rows).json()["results"]]
    changed = Incident.objects.values_list("pk", "updated_at")
    before = dict(changed)
    rows[1]["description"] = "neu"
    response = police.post("/incidents/bulk/", rows)
    assert outcomes(response) == ["unchanged", "updated", "unchanged"]
    assert [row["id"] for row in response.json()["results"]] == ids
    assert dict(Incident.objects.values_list("pk", "updated_at")) == before
    assert Incident.objects.get(pk=ids[1]).detail.description == "neu"
    assert set(Incident.objects.values_list("source", "agency__slug")) == {("api", "polizei")}
    assert not DeliveredWeek.objects.exists()
    entries = AuditEntry.objects.filter(action="imported").order_by("pk")
    assert [entry.facts["updated"] for entry in entries] == [0, 0, 1]


def test_bulk_keeps_what_a_row_does_not_mention(world, police):
    first = entry(reference="r", description="bleibt", severity=4, occurred_to=FROM, **PLACE)
    police.post("/incidents/bulk/", [first])
    Incident.objects.update(sharing_level=SharingLevel.COOPERATION)
    assert outcomes(police.post("/incidents/bulk/", [entry(reference="r", internal_note="neu")])) == ["updated"]
    record = Incident.objects.get()
    assert (record.detail.description, record.detail.internal_note) == ("bleibt", "neu")
    assert (record.severity, record.sharing_level, record.detail.lon) == (4, "cooperation", PLACE["lon"])
    assert record.occurred_to is not None


def test_bulk_meets_only_own_references(world, police):
    theirs = factories.make_incident(world.order, reference="r", description="fremd")
    assert outcomes(police.post("/incidents/bulk/", [entry(reference="r", description="eigen")])) == ["created"]
    theirs.detail.refresh_from_db()
    assert theirs.detail.description == "fremd"
    assert Incident.objects.filter(agency=world.police).count() == 1


def test_bulk_refuses_repeated_and_missing_references(police):
    rows = [entry(reference="r"), entry(reference="r"), entry(), entry(reference=" ")]
    assert outcomes(police.post("/incidents/bulk/", rows)) == ["created", "refused", "refused", "refused"]


def test_bulk_takes_a_thousand_rows_and_no_more(police, django_assert_max_num_queries):
    rows = [entry(reference=f"r{n}") for n in range(1001)]
    problem_of(police.post("/incidents/bulk/", rows), 400)
    with django_assert_max_num_queries(30):
        assert outcomes(police.post("/incidents/bulk/", rows[:1000])) == ["created"] * 1000


@pytest.mark.parametrize("offset", ["+02:00", "+01:00"])
def test_bulk_knows_a_time_in_the_repeated_hour_again(police, offset):
    row = entry(reference="r", occurred_from=f"2025-10-26T02:28:20{offset}")
    assert outcomes(police.post("/incidents/bulk/", [row])) == ["created"]
    assert outcomes(police.post("/incidents/bulk/", [row])) == ["unchanged"]
    assert Incident.objects.get().occurred_from == datetime.datetime.fromisoformat(row["occurred_from"])


def test_bulk_refuses_a_time_before_all_calendars(police):
    row = entry(reference="r", occurred_from="0001-01-01T00:10:00")
    assert outcomes(police.post("/incidents/bulk/", [row])) == ["refused"]


def test_bulk_of_complaints(police):
    row = {"category": "litter", "occurred_from": FROM, "reference": "c", "complainant_contact": "Tel. 2"}
    assert outcomes(police.post("/complaints/bulk/", [row])) == ["created"]
    assert Complaint.objects.get().detail.complainant_contact == "Tel. 2"


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"])
def test_other_methods_are_not_there(police, method):
    for path in ("/incidents/", "/categories/", "/incidents/bulk/"):
        assert problem_of(police.call(method, path), 405)["code"] == "method_not_allowed"


def test_only_records_can_be_posted(police):
    for path in ("/agencies/", "/findings/", "/editions/", "/conferences/"):
        problem_of(police.post(path, {}), 405)


def test_future_is_tolerated_by_minutes(police):
    soon = (timezone.now() + datetime.timedelta(minutes=5)).isoformat()
    assert police.post("/incidents/", entry(occurred_from=soon)).status_code == 201
