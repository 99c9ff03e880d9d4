"""A frozen edition, a finding and meetings in every state."""

from __future__ import annotations

import datetime
import hashlib

import pytest
from django.utils import timezone

from agencies.models import Agency
from conferences.models import Body, Conference, ConferenceStatus, Decision, Invitation, Measure
from incidents.models import Area, CategoryGroup, Kind
from lagebild.models import Edition, Finding, FindingKind, Picture, PictureState

PDF = b"%PDF-1.7 edition\n%%EOF\n"


@pytest.fixture
def edition(world) -> Edition:
    return make_edition(1)


def make_edition(sequence: int) -> Edition:
    day = datetime.date(2026, 10, sequence)
    picture = Picture.objects.create(date=day, state=PictureState.PUBLISHED, published_at=timezone.now())
    return Edition.objects.create(
        year=2026,
        sequence=sequence,
        title=f"Integratives Lagebild {day:%d.%m.%Y}",
        picture=picture,
        parameters_sha256="0" * 64,
        content={},
        pdf=PDF,
        sha256=hashlib.sha256(PDF).hexdigest(),
    )


@pytest.fixture
def finding(world) -> Finding:
    group, _ = CategoryGroup.objects.get_or_create(slug="gewalt", defaults={"label": "Gewalt", "kind": Kind.INCIDENT})
    day = timezone.localdate()
    return Finding.objects.create(
        number=7,
        kind=FindingKind.BRENNPUNKT,
        group=group,
        district=Area.objects.get(slug="west"),
        place_label="Bahnhofsquartier",
        first_seen_on=day,
        last_seen_on=day,
    )


def make_conference(*agencies: Agency, days: int = 0, status=ConferenceStatus.INVITED, **fields) -> Conference:
    """A meeting `days` from today with these agencies invited."""
    values = {"body": Body.STEERING, "title": "Lenkungsgruppe", "place": "Rathaus"} | fields
    starts_at = timezone.now() + datetime.timedelta(days=days)
    conference = Conference.objects.create(starts_at=starts_at, status=status, **values)
    Invitation.objects.bulk_create(Invitation(conference=conference, agency=agency) for agency in agencies)
    return conference


def make_measure(conference: Conference, agency: Agency, *, due: int = 30, **fields) -> Measure:
    """A measure of the meeting's only decision, due `due` days from today."""
    decision, _ = Decision.objects.get_or_create(conference=conference, number=1, defaults={"text": "Es wird getan."})
    due_on = timezone.localdate() + datetime.timedelta(days=due)
    return Measure.objects.create(
        decision=decision, agency=agency, due_on=due_on, **({"title": "Mehr Streifen"} | fields)
    )
