import csv
import datetime as dt
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lagebild.stats.aoristic import profile

NOT_KNOWN = np.datetime64("NaT")
MONDAY = np.datetime64("2026-01-05T00:00")

spans = st.lists(
    st.tuples(st.integers(-3_000_000, 3_000_000), st.integers(0, 12_000)),
    max_size=20,
)


def times(pairs):
    start = MONDAY + np.array([begin for begin, _ in pairs], dtype="timedelta64[m]")
    return start, start + np.array([length for _, length in pairs], dtype="timedelta64[m]")


def minute_by_minute(start, end):
    """The definition, written out."""
    weights = np.zeros((7, 24))
    for begin, until in zip(start.tolist(), end.tolist(), strict=True):
        minutes = max(1, int((until - begin).total_seconds() // 60)) if until is not None else 1
        if minutes >= 10_080:
            weights += 1 / 168
            continue
        for minute in range(minutes):
            at = begin + dt.timedelta(minutes=minute)
            weights[at.weekday(), at.hour] += 1 / minutes
    return weights


def read(shared, name):
    with (shared / "data" / "reference" / "aoristic" / name).open(newline="") as file:
        return list(csv.DictReader(file))


def in_washington(text):
    if text in ("", "NA"):
        return NOT_KNOWN
    instant = dt.datetime.fromisoformat(text).replace(tzinfo=dt.UTC)
    return np.datetime64(instant.astimezone(ZoneInfo("America/New_York")).replace(tzinfo=None))


def test_washington_burglaries_agree_with_the_published_sums(shared):
    rows = read(shared, "dcburglaries_2016h1.csv")
    found = profile(
        [in_washington(row["StartDateTime"]) for row in rows], [in_washington(row["EndDateTime"]) for row in rows]
    )
    table = read(shared, "expected_dcburgsum.csv")
    expected = np.array(
        [[float(row[day]) for row in table] for day in ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")]
    )
    assert expected.size == 168
    assert expected.sum() == pytest.approx(1025.01, abs=0.005)
    np.testing.assert_allclose(found.weights, expected, rtol=0, atol=0.0005001)
    assert (found.events, found.vague) == (1025, 28)


def test_new_york_burglaries_agree_with_the_definition(shared):
    rows = [row for row in read(shared, "NYburg_2019.csv") if row["CMPLNT_TO_DT"] not in ("", "NA")]

    def moment(row, which):
        minutes = round(float(row[f"CMPLNT_{which}_TM"]) * 1440)
        return np.datetime64(row[f"CMPLNT_{which}_DT"], "m") + np.timedelta64(minutes, "m")

    start = np.array([moment(row, "FR") for row in rows])
    end = np.array([moment(row, "TO") for row in rows])
    ordered = end >= start
    assert ordered.sum() > 1000
    found = profile(start[ordered], end[ordered])
    np.testing.assert_allclose(found.weights, minute_by_minute(start[ordered], end[ordered]), atol=1e-9)


@settings(max_examples=50, deadline=None)
@given(spans)
def test_agrees_with_the_definition(pairs):
    start, end = times(pairs)
    np.testing.assert_allclose(profile(start, end).weights, minute_by_minute(start, end), atol=1e-9)


@given(spans, st.randoms(use_true_random=False))
def test_order_does_not_matter_and_every_span_counts_one(pairs, random):
    mixed = random.sample(pairs, len(pairs))
    first, second = profile(*times(pairs)), profile(*times(mixed))
    np.testing.assert_allclose(first.weights, second.weights, atol=1e-12)
    assert first.weights.sum() == pytest.approx(len(pairs))
    assert (first.weights >= 0).all()
    assert first.exact + first.vague <= first.events == len(pairs)


@given(spans, st.integers(-5, 5))
def test_the_week_does_not_matter(pairs, weeks):
    start, end = times(pairs)
    moved = np.timedelta64(weeks * 7, "D")
    np.testing.assert_array_equal(profile(start + moved, end + moved).weights, profile(start, end).weights)


def test_one_span_is_split_by_the_minutes_it_spends_in_each_hour():
    found = profile(["2026-01-05T00:45"], ["2026-01-05T02:15"])
    assert found.weights[0, :4].tolist() == pytest.approx([15 / 90, 60 / 90, 15 / 90, 0])
    assert np.count_nonzero(found.weights) == 3


def test_a_span_runs_over_the_end_of_the_week():
    found = profile(["2026-01-11T23:30"], ["2026-01-12T01:00"])
    assert found.weights[6, 23] == pytest.approx(1 / 3)
    assert found.weights[0, 0] == pytest.approx(2 / 3)


@pytest.mark.parametrize("end", [NOT_KNOWN, "2026-01-07T13:59:00", "2026-01-07T13:59:40", "2026-01-07T14:00:00"])
def test_what_is_known_to_the_minute_lies_in_its_hour(end):
    found = profile([np.datetime64("2026-01-07T13:59")], np.array([end], dtype="datetime64[s]"))
    assert found.weights[2, 13] == 1
    assert (found.exact, found.vague) == (1, 0)


def test_exact_is_one_hour_of_the_clock():
    start = ["2026-01-07T13:00", "2026-01-07T13:30", "2026-01-07T13:00"]
    assert profile(start, ["2026-01-07T14:00", "2026-01-07T14:01", "2026-01-07T13:59"]).exact == 2


def test_a_week_and_more_says_nothing():
    found = profile([MONDAY, MONDAY], [MONDAY + np.timedelta64(7, "D"), MONDAY + np.timedelta64(400, "D")])
    np.testing.assert_allclose(found.weights, 2 / 168)
    assert (found.exact, found.vague) == (0, 2)


def test_hours_without_anything_are_exactly_empty(rng):
    start = MONDAY + rng.integers(0, 600, 1000).astype("timedelta64[m]")
    found = profile(start, start + rng.integers(0, 120, 1000).astype("timedelta64[m]"))
    assert (found.weights[1:] == 0).all()


def test_nothing_at_all_is_an_empty_week():
    found = profile([], [])
    assert (found.weights == 0).all()
    assert found.events == 0


@pytest.mark.parametrize(
    ("start", "end", "message"),
    [
        ([NOT_KNOWN], [MONDAY], "start must be known"),
        ([MONDAY], [MONDAY - np.timedelta64(1, "m")], "1 spans end before"),
        ([MONDAY, MONDAY], [MONDAY], "same length"),
        (MONDAY, MONDAY, "two series"),
    ],
)
def test_unusable_input_is_refused(start, end, message):
    with pytest.raises(ValueError, match=message):
        profile(start, end)
