import dataclasses
import io
import json

import numpy as np
import pytest
from django.core.management import CommandError, call_command

from lagebild.simulation import measuring
from lagebild.simulation.city import Night
from lagebild.simulation.methods import METHODS
from lagebild.simulation.results import FILE, read, table
from lagebild.simulation.running import absent, simulate
from lagebild.simulation.settings import SETTINGS, Setting, chosen

NULLS = 400
PARTS = 2 * (4 + 4 + 1)


@pytest.fixture
def computed(tmp_path, plague):
    def compute(setting=plague, output=tmp_path, **numbers):
        numbers = {"outbreaks": 10, "nulls": NULLS, "workers": 1} | numbers
        return list(simulate([setting], output, folder=tmp_path, **numbers))

    return compute


def night_of(place, age):
    zeros = np.zeros(len(place), dtype=np.int64)
    return Night(np.array(place), np.array(age), zeros, zeros)


def test_a_huge_outbreak_is_found_on_its_first_day(computed):
    found = [line for line in computed() if line["part"] == "outbreaks"]
    assert {line["method"] for line in found} == {"scan", "poisson_7"}
    for line in found:
        assert [outbreak[0] for outbreak in line["result"]] == [1] * 10
        assert max(outbreak[1] for outbreak in line["result"]) < 0.5


def test_nothing_is_found_where_nothing_is(computed, plague):
    lines = computed(dataclasses.replace(plague, extra=0.0))
    for line in lines:
        if line["part"] == "outbreaks":
            assert sum(outbreak is not None for outbreak in line["result"]) <= 2
        elif line["part"] == "quiet":
            assert line["result"]["episodes"] <= line["result"]["alarm_nights"] <= 20


def test_every_method_finds_a_huge_outbreak_split_over_agencies(computed, plague):
    # Not so huge that it is most of what an agency has ever reported on a Sunday: that is what a scan compares with.
    common = {"records": 6_000, "extra": 100.0, "methods": tuple(METHODS)}
    setting = dataclasses.replace(plague, agencies=3, is_split=True, has_mixes=True, **common)
    for line in computed(setting):
        if line["part"] == "outbreaks":
            assert [outbreak[0] for outbreak in line["result"]] == [1] * 10, line["method"]


def test_a_second_run_computes_nothing_and_a_larger_one_only_the_rest(computed):
    assert len(computed()) == PARTS
    assert computed() == []
    assert [(line["part"], line["chunk"]) for line in computed(outbreaks=11)] == [("outbreaks", 1)] * 2
    # Other thresholds: what was judged by the old ones is judged again, the null nights are kept.
    again = sorted((line["part"], line["chunk"]) for line in computed(nulls=NULLS + 1) if line["method"] == "scan")
    assert again == [("outbreaks", 0), ("pool", 4), *(("quiet", chunk) for chunk in range(5))]


def test_an_interrupted_run_goes_on_and_ends_the_same(computed, tmp_path):
    whole = computed()
    path = tmp_path / FILE
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join(lines[:10]) + lines[10][:20])
    rest = computed()
    assert len(rest) == PARTS - 10
    assert list(read(tmp_path).values()) == whole


def test_seeds_decide_and_processes_do_not(computed, tmp_path, plague):
    setting = dataclasses.replace(plague, methods=("poisson_7",))

    def by_part(lines):
        return {json.dumps([line["method"], line["part"], line["chunk"]]): line["result"] for line in lines}

    one = by_part(computed(setting, output=tmp_path / "one"))
    assert by_part(computed(setting, output=tmp_path / "two", workers=2)) == one
    assert by_part(computed(setting, output=tmp_path / "other", seed=2)) != one


@pytest.mark.parametrize("numbers", [{"outbreaks": 0}, {"nulls": 364}, {"workers": 0}])
def test_numbers_that_show_nothing_are_refused(computed, numbers):
    with pytest.raises(ValueError, match="null nights"):
        computed(**numbers)


def test_the_poisson_comparison_is_the_binomial_tail(town):
    night = night_of([60] * 7, [0, 1, 2, 3, 4, 5, 6])
    (look,) = METHODS["poisson_7"].looks(town, night)
    assert look.statistic == pytest.approx(7 * np.log(9))
    assert 60 in look.locate()
    (few,) = METHODS["poisson_7"].looks(town, night_of([60] * 4, [0] * 4))
    assert few.statistic == 0


@pytest.mark.parametrize("method", METHODS)
def test_an_empty_night_is_nothing(town, method, rng):
    empty = night_of(np.empty(0, dtype=np.int64), np.empty(0, dtype=np.int64))
    assert {look.statistic for look in METHODS[method].looks(town, empty)} == {0.0}


