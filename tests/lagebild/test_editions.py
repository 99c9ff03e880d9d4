"""Editions: what is frozen, that it stays, who may freeze, and what the print says about it."""

import datetime as dt
import hashlib
from dataclasses import replace
from io import BytesIO, StringIO

import pypdf
import pytest
from django.conf import settings
from django.core.exceptions import PermissionDenied, ValidationError
from django.core.management import CommandError, call_command

from agencies.audit import Act
from agencies.models import Agency, AuditEntry
from incidents.models import Area, DeliveredWeek, Incident
from lagebild.actions import assess_finding, build_picture
from lagebild.edition_content import EditionOrder, edition_content
from lagebild.edition_hotspots import choice_note, chosen_hotspots, hotspot_blocks
from lagebild.editions import freeze_edition, master_pdf, personal_copy
from lagebild.models import (
    Edition,
    Finding,
    FindingKind,
    FindingStatus,
    Picture,
    PictureState,
    Sighting,
    StatusWord,
    Trend,
    Verdict,
)
from lagebild.printing.content import Measure
from lagebild.wording import change_text, strength_text
from tests.lagebild.test_build import FAR, background, deliver, incidents, weeks_delivered

TODAY = dt.date(2026, 11, 22)
ORDER = EditionOrder(title="Integratives Lagebild", body="Sicherheitskonferenz")


@pytest.fixture(autouse=True)
def _day(time_machine):
    time_machine.move_to(dt.datetime(2026, 11, 22, 12, tzinfo=dt.UTC), tick=False)


@pytest.fixture
def picture(world) -> Picture:
    """One Brennpunkt at the station before an even background."""
    background(world.police)
    incidents(world.police, 14)
    return build_picture(date=TODAY)


def pages_of(data: bytes) -> list[str]:
    return [page.extract_text() for page in pypdf.PdfReader(BytesIO(data)).pages]


def text_of(data: bytes) -> str:
    return " ".join(" ".join(pages_of(data)).replace("-\n", "").split())


def content_of(picture: Picture, order: EditionOrder = ORDER):
    moment = dt.datetime(2026, 11, 22, 13, tzinfo=dt.UTC)
    return edition_content(picture, order, number="2026-001", created_at=moment)


# ---- freezing


def test_numbers_run_within_a_year_and_start_again_in_the_next(world, picture, time_machine):
    first = freeze_edition(picture=picture, order=ORDER, by=world.chair)
    second = freeze_edition(picture=picture, order=replace(ORDER, title="Nachtrag"), by=world.chair)
    time_machine.move_to(dt.datetime(2027, 1, 4, 12, tzinfo=dt.UTC), tick=False)
    third = freeze_edition(picture=picture, order=replace(ORDER, body="Ausschuss"), by=world.chair)
    assert [edition.number for edition in (first, second, third)] == ["2026-001", "2026-002", "2027-001"]


def test_year_of_the_number_is_the_local_one(world, picture, time_machine):
    time_machine.move_to(dt.datetime(2026, 12, 31, 23, 30, tzinfo=dt.UTC), tick=False)
    assert freeze_edition(picture=picture, order=ORDER, by=world.chair).number == "2027-001"


def test_same_picture_and_order_give_the_same_edition_and_one_entry_in_the_log(world, picture):
    first = freeze_edition(picture=picture, order=ORDER, by=world.chair)
    again = freeze_edition(picture=picture, order=EditionOrder(**vars(ORDER)), by=None)
    assert again.pk == first.pk
    assert Edition.objects.count() == 1
    assert AuditEntry.objects.filter(action=Act.EDITION_FROZEN).count() == 1


def test_other_measures_make_another_edition_and_are_printed(world, picture):
    plain = freeze_edition(picture=picture, order=ORDER, by=world.chair)
    measures = (Measure("Beleuchtung am Bahnsteig", "Stadtwerke", "2026-12-31", "Geplant", None),)
    edition = freeze_edition(picture=picture, order=replace(ORDER, measures=measures), by=world.chair)
    assert edition.number != plain.number
    assert "Beleuchtung am Bahnsteig Stadtwerke 31.12.2026 Geplant noch nicht gemessen" in text_of(edition.pdf)
    assert master_pdf(Edition.objects.get(pk=edition.pk)) == edition.pdf


