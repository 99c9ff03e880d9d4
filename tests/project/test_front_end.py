"""What the browser gets: vendored files as published, no inline code, one look for every meaning."""

import hashlib
import json
import re
from pathlib import Path

import pytest
from django.conf import settings

from lagebild.figures import palette, symbols

ROOT = Path(settings.BASE_DIR)
STATIC = ROOT / "hamm_security" / "static"
VENDOR = STATIC / "vendor"
TEMPLATES = sorted((ROOT / "templates").rglob("*.html"))
INLINE = re.compile(r"\sstyle\s*=|<style|\son[a-z]+\s*=|javascript:|<script(?![^>]*\ssrc=)", re.IGNORECASE)


def name(path: Path) -> str:
    return str(path.relative_to(ROOT))


def test_vendored_files_match_their_checksums():
    lines = (VENDOR / "SHA256SUMS").read_text().splitlines()
    listed = {file: digest for digest, file in (line.split("  ", 1) for line in lines)}
    present = {path.relative_to(VENDOR).as_posix(): path for path in VENDOR.rglob("*") if path.is_file()}
    assert present.keys() - listed.keys() == {"SHA256SUMS", "copy.mjs"}
    assert listed == {file: hashlib.sha256(present[file].read_bytes()).hexdigest() for file in listed}


def test_every_vendored_library_carries_its_licence():
    folders = [path for path in VENDOR.iterdir() if path.is_dir()]
    assert len(folders) == 4
    assert [path.name for path in folders if not list(path.glob("LICENSE*"))] == []


def test_vendored_folders_have_the_versions_of_the_lock():
    packages = json.loads((ROOT / "package-lock.json").read_text())["packages"]
    assert [key for key, entry in packages.items() if "resolved" in entry] == []
    versions = sorted(entry["version"] for key, entry in packages.items() if key)
    assert sorted(path.name.rsplit("-", 1)[1] for path in VENDOR.iterdir() if path.is_dir()) == versions


@pytest.mark.parametrize("path", TEMPLATES, ids=name)
def test_template_holds_no_inline_code_and_no_other_host(path):
    text = path.read_text()
    assert INLINE.findall(text) == []
    assert re.findall(r"(?:src|href|action)=[\"'](?:https?:)?//", text) == []


@pytest.mark.parametrize("path", [path for path in TEMPLATES if path.parent.name == "partials"], ids=name)
def test_partial_names_its_variables_first(path):
    assert path.read_text().startswith("{% comment %}\n")


def test_style_sheet_has_the_colours_of_the_figures():
    text = (STATIC / "portal" / "marks.css").read_text()
    found = dict(re.findall(r"--((?:ramp|mark)-[\w-]+): (#[0-9a-f]{6});", text))
    ramps = {
        f"ramp-{kind}-{step}": colour for kind, ramp in palette.RAMPS.items() for step, colour in enumerate(ramp, 1)
    }
    marks = {
        "mark-incident": palette.INCIDENT_LINE,
        "mark-complaint": palette.COMPLAINT_LINE,
        "mark-phenomenon": palette.PHENOMENON,
        "mark-danger": palette.DANGER_GROUND,
        "mark-fear-space": palette.FEAR_SPACE,
        "mark-measure": palette.MEASURE,
    }
    assert found == ramps | marks


@pytest.mark.parametrize("kind", symbols.LABELS)
def test_sprite_shows_the_drawings_of_the_figures(kind):
    sprite = (STATIC / "portal" / "icons.svg").read_text()
    shown = re.search(rf'<symbol id="kind-{kind}"[^>]*>(.*?)</symbol>', sprite).group(1)
    assert shown == re.sub(r"^<svg[^>]*>|</svg>$|<title>.*?</title>", "", symbols.symbol(kind))
