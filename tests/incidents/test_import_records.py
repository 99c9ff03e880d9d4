import datetime
import io
import json
import threading

import pytest
from django.core.exceptions import PermissionDenied
from django.db import connections
from django.utils import timezone
from pyproj import Transformer

from agencies.audit import Act
from agencies.models import AuditEntry
from agencies.visibility import SharingLevel
from incidents.importing.refusals import STORED_LIMIT, FileError
from incidents.importing.run import Delivery, check, import_file
from incidents.models import (
    Complaint,
    DeliveredWeek,
    DeliveryBasis,
    ImportRun,
    ImportStatus,
    Incident,
    IncidentDetail,
    SharingDefault,
)
from tests import backstage, factories

# Everything that goes wrong in practice, in one file as a German spreadsheet writes it.
TRAPS = """\ufeffaktenzeichen;kategorie;beginn;ende;schwere;laenge;breite;ort;sachverhalt
A-1;Noise;06.10.2022 14:30;06.10.2022 15:00;erheblich;7,8078;51,6781;Bahnhofstraße 1;"Zwei
Zeilen; ein Semikolon"
A-2;noise;2022-10-07;;;7.8300;51.6800;;
A-3;noise;30.10.2022 02:30 Uhr;;4;;;nur Text;
A-4;noise;27.03.2022 02:30;;;7,8078;51,6781;;
A-5;noise;08.10.2022
A-6;unbekannt;08.10.2022 10:00;;;7,8078;51,6781;;
A-7;noise;08.10.2022 10:00;;;51,6781;7,8078;;
A-8;noise;08.10.2022 10:00;;;13,4050;52,5200;;
A-9;noise;08.10.1900 10:00;;;7,8078;51,6781;;
A-10;noise;08.10.2099 10:00;;;7,8078;51,6781;;
A-1;noise;08.10.2022 10:00;;;7,8078;51,6781;;
A-11;noise;08.10.2022 10:00;07.10.2022 10:00;;7,8078;51,6781;;
A-12;noise;08.10.2022 10:00;;;7,8078;;;
;noise;08.10.2022 10:00;;;7,8078;51,6781;;
A-13;noise;;;riesig;7,8078;51,6781;;
A-14;noise;09.10.2022 23:59;;;7,8078;51,6781;;ENDE
"""
REFUSED_ROWS = {
    5: ("beginn", "time_gap"),
    6: ("", "line"),
    7: ("kategorie", "unknown"),
    8: ("laenge", "check"),
    9: ("laenge", "check"),
    10: ("beginn", "check"),
    11: ("beginn", "check"),
    12: ("aktenzeichen", "duplicate"),
    13: ("ende", "check"),
    14: ("laenge", "missing"),
    15: ("aktenzeichen", "missing"),
}


@pytest.fixture
def noise(world):
    return factories.make_category("noise")


def delivery(world, content: str, **fields) -> Delivery:
    file = io.BytesIO(content.encode())
    return Delivery(file, "lieferung.csv", **({"agency": world.police, "kind": "incident"} | fields))


def load(world, content: str, **fields) -> ImportRun:
    return import_file(delivery(world, content, **fields))


def table() -> list[tuple]:
    """Everything an import may have written, to compare before and after."""
    return [
        *Incident.objects.order_by("pk").values_list(),
        *IncidentDetail.objects.order_by("pk").values_list(),
        *DeliveredWeek.objects.order_by("pk").values_list(),
    ]


def test_file_full_of_traps_gives_its_good_rows_and_a_reason_for_each_other(world, noise):
    run = load(world, TRAPS)
    assert (run.rows, run.created, run.refused, run.status) == (16, 4, 12, ImportStatus.DONE)
    found = {refusal["row"]: (refusal["column"], refusal["code"]) for refusal in run.refusals}
    assert {row: found[row] for row in REFUSED_ROWS} == REFUSED_ROWS
    assert {(r["column"], r["code"]) for r in run.refusals if r["row"] == 16} == {
        ("beginn", "missing"),
        ("schwere", "unknown"),
    }
    assert sum(run.reasons.values()) == len(run.refusals) == 13
    assert "vertauscht" in next(r["message"] for r in run.refusals if r["row"] == 8)
    stored = {d.reference: d for d in IncidentDetail.objects.select_related("record__district")}
    assert set(stored) == {"A-1", "A-2", "A-3", "A-14"}
    assert stored["A-14"].description == "ENDE"


