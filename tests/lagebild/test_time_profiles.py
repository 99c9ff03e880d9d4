"""At which hours of the week it happens: what is counted, how, and who sees it."""

import datetime as dt
from dataclasses import replace

import numpy as np
import pytest
from django.urls import reverse

from agencies.models import Membership, MembershipStatus
from agencies.visibility import SharingLevel
from incidents.models import CategoryGroup, Incident
from lagebild.actions import _fingerprint, _load_inputs, build_picture, picture_sha256
from lagebild.models import Finding, Picture, TimeProfile
from lagebild.time_profiles import UNTIMED_MINUTES, hours_of_week, load_times
from tests import factories

TODAY = dt.date(2026, 11, 22)
FIRST = TODAY - dt.timedelta(days=363)
FRIDAY = dt.date(2026, 11, 20)
BERLIN = dt.timezone(dt.timedelta(hours=1))


@pytest.fixture(autouse=True)
def _day(time_machine):
    time_machine.move_to(dt.datetime(2026, 11, 22, 12, tzinfo=dt.UTC), tick=False)


def at(day: dt.date, clock: str) -> dt.datetime:
    """Local winter time."""
    return dt.datetime.combine(day, dt.time.fromisoformat(clock), tzinfo=BERLIN)


def shared(agency, start: dt.datetime, end: dt.datetime | None = None, **fields) -> Incident:
    fields.setdefault("sharing_level", SharingLevel.COOPERATION)
    return factories.make_incident(agency, occurred_from=start, occurred_to=end, **fields)


def nights(agency, number: int = 40, **fields) -> None:
    """Friday and Saturday nights, every hour from 20 to 1 o'clock, in winter weeks."""
    for i in range(number):
        evening = FRIDAY - dt.timedelta(weeks=i % 3) + dt.timedelta(days=i % 2)
        if evening > TODAY - dt.timedelta(days=1):
            evening -= dt.timedelta(weeks=1)
        shared(agency, at(evening, "20:10") + dt.timedelta(hours=i % 6), **fields)


def week() -> np.ndarray:
    """(7, 24) profile of everything that is counted."""
    return np.array(hours_of_week(load_times(first=FIRST, last=TODAY)).hours).reshape(7, 24)


def group_profile(picture: Picture) -> TimeProfile:
    return picture.timeprofiles.get(finding=None)


def test_planted_weekend_nights_are_seen_and_said(world, signed_in):
    nights(world.police)
    profile = group_profile(build_picture(date=TODAY))
    hours = np.array(profile.hours).reshape(7, 24)
    assert (profile.timed, profile.untimed, hours.sum()) == (40, 0, 40)
    assert hours[4, 20:].sum() + hours[5, :2].sum() + hours[5, 20:].sum() + hours[6, :2].sum() == 40
    assert (profile.peak_day, profile.peak_days, profile.peak_hour, profile.peak_hours) == (4, 2, 20, 6)
    text = signed_in(world.partner).get(reverse("lagebild:picture"), {"gruppe": "incident-group"}).content.decode()
    assert "Am häufigsten freitags und samstags zwischen 20 und 2 Uhr" in text
    assert "haben keine Uhrzeit" not in text


def test_local_time_counts_in_summer_and_in_winter(world):
    shared(world.police, dt.datetime(2026, 7, 3, 21, 30, tzinfo=dt.UTC))
    shared(world.police, dt.datetime(2026, 11, 20, 22, 30, tzinfo=dt.UTC))
    hours = week()
    assert hours[4, 23] == 2
    assert hours.sum() == 2


def test_span_over_the_missing_hour_of_spring_is_taken_by_the_clock(world):
    """29 March 2026, 1:00 to 5:00 by the clock are three hours; the clock's four hours share it."""
    start = dt.datetime(2026, 3, 29, 0, 0, tzinfo=dt.UTC)
    shared(world.police, start, start + dt.timedelta(hours=3))
    assert week()[6, 1:5].tolist() == [0.25] * 4


