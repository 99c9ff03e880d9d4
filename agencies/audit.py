"""The one door to the append-only log. Entries name ids and verbs, never the text of a record."""

from __future__ import annotations

from django.db import models

from agencies.models import Agency, AuditEntry


class Act(models.TextChoices):
    LOGIN = "login", "Anmeldung"
    LOGIN_FAILED = "login_failed", "fehlgeschlagene Anmeldung"
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
    READ = "read", "Einsicht"
    SEARCHED = "searched", "Suche und Liste"
    EXPORTED = "exported", "Export"
    PRINTED = "printed", "Ausdruck"
    PULLED = "pulled", "Abruf über die Schnittstelle"
    CREATED = "created", "Erfassung"
    CHANGED = "changed", "Änderung"
    DELETED = "deleted", "Löschung"
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
    EDITION_FROZEN = "edition_frozen", "Ausgabe eingefroren"
    FINDING_ASSESSED = "finding_assessed", "Erkenntnis bewertet"
    CONFERENCE_CHANGED = "conference_changed", "Konferenz geändert"
    MEASURE_CHANGED = "measure_changed", "Maßnahme geändert"
    SETTINGS_CHANGED = "settings_changed", "Einstellung geändert"


# What counts as somebody having seen data.
READING = (Act.READ, Act.SEARCHED, Act.EXPORTED, Act.PRINTED, Act.PULLED)


def record(
    act: Act,
    *,
    by,
    obj: models.Model | None = None,
    owner: Agency | None = None,
    recipient: Agency | None = None,
    purpose: str = "",
    **facts,
) -> AuditEntry:
    """Write one entry. `by` is a person, an access key or None for the system; `facts` are ids and counts."""
    key = by.api_key if by is not None else None
    return AuditEntry.objects.create(
        action=act,
        user=by if by is not None and key is None else None,
        api_key=key,
        agency=by.agency if by is not None else None,
        owner=owner,
        recipient=recipient,
        object_type=obj._meta.label_lower if obj is not None else "",
        object_id=str(obj.pk) if obj is not None else "",
        purpose=purpose,
        facts=facts,
    )
