"""Whatever is done to the log behind the portal's back, even by whoever owns the tables, is found and named."""

# ruff: noqa: S608 – statements are put together from the names of two tables

from __future__ import annotations

import datetime
import io
import threading

import pytest
from django.core.management import CommandError, call_command
from django.db import DatabaseError, connection, transaction
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from agencies import audit, audit_chain
from agencies.audit import Act
from agencies.keys import create_api_key
from agencies.models import Agency, AuditCheckpoint, AuditEntry, AuditSeal, KeyScope, UnsealedEntry
from agencies.tasks import seal_audit
from agencies.wall.context import Office, acting_as

ENTRY, SEAL = "agencies_auditentry", "agencies_auditseal"


def run(sql: str, *arguments) -> None:
    with connection.cursor() as cursor:
        cursor.execute(sql, arguments)


def as_owner(sql: str, *arguments) -> None:
    """What the owner of the tables can do: switch the triggers off, change rows, switch them on again."""
    run("SET CONSTRAINTS ALL IMMEDIATE")
    for table in (ENTRY, SEAL):
        run(f"ALTER TABLE {table} DISABLE TRIGGER USER")
    run(sql, *arguments)
    for table in (ENTRY, SEAL):
        run(f"ALTER TABLE {table} ENABLE TRIGGER USER")


def write(world, number: int = 6) -> None:
    for index in range(number):
        audit.record(Act.READ, by=world.partner, owner=world.police, purpose="Prüfung", page=index)


def findings(**options) -> list[audit_chain.Finding]:
    return list(audit_chain.verify(audit_chain.Verification(), **options))


def texts(**options) -> list[str]:
    return [finding.text for finding in findings(**options)]


@pytest.fixture
def chain(world) -> list[AuditSeal]:
    """Six sealed entries in two batches."""
    write(world, 3)
    assert audit_chain.seal() == 3
    write(world, 3)
    assert audit_chain.seal() == 3
    return list(AuditSeal.objects.order_by("position"))


def reseal(first: int) -> None:
    """Compute the chain anew from a position on, as somebody would who knows how it is made."""
    before = AuditSeal.objects.filter(position=first - 1).first()
    digest = bytes(before.digest) if before else audit_chain.START
    for seal in AuditSeal.objects.filter(position__gte=first).order_by("position"):
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT sha256(convert_to(audit_entry_text(entry), 'UTF8')) FROM agencies_auditentry AS entry "
                "WHERE id = %s",
                [seal.entry_id],
            )
            content = bytes(cursor.fetchone()[0])
        digest = audit_chain.chained(digest, content, seal.position, seal.entry_id, seal.sealed_at)
        as_owner(f"UPDATE {SEAL} SET content = %s, digest = %s WHERE position = %s", content, digest, seal.position)


def test_an_untouched_chain_has_no_findings(chain):
    state = audit_chain.Verification()
    assert list(audit_chain.verify(state)) == []
    assert (state.entries, state.position, state.digest.hex()) == (6, 6, audit_chain.head().digest)
    assert [seal.position for seal in chain] == [1, 2, 3, 4, 5, 6]
    assert UnsealedEntry.objects.count() == 0


COLUMNS = {
    "at": "at + interval '1 second'",
    "action": "'exported'",
    "user_id": "NULL",
    "api_key_id": "of another key",
    "agency_id": "owner_id",
    "owner_id": "agency_id",
    "recipient_id": "agency_id",
    "object_type": "'incidents.incident'",
    "object_id": "'1'",
    "purpose": "'anderer'",
    "facts": """'{"page": 99}'""",
}


def test_every_column_is_under_seal():
    assert {field.column for field in AuditEntry._meta.fields} == {"id", *COLUMNS}


@pytest.mark.parametrize("column", COLUMNS)
def test_a_changed_column_is_found_and_named(chain, column):
    if column == "api_key_id":
        key, _ = create_api_key(agency=Agency.objects.first(), scope=KeyScope.READ, label="Probe", by=None)
    other = COLUMNS[column] if column != "api_key_id" else str(key.pk)
    as_owner(f"UPDATE {ENTRY} SET {column} = {other} WHERE id = %s", chain[2].entry_id)
    (found,) = findings()
    assert (found.position, found.entry_id) == (3, chain[2].entry_id)
    assert "wurde geändert" in found.text


