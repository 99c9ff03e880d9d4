"""What happens to terms and to records whose time has come: set, extend, delete."""

from __future__ import annotations

import datetime
from collections import Counter
from collections.abc import Callable

from django.core.exceptions import PermissionDenied, ValidationError
from django.db import models, transaction
from django.db.models import QuerySet
from django.utils import timezone

from agencies import audit
from agencies.models import Agency
from agencies.visibility import SharingLevel
from incidents.listeners import tell_shared_change
from incidents.models import Category, CategoryGroup, DeletedReference, Record, RetentionRule
from incidents.retention import Dates, add_months, dates_for_owner, limits, reference_digest

# Rows of one transaction: short enough that nobody waits for a lock.
BATCH = 500


class Reason(models.TextChoices):
    EXPIRED = "expired", "Frist abgelaufen"
    NOT_NEEDED = "not_needed", "nicht mehr erforderlich"
    UNLAWFUL = "unlawful", "irrtümlich oder unzulässig gespeichert"


# Chosen by a person at a record; what should never have been stored does not count either.
MANUAL_REASONS = (Reason.NOT_NEEDED, Reason.UNLAWFUL)
COUNTED_REASONS = (Reason.EXPIRED, Reason.NOT_NEEDED)


@transaction.atomic
def set_rule(
    *,
    by,
    review_after_months: int,
    delete_after_months: int,
    category: Category | None = None,
    group: CategoryGroup | None = None,
    basis: str = "",
) -> RetentionRule:
    """Set the months of a category, a group or of everything else; replaces what the agency had set for it."""
    _require_lead(by)
    errors = {}
    longest = _longest(category, group)
    if delete_after_months < limits().shortest_delete:
        errors["delete_after_months"] = (
            f"Unter {limits().shortest_delete} Monaten fehlen die Meldungen im Lagebild, bevor sie gezählt sind. "
            "Bitte länger aufbewahren oder auf der Stufe „Nur eigene Behörde“ führen und einzeln löschen."
        )
    elif delete_after_months > longest:
        errors["delete_after_months"] = f"Höchstens {longest} Monate sind hier zulässig. Bitte kürzer aufbewahren."
    if not 1 <= review_after_months <= delete_after_months:
        errors["review_after_months"] = "Die Prüfung liegt nach der Löschung. Bitte die Prüfung früher ansetzen."
    if errors:
        raise ValidationError(errors)
    rule, _ = RetentionRule.objects.update_or_create(
        agency=by.agency,
        category=category,
        group=group,
        defaults={
            "review_after_months": review_after_months,
            "delete_after_months": delete_after_months,
            "basis": basis.strip(),
            "set_by": by,
            "set_at": timezone.now(),
        },
    )
    _log(by, rule, review=review_after_months, delete=delete_after_months)
    return rule


@transaction.atomic
def remove_rule(*, rule: RetentionRule, by) -> None:
    """Back to the wider rule or the default."""
    _require_lead(by)
    if rule.agency_id != by.agency_id:
        raise PermissionDenied("Diese Frist gehört einer anderen Behörde.")
    _log(by, rule, step="discarded")
    rule.delete()


def _longest(category: Category | None, group: CategoryGroup | None) -> int:
    if category is not None:
        return limits().set_of(category).longest
    if group is not None:
        return min((limits().set_of(one).longest for one in group.categories.all()), default=limits().longest)
    return limits().longest


def _require_lead(by) -> None:
    if not by.can("lead_agency"):
        raise PermissionDenied("Nur die Leitung der Behörde setzt Löschfristen.")


def _log(by, rule: RetentionRule, **facts) -> None:
    scope = rule.category or rule.group
    audit.record(audit.Act.SETTINGS_CHANGED, by=by, owner=by.agency, retention=scope.slug if scope else "all", **facts)


