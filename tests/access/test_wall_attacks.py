"""What somebody who can run any SQL inside a request still cannot do: the attacks of a review, one test each."""

from __future__ import annotations

import datetime

import psycopg
import pytest
from django.db import DatabaseError, connection, transaction
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from agencies.audit import Act
from agencies.keys import create_api_key
from agencies.models import ApiKey, AuditEntry, Factor, FactorKind, KeyScope, Session, User
from agencies.sessions import SessionStore, digest_of_key
from agencies.visibility import SharingLevel
from agencies.wall.context import Office
from agencies.wall.install import declared_tables
from agencies.wall.policies import Guarded
from conferences.models import Body, Conference, Decision, Invitation, Measure
from hamm_security.local.postgres import BUILDER, WEB
from hamm_security.settings import database
from incidents.models import IncidentNote
from tests import backstage, factories
from tests.access.test_row_policies import rows, value

BY_POLICY = "row-level security"
BY_PRIVILEGE = "permission denied"


def run(statement: str, *arguments) -> int:
    """Execute without fetching; how many rows it has touched."""
    with connection.cursor() as cursor:
        cursor.execute(statement, arguments or None)
        return cursor.rowcount


def refused(why: str, statement: str, *arguments) -> None:
    with pytest.raises(DatabaseError, match=why), transaction.atomic():
        run(statement, *arguments)


def key_of(agency) -> ApiKey:
    ends = timezone.now() + datetime.timedelta(days=30)
    return ApiKey.objects.create(agency=agency, label="Abruf", prefix=agency.slug[:12], scope="read", expires_at=ends)


def test_nobody_moves_into_another_agency(world):
    for person in (world.partner, world.partner_release):
        with backstage.acting(person):
            refused(BY_POLICY, "UPDATE agencies_user SET agency_id = %s WHERE id = %s", world.police.pk, person.pk)
            assert run("UPDATE agencies_user SET password = 'x' WHERE id = %s", person.pk) == 1


@pytest.mark.parametrize("change", ["is_active = false", "email = 'x@y.example'", "is_superuser = true"])
@pytest.mark.parametrize("who", ["partner", "visitor"])
def test_signing_on_changes_what_signing_on_needs(world, who, change):
    actor = Office.VISITOR if who == "visitor" else world.partner
    statement = f"UPDATE agencies_user SET {change} WHERE id = %s"  # noqa: S608 - the changes above
    with backstage.acting(actor):
        refused(BY_POLICY, statement, world.partner.pk)


def test_a_visitor_makes_no_key_no_invitation_and_no_factor(world):
    key_of(world.police)
    Factor.objects.create(user=world.owner_lead, kind=FactorKind.TOTP, secret="x")
    invite = (
        "INSERT INTO agencies_invitation"
        " (id, agency_id, email, full_name, roles, invited_by_id, created_at, expires_at)"
        " VALUES (gen_random_uuid(), %s, 'x@y.example', 'X', '{lead}', %s, now(), now() + interval '1 day')"
    )
    with backstage.acting(Office.VISITOR):
        refused(BY_POLICY, "UPDATE agencies_apikey SET secret_hash = 'x'")
        refused(BY_POLICY, "UPDATE agencies_apikey SET agency_id = %s", world.order.pk)
        assert run("UPDATE agencies_apikey SET last_used_at = now()") == 1
        refused(BY_POLICY, invite, world.police.pk, world.owner_lead.pk)
        refused(BY_POLICY, "UPDATE agencies_factor SET secret = 'y'")
        assert run("DELETE FROM agencies_factor") == 0
        assert run("UPDATE agencies_factor SET counter = 7") == 1


def test_comparing_a_row_tells_nothing_about_rows_one_may_not_read(world):
    question = "SELECT wall.keeps('agencies_user', %s, jsonb_build_object('id', %s::int), %s)"
    columns = [field.column for field in User._meta.concrete_fields if field.column != "id"]
    with backstage.acting(world.partner):
        assert value(question, str(world.partner.pk), world.partner.pk, columns) is True
        assert value(question, str(world.owner_entry.pk), world.owner_entry.pk, columns) is None