def test_a_changed_number_among_the_facts_is_found(chain):
    as_owner(f"UPDATE {ENTRY} SET facts = jsonb_set(facts, '{{page}}', '3.0') WHERE id = %s", chain[1].entry_id)
    assert [(found.position, found.entry_id) for found in findings()] == [(2, chain[1].entry_id)]


@pytest.mark.parametrize("index", [0, 2, 5])
def test_a_removed_row_is_found_and_named(chain, index):
    as_owner(f"DELETE FROM {ENTRY} WHERE id = %s", chain[index].entry_id)
    (found,) = findings()
    assert (found.position, found.entry_id) == (index + 1, chain[index].entry_id)
    assert "fehlt" in found.text


def test_a_row_removed_together_with_its_seal_leaves_a_gap(chain):
    for table, column in ((ENTRY, "id"), (SEAL, "entry_id")):
        as_owner(f"DELETE FROM {table} WHERE {column} = %s", chain[2].entry_id)
    (found,) = findings()
    assert "Vor Eintrag" in found.text
    assert "Position 3." in found.text
    assert found.position == 4


def test_the_end_cut_off_is_found_by_the_head_written_down(chain):
    noted = audit_chain.head().digest
    assert findings(expected=noted) == []
    for table, column in ((ENTRY, "id"), (SEAL, "entry_id")):
        as_owner(f"DELETE FROM {table} WHERE {column} = %s", chain[5].entry_id)
    assert findings() == []
    assert ["Die notierte Prüfsumme" in text for text in texts(expected=noted)] == [True]


def test_a_head_of_long_ago_is_still_known(chain):
    noted = bytes(chain[1].digest).hex()
    assert findings(expected=noted) == []


@pytest.mark.parametrize("is_queued", [True, False])
def test_a_row_inserted_with_an_old_time_is_found(world, chain, is_queued):
    insert = (
        f"INSERT INTO {ENTRY} (at, action, object_type, object_id, purpose, facts) "
        "VALUES (%s, 'read', '', '', '', '{}')"
    )
    long_ago = timezone.now() - datetime.timedelta(hours=5)
    (run if is_queued else as_owner)(insert, long_ago)
    forged = AuditEntry.objects.latest("pk")
    assert [(found.entry_id, "kein Siegel" in found.text) for found in findings()] == [(forged.pk, True)]
    write(world, 1)
    audit_chain.seal()
    (found,) = findings()
    assert found.entry_id == forged.pk
    assert ("nachträglich eingefügt" if is_queued else "kein Siegel") in found.text


FORGED = f"""INSERT INTO {ENTRY} (id, at, action, object_type, object_id, purpose, facts)
    VALUES (%s, %s, 'read', '', '', '', '{{}}')"""


@pytest.mark.parametrize("number", [0, -1, -(2**63)])
def test_a_row_inserted_below_all_numbers_is_found(chain, number):
    as_owner(FORGED, number, timezone.now() - datetime.timedelta(hours=5))
    assert [(found.entry_id, "kein Siegel" in found.text) for found in findings()] == [(number, True)]


@pytest.mark.parametrize("position", [0, 9])
def test_a_row_with_a_seal_beside_the_chain_is_found(chain, position):
    as_owner(FORGED, -7, timezone.now() - datetime.timedelta(hours=5))
    as_owner(
        f"INSERT INTO {SEAL} (position, entry_id, content, digest, sealed_at) "
        "SELECT %s, id, sha256(convert_to(audit_entry_text(entry), 'UTF8')), sha256('x'), now() "
        f"FROM {ENTRY} AS entry WHERE id = -7",
        position,
    )
    assert (-7, position) in {(found.entry_id, found.position) for found in findings()}


