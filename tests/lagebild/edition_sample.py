"""A made-up edition with everything in it; sizes can be stretched to the extremes the print has to survive."""

from dataclasses import replace
from datetime import date, timedelta

import h3

from lagebild.printing.content import (
    Abbreviation,
    Area,
    Cell,
    Coverage,
    CoverageAgency,
    CoverageWeek,
    DistrictTable,
    EditionContent,
    Finding,
    Hotspot,
    HotspotCell,
    MapScale,
    Measure,
    Periods,
    PictureRef,
    Signal,
    Signals,
    TableRow,
    Tables,
    Trend,
    Week,
    WeekRow,
)

FIRST_WEEK = date(2025, 11, 24)
DISTRICTS = ("Mitte", "Uentrop", "Rhynern", "Pelkum", "Herringen", "Bockum-Hövel", "Heessen")
RINGS = {
    "Mitte": ((7.78, 51.655), (7.84, 51.66), (7.83, 51.69), (7.78, 51.685)),
    "Uentrop": ((7.84, 51.66), (7.99, 51.64), (7.99, 51.71), (7.83, 51.69)),
    "Rhynern": ((7.80, 51.58), (7.95, 51.59), (7.99, 51.64), (7.84, 51.66), (7.80, 51.657)),
    "Pelkum": ((7.69, 51.60), (7.80, 51.58), (7.80, 51.657), (7.78, 51.655), (7.70, 51.645)),
    "Herringen": ((7.70, 51.645), (7.78, 51.655), (7.78, 51.685), (7.69, 51.68)),
    "Bockum-Hövel": ((7.69, 51.68), (7.78, 51.685), (7.80, 51.687), (7.79, 51.74), (7.72, 51.73)),
    "Heessen": ((7.80, 51.687), (7.83, 51.69), (7.99, 51.71), (7.90, 51.74), (7.79, 51.74)),
}
GROUPS = ("Eigentum", "Gewalt und Bedrohung", "Betäubungsmittel", "Sachbeschädigung", "Verkehr")
COMPLAINT_GROUPS = ("Lärm", "Vermüllung", "Beleuchtung", "Aufenthalt von Gruppen")
AGENCIES = ("Polizei", "KOD", "Zoll", "JVA", "Feuerwehr", "Bundespolizei", "Jugendamt", "Schule", "StA", "AG Hamm")
CENTRES = (
    ("Mitte", 51.6785, 7.8095),
    ("Mitte", 51.6796, 7.8190),
    ("Heessen", 51.7095, 7.8320),
    ("Bockum-Hövel", 51.6950, 7.7620),
    ("Pelkum", 51.6420, 7.7600),
    ("Uentrop", 51.6830, 7.8830),
)


def boundary(cell: str) -> tuple[tuple[float, float], ...]:
    return tuple((round(lon, 6), round(lat, 6)) for lat, lon in h3.cell_to_boundary(cell))


