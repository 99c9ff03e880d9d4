"""A row of a record delivery as a draft: typed and translated, not yet checked against the record it may update."""

from __future__ import annotations

import datetime
from dataclasses import dataclass

from incidents.actions import RecordData
from incidents.geo import DistrictIndex
from incidents.importing import values
from incidents.importing.cells import Cells, Fingerprints
from incidents.importing.fields import TEXT_FIELDS, TEXT_LIMITS
from incidents.importing.refusals import CellError, Objection
from incidents.models import Accuracy, Category, Severity
from incidents.workflow import Status

NO_UNIT_MATCH = (
    "Die Zähleinheit der Lieferung passt nicht zur Kategorie. "
    "Bitte die Kategorie oder „unit“ in der Zuordnungsdatei prüfen."
)
_CHOICES = {
    "severity": {**{s.label.casefold(): s.value for s in Severity}, **{str(s.value): s.value for s in Severity}},
    "status": {name: s.value for s in Status for name in (s.value, s.label.casefold())},
    "accuracy": {name: a.value for a in Accuracy for name in (a.value, a.label.casefold())},
}


@dataclass(frozen=True)
class Draft:
    """`written`: facts and texts the file carries, by RecordData field; `point` in the file's coordinate system."""

    row: int
    reference: str
    written: dict
    point: tuple[float, float] | None

    @property
    def category(self) -> Category:
        return self.written["category"]

    def data(self, level: str, point: tuple[float, float] | None) -> RecordData:
        lon, lat = point or (None, None)
        return RecordData(**self.written, reference=self.reference, lon=lon, lat=lat, sharing_level=level)


class Drafting:
    """Turns rows into drafts or objections."""

    def __init__(self, cells: Cells, *, kind: str, districts: DistrictIndex, now: datetime.datetime) -> None:
        self.cells, self.mapping, self.now = cells, cells.mapping, now
        self.fingerprints = Fingerprints()
        categories = list(Category.objects.usable(kind))
        self.categories = {c.label.casefold(): c for c in categories} | {c.slug.casefold(): c for c in categories}
        self.districts = district_names(districts)
        carried = self.mapping.carried
        self.choices = [(field, known) for field, known in _CHOICES.items() if field in carried]
        self.texts = [field for field in TEXT_FIELDS[kind] if field in carried]
        self.axes = ("x", "y") if "x" in carried else ("lon", "lat") if "lon" in carried else ()
        self.has_end = "occurred_to" in carried
        self.has_district = "district" in carried

    def read(self, row: int, cells: list[str]) -> Draft | list[Objection]:
        objections: list[Objection] = []
        written: dict = {}
        point = reference = None
        for part in (self._category, self._times, self._choices, self._texts):
            try:
                written |= part(cells)
            except CellError as error:
                objections.append(error.objection)
        try:
            point = self._point(cells)
        except CellError as error:
            objections.append(error.objection)
        try:
            reference = self._reference(cells)
        except CellError as error:
            objections.append(error.objection)
        return objections or Draft(row, reference, written, point)

    def _category(self, cells: list[str]) -> dict:
        category = self.cells.meaning("category", cells, self.categories)
        if category is None:
            raise CellError("category", "missing", "Die Kategorie fehlt. Bitte eintragen.")
        if self.mapping.unit and category.unit != self.mapping.unit:
            raise CellError("category", "unit", NO_UNIT_MATCH)
        return {"category": category}

    def _times(self, cells: list[str]) -> dict:
        text = self.cells.text("occurred_from", cells)
        if not text:
            raise CellError(
                "occurred_from", "missing", "Der Beginn fehlt. Bitte Datum und möglichst Uhrzeit eintragen."
            )
        start = values.moment(text, self.mapping.zone, "occurred_from")
        result = {"occurred_from": start.at}
        end_text = self.cells.text("occurred_to", cells) if self.has_end else ""
        if end_text:
            end = values.moment(end_text, self.mapping.zone, "occurred_to")
            result["occurred_to"] = self._end_of(end.day) if end.day else end.at
        elif start.day:
            result["occurred_to"] = self._end_of(start.day)
        elif self.has_end:
            result["occurred_to"] = None
        return result

    def _end_of(self, day: datetime.date) -> datetime.datetime | None:
        return values.end_of_day(day, self.mapping.zone, self.now)

    def _choices(self, cells: list[str]) -> dict:
        found = {field: self.cells.meaning(field, cells, known) for field, known in self.choices}
        if self.has_district:
            found["district"] = self.cells.meaning("district", cells, self.districts)
        return {field: value for field, value in found.items() if value is not None or field == "district"}

    def _texts(self, cells: list[str]) -> dict:
        return {
            field: values.storable(self.cells.text(field, cells), field, TEXT_LIMITS[field]) for field in self.texts
        }

    def _point(self, cells: list[str]) -> tuple[float, float] | None:
        if not self.axes:
            return None
        first, second = (self.cells.text(axis, cells) for axis in self.axes)
        if not first and not second:
            return None
        if not first or not second:
            raise CellError(
                self.axes[0],
                "missing",
                "Es fehlt eine der beiden Koordinaten. Bitte beide angeben oder beide leer lassen.",
            )
        return values.number(first, self.axes[0]), values.number(second, self.axes[1])

    def _reference(self, cells: list[str]) -> str:
        if self.mapping.hashes_rows:
            return self.fingerprints.reference(cells)
        text = self.cells.text("reference", cells)
        if not text:
            raise CellError(
                "reference",
                "missing",
                "Das Aktenzeichen fehlt. Ohne Aktenzeichen wird die Meldung beim nächsten Mal nicht wiedererkannt. "
                "Bitte eintragen.",
            )
        return values.storable(text, "reference", TEXT_LIMITS["reference"])


def district_names(districts: DistrictIndex) -> dict:
    """Districts by case-folded slug, name and number."""
    found = {}
    for area in reversed(districts.areas):
        found |= dict.fromkeys((str(area.number), area.name.casefold(), area.slug.casefold()), area)
    return found
