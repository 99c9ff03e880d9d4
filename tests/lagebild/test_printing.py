import json
import re
from dataclasses import replace
from io import BytesIO

import pypdf
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lagebild.printing.content import DistrictTable, EditionContent, Measure, Tables, from_dict, from_json, to_json
from lagebild.printing.german import count_text, day_text, period_text, rate_text, shortened
from lagebild.printing.pdf import render_pdf
from tests.lagebild.edition_sample import (
    RINGS,
    bare,
    finding,
    hotspots,
    sample,
    signal,
    signals,
    table,
    trend,
    week,
)

MARKUP = "Lage #1 *fett* _schräg_ $x^2$ ] [ @alle <hier> // \\ `Code` ~ = {x}"


def pages_of(content: EditionContent, **options: str) -> list[str]:
    reader = pypdf.PdfReader(BytesIO(render_pdf(content, **options)))
    return [page.extract_text() for page in reader.pages]


def text_of(content: EditionContent) -> str:
    """The whole text with hyphenation and line ends taken out."""
    return " ".join(" ".join(pages_of(content)).replace("-\n", "").split())


@pytest.fixture(scope="module")
def sample_pages() -> list[str]:
    return pages_of(sample())


def test_same_content_gives_the_same_bytes():
    assert render_pdf(sample()) == render_pdf(from_json(to_json(sample())))


def test_changed_content_gives_other_bytes():
    assert render_pdf(sample()) != render_pdf(replace(sample(), created_at="2026-11-23T08:16:00+01:00"))


def test_every_page_carries_marking_body_date_demonstration_and_its_number(sample_pages):
    total = len(sample_pages)
    assert total > 5
    for number, page in enumerate(sample_pages, start=1):
        assert "Nur für die Sicherheitskooperation – intern" in page
        assert "Geschäftsstelle der Sicherheitskonferenz · Stand 22.11.2026" in page
        assert "Demonstration mit erfundenen Daten" in page
        assert f"Seite {number} von {total}" in page


def test_master_has_no_copy_label_and_a_copy_has_it_on_every_page(sample_pages):
    label = "Ausfertigung für das Polizeipräsidium Hamm"
    assert not any("Ausfertigung" in page for page in sample_pages)
    assert all(label in page for page in pages_of(sample(), copy_label=label))


def test_first_page_holds_title_number_statements_and_the_map(sample_pages):
    first = " ".join(sample_pages[0].split())
    assert "Integratives Lagebild für die Sicherheitskonferenz im November 2026" in first
    assert "Ausgabe 2026-003" in first
    assert "Keine Lieferung: Jugendamt." in first
    assert first.index("Kernaussagen") < first.index("Karte 1: Brennpunkte (links) und Beschwerdehotspots (rechts)")
    assert "Vom Jugendamt fehlen sechs Wochen" in first


def test_chapters_come_in_their_order(sample_pages):
    text = " ".join(" ".join(sample_pages).split()).split("Anhang C:", 1)[1]
    headings = [
        "1 Signale der Nacht",
        "1.1 Was der Schwelle am nächsten kam",
        "1.2 Die letzte volle Woche in der ganzen Stadt: Woche 47",
        "2 Vorfälle: Einsatz- und Kriminalitätslage",
        "3 Beschwerden: Ordnungslage",
        "4 Brennpunkte und Beschwerdehotspots",
        "5 Phänomene und Gefahren",
        "6 Subjektive Sicherheit und Angsträume",
        "7 Maßnahmen und ihre Wirkung",
        "8 Methodik und Datenlücken",
        "Anhang A: Vorfälle je Stadtbezirk",
        "Anhang B: Beschwerden je Stadtbezirk",
        "Anhang C: Abkürzungen",
    ]
    places = [text.index(heading) for heading in headings]
    assert places == sorted(places)


def test_every_figure_and_table_names_period_and_source():
    text = text_of(sample())
    captions = re.findall(r"(?:Karte|Abbildung|Tabelle) \d+: ", text)
    period = r"Zeitraum (?:2[45]\.11\.2025–2[23]|16\.11\.2026–22)\.11\.2026"
    named = re.findall(rf"(?:{period}.{{0,40}}?|Stand 22\.11\.2026)\. Quelle: ", text)
    assert len(captions) == len(named) == 24


def test_maps_name_their_own_period_and_charts_that_of_the_edition():
    text = text_of(sample())
    assert re.search(r"Karte 2: [^:]*Zeitraum 25\.11\.2025–23\.11\.2026\. Quelle", text)
    assert re.search(r"Abbildung 1: .{0,120}Zeitraum 24\.11\.2025–22\.11\.2026, davor 25\.11\.2024", text)