def test_two_rows_that_swap_their_ids_are_both_found(chain):
    first, second = chain[1].entry_id, chain[4].entry_id
    as_owner(f"UPDATE {ENTRY} SET id = -1 WHERE id = %s", first)
    as_owner(f"UPDATE {ENTRY} SET id = %s WHERE id = %s", first, second)
    as_owner(f"UPDATE {ENTRY} SET id = %s WHERE id = -1", second)
    assert [(found.entry_id, "wurde geändert" in found.text) for found in findings()] == [(first, True), (second, True)]


@pytest.mark.parametrize("column", ["content", "digest"])
def test_an_edited_seal_is_found(chain, column):
    as_owner(f"UPDATE {SEAL} SET {column} = sha256('anders') WHERE position = 4")
    found = findings()
    assert {entry.position for entry in found} <= {4, 5}
    assert any(entry.position == 4 and "Siegel wurde geändert" in entry.text for entry in found)


@pytest.mark.parametrize("change", ["sealed_at = sealed_at + interval '1 microsecond'", "entry_id = entry_id + 1000"])
def test_time_and_entry_of_a_seal_are_under_it(chain, change):
    as_owner(f"UPDATE {SEAL} SET {change} WHERE position = 5")
    assert any(found.position == 5 and "Siegel wurde geändert" in found.text for found in findings())


def test_a_removed_seal_is_found_and_its_entry_named(chain):
    as_owner(f"DELETE FROM {SEAL} WHERE position = 3")
    gap, unsealed = findings()
    assert (gap.position, "Position 3." in gap.text) == (4, True)
    assert (unsealed.entry_id, "kein Siegel" in unsealed.text) == (chain[2].entry_id, True)


def test_a_tail_written_anew_is_found_by_the_head_written_down(chain):
    noted = audit_chain.head().digest
    as_owner(f"UPDATE {ENTRY} SET purpose = 'gefälscht' WHERE id = %s", chain[3].entry_id)
    reseal(4)
    assert findings() == []
    assert len(findings(expected=noted)) == 1
    assert findings(expected=bytes(chain[2].digest).hex()) == []


def test_a_row_removed_before_it_was_sealed_is_found(world, chain):
    write(world, 1)
    lost = AuditEntry.objects.latest("pk").pk
    as_owner(f"DELETE FROM {ENTRY} WHERE id = %s", lost)
    write(world, 1)
    audit_chain.seal()
    assert [(found.entry_id, "bevor er versiegelt war" in found.text) for found in findings()] == [(lost, True)]


def test_entries_waiting_too_long_are_reported(world, chain):
    write(world, 1)
    assert findings() == []
    assert len(findings(unsealed_after=datetime.timedelta(seconds=-1))) == 1


@pytest.mark.parametrize(
    "sql",
    [
        f"UPDATE {ENTRY} SET purpose = 'x'",
        f"DELETE FROM {ENTRY}",
        f"UPDATE {SEAL} SET sealed_at = now()",
        f"DELETE FROM {SEAL}",
    ],
)
def test_with_its_triggers_the_log_refuses(chain, sql):
    with pytest.raises(DatabaseError, match="append_only"), transaction.atomic():
        run(sql)
    assert findings() == []


# Names, numbers and texts as they may stand in facts, awkward ones included.
_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**60), 2**60)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=20),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(alphabet="abcäöü_", max_size=5), inner, max_size=3)
    ),
    max_leaves=6,
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(facts=st.dictionaries(st.text(alphabet="abcäß_", min_size=1, max_size=8), _values, max_size=4), text=_values)
def test_whatever_is_written_verifies(world, facts, text):
    audit.record(Act.SEARCHED, by=world.chair, owner=world.fire, purpose=str(text)[:200], **{"x_": 1} | facts)
    assert audit_chain.seal() >= 1
    assert findings() == []


def test_sealing_is_a_task_that_takes_everything_in_batches(world, monkeypatch):
    monkeypatch.setattr(audit_chain, "BATCH", 4)
    write(world, 11)
    assert seal_audit() == 11
    assert findings() == []
    assert seal_audit() == 0


