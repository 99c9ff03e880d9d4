"""Which days are exchangeable, and what is masked."""

import datetime as dt
from types import SimpleNamespace

import h3.api.basic_int as h3
import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from lagebild.calendar import Calendar, Day, DayClass, Event, Notice
from lagebild.selectors import City, day_number
from lagebild.stats.grid import build_grid
from lagebild.stats.scan import cases, prepare, statistic
from lagebild.stats.zones import hexagon_disks
from lagebild.strata import OWN_STRATA_FROM, strata_of

FIRST, LAST = dt.date(2026, 11, 2), dt.date(2026, 11, 22)


@pytest.fixture
def city(quarter):
    west, east = SimpleNamespace(pk=1), SimpleNamespace(pk=2)
    return City((), None, quarter, {int(cell): west if i < 18 else east for i, cell in enumerate(quarter.cells)})


@pytest.fixture
def quarter():
    return build_grid(h3.grid_disk(h3.latlng_to_cell(51.68, 7.82, 9), 3))


def _calendar(events=(), notices=(), school=()) -> Calendar:
    days = {}
    for number in range((LAST - FIRST).days + 1):
        date = FIRST + dt.timedelta(days=number)
        kind = {5: DayClass.SATURDAY, 6: DayClass.SUNDAY}.get(date.weekday(), DayClass.WORKING_DAY)
        days[date] = Day(kind, date in school)
    return Calendar(FIRST, LAST, days, tuple(events), tuple(notices))


def _strata(city, calendar, rows, groups=(7,)):
    """rows: (agency, date, place, count)."""
    agency, day, place, count = (np.array(column) for column in zip(*rows, strict=True))
    days = np.array([day_number(date) for date in day])
    return strata_of(calendar=calendar, city=city, group_ids=groups, agency=agency, day=days, place=place, count=count)


def _many(agency, day, place=0):
    return (agency, dt.date(2026, 11, day), place, OWN_STRATA_FROM)


def _event(first, last, **fields):
    blank = {"name": "Fest", "is_city_wide": False, "districts": (), "cells": (), "visitors": None}
    return Event(first=dt.date(2026, 11, first), last=dt.date(2026, 11, last), **(blank | fields))


def _notice(kind, first, last, groups=None, agency=1):
    return Notice(agency, groups, dt.date(2026, 11, first), dt.date(2026, 11, last), kind)


def test_agency_and_class_of_the_day_make_strata(city):
    rows = [_many(1, 2), _many(1, 3), _many(1, 7), _many(1, 8), _many(2, 2)]
    number = _strata(city, _calendar(), rows).number
    assert number[0] == number[1]
    assert len({number[0], number[2], number[3], number[4]}) == 4


def test_working_days_in_school_holidays_are_a_class_of_their_own(city):
    number = _strata(city, _calendar(school={dt.date(2026, 11, 3)}), [_many(1, 2), _many(1, 3)]).number
    assert number[0] != number[1]


def test_agencies_with_few_cases_share_the_strata_of_the_largest(city):
    rows = [_many(1, 2), (2, dt.date(2026, 11, 3), 0, OWN_STRATA_FROM - 1), (3, dt.date(2026, 11, 4), 0, 1)]
    assert len(set(_strata(city, _calendar(), rows).number)) == 1


@pytest.mark.parametrize("kind", ["late", "missing"])
def test_undelivered_days_are_masked_for_the_agency_and_group_alone(city, kind):
    rows = [_many(1, 4), _many(1, 5), _many(2, 5)]
    calendar = _calendar(notices=[_notice(kind, 5, 6, groups=(7,))])
    assert _strata(city, calendar, rows).kept.tolist() == [True, False, True]
    assert _strata(city, calendar, rows, groups=(8,)).kept.tolist() == [True, True, True]


def test_another_way_of_counting_begins_a_stratum_and_ends_it(city):
    rows = [_many(1, 2), _many(1, 4), _many(1, 6), _many(2, 4)]
    found = _strata(city, _calendar(notices=[_notice("recounted", 3, 5)]), rows)
    assert found.kept.all()
    assert len(set(found.number.tolist())) == 4


def test_an_event_masks_its_place_and_time_and_sets_the_place_apart(city):
    inside, outside = 3, 30
    rows = [_many(1, 2, inside), _many(1, 3, inside), _many(1, 3, outside)]
    calendar = _calendar(events=[_event(3, 3, cells=(int(city.grid.cells[inside]),))])
    found = _strata(city, calendar, rows)
    assert found.kept.tolist() == [True, False, True]
    assert found.number[0] != found.number[2]


def test_an_event_of_a_district_concerns_its_cells(city):
    calendar = _calendar(events=[_event(3, 3, districts=(2,))])
    assert _strata(city, calendar, [_many(1, 3, 0), _many(1, 3, 30)]).kept.tolist() == [True, False]


def test_days_of_an_event_of_the_whole_city_are_a_class_of_their_own(city):
    calendar = _calendar(events=[_event(3, 3, is_city_wide=True)])
    found = _strata(city, calendar, [_many(1, 2), _many(1, 3)])
    assert found.kept.all()
    assert found.number[0] != found.number[1]


ROW = st.tuples(st.integers(1, 4), st.integers(2, 22), st.integers(0, 36), st.integers(1, 40))


@settings(max_examples=60, deadline=None)
@given(rows=st.lists(ROW, min_size=1, max_size=40), names=st.permutations([3, 11, 17, 90]), seed=st.integers(0, 2**32))
def test_neither_the_agencies_names_nor_the_order_of_the_rows_change_what_is_found(rows, names, seed):
    quarter = build_grid(h3.grid_disk(h3.latlng_to_cell(51.68, 7.82, 9), 3))
    west = SimpleNamespace(pk=1)
    city = City((), None, quarter, {int(cell): west for cell in quarter.cells})
    # Of several largest agencies one is taken.
    totals = [sum(count for agency, _, _, count in rows if agency == number) for number in range(1, 5)]
    assume(totals.count(max(totals)) == 1)
    notices = [_notice("late", 20, 21, agency=1), _notice("recounted", 10, 22, agency=2)]
    events = [_event(6, 8, cells=tuple(quarter.cells[:7].tolist()))]

    def found(rows, notices):
        calendar = _calendar(events, notices)
        strata = _strata(city, calendar, [(a, dt.date(2026, 11, day), place, count) for a, day, place, count in rows])
        kept = strata.kept
        _, day, place, count = (np.array(column)[kept] for column in zip(*rows, strict=True))
        data = cases(place, 22 - day, strata.number[kept], count)
        return statistic(prepare(data, hexagon_disks(quarter, 2), days=14, least=2))

    renamed = [(names[agency - 1], *rest) for agency, *rest in rows]
    order = np.random.default_rng(seed).permutation(len(rows))
    other = [Notice(names[n.agency_id - 1], n.group_ids, n.first, n.last, n.kind) for n in notices]
    assert found([renamed[i] for i in order], other) == pytest.approx(found(rows, notices))
