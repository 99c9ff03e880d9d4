"""Nobody reads foreign data without an entry in the log, nor before a purpose is stated: every route, every partner."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest
from django.db.models import Max
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from agencies.audit import READING
from agencies.models import REGULAR_PULL, Agency, AuditEntry
from agencies.purpose import PURPOSES, SESSION_KEY
from incidents.actions import NOTE_OF_KIND
from incidents.models import Complaint, Incident, Kind
from tests.access.routes import API_ROWS, PAGE_ROWS
from tests.access.stage import NAMESPACES, Stage
from tests.access.test_leaks import addresses, text_of

PEOPLE = ("chair", "guest", "suspended", "stranger", "partner_release", "owner_lead")
KEYS = ("guest write", "suspended write", "siko read", "stranger write", "partner write", "owner read")
NOTE = "Reiher-Hinweis, freigegeben"


@pytest.fixture
def noted(stage) -> Stage:
    """A note cleared for the partners on each record that was granted."""
    world = stage.world
    for kind in Kind:
        NOTE_OF_KIND[kind].objects.create(
            record=stage.records[kind, "granted"],
            agency=world.police,
            text=f"{NOTE} {kind}",
            written_by=world.owner_entry,
            cleared_by=world.owner_release,
            cleared_at=timezone.now(),
        )
    return stage


def markers(agency: Agency) -> dict[str, set[str]]:
    """By owner, what only a foreign face can bring into an answer."""
    found: dict[str, set[str]] = {}
    for model in (Incident, Complaint):
        for record in model.objects.exclude(agency=agency).select_related("agency", "note"):
            words = found.setdefault(record.agency.slug, set())
            words |= {record.short_id, str(record.pk)}
            if getattr(record, "note", None) is not None:
                words.add(record.note.text)
    return found


def requests(stage: Stage, who: str) -> Iterator[tuple[str, object]]:
    """Every address and every export, one after the other, with what came back."""
    if who in KEYS:
        for name, url in addresses(stage, API_ROWS).items():
            yield name, stage.pull(who, url)
        return
    for name, url in addresses(stage, PAGE_ROWS).items():
        yield name, stage.ask(who, "GET", url)
    for namespace in NAMESPACES.values():
        yield f"{namespace} export", stage.ask(who, "POST", reverse(f"{namespace}:export"), {"purpose": "Probe"})


def newest() -> int:
    return AuditEntry.objects.aggregate(last=Max("pk"))["last"] or 0


def concerned(entry: AuditEntry) -> set[str]:
    return {entry.owner.slug} if entry.owner else set(entry.facts.get("owners", {}))


def seen_owners(answer, marks: dict[str, set[str]]) -> set[str]:
    if answer.status_code != 200:
        return set()
    text = text_of(answer)
    return {owner for owner, words in marks.items() if any(word in text for word in words)}


READS_FOREIGN = {
    "chair": 13,
    "stranger": 13,
    "partner_release": 17,
    "owner_lead": 6,
    "siko read": 3,
    "stranger write": 3,
    "partner write": 5,
    "owner read": 1,
}


@pytest.mark.parametrize("who", [*PEOPLE, *KEYS])
def test_every_answer_with_foreign_data_has_its_one_entry(noted, who):
    key_agency = {"siko": noted.world.siko, "stranger": noted.world.fire, "partner": noted.world.order}
    key_agency |= {"owner": noted.world.police, "guest": noted.world.guest_agency, "suspended": noted.world.tax}
    agency = key_agency[who.split()[0]] if who in KEYS else noted.world.people()[who].agency
    marks = markers(agency)
    purposes = {REGULAR_PULL} if who in KEYS else {PURPOSES[0], "Probe"}
    last, with_foreign, faults = newest(), 0, []
    for name, answer in requests(noted, who):
        entries = list(AuditEntry.objects.filter(pk__gt=last).select_related("owner"))
        last = newest()
        owners = seen_owners(answer, marks)
        if not owners:
            continue
        with_foreign += 1
        if len(entries) != 1 or entries[0].action not in READING or not owners <= concerned(entries[0]):
            faults.append((name, owners, [(entry.action, concerned(entry)) for entry in entries]))
        elif entries[0].purpose not in purposes or answer.headers.get("ETag"):
            faults.append((name, entries[0].purpose, answer.headers.get("ETag")))
    assert faults == []
    assert with_foreign >= READS_FOREIGN.get(who, 0)
    assert (with_foreign == 0) == (who not in READS_FOREIGN)


def without_purpose(stage: Stage, who: str) -> Stage:
    """The same city, where this person has signed in and not been asked yet."""
    client = Client()
    client.force_login(stage.world.people()[who], backend="django.contrib.auth.backends.ModelBackend")
    assert SESSION_KEY not in client.session
    return replace(stage, sessions={who: client.session.session_key})


@pytest.mark.parametrize("who", PEOPLE)
def test_no_page_shows_foreign_data_before_a_purpose_is_stated(noted, who):
    unasked, marks = without_purpose(noted, who), markers(noted.world.people()[who].agency)
    asked, shown = set(), {}
    for name, url in addresses(noted, PAGE_ROWS).items():
        answer = unasked.ask(who, "GET", url)
        if answer.status_code == 302 and answer["Location"].startswith(reverse("purpose")):
            asked.add(name)
        elif answer.status_code == 200 and (owners := seen_owners(answer, marks)):
            shown[name] = owners
    assert shown == {}
    assert bool(asked) == (who in READS_FOREIGN)
    own = {name for name in asked if " internal" in name or "create" in name or "export" in name}
    assert own == set()
