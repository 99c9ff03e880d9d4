import copy
import io
import json
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from agencies.loading import LoadError
from agencies.models import AuditEntry
from incidents.areas import load_areas
from incidents.catalogue import load_categories
from incidents.demo.seeding import DATA
from incidents.models import Area, Category, CategoryGroup

pytestmark = pytest.mark.django_db

CATALOGUE = {
    "version": "test",
    "units": [{"slug": "case", "label": "Fall", "plural": "Fälle"}],
    "groups": [{"slug": "noise", "label": "Lärm", "kind": "incident", "order": 1}],
    "categories": [
        {
            "slug": "party",
            "label": "Laute Feier",
            "description": "Feier mit lauter Musik.",
            "group": "noise",
            "kind": "incident",
            "lead": ["ordnungsamt"],
            "geo": "G",
            "origin": "control",
            "defect": True,
            "unit": "case",
        }
    ],
}


def square(slug: str, west: float, kind: str = "district", **properties) -> dict:
    ring = [[west, 51.6], [west + 0.1, 51.6], [west + 0.1, 51.7], [west, 51.7], [west, 51.6]]
    return {
        "type": "Feature",
        "properties": {"slug": slug, "name": slug.title(), "kind": kind, **properties},
        "geometry": {"type": "Polygon", "coordinates": [ring]},
    }


def run(name: str, path: Path, **options) -> str:
    out = io.StringIO()
    call_command(name, str(path), stdout=out, **options)
    return out.getvalue()


def test_shipped_catalogue_and_areas_load_and_a_second_time_change_nothing():
    assert "132 neu" in run("load_categories", DATA / "categories.json", dry_run=True)
    assert Category.objects.count() == 0
    assert "132 neu, 0 geändert, 0 unverändert." in run("load_categories", DATA / "categories.json")
    assert "0 neu, 0 geändert, 132 unverändert." in run("load_categories", DATA / "categories.json")
    assert (CategoryGroup.objects.count(), Category.objects.count()) == (21, 111)
    assert "11 neu" in run("load_areas", DATA / "hamm_areas.geojson")
    assert "0 neu, 0 geändert, 11 unverändert." in run("load_areas", DATA / "hamm_areas.geojson")
    assert Area.objects.filter(kind="district").count() == 7
    assert Area.objects.get(slug="suedstrasse").windows[0]["from"] == "18:00"


def test_dry_run_says_what_would_happen_and_writes_nothing(tmp_path):
    path = tmp_path / "katalog.json"
    path.write_text(json.dumps(CATALOGUE), encoding="utf-8-sig")
    printed = run("load_categories", path, dry_run=True)
    assert "neu: Laute Feier" in printed
    assert "Probelauf" in printed
    assert (Category.objects.count(), AuditEntry.objects.count()) == (0, 0)


def test_a_category_takes_every_field_and_later_changes_are_named():
    load_categories(CATALOGUE)
    category = Category.objects.get(slug="party")
    assert (category.geo, category.origin, category.is_defect, category.unit_label) == ("G", "control", True, "Fälle")
    assert (category.is_shareable, category.in_picture, category.lead_agencies) == (True, True, ["ordnungsamt"])
    changed = copy.deepcopy(CATALOGUE)
    changed["categories"][0] |= {"geo": "P", "active": False}
    changes = load_categories(changed)
    assert (changes.created, changes.updated, changes.unchanged) == ([], ["Laute Feier (geo, is_active)"], 1)
    assert not Category.objects.get(slug="party").is_active
    assert AuditEntry.objects.filter(action="settings_changed").count() == 2


@pytest.mark.parametrize(
    ("change", "objection"),
    [
        ({"group": "unknown"}, "Kategorie 1 („party“): Die Gruppe „unknown“ steht nicht in der Datei."),
        ({"label": ""}, "Kategorie 1 („party“): Es fehlt die Angabe „label“."),
        ({"geo": "X"}, "Kategorie 1 („party“): „X“ ist für „geo“ nicht vorgesehen. Möglich ist: P, G."),
        ({"unit": "parsec"}, "Kategorie 1 („party“): Die Zähleinheit „parsec“ steht nicht in der Datei."),
        ({"lead": "ordnungsamt"}, "Kategorie 1 („party“): „lead“ muss eine Liste von Texten sein."),
        ({"defect": "ja"}, "Kategorie 1 („party“): „defect“ muss true oder false sein."),
        ({"shareable": False}, "Kategorie 1 („party“): Was nie geteilt wird, kann nicht im Lagebild stehen."),
        ({"kind": "complaint"}, "Kategorie 1 („party“): Gruppe und Kategorie haben verschiedene Arten."),
    ],
)
def test_a_wrong_category_is_refused_with_its_number(change, objection):
    content = copy.deepcopy(CATALOGUE)
    content["categories"][0] |= change
    with pytest.raises(LoadError) as refused:
        load_categories(content)
    assert [text.startswith(objection) for text in refused.value.objections] == [True]
    assert Category.objects.count() == 0


