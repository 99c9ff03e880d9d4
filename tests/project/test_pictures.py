"""The drawings of the method's page are those its script draws, and each is told in words."""

import re
import runpy
from pathlib import Path
from xml.etree import ElementTree

import pytest

DOCS = Path(__file__).parents[2] / "docs"
SCRIPT = runpy.run_path(str(DOCS / "pictures" / "draw.py"))


@pytest.mark.parametrize("name", SCRIPT["PICTURES"])
def test_a_committed_drawing_is_the_one_the_script_draws(name):
    drawn = SCRIPT["PICTURES"][name]() + "\n"
    assert (DOCS / "pictures" / name).read_text(encoding="utf-8") == drawn
    root = ElementTree.fromstring(drawn)  # noqa: S314 – our own drawing
    kinds = {element.tag.rpartition("}")[2] for element in root.iter()}
    assert {"title", "desc"} <= kinds
    assert not kinds & {"image", "script", "style", "use"}


def test_the_method_shows_every_drawing_with_words_for_it():
    shown = {
        name: alt for alt, name in re.findall(r"!\[([^\]]*)\]\(pictures/([^)]+)\)", (DOCS / "method.md").read_text())
    }
    assert set(SCRIPT["PICTURES"]) <= set(shown)
    assert all(len(alt) > 20 for alt in shown.values())
    assert all((DOCS / "pictures" / name).is_file() for name in shown)
