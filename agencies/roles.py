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
    "assess_findings": frozenset({Role.CHAIR}),
    "freeze_editions": frozenset({Role.CHAIR}),
    "run_conferences": frozenset({Role.CHAIR}),
    "read_audit": frozenset({Role.DATA_PROTECTION}),
    "administer_memberships": frozenset({Role.ADMIN}),
}
