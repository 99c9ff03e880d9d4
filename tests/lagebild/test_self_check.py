"""Was the map right? An earlier picture against what came after it, by hand."""

import datetime as dt

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from agencies.keys import create_api_key
from agencies.models import KeyScope, Membership, MembershipStatus
from agencies.visibility import SharingLevel
from incidents.geo import SHARED_RESOLUTION, cell_at
from incidents.models import Incident
from lagebild.actions import build_picture, picture_sha256
from lagebild.models import Cell, Picture
from lagebild.selectors import load_city
from tests import factories

TODAY = dt.date(2026, 11, 22)
THEN = TODAY - dt.timedelta(days=28)
FAR = (7.8500, 51.6900)
OTHER = (7.8300, 51.6650)


@pytest.fixture(autouse=True)
def _day(time_machine):
    time_machine.move_to(dt.datetime(2026, 11, 22, 12, tzinfo=dt.UTC), tick=False)


def shared(agency, number: int, *, days_ago: int, place=factories.STATION, **fields) -> None:
    """So many records on one day."""
    fields.setdefault("sharing_level", SharingLevel.COOPERATION)
    for _ in range(number):
        when = timezone.now() - dt.timedelta(days=days_ago)
        factories.make_incident(agency, place=place, occurred_from=when, **fields)


def earlier_map(agency, date: dt.date = THEN) -> Picture:
    """A cluster at the station and some cases elsewhere, all before `date`."""
    back = (TODAY - date).days
    shared(agency, 20, days_ago=back + 30)
    shared(agency, 2, days_ago=back + 40, place=OTHER)
    return build_picture(date=date)


def check(picture: Picture) -> dict:
    return picture.parameters["self_check"]


def only_row(picture: Picture) -> dict:
    (row,) = check(picture)["groups"]
    return row


def method_page(client) -> str:
    return client.get(reverse("lagebild:method")).content.decode()


def test_numbers_are_those_computed_by_hand(world, signed_in):
    before = earlier_map(world.police)
    marked = set(before.cells.filter(is_significant=True).values_list("cell", flat=True))
    station, far = (cell_at(*place, SHARED_RESOLUTION) for place in (factories.STATION, FAR))
    assert station in marked
    assert far not in marked
    shared(world.police, 9, days_ago=27)
    shared(world.police, 3, days_ago=0, place=FAR)
    row = only_row(build_picture(date=TODAY))
    area = len(marked) / load_city().grid.size
    assert (row["group"], row["cases"], row["hits"], row["cells"]) == ("incident-group", 12, 9, len(marked))
    assert row["hit_rate"] == 0.75
    assert row["area_share"] == pytest.approx(area, abs=1e-4)
    assert row["pai"] == pytest.approx(0.75 / area, abs=1e-3)
    # In hindsight the two cells with cases would have held all twelve; with one cell the nine.
    assert row["pei"] == pytest.approx(9 / (12 if len(marked) > 1 else 9), abs=1e-4)
    text = method_page(signed_in(world.partner))
    assert "Karte vom 25.10.2026, Meldungen vom 26.10.–22.11.2026" in text
    # Clopper and Pearson for 9 of 12.
    assert row["hit_rate_bounds"] == [0.4281, 0.9451]
    assert '75,0\N{NO-BREAK SPACE}% <span class="muted">(43–95)</span>' in text


def test_simple_map_takes_as_many_cells_with_most_before(world):
    """Marked is one cell of five; the simple map marks the one with most, which is another one."""
    before = earlier_map(world.police)
    group = before.cells.get(cell=cell_at(*factories.STATION, SHARED_RESOLUTION)).group
    Cell.objects.filter(picture=before).exclude(cell=cell_at(*factories.STATION, SHARED_RESOLUTION)).delete()
    far = cell_at(*FAR, SHARED_RESOLUTION)
    values = {"disk_count": 30, "expected": 1, "p_value": 1, "ramp": 5}
    Cell.objects.create(picture=before, group=group, cell=far, count=30, is_significant=False, **values)
    shared(world.police, 6, days_ago=5)
    shared(world.police, 4, days_ago=5, place=FAR)
    row = only_row(build_picture(date=TODAY))
    assert (row["cells"], row["cases"], row["hits"], row["simple_hits"]) == (1, 10, 6, 4)
    assert row["pei"] == 1
    assert row["simple_pai"] == pytest.approx(0.4 * load_city().grid.size, abs=1e-3)


