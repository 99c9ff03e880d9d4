"""What is posted to each route so that whoever may do it succeeds: a refusal is then never one of the form."""

from __future__ import annotations

import datetime
from collections.abc import Callable

from django.core.files.uploadedfile import SimpleUploadedFile
from django.utils import timezone

from agencies.purpose import PURPOSES
from agencies.roles import Role
from conferences.models import Body, MeasureStatus
from incidents.importing.weeks import weeks_without_delivery
from tests import factories
from tests.access.stage import Stage

NEW_PASSWORD = "Noch-ein-Kennwort-2026"


def _day(days: int) -> str:
    return f"{timezone.localdate() + datetime.timedelta(days=days):%d.%m.%Y}"


def _record(kind: str) -> dict:
    place = {"lon": "7,8078", "lat": "51,6781", "accuracy": "point"}
    texts = {"description": "Gesehen", "reference": "Neu 1"}
    return {"category": f"{kind}-kind", "severity": "2", "occurred_from": "gestern 10:00"} | place | texts


def _records(kind: str) -> dict[str, Callable[[Stage], dict]]:
    return {
        "create": lambda stage: _record(kind) | {"sharing_level": "internal"},
        "edit": lambda stage: _record(kind) | {"reference": ""},
        "export": lambda stage: {"purpose": "Vorbereitung der Sitzung"},
        "defaults": lambda stage: {f"{kind}-kind": "cooperation"},
        "advance": lambda stage: {"status": "in_progress"},
        "level": lambda stage: {"sharing_level": "statistics", "reason": "Anlass"},
        "grant": lambda stage: {"agency": "zoll", "reason": "Anlass"},
        "note": lambda stage: {"text": "Mit Werkzeug"},
    }


def _danger_rule(name: str) -> dict:
    numbers = {"severity": "3", "count": "2", "window_days": "7", "agencies": "1", "reach": "cell"}
    return {"name": name, "good": "life", "what": ["category:incident-kind"]} | numbers


def _stream(name: str) -> dict:
    return {"name": name, "kind": "incident", "categories": ["incident-kind", "incident-second"]}


def _event() -> dict:
    return {"name": "Neues Fest", "first_day": _day(60), "extent": "city", "radius_m": "500"}


def _notice(days: int) -> dict:
    return {"kind": "late", "first_day": _day(days), "last_day": _day(days)}


def _conference() -> dict:
    return {"body": Body.CONFERENCE.value, "title": "Neu", "date": _day(9), "time": "10:00", "place": "Rathaus"}


def _upload() -> dict:
    return {"kind": "incident", "file": SimpleUploadedFile("neu.csv", b"kategorie;beginn\nquatsch;gestern\n")}