def test_how_many_people_hold_which_role_elsewhere_is_not_told(world):
    """Roles are seen as far as the people are: own and coordination office; all by who administers or signs on."""
    people, holders = "SELECT id FROM agencies_user", "SELECT DISTINCT user_id FROM agencies_user_groups"
    everybody = set(rows(holders))
    actors = (
        *(world.partner, world.owner_lead, world.chair, world.admin, world.data_protection, world.superuser),
        *(world.suspended, world.order, key_of(world.order), Office.VISITOR, Office.OPERATOR),
    )
    seen = {}
    for actor in actors:
        with backstage.acting(actor):
            seen[actor] = set(rows(holders))
            assert seen[actor] == set(rows(people)) & everybody
    with backstage.front():
        assert rows(holders) == []
    assert seen[world.partner] < everybody
    assert seen[world.admin] == everybody


@pytest.mark.parametrize("who", ["partner", "partner_release", "chair", "data_protection", "suspended", "guest"])
def test_no_row_of_another_agency_is_changed_deleted_or_moved(world, who):
    """Tried at every table that says whose a row is, column by column, with a condition and without."""
    record = factories.make_incident(world.police, sharing_level=SharingLevel.COOPERATION)
    factories.make_complaint(world.police)
    IncidentNote.objects.create(record=record, agency=world.police, text="Hinweis", written_by=world.owner_entry)
    key_of(world.police)
    actor, done = getattr(world, who), set()
    columns = rows(
        "SELECT table_name, column_name FROM information_schema.columns"
        " WHERE table_schema = 'public' AND is_identity = 'NO' AND is_generated = 'NEVER'"
    )
    owned = {table for table, column in columns if column == "agency_id"}
    foreign = f"WHERE agency_id <> {actor.agency_id}"
    # All names come out of the catalogue.
    attempts = [f"UPDATE {table} SET {name} = {name} {foreign}" for table, name in columns if table in owned]  # noqa: S608
    attempts += [f"DELETE FROM {table} {foreign}" for table in owned]  # noqa: S608
    attempts += [f"UPDATE {table} SET agency_id = {world.fire.pk}" for table in owned]  # noqa: S608
    with backstage.acting(actor):
        for statement in attempts:
            try:
                with transaction.atomic():
                    done |= {statement} if run(statement) else set()
            except DatabaseError:
                continue
    assert len(attempts) > 300
    assert done == set()


def test_nobody_hangs_a_note_onto_a_foreign_record(world):
    foreign = factories.make_incident(world.police, sharing_level=SharingLevel.COOPERATION)
    own = factories.make_incident(world.order)
    note = (
        "INSERT INTO incidents_incidentnote (record_id, agency_id, text, written_by_id, written_at)"
        " VALUES (%s, %s, 'Falsch', %s, now())"
    )
    with backstage.acting(world.partner_release):
        refused(BY_POLICY, note, foreign.pk, world.order.pk, world.partner_release.pk)
        assert run(note, own.pk, world.order.pk, world.partner_release.pk) == 1
        refused(BY_POLICY, "UPDATE incidents_incidentnote SET record_id = %s", foreign.pk)
    assert IncidentNote.objects.get().record_id == own.pk


ENTRY = (
    "INSERT INTO agencies_auditentry"
    " (at, action, user_id, api_key_id, agency_id, object_type, object_id, purpose, facts)"
    " VALUES (now(), %s, %s, %s, %s, '', '', '', '{}')"
)


