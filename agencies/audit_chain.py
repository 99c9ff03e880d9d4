"""The chain of seals over the log: sealing, verifying, and deletion at the end of the term.

Entries are written without waiting for each other; `seal` gives each of them a place in the chain afterwards. Every
function that must see all rows runs inside the database with the rights of its owner (migration `audit_chain`).
"""

from __future__ import annotations

import datetime
import hashlib
from collections.abc import Iterator
from dataclasses import dataclass

from django.db import connection, transaction
from django.utils import timezone

from agencies.models import AuditCheckpoint, AuditSeal

BATCH = 5_000
START = bytes(32)
# No transaction that writes an entry lasts longer; what is sealed later than this was put in afterwards.
LONGEST_TRANSACTION = datetime.timedelta(hours=1)
UNSEALED_AFTER = datetime.timedelta(minutes=10)
_LOCK = 4_702_394_921_427_289_927
_LOWEST = -(2**63)
_ENTRY_TEXT = """jsonb_build_array(
    entry.id, to_char(entry.at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US'), entry.action,
    entry.user_id, entry.api_key_id, entry.agency_id, entry.owner_id, entry.recipient_id,
    entry.object_type, entry.object_id, entry.purpose, entry.facts)::text"""
_SEALED = f"""SELECT seal.position, seal.entry_id, seal.content, seal.digest, seal.sealed_at, entry.at,
    CASE WHEN entry.id IS NOT NULL THEN {_ENTRY_TEXT} END
    FROM agencies_auditseal AS seal LEFT JOIN agencies_auditentry AS entry ON entry.id = seal.entry_id
    WHERE seal.position > %s ORDER BY seal.position LIMIT %s"""  # noqa: S608 – constants alone
_UNSEALED = """SELECT entry.id, entry.at FROM agencies_auditentry AS entry
    LEFT JOIN agencies_auditseal AS seal ON seal.entry_id = entry.id
    LEFT JOIN agencies_unsealedentry AS waiting ON waiting.entry_id = entry.id
    WHERE seal.position IS NULL AND (waiting.entry_id IS NULL OR entry.at < %s) AND entry.id > %s
    ORDER BY entry.id LIMIT %s"""
# Seals that the chain does not reach: before its first place, or where it was deleted at the end of the term.
_BEFORE = """SELECT seal.entry_id, seal.position FROM agencies_auditseal AS seal
    WHERE seal.position <= %s AND seal.entry_id > %s ORDER BY seal.entry_id LIMIT %s"""
_LOST = """SELECT waiting.entry_id FROM agencies_unsealedentry AS waiting
    LEFT JOIN agencies_auditentry AS entry ON entry.id = waiting.entry_id
    WHERE entry.id IS NULL AND waiting.entry_id > %s ORDER BY waiting.entry_id LIMIT %s"""


class BrokenChainError(Exception):
    """Entries that no longer fit their seals are evidence and are not deleted."""


@dataclass(frozen=True)
class Head:
    """The end of the chain: write it down outside of the portal, and a chain made anew is found."""

    position: int
    digest: str
    sealed_at: datetime.datetime


@dataclass(frozen=True)
class Finding:
    text: str
    position: int | None = None
    entry_id: int | None = None


@dataclass
class Verification:
    """What one run has seen; filled while `findings` is read."""

    entries: int = 0
    start: AuditCheckpoint | None = None
    position: int = 0
    digest: bytes = START
    is_expected_seen: bool = False


