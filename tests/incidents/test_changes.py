"""The change feed against the rule: a mirror that applies it equals what the agency may see, after any history."""

from __future__ import annotations

import threading
from unittest import mock

import pytest
from django.core.exceptions import ValidationError
from django.db import connection, transaction
from django.test import Client
from django.utils import timezone
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule, run_state_machine_as_test

from agencies import memberships, sharing
from agencies.keys import create_api_key
from agencies.models import Agency, ApiKey, KeyScope, Membership, MembershipKind, MembershipStatus
from agencies.roles import Role
from agencies.scope import Scope
from agencies.visibility import SharingLevel
from incidents import actions, changes
from incidents.api.changes import _SERIALIZERS
from incidents.api.views import record_rows
from incidents.changes_models import ToldRecord
from incidents.models import Category, Kind
from tests import backstage, factories
from tests.incidents.test_withdrawal import withdraw_all_pending

SLUGS = ("alpha", "beta", "gamma")
MAKERS = {Kind.INCIDENT: factories.make_incident, Kind.COMPLAINT: factories.make_complaint}
kinds = st.sampled_from(list(Kind))
slugs = st.sampled_from(SLUGS)
numbers = st.integers(0, 5)


class Mirror:
    """A partner system with one key and one copy; it knows nothing but what the feed says."""

    def __init__(self, agency: Agency, kind: str = "") -> None:
        self.agency, self.kind = agency, kind
        self.key, self.secret = create_api_key(agency=agency, scope=KeyScope.READ, label="Kopie", by=None)
        self.copy: dict[tuple[str, str], dict] = {}
        self.cursor, self.is_within_round = "", False

    def pull(self, page_size: int = 3) -> dict:
        query = {"page_size": page_size, "kind": self.kind, "cursor": self.cursor}
        answer = Client().get(
            "/api/v1/changes/",
            {name: value for name, value in query.items() if value},
            headers={"Authorization": f"Api-Key {self.secret}"},
        )
        assert answer.status_code == 200, answer.content
        body = answer.json()
        for entry in body["results"]:
            if entry["change"] == "upsert":
                self.copy[entry["kind"], entry["id"]] = entry["record"]
            else:
                assert entry["record"] is None
                self.copy.pop((entry["kind"], entry["id"]), None)
        self.cursor, self.is_within_round = body["cursor"], body["has_more"]
        return body

    def drain(self, page_size: int = 3) -> list[dict]:
        """Finish a round that has been begun, then take a whole one."""
        entries = self._to_the_end(page_size) if self.is_within_round else []
        return entries + self._to_the_end(page_size)

    def _to_the_end(self, page_size: int) -> list[dict]:
        entries = []
        for _ in range(500):
            body = self.pull(page_size)
            entries += body["results"]
            if not body["has_more"]:
                return entries
        raise AssertionError("The feed does not come to an end.")

    def server(self) -> dict[tuple[str, str], dict]:
        """What the lists of the interface give this key right now."""
        key = ApiKey.objects.select_related("agency").get(pk=self.key.pk)
        found = {}
        for kind in [Kind(self.kind)] if self.kind else list(Kind):
            for face in _SERIALIZERS[kind](record_rows(kind, key), many=True).data:
                found[kind.value, face["id"]] = face
        return found


