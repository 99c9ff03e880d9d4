"""What comes out of the picture and the meetings: the same values as on the pages, for members only."""

import datetime as dt

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from agencies.models import AuditEntry
from conferences.models import AgendaItem, Conference, Decision, Invitation, Measure, MeasureReport
from lagebild.actions import build_picture
from lagebild.models import Cell, Edition, Finding, Picture, PictureState, Trend
from tests import factories
from tests.api.conftest import problem_of

TODAY = dt.date(2026, 11, 22)
PICTURE_LISTS = ["/cells/", "/trends/", "/pictures/", "/findings/", "/editions/", "/conferences/", "/measures/"]


@pytest.fixture
def picture(world, time_machine):
    time_machine.move_to(dt.datetime(2026, 11, 22, 12, tzinfo=dt.UTC), tick=False)
    for number in range(14):
        at = timezone.now() - dt.timedelta(days=1 + 5 * number)
        factories.make_incident(world.police, occurred_from=at, sharing_level="cooperation")
    for number in range(8):
        at = timezone.now() - dt.timedelta(days=3 + 11 * number)
        place = (7.79 + 0.01 * (number % 2), 51.664 + 0.007 * (number // 2))
        factories.make_incident(world.order, occurred_from=at, sharing_level="cooperation", place=place)
    return build_picture(date=TODAY)


@pytest.fixture
def edition(world, picture):
    return Edition.objects.create(
        year=2026, sequence=1, title="November", picture=picture, parameters_sha256="p", content={}, pdf=b"%PDF-1.7 x",
        sha256="a" * 64,
    )  # fmt: skip


@pytest.fixture
def meeting(world, edition):
    conference = Conference.objects.create(
        body="conference", title="Herbst", starts_at=timezone.now(), place="Rathaus", status="held", edition=edition
    )
    for agency in (world.police, world.guest_agency):
        Invitation.objects.create(conference=conference, agency=agency)
    item = AgendaItem.objects.create(conference=conference, position=1, title="Lage am Bahnhof")
    decision = Decision.objects.create(conference=conference, agenda_item=item, number=1, text="Mehr Streifen")
    measure = Measure.objects.create(decision=decision, title="Streife", agency=world.order, due_on=TODAY)
    MeasureReport.objects.create(measure=measure, text="läuft", status="running")
    return conference


def test_cells_trends_and_findings_are_the_stored_ones(world, caller_of, picture):
    caller = caller_of(world.fire)
    cells = caller.rows("/cells/")
    assert {(row["cell"], row["group"], row["count"]) for row in cells} == {
        (format(cell.cell, "x"), cell.group.slug, cell.count) for cell in Cell.objects.select_related("group")
    }
    assert max(row["count"] for row in cells) == 14
    assert len(caller.rows("/trends/")) == Trend.objects.count() > 0
    finding = caller.rows("/findings/")[0]
    assert finding == caller.get(f"/findings/{finding['id']}/").json()
    stored = picture.sightings.get(finding=finding["id"])
    assert (finding["sighting"]["picture"], finding["sighting"]["count"]) == (str(picture.pk), stored.count)
    assert finding["sighting"]["center_cell"] == format(stored.center_cell, "x")
    assert finding["sighting"]["cells"] == [format(cell, "x") for cell in stored.cells]


def test_only_the_newest_sighting_is_given(world, caller_of, picture, time_machine):
    time_machine.move_to(dt.datetime(2026, 11, 23, 12, tzinfo=dt.UTC), tick=False)
    later = build_picture(date=TODAY + dt.timedelta(days=1))
    assert Finding.objects.filter(sightings__picture=later).filter(sightings__picture=picture).exists()
    caller = caller_of(world.police)
    assert {row["sighting"]["picture"] for row in caller.rows("/findings/")} == {str(later.pk)}
    assert caller.get("/cells/", {"picture": str(picture.pk)}).json()["count"] == picture.cells.count()


def test_pictures_show_their_coverage_and_unfinished_ones_nowhere(world, caller_of, picture):
    building = Picture.objects.create(date=TODAY, revision=9, state=PictureState.BUILDING, code_version="x")
    caller = caller_of(world.police)
    assert caller.ids("/pictures/") == [str(picture.pk)]
    body = caller.get(f"/pictures/{picture.pk}/").json()
    assert len(body["coverage"]) == picture.coverages.count() > 0
    assert {row["agency"] for row in body["coverage"]} == {row.agency.slug for row in picture.coverages.all()}
    problem_of(caller.get(f"/pictures/{building.pk}/"), 404)
    problem_of(caller.get("/cells/", {"picture": str(building.pk)}), 400)


@pytest.mark.parametrize("agency", ["tax", "guest_agency"])
def test_who_is_no_active_full_member_gets_none_of_it(world, caller_of, meeting, edition, picture, agency):
    caller = caller_of(getattr(world, agency))
    expected = {path: [] for path in PICTURE_LISTS}
    if agency == "guest_agency":
        expected["/conferences/"] = [str(meeting.pk)]
    assert {path: [row["id"] for row in caller.rows(path)] for path in PICTURE_LISTS} == expected
    finding = Finding.objects.first()
    for path in (f"/pictures/{picture.pk}/", f"/findings/{finding.pk}/", f"/editions/{edition.pk}/",
                 f"/editions/{edition.pk}/pdf/", f"/measures/{Measure.objects.get().pk}/"):  # fmt: skip
        problem_of(caller.get(path), 404)


def test_edition_is_handed_out_byte_for_byte_and_logged(world, caller_of, edition):
    caller = caller_of(world.fire)
    assert caller.rows("/editions/")[0]["number"] == "2026-001"
    before = AuditEntry.objects.count()
    response = caller.get(f"/editions/{edition.pk}/pdf/", Accept="application/pdf")
    assert (response.status_code, response.content) == (200, b"%PDF-1.7 x")
    assert response.headers["Content-Type"] == "application/pdf"
    entry = AuditEntry.objects.first()
    assert (AuditEntry.objects.count(), entry.action, entry.object_id) == (before + 1, "pulled", str(edition.pk))


def test_guests_get_invitation_and_edition_and_no_decisions(world, caller_of, meeting):
    guest = caller_of(world.guest_agency)
    body = guest.get(f"/conferences/{meeting.pk}/").json()
    assert (body["agenda"][0]["title"], body["decisions"]) == ("Lage am Bahnhof", [])
    assert guest.get(f"/conferences/{meeting.pk}/pdf/").content == b"%PDF-1.7 x"
    assert caller_of(world.police).get(f"/conferences/{meeting.pk}/").json()["decisions"][0]["text"] == "Mehr Streifen"


def test_conferences_are_for_the_invited(world, caller_of, meeting):
    assert caller_of(world.police).ids("/conferences/") == [str(meeting.pk)]
    stranger = caller_of(world.fire)
    assert stranger.ids("/conferences/") == []
    problem_of(stranger.get(f"/conferences/{meeting.pk}/"), 404)
    problem_of(stranger.get(f"/conferences/{meeting.pk}/pdf/"), 404)


def test_measures_are_for_the_invited_and_the_responsible(world, caller_of, meeting):
    invited = caller_of(world.police).rows("/measures/")[0]
    responsible = caller_of(world.order).rows("/measures/")[0]
    assert (invited["conference"], responsible["conference"]) == (str(meeting.pk), None)
    assert [row["text"] for row in responsible["reports"]] == ["läuft"]
    assert caller_of(world.fire).rows("/measures/") == []


@pytest.mark.parametrize("path", ["/cells/", "/trends/", "/pictures/"])
def test_unchanged_pictures_are_not_sent_twice(world, caller_of, picture, time_machine, path):
    caller = caller_of(world.police)
    first = caller.get(path)
    pulled = AuditEntry.objects.filter(action="pulled")
    assert pulled.count() == 1
    again = caller.get(path, **{"If-None-Match": first.headers["ETag"]})
    assert (again.status_code, again.content, again.headers["ETag"]) == (304, b"", first.headers["ETag"])
    assert first.headers["Cache-Control"] == "private, no-cache"
    assert pulled.count() == 1
    other = caller.get(path, {"page_size": 3}, **{"If-None-Match": first.headers["ETag"]})
    assert other.status_code == 200
    suspended = caller_of(world.tax).get(path, **{"If-None-Match": first.headers["ETag"]})
    assert (suspended.status_code, suspended.json()["results"]) == (200, [])
    time_machine.move_to(dt.datetime(2026, 11, 23, 12, tzinfo=dt.UTC), tick=False)
    build_picture(date=TODAY + dt.timedelta(days=1))
    assert caller.get(path, **{"If-None-Match": first.headers["ETag"]}).status_code == 200


def test_each_answer_with_picture_data_leaves_one_entry(world, caller_of, meeting):
    caller = caller_of(world.police)
    for path in PICTURE_LISTS:
        before = AuditEntry.objects.count()
        rows = caller.get(path).json()["results"]
        entry = AuditEntry.objects.first()
        assert AuditEntry.objects.count() == before + 1
        assert (entry.action, entry.facts["rows"], entry.facts["endpoint"]) == ("pulled", len(rows), path.strip("/"))


@pytest.mark.parametrize("path", PICTURE_LISTS)
def test_lists_cost_the_same_for_one_row_and_for_all(world, caller_of, meeting, path):
    caller = caller_of(world.police)

    def queries(size: int) -> int:
        with CaptureQueriesContext(connection) as captured:
            assert caller.get(path, {"page_size": size}).json()["results"]
        return len(captured)

    queries(1)
    assert queries(1) == queries(100) <= 12
