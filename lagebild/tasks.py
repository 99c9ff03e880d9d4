import datetime as dt
import logging

from django.utils import timezone

from agencies.audit_chain import purge_expired
from agencies.models import Agency
from agencies.wall import context
from agencies.wall.context import Office, acting_as
from hamm_security.celery import task
from incidents.expiry import clear_technical
from lagebild import danger_checks, retention
from lagebild.actions import build_picture

logger = logging.getLogger(__name__)


@task(time_limit_s=3600)
def rebuild_nightly(date: str | None = None) -> str:
    """Build the picture of the given local day (ISO), else of today. Works with the builder's login."""
    with context.builder_login():
        picture = build_picture(date=dt.date.fromisoformat(date) if date else timezone.localdate())
    # By itself: what goes wrong here takes no picture back.
    with context.builder_login():
        danger_checks.check_dangers()
    return str(picture.pk)


@task(time_limit_s=600)
def check_dangers(categories: list[int] | None = None, rules: list[str] | None = None) -> int:
    """Look for dangers by the rules that take one of these categories, by these rules, or by all; how many have grown.

    Works with the builder's login, which reads shared faces and writes findings.
    """
    with context.builder_login():
        return len(danger_checks.check_dangers(categories=categories, rules=rules))


def queue_danger_check(categories: list[int]) -> None:
    """Called after something that all members see has changed."""
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
    # Last and by itself: a broken chain of the log refuses this and undoes nothing else.
    with acting_as(Office.OPERATOR):
        entries = purge_expired(today=today, dry_run=False)
    logger.info("Cleared besides: %s, %s entries of the log.", cleared, entries)
    return gone