def test_nobody_writes_into_the_log_in_anothers_name(world):
    key = key_of(world.police).pk
    mine, other = (world.partner.pk, None, world.order.pk), (world.owner_entry.pk, None, world.police.pk)
    with backstage.acting(world.partner):
        for name in (other, (world.partner.pk, None, world.police.pk), (None, key, world.police.pk)):
            refused(BY_POLICY, ENTRY, Act.EXPORTED, *name)
        assert run(ENTRY, Act.EXPORTED, *mine) == 1
    with backstage.acting(world.order):
        refused(BY_POLICY, ENTRY, Act.EXPORTED, *other)
    with backstage.acting(Office.VISITOR):
        refused(BY_POLICY, ENTRY, Act.EXPORTED, *other)
        assert run(ENTRY, Act.LOGIN, *other) == 1
    with backstage.front():
        refused(BY_POLICY, ENTRY, Act.EXPORTED, *mine)
        assert run(ENTRY, Act.ACCESS_REFUSED, *mine) == 1
    with backstage.as_builder():
        refused(BY_POLICY, ENTRY, Act.EXPORTED, *other)
        assert run(ENTRY, Act.PICTURE_BUILT, None, None, None) == 1


def test_the_triggers_of_log_and_history_cannot_be_switched_off(world):
    step = factories.make_incident(world.order)
    with backstage.acting(world.partner):
        rows("SELECT set_config('pgtrigger.ignore', '{pgtrigger_append_only_e8a3d}', true)")
        assert value("SELECT public._pgtrigger_should_ignore('pgtrigger_append_only_e8a3d')") is False
    with backstage.acting(world.partner):
        ignored = rows(
            "SELECT tgname FROM pg_trigger WHERE tgrelid = 'incidents_incident'::regclass AND NOT tgisinternal"
        )
        rows("SELECT set_config('pgtrigger.ignore', %s, true)", "{" + ",".join(name for (name,) in ignored) + "}")
        before = value("SELECT count(*) FROM incidents_incidentrevision")
        assert run("UPDATE incidents_incident SET severity = 1 + severity WHERE id = %s", step.pk) == 1
        assert value("SELECT count(*) FROM incidents_incidentrevision") == before + 1


@pytest.mark.django_db
@pytest.mark.parametrize(
    "question",
    [
        "SELECT wall.signature('', '', 'a')",
        "SELECT wall.acting()",
        "SELECT wall.may(ROW('person', 1, 1, NULL, NULL, NULL)::wall.acting, 'lead_agency')",
        "SELECT wall.inspected_by(ROW('person', 1, 1, NULL, NULL, NULL)::wall.acting)",
        "SELECT wall.members_on(current_date)",
        "SELECT nextval('agencies_auditentry_id_seq')",
        "CREATE TEMP TABLE incidents_incident (id int)",
        "CREATE TEMP VIEW mine AS SELECT 1",
        "CREATE FUNCTION pg_temp.mine() RETURNS int LANGUAGE sql AS 'SELECT 1'",
    ],
)
@pytest.mark.parametrize("login", [WEB, BUILDER])
def test_the_logins_ask_and_leave_nothing_beside_the_tables(login, question):
    with backstage.front(login):
        refused(BY_PRIVILEGE, question)


@pytest.mark.django_db
def test_sequences_tell_no_counts():
    with backstage.front():
        assert rows("SELECT sequencename FROM pg_sequences WHERE last_value IS NOT NULL") == []


@pytest.mark.django_db
def test_groups_are_the_administrations(world):
    with backstage.acting(world.partner):
        assert run("UPDATE auth_group SET name = name || 'x'") == 0
        refused(BY_POLICY, "INSERT INTO auth_group (name) VALUES ('x')")


@pytest.mark.django_db
def test_the_planner_keeps_no_statistics_of_confidential_columns():
    """EXPLAIN estimates from them, also for rows under a policy, and so would tell values step by step."""
    expected = {
        (name, column)
        for name, table in declared_tables().items()
        if isinstance(table, Guarded)
        for column in table.unmeasured
    }
    found = rows("SELECT attrelid::regclass::text, attname FROM pg_attribute WHERE attstattarget = 0 AND attnum > 0")
    assert expected <= set(found)
    assert ("incidents_incidentdetail", "description") in expected
    assert ("incidents_complaintdetail", "complainant_contact") in expected