def cells_around(kind: str, shift: float) -> tuple[Cell, ...]:
    found: dict[str, Cell] = {}
    for index, (_, lat, lon) in enumerate(CENTRES):
        for distance in range(4 - index // 2):
            ramp = max(1, 5 - distance - index // 3)
            for cell in h3.grid_ring(h3.latlng_to_cell(lat + shift, lon + shift, 9), distance):
                found.setdefault(cell, Cell(kind, ramp, boundary(cell), ramp * 4 + len(found) % 4))
    return tuple(found.values())


def hotspots(kind: str, number: int) -> tuple[Hotspot, ...]:
    letter = "V" if kind == "brennpunkt" else "B"
    found = []
    for index in range(number):
        district, lat, lon = CENTRES[index % len(CENTRES)]
        step = index // len(CENTRES) * 0.006
        middle = h3.latlng_to_cell(lat + step, lon - step, 9)
        found.append(
            Hotspot(
                kind=kind,
                rank=index + 1,
                label=f"{letter} {index + 1}",
                title=("Bahnhofsumfeld", "Südstraße und Santa-Monica-Platz", "Haltepunkt")[index % 3],
                group_label=(GROUPS if letter == "V" else COMPLAINT_GROUPS)[index % 4],
                district=f"Stadtbezirk {district}",
                period="24.11.2025–22.11.2026",
                count=None if index == 4 else 1234 - 97 * (index % 12),
                expected=None if index == 4 else 812.46 - 60 * (index % 12),
                ratio_text="1,8-mal so viele wie zu erwarten; Zufall in etwa 1 von 20 Jahren",
                status_label=("anhaltend", "neu", "wechselnd")[index % 3],
                merged_only=index % 3 == 1,
                agencies=() if index == 4 else ("Polizei", "KOD", "Bundespolizei")[: index % 3 + 1],
                cells=tuple(HotspotCell(boundary(cell)) for cell in h3.grid_disk(middle, 1)),
                assessment=None
                if index % 2
                else "Die Zunahme ist deutlicher als gewöhnliche Schwankungen. Sie liegt an Freitagen und Samstagen "
                "zwischen 20 und 2 Uhr und begann mit dem Ende der Baustelle am Bahnhofsvorplatz.",
                measure=None if index % 3 else "Gemeinsame Streife an Wochenenden, Beleuchtung bis 01.12.2026 prüfen",
            )
        )
    return tuple(found)


def table(district: str, kind: str, rows: int) -> DistrictTable:
    groups = GROUPS if kind == "incident" else COMPLAINT_GROUPS
    return DistrictTable(
        district,
        kind,
        tuple(
            TableRow(
                group_label=groups[index % len(groups)],
                unit_label="Vorgänge" if kind == "incident" else "Meldungen",
                current=None if index % 7 == 3 else 2216 - 211 * (index % 10),
                previous=None if index % 7 == 3 else 1943 - 170 * (index % 10),
                change_text="·" if index % 7 == 3 else "+14,1\u202f%",
                verdict_label=("im Rahmen gewöhnlicher Schwankung", "deutlich mehr")[index % 2],
            )
            for index in range(rows)
        ),
    )


def trend(district: str, kind: str, group_label: str, *, missing: range = range(0)) -> Trend:
    base = len(district)
    weeks = tuple(None if week in missing else base + (week * 7 + base) % 11 + week // 9 for week in range(52))
    before = tuple(base + (week * 5 + base) % 9 for week in range(52))
    return Trend(district, kind, group_label, weeks, before, FIRST_WEEK.isoformat())


def coverage() -> Coverage:
    starts = [FIRST_WEEK + timedelta(weeks=week) for week in range(52)]
    weeks = tuple(
        CoverageWeek(f"KW {start.isocalendar().week}/{start.isocalendar().year % 100}", start.isoformat())
        for start in starts
    )
    agencies = tuple(
        CoverageAgency(
            name,
            tuple(
                "missing"
                if (index, week // 3) in {(1, 12), (4, 5), (6, 17), (6, 16)}
                else "not_member"
                if index == 9 and week < 30
                else "none"
                if (week * (index + 3)) % 17 == 0 and index > 1
                else "delivered"
                for week in range(52)
            ),
        )
        for index, name in enumerate(AGENCIES)
    )
    return Coverage(weeks, agencies)


def finding(kind: str, title: str) -> Finding:
    return Finding(
        kind=kind,
        title=title,
        where="Mitte, Heessen, Bockum-Hövel",
        since="2026-09-14",
        strength="17 Fälle in drei Stadtbezirken, gemeldet von drei Behörden",
        who_does_what="Polizei ermittelt, Ordnungsamt prüft Gewerbeanmeldungen, Zoll begleitet die nächste Kontrolle.",
        assessment="Gleiche Vorgehensweise an wechselnden Orten. Ein Zusammenhang ist wahrscheinlich, nicht belegt.",
        status_label="bestätigt, in Bearbeitung",
    )


def signal(kind: str, title: str) -> Signal:
    return Signal(
        kind=kind,
        title=title,
        since="2026-11-14",
        days=9,
        strength="11 Meldungen; nach dem Verlauf der letzten zwölf Monate waren etwa 1,2 zu erwarten",
        chance="in etwa 90.000 Nächten einmal (geschätzt)",
        together="nur gemeinsam; keine Behörde hätte das Signal aus ihren eigenen Meldungen erkannt",
        status_label="Vorgeschlagen",
    )


def signals() -> Signals:
    return Signals(
        period=("2026-10-26", "2026-11-22"),
        searches=21,
        once_in_nights="7.700",
        alarms=(signal("brennpunkt", "Bereich Selbachpark: Sachbeschädigung"),),
        nearest=("Lärm: 26 statt 15,9 Meldungen seit 29.10.2026; Zufall in etwa 10 Nächten einmal",),
    )


def week() -> Week:
    return Week(
        period=("2026-11-16", "2026-11-22"),
        label="Woche 47",
        rows=(
            WeekRow("incident", "Eigentum", "Fälle", 31, "8 bis 27", "frühere Jahre", "ungewöhnlich hoch", True),
            WeekRow("incident", "Verkehr", "Fälle", 0, "0 bis 9", "Wochen davor", "im üblichen Rahmen", False),
            WeekRow("complaint", "Lärm", "Meldungen", 12, "4 bis 19", "frühere Jahre", "im üblichen Rahmen", False),
        ),
        left_out=("Zu wenige Fälle für eine Aussage: Waffen (Fälle).",),
        districts=("Heessen: Lärm, 9 Meldungen (üblich 0 bis 6)",),
    )


def sample() -> EditionContent:
    return EditionContent(
        number="2026-003",
        title="Integratives Lagebild für die Sicherheitskonferenz im November 2026",
        body="Sicherheitskonferenz der Stadt Hamm",
        issued_by="Geschäftsstelle der Sicherheitskonferenz",
        marking="Nur für die Sicherheitskooperation – intern",
        as_of="2026-11-22",
        picture=PictureRef("2026-11-22", 1, "9f2c" * 16),
        created_at="2026-11-23T08:15:00+01:00",
        demonstration=True,
        periods=Periods(("2025-11-24", "2026-11-22"), ("2024-11-25", "2025-11-23"), "52 Wochen bis zum Stand"),
        bbox=(7.68, 51.57, 8.0, 51.75),
        statements=(
            "Rund um den Hauptbahnhof liegen die Vorfälle mit 1.234 beim 1,8-Fachen des Üblichen.",
            "An der Südstraße zeigen erst die Meldungen von Polizei und Ordnungsamt zusammen eine Häufung.",
            "Beschwerden über Vermüllung sind im Stadtbezirk Pelkum seit September deutlich mehr geworden.",
            "Die gemeinsamen Streifen am Bahnhof wirken: minus 23,4\u202f% gegenüber dem Rest der Stadt.",
            "Vom Jugendamt fehlen sechs Wochen; Rückgänge dort sind keine.",
        ),
        signals=signals(),
        week=week(),
        areas=tuple(Area(name.lower(), name, "district", (ring,)) for name, ring in RINGS.items()),
        map_note="Schematische Grenzen, nicht amtlich.",
        map_scale=MapScale("gegenüber dem Mittel", ("bis 2-fach", "bis 4-fach", "bis 8-fach", "bis 16-fach", "mehr")),
        map_period=("2025-11-25", "2026-11-23"),
        hotspot_note="Aufgeführt sind 9 von 12 Häufungen.",
        hotspots=hotspots("brennpunkt", 5) + hotspots("beschwerdehotspot", 4),
        cells=cells_around("incident", 0.0) + cells_around("complaint", 0.002),
        tables=Tables(
            tuple(table(name, kind, 8) for kind in ("incident", "complaint") for name in DISTRICTS),
        ),
        trends=tuple(
            trend(name, kind, group, missing=range(20, 27) if name == "Heessen" else range(0))
            for kind, group in (("incident", "Eigentum"), ("incident", "Verkehr"), ("complaint", "Lärm"))
            for name in DISTRICTS
        ),
        coverage=coverage(),
        findings=(
            finding("phaenomen", "Diebstahl aus Transportern auf Baustellen"),
            finding("gefahr", "Unverschlossene Schachtabdeckungen nach Metalldiebstahl"),
            finding("angstraum", "Unterführung am Haltepunkt Heessen"),
        ),
        measures=(
            Measure("Gemeinsame Streife am Bahnhof", "Polizei, KOD", "2026-12-31", "läuft", "minus 23,4\u202f%"),
            Measure("Beleuchtung Südstraße erneuern", "Stadtwerke", None, "beschlossen"),
        ),
        methods=(
            "Gezählt werden freigegebene Meldungen. Vorfälle und Beschwerden werden nie zusammengezählt.",
            "Brennpunkte sind Zellen mit ihren Nachbarn, deren Zahl über dem zu Erwartenden liegt.",
        ),
        gaps=("KOD: keine Lieferung in KW 31 bis 33.", "3,2\u202f% der Vorfälle haben keinen verwertbaren Ort."),
        abbreviations=(
            Abbreviation("KOD", "Kommunaler Ordnungsdienst"),
            Abbreviation("StA", "Staatsanwaltschaft"),
        ),
    )


def bare() -> EditionContent:
    """An edition with nothing in it but its frame."""
    return replace(
        sample(), statements=(), hotspots=(), cells=(), tables=Tables(), trends=(), coverage=Coverage(), findings=(),
        measures=(), methods=(), gaps=(), abbreviations=(), areas=(), demonstration=False, map_note="", signals=None,
        week=None,
    )  # fmt: skip
