"""Deleting what is due changes no trend, no map and no edition; what a person calls unlawful does not count on."""

import datetime as dt
import hashlib
import random

import pytest
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase

from agencies.models import Membership, MembershipStatus
from agencies.visibility import SharingLevel
from incidents.models import Complaint, DeliveredWeek, Incident, RetentionRule
from lagebild.actions import _load_inputs, build_picture, picture_sha256
from lagebild.edition_content import EditionOrder
from lagebild.editions import freeze_edition
from lagebild.frozen import freeze_counts
from lagebild.models import FrozenCount, Picture, Trend
from lagebild.retention import apply_retention, delete_now
from lagebild.streams import assemble_streams
from lagebild.trends import assemble_trends
from tests import factories
from tests.conftest import make_world

TODAY = dt.date(2026, 11, 22)
NOON = dt.datetime(2026, 11, 22, 12, tzinfo=dt.UTC)
PLACES = [factories.STATION, (7.8500, 51.6900), (7.79, 51.664), None]
LEVELS = [SharingLevel.COOPERATION, SharingLevel.COOPERATION, SharingLevel.STATISTICS, SharingLevel.INTERNAL]


@pytest.fixture(autouse=True)
def _day(time_machine):
    time_machine.move_to(NOON, tick=False)


def keep_months(agency, months: int) -> None:
    RetentionRule.objects.create(agency=agency, review_after_months=1, delete_after_months=months)


def records(agency, number: int, *, first: int, step: int, **fields) -> list[Incident]:
    fields.setdefault("sharing_level", SharingLevel.COOPERATION)
    moments = [NOON - dt.timedelta(days=first + step * i) for i in range(number)]
    return [factories.make_incident(agency, occurred_from=moment, **fields) for moment in moments]


def deliver_all_weeks(*agencies) -> None:
    mondays = [TODAY - dt.timedelta(days=TODAY.weekday() + 7 * week) for week in range(110)]
    DeliveredWeek.objects.bulk_create(
        DeliveredWeek(agency=agency, week=monday, basis="records") for agency in agencies for monday in mondays
    )


@pytest.fixture
def city(world):
    """The world whose agencies have delivered for every week of both years."""
    deliver_all_weeks(world.police, world.order, world.fire)
    return world


def trends_of(picture: Picture) -> list[tuple]:
    fields = [f.name for f in Trend._meta.concrete_fields if f.name not in {"id", "picture"}]
    return list(picture.trends.order_by("area_id", "group_id", "unit_label").values_list(*fields))


def test_trends_and_fingerprint_stand_when_what_is_older_than_a_year_goes(city):
    records(city.police, 60, first=5, step=12)
    records(city.order, 40, first=370, step=8)
    records(city.fire, 30, first=20, step=20, place=(7.85, 51.69))
    for agency in (city.police, city.order, city.fire):
        keep_months(agency, 13)
    before = build_picture(date=TODAY)
    count = Incident.objects.count()
    for agency in (city.police, city.order, city.fire):
        apply_retention(agency=agency, today=TODAY)
    assert Incident.objects.count() < count - 50
    assert FrozenCount.objects.exists()
    # The fingerprint covers all the picture reads: the same one means that not a single figure would differ.
    assert build_picture(date=TODAY).pk == before.pk
    assert Incident.objects.filter(occurred_from__lt=NOON - dt.timedelta(days=400)).count() == 0


def test_trends_stand_when_records_of_the_running_year_go(city):
    records(city.police, 120, first=5, step=6)
    keep_months(city.police, 3)
    before = build_picture(date=TODAY)
    apply_retention(agency=city.police, today=TODAY)
    after = build_picture(date=TODAY)
    assert Incident.objects.count() < 20
    assert trends_of(after) == trends_of(before) != []
    assert after.parameters["unlocated_percent"] == before.parameters["unlocated_percent"]
    assert sum(after.cells.values_list("count", flat=True)) == pytest.approx(
        sum(before.cells.values_list("count", flat=True)), abs=28 / 6 + 1
    )


def test_without_the_frozen_counts_the_trends_would_fall(city):
    """The control: what the picture would say of a deletion that left nothing behind."""
    records(city.police, 60, first=5, step=12)
    before = build_picture(date=TODAY)
    Incident.objects.filter(occurred_from__lt=NOON - dt.timedelta(days=400)).delete()
    assert trends_of(build_picture(date=TODAY)) != trends_of(before)


def test_editions_verify_and_print_the_same_bytes_after_the_deletion(city, signed_in):
    records(city.police, 120, first=5, step=6)
    keep_months(city.police, 3)
    edition = freeze_edition(
        picture=build_picture(date=TODAY), order=EditionOrder(title="Lagebild", body="Sitzung"), by=city.chair
    )
    picture_sha = edition.picture.sha256
    pdf = bytes(edition.pdf)
    apply_retention(agency=city.police, today=TODAY)
    edition.refresh_from_db()
    assert Incident.objects.count() < 20
    assert bytes(edition.pdf) == pdf
    assert hashlib.sha256(pdf).hexdigest() == edition.sha256
    assert picture_sha256(edition.picture) == picture_sha == edition.picture.sha256
    again = freeze_edition(picture=edition.picture, order=EditionOrder(title="Lagebild", body="Sitzung"), by=city.chair)
    assert again.pk == edition.pk


