"""One city with something on every page: what the tables of routes and the search for leaks walk through."""

from __future__ import annotations

import datetime
import json
from dataclasses import dataclass
from itertools import count
from types import SimpleNamespace

from django.conf import settings
from django.contrib.auth.tokens import default_token_generator
from django.core.files.base import ContentFile
from django.core.files.uploadedfile import SimpleUploadedFile
from django.http import HttpResponse
from django.test import Client
from django.utils import timezone
from django.utils.encoding import force_bytes
from django.utils.http import urlsafe_base64_encode

from agencies import audit, openid, sharing
from agencies.factors import add_passkey
from agencies.keys import create_api_key
from agencies.models import Agency, KeyScope, User
from agencies.people import invitation_token, invite
from agencies.visibility import SharingLevel
from conferences import actions as meetings
from conferences.measures import create_measure, report_progress
from conferences.models import Body, MeasureStatus
from incidents.actions import NOTE_OF_KIND
from incidents.importing import kept
from incidents.models import Kind, Record, RetentionRule
from lagebild.actions import build_picture
from lagebild.calendar_actions import EntryData, NoticeData, add_entry, give_notice
from lagebild.calendar_models import CalendarEntry, DeliveryNotice, EntryKind
from lagebild.danger_actions import save_rule
from lagebild.danger_checks import check_dangers
from lagebild.danger_models import DangerRule, Reach
from lagebild.edition_content import EditionOrder
from lagebild.editions import freeze_edition
from lagebild.models import Finding
from lagebild.retention import apply_retention
from lagebild.retrospect_models import Retrospect, RetrospectState
from lagebild.stream_models import StreamSet
from lagebild.stream_sets import save_set
from tests import factories
from tests.conftest import World, make_world, state_purpose

MAKERS = {Kind.INCIDENT: factories.make_incident, Kind.COMPLAINT: factories.make_complaint}
NAMESPACES = {Kind.INCIDENT: "incidents", Kind.COMPLAINT: "complaints"}
# Digits that are nowhere else: they betray the exact place even when it is rounded.
EXACT = (7.8073129, 51.6781193)
EXACT_DIGITS = ("7.80731", "51.67811", "7,80731", "51,67811")
RUNNING_NUMBERS = count(1_900_000_001)
# One client for all, its cookies cleared before each request: a new one would load the middleware every time.
_client = Client()
# The public half of a key pair that nobody has.
PASSKEY = (
    "AAAAAAAAAAAAAAAAAAAAAAAQaWRpZGlkaWRpZGlkaWRpZKUBAgMmIAEhWCCqSioPU8+VqXWZLlYEFzFONKQEkYxEfVnebB+ml0DaTSJYILpM"
    "FRpoODvnGYyTbIeJ5Nx5Q+oeKUAidXA5CFTTZsEm"
)
NOTE_TEXT = "Zwitscher-Hinweis ohne Freigabe"
# A meeting to which only the customs office is invited, and what came of it.
CLOSED = {
    name: f"Zwitscher-Sitzung-{name}"
    for name in ("title", "place", "item", "explanation", "decision", "measure", "description", "report")
}
PLANNED_TITLE = "Zwitscher-Planung"
AGREED = {"signatory": "Zwitscher-Unterzeichner", "reason": "Zwitscher-Begründung"}
PURPOSE = "Zwitscher-Zweck der Ausgabe"
# A heading of an uploaded file, a key of its mapping, and a cell of it; the cell is kept in the file alone.
UPLOADED = {"heading": "Zwitscher-Spalte", "mapped": "Zwitscher-Zuordnung", "cell": "Zwitscher-Zelle"}