def test_span_within_the_doubled_hour_of_autumn_stays_in_it(world):
    """25 October 2026: 2:50 summer time to 2:10 winter time are twenty minutes, and backwards by the clock."""
    start = dt.datetime(2026, 10, 25, 0, 50, tzinfo=dt.UTC)
    shared(world.police, start, start + dt.timedelta(minutes=20))
    hours = week()
    assert (hours[6, 2], hours.sum()) == (1, 1)


@pytest.mark.parametrize(
    ("end", "expected"),
    [
        ("22:00", {(4, 20): 0.25, (4, 21): 0.5, (4, 22): 0.0}),
        ("20:59", {(4, 20): 1.0}),
        ("21:00", {(4, 20): 1.0}),
        (None, {(4, 20): 1.0}),
    ],
)
def test_spans_are_spread_over_their_minutes(world, end, expected):
    """20:30 to 22:00 with half an hour before 21 and a whole one after: shares of 1/3 and 2/3."""
    start = at(FRIDAY, "20:30")
    shared(world.police, start, at(FRIDAY, end) if end else None)
    hours = week()
    if end == "22:00":
        expected = {(4, 20): 0.333, (4, 21): 0.667}
    assert {key: hours[key] for key in expected} == expected
    assert hours.sum() == pytest.approx(1)


def test_span_over_midnight_reaches_into_the_next_day_and_sunday_into_monday(world):
    sunday = dt.date(2026, 11, 15)
    shared(world.police, at(sunday, "23:00"), at(sunday + dt.timedelta(days=1), "01:00"))
    hours = week()
    assert (hours[6, 23], hours[0, 0]) == (0.5, 0.5)


def test_whole_days_and_longer_have_no_hour_and_are_told_as_a_share(world, signed_in):
    nights(world.police, 36)
    shared(world.police, at(FRIDAY, "00:00"), at(FRIDAY, "23:59"))
    for days in (1, 3, 40):
        shared(world.police, at(FRIDAY, "10:00") - dt.timedelta(days=60), at(FRIDAY, "10:00") - dt.timedelta(60 - days))
    profile = group_profile(build_picture(date=TODAY))
    assert (profile.timed, profile.untimed, round(sum(profile.hours))) == (36, 4, 36)
    text = signed_in(world.partner).get(reverse("lagebild:picture"), {"gruppe": "incident-group"}).content.decode()
    assert "10,0\N{NO-BREAK SPACE}% aller Meldungen haben keine Uhrzeit" in text


def test_a_minute_less_than_a_day_by_the_form_is_the_first_span_left_out(world):
    shared(world.police, at(FRIDAY, "00:00"), at(FRIDAY, "23:58"))
    assert load_times(first=FIRST, last=TODAY).length.tolist() == [UNTIMED_MINUTES - 1]


def test_the_same_span_by_hours_and_as_the_core_spreads_it_agree(world):
    """An independent second computation: minute by minute."""
    rng = np.random.default_rng(5)
    expected = np.zeros(7 * 1440)
    for _ in range(60):
        start = dt.datetime(2026, 1, 5, tzinfo=BERLIN) + dt.timedelta(minutes=int(rng.integers(0, 70 * 1440)))
        length = int(rng.integers(0, 1400))
        shared(world.police, start, start + dt.timedelta(minutes=length))
        first = start.weekday() * 1440 + start.hour * 60 + start.minute
        minutes = (first + np.arange(max(length, 1))) % expected.size
        np.add.at(expected, minutes, 1 / minutes.size)
    assert np.abs(week().reshape(-1) - expected.reshape(-1, 60).sum(axis=1)).max() < 0.001


@pytest.mark.parametrize("level", [SharingLevel.INTERNAL, SharingLevel.STATISTICS])
def test_internal_and_counted_only_records_leave_no_trace(world, level):
    nights(world.police, 4)
    before = load_times(first=FIRST, last=TODAY)
    nights(world.police, 30, sharing_level=level)
    again = load_times(first=FIRST, last=TODAY)
    assert [column.tolist() for column in before.columns] == [column.tolist() for column in again.columns]
    assert before.count.sum() == 4