def test_map_legend_prints_the_words_of_its_scale():
    text = text_of(sample())
    assert "Vorfälle gegenüber dem Mittel" in text
    assert "bis 16-fach" in text
    assert "je Wabe im Zeitraum" not in text
    assert "Vorfälle je Wabe im Zeitraum" in text_of(replace(sample(), map_scale=None))


def test_table_of_the_city_and_rows_that_are_only_counted():
    row = replace(table("x", "incident", 1).rows[0], group_label="Schule", current=0, previous=0, change_text="+0")
    counted = replace(row, counted=502, compared=False, verdict_label="nicht verglichen")
    city = DistrictTable("Hamm", "incident", (counted,), whole_city=True)
    text = text_of(replace(bare(), tables=Tables((city, replace(table("Mitte", "incident", 2), rows=(row,))))))
    assert "Tabelle 1: Vorfälle in der gesamten Stadt." in text
    assert "Schule Vorgänge – – – 502 nicht verglichen" in text
    assert "Tabelle 2: Vorfälle im Stadtbezirk Mitte." in text
    assert "Schule Vorgänge 0 0 +0 – " in text
    assert "kleine Zahlen bleiben zurückgehalten" in text


def test_measures_print_what_is_open_in_words():
    measures = (
        Measure("Streife", "Polizei", None, "läuft", None),
        Measure("Licht", "Stadtwerke", "2026-12-31", "fertig", ""),
    )
    text = text_of(replace(bare(), measures=measures))
    assert "Streife Polizei offen läuft noch nicht gemessen" in text
    assert "Licht Stadtwerke 31.12.2026 fertig noch nicht gemessen" in text
    assert "None" not in text


def test_edition_frozen_before_a_field_existed_still_prints():
    data = json.loads(to_json(sample()))
    for name in ("map_scale", "map_period", "hotspot_note", "signals", "week"):
        del data[name]
    for area in data["tables"]["districts"]:
        del area["whole_city"]
        for row in area["rows"]:
            del row["counted"], row["compared"]
    text = text_of(from_dict(data))
    assert "Signale der Nacht" not in text
    assert "1 Vorfälle: Einsatz- und Kriminalitätslage" in text
    assert "3 Brennpunkte und Beschwerdehotspots" in text


def test_signals_are_told_in_sentences():
    text = text_of(replace(bare(), signals=signals()))
    assert "1 Signale der Nacht Ein Signal geht über den Zufall hinaus. V Bereich Selbachpark: Sachbeschädigung" in text
    for words in (
        "Seit 14.11.2026 (9 Tage bis zum Stand)",
        "Stärke 11 Meldungen; nach dem Verlauf der letzten zwölf Monate waren etwa 1,2 zu erwarten",
        "Zufall in etwa 90.000 Nächten einmal (geschätzt)",
        "Erkennbar nur gemeinsam; keine Behörde hätte das Signal aus ihren eigenen Meldungen erkannt",
        "Gesucht wurde im Zeitraum 26.10.2026–22.11.2026 mit 21 Prüfungen: ",
        "höchstens in 1 von 7.700 Nächten hervorbrächte",
        "Lärm: 26 statt 15,9 Meldungen seit 29.10.2026; Zufall in etwa 10 Nächten einmal.",
    ):
        assert words in text
    alarms = (signal("brennpunkt", "Bahnhof: Lärm"), replace(signal("beschwerdehotspot", "Markt: Müll"), days=1))
    text = text_of(replace(bare(), signals=replace(signals(), alarms=alarms)))
    assert "2 Signale gehen über den Zufall hinaus." in text
    assert "(1 Tag bis zum Stand)" in text


def test_a_night_without_an_alarm_says_so_and_what_came_nearest():
    text = text_of(replace(bare(), signals=replace(signals(), alarms=())))
    assert (
        "Kein Signal: In den letzten vier Wochen ist an keinem Ort etwas gewachsen, das über den Zufall hinausgeht. "
        "Gesucht wurde" in text
    )
    assert "1.1 Was der Schwelle am nächsten kam" in text
    quiet = text_of(replace(bare(), signals=replace(signals(), alarms=(), nearest=())))
    assert "Was der Schwelle am nächsten kam" not in quiet


