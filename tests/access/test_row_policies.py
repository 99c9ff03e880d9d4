"""The second lock: what PostgreSQL itself lets the portal's logins see, whatever the code above it asks."""

from __future__ import annotations

import hashlib
import hmac
from datetime import timedelta

import psycopg
import pytest
from django.contrib.auth.models import AnonymousUser
from django.core.exceptions import ImproperlyConfigured
from django.db import DatabaseError, connection, transaction
from django.http import StreamingHttpResponse
from django.test import RequestFactory
from django.utils import timezone

from agencies.models import ApiKey
from agencies.visibility import SharingLevel
from agencies.wall import context, install
from agencies.wall.context import Office, acting_as
from agencies.wall.install import declared_tables, pads
from agencies.wall.policies import Guarded, Unguarded
from hamm_security.local.postgres import BUILDER, WEB
from hamm_security.middleware import acting
from incidents.models import Incident
from tests import backstage, factories

# Columns that say a row is an agency's.
AGENCY_COLUMNS = {"agency_id", "owner_id", "responsible_agency_id"}
RECORD_TABLES = ("incident", "complaint")
SETTING = "SELECT set_config('portal.context', %s, true)"


def rows(question: str, *arguments) -> list[tuple]:
    with connection.cursor() as cursor:
        cursor.execute(question, arguments or None)
        return cursor.fetchall()


def value(question: str, *arguments):
    return rows(question, *arguments)[0][0]


def guarded_tables() -> list[str]:
    return sorted(name for name, table in declared_tables().items() if isinstance(table, Guarded))


def seen(table: str) -> set:
    return {row[0] for row in rows(f"SELECT id FROM {table}")}  # noqa: S608 - names from this file


@pytest.fixture
def two_records(world):
    """An internal record of the police and one of the order office, so that each has something to hide."""
    return {
        "police": factories.make_incident(world.police, description="Geheim"),
        "order": factories.make_incident(world.order, description="Auch geheim"),
    }


@pytest.mark.django_db
def test_every_table_is_declared_and_guarded_as_declared():
    found = dict(
        rows(
            "SELECT relname, relrowsecurity FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace"
        )
    )
    assert found == {name: isinstance(table, Guarded) for name, table in declared_tables().items()}


@pytest.mark.django_db
def test_no_table_with_an_agency_is_left_unguarded():
    columns = rows("SELECT table_name, column_name FROM information_schema.columns WHERE table_schema = 'public'")
    open_tables = {name for name, table in declared_tables().items() if isinstance(table, Unguarded)}
    assert {(table, column) for table, column in columns if table in open_tables and column in AGENCY_COLUMNS} == set()


@pytest.mark.django_db
def test_a_table_nobody_has_declared_is_closed():
    with connection.cursor() as cursor:
        cursor.execute("CREATE TABLE forgotten (id int)")
    refused = pytest.raises(DatabaseError, match="permission denied")
    with backstage.acting(Office.OPERATOR), refused, transaction.atomic():
        seen("forgotten")


@pytest.mark.django_db
def test_the_logins_are_neither_owner_nor_above_the_policies():
    attributes = rows(
        "SELECT rolname, rolsuper, rolbypassrls, rolcreaterole FROM pg_roles WHERE rolname = ANY (%s)", [WEB, BUILDER]
    )
    assert set(attributes) == {(WEB, False, False, False), (BUILDER, False, False, False)}
    owners = value("SELECT array_agg(DISTINCT tableowner::text) FROM pg_tables WHERE schemaname IN ('public', 'wall')")
    assert not {WEB, BUILDER} & set(owners)


@pytest.mark.django_db
def test_tests_work_with_the_web_login():
    with backstage.front():
        assert rows("SELECT session_user, current_user") == [(WEB, WEB)]


def test_a_visitor_and_the_operator_see_no_records(two_records):
    for office in (Office.VISITOR, Office.OPERATOR):
        with backstage.acting(office):
            assert [seen(f"incidents_{kind}") for kind in RECORD_TABLES] == [set(), set()]
            assert value("SELECT count(*) FROM incidents_incidentdetail") == 0


