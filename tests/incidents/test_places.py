import pytest

from incidents.places import exact_place, find_places


@pytest.mark.parametrize(
    "text", ["Münsterstraße", "muensterstrasse", "MÜNSTERSTR.", "Münster Straße", "Münsterstr. 12a, 59065 Hamm"]
)
def test_spelling_of_a_street_does_not_matter(text):
    assert find_places(text)[0].name == "Münsterstraße"
    assert exact_place(text).name == "Münsterstraße"


def test_whole_name_comes_before_beginning_and_part():
    names = [place.name for place in find_places("Bahnhofstraße")]
    assert names[:2] == ["Bahnhofstraße", "Neue Bahnhofstraße"]


def test_alias_finds_the_place_and_is_shown():
    place = find_places("hbf")[0]
    assert (place.name, place.alias) == ("Hauptbahnhof Hamm", "Hbf")
    assert (round(place.lon, 2), round(place.lat, 2)) == (7.81, 51.68)


def test_place_is_offered_once():
    places = find_places("bahnhof")
    assert len({(place.lon, place.lat) for place in places}) == len(places) > 1


@pytest.mark.parametrize("text", ["", " ", "x", "Xyzallee", "%", "a" * 100_000])
def test_unknown_text_finds_nothing(text):
    assert find_places(text) == []
    assert exact_place(text) is None


def test_ambiguous_beginning_is_not_taken_for_a_place():
    assert len(find_places("Lippe")) > 1
    assert exact_place("Lippe") is None
