"""Count deliveries: area × period × category × unit, for agencies that share no records. Never turned into points."""

from __future__ import annotations

import datetime
from collections import defaultdict
from dataclasses import dataclass

from django.utils import timezone

from agencies.models import Agency
from agencies.scope import NOTHING, OUTSIDE
from agencies.visibility import SharingLevel
from incidents.actions import EARLIEST_YEAR
from incidents.importing import values
from incidents.importing.cells import UNKNOWN, Cells
from incidents.importing.mapping import Mapping
from incidents.importing.refusals import CellError, FileError, Objection, Tally
from incidents.importing.table import RawRow, Table
from incidents.importing.weeks import weeks_between
from incidents.models import Area, Category, CountDelivery

DELIVERS_RECORDS = (
    "Die Behörde liefert einzelne Meldungen. Zusätzliche Zahlen würden doppelt zählen. "
    "Bitte die Art der Lieferung mit der Geschäftsstelle klären."
)
_NOT_ACTIVE = (
    "Die Mitgliedschaft der Behörde ist nicht aktiv. Zahlen können deshalb nicht geliefert werden. "
    "Auskunft gibt die Geschäftsstelle."
)
_NOT_SHARED = "Zahlen zu dieser Kategorie werden nie geteilt. Bitte die Zeile entfernen."
_DUPLICATE = (
    "Diese Zahl kommt in der Datei weiter oben schon vor. Bitte je Gebiet, Zeitraum und Kategorie eine liefern."
)
_OVERLAP = (
    "Der Zeitraum überschneidet sich mit einer anderen Zahl für Gebiet und Kategorie. Bitte die Zeiträume abstimmen."
)

Place = tuple[int, int, str]
Period = tuple[datetime.date, datetime.date]


@dataclass(frozen=True)
class Count:
    area: Area
    category: Category
    unit: str
    period: Period
    count: int

    @property
    def place(self) -> Place:
        return self.area.pk, self.category.pk, self.unit


