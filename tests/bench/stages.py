"""The stages in their order; those that write roll back, so that a kept database can be measured again."""

import io
import os
from collections.abc import Iterator
from pathlib import Path

from django.conf import settings
from django.core.management import call_command
from django.db import connections, transaction

from agencies.wall.context import OWNER
from incidents.models import Incident
from lagebild.models import Picture
from tests.bench import audit, deliveries, interface, pages, picture
from tests.bench.measurement import Measurement, seconds

DEFAULT_RECORDS = 30_000


def quiet(name: str, *arguments: str, **options: int) -> None:
    call_command(name, *arguments, stdout=io.StringIO(), stderr=io.StringIO(), **options)


def fill(records: int) -> Iterator[Measurement]:
    """Seed an empty database; take one that holds records as it is."""
    data = Path(settings.BASE_DIR) / "incidents" / "data"
    quiet("migrate", verbosity=0)
    if not _count():
        quiet("load_categories", str(data / "categories.json"))
        quiet("load_areas", str(data / "hamm_areas.geojson"))
        duration_s = seconds(lambda: quiet("seed_demo", records=records))
        yield Measurement("seed_demo", round(records / duration_s), "records/s")
        with connections[OWNER].cursor() as cursor:
            cursor.execute("VACUUM ANALYZE")
    yield Measurement("incidents", _count(), "records")


def _count() -> int:
    return Incident.objects.using(OWNER).count()


def published() -> Iterator[Measurement]:
    """The picture that the following stages show; nothing is measured where there is one."""
    if not Picture.objects.using(OWNER).published().exists():
        yield Measurement("first_rebuild", seconds(lambda: quiet("rebuild_lagebild")), "s")


def rolled_back(stage) -> Iterator[Measurement]:
    with transaction.atomic():
        yield from stage()
        transaction.set_rollback(True)


def main() -> None:
    stages = (
        fill(int(os.environ.get("RECORDS") or DEFAULT_RECORDS)),
        published(),
        picture.rebuild(),
        picture.night(),
        picture.scan(),
        pages.lists(),
        pages.second_lock(),
        pages.export(),
        pages.stored_picture(),
        rolled_back(picture.edition),
        rolled_back(deliveries.file_import),
        rolled_back(deliveries.bulk_upsert),
        rolled_back(audit.writing),
        rolled_back(audit.chain),
        interface.pull(),
    )
    for stage in stages:
        for measurement in stage:
            measurement.print()
