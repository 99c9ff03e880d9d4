"""Takes back what an agency had shared: all of it when its membership ends, what lies outside when its scope narrows
or a category turns out to be one that is never shared.

Works in batches, each in a transaction of its own and for one agency; what a batch has done the next one does not
find again, so an interrupted run goes on where it stopped. Cleared notes stay with their records, published values
stand.
"""

from __future__ import annotations

from django.db.models import Q, QuerySet
from django.utils import timezone

from agencies import audit, sharing
from agencies.membership_models import Withdrawal
from agencies.memberships import Step, note_step
from agencies.models import Agency, Membership
from agencies.scope import COOPERATION, INTERNAL, LEVELS, NOTHING, Scope, lower_of, rank
from agencies.wall.context import Office, acting_as
from incidents.actions import MODEL_OF_KIND
from incidents.listeners import shared_categories, tell_shared_change
from incidents.models import CountDelivery, Record, SharingDefault

BATCH = 500
ENDED = "Mitgliedschaft beendet"
MOVED = "Art oder Gebiet nicht mehr von der Vereinbarung umfasst"
NARROWED = "Nicht mehr von der Vereinbarung umfasst oder von der Freigabe ausgenommen"


def withdraw(membership: Membership) -> int:
    """Take back what the membership says is to be taken back; the number of changes."""
    agency, wanted = membership.agency, membership.withdrawal
    if wanted == Withdrawal.NOTHING:
        return 0
    scope, reason = (NOTHING, ENDED) if wanted == Withdrawal.ALL else (membership.scope, NARROWED)
    total = _until_none_is_left(lambda: withdraw_batch(agency=agency, scope=scope, reason=reason))
    if wanted == Withdrawal.ALL:
        with acting_as(Office.OPERATOR):
            others = list(Agency.objects.exclude(pk=agency.pk).order_by("pk"))
        for owner in others:
            total += _until_none_is_left(lambda owner=owner: revoke_batch(owner=owner, to=agency, reason=reason))
    finish(membership, wanted, total)
    return total


def _until_none_is_left(batch) -> int:
    total = 0
    while done := batch():
        total += done
    return total


def withdraw_batch(*, agency: Agency, scope: Scope, reason: str) -> int:
    """Lower levels, revoke grants, drop counts and defaults of the agency beyond the scope. Acts for the agency."""
    with acting_as(agency):
        return _withdraw_batch(agency, scope, reason)


def _withdraw_batch(agency: Agency, scope: Scope, reason: str) -> int:
    done, concerned = 0, set()
    for model in MODEL_OF_KIND.values():
        beyond = model.objects.filter(agency=agency).filter(shared_beyond(scope)).order_by("pk")
        for record in beyond.select_for_update(of=("self",)).select_related("category__group", "district")[:BATCH]:
            concerned |= shared_categories((record.category_id, record.sharing_level))
            _lower(record, agency, scope.highest_at(record.category, record.district), reason)
            done += 1
        done += sharing.revoke_rows(grants_beyond(model, agency=agency, scope=scope), reason=reason, limit=BATCH)
    tell_shared_change(concerned)
    return done + _drop_counts(agency, scope) + _lower_defaults(agency, scope)


def revoke_batch(*, owner: Agency, to: Agency, reason: str) -> int:
    """Revoke what one agency had granted to the one that leaves. Acts for the owner."""
    with acting_as(owner):
        rows = (sharing.granted_rows(model, owner=owner, to=to) for model in MODEL_OF_KIND.values())
        return sum(sharing.revoke_rows(granted, reason=reason, limit=BATCH) for granted in rows)


def revoke_moved(*, model: type[Record], agency: Agency, ids: set) -> int:
    """Revoke grants on records of these ids that have moved to where the agreement does not reach."""
    beyond = grants_beyond(model, agency=agency, scope=agency.agreed_scope)
    return sharing.revoke_rows(beyond.filter(content_object_id__in=ids), reason=MOVED)


def finish(membership: Membership, wanted: str, total: int) -> None:
    """Note that nothing is left, unless the scope has changed again meanwhile. Acts for the agency."""
    with acting_as(membership.agency):
        _finish(membership, wanted, total)


def _finish(membership: Membership, wanted: str, total: int) -> None:
    pending = Membership.objects.filter(pk=membership.pk, withdrawal=wanted)
    if wanted == Withdrawal.OUTSIDE:
        pending = pending.filter(
            scope_level=membership.scope_level,
            scope_groups=membership.scope_groups,
            scope_categories=membership.scope_categories,
            scope_areas=membership.scope_areas,
        )
    if pending.update(withdrawal=Withdrawal.NOTHING):
        note_step(membership, Step.WITHDRAWN, None, f"Zurückgenommene Freigaben: {total}.")


def covered(scope: Scope, *, category: str = "category", area: str = "district") -> Q:
    """Rows whose category and area the scope covers; empty where it limits nothing."""
    rule = Q()
    if scope.limits_categories:
        rule &= Q(**{f"{category}__slug__in": scope.categories}) | Q(**{f"{category}__group__slug__in": scope.groups})
    if scope.areas:
        rule &= Q(**{f"{area}__slug__in": scope.areas})
    return rule


def shared_beyond(scope: Scope) -> Q:
    """Records that stand at a higher level than the scope, or their category, allows them."""
    above = Q(sharing_level__in=LEVELS[rank(scope.level) + 1 :]) | Q(category__is_shareable=False)
    inside = covered(scope)
    return ~Q(sharing_level=INTERNAL) & ((above | ~inside) if inside else above)


def grants_beyond(model: type[Record], *, agency: Agency, scope: Scope) -> QuerySet:
    """Grants show the face to somebody, which only the highest level lets out."""
    rows = sharing.granted_rows(model, owner=agency)
    if scope.level != COOPERATION:
        return rows
    inside = covered(scope, category="content_object__category", area="content_object__district")
    return rows.exclude(Q(content_object__category__is_shareable=True) & inside)


def _lower(record: Record, agency: Agency, level: str, reason: str) -> None:
    before = record.sharing_level
    record.sharing_level, record.updated_at = lower_of(before, level), timezone.now()
    record.save(update_fields=("sharing_level", "updated_at"))
    audit.record(
        audit.Act.LEVEL_CHANGED,
        by=None,
        obj=record,
        owner=agency,
        purpose=reason,
        before=before,
        after=record.sharing_level,
    )


def _drop_counts(agency: Agency, scope: Scope) -> int:
    """Delivered counts have no other use than to be shared: beyond the scope they go."""
    counts = CountDelivery.objects.filter(agency=agency)
    if scope.level != INTERNAL:
        counts = counts.exclude(Q(category__is_shareable=True) & covered(scope, area="area"))
    keys = list(counts.order_by("pk").values_list("pk", flat=True)[:BATCH])
    if not keys:
        return 0
    CountDelivery.objects.filter(pk__in=keys).delete()
    audit.record(audit.Act.DELETED, by=None, owner=agency, kind="counts", rows=len(keys))
    return len(keys)


def _lower_defaults(agency: Agency, scope: Scope) -> int:
    lowered = 0
    for default in SharingDefault.objects.filter(agency=agency).select_related("category__group"):
        level = lower_of(default.level, scope.highest(default.category))
        if level != default.level:
            SharingDefault.objects.filter(pk=default.pk).update(level=level)
            lowered += 1
    return lowered
