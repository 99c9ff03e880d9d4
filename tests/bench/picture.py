"""The nightly build in a process of its own, and the frozen edition of the stored picture."""

import io
import json
import subprocess
import sys
import uuid
from collections.abc import Iterator

import pypdf

from agencies.wall.context import Office, acting_as
from lagebild.edition_content import EditionOrder
from lagebild.editions import freeze_edition, master_pdf
from lagebild.models import Picture
from tests.bench.measurement import Measurement, median_ms, seconds

MOST_REBUILD_S = 60
MOST_REBUILD_MIB = 1536
MOST_PDF_S = 2


def rebuild() -> Iterator[Measurement]:
    """A full build with the release of every block, a second one over unchanged records, and the peak memory."""
    command = [sys.executable, "-m", "tests.bench.rebuild"]
    measured = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    yield Measurement.at_most("rebuild", measured["first_s"], "s", MOST_REBUILD_S)
    again_s = measured["again_s"]
    yield Measurement("rebuild unchanged", again_s, "s", vs="rebuild", ratio=round(again_s / measured["first_s"], 3))
    yield Measurement.at_most("rebuild peak_memory", measured["peak_mib"], "MiB", MOST_REBUILD_MIB)


def edition() -> Iterator[Measurement]:
    """Freezing is measured once, as it happens; drawing the PDF again from the frozen content is its larger part."""
    with acting_as(Office.OPERATOR):
        yield from _edition()


def _edition() -> Iterator[Measurement]:
    picture = Picture.objects.published().newest_first().first()
    frozen = []
    order = EditionOrder(title=f"Leistungsmessung {uuid.uuid4().hex[:8]}", body="Sicherheitskonferenz")
    duration_s = seconds(lambda: frozen.append(freeze_edition(picture=picture, order=order, by=None)))
    pages = len(pypdf.PdfReader(io.BytesIO(frozen[0].pdf)).pages)
    yield Measurement.at_most("edition freeze", duration_s, "s", MOST_PDF_S)
    drawn_s = round(median_ms(lambda: master_pdf(frozen[0]), runs=5) / 1000, 3)
    yield Measurement.at_most("edition pdf", drawn_s, "s", MOST_PDF_S)
    yield Measurement("edition pages", pages, "pages")