def test_last_week_has_a_table_for_each_kind_and_names_what_is_not_judged():
    text = text_of(replace(bare(), week=week()))
    assert "1.1 Die letzte volle Woche in der ganzen Stadt: Woche 47 Tabelle 1: Vorfälle der Woche 47" in text
    assert "Eigentum Fälle 31 8 bis 27 frühere Jahre ungewöhnlich hoch" in text
    assert "Verkehr Fälle 0 0 bis 9 Wochen davor im üblichen Rahmen Tabelle 2: Beschwerden der Woche 47" in text
    assert "In einzelnen Stadtbezirken ungewöhnlich hoch: Heessen: Lärm, 9 Meldungen (üblich 0 bis 6)." in text
    assert "Zu wenige Fälle für eine Aussage: Waffen (Fälle)." in text


def blank_mm(page: pypdf.PageObject) -> float:
    """Millimetres between the last line of a page and its foot; a page has 257."""
    places = []

    def visit(text, matrix, text_matrix, *_):
        if text.strip():
            places.append(text_matrix[4] * matrix[1] + text_matrix[5] * matrix[3] + matrix[5])

    page.extract_text(visitor_text=visit)
    return (min(place for place in places if place > 62) - 57) / 2.835


@pytest.mark.parametrize("charts", range(7))
def test_no_page_stays_empty_because_a_map_does_not_fit(charts):
    """Whatever the charts before it leave of the page, hotspots fill it, and the map follows on the next one."""
    rows = tuple(trend(name, "incident", f"Gruppe {number}") for number in range(charts) for name in RINGS)
    places = hotspots("brennpunkt", 3 + charts) + hotspots("beschwerdehotspot", 8)
    content = replace(sample(), trends=rows, signals=None, week=None, hotspots=places)
    pages = pypdf.PdfReader(BytesIO(render_pdf(content))).pages
    words = [" ".join(page.extract_text().split()) for page in pages]
    last = next(number for number, text in enumerate(words) if "Bewertung" in text and "B 8 " in text)
    assert max(blank_mm(page) for page in pages[1:last]) < 85
    text = " ".join(words)
    assert text.index("3.1 Brennpunkte") < text.index("3.2 Beschwerdehotspots") < text.index("B 8 ", text.index("3.2 "))


def test_hotspot_block_reads_in_german_and_keeps_protected_numbers_back():
    text = text_of(replace(bare(), hotspots=hotspots("brennpunkt", 5)))
    assert "V 1 Bahnhofsumfeld" in text
    assert "Stärke 1,8-mal so viele wie zu erwarten; Zufall in etwa 1 von 20 Jahren" in text
    assert "erst die Meldungen mehrerer Behörden zusammen zeigen diese Häufung" in text
    assert "Zahl geschützt; 1,8-mal" in text
    assert "Noch nicht bewertet. Wer tut was Gemeinsame Streife" in text
    assert "Noch nicht bewertet, niemand ist zuständig." in text


def test_empty_chapters_say_so_and_an_edition_without_demonstration_has_no_such_mark():
    text = text_of(bare())
    assert text.count("Zu diesem Kapitel liegt nichts vor.") == 6
    assert "Demonstration" not in text


def test_markup_in_any_text_is_printed_literally():
    content = replace(
        bare(),
        title=MARKUP,
        statements=(MARKUP,),
        findings=(replace(finding("gefahr", MARKUP), assessment=MARKUP),),
        gaps=(MARKUP,),
        tables=Tables((replace(table("Mitte", "incident", 1), district=MARKUP),)),
    )
    # pypdf drops the spaces beside some signs, so both sides are compared without any.
    text = "".join(text_of(content).split())
    assert text.count("".join(MARKUP.split())) == 6


def test_characters_without_a_glyph_do_not_stop_the_print():
    text = text_of(replace(bare(), title="Lage 😀 \u0627\u0644 \x07Z\u0308\u200bende", statements=("Straße №1 ü",)))
    assert "Lage ? ?? Z" in text
    assert "Straße" in text


@settings(max_examples=15, deadline=None)
@given(st.text(max_size=60))
def test_any_text_can_be_printed(text):
    content = replace(bare(), statements=(text,), gaps=(text,), findings=(finding("phaenomen", text),))
    assert render_pdf(content, copy_label=text).startswith(b"%PDF-1.7")


def test_extremes_keep_every_page_within_its_frame():
    content = replace(
        sample(),
        title="Sehr langer Titel mit Donaudampfschifffahrtsgesellschaftskapitänsmütze " * 5,
        statements=("Diese Kernaussage zieht sich über mehrere Zeilen. " * 8,) * 5,
        hotspots=hotspots("brennpunkt", 40) + hotspots("beschwerdehotspot", 40),
        tables=Tables((table("Mitte", "incident", 60),)),
        findings=(replace(finding("phaenomen", "Lang"), assessment="Lange Bewertung mit vielen Worten. " * 300),),
    )
    pages = pages_of(content)
    assert all(f"Seite {number} von {len(pages)}" in page for number, page in enumerate(pages, start=1))
    table_pages = [page for page in pages if "Zähleinheit" in page]
    assert len(table_pages) >= 2
    assert "Karte 1: " in " ".join(" ".join(pages[:2]).split())
    assert "Bezeichnet sind je die ersten 10 der Aufstellung in Kapitel 4." in text_of(content)
    assert "V 40" in " ".join(" ".join(pages).split())