@dataclass(frozen=True)
class Stage:
    world: World
    args: dict[str, list]
    records: dict[tuple[str, str], Record]
    things: SimpleNamespace
    secrets: dict[str, str]
    keys: dict[str, str]
    sessions: dict[str, str]

    def ask(self, who: str, method: str, url: str, data: dict | None = None, **headers) -> HttpResponse:
        """One request of a person of the cast by name, or of "anonymous", in a browser of its own."""
        _client.cookies.clear()
        if who in self.sessions:
            _client.cookies[settings.SESSION_COOKIE_NAME] = self.sessions[who]
        if method == "POST" and data is not None:
            return _read(_client.post(url, data, headers=headers))
        return _read(_client.generic(method, url, headers=headers))

    def pull(self, key: str, url: str, method: str = "GET", data: dict | list | None = None, **headers) -> HttpResponse:
        """One request of a partner system with the key of that name, or with none."""
        headers |= {"Authorization": f"Api-Key {self.keys[key]}"} if key in self.keys else {}
        body = b"" if data is None else json.dumps(data)
        _client.cookies.clear()
        return _read(_client.generic(method, url, body, content_type="application/json", headers=headers))


def _read(response: HttpResponse) -> HttpResponse:
    """Take the whole answer in; the file it may stream from is closed at its end."""
    if response.streaming:
        response.content_read = b"".join(response.streaming_content)
    return response


def body_of(response: HttpResponse) -> bytes:
    return response.content_read if response.streaming else response.content


def canaries(kind: str, label: str) -> dict[str, str]:
    """Confidential texts of one record; each can be told from every other."""
    names = ["reference", "place_text", "description", "internal_note"]
    if kind == Kind.COMPLAINT:
        names += ["complainant_contact", "reporter_key"]
    return {name: f"Zwitscher-{kind}-{label}-{name}" for name in names}


def _record(agency: Agency, kind: str, label: str, level: str, **fields) -> Record:
    record = MAKERS[kind](agency, sharing_level=level, place=EXACT, **(canaries(kind, label) | fields))
    record.detail_model().objects.filter(record=record).update(number=next(RUNNING_NUMBERS))
    record.detail.refresh_from_db()
    return record


def _records(world: World) -> dict[tuple[str, str], Record]:
    """Per kind: police records of every level and way of sharing, one of the partner, one of the suspended agency."""
    records = {}
    for kind in Kind:
        unshareable = factories.make_category(
            f"{kind}-conduct", kind=kind, group=f"{kind}-group", is_shareable=False, in_picture=False
        )
        plan = {
            "internal": (world.police, SharingLevel.INTERNAL, {}),
            "statistics": (world.police, SharingLevel.STATISTICS, {}),
            "cooperation": (world.police, SharingLevel.COOPERATION, {}),
            "granted": (world.police, SharingLevel.INTERNAL, {}),
            "conduct": (world.police, SharingLevel.INTERNAL, {"category": unshareable}),
            "withdrawn": (world.tax, SharingLevel.COOPERATION, {}),
        }
        for label, (agency, level, fields) in plan.items():
            records[kind, label] = _record(agency, kind, label, level, **fields)
        sharing.grant(record=records[kind, "granted"], to=world.order, by=world.owner_release)
        for label in ("internal", "cooperation"):
            NOTE_OF_KIND[kind].objects.create(
                record=records[kind, label], agency=world.police, text=NOTE_TEXT, written_by=world.owner_entry
            )
    return records


def make_background(world: World) -> None:
    """Enough shared incidents for a picture with one cluster around the station."""
    day = datetime.timedelta(days=1)
    for number in range(14):
        moment = timezone.now() - (2 + 5 * number) * day
        agency = (world.police, world.order)[number % 2]
        factories.make_incident(agency, sharing_level=SharingLevel.COOPERATION, occurred_from=moment)
    for number in range(30):
        place = (7.79 + 0.01 * (number % 6), 51.664 + 0.007 * (number % 5))
        if abs(place[0] - factories.STATION[0]) > 0.014 or abs(place[1] - factories.STATION[1]) > 0.009:
            moment = timezone.now() - (3 + 11 * number) * day
            factories.make_incident(
                world.fire, sharing_level=SharingLevel.COOPERATION, occurred_from=moment, place=place
            )


def _meeting(world: World, title: str, agencies: list[Agency], place: str = "Rathaus"):
    return meetings.create_conference(
        body=Body.CONFERENCE,
        title=title,
        starts_at=timezone.now() - datetime.timedelta(hours=1),
        place=place,
        agencies=agencies,
        by=world.chair,
    )