def test_first_picture_has_nothing_to_check_and_says_so(world, signed_in):
    shared(world.police, 14, days_ago=3)
    picture = build_picture(date=TODAY)
    assert (check(picture)["map"], check(picture)["groups"]) == (None, [])
    text = method_page(signed_in(world.partner))
    assert "Es gab kein Lagebild, das vier bis acht Wochen älter ist." in text


def test_without_any_picture_the_page_says_when_it_comes(world, signed_in):
    assert "Das geschieht mit dem nächsten Lagebild." in method_page(signed_in(world.partner))


@pytest.mark.parametrize(("back", "used"), [(27, False), (28, True), (56, True), (57, False)])
def test_only_a_map_of_four_to_eight_weeks_before_is_judged(world, back, used):
    earlier_map(world.police, TODAY - dt.timedelta(days=back))
    assert (check(build_picture(date=TODAY))["map"] is not None) is used


def test_the_next_older_map_serves_where_none_is_just_four_weeks_old(world):
    for back in (50, 33):
        earlier_map(world.police, TODAY - dt.timedelta(days=back))
    found = check(build_picture(date=TODAY))["map"]
    assert found == {"date": (TODAY - dt.timedelta(days=33)).isoformat(), "revision": 1}


def test_what_the_map_knew_itself_does_not_judge_it(world):
    """Cases of the map's own day and before are no cases after it."""
    earlier_map(world.police)
    shared(world.police, 15, days_ago=28)
    assert only_row(build_picture(date=TODAY))["cases"] == 0


def test_the_map_is_the_one_that_was_there_to_be_read(world):
    """A late delivery makes a second revision, which nobody could read in its night; the check stays as it was."""
    earlier_map(world.police)
    shared(world.police, 12, days_ago=5)
    today = build_picture(date=TODAY)
    Cell.objects.filter(picture__date=THEN).update(count=1)
    shared(world.police, 30, days_ago=29 + 364, place=FAR)
    assert build_picture(date=THEN).revision == 2
    again = build_picture(date=TODAY)
    assert check(again)["map"]["revision"] == 1
    assert check(again) == check(today)


def test_few_cases_give_no_quality(world, signed_in):
    earlier_map(world.police)
    shared(world.police, 9, days_ago=5)
    row = only_row(build_picture(date=TODAY))
    assert (row["cases"], row["hits"]) == (9, 9)
    text = method_page(signed_in(world.partner))
    assert "zu wenige Meldungen" in text
    assert "100,0\N{NO-BREAK SPACE}%" not in text


def test_map_that_marked_nothing_says_so(world, signed_in):
    shared(world.police, 2, days_ago=60)
    build_picture(date=THEN)
    shared(world.police, 12, days_ago=5)
    row = only_row(build_picture(date=TODAY))
    assert (row["cells"], row["pai"], row["pei"], row["simple_pai"]) == (0, None, None, None)
    assert "Die Karte hatte nichts hervorgehoben." in method_page(signed_in(world.partner))


def test_counted_are_the_cases_of_tonight(world):
    """Never internal or counted only, no control-driven, no area-only ones; suspended agencies no longer."""
    earlier_map(world.police)
    shared(world.order, 11, days_ago=5)
    for level in (SharingLevel.INTERNAL, SharingLevel.STATISTICS):
        shared(world.police, 12, days_ago=5, sharing_level=level)
    checks = factories.make_category("checks", group="incident-group", origin="control")
    family = factories.make_category("domestic", group="incident-group", geo="G", is_sensitive=True)
    shared(world.police, 12, days_ago=5, category=checks)
    shared(world.police, 12, days_ago=5, category=family)
    assert only_row(build_picture(date=TODAY))["cases"] == 11
    Membership.objects.filter(agency=world.order).update(status=MembershipStatus.SUSPENDED)
    assert only_row(build_picture(date=TODAY))["cases"] == 0


