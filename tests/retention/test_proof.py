"""After the deletion a dump of the whole database and of the file store knows no word of the record."""

import datetime as dt
import hashlib
import io
from pathlib import Path

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import call_command
from django.db import connection
from django.utils import timezone

from agencies import sharing
from agencies.models import AuditEntry
from agencies.visibility import SharingLevel
from hamm_security.retained import TABLES, Fate
from incidents import actions
from incidents.expiry import clear_technical
from incidents.importing import kept
from incidents.models import Complaint, ImportRun, Incident, Kind, RetentionRun
from lagebild import tasks
from lagebild.actions import build_picture, open_night, picture_sha256, publish_night
from lagebild.danger_actions import save_rule
from lagebild.danger_checks import check_dangers
from lagebild.danger_models import DangerRule
from lagebild.edition_content import EditionOrder
from lagebild.editions import freeze_edition
from lagebild.models import FrozenCount, Picture
from lagebild.nights import do_part, load_field
from lagebild.retention import delete_now, run_sha256
from lagebild.retrospect_models import Retrospect
from lagebild.watch import load_watch
from tests import factories
from tests.backstage import as_builder

BEGIN = dt.datetime(2026, 1, 12, 12, tzinfo=dt.UTC)
TEXTS = ("description", "place_text", "reference", "internal_note")
# What is computed from records one by one and must be there, or the search finds nothing because there is nothing.
DERIVED = (
    *("picture", "cell", "trend", "finding", "sighting", "timeprofile", "danger", "night", "nightpart", "retrospect"),
)
CONTACTS = ("complainant_contact", "reporter_key")


def canary(*words: str) -> str:
    """A word of its own in every place: small letters and digits, as search data keep them, too."""
    return "kanari7f3a" + "".join(words).replace("_", "")