def test_file_declares_both_standards_its_language_and_a_title():
    data = render_pdf(sample())
    reader = pypdf.PdfReader(BytesIO(data))
    catalogue = reader.trailer["/Root"]
    metadata = catalogue["/Metadata"].get_object().get_data().decode()
    assert "<pdfaid:part>2</pdfaid:part>" in metadata
    assert "<pdfaid:conformance>A</pdfaid:conformance>" in metadata
    assert "<pdfuaid:part>1</pdfuaid:part>" in metadata
    assert catalogue["/Lang"] == "de-DE"
    assert catalogue["/MarkInfo"]["/Marked"]
    assert reader.metadata.title == sample().title
    assert reader.metadata.creation_date.isoformat() == "2026-11-23T07:15:00+00:00"


def test_maps_and_charts_are_described_in_words():
    alternatives = []

    def collect(node):
        node = node.get_object()
        if isinstance(node, pypdf.generic.DictionaryObject):
            if "/Alt" in node:
                alternatives.append(str(node["/Alt"]))
            collect(node.get("/K", pypdf.generic.NullObject()))
        elif isinstance(node, pypdf.generic.ArrayObject):
            for child in node:
                collect(child)

    collect(pypdf.PdfReader(BytesIO(render_pdf(sample()))).trailer["/Root"]["/StructTreeRoot"])
    assert any("V 1: Bahnhofsumfeld, Stadtbezirk Mitte" in words for words in alternatives)
    assert any("Heessen: Höchstwert" in words and "7 Wochen ohne Lieferung" in words for words in alternatives)
    assert any("KOD: Lieferung 49-mal, keine Lieferung 3-mal." in words for words in alternatives)


def test_content_survives_its_canonical_text():
    text = to_json(sample())
    assert from_json(text) == sample()
    assert to_json(from_json(text)) == text
    assert to_json(from_dict(json.loads(json.dumps(json.loads(text), sort_keys=False)))) == text


def test_canonical_text_is_sorted_and_rounds_coordinates():
    text = to_json(replace(bare(), bbox=(7.1234567891, 51.0, 8.0, 52.0)))
    assert '"bbox":[7.123457,51.0,8.0,52.0]' in text
    assert text == json.dumps(json.loads(text), ensure_ascii=False, sort_keys=True, separators=(",", ":"))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"surplus": 1}, "unknown surplus"),
        ({"number": 3}, "content.number"),
        ({"bbox": [1, 2, 3]}, "content.bbox"),
        ({"schema": 2}, "schema 2"),
        ({"statements": ["x"] * 6}, "at most 5"),
        ({"as_of": "22.11.2026"}, "22.11.2026"),
        ({"created_at": "2026-11-23T08:15:00"}, "offset"),
        ({"cells": [{"kind": "both", "ramp": 1, "boundary": []}]}, r"content.cells\[0\].kind"),
        ({"cells": [{"kind": "incident", "ramp": 0, "boundary": []}]}, "ramp"),
        ({"picture": {"date": "2026-11-22"}}, "missing revision, sha256"),
        ({"week": {"period": ["2026-11-16", "gestern"], "label": "Woche 47"}}, "gestern"),
        ({"signals": {"period": ["2026-11-16", "2026-11-22"], "searches": "21"}}, "content.signals: missing once_in"),
        ({"coverage": {"weeks": [], "agencies": [{"short_name": "KOD", "cells": ["none"]}]}}, "per week"),
    ],
)
def test_content_refuses_what_it_does_not_know(change, message):
    data = json.loads(to_json(bare())) | change
    with pytest.raises(ValueError, match=message):
        from_dict(data)


def test_numbers_and_days_are_written_the_german_way():
    assert count_text(2216) == "2.216"
    assert count_text(0) == "0"
    assert count_text(None) == "·"
    assert rate_text(1234.56) == "1.234,6"
    assert day_text("2026-11-22") == "22.11.2026"
    assert day_text("laufend") == "laufend"
    assert period_text("2026-01-01", "2026-12-31") == "01.01.2026–31.12.2026"
    assert shortened("Lagebild für die Stadt", 14) == "Lagebild für…"
