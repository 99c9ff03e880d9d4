import datetime
from zoneinfo import ZoneInfo

import pytest

from incidents.importing import values
from incidents.importing.refusals import CellError

BERLIN = ZoneInfo("Europe/Berlin")


def utc(*parts: int) -> datetime.datetime:
    return datetime.datetime(*parts, tzinfo=datetime.UTC)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2022-10-06 14:30", utc(2022, 10, 6, 12, 30)),
        ("2022-10-06T14:30:15", utc(2022, 10, 6, 12, 30, 15)),
        ("2022-10-06T14:30:15.250", utc(2022, 10, 6, 12, 30, 15)),
        ("2022-10-06T14:30Z", utc(2022, 10, 6, 14, 30)),
        ("2022-10-06T14:30:00+05:30", utc(2022, 10, 6, 9, 0)),
        ("2022-10-06T14:30:00-0400", utc(2022, 10, 6, 18, 30)),
        ("06.10.2022 14:30", utc(2022, 10, 6, 12, 30)),
        ("6.1.2022, 14:30 Uhr", utc(2022, 1, 6, 13, 30)),
        ("06.10.2022 14:30:59 Uhr", utc(2022, 10, 6, 12, 30, 59)),
        ("06.10.2022 14.30", utc(2022, 10, 6, 12, 30)),
    ],
)
def test_moment_reads_german_and_international_times(text, expected):
    moment = values.moment(text, BERLIN, "occurred_from")
    assert (moment.at, moment.day) == (expected, None)


@pytest.mark.parametrize("text", ["2022-10-06", "06.10.2022"])
def test_moment_without_time_names_the_local_day(text):
    moment = values.moment(text, BERLIN, "occurred_from")
    assert (moment.at, moment.day) == (utc(2022, 10, 5, 22, 0), datetime.date(2022, 10, 6))


def test_moment_places_the_repeated_hour_in_its_first_run():
    assert values.moment("30.10.2022 02:30", BERLIN, "x").at == utc(2022, 10, 30, 0, 30)
    assert values.moment("30.10.2022 03:30", BERLIN, "x").at == utc(2022, 10, 30, 2, 30)


def test_moment_refuses_the_hour_that_summer_time_skips():
    with pytest.raises(CellError) as refusal:
        values.moment("27.03.2022 02:30", BERLIN, "occurred_from")
    assert refusal.value.objection.code == "time_gap"


@pytest.mark.parametrize(
    "text",
    [
        "gestern",
        "32.01.2022",
        "29.02.2023 10:00",
        "2022-10-06 24:00",
        "06.10.22",
        "10/06/2022",
        "0001-01-01",
        "2022-W40",
        "2022-10-06T14:30+99:00",
        "٠٦.١٠.٢٠٢٢",
        "9999-12-31",
    ],
)
def test_moment_refuses_what_is_no_date(text):
    with pytest.raises(CellError) as refusal:
        values.moment(text, BERLIN, "occurred_from")
    assert refusal.value.objection.code == "date"
    assert text not in str(refusal.value)


def test_end_of_day_is_open_while_the_day_runs():
    day = datetime.date(2022, 10, 6)
    assert values.end_of_day(day, BERLIN, utc(2022, 10, 6, 10)) is None
    assert values.end_of_day(day, BERLIN, utc(2022, 10, 7)) == utc(2022, 10, 6, 21, 59)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("7.8078", 7.8078),
        ("7,8078", 7.8078),
        ("-87,62", -87.62),
        ("2'683'472,5", 2683472.5),
        ("5.726.123,4", 5726123.4),
        ("5.726.123", 5726123.0),
        ("407 123", 407123.0),
        ("1e3", 1000.0),
    ],
)
def test_number_reads_points_commas_and_groups(text, expected):
    assert values.number(text, "lon") == expected


@pytest.mark.parametrize("text", ["nan", "inf", "", "7,8,0", "7.8 Ost", "٧", "1e999"])
def test_number_refuses_what_is_no_number(text):
    with pytest.raises(CellError):
        values.number(text, "lon")


def test_whole_number_reads_digits_and_german_groups_only():
    assert [values.whole_number(text, "count") for text in ("0", "12", "2.216")] == [0, 12, 2216]
    for text in ("-1", "1,5", "2.21", "", "zwölf", "99999999"):
        with pytest.raises(CellError):
            values.whole_number(text, "count")


def test_storable_refuses_long_texts_and_characters_no_database_takes():
    assert values.storable("Straße", "place_text", 200) == "Straße"
    for text, code in (("x" * 201, "too_long"), ("a\x00b", "characters"), ("\ud800", "characters")):
        with pytest.raises(CellError) as refusal:
            values.storable(text, "place_text", 200)
        assert refusal.value.objection.code == code
