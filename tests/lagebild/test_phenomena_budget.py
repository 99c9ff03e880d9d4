"""How often is looked, how sure one must be, and whether quiet looks keep to it."""

import datetime as dt

import h3.api.basic_int as h3
import numpy as np
import pytest
from scipy import stats

from lagebild.phenomena.budget import (
    ACCEPTED_FALSE_PHENOMENA_PER_YEAR,
    FIRST_LOOK,
    LARGEST_LEVEL,
    LOOKS_A_YEAR,
    is_dismissed,
    look_day,
    look_level,
    permutations_for,
)
from lagebild.phenomenon_models import Form
from lagebild.stats.chains import find_lead
from lagebild.stats.grid import build_grid
from lagebild.stats.modus import find_growing
from lagebild.stats.near_repeat import knox
from lagebild.stats.shift import find_shifts


def test_all_looks_of_a_year_together_accept_one_false_phenomenon():
    streams = {Form.MODUS: 18, Form.SHIFT: 18, Form.NEAR_REPEAT: 18, Form.CHAIN: 72}
    together = sum(LOOKS_A_YEAR[form] * tests * look_level(form, tests) for form, tests in streams.items())
    assert together == pytest.approx(ACCEPTED_FALSE_PHENOMENA_PER_YEAR)
    shares = {LOOKS_A_YEAR[form] * tests * look_level(form, tests) for form, tests in streams.items()}
    assert max(shares) == pytest.approx(min(shares))
    assert look_level(Form.MODUS, 20) == pytest.approx(1 / 4160)
    assert look_level(Form.NEAR_REPEAT, 20) == pytest.approx(1 / 320)


def test_few_streams_make_no_lax_level():
    assert look_level(Form.NEAR_REPEAT, 1) == look_level(Form.CHAIN, 0) == LARGEST_LEVEL


@pytest.mark.parametrize("cells", [1, 3])
def test_so_many_permutations_can_tell_a_p_below_the_level(cells):
    for level in (0.01, 0.003, 0.0009):
        assert (cells + 1) / (permutations_for(level, cells) + 1) < level


def test_first_permutations_dismiss_what_would_not_pass():
    assert is_dismissed(11 / (FIRST_LOOK + 1))
    assert not is_dismissed(10 / (FIRST_LOOK + 1))


@pytest.mark.parametrize(
    ("form", "date", "day"),
    [
        (Form.MODUS, "2026-11-22", "2026-11-22"),
        (Form.MODUS, "2026-11-23", "2026-11-22"),
        (Form.SHIFT, "2026-11-28", "2026-11-22"),
        (Form.NEAR_REPEAT, "2026-11-23", "2026-09-30"),
        (Form.NEAR_REPEAT, "2026-12-31", "2026-12-31"),
        (Form.CHAIN, "2026-12-30", "2026-09-30"),
        (Form.CHAIN, "2027-01-01", "2026-12-31"),
        (Form.CHAIN, "2027-03-30", "2026-12-31"),
    ],
)
def test_a_look_knows_the_last_sunday_or_the_last_complete_quarter(form, date, day):
    assert look_day(form, dt.date.fromisoformat(date)) == dt.date.fromisoformat(day)


LOOKS = 200
LEVEL = 0.05
CELLS = build_grid(h3.grid_disk(h3.latlng_to_cell(51.68, 7.81, 9), 8))


def _modus(rng) -> bool:
    shares = 1 / np.arange(1, 25)
    cases = 1_500
    found = find_growing(
        rng.choice(24, cases, p=shares / shares.sum()),
        rng.integers(0, 30, cases),
        rng.choice(3, cases, p=[0.6, 0.3, 0.1]),
        rng.random(cases) < 28 / 364,
        fdr=LEVEL,
    )
    return bool(found.growths)


def _shift(rng) -> bool:
    lively = rng.gamma(0.7, size=CELLS.size)
    before, after = (rng.poisson(1_200 * lively / lively.sum()) for _ in range(2))
    return bool(find_shifts(CELLS, before, after, fdr=LEVEL).shifts)


def _near(rng) -> bool:
    points = rng.choice(40, (160, 2)) * 300.0
    table = knox(points, rng.integers(0, 91, 160), space_edges=[405], time_edges=(1, 8, 15), rng=rng, permutations=199)
    return bool(table.p_joint[0, 1] <= LEVEL)


def _chain(rng) -> bool:
    lively = rng.gamma(0.7, size=CELLS.size)
    counts = [rng.poisson(np.outer(300 * lively / lively.sum(), np.full(52, 1 / 52))) for _ in range(2)]
    return find_lead(CELLS, *counts, rng=rng, permutations=199).p <= LEVEL


@pytest.mark.parametrize("look", [_modus, _shift, _near, _chain], ids=["modus", "shift", "near", "chain"])
def test_quiet_looks_pass_no_oftener_than_the_level(look):
    passed = sum(look(np.random.default_rng([7, number])) for number in range(LOOKS))
    # One in a thousand such tests of an exact level would exceed this.
    assert passed <= stats.binom.isf(0.001, LOOKS, LEVEL)
