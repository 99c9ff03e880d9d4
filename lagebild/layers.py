"""Map layers out of a stored picture. Streams are never added up: a cell shows its strongest stream, or one group."""

from __future__ import annotations

from dataclasses import dataclass

from incidents.geo import cell_boundary
from incidents.models import Kind
from lagebild.models import Cell, Picture
from lagebild.wording import factor_text, german_number

# Ramp of the overview: how many times a cell's neighbourhood exceeds an even spread.
RATIO_STEPS = (2, 4, 8, 16)
RATIO_LABELS = ("bis 2-fach", "2- bis 4-fach", "4- bis 8-fach", "8- bis 16-fach", "über 16-fach")


@dataclass(frozen=True)
class LayerCell:
    kind: str
    cell: int
    ramp: int
    count: int | None
    label: str


def ratio_ramp(ratio: float) -> int:
    return 1 + sum(ratio >= step for step in RATIO_STEPS)


def overview(picture: Picture, kind: str | None = None) -> list[LayerCell]:
    """Significant cells, each with its strongest stream. One query."""
    rows = picture.cells.filter(is_significant=True).select_related("group")
    if kind:
        rows = rows.filter(group__kind=kind)
    strongest: dict[tuple[str, int], Cell] = {}
    for row in rows.order_by("cell", "group_id"):
        key = (row.group.kind, row.cell)
        if key not in strongest or _ratio(row) > _ratio(strongest[key]):
            strongest[key] = row
    return [
        LayerCell(
            kind=row.group.kind,
            cell=row.cell,
            ramp=ratio_ramp(_ratio(row)),
            count=row.count,
            label=f"{row.group.label}: {factor_text(row.disk_count, row.expected)} gegenüber gleichmäßiger Verteilung",
        )
        for row in strongest.values()
    ]


def of_group(picture: Picture, slug: str) -> list[LayerCell]:
    """All cells of one group with their counts. One query."""
    return [
        LayerCell(
            kind=row.group.kind,
            cell=row.cell,
            ramp=row.ramp,
            count=row.count,
            label=f"{row.group.label}: {german_number(row.count)}",
        )
        for row in picture.cells.filter(group__slug=slug).select_related("group").order_by("cell")
    ]


def _ratio(row: Cell) -> float:
    return row.disk_count / row.expected if row.expected else 0.0


def feature_collection(cells: list[LayerCell]) -> dict:
    """GeoJSON (RFC 7946, WGS84) of the layer."""
    return {
        "type": "FeatureCollection",
        "features": [
            {
                "type": "Feature",
                "id": f"{cell.kind}-{cell.cell:x}",
                "properties": {"kind": cell.kind, "ramp": cell.ramp, "label": cell.label, "count": cell.count},
                "geometry": {"type": "Polygon", "coordinates": [cell_boundary(cell.cell)]},
            }
            for cell in cells
        ],
    }


KIND_LABELS = {Kind.INCIDENT: "Vorfälle", Kind.COMPLAINT: "Beschwerden"}