def test_the_detail_is_the_owners_in_the_database_too(world, two_records):
    Incident.objects.update(sharing_level=SharingLevel.COOPERATION)
    with backstage.acting(world.partner):
        assert seen("incidents_incident") == {record.pk for record in two_records.values()}
        assert rows("SELECT description FROM incidents_incidentdetail") == [("Auch geheim",)]


# The context cannot be made up.


def forged(agency) -> str:
    process, began = rows("SELECT pg_backend_pid()::text, (extract(epoch FROM now()) * 1000000)::bigint::text")[0]
    return "|".join(("agency", str(agency.pk), "2026-11-23", "2026-11-23T12:00:00+00:00", process, began))


@pytest.mark.parametrize("sign", ["0" * 64, "", "x", "f" * 64], ids=["zeros", "none", "short", "other"])
def test_a_context_set_by_hand_opens_nothing(world, two_records, sign):
    with backstage.acting(world.partner):
        rows(SETTING, f"{sign}:{forged(world.police)}")
        assert value("SELECT wall.kind()") is None
        assert seen("incidents_incident") == set()


@pytest.mark.parametrize(
    "claims", ["person|x", "person|99999999999999999999", "agency|", "|", "builder||x|y", "key|1|x"]
)
def test_what_nobody_has_signed_is_not_even_read(world, claims):
    with backstage.acting(world.partner):
        process, began = rows("SELECT pg_backend_pid()::text, (extract(epoch FROM now()) * 1000000)::bigint::text")[0]
        missing = ["day"] * (4 - len(claims.split("|")))
        rows(SETTING, f"{'0' * 64}:{'|'.join((claims, *missing, process, began))}")
        assert rows("SELECT wall.kind(), wall.agency(), wall.account()") == [(None, None, None)]


def test_a_context_signed_with_a_key_being_replaced_still_counts(world, two_records, settings):
    settings.SECRET_KEY = "the key of a process that has not been started anew"
    with backstage.acting(world.partner):
        assert seen("incidents_incident") == set()
    rows("INSERT INTO wall.signing_key VALUES (1, %s, %s) RETURNING place", *pads(context.signing_keys()[0]))
    with backstage.acting(world.partner):
        assert seen("incidents_incident") == {two_records["order"].pk}


def test_a_signed_context_changed_by_hand_opens_nothing(world, two_records):
    with backstage.acting(world.partner):
        own = value("SELECT current_setting('portal.context')")
        signature, _, payload = own.partition(":")
        kind, _, *rest = payload.split("|")
        rows(SETTING, f"{signature}:{'|'.join((kind, str(world.owner_lead.pk), *rest))}")
        assert seen("incidents_incident") == set()
        rows(SETTING, own)
        assert seen("incidents_incident") == {two_records["order"].pk}


@pytest.mark.parametrize("part", [4, 5], ids=["process", "beginning"])
def test_a_properly_signed_context_counts_in_its_own_process_and_transaction_alone(world, two_records, part):
    with backstage.acting(world.partner):
        claims = value("SELECT current_setting('portal.context')").partition(":")[2].split("|")
        claims[part] = str(int(claims[part]) + 1)
        payload = "|".join(claims)
        signature = hmac.new(context.signing_keys()[0], payload.encode(), hashlib.sha256).hexdigest()
        rows(SETTING, f"{signature}:{payload}")
        assert value("SELECT wall.kind()") is None
        assert seen("incidents_incident") == set()