def test_good_rows_are_stored_as_given(world, noise):
    load(world, TRAPS)
    stored = {d.reference: d for d in IncidentDetail.objects.select_related("record__district", "agency")}
    first, day, unplaced = stored["A-1"], stored["A-2"], stored["A-3"]
    assert (first.lon, first.lat, first.record.district.name) == (7.8078, 51.6781, "West")
    assert first.description == "Zwei\nZeilen; ein Semikolon"
    assert first.record.occurred_from == datetime.datetime(2022, 10, 6, 12, 30, tzinfo=datetime.UTC)
    assert (first.record.severity, first.record.source, first.record.accuracy) == (3, "import", "point")
    assert (timezone.localtime(day.record.occurred_to) - timezone.localtime(day.record.occurred_from)) == (
        datetime.timedelta(hours=23, minutes=59)
    )
    assert (unplaced.record.cell, unplaced.lon, unplaced.record.accuracy) == (None, None, "unknown")
    assert unplaced.record.occurred_from == datetime.datetime(2022, 10, 30, 0, 30, tzinfo=datetime.UTC)
    assert sorted(d.number for d in stored.values()) == [1, 2, 3, 4]
    assert {d.year for d in stored.values()} == {timezone.localdate().year}


def test_report_holds_no_cell_contents(world, noise):
    run = load(world, TRAPS.replace("unbekannt", "GEHEIM-4711").replace("riesig", "GEHEIM-4712"))
    assert "GEHEIM" not in json.dumps([run.refusals, run.reasons, run.mapping])


def test_reading_twice_changes_nothing(world, noise):
    load(world, TRAPS)
    before = table()
    again = load(world, TRAPS)
    assert (again.created, again.updated, again.unchanged, again.refused) == (0, 0, 4, 12)
    assert table() == before


def test_changed_row_updates_its_record_and_only_it(world, noise):
    load(world, TRAPS)
    before = {row.detail.reference: row.updated_at for row in Incident.objects.select_related("detail")}
    changed = TRAPS.replace("ENDE", "neuer Text").replace("7.8300;51.6800", "7.8400;51.6800")
    run = load(world, changed)
    assert (run.created, run.updated, run.unchanged) == (0, 2, 2)
    after = {row.detail.reference: row for row in Incident.objects.select_related("detail")}
    # A changed text is none of the partners' business: only the moved record is newer for them.
    assert {ref for ref, row in after.items() if row.updated_at > before[ref]} == {"A-2"}
    assert after["A-14"].detail.description == "neuer Text"
    assert after["A-2"].detail.lon == 7.84
    assert sorted(row.detail.number for row in after.values()) == [1, 2, 3, 4]


def test_what_the_file_does_not_speak_of_stays(world, noise):
    load(world, "aktenzeichen;kategorie;beginn;laenge;breite;sachverhalt\nB-1;noise;06.10.2022 10:00;7,81;51,67;alt\n")
    IncidentDetail.objects.update(internal_note="Vermerk")
    Incident.objects.update(status="in_progress", severity=4, occurred_to=timezone.now())
    run = load(world, "aktenzeichen;kategorie;beginn;sachverhalt\nB-1;noise;06.10.2022 10:00;neu\n")
    record = Incident.objects.select_related("detail").get()
    assert run.updated == 1
    assert (record.status, record.severity, record.detail.internal_note) == ("in_progress", 4, "Vermerk")
    assert (record.detail.lon, record.detail.description) == (7.81, "neu")
    assert record.cell is not None


def test_new_start_after_a_kept_end_is_refused(world, noise):
    load(world, "aktenzeichen;kategorie;beginn;ende\nB-1;noise;06.10.2022 10:00;06.10.2022 11:00\n")
    run = load(world, "aktenzeichen;kategorie;beginn\nB-1;noise;07.10.2022 10:00\n")
    assert (run.updated, run.refused) == (0, 1)


def test_check_writes_nothing_and_says_the_same(world, noise):
    load(world, TRAPS)
    before, runs = table(), ImportRun.objects.count()
    changed = TRAPS.replace("ENDE", "neu").replace("A-3;", "A-33;")
    tally = check(delivery(world, changed))
    assert (tally.created, tally.updated, tally.unchanged, tally.refused) == (1, 1, 2, 12)
    assert table() == before
    assert ImportRun.objects.count() == runs
    run = load(world, changed)
    assert (run.created, run.updated, run.unchanged, run.refused) == (1, 1, 2, 12)


