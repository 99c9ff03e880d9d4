"""Puts the second lock into the database: functions, keys, policies and exactly the privileges they need.

Runs after every `migrate`, under the owner's login, in one transaction. It states everything anew, so that a table that
is no longer declared loses its privileges with the next run, and a table nobody has declared has none from the start.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from importlib import import_module
from importlib.resources import files
from importlib.util import find_spec
from types import ModuleType

from django.apps import apps
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.db import connections, transaction
from psycopg import sql

from agencies.models import FULL_KINDS
from agencies.roles import CAPABILITIES
from agencies.wall.context import OWNER, signing_keys
from agencies.wall.policies import Command, Guarded, Rule, Table, Unguarded

_PREFIX = "wall_"
# Their error tells whether a pattern was found; earlier versions of the portal had the first one marked leakproof.
FAILING = ("textlike", "textnlike", "texticlike", "textregexeq", "texticregexeq")
_BLOCK = 64  # bytes of a SHA-256 block, RFC 2104
# Asked by the other functions only: by themselves they would answer about anybody, without a context.
_INNER_FUNCTIONS = (
    *("wall.signature(bytea, bytea, text)", "wall.acting()", "wall.may(wall.acting, text)"),
    *("wall.members_on(date)", "wall.inspected_by(wall.acting)"),
)


def declared_tables() -> dict[str, Table]:
    """Every table the apps have declared, with the rules later apps add; a table declared twice is a mistake."""
    found: dict[str, Table] = {}
    for policies in _modules():
        if twice := found.keys() & policies.TABLES.keys():
            raise ImproperlyConfigured(f"Declared twice to the second lock: {sorted(twice)}.")
        found |= policies.TABLES
        for name, rules in getattr(policies, "FURTHER_RULES", {}).items():
            found[name] = replace(found[name], rules=(*found[name].rules, *rules))
    return found


def _modules() -> list[ModuleType]:
    """The apps' `row_policies`, earlier apps first."""
    names = [f"{config.name}.row_policies" for config in apps.get_app_configs()]
    return [import_module(name) for name in names if find_spec(name) is not None]


def _functions() -> Iterator[str]:
    yield files("agencies.wall").joinpath("functions.sql").read_text(encoding="utf-8")
    for policies in _modules():
        script = files(policies.__package__).joinpath("row_functions.sql")
        if script.is_file():
            yield script.read_text(encoding="utf-8")


def _tables_of_the_portal() -> Iterator[sql.Composable]:
    """What the portal's code says of roles and memberships, as expressions: quicker than a table to look into."""
    arms = sql.SQL(" ").join(
        sql.SQL("WHEN {} THEN {}::text[]").format(sql.Literal(name), sql.Literal(sorted(role.value for role in roles)))
        for name, roles in CAPABILITIES.items()
    )
    kinds = sql.Literal(sorted(kind.value for kind in FULL_KINDS))
    function = sql.SQL("CREATE FUNCTION wall.{} RETURNS text[] LANGUAGE sql IMMUTABLE AS $$ SELECT {}::text[] $$")
    chosen = sql.SQL("CASE capability {} ELSE '{{}}' END").format(arms)
    yield function.format(sql.SQL("roles_for(capability text)"), chosen)
    yield function.format(sql.SQL("full_kinds()"), kinds)


def login_names() -> dict[str, str]:
    """Names of the two logins that work under the second lock, out of their database addresses."""
    names = {"web": settings.DATABASES["default"]["USER"], "builder": settings.DATABASES["builder"]["USER"]}
    owner = settings.DATABASES[OWNER]["USER"]
    if not all(names.values()) or len({owner, *names.values()}) != 3:
        raise ImproperlyConfigured(
            "DATABASE_URL, DATABASE_OWNER_URL and DATABASE_BUILDER_URL must name three different logins."
        )
    return names


def _require_sound_marks(cursor) -> None:
    """Refuse a database in which a function that fails by what a text holds may be asked before the policies."""
    cursor.execute(
        "SELECT oid::regprocedure::text FROM pg_proc WHERE proleakproof AND pronamespace = 'pg_catalog'::regnamespace"
        " AND proname = ANY (%s)",
        [list(FAILING)],
    )
    if marked := [name for (name,) in cursor.fetchall()]:
        cure = " ".join(f"ALTER FUNCTION pg_catalog.{name} NOT LEAKPROOF;" for name in marked)
        raise ImproperlyConfigured(f"Hidden texts could be guessed letter by letter. A superuser must run: {cure}")


