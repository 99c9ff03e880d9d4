"""Pages as the server answers them: lists, search, export, the stored picture."""

import datetime
from collections.abc import Iterator
from statistics import median
from time import perf_counter
from urllib.parse import urlencode

from django.contrib.auth import get_user_model
from django.db import connection, connections
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from agencies.purpose import PURPOSES, SESSION_KEY
from agencies.wall.context import OWNER, Office, acting_as
from incidents.models import Incident, IncidentDetail
from tests.bench.measurement import Measurement, median_ms

READER = "leitung@polizei.example"
LIST = "/vorfaelle/"
EXPORTED = 15_000
MOST_QUERIES = 12
MOST_OWN_QUERIES = 5
# What the page shows as it is now, beside the stored picture.
LIVE_TABLES = ("lagebild_calendarentry", "lagebild_danger")
# A page may cost this many times what its record statements cost alone.
MOST_TIMES = 3
# What row-level security may make of the same statements.
MOST_TIMES_LIST = 1.3
MOST_TIMES_SEARCH = 2
TURNS = 31
# Beginning and end of transactions are no questions.
_PROTOCOL = ("BEGIN", "COMMIT", "SAVEPOINT", "RELEASE")
FREQUENT_WORD = "Umfeld"
MISSING_WORD = "Quastenflosser"


def bench_reader():
    with acting_as(Office.OPERATOR):
        return get_user_model().objects.get(email=READER)


def reader_client() -> Client:
    client = Client(headers={"host": "127.0.0.1"})
    with acting_as(Office.VISITOR):
        client.force_login(bench_reader(), backend="django.contrib.auth.backends.ModelBackend")
    session = client.session
    session[SESSION_KEY] = PURPOSES[0]
    session.save()
    return client


def captured(client: Client, path: str, **headers: str) -> list[str]:
    """Statements of one answer, not of the first one: that fills caches of the process."""
    client.get(path, headers=headers)
    with CaptureQueriesContext(connection) as queries:
        response = client.get(path, headers=headers)
    if response.status_code not in (200, 304):
        raise SystemExit(f"{path} answered {response.status_code}")
    return [query["sql"] for query in queries.captured_queries if not query["sql"].startswith(_PROTOCOL)]


def run_bare(statements: list[str]) -> None:
    """As the owner, whom no policy concerns."""
    with connections[OWNER].cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)
            cursor.fetchall()


def lists() -> Iterator[Measurement]:
    """Each list page against the statements of it that read records, run alone."""
    client = reader_client()
    for name, query in list_queries().items():
        path = f"{LIST}?{urlencode(query)}" if query else LIST
        statements = captured(client, path)
        bare = record_statements(statements)
        bare_ms = median_ms(lambda bare=bare: run_bare(bare), runs=9)
        page_ms = median_ms(lambda path=path: client.get(path), runs=9)
        yield Measurement(f"{name} bare_sql", bare_ms, "ms")
        ratio = round(page_ms / bare_ms, 2)
        yield Measurement(f"{name} page", page_ms, "ms", vs=f"bare_sql, at most {MOST_TIMES}", ratio=ratio)
        yield Measurement.at_most(f"{name} queries", len(statements), "queries", MOST_QUERIES)


def record_statements(statements: list[str]) -> list[str]:
    return [sql for sql in statements if '"incidents_incident' in sql and not sql.startswith("INSERT")]


def second_lock() -> Iterator[Measurement]:
    """The record statements of a page under the policies against the same ones without, in the reader's name."""
    client, reader = reader_client(), bench_reader()
    for name, limit in (
        ("list", MOST_TIMES_LIST),
        ("list_last_page", MOST_TIMES_LIST),
        ("search_rare", MOST_TIMES_SEARCH),
        ("search_frequent", MOST_TIMES_SEARCH),
    ):
        statements = record_statements(captured(client, f"{LIST}?{urlencode(list_queries()[name])}"))
        bare_ms, guarded_ms = both_ways(statements, reader)
        yield Measurement(
            f"{name} row_security",
            guarded_ms,
            "ms",
            vs=f"without, at most {limit}",
            ratio=round(guarded_ms / bare_ms, 2),
        )


