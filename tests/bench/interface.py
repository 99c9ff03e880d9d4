"""A partner system pulls what it may see, page by page."""

from collections.abc import Iterator
from time import perf_counter

from django.contrib.auth import get_user_model
from django.db import connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext

from agencies.keys import create_api_key
from agencies.wall.context import Office, acting_as
from tests.bench.measurement import Measurement
from tests.bench.pages import READER

PAGE_SIZE = 500
MOST_PAGES = 60


def pull() -> Iterator[Measurement]:
    """All pages, at most `MOST_PAGES`; every page takes the same number of queries."""
    with acting_as(Office.OPERATOR):
        reader = get_user_model().objects.get(email=READER)
    with transaction.atomic(), acting_as(reader):
        _, key = create_api_key(agency=reader.agency, scope="read", label="Leistungsmessung", by=reader)
        client = Client(headers={"host": "127.0.0.1", "authorization": f"Api-Key {key}"})
        address, records, counts = f"/api/v1/incidents/?page_size={PAGE_SIZE}", 0, []
        client.get(address)
        started = perf_counter()
        while address and len(counts) < MOST_PAGES:
            with CaptureQueriesContext(connection) as queries:
                answer = client.get(address).json()
            counts.append(len(queries))
            records += len(answer["results"])
            address = answer["next"]
        duration_s = perf_counter() - started
        transaction.set_rollback(True)
    yield Measurement("api_pull", round(records / duration_s), "records/s")
    yield Measurement("api_pull pages", len(counts), "pages")
    yield Measurement(
        "api_pull queries", max(counts), "queries", vs="fewest of a page", ratio=max(counts) / min(counts)
    )
