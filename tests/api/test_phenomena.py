"""Phenomena pulled by partner systems: their numbers and sentences, for members only."""

import pytest

from lagebild.actions import build_picture
from tests import factories
from tests.lagebild import phenomena_cases as planted


@pytest.fixture
def fires(world, time_machine):
    time_machine.move_to(planted.NOON, tick=False)
    fires = factories.make_category("small-fire", group="fire-rescue", label="Kleinbrand")
    rescue = factories.make_category("rescue", group="fire-rescue", label="Hilfeleistung")
    for seed, agency in enumerate((world.police, world.order, world.fire), start=1):
        planted.quiet(agency, fires, 90, seed=seed)
        planted.quiet(agency, rescue, 300, seed=10 + seed)
    planted.modus((world.police, world.order, world.fire), fires, 4)
    return build_picture(date=planted.TODAY)


def test_a_finding_shows_the_phenomenon_it_is(world, caller_of, fires):
    row = fires.phenomena.get()
    (finding,) = caller_of(world.fire).rows("/findings/", {"kind": "phaenomen"})
    assert (finding["subject"], finding["group"], finding["sighting"]) == ("Kleinbrand nachts", "fire-rescue", None)
    told = finding["phenomenon"]
    assert (told["form"], told["category"], told["hours"]) == ("modus", "small-fire", "night")
    assert (told["count"], told["is_merged_only"]) == (row.count, True)
    assert told["agencies"] == ["feuerwehr", "ordnungsamt", "polizei"]
    assert len(told["cells"]) == len(row.cells)
    assert told["sentences"][0].startswith("Vom 26.10.–22.11.2026 wurde „Kleinbrand“ nachts")
    others = caller_of(world.fire).rows("/findings/", {"kind": "brennpunkt"})
    assert {finding["phenomenon"] for finding in others} <= {None}


@pytest.mark.parametrize("agency", ["tax", "guest_agency"])
def test_no_phenomenon_leaves_the_circle_of_members(world, caller_of, fires, agency):
    answer = caller_of(getattr(world, agency)).get("/findings/", {"kind": "phaenomen"})
    assert b"Kleinbrand" not in answer.content
