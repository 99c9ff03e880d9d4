"""Writes batches of records: new ones with running numbers, changed ones, and nothing where nothing changed."""

from __future__ import annotations

import datetime
from dataclasses import dataclass, field

from django.db.models import QuerySet
from django.utils import timezone

from agencies.models import Agency
from incidents.actions import RecordData, next_numbers
from incidents.importing.fields import TEXT_LIMITS
from incidents.importing.refusals import Tally
from incidents.listeners import shared_categories
from incidents.models import Record, RecordDetail, Source
from incidents.withdrawal import revoke_moved

_FACTS = ("occurred_from", "occurred_to", "severity", "status")


@dataclass(frozen=True)
class Prepared:
    """A checked row. `carried` names what the file speaks of; `face` and `exact` hold the place, if it does."""

    data: RecordData
    carried: frozenset[str]
    face: dict
    exact: dict

    def face_values(self) -> dict:
        facts = {name: getattr(self.data, name) for name in _FACTS if name in self.carried}
        return {"category_id": self.data.category.pk, **facts, **self.face}

    def detail_values(self) -> dict:
        texts = {name: getattr(self.data, name) for name in TEXT_LIMITS if name in self.carried}
        return {**texts, **self.exact}


@dataclass
class Store:
    """`writes` is False for a check: the same comparisons, no row touched."""

    model: type[Record]
    agency: Agency
    writes: bool
    created_by: object | None
    is_demonstration: bool
    level_on_update: bool
    source: str = Source.IMPORT
    now: datetime.datetime = field(default_factory=timezone.now)
    changed_ids: set = field(default_factory=set)
    # Of what was written, the categories that all members see.
    shared: set[int] = field(default_factory=set)

    def existing(self, references: list[str]) -> dict[str, RecordDetail]:
        """The agency's details with their faces by reference, locked when they may be written.

        In two steps, each along an index: behind row policies the planner cannot tell how few faces a join would meet.
        """
        # Named so that the partial index on references is used for long lists, too.
        rows = self.model.detail_model().objects.filter(agency=self.agency, reference__in=references)
        details = list(self._locked(rows.exclude(reference="").defer("search")))
        faces = self._locked(self.model.objects.all()).in_bulk([row.record_id for row in details])
        for row in details:
            row.record = faces[row.record_id]
        return {row.reference: row for row in details}

    def _locked(self, rows: QuerySet) -> QuerySet:
        return rows.select_for_update() if self.writes else rows

    def write(self, prepared: list[Prepared], existing: dict[str, RecordDetail], tally: Tally) -> None:
        new: list[Prepared] = []
        changed: list[RecordDetail] = []
        for item in prepared:
            detail = existing.get(item.data.reference)
            if detail is None:
                new.append(item)
            elif self._takes_over(item, detail):
                changed.append(detail)
        tally.created += len(new)
        tally.updated += len(changed)
        tally.unchanged += len(prepared) - len(new) - len(changed)
        if self.writes and new:
            self._create(new)
        if self.writes and changed:
            self._update(changed)

    def _takes_over(self, item: Prepared, detail: RecordDetail) -> bool:
        """Set what differs on the loaded rows; whether anything did.

        The face's time of change moves only with the face: partners see it, and a changed detail is none of theirs.
        """
        face = item.face_values()
        if self.level_on_update:
            face["sharing_level"] = item.data.sharing_level
        before = detail.record.category_id, detail.record.sharing_level
        pairs = [(detail.record, name, value) for name, value in face.items()]
        pairs += [(detail, name, value) for name, value in item.detail_values().items()]
        differing = [(row, name, value) for row, name, value in pairs if getattr(row, name) != value]
        for row, name, value in differing:
            setattr(row, name, value)
        if any(row is detail.record for row, _, _ in differing):
            detail.record.updated_at = self.now
            self.shared |= shared_categories(before, (detail.record.category_id, detail.record.sharing_level))
        if differing:
            self.changed_ids.add(detail.record_id)
        return bool(differing)

    def _create(self, items: list[Prepared]) -> None:
        self.shared |= shared_categories(*((item.data.category.pk, item.data.sharing_level) for item in items))
        faces = [
            self.model(
                agency=self.agency,
                sharing_level=item.data.sharing_level,
                source=self.source,
                is_demonstration=self.is_demonstration,
                created_at=self.now,
                updated_at=self.now,
                **item.face_values(),
            )
            for item in items
        ]
        year = timezone.localtime(self.now).year
        numbers = next_numbers(agency=self.agency, kind=self.model._meta.model_name, year=year, count=len(items))
        detail_model = self.model.detail_model()
        details = [
            detail_model(
                record=face,
                agency=self.agency,
                year=year,
                number=number,
                reference=item.data.reference,
                created_by=self.created_by,
                **item.detail_values(),
            )
            for item, face, number in zip(items, faces, numbers, strict=True)
        ]
        self.model.objects.bulk_create(faces)
        detail_model.objects.bulk_create(details)

    def _update(self, details: list[RecordDetail]) -> None:
        """One statement per table: the rows exist and are locked, so every insert turns into the update."""
        faces = [detail.record for detail in details]
        face_fields = {"category", *_FACTS, "sharing_level", "accuracy", "cell", "district", "updated_at"}
        detail_model = self.model.detail_model()
        own = {f.name for f in detail_model._meta.concrete_fields}
        detail_fields = (set(TEXT_LIMITS) - {"reference"} | {"lon", "lat", "cell"}) & own
        self._upsert(faces, "id", face_fields)
        self._upsert(details, "record", detail_fields)
        revoke_moved(model=self.model, agency=self.agency, ids={face.pk for face in faces})

    def _upsert(self, rows: list, key: str, names: set[str]) -> None:
        type(rows[0]).objects.bulk_create(
            rows, update_conflicts=True, unique_fields=(key,), update_fields=sorted(names)
        )