@pytest.fixture(autouse=True)
def _file_store(settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path / "media"


@pytest.fixture
def clock(time_machine):
    time_machine.move_to(BEGIN, tick=False)
    return time_machine


def dump_of_the_database() -> dict[str, bytes]:
    """Every table of every schema as text, large objects and materialised views included."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT quote_ident(n.nspname) || '.' || quote_ident(c.relname) FROM pg_class c "
            "JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.relkind IN ('r', 'p', 'm') "
            "AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'pg_toast')"
        )
        tables = [row[0] for row in cursor.fetchall()]
        cursor.execute("SELECT count(*) FROM pg_largeobject_metadata")
        assert cursor.fetchone() == (0,)
        found = {}
        for table in tables:
            with cursor.copy(f"COPY (SELECT * FROM {table}) TO STDOUT") as rows:  # noqa: S608 – names only
                found[table] = b"".join(bytes(block) for block in rows)
        return found


def dump_of_the_files() -> dict[str, bytes]:
    root = Path(default_storage.location)
    return {str(path): path.read_bytes() + path.name.encode() for path in root.rglob("*") if path.is_file()}


def places_of(word: str) -> list[str]:
    """Tables and files that hold the word, as it is, in other letters or as hexadecimal bytes."""
    traces = (word.encode(), word.encode().hex().encode())
    dumps = dump_of_the_database() | dump_of_the_files()
    return sorted(place for place, text in dumps.items() if any(trace in text.lower() for trace in traces))


def _records(world) -> list[str]:
    """One record of each kind with a canary in every text it can carry; returns the canaries."""
    words = []
    for kind in Kind:
        names = (*TEXTS, *(CONTACTS if kind == Kind.COMPLAINT else ()))
        texts = {name: canary(kind, name) for name in names}
        make = factories.make_incident if kind == Kind.INCIDENT else factories.make_complaint
        record = make(
            world.police,
            sharing_level=SharingLevel.COOPERATION,
            occurred_from=timezone.now() - dt.timedelta(days=30),
            **texts,
        )
        # The old text lives on in what the database remembers of the change.
        record.detail_model().objects.filter(record=record).update(description="Inzwischen berichtigt")
        actions.propose_note(record=record, text=canary(kind, "note"), by=world.owner_entry)
        actions.clear_note(record=record, by=world.owner_release)
        sharing.grant(record=record, to=world.order, by=world.owner_release)
        data = {"until": dt.date(2027, 12, 1), "reason": canary(kind, "extension")}
        record.extensions.create(agency=world.police, extended_by=world.owner_release, **data)
        words += [*texts.values(), canary(kind, "note"), canary(kind, "extension")]
    return words


def _imports(world) -> list[str]:
    """An import that was taken over and one that nobody came back for, and a file that a crash left behind."""
    mapping = {"columns": {"category": "kategorie", "occurred_from": "beginn", "reference": "nr"}}
    mapping["codes"] = {"category": {canary("mapping"): "incident-kind"}}
    rows = f"kategorie;beginn;nr\n{canary('mapping')};2025-12-20 10:00;{canary('cell')}\n".encode()
    for name in ("taken", "left"):
        upload = SimpleUploadedFile(f"{canary('file', name)}.csv", rows)
        run = kept.keep_check(upload=upload, kind=Kind.INCIDENT, mapping=mapping, by=world.owner_release)
        if name == "taken":
            kept.take_over(run=run, by=world.owner_release)
    default_storage.save("imports/stray.upload", ContentFile(canary("stray").encode()))
    return [canary("mapping"), canary("cell"), canary("file", "taken"), canary("file", "left"), canary("stray")]


def _derived(world) -> None:
    """What is computed from records: a night with its parts, a danger, a look back."""
    rule = DangerRule(name="Häufung", good="life", categories=["incident-kind"], count=2, reach="city", window_days=30)
    save_rule(definition=rule, by=world.owner_lead)
    for number in range(14):
        moment = timezone.now() - dt.timedelta(days=1, minutes=10 * number)
        factories.make_incident(world.police, sharing_level=SharingLevel.COOPERATION, occurred_from=moment)
    with as_builder():
        night = open_night(date=timezone.localdate())
        watch = load_watch()
        for key in night.streams:
            do_part(night=night, key=key, watch=watch, field=load_field(night.date, watch))
        publish_night(night=night)
        assert check_dangers()
    asked = Retrospect.objects.create(
        agency=world.police,
        asked_by=world.owner_lead,
        stream="group:incident-group",
        stream_label="Incident-Group",
        kind=Kind.INCIDENT,
        first_day=dt.date(2025, 9, 1),
        last_day=dt.date(2026, 1, 11),
        longest_days=28,
    )
    assert tasks.look_back(str(asked.pk)) == "done"


def _edition(world):
    for day in range(40):
        moment = timezone.now() - dt.timedelta(days=2 + 3 * day)
        factories.make_incident(world.order, sharing_level=SharingLevel.COOPERATION, occurred_from=moment)
    picture = build_picture(date=timezone.localdate())
    return freeze_edition(picture=picture, order=EditionOrder(title="Lagebild", body="Sitzung"), by=world.chair)


@pytest.mark.django_db(transaction=True)
def test_no_word_of_a_deleted_record_is_left_while_editions_verify(world, clock):
    words = _records(world) + _imports(world)
    edition = _edition(world)
    _derived(world)
    ids = [str(record.pk) for model in (Incident, Complaint) for record in model.objects.filter(agency=world.police)]
    dump = dump_of_the_database()
    assert [name for name in DERIVED if not dump[f"public.lagebild_{name}"]] == []
    before = {word: places_of(word) for word in words}
    assert {word for word, places in before.items() if not places} == set()
    assert before[canary("incident", "description")] == ["public.incidents_incidentrevision"]
    assert "public.incidents_complaintdetail" in before[canary("complaint", "complainant_contact")]
    assert any("imports" in place for place in before[canary("cell")])

    clock.move_to(BEGIN.replace(year=2029), tick=False)
    out = io.StringIO()
    for slug in ("polizei", "ordnungsamt"):
        call_command("apply_retention", "--agency", slug, stdout=out, stderr=io.StringIO())
    # The database keeps the log by its own clock, so what belongs to no agency is cleared without it.
    assert dict(clear_technical(today=timezone.localdate(), dry_run=False))["liegen gebliebene Dateien"] >= 1

    assert {word: places for word in words if (places := places_of(word))} == {}
    # Ids stay where it says so, and nowhere else.
    assert {table.removeprefix("public.") for pk in ids for table in places_of(pk)} <= {
        table for table, (fate, _) in TABLES.items() if fate == Fate.IDS
    }
    assert not Incident.objects.exists()
    assert not Complaint.objects.exists()
    assert not ImportRun.objects.exists()
    assert sum(FrozenCount.objects.filter(family="week").values_list("count", flat=True)) == 56
    assert "polizei\tVorfälle" in out.getvalue()
    edition.refresh_from_db()
    assert hashlib.sha256(bytes(edition.pdf)).hexdigest() == edition.sha256
    assert picture_sha256(edition.picture) == edition.picture.sha256
    assert build_picture(date=BEGIN.date()).trends.count() == edition.picture.trends.count()


@pytest.mark.django_db(transaction=True)
def test_one_record_deleted_by_hand_leaves_nothing_at_once(world, clock):
    words = _records(world)
    for model in (Incident, Complaint):
        delete_now(record=model.objects.get(), reason="not_needed", by=world.owner_release)
    assert {word: places for word in words if (places := places_of(word))} == {}


@pytest.mark.django_db
def test_the_proof_verifies_and_stands_in_the_log(world, clock):
    factories.make_incident(world.police, occurred_from=timezone.now() - dt.timedelta(days=2000))
    call_command("apply_retention", stdout=io.StringIO(), stderr=io.StringIO())
    run = RetentionRun.objects.get(agency=world.police)
    assert run.lines == [
        {"what": "Vorfälle", "category": "Incident-Kind", "rule": "Voreinstellung „Vorfälle“, 36 Monate", "count": 1}
    ]
    assert run.sha256 == run_sha256(run)
    entry = AuditEntry.objects.get(action="retention_run", owner=world.police)
    assert entry.facts == {"sha256": run.sha256, "rows": 1}
    deleted = AuditEntry.objects.get(action="deleted")
    assert deleted.facts["records"] == {"Incident-Kind": 1}
    run.lines[0]["count"] = 2
    assert run.sha256 != run_sha256(run)
    assert Picture.objects.count() == 0
