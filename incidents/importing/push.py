"""Records pushed by a partner system: upsert by the agency's own reference, row by row."""

from __future__ import annotations

import datetime
import uuid
from dataclasses import dataclass, field, replace

from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.utils import timezone

from agencies import audit
from agencies.models import Agency
from agencies.visibility import COUNTED_LEVELS, SharingLevel
from incidents.actions import MODEL_OF_KIND, RecordData, check_record, locate, note_delivery
from incidents.geo import DistrictIndex
from incidents.importing.levels import Reach
from incidents.importing.refusals import Tally
from incidents.importing.run import one_at_a_time
from incidents.importing.store import Prepared, Store
from incidents.listeners import tell_shared_change
from incidents.models import DeliveryBasis, RecordDetail, SharingDefault, Source
from incidents.retention import Door
from incidents.revisions import set_author


@dataclass(frozen=True)
class PushedRow:
    """`carried` names the fields the row speaks of; the others stay as they are when the record exists."""

    data: RecordData
    carried: frozenset[str]
    has_place: bool


@dataclass(frozen=True)
class PushedResult:
    """created, updated or unchanged with the record's id, or refused with a message per field."""

    outcome: str
    id: uuid.UUID | None = None
    errors: dict[str, str] = field(default_factory=dict)


@transaction.atomic
def push(*, kind: str, rows: list[PushedRow], by) -> list[PushedResult]:
    """Take over what is sound and refuse the rest, one result per row; references must not repeat.

    New records get the level that the lead has set for the category; existing ones keep theirs.
    """
    if not by.can("enter_records"):
        raise PermissionDenied("Ihre Rolle erlaubt das Erfassen von Meldungen nicht.")
    one_at_a_time(agency=by.agency, kind=kind)
    set_author(by)
    store = Store(
        model=MODEL_OF_KIND[kind],
        agency=by.agency,
        writes=True,
        created_by=None if by.api_key else by,
        is_demonstration=by.agency.is_demonstration,
        level_on_update=False,
        source=Source.API,
    )
    existing = store.existing([row.data.reference for row in rows])
    checked = _check_all(rows, existing, Door(by.agency, kind), store.now)
    prepared = [item for item in checked if isinstance(item, Prepared)]
    tally = Tally()
    store.write(prepared, existing, tally)
    tell_shared_change(store.shared)
    days = {
        timezone.localdate(item.data.occurred_from) for item in prepared if item.data.sharing_level in COUNTED_LEVELS
    }
    note_delivery(agency=by.agency, days=days, basis=DeliveryBasis.RECORDS)
    audit.record(
        audit.Act.IMPORTED,
        by=by,
        owner=by.agency,
        kind=kind,
        created=tally.created,
        updated=tally.updated,
        unchanged=tally.unchanged,
        refused=len(rows) - len(prepared),
    )
    return _results(checked, existing, store)


def _check_all(
    rows: list[PushedRow], existing: dict[str, RecordDetail], door: Door, now: datetime.datetime
) -> list[Prepared | dict[str, str]]:
    """Each row ready to be written, or its objections by field."""
    districts = DistrictIndex.load()
    reach = Reach(door.agency, districts)
    levels = dict(SharingDefault.objects.filter(agency=door.agency).values_list("category_id", "level"))
    checked: list[Prepared | dict[str, str]] = []
    for row in rows:
        known = existing.get(row.data.reference)
        data = replace(row.data, sharing_level=_level(row.data, known, door.agency, levels))
        if known is not None and "occurred_to" not in row.carried:
            data = replace(data, occurred_to=known.record.occurred_to)
        errors = check_record(data, now=now)
        face, exact, objection = locate(data, districts) if "lon" not in errors else ({}, {}, None)
        if objection:
            errors["lon"] = objection
        data, beyond = reach.limit(data, known=known, face=face, has_place=row.has_place, is_asked=False, keeps=True)
        errors |= beyond
        if known is None:
            errors |= door.objection(data)
        if errors:
            checked.append(errors)
            continue
        district = face.pop("district")
        face["district_id"] = district.pk if district else None
        checked.append(Prepared(data, row.carried, face if row.has_place else {}, exact if row.has_place else {}))
    return checked


def _level(data: RecordData, known: RecordDetail | None, agency: Agency, levels: dict[int, str]) -> str:
    if known is not None:
        return known.record.sharing_level
    if not data.category.is_shareable or agency.delivers_counts:
        return SharingLevel.INTERNAL
    return levels.get(data.category.pk, SharingLevel.INTERNAL)


def _results(
    checked: list[Prepared | dict[str, str]], existing: dict[str, RecordDetail], store: Store
) -> list[PushedResult]:
    new = [item.data.reference for item in checked if isinstance(item, Prepared)]
    details = store.model.detail_model().objects.filter(agency=store.agency, reference__in=new)
    ids = dict(details.exclude(reference="").values_list("reference", "record_id"))
    return [
        PushedResult(_outcome(existing.get(item.data.reference), store), ids[item.data.reference])
        if isinstance(item, Prepared)
        else PushedResult("refused", errors=item)
        for item in checked
    ]


def _outcome(known: RecordDetail | None, store: Store) -> str:
    if known is None:
        return "created"
    return "updated" if known.record_id in store.changed_ids else "unchanged"
