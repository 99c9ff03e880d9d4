import datetime as dt

from django.utils import timezone

from hamm_security.celery import task
from lagebild.actions import build_picture


@task(time_limit_s=3600)
def rebuild_nightly(date: str | None = None) -> str:
    """Build the picture of the given local day (ISO), else of today. Works on what all members share."""
    picture = build_picture(date=dt.date.fromisoformat(date) if date else timezone.localdate())
    return str(picture.pk)
