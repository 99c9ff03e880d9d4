"""When a danger is there, without a database: places, windows, second conditions, episodes."""

import dataclasses
import datetime as dt
import random
from uuid import UUID

import h3.api.basic_int as h3
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lagebild.dangers import Condition, Face, Rule, find_episodes, parts_of

START = dt.datetime(2026, 11, 1, 12, tzinfo=dt.UTC)
CENTRE = h3.latlng_to_cell(51.6781, 7.8078, 9)
NEXT = sorted(h3.grid_ring(CENTRE, 1))[0]
OPPOSITE = h3.grid_ring(CENTRE, 1)
FAR = sorted(h3.grid_ring(CENTRE, 6))[0]
KNIFE, ROBBERY, NEEDLE = 1, 2, 3


def day(number: float) -> dt.datetime:
    return START + dt.timedelta(days=number)


def face(number: int, at: float, *, category: int = KNIFE, cell: int | None = CENTRE, **fields) -> Face:
    values = {"severity": 2, "agency": 1, "district": 7} | fields
    return Face(UUID(int=number), "incident", category, at=day(at), cell=cell, **values)


def rule(*conditions: Condition, days: float = 7, rings: int | None = 0, **fields) -> Rule:
    return Rule(conditions or (knives(3),), dt.timedelta(days=days), rings, **fields)


def knives(count: int, severity: int = 1) -> Condition:
    return Condition(frozenset({KNIFE}), severity, count)


def sizes(found) -> list[int]:
    return [len(episode.faces) for episode in found]


def test_a_single_grave_event_is_a_danger_and_a_lesser_one_is_none():
    grave = rule(knives(1, severity=4), days=1)
    assert sizes(find_episodes(grave, [face(1, 0, severity=4), face(2, 3, severity=3)])) == [1]


@pytest.mark.parametrize(
    ("times", "expected"),
    [
        ((0, 1, 2), [3]),
        ((0, 1, 6.99), [3]),
        ((0, 1, 7), []),
        ((0, 1), []),
        ((0, 0, 0), [3]),
        ((0, 6, 12), []),
    ],
    ids=["within", "just within", "the window excludes its beginning", "too few", "at once", "never together"],
)
def test_so_many_within_so_many_days(times, expected):
    assert sizes(find_episodes(rule(), [face(i, at) for i, at in enumerate(times)])) == expected


def test_other_categories_and_places_do_not_count():
    faces = [face(1, 0), face(2, 1), face(3, 2, category=ROBBERY), face(4, 2, cell=NEXT), face(5, 2, cell=None)]
    assert find_episodes(rule(), faces) == []


def test_neighbouring_cells_count_within_the_radius():
    faces = [face(1, 0), face(2, 1, cell=NEXT), face(3, 2, cell=FAR)]
    assert sizes(find_episodes(rule(knives(2), rings=1), faces)) == [2]
    assert find_episodes(rule(knives(3), rings=1), faces) == []


def test_any_record_may_be_the_centre_not_only_the_last():
    """Two cells that are two apart, and one between them."""
    first = OPPOSITE[0]
    last = next(cell for cell in OPPOSITE if h3.grid_distance(first, cell) == 2)
    faces = [face(1, 0, cell=first), face(2, 1, cell=CENTRE), face(3, 2, cell=last)]
    (episode,) = find_episodes(rule(rings=1), faces)
    assert (episode.place, len(episode.faces)) == (CENTRE, 3)


def test_districts_and_city_need_no_cell():
    faces = [face(1, 0, cell=None), face(2, 1, cell=None, district=8), face(3, 2, cell=None, district=None)]
    assert find_episodes(rule(knives(2), rings=None, by_district=True), faces) == []
    assert sizes(find_episodes(rule(rings=None), faces)) == [3]


def test_a_second_condition_must_be_met_in_the_same_place_and_window():
    both = rule(knives(1), Condition(frozenset({NEEDLE}), 1, 2))
    needles = [face(10, 1, category=NEEDLE), face(11, 2, category=NEEDLE)]
    assert find_episodes(both, needles) == []
    assert sizes(find_episodes(both, [*needles, face(1, 0)])) == [3]
    assert find_episodes(both, [*needles, face(1, 0, cell=NEXT)]) == []
    assert find_episodes(both, [*needles, face(1, -6)]) == []


def test_no_record_counts_for_both_conditions():
    twice = rule(knives(1), knives(1, severity=2))
    assert find_episodes(twice, [face(1, 0)]) == []
    assert sizes(find_episodes(twice, [face(1, 0), face(2, 1)])) == [2]
    assert sizes(find_episodes(twice, [face(1, 0, severity=1), face(2, 1)])) == [2]
    assert find_episodes(twice, [face(1, 0, severity=1), face(2, 1, severity=1)]) == []


def test_as_many_agencies_as_demanded():
    two = rule(knives(2), agencies=2)
    assert find_episodes(two, [face(1, 0), face(2, 1)]) == []
    assert sizes(find_episodes(two, [face(1, 0), face(2, 1, agency=2)])) == [2]


def test_what_follows_within_the_window_is_the_same_episode():
    faces = [face(i, at) for i, at in enumerate((0, 1, 2, 8, 8.5, 9))]
    assert sizes(find_episodes(rule(), faces)) == [6]


