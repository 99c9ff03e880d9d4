import csv
import datetime as dt
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lagebild.stats.aoristic import PEAK_HOURS, peak, profile

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


def weekend_nights(number: float, around: float = 0.1) -> np.ndarray:
    """`around` in every hour, `number` in each of Friday and Saturday 20 to 2 o'clock."""
    week = np.full(7 * 24, around)
    for day in (4, 5):
        week[(day * 24 + np.arange(20, 26)) % week.size] += number
    return week.reshape(7, 24)


def test_peak_of_weekend_nights_by_hand():
    """30 of 46.8 in 12 of 168 hours: llr = 30 ln(30 / 3.34) + ... with 1.2 of the background in the run."""
    week = weekend_nights(2.5)
    found = peak(week, events=round(week.sum()))
    assert (found.first_day, found.days, found.first_hour, found.hours) == (4, 2, 20, 6)
    inside, total, even = 30 + 12 * 0.1, 30 + 168 * 0.1, 12 / 168
    assert found.share == pytest.approx(inside / total)
    assert found.share_of_week == pytest.approx(even)
    by_hand = inside * np.log(inside / (total * even)) + (total - inside) * np.log(
        (total - inside) / (total * (1 - even))
    )
    assert found.llr == pytest.approx(by_hand)


def test_peak_is_the_best_of_all_runs_by_brute_force():
    rng = np.random.default_rng(3)
    week = rng.gamma(0.6, 1.0, (7, 24)) + weekend_nights(4.0)
    total, best = week.sum(), 0.0
    for days in range(1, 8):
        for hours in PEAK_HOURS:
            for day in range(7):
                for hour in range(24):
                    chosen = {((day + i) * 24 + hour + j) % 168 for i in range(days) for j in range(hours)}
                    c, m = week.reshape(-1)[list(chosen)].sum(), total * days * hours / 168
                    if c > m:
                        best = max(best, c * np.log(c / m) + (total - c) * np.log((total - c) / (total - m)))
    assert peak(week, events=round(total)).llr == pytest.approx(best)


def test_peak_over_the_end_of_the_week_and_on_all_days():
    week = np.roll(weekend_nights(5), 2, axis=0)
    assert (peak(week, events=round(week.sum())).first_day, peak(week, events=round(week.sum())).days) == (6, 2)
    daily = np.full((7, 24), 0.1)
    daily[:, 8:16] = 2
    found = peak(daily, events=round(daily.sum()))
    assert (found.first_day, found.days, found.first_hour, found.hours) == (0, 7, 8, 8)


def test_even_and_empty_weeks_have_no_peak():
    assert peak(np.ones((7, 24)), events=168) is None
    assert peak(np.zeros((7, 24)), events=0) is None


def test_chance_gives_a_peak_less_often_than_the_level():
    """Cases at random hours, and spans of twelve hours, whose weights vary less than counts."""
    rng = np.random.default_rng(9)
    found = 0
    for number in (20, 60, 300):
        for length in (0, 720):
            for _ in range(60):
                start = np.datetime64("2026-01-05T00:00", "m") + rng.integers(0, 10080, number).astype("m8[m]")
                spread = profile(start, start + length)
                found += peak(spread.weights, events=number) is not None
    assert found <= 18  # 5 % of 360


def test_few_cases_at_one_hour_are_no_peak_and_more_are():
    for number, told in ((2, False), (8, True)):
        week = np.zeros((7, 24))
        week[4, 22] = number
        assert (peak(week, events=number) is not None) is told


def test_impossible_weeks_are_refused():
    for week, events in ((np.ones((24, 7)), 168), (-np.ones((7, 24)), -168), (np.ones((7, 24)), 100)):
        with pytest.raises(ValueError, match="weights"):
            peak(week, events=events)