def test_master_is_drawn_from_what_was_frozen_alone(world, picture):
    edition = freeze_edition(picture=picture, order=ORDER, by=world.chair)
    Incident.objects.all().delete()
    picture.trends.all().delete()
    picture.sightings.all().delete()
    picture.cells.all().delete()
    picture.coverages.all().delete()
    Picture.objects.update(statements=["anders"], sha256="0" * 64)
    Finding.objects.update(place_label="Anderswo")
    Agency.objects.update(short_name="anders", name="anders")
    Area.objects.update(name="anders")
    stored = Edition.objects.get(pk=edition.pk)
    assert master_pdf(stored) == bytes(stored.pdf)
    assert "Hauptbahnhof" in text_of(stored.pdf)


def test_hash_names_the_stored_bytes(world, picture):
    freeze_edition(picture=picture, order=ORDER, by=world.chair)
    stored = Edition.objects.get()
    assert stored.sha256 == hashlib.sha256(bytes(stored.pdf)).hexdigest()
    entry = AuditEntry.objects.get(action=Act.EDITION_FROZEN)
    assert entry.facts["sha256"] == stored.sha256


def test_personal_copy_names_the_person_on_every_page_and_leaves_the_master(world, picture):
    edition = freeze_edition(picture=picture, order=ORDER, by=world.chair)
    copy = personal_copy(edition, by=world.partner)
    label = f"Ausfertigung für {world.order.short_name}, {world.partner}, 22.11.2026, 13:00 Uhr"
    assert all(label in page for page in pages_of(copy))
    assert "Ausfertigung" not in text_of(edition.pdf)
    assert bytes(Edition.objects.get().pdf) == edition.pdf != copy
    assert AuditEntry.objects.filter(action=Act.PRINTED).count() == 1


def test_only_the_chair_freezes(world, picture):
    for name, person in world.people().items():
        if name == "chair":
            continue
        with pytest.raises(PermissionDenied):
            freeze_edition(picture=picture, order=ORDER, by=person)
    assert not Edition.objects.exists()
    assert freeze_edition(picture=picture, order=ORDER, by=world.chair).frozen_by == world.chair


def test_picture_that_is_not_published_is_refused(world, picture):
    picture.state = PictureState.BUILDING
    picture.save(update_fields=("state",))
    with pytest.raises(ValidationError, match="nicht veröffentlicht"):
        freeze_edition(picture=picture, order=ORDER, by=world.chair)
    assert not Edition.objects.exists()


@pytest.mark.parametrize("is_demonstration", [True, False])
def test_every_page_is_marked_and_numbered(world, picture, is_demonstration):
    picture.is_demonstration = is_demonstration
    picture.save(update_fields=("is_demonstration",))
    pages = pages_of(freeze_edition(picture=picture, order=ORDER, by=world.chair).pdf)
    for number, page in enumerate(pages, start=1):
        assert settings.MARKING in page
        assert f"Seite {number} von {len(pages)}" in page
        assert ("Demonstration mit erfundenen Daten" in page) is is_demonstration


def test_command_prints_the_hash_alone_and_writes_the_master(picture, tmp_path):
    out, err, target = StringIO(), StringIO(), tmp_path / "ausgabe.pdf"
    call_command("freeze_edition", output=str(target), stdout=out, stderr=err)
    assert out.getvalue() == f"{hashlib.sha256(target.read_bytes()).hexdigest()}\n"
    assert "Ausgabe 2026-001" in err.getvalue()
    again = StringIO()
    call_command("freeze_edition", stdout=again, stderr=StringIO())
    assert again.getvalue() == out.getvalue()


