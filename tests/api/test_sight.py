"""What each caller sees of whose records, and what never leaves."""

import datetime
import json
import uuid

import pytest
from django.utils import timezone

from agencies import sharing
from agencies.models import AuditEntry, Membership, MembershipStatus
from agencies.visibility import SharingLevel
from hamm_security.api_urls import router
from incidents.models import Complaint, ComplaintNote, Incident, IncidentNote
from tests import factories
from tests.api.conftest import problem_of

CANARY = "KANARIENVOGEL"
YEAR = 2019
FACE = {
    "id", "is_own", "agency", "category", "group", "occurred_from", "occurred_to", "status", "severity", "accuracy",
    "cell", "district", "note", "is_demonstration", "updated_at", "sharing_level", "detail",
}  # fmt: skip
MAKE = {"incidents": factories.make_incident, "complaints": factories.make_complaint}
MODELS = {"incidents": Incident, "complaints": Complaint}
kinds = pytest.mark.parametrize("kind", ["incidents", "complaints"])


def records_of_all_levels(world, kind: str) -> dict[str, object]:
    make = MAKE[kind]
    granted = make(world.police, reference="p-granted")
    sharing.grant(record=granted, to=world.order, by=world.owner_release)
    return {
        "police internal": make(world.police),
        "police statistics": make(world.police, sharing_level=SharingLevel.STATISTICS),
        "police cooperation": make(world.police, sharing_level=SharingLevel.COOPERATION),
        "police granted": granted,
        "order cooperation": make(world.order, sharing_level=SharingLevel.COOPERATION),
        "fire internal": make(world.fire),
        "tax cooperation": make(world.tax, sharing_level=SharingLevel.COOPERATION),
        "guest cooperation": make(world.guest_agency, sharing_level=SharingLevel.COOPERATION),
    }


EXPECTED = {
    "police": {"police internal", "police statistics", "police cooperation", "police granted", "order cooperation"},
    "order": {"police cooperation", "police granted", "order cooperation"},
    "fire": {"police cooperation", "order cooperation", "fire internal"},
    "customs": {"police cooperation", "order cooperation"},
    "tax": {"tax cooperation"},
    "guest_agency": {"guest cooperation"},
    "siko": {"police cooperation", "order cooperation"},
}


@kinds
@pytest.mark.parametrize("agency", EXPECTED)
def test_lists_and_single_records_are_what_the_agency_may_see(world, caller_of, kind, agency):
    records = records_of_all_levels(world, kind)
    caller = caller_of(getattr(world, agency))
    names = {str(record.pk): name for name, record in records.items()}
    assert {names[pk] for pk in caller.ids(f"/{kind}/", {"page_size": 2})} == EXPECTED[agency]
    statuses = {name: caller.get(f"/{kind}/{record.pk}/").status_code for name, record in records.items()}
    assert statuses == {name: 200 if name in EXPECTED[agency] else 404 for name in records}
    assert {names[pk] for pk in caller.ids(f"/{kind}/")} == {
        names[str(pk)] for pk in MODELS[kind].objects.visible_to(caller.key).values_list("pk", flat=True)
    }


def test_suspension_works_at_once_both_ways(world, caller_of):
    mine = factories.make_incident(world.order)
    theirs = factories.make_incident(world.police, sharing_level=SharingLevel.COOPERATION)
    order, fire = caller_of(world.order), caller_of(world.fire)
    shared = factories.make_incident(world.order, sharing_level=SharingLevel.COOPERATION)
    assert set(order.ids("/incidents/")) == {str(mine.pk), str(theirs.pk), str(shared.pk)}
    Membership.objects.filter(agency=world.order).update(status=MembershipStatus.SUSPENDED)
    assert set(order.ids("/incidents/")) == {str(mine.pk), str(shared.pk)}
    problem_of(order.get(f"/incidents/{theirs.pk}/"), 404)
    assert fire.ids("/incidents/") == [str(theirs.pk)]
    assert order.rows("/findings/") == []
    assert [row["slug"] for row in order.rows("/agencies/")] == ["ordnungsamt"]


def test_unknown_and_invisible_are_answered_alike(world, caller_of):
    hidden = factories.make_incident(world.police)
    caller = caller_of(world.fire)
    answers = [caller.get(f"/incidents/{pk}/") for pk in (hidden.pk, "00000000-0000-4000-8000-000000000000")]
    assert answers[0].content == answers[1].content
    assert problem_of(answers[0], 404)["code"] == "not_found"
    assert dict(answers[0].headers) == dict(answers[1].headers)


def canary_record(make, agency, **fields):
    record = make(
        agency,
        description=f"{CANARY} Sachverhalt",
        internal_note=f"{CANARY} Vermerk",
        place_text=f"{CANARY} Ort",
        reference=f"{CANARY} {uuid.uuid4()}",
        **fields,
    )
    record.detail_model().objects.filter(record=record).update(lon=7.8012345, lat=51.6812345, year=YEAR)
    return record


@kinds
def test_a_foreign_record_is_its_face_only(world, caller_of, kind):
    record = canary_record(MAKE[kind], world.police, sharing_level=SharingLevel.COOPERATION)
    response = caller_of(world.order).get(f"/{kind}/{record.pk}/")
    body = response.json()
    assert set(body) == FACE
    assert (body["is_own"], body["detail"], body["sharing_level"], body["note"]) == (False, None, None, None)
    assert (body["agency"], body["district"], body["cell"]) == ("polizei", "west", format(record.cell, "x"))


