"""Signals, the judgement of the last week and the picture's summary: as stored, for readers of the picture alone."""

import datetime as dt

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from agencies.keys import revoke_api_key
from agencies.models import KeyScope
from lagebild.actions import build_picture
from lagebild.models import Danger, DangerRule, Finding, Picture, Signal, Trend, WeekState
from tests import factories
from tests.api.conftest import problem_of
from tests.lagebild.test_signals import NOON, TODAY, cluster, quiet_year

TOMORROW = TODAY + dt.timedelta(days=1)


@pytest.fixture(autouse=True)
def _day(time_machine):
    time_machine.move_to(NOON, tick=False)


@pytest.fixture
def picture(world) -> Picture:
    """Three agencies with four cases each: a signal that none of them shows alone."""
    noise = factories.make_category("noise")
    for agency in (world.police, world.order, world.customs):
        quiet_year(agency, noise, 40, first=30)
        cluster(agency, noise, 4)
    return build_picture(date=TODAY)


def danger_of(world) -> Finding:
    finding = Finding.objects.create(
        number=90, kind="gefahr", subject="Messer", place_label="Innenstadt", first_seen_on=TODAY, last_seen_on=TODAY
    )
    rule = DangerRule.objects.create(
        agency=world.police, name="Messer", good="life", groups=["noise"], changed_by=world.owner_lead
    )
    Danger.objects.create(finding=finding, rule=rule, rule_words="x", good="life", first_at=NOON, last_at=NOON)
    return finding


def with_signal(caller) -> dict:
    return caller.rows("/findings/", {"has_signal": "true"})[0]


def copied(signal: Signal, picture: Picture, **changed) -> Signal:
    values = {field.attname: getattr(signal, field.attname) for field in Signal._meta.fields if field.name != "id"}
    return Signal.objects.create(**values | {"picture_id": picture.pk} | changed)


def test_findings_carry_the_signal_as_stored(world, caller_of, picture):
    stored = picture.signals.get(is_alarm=True)
    caller = caller_of(world.fire)
    finding = with_signal(caller)
    assert finding == caller.get(f"/findings/{stored.finding_id}/").json()
    assert finding["signals"] == [
        {
            "picture": str(picture.pk),
            "stream": "group:public-order",
            "label": "Public-Order",
            "kind": "incident",
            "first_day": stored.first_day.isoformat(),
            "last_day": TODAY.isoformat(),
            "days": stored.days,
            "center_cell": format(stored.center_cell, "x"),
            "cells": [format(cell, "x") for cell in stored.cells],
            "count": 12,
            "expected": stored.expected,
            "llr": stored.llr,
            "p_value": stored.p_value,
            "recurrence_nights": round(min(1 / stored.p_value, 1_000_000)),
            "is_fitted": stored.is_fitted,
            "is_merged_only": True,
            "agencies": sorted([world.police.slug, world.order.slug, world.customs.slug]),
            "parts": [],
        }
    ]


def test_several_groups_together_have_parts_and_no_sum(world, caller_of):
    for slug in ("noise", "theft", "fire"):
        category = factories.make_category(slug, group=slug)
        quiet_year(world.police, category, 40, first=30)
        cluster(world.police, category, 4)
    build_picture(date=TODAY)
    signal = with_signal(caller_of(world.fire))["signals"][0]
    assert (signal["stream"], signal["count"], signal["expected"]) == ("joint:incident", None, None)
    assert {(part["stream"], part["count"]) for part in signal["parts"]} == {
        ("group:noise", 4), ("group:theft", 4), ("group:fire", 4)
    }  # fmt: skip


def test_signals_are_those_of_the_last_picture_that_has_one(world, caller_of, picture):
    stored = picture.signals.get(is_alarm=True)
    later = Picture.objects.create(date=TOMORROW, state="published", code_version="x")
    caller = caller_of(world.fire)
    assert [row["picture"] for row in with_signal(caller)["signals"]] == [str(picture.pk)]
    copied(stored, later, rank=2, p_value=stored.p_value * 2)
    copied(stored, later, rank=1)
    Picture.objects.create(date=TOMORROW, revision=2, code_version="x")
    signals = with_signal(caller)["signals"]
    assert [row["picture"] for row in signals] == [str(later.pk)] * 2
    assert signals[0]["p_value"] < signals[1]["p_value"]


def test_a_signal_of_a_picture_that_is_being_built_is_not_there_yet(world, caller_of, picture):
    building = Picture.objects.create(date=TOMORROW, code_version="x")
    copied(picture.signals.get(is_alarm=True), building)
    assert [row["picture"] for row in with_signal(caller_of(world.fire))["signals"]] == [str(picture.pk)]
    assert caller_of(world.fire).rows("/findings/", {"signal_since": TOMORROW.isoformat()}) == []