PAYLOADS: dict[str, Callable[[Stage], dict]] = {
    "login": lambda stage: {"username": stage.world.partner.email, "password": factories.PASSWORD},
    "invitation": lambda stage: {"new_password1": NEW_PASSWORD, "new_password2": NEW_PASSWORD},
    "confirm": lambda stage: {"password": factories.PASSWORD},
    "sessions": lambda stage: {"sitzung": "andere"},
    "password_forgotten": lambda stage: {"email": stage.world.partner.email},
    "agencies:leads": lambda stage: {"person": stage.world.owner_lead.pk},
    "agencies:sign_on": lambda stage: {"issuer": "https://127.0.0.1:9", "client_id": "neu", "is_active": "on"},
    "agencies:inspection": lambda stage: {"reason": "Prüfung einer Beschwerde über die Freigaben"},
    "password_change": lambda stage: {
        "old_password": factories.PASSWORD,
        "new_password1": NEW_PASSWORD,
        "new_password2": NEW_PASSWORD,
    },
    "agencies:person_add": lambda stage: {
        "full_name": "Neu",
        "email": "neu@polizei.example",
        "roles": [Role.ENTRY.value],
    },
    "agencies:person": lambda stage: {"roles": [Role.ENTRY.value]},
    "purpose": lambda stage: {"purpose": PURPOSES[0]},
    "agencies:key_add": lambda stage: {
        "label": "Nachtabruf",
        "purpose": "Lagebeurteilung",
        "scope": "read",
        "days": "30",
        "networks": "",
    },
    "agencies:membership_step": lambda stage: {"aussetzen-reason": "Probe"},
    "membership_scope": lambda stage: {"level": "statistics", "areas": ["west"], "valid_until": "", "reason": "Probe"},
    "imports:index": lambda stage: _upload(),
    "imports:nothing": lambda stage: {"week": weeks_without_delivery(stage.world.police)[0].isoformat()},
    "lagebild:danger_rule_add": lambda stage: _danger_rule("Neue Regel"),
    "lagebild:danger_rule": lambda stage: _danger_rule("Andere Regel"),
    "lagebild:retrospects": lambda stage: {
        "stream": "group:incident-group",
        "first_day": _day(-120),
        "last_day": _day(-1),
        "longest_days": "28",
    },
    "lagebild:stream_set_add": lambda stage: (
        _stream("Neuer Strom") | {"categories": ["incident-kind", "incident-third"]}
    ),
    "lagebild:stream_set": lambda stage: _stream("Anderer Strom"),
    "lagebild:calendar_event_add": lambda stage: _event(),
    "lagebild:calendar_entry": lambda stage: _event(),
    "lagebild:calendar_holidays_add": lambda stage: {"name": "Ferien", "first_day": _day(90), "last_day": _day(95)},
    "lagebild:calendar_notice_add": lambda stage: _notice(20),
    "lagebild:calendar_notice": lambda stage: _notice(30),
    "lagebild:finding": lambda stage: {"status": "confirmed", "assessment": "Trifft zu"},
    "lagebild:freeze": lambda stage: {"title": "Zweite", "body": "Runde", "picture": str(stage.things.picture.pk)},
    "retention:rules": lambda stage: {"scope": "all", "review_after_months": "6", "delete_after_months": "24"},
    "retention:check_incident": lambda stage: {"until": _day(400), "reason": "Verfahren läuft"},
    "retention:check_complaint": lambda stage: {"until": _day(400), "reason": "Verfahren läuft"},
    "lagebild_retention:delete_incident": lambda stage: {"reason": "not_needed"},
    "lagebild_retention:delete_complaint": lambda stage: {"reason": "unlawful"},
    "conferences:create": lambda stage: _conference(),
    "conferences:edit": lambda stage: _conference() | {"agencies": [stage.world.order.pk]},
    "conferences:edition": lambda stage: {"edition": str(stage.things.edition.pk)},
    "conferences:item_add": lambda stage: {"title": "Neuer Punkt"},
    "conferences:item_edit": lambda stage: {"title": "Anderer Punkt"},
    "conferences:item_move": lambda stage: {"direction": "down"},
    "conferences:decision_add": lambda stage: {
        "text": "Beschluss",
        "votes_for": "1",
        "votes_against": "0",
        "votes_abstained": "0",
    },
    "conferences:measure_add": lambda stage: {
        "title": "Streife",
        "agency": stage.world.order.pk,
        "due_on": _day(20),
    },
    "measures:detail": lambda stage: {"status": MeasureStatus.RUNNING.value, "text": "Begonnen"},
    **{f"incidents:{name}": payload for name, payload in _records("incident").items()},
    **{f"complaints:{name}": payload for name, payload in _records("complaint").items()},
}


def api_record(route: str) -> dict | list:
    """What a partner system sends to enter one record, alone or in bulk."""
    kind, _, name = route.removeprefix("api:").partition("s-")
    record = {"category": f"{kind}-kind", "occurred_from": "2026-11-01T10:00:00+01:00", "reference": "Neu 1"}
    return [record] if name == "bulk" else record
