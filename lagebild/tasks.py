import datetime as dt
import functools
import logging

from celery import chord, current_task
from celery.exceptions import SoftTimeLimitExceeded
from celery.result import allow_join_result
from django.utils import timezone

from agencies.audit_chain import purge_expired
from agencies.models import Agency
from agencies.wall import context
from agencies.wall.context import Office, acting_as
from hamm_security.celery import advisory_lock, task
from incidents.expiry import clear_technical
from lagebild import danger_checks, retention, retrospect, retrospect_search
from lagebild.actions import build_picture, open_night, publish_night
from lagebild.models import Night
from lagebild.nights import do_part, load_field, load_watch, renew_pool

logger = logging.getLogger(__name__)

# After so long a look back asks again whether it is its turn.
AT_WORK_S = 15


@task(time_limit_s=600)
def rebuild_nightly(date: str | None = None) -> str:
    """Build the picture of the given local day (ISO), else of today: its parts side by side, then all in one step.

    Works with the builder's login. The result is that of `publish_picture`.
    """
    day = dt.date.fromisoformat(date) if date else timezone.localdate()
    with context.builder_login():
        night = open_night(date=day)
    if night is None:
        return publish_picture([], None, day.isoformat())
    header = [do_night_part.s(night.pk, key) for key in night.streams]
    # Without a worker, as in tests, replacing means waiting.
    with allow_join_result():
        return current_task.replace(chord(header, publish_picture.s(night.pk, day.isoformat())))


@task(time_limit_s=1800)
def do_night_part(night_pk: int, key: str) -> float:
    """Scan one stream of a night, or look for one form of phenomena; seconds it took."""
    with context.builder_login():
        night = Night.objects.get(pk=night_pk)
        watch = load_watch()
        return do_part(night=night, key=key, watch=watch, field=load_field(night.date, watch)).seconds


@task(time_limit_s=3600)
def publish_picture(seconds: list[float], night_pk: int | None, date: str) -> str:
    """Publish what the parts have found, and look for dangers; the picture's key."""
    with context.builder_login():
        if night_pk is None:
            picture = build_picture(date=dt.date.fromisoformat(date))
        else:
            picture = publish_night(night=Night.objects.get(pk=night_pk))
    # By itself: what goes wrong here takes no picture back.
    with context.builder_login():
        danger_checks.check_dangers()
    return str(picture.pk)


@task(time_limit_s=600)
def renew_null_pools() -> int:
    """Weekly: have the null maxima of every stream drawn anew, one task each; how many."""
    with context.builder_login():
        keys = load_watch().parts
    for key in keys:
        renew_null_pool.delay(key, timezone.localdate().isoformat())
    return len(keys)


@task(time_limit_s=3 * 3600)
def renew_null_pool(key: str, date: str) -> int:
    """Draw the null maxima of one stream; how many."""
    day = dt.date.fromisoformat(date)
    with context.builder_login():
        watch = load_watch()
        pool = renew_pool(key=key, date=day, watch=watch, field=load_field(day, watch))
    return pool.size if pool else 0


@task(time_limit_s=600)
def check_dangers(categories: list[int] | None = None, rules: list[str] | None = None) -> int:
    """Look for dangers by the rules that take one of these categories, by these rules, or by all; how many have grown.

    Works with the builder's login, which reads shared faces and writes findings.
    """
    with context.builder_login():
        return len(danger_checks.check_dangers(categories=categories, rules=rules))


@task(time_limit_s=1800)
def look_back(pk: str) -> str | None:
    """Answer one look back, one after the other in the whole portal; how it ended, None where there is
    nothing to do or another is at work.

    Reads with the builder's login in one transaction and searches outside of any. What goes wrong is told in the look
    back itself.
    """
    with advisory_lock("lagebild.look_back") as held:
        if held:
            return _look_back(pk)
    look_back.apply_async((pk,), countdown=AT_WORK_S)
    return None


def _look_back(pk: str) -> str | None:
    with context.builder_login():
        if not retrospect.begin(pk=pk):
            return None
    failure = "Bitte fordern Sie ihn noch einmal an; gelingt es wieder nicht, hilft die Administration."
    try:
        with context.builder_login():
            loaded = retrospect_search.load(pk=pk)
        outcome = retrospect_search.search(loaded, report=functools.partial(_progress, pk))
        with context.builder_login():
            retrospect.answer(pk=pk, outcome=outcome)
        failure = ""
    except retrospect_search.StreamGoneError:
        failure = "Den gewählten Strom gibt es nicht mehr. Bitte wählen Sie einen anderen."
    except SoftTimeLimitExceeded:
        failure = "Die Berechnung hat zu lange gedauert. Bitte wählen Sie einen kürzeren Zeitraum."
    finally:
        # Whatever has gone wrong besides is raised and logged.
        if failure:
            with context.builder_login():
                retrospect.give_up(pk=pk, failure=failure)
    return "failed" if failure else "done"


def _progress(pk: str, done: int) -> None:
    with context.builder_login():
        retrospect.note_progress(pk=pk, done=done)


def queue_danger_check(categories: list[int] | None = None) -> None:
    """Called after something that all members see has changed: records of these categories, or of any."""
    check_dangers.delay(categories=categories)


@task(singleton=True, time_limit_s=3600)
def apply_retention() -> dict[str, int]:
    """Delete what is due, one agency after the other, then what belongs to none; agency slug -> rows deleted."""
    today = timezone.localdate()
    gone = {}
    with acting_as(Office.OPERATOR):
        agencies = list(Agency.objects.order_by("slug"))
    for agency in agencies:
        gone[agency.slug] = retention.apply_retention(agency=agency, today=today).deleted
    with acting_as(Office.OPERATOR):
        cleared = dict(clear_technical(today=today, dry_run=False))
        cleared["Rückblicke"] = retrospect.clear_old(today=today, dry_run=False)
    # Last and by itself: a broken chain of the log refuses this and undoes nothing else.
    with acting_as(Office.OPERATOR):
        entries = purge_expired(today=today, dry_run=False)
    logger.info("Cleared besides: %s, %s entries of the log.", cleared, entries)
    return gone
