"""What happens to looks back: asked for, begun, answered or given up, deleted after a year."""

from __future__ import annotations

import datetime as dt

from django.conf import settings
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import connection, transaction
from django.utils import timezone

from agencies import audit
from agencies.visibility import SharingLevel, reads_picture
from incidents.actions import MODEL_OF_KIND
from incidents.retention import add_months
from lagebild.retrospect_models import UNFINISHED, Retrospect, RetrospectCluster, RetrospectState
from lagebild.retrospect_search import Outcome
from lagebild.stream_sets import AlarmStream

FEWEST_DAYS = 56
MOST_YEARS = 2
SHORTEST_DURATION, USUAL_DURATION, LONGEST_DURATION = 7, 28, 91
MOST_UNFINISHED = 3
# What a worker has lost does not keep an agency from asking for ever.
LOST_AFTER = dt.timedelta(hours=6)
KEPT_MONTHS = 12
CLEARED_TABLES = frozenset(model._meta.db_table for model in (Retrospect, RetrospectCluster))
_ASKING = 0x5275_6563


def last_complete_year(today: dt.date) -> tuple[dt.date, dt.date]:
    return dt.date(today.year - 1, 1, 1), dt.date(today.year - 1, 12, 31)


def objections(*, first: dt.date, last: dt.date, longest: int, today: dt.date) -> dict[str, str]:
    """Why nobody may look back so, as {field: German message}. Pure, no queries."""
    days = (last - first).days + 1
    yesterday = today - dt.timedelta(days=1)
    errors: dict[str, str] = {}
    if days < 1:
        errors["last_day"] = "Der Zeitraum endet vor seinem Beginn. Bitte das Ende prüfen."
    elif last > yesterday:
        errors["last_day"] = f"Der Zeitraum ist noch nicht vorbei. Bitte höchstens den {yesterday:%d.%m.%Y} wählen."
    elif days < FEWEST_DAYS:
        errors["last_day"] = f"Der Zeitraum hat nur {days} Tage. Bitte mindestens {FEWEST_DAYS} Tage wählen."
    elif last >= add_months(first, 12 * MOST_YEARS):
        errors["last_day"] = "Der Zeitraum ist länger als zwei Jahre. Bitte kürzen oder in zwei Rückblicke teilen."
    if not SHORTEST_DURATION <= longest <= LONGEST_DURATION:
        errors["longest_days"] = f"Bitte eine Dauer von {SHORTEST_DURATION} bis {LONGEST_DURATION} Tagen wählen."
    elif not errors and 2 * longest > days:
        errors["longest_days"] = (
            f"Eine Häufung darf höchstens die Hälfte des Zeitraums dauern. Bitte höchstens {days // 2} Tage wählen."
        )
    return errors


@transaction.atomic
def ask(*, stream: AlarmStream, first: dt.date, last: dt.date, longest: int, by) -> Retrospect:
    """Ask for a look back for the own agency; raises ValidationError with a message per field.

    Whoever calls queues the search once this is committed.
    """
    if not reads_picture(by):
        raise PermissionDenied("Rückblicke fordert an, wer das Lagebild seiner Behörde liest.")
    if errors := objections(first=first, last=last, longest=longest, today=timezone.localdate()):
        raise ValidationError(errors)
    _require_records(stream, first, last, by)
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s, %s)", [_ASKING, by.agency_id])
    wanted = {"stream": stream.id, "first_day": first, "last_day": last, "longest_days": longest}
    _require_room(wanted, by)
    asked = Retrospect.objects.create(
        agency=by.agency, asked_by=by, stream_label=stream.label, kind=stream.kind, **wanted
    )
    period = {"first_day": first.isoformat(), "last_day": last.isoformat()}
    audit.record(audit.Act.SEARCHED, by=by, obj=asked, kind=stream.kind, stream=stream.id, step="asked", **period)
    return asked


def _require_records(stream: AlarmStream, first: dt.date, last: dt.date, by) -> None:
    shared = (
        MODEL_OF_KIND[stream.kind]
        .objects.visible_to(by)
        .filter(sharing_level=SharingLevel.COOPERATION, category_id__in=stream.category_ids)
    )
    oldest = shared.order_by("occurred_from").values_list("occurred_from", flat=True).first()
    if oldest is None:
        raise ValidationError({"stream": "Zu diesem Strom gibt es keine freigegebene Meldung. Bitte anders wählen."})
    since = timezone.localdate(oldest)
    if (last - max(first, since)).days + 1 < FEWEST_DAYS:
        raise ValidationError(
            {
                "first_day": f"Freigegebene Meldungen dieses Stroms gibt es erst ab dem {since:%d.%m.%Y}. Bitte einen "
                f"Zeitraum wählen, der mindestens {FEWEST_DAYS} Tage davon umfasst."
            }
        )


def _require_room(wanted: dict, by) -> None:
    since = timezone.now() - LOST_AFTER
    running = Retrospect.objects.visible_to(by).filter(state__in=UNFINISHED, asked_at__gt=since)
    if running.filter(**wanted).exists():
        raise ValidationError(
            "Diesen Rückblick hat Ihre Behörde schon angefordert. Er ist noch in Arbeit; Sie finden ihn in der Liste."
        )
    if running.count() >= MOST_UNFINISHED:
        raise ValidationError(
            f"Ihre Behörde hat schon {MOST_UNFINISHED} Rückblicke in Arbeit. Bitte warten Sie, bis einer fertig ist."
        )


@transaction.atomic
def begin(*, pk) -> bool:
    """Take up what waits, or what a worker has left lying; False where it is finished, gone or of no member."""
    open_one = Retrospect.objects.filter(pk=pk, state__in=UNFINISHED)
    if not open_one.update(state=RetrospectState.RUNNING, started_at=timezone.now(), done=0):
        return False
    if Retrospect.objects.select_related("agency").get(pk=pk).agency.is_sharing:
        return True
    give_up(pk=pk, failure="Die Mitgliedschaft Ihrer Behörde war nicht aktiv, als er an der Reihe war.")
    return False


@transaction.atomic
def note_progress(*, pk, done: int) -> None:
    Retrospect.objects.filter(pk=pk, state=RetrospectState.RUNNING).update(done=done)


@transaction.atomic
def answer(*, pk, outcome: Outcome) -> None:
    """Store what was found; a look back that is gone or finished meanwhile stays as it is."""
    done = Retrospect.objects.filter(pk=pk, state=RetrospectState.RUNNING).update(
        state=RetrospectState.DONE,
        finished_at=timezone.now(),
        done=outcome.replicates,
        replicates=outcome.replicates,
        cases=outcome.cases,
        first_case_on=outcome.first_case_on,
        least=outcome.least,
        input_sha256=outcome.sha256,
        code_version=settings.PORTAL_VERSION,
    )
    if done:
        RetrospectCluster.objects.bulk_create(
            RetrospectCluster(retrospect_id=pk, rank=rank, **vars(cluster))
            for rank, cluster in enumerate(outcome.clusters, start=1)
        )


@transaction.atomic
def give_up(*, pk, failure: str) -> None:
    Retrospect.objects.filter(pk=pk, state__in=UNFINISHED).update(
        state=RetrospectState.FAILED, finished_at=timezone.now(), failure=failure
    )


def clear_old(*, today: dt.date, dry_run: bool) -> int:
    """Delete what was asked for more than a year ago, finished or not; how many."""
    before = timezone.make_aware(dt.datetime.combine(add_months(today, -KEPT_MONTHS), dt.time.min))
    old = Retrospect.objects.filter(asked_at__lt=before)
    number = old.count()
    if not dry_run:
        old.delete()
    return number