@transaction.atomic
def extend(*, record: Record, until: datetime.date, reason: str, by) -> Record:
    """Keep a reviewed record longer: with a reason, at most so often and so long, never beyond the law's limit."""
    record = own_locked(record, by)
    dates = dates_for_owner(record)
    errors = {}
    if dates.extensions >= limits().most_extensions:
        errors["until"] = (
            f"Diese Meldung wurde schon {dates.extensions}-mal verlängert. Mehr ist nicht vorgesehen; "
            "sie wird an ihrem Löschtag gelöscht."
        )
    elif (span := extension_span(dates)) is None:
        errors["until"] = (
            "Eine Verlängerung ist zurzeit nicht möglich. "
            f"Die Prüfung ist am {dates.review_on:%d.%m.%Y}, die Höchstfrist endet am {dates.latest:%d.%m.%Y}."
        )
    elif not span[0] <= until <= span[1]:
        errors["until"] = f"Bitte ein Datum vom {span[0]:%d.%m.%Y} bis {span[1]:%d.%m.%Y} wählen."
    if not reason.strip():
        errors["reason"] = "Es fehlt die Begründung. Bitte angeben, wozu die Meldung noch erforderlich ist."
    if errors:
        raise ValidationError(errors)
    record.extensions.create(agency=record.agency, until=until, reason=reason.strip(), extended_by=by)
    audit.record(audit.Act.RETENTION_EXTENDED, by=by, obj=record, owner=record.agency, until=until.isoformat())
    return record


def extension_span(dates: Dates) -> tuple[datetime.date, datetime.date] | None:
    """First and last day a record with these dates may be kept to; None where it may not be kept longer."""
    today = timezone.localdate()
    first = max(today, dates.review_on) + datetime.timedelta(days=1)
    last = min(add_months(today, limits().longest_extension), dates.latest)
    return (first, last) if first <= last and dates.extensions < limits().most_extensions else None


def own_locked(record: Record, by) -> Record:
    """The record, locked, if `by` decides on its deletion."""
    if record.agency_id != by.agency_id or not by.can("share_records"):
        raise PermissionDenied("Über Aufbewahrung und Löschung entscheiden Freigabe und Leitung der eigenen Behörde.")
    rows = type(record).objects.select_for_update(of=("self",)).select_related("agency", "category")
    return rows.get(pk=record.pk)


@transaction.atomic
def delete_records(
    *,
    records: QuerySet,
    agency: Agency,
    reason: Reason,
    rule: str,
    count: Callable[[QuerySet], object],
    by=None,
    single: Record | None = None,
) -> Counter:
    """Delete records of one agency with all that belongs to them; returns how many per category label.

    `count` keeps their numbers for the situation picture before they go. The log keeps how many went by which rule,
    and the id of a `single` record that a person decided on.
    """
    model = records.model
    locked = model.objects.filter(agency=agency, pk__in=list(records.values_list("pk", flat=True)))
    keys = list(locked.select_for_update().values_list("pk", flat=True))
    rows = model.objects.filter(pk__in=keys)
    gone = Counter(rows.order_by().values_list("category__label", flat=True))
    if reason in COUNTED_REASONS:
        count(rows)
    shared = set(rows.filter(sharing_level=SharingLevel.COOPERATION).order_by().values_list("category_id", flat=True))
    rows.delete()
    tell_shared_change(shared)
    if gone:
        facts = {"reason": reason.value, "rule": rule, "records": dict(sorted(gone.items()))}
        audit.record(audit.Act.DELETED, by=by, obj=single, owner=agency, kind=model._meta.model_name, **facts)
    return gone


def remember_reference(*, record: Record, reference: str, until: datetime.date) -> None:
    """Let the agency's own system not bring back what was deleted ahead of its time."""
    if reference:
        DeletedReference.objects.get_or_create(
            agency=record.agency,
            kind=record.kind,
            digest=reference_digest(record.agency, record.kind, reference),
            defaults={"until": until},
        )