def verify_audit(**options) -> tuple[int, str]:
    out = io.StringIO()
    try:
        call_command("verify_audit", stdout=out, **options)
    except CommandError as error:
        return error.returncode, out.getvalue() + str(error)
    return 0, out.getvalue()


def test_command_prints_head_and_names_what_is_wrong(chain):
    code, text = verify_audit()
    assert code == 0
    assert audit_chain.head().digest in text
    assert "6 Einträge geprüft, keine Abweichung." in text
    as_owner(f"UPDATE {ENTRY} SET purpose = 'x' WHERE id = %s", chain[1].entry_id)
    code, text = verify_audit()
    assert code == 1
    assert f"Eintrag {chain[1].entry_id} (Position 2) wurde geändert" in text
    assert "1 Abweichung" in text


def test_command_compares_a_head_written_down(chain):
    assert verify_audit(expect=bytes(chain[3].digest).hex().upper())[0] == 0
    assert verify_audit(expect="0" * 64)[0] == 1
    code, text = verify_audit(expect="kurz")
    assert (code, "64 Zeichen" in text) == (1, True)


def test_command_on_an_empty_log(db):
    assert verify_audit() == (0, "0 Einträge geprüft, keine Abweichung.\nNoch nichts versiegelt.\n")


# Deletion at the end of the term


def write_at(at: datetime.datetime) -> None:
    run(
        f"INSERT INTO {ENTRY} (at, action, object_type, object_id, purpose, facts) "
        "VALUES (%s, 'read', '', '', '', '{}')",
        at,
    )


def age_seals(interval: str) -> None:
    as_owner(f"UPDATE {SEAL} SET sealed_at = sealed_at - interval '{interval}'")
    reseal(1)


@pytest.fixture
def three_years(world) -> int:
    """Three entries of the year before last, two of last year, one of this year; the number of this year."""
    zone, year = timezone.get_current_timezone(), timezone.localdate().year
    for number in range(3):
        write_at(datetime.datetime(year - 2, 3 + number, 7, tzinfo=zone))
    audit_chain.seal()
    age_seals("2 years")
    write_at(datetime.datetime(year - 1, 1, 1, tzinfo=zone))
    write_at(datetime.datetime(year - 1, 12, 31, 23, 59, tzinfo=zone))
    write(world, 1)
    audit_chain.seal()
    return year


def test_the_term_ends_with_the_following_year():
    zone = timezone.get_current_timezone()
    assert audit_chain.kept_since(datetime.date(2026, 12, 31)) == datetime.datetime(2025, 1, 1, tzinfo=zone)
    assert audit_chain.kept_since(datetime.date(2027, 1, 1)) == datetime.datetime(2026, 1, 1, tzinfo=zone)
    for year in range(2000, 2060):
        first = datetime.date(year, 1, 1)
        assert audit_chain.kept_since(first) <= audit_chain.term_end(
            datetime.datetime(year, 1, 1, tzinfo=zone)
        ).replace(year=year - 1)


def test_expired_entries_go_and_the_chain_stays_verifiable(three_years):
    today = timezone.localdate()
    kept = set(AuditEntry.objects.filter(at__year__gte=three_years - 1).values_list("pk", flat=True))
    noted = audit_chain.head().digest
    assert audit_chain.purge_expired(today=today, dry_run=True) == 3
    assert AuditEntry.objects.count() == 6
    assert audit_chain.purge_expired(today=today, dry_run=False) == 3
    left = AuditEntry.objects.exclude(action=Act.LOG_PURGED)
    assert set(left.values_list("pk", flat=True)) == kept
    assert AuditEntry.objects.get(action=Act.LOG_PURGED).facts == {"entries": 3}
    audit_chain.seal()
    forged = [text for text in texts(expected=noted) if "nachträglich" not in text]
    assert forged == []
    _, text = verify_audit()
    assert "3 Einträge bis Position 3 sind nach Frist gelöscht; die Kette ist ab Position 4 geprüft." in text
    assert audit_chain.purge_expired(today=today, dry_run=False) == 0


