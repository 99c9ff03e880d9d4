"""Looks at phenomena: each planted form is found, and what must not count does not."""

import datetime as dt

import pytest
from django.utils import timezone

from agencies.models import Membership, MembershipStatus
from agencies.visibility import SharingLevel
from incidents.models import Kind
from lagebild import nights
from lagebild.nights import begin_night, load_watch, look_part
from lagebild.phenomena.looks import load_look, look_keys
from lagebild.phenomena.search import look_for
from lagebild.selectors import load_city
from tests import factories
from tests.lagebild import phenomena_cases as planted
from tests.lagebild.phenomena_cases import NOON, TODAY

MODUS, SHIFT, NEAR, CHAIN = "form:modus:incident", "form:shift:incident", "form:near_repeat:incident", "form:chain"


@pytest.fixture(autouse=True)
def _day(time_machine):
    time_machine.move_to(NOON, tick=False)


@pytest.fixture
def fires(world):
    return factories.make_category("small-fire", group="fire-rescue", label="Kleinbrand")


@pytest.fixture
def others(world):
    """The rest of the stream the fires are part of."""
    return factories.make_category("rescue", group="fire-rescue", label="Hilfeleistung")


@pytest.fixture
def damage(world):
    """A group of its own, with little in it."""
    return factories.make_category("damage", group="damage", label="Sachbeschädigung")


@pytest.fixture
def noise(world):
    return factories.make_category("c-noise", kind=Kind.COMPLAINT, group="noise-order", label="Lärm")


@pytest.fixture
def quiet_city(world, fires, others, damage, noise):
    """A year in which nothing recurs: three agencies, three groups."""
    for seed, agency in enumerate((world.police, world.order, world.fire), start=1):
        planted.quiet(agency, fires, 90, seed=seed)
        planted.quiet(agency, others, 300, seed=10 + seed)
        planted.quiet(agency, damage, 40, seed=30 + seed)
        planted.quiet(agency, noise, 100, seed=20 + seed)


def look(key: str, date: dt.date = TODAY) -> dict:
    return look_for(load_look(key, date, load_watch(), load_city()))


def found(key: str, date: dt.date = TODAY) -> list[dict]:
    return look(key, date)["found"]


@pytest.mark.parametrize(
    ("begins", "lasts", "hours"),
    [
        ("2026-11-20 05:59", None, 0),
        ("2026-11-20 06:00", None, 1),
        ("2026-11-20 11:59", 240, 1),
        ("2026-11-20 12:00", None, 2),
        ("2026-11-20 18:00", None, 3),
        ("2026-11-20 22:00", None, 0),
        ("2026-07-20 21:59", None, 3),
        ("2026-11-20 06:00", 241, -1),
    ],
)
def test_the_time_of_day_is_that_of_the_local_beginning(world, fires, begins, lasts, hours):
    at = timezone.make_aware(dt.datetime.fromisoformat(begins))
    to = at + dt.timedelta(minutes=lasts) if lasts else None
    factories.make_incident(
        world.police, category=fires, occurred_from=at, occurred_to=to, sharing_level=SharingLevel.COOPERATION
    )
    (row,) = load_look(MODUS, TODAY, load_watch(), load_city()).rows[Kind.INCIDENT]
    assert list(row[-2:]) == [fires.pk, hours]


@pytest.mark.parametrize("key", look_keys())
def test_a_quiet_year_raises_nothing(quiet_city, key):
    result = look(key)
    assert result["found"] == []
    assert result["tests"] == (2 if key == CHAIN else 3)


def test_a_modus_that_grows_all_over_the_city_is_found(world, fires, quiet_city):
    planted.modus((world.police, world.order, world.fire), fires, 7)
    (one,) = found(MODUS)
    assert (one["stream"], one["category"], one["hours"]) == ("group:fire-rescue", fires.pk, "night")
    assert one["count"] >= 21
    assert one["expected"] < 10
    assert one["p"] <= look(MODUS)["level"]
    assert one["evidence"]["places"] >= 6
    assert {row["district"] for row in one["evidence"]["districts"]} == {"West", "Ost"}
    assert sum(row["recent"] for row in one["evidence"]["districts"]) == one["count"]
    assert one["first"] == "2026-10-26"


def test_a_modus_of_three_agencies_is_seen_by_none_of_them_alone(world, fires, quiet_city):
    planted.modus((world.police, world.order, world.fire), fires, 4)
    assert found(MODUS)[0]["alone"] == []
    planted.modus((world.police,), fires, 30)
    assert found(MODUS)[0]["alone"] == [world.police.pk]


def test_a_modus_at_one_place_is_no_phenomenon(world, fires, quiet_city):
    planted.write(world.police, fires, [(factories.STATION, planted.at(TODAY, 2))] * 20)
    assert found(MODUS) == []


def test_a_time_that_is_not_known_is_no_modus(world, fires, quiet_city):
    last = NOON + dt.timedelta(hours=11)
    planted.modus((world.police, world.order, world.fire), fires, 7, hour=0, occurred_to=last)
    assert found(MODUS) == []


def test_a_shift_is_found_with_both_places(world, others, quiet_city):
    planted.shift((world.police, world.order), others, 16)
    (one,) = found(SHIFT)
    fading, growing = one["evidence"]["fading"], one["evidence"]["growing"]
    assert fading["before"] - fading["after"] >= 28
    assert growing["after"] - growing["before"] >= 28
    assert not set(fading["cells"]) & set(growing["cells"])
    assert one["evidence"]["distance_m"] < 1500
    assert one["evidence"]["turned"] == "2026-08-31"


