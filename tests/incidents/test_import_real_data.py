"""The first rows of two other cities' open data, each in a city and catalogue of its own, split over two agencies."""

import datetime
import gzip
import io
import itertools
import json
from pathlib import Path

import pytest

from agencies.directory import load_agencies
from agencies.models import Agency, Membership, MembershipStatus
from incidents.areas import load_areas
from incidents.catalogue import load_categories
from incidents.importing.run import Delivery, import_file
from incidents.models import Complaint, ComplaintDetail, DeliveredWeek, Incident

FILES = Path(__file__).resolve().parents[1] / "real_data"
ROWS = 400


def prepare(city: str) -> None:
    for load, name in (
        (load_agencies, "agencies.json"),
        (load_areas, "areas.geojson"),
        (load_categories, "categories.json"),
    ):
        load(json.loads((FILES / city / name).read_text(encoding="utf-8")))
    signed = datetime.date(2009, 1, 1)
    Membership.objects.update(status=MembershipStatus.ACTIVE, signed_on=signed, valid_from=signed)


def first_rows(path: Path) -> io.BytesIO:
    with gzip.open(path) as file:
        return io.BytesIO(b"".join(itertools.islice(file, ROWS + 1)))


def deliver(city: str, agency: str, file: io.BytesIO, kind: str):
    mapping = json.loads((FILES / city / f"{agency}.json").read_text(encoding="utf-8"))
    return import_file(
        Delivery(file, "auszug.csv", Agency.objects.get(slug=agency), kind, mapping), all_or_nothing=True
    )


@pytest.mark.django_db
def test_complaints_of_zurich_reach_two_agencies(shared, settings, time_machine):
    time_machine.move_to("2016-12-31T12:00:00+00:00")  # later, the terms of deletion would refuse the rows
    settings.METRIC_EPSG, settings.TIME_ZONE, settings.LOCAL_TIME_ZONE = 2056, "Europe/Zurich", "Europe/Zurich"
    file = first_rows(shared / "data" / "real" / "zueri_wie_neu_2016_2023.csv.gz")
    prepare("zuerich")
    runs = [deliver("zuerich", agency, file, "complaint") for agency in ("zh-entsorgung", "zh-tiefbau")]
    assert [run.refused for run in runs] == [0, 0], runs[0].reasons
    assert sum(run.created for run in runs) == ROWS
    assert min(run.created for run in runs) > 50
    assert runs[0].created + runs[0].skipped == ROWS
    # The file's first line of data, given in the Swiss grid: 8.489251, 47.386423.
    first = ComplaintDetail.objects.select_related("record__category").filter(lon__range=(8.48924, 8.48926)).first()
    assert (first.lon, first.lat) == pytest.approx((8.489251, 47.386423), abs=2e-5)
    assert first.record.category.slug == "zh-abfall"
    assert str(first.record.occurred_from) == "2015-12-31 23:00:00+00:00"
    assert Complaint.objects.filter(cell=None).count() == 0
    assert set(Complaint.objects.values_list("agency__slug", "sharing_level").distinct()) == {
        ("zh-entsorgung", "cooperation"),
        ("zh-tiefbau", "statistics"),
    }
    again = deliver("zuerich", "zh-entsorgung", file, "complaint")
    assert (again.created, again.updated, again.unchanged) == (0, 0, runs[0].created)


@pytest.mark.django_db
def test_assaults_of_chicago_reach_two_agencies(shared, settings, time_machine):
    time_machine.move_to("2010-12-31T12:00:00+00:00")
    settings.METRIC_EPSG, settings.TIME_ZONE, settings.LOCAL_TIME_ZONE = 26916, "America/Chicago", "America/Chicago"
    file = first_rows(shared / "data" / "real" / "chicago_aggravated_assaults_2010_2019.csv.gz")
    prepare("chicago")
    runs = [deliver("chicago", agency, file, "incident") for agency in ("chi-first", "chi-second")]
    assert [(run.created, run.skipped, run.refused) for run in runs] == [(200, 200, 0), (200, 200, 0)], runs[0].reasons
    first = Incident.objects.order_by("occurred_from").select_related("category", "district", "agency").first()
    assert str(first.occurred_from) == "2010-01-01 06:05:00+00:00"
    assert (first.category.slug, first.district.name, first.agency.slug) == (
        "chi-residence",
        "South Side",
        "chi-first",
    )
    assert (first.cell, first.severity) == (None, 3)
    assert Incident.objects.filter(category__geo="P", cell=None).count() == 0
    weeks = DeliveredWeek.objects.filter(agency__slug="chi-second").order_by("week")
    assert str(weeks.first().week) == "2009-12-28"
