"""The vocabulary of deliveries: fields, their German names, the column names of the portal's own template."""

from __future__ import annotations

from incidents.models import Kind

COUNTS = "counts"

TEXT_LIMITS = {
    "reference": 80,
    "place_text": 200,
    "description": 10_000,
    "internal_note": 10_000,
    "complainant_contact": 300,
    "reporter_key": 64,
}
TEXT_FIELDS = {
    Kind.INCIDENT: ("place_text", "description", "internal_note"),
    Kind.COMPLAINT: ("place_text", "description", "internal_note", "complainant_contact", "reporter_key"),
}
PLACE_FIELDS = ("lon", "lat", "x", "y", "accuracy", "district")
RECORD_FIELDS = {
    kind: ("reference", "category", "occurred_from", "occurred_to", "severity", "status", *PLACE_FIELDS, *texts)
    for kind, texts in TEXT_FIELDS.items()
}
COUNT_FIELDS = ("area", "period_from", "period_to", "category", "unit", "count")
# Fields whose values come from a list, so that foreign codes can be translated.
CODED_FIELDS = ("category", "severity", "status", "accuracy", "district", "area", "unit")

# Field: German name, column of the template, further names that are understood.
_NAMES: dict[str, tuple[str, str, tuple[str, ...]]] = {
    "reference": ("Aktenzeichen", "aktenzeichen", ("az", "vorgangsnummer")),
    "category": ("Kategorie", "kategorie", ()),
    "occurred_from": ("Beginn", "beginn", ("datum", "von", "tatzeit", "start")),
    "occurred_to": ("Ende", "ende", ("bis", "end")),
    "severity": ("Schwere", "schwere", ()),
    "status": ("Status", "status", ()),
    "lon": ("Länge", "laenge", ("länge", "longitude", "lng", "geo_lon")),
    "lat": ("Breite", "breite", ("latitude", "geo_lat")),
    "x": ("Ostwert", "ostwert", ("rechtswert", "easting")),
    "y": ("Nordwert", "nordwert", ("hochwert", "northing")),
    "accuracy": ("Ortsgenauigkeit", "ortsgenauigkeit", ()),
    "district": ("Stadtbezirk", "stadtbezirk", ("bezirk",)),
    "place_text": ("Ort", "ort", ("adresse", "place", "address")),
    "description": ("Sachverhalt", "sachverhalt", ("beschreibung",)),
    "internal_note": ("Interner Vermerk", "interner_vermerk", ("interner vermerk", "vermerk")),
    "complainant_contact": ("Kontakt der meldenden Person", "kontakt", ("contact",)),
    "reporter_key": ("Kennung der meldenden Person", "kennung", ()),
    "area": ("Gebiet", "gebiet", ("stadtbezirk",)),
    "period_from": ("Zeitraum von", "zeitraum_von", ("von",)),
    "period_to": ("Zeitraum bis", "zeitraum_bis", ("bis",)),
    "unit": ("Zähleinheit", "zaehleinheit", ("zähleinheit", "einheit")),
    "count": ("Anzahl", "anzahl", ()),
}
LABELS = {field: label for field, (label, _, _) in _NAMES.items()}
TEMPLATE_COLUMNS = {field: column for field, (_, column, _) in _NAMES.items()}


def own_names(fields: tuple[str, ...]) -> dict[str, str]:
    """Field by column name as the portal understands it without a mapping file, for a file of these fields."""
    names = {}
    for field in fields:
        _, column, further = _NAMES[field]
        names |= dict.fromkeys((field, column, *further), field)
    return names