def test_findings_are_found_by_their_signal(world, caller_of, picture):
    alarmed = str(picture.signals.get(is_alarm=True).finding_id)
    quiet = danger_of(world)
    caller = caller_of(world.fire)
    assert str(quiet.pk) in caller.ids("/findings/")
    assert caller.ids("/findings/", {"has_signal": "true"}) == [alarmed]
    assert alarmed not in caller.ids("/findings/", {"has_signal": "false"})
    assert str(quiet.pk) in caller.ids("/findings/", {"has_signal": "false"})
    assert caller.ids("/findings/", {"signal_since": TODAY.isoformat()}) == [alarmed]
    assert caller.ids("/findings/", {"signal_since": TOMORROW.isoformat()}) == []
    assert caller.ids("/findings/", {"kind": "gefahr", "has_signal": "true"}) == []
    row = caller.get(f"/findings/{quiet.pk}/").json()
    assert row["signals"] == []
    assert row["danger"]["good"] == "life"


@pytest.mark.parametrize(
    ("path", "name", "value"),
    [("/findings/", "has_signal", "ja"), ("/findings/", "signal_since", "gestern"), ("/trends/", "week_state", "hoch")],
)
def test_impossible_filters_are_refused_at_their_name(world, caller_of, path, name, value):
    problem = problem_of(caller_of(world.police).get(path, {name: value}), 400)
    assert [line["field"] for line in problem["errors"]] == [name]


def test_pictures_tell_their_signals_in_words(world, caller_of, picture):
    caller = caller_of(world.fire)
    row = caller.rows("/pictures/")[0]
    stored = picture.parameters["signals"]
    assert row["statements"] == picture.statements
    assert row["signals"] == stored
    assert row["signals"]["streams"] == 1
    assert row["signals"]["alarms"][0]["is_merged_only"]
    assert row["signals"]["alarms"][0]["finding"] == with_signal(caller)["id"]
    single = caller.get(f"/pictures/{picture.pk}/").json()
    assert (single["signals"], single["statements"]) == (stored, picture.statements)


@pytest.mark.parametrize("parameters", [{}, {"signals": {"streams": 3, "threshold_p": 0.001}}])
def test_a_picture_of_before_the_scan_has_no_signals(world, caller_of, parameters):
    Picture.objects.create(date=TODAY, state="published", code_version="x", parameters=parameters)
    assert caller_of(world.fire).rows("/pictures/")[0]["signals"] is None


def test_trends_judge_the_last_week(world, caller_of, picture):
    judged = Trend.objects.filter(area__kind="city").get()
    Trend.objects.filter(pk=judged.pk).update(
        week_state=WeekState.HIGH,
        week_method="farrington-3",
        week_count=31,
        week_expected=22.5,
        week_low=18,
        week_high=27,
    )
    Trend.objects.exclude(pk=judged.pk).update(week_state="")
    caller = caller_of(world.fire)
    rows = caller.rows("/trends/", {"week_state": "high"})
    names = ("week_state", "week_method", "week_count", "week_expected", "week_low", "week_high")
    assert [[row[name] for name in names] for row in rows] == [["high", "farrington-3", 31, 22.5, 18, 27]]
    assert caller.rows("/trends/", {"week_state": "low"}) == []
    assert {row["week_state"] for row in caller.rows("/trends/")} == {"high", None}


@pytest.mark.parametrize("agency", ["tax", "guest_agency"])
def test_who_does_not_read_the_picture_gets_nothing_of_it(world, caller_of, picture, agency):
    caller = caller_of(getattr(world, agency))
    finding = picture.signals.get(is_alarm=True).finding_id
    for path, query in (
        ("/findings/", {"has_signal": "true"}),
        ("/pictures/", {}),
        ("/trends/", {"week_state": "usual"}),
    ):
        body = caller.get(path, query)
        assert body.json()["results"] == []
        assert "group:" not in body.text
    for path in (f"/findings/{finding}/", f"/pictures/{picture.pk}/"):
        assert problem_of(caller.get(path), 404)["code"] == "not_found"


def test_a_key_counts_only_while_it_is_good_and_its_agency_active(world, caller_of, picture):
    caller = caller_of(world.police, KeyScope.READ)
    assert with_signal(caller)["signals"] == with_signal(caller_of(world.fire, KeyScope.WRITE))["signals"] != []
    world.police.memberships.update(status="suspended")
    assert caller.rows("/findings/") == []
    world.police.memberships.update(status="active")
    revoke_api_key(key=caller.key, by=world.owner_lead)
    for path in ("/findings/", "/pictures/", "/trends/"):
        problem_of(caller.get(path), 401)
        problem_of(caller.client.get(f"/api/v1{path}"), 401)


def test_findings_cost_the_same_for_one_signal_and_for_many(world, caller_of, picture):
    caller = caller_of(world.police)
    stored = picture.signals.get(is_alarm=True)

    def queries() -> int:
        with CaptureQueriesContext(connection) as captured:
            assert caller.get("/findings/").json()["results"]
        return len(captured)

    queries()
    few = queries()
    for number in range(20):
        finding = Finding.objects.create(
            number=100 + number,
            kind="brennpunkt",
            subject="x",
            place_label="y",
            first_seen_on=TODAY,
            last_seen_on=TODAY,
        )
        copied(stored, picture, finding_id=finding.pk, stream=f"set:{number}")
    assert len(caller.rows("/findings/", {"has_signal": "true"})) == 21
    assert queries() == few <= 12
