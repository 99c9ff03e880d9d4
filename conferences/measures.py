"""What happens to measures: decided, reported on, finished. `by` is None for set-up commands."""

from __future__ import annotations

import datetime

from django.core.exceptions import PermissionDenied, ValidationError
from django.db import transaction
from django.utils import timezone

from agencies import audit
from agencies.models import Agency
from conferences.actions import require_chair
from conferences.models import Decision, Measure, MeasureReport, MeasureStatus
from incidents.models import Area
from lagebild.models import Finding

# A report may leave the status as it is.
MEASURE_STEPS: dict[MeasureStatus, frozenset[MeasureStatus]] = {
    MeasureStatus.PLANNED: frozenset({MeasureStatus.RUNNING, MeasureStatus.DONE, MeasureStatus.DROPPED}),
    MeasureStatus.RUNNING: frozenset({MeasureStatus.DONE, MeasureStatus.DROPPED}),
    MeasureStatus.DONE: frozenset({MeasureStatus.RUNNING}),
    MeasureStatus.DROPPED: frozenset({MeasureStatus.RUNNING}),
}
# What the conference decided, only its chair takes back.
_CHAIR_ONLY = frozenset(
    {
        (MeasureStatus.PLANNED, MeasureStatus.DROPPED),
        (MeasureStatus.RUNNING, MeasureStatus.DROPPED),
        (MeasureStatus.DONE, MeasureStatus.RUNNING),
        (MeasureStatus.DROPPED, MeasureStatus.RUNNING),
    }
)
_FINAL = (MeasureStatus.DONE, MeasureStatus.DROPPED)


@transaction.atomic
def create_measure(
    *,
    decision: Decision,
    title: str,
    agency: Agency,
    due_on: datetime.date,
    starts_on: datetime.date | None = None,
    area: Area | None = None,
    finding: Finding | None = None,
    description: str = "",
    by,
) -> Measure:
    """Enter what a decision asks for: who does it, where, until when."""
    require_chair(by)
    errors = {}
    if starts_on is not None and due_on < starts_on:
        errors["due_on"] = "Die Frist liegt vor dem Beginn. Bitte die Frist prüfen."
    elif due_on < timezone.localdate(decision.conference.starts_at):
        errors["due_on"] = "Die Frist liegt vor der Sitzung. Bitte die Frist prüfen."
    if not Agency.objects.active().filter(pk=agency.pk).exists():
        errors["agency"] = "Diese Behörde hat keine aktive Mitgliedschaft. Bitte eine andere Behörde wählen."
    if errors:
        raise ValidationError(errors)
    measure = Measure.objects.create(
        decision=decision,
        title=title,
        agency=agency,
        due_on=due_on,
        starts_on=starts_on,
        area=area,
        finding=finding,
        description=description,
    )
    audit.record(audit.Act.MEASURE_CHANGED, by=by, obj=measure, recipient=agency, step="created")
    return measure


@transaction.atomic
def report_progress(*, measure: Measure, text: str, status: MeasureStatus, by) -> MeasureReport:
    """Add a dated line of progress; a final status makes its text the result."""
    if by is not None and not may_report(measure, by):
        raise PermissionDenied("Nur die verantwortliche Behörde und der Vorsitz melden den Sachstand.")
    measure = Measure.objects.select_for_update().get(pk=measure.pk)
    if status != measure.status and status not in allowed_statuses(measure, by):
        raise ValidationError({"status": "Dieser Stand ist hier nicht möglich. Bitte einen anderen Stand wählen."})
    report = measure.reports.create(text=text, status=status, reported_by=by)
    measure.status = status
    measure.result = text if status in _FINAL else ""
    measure.save(update_fields=("status", "result"))
    audit.record(audit.Act.MEASURE_CHANGED, by=by, obj=measure, step="reported", status=status)
    return report


def may_report(measure: Measure, by) -> bool:
    """Whether `by` speaks for the responsible agency or chairs the conference."""
    is_responsible = by.agency_id == measure.agency_id or by.can("run_conferences")
    return by.can("report_measures") and is_responsible and by.agency.is_sharing


def allowed_statuses(measure: Measure, by) -> list[MeasureStatus]:
    """The present status and those `by` may set from here, in the order of a measure's life."""
    present = MeasureStatus(measure.status)
    is_chair = by is None or by.can("run_conferences")
    steps = {step for step in MEASURE_STEPS[present] if is_chair or (present, step) not in _CHAIR_ONLY}
    return [status for status in MeasureStatus if status == present or status in steps]