@transaction.atomic
def seal(*, most: int = BATCH) -> int:
    """Seal at most so many waiting entries and return how many; 0 also while somebody else is sealing."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT audit_seal(%s)", [most])
        return cursor.fetchone()[0]


def head() -> Head | None:
    last = AuditSeal.objects.order_by("-position").first()
    return Head(last.position, bytes(last.digest).hex(), last.sealed_at) if last else None


def verify(
    run: Verification, *, expected: str = "", unsealed_after: datetime.timedelta = UNSEALED_AFTER
) -> Iterator[Finding]:
    """Everything that does not fit, in the order of the chain; memory does not grow with the log.

    Sees all rows only for the owner of the tables. Nothing is sealed or deleted meanwhile.
    """
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock_shared(%s)", [_LOCK])
        yield from _verify_start(run, expected)
        yield from _verify_seals(run, expected)
        yield from _verify_rest(timezone.now() - unsealed_after)
    if expected and not run.is_expected_seen:
        yield Finding(
            "Die notierte Prüfsumme kommt in der Kette nicht vor: Die Kette wurde ab einer früheren Stelle neu "
            "gerechnet oder am Ende gekürzt, oder der notierte Stand ist nach Frist gelöscht."
        )


def _verify_start(run: Verification, expected: str) -> Iterator[Finding]:
    """Where the chain begins, and whether each deletion before it was due and is itself in the log."""
    for checkpoint in AuditCheckpoint.objects.order_by("position"):
        run.start = checkpoint
        run.position, run.digest = checkpoint.position, bytes(checkpoint.digest)
        run.is_expected_seen |= run.digest.hex() == expected
        if checkpoint.older_than > term_end(checkpoint.purged_at):
            yield Finding(f"Der Löschvermerk bis Position {checkpoint.position} löscht vor Ablauf der Frist.")
    for entry_id, position in _pages(_BEFORE, run.position):
        yield Finding(
            f"Eintrag {entry_id} (Position {position}): Sein Siegel steht außerhalb der Kette, "
            f"die mit Position {run.position + 1} beginnt.",
            position,
            entry_id,
        )
    if run.start is None:
        return
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT EXISTS (SELECT FROM agencies_auditentry WHERE action = 'log_purged' AND object_id = %s)",
            [str(run.start.position)],
        )
        if not cursor.fetchone()[0]:
            yield Finding(f"Zur Löschung bis Position {run.start.position} fehlt der Eintrag im Protokoll.")


def _verify_seals(run: Verification, expected: str) -> Iterator[Finding]:
    sealed_before = batch = None
    with connection.cursor() as cursor:
        while True:
            cursor.execute(_SEALED, [run.position, BATCH])
            rows = cursor.fetchall()
            for row in rows:
                if row[4] != batch:
                    sealed_before, batch = batch, row[4]
                yield from _verify_row(run, row, sealed_before)
                run.is_expected_seen |= run.digest.hex() == expected
            if len(rows) < BATCH:
                return


def _verify_row(run: Verification, row: tuple, sealed_before: datetime.datetime | None) -> Iterator[Finding]:
    """Compare one seal with its predecessor and with its entry, then stand on it."""
    position, entry_id, content, digest, sealed_at, at, text = row
    content, digest = bytes(content), bytes(digest)
    name = f"Eintrag {entry_id} (Position {position})"
    if position != run.position + 1:
        missing = f"{run.position + 1}" if position == run.position + 2 else f"{run.position + 1} bis {position - 1}"
        yield Finding(f"Vor {name} fehlen Siegel: Position {missing}.", position, entry_id)
    elif digest != chained(run.digest, content, position, entry_id, sealed_at):
        yield Finding(f"{name}: Das Siegel wurde geändert oder passt nicht zum vorigen.", position, entry_id)
    if text is None:
        yield Finding(f"{name} fehlt: Der Eintrag wurde gelöscht.", position, entry_id)
    elif hashlib.sha256(text.encode()).digest() != content:
        yield Finding(f"{name} wurde geändert: Der Inhalt passt nicht zu seinem Siegel.", position, entry_id)
    elif sealed_before is not None and at < sealed_before - LONGEST_TRANSACTION:
        yield Finding(
            f"{name} wurde nachträglich eingefügt: Er trägt die Zeit {_local(at)}, "
            f"war aber bei der Versiegelung am {_local(sealed_before)} noch nicht da.",
            position,
            entry_id,
        )
    run.entries += text is not None
    run.position, run.digest = position, digest


def _verify_rest(before: datetime.datetime) -> Iterator[Finding]:
    """Entries that have no seal although they are old enough, and entries that vanished before they got one."""
    for entry_id, at in _pages(_UNSEALED, before):
        yield Finding(f"Eintrag {entry_id} vom {_local(at)} hat kein Siegel.", None, entry_id)
    for (entry_id,) in _pages(_LOST):
        yield Finding(f"Eintrag {entry_id} fehlt: Er wurde gelöscht, bevor er versiegelt war.", None, entry_id)


def _pages(query: str, *arguments) -> Iterator[tuple]:
    """Rows of a query that goes on after the last id seen, from below the lowest there can be."""
    last = _LOWEST - 1
    with connection.cursor() as cursor:
        while True:
            cursor.execute(query, [*arguments, last, BATCH])
            rows = cursor.fetchall()
            yield from rows
            if len(rows) < BATCH:
                return
            last = rows[-1][0]


def chained(before: bytes, content: bytes, position: int, entry_id: int, sealed_at: datetime.datetime) -> bytes:
    moment = f"{sealed_at.astimezone(datetime.UTC):%Y-%m-%dT%H:%M:%S.%f}"
    return hashlib.sha256(before + content + f"{position}|{entry_id}|{moment}".encode()).digest()


def _local(moment: datetime.datetime) -> str:
    return f"{timezone.localtime(moment):%d.%m.%Y, %H:%M:%S} Uhr"


def kept_since(today: datetime.date) -> datetime.datetime:
    """Beginning of last year: an entry stays until the end of the year after its own."""
    return datetime.datetime(today.year - 1, 1, 1, tzinfo=timezone.get_current_timezone())


def term_end(moment: datetime.datetime) -> datetime.datetime:
    """The latest bound a deletion at this moment may have had, whatever the time zone."""
    year = moment.astimezone(datetime.UTC).year
    return datetime.datetime(year - 1, 1, 1, 12, tzinfo=datetime.UTC)


@transaction.atomic
def purge_expired(*, today: datetime.date, dry_run: bool) -> int:
    """Delete the sealed entries whose term is over on this day and return how many; with `dry_run` only count.

    Only the whole beginning of the chain goes, after it was verified; a checkpoint keeps its end. The database
    refuses a day that has not come.
    """
    older_than = kept_since(today)
    with connection.cursor() as cursor:
        if dry_run:
            cursor.execute("SELECT entries FROM audit_expired(%s)", [older_than])
            return cursor.fetchone()[0]
        cursor.execute("SELECT removed, broken_at FROM audit_purge(%s)", [older_than])
        removed, broken_at = cursor.fetchone()
    if broken_at is not None:
        raise BrokenChainError(
            f"Das Protokoll passt ab Position {broken_at} nicht zu seinen Siegeln; deshalb wurde nichts gelöscht. "
            "Bitte „manage.py verify_audit“ ausführen und die Abweichung klären."
        )
    return removed
