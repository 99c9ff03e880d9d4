"""A whole night as it is run: null pools drawn before, the parts by two worker processes, then published.

Prints durations and peak memory as JSON. What it stores it takes away again; the picture is rolled back.
"""

import importlib
import json
import logging
import multiprocessing
import resource
import sys
from concurrent.futures import ProcessPoolExecutor
from time import perf_counter

import django
from django.db import transaction
from django.utils import timezone

WORKERS = 2
# Enough to judge by; the renewal's cost is in proportion to the number.
POOL_SIZE = 400


def _set_up() -> None:
    django.setup()
    logging.disable(logging.WARNING)


def _lagebild(name: str):
    return importlib.import_module(f"lagebild.{name}")


def _builder():
    return importlib.import_module("agencies.wall.context").builder_login()


def _peak_mib() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def _field(date):
    nights = _lagebild("nights")
    watch = nights.load_watch()
    return watch, nights.load_field(date, watch)


def scan(night_pk: int, key: str) -> float:
    """One part as the task does it; the process's peak memory."""
    with _builder():
        night = _lagebild("models").Night.objects.get(pk=night_pk)
        watch, field = _field(night.date)
        _lagebild("nights").do_part(night=night, key=key, watch=watch, field=field)
    return _peak_mib()


def renew(key: str) -> float:
    """Null pool of one part, small; seconds the maxima would take at their full number."""
    nights = _lagebild("nights")
    with _builder():
        today = timezone.localdate()
        watch, field = _field(today)
        nights.renew_pool(key=key, date=today, watch=watch, field=field, size=1)
        started = perf_counter()
        nights.renew_pool(key=key, date=today, watch=watch, field=field, size=POOL_SIZE)
        return (perf_counter() - started) * _lagebild("stats.alarms").POOL_SIZE / POOL_SIZE


def _forget(models) -> None:
    with _builder():
        today = timezone.localdate()
        models.Night.objects.filter(date=today).delete()
        models.NullPool.objects.filter(made_on=today).delete()


def main() -> None:
    _set_up()
    models, actions = _lagebild("models"), _lagebild("actions")
    _forget(models)
    workers = ProcessPoolExecutor(WORKERS, multiprocessing.get_context("spawn"), initializer=_set_up)
    try:
        with _builder():
            keys = _lagebild("nights").load_watch().parts
        renewal_s = sum(workers.map(renew, keys))
        started = perf_counter()
        with _builder():
            night = _lagebild("nights").begin_night(timezone.localdate())
        peaks = list(workers.map(scan, [night.pk] * len(night.streams), night.streams))
        parts_s = perf_counter() - started
        with _builder():
            models.Picture.objects.update(input_sha256="")
            actions.publish_night(night=night)
            transaction.set_rollback(True)
        night_s = perf_counter() - started
        with _builder():
            alarms = [part.stream for part in models.NightPart.objects.filter(night=night) if part.result.get("alarms")]
    finally:
        workers.shutdown()
        _forget(models)
    measured = {
        "night_s": night_s,
        "parts_s": parts_s,
        "peak_mib": max(peaks) * WORKERS + _peak_mib(),
        "renewal_s": renewal_s,
        "loud": len(alarms),
    }
    sys.stdout.write(json.dumps({name: round(value, 2) for name, value in measured.items()}))


if __name__ == "__main__":
    main()
