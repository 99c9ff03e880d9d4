"""What others can read of the real portal does not depend on what the protected counts hide.

The same city is built several times, alike but for the counted-only records of the police, and read through every
address by everybody who is not the police: pages, layers, files, prints and the interface, after three nights, a late
record that makes a revision, a frozen edition, a meeting and a measure.
"""

import datetime as dt
import itertools
import os
import re
from collections.abc import Callable

import numpy as np
import pytest
from django.db import connection, transaction
from django.utils import timezone

from agencies.visibility import SharingLevel
from incidents.models import DeliveredWeek, Incident
from lagebild.actions import build_picture
from lagebild.models import AtomFamily, Picture, ReleasedAtom
from tests import factories
from tests.access import stage as staging
from tests.access.routes import API_ROWS, PAGE_ROWS
from tests.access.stage import EXACT, Stage, body_of
from tests.access.test_routes import address
from tests.conftest import World

pytestmark = pytest.mark.django_db

NOON = dt.datetime(2026, 11, 22, 12, tzinfo=dt.UTC)
READERS = {"partner_release", "partner write"}
# What may be chosen where the picture is read; every night and revision goes with it.
FILTERS = {
    "lagebild:picture": ("art=incident", "art=complaint", "gruppe=incident-group", "bezirk=west", "bezirk=ost"),
    "lagebild:cells": ("gruppe=incident-group", "art=incident"),
    "lagebild:findings": ("art=incident", "bezirk=west"),
    "api:cells-list": ("group=incident-group", "district=west", "district=ost", "significant=true", "page_size=500"),
    "api:trends-list": ("group=incident-group", "area=west", "area=ost", "area=stadt", "kind=incident"),
}
OF_PICTURE = {
    "lagebild:picture": "stand",
    "lagebild:cells": "stand",
    "api:cells-list": "picture",
    "api:trends-list": "picture",
}
# A new secret with every look.
NEW_EACH_TIME = {"factor_totp"}
VOLATILE = (
    re.compile(rb'name="csrfmiddlewaretoken" value="[^"]*"'),
    re.compile(rb'X-CSRFToken": ?"[^"]*"'),
)
# Complete blocks, and the block that is still running.
OLD, RUNNING = 60, 5
ELSEWHERE, FURTHER = (7.79, 51.664), (7.86, 51.685)


def counted_only(world: World, days_ago: int, number: int, place=EXACT) -> None:
    for _ in range(number):
        moment = timezone.now() - dt.timedelta(days=days_ago)
        factories.make_incident(world.police, sharing_level=SharingLevel.STATISTICS, place=place, occurred_from=moment)


def baseline(world: World) -> None:
    """The police delivers every week; weeks of seven are told, a week of one is not."""
    monday = dt.date(2026, 11, 16)
    for agency, week in itertools.product((world.police, world.order), range(60)):
        DeliveredWeek.objects.create(agency=agency, week=monday - dt.timedelta(weeks=week), basis="records")
    for days_ago in (OLD, OLD + 28, OLD + 56):
        counted_only(world, days_ago, 7)
    counted_only(world, OLD + 7, 1, ELSEWHERE)


def other(world: World) -> None:
    """What is withheld lies elsewhere, is of another week, there is one more, and many in the block that is running."""
    withheld().update(occurred_from=NOON - dt.timedelta(days=OLD + 14))
    counted_only(world, OLD + 7, 1, FURTHER)
    counted_only(world, OLD + 35, 1, ELSEWHERE)
    counted_only(world, RUNNING, 9)


def told(world: World) -> None:
    """One more where seven are told."""
    counted_only(world, OLD, 1)


def withheld():
    day = NOON - dt.timedelta(days=OLD + 7)
    return Incident.objects.filter(sharing_level=SharingLevel.STATISTICS, occurred_from__date=day.date())


class _Dice:
    """Random bytes that repeat."""

    def __init__(self) -> None:
        self.throw(1)

    def throw(self, seed: int) -> None:
        self._rng = np.random.default_rng(seed)

    def __call__(self, number: int) -> bytes:
        return self._rng.bytes(number)


def restart_sequences() -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT setval(oid::regclass, 1000000) FROM pg_class "
            "WHERE relkind = 'S' AND relnamespace = 'public'::regnamespace"
        )


