import json
from collections import Counter
from itertools import combinations
from pathlib import Path

import pytest
from pyproj import Transformer
from shapely import Point, Polygon, area, transform, union_all
from shapely.geometry import shape

ROOT = Path(__file__).resolve().parents[2]
PUBLISHED_KM2 = {
    "mitte": 10.9,
    "uentrop": 44.62,
    "rhynern": 59.22,
    "pelkum": 30.19,
    "herringen": 19.6,
    "bockum-hoevel": 32.68,
    "heessen": 29.23,
}
NEIGHBOURS = {
    ("bockum-hoevel", "heessen"),
    ("bockum-hoevel", "herringen"),
    ("bockum-hoevel", "mitte"),
    ("heessen", "mitte"),
    ("heessen", "uentrop"),
    ("herringen", "mitte"),
    ("herringen", "pelkum"),
    ("mitte", "pelkum"),
    ("mitte", "rhynern"),
    ("mitte", "uentrop"),
    ("pelkum", "rhynern"),
    ("rhynern", "uentrop"),
}


def read(relative: str) -> dict:
    return json.loads((ROOT / relative).read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def catalogue() -> dict:
    return read("incidents/data/categories.json")


@pytest.fixture(scope="module")
def agencies() -> list[dict]:
    return read("agencies/data/agencies.json")["agencies"]


@pytest.fixture(scope="module")
def features() -> dict[str, dict]:
    return {f["properties"]["slug"]: f for f in read("incidents/data/hamm_areas.geojson")["features"]}


@pytest.fixture(scope="module")
def districts(features) -> dict[str, Polygon]:
    return {s: shape(f["geometry"]) for s, f in features.items() if f["properties"]["kind"] == "district"}


@pytest.fixture(scope="module")
def places() -> list[dict]:
    return read("incidents/data/hamm_places.json")["places"]


def square_km(polygon: Polygon) -> float:
    project = Transformer.from_crs(4326, 25832, always_xy=True).transform
    return area(transform(polygon, project, interleaved=False)) / 1e6


def test_catalogue_has_all_kinds_per_group(catalogue):
    group_kinds = Counter(group["kind"] for group in catalogue["groups"])
    assert group_kinds == {"incident": 14, "complaint": 7}
    kinds = Counter(category["kind"] for category in catalogue["categories"])
    assert kinds == {"incident": 84, "complaint": 27}
    per_group = Counter(category["group"] for category in catalogue["categories"])
    assert per_group == {
        "violence": 10,
        "property": 6,
        "damage-graffiti": 4,
        "drugs": 5,
        "weapons": 3,
        "public-order": 10,
        "waste": 4,
        "traffic": 7,
        "trade-tax": 6,
        "youth-school": 7,
        "rail-transit": 5,
        "fire-rescue": 8,
        "justice-prison": 6,
        "events": 3,
        "cleanliness": 5,
        "noise-order": 5,
        "feeling-unsafe": 4,
        "traffic-parking": 4,
        "infrastructure": 5,
        "station-transit": 2,
        "authority": 2,
    }


def test_catalogue_slugs_and_labels_are_unique(catalogue):
    for key in ("slug", "label"):
        values = [(category["kind"], category[key]) for category in catalogue["categories"]]
        assert [value for value, count in Counter(values).items() if count > 1] == []
    group_kinds = {group["slug"]: group["kind"] for group in catalogue["groups"]}
    assert all(group_kinds[category["group"]] == category["kind"] for category in catalogue["categories"])


def test_catalogue_names_known_agencies_units_and_values(catalogue, agencies):
    slugs = {agency["slug"] for agency in agencies}
    units = {unit["slug"] for unit in catalogue["units"]}
    for category in catalogue["categories"]:
        assert category["lead"], category["slug"]
        assert set(category["lead"]) | set(category["also"]) <= slugs, category["slug"]
        assert not set(category["lead"]) & set(category["also"]), category["slug"]
        assert category["unit"] in units, category["slug"]
        assert category["origin"] in {"reported", "control"}, category["slug"]
        assert category["geo"] in {"P", "G"}, category["slug"]
        assert 20 <= len(category["description"]) <= 300, category["slug"]


def test_catalogue_protects_what_must_be_protected(catalogue):
    by_slug = {category["slug"]: category for category in catalogue["categories"]}
    for slug in (
        "domestic-violence",
        "sexual-offence",
        "school-violence",
        "prison-incident",
        "undeclared-work",
    ):
        assert (by_slug[slug]["geo"], by_slug[slug]["sensitive"]) == ("G", True), slug
    assert (
        by_slug["c-youth-hangout"]["geo"],
        by_slug["c-youth-hangout"]["sensitive"],
    ) == ("G", True)
    assert [slug for slug, category in by_slug.items() if not category["shareable"]] == ["c-staff-conduct"]
    assert {slug for slug, c in by_slug.items() if not c["in_picture"]} == {
        "c-staff-conduct",
        "c-no-response",
    }


def test_repeated_complaints_merge_only_for_physical_defects(catalogue):
    defects = {c["slug"] for c in catalogue["categories"] if c["kind"] == "complaint" and c["defect"]}
    assert defects == {
        *(
            "c-fly-tipping",
            "c-full-bin",
            "c-dog-fouling",
            "c-graffiti",
            "c-needles",
            "c-abandoned-vehicle",
        ),
        *(
            "c-lighting",
            "c-road-damage",
            "c-footway-damage",
            "c-signal-sign",
            "c-green-playground",
        ),
    }


def test_agencies_file_lists_the_cooperation(agencies):
    by_slug = {agency["slug"]: agency for agency in agencies}
    assert set(by_slug) == {
        *(
            "stadt-hamm",
            "polizei",
            "ordnungsamt",
            "zoll",
            "jva",
            "feuerwehr",
            "bundespolizei",
            "jugendamt",
            "schule",
        ),
        *("amtsgericht", "staatsanwaltschaft", "finanzamt", "siko"),
    }
    children = {slug for slug, agency in by_slug.items() if agency["parent"] == "stadt-hamm"}
    assert children == {"ordnungsamt", "feuerwehr", "jugendamt", "schule"}
    assert by_slug["stadt-hamm"]["membership"] is None
    assert by_slug["staatsanwaltschaft"]["membership"] == "letter_of_intent"
    assert {slug for slug, agency in by_slug.items() if agency["membership"] == "voting"} == children | {
        *("polizei", "zoll", "jva")
    }
    assert [slug for slug, agency in by_slug.items() if agency["is_coordination"]] == ["siko"]


def test_districts_are_the_seven_numbered_ones(features, districts):
    numbers = {slug: features[slug]["properties"]["number"] for slug in districts}
    assert numbers == {
        "mitte": 1,
        "uentrop": 2,
        "rhynern": 3,
        "pelkum": 4,
        "herringen": 5,
        "bockum-hoevel": 6,
        "heessen": 7,
    }


def test_districts_partition_the_city_without_gap_or_overlap(features, districts):
    assert all(polygon.is_valid for polygon in districts.values())
    assert max(a.intersection(b).area for a, b in combinations(districts.values(), 2)) == 0
    union = union_all(list(districts.values()))
    assert (union.geom_type, len(union.interiors)) == ("Polygon", 0)
    assert union.symmetric_difference(shape(features["hamm"]["geometry"])).area == 0


def test_districts_border_on_the_right_neighbours(districts):
    touching = {
        tuple(sorted(pair))
        for pair in combinations(districts, 2)
        if districts[pair[0]].intersection(districts[pair[1]]).length > 0
    }
    assert touching == NEIGHBOURS


@pytest.mark.parametrize(("slug", "published"), PUBLISHED_KM2.items())
def test_district_area_is_near_the_published_one(districts, slug, published):
    assert square_km(districts[slug]) == pytest.approx(published, rel=0.15)


def test_city_has_the_published_extent_and_size(features):
    city = shape(features["hamm"]["geometry"])
    assert city.bounds == pytest.approx((7.6755, 51.5781, 7.9975, 51.7448), abs=0.001)
    assert square_km(city) == pytest.approx(226.43, rel=0.05)


def test_areas_are_schematic_in_round_coordinates(features):
    for slug, feature in features.items():
        assert feature["properties"]["official"] is False, slug
        assert "schematisch, nicht amtlich" in feature["properties"]["note"], slug
        coordinates = [value for point in feature["geometry"]["coordinates"][0] for value in point]
        assert all(value == round(value, 3) for value in coordinates), slug


def test_zones_lie_in_mitte_and_have_their_windows(features, districts, places):
    zones = {slug: f for slug, f in features.items() if f["properties"]["kind"] == "zone"}
    assert set(zones) == {"bahnhofsquartier", "suedstrasse"}
    assert all(districts["mitte"].contains(shape(zone["geometry"])) for zone in zones.values())
    (window,) = zones["suedstrasse"]["properties"]["windows"]
    assert (window["days"], window["from"], window["to"]) == (
        ["fri", "sat", "sun"],
        "18:00",
        "06:00",
    )
    (window,) = zones["bahnhofsquartier"]["properties"]["windows"]
    assert (len(window["days"]), window["from"], window["to"]) == (7, "11:00", "07:00")
    points = {place["name"]: Point(place["lon"], place["lat"]) for place in places}
    assert shape(zones["bahnhofsquartier"]["geometry"]).contains(points["Willy-Brandt-Platz"])
    assert shape(zones["suedstrasse"]["geometry"]).contains(points["Santa-Monica-Platz"])
    rail = shape(features["bahnanlagen"]["geometry"])
    assert rail.contains(points["Hauptbahnhof Hamm"])
    assert rail.intersection(shape(zones["bahnhofsquartier"]["geometry"])).area == 0


def test_every_place_lies_in_its_district(districts, places):
    found = {
        place["name"]: [
            slug for slug, polygon in districts.items() if polygon.contains(Point(place["lon"], place["lat"]))
        ]
        for place in places
    }
    assert found == {place["name"]: [place["district"]] for place in places}
    assert {place["district"] for place in places} == set(districts)


def test_place_names_and_aliases_are_unambiguous(places):
    names = [name.casefold() for place in places for name in (place["name"], *place["aliases"])]
    assert [name for name, count in Counter(names).items() if count > 1] == []
    assert 60 <= len(places) <= 90