@kinds
def test_an_own_record_comes_whole(world, caller_of, kind):
    record = canary_record(MAKE[kind], world.police)
    body = caller_of(world.police).get(f"/{kind}/{record.pk}/").json()
    assert (body["is_own"], body["sharing_level"]) == (True, "internal")
    assert body["detail"]["description"] == f"{CANARY} Sachverhalt"
    assert body["detail"]["lon"] == 7.8012345
    assert body["detail"]["number"] == record.detail_model().objects.get(record=record).number_label
    assert ("complainant_contact" in body["detail"]) == (kind == "complaints")


def test_confidential_text_leaves_by_no_address(world, caller_of):
    for make in MAKE.values():
        for level in SharingLevel.values:
            canary_record(make, world.police, sharing_level=level)
    Complaint.detail_model().objects.update(complainant_contact=f"{CANARY} Kontakt", reporter_key=f"{CANARY}-k")
    caller = caller_of(world.order)
    bodies = []
    for name, _, _ in router.registry:
        response = caller.get(f"/{name}/")
        assert response.status_code == 200
        bodies.append(response.content.decode())
        for row in response.json()["results"]:
            inner = caller.get(f"/{name}/{row.get('id') or row.get('slug')}/")
            bodies.append(inner.content.decode())
    text = "".join(bodies)
    assert text.count("polizei") > 4
    for secret in (CANARY, "7.8012345", "51.6812345", f"POLIZEI-{YEAR}"):
        assert secret not in text


@pytest.mark.parametrize(("note_model", "kind"), [(IncidentNote, "incidents"), (ComplaintNote, "complaints")])
def test_a_note_is_shared_once_a_second_person_cleared_it(world, caller_of, note_model, kind):
    record = MAKE[kind](world.police, sharing_level=SharingLevel.COOPERATION)
    note = note_model.objects.create(
        record=record, agency=world.police, text="Bitte Streife vorbeischicken", written_by=world.owner_entry
    )
    caller = caller_of(world.order)
    assert caller.rows(f"/{kind}/")[0]["note"] is None
    note.cleared_by, note.cleared_at = world.owner_release, timezone.now()
    note.save()
    assert caller.rows(f"/{kind}/")[0]["note"] == "Bitte Streife vorbeischicken"


def test_one_entry_per_pull_counts_the_owners(world, caller_of):
    records_of_all_levels(world, "incidents")
    caller = caller_of(world.fire)
    before = AuditEntry.objects.count()
    caller.get("/incidents/")
    entry = AuditEntry.objects.get(action="pulled")
    assert AuditEntry.objects.count() == before + 1
    assert (entry.api_key, entry.agency, entry.user) == (caller.key, world.fire, None)
    assert entry.facts == {"endpoint": "incidents", "owners": {"polizei": 1, "ordnungsamt": 1}}


def test_single_foreign_record_names_its_owner_and_own_ones_leave_no_entry(world, caller_of):
    record = factories.make_incident(world.police, sharing_level=SharingLevel.COOPERATION)
    caller_of(world.police).get(f"/incidents/{record.pk}/")
    caller_of(world.police).get("/incidents/")
    assert not AuditEntry.objects.filter(action="pulled").exists()
    caller_of(world.order).get(f"/incidents/{record.pk}/")
    entry = AuditEntry.objects.get(action="pulled")
    assert (entry.owner, entry.object_id) == (world.police, str(record.pk))


def test_nothing_of_invisible_rows_is_counted(world, caller_of):
    for number in range(5):
        factories.make_incident(world.police, reference=f"r{number}")
    body = caller_of(world.fire).get("/incidents/", {"page_size": 1}).json()
    assert (body["results"], body["next"]) == ([], None)
    assert set(body) == {"next", "as_of", "results"}


def test_answers_are_kept_by_no_cache(world, caller_of):
    response = caller_of(world.police).get("/incidents/")
    assert response.headers["Cache-Control"] == "private, no-store"
    assert "Authorization" in response.headers["Vary"]


def test_filters_of_foreign_rows_know_nothing_confidential(world, caller_of):
    factories.make_incident(world.police, reference="geheim", sharing_level=SharingLevel.COOPERATION)
    for name in ("reference", "description", "search", "q", "sharing_level", "source", "lon", "detail__reference"):
        body = problem_of(caller_of(world.order).get("/incidents/", {name: "geheim"}), 400)
        assert [line["field"] for line in body["errors"]] == [name]


def test_updated_since_follows_level_changes(world, caller_of):
    record = factories.make_incident(world.police, sharing_level=SharingLevel.COOPERATION)
    old = timezone.now() - datetime.timedelta(days=2)
    Incident.objects.update(updated_at=old)
    caller = caller_of(world.order)
    since = (timezone.now() - datetime.timedelta(hours=1)).isoformat()
    assert caller.ids("/incidents/", {"updated_since": since}) == []
    record.touch()
    assert caller.ids("/incidents/", {"updated_since": since}) == [str(record.pk)]
    assert json.loads(caller.get("/incidents/", {"own": "true"}).content)["results"] == []