def test_all_or_nothing_leaves_everything_as_it_was(world, noise):
    before = table()
    run = import_file(delivery(world, TRAPS), all_or_nothing=True)
    assert (run.status, run.created, run.refused) == (ImportStatus.FAILED, 0, 12)
    assert table() == before == []
    assert not AuditEntry.objects.filter(action=Act.IMPORTED).exists()
    good = "\n".join(TRAPS.splitlines()[:3])
    assert import_file(delivery(world, good), all_or_nothing=True).status == ImportStatus.DONE


def test_file_that_breaks_off_leaves_nothing(world, noise):
    rows = "".join(f"C-{n};noise;06.10.2022 10:00\n" for n in range(60_000))
    data = b"aktenzeichen;kategorie;beginn\n" + rows[:70_000].encode() + b"\xfc;noise;06.10.2022 10:00\n"
    with pytest.raises(FileError, match="Windows-1252"):
        import_file(Delivery(io.BytesIO(data), "x.csv", world.police, "incident"))
    assert table() == []


def test_weeks_between_first_and_last_counted_day_count_as_delivered(world, noise):
    load(world, TRAPS)
    assert not DeliveredWeek.objects.exists()
    secret = factories.make_category("secret", is_shareable=False, in_picture=False)
    SharingDefault.objects.create(agency=world.police, category=noise, level=SharingLevel.STATISTICS)
    internal = f"Z-1;{secret.slug};01.12.2022 10:00;;;;;;\n"
    load(world, TRAPS.replace("A-", "B-") + internal)
    noted = DeliveredWeek.objects.filter(agency=world.police)
    assert [str(row.week) for row in noted.order_by("week")] == ["2022-10-03", "2022-10-10", "2022-10-17", "2022-10-24"]
    assert {row.basis for row in noted} == {DeliveryBasis.RECORDS}


def test_levels_follow_the_agencys_defaults_and_stay_on_repeated_import(world, noise):
    secret = factories.make_category("secret", is_shareable=False, in_picture=False)
    SharingDefault.objects.create(agency=world.police, category=noise, level=SharingLevel.STATISTICS)
    SharingDefault.objects.create(agency=world.police, category=secret, level=SharingLevel.COOPERATION)
    content = "aktenzeichen;kategorie;beginn\nD-1;noise;06.10.2022 10:00\nD-2;secret;06.10.2022 10:00\n"
    load(world, content)
    levels = Incident.objects.order_by("detail__reference").values_list("sharing_level", flat=True)
    assert list(levels) == ["statistics", "internal"]
    assert load(world, content, mapping={"level": "cooperation"}).unchanged == 2
    assert list(levels.all()) == ["statistics", "internal"]
    raised = load(world, content, mapping={"level": "cooperation", "level_on_update": True})
    assert (raised.updated, list(levels.all())) == (1, ["cooperation", "internal"])


def test_shared_record_is_not_moved_to_a_category_that_is_never_shared(world, noise):
    factories.make_category("secret", is_shareable=False, in_picture=False)
    load(world, "aktenzeichen;kategorie;beginn\nD-1;noise;06.10.2022 10:00\n", mapping={"level": "cooperation"})
    run = load(world, "aktenzeichen;kategorie;beginn\nD-1;secret;06.10.2022 10:00\n")
    assert (run.refused, Incident.objects.get().category) == (1, noise)


def test_agency_that_delivers_counts_keeps_its_records_to_itself(world, noise):
    office = factories.make_agency("jugendamt", delivers_counts=True)
    content = "aktenzeichen;kategorie;beginn\nD-1;noise;06.10.2022 10:00\n"
    load(world, content, agency=office, mapping={"level": "cooperation"})
    assert Incident.objects.get().sharing_level == SharingLevel.INTERNAL


def test_category_that_may_only_be_counted_by_district_gets_no_cell(world):
    factories.make_category("home", geo="G")
    load(world, "aktenzeichen;kategorie;beginn;laenge;breite\nE-1;home;06.10.2022 10:00;7,81;51,67\n")
    record = Incident.objects.select_related("district", "detail").get()
    assert (record.cell, record.district.name, record.detail.lon) == (None, "West", 7.81)


