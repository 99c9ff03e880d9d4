"""A night in parts: begin, scan each stream, publish. Any part may be done by any worker, and again without harm."""

from __future__ import annotations

import datetime as dt
import zlib
from collections.abc import Sequence
from time import perf_counter

import numpy as np
from django.conf import settings
from django.db import transaction
from django.utils import timezone

from lagebild.calendar import Calendar, calendar_words, load_calendar
from lagebild.night_models import Night, NightPart, NightState, NullPool
from lagebild.phenomena.looks import load_look, look_keys
from lagebild.phenomena.search import look_for
from lagebild.scanning import (
    JOINT,
    Field,
    StreamCases,
    fingerprint,
    least_cases,
    load_stream,
    prepared,
    scan_stream,
    scan_together,
    seeded,
    streets_of,
    zones_of,
)
from lagebild.selectors import City, load_city
from lagebild.stats.alarms import POOL_SIZE
from lagebild.stats.multivariate import bundle, joint_null_maxima
from lagebild.stats.scan import LEAST_CASES, Stream, null_maxima
from lagebild.stats.weeks import YEAR_DAYS
from lagebild.stats.zones import Zones
from lagebild.stream_sets import AlarmStream
from lagebild.watch import Watch, load_watch

KEPT_DAYS = 60
ALONG_STREETS = "+streets"
# Raised with every change of what a scan makes of the same cases.
SCAN_VERSION = 2


def load_field(date: dt.date, watch: Watch) -> Field:
    first = date - dt.timedelta(days=YEAR_DAYS - 1)
    return night_field(date, load_city(), load_calendar(first, date), watch)


def night_field(date: dt.date, city: City, calendar: Calendar, watch: Watch) -> Field:
    """What a night's scans share: disks, and streets where the operator has chosen them."""
    streets = streets_of(city.grid) if settings.SCAN_STREETS else None
    return Field(date, city, calendar, zones_of(city.grid), watch.threshold, streets=streets)


def pool_key(key: str, field: Field) -> str:
    """The pool of a part: one for each family of zones."""
    return key if key.startswith(JOINT) or field.streets is None else f"{key}{ALONG_STREETS}"


@transaction.atomic
def begin_night(date: dt.date) -> Night:
    """The unfinished run of the day, else a new one."""
    running = Night.objects.select_for_update().filter(date=date, state=NightState.RUNNING).first()
    return running or Night.objects.create(date=date, streams=[*load_watch().parts, *look_keys()])


def do_part(*, night: Night, key: str, watch: Watch, field: Field) -> NightPart:
    """Do one part of a night, whatever it is."""
    if key in look_keys():
        return look_part(night=night, key=key, watch=watch, city=field.city)
    return scan_part(night=night, key=key, watch=watch, field=field)


def scan_part(*, night: Night, key: str, watch: Watch, field: Field) -> NightPart:
    """Scan one stream, unless this night, or an earlier run of the same day, has its result from the same cases."""
    started = perf_counter()
    streams = watch.of_part(key)
    loaded = [load_stream(stream, field) for stream in streams]
    pool = NullPool.objects.for_night(pool_key(key, field), field.date)
    words = [
        SCAN_VERSION,
        calendar_words(field.calendar),
        [s.category_ids for s in streams],
        pool.made_on if pool else None,
    ]
    sha256 = _joined(loaded, field, words)
    known = _known_result(key, sha256)
    result = known if known is not None else _scanned(key, streams, loaded, watch, field, pool)
    return _keep(night, key, sha256, result, started)


def look_part(*, night: Night, key: str, watch: Watch, city: City) -> NightPart:
    """Look for one form of phenomena, unless some night has the result of the same look at the same cases."""
    started = perf_counter()
    look = load_look(key, night.date, watch, city)
    known = _known_result(key, look.sha256)
    return _keep(night, key, look.sha256, known if known is not None else look_for(look), started)


def _known_result(key: str, sha256: str) -> dict | None:
    """What was made of the same cases before; the hash holds the day they were looked at on."""
    known = NightPart.objects.filter(stream=key, input_sha256=sha256).order_by("-pk").first()
    return known.result if known is not None else None


def _keep(night: Night, key: str, sha256: str, result: dict, started: float) -> NightPart:
    part, _ = NightPart.objects.update_or_create(
        night=night,
        stream=key,
        defaults={
            "input_sha256": sha256,
            "result": result,
            "seconds": round(perf_counter() - started, 3),
            "done_at": timezone.now(),
        },
    )
    Night.objects.filter(pk=night.pk).update(done=night.parts.count())
    return part


def _joined(loaded: Sequence[StreamCases], field: Field, words: Sequence) -> str:
    columns = (
        np.concatenate([getattr(found, name) for found in loaded]) for name in ("place", "agency", "day", "count")
    )
    return fingerprint(StreamCases(*columns), field, [*words, [found.place.size for found in loaded]])


def _scanned(
    key: str,
    streams: Sequence[AlarmStream],
    loaded: Sequence[StreamCases],
    watch: Watch,
    field: Field,
    pool: NullPool | None,
) -> dict:
    if key.startswith(JOINT):
        return scan_together(key, streams, loaded, field, groups=watch.group_ids, stored=pool)
    return scan_stream(streams[0], loaded[0], field, group_ids=watch.group_ids[key], stored=pool)


def renew_pool(*, key: str, date: dt.date, watch: Watch, field: Field, size: int = POOL_SIZE) -> NullPool | None:
    """Draw the null maxima of one stream anew, from the cases as they stand; None where there are too few to scan."""
    if key.startswith(JOINT):
        ready = [_prepared(stream, watch, field, LEAST_CASES) for stream in watch.of_part(key)]
        ready = [stream for stream in ready if not stream.is_empty]
        if len(ready) < 2:
            return None
        together = bundle(ready)

        def draw(number: int, rng: np.random.Generator) -> np.ndarray:
            return joint_null_maxima(together, number, rng)
    else:
        stream = watch.stream(key)
        single = _prepared(stream, watch, field, least_cases(stream), field.stream_zones)
        if single.is_quiet:
            return None

        def draw(number: int, rng: np.random.Generator) -> np.ndarray:
            return null_maxima(single, number, rng)

    rng = np.random.default_rng([zlib.crc32(b"pool"), *seeded(key, date).integers(0, 2**32, 2).tolist()])
    maxima = np.sort(draw(size, rng))
    name = pool_key(key, field)
    pool, _ = NullPool.objects.update_or_create(
        stream=name, made_on=date, defaults={"size": size, "maxima": maxima.astype("<f8").tobytes()}
    )
    NullPool.objects.filter(stream=name, made_on__lt=date - dt.timedelta(days=KEPT_DAYS)).delete()
    return pool


def _prepared(stream: AlarmStream, watch: Watch, field: Field, least: int, zones: Zones | None = None) -> Stream:
    found, groups = load_stream(stream, field), watch.group_ids[stream.id]
    return prepared(found, field, least=least, group_ids=groups, zones=zones)


@transaction.atomic
def finish_night(night: Night, *, is_new: bool) -> None:
    night.state = NightState.PUBLISHED if is_new else NightState.UNCHANGED
    night.finished_at = timezone.now()
    night.save(update_fields=("state", "finished_at"))
    Night.objects.filter(started_at__lt=night.finished_at - dt.timedelta(days=KEPT_DAYS)).delete()