def _closed_meeting(world: World) -> tuple:
    """The order office is not invited, yet one of its measures comes from there."""
    meeting = _meeting(world, CLOSED["title"], [world.customs], CLOSED["place"])
    item = meetings.add_agenda_item(
        conference=meeting, title=CLOSED["item"], note=CLOSED["explanation"], by=world.chair
    )
    meetings.invite(conference=meeting, by=world.chair)
    decision = meetings.record_decision(conference=meeting, text=CLOSED["decision"], agenda_item=item, by=world.chair)
    due_on = timezone.localdate() + datetime.timedelta(days=30)
    hidden, given = (
        create_measure(decision=decision, agency=agency, due_on=due_on, by=world.chair, **texts)
        for agency, texts in (
            (world.customs, {"title": CLOSED["measure"], "description": CLOSED["description"]}),
            (world.order, {"title": "Streifengang"}),
        )
    )
    report_progress(measure=hidden, text=CLOSED["report"], status=MeasureStatus.RUNNING, by=world.chair)
    return meeting, hidden, given


def _things(world: World) -> SimpleNamespace:
    picture = build_picture(date=timezone.localdate())
    finding = picture.sightings.order_by("rank")[0].finding
    edition = freeze_edition(
        picture=picture, order=EditionOrder(title="Lagebild der Probe", body="Sicherheitskonferenz"), by=world.chair
    )
    planned = _meeting(world, PLANNED_TITLE, [world.order])
    closed, hidden_measure, given_measure = _closed_meeting(world)
    meeting = _meeting(world, "Sitzung mit Gästen", [world.order, world.guest_agency])
    item = meetings.add_agenda_item(conference=meeting, title="Bahnhof", finding=finding, by=world.chair)
    meetings.add_agenda_item(conference=meeting, title="Verschiedenes", by=world.chair)
    meetings.attach_edition(conference=meeting, edition=edition, by=world.chair)
    meetings.invite(conference=meeting, by=world.chair)
    decision = meetings.record_decision(conference=meeting, text="Mehr Licht", agenda_item=item, by=world.chair)
    due_on = timezone.localdate() + datetime.timedelta(days=30)
    measure = create_measure(decision=decision, title="Laternen", agency=world.order, due_on=due_on, by=world.chair)
    membership = world.police.memberships.get()
    membership.document.save("Zwitscher-Ablage.pdf", ContentFile(b"%PDF-1.7 Zwitscher-Vereinbarung"))
    type(membership).objects.filter(pk=membership.pk).update(**AGREED)
    key, _ = create_api_key(agency=world.police, scope=KeyScope.READ, label="Zwitscher-Schlüssel", by=world.owner_lead)
    table = f"kategorie;beginn;{UPLOADED['heading']}\nquatsch;gestern;{UPLOADED['cell']}\n"
    upload = SimpleUploadedFile("Zwitscher-Datei.csv", table.encode())
    columns = {"category": "kategorie", "occurred_from": "beginn"}
    mapping = {"name": UPLOADED["mapped"], "columns": columns}
    run = kept.keep_check(upload=upload, kind=Kind.INCIDENT, mapping=mapping, by=world.owner_release)
    audit.record(audit.Act.EXPORTED, by=world.owner_release, purpose=PURPOSE, owners={"polizei": 1})
    term = RetentionRule.objects.create(agency=world.police, review_after_months=6, delete_after_months=12)
    proof = apply_retention(agency=world.police, today=timezone.localdate())
    factor = add_passkey(user=world.owner_entry, label="Zwitscher-Faktor", public_key=PASSKEY, counter=0)
    invited = invite(agency=world.police, email="dana@neu.example", full_name="X", roles=[], by=world.owner_lead)
    configure_sign_on(world)
    event, school_holidays, notice = _calendar(world)
    rule, danger, stream_set = _definitions(world)
    return SimpleNamespace(
        look_back=_look_back(world.owner_lead, finding),
        siko_look_back=_look_back(world.chair, finding),
        rule=rule,
        danger=danger,
        stream_set=stream_set,
        event=event,
        school_holidays=school_holidays,
        notice=notice,
        factor=factor,
        invited=invited,
        term=term,
        proof=proof,
        picture=picture,
        finding=finding,
        edition=edition,
        planned=planned,
        closed=closed,
        hidden_measure=hidden_measure,
        given_measure=given_measure,
        meeting=meeting,
        item=item,
        decision=decision,
        measure=measure,
        membership=membership,
        key=key,
        run=run,
    )


