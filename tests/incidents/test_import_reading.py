import gzip
import io
import json
import zipfile

import pytest

from incidents.importing.csv_rows import OPEN_QUOTE, TOO_LONG, WRONG_WIDTH
from incidents.importing.readers import Limits, open_table
from incidents.importing.refusals import FileError

LIMITS = Limits(size_bytes=1024**2, rows=1_000, unpacks=True)


def read(content: bytes | str, limits: Limits = LIMITS) -> tuple[list[str], list[tuple]]:
    data = content.encode() if isinstance(content, str) else content
    table = open_table(io.BytesIO(data), limits)
    return table.columns, [(row.number, row.objection or row.cells) for row in table.rows]


def refusal(content: bytes | str, limits: Limits = LIMITS) -> str:
    with pytest.raises(FileError) as error:
        read(content, limits)
    return error.value.messages[0]


@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
@pytest.mark.parametrize("delimiter", [";", ",", "\t"])
@pytest.mark.parametrize("ending", ["\n", "\r\n", "\r"])
def test_csv_is_read_in_every_common_shape(mark, delimiter, ending):
    lines = [delimiter.join(cells) for cells in (("az", "ort"), ("1", "Südstraße"), ("2", '"a ""b"""'))]
    columns, rows = read(mark + ending.join(lines).encode())
    assert columns == ["az", "ort"]
    assert rows == [(2, ["1", "Südstraße"]), (3, ["2", 'a "b"'])]


def test_csv_keeps_line_breaks_in_quoted_cells_and_other_separators_in_plain_ones():
    _, rows = read('az;text\n1;"erste\nzweite; Zeile"\n2;vor\u2028nach\n')
    assert rows == [(2, ["1", "erste\nzweite; Zeile"]), (3, ["2", "vor\u2028nach"])]


def test_csv_skips_empty_lines_but_counts_them():
    assert read("az;ort\n\n;\n1;a\n")[1] == [(4, ["1", "a"])]


def test_csv_delimiter_line_of_spreadsheets_is_understood():
    columns, rows = read("sep=,\naz,ort\n1,a\n")
    assert (columns, rows) == (["az", "ort"], [(3, ["1", "a"])])


def test_csv_broken_line_in_the_middle_costs_only_itself():
    content = 'az;ort;text\n1;a;x\n2;b\n3;"offen;y\n4;d;z\n5;e;"zwei\nZeilen"\n6;f;g;h\n7;g;ende\n'
    assert read(content)[1] == [
        (2, ["1", "a", "x"]),
        (3, WRONG_WIDTH),
        (4, OPEN_QUOTE),
        (5, ["4", "d", "z"]),
        (6, ["5", "e", "zwei\nZeilen"]),
        (7, WRONG_WIDTH),
        (8, ["7", "g", "ende"]),
    ]


def test_csv_megabyte_of_text_in_one_cell_costs_one_row():
    content = "az;text\n1;" + "x" * 1_000_000 + "\n2;kurz\n"
    assert read(content)[1] == [(2, TOO_LONG), (3, ["2", "kurz"])]


def test_geojson_points_become_rows():
    point = {"type": "Point", "coordinates": [7.8078, 51.6781, 60]}
    features = [
        {"type": "Feature", "geometry": point, "properties": {"az": 1, "ort": None}},
        {"type": "Feature", "geometry": None, "properties": {"az": "2", "ort": "x"}},
        {"type": "Feature", "geometry": {"type": "Polygon", "coordinates": []}, "properties": {"az": "3"}},
        {"type": "Feature", "geometry": {"type": "Point", "coordinates": ["7", 51]}, "properties": {}},
        {"type": "Feature", "geometry": point, "properties": {"az": ["4"]}},
        "nichts",
    ]
    columns, rows = read(json.dumps({"type": "FeatureCollection", "features": features}))
    assert columns == ["az", "ort", "geometry.x", "geometry.y"]
    assert rows[:2] == [(1, ["1", "", "7.8078", "51.6781"]), (2, ["2", "x", "", ""])]
    assert [number for number, cells in rows if isinstance(cells, str)] == [3, 4, 5, 6]


def test_gzip_is_unpacked_up_to_the_limit():
    assert read(gzip.compress(b"az;ort\n1;a\n"))[1] == [(2, ["1", "a"])]
    bomb = gzip.compress(b"az;ort\n" + b"1;a\n" * 500_000)
    assert len(bomb) < 10_000
    assert "größer als 1 MB" in refusal(bomb, Limits(1024**2, 1_000_000, unpacks=True))
    assert "gepackt" in refusal(bomb, Limits(1024**2, 1_000_000, unpacks=False))
    assert "beschädigt" in refusal(gzip.compress(b"az;ort\n1;a\n")[:-12])
    assert "beschädigt" in refusal(b"\x1f\x8b kein gzip")


def workbook() -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("xl/workbook.xml", "<workbook/>")
    return out.getvalue()


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "leer"),
        (b"\xef\xbb\xbf \n", "leer"),
        (workbook(), "Excel-Arbeitsmappe"),
        (b"\xd0\xcf\x11\xe0" + bytes(600), "alte Excel-Arbeitsmappe"),
        ("az;ort\n1;ä".encode("utf-16"), "UTF-16"),
        ("az;ort\n1;ä".encode("utf-16-le"), "keinen Text"),
        ("az;ort\n1;Südstraße".encode("cp1252"), "Windows-1252"),
        (b"az;ort\n" + b"1;a\n" * 200_000 + "2;ü".encode("cp1252"), "Windows-1252"),
        (b"%PDF-1.7", "PDF"),
        (b"<html>", "Web- oder XML-Seite"),
        (b"\x89PNG\x00\x00", "keinen Text"),
        (b"[1]", "kein GeoJSON"),
        (b'{"type": "Feature"}', "FeatureCollection"),
        (b'{"type": "FeatureCollection", "features": [', "kein gültiges GeoJSON"),
        (b'{"a": ' + b"[" * 200_000, "kein gültiges GeoJSON"),
        (b'{"type": "FeatureCollection", "features": [NaN]}', "NaN"),
        (b"nur eine Spalte\n1\n", "Trennzeichen"),
        (b"az;AZ\n1;2\n", "mehrfach"),
    ],
)
def test_what_is_no_readable_file_is_refused_with_its_reason(content, words):
    assert words in refusal(content, Limits(1024**2 * 10, 1_000_000, unpacks=True))


def test_rows_are_limited():
    assert "mehr als 3 Zeilen" in refusal("az;ort\n" + "1;a\n" * 4, Limits(1024**2, 3, unpacks=False))