def test_near_repeats_are_found_with_their_chains(world, damage, quiet_city):
    planted.near([world.police, world.order], damage, 40)
    (one,) = found(NEAR)
    assert one["count"] >= 40
    assert one["count"] > 1.5 * one["expected"]
    assert one["evidence"]["days"] in (7, 14)
    bands = {(band["ring"], band["from_days"]): band for band in one["evidence"]["bands"]}
    assert bands[0, 1]["pairs"] > 2 * bands[0, 1]["expected"]
    assert one["evidence"]["chains"][0]["cases"] >= 3
    assert one["first"] == "2026-07-01"


def test_complaints_that_precede_incidents_are_found_with_their_weeks(world, noise, damage, quiet_city):
    planted.chain(world.order, world.police, noise, damage, 12)
    (one,) = found(CHAIN)
    assert (one["stream"], one["second"]) == ("group:noise-order", "group:damage")
    assert one["evidence"]["lag"] == 3
    assert one["alone"] == []
    assert max(one["evidence"]["by_lag"]) == one["evidence"]["by_lag"][2]


@pytest.fixture
def kinds(fires, others, damage, noise):
    return {category.slug: category for category in (fires, others, damage, noise)}


PLANTED = {
    MODUS: lambda w, kinds, **f: planted.modus((w.police, w.order, w.fire), kinds["small-fire"], 7, **f),
    SHIFT: lambda w, kinds, **f: planted.shift((w.police, w.order), kinds["rescue"], 16, **f),
    NEAR: lambda w, kinds, **f: planted.near([w.police, w.order], kinds["damage"], 40, **f),
    CHAIN: lambda w, kinds, **f: planted.chain(w.order, w.police, kinds["c-noise"], kinds["damage"], 12, **f),
}


@pytest.mark.parametrize("level", [SharingLevel.INTERNAL, SharingLevel.STATISTICS])
@pytest.mark.parametrize("key", PLANTED)
def test_what_is_not_seen_one_by_one_never_counts(world, kinds, quiet_city, key, level):
    city, watch = load_city(), load_watch()
    before = load_look(key, TODAY, watch, city).sha256
    PLANTED[key](world, kinds, sharing_level=level)
    assert load_look(key, TODAY, watch, city).sha256 == before
    assert found(key) == []


@pytest.mark.parametrize("key", PLANTED)
def test_records_of_a_suspended_agency_leave(world, kinds, quiet_city, key):
    PLANTED[key](world, kinds)
    assert found(key)
    Membership.objects.filter(agency=world.police).update(status=MembershipStatus.SUSPENDED)
    assert all(str(world.police.pk) not in one["agencies"] for one in found(key))
    Membership.objects.filter(agency__in=(world.order, world.fire)).update(status=MembershipStatus.SUSPENDED)
    assert found(key) == []


@pytest.mark.parametrize("fields", [{"origin": "control"}, {"geo": "G"}, {"in_picture": False}])
def test_controls_area_categories_and_uncounted_ones_are_never_looked_at(world, others, quiet_city, fields):
    kind = factories.make_category("checks", group="fire-rescue", **fields)
    planted.modus((world.police, world.order, world.fire), kind, 7)
    planted.near([world.police, world.order], kind, 40)
    planted.shift((world.police, world.order), kind, 16)
    assert [found(key) for key in (MODUS, NEAR, SHIFT)] == [[], [], []]


def test_sensitive_categories_have_no_modus(world, quiet_city):
    """As they have no hours anywhere else."""
    kind = factories.make_category("drones", group="fire-rescue", is_sensitive=True)
    planted.modus((world.police, world.order, world.fire), kind, 7)
    assert found(MODUS) == []


def test_repeated_reports_of_one_defect_are_no_near_repeats(world, quiet_city):
    waste, fear = (
        factories.make_category(slug, kind=Kind.COMPLAINT, group=slug, is_defect=slug == "waste")
        for slug in ("waste", "fear")
    )
    for category in (waste, fear):
        planted.quiet(world.order, category, 30, last=planted.QUARTER_END, days=90)
        for place in planted.spots(30, seed=31):
            day = planted.QUARTER_END - dt.timedelta(days=20 + int(place[0] * 1e6) % 60)
            planted.write(
                world.order, category, [(place, planted.at(day + dt.timedelta(days=d), 14)) for d in (0, 3, 6)]
            )
    assert [one["stream"] for one in found("form:near_repeat:complaint")] == ["group:fear"]


@pytest.mark.parametrize("key", PLANTED)
def test_a_look_is_the_same_every_time(world, kinds, quiet_city, key):
    PLANTED[key](world, kinds)
    assert look(key) == look(key)


@pytest.mark.parametrize("key", PLANTED)
def test_a_look_at_the_same_cases_is_not_made_again_the_next_night(world, kinds, quiet_city, key, monkeypatch):
    PLANTED[key](world, kinds)
    watch, city = load_watch(), load_city()
    first = look_part(night=begin_night(TODAY), key=key, watch=watch, city=city)
    monkeypatch.setattr(nights, "look_for", None)
    # Records of the days after the look change nothing.
    planted.quiet(world.police, kinds["damage"], 30, last=TODAY + dt.timedelta(days=6), days=6)
    again = look_part(night=begin_night(TODAY + dt.timedelta(days=6)), key=key, watch=watch, city=city)
    assert (again.pk != first.pk, again.result) == (True, first.result)
    monkeypatch.undo()
    planted.quiet(world.police, kinds["damage"], 30, last=planted.QUARTER_END, days=20, seed=77)
    assert load_look(key, TODAY, watch, city).sha256 != first.input_sha256
