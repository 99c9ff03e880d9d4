"""The nightly picture: what it counts, that it repeats, and what it must not count."""

import datetime as dt

import pytest
from django.core.exceptions import ValidationError
from django.utils import timezone

from agencies import sharing
from agencies.models import Membership, MembershipStatus
from agencies.visibility import SharingLevel
from incidents.models import CountDelivery, DeliveredWeek, Incident
from lagebild.actions import build_picture
from lagebild.models import Coverage, CoverageState, Finding, Picture, ReleasedAtom, Sighting, StatusWord, Trend
from tests import factories

TODAY = dt.date(2026, 11, 22)
STATION = factories.STATION
FAR = (7.8500, 51.6900)
QUIET = [
    (lon, lat)
    for lon in (7.79, 7.80, 7.81, 7.82, 7.83, 7.84)
    for lat in (51.664, 51.671, 51.678, 51.685, 51.692)
    if abs(lon - STATION[0]) > 0.014 or abs(lat - STATION[1]) > 0.009
]


@pytest.fixture(autouse=True)
def _day(time_machine):
    time_machine.move_to(dt.datetime(2026, 11, 22, 12, tzinfo=dt.UTC), tick=False)


def days_ago(days: int) -> dt.datetime:
    return timezone.now() - dt.timedelta(days=days)


def incidents(agency, number: int, *, place=STATION, start: int = 1, step: int = 5, **fields) -> list[Incident]:
    fields.setdefault("sharing_level", SharingLevel.COOPERATION)
    return [
        factories.make_incident(agency, place=place, occurred_from=days_ago(start + step * i), **fields)
        for i in range(number)
    ]


def background(*agencies, per_place: int = 1) -> None:
    for i, place in enumerate(QUIET):
        incidents(agencies[i % len(agencies)], per_place, place=place, start=3 + 11 * i, step=7)


def test_cluster_of_shared_records_becomes_a_finding(world):
    incidents(world.police, 14)
    incidents(world.police, 30, place=FAR, start=120, step=5)
    picture = build_picture(date=TODAY)
    sighting = picture.sightings.get(finding__place_label__contains="Hauptbahnhof")
    assert (sighting.count, sighting.status_word) == (14, StatusWord.NEW)
    assert sighting.finding.kind == "brennpunkt"
    assert sighting.agencies == ["polizei"]
    assert sighting.expected < 5


@pytest.mark.parametrize("level", [SharingLevel.INTERNAL])
def test_internal_records_leave_no_trace_in_the_picture(world, level):
    background(world.police)
    without = build_picture(date=TODAY)
    incidents(world.police, 14, sharing_level=level)
    again = build_picture(date=TODAY)
    assert again.pk == without.pk


def test_records_of_a_suspended_agency_are_not_counted(world):
    background(world.police)
    incidents(world.tax, 14)
    assert not build_picture(date=TODAY).sightings.exists()


def test_suspension_takes_an_agency_out_of_the_next_picture(world):
    background(world.police)
    incidents(world.order, 14)
    before = build_picture(date=TODAY)
    Membership.objects.filter(agency=world.order).update(status=MembershipStatus.SUSPENDED)
    after = build_picture(date=TODAY)
    assert (before.sightings.count(), after.sightings.count()) == (1, 0)
    assert (before.revision, after.revision) == (1, 2)


def test_unshareable_category_is_never_counted(world):
    background(world.police)
    conduct = factories.make_category("conduct", group="incident-group", is_shareable=False, in_picture=False)
    incidents(world.police, 14, category=conduct)
    assert not build_picture(date=TODAY).sightings.exists()


def test_cluster_seen_only_when_agencies_are_merged_says_so(world):
    background(world.police, world.order, world.fire, per_place=2)
    for agency in (world.police, world.order, world.fire):
        incidents(agency, 4, start=2, step=20)
    sighting = build_picture(date=TODAY).sightings.order_by("rank").first()
    assert sighting.is_merged_only
    assert sighting.agencies == ["feuerwehr", "ordnungsamt", "polizei"]


def test_cluster_one_agency_sees_alone_is_not_called_merged(world):
    background(world.police, world.order)
    incidents(world.police, 14)
    assert not build_picture(date=TODAY).sightings.get().is_merged_only


def test_area_only_categories_never_reach_a_cell(world):
    family = factories.make_category("domestic", group="incident-group", geo="G")
    incidents(world.police, 14, category=family, cell=None)
    weeks_delivered(world.police)
    picture = build_picture(date=TODAY)
    assert not picture.cells.exists()
    assert picture.trends.filter(area__slug="west").get().current > 0


def test_control_driven_categories_do_not_make_hotspots(world):
    background(world.police)
    checks = factories.make_category("checks", group="incident-group", origin="control")
    incidents(world.police, 14, category=checks)
    assert not build_picture(date=TODAY).sightings.exists()


