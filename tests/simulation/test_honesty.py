import io

import numpy as np
import pytest
from django.core.management import call_command

from lagebild.simulation import honesty, running
from lagebild.simulation.city import Night, synthetic_ground
from lagebild.simulation.honesty import (
    JUDGED,
    HonestyTask,
    honesty_table,
    look_again,
    tail_ratios,
    tail_sentence,
    within,
)
from lagebild.simulation.results import read
from lagebild.simulation.running import judge_p_values

SMALL = 39


@pytest.fixture(autouse=True)
def small_pools(monkeypatch):
    for module in (honesty, running):
        monkeypatch.setattr(module, "POOL", SMALL)
        monkeypatch.setattr(module, "LOOKS_A_CHUNK", 10)
        monkeypatch.setattr(module, "MAXIMA_A_CHUNK", 500)
    monkeypatch.setattr(running, "TAIL_MAXIMA", 1_000)


@pytest.mark.parametrize("judged", JUDGED, ids=lambda judged: judged.name)
def test_looks_are_ranks_that_the_seed_decides(judged):
    line = look_again(HonestyTask(judged, 0, 1))
    assert len(line["result"]) == 10
    assert all(0 <= rank <= SMALL for rank in line["result"])
    assert len(set(line["result"])) > 5
    assert look_again(HonestyTask(judged, 0, 1)) == line
    assert look_again(HonestyTask(judged, 1, 1))["result"] != line["result"]


def test_an_event_that_is_not_masked_is_seen_in_every_look(monkeypatch):
    """The check can fail: it sees what the masks leave out."""
    masks = next(judged for judged in JUDGED if judged.name == "masks")
    stream = honesty._stream
    monkeypatch.setattr(honesty, "_stream", lambda night, today, zones, masks: stream(night, today, zones, None))
    ranks = look_again(HonestyTask(masks, 0, 1))["result"]
    assert ranks.count(0) > 5


def test_masks_leave_out_the_event_and_what_was_not_delivered():
    ground = synthetic_ground(3)
    masks = honesty._masks(ground, 1_000, np.random.default_rng(1))
    inside, outside = int(np.flatnonzero(masks.places)[0]), int(np.flatnonzero(~masks.places)[0])
    other = (masks.agency + 1) % 3
    rows = [
        (inside, masks.first, other, False),
        (inside, masks.first + 3, other, True),
        (outside, masks.first, other, True),
        (outside, masks.missing + 2, masks.agency, False),
        (outside, masks.missing - 1, masks.agency, True),
    ]
    place, day, agency, kept = (np.array(column) for column in zip(*rows, strict=True))
    assert masks.kept(place, day, agency).tolist() == kept.tolist()


def test_strata_are_agencies_day_classes_and_places_of_an_event(town):
    night = Night(np.array([0, 1, 2]), np.array([0, 1, 2]), np.array([0, 1, 2]), np.array([0, 1, 2]))
    zones = town.disks
    assert len(honesty._stream(night, 10, zones, None).dealt) == 3
    alone = Night(night.place, night.age, np.zeros(3, dtype=np.int64), night.day_class)
    assert len(honesty._stream(alone, 10, zones, None).dealt) == 1


def test_bounds_are_those_of_chance():
    even = list(range(SMALL + 1)) * 25
    number, low, high = within(even, 1 / 20)
    assert (number, low < 50 < high) == (50, True)
    number, _, high = within([0] * 5_000, 1 / 20)
    assert number == 5_000 > high


def test_a_later_run_computes_the_rest_and_the_table_counts_all(tmp_path):
    assert len(list(judge_p_values(tmp_path, nights=1, workers=1))) == len(JUDGED) + 2
    assert list(judge_p_values(tmp_path, nights=10, workers=1)) == []
    out = io.StringIO()
    call_command("simulate_detection", "--p-values", "--table", "--output", str(tmp_path), stdout=out)
    assert out.getvalue().strip() == honesty_table(read(tmp_path).values())
    assert out.getvalue().count("| 10 |") == len(JUDGED)
    with pytest.raises(ValueError, match="processes"):
        list(judge_p_values(tmp_path, nights=0, workers=1))


def test_the_tails_of_ten_pools_are_compared_with_all_maxima(tmp_path):
    rng = np.random.default_rng(5)
    # A stream whose maxima fall off exponentially has the tail that is fitted.
    ratios = tail_ratios(rng.exponential(1.0, 40_000), 1 / 1_000)
    assert ratios.size == 10
    assert 0.7 < ratios.mean() < 1.4
    # One that ends suddenly has less than the fitted tail says.
    assert tail_ratios(rng.random(40_000), 1 / 1_000).mean() > 2
    with pytest.raises(ValueError, match="beyond"):
        tail_ratios(np.ones(100), 1 / 1_000)
    list(judge_p_values(tmp_path, nights=1, workers=1))
    lines = list(read(tmp_path).values())
    maxima = [line for line in lines if line["part"] == "tail"]
    assert [len(line["result"]) for line in maxima] == [500, 500]
    assert maxima[0]["result"] != maxima[1]["result"]
    assert tail_sentence(lines) == ""
    sentence = tail_sentence([maxima[0] | {"result": rng.exponential(1.0, 100_000).tolist()}])
    assert sentence.startswith("100,000 maxima of one stream; ten pools of 10,000 give ")
