"""`make bench`: measure on an empty scratch database; RECORDS sets the size (default 30000)."""

import io
import os
from collections.abc import Iterator
from pathlib import Path

import django
from django.apps import apps
from django.conf import settings
from django.contrib.auth import get_user_model
from django.core.management import call_command
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from tests.bench.measurement import Measurement, median_ms, seconds

READER = "leitung@polizei.example"
QUERY_LIMIT = {"/vorfaelle/": 12, "/beschwerden/": 12, "/lagebild/": 5}


def quiet(name: str, *arguments: str, **options: int) -> None:
    call_command(name, *arguments, stdout=io.StringIO(), **options)


def fill(records: int) -> Iterator[Measurement]:
    data = Path(settings.BASE_DIR) / "incidents" / "data"
    quiet("migrate", verbosity=0)
    quiet("load_categories", str(data / "categories.json"))
    quiet("load_areas", str(data / "hamm_areas.geojson"))
    duration_s = seconds(lambda: quiet("seed_demo", records=records))
    yield Measurement("seed_demo", round(records / duration_s), "records/s")


def build() -> Iterator[Measurement]:
    first_s = seconds(lambda: quiet("rebuild_lagebild"))
    yield Measurement("rebuild", first_s, "s", vs="60 s limit", ratio=round(first_s / 60, 3))
    again_s = seconds(lambda: quiet("rebuild_lagebild"))
    yield Measurement("rebuild_unchanged", again_s, "s", vs="rebuild", ratio=round(again_s / first_s, 3))


def pages() -> Iterator[Measurement]:
    reader = get_user_model().objects.get(email=READER)
    client = Client(headers={"host": "127.0.0.1"}, raise_request_exception=True)
    client.force_login(reader, backend="django.contrib.auth.backends.ModelBackend")
    newest = apps.get_model("incidents", "Incident").objects.visible_to(reader)[:50]
    bare_ms = median_ms(lambda: list(newest.all()))
    yield Measurement("visible_newest_50", bare_ms, "ms")
    for path, limit in QUERY_LIMIT.items():
        with CaptureQueriesContext(connection) as queries:
            status = client.get(path).status_code
        if status != 200:
            raise SystemExit(f"{path} answered {status}")
        page_ms = median_ms(lambda path=path: client.get(path))
        yield Measurement(f"page {path}", page_ms, "ms", vs="visible_newest_50", ratio=round(page_ms / bare_ms, 2))
        count = len(queries)
        yield Measurement(f"queries {path}", count, "queries", vs=f"limit {limit}", ratio=round(count / limit, 2))


def main() -> None:
    django.setup()
    for stage in (fill(int(os.environ.get("RECORDS") or 30_000)), build(), pages()):
        for measurement in stage:
            measurement.print()


if __name__ == "__main__":
    main()
