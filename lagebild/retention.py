"""Deletion, once their time has come, of one agency's records; their counts stay in the picture.

Lives in this layer because the picture's numbers are frozen in the transaction that deletes.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from dataclasses import asdict, dataclass

from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import timezone

from agencies import audit
from agencies.models import Agency
from agencies.visibility import SharingLevel
from agencies.wall.context import acting_as
from incidents.expiry import EXPIRIES, clear_expired
from incidents.models import Complaint, Incident, Record, RetentionRun
from incidents.retention import Terms, dates_for_owner, due_for_deletion
from incidents.retention_actions import (
    BATCH,
    MANUAL_REASONS,
    Reason,
    delete_records,
    own_locked,
    remember_reference,
)
from lagebild.frozen import freeze_counts
from lagebild.models import ReleasedBlock
from lagebild.release import RELEASED_BLOCKS
from lagebild.stats.weeks import block_period, complete_blocks_end

KIND_LABELS = {Incident: "Vorfälle", Complaint: "Beschwerden"}


@dataclass(frozen=True)
class Line:
    """How many rows of what went, or would go, by which rule."""

    what: str
    category: str
    rule: str
    count: int

    @property
    def key(self) -> tuple[str, str, str]:
        return self.what, self.category, self.rule


def plan_retention(*, agency: Agency, today: dt.date) -> list[Line]:
    """What a run of that day would delete now. Writes nothing. Acts for the agency."""
    with acting_as(agency):
        return _plan(agency, today)


def _plan(agency: Agency, today: dt.date) -> list[Line]:
    lines = []
    for model in KIND_LABELS:
        for rule, due in _due(model, agency, today):
            counted = due.order_by().values_list("category__label", flat=True)
            labels = list(counted)
            lines += [_line(model, label, rule, labels.count(label)) for label in sorted(set(labels))]
    for expiry in EXPIRIES:
        if count := expiry.rows(agency, today).count():
            lines.append(Line(expiry.label, "", expiry.rule, count))
    return lines


def apply_retention(*, agency: Agency, today: dt.date) -> RetentionRun:
    """Delete what is due for one agency, in short transactions, and leave the proof.

    A run that was interrupted is taken up again: what is gone stays gone and counted, and the proof covers both.
    """
    if today > timezone.localdate():
        raise ValidationError("Das Datum liegt in der Zukunft. Bitte ein Datum bis heute angeben.")
    with acting_as(agency):
        run, _ = RetentionRun.objects.get_or_create(agency=agency, finished_at=None, defaults={"date": today})
        due_by_rule = [part for model in KIND_LABELS for part in _due(model, agency, today)]
    for rule, due in due_by_rule:
        while _delete_batch(run, due, rule):
            pass
    for expiry in EXPIRIES:
        _clear(run, expiry, today)
    return _finish(run, today)


def _due(model: type[Record], agency: Agency, today: dt.date) -> list[tuple[str, QuerySet]]:
    """(rule, records) of one kind whose time has come, but for protected counts that are still to be released."""
    records = model.objects.filter(agency=agency)
    if held := _unreleased(today):
        records = records.exclude(held, sharing_level=SharingLevel.STATISTICS, category__in_picture=True)
    terms = Terms(agency)
    return [
        (f"{term.rule}, {term.delete} Monate", due) for term, _, due in due_for_deletion(records, terms, today=today)
    ]


def _unreleased(today: dt.date) -> Q:
    """Times in complete 28-day blocks whose protected counts no picture has released yet."""
    end = complete_blocks_end(today)
    done = set(ReleasedBlock.objects.values_list("pk", flat=True))
    held = Q()
    for index in set(range(end - RELEASED_BLOCKS, end)) - done:
        period = block_period(index)
        first, after = (
            timezone.make_aware(dt.datetime.combine(day, dt.time.min)) for day in (period.start, period.end)
        )
        held |= Q(occurred_from__gte=first, occurred_from__lt=after)
    return held


def _line(model: type[Record], category: str, rule: str, count: int) -> Line:
    return Line(KIND_LABELS[model], category, rule, count)


def _delete_batch(run: RetentionRun, due: QuerySet, rule: str) -> bool:
    """Delete the next records and note them in the proof, together or not at all; whether there were any."""
    with acting_as(run.agency):
        open_run = RetentionRun.objects.select_for_update().filter(pk=run.pk, finished_at=None).first()
        if open_run is None:
            return False
        gone = delete_records(
            records=due.order_by()[:BATCH], agency=run.agency, reason=Reason.EXPIRED, rule=rule, count=freeze_counts
        )
        _note(open_run, [_line(due.model, label, rule, count) for label, count in gone.items()])
        return bool(gone)


def _clear(run: RetentionRun, expiry, today: dt.date) -> None:
    with acting_as(run.agency):
        open_run = RetentionRun.objects.select_for_update().filter(pk=run.pk, finished_at=None).first()
        if open_run is not None and (count := clear_expired(expiry, agency=run.agency, today=today)):
            _note(open_run, [Line(expiry.label, "", expiry.rule, count)])


def _note(run: RetentionRun, more: list[Line]) -> None:
    lines = {line.key: line for line in (Line(**stored) for stored in run.lines)}
    for line in more:
        before = lines[line.key].count if line.key in lines else 0
        lines[line.key] = Line(*line.key, before + line.count)
    run.lines = [asdict(lines[key]) for key in sorted(lines)]
    run.save(update_fields=("lines",))


def _finish(run: RetentionRun, today: dt.date) -> RetentionRun:
    with acting_as(run.agency):
        run = RetentionRun.objects.select_for_update(of=("self",)).select_related("agency").get(pk=run.pk)
        if run.finished_at is None:
            run.date, run.finished_at = today, timezone.now()
            run.sha256 = run_sha256(run)
            run.save(update_fields=("date", "finished_at", "sha256"))
            facts = {"sha256": run.sha256, "rows": run.deleted}
            audit.record(audit.Act.RETENTION_RUN, by=None, obj=run, owner=run.agency, **facts)
        return run


def run_sha256(run: RetentionRun) -> str:
    """Checksum of what the proof says; the log holds it too."""
    words = [run.agency.slug, run.date.isoformat(), run.lines]
    return hashlib.sha256(json.dumps(words, sort_keys=True, ensure_ascii=False).encode()).hexdigest()


@transaction.atomic
def delete_now(*, record: Record, reason: str, by) -> None:
    """Delete one record ahead of its time; a person's decision, which the agency's own system cannot undo."""
    record = own_locked(record, by)
    if reason not in MANUAL_REASONS:
        raise ValidationError({"reason": "Es fehlt der Grund. Bitte einen der beiden Gründe wählen."})
    detail = record.detail_model().objects.get(record=record)
    remember_reference(record=record, reference=detail.reference, until=dates_for_owner(record).delete_on)
    delete_records(
        records=type(record).objects.filter(pk=record.pk),
        agency=record.agency,
        reason=Reason(reason),
        rule="Entscheidung im Einzelfall",
        count=freeze_counts,
        by=by,
        single=record,
    )