def _definitions(world: World) -> tuple[DangerRule, Finding, StreamSet]:
    """A rule of the police, the danger it has raised out of records of several agencies, and a stream of the police."""
    for slug in ("incident-second", "incident-third"):
        factories.make_category(slug, group="incident-group")
    rule = DangerRule(
        name="Häufung am Ort",
        good="life",
        categories=["incident-kind"],
        count=2,
        reach=Reach.CELL,
        window_days=14,
    )
    save_rule(definition=rule, by=world.owner_lead)
    (danger,) = check_dangers()
    kinds = ["incident-kind", "incident-second"]
    stream_set = save_set(row=StreamSet(name="Beides", kind=Kind.INCIDENT, categories=kinds), by=world.owner_lead)
    return rule, danger, stream_set


def _look_back(by: User, finding: Finding) -> Retrospect:
    """One that is finished, with a cluster at the place of the finding."""
    today = timezone.localdate()
    day = datetime.timedelta(days=1)
    asked = Retrospect.objects.create(
        agency=by.agency,
        asked_by=by,
        stream="group:incident-group",
        stream_label="Incident-Group",
        kind=Kind.INCIDENT,
        first_day=today - 120 * day,
        last_day=today - day,
        longest_days=28,
        state=RetrospectState.DONE,
        finished_at=timezone.now(),
        cases=40,
        least=5,
        replicates=999,
    )
    sighting = finding.sightings.first()
    asked.clusters.create(
        rank=1,
        center_cell=sighting.center_cell,
        cells=sighting.cells,
        place_label=finding.place_label,
        first_day=today - 30 * day,
        last_day=today - 20 * day,
        count=9,
        expected=2.5,
        llr=9.0,
        p_value=0.004,
        is_merged_only=True,
        agencies=["polizei"],
    )
    return asked


def _calendar(world: World) -> tuple[CalendarEntry, CalendarEntry, DeliveryNotice]:
    today = timezone.localdate()
    days = {"first_day": today, "last_day": today}
    event = EntryData(kind=EntryKind.EVENT, name="Stadtfest", **days)
    holidays = EntryData(kind=EntryKind.SCHOOL_HOLIDAYS, name="Ferientag", **days)
    return (
        add_entry(data=event, by=world.owner_lead),
        add_entry(data=holidays, by=world.chair),
        give_notice(data=NoticeData(kind="late", **days), by=world.owner_lead),
    )


def configure_sign_on(world: World) -> None:
    """A service at an address that is never called."""
    openid.configure(
        agency=world.police,
        issuer="https://127.0.0.1:9/zwitscher-dienst",
        client_id="portal",
        client_secret="zwitscher-dienst-geheim",
        asserts_factor=False,
        is_active=True,
        by=world.admin,
    )


def _secrets(world: World, records: dict[tuple[str, str], Record]) -> dict[str, str]:
    """What only the owner may ever read, by name. Short ids and faces are no secrets."""
    found = {}
    for (kind, label), record in records.items():
        for name, text in canaries(kind, label).items():
            found[f"{kind} {label} {name}"] = text
        found[f"{kind} {label} number"] = record.detail.number_label
        found[f"{kind} {label} bare number"] = str(record.detail.number)
    found |= {f"exact {digits}": digits for digits in EXACT_DIGITS}
    found |= {f"meeting {name}": text for name, text in CLOSED.items()} | {"meeting planned": PLANNED_TITLE}
    found |= {f"membership {name}": text for name, text in AGREED.items()}
    found |= {f"upload {name}": text for name, text in UPLOADED.items()}
    found |= {f"person {name}": _name(name) for name in STAFF} | {"person address": "@polizei.example"}
    return found | {
        "purpose": PURPOSE,
        "stored name": "Zwitscher-Ablage",
        "uncleared note": NOTE_TEXT,
        "agreement": "Zwitscher-Vereinbarung",
        "key": "Zwitscher-Schlüssel",
        "file": "Zwitscher-Datei",
        "factor": "Zwitscher-Faktor",
        "sign-on service": "zwitscher-dienst",
    }


