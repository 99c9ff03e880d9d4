import datetime
from zoneinfo import ZoneInfo

import pytest

from incidents.when import UnreadableTimeError, parse_when

BERLIN = ZoneInfo("Europe/Berlin")
# A Thursday.
NOW = datetime.datetime(2022, 10, 6, 15, 0, tzinfo=BERLIN)


def berlin(*parts: int) -> datetime.datetime:
    return datetime.datetime(*parts, tzinfo=BERLIN)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("heute 14:10", berlin(2022, 10, 6, 14, 10)),
        ("Gestern 22:30", berlin(2022, 10, 5, 22, 30)),
        ("gestern, um 22.30 Uhr", berlin(2022, 10, 5, 22, 30)),
        ("vorgestern 8 Uhr", berlin(2022, 10, 4, 8, 0)),
        ("06.10.2022 14:30", berlin(2022, 10, 6, 14, 30)),
        ("06.10.2022, 14:30 Uhr", berlin(2022, 10, 6, 14, 30)),
        ("6.10.22 14.30", berlin(2022, 10, 6, 14, 30)),
        ("6.10. 14 Uhr", berlin(2022, 10, 6, 14, 0)),
        ("6. 10. 14:05", berlin(2022, 10, 6, 14, 5)),
        ("6.10. 16 Uhr", berlin(2021, 10, 6, 16, 0)),
        ("24.12. 18 Uhr", berlin(2021, 12, 24, 18, 0)),
        ("mittwoch 21 uhr", berlin(2022, 10, 5, 21, 0)),
        ("Fr 21:15", berlin(2022, 9, 30, 21, 15)),
        ("14:10", berlin(2022, 10, 6, 14, 10)),
        ("22:30", berlin(2022, 10, 5, 22, 30)),
        ("8 Uhr", berlin(2022, 10, 6, 8, 0)),
        ("jetzt", berlin(2022, 10, 6, 15, 0)),
        ("2022-10-06T14:30", berlin(2022, 10, 6, 14, 30)),
        ("2022-10-06 14:30:59", berlin(2022, 10, 6, 14, 30)),
        ("2022-10-06T12:30:00Z", berlin(2022, 10, 6, 14, 30)),
        ("2022-10-06T12:30:00+00:00", berlin(2022, 10, 6, 14, 30)),
        ("01.01.1900 00:00", berlin(1900, 1, 1)),
        ("29.02.2020 12:00", berlin(2020, 2, 29, 12, 0)),
    ],
)
def test_text_means_the_local_moment(text, expected):
    assert parse_when(text, now=NOW) == expected


def test_mere_time_belongs_to_the_given_day():
    assert parse_when("23:15", now=NOW, day=datetime.date(2022, 9, 1)) == berlin(2022, 9, 1, 23, 15)


def test_doubled_hour_in_autumn_is_the_first_one():
    moment = parse_when("30.10.2022 02:30", now=berlin(2022, 11, 1))
    assert moment.utcoffset() == datetime.timedelta(hours=2)


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("", "nicht lesbar"),
        ("morgen 14:00", "nicht lesbar"),
        ("irgendwann", "nicht lesbar"),
        ("14", "nicht lesbar"),
        ("2022-10-06Tabc", "nicht lesbar"),
        ("2022-13-06 10:00", "nicht lesbar"),
        ("06.10.2022 mittags", "nicht lesbar"),
        ("heute", "Es fehlt die Uhrzeit"),
        ("06.10.2022", "Es fehlt die Uhrzeit"),
        ("2022-10-06", "Es fehlt die Uhrzeit"),
        ("31.02.2022 10:00", "Diesen Tag gibt es nicht"),
        ("29.02. 10:00", "Diesen Tag gibt es nicht"),
        ("heute 25:00", "Diese Uhrzeit gibt es nicht"),
        ("heute 12:75", "Diese Uhrzeit gibt es nicht"),
        ("06.10.0022 10:00", "Das Jahr 22 kann nicht stimmen"),
        ("9999-12-31T23:59", "Das Jahr 9999 kann nicht stimmen"),
        ("27.03.2022 02:30", "Sommerzeit"),
        ("1" * 100_000, "nicht lesbar"),
        ("1. " * 50_000, "nicht lesbar"),
    ],
)
def test_unreadable_text_says_what_to_do(text, part):
    with pytest.raises(UnreadableTimeError) as caught:
        parse_when(text, now=NOW)
    assert part in str(caught.value)
    assert "Bitte" in str(caught.value)