def test_suspended_agency_and_uncounted_categories_are_not_counted(world):
    nights(world.tax, 3)
    conduct = factories.make_category("conduct", group="incident-group", is_shareable=False, in_picture=False)
    nights(world.police, 3, category=conduct)
    assert not week().any()


def test_control_driven_and_sensitive_categories_are_left_out(world):
    """How often somebody looked is no time of day, and sensitive kinds are told by district and week only."""
    for slug, fields in (
        ("checks", {"origin": "control"}),
        ("domestic", {"geo": "G", "is_sensitive": True}),
        ("knife", {"is_sensitive": True}),
    ):
        nights(world.police, 3, category=factories.make_category(slug, group="incident-group", **fields))
    assert not week().any()


def test_categories_told_by_area_count_in_the_city_and_in_no_cell(world):
    youth = factories.make_category("youth", group="incident-group", geo="G")
    nights(world.police, 3, category=youth)
    times = load_times(first=FIRST, last=TODAY)
    assert (times.count.sum(), set(times.cell.tolist())) == (3, {0})


def test_incidents_and_complaints_have_profiles_of_their_own(world):
    nights(world.police, 4)
    factories.make_complaint(world.order, occurred_from=at(FRIDAY, "12:00"), sharing_level=SharingLevel.COOPERATION)
    picture = build_picture(date=TODAY)
    assert dict(picture.timeprofiles.values_list("group__slug", "timed")) == {
        "incident-group": 4,
        "complaint-group": 1,
    }


def test_hotspot_has_the_hours_of_its_own_cells(world, signed_in):
    nights(world.police, 34)
    for i in range(30):
        shared(world.police, at(TODAY - dt.timedelta(days=90 + i), "09:00"), place=(7.85, 51.69 + 0.0002 * (i % 3)))
    picture = build_picture(date=TODAY)
    finding = Finding.objects.get(place_label__contains="Hauptbahnhof")
    own = picture.timeprofiles.get(finding=finding)
    assert (own.timed, own.peak_hour) == (34, 20)
    assert group_profile(picture).timed == 64
    text = signed_in(world.partner).get(reverse("lagebild:finding", args=(finding.pk,))).content.decode()
    assert "Wann geschieht es?" in text
    assert "freitags und samstags zwischen 20 und 2 Uhr" in text


def test_too_few_cases_are_said_and_not_drawn(world, signed_in):
    nights(world.police, 5)
    build_picture(date=TODAY)
    page = signed_in(world.partner).get(reverse("lagebild:picture"), {"gruppe": "incident-group"})
    assert page.context["hours"]["svg"] == ""
    assert "sind es zu wenige Meldungen: nur 5 mit Uhrzeit." in page.content.decode()


def test_even_week_has_no_peak_and_says_so(world, signed_in):
    for i in range(84):
        shared(world.police, at(dt.date(2026, 11, 2), "00:30") + dt.timedelta(hours=2 * i))
    profile = group_profile(build_picture(date=TODAY))
    assert (profile.peak_day, profile.peak_share) == (None, None)
    text = signed_in(world.partner).get(reverse("lagebild:picture"), {"gruppe": "incident-group"}).content.decode()
    assert "ohne dass Tage und Stunden deutlich herausragen" in text


def test_a_changed_time_of_day_alone_makes_a_new_revision(world):
    nights(world.police, 4)
    first = build_picture(date=TODAY)
    record = Incident.objects.order_by("occurred_from").first()
    Incident.objects.filter(pk=record.pk).update(occurred_to=record.occurred_from + dt.timedelta(hours=3))
    second = build_picture(date=TODAY)
    assert (second.revision, first.sha256 == second.sha256) == (2, False)
    assert group_profile(first).hours != group_profile(second).hours