class CountsDelivery:
    """One run over a file of counts. Everything fits in memory: counts are few."""

    def __init__(self, *, table: Table, mapping: Mapping, agency: Agency, writes: bool, is_demonstration: bool) -> None:
        if not agency.delivers_counts:
            raise FileError(DELIVERS_RECORDS)
        if agency.scope is NOTHING:
            raise FileError(_NOT_ACTIVE)
        self.table, self.mapping, self.agency = table, mapping, agency
        self.writes, self.is_demonstration = writes, is_demonstration
        self.cells = Cells(mapping, table)
        self.today = timezone.localdate()
        self.areas = _by_names(Area.objects.order_by("-kind", "-number"), "slug", "name", "number")
        self.categories = _by_names(Category.objects.filter(is_active=True).select_related("group"), "label", "slug")
        self.periods: dict[Place, dict[Period, int]] = defaultdict(dict)
        self.weeks: set[datetime.date] = set()
        self.tally = Tally()

    def run(self) -> Tally:
        stored = {}
        for row in CountDelivery.objects.filter(agency=self.agency):
            place, period = (row.area_id, row.category_id, row.unit), (row.period_start, row.period_end)
            stored[place, period] = row
            self.periods[place][period] = 0
        accepted: list[Count] = []
        for index, row in enumerate(self.table.rows):
            self.tally.rows += 1
            if not row.objection and (not self.cells.is_meant(index, row.cells) or self.cells.is_ignored(row.cells)):
                self.tally.skipped += 1
                continue
            item = self._read(row)
            if isinstance(item, Count):
                accepted.append(item)
            else:
                self.tally.refuse(row.number, item, self.mapping.column_names)
        self._write(accepted, stored)
        return self.tally

    def _read(self, row: RawRow) -> Count | list[Objection]:
        if row.objection:
            return [Objection("", "line", row.objection)]
        objections: list[Objection] = []
        found: dict = {}
        for part in (self._area, self._category, self._period, self._count):
            try:
                found |= part(row.cells)
            except CellError as error:
                objections.append(error.objection)
        if not objections and (text := self._beyond(found["category"], found["area"])):
            objections.append(Objection("category", "agreement", text))
        if not objections:
            item = Count(**found)
            objections += self._clash(item, row.number)
        return objections or item

    def _area(self, cells: list[str]) -> dict:
        area = self.cells.meaning("area", cells, self.areas)
        if area is None:
            raise CellError("area", "missing", "Das Gebiet fehlt. Bitte eintragen.")
        return {"area": area}

    def _category(self, cells: list[str]) -> dict:
        category = self.cells.meaning("category", cells, self.categories)
        if category is None:
            raise CellError("category", "missing", "Die Kategorie fehlt. Bitte eintragen.")
        if not category.is_shareable:
            raise CellError("category", "not_shared", _NOT_SHARED)
        known = {category.unit.casefold(): category.unit, category.unit_label.casefold(): category.unit}
        unit = self.cells.meaning("unit", cells, known)
        if unit is None and self.mapping.unit not in ("", category.unit):
            raise CellError("unit", "unknown", UNKNOWN["unit"])
        return {"category": category, "unit": category.unit}

    def _beyond(self, category: Category, area: Area) -> str:
        is_within = self.agency.scope.highest_at(category, area) != SharingLevel.INTERNAL
        return "" if is_within else f"{OUTSIDE} Bitte die Zeile entfernen."

    def _period(self, cells: list[str]) -> dict:
        start, end = self._day("period_from", cells), self._day("period_to", cells)
        if end < start:
            raise CellError("period_to", "period", "Der Zeitraum endet vor seinem Beginn. Bitte Ende prüfen.")
        if end > self.today:
            raise CellError(
                "period_to", "period", "Der Zeitraum reicht in die Zukunft. Bitte nur abgelaufene Zeiträume liefern."
            )
        if start.year < EARLIEST_YEAR:
            raise CellError(
                "period_from", "period", f"Der Zeitraum beginnt vor {EARLIEST_YEAR}. Bitte das Jahr prüfen."
            )
        return {"period": (start, end)}

    def _day(self, field: str, cells: list[str]) -> datetime.date:
        text = self.cells.text(field, cells)
        if not text:
            raise CellError(field, "missing", "Der Zeitraum fehlt. Bitte Beginn und Ende als Datum eintragen.")
        day = values.moment(text, self.mapping.zone, field).day
        if day is None:
            raise CellError(field, "period", "Der Zeitraum braucht Tage ohne Uhrzeit. Bitte nur das Datum eintragen.")
        return day

    def _count(self, cells: list[str]) -> dict:
        return {"count": values.whole_number(self.cells.text("count", cells), "count")}

    def _clash(self, item: Count, row: int) -> list[Objection]:
        """Note the count's period, or say what it clashes with."""
        known = self.periods[item.place]
        if known.get(item.period):
            return [Objection("period_from", "duplicate", _DUPLICATE)]
        start, end = item.period
        if any(other != item.period and other[0] <= end and start <= other[1] for other in known):
            return [Objection("period_from", "overlap", _OVERLAP)]
        known[item.period] = row
        return []

    def _write(self, items: list[Count], stored: dict[tuple[Place, Period], CountDelivery]) -> None:
        rows = []
        for item in items:
            before = stored.get((item.place, item.period))
            self.tally.saw(*item.period)
            self.weeks.update(weeks_between(*item.period))
            if before is not None and before.count == item.count:
                self.tally.unchanged += 1
                continue
            self.tally.created += before is None
            self.tally.updated += before is not None
            rows.append(self._row(item))
        if self.writes and rows:
            CountDelivery.objects.bulk_create(
                rows,
                batch_size=2_000,
                update_conflicts=True,
                unique_fields=("agency", "area", "category", "unit", "period_start", "period_end"),
                update_fields=("count", "updated_at"),
            )

    def _row(self, item: Count) -> CountDelivery:
        return CountDelivery(
            agency=self.agency,
            area=item.area,
            category=item.category,
            unit=item.unit,
            period_start=item.period[0],
            period_end=item.period[1],
            count=item.count,
            is_demonstration=self.is_demonstration,
        )


def _by_names(rows, *names: str) -> dict:
    """Rows by their case-folded names; earlier names and later rows win."""
    found = {}
    for name in reversed(names):
        found |= {str(value).casefold(): row for row in rows if (value := getattr(row, name)) is not None}
    return found
