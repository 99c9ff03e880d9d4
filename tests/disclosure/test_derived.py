"""What signals, forms, hours, checks of the map, dangers and looks back tell is a function of the shared faces.

The linear-programming attacker of `tests.disclosure.attacker` is given every cooperation face and every released
atom. A city is read here twice, the second time with everything else changed: what is internal, counted only in the
block that is running, granted, delivered, of a suspended agency, and where within its cell a shared record lies.
Nothing that is told differs, so these surfaces give the attacker no equation it does not have. The one exception,
repeats of a defect at one agency, is held by `tests.lagebild.test_retrospect`.
"""

import datetime as dt
import itertools

import h3.api.basic_int as h3
import pytest
from django.db import transaction

from agencies import sharing
from agencies.visibility import SharingLevel
from incidents.geo import cell_center
from incidents.models import Area, AreaKind, CountDelivery, Incident, Kind
from lagebild import retrospect_search
from lagebild.actions import build_picture
from lagebild.danger_actions import preview
from lagebild.danger_checks import check_dangers
from lagebild.danger_models import Danger, DangerRule, Reach
from lagebild.models import Finding
from lagebild.retrospect import ask
from lagebild.retrospect_models import Retrospect
from lagebild.stream_sets import alarm_streams
from lagebild.tasks import look_back
from tests import factories
from tests.lagebild import phenomena_cases as planted
from tests.lagebild.phenomena_cases import NOON, TODAY

DAY = dt.timedelta(days=1)
# Days of the block that is running: nothing of its protected part is told yet.
RUNNING = 3
PICTURE_ROWS = {
    "cells": ("group__slug", "cell", "count", "disk_count", "expected", "p_value", "ramp"),
    "trends": ("area__slug", "group__slug", "current", "weeks", "week_state", "week_count", "week_low", "week_high"),
    "sightings": ("cells", "count", "expected", "status_word", "is_merged_only", "agencies"),
    "signals": ("stream", "cells", "days", "count", "expected", "llr", "p_value", "is_merged_only", "agencies"),
    "phenomena": ("form", "cells", "count", "expected", "p_value", "is_merged_only", "agencies", "evidence"),
    "timeprofiles": ("group__slug", "finding__number", "hours", "timed", "untimed", "peak_share"),
}


@pytest.fixture(autouse=True)
def _day(time_machine, monkeypatch):
    time_machine.move_to(NOON, tick=False)
    monkeypatch.setattr(retrospect_search, "REPLICATES", 99)


@pytest.fixture
def city(world):
    """Three agencies' faces: a quiet year, a growing modus, a cluster, reports of a defect, and a rule of dangers."""
    fires = factories.make_category("small-fire", group="fire-rescue", label="Kleinbrand")
    rescue = factories.make_category("rescue", group="fire-rescue", label="Hilfeleistung")
    waste = factories.make_category("c-waste", kind=Kind.COMPLAINT, group="waste", is_defect=True)
    agencies = (world.police, world.order, world.fire)
    for seed, agency in enumerate(agencies, start=1):
        planted.quiet(agency, fires, 90, seed=seed)
        planted.quiet(agency, rescue, 200, seed=10 + seed)
        planted.quiet(agency, waste, 30, seed=20 + seed)
        spots = [(factories.STATION, planted.at(TODAY - DAY * day, 14)) for day in (0, 1, 2, 3)]
        planted.write(agency, rescue, spots)
        planted.write(agency, waste, spots[:1])
    planted.modus(agencies, fires, 4)
    rule = {"categories": ["rescue"], "count": 4, "window_days": 7, "reach": Reach.CELL}
    DangerRule.objects.create(agency=world.siko, name="Häufung", good="life", **rule)
    return {"fires": fires, "rescue": rescue, "waste": waste}


def change_what_is_not_shared(world, city) -> None:
    rescue = city["rescue"]
    hot = [(factories.STATION, planted.at(TODAY - DAY * (index % RUNNING), 3)) for index in range(12)]
    planted.write(world.police, rescue, hot, sharing_level=SharingLevel.INTERNAL)
    planted.write(world.order, rescue, hot, sharing_level=SharingLevel.STATISTICS)
    planted.write(world.tax, rescue, hot)
    record = factories.make_incident(world.police, category=rescue, occurred_from=NOON - DAY)
    sharing.grant(record=record, to=world.partner.agency, by=world.owner_release)
    whole = Area.objects.filter(kind=AreaKind.DISTRICT).first()
    period = {"period_start": TODAY - 2 * DAY, "period_end": TODAY}
    CountDelivery.objects.create(agency=world.customs, category=rescue, area=whole, count=40, **period)
    children = itertools.cycle(range(7))
    details = Incident.detail_model().objects.filter(record__sharing_level=SharingLevel.COOPERATION)
    for detail in details.select_related("record"):
        inside = sorted(h3.cell_to_children(detail.record.cell, 10))[next(children)]
        detail.cell, (detail.lon, detail.lat) = inside, cell_center(inside)
        detail.save(update_fields=("cell", "lon", "lat"))


def told(world) -> dict:
    """Everything these surfaces store or answer, by name."""
    picture = build_picture(date=TODAY)
    found = {name: list(getattr(picture, name).order_by(*of[:2]).values_list(*of)) for name, of in PICTURE_ROWS.items()}
    check_dangers()
    dangers = Danger.objects.order_by("finding__number")
    found |= {"statements": picture.statements, "self_check": picture.parameters["self_check"], "hash": picture.sha256}
    found["inputs"] = picture.input_sha256
    found["dangers"] = list(dangers.values_list("parts", "cells", "agencies", "first_at", "last_at"))
    found["preview"] = preview(DangerRule.objects.get(), by=world.partner)
    found["findings"] = list(Finding.objects.order_by("number").values_list("kind", "subject", "place_label", "status"))
    for stream in alarm_streams():
        found[stream.id] = _looked_back(world, stream)
    return found


def undone(read, world) -> dict:
    """What is read, with nothing left that a second reading could find."""
    with transaction.atomic():
        found = read(world)
        transaction.set_rollback(True)
    return found


def _looked_back(world, stream) -> list:
    first, last = TODAY - 200 * DAY, TODAY - DAY
    asked = ask(stream=stream, first=first, last=last, longest=28, by=world.partner)
    assert look_back(str(asked.pk)) == "done"
    asked = Retrospect.objects.get(pk=asked.pk)
    rows = asked.clusters.order_by("rank").values_list("cells", "count", "expected", "p_value", "agencies")
    return [asked.cases, asked.first_case_on, asked.input_sha256, *rows]


def test_what_is_derived_is_a_function_of_the_shared_faces(world, city):
    before = undone(told, world)
    assert {name for name in ("signals", "phenomena", "timeprofiles", "dangers") if not before[name]} == set()
    change_what_is_not_shared(world, city)
    after = undone(told, world)
    assert [name for name in before if before[name] != after[name]] == []