def test_a_key_that_has_ended_reads_nothing_in_the_database_either(world, two_records):
    now = timezone.now()
    key = ApiKey.objects.create(
        agency=world.order, label="Abruf", prefix="abruf", scope="read", expires_at=now + timedelta(days=1)
    )
    with backstage.acting(key):
        assert seen("incidents_incident") == {two_records["order"].pk}
    for ended in ({"revoked_at": now}, {"revoked_at": None, "expires_at": now - timedelta(seconds=1)}):
        ApiKey.objects.filter(pk=key.pk).update(**ended)
        with backstage.acting(key):
            assert value("SELECT wall.kind()") is None
            assert seen("incidents_incident") == set()


@pytest.mark.django_db(transaction=True)
def test_a_context_overheard_serves_no_other_transaction():
    agency = factories.make_agency("polizei")
    options = connection.settings_dict["OPTIONS"]
    where = {"host": connection.settings_dict["HOST"] or options.get("host"), "port": options.get("port")}
    where = {name: part for name, part in where.items() if part}
    with psycopg.connect(dbname=connection.settings_dict["NAME"], user=WEB, **where) as other:
        with backstage.acting(agency):
            overheard = value("SELECT current_setting('portal.context')")
            assert value("SELECT wall.agency()") == agency.pk
        other.execute(SETTING, [overheard])
        assert other.execute("SELECT wall.kind(), wall.agency()").fetchone() == (None, None)
        with backstage.front(), transaction.atomic():
            rows(SETTING, overheard)
            assert value("SELECT wall.agency()") is None


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT * FROM wall.signing_key",
        "INSERT INTO wall.signing_key VALUES (1, 'a', 'b')",
        "CREATE OR REPLACE FUNCTION wall.roles_for(capability text) RETURNS text[] LANGUAGE sql AS 'SELECT NULL'",
        "ALTER TABLE incidents_incident DISABLE ROW LEVEL SECURITY",
        "CREATE POLICY mine ON incidents_incident USING (true)",
        "CREATE OR REPLACE FUNCTION wall.kind() RETURNS text LANGUAGE sql AS $$ SELECT 'agency' $$",
        "CREATE FUNCTION public.mine() RETURNS int LANGUAGE sql AS $$ SELECT 1 $$",
        "SET row_security = off; SELECT count(*) FROM incidents_incident",
        "TRUNCATE incidents_incident CASCADE",
        "UPDATE agencies_auditentry SET purpose = ''",
        "DELETE FROM agencies_auditentry",
        "INSERT INTO agencies_auditseal VALUES (1, 1, 'a', 'b', now())",
    ],
)
def test_the_web_login_cannot_loosen_the_lock(world, statement):
    with backstage.acting(world.partner), pytest.raises(DatabaseError), transaction.atomic():
        rows(statement)


def test_nobody_writes_into_another_agency(world, two_records):
    Incident.objects.update(sharing_level=SharingLevel.COOPERATION)
    foreign = Incident.objects.filter(pk=two_records["police"].pk)
    own = Incident.objects.filter(pk=two_records["order"].pk)
    with backstage.acting(world.partner_release):
        assert (foreign.count(), foreign.update(severity=4), foreign._raw_delete("default")) == (1, 0, 0)
        with pytest.raises(DatabaseError, match="row-level security"), transaction.atomic():
            own.update(agency=world.police)
        assert own.update(severity=4) == 1


def test_nobody_gives_themselves_a_role_an_agency_or_a_grant(world, two_records):
    join = "INSERT INTO agencies_user_groups (user_id, group_id) VALUES ({}, {})"
    move = "UPDATE agencies_user SET agency_id = {} WHERE id = {}"
    lead = {agency: agency.role_groups.get(role="lead").group_id for agency in (world.order, world.police)}
    grant = (
        "INSERT INTO incidents_incidentgroupobjectpermission (group_id, permission_id, content_object_id)"
        " SELECT wall.member_group(), wall.view_permission('incident'), '{}'"
    )
    attempts = (
        (world.partner, join.format(world.partner.pk, lead[world.order])),
        (world.stranger, join.format(world.stranger.pk, lead[world.police])),
        (world.partner_release, move.format(world.police.pk, world.partner_release.pk)),
        (world.partner_release, grant.format(two_records["police"].pk)),
    )
    for person, statement in attempts:
        with backstage.acting(person), pytest.raises(DatabaseError), transaction.atomic():
            rows(statement)


