"""German words for what the log stores as names and values."""

from __future__ import annotations

from agencies.audit import Act
from agencies.memberships import Step
from agencies.models import AuditEntry, FactorKind, KeyScope, MembershipStatus
from agencies.roles import Role

ACTS = dict(Act.choices)
_OBJECTS = {
    "agencies.user": "Person",
    "agencies.agency": "Behörde",
    "agencies.inspection": "Sondereinsicht",
    "agencies.invitation": "Einladung",
    "agencies.signon": "Anmeldedienst",
    "agencies.apikey": "Zugangsschlüssel",
    "agencies.membership": "Mitgliedschaft",
    "agencies.auditcheckpoint": "Protokoll bis Position",
    "incidents.incident": "Vorfall",
    "incidents.complaint": "Beschwerde",
    "incidents.incidentnote": "Hinweis zu einem Vorfall",
    "incidents.complaintnote": "Hinweis zu einer Beschwerde",
    "incidents.importrun": "Dateiimport",
    "incidents.retentionrun": "Löschlauf",
    "lagebild.picture": "Lagebild",
    "lagebild.edition": "Ausgabe",
    "lagebild.finding": "Erkenntnis",
    "lagebild.calendarentry": "Kalendereintrag",
    "lagebild.deliverynotice": "Lieferhinweis",
    "lagebild.dangerrule": "Gefahrenregel",
    "lagebild.streamset": "eigener Strom",
    "lagebild.retrospect": "Rückblick",
    "conferences.conference": "Konferenz",
    "conferences.measure": "Maßnahme",
}
# Singular and plural of what a list entry counts; the interface names the plural.
_COUNTED = {
    "incident": ("Vorfall", "Vorfälle"),
    "incidents": ("Vorfall", "Vorfälle"),
    "complaint": ("Beschwerde", "Beschwerden"),
    "complaints": ("Beschwerde", "Beschwerden"),
}
FACTS = {
    "address": "Anschluss",
    "after": "nachher",
    "answer": "Antwort",
    "agencies": "Behörden",
    "before": "vorher",
    "conference": "Konferenz",
    "created": "neu",
    "decision": "Beschluss",
    "delete": "Löschung nach Monaten",
    "demonstration": "Demonstration",
    "edition": "Ausgabe",
    "factor": "zweiter Faktor",
    "endpoint": "Schnittstelle",
    "entries": "Einträge",
    "file": "Datei",
    "filters": "Bedingungen",
    "first_day": "erster Tag",
    "groups": "Gruppen",
    "hits": "Treffer",
    "is_active": "aktiv",
    "kind": "Art",
    "last_day": "letzter Tag",
    "left": "verbleibend",
    "level": "Freigabestufe",
    "method": "Methode",
    "log": "Bereich",
    "nothing": "Fehlanzeige",
    "number": "Nummer",
    "owners": "Daten von",
    "page": "Seite",
    "part": "Teil",
    "records": "Meldungen",
    "reason": "Grund",
    "refused": "abgelehnt",
    "retention": "Löschfrist",
    "review": "Prüfung nach Monaten",
    "revision": "Fassung",
    "roles": "Rollen",
    "route": "Seite oder Schnittstelle",
    "rows": "Zeilen",
    "rule": "Regel",
    "scope": "Umfang",
    "seed": "Startwert",
    "sessions": "Sitzungen",
    "sha256": "Prüfsumme",
    "sharing_defaults": "Vorgaben",
    "status": "Stand",
    "step": "Schritt",
    "stream": "Strom",
    "through": "durch",
    "typed": "Kennwert der Eingabe",
    "unchanged": "unverändert",
    "until": "bis",
    "updated": "geändert",
    "week": "Woche ab",
}
_VALUES = {
    **{role.value: role.label for role in Role},
    **{scope.value: scope.label for scope in KeyScope},
    **{step.value: step.label for step in Step},
    **{status.value: status.label for status in MembershipStatus},
    "True": "ja",
    "False": "nein",
    "internal": "Nur eigene Behörde",
    "statistics": "Nur zählen",
    "cooperation": "Kooperation",
    "incident": "Vorfall",
    "complaint": "Beschwerde",
    "asked": "angefordert",
    "reported": "gemeldet",
    "in_progress": "in Bearbeitung",
    "waiting": "wartet auf Rückmeldung",
    "rejected": "kein Handlungsbedarf",
    "planned": "geplant",
    "running": "läuft",
    "done": "abgeschlossen",
    "dropped": "eingestellt",
    "proposed": "vorgeschlagen",
    "confirmed": "bestätigt",
    "dismissed": "verworfen",
    "treated": "in Bearbeitung",
    "closed": "abgeschlossen",
    "created": "angelegt",
    "changed": "geändert",
    "removed": "gelöscht",
    "event": "Großveranstaltung",
    "school_holidays": "Schulferien",
    "late": "verspätete Lieferung",
    "missing": "fehlende Lieferung",
    "recounted": "andere Zählweise",
    "invited": "eingeladen",
    "held": "durchgeführt",
    "cancelled": "abgesagt",
    "discarded": "Entwurf gelöscht",
    "decided": "Beschluss festgehalten",
    "agenda_added": "Tagesordnungspunkt ergänzt",
    "agenda_changed": "Tagesordnungspunkt geändert",
    "agenda_moved": "Tagesordnung umgestellt",
    "agenda_removed": "Tagesordnungspunkt gelöscht",
    "edition_attached": "Ausgabe vorgelegt",
    "access_link": "Zugangslink",
    "password": "Passwort",
    "factor": "zweiter Faktor",
    "openid": "Anmeldedienst der Behörde",
    "service": "Anmeldedienst der Behörde",
    "sign_on": "Anmeldedienst",
    "none": "keiner",
    **{kind.value: kind.label for kind in FactorKind},
    "no_flow": "nicht oder anderswo begonnen",
    "state": "fremde Rückkehr",
    "nonce": "fremdes Zeichen des Dienstes",
    "token": "ungültiges Zeichen des Dienstes",
    "discovery": "Dienst nicht erreichbar",
    "issuer": "Dienst nennt sich anders",
    "email_unverified": "Adresse nicht bestätigt",
    "no_account": "kein offenes Konto der Behörde",
    "document": "Vereinbarung",
    "place": "Ort",
    "audit": "Protokoll",
    "readers": "Einsichten in die eigenen Daten",
    "expired": "Frist abgelaufen",
    "not_needed": "nicht mehr erforderlich",
    "unlawful": "irrtümlich oder unzulässig gespeichert",
    "all": "alle Meldungen",
    "areas": "Gebiete",
    "counts": "Zahlen",
    "categories": "Kategorien",
    "agencies": "Behörden",
}


def act_words(entry: AuditEntry) -> str:
    return ACTS.get(entry.action, entry.action)


def object_words(entry: AuditEntry) -> str:
    """What one entry is about: word and the start of its id; empty for lists."""
    return f"{_OBJECTS.get(entry.object_type, entry.object_type)} {entry.object_id[:8]}".strip()


def fact_words(entry: AuditEntry) -> str:
    return "; ".join(f"{FACTS.get(name, name)}: {_value_words(value)}" for name, value in sorted(entry.facts.items()))


def _value_words(value) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{name} {_value_words(part)}" for name, part in sorted(value.items())) or "keine"
    if isinstance(value, list):
        return ", ".join(map(_value_words, value)) or "keine"
    return _VALUES.get(str(value), str(value))


def read_words(entry: AuditEntry, slug: str) -> str:
    """What somebody has read of the agency with this slug: the one object, or how many rows of a list."""
    count = entry.facts.get("owners", {}).get(slug)
    if count is None:
        return object_words(entry)
    singular, plural = _COUNTED.get(entry.facts.get("kind") or entry.facts.get("endpoint"), ("Zeile", "Zeilen"))
    return f"{count} {singular if count == 1 else plural}"
