"""The whole path of a file: imported, built into a picture, opened, printed, pulled."""

import datetime as dt
import gzip
import io
import itertools
import json
from pathlib import Path

import pytest
from django.urls import reverse
from django.utils import timezone

from agencies.directory import load_agencies
from agencies.keys import create_api_key
from agencies.models import Agency, Membership, MembershipStatus
from agencies.roles import Role
from incidents.areas import load_areas
from incidents.catalogue import load_categories
from incidents.importing.run import Delivery, import_file
from lagebild.actions import build_picture
from lagebild.edition_content import EditionOrder
from lagebild.editions import freeze_edition, master_pdf
from lagebild.models import Picture
from tests import factories

FILES = Path(__file__).resolve().parents[1] / "real_data"
ROWS = 600


def deliver(file: bytes, agency: Agency, kind: str, mapping: dict):
    return import_file(Delivery(io.BytesIO(file), "auszug.csv", agency, kind, mapping))


def opened_printed_and_pulled(picture: Picture, reader, owner: Agency, kind: str, client) -> tuple[str, bytes, dict]:
    """Page text, master print and first page of the pull."""
    client.force_login(reader, backend="django.contrib.auth.backends.ModelBackend")
    page = client.get(reverse("lagebild:picture"))
    assert page.status_code == 200
    edition = freeze_edition(picture=picture, order=EditionOrder("Probe", "Koordinierungsrunde"), by=None)
    assert master_pdf(edition) == bytes(edition.pdf)
    _, key = create_api_key(agency=owner, scope="read", label="Probe", by=None)
    answer = client.get(f"/api/v1/{kind}s/", {"page_size": 500}, headers={"authorization": f"Api-Key {key}"})
    assert answer.status_code == 200
    return page.content.decode(), bytes(edition.pdf), answer.json()


def made_up_rows() -> bytes:
    """Sixty incidents at the station and on a grid around it, with one line that is no incident."""
    lines = ["aktenzeichen;kategorie;beginn;laenge;breite"]
    for i in range(60):
        lon, lat = (7.8078, 51.6781) if i % 3 else (7.785 + 0.001 * i, 51.67 + 0.0004 * i)
        day = timezone.localdate() - dt.timedelta(days=2 + i)
        place = f"{lon:.5f};{lat:.5f}".replace(".", ",")
        lines.append(f"A-{i};noise;{day:%d.%m.%Y} 21:30;{place}")
    lines.insert(30, "A-kaputt;gibt-es-nicht;31.02.2026 25:00;7,8;51,6")
    return "\n".join(lines).encode("utf-8-sig")


def test_a_made_up_file_goes_the_whole_way(world, client):
    factories.make_category("noise")
    run = deliver(made_up_rows(), world.police, "incident", {"level": "cooperation"})
    assert (run.created, run.refused) == (60, 1)
    picture = build_picture(date=timezone.localdate())
    text, pdf, pulled = opened_printed_and_pulled(picture, world.partner, world.order, "incident", client)
    assert picture.sightings.get(rank=1).finding.place_label in text
    assert pdf.startswith(b"%PDF")
    assert len(pulled["results"]) == 60
    assert all(row["agency"] == "polizei" and row["detail"] is None for row in pulled["results"])


def prepare(city: str) -> list[Agency]:
    for load, name in (
        (load_agencies, "agencies.json"),
        (load_areas, "areas.geojson"),
        (load_categories, "categories.json"),
    ):
        load(json.loads((FILES / city / name).read_text(encoding="utf-8")))
    signed = dt.date(2009, 1, 1)
    Membership.objects.update(status=MembershipStatus.ACTIVE, signed_on=signed, valid_from=signed)
    return list(Agency.objects.filter(is_coordination=False).order_by("slug"))


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("city", "zone", "epsg", "name", "kind", "day"),
    [
        ("zuerich", "Europe/Zurich", 2056, "zueri_wie_neu_2016_2023.csv.gz", "complaint", dt.date(2016, 3, 31)),
        (
            "chicago",
            "America/Chicago",
            26916,
            "chicago_aggravated_assaults_2010_2019.csv.gz",
            "incident",
            dt.date(2010, 1, 31),
        ),
    ],
)
def test_real_rows_go_the_whole_way(shared, settings, client, time_machine, city, zone, epsg, name, kind, day):
    # Within the terms of deletion, which would refuse older rows.
    time_machine.move_to(dt.datetime.combine(day, dt.time(18), dt.UTC) + dt.timedelta(days=365))
    settings.METRIC_EPSG, settings.TIME_ZONE, settings.LOCAL_TIME_ZONE = epsg, zone, zone
    with gzip.open(shared / "data" / "real" / name) as file:
        rows = b"".join(itertools.islice(file, ROWS + 1))
    agencies = prepare(city)
    runs = [
        deliver(rows, agency, kind, json.loads((FILES / city / f"{agency.slug}.json").read_text(encoding="utf-8")))
        for agency in agencies
    ]
    assert sum(run.created for run in runs) == ROWS, runs[0].reasons
    picture = build_picture(date=day)
    assert picture.cells.exists()
    reader = factories.make_person(Agency.objects.get(is_coordination=True), Role.CHAIR)
    text, pdf, pulled = opened_printed_and_pulled(picture, reader, agencies[0], kind, client)
    assert f"Stand {day:%d.%m.%Y}" in text
    assert pdf.startswith(b"%PDF")
    assert {row["agency"] for row in pulled["results"]} == {agencies[0].slug}