@pytest.mark.parametrize("epsg", [25832, 2056])
def test_projected_coordinates_are_placed_by_the_mappings_system(world, noise, epsg):
    x, y = Transformer.from_crs(4326, epsg, always_xy=True).transform(*factories.STATION)
    content = f"Nr;Was;Wann;Rechts;Hoch\n1;noise;06.10.2022 10:00;{x:.2f};{y:.2f}\n".replace(".", ",", 0)
    columns = {"reference": "Nr", "category": "Was", "occurred_from": "Wann", "x": "Rechts", "y": "Hoch"}
    load(world, content, mapping={"columns": columns, "crs": epsg})
    detail = IncidentDetail.objects.get()
    assert (detail.lon, detail.lat) == pytest.approx(factories.STATION, abs=1e-6)


def test_coordinates_that_no_projection_takes_are_refused(world, noise):
    content = "aktenzeichen;kategorie;beginn;ostwert;nordwert\nF-1;noise;06.10.2022 10:00;9e90;-9e90\n"
    run = load(world, content)
    assert [(r["row"], r["column"]) for r in run.refusals] == [(2, "ostwert")]


def test_mapping_translates_codes_joins_columns_and_leaves_rows_out(world, noise):
    factories.make_category("other")
    content = "nr,art,tag,zeit,amt\n1,LÄRM,06.10.2022,10:15,A\n2,XX,06.10.2022,10:15,A\n3,TEST,06.10.2022,10:15,A\n"
    content += "4,LÄRM,06.10.2022,10:15,B\n"
    mapping = {
        "columns": {"reference": "nr", "category": "art", "occurred_from": ["tag", "zeit"]},
        "codes": {"category": {"lärm": "noise"}},
        "defaults": {"category": "other"},
        "ignore": {"category": ["Test"]},
        "constants": {"severity": "schwer"},
        "rows": {"column": "amt", "in": ["A"]},
        "time_zone": "America/Chicago",
    }
    run = load(world, content, mapping=mapping)
    assert (run.created, run.skipped, run.refused) == (2, 2, 0)
    rows = Incident.objects.order_by("detail__reference").values_list("category__slug", "severity", "occurred_from")
    assert list(rows) == [
        (slug, 4, datetime.datetime(2022, 10, 6, 15, 15, tzinfo=datetime.UTC)) for slug in ("noise", "other")
    ]


def test_file_without_references_recognises_its_rows(world, noise):
    content = "kategorie;beginn\nnoise;06.10.2022 10:00\nnoise;06.10.2022 10:00\nnoise;07.10.2022 10:00\n"
    assert load(world, content).created == 3
    assert load(world, content + "noise;06.10.2022 10:00\n").created == 1
    again = load(world, content)
    assert (again.created, again.unchanged, again.mapping) == (0, 3, {"reference": "hash_of_row"})


def test_row_filter_by_remainder_splits_a_file_without_rest(world, noise):
    content = "kategorie;beginn\n" + "".join(f"noise;{day:02}.10.2022 10:00\n" for day in range(1, 8))
    counts = [load(world, content, mapping={"rows": {"modulo": 2, "remainder": n}}).created for n in (0, 1)]
    assert counts == [4, 3]


@pytest.mark.parametrize(
    "mapping",
    [
        {"unbekannt": 1},
        {"columns": ["a"]},
        {"columns": {"category": "fehlt", "occurred_from": "beginn"}},
        {"columns": {"farbe": "kategorie"}},
        {"columns": {"category": "kategorie", "occurred_from": "beginn", "x": "aktenzeichen"}},
        {"columns": {"category": "kategorie"}},
        {"crs": 1, "columns": dict.fromkeys(("category", "occurred_from", "x", "y"), "beginn")},
        {"crs": "25832", "columns": dict.fromkeys(("category", "occurred_from", "x", "y"), "beginn")},
        {"time_zone": "Europe/Hamm"},
        {"time_zone": ["Europe/Berlin"]},
        {"level": "public"},
        {"level_on_update": "ja"},
        {"codes": {"description": {}}},
        {"codes": {"category": ["a"]}},
        {"ignore": {"category": "a"}},
        {"constants": {"severity": [1]}},
        {"defaults": {"place_text": "x"}},
        {"reference": "row"},
        {"unit": 3},
        {"rows": {"modulo": 0, "remainder": 0}},
        {"rows": {"column": "fehlt", "in": []}},
        {"rows": "alle"},
    ],
)
def test_mapping_with_a_mistake_is_refused(world, noise, mapping):
    with pytest.raises(FileError):
        load(world, "aktenzeichen;kategorie;beginn\nA;noise;06.10.2022\n", mapping=mapping)
    assert not Incident.objects.exists()


