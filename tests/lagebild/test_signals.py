"""Signals of the nightly scan: what raises them, what must not, and how they live on."""

import datetime as dt
import random

import h3.api.basic_int as h3
import pytest
from django.urls import reverse

from agencies.visibility import SharingLevel
from incidents.models import Complaint, Incident, Kind
from lagebild import nights
from lagebild.actions import assess_finding, build_picture, open_night
from lagebild.calendar_models import DeliveryNotice, NoticeKind
from lagebild.models import Finding, FindingStatus, Night, NightPart, NullPool, Picture, Signal
from lagebild.nights import do_part, load_field, load_watch, renew_pool, scan_part
from lagebild.signal_words import signal_sentences
from lagebild.tasks import rebuild_nightly, renew_null_pool
from tests import factories

TODAY = dt.date(2026, 11, 22)
NOON = dt.datetime(2026, 11, 22, 12, tzinfo=dt.UTC)
STATION = factories.STATION
EAST = (7.845, 51.687)


@pytest.fixture(autouse=True)
def _day(time_machine):
    time_machine.move_to(NOON, tick=False)


def _write(model, agency, category, places, days, level=SharingLevel.COOPERATION) -> None:
    make = factories.make_incident if model is Incident else factories.make_complaint
    for place, day in zip(places, days, strict=True):
        at = NOON - dt.timedelta(days=day)
        make(agency, category=category, place=place, occurred_from=at, sharing_level=level)