@pytest.mark.django_db
def test_searches_may_use_their_indexes_under_the_policies():
    """Functions that are not leakproof look at a row only after the policy has: every row would be read first."""
    marked = {name for (name,) in rows("SELECT proname FROM pg_proc WHERE proleakproof AND pronamespace = 11")}
    assert {"ts_match_vq", "strpos", "upper"} <= marked


@pytest.mark.django_db
def test_a_database_that_calls_like_leakproof_is_refused(monkeypatch):
    install._require_sound_marks(connection.cursor())
    monkeypatch.setattr(install, "FAILING", ("upper",))
    with pytest.raises(ImproperlyConfigured, match=r"ALTER FUNCTION pg_catalog.upper\(text\) NOT LEAKPROOF;"):
        install._require_sound_marks(connection.cursor())


# The builder


def test_the_builder_reads_shared_faces_and_cells_and_no_texts(world):
    made = {level: factories.make_complaint(world.police, sharing_level=level) for level in SharingLevel}
    factories.make_complaint(world.tax, sharing_level=SharingLevel.COOPERATION)
    closed = [
        *("incidents_complaintnote", "agencies_user", "agencies_apikey", "conferences_measure"),
        *("incidents_complaintrevision", "agencies_auditseal"),
    ]
    texts = ("description", "place_text", "lon", "reference", "complainant_contact", "internal_note", "search")
    with backstage.as_builder():
        counted = {made[SharingLevel.STATISTICS].pk, made[SharingLevel.COOPERATION].pk}
        assert seen("incidents_complaint") == counted
        assert {row[0] for row in rows("SELECT record_id, cell FROM incidents_complaintdetail")} == counted
        questions = [f"SELECT {column} FROM incidents_complaintdetail" for column in texts]  # noqa: S608
        for question in (*questions, *(f"SELECT * FROM {table}" for table in closed)):  # noqa: S608
            with pytest.raises(DatabaseError, match="permission denied"), transaction.atomic():
                rows(question)


def test_the_builders_office_opens_nothing_to_the_web_login(world):
    factories.make_complaint(world.police, sharing_level=SharingLevel.COOPERATION)
    with backstage.acting(Office.BUILDER):
        assert seen("incidents_complaint") == set()


# Contexts in and around requests


def test_contexts_nest_and_end(world, two_records):
    with backstage.front():
        with acting_as(world.police):
            with acting_as(world.order):
                assert seen("incidents_incident") == {two_records["order"].pk}
            assert seen("incidents_incident") == {two_records["police"].pk}
            with pytest.raises(ValueError, match="fehlt"), acting_as(world.order):
                raise ValueError("fehlt")
            assert seen("incidents_incident") == {two_records["police"].pk}
        assert seen("incidents_incident") == set()


@pytest.mark.parametrize("actor", [None, AnonymousUser(), "polizei", 7], ids=str)
def test_only_known_actors_act(actor):
    with pytest.raises(TypeError):
        context._claims(actor)


def test_a_streamed_answer_sees_what_its_reader_sees(world, two_records):
    def view(request):
        return StreamingHttpResponse(str(len(seen("incidents_incident"))) for _ in range(2))

    request = RequestFactory().get("/")
    request.user = world.owner_entry
    with backstage.front():
        answer = acting(view)(request)
        assert seen("incidents_incident") == set()
        assert b"".join(answer.streaming_content) == b"11"
        assert seen("incidents_incident") == set()


def test_suspension_closes_the_database_at_once(world):
    shared = factories.make_incident(world.police, sharing_level=SharingLevel.COOPERATION)
    with backstage.acting(world.partner):
        assert seen("incidents_incident") == {shared.pk}
        with backstage.behind():
            world.order.memberships.update(status="suspended")
        assert seen("incidents_incident") == set()