def test_a_dry_run_looks_ahead_and_a_deletion_does_not(three_years):
    next_year = datetime.date(three_years + 1, 1, 1)
    assert audit_chain.purge_expired(today=next_year, dry_run=True) == 5
    with pytest.raises(DatabaseError, match="kept"), transaction.atomic():
        audit_chain.purge_expired(today=next_year, dry_run=False)
    assert AuditEntry.objects.count() == 6


def test_what_does_not_verify_is_not_deleted(three_years):
    as_owner(f"UPDATE {ENTRY} SET purpose = 'x' WHERE id = (SELECT entry_id FROM {SEAL} WHERE position = 2)")
    with pytest.raises(audit_chain.BrokenChainError, match="Position 2"):
        audit_chain.purge_expired(today=timezone.localdate(), dry_run=False)
    with connection.cursor() as cursor:
        cursor.execute("SELECT removed, broken_at FROM audit_purge(%s)", [audit_chain.kept_since(timezone.localdate())])
        assert cursor.fetchone() == (0, 2)
    assert AuditEntry.objects.count() == 6
    assert not AuditCheckpoint.objects.exists()


def test_old_entries_go_by_the_function_alone(three_years):
    with pytest.raises(DatabaseError, match="append_only"), transaction.atomic():
        run(f"DELETE FROM {ENTRY} WHERE at < %s", audit_chain.kept_since(timezone.localdate()))
    with pytest.raises(DatabaseError, match="append_only"), transaction.atomic():
        run(f"DELETE FROM {SEAL} WHERE position = 1")
    assert AuditEntry.objects.count() == 6


def test_a_checkpoint_put_there_by_hand_frees_no_young_entry(three_years):
    last = AuditSeal.objects.latest("position")
    run(
        "INSERT INTO agencies_auditcheckpoint (position, digest, entries, older_than, purged_at) "
        "VALUES (%s, %s, 6, now(), now())",
        last.position,
        last.digest,
    )
    with pytest.raises(DatabaseError, match="append_only"), transaction.atomic():
        run(f"DELETE FROM {ENTRY} WHERE id = %s", last.entry_id)
    as_owner(f"DELETE FROM {ENTRY}")
    as_owner(f"DELETE FROM {SEAL}")
    found = texts()
    assert any("vor Ablauf der Frist" in text for text in found)
    assert any("fehlt der Eintrag im Protokoll" in text for text in found)


# Writing beside each other


@pytest.mark.django_db(transaction=True)
def test_twenty_readers_write_at_once_and_late_ones_are_sealed_later():
    """Each holds its transaction open until all have written: one that waited for another would never arrive."""
    everybody, finish = threading.Barrier(21), threading.Event()

    def read(number: int) -> None:
        try:
            with acting_as(Office.OPERATOR):
                audit.record(Act.READ, by=None, page=number)
                everybody.wait(timeout=20)
                finish.wait(timeout=20)
        finally:
            connection.close()

    readers = [threading.Thread(target=read, args=[number]) for number in range(20)]
    for reader in readers:
        reader.start()
    everybody.wait(timeout=20)
    audit.record(Act.READ, by=None, page=20)
    assert audit_chain.seal() == 1
    finish.set()
    for reader in readers:
        reader.join(timeout=20)
    assert audit_chain.seal() == 20
    pages = {entry.pk: entry.facts["page"] for entry in AuditEntry.objects.all()}
    order = [pages[seal.entry_id] for seal in AuditSeal.objects.order_by("position")]
    assert order[0] == 20
    assert sorted(order[1:]) == list(range(20))
    assert findings() == []


@pytest.mark.django_db(transaction=True)
def test_two_sealers_do_not_disturb_each_other():
    for number in range(5):
        audit.record(Act.READ, by=None, page=number)
    with transaction.atomic():
        assert audit_chain.seal() == 5
        other: list[int] = []
        thread = threading.Thread(target=lambda: (other.append(audit_chain.seal()), connection.close()))
        thread.start()
        thread.join(timeout=20)
        assert other == [0]
    assert UnsealedEntry.objects.count() == 0
    assert findings() == []
