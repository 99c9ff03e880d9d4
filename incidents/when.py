"""Reads points in time the way people type them: "gestern 22:30", "6.10. 14 Uhr", "2022-10-06T14:30"."""

from __future__ import annotations

import datetime
import re

from django.utils import timezone

EXAMPLES = "gestern 22:30, 6.10. 14 Uhr oder 06.10.2022 14:30"
YEARS = range(1900, 2101)
_DAYS_AGO = {"heute": 0, "gestern": 1, "vorgestern": 2}
_WEEKDAYS = ("montag", "dienstag", "mittwoch", "donnerstag", "freitag", "samstag", "sonntag")
_TIME = r"(?P<hour>\d{1,2})(?:[:.](?P<minute>\d{2})(?::\d{2})?)?\s*(?P<word>uhr)?"
_TIME_ONLY = re.compile(rf"(?:um\s+)?{_TIME}")
_WORD = re.compile(rf"(?P<day>[a-zäöüß]+)\.?,?(?:\s+um)?\s+{_TIME}")
_DATE = re.compile(r"(?P<d>\d{1,2})\.\s?(?P<m>\d{1,2})\.\s?(?P<y>\d{4}|\d{2}(?![\d:.]|\s*uhr))?")
_ISO = re.compile(r"\d{4}-\d{2}-\d{2}([t ].*)?")


class UnreadableTimeError(ValueError):
    """Carries the German message for the field."""


def parse_when(text: str, *, now: datetime.datetime, day: datetime.date | None = None) -> datetime.datetime:
    """The aware local time meant by `text`.

    `now` settles words such as "gestern" and dates without a year, which mean the latest one that is past;
    `day` is the day meant by a mere time of day (default: the latest that makes it past).
    Raises `UnreadableTimeError` with a message for the person typing.
    """
    now = timezone.localtime(now)
    words = " ".join(text.casefold().split())
    if words == "jetzt":
        return now.replace(second=0, microsecond=0)
    if _ISO.fullmatch(words):
        return _iso(words)
    if match := _DATE.match(words):
        rest = words[match.end() :].strip(" ,")
        return _local(_date_of(match, rest, now), *_time_of(rest))
    if match := _WORD.fullmatch(words):
        return _local(_named_day(match["day"], now.date()), *_clock(match))
    if (match := _TIME_ONLY.fullmatch(words)) and (match["minute"] or match["word"]):
        return _time_only(_clock(match), now, day)
    if words in _DAYS_AGO or words in _WEEKDAYS:
        raise UnreadableTimeError(_no_time())
    raise UnreadableTimeError(_unreadable())


def _unreadable() -> str:
    return f"Der Zeitpunkt ist nicht lesbar. Bitte zum Beispiel {EXAMPLES} eingeben."


def _no_time() -> str:
    return (
        "Es fehlt die Uhrzeit. Bitte Tag und Uhrzeit eingeben; ist sie unbekannt, den Zeitraum von 00:00 bis 23:59 "
        "angeben."
    )


def _iso(text: str) -> datetime.datetime:
    if len(text) == 10:
        raise UnreadableTimeError(_no_time())
    try:
        moment = datetime.datetime.fromisoformat(text.upper())
    except ValueError as error:
        raise UnreadableTimeError(_unreadable()) from error
    if moment.year not in YEARS:
        raise UnreadableTimeError(_strange_year(moment.year))
    if moment.tzinfo is None:
        return _local(moment.date(), moment.hour, moment.minute)
    return timezone.localtime(moment)


def _strange_year(year: int) -> str:
    return f"Das Jahr {year} kann nicht stimmen. Bitte das Datum prüfen."


def _date_of(match: re.Match, rest: str, now: datetime.datetime) -> datetime.date:
    written = match["y"]
    year = now.year if written is None else int(written) + (2000 if len(written) == 2 else 0)
    if year not in YEARS:
        raise UnreadableTimeError(_strange_year(year))
    try:
        date = datetime.date(year, int(match["m"]), int(match["d"]))
        if written is None and _local(date, *_time_of(rest)) > now:
            date = date.replace(year=year - 1)
    except UnreadableTimeError:
        raise
    except ValueError as error:
        raise UnreadableTimeError("Diesen Tag gibt es nicht. Bitte das Datum prüfen.") from error
    return date


def _time_of(text: str) -> tuple[int, int]:
    if not text:
        raise UnreadableTimeError(_no_time())
    match = _TIME_ONLY.fullmatch(text)
    if match is None:
        raise UnreadableTimeError(_unreadable())
    return _clock(match)


def _clock(match: re.Match) -> tuple[int, int]:
    hour, minute = int(match["hour"]), int(match["minute"] or 0)
    if hour > 23 or minute > 59:
        raise UnreadableTimeError("Diese Uhrzeit gibt es nicht. Bitte eine Zeit von 00:00 bis 23:59 eingeben.")
    return hour, minute


def _named_day(word: str, today: datetime.date) -> datetime.date:
    if word in _DAYS_AGO:
        return today - datetime.timedelta(days=_DAYS_AGO[word])
    for number, name in enumerate(_WEEKDAYS):
        if word in {name, name[:2]}:
            return today - datetime.timedelta(days=(today.weekday() - number) % 7)
    raise UnreadableTimeError(_unreadable())


def _time_only(clock: tuple[int, int], now: datetime.datetime, day: datetime.date | None) -> datetime.datetime:
    if day is not None:
        return _local(day, *clock)
    moment = _local(now.date(), *clock)
    return moment if moment <= now else _local(now.date() - datetime.timedelta(days=1), *clock)


def _local(day: datetime.date, hour: int, minute: int) -> datetime.datetime:
    zone = timezone.get_current_timezone()
    moment = datetime.datetime(day.year, day.month, day.day, hour, minute, tzinfo=zone)
    # An hour skipped in spring comes back from UTC as another one.
    if moment.astimezone(datetime.UTC).astimezone(zone).replace(tzinfo=None) != moment.replace(tzinfo=None):
        raise UnreadableTimeError(
            "Diese Uhrzeit gibt es an diesem Tag nicht, weil die Uhr auf Sommerzeit vorgestellt wurde. "
            "Bitte die Uhrzeit prüfen."
        )
    return moment