def test_complaints_and_incidents_are_never_added_up(world):
    background(world.police)
    for i in range(4):
        factories.make_complaint(world.order, occurred_from=days_ago(i + 1), sharing_level=SharingLevel.COOPERATION)
        factories.make_incident(world.police, occurred_from=days_ago(i + 1), sharing_level=SharingLevel.COOPERATION)
    assert not build_picture(date=TODAY).sightings.exists()


def test_same_records_build_the_same_picture_once(world):
    background(world.police)
    incidents(world.police, 14)
    first, second = build_picture(date=TODAY), build_picture(date=TODAY)
    assert first.pk == second.pk
    assert Picture.objects.count() == 1


def test_late_record_makes_a_numbered_revision_and_leaves_the_old_one(world):
    background(world.police)
    incidents(world.police, 14)
    first = build_picture(date=TODAY)
    counted = first.sightings.get().count
    incidents(world.police, 1, start=9)
    second = build_picture(date=TODAY)
    assert (second.revision, second.sightings.get().count) == (2, counted + 1)
    assert first.sightings.get().count == counted


def test_next_night_continues_the_same_finding(world, time_machine):
    background(world.police)
    incidents(world.police, 14)
    build_picture(date=TODAY)
    time_machine.move_to(dt.datetime(2026, 11, 23, 12, tzinfo=dt.UTC), tick=False)
    build_picture(date=TODAY + dt.timedelta(days=1))
    finding = Finding.objects.get()
    assert (finding.first_seen_on, finding.last_seen_on) == (TODAY, TODAY + dt.timedelta(days=1))
    assert Sighting.objects.count() == 2


def test_future_date_is_refused(world):
    with pytest.raises(ValidationError):
        build_picture(date=TODAY + dt.timedelta(days=1))


def test_statistics_of_one_agency_stay_below_the_surface_until_the_minimum(world):
    old = {"start": 60, "step": 0, "sharing_level": SharingLevel.STATISTICS}
    incidents(world.police, 2, **old)
    build_picture(date=TODAY)
    assert not ReleasedAtom.objects.exists()
    assert not Trend.objects.exists()


def counted_only(agency, number: int, *, start: int = 60) -> None:
    """Cases of one day, counted only, of an agency that delivers every week."""
    incidents(agency, number, start=start, step=0, sharing_level=SharingLevel.STATISTICS)
    if not DeliveredWeek.objects.filter(agency=agency).exists():
        weeks_delivered(agency)


def test_statistics_that_pass_the_rule_are_published_and_counted_on_the_map(world):
    counted_only(world.police, 7)
    picture = build_picture(date=TODAY)
    assert sorted(ReleasedAtom.objects.values_list("family", "count")) == [("cell", 7), ("week", 7)]
    assert picture.cells.get().count == 7
    assert set(picture.trends.values_list("current", "protected_current")) == {(0, 7)}


def test_a_lone_case_of_a_second_agency_leaves_no_trace(world):
    """Police subtracts its own seven and learns nothing, not even whether the other agency had a case."""
    counted_only(world.police, 7)
    counted_only(world.order, 1)
    build_picture(date=TODAY)
    assert sorted(ReleasedAtom.objects.values_list("family", "count")) == [("cell", 7), ("week", 7)]


def test_small_weeks_are_told_as_one_sum_of_the_block(world):
    for start in (60, 67, 74):
        counted_only(world.police, 1, start=start)
    picture = build_picture(date=TODAY)
    assert sorted(ReleasedAtom.objects.values_list("family", "count")) == [("block", 3)]
    assert set(picture.trends.values_list("protected_current", flat=True)) == {3}


def test_small_districts_are_told_as_one_sum_of_the_city(world):
    counted_only(world.police, 2)
    incidents(world.police, 2, place=FAR, start=60, step=0, sharing_level=SharingLevel.STATISTICS)
    picture = build_picture(date=TODAY)
    assert list(ReleasedAtom.objects.values_list("family", "area", "count")) == [("block", None, 4)]
    assert dict(picture.trends.values_list("area__slug", "protected_current")) == {"stadt": 4}


def test_cases_that_a_partner_sees_one_by_one_protect_nobody(world):
    """Of seven, five are granted: who was granted them would know the other two."""
    counted_only(world.police, 7)
    for record in Incident.objects.all()[:5]:
        sharing.grant(record=record, to=world.order, by=world.owner_release)
    build_picture(date=TODAY)
    assert not ReleasedAtom.objects.exists()


def test_released_block_is_not_computed_again_from_later_records(world):
    counted_only(world.police, 7)
    build_picture(date=TODAY)
    incidents(world.police, 5, start=60, step=0, sharing_level=SharingLevel.STATISTICS)
    build_picture(date=TODAY)
    assert sorted(ReleasedAtom.objects.values_list("family", "count")) == [("cell", 7), ("week", 7)]


