"""The change feed: what an agency's mirror must take in or drop, so that it equals what the agency may see.

The portal remembers per agency what it has told (`ToldRecord`) and compares that with `visible_to` when the feed is
pulled, a bounded stretch of ids at a time. Nothing is derived from times or from a log of events: whatever the reason
for a difference (a level, a grant, a membership, a deletion, a transaction that committed late), the next comparison
finds it. A record that an agency was never able to see is never in its memory, so its feed never speaks of it.
"""

from __future__ import annotations

import datetime
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial

from django.db import transaction
from django.db.models import Case, F, FilteredRelation, Func, Model, Q, QuerySet, TextField, UUIDField, When
from django.db.models.functions import MD5, Cast
from django.utils import timezone

from agencies.models import Agency
from incidents.actions import MODEL_OF_KIND
from incidents.changes_models import FeedPosition, ToldRecord
from incidents.models import Kind, Record

# Ids compared in one go, and how many goes one request makes: it bounds the work of a request at any size.
STRETCH = 10_000
STRETCHES = 5
# A cursor is good for this long; what a withdrawal leaves in the memory is kept a little longer.
CURSOR_AGE = datetime.timedelta(days=90)
WITHDRAWN_AGE = CURSOR_AGE + datetime.timedelta(days=10)

# Everything the interface shows of a record to partners, and of an own one besides.
_FACE = (
    *("agency_id", "category_id", "category__group_id", "occurred_from", "occurred_to", "status", "severity"),
    *("accuracy", "cell", "district_id", "is_demonstration", "updated_at"),
)
_OWN = ("number", "year", "reference", "lon", "lat", "place_text", "description", "internal_note")
_OWN_COMPLAINT = (*_OWN, "complainant_contact", "reporter_key")


@dataclass(frozen=True)
class Place:
    """How far one mirror is: the last entry it took, and how far this round of comparing has come.

    A round goes through the kinds, each by ascending id; it is over when no kind is left. Whatever could be seen or
    not when it began is then told; what changed meanwhile, perhaps only by the next round.
    """

    position: int
    kinds: tuple[str, ...]
    after: uuid.UUID | None = None
    began_at: datetime.datetime | None = None

    @property
    def is_comparing(self) -> bool:
        return bool(self.kinds)


@dataclass(frozen=True)
class Page:
    told: Sequence[ToldRecord]
    place: Place
    has_more: bool
    as_of: datetime.datetime


def beginning(kind: str = "") -> tuple[str, ...]:
    return (kind,) if kind else tuple(Kind.values)


def next_page(*, actor, place: Place, kind: str, size: int) -> Page:
    """The next entries for a mirror at this place, comparing on as long as they do not fill the page."""
    place = replace(place, began_at=place.began_at or timezone.now())
    told = _told_after(actor.agency, place.position, kind, size)
    for _ in range(STRETCHES):
        if len(told) == size or not place.is_comparing:
            break
        place = compare(actor=actor, place=place)
        told = _told_after(actor.agency, place.position, kind, size)
    has_more = len(told) == size or place.is_comparing
    if told:
        place = replace(place, position=told[-1].position)
    following = place if has_more else Place(place.position, beginning(kind))
    return Page(told, following, has_more, as_of=place.began_at)


def _told_after(agency: Agency, position: int, kind: str, size: int) -> list[ToldRecord]:
    rows = ToldRecord.objects.filter(agency=agency, position__gt=position).order_by("position")
    return list((rows.filter(kind=kind) if kind else rows)[:size])


@transaction.atomic
def compare(*, actor, place: Place) -> Place:
    """Note what the next stretch of ids shows differently from what was told; the place after the stretch.

    The lock on the counter is held to the end of the transaction, so positions become visible in their order and a
    mirror never passes one that is still to come.
    """
    kind, agency = place.kinds[0], actor.agency
    FeedPosition.objects.get_or_create(agency=agency)
    counter = FeedPosition.objects.select_for_update().get(agency=agency)
    seen = _visible_versions(actor, kind, place.after)
    known = ToldRecord.objects.filter(agency=agency, kind=kind)
    if place.after is not None:
        known = known.filter(record_id__gt=place.after)
    known = list(known.order_by("record_id")[:STRETCH])
    ends = [rows[-1] for rows in (seen, [(row.record_id, None) for row in known]) if len(rows) == STRETCH]
    end = min((key for key, _ in ends), default=None)
    if end is not None:
        seen = [(key, version) for key, version in seen if key <= end]
        known = [row for row in known if row.record_id <= end]
    _note_differences(counter, kind, dict(seen), {row.record_id: row for row in known})
    if end is None:
        return replace(place, kinds=place.kinds[1:], after=None)
    return replace(place, after=end)