@pytest.fixture(scope="module")
def city(django_db_setup, django_db_blocker):
    """Call it with a change of the records: the stage as others find it, kept to the end of the `with` block."""
    patch = pytest.MonkeyPatch()
    dice = _Dice()
    patch.setattr(os, "urandom", dice)
    original = staging.make_background

    def build(change: Callable[[World], None]) -> Stage:
        def background(world: World) -> None:
            original(world)
            baseline(world)
            change(world)
            dice.throw(2)
            factories._numbers = itertools.count(1_000)
            for days_ago in (2, 1):
                build_picture(date=timezone.localdate() - dt.timedelta(days=days_ago))
            staging.factories.make_incident(
                world.fire, sharing_level=SharingLevel.COOPERATION, occurred_from=NOON - dt.timedelta(days=90)
            )
            build_picture(date=timezone.localdate() - dt.timedelta(days=1))

        patch.setattr(staging, "make_background", background)
        patch.setattr(staging, "RUNNING_NUMBERS", itertools.count(1_900_000_001))
        factories._numbers = itertools.count(1)
        dice.throw(1)
        restart_sequences()
        return staging.build_stage()

    with django_db_blocker.unblock():
        yield build
    patch.undo()


@pytest.fixture(autouse=True)
def _noon(time_machine):
    time_machine.move_to(NOON, tick=False)


def read_everything(stage: Stage) -> dict[str, bytes]:
    """Every answer to a GET that opens, by reader and address."""
    found = {}
    for row in (*PAGE_ROWS, *API_ROWS):
        for who in row.expected.keys() & READERS if row.method == "GET" and row.route not in NEW_EACH_TIME else ():
            if row.expected[who] == "200":
                for url in _addresses(stage, row):
                    answer = stage.pull(who, url) if row in API_ROWS else stage.ask(who, "GET", url)
                    found[f"{who} {url}"] = _bytes(answer)
    return found


def _addresses(stage: Stage, row) -> list[str]:
    choices = list(FILTERS.get(row.route, ()))
    if name := OF_PICTURE.get(row.route):
        choices += [f"{name}={pk}" for pk in Picture.objects.order_by("date", "revision").values_list("pk", flat=True)]
    url = address(stage, row)
    return [url, *(f"{url}?{choice}" for choice in choices)]


def _bytes(response) -> bytes:
    body = f"{response.status_code} ".encode() + body_of(response)
    for pattern in VOLATILE:
        body = pattern.sub(b"", body)
    return body


def differing(one: dict[str, bytes], other: dict[str, bytes]) -> list[str]:
    assert one.keys() == other.keys()
    return [name for name in one if one[name] != other[name]]


@pytest.fixture(scope="module")
def answers(city, django_db_blocker):
    """Everything others read in the city as changed, read once."""
    known: dict[Callable[[World], None], dict[str, bytes]] = {}

    def read(change: Callable[[World], None]) -> dict[str, bytes]:
        if change not in known:
            with transaction.atomic():
                stage = city(change)
                known[change] = read_everything(stage)
                assert_shown_is_published(stage)
                transaction.set_rollback(True)
        return known[change]

    return read


def unchanged(world: World) -> None:
    pass


def assert_shown_is_published(stage: Stage) -> None:
    """Each number of the protected part is the sum of released atoms."""
    picture = stage.things.picture
    atoms = list(ReleasedAtom.objects.all())
    for trend in picture.trends.filter(area__kind="district"):
        of_area = [
            atom.count
            for atom in atoms
            if atom.family != AtomFamily.CELL and (atom.area_id, atom.group_id) == (trend.area_id, trend.group_id)
        ]
        assert trend.protected_current == sum(of_area)
    shown = Incident.objects.filter(
        sharing_level=SharingLevel.COOPERATION, occurred_from__gte=NOON - dt.timedelta(days=364)
    )
    for cell in picture.cells.filter(group__slug="incident-group"):
        of_cell = [a.count for a in atoms if a.family == AtomFamily.CELL and a.cell == cell.cell]
        assert cell.count == shown.filter(cell=cell.cell, agency__memberships__status="active").count() + sum(of_cell)


def test_no_byte_that_others_read_depends_on_what_is_withheld(answers):
    before = answers(unchanged)
    assert len(before) > 100
    assert differing(before, answers(other)) == []


def test_a_told_count_shows_where_the_picture_does_and_nowhere_else(answers):
    """The reading can fail: it finds the one case more where counts of seven are told."""
    changed = {name.split("?")[0] for name in differing(answers(unchanged), answers(told))}
    assert any(name.endswith("/lagebild/") for name in changed)
    assert any("/api/v1/trends/" in name for name in changed)
    assert not [name for name in changed if "/vorfaelle/" in name or "/beschwerden/" in name or "/behoerden/" in name]