class AnyHistory(RuleBasedStateMachine):
    """Three agencies do whatever agencies do; each has a mirror of everything and one of a single kind."""

    def __init__(self) -> None:
        super().__init__()
        self.undo = transaction.atomic()
        self.undo.__enter__()
        factories.make_city()
        for slug in SLUGS:
            agency = factories.make_agency(slug)
            factories.make_person(agency, Role.RELEASE, email=f"freigabe@{slug}.example")
            factories.make_person(agency, Role.ENTRY, email=f"erfassung@{slug}.example")
        self.mirrors = [Mirror(agency, kind) for agency in Agency.objects.all() for kind in ("", Kind.INCIDENT.value)]
        self.keys = [mirror.key for mirror in self.mirrors[::2]]
        self.ever: dict[int, set] = {agency.pk: set() for agency in Agency.objects.all()}

    def teardown(self) -> None:
        try:
            for mirror in self.mirrors:
                self.drained(mirror)
        finally:
            transaction.set_rollback(True)
            self.undo.__exit__(None, None, None)

    # What the agencies do.

    def agency(self, slug: str) -> Agency:
        return Agency.objects.get(slug=slug)

    def person(self, agency: Agency, role: str = "freigabe"):
        return type(agency).objects.get(pk=agency.pk).people.get(email=f"{role}@{agency.slug}.example")

    def record(self, kind: Kind, number: int):
        rows = list(actions.MODEL_OF_KIND[kind].objects.order_by("created_at").select_related("agency"))
        return rows[number % len(rows)] if rows else None

    def attempt(self, kind: Kind, number: int, act) -> None:
        """Take a step with one record as its owner; a refusal is as good as any other history."""
        record = self.record(kind, number)
        if record is None:
            return
        try:
            with transaction.atomic():
                act(record, self.person(record.agency))
        except ValidationError:
            pass
        self.note_sight()

    def note_sight(self) -> None:
        for key in self.keys:
            key = ApiKey.objects.select_related("agency").get(pk=key.pk)
            for kind, model in actions.MODEL_OF_KIND.items():
                seen = model.objects.visible_to(key).values_list("pk", flat=True)
                self.ever[key.agency_id] |= {(kind.value, str(pk)) for pk in seen}

    @rule(slug=slugs, kind=kinds, level=st.sampled_from(SharingLevel.values))
    def report(self, slug, kind, level) -> None:
        MAKERS[kind](self.agency(slug), sharing_level=level)
        self.note_sight()

    @rule(kind=kinds, number=numbers, severity=st.integers(1, 4))
    def change_the_face(self, kind, number, severity) -> None:
        def act(record, by) -> None:
            type(record).objects.filter(pk=record.pk).update(severity=severity)
            record.touch()

        self.attempt(kind, number, act)

    @rule(kind=kinds, number=numbers, text=st.sampled_from(["Eins", "Zwei"]))
    def change_the_detail(self, kind, number, text) -> None:
        def act(record, by) -> None:
            record.detail_model().objects.filter(record=record).update(description=text)

        self.attempt(kind, number, act)

    @rule(kind=kinds, number=numbers, level=st.sampled_from(SharingLevel.values))
    def set_level(self, kind, number, level) -> None:
        self.attempt(kind, number, lambda record, by: actions.set_level(record=record, level=level, by=by))

    @rule(kind=kinds, number=numbers, slug=slugs)
    def grant(self, kind, number, slug) -> None:
        self.attempt(kind, number, lambda record, by: sharing.grant(record=record, to=self.agency(slug), by=by))

    @rule(kind=kinds, number=numbers, slug=slugs)
    def revoke(self, kind, number, slug) -> None:
        self.attempt(kind, number, lambda record, by: sharing.revoke(record=record, to=self.agency(slug), by=by))

    @rule(kind=kinds, number=numbers)
    def clear_a_note(self, kind, number) -> None:
        def act(record, by) -> None:
            actions.propose_note(record=record, text="Hinweis", by=self.person(record.agency, "erfassung"))
            actions.clear_note(record=record, by=by)

        self.attempt(kind, number, act)

    @rule(kind=kinds, number=numbers)
    def delete(self, kind, number) -> None:
        self.attempt(kind, number, lambda record, by: record.delete())

    @rule(slug=slugs, step=st.sampled_from(["suspend", "lift", "end", "expire", "narrow", "rejoin"]))
    def membership(self, slug, step) -> None:
        agency = self.agency(slug)
        running = agency.memberships.current().first()
        try:
            with transaction.atomic():
                getattr(self, f"_{step}")(agency, running)
        except ValidationError:
            pass
        self.note_sight()

    def _suspend(self, agency, running) -> None:
        if running:
            memberships.suspend_membership(membership=running, reason="Prüfung", by=None)

    def _lift(self, agency, running) -> None:
        if running:
            memberships.propose_lifting(membership=running, reason="Geklärt", by=None)
            memberships.lift_suspension(membership=running, by=None)

    def _end(self, agency, running) -> None:
        if running:
            memberships.end_membership(membership=running, reason="Austritt", by=None)

    def _expire(self, agency, running) -> None:
        if running:
            yesterday = timezone.localdate() - timezone.timedelta(days=1)
            Membership.objects.filter(pk=running.pk).update(valid_until=yesterday)

    def _narrow(self, agency, running) -> None:
        if running:
            narrow = Scope(groups=frozenset({"incident-group"}))
            memberships.set_scope(
                membership=running, scope=narrow, words="", valid_until=running.valid_until, reason="Darum", by=None
            )

    def _rejoin(self, agency, running) -> None:
        if running is None and not agency.memberships.exclude(withdrawal="").exists():
            Membership.objects.create(
                agency=agency,
                kind=MembershipKind.VOTING,
                status=MembershipStatus.ACTIVE,
                valid_from=timezone.localdate(),
                signed_on=timezone.localdate(),
            )

    @rule(is_shareable=st.booleans())
    def change_the_catalogue(self, is_shareable) -> None:
        changed = Category.objects.filter(slug="complaint-kind").exclude(is_shareable=is_shareable)
        if changed.update(is_shareable=is_shareable, in_picture=is_shareable) and not is_shareable:
            memberships.withdraw_outside()
        self.note_sight()

    @rule()
    def withdraw(self) -> None:
        withdraw_all_pending()
        self.note_sight()

    # What the mirrors do.

    @rule(number=st.integers(0, 5), page_size=st.integers(1, 4))
    def pull(self, number, page_size) -> None:
        mirror = self.mirrors[number]
        server = mirror.server()
        self.check(mirror, mirror.pull(page_size)["results"], server)

    @rule(number=st.integers(0, 5))
    def start_over(self, number) -> None:
        mirror = self.mirrors[number]
        mirror.copy, mirror.cursor, mirror.is_within_round = {}, "", False
        self.drained(mirror)

    @rule(number=st.integers(0, 5))
    def drain(self, number) -> None:
        self.drained(self.mirrors[number])

    def drained(self, mirror: Mirror) -> None:
        server = mirror.server()
        self.check(mirror, mirror.drain(page_size=20), server)
        assert mirror.copy == server

    def check(self, mirror: Mirror, entries: list[dict], server: dict) -> None:
        for entry in entries:
            key = entry["kind"], entry["id"]
            assert key in self.ever[mirror.agency.pk]
            assert (entry["change"] == "upsert") == (key in server)
            assert entry["record"] == server.get(key)


