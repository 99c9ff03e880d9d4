"""Known places and streets of the city by name: address text in, ranked places with coordinates out."""

from __future__ import annotations

import functools
import json
import math
import re
import unicodedata
from dataclasses import dataclass
from pathlib import Path

PLACES_FILE = Path(__file__).resolve().parent / "data" / "hamm_places.json"
SHORTEST_QUERY = 2
MOST_RESULTS = 6
NEAREST_M = 600.0
_METRES_PER_DEGREE = 111_320.0
_UMLAUTS = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "ß": "ss"})
_STREET = re.compile(r"str(?:asse)?\b\.?")
_HOUSE_NUMBER = re.compile(r"\b\d{1,4}\s?[a-z]?\b")
_CITY = re.compile(r"\b(?:59\d{3}|hamm|in|am|an der|der|die|das)\b")
_STREET_KINDS = frozenset({"street", "square", "traffic", "quarter", "centre", "park", "water", "industry"})


@dataclass(frozen=True)
class Place:
    name: str
    alias: str
    district: str
    lon: float
    lat: float
    is_wide: bool

    @property
    def label(self) -> str:
        return f"{self.alias} ({self.name})" if self.alias else self.name


@dataclass(frozen=True)
class _Entry:
    place: Place
    name: str
    words: frozenset[str]


def folded(text: str) -> str:
    """Comparable spelling: no umlauts, accents, case or punctuation; "Str." and "Straße" alike.

    >>> folded("Münster-Str. ") == folded("Muensterstraße")
    True
    """
    text = unicodedata.normalize("NFC", text).casefold().translate(_UMLAUTS)
    text = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()
    text = re.sub(r"[^a-z0-9.]+", " ", text)
    text = _STREET.sub("strasse", text).replace(".", " ")
    return " ".join(text.split()).replace(" strasse", "strasse")


def find_places(text: str, *, limit: int = MOST_RESULTS) -> list[Place]:
    """Places that match the text, best first: the whole name, its beginning, all words, a part."""
    wanted = _without_number(folded(text[:200]))
    if len(wanted) < SHORTEST_QUERY:
        return []
    ranked = sorted(
        ((rank, len(entry.name), entry.name, entry.place) for entry in _entries() if (rank := _rank(entry, wanted))),
        key=lambda found: (-found[0], found[1], found[2]),
    )
    places: dict[tuple[float, float], Place] = {}
    for *_, place in ranked:
        places.setdefault((place.lon, place.lat), place)
    return list(places.values())[:limit]


def exact_place(text: str) -> Place | None:
    """The one place of just this name (a house number may follow); None where it is unknown or ambiguous."""
    wanted = _without_number(folded(text[:200]))
    hits = {(entry.place.lon, entry.place.lat): entry.place for entry in _entries() if entry.name == wanted}
    return next(iter(hits.values())) if len(hits) == 1 else None


def _without_number(text: str) -> str:
    bare = " ".join(_CITY.sub(" ", _HOUSE_NUMBER.sub(" ", text)).split())
    return bare or text


def _rank(entry: _Entry, wanted: str) -> int:
    if entry.name == wanted:
        return 4
    if entry.name.startswith(wanted):
        return 3
    if set(wanted.split()) <= entry.words:
        return 2
    in_part = len(wanted) > SHORTEST_QUERY and wanted in entry.name
    return 1 if in_part or entry.words <= set(wanted.split()) else 0


@functools.cache
def _entries() -> tuple[_Entry, ...]:
    entries = []
    for row in json.loads(PLACES_FILE.read_text(encoding="utf-8"))["places"]:
        for spelling in (row["name"], *row["aliases"]):
            place = Place(
                name=row["name"],
                alias="" if spelling == row["name"] else spelling,
                district=row["district"],
                lon=row["lon"],
                lat=row["lat"],
                is_wide=row["kind"] in _STREET_KINDS,
            )
            name = _without_number(folded(spelling))
            entries.append(_Entry(place, name, frozenset(name.split())))
    return tuple(entries)


def nearest_name(lon: float, lat: float, *, within_m: float = NEAREST_M) -> str | None:
    """Name of the closest known place within `within_m` metres, on a locally flat earth; None where there is none."""
    scale = math.cos(math.radians(lat))
    ranked = [
        (math.hypot((entry.place.lon - lon) * scale, entry.place.lat - lat) * _METRES_PER_DEGREE, entry.place.name)
        for entry in _entries()
    ]
    distance, name = min(ranked, default=(math.inf, ""))
    return name if distance <= within_m else None