def both_ways(statements: list[str], reader) -> tuple[float, float]:
    """Medians of the statements by the owner and in the reader's name, in turns and over the same rows.

    Left to itself a scan of a large table begins where the one before it ended.
    """
    for cursor in (connections[OWNER].cursor(), connection.cursor()):
        cursor.execute("SET synchronize_seqscans TO off")
    bare_s, guarded_s = [], []
    for _ in range(TURNS):
        started = perf_counter()
        run_bare(statements)
        bare_s.append(perf_counter() - started)
        with acting_as(reader):
            started = perf_counter()
            run_guarded(statements)
            guarded_s.append(perf_counter() - started)
    return round(1000 * median(bare_s), 2), round(1000 * median(guarded_s), 2)


def run_guarded(statements: list[str]) -> None:
    with connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)
            cursor.fetchall()


def list_queries() -> dict[str, dict]:
    until = timezone.localdate()
    filters = {
        "category": "group:violence",
        "district": "mitte",
        "start": (until - datetime.timedelta(days=180)).isoformat(),
        "end": (until - datetime.timedelta(days=90)).isoformat(),
    }
    reference = (
        IncidentDetail.objects.using(OWNER)
        .filter(agency__slug="polizei")
        .exclude(reference="")
        .values_list("reference")[0][0]
    )
    return {
        "list": {},
        "list_last_page": {"page": 200},
        "list_own": {"own": "own"},
        "list_filtered": filters,
        "search_category": {"q": "Fahrrad"},
        "search_rare": {"q": reference},
        "search_frequent": {"q": FREQUENT_WORD},
        "search_nothing": {"q": MISSING_WORD},
    }


def export() -> Iterator[Measurement]:
    """The list as a table, out of a period that holds nearly as many records as an export may."""
    reader = bench_reader()
    with acting_as(reader):
        newest = Incident.objects.visible_to(reader).order_by("-occurred_from").values_list("occurred_from", flat=True)
        moment = newest[EXPORTED : EXPORTED + 1].first() or newest.last()
    start = timezone.localdate(moment) + datetime.timedelta(days=1)
    client = reader_client()
    started = perf_counter()
    response = client.post(f"{LIST}export/?start={start.isoformat()}", {"purpose": "Leistungsmessung"})
    duration_s = perf_counter() - started
    if not response["Content-Type"].startswith("text/csv"):
        raise SystemExit("The export gave no table.")
    rows = response.content.count(b"\n") - 1
    yield Measurement("csv_export", round(rows / duration_s), "records/s")
    yield Measurement("csv_export rows", rows, "records")


def stored_picture() -> Iterator[Measurement]:
    client = reader_client()
    for name, path in (("lagebild", "/lagebild/"), ("cell_layer", "/lagebild/zellen.geojson")):
        own = own_statements(captured(client, path))
        yield Measurement(f"{name} page", median_ms(lambda path=path: client.get(path), runs=9), "ms")
        live = {sql for sql in own if any(f'"{table}"' in sql for table in LIVE_TABLES)}
        yield Measurement.at_most(f"{name} own_queries", len(own - live), "queries", MOST_OWN_QUERIES)
        yield Measurement(f"{name} live_queries", len(live), "queries")
    path = "/lagebild/zellen.geojson"
    etag = client.get(path)["ETag"]
    unchanged = {"if-none-match": etag}
    if client.get(path, headers=unchanged).status_code != 304:
        raise SystemExit("The cell layer does not answer conditional requests.")
    again_ms = median_ms(lambda: client.get(path, headers=unchanged), runs=9)
    full_ms = median_ms(lambda: client.get(path), runs=9)
    yield Measurement("cell_layer unchanged", again_ms, "ms", vs="cell_layer page", ratio=round(again_ms / full_ms, 3))


def own_statements(statements: list[str]) -> set[str]:
    """What the page itself asks of picture and catalogue; the frame repeats the first of them."""
    return {sql for sql in statements if 'FROM "lagebild_' in sql or 'FROM "incidents_' in sql}