@pytest.mark.django_db(transaction=True)
def test_running_statements_are_hidden_from_who_shares_the_login():
    options = connection.settings_dict["OPTIONS"]
    where = {"host": connection.settings_dict["HOST"] or options.get("host"), "port": options.get("port")}
    where = {name: part for name, part in where.items() if part} | {"dbname": connection.settings_dict["NAME"]}
    with psycopg.connect(user=WEB, **where) as one, psycopg.connect(user=WEB, **where) as other:
        one.execute("SELECT 'Geheim'")
        seen = other.execute(
            "SELECT string_agg(query, ' ') FROM pg_stat_activity WHERE usename = %s", [WEB]
        ).fetchone()[0]
    assert "Geheim" not in seen


def test_history_does_not_go_while_nobody_acts(world):
    """At the end of the transaction the trigger asks whether the record is gone: for who sees none, all are."""
    factories.make_incident(world.order)
    factories.make_complaint(world.order)
    with backstage.acting(world.partner):
        for kind in ("incident", "complaint"):
            assert run(f"UPDATE incidents_{kind} SET severity = 1 + severity") == 1  # noqa: S608
            forget = f"DELETE FROM incidents_{kind}revision; SELECT set_config('portal.context', '', true);"  # noqa: S608
            refused("goes with its record only", f"{forget} SET CONSTRAINTS ALL IMMEDIATE")


@pytest.mark.django_db(transaction=True)
def test_nothing_set_on_a_pooled_connection_waits_for_the_next_request():
    options = connection.settings_dict["OPTIONS"]
    where = {"host": connection.settings_dict["HOST"] or options.get("host"), "port": options.get("port")}
    where = {name: part for name, part in where.items() if part} | {"dbname": connection.settings_dict["NAME"]}
    forget = database("DATABASE_URL", "postgresql:///x?user=y", pool=True)["OPTIONS"]["pool"]["reset"]
    with psycopg.connect(user=WEB, **where) as left:
        left.execute("SET search_path = nowhere")
        left.execute("PREPARE mine AS SELECT 1")
        left.execute("DECLARE mine CURSOR WITH HOLD FOR SELECT 1")
        left.commit()
        forget(left)
        assert left.info.transaction_status == psycopg.pq.TransactionStatus.IDLE
        assert left.execute("SHOW search_path").fetchone() == ('"$user", public',)
        assert left.execute("SHOW TimeZone").fetchone() == ("UTC",)
        kept = left.execute("SELECT (SELECT count(*) FROM pg_prepared_statements), (SELECT count(*) FROM pg_cursors)")
        assert kept.fetchone() == (0, 0)


def test_progress_is_reported_by_who_is_responsible(world):
    decided = Decision.objects.create(
        conference=Conference.objects.create(
            body=Body.CONFERENCE, title="Sitzung", starts_at=timezone.now(), place="Rathaus", status="held"
        ),
        number=1,
        text="Beschluss",
    )
    for agency in (world.order, world.police):
        Invitation.objects.create(conference=decided.conference, agency=agency)
    due = timezone.localdate()
    mine, other = (
        Measure.objects.create(decision=decided, title="Maßnahme", agency=agency, due_on=due)
        for agency in (world.order, world.police)
    )
    report = (
        "INSERT INTO conferences_measurereport (measure_id, text, status, reported_by_id, reported_at)"
        " VALUES (%s, 'Erledigt', 'done', %s, now())"
    )
    with backstage.acting(world.partner_release):
        assert value("SELECT count(*) FROM conferences_measure") == 2
        refused(BY_POLICY, report, other.pk, world.partner_release.pk)
        refused(BY_POLICY, report, mine.pk, world.owner_lead.pk)
        assert run(report, mine.pk, world.partner_release.pk) == 1


