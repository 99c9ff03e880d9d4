"""Roles of a person within their agency, and what each role may do. The table is the only place that says so."""

from django.db import models


class Role(models.TextChoices):
    MEMBER = "member", "Mitglied"
    ENTRY = "entry", "Erfassung"
    RELEASE = "release", "Freigabe"
    LEAD = "lead", "Leitung"
    CHAIR = "chair", "Vorsitz/Geschäftsstelle"
    DATA_PROTECTION = "data_protection", "Datenschutz"
    ADMIN = "admin", "Administration"


# Roles a person can be given; the member role is technical: every person of an agency is in its member group.
ASSIGNABLE_ROLES = tuple(role for role in Role if role is not Role.MEMBER)
# These roles exist only at the coordination office.
COORDINATION_ROLES = frozenset({Role.CHAIR, Role.DATA_PROTECTION, Role.ADMIN})

_STAFF = frozenset({Role.ENTRY, Role.RELEASE, Role.LEAD})

CAPABILITIES: dict[str, frozenset[Role]] = {
    "read_records": _STAFF | {Role.CHAIR},
    "enter_records": _STAFF,
    "share_records": frozenset({Role.RELEASE, Role.LEAD}),
    "clear_notes": frozenset({Role.RELEASE, Role.LEAD}),
    "import_records": frozenset({Role.RELEASE, Role.LEAD}),
    "lead_agency": frozenset({Role.LEAD}),
    "read_picture": _STAFF | {Role.CHAIR},
    "define_methods": frozenset({Role.LEAD, Role.CHAIR}),
    "assess_findings": frozenset({Role.CHAIR}),
    "freeze_editions": frozenset({Role.CHAIR}),
    "run_conferences": frozenset({Role.CHAIR}),
    "report_measures": frozenset({Role.RELEASE, Role.LEAD, Role.CHAIR}),
    "enter_events": frozenset({Role.RELEASE, Role.LEAD, Role.CHAIR}),
    "maintain_calendar": frozenset({Role.CHAIR}),
    "read_audit": frozenset({Role.DATA_PROTECTION}),
    "administer_memberships": frozenset({Role.ADMIN}),
    # Opens no record by itself: only while an inspection runs (`agencies.inspections`).
    "inspect_records": frozenset({Role.ADMIN}),
}

# What a capability lets a person do, in the words of the account page.
CAPABILITY_LABELS: dict[str, str] = {
    "read_records": "Vorfälle und Beschwerden der eigenen Behörde und freigegebene Meldungen der Partner einsehen",
    "enter_records": "Vorfälle und Beschwerden erfassen und bearbeiten",
    "share_records": "Freigabestufen ändern, einzelne Meldungen für Partner freigeben, ihre Löschung prüfen",
    "clear_notes": "Hinweise für Partner freigeben",
    "import_records": "Meldungen und Anzahlen aus Dateien übernehmen, Hinweise zu eigenen Lieferungen geben",
    "lead_agency": "Personen, Rollen, Schlüssel und Löschfristen der eigenen Behörde verwalten, Einsichten nachlesen",
    "read_picture": "Lagebild, Erkenntnisse, Konferenzen und Maßnahmen einsehen",
    "define_methods": "Gefahrenregeln und eigene Ströme des Lagebilds festlegen",
    "assess_findings": "Erkenntnisse bewerten",
    "freeze_editions": "Ausgaben des Lagebilds einfrieren",
    "run_conferences": "Konferenzen vorbereiten, einladen und festhalten",
    "report_measures": "den Sachstand von Maßnahmen melden",
    "enter_events": "Großveranstaltungen in den Kalender des Lagebilds eintragen",
    "maintain_calendar": "Schulferien und alle Großveranstaltungen im Kalender des Lagebilds pflegen",
    "read_audit": "das Protokoll durchsuchen und Löschnachweise einsehen",
    "administer_memberships": "Mitgliedschaften der Behörden verwalten",
    "inspect_records": "mit Begründung und für höchstens 30 Minuten die Meldungen einer Behörde einsehen",
}


def capabilities_of(role: Role) -> list[str]:
    """What the role may do, as sentences for people, in the order of the table."""
    return [CAPABILITY_LABELS[name] for name, roles in CAPABILITIES.items() if role in roles]