def test_a_mirror_equals_what_may_be_seen_after_any_history(db):
    calm = settings(
        max_examples=15,
        stateful_step_count=30,
        deadline=None,
        suppress_health_check=list(HealthCheck),
        phases=set(Phase) - {Phase.shrink},
    )
    with mock.patch.object(changes, "STRETCH", 3), mock.patch.object(changes, "STRETCHES", 2):
        run_state_machine_as_test(AnyHistory, settings=calm)


def test_what_partners_did_with_the_confidential_part_is_not_told(world):
    record = factories.make_incident(world.police, sharing_level=SharingLevel.COOPERATION, description="Eins")
    hidden = factories.make_incident(world.police)
    partner, owner = Mirror(world.order), Mirror(world.police)
    assert {entry["id"] for entry in partner.drain()} == {str(record.pk)}
    owner.drain()
    type(record.detail).objects.update(description="Zwei")
    record.refresh_from_db()
    record.save()
    actions.set_level(record=hidden, level=SharingLevel.STATISTICS, by=world.owner_release)
    sharing.grant(record=hidden, to=world.fire, by=world.owner_release)
    hidden.delete()
    assert partner.drain() == []
    assert {entry["change"] for entry in owner.drain()} == {"upsert", "withdrawn"}
    assert not ToldRecord.objects.filter(agency=world.order, record_id=hidden.pk).exists()


def test_places_of_one_feed_say_nothing_of_others(world):
    """Whatever happens elsewhere, the next entry of a feed gets the next place."""
    mirror = Mirror(world.order)
    mirror.drain()
    for _ in range(5):
        factories.make_incident(world.police)
    Mirror(world.police).drain()
    factories.make_incident(world.police, sharing_level=SharingLevel.COOPERATION)
    mirror.drain()
    assert list(ToldRecord.objects.filter(agency=world.order).values_list("position", flat=True)) == [1]