def test_what_comes_after_a_quiet_window_is_another_episode():
    faces = [face(i, at) for i, at in enumerate((0, 1, 2, 20, 21, 22))]
    found = find_episodes(rule(), faces)
    assert sizes(found) == [3, 3]
    assert [(one.first_at, one.last_at) for one in found] == [(day(0), day(2)), (day(20), day(22))]


def test_a_gap_longer_than_the_window_ends_the_episode_be_it_only_just():
    assert sizes(find_episodes(rule(), [face(i, at) for i, at in enumerate((0, 1, 2, 9, 10, 11))])) == [6]
    assert sizes(find_episodes(rule(), [face(i, at) for i, at in enumerate((0, 1, 2, 9.1, 10, 11))])) == [3, 3]


def test_two_places_are_two_episodes():
    faces = [face(i, i, cell=cell) for i, cell in enumerate((CENTRE, FAR) * 3)]
    assert sorted(episode.place for episode in find_episodes(rule(days=9), faces)) == sorted((CENTRE, FAR))


def test_a_single_record_more_belongs_to_the_episode_while_the_window_is_met():
    assert sizes(find_episodes(rule(), [face(i, at) for i, at in enumerate((0, 1, 2, 3))])) == [4]


def test_parts_name_categories_and_add_nothing_up():
    (episode,) = find_episodes(
        rule(knives(2), Condition(frozenset({NEEDLE}), 1, 1)), [face(1, 0), face(2, 1), face(3, 1, category=NEEDLE)]
    )
    assert parts_of(episode, {KNIFE: "Messer", NEEDLE: "Spritzen"}.get) == ["Messer: 2", "Spritzen: 1"]


@pytest.mark.parametrize("number", [0, 3])
def test_rules_have_one_or_two_conditions(number):
    with pytest.raises(ValueError, match="one or two"):
        Rule((knives(1),) * number, dt.timedelta(days=1), 0)


def test_a_window_has_a_length():
    with pytest.raises(ValueError, match="holds nothing"):
        rule(days=0)


CELLS = sorted(h3.grid_disk(CENTRE, 2))
FACES = st.lists(
    st.builds(
        lambda number, at, cell, category, agency: face(
            number, at, cell=CELLS[cell], category=category, agency=agency, district=cell % 3
        ),
        st.integers(0, 10**6),
        st.integers(0, 60),
        st.integers(0, len(CELLS) - 1),
        st.sampled_from((KNIFE, NEEDLE)),
        st.integers(1, 3),
    ),
    max_size=25,
    unique_by=lambda one: one.id,
)
RULES = st.builds(
    lambda first, second, days, place, agencies: Rule(
        (knives(first), *((Condition(frozenset({NEEDLE}), 1, second),) if second else ())),
        dt.timedelta(days=days),
        *((place, False) if place in (0, 1, 2) else (None, place == "district")),
        agencies,
    ),
    st.integers(1, 3),
    st.integers(0, 2),
    st.integers(1, 20),
    st.sampled_from((0, 1, 2, "district", "city")),
    st.integers(1, 2),
)


def told(found) -> list[tuple]:
    return [(episode.place, sorted(episode.faces)) for episode in found]


@given(RULES, FACES, st.randoms())
def test_the_order_of_the_faces_makes_no_difference(given_rule, faces, shuffled: random.Random):
    mixed = list(faces)
    shuffled.shuffle(mixed)
    assert told(find_episodes(given_rule, mixed)) == told(find_episodes(given_rule, faces))


@given(RULES, FACES, st.integers(-1000, 1000))
def test_a_shift_in_time_shifts_the_episodes_and_nothing_else(given_rule, faces, days):
    moved = [dataclasses.replace(one, at=one.at + dt.timedelta(days=days)) for one in faces]
    assert told(find_episodes(given_rule, moved)) == told(find_episodes(given_rule, faces))


@given(RULES, FACES)
def test_it_is_met_somewhere_exactly_where_there_are_episodes(given_rule, faces):
    """An independent look: every window that ends with a record, every cell of the city as centre."""
    taken = [one for one in faces if given_rule.takes(one)]
    met = False
    for last in taken:
        in_time = [one for one in taken if last.at - given_rule.window < one.at <= last.at]
        for centre in {given_rule.place_of(one) for one in in_time}:
            if given_rule.rings is None:
                members = [one for one in in_time if given_rule.place_of(one) == centre]
            else:
                members = [one for one in in_time if h3.grid_distance(one.cell, centre) <= given_rule.rings]
            kinds = [condition.count for condition in given_rule.conditions]
            held = [sum(condition.takes(one) for one in members) for condition in given_rule.conditions]
            enough = all(have >= want for have, want in zip(held, kinds, strict=True))
            met |= enough and len({one.agency for one in members}) >= given_rule.agencies
    assert bool(find_episodes(given_rule, faces)) == met


@given(RULES, FACES)
def test_more_records_never_take_a_danger_away(given_rule, faces):
    whole = {pk for episode in find_episodes(given_rule, faces) for pk in episode.faces}
    part = {pk for episode in find_episodes(given_rule, faces[: len(faces) // 2]) for pk in episode.faces}
    assert part <= whole
