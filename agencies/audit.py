"""The one door to the append-only log. Entries name ids and verbs, never the text of a record."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection, models
from django.db.backends.base.base import BaseDatabaseWrapper
from django.utils import timezone

from agencies.models import Agency


class Act(models.TextChoices):
    LOGIN = "login", "Anmeldung"
    LOGIN_FAILED = "login_failed", "fehlgeschlagene Anmeldung"
    LOCKED_OUT = "locked_out", "Anmeldung gesperrt"
    LOGOUT = "logout", "Abmeldung"
    PASSWORD_CHANGED = "password_changed", "Passwort geändert"
    PASSWORD_RESET_ASKED = "password_reset_asked", "neues Passwort angefordert"
    CONFIRMED = "confirmed", "Anmeldung bestätigt"
    CONFIRM_FAILED = "confirm_failed", "fehlgeschlagene Bestätigung"
    FACTOR_ADDED = "factor_added", "zweiter Faktor eingerichtet"
    FACTOR_REMOVED = "factor_removed", "zweiter Faktor entfernt"
    FACTORS_RESET = "factors_reset", "zweite Faktoren zurückgesetzt"
    RECOVERY_USED = "recovery_used", "Wiederherstellungscode benutzt"
    RECOVERY_RENEWED = "recovery_renewed", "Wiederherstellungscodes erneuert"
    SESSION_ENDED = "session_ended", "Sitzungen beendet"
    ACCESS_REFUSED = "access_refused", "Zugriff abgewiesen"
    READ = "read", "Einsicht"
    SEARCHED = "searched", "Suche und Liste"
    EXPORTED = "exported", "Export"
    PRINTED = "printed", "Ausdruck"
    PULLED = "pulled", "Abruf über die Schnittstelle"
    CREATED = "created", "Erfassung"
    CHANGED = "changed", "Änderung"
    DELETED = "deleted", "Löschung"
    REDACTED = "redacted", "Angabe im Verlauf geschwärzt"
    RETENTION_EXTENDED = "retention_extended", "Aufbewahrung verlängert"
    RETENTION_RUN = "retention_run", "Löschlauf"
    LEVEL_CHANGED = "level_changed", "Freigabestufe geändert"
    GRANTED = "granted", "Einzelfreigabe erteilt"
    REVOKED = "revoked", "Einzelfreigabe zurückgenommen"
    NOTE_PROPOSED = "note_proposed", "Hinweis vorgeschlagen"
    NOTE_CLEARED = "note_cleared", "Hinweis freigegeben"
    IMPORTED = "imported", "Dateiimport"
    KEY_CREATED = "key_created", "Zugangsschlüssel angelegt"
    KEY_REFUSED = "key_refused", "Zugangsschlüssel abgewiesen"
    KEY_REVOKED = "key_revoked", "Zugangsschlüssel gesperrt"
    MEMBERSHIP_CHANGED = "membership_changed", "Mitgliedschaft geändert"
    ROLES_CHANGED = "roles_changed", "Rollen geändert"
    PERSON_CHANGED = "person_changed", "Person gesperrt oder entsperrt"
    INVITED = "invited", "Person eingeladen"
    INVITATION_TAKEN = "invitation_taken", "Einladung angenommen"
    INVITATION_WITHDRAWN = "invitation_withdrawn", "Einladung zurückgezogen"
    ACCESS_LINK_ISSUED = "access_link_issued", "Zugangslink ausgestellt"
    PICTURE_BUILT = "picture_built", "Lagebild erstellt"
    DANGER_RAISED = "danger_raised", "Gefahr erkannt"
    EDITION_FROZEN = "edition_frozen", "Ausgabe eingefroren"
    FINDING_ASSESSED = "finding_assessed", "Erkenntnis bewertet"
    CONFERENCE_CHANGED = "conference_changed", "Konferenz geändert"
    MEASURE_CHANGED = "measure_changed", "Maßnahme geändert"
    CALENDAR_CHANGED = "calendar_changed", "Kalender geändert"
    INSPECTION_OPENED = "inspection_opened", "Sondereinsicht begonnen"
    INSPECTION_ENDED = "inspection_ended", "Sondereinsicht beendet"
    SETTINGS_CHANGED = "settings_changed", "Einstellung geändert"
    LOG_PURGED = "log_purged", "Protokoll nach Frist gelöscht"


# What counts as somebody having seen data.
READING = (Act.READ, Act.SEARCHED, Act.EXPORTED, Act.PRINTED, Act.PULLED)
# What the lead of an agency reads of others in its data.
TOLD_TO_OWNER = (*READING, Act.INSPECTION_OPENED, Act.INSPECTION_ENDED)


# What stays in the log although the request that tried it was rolled back.
FAILURES = (Act.LOGIN_FAILED, Act.CONFIRM_FAILED, Act.LOCKED_OUT, Act.ACCESS_REFUSED, Act.KEY_REFUSED)

# Without RETURNING: whoever writes need not be allowed to read what was written.
_INSERT = """INSERT INTO agencies_auditentry (at, action, user_id, api_key_id, agency_id, owner_id, recipient_id,
    object_type, object_id, purpose, facts) VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s::jsonb)"""


def record(
    act: Act,
    *,
    by,
    obj: models.Model | None = None,
    owner: Agency | None = None,
    recipient: Agency | None = None,
    purpose: str = "",
    **facts,
) -> None:
    """Write one entry. `by` is a person, an access key or None for the system; `facts` are ids and counts.

    A reading without a purpose of its own carries the one of the session or of the key.
    """
    if not purpose and by is not None and act in READING:
        purpose = by.purpose
    _write(connection, act, by, _reference(obj), owner, recipient, purpose, facts)


def record_failure(
    act: Act,
    *,
    by,
    obj: models.Model | None = None,
    object_type: str = "",
    object_id: str = "",
    owner: Agency | None = None,
    **facts,
) -> None:
    """Write the entry of something that was refused; it stays although the request is rolled back.

    Where the row itself was not looked up, `object_type` and `object_id` say what was asked for.
    """
    reference = _reference(obj) if obj is not None else (object_type, object_id)
    with connection_of_its_own() as own:
        _write(own, act, by, reference, owner, None, "", facts)


@contextmanager
def connection_of_its_own() -> Iterator[BaseDatabaseWrapper]:
    """A second connection for one statement, outside of the pool so that waiting for one cannot lock up the threads."""
    own = connection.copy()
    own.settings_dict["OPTIONS"].pop("pool", None)
    try:
        yield own
    finally:
        own.close()


def _reference(obj: models.Model | None) -> tuple[str, str]:
    return (obj._meta.label_lower, str(obj.pk)) if obj is not None else ("", "")


def _write(
    through: BaseDatabaseWrapper,
    act: Act,
    by,
    reference: tuple[str, str],
    owner: Agency | None,
    recipient: Agency | None,
    purpose: str,
    facts: dict,
) -> None:
    key = by.api_key if by is not None else None
    user_id = by.pk if by is not None and key is None else None
    agencies = (by.agency_id if by is not None else None, owner and owner.pk, recipient and recipient.pk)
    row = (timezone.now(), act.value, user_id, key and key.pk, *agencies, *reference, purpose, json.dumps(facts))
    with through.cursor() as cursor:
        cursor.execute(_INSERT, row)
