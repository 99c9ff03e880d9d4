"""Nobody finds a withheld contribution to within fewer than k numbers, whoever pools what they know.

Three independent attacks: worlds built by hand that publish the same (a floor of what stays possible), bounds by
mixed-integer programming (a ceiling), and every world of a small box (exactly what stays possible). The long run is
`python -m tests.disclosure`.
"""

from collections import Counter

import numpy as np
import pytest

from lagebild.stats import disclosure
from tests.disclosure.attacker import Attack
from tests.disclosure.exhaustive import intervals, many_districts, one_district
from tests.disclosure.worlds import World, is_told, lookup, random_world, same, value_of, with_hidden


def world_of(seed: int) -> World:
    return random_world(np.random.default_rng(seed))


@pytest.mark.parametrize("seed", range(12))
def test_every_withheld_contribution_could_be_anything_below_the_minimum(seed):
    world, rng = world_of(seed), np.random.default_rng(seed)
    published = world.publish()
    targets = list(world.targets())
    for index in rng.permutation(len(targets))[:40]:
        target = targets[index]
        if not is_told(world, target):
            for value in range(world.minimum[target.group]):
                other = with_hidden(world, target, value)
                assert value_of(other, target) == value
                assert same(published, other.publish()), (target, value)


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("pooling", ["one", "two", "all others"])
def test_bounds_by_integer_programming_are_never_narrower_than_stated(seed, pooling):
    world, rng = world_of(seed), np.random.default_rng(100 + seed)
    size = {"one": 1, "two": 2, "all others": world.agencies - 1}[pooling]
    knowing = set(rng.permutation(world.agencies)[:size].tolist())
    group, block = int(rng.choice(list(world.minimum))), int(rng.integers(2))
    attack = Attack(world, knowing, group, block)
    targets = [t for t in world.targets() if (t.group, t.block) == (group, block) and t.agency not in knowing]
    for index in rng.permutation(len(targets))[:4]:
        target = targets[index]
        low, high = attack.bounds(target.agency, target.district, week=target.week, cell=target.cell)
        assert low <= value_of(world, target) <= high
        if not is_told(world, target):
            assert low == 0
            assert high >= world.minimum[group] - 1


BOXES = {
    "one district, two cells": (lambda: one_district(3, 2), 2, 1),
    "one district, one cell, k 3": (lambda: one_district(4, 1), 3, 1),
    "three districts, weeks only": (lambda: many_districts(1, 3, 4), 2, 3),
}


def narrow(name: str) -> list[tuple]:
    worlds, minimum, districts = BOXES[name]
    number, found = intervals(worlds(), minimum=minimum, districts=districts)
    assert number > 2_000
    assert len(found) > 50
    return [entry for entry in found if not set(range(minimum)) <= entry[1]]


@pytest.mark.parametrize("name", BOXES)
def test_of_all_worlds_in_a_box_every_publication_leaves_the_whole_interval(name):
    assert narrow(name) == []


def test_exhaustive_attack_breaks_sums_without_a_ceiling(monkeypatch):
    """The attack can fail: told whenever they reach k, sums at their most give every part away."""
    monkeypatch.setattr(disclosure, "open_sums", lambda total, parts, minimum: total >= minimum)
    assert narrow("one district, one cell, k 3")
    assert narrow("three districts, weeks only")


def test_exhaustive_attack_breaks_cells_without_complementary_suppression(monkeypatch):
    unlimited = disclosure._open_cells
    monkeypatch.setattr(disclosure, "_open_cells", lambda cell, limit: unlimited(cell, limit + 10**6))
    assert narrow("one district, two cells")


@pytest.mark.parametrize("seed", range(8))
def test_what_is_published_is_the_sum_of_what_each_agency_alone_would_publish(seed):
    """An agency that joins, leaves or is suspended changes nothing but its own part."""
    world = world_of(seed)
    total: Counter = Counter()
    for agency in range(world.agencies):
        total.update(lookup(world.only(agency).publish()))
    assert total == lookup(world.publish())


@pytest.mark.parametrize("seed", range(8))
def test_a_later_night_repeats_what_was_told_and_adds_the_new_block(seed):
    world = world_of(seed)
    early = lookup(world.publish_until(1))
    late = lookup(world.publish())
    assert early.items() <= late.items()
    assert all(key[-1] >= 1 if key[0] in ("city", "districts") else True for key in late.keys() - early.keys())


@pytest.mark.parametrize("seed", range(8))
def test_after_removing_any_agency_nothing_or_at_least_the_minimum_remains(seed):
    world = world_of(seed)
    group_at = {"weeks": 2, "districts": 2, "city": 1, "cells": 2}
    for name, count in lookup(world.publish()).items():
        k = world.minimum[name[group_at[name[0]]]]
        assert count >= k
        for agency in range(world.agencies):
            rest = count - lookup(world.only(agency).publish()).get(name, 0)
            assert rest == 0 or rest >= k