def deliver(agency, count: int, *, area: str = "west", month: int = 8) -> None:
    category = factories.make_category("youth-group", group="youth", geo="G")
    CountDelivery.objects.create(
        agency=agency,
        area=factories.Area.objects.get(slug=area),
        category=category,
        period_start=dt.date(2026, month, 1),
        period_end=dt.date(2026, month, 28),
        unit="case",
        count=count,
    )


def test_delivered_counts_appear_in_district_and_city_but_never_on_the_map(world):
    deliver(world.fire, 9)
    picture = build_picture(date=TODAY)
    assert not picture.cells.exists()
    assert dict(picture.trends.values_list("area__slug", "protected_current")) == {"west": 9, "stadt": 9}


def test_delivered_count_below_the_higher_minimum_is_withheld_also_in_the_total(world):
    deliver(world.fire, 9)
    deliver(world.fire, 4, area="ost")
    deliver(world.fire, 13, area="stadt")
    picture = build_picture(date=TODAY)
    assert dict(picture.trends.values_list("area__slug", "protected_current")) == {"west": 9, "stadt": 9}


def test_overlapping_deliveries_are_not_both_published(world):
    """The year less eleven published months would be the month that is withheld."""
    for month in range(1, 8):
        deliver(world.fire, 6, month=month)
    deliver(world.fire, 1, month=8)
    CountDelivery.objects.create(
        agency=world.fire,
        area=factories.Area.objects.get(slug="stadt"),
        category=factories.make_category("youth-group", group="youth", geo="G"),
        period_start=dt.date(2026, 1, 1),
        period_end=dt.date(2026, 9, 30),
        unit="case",
        count=43,
    )
    build_picture(date=TODAY)
    assert list(ReleasedAtom.objects.values_list("count", flat=True)) == [6] * 7


def test_delivered_counts_stay_out_where_the_agency_also_shares_records(world):
    """They may be the same cases: the count less the faces everybody sees would be the rest."""
    deliver(world.fire, 9)
    category = factories.make_category("youth-group", group="youth", geo="G")
    incidents(world.fire, 1, start=100, category=category)
    build_picture(date=TODAY)
    assert not ReleasedAtom.objects.exists()


def test_counts_of_areas_that_overlap_with_districts_are_not_taken(world):
    factories.Area.objects.filter(slug="west").update(kind="zone")
    deliver(world.fire, 9)
    build_picture(date=TODAY)
    assert not ReleasedAtom.objects.exists()


def weeks_delivered(agency, *, but: tuple[int, ...] = ()) -> None:
    monday = dt.date(2026, 11, 16)
    DeliveredWeek.objects.bulk_create(
        DeliveredWeek(agency=agency, week=monday - dt.timedelta(weeks=i), basis="records")
        for i in range(104)
        if i not in but
    )


def test_rise_against_the_year_before_is_named_when_all_weeks_were_delivered(world):
    weeks_delivered(world.police)
    incidents(world.police, 40, start=10, step=4)
    incidents(world.police, 10, start=10 + 364, step=4)
    trend = build_picture(date=TODAY).trends.get(area__slug="stadt")
    assert (trend.current, trend.previous, trend.verdict, trend.weeks_compared) == (40, 10, "rise", 52)
    assert sum(trend.weeks) == 40


def test_missing_delivery_is_a_gap_and_never_a_decrease(world):
    weeks_delivered(world.police, but=tuple(range(1, 40)))
    incidents(world.police, 6, start=290, step=4)
    incidents(world.police, 40, start=10 + 364, step=4)
    trend = build_picture(date=TODAY).trends.get(area__slug="stadt")
    assert trend.verdict == "not_comparable"
    assert trend.missing_agencies == ["polizei"]
    assert trend.weeks[13:51] == [None] * 38
    missing = Coverage.objects.filter(agency=world.police, state=CoverageState.MISSING)
    assert missing.count() == 39


def test_week_with_nothing_to_report_is_not_missing(world):
    DeliveredWeek.objects.create(agency=world.police, week=dt.date(2026, 11, 9), basis="nothing")
    build_picture(date=TODAY)
    assert Coverage.objects.get(agency=world.police, week=dt.date(2026, 11, 9)).state == CoverageState.NOTHING


def test_build_does_not_cost_more_queries_with_more_records(world, django_assert_max_num_queries):
    background(world.police, world.order, per_place=6)
    with django_assert_max_num_queries(175) as few:
        build_picture(date=TODAY)
    background(world.police, world.order, per_place=3)
    with django_assert_max_num_queries(len(few.captured_queries) + 2):
        build_picture(date=TODAY)


def test_withheld_counts_are_not_read_as_fading(world):
    """Released atoms only: the last months are not released yet, which says nothing about the place."""
    for start in (120, 148, 176):
        counted_only(world.police, 7, start=start)
    incidents(world.police, 30, place=FAR, start=3, step=9)
    sighting = build_picture(date=TODAY).sightings.get(finding__place_label__contains="Hauptbahnhof")
    assert (sighting.count, sighting.status_word, sighting.active_since) == (21, StatusWord.UNKNOWN, None)