def test_deleted_and_late_records_change_the_next_check(world):
    earlier_map(world.police)
    shared(world.police, 11, days_ago=5)
    first = build_picture(date=TODAY)
    Incident.objects.filter(pk=Incident.objects.order_by("-occurred_from").first().pk).delete()
    second = build_picture(date=TODAY)
    shared(world.police, 3, days_ago=4)
    third = build_picture(date=TODAY)
    assert [only_row(picture)["cases"] for picture in (first, second, third)] == [11, 10, 13]
    assert [picture.revision for picture in (first, second, third)] == [1, 2, 3]


def test_incidents_and_complaints_are_judged_apart(world):
    earlier_map(world.police)
    shared(world.police, 4, days_ago=5)
    for _ in range(3):
        factories.make_complaint(world.order, sharing_level=SharingLevel.COOPERATION)
    rows = check(build_picture(date=TODAY))["groups"]
    assert [(row["kind"], row["group"], row["cases"]) for row in rows] == [
        ("complaint", "complaint-group", 3),
        ("incident", "incident-group", 4),
    ]


def test_same_records_and_map_give_the_same_picture(world):
    earlier_map(world.police)
    shared(world.police, 12, days_ago=5)
    first = build_picture(date=TODAY)
    assert build_picture(date=TODAY).pk == first.pk
    assert picture_sha256(first) == first.sha256


def test_a_map_that_comes_later_makes_a_new_revision(world):
    shared(world.police, 20, days_ago=60)
    first = build_picture(date=TODAY)
    build_picture(date=THEN)
    second = build_picture(date=TODAY)
    assert (second.revision, check(first)["map"], check(second)["map"]["revision"]) == (2, None, 1)


def test_check_is_part_of_the_hash(world):
    earlier_map(world.police)
    picture = build_picture(date=TODAY)
    picture.parameters["self_check"]["groups"][0]["hits"] += 1
    assert picture_sha256(picture) != picture.sha256


def test_only_members_read_the_check(world, signed_in):
    earlier_map(world.police)
    shared(world.police, 12, days_ago=5)
    build_picture(date=TODAY)
    for name in ("owner_entry", "partner", "stranger", "chair"):
        assert "Wie gut die Karte war" in method_page(signed_in(getattr(world, name)))
    for name in ("suspended", "guest"):
        assert "Wie gut die Karte war" not in method_page(signed_in(getattr(world, name)))
    for name in ("inactive", "data_protection", "admin"):
        answer = signed_in(getattr(world, name)).get(reverse("lagebild:method"))
        assert answer.status_code == (302 if name == "inactive" else 403)


def test_method_page_costs_the_same_however_many_groups_are_checked(world, signed_in, django_assert_num_queries):
    earlier_map(world.police)
    client = signed_in(world.partner)
    build_picture(date=TODAY)
    client.get(reverse("lagebild:method"))
    with CaptureQueriesContext(connection) as few:
        client.get(reverse("lagebild:method"))
    for number in range(3):
        kind = factories.make_category(f"kind-{number}", group=f"group-{number}")
        shared(world.police, 12, days_ago=5, category=kind)
    assert len(check(build_picture(date=TODAY))["groups"]) == 4
    with django_assert_num_queries(len(few.captured_queries)):
        client.get(reverse("lagebild:method"))


def test_interface_tells_members_the_check_and_nobody_else(world, client):
    earlier_map(world.police)
    shared(world.police, 12, days_ago=5)
    picture = build_picture(date=TODAY)
    for agency, by, status in ((world.fire, world.stranger, 200), (world.tax, world.suspended, 404)):
        _, key = create_api_key(agency=agency, scope=KeyScope.READ, label="Abruf", by=by)
        answer = client.get(f"/api/v1/pictures/{picture.pk}/", headers={"authorization": f"Api-Key {key}"})
        assert answer.status_code == status
        if status == 200:
            assert answer.json()["parameters"]["self_check"] == check(picture)