def _visible_versions(actor, kind: str, after: uuid.UUID | None) -> list[tuple[uuid.UUID, uuid.UUID]]:
    """Ids the actor may see, ascending, with a digest of what the interface shows of each."""
    rows = _with_version(MODEL_OF_KIND[kind].objects.visible_to(actor), actor.agency, after)
    if after is not None:
        rows = rows.filter(pk__gt=after)
    return list(rows.order_by("pk").values_list("pk", "version")[:STRETCH])


def _with_version(rows: QuerySet[Record], agency: Agency, after: uuid.UUID | None) -> QuerySet[Record]:
    """Of foreign records the digest speaks of the face alone: a change of the detail must not show.

    `after` is named for the joined tables, too: a merge join would read them from their beginning for every stretch.
    """
    own = _OWN if rows.model._meta.model_name == Kind.INCIDENT else _OWN_COMPLAINT
    row = partial(Func, function="ROW", output_field=TextField())
    level = Case(When(agency_id=agency.pk, then=F("sharing_level")), output_field=TextField())
    shown = row(*(F(name) for name in _FACE), F("cleared__text"), level, *(F(f"own_detail__{name}") for name in own))
    is_own, is_cleared = Q(detail__agency_id=agency.pk), Q(note__cleared_at__isnull=False)
    if after is not None:
        is_own, is_cleared = is_own & Q(detail__record_id__gt=after), is_cleared & Q(note__record_id__gt=after)
    rows = rows.annotate(own_detail=FilteredRelation("detail", condition=is_own))
    rows = rows.annotate(cleared=FilteredRelation("note", condition=is_cleared))
    return rows.annotate(version=Cast(MD5(Cast(shown, TextField())), UUIDField()))


def _note_differences(
    counter: FeedPosition, kind: str, seen: dict[uuid.UUID, uuid.UUID], known: dict[uuid.UUID, ToldRecord]
) -> None:
    now = timezone.now()
    changed = []
    for key, version in seen.items():
        told = known.get(key)
        if told is None or told.is_withdrawn or told.version != version:
            changed.append(ToldRecord(record_id=key, version=version, is_withdrawn=False))
    for key, told in known.items():
        if key not in seen and not told.is_withdrawn:
            changed.append(ToldRecord(record_id=key, version=told.version, is_withdrawn=True))
    for position, row in enumerate(changed, counter.last + 1):
        row.agency_id, row.kind, row.position, row.told_at = counter.agency_id, kind, position, now
    if changed:
        ToldRecord.objects.bulk_create(
            changed,
            batch_size=2_000,
            update_conflicts=True,
            unique_fields=("agency", "kind", "record_id"),
            update_fields=("version", "position", "is_withdrawn", "told_at"),
        )
        counter.last += len(changed)
        counter.save(update_fields=("last",))
    _forget_old(now, known, seen)


def _forget_old(now: datetime.datetime, known: dict[uuid.UUID, ToldRecord], seen: dict) -> None:
    """Drop withdrawals that every cursor still valid has long passed."""
    past = now - WITHDRAWN_AGE
    old = [row.pk for key, row in known.items() if row.is_withdrawn and row.told_at < past and key not in seen]
    if old:
        ToldRecord.objects.filter(pk__in=old).delete()


def visible_now(*, actor, kind: str, keys: Sequence[uuid.UUID]) -> set[uuid.UUID]:
    """Which of these the actor may see at this moment; memberships are looked up anew."""
    actor.agency.sharing_now()
    return set(MODEL_OF_KIND[kind].objects.visible_to(actor).filter(pk__in=keys).values_list("pk", flat=True))


def by_kind(told: Sequence[ToldRecord]) -> dict[str, list[uuid.UUID]]:
    keys: dict[str, list[uuid.UUID]] = {}
    for row in told:
        keys.setdefault(row.kind, []).append(row.record_id)
    return keys


def owner_counts(rows: Sequence[Model], agency: Agency) -> dict[str, int]:
    """Number of foreign rows per owner, for the log."""
    owners: dict[str, int] = {}
    for row in rows:
        if row.agency_id != agency.pk:
            owners[row.agency.slug] = owners.get(row.agency.slug, 0) + 1
    return owners