def test_a_repeated_slug_is_refused():
    content = copy.deepcopy(CATALOGUE)
    content["categories"] *= 2
    with pytest.raises(LoadError, match="Kategorie 2: Das Kurzzeichen „party“ steht schon in Eintrag 1"):
        load_categories(content)


@pytest.mark.parametrize(
    ("content", "objection"),
    [
        (b'{"groups": [\n{]}', "ist in Zeile 2, Spalte 2 kein gültiges JSON"),
        ("ä".encode("latin-1"), "ist nicht in UTF-8 gespeichert"),
        (b"[]", "enthält kein JSON-Objekt"),
        (b"{}", "fehlt die Liste „groups“"),
        (b'{"groups": [1]}', "groups, Eintrag 1: Erwartet wird ein Objekt"),
    ],
)
def test_an_unreadable_file_is_refused_in_plain_words(tmp_path, content, objection):
    path = tmp_path / "datei.json"
    path.write_bytes(content)
    with pytest.raises(CommandError, match=objection):
        run("load_categories", path)


def test_a_missing_file_is_refused(tmp_path):
    with pytest.raises(CommandError, match=r"fehlt\.json lässt sich nicht lesen"):
        run("load_areas", tmp_path / "fehlt.json")


def test_areas_keep_numbers_windows_and_geometry():
    window = {"days": ["fri"], "from": "18:00", "to": "06:00"}
    features = [square("west", 7.7, number=1, official=True), square("zone", 7.7, "zone", windows=[window])]
    assert load_areas({"features": features}).created == ["West", "Zone"]
    west = Area.objects.get(slug="west")
    assert (west.number, west.is_official, west.geometry) == (1, True, features[0]["geometry"])
    assert Area.objects.get(slug="zone").windows == [window]


BOW_TIE = {"type": "Polygon", "coordinates": [[[0, 0], [1, 1], [1, 0], [0, 1], [0, 0]]]}
METRIC = {
    "type": "Polygon",
    "coordinates": [[[408000, 5714000], [409000, 5714000], [409000, 5715000], [408000, 5714000]]],
}


@pytest.mark.parametrize(
    ("change", "objection"),
    [
        ({"geometry": BOW_TIE}, "Gebiet 2: Das Polygon ist leer oder überschneidet sich selbst."),
        ({"geometry": METRIC}, "Gebiet 2: Die Koordinaten sind nicht in WGS84 (Länge, Breite)."),
        ({"geometry": {"type": "Point", "coordinates": [7, 51]}}, "Gebiet 2: Die Geometrie muss ein Polygon"),
        ({"geometry": {"type": "Polygon", "coordinates": [[["a", "b"]]]}}, "Gebiet 2: Die Geometrie ist nicht lesbar."),
        ({"geometry": {"type": "Polygon"}}, "Gebiet 2: Die Geometrie ist nicht lesbar."),
        ({"properties": None}, "Gebiet 2: Es fehlen die Eigenschaften"),
        ({"properties": {"slug": "b", "name": "B", "kind": "moon"}}, "Gebiet 2: Die Art „moon“ gibt es nicht."),
        ({"properties": {"slug": "a", "name": "B", "kind": "district"}}, "Gebiet 2: Das Kurzzeichen „a“ steht schon"),
        (
            {"properties": {"slug": "b", "name": "B", "kind": "zone", "windows": [{"days": ["fri"], "from": "25:00"}]}},
            "Gebiet 2: Ein Zeitfenster braucht Tage",
        ),
    ],
)
def test_a_wrong_area_is_refused_with_its_number(change, objection):
    features = [square("a", 7.7), square("b", 7.8) | change]
    with pytest.raises(LoadError) as refused:
        load_areas({"features": features})
    assert refused.value.objections[0].startswith(objection)
    assert Area.objects.count() == 0


def test_overlapping_districts_are_refused_but_zones_may_overlap():
    with pytest.raises(LoadError, match="Gebiet 1 und Gebiet 2: Die Stadtbezirke überlappen sich"):
        load_areas({"features": [square("a", 7.7), square("b", 7.75)]})
    assert len(load_areas({"features": [square("a", 7.7), square("b", 7.75, "custom")]}).created) == 2
