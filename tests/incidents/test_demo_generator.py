import dataclasses
import datetime
import json
import zoneinfo
from collections import Counter

import h3.api.basic_int as h3
import numpy as np
import pytest

from incidents.demo import volumes
from incidents.demo.deliveries import counts, delivered_weeks
from incidents.demo.frame import SPAN_DAYS, Frame, kinds_of
from incidents.demo.generator import generate, missed_weeks, monday
from incidents.demo.geography import City
from incidents.demo.rhythm import rhythm_of
from incidents.demo.rows import Row
from incidents.demo.seeding import DATA
from incidents.demo.stories import (
    ENDED_DAYS_AGO,
    ENDED_PLACE,
    ENDED_WEEKS,
    GROWING_PLACE,
    GROWING_WEEKS,
    MERGED_FINDS,
    MERGED_PLACE,
    NIGHT_FIRE_REPORTS,
    YOUNG_PLACE,
    YOUNG_REPORTS,
)
from lagebild.stats.grid import build_grid, count_cells
from lagebild.stats.hotspots import find_hotspots

BERLIN = zoneinfo.ZoneInfo("Europe/Berlin")
UNTIL = datetime.date(2026, 11, 22)
RECORDS = 600


def read(name: str) -> dict:
    return json.loads((DATA / name).read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def frame() -> Frame:
    city = City.from_files(read("hamm_areas.geojson"), read("hamm_places.json"))
    kinds = kinds_of(read("categories.json"))
    return Frame(city=city, kinds=kinds, records=RECORDS, seed=7, until=UNTIL, timezone=BERLIN)


@pytest.fixture(scope="module")
def rows(frame) -> list[Row]:
    return generate(frame)


@pytest.fixture(scope="module")
def many(frame) -> list[Row]:
    """Enough records to judge shares and rhythm by."""
    return generate(dataclasses.replace(frame, records=12_000))


def day_of(row: Row) -> datetime.date:
    return row.occurred_from.astimezone(BERLIN).date()


def near(frame: Frame, rows: list[Row], place: str) -> list[Row]:
    """Rows in the disk of seven resolution-9 cells around the place."""
    spot = frame.city.places[frame.city.place(place)]
    disk = set(h3.grid_disk(h3.latlng_to_cell(spot.lat, spot.lon, 9), 1))
    return [row for row in rows if row.lon is not None and h3.latlng_to_cell(row.lat, row.lon, 9) in disk]


def test_same_seed_gives_the_same_rows_and_another_seed_others(frame, rows):
    assert generate(frame) == rows
    other = generate(dataclasses.replace(frame, seed=8))
    assert {row.id for row in other}.isdisjoint(row.id for row in rows)


@pytest.mark.parametrize("records", [550, 600, 2_001])
def test_exactly_the_wanted_number_of_records(frame, records):
    assert len(generate(dataclasses.replace(frame, records=records))) == records


def test_too_few_records_for_the_stories_are_refused(frame):
    with pytest.raises(ValueError, match="records=100"):
        generate(dataclasses.replace(frame, records=100))


def test_yearly_volumes_are_the_published_ones():
    offences = sum(volumes.POLICE_OFFENCES.values()) + sum(volumes.FEDERAL_POLICE_OFFENCES.values())
    assert offences == 18_853
    assert volumes.POLICE_OFFENCES["burglary-dwelling"] == 296
    shares = volumes.COMPLAINT_SHARES
    assert sum(shares.values()) == 2_800
    pollution = ("c-fly-tipping", "c-full-bin", "c-dog-fouling", "c-graffiti", "c-needles")
    assert sum(shares[slug] for slug in pollution) == 889
    road = ("c-road-damage", "c-footway-damage", "c-signal-sign", "c-green-playground")
    assert [shares[slug] for slug in road] == [400, 382, 200, 186]
    fire = volumes.OTHER_INCIDENTS["feuerwehr"]
    assert fire["small-fire"] + fire["building-fire"] + fire["false-alarm-system"] == 942
    assert (fire["technical-rescue"], fire["unexploded-ordnance"], fire["malicious-alarm"]) == (2015, 1710, 10)


def test_every_stream_names_a_category_of_its_kind():
    catalogue = {row["slug"]: row["kind"] for row in read("categories.json")["categories"]}
    assert [s for s in volumes.streams() if catalogue[s.category] != s.kind] == []


def test_shares_follow_the_volumes(many):
    background = [row for row in many if not row.planted]
    total = sum(stream.per_year for stream in volumes.streams())
    for category, agency in (
        ("shoplifting", "polizei"),
        ("technical-rescue", "feuerwehr"),
        ("fly-tipping", "ordnungsamt"),
    ):
        stream = next(s for s in volumes.streams() if (s.category, s.agency) == (category, agency))
        found = sum(row.category == category and row.agency == agency for row in background)
        assert found == pytest.approx(len(background) * stream.per_year / total, rel=0.04)


def test_three_agencies_report_graffiti_of_the_last_nine_days_at_one_place(frame, many):
    young = [row for row in near(frame, many, YOUNG_PLACE) if row.planted and row.category == "graffiti"]
    assert Counter(row.agency for row in young) == YOUNG_REPORTS
    assert min(day_of(row) for row in young) > UNTIL - datetime.timedelta(days=9)


def test_two_agencies_report_small_fires_of_three_weeks_all_over_the_city(many):
    fires = [row for row in many if row.planted and row.category == "small-fire"]
    assert Counter(row.agency for row in fires) == NIGHT_FIRE_REPORTS
    days = [day_of(row) for row in fires]
    assert UNTIL - datetime.timedelta(days=26) <= min(days) <= max(days) <= UNTIL - datetime.timedelta(days=6)


def test_records_span_the_whole_time_up_to_the_last_day(many):
    days = [day_of(row) for row in many]
    assert max(days) == UNTIL
    assert min(days) >= UNTIL - datetime.timedelta(days=SPAN_DAYS - 1)
    months = Counter(day.strftime("%Y-%m") for day in days)
    whole = [month for month in months if "2024-10" <= month <= "2026-10"]
    assert len(whole) == 25
    assert min(months[month] for month in whole) > 0.6 * max(months[month] for month in whole)


def test_no_moment_lies_after_the_last_day_or_before_its_cause(many):
    end = datetime.datetime(2026, 11, 23, tzinfo=BERLIN)
    for row in many:
        assert row.occurred_from <= (row.occurred_to or row.occurred_from) <= row.created_at <= row.updated_at < end


def test_hours_and_weekdays_have_their_rhythm(many):
    noise = [row.occurred_from.astimezone(BERLIN) for row in many if row.category == "noise-disturbance"]
    dark = sum(moment.hour >= 18 or moment.hour < 5 for moment in noise)
    assert dark > 0.75 * len(noise)
    theft = [row.occurred_from.astimezone(BERLIN) for row in many if row.category == "shoplifting"]
    assert sum(moment.weekday() == 6 for moment in theft) < 0.03 * len(theft)
    assert sum(9 <= moment.hour <= 21 for moment in theft) > 0.9 * len(theft)


def test_summer_has_more_nightlife_and_winter_more_burglaries():
    days = [datetime.date(2025, 1, 1) + datetime.timedelta(days=index) for index in range(365)]
    july = np.array([day.month == 7 for day in days])
    january = np.array([day.month == 1 for day in days])
    order = rhythm_of("public-order", "noise-disturbance").day_weights(days)
    burglary = rhythm_of("property", "burglary-dwelling").day_weights(days)
    assert order[july].sum() > 1.8 * order[january].sum()
    assert burglary[january].sum() > 1.8 * burglary[july].sum()


def test_all_districts_occur_and_points_lie_in_their_district(frame, rows):
    located = [row for row in rows if row.lon is not None]
    lon, lat = (np.array([getattr(row, axis) for row in located]) for axis in ("lon", "lat"))
    found = [frame.city.district_slugs[index] for index in frame.city.districts(lon, lat)]
    assert found == [row.district for row in located]
    assert set(found) == set(frame.city.district_slugs)


def test_kinds_counted_by_area_have_no_point(frame, many):
    by_area = [row for row in many if frame.kinds[row.category].geo == "G"]
    assert len(by_area) > 500
    assert {(row.lon, row.accuracy) for row in by_area} == {(None, "district"), (None, "unknown")}


def test_agencies_share_by_their_habits(frame, many):
    shares = {}
    for agency in ("polizei", "ordnungsamt", "bundespolizei", "feuerwehr", "zoll"):
        levels = Counter(row.sharing_level for row in many if row.agency == agency and not row.planted)
        shares[agency] = levels["cooperation"] / levels.total()
    assert shares["ordnungsamt"] > 0.85
    assert shares["feuerwehr"] > 0.7
    assert shares["polizei"] > 0.5
    assert shares["bundespolizei"] < 0.2
    assert shares["zoll"] == 0
    sensitive = [row for row in many if frame.kinds[row.category].is_sensitive]
    assert "cooperation" not in {row.sharing_level for row in sensitive}
    assert {row.sharing_level for row in many if row.category == "c-staff-conduct"} == {"internal"}


def test_old_records_are_closed_and_young_ones_are_not(many):
    last_week = UNTIL - datetime.timedelta(days=7)
    year_ago = UNTIL - datetime.timedelta(days=365)
    closed = {"done", "rejected"}
    young = [row for row in many if day_of(row) > last_week]
    old = [row for row in many if day_of(row) < year_ago]
    assert sum(row.status in closed for row in young) < 0.4 * len(young)
    assert sum(row.status in closed for row in old) > 0.95 * len(old)


def test_numbers_and_references_are_unique_and_gapless(rows):
    keys = [(row.agency, row.kind, row.year, row.number) for row in rows]
    assert len(set(keys)) == len(rows)
    assert len({(row.agency, row.kind, row.reference) for row in rows}) == len(rows)
    counted = Counter(key[:3] for key in keys)
    assert all(max(k[3] for k in keys if k[:3] == series) == total for series, total in counted.items())


def test_texts_name_nobody(rows):
    assert all(row.description for row in rows)
    assert {row.complainant_contact for row in rows if row.kind == "incident"} == {""}
    assert all(contact.endswith("@buerger.example") for row in rows if (contact := row.complainant_contact))
    assert not any(title in row.description for row in rows for title in ("Herr ", "Frau ", "HAM-"))


def test_merged_hotspot_is_seen_by_all_agencies_together_and_by_none_alone(frame):
    year_ago = UNTIL - datetime.timedelta(days=363)
    finds = [
        row
        for row in generate(dataclasses.replace(frame, records=30_000, seed=2026))
        if row.category == "needle-find" and row.lon is not None and day_of(row) >= year_ago
        if row.sharing_level == "cooperation"
    ]
    grid = build_grid({cell for polygon in frame.city.district_shapes for cell in h3.geo_to_cells(polygon, 9)})
    spot = frame.city.places[frame.city.place(MERGED_PLACE)]
    here = int(np.searchsorted(grid.cells, h3.latlng_to_cell(spot.lat, spot.lon, 9)))

    def is_hot(chosen: list[Row]) -> bool:
        cells = [h3.latlng_to_cell(row.lat, row.lon, 9) for row in chosen]
        return bool(find_hotspots(grid, count_cells(grid, cells)).significant[here])

    assert is_hot(finds)
    assert {agency: is_hot([row for row in finds if row.agency == agency]) for agency in MERGED_FINDS} == dict.fromkeys(
        MERGED_FINDS, False
    )


def test_merged_hotspot_happened_within_four_weeks(frame, rows):
    finds = [row for row in near(frame, rows, MERGED_PLACE) if row.planted]
    assert Counter(row.agency for row in finds) == MERGED_FINDS
    assert all(0 < (UNTIL - day_of(row)).days <= 28 for row in finds)


def test_complaints_grow_week_by_week_to_the_last_day(frame, rows):
    complaints = [
        row
        for row in near(frame, rows, GROWING_PLACE)
        if row.kind == "complaint" and frame.kinds[row.category].group == "noise-order"
    ]
    weeks = Counter((UNTIL - day_of(row)).days // 7 for row in complaints if row.planted)
    assert tuple(weeks[ago] for ago in reversed(range(10))) == GROWING_WEEKS
    before = [row for row in complaints if (UNTIL - day_of(row)).days >= 70]
    assert len(before) < 5
    reporters = {row.reporter_key for row in complaints if row.planted}
    assert len(reporters) > 25


def test_hotspot_ends_with_the_measure(frame, rows):
    thefts = [row for row in near(frame, rows, ENDED_PLACE) if row.category == "bicycle-theft"]
    ages = [(UNTIL - day_of(row)).days for row in thefts]
    during = [age for age in ages if ENDED_DAYS_AGO <= age < ENDED_DAYS_AGO + 7 * ENDED_WEEKS]
    since = [age for age in ages if age < ENDED_DAYS_AGO]
    assert len(during) >= 3 * ENDED_WEEKS
    assert len(since) < 6


def test_late_agency_misses_three_whole_weeks(frame, many):
    missed = set(missed_weeks(UNTIL))
    fire = [row for row in many if row.agency == "feuerwehr"]
    assert missed.isdisjoint(monday(day_of(row)) for row in fire)
    weeks = delivered_weeks(frame, many, ["feuerwehr", "polizei"])
    held = {week.week for week in weeks if week.agency == "feuerwehr"}
    everything = {week.week for week in weeks if week.agency == "polizei"}
    assert everything - held == missed
    assert len(missed) == 3


def test_suspended_agency_has_records_and_stops(many):
    days = [day_of(row) for row in many if row.agency == "finanzamt"]
    assert days
    assert max(days) <= UNTIL - datetime.timedelta(days=90)


def test_agencies_that_deliver_counts_have_no_records(frame, rows):
    assert {"jugendamt", "staatsanwaltschaft"}.isdisjoint(row.agency for row in rows)
    found = counts(frame)
    assert {"jugendamt", "staatsanwaltschaft", "jva", "schule"} == {row.agency for row in found}
    assert all((row.period_end - row.period_start).days == 27 and row.period_start.weekday() == 0 for row in found)
    assert max(row.period_end for row in found) == UNTIL
    assert {row.area for row in found if row.category == "child-welfare-referral"} == {"hamm"}
    assert {row.area for row in found if row.category == "youth-group"} == set(frame.city.district_slugs)
    assert len({row.period_start for row in found}) == SPAN_DAYS // 28
    weeks = [week.week for week in delivered_weeks(frame, rows, ["jugendamt"])]
    assert weeks[-1] == monday(UNTIL)
    assert {week.basis for week in delivered_weeks(frame, rows, ["jugendamt"])} == {"counts"}
