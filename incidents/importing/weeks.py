"""Delivered ISO weeks: noted after an import, or said to hold nothing ("Fehlanzeige")."""

from __future__ import annotations

import datetime

from django.core.exceptions import PermissionDenied, ValidationError
from django.db import transaction
from django.utils import timezone

from agencies import audit
from agencies.models import Agency
from incidents.actions import note_delivery
from incidents.models import DeliveredWeek, DeliveryBasis

OFFERED_WEEKS = 12
_WEEK = datetime.timedelta(weeks=1)


def monday(day: datetime.date) -> datetime.date:
    return day - datetime.timedelta(days=day.weekday())


def week_label(week: datetime.date) -> str:
    year, number, _ = week.isocalendar()
    last = week + datetime.timedelta(days=6)
    return f"KW {number}/{year} ({week:%d.%m.}–{last:%d.%m.%Y})"


def weeks_between(first: datetime.date, last: datetime.date) -> list[datetime.date]:
    count = (monday(last) - monday(first)).days // 7 + 1
    return [monday(first) + number * _WEEK for number in range(count)]


def weeks_without_delivery(agency: Agency) -> list[datetime.date]:
    """The last complete weeks that the agency has delivered nothing for, newest first."""
    current = monday(timezone.localdate())
    weeks = [current - number * _WEEK for number in range(1, OFFERED_WEEKS + 1)]
    delivered = set(DeliveredWeek.objects.filter(agency=agency, week__in=weeks).values_list("week", flat=True))
    return [week for week in weeks if week not in delivered]


@transaction.atomic
def deliver_nothing(*, week: datetime.date, by) -> None:
    """Say that there was nothing to report in a complete week: a true zero instead of a missing delivery."""
    if not by.can("import_records"):
        raise PermissionDenied("Ihre Rolle erlaubt keine Lieferungen.")
    if monday(week) >= monday(timezone.localdate()):
        raise ValidationError("Die Woche ist noch nicht zu Ende. Bitte die Fehlanzeige danach abgeben.")
    if DeliveredWeek.objects.filter(agency=by.agency, week=monday(week)).exists():
        raise ValidationError("Für diese Woche liegt schon eine Lieferung vor. Eine Fehlanzeige ist nicht nötig.")
    note_delivery(agency=by.agency, days=[week], basis=DeliveryBasis.NOTHING)
    audit.record(audit.Act.IMPORTED, by=by, owner=by.agency, week=monday(week).isoformat(), nothing=True)