def _keys(world: World) -> dict[str, str]:
    agencies = {
        "owner": world.police,
        "partner": world.order,
        "stranger": world.fire,
        "suspended": world.tax,
        "guest": world.guest_agency,
        "siko": world.siko,
    }
    keys = {}
    for name, agency in agencies.items():
        for scope in (KeyScope.READ,) if agency.is_coordination else KeyScope:
            _, keys[f"{name} {scope.value}"] = create_api_key(agency=agency, scope=scope, label=name, by=None)
    expired, keys["expired"] = create_api_key(
        agency=world.police, scope=KeyScope.WRITE, label="alt", by=None, valid_for=datetime.timedelta(seconds=-1)
    )
    revoked, keys["revoked"] = create_api_key(agency=world.police, scope=KeyScope.WRITE, label="weg", by=None)
    type(revoked).objects.filter(pk=revoked.pk).update(revoked_at=timezone.now())
    _, keys["elsewhere"] = create_api_key(
        agency=world.police, scope=KeyScope.WRITE, label="fern", by=None, networks=["10.9.0.0/16"]
    )
    keys["wrong"] = f"{expired.prefix}.{'x' * 43}"
    return keys


STAFF = ("owner_entry", "owner_release", "owner_lead", "inactive")


def _name(of: str) -> str:
    return f"Zwitscher-Name {of.replace('_', ' ').title()}"


def _name_staff(world: World) -> None:
    for name in STAFF:
        person = world.people()[name]
        person.full_name = _name(name)
        person.save(update_fields=("full_name",))


def build_stage() -> Stage:
    world = make_world()
    _name_staff(world)
    records = _records(world)
    make_background(world)
    things = _things(world)
    sessions = {name: _session_of(person) for name, person in world.people().items()}
    meeting, run = things.meeting.pk, things.run.pk
    args = {
        "": [],
        "own agency": ["polizei"],
        "guest agency": ["schulaufsicht"],
        "own entry": ["polizei", world.owner_entry.pk],
        "own key": ["polizei", things.key.pk],
        "own term": [things.term.pk],
        "own proof": [things.proof.pk],
        "own membership": ["polizei", things.membership.pk],
        "suspend": ["feuerwehr", "aussetzen"],
        "link": _access_link(world.owner_entry),
        "own factor": [things.factor.pk],
        "own invitation": ["polizei", things.invited.pk],
        "invitation": [invitation_token(things.invited)],
        "incident": ["incident"],
        "run": [run],
        "finding": [things.finding.pk],
        "danger": [things.danger.pk],
        "own rule": [things.rule.pk],
        "own stream": [things.stream_set.pk],
        "own look back": [things.look_back.pk],
        "siko look back": [things.siko_look_back.pk],
        "event": [things.event.pk],
        "school holidays": [things.school_holidays.pk],
        "notice": [things.notice.pk],
        "edition": [things.edition.pk],
        "meeting": [meeting],
        "planned": [things.planned.pk],
        "closed": [things.closed.pk],
        "hidden measure": [things.hidden_measure.pk],
        "given measure": [things.given_measure.pk],
        "hold": [meeting, "durchgefuehrt"],
        "item": [meeting, things.item.pk],
        "decision": [meeting, things.decision.pk],
        "measure": [things.measure.pk],
        "picture": [things.picture.pk],
        "agency": ["polizei"],
        "category": ["incident-kind"],
        "area": ["west"],
        "nothing": ["gibt-es-nicht/"],
    }
    for (kind, label), record in records.items():
        args[f"{kind} {label}"] = [record.pk]
        args[f"{kind} {label} revision"] = [record.pk, record.revisions.first().pk]
        args[f"{kind} {label} grant"] = [record.pk, "ordnungsamt"]
    return Stage(world, args, records, things, _secrets(world, records), _keys(world), sessions)


def _access_link(person: User) -> list[str]:
    """Valid as long as the person does not sign in again."""
    person.refresh_from_db()
    return [urlsafe_base64_encode(force_bytes(person.pk)), default_token_generator.make_token(person)]


def _session_of(person: User) -> str:
    client = Client()
    client.force_login(person, backend="django.contrib.auth.backends.ModelBackend")
    state_purpose(client)
    return client.session.session_key