def test_missing_columns_are_named_without_repeating_the_head(world, noise):
    with pytest.raises(FileError) as refusal:
        load(world, "Max Muster;geheim\nx;y\n")
    (message,) = refusal.value.messages
    assert "Kategorie, Beginn" in message
    assert "Muster" not in message


def test_unit_of_the_delivery_must_be_the_categorys(world, noise):
    content = "aktenzeichen;kategorie;beginn\nA;noise;06.10.2022\n"
    assert load(world, content, mapping={"unit": "operation"}).refused == 1
    assert load(world, content, mapping={"unit": "case"}).created == 1


def test_complaints_bring_their_contact_and_stay_apart_from_incidents(world, noise):
    factories.make_category("litter", kind="complaint", group="clean")
    content = "aktenzeichen;kategorie;beginn;kontakt;kennung\nA-1;litter;06.10.2022;0123;k1\n"
    load(world, TRAPS)
    run = load(world, content, kind="complaint")
    detail = Complaint.objects.select_related("detail").get().detail
    assert (run.created, detail.complainant_contact, detail.reporter_key) == (1, "0123", "k1")
    assert load(world, content.replace("litter", "noise"), kind="complaint").refused == 1


def test_same_reference_of_another_agency_is_another_record(world, noise):
    content = "aktenzeichen;kategorie;beginn\nA-1;noise;06.10.2022 10:00\n"
    load(world, content)
    assert load(world, content, agency=world.order).created == 1
    assert Incident.objects.filter(agency=world.police).count() == 1


def test_stored_refusals_are_capped_but_all_are_counted(world, noise):
    content = "aktenzeichen;kategorie;beginn\n" + "x;noise\n" * (STORED_LIMIT + 5)
    run = load(world, content)
    assert (run.refused, len(run.refusals), sum(run.reasons.values())) == (1005, STORED_LIMIT, 1005)


def test_import_is_logged_once_with_counts_only(world, noise):
    run = load(world, TRAPS, by=world.owner_release)
    entry = AuditEntry.objects.get(action=Act.IMPORTED)
    assert (entry.user, entry.owner, entry.object_id) == (world.owner_release, world.police, str(run.pk))
    assert entry.facts == {
        "kind": "incident", "created": 4, "updated": 0, "unchanged": 0, "refused": 12, "skipped": 0,
    }  # fmt: skip
    assert run.created_by == IncidentDetail.objects.first().created_by == world.owner_release


@pytest.mark.parametrize("name", ["owner_entry", "partner_release", "without_agency", "inactive", "superuser"])
def test_only_the_release_of_the_agency_imports(world, noise, name):
    with pytest.raises(PermissionDenied):
        load(world, TRAPS, by=world.people()[name])
    assert not Incident.objects.exists()


def test_demonstration_records_are_marked(world, noise):
    load(world, TRAPS, is_demonstration=True)
    assert set(Incident.objects.values_list("is_demonstration", flat=True)) == {True}


def test_queries_do_not_grow_with_rows(world, noise, django_assert_max_num_queries):
    def rows(prefix: str, count: int) -> str:
        lines = (f"{prefix}-{n};noise;06.10.2022 10:00;7,81;51,67\n" for n in range(count))
        return "aktenzeichen;kategorie;beginn;laenge;breite\n" + "".join(lines)

    with django_assert_max_num_queries(40) as few:
        load(world, rows("F", 2))
    with django_assert_max_num_queries(len(few)):
        load(world, rows("M", 200))


@pytest.mark.django_db(transaction=True)
def test_two_imports_at_once_make_no_duplicates(world, noise):
    lines = "".join(f"P-{n};noise;06.10.2022 10:00;7,81;51,67\n" for n in range(300))
    content = "aktenzeichen;kategorie;beginn;laenge;breite\n" + lines
    results: list[tuple[int, int]] = []

    def run() -> None:
        try:
            with backstage.acting(world.police):
                done = load(world, content)
            results.append((done.created, done.unchanged))
        finally:
            connections.close_all()

    threads = [threading.Thread(target=run) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert sorted(results) == [(0, 300), (300, 0)]
    assert Incident.objects.count() == 300
