"""Records coming in: a file read twice, and a partner system that pushes and repeats itself."""

import csv
import datetime
import io
import json
import random
from collections.abc import Iterator
from time import perf_counter

from django.db import connection
from django.test import Client
from django.utils import timezone

from agencies.keys import create_api_key
from agencies.models import Agency
from agencies.wall.context import Office, acting_as
from incidents.importing.run import Delivery, import_file
from incidents.models import Category, Kind
from tests.bench.measurement import Measurement, seconds

FILE_ROWS = 20_000
BULK_ROWS = 1_000
BULK_REQUESTS = 10
LEAST_IMPORTED = 3_000
LEAST_PUSHED = 1_000
DELIVERING = "ordnungsamt"
# Inside the city, whatever its outline.
CENTRE = (7.815, 51.675)
REACH = (0.03, 0.015)


def made_up(count: int, *, prefix: str) -> Iterator[dict]:
    """Records of the last two years with place, time and text; the same ones for the same prefix."""
    chance = random.Random(prefix)
    slugs = sorted(category.slug for category in Category.objects.usable(Kind.INCIDENT))
    now = timezone.now().replace(microsecond=0)
    for number in range(count):
        begin = now - datetime.timedelta(minutes=chance.randrange(60, 2 * 365 * 24 * 60))
        yield {
            "reference": f"{prefix}-{number:06d}",
            "category": chance.choice(slugs),
            "occurred_from": begin.isoformat(),
            "lon": round(CENTRE[0] + chance.uniform(-1, 1) * REACH[0], 6),
            "lat": round(CENTRE[1] + chance.uniform(-1, 1) * REACH[1], 6),
            "severity": chance.randint(1, 4),
            "place_text": f"Musterstraße {chance.randint(1, 200)}",
            "description": f"Meldung {number} mit einem kurzen Sachverhalt, wie er in Lieferungen steht.",
        }


def file_import() -> Iterator[Measurement]:
    with acting_as(Office.OPERATOR):
        agency = Agency.objects.get(slug=DELIVERING)
    with acting_as(agency):
        yield from _file_import(agency)


def _file_import(agency: Agency) -> Iterator[Measurement]:
    text = io.StringIO()
    rows = list(made_up(FILE_ROWS, prefix="BENCH-DATEI"))
    writer = csv.DictWriter(text, fieldnames=list(rows[0]), delimiter=";")
    writer.writeheader()
    writer.writerows(rows)
    content = text.getvalue().encode()
    for name, outcome in (("import new", "created"), ("import unchanged", "unchanged")):
        runs = []
        delivery = Delivery(io.BytesIO(content), "bench.csv", agency, Kind.INCIDENT)
        # The stage is rolled back, so what a commit checks is asked for here.
        duration_s = seconds(lambda delivery=delivery, runs=runs: runs.append(import_file(delivery)))
        duration_s += seconds(connection.check_constraints)
        if getattr(runs[0], outcome) != FILE_ROWS:
            raise SystemExit(f"{name}: {runs[0].reasons}")
        yield Measurement.at_least(name, round(FILE_ROWS / duration_s), "records/s", LEAST_IMPORTED)


def bulk_upsert() -> Iterator[Measurement]:
    with acting_as(Office.OPERATOR):
        agency = Agency.objects.get(slug=DELIVERING)
        _, key = create_api_key(agency=agency, scope="write", label="Leistungsmessung", by=None)
    client = Client(headers={"host": "127.0.0.1", "authorization": f"Api-Key {key}"})
    with acting_as(Office.OPERATOR):
        rows = list(made_up(BULK_ROWS * BULK_REQUESTS, prefix="BENCH-API"))
    bodies = [json.dumps(rows[start : start + BULK_ROWS]) for start in range(0, len(rows), BULK_ROWS)]
    for name, outcome in (("bulk new", "created"), ("bulk unchanged", "unchanged")):
        started = perf_counter()
        for body in bodies:
            response = client.post("/api/v1/incidents/bulk/", body, content_type="application/json")
            if response.status_code != 200 or response.json()[outcome] != BULK_ROWS:
                raise SystemExit(f"{name} answered {response.status_code}: {response.content[:300]!r}")
        connection.check_constraints()
        duration_s = perf_counter() - started
        yield Measurement.at_least(name, round(len(rows) / duration_s), "records/s", LEAST_PUSHED)