def test_command_refuses_a_day_without_a_picture(picture):
    with pytest.raises(CommandError, match="rebuild_lagebild"):
        call_command("freeze_edition", date=dt.date(2026, 1, 1), stdout=StringIO(), stderr=StringIO())


# ---- content


def test_assessed_hotspot_says_who_assessed_who_is_responsible_and_when_to_look_again(world, picture):
    assess_finding(
        finding=Finding.objects.get(),
        status=FindingStatus.CONFIRMED,
        assessment="Folge der Baustelle.",
        by=world.chair,
        responsible=world.order,
        review_on=dt.date(2027, 1, 15),
    )
    content = content_of(picture)
    block = content.hotspots[0]
    assert block.assessment == f"Bestätigt: Folge der Baustelle. ({world.chair}, Siko, 22.11.2026)"
    assert block.measure == "Zuständig: Ordnungsamt; Wiedervorlage am 15.01.2027"
    assert content.findings == ()


def test_assessed_hotspot_without_measure_gives_the_reason(world, picture):
    assess_finding(
        finding=Finding.objects.get(),
        status=FindingStatus.CONFIRMED,
        assessment="Bekannt.",
        by=world.chair,
        no_measure_reason="die Baustelle endet im Januar",
    )
    assert content_of(picture).hotspots[0].measure == "Keine Maßnahme, weil: die Baustelle endet im Januar"


def test_series_that_cannot_be_compared_name_the_missing_agency(world):
    weeks_delivered(world.police, but=tuple(range(1, 40)))
    incidents(world.police, 6, start=290, step=4)
    incidents(world.police, 40, start=10 + 364, step=4)
    gaps = content_of(build_picture(date=TODAY)).gaps
    assert "Nicht vergleichbar, weil Lieferungen fehlen (Polizei): Incident-Group (Fälle)." in gaps


def test_series_compared_over_fewer_weeks_say_so(world):
    weeks_delivered(world.police, but=(3, 4))
    incidents(world.police, 40, start=40, step=4)
    gaps = content_of(build_picture(date=TODAY)).gaps
    assert any(gap.startswith("Nur 50 von 52 Wochen verglichen, weil Lieferungen fehlen (Polizei): ") for gap in gaps)


def test_counts_for_counting_alone_stand_in_their_own_column(world):
    DeliveredWeek.objects.create(agency=world.fire, week=dt.date(2026, 11, 16), basis="nothing")
    deliver(world.fire, 9)
    tables = content_of(build_picture(date=TODAY)).tables.districts
    assert [(table.district, table.whole_city) for table in tables] == [("Stadt", True), ("West", False)]
    row = tables[0].rows[0]
    assert (row.counted, row.compared, row.change_text, row.verdict_label) == (9, False, "–", "nicht verglichen")


def test_map_period_is_that_of_the_hotspots(picture):
    content = content_of(picture)
    first, last = (dt.date.fromisoformat(day) for day in content.map_period)
    sighting = picture.sightings.get()
    assert (first, last) == (sighting.period_start, sighting.period_end)
    assert len(content.map_scale.labels) == 5


# ---- which hotspots are printed


def sighting(
    rank: int,
    word: str = StatusWord.PERSISTENT,
    *,
    place: str | None = None,
    merged: bool = False,
    kind: str = FindingKind.BRENNPUNKT,
    status: str = FindingStatus.PROPOSED,
) -> Sighting:
    finding = Finding(kind=kind, status=status, place_label=place or f"Ort {rank}")
    return Sighting(finding=finding, rank=rank, status_word=word, is_merged_only=merged)


def test_what_a_chair_must_see_comes_before_the_strongest():
    sightings = [sighting(rank) for rank in range(1, 20)]
    sightings += [
        sighting(20, status=FindingStatus.CONFIRMED),
        sighting(21, StatusWord.FORMER),
        sighting(22, StatusWord.NEW),
        sighting(23, merged=True),
        sighting(24, StatusWord.NEW, merged=True),
    ]
    chosen = chosen_hotspots(sightings)
    assert [s.rank for s in chosen] == [23, 24, 22, 21, 20, 1, 2, 3, 4, 5, 6, 7]
    assert choice_note(sightings, chosen).startswith("Aufgeführt sind 12 von 24 Brennpunkten: ")


