"""Where things happen: the shipped areas and places, and which of them draws what."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from shapely import contains_xy
from shapely.geometry import shape
from shapely.geometry.base import BaseGeometry

METRES_PER_DEGREE = 111_320.0
# Published (2005 to 2023) or, for Mitte and Herringen, the assumed rest of 180,761 inhabitants.
INHABITANTS = {
    "mitte": 37_000,
    "uentrop": 26_779,
    "rhynern": 18_597,
    "pelkum": 19_223,
    "herringen": 20_000,
    "bockum-hoevel": 35_359,
    "heessen": 23_779,
}
HOME_SPREAD_M = 450.0
# Around these people live; stations, courts or works are reached by their own settings.
HOME_KINDS = frozenset({"street", "quarter", "centre"})
# Place name -> weight; the spread of the setting in metres comes first.
SETTINGS: dict[str, tuple[float, dict[str, float]]] = {
    "station": (
        60,
        {"Hauptbahnhof Hamm": 3, "Willy-Brandt-Platz": 3, "Busbahnhof Hamm": 2, "Bahnhofstraße": 1.5},
    ),
    "rail": (70, {"Hauptbahnhof Hamm": 9, "Haltepunkt Heessen": 1}),
    "centre": (
        90,
        {
            "Weststraße": 4,
            "Marktplatz": 3,
            "Bahnhofstraße": 2,
            "Martin-Luther-Platz": 2,
            "Westentor": 2,
            "Ringanlagen": 1.5,
            "Widumstraße": 1,
            "Platz der Deutschen Einheit": 1.5,
            "Nordring": 1,
        },
    ),
    "nightlife": (
        70,
        {"Südstraße": 5, "Santa-Monica-Platz": 3, "Sternstraße": 1.5, "Widumstraße": 1, "Nassauerstraße": 1},
    ),
    "shops": (
        80,
        {
            "Allee-Center": 6,
            "Weststraße": 4,
            "Heessen, Marktplatz": 1,
            "Bockum-Hövel, Marktplatz": 1,
            "Herringen, Ortskern": 0.8,
            "Werries": 1,
            "Rhynern, Ortskern": 0.5,
            "Pelkum, Ortskern": 0.4,
        },
    ),
    "towns": (
        160,
        {
            "Heessen, Marktplatz": 3,
            "Bockum-Hövel, Marktplatz": 2,
            "Herringen, Ortskern": 2.5,
            "Pelkum, Ortskern": 1.5,
            "Wiescherhöfen": 1.5,
            "Rhynern, Ortskern": 1.5,
            "Werries": 2,
            "Uentrop, Ortskern": 0.7,
            "Westtünnen": 1,
            "Münsterstraße": 2.5,
            "Wilhelmstraße": 2.5,
        },
    ),
    "roads": (
        320,
        {
            "Münsterstraße": 2,
            "Ahlener Straße": 1.5,
            "Dolberger Straße": 1,
            "Hammer Straße": 2,
            "Unnaer Straße": 1.5,
            "Rasthof Rhynern": 1.5,
            "Alleestraße": 1.5,
            "Wilhelmstraße": 1.5,
            "Pelkum, Ortskern": 1,
            "Herringen, Ortskern": 1.5,
            "Südring": 2,
            "Ostring": 2,
            "Werries": 1.5,
            "Norddinker": 0.7,
        },
    ),
    "parks": (
        120,
        {
            "Kurpark": 3,
            "Maximilianpark": 3,
            "Lippepark": 2.5,
            "Ringanlagen": 2,
            "Nordring": 2,
            "Selbachpark": 1.5,
            "Burghügel Mark": 0.7,
        },
    ),
    "industry": (250, {"Hafen Hamm": 3, "Industriegebiet Uentrop": 3, "Rasthof Rhynern": 2}),
    "prison": (60, {"Justizvollzugsanstalt Hamm": 1}),
    "court": (30, {"Amtsgericht Hamm": 1}),
}
HOME = {"homes": 1.0}
GROUP_SETTINGS: dict[str, dict[str, float]] = {
    "violence": {"nightlife": 0.25, "centre": 0.2, "station": 0.15, "towns": 0.1, "homes": 0.3},
    "property": {"centre": 0.2, "towns": 0.1, "homes": 0.6, "station": 0.1},
    "damage-graffiti": {"homes": 0.55, "parks": 0.1, "centre": 0.2, "towns": 0.15},
    "drugs": {"station": 0.35, "parks": 0.25, "centre": 0.25, "homes": 0.15},
    "weapons": {"station": 0.4, "nightlife": 0.3, "centre": 0.2, "homes": 0.1},
    "public-order": {"nightlife": 0.15, "centre": 0.2, "station": 0.15, "parks": 0.1, "towns": 0.15, "homes": 0.25},
    "waste": {"homes": 0.75, "towns": 0.1, "parks": 0.1, "industry": 0.05},
    "traffic": {"roads": 0.55, "homes": 0.3, "centre": 0.15},
    "trade-tax": {"nightlife": 0.3, "centre": 0.3, "towns": 0.3, "industry": 0.1},
    "youth-school": HOME,
    "rail-transit": {"rail": 0.6, "station": 0.4},
    "fire-rescue": {"homes": 0.7, "industry": 0.1, "roads": 0.1, "centre": 0.1},
    "justice-prison": {"court": 1.0},
    "events": {"centre": 0.5, "parks": 0.3, "towns": 0.2},
    "cleanliness": {"homes": 0.7, "parks": 0.1, "centre": 0.1, "towns": 0.1},
    "noise-order": {"homes": 0.55, "centre": 0.15, "nightlife": 0.15, "parks": 0.15},
    "feeling-unsafe": {"station": 0.25, "parks": 0.25, "centre": 0.2, "homes": 0.3},
    "traffic-parking": {"homes": 0.6, "roads": 0.4},
    "infrastructure": {"homes": 0.7, "roads": 0.3},
    "station-transit": {"station": 1.0},
    "authority": HOME,
}
CATEGORY_SETTINGS: dict[str, dict[str, float]] = {
    "shoplifting": {"shops": 1.0},
    "pickpocketing": {"station": 0.35, "shops": 0.35, "centre": 0.3},
    "domestic-violence": HOME,
    "burglary-dwelling": HOME,
    "theft-from-vehicle": {"homes": 0.8, "industry": 0.1, "roads": 0.1},
    "bicycle-theft": {"station": 0.2, "centre": 0.2, "homes": 0.6},
    "rail-metal-theft": {"rail": 1.0},
    "trespass": {"station": 0.8, "shops": 0.2},
    "prison-throw-over-drone": {"prison": 1.0},
    "unexploded-ordnance": HOME,
    "football-travel": {"rail": 1.0},
    "needle-find": {"parks": 0.6, "centre": 0.4},
    "c-youth-hangout": HOME,
}


@dataclass(frozen=True)
class Place:
    name: str
    lon: float
    lat: float
    district: str
    kind: str
    streets: tuple[str, ...]


@dataclass(frozen=True)
class Spots:
    """Drawn positions: lon, lat (n,) float; district and place as indexes into the city's lists; spread in metres."""

    lon: np.ndarray
    lat: np.ndarray
    district: np.ndarray
    place: np.ndarray
    spread_m: np.ndarray


