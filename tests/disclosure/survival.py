"""How much of the true totals the protection leaves: `python -m tests.disclosure.survival [SHARED_FOLDER]`.

The demonstration city at several sizes with 30 % of its records counted only, and, where the folder with real data is
given, eight years of reports of a real city as if both offices had set all of theirs to count only.
"""

from __future__ import annotations

import csv
import datetime as dt
import gzip
import json
import sys
import zoneinfo
from pathlib import Path
from time import perf_counter

import h3.api.basic_int as h3
import numpy as np
import shapely

from incidents.demo.frame import Frame, kinds_of
from incidents.demo.generator import generate
from incidents.demo.geography import City
from lagebild.stats.disclosure import NO_CELL, Contributions, publish_counts, surviving_share
from lagebild.stats.weeks import week_indices

DATA = Path(__file__).resolve().parents[2] / "incidents" / "data"
ZURICH = Path(__file__).resolve().parents[1] / "real_data" / "zuerich"
BERLIN = zoneinfo.ZoneInfo("Europe/Berlin")
SIZES = (6_000, 30_000, 200_000)
SHARE = 0.3


def cell_of(lon: float, lat: float) -> int:
    return h3.latlng_to_cell(lat, lon, 9)


def measured(name: str, rows: list[tuple], districts: int) -> None:
    """rows: (district, group, day, cell, agency, minimum), one per case."""
    district, group, day, cell, agency, minimum = zip(*rows, strict=True)
    week = week_indices(np.array(day, dtype="datetime64[D]"))
    columns = (
        _codes(district),
        _codes(group),
        week,
        np.array(cell),
        _codes(agency),
        np.ones(len(rows), dtype=np.int64),
    )
    contributions = Contributions(*columns, np.array(minimum))
    whole = contributions.where((week >= -(-week.min() // 4) * 4) & (week < week.max() // 4 * 4))
    start = perf_counter()
    published = publish_counts(whole, blocks_end=int(week.max()) // 4, districts=districts)
    seconds = round(perf_counter() - start, 2)
    shares = {level: round(share, 3) for level, share in surviving_share(whole, published).items()}
    atoms = {level: len(part.count) for level, part in vars(published).items()}
    line = {"data": name, "cases": int(whole.count.sum()), "share": shares, "atoms": atoms, "s": seconds}
    sys.stdout.write(json.dumps(line) + "\n")
    sys.stdout.flush()


def _codes(values: tuple) -> np.ndarray:
    """Whole numbers for the keys, in their order of appearance."""
    numbers = {value: number for number, value in enumerate(dict.fromkeys(values))}
    return np.array([numbers[value] for value in values], dtype=np.int64)


def demonstration(records: int) -> None:
    catalogue = json.loads((DATA / "categories.json").read_text(encoding="utf-8"))
    described = {row["slug"]: row for row in catalogue["categories"]}
    areas, places = (
        json.loads((DATA / name).read_text(encoding="utf-8")) for name in ("hamm_areas.geojson", "hamm_places.json")
    )
    frame = Frame(City.from_files(areas, places), kinds_of(catalogue), records, 7, dt.date(2026, 11, 22), BERLIN)
    rng = np.random.default_rng(7)
    rows = []
    for row in generate(frame):
        category = described[row.category]
        if not category["shareable"] or rng.random() >= SHARE:
            continue
        is_area = category["geo"] != "P"
        minimum = 5 if is_area or category["sensitive"] else 3
        group = (category["group"], row.kind, category["unit"], category.get("origin"), minimum)
        cell = NO_CELL if is_area or row.lon is None or row.accuracy == "district" else cell_of(row.lon, row.lat)
        day = row.occurred_from.astimezone(BERLIN).date()
        rows.append((row.district, group, day, cell, row.agency, minimum))
    measured(f"demonstration, {records} records, 30 % counted only", rows, 8)


def zurich(shared: Path) -> None:
    catalogue = json.loads((ZURICH / "categories.json").read_text(encoding="utf-8"))
    group_of = {row["slug"]: row["group"] for row in catalogue["categories"]}
    offices = {}
    for path in sorted(ZURICH.glob("zh-*.json")):
        for name, slug in json.loads(path.read_text(encoding="utf-8"))["codes"]["category"].items():
            offices[name] = (path.stem, group_of[slug])
    features = json.loads((ZURICH / "areas.geojson").read_text(encoding="utf-8"))["features"]
    shapes = [shapely.geometry.shape(f["geometry"]) for f in features if f["properties"].get("kind") == "district"]
    with gzip.open(shared / "data" / "real" / "zueri_wie_neu_2016_2023.csv.gz", "rt", encoding="utf-8") as file:
        found = [row for row in csv.DictReader(file) if row["kategorie"] in offices]
    places = shapely.points([float(row["lon"]) for row in found], [float(row["lat"]) for row in found])
    point, shape = shapely.STRtree(shapes).query(places, predicate="within")
    district = dict(zip(point.tolist(), shape.tolist(), strict=True))
    rows = [
        (
            district.get(index, -1),
            offices[row["kategorie"]][1],
            row["date"][:10],
            cell_of(float(row["lon"]), float(row["lat"])),
            offices[row["kategorie"]][0],
            3,
        )
        for index, row in enumerate(found)
    ]
    measured("Zürich, reports 2016 to 2023, two offices, all counted only", rows, len(shapes) + 1)


def main(shared: str = "") -> None:
    for records in SIZES:
        demonstration(records)
    if shared:
        zurich(Path(shared))


if __name__ == "__main__":
    main(*sys.argv[1:])
