"""The life of a record as its owner may read it: out of the log, in plain German."""

from __future__ import annotations

import datetime
from dataclasses import dataclass

from django.utils import timezone

from agencies.audit import FAILURES, Act
from agencies.models import AuditEntry
from agencies.visibility import SharingLevel
from incidents.models import Record
from incidents.workflow import Status

MOST_LINES = 200
_READING = frozenset({Act.READ, Act.SEARCHED, Act.EXPORTED, Act.PRINTED, Act.PULLED})


@dataclass
class Line:
    at: datetime.datetime
    text: str
    who: str
    purpose: str
    times: int = 1


def history_of(record: Record) -> list[Line]:
    """Newest first; readings of one agency on one day are one line. One query; for the owner's eyes only."""
    entries = AuditEntry.objects.filter(object_type=record._meta.label_lower, object_id=str(record.pk))
    entries = entries.exclude(action__in=FAILURES)
    lines: list[Line] = []
    readings: dict[tuple, Line] = {}
    for entry in entries.select_related("user", "agency", "recipient", "api_key")[:MOST_LINES]:
        line = Line(entry.at, _text(entry), _who(entry, record), entry.purpose)
        if entry.action in _READING:
            key = (entry.action, entry.agency_id, timezone.localdate(entry.at))
            if key in readings:
                readings[key].times += 1
                continue
            readings[key] = line
        lines.append(line)
    return lines


def _who(entry: AuditEntry, record: Record) -> str:
    """Own people by name; of others the agency answers, not the person."""
    if entry.agency_id != record.agency_id:
        return entry.agency.short_name if entry.agency else "System"
    if entry.api_key is not None:
        return f"Zugangsschlüssel {entry.api_key.label}"
    return str(entry.user) if entry.user else "System"


def _text(entry: AuditEntry) -> str:
    facts = entry.facts
    if entry.action == Act.LEVEL_CHANGED:
        before, after = SharingLevel(facts["before"]).label, SharingLevel(facts["after"]).label
        return f"Freigabestufe von „{before}“ auf „{after}“ geändert"
    if entry.action == Act.GRANTED:
        return f"Einzelfreigabe an {entry.recipient} erteilt"
    if entry.action == Act.REVOKED:
        return f"Einzelfreigabe an {entry.recipient} zurückgenommen"
    if entry.action == Act.CREATED:
        return f"Erfasst auf der Stufe „{SharingLevel(facts['level']).label}“"
    if entry.action == Act.CHANGED:
        return f"Status auf „{Status(facts['status']).label}“ gesetzt" if "status" in facts else "Angaben geändert"
    return Act(entry.action).label