def test_who_is_responsible_changes_how_far_a_measure_is_and_not_what_was_decided(world):
    """The decision a measure follows from, and its meeting, are opened by the measure."""
    decided, foreign = (
        Decision.objects.create(
            conference=Conference.objects.create(
                body=Body.CONFERENCE, title=title, starts_at=timezone.now(), place="Rathaus", status="held"
            ),
            number=1,
            text="Beschluss",
        )
        for title in ("Eigene", "Fremde")
    )
    mine = Measure.objects.create(decision=decided, title="Maßnahme", agency=world.order, due_on=timezone.localdate())
    change = "UPDATE conferences_measure SET {} WHERE id = %s"
    with backstage.acting(world.partner_release):
        refused(BY_POLICY, change.format("decision_id = %s"), foreign.pk, mine.pk)
        refused(BY_POLICY, change.format("due_on = due_on + 99"), mine.pk)
        assert run(change.format("status = 'done', result = 'Erledigt'"), mine.pk) == 1
        assert rows("SELECT title FROM conferences_conference") == [("Eigene",)]


def test_behind_a_keys_request_no_visitor_waits(world):
    """Going back to the savepoint of the view takes back who acts; a visitor could set everybody's password."""
    _, key = create_api_key(agency=world.order, scope=KeyScope.READ, label="Abruf", by=None)
    found = []

    def go_back(execute, statement, *rest):
        if not found and "incidents_incident" in statement:
            raw = connection.connection
            acted = raw.execute("SELECT wall.kind()").fetchone()
            raw.execute(f'ROLLBACK TO SAVEPOINT "{connection.savepoint_ids[-1]}"')
            found.extend((*acted, *raw.execute("SELECT wall.kind()").fetchone()))
        return execute(statement, *rest)

    with connection.execute_wrapper(go_back):
        Client(headers={"Authorization": f"Api-Key {key}"}).get(reverse("api:incidents-list"))
    assert found == ["key", None]


@pytest.mark.django_db
def test_a_copied_session_opens_nothing(world):
    victim, thief = SessionStore(), SessionStore()
    for store, person in ((victim, world.owner_lead), (thief, world.partner)):
        store["_auth_user_id"] = str(person.pk)
        store.save()
    with backstage.acting(world.partner):
        copied = Session.objects.get(session_key=digest_of_key(victim.session_key)).session_data
        Session.objects.filter(session_key=digest_of_key(thief.session_key)).update(session_data=copied)
    assert SessionStore(victim.session_key)["_auth_user_id"] == str(world.owner_lead.pk)
    assert SessionStore(thief.session_key).load() == {}


def test_what_one_may_not_see_raises_no_error(world):
    """Conditions that fail on a hidden row are asked after the policy."""
    factories.make_incident(world.police, severity=3)
    with backstage.acting(world.partner):
        for condition in ("1 / (severity - 3) > 0", "(sharing_level || 'x')::int > 0"):
            assert value(f"SELECT count(*) FROM incidents_incident WHERE {condition}") == 0  # noqa: S608
    assert AuditEntry.objects.count() == 0


@pytest.mark.parametrize("pattern", ["Geheim\\", "%heim\\", "Gehe_m\\"])
def test_a_pattern_that_ends_too_early_does_not_tell_where_it_matches(world, pattern):
    """LIKE fails at a closing backslash, and only once it has found all that stands before it."""
    record = factories.make_incident(world.police, description="Geheime Stelle")
    IncidentNote.objects.create(
        record=record, agency=world.police, text="Geheimer Hinweis", written_by=world.owner_lead
    )
    with backstage.acting(world.partner):
        for way in ("indexscan", "bitmapscan"):
            rows("SELECT set_config(%s, 'off', true)", f"enable_{way}")
        for question in (
            "SELECT count(*) FROM incidents_incidentdetail WHERE description LIKE %s",
            "SELECT count(*) FROM incidents_incidentdetail WHERE upper(description) LIKE upper(%s)",
            "SELECT count(*) FROM incidents_incidentnote WHERE text LIKE %s",
        ):
            assert value(question, pattern) == 0