def test_one_place_has_two_hotspots_at_most_and_dismissed_ones_have_none():
    sightings = [sighting(rank, place="Bahnhof") for rank in (1, 2, 3)]
    sightings += [sighting(4, status=FindingStatus.DISMISSED), sighting(5)]
    assert [s.rank for s in chosen_hotspots(sightings)] == [1, 2, 5]


def test_both_kinds_are_chosen_apart_and_nothing_is_said_where_all_are_printed():
    sightings = [sighting(1), sighting(1, kind=FindingKind.BESCHWERDEHOTSPOT)]
    chosen = chosen_hotspots(sightings)
    assert [s.finding.kind for s in chosen] == [FindingKind.BRENNPUNKT, FindingKind.BESCHWERDEHOTSPOT]
    assert choice_note(sightings, chosen) == ""


def test_hotspots_are_numbered_in_their_printed_order(world):
    background(world.police, world.order, world.fire, per_place=2)
    for agency in (world.police, world.order, world.fire):
        incidents(agency, 4, start=2, step=20)
    incidents(world.police, 30, place=FAR, start=1, step=12)
    sightings = list(build_picture(date=TODAY).sightings.select_related("finding__group").order_by("rank"))
    assert [s.is_merged_only for s in sightings] == [False, True]
    names = {"polizei": "Polizei", "ordnungsamt": "Ordnungsamt", "feuerwehr": "Feuerwehr"}
    blocks = hotspot_blocks(chosen_hotspots(sightings), names)
    assert [(block.label, block.rank, block.merged_only) for block in blocks] == [
        ("V 1", 1, True),
        ("V 2", 2, False),
    ]
    assert blocks[0].agencies == ("Feuerwehr", "Ordnungsamt", "Polizei")


# ---- wording


@pytest.mark.parametrize(
    ("current", "previous", "percent", "wanted"),
    [
        (48, 5, 860.0, "+43"),
        (3, 9, -66.7, "−6"),
        (4, 4, 0.0, "±0"),
        (7, 0, None, "+7"),
        (0, 0, None, "±0"),
        (12, 10, 20.0, "+20,0\N{NO-BREAK SPACE}%"),
        (5, 20, -75.0, "−75,0\N{NO-BREAK SPACE}%"),
    ],
)
def test_change_over_a_small_base_is_a_difference(current, previous, percent, wanted):
    trend = Trend(current=current, previous=previous, change_percent=percent, verdict=Verdict.UNCLEAR)
    assert change_text(trend) == wanted


def test_nothing_is_compared_where_there_are_protected_counts_alone():
    assert change_text(Trend(current=0, previous=0, protected_current=9, verdict=Verdict.TOO_FEW)) == "–"
    assert change_text(Trend(current=4, previous=2, verdict=Verdict.NOT_COMPARABLE)) == "nicht vergleichbar"


@pytest.mark.parametrize(
    ("count", "expected", "wanted"),
    [
        (582, 3.87, "582 Meldungen, bei gleichmäßiger Verteilung wären 3,9 zu erwarten (rund 150-fach); "),
        (9, 0.03, "9 Meldungen, bei gleichmäßiger Verteilung wären unter 0,1 zu erwarten (rund 300-fach); "),
        (14, 8.0, "14 Meldungen, bei gleichmäßiger Verteilung wären 8,0 zu erwarten (1,8-fach); "),
        (1234, 1.0, "1.234 Meldungen, bei gleichmäßiger Verteilung wären 1,0 zu erwarten (rund 1.234-fach); "),
    ],
)
def test_strength_is_one_sentence_without_false_precision(count, expected, wanted):
    assert strength_text(Sighting(count=count, expected=expected, p_value=0.0)).startswith(wanted)
