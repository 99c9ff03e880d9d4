"""Opening and ending a reasoned look into one agency's records (Sondereinsicht).

What it opens is said in `agencies.visibility`.
"""

from __future__ import annotations

import datetime

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils import timezone

from agencies import audit
from agencies.inspection_models import LONGEST, Inspection, InspectionQuerySet
from agencies.models import Agency, User
from agencies.visibility import running_inspections

SHOWN_TO_LEAD = datetime.timedelta(days=14)


def running_inspection(actor) -> Inspection | None:
    """What the person is looking into at the moment. Queries for the administration alone."""
    if not (actor.is_authenticated and actor.can("inspect_records")):
        return None
    return running_inspections(actor).select_related("agency").first()


def obstacle(agency: Agency, by: User) -> str:
    """Why the person cannot look into the agency's records now, as a sentence; empty where nothing is in the way."""
    if agency.pk == by.agency_id:
        return "Eine Sondereinsicht gibt es nur in die Meldungen anderer Behörden."
    if not by.agency.is_coordination or not by.agency.is_sharing:
        return "Die Mitgliedschaft Ihrer Behörde ist nicht aktiv. Eine Sondereinsicht ist deshalb nicht möglich."
    if not agency.is_sharing:
        return f"{agency.short_name} ist kein aktives Mitglied. Eine Sondereinsicht ist deshalb nicht möglich."
    if (running := running_inspection(by)) is not None:
        return (
            f"Sie haben bereits eine Sondereinsicht in die Meldungen von {running.agency.short_name}. "
            "Bitte beenden Sie diese zuerst."
        )
    return ""


@transaction.atomic
def open_inspection(*, agency: Agency, reason: str, by: User) -> Inspection:
    if not by.can("inspect_records"):
        raise ValidationError("Ihre Rolle erlaubt keine Sondereinsicht.")
    if objection := obstacle(agency, by):
        raise ValidationError(objection)
    _close_what_is_over(by)
    now = timezone.now()
    inspection = Inspection.objects.create(
        agency=agency, user=by, reason=reason.strip(), opened_at=now, ends_at=now + LONGEST
    )
    audit.record(
        audit.Act.INSPECTION_OPENED,
        by=by,
        obj=inspection,
        owner=agency,
        purpose=inspection.purpose,
        until=f"{timezone.localtime(inspection.ends_at):%d.%m.%Y %H:%M}",
    )
    return inspection


def _close_what_is_over(by: User) -> None:
    """What ran out of time gets the end it had. What a lost role has stopped ends now."""
    now = timezone.now()
    for row in Inspection.objects.filter(user=by, ended_at=None):
        row.ended_at = min(now, row.ends_at)
        row.save(update_fields=("ended_at",))


@transaction.atomic
def end_inspection(*, agency: Agency, by: User) -> bool:
    """End what the person has running in the agency's records; whether there was anything."""
    inspection = running_inspections(by).filter(agency=agency).select_for_update(of=("self",)).first()
    if inspection is None:
        return False
    inspection.ended_at = timezone.now()
    inspection.save(update_fields=("ended_at",))
    audit.record(audit.Act.INSPECTION_ENDED, by=by, obj=inspection, owner=agency, purpose=inspection.purpose)
    return True


def recent_inspections(actor) -> InspectionQuerySet:
    """Looks into the own agency's records in the last two weeks, for its lead."""
    if not actor.can("lead_agency"):
        return Inspection.objects.none()
    since = timezone.now() - SHOWN_TO_LEAD
    return Inspection.objects.filter(agency_id=actor.agency_id, opened_at__gte=since)
