"""The nightly build in a process of its own, and the frozen edition of the stored picture."""

import io
import json
import subprocess
import sys
import uuid
from collections.abc import Iterator

import numpy as np
import pypdf

from agencies.wall.context import Office, acting_as
from lagebild.edition_content import EditionOrder
from lagebild.editions import freeze_edition, master_pdf
from lagebild.models import Picture
from lagebild.simulation.city import YEAR, build_city, synthetic_ground
from lagebild.stats.scan import cases, null_maxima, prepare, statistic
from tests.bench.measurement import Measurement, median_ms, seconds

MOST_NIGHT_S = 60
MOST_NIGHT_MIB = 1536
MOST_PDF_S = 2
MOST_SCAN_S = 10
REPLICATES = 999


def rebuild() -> Iterator[Measurement]:
    """A full build with the release of every block, a second one over unchanged records, and the peak memory."""
    command = [sys.executable, "-m", "tests.bench.rebuild"]
    measured = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    yield Measurement("rebuild", measured["first_s"], "s")
    again_s = measured["again_s"]
    yield Measurement("rebuild unchanged", again_s, "s", vs="rebuild", ratio=round(again_s / measured["first_s"], 3))
    yield Measurement.at_most("rebuild peak_memory", measured["peak_mib"], "MiB", MOST_NIGHT_MIB)


def night() -> Iterator[Measurement]:
    """The whole night by two worker processes with stored pools, from its beginning to the published picture."""
    command = [sys.executable, "-m", "tests.bench.night"]
    measured = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    yield Measurement.at_most("night two_workers", measured["night_s"], "s", MOST_NIGHT_S)
    share = round(measured["parts_s"] / measured["night_s"], 3)
    yield Measurement("night parts", measured["parts_s"], "s", vs="night two_workers", ratio=share)
    yield Measurement.at_most("night peak_memory", measured["peak_mib"], "MiB", MOST_NIGHT_MIB)
    yield Measurement("night loud_streams", measured["loud"], "streams")
    yield Measurement("null_pools renewal", measured["renewal_s"], "s of one core")


def scan() -> Iterator[Measurement]:
    """The scan by itself, on a city of 2,437 cells: 999 replicates of one stream by its number of cases."""
    duration_s = {number: _replicates_s(number) for number in (10_000, 100_000, 1_000_000, 10_000_000)}
    for number, value in duration_s.items():
        name = f"scan {number:,} cases"
        if number == 100_000:
            yield Measurement.at_most(name, value, "s", MOST_SCAN_S)
        elif number == 10_000_000:
            yield Measurement.at_most(name, value, "s", 2 * duration_s[100_000])
        else:
            yield Measurement(name, value, "s")


def _replicates_s(records: int) -> float:
    city = build_city(synthetic_ground(), 1, records)
    rng = np.random.default_rng(records)
    series = city.draw(rng, YEAR)
    found, count = np.unique(series.place * YEAR + series.day - series.first, return_counts=True)
    data = cases(found // YEAR, YEAR - 1 - found % YEAR, count=count)
    null_maxima(prepare(data, city.ground.disks), 1, rng)

    def replicate() -> None:
        stream = prepare(data, city.ground.disks)
        statistic(stream)
        null_maxima(stream, REPLICATES, rng)

    return seconds(replicate)


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