@transaction.atomic(using=OWNER)
def install() -> None:
    connection = connections[OWNER]
    logins = login_names()
    with connection.cursor() as cursor:
        _require_sound_marks(cursor)
        for script in _functions():
            cursor.execute(script)
        keys = [(place, *pads(key)) for place, key in enumerate(signing_keys())]
        cursor.executemany("INSERT INTO wall.signing_key VALUES (%s, %s, %s)", keys)
        for statement in _tables_of_the_portal():
            cursor.execute(statement.as_string(connection.connection))
        present = set(connection.introspection.table_names(cursor))
        for statement in _statements(declared_tables(), logins, present, connection.settings_dict["NAME"]):
            cursor.execute(statement.as_string(connection.connection))


def pads(key: bytes) -> tuple[bytes, bytes]:
    block = key.ljust(_BLOCK, b"\0")
    return bytes(byte ^ 0x36 for byte in block), bytes(byte ^ 0x5C for byte in block)


def _statements(
    tables: dict[str, Table], logins: dict[str, str], present: set[str], database: str
) -> Iterator[sql.Composable]:
    both = sql.SQL(", ").join(sql.Identifier(name) for name in logins.values())
    yield sql.SQL("REVOKE ALL ON ALL TABLES IN SCHEMA public FROM PUBLIC, {}").format(both)
    yield sql.SQL("REVOKE ALL ON ALL FUNCTIONS IN SCHEMA wall FROM PUBLIC")
    yield sql.SQL("GRANT USAGE ON SCHEMA public, wall TO {}").format(both)
    # Identity columns count without it, and the sequences would tell how much others write.
    yield sql.SQL("REVOKE ALL ON ALL SEQUENCES IN SCHEMA public FROM PUBLIC, {}").format(both)
    # What stays in a session would wait there for the next request on the same connection.
    yield sql.SQL("REVOKE TEMPORARY ON DATABASE {} FROM PUBLIC, {}").format(sql.Identifier(database), both)
    yield sql.SQL("GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA wall TO {}").format(both)
    yield sql.SQL("REVOKE EXECUTE ON FUNCTION {} FROM {}").format(sql.SQL(", ".join(_INNER_FUNCTIONS)), both)
    for policies in _modules():
        for login, functions in getattr(policies, "FUNCTIONS", {}).items():
            for function in functions:
                yield sql.SQL("GRANT EXECUTE ON FUNCTION {} TO {}").format(
                    sql.SQL(function), sql.Identifier(logins[login])
                )
    for name in sorted(present):
        table = tables.get(name)
        yield from _reset(name, guarded=not isinstance(table, Unguarded))
        if isinstance(table, Unguarded):
            yield from _grants(name, logins["web"], table.web)
            yield from _grants(name, logins["builder"], table.builder)
        elif isinstance(table, Guarded):
            for number, rule in enumerate(table.rules):
                yield from _policy(name, number, rule, logins[rule.login])
            for column in table.unmeasured:
                yield sql.SQL("ALTER TABLE {} ALTER COLUMN {} SET STATISTICS 0").format(
                    sql.Identifier(name), sql.Identifier(column)
                )


def _reset(table: str, *, guarded: bool) -> Iterator[sql.Composable]:
    yield sql.SQL("ALTER TABLE {} {} ROW LEVEL SECURITY").format(
        sql.Identifier(table), sql.SQL("ENABLE" if guarded else "DISABLE")
    )
    yield sql.SQL(
        "DO $$ DECLARE found name; BEGIN FOR found IN SELECT polname FROM pg_policy WHERE polrelid = {}::regclass LOOP"
        " EXECUTE format('DROP POLICY %I ON %I', found, {}); END LOOP; END $$"
    ).format(sql.Literal(table), sql.Literal(table))


def _grants(table: str, login: str, commands: tuple[Command, ...]) -> Iterator[sql.Composable]:
    for command in commands:
        yield sql.SQL("GRANT {} ON {} TO {}").format(sql.SQL(command), sql.Identifier(table), sql.Identifier(login))


def _policy(table: str, number: int, rule: Rule, login: str) -> Iterator[sql.Composable]:
    for command in rule.commands:
        clauses = []
        if command != "INSERT":
            clauses.append(sql.SQL("USING ({})").format(sql.SQL(rule.condition)))
        if command in {"INSERT", "UPDATE"}:
            clauses.append(sql.SQL("WITH CHECK ({})").format(sql.SQL(rule.condition)))
        yield sql.SQL("CREATE POLICY {} ON {} FOR {} TO {} {}").format(
            sql.Identifier(f"{_PREFIX}{number}_{command.lower()}"),
            sql.Identifier(table),
            sql.SQL(command),
            sql.Identifier(login),
            sql.SQL(" ").join(clauses),
        )
        columns = sql.SQL("")
        if rule.columns:
            columns = sql.SQL(" ({})").format(sql.SQL(", ").join(sql.Identifier(name) for name in rule.columns))
        yield sql.SQL("GRANT {}{} ON {} TO {}").format(
            sql.SQL(command), columns, sql.Identifier(table), sql.Identifier(login)
        )
