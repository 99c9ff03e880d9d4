"""Record deliveries: drafts in batches, met with what the agency already has, checked by the rules of every record."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
from django.utils import timezone

from agencies.models import Agency
from agencies.visibility import COUNTED_LEVELS, SharingLevel
from incidents.actions import RecordData, check_record, locate
from incidents.geo import DistrictIndex, to_wgs84
from incidents.importing.cells import Cells
from incidents.importing.drafts import Draft, Drafting
from incidents.importing.levels import Reach
from incidents.importing.mapping import WGS84, Mapping
from incidents.importing.refusals import Objection, Tally
from incidents.importing.store import Prepared, Store
from incidents.importing.table import RawRow, Table
from incidents.models import RecordDetail, SharingDefault
from incidents.retention import Door

BATCH = 2_000
# About a centimetre: finer digits are noise of the projection and would make equal places look changed.
PLACE_DIGITS = 7
DUPLICATE = Objection(
    "reference",
    "duplicate",
    "Dieses Aktenzeichen kommt in der Datei weiter oben schon vor. Bitte jede Meldung nur einmal liefern.",
)
NO_PROJECTION = Objection(
    "x", "projection", "Die Koordinaten passen nicht zum angegebenen Koordinatensystem. Bitte „crs“ prüfen."
)


class RecordDelivery:
    """One run over a file of incidents or complaints."""

    def __init__(self, *, table: Table, mapping: Mapping, agency: Agency, kind: str, store: Store) -> None:
        self.table, self.mapping, self.agency, self.kind, self.store = table, mapping, agency, kind, store
        self.now = timezone.now()
        self.districts = DistrictIndex.load()
        self.reach = Reach(agency, self.districts)
        self.cells = Cells(mapping, table)
        self.drafting = Drafting(self.cells, kind=kind, districts=self.districts, now=self.now)
        self.door = Door(agency, kind)
        self.levels = dict(SharingDefault.objects.filter(agency=agency).values_list("category_id", "level"))
        self.columns = mapping.column_names
        self.places = bool({"lon", "x", "district"} & mapping.carried)
        self.seen: set[str] = set()
        self.tally = Tally(hashes_rows=mapping.hashes_rows)

    def run(self) -> Tally:
        for rows in self._batches():
            drafts = self._drafts(rows)
            existing = self.store.existing([draft.reference for draft in drafts])
            prepared = [
                item
                for draft, point in zip(drafts, self._points(drafts), strict=True)
                if (item := self._prepare(draft, point, existing.get(draft.reference)))
            ]
            self.store.write(prepared, existing, self.tally)
        return self.tally

    def _batches(self) -> Iterator[list[RawRow]]:
        rows: list[RawRow] = []
        for index, row in enumerate(self.table.rows):
            self.tally.rows += 1
            if not row.objection and not (
                self.cells.is_meant(index, row.cells) and not self.cells.is_ignored(row.cells)
            ):
                self.tally.skipped += 1
                continue
            rows.append(row)
            if len(rows) == BATCH:
                yield rows
                rows = []
        yield rows

    def _drafts(self, rows: list[RawRow]) -> list[Draft]:
        drafts = []
        for row in rows:
            if row.objection:
                self._refuse(row.number, [Objection("", "line", row.objection)])
                continue
            draft = self.drafting.read(row.number, row.cells)
            if isinstance(draft, list):
                self._refuse(row.number, draft)
            elif draft.reference in self.seen:
                self._refuse(row.number, [DUPLICATE])
            else:
                self.seen.add(draft.reference)
                drafts.append(draft)
        return drafts

    def _points(self, drafts: list[Draft]) -> list[tuple[float, float] | None]:
        """WGS84 points of all drafts, projected in one go; not finite where the projection fails."""
        points: list[tuple[float, float] | None] = [draft.point for draft in drafts]
        placed = [position for position, point in enumerate(points) if point is not None]
        if not placed or self.mapping.crs == WGS84:
            return points
        given = np.array([points[position] for position in placed])
        lons, lats = to_wgs84(given[:, 0], given[:, 1], self.mapping.crs)
        for position, lon, lat in zip(placed, lons.tolist(), lats.tolist(), strict=True):
            points[position] = (lon, lat)
        return points

    def _prepare(
        self, draft: Draft, point: tuple[float, float] | None, existing: RecordDetail | None
    ) -> Prepared | None:
        if point is not None and not all(np.isfinite(point)):
            self._refuse(draft.row, [NO_PROJECTION])
            return None
        if point is not None:
            point = round(point[0], PLACE_DIGITS), round(point[1], PLACE_DIGITS)
        data = draft.data(self._level(draft, existing), point)
        if existing is not None and "occurred_to" not in draft.written:
            data = replace(data, occurred_to=existing.record.occurred_to)
        errors = check_record(data, now=self.now)
        face, detail, objection = locate(data, self.districts) if "lon" not in errors else ({}, {}, None)
        if objection:
            errors["lon"] = objection
        keeps = existing is not None and not self.mapping.level_on_update
        data, beyond = self.reach.limit(
            data, known=existing, face=face, has_place=self.places, is_asked=self._asks_level(draft), keeps=keeps
        )
        errors |= beyond
        if existing is None:
            errors |= self.door.objection(data)
        if errors:
            self._refuse(draft.row, [Objection(self._given(name), "check", text) for name, text in errors.items()])
            return None
        self._saw(data)
        return Prepared(data, frozenset(draft.written), self._face(face), detail if self.places else {})

    def _level(self, draft: Draft, existing: RecordDetail | None) -> str:
        """The level to be: what an existing record has, unless the mapping decides again."""
        if existing is not None and not self.mapping.level_on_update:
            return existing.record.sharing_level
        if not draft.category.is_shareable or self.agency.delivers_counts:
            return SharingLevel.INTERNAL
        return self.mapping.level or self.levels.get(draft.category.pk, SharingLevel.INTERNAL)

    def _asks_level(self, draft: Draft) -> bool:
        """Whether the level comes from the mapping and not from the agency's default."""
        return bool(self.mapping.level) and draft.category.is_shareable and not self.agency.delivers_counts

    def _face(self, face: dict) -> dict:
        if not self.places:
            return {}
        district = face.pop("district")
        return face | {"district_id": district.pk if district else None}

    def _given(self, name: str) -> str:
        """Coordinates are objected to as lon; the file may have given them as x."""
        return "x" if name == "lon" and "x" in self.columns else name

    def _saw(self, data: RecordData) -> None:
        day = data.occurred_from.astimezone(self.mapping.zone).date()
        self.tally.saw(day, day)
        if data.sharing_level in COUNTED_LEVELS:
            self.tally.saw_counted(day)

    def _refuse(self, row: int, objections: list[Objection]) -> None:
        self.tally.refuse(row, objections, self.columns)