def test_times_that_change_places_within_a_group_are_noticed(world):
    """The group's profile stays the same; that of the hotspot would not."""
    near = shared(world.police, at(FRIDAY, "10:00"))
    far = shared(world.police, at(FRIDAY, "20:00"), place=(7.85, 51.69))
    before = _fingerprint(_load_inputs(TODAY))
    Incident.objects.filter(pk=near.pk).update(occurred_from=far.occurred_from)
    Incident.objects.filter(pk=far.pk).update(occurred_from=near.occurred_from)
    assert _fingerprint(_load_inputs(TODAY)) != before


def test_hours_are_in_the_fingerprint_by_themselves(world):
    """Whatever else of the records it may cover."""
    nights(world.police, 4)
    inputs = _load_inputs(TODAY)
    for name in ("group", "cell", "begin", "length", "count"):
        moved = replace(inputs.times, **{name: getattr(inputs.times, name) + 1})
        assert _fingerprint(replace(inputs, times=moved)) != _fingerprint(inputs)


def test_same_records_in_another_order_are_the_same_picture(world):
    nights(world.police, 12)
    first = build_picture(date=TODAY)
    rows = list(Incident.objects.order_by("-occurred_from").values_list("pk", flat=True))
    for pk in rows:
        Incident.objects.filter(pk=pk).update(updated_at=dt.datetime(2026, 11, 21, tzinfo=dt.UTC))
    assert build_picture(date=TODAY).pk == first.pk
    assert picture_sha256(first) == first.sha256


@pytest.mark.parametrize("change", [{"untimed": 7}, {"peak_hour": 3}, {"hours": [0.25] * 168}])
def test_hours_are_part_of_the_hash(world, change):
    nights(world.police, 12)
    picture = build_picture(date=TODAY)
    TimeProfile.objects.filter(picture=picture).update(**change)
    assert picture_sha256(picture) != picture.sha256


def test_only_members_see_the_hours(world, signed_in, on_stage):
    nights(world.police)
    picture = build_picture(date=TODAY)
    for person, seen in (
        *((getattr(world, name), 2) for name in ("owner_entry", "partner", "stranger", "chair")),
        *((getattr(world, name), 0) for name in ("suspended", "guest", "inactive", "without_agency")),
    ):
        with on_stage(person):
            assert TimeProfile.objects.filter(picture=picture).count() == seen
            assert TimeProfile.objects.visible_to(person).count() == seen
    for person in (world.suspended, world.guest):
        text = signed_in(person).get(reverse("lagebild:picture"), {"gruppe": "incident-group"}).content.decode()
        assert "freitags" not in text
    assert signed_in(world.inactive).get(reverse("lagebild:picture")).status_code == 302


def test_suspension_closes_the_hours_at_once(world, signed_in):
    nights(world.police)
    build_picture(date=TODAY)
    client = signed_in(world.partner)
    choice = {"gruppe": "incident-group"}
    assert "freitags" in client.get(reverse("lagebild:picture"), choice).content.decode()
    Membership.objects.filter(agency=world.order).update(status=MembershipStatus.SUSPENDED)
    assert "freitags" not in client.get(reverse("lagebild:picture"), choice).content.decode()


def test_hours_cost_one_query_of_the_page_and_none_without_a_group(
    world, signed_in, django_assert_max_num_queries, django_assert_num_queries
):
    nights(world.police)
    build_picture(date=TODAY)
    client = signed_in(world.partner)
    client.get(reverse("lagebild:picture"))
    with django_assert_max_num_queries(15) as without:
        client.get(reverse("lagebild:picture"))
    assert not any("timeprofile" in query["sql"] for query in without.captured_queries)
    with django_assert_num_queries(len(without.captured_queries) + 1):
        client.get(reverse("lagebild:picture"), {"gruppe": "incident-group"})


def test_picture_of_before_has_no_hours_and_says_so(world, signed_in):
    nights(world.police)
    picture = build_picture(date=TODAY)
    TimeProfile.objects.filter(picture=picture).delete()
    assert CategoryGroup.objects.filter(slug="incident-group").exists()
    text = signed_in(world.partner).get(reverse("lagebild:picture"), {"gruppe": "incident-group"}).content.decode()
    assert "nennt das Lagebild keine Tageszeiten" in text
