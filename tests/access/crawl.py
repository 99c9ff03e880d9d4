"""How the tests walk the routes: every address, what comes back, what it cost, what it changed."""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable

from django.db import connection, reset_queries
from django.http import HttpResponse
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from tests.access.payloads import PAYLOADS, api_record
from tests.access.routes import API_ROWS, PAGE_ROWS, Row
from tests.access.stage import Stage

# Values in a statement, and the names of savepoints.
_LITERAL = re.compile(r"""'(?:[^']|'')*'|\b\d+(?:\.\d+)?\b|(?<=SAVEPOINT )"\w+"|::\w+""")
_LIST = re.compile(r"\?(?:, \?)+")


def address(stage: Stage, row: Row) -> str:
    return reverse(row.route, args=stage.args[row.thing])


def unknown_address(stage: Stage, row: Row) -> str:
    """The same route with a last part of the same shape that nobody has."""
    *first, last = stage.args[row.thing]
    other = {int: 987_654_321, str: "gibt-es-nicht", uuid.UUID: uuid.UUID(int=4711)}[type(last)]
    return reverse(row.route, args=[*first, other])


def send(stage: Stage, who: str, row: Row, url: str | None = None) -> HttpResponse:
    """One request of the row by a person or a key, with what it takes to succeed."""
    url = url or address(stage, row)
    if row in PAGE_ROWS:
        data = PAYLOADS.get(row.route, lambda stage: {})(stage) if row.method == "POST" else None
        return stage.ask(who, row.method, url, data)
    return stage.pull(who, url, row.method, api_record(row.route) if row.method == "POST" else None)


def who_gets_in(row: Row) -> list[str]:
    return [who for who, status in row.expected.items() if status < "400"]


def most_able(row: Row) -> str:
    """Whoever may do most with the route: the last column that gets in, else the last of all."""
    return [*(row.expected), *who_gets_in(row)][-1]


def rows_that(method: str, rows: list[Row] | None = None) -> list[Row]:
    return [row for row in (rows or [*PAGE_ROWS, *API_ROWS]) if row.method == method]


def statements(call: Callable[[], HttpResponse]) -> tuple[HttpResponse, list[str]]:
    """The answer and what the database was asked on the way, without the values."""
    reset_queries()
    with CaptureQueriesContext(connection) as queries:
        answer = call()
    return answer, [_LIST.sub("?", _LITERAL.sub("?", query["sql"])) for query in queries.captured_queries]


def contents() -> dict[str, tuple]:
    """Per table its number of rows and a sum over their texts: two looks differ if anything has changed."""
    found = {}
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names(cursor):
            name = connection.ops.quote_name(table)
            cursor.execute(f"SELECT count(*), sum(hashtextextended(t::text, 0)) FROM {name} t")  # noqa: S608
            found[table] = cursor.fetchone()
    return found


def changed(before: dict[str, tuple], after: dict[str, tuple]) -> set[str]:
    return {table for table in {*before, *after} if before.get(table) != after.get(table)}