def quiet_year(agency, category, number: int = 60, *, model=Incident, first: int = 3) -> None:
    """Spread over the city and the year, the same every time."""
    chance = random.Random(7)
    places = [(chance.uniform(7.785, 7.855), chance.uniform(51.663, 51.697)) for _ in range(number)]
    _write(model, agency, category, places, [first + i * (363 - first) // number for i in range(number)])


def cluster(agency, category, number: int, *, model=Incident, place=STATION, first: int = 0, **fields) -> None:
    _write(model, agency, category, [place] * number, [first + i % 6 for i in range(number)], **fields)


@pytest.fixture
def noise(world):
    return factories.make_category("noise")


def alarms(picture: Picture) -> list[Signal]:
    return list(picture.signals.filter(is_alarm=True))


def test_what_grows_in_a_week_raises_a_signal_that_becomes_a_finding(world, noise):
    quiet_year(world.police, noise)
    cluster(world.police, noise, 12)
    picture = build_picture(date=TODAY)
    signal = alarms(picture)[0]
    assert (signal.count, signal.stream, signal.agencies) == (12, "group:public-order", ["polizei"])
    assert signal.days <= 7
    assert signal.expected < 3
    assert signal.p_value <= picture.parameters["signals"]["threshold_p"]
    assert signal.finding.kind == "brennpunkt"
    assert "Hauptbahnhof" in signal.finding.place_label
    assert picture.statements[0].startswith("Bereich Hauptbahnhof Hamm: neues Signal, Public-Order, 12 statt etwa ")
    assert not signal.is_merged_only


def test_nothing_unusual_raises_nothing_and_shows_the_best_cluster_with_its_p(world, noise):
    quiet_year(world.police, noise)
    cluster(world.police, noise, 6, first=40)
    picture = build_picture(date=TODAY)
    assert alarms(picture) == []
    assert all(signal.finding is None for signal in picture.signals.all())


def test_a_third_from_each_of_three_agencies_is_seen_only_together(world, noise):
    for agency in (world.police, world.order, world.customs):
        quiet_year(agency, noise, 40, first=30)
        cluster(agency, noise, 4)
    signal = alarms(build_picture(date=TODAY))[0]
    assert signal.is_merged_only
    assert signal.count == 12
    assert signal.agencies == sorted([world.police.slug, world.order.slug, world.customs.slug])


@pytest.mark.parametrize("level", [SharingLevel.INTERNAL, SharingLevel.STATISTICS])
def test_what_is_not_seen_one_by_one_raises_no_signal(world, noise, level):
    quiet_year(world.police, noise)
    before = [signal.llr for signal in build_picture(date=TODAY).signals.order_by("stream", "rank")]
    cluster(world.police, noise, 12, level=level)
    picture = build_picture(date=TODAY)
    assert alarms(picture) == []
    assert [signal.llr for signal in picture.signals.order_by("stream", "rank")] == before


def test_area_categories_and_control_driven_ones_are_never_scanned(world):
    for slug, fields in (("abuse", {"geo": "G"}), ("checks", {"origin": "control"})):
        category = factories.make_category(slug, group=slug, **fields)
        quiet_year(world.police, category)
        cluster(world.police, category, 12)
    assert not build_picture(date=TODAY).signals.exists()


def test_repeated_reports_of_one_defect_are_one_event(world):
    waste = factories.make_category("c-waste", kind=Kind.COMPLAINT, group="waste", is_defect=True)
    fear = factories.make_category("c-fear", kind=Kind.COMPLAINT, group="fear")
    for category in (waste, fear):
        quiet_year(world.order, category, model=Complaint)
        cluster(world.order, category, 12, model=Complaint)
    assert [signal.stream for signal in alarms(build_picture(date=TODAY)) if signal.parts == []] == ["group:fear"]


def test_days_an_agency_has_not_delivered_are_masked(world, noise):
    quiet_year(world.police, noise)
    quiet_year(world.order, noise)
    cluster(world.police, noise, 12)
    DeliveryNotice.objects.create(
        agency=world.police, kind=NoticeKind.LATE, first_day=TODAY - dt.timedelta(days=7), last_day=TODAY
    )
    assert alarms(build_picture(date=TODAY)) == []


def test_an_episode_is_one_finding(world, noise, time_machine):
    quiet_year(world.police, noise)
    cluster(world.police, noise, 12)
    first = alarms(build_picture(date=TODAY))[0].finding
    time_machine.move_to(NOON + dt.timedelta(days=1), tick=False)
    second = alarms(build_picture(date=TODAY + dt.timedelta(days=1)))[0].finding
    assert second == first
    second.refresh_from_db()
    assert second.last_seen_on == TODAY + dt.timedelta(days=1)
    assert Finding.objects.filter(group__slug="public-order").count() == 1


def test_what_was_dismissed_stays_quiet_until_it_has_grown(world, noise, time_machine):
    quiet_year(world.police, noise)
    cluster(world.police, noise, 12)
    finding = alarms(build_picture(date=TODAY))[0].finding
    time_machine.move_to(NOON + dt.timedelta(hours=1), tick=False)
    assess_finding(finding=finding, status=FindingStatus.DISMISSED, assessment="Baustelle.", by=world.chair)
    time_machine.move_to(NOON + dt.timedelta(days=1), tick=False)
    cluster(world.police, noise, 2)
    assert alarms(build_picture(date=TODAY + dt.timedelta(days=1)))[0].finding == finding
    finding.refresh_from_db()
    assert finding.status == FindingStatus.DISMISSED
    time_machine.move_to(NOON + dt.timedelta(days=2), tick=False)
    cluster(world.police, noise, 8)
    build_picture(date=TODAY + dt.timedelta(days=2))
    finding.refresh_from_db()
    assert finding.status == FindingStatus.PROPOSED


def test_the_same_night_from_the_same_records_changes_nothing(world, noise):
    quiet_year(world.police, noise)
    cluster(world.police, noise, 12)
    first = build_picture(date=TODAY)
    assert build_picture(date=TODAY) == first
    DeliveryNotice.objects.create(agency=world.order, kind=NoticeKind.MISSING, first_day=TODAY, last_day=TODAY)
    again = build_picture(date=TODAY)
    assert again.revision == 2
    rows = ("stream", "rank", "cells", "days", "count", "llr", "p_value", "is_alarm")
    assert list(again.signals.values_list(*rows)) == list(first.signals.values_list(*rows))


def test_a_night_goes_on_where_it_was_interrupted(world, noise, monkeypatch):
    quiet_year(world.police, noise)
    night = open_night(date=TODAY)
    watch = load_watch()
    field = load_field(TODAY, watch)
    parts = [do_part(night=night, key=key, watch=watch, field=field) for key in night.streams]
    assert open_night(date=TODAY) == night
    monkeypatch.setattr(nights, "_scanned", None)
    monkeypatch.setattr(nights, "look_for", None)
    again = [do_part(night=night, key=key, watch=watch, field=field) for key in night.streams]
    assert [part.result for part in again] == [part.result for part in parts]
    picture = build_picture(date=TODAY)
    night.refresh_from_db()
    assert (night.state, night.done) == ("published", len(night.streams))
    assert picture.signals.count() == sum(1 for part in parts if part.result.get("best"))


def test_the_chair_sees_how_far_a_night_has_come(world, noise, signed_in):
    build_picture(date=TODAY)
    quiet_year(world.police, noise)
    night = open_night(date=TODAY)
    watch = load_watch()
    scan_part(night=night, key=night.streams[0], watch=watch, field=load_field(TODAY, watch))
    page = signed_in(world.chair).get(reverse("lagebild:picture")).content.decode()
    assert f"wird gerade erstellt: 1 von {len(night.streams)} Teilen sind fertig" in page
    assert "wird gerade erstellt" not in signed_in(world.owner_lead).get(reverse("lagebild:picture")).content.decode()


def test_a_part_made_from_other_cases_is_scanned_again(world, noise):
    quiet_year(world.police, noise)
    night = open_night(date=TODAY)
    watch = load_watch()
    field = load_field(TODAY, watch)
    before = scan_part(night=night, key="group:public-order", watch=watch, field=field)
    cluster(world.police, noise, 12)
    after = scan_part(night=night, key="group:public-order", watch=watch, field=field)
    assert after.result["llr"] > before.result["llr"]
    assert NightPart.objects.filter(night=night).count() == 1


def test_a_stored_pool_judges_the_following_nights(world, noise):
    quiet_year(world.police, noise)
    cluster(world.police, noise, 12)
    watch = load_watch()
    field = load_field(TODAY, watch)
    pool = renew_pool(key="group:public-order", date=TODAY, watch=watch, field=field, size=500)
    assert (pool.size, pool.values().size) == (500, 500)
    same = renew_pool(key="group:public-order", date=TODAY, watch=watch, field=field, size=500)
    assert list(same.values()) == list(pool.values())
    signal = build_picture(date=TODAY).signals.get(stream="group:public-order", rank=1)
    assert (signal.replicates, signal.is_fitted) == (500, True)
    assert NullPool.objects.for_night("group:public-order", TODAY + dt.timedelta(days=15)) is None


def test_along_streets_only_where_the_operator_has_chosen_so(world, noise, settings):
    """Seven cells in a line, two cases each: a disk around them holds three times as many cells."""
    quiet_year(world.police, noise, 400)
    west = h3.latlng_to_cell(51.68, 7.80, 9)
    i, j = h3.cell_to_local_ij(west, west)
    line = [h3.local_ij_to_cell(west, i + step, j) for step in range(7)]
    for cell in line:
        lat, lon = h3.cell_to_latlng(cell)
        cluster(world.police, noise, 2, place=(lon, lat))
    plain = build_picture(date=TODAY)
    watch = load_watch()
    pool = renew_pool(key="group:public-order", date=TODAY, watch=watch, field=load_field(TODAY, watch), size=300)
    settings.SCAN_STREETS = True
    along = build_picture(date=TODAY)
    assert (along.revision, build_picture(date=TODAY).pk) == (plain.revision + 1, along.pk)
    before, after = (p.signals.get(stream="group:public-order", rank=1) for p in (plain, along))
    assert after.llr > before.llr
    assert set(after.cells) <= set(line)
    # A pool of disks says nothing of streets, and the other way round.
    assert after.replicates != pool.size
    streets = renew_pool(key="group:public-order", date=TODAY, watch=watch, field=load_field(TODAY, watch), size=350)
    assert streets.values().mean() > pool.values().mean()
    night = Night.objects.latest("pk")
    part = scan_part(night=night, key="group:public-order", watch=watch, field=load_field(TODAY, watch))
    assert part.result["replicates"] == 350


def test_no_pool_is_drawn_where_there_is_nothing_to_scan(world, noise):
    factories.make_incident(world.police, category=noise)
    assert renew_null_pool("group:public-order", TODAY.isoformat()) == 0
    assert not NullPool.objects.exists()


def test_the_worker_scans_the_streams_and_publishes(world, noise, eager_tasks):
    quiet_year(world.police, noise)
    cluster(world.police, noise, 12)
    rebuild_nightly.delay(TODAY.isoformat())
    picture = Picture.objects.published().get()
    assert alarms(picture)
    night = Night.objects.get()
    assert (night.state, night.done) == ("published", len(night.streams))
    rebuild_nightly.delay(TODAY.isoformat())
    assert Picture.objects.published().get() == picture


def test_several_groups_with_little_each_are_seen_together(world):
    categories = [factories.make_category(slug, group=slug) for slug in ("noise", "theft", "fire")]
    for category in categories:
        quiet_year(world.police, category, 40, first=30)
        cluster(world.police, category, 4)
    picture = build_picture(date=TODAY)
    joint = picture.signals.get(stream="joint:incident", rank=1)
    assert joint.is_alarm
    assert joint.count is None
    assert {part["label"] for part in joint.parts} == {"Noise", "Theft", "Fire"}
    assert joint.finding.subject == "Mehrere Vorfallgruppen gemeinsam"
    # All of it comes from one agency.
    assert not joint.is_merged_only
    assert signal_sentences(joint)[2] == "Hier fallen mehrere Gruppen zugleich auf."


def test_a_joint_search_that_repeats_one_stream_is_no_finding_of_its_own(world):
    for slug in ("noise", "theft"):
        quiet_year(world.police, factories.make_category(slug, group=slug), 40)
    cluster(world.police, factories.make_category("noise"), 14)
    picture = build_picture(date=TODAY)
    assert {signal.stream for signal in alarms(picture)} == {"group:noise", "joint:incident"}
    assert len({signal.finding_id for signal in alarms(picture)}) == 1
    assert not picture.signals.get(stream="joint:incident", rank=1).is_merged_only
    assert [row["stream"] for row in picture.parameters["signals"]["alarms"]] == ["Noise"]
    assert "weiteres Signal" not in picture.statements[0]


def test_page_and_dossier_show_the_signal(world, noise, signed_in, django_assert_max_num_queries):
    quiet_year(world.police, noise)
    client = signed_in(world.chair)
    build_picture(date=TODAY)
    with django_assert_max_num_queries(60) as without:
        page = client.get(reverse("lagebild:picture")).content.decode()
    assert "etwas gewachsen, das über den Zufall hinausgeht" in page
    cluster(world.police, noise, 12)
    finding = alarms(build_picture(date=TODAY))[0].finding
    with django_assert_max_num_queries(len(without.captured_queries) + 1):
        page = client.get(reverse("lagebild:picture")).content.decode()
    assert reverse("lagebild:finding", args=[finding.pk]) in page
    assert "neues Signal, Public-Order, 12 statt etwa 2,2 Meldungen" in page
    dossier = client.get(reverse("lagebild:finding", args=[finding.pk])).content.decode()
    assert "Signal vom 22.11.2026" in dossier
    assert "12 Meldungen gezählt; nach dem Verlauf der letzten zwölf Monate wären etwa 2,2 zu erwarten" in dossier
    assert "Mindestens eine Behörde hätte das Signal auch allein erkannt." in dossier


@pytest.mark.parametrize("who", ["stranger", "suspended", "inactive"])
def test_nobody_without_an_active_membership_reads_signals(world, noise, signed_in, client, who):
    quiet_year(world.police, noise)
    cluster(world.police, noise, 12)
    finding = alarms(build_picture(date=TODAY))[0].finding
    if who == "inactive":
        world.chair.is_active = False
        world.chair.save()
    user = {"suspended": world.suspended, "inactive": world.chair}.get(who)
    if user is not None:
        client = signed_in(user)
    for address in (reverse("lagebild:picture"), reverse("lagebild:finding", args=[finding.pk])):
        text = client.get(address).content.decode()
        assert "Public-Order" not in text
        assert "Hauptbahnhof" not in text