def test_alarms_near_in_space_and_time_are_one_episode(town):
    cells = town.grid.cells[town.grid.disks[60]]
    near, also_near = int(cells[0]), int(cells[1])
    far = int(town.grid.cells[np.hypot(*(town.km - town.km[60]).T).argmax()])
    assert measuring._episodes([]) == 0
    assert measuring._episodes([(0, near), (14, also_near), (28, near)]) == 1
    assert measuring._episodes([(0, near), (15, near)]) == 2
    assert measuring._episodes([(0, near), (1, far), (2, near)]) == 2


def test_the_table_counts_what_the_lines_say():
    common = {"setting": "disk-1000-1", "method": "scan", "seed": 1, "nulls": 1_500}
    quiet = [{"nights": 365, "alarm_nights": 3, "episodes": 2}, {"nights": 365, "alarm_nights": 0, "episodes": 0}]
    outbreaks = [[3, 0.1], [7, 0.3], [8, 0.2], None]
    world = common | {"setting": "world 1000 1 28", "part": "quiet"}
    lines = [world | {"chunk": number, "result": result} for number, result in enumerate(quiet)]
    lines += [common | {"part": "outbreaks", "chunk": 0, "result": outbreaks}]
    lines += [common | {"part": "pool", "chunk": 0, "result": [[1.0]]}]
    *_, row = table(lines).splitlines()
    assert row == "| 1,000 a year, +1 | scan | 1 | 1,500 | 730 | 1.50 | 1.00 | 4 | 25/50/75/75 | 200 |"


def test_of_several_streams_the_table_shows_the_best_alone():
    outbreaks = [[2, 0.1, [2, None, 9]], [5, 0.2, [None, 5, 7]], None, [6, 0.3, [28, 6, 20]]]
    line = {"setting": "thirds-1", "method": "best_agency", "seed": 1, "nulls": 500, "part": "outbreaks", "chunk": 0}
    *_, together, alone = table([line | {"result": outbreaks}]).splitlines()
    assert together.endswith("| 4 | 25/75/75/75 | 200 |")
    assert alone.endswith("the best of them alone | 1 | 500 |  |  |  | 4 | 0/50/50/50 |  |")


def test_rows_that_differ_in_their_outbreaks_share_quiet_nights(computed, plague, tmp_path):
    first = computed()
    other = computed(dataclasses.replace(plague, name="test-other", extra=1.0))
    assert {line["part"] for line in first} == {"pool", "quiet", "outbreaks"}
    assert {line["part"] for line in other} == {"outbreaks"}
    for changed in ({"records": 601}, {"agencies": 3}, {"has_weekdays": True}, {"has_mixes": True}, {"late_days": 5}):
        assert dataclasses.replace(plague, **changed).world != plague.world


def test_rows_are_chosen_by_name_or_group():
    assert chosen([]) == SETTINGS
    assert len({setting.name for setting in SETTINGS}) == len(SETTINGS)
    assert [setting.name for setting in chosen(["shape", "disk-1000-1"])] == [
        "disk-1000-1",
        "shape-street",
        "shape-irregular",
    ]
    with pytest.raises(ValueError, match="nowhere"):
        chosen(["nowhere"])


def test_real_backgrounds_are_left_out_where_they_are_absent(tmp_path):
    assert [setting.name for setting in absent(SETTINGS, tmp_path)] == ["real-zuerich", "real-chicago"]


def test_the_command_skips_with_the_reason_and_prints_the_table(tmp_path):
    out = io.StringIO()
    call_command("simulate_detection", rows=["real"], output=tmp_path / "o", data=tmp_path, stdout=out)
    assert "real-zuerich wird ausgelassen" in out.getvalue()
    assert "0 Teile" in out.getvalue()
    call_command("simulate_detection", output=tmp_path / "o", table=True, stdout=out)
    assert "detected by day" in out.getvalue()


@pytest.mark.parametrize("options", [{"rows": ["nowhere"]}, {"nulls": 100}, {"outbreaks": 0}, {"seed": -1}])
def test_the_command_refuses_what_it_cannot_do(tmp_path, options):
    with pytest.raises(CommandError):
        call_command("simulate_detection", output=tmp_path / "o", **options)


def test_settings_say_what_their_methods_need():
    for setting in SETTINGS:
        assert isinstance(setting, Setting)
        assert set(setting.methods) <= set(METHODS)
        assert setting.agencies == 3 or not (setting.is_split or "best_agency" in setting.methods)