def test_suspension_while_a_page_is_being_written_takes_its_foreign_rows(world):
    """The membership is looked up again when the page is ready."""
    record = factories.make_incident(world.police, sharing_level=SharingLevel.COOPERATION)
    mirror = Mirror(world.order)
    recheck = changes.visible_now

    def suspend_first(**arguments):
        with backstage.behind():
            memberships.suspend_membership(membership=world.order.memberships.get(), reason="Sofort", by=None)
        return recheck(**arguments)

    with mock.patch.object(changes, "visible_now", suspend_first):
        entries = mirror.pull(10)["results"]
    assert entries == [{"change": "withdrawn", "kind": "incident", "id": str(record.pk), "record": None}]


@pytest.mark.parametrize("who", ["owner", "reader"])
def test_a_cursor_from_before_a_suspension_gives_no_foreign_row_after_it(world, who):
    for _ in range(7):
        factories.make_incident(world.police, sharing_level=SharingLevel.COOPERATION)
    own = factories.make_incident(world.order)
    mirror = Mirror(world.order)
    mirror.pull(3)
    suspended = world.police if who == "owner" else world.order
    memberships.suspend_membership(membership=suspended.memberships.get(), reason="Sofort", by=None)
    entries = mirror.drain()
    assert {entry["id"] for entry in entries if entry["change"] == "upsert"} <= {str(own.pk)}
    assert set(mirror.copy) == {("incident", str(own.pk))}
    running = suspended.memberships.get()
    memberships.propose_lifting(membership=running, reason="Geklärt", by=None)
    memberships.lift_suspension(membership=running, by=None)
    mirror.drain()
    assert len(mirror.copy) == 8


def test_withdrawals_are_forgotten_when_no_cursor_can_ask_for_them(world, time_machine):
    record = factories.make_incident(world.police, sharing_level=SharingLevel.COOPERATION)
    mirror = Mirror(world.order)
    mirror.drain()
    actions.set_level(record=record, level=SharingLevel.INTERNAL, by=world.owner_release)
    mirror.drain()
    start = timezone.now()
    ApiKey.objects.update(expires_at=start + timezone.timedelta(days=400))
    for days, left in ((89, 1), (101, 0)):
        time_machine.move_to(start + timezone.timedelta(days=days), tick=False)
        Mirror(world.order).drain()
        assert ToldRecord.objects.filter(agency=world.order).count() == left


@pytest.mark.django_db(transaction=True)
def test_a_transaction_that_commits_late_is_told_when_it_has(transactional_db):
    """An older change that becomes visible after a newer one was handed out is not passed by."""
    from_elsewhere = factories.make_agency("alpha")
    mirror = Mirror(factories.make_agency("beta"))
    late = factories.make_incident(from_elsewhere)
    written, may_commit = threading.Event(), threading.Event()

    def share_slowly() -> None:
        with backstage.behind(), transaction.atomic():
            type(late).objects.filter(pk=late.pk).update(
                sharing_level=SharingLevel.COOPERATION, updated_at=timezone.now()
            )
            written.set()
            may_commit.wait(20)
        connection.close()

    thread = threading.Thread(target=share_slowly)
    thread.start()
    assert written.wait(20)
    newer = factories.make_incident(from_elsewhere, sharing_level=SharingLevel.COOPERATION)
    assert [entry["id"] for entry in mirror.drain()] == [str(newer.pk)]
    may_commit.set()
    thread.join(20)
    assert [entry["id"] for entry in mirror.drain()] == [str(late.pk)]


@pytest.mark.django_db(transaction=True)
def test_two_pulls_at_once_give_every_place_once(transactional_db):
    owner = factories.make_agency("alpha")
    for _ in range(12):
        factories.make_incident(owner, sharing_level=SharingLevel.COOPERATION)
    mirrors = [Mirror(factories.make_agency("beta"))]
    mirrors += [Mirror(mirrors[0].agency) for _ in range(3)]

    def drain(mirror: Mirror) -> None:
        mirror.drain()
        connection.close()

    threads = [threading.Thread(target=drain, args=[mirror]) for mirror in mirrors]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert [len(mirror.copy) for mirror in mirrors] == [12] * 4
    positions = list(ToldRecord.objects.values_list("position", flat=True))
    assert positions == list(range(1, 13))