@dataclass(frozen=True)
class City:
    places: tuple[Place, ...]
    district_slugs: tuple[str, ...]
    district_shapes: tuple[BaseGeometry, ...]

    @classmethod
    def from_files(cls, areas: dict, places: dict) -> City:
        """The city of the shipped files `hamm_areas.geojson` and `hamm_places.json`."""
        districts = sorted(
            (feature for feature in areas["features"] if feature["properties"]["kind"] == "district"),
            key=lambda feature: feature["properties"]["number"],
        )
        return cls(
            places=tuple(
                Place(row["name"], row["lon"], row["lat"], row["district"], row["kind"], _streets(row))
                for row in places["places"]
            ),
            district_slugs=tuple(feature["properties"]["slug"] for feature in districts),
            district_shapes=tuple(shape(feature["geometry"]) for feature in districts),
        )

    def place(self, name: str) -> int:
        return next(index for index, place in enumerate(self.places) if place.name == name)

    def draw(self, group: str, category: str, n: int, rng: np.random.Generator) -> Spots:
        """`n` positions as the category's settings spread them."""
        weights, spreads = self._place_weights(CATEGORY_SETTINGS.get(category) or GROUP_SETTINGS[group])
        flat = weights.ravel() / weights.sum()
        drawn = rng.choice(flat.size, n, p=flat)
        setting, place = np.divmod(drawn, len(self.places))
        return self.around(place, spreads[setting], rng)

    def around(self, place: np.ndarray, spread_m: np.ndarray, rng: np.random.Generator) -> Spots:
        """Positions scattered around places; what would fall outside the city stays at the place itself."""
        centre_lon = np.array([self.places[index].lon for index in place])
        centre_lat = np.array([self.places[index].lat for index in place])
        north, east = rng.standard_normal((2, len(place))) * spread_m
        lat = np.round(centre_lat + north / METRES_PER_DEGREE, 6)
        lon = np.round(centre_lon + east / (METRES_PER_DEGREE * np.cos(np.radians(centre_lat))), 6)
        district = self.districts(lon, lat)
        outside = district < 0
        lon[outside], lat[outside] = centre_lon[outside], centre_lat[outside]
        district[outside] = self.districts(lon[outside], lat[outside])
        return Spots(lon, lat, district, place, spread_m)

    def districts(self, lon: np.ndarray, lat: np.ndarray) -> np.ndarray:
        """(n,) int, index of the district that holds each point, -1 outside the city."""
        found = np.full(len(lon), -1)
        for index, polygon in enumerate(self.district_shapes):
            found[(found < 0) & contains_xy(polygon, lon, lat)] = index
        return found

    def _place_weights(self, mix: dict[str, float]) -> tuple[np.ndarray, np.ndarray]:
        """(settings, places) weights and the spread in metres of each setting."""
        weights = np.zeros((len(mix), len(self.places)))
        spreads = np.zeros(len(mix))
        for row, (setting, share) in enumerate(mix.items()):
            if setting == "homes":
                spreads[row], weights[row] = HOME_SPREAD_M, share * self._home_weights()
                continue
            spreads[row], table = SETTINGS[setting]
            for name, weight in table.items():
                weights[row, self.place(name)] = share * weight / sum(table.values())
        return weights, spreads

    def _home_weights(self) -> np.ndarray:
        homes = [place.district for place in self.places if place.kind in HOME_KINDS]
        weights = np.array(
            [
                INHABITANTS[place.district] / homes.count(place.district) if place.kind in HOME_KINDS else 0.0
                for place in self.places
            ]
        )
        return weights / weights.sum()


def _streets(row: dict) -> tuple[str, ...]:
    endings = ("straße", "weg", "allee", "ring")
    return tuple(name for name in (row["name"], *row["aliases"]) if name.casefold().endswith(endings))