def test_counts_of_a_suspended_agency_rest_and_come_back(city):
    records(city.police, 40, first=400, step=3)
    keep_months(city.police, 3)
    before = build_picture(date=TODAY)
    apply_retention(agency=city.police, today=TODAY)
    Membership.objects.filter(agency=city.police).update(status=MembershipStatus.SUSPENDED)
    assert trends_of(build_picture(date=TODAY)) == []
    Membership.objects.filter(agency=city.police).update(status=MembershipStatus.ACTIVE)
    assert trends_of(build_picture(date=TODAY)) == trends_of(before)


def test_only_the_cooperation_part_of_counted_categories_is_frozen(city):
    hidden = factories.make_category("hidden", group="incident-group", in_picture=False)
    for level in (SharingLevel.INTERNAL, SharingLevel.STATISTICS):
        records(city.police, 2, first=400, step=1, sharing_level=level)
    records(city.police, 2, first=400, step=1, category=hidden)
    records(city.police, 3, first=400, step=1)
    assert freeze_counts(Incident.objects.all()) == 3
    assert sum(FrozenCount.objects.filter(family="week").values_list("count", flat=True)) == 3


def test_area_only_categories_leave_no_cell(city):
    family = factories.make_category("domestic", group="incident-group", geo="G")
    records(city.police, 2, first=400, step=1, category=family)
    freeze_counts(Incident.objects.all())
    assert set(FrozenCount.objects.values_list("cell", flat=True)) == {None}


def test_both_families_count_the_same_and_add_up_over_several_runs(city):
    for batch in range(3):
        rows = records(city.police, 5, first=400 + batch, step=2)
        freeze_counts(Incident.objects.filter(pk__in=[row.pk for row in rows]))
    sums = {
        family: sum(FrozenCount.objects.filter(family=family).values_list("count", flat=True))
        for family in ("week", "cell")
    }
    assert sums == {"week": 15, "cell": 15}
    assert FrozenCount.objects.filter(family="week").count() <= 3


def test_an_unlawful_record_no_longer_counts_and_one_not_needed_does(city):
    unlawful, spent = records(city.police, 2, first=100, step=1)
    delete_now(record=unlawful, reason="unlawful", by=city.owner_release)
    assert not FrozenCount.objects.exists()
    delete_now(record=spent, reason="not_needed", by=city.owner_release)
    assert sum(FrozenCount.objects.filter(family="week").values_list("count", flat=True)) == 1


def _scatter(world, seed: int, number: int) -> None:
    rng = random.Random(seed)
    groups = [("incident", "theft"), ("incident", "noise"), ("complaint", "waste")]
    for _ in range(number):
        kind, group = rng.choice(groups)
        category = factories.make_category(
            f"{group}-{rng.randrange(2)}", kind=kind, group=group, geo=rng.choice("PG"), unit_label="Fälle"
        )
        place = rng.choice(PLACES)
        make = factories.make_incident if kind == "incident" else factories.make_complaint
        record = make(
            rng.choice([world.police, world.order, world.fire]),
            category=category,
            occurred_from=NOON - dt.timedelta(days=rng.randrange(1, 900), hours=rng.randrange(24)),
            sharing_level=rng.choice(LEVELS),
            place=place or factories.STATION,
        )
        if place is None:
            type(record).objects.filter(pk=record.pk).update(cell=None, district=None)


class RandomWorlds(TestCase):
    """Any records, any terms: what the picture says over time and of the year stays the same."""

    @settings(max_examples=12, deadline=None, suppress_health_check=list(HealthCheck))
    @given(seed=st.integers(0, 10**6), number=st.integers(5, 70), months=st.integers(3, 26))
    def test_trends_are_the_same_after_any_deletion(self, seed, number, months):
        world = make_world()
        deliver_all_weeks(world.police, world.order, world.fire)
        _scatter(world, seed, number)
        for agency in (world.police, world.order, world.fire):
            keep_months(agency, months)
        build_picture(date=TODAY)
        inputs = _load_inputs(TODAY)
        trends, streams = assemble_trends(inputs), assemble_streams(inputs)
        for agency in (world.police, world.order, world.fire):
            apply_retention(agency=agency, today=TODAY)
        after = _load_inputs(TODAY)
        assert assemble_trends(after) == trends
        assert int(after.weeks.count.sum()) == int(inputs.weeks.count.sum())
        if months >= 13:
            assert assemble_streams(after) == streams
        oldest = timezone.now() - dt.timedelta(days=31 * months + 4)
        for model in (Incident, Complaint):
            assert not model.objects.filter(occurred_from__lt=oldest).exists()
