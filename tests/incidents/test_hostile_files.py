"""Files made to do harm: each is answered with a sentence, none stops the portal or leaves anything behind."""

from __future__ import annotations

import gzip
import io
import json
import zipfile

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

from agencies.keys import create_api_key
from agencies.models import KeyScope
from incidents.models import ImportRun, Incident
from tests import factories

pytestmark = pytest.mark.django_db
HEAD = b"kategorie;beginn;beschreibung\n"
ROW = b"noise;01.11.2026 10:00;Text\n"


def _zip_bomb() -> bytes:
    """A workbook of a few kilobytes whose one part unpacks to 20 MB."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/sharedStrings.xml", b"A" * 20 * 1024**2)
        archive.writestr("../../../boese.py", b"print()")
    return out.getvalue()


def _billion_laughs() -> bytes:
    levels = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 10))
    return f'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY l0 "ha">{levels}]><x>&l9;</x>'.encode()


def _geojson(properties: str = "{}", coordinates: str = "[7.8, 51.6]") -> bytes:
    point = f'{{"type": "Point", "coordinates": {coordinates}}}'
    feature = f'{{"type": "Feature", "geometry": {point}, "properties": {properties}}}'
    return f'{{"type": "FeatureCollection", "features": [{feature}]}}'.encode()


REFUSED = {
    "zip bomb": _zip_bomb(),
    "gzip bomb": gzip.compress(b"A" * 20 * 1024**2),
    "entities without end": _billion_laughs(),
    "entity that reads a file": b'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY f SYSTEM "file:///etc/passwd">]><x>&f;</x>',
    "web page": b"<html><script>alert(1)</script>",
    "program": b"\x7fELF\x02\x01\x01" + bytes(500),
    "only nulls": bytes(10_000),
    "brackets without end": b'{"type":' * 200_000,
    "lists without end": b"[" * 200_000,
    "GeoJSON with deep properties": _geojson('{"a": ' * 5_000 + "1" + "}" * 5_000),
    "number of 5,000 digits": _geojson('{"nr": ' + "9" * 5_000 + "}"),
    "number without value": _geojson('{"nr": NaN}'),
    "half a character": b"\xff\xfe\x00",
    "wrong encoding": "kategorie;beginn\nLärm;gestern".encode("cp1252"),
    "the same heading twice": b"kategorie;beginn;KATEGORIE\nnoise;gestern;x\n",
    "20,001 rows": HEAD + ROW * 20_001,
    "quote that never ends": HEAD + b'noise;01.11.2026 10:00;"' + b"x\n" * 50_000,
}
ROWS_REFUSED = {
    "null after the head": HEAD + ROW * 200 + b"noise;01.11.2026 10:00;Te\x00xt\n",
    "line of 5 MB": HEAD + b"noise;01.11.2026 10:00;" + b"x" * 5 * 1024**2 + b"\n",
    "3,000 columns": b";".join(b"s%d" % n for n in range(3_000)) + b";kategorie;beginn\n" + b"x;" * 3_001 + b"\n",
    "cell of 130,000 characters": HEAD + b"noise;01.11.2026 10:00;" + b"x" * 129_000 + b"\n",
    "coordinates beyond numbers": _geojson('{"kategorie": "noise", "beginn": "01.11.2026"}', "[1e999, -1e999]"),
    "surrogates": _geojson('{"kategorie": "noise", "beginn": "01.11.2026", "beschreibung": "\\\\ud800\\\\u0000"}'),
    "year 99999": HEAD + b"noise;01.11.99999 10:00;Text\n",
}
MAPPINGS = {
    "number without value": b'{"columns": {"category": NaN}}',
    "null in a text": b'{"columns": {"category": "k\\u0000"}, "name": "\\u0000"}',
    "surrogate": b'{"name": "\\ud800", "columns": {"category": "kategorie", "occurred_from": "beginn"}}',
    "5,000 digits": b'{"crs": ' + b"9" * 5_000 + b"}",
    "brackets without end": b'{"columns":' * 100_000,
    "no object": b'["columns"]',
    "too large": b'{"name": "' + b"x" * 300 * 1024 + b'"}',
    "endless number": b'{"crs": 1e999, "columns": {"category": "kategorie", "occurred_from": "beginn"}}',
}


@pytest.fixture
def clerk(world, signed_in):
    factories.make_category("noise")
    return signed_in(world.owner_release)


def deliver(client, content: bytes, name: str = "liste.csv", mapping: bytes | None = None):
    data = {"kind": "incident", "file": SimpleUploadedFile(name, content)}
    if mapping is not None:
        data["mapping"] = SimpleUploadedFile("zuordnung.json", mapping)
    return client.post(reverse("imports:index"), data)


@pytest.mark.parametrize("name", REFUSED)
def test_a_file_that_is_none_is_refused_with_a_sentence(clerk, name):
    answer = deliver(clerk, REFUSED[name])
    assert answer.status_code == 200
    (reason,) = answer.context["form"].errors["file"]
    assert reason.endswith(("wählen.", "liefern.", "ausgeben.", "hochladen.", "benennen.", "lassen."))
    assert not ImportRun.objects.exists()


@pytest.mark.parametrize("name", ROWS_REFUSED)
def test_a_row_that_is_none_is_refused_and_nothing_else_happens(clerk, name):
    answer = deliver(clerk, ROWS_REFUSED[name])
    assert answer.status_code == 302
    page = clerk.get(answer["Location"])
    run = ImportRun.objects.get()
    assert page.status_code == 200
    assert run.refused >= 1
    assert clerk.post(reverse("imports:take_over", args=[run.pk])).status_code == 302
    assert not any("x" * 1_000 in record.detail.description for record in Incident.objects.all())


@pytest.mark.parametrize("name", MAPPINGS)
def test_a_mapping_that_is_none_is_refused(clerk, name):
    answer = deliver(clerk, HEAD + ROW, mapping=MAPPINGS[name])
    assert answer.status_code == 200
    assert answer.context["form"].errors
    assert not ImportRun.objects.exists()


@pytest.mark.parametrize(
    "name", ["../../../etc/passwd", "..\\..\\boese.csv", "/etc/passwd", "=cmd()|x.csv", "a\r\nX-Evil: 1.csv", "<b>.csv"]
)
def test_the_name_of_a_file_is_words_and_never_a_path(clerk, settings, name):
    answer = deliver(clerk, HEAD + ROW, name)
    assert answer.status_code == 302
    run = ImportRun.objects.get()
    assert "/" not in run.file_name
    assert not {"\r", "\n"} & set(run.file_name)
    assert run.upload.name == f"imports/{run.sha256[:16]}.upload" or run.upload.name.startswith(
        f"imports/{run.sha256[:16]}_"
    )
    page = clerk.get(answer["Location"])
    assert page.status_code == 200
    assert b"<b>.csv" not in page.content
    run.upload.delete()


def test_a_name_without_end_is_refused(clerk):
    assert deliver(clerk, HEAD + ROW, "x" * 250 + ".csv").status_code == 200
    assert not ImportRun.objects.exists()


def test_a_file_beyond_the_limit_is_refused(clerk, settings):
    settings.UPLOAD_MAX_BYTES = 1024**2
    answer = deliver(clerk, HEAD + b"x" * 1024**2)
    assert "größer als 1 MB" in answer.context["form"].errors["file"][0]


API_BODIES = {
    "brackets without end": b"[" * 100_000,
    "objects without end": b'{"a":' * 100_000,
    "5,000 digits": b'{"category": "noise", "severity": ' + b"9" * 5_000 + b"}",
    "no value": b'{"category": "noise", "lon": NaN, "lat": Infinity}',
    "beyond numbers": b'{"category": "noise", "occurred_from": "2026-11-01T10:00:00Z", "lon": 1e999, "lat": 51.6}',
    "null in a text": b'{"category": "noise", "occurred_from": "2026-11-01T10:00:00Z", "description": "\\u0000"}',
    "half a character": b'{"category": "noise", "occurred_from": "2026-11-01T10:00:00Z", "description": "\\ud800"}',
    "text in UTF-16": '{"category": "noise"}'.encode("utf-16"),
    "a list where a text stands": json.dumps({"category": ["noise"], "occurred_from": {"a": 1}}).encode(),
    "an unknown field": json.dumps({"category": "noise", "agency": "zoll", "id": 1, "sharing_level": "x"}).encode(),
}
# Readable JSON with one bad row: a bulk refuses the row and takes the others.
BULK_ROWS_REFUSED = {
    *("beyond numbers", "null in a text", "half a character"),
    *("a list where a text stands", "an unknown field"),
}


@pytest.mark.parametrize("path", ["api:incidents-list", "api:incidents-bulk", "api:complaints-list"])
@pytest.mark.parametrize("name", API_BODIES)
def test_a_body_that_is_none_is_refused_by_the_interface(world, client, path, name):
    factories.make_category("noise")
    key = _key(world.police)
    body = API_BODIES[name]
    if path.endswith("bulk") and not name.endswith("without end"):
        body = b"[" + body + b"]"
    answer = client.post(
        reverse(path), body, content_type="application/json", headers={"Authorization": f"Api-Key {key}"}
    )
    if path.endswith("bulk") and name in BULK_ROWS_REFUSED:
        assert (answer.status_code, answer.json()["refused"]) == (200, 1)
    else:
        assert answer.status_code == 400
    assert not Incident.objects.exists()


def _key(agency) -> str:
    return create_api_key(agency=agency, scope=KeyScope.WRITE, label="Probe", by=None)[1]
