"""One click before the meeting: the latest picture frozen with the measures every member may know of."""

import pytest
from django.urls import reverse
from django.utils import timezone

from lagebild.actions import build_picture
from lagebild.models import Edition
from tests.conferences.conftest import make_conference, make_measure


def freeze(client, conference):
    return client.post(reverse("conferences:step", args=(conference.pk, "lagebild-einfrieren")), follow=True)


def test_chair_freezes_the_latest_picture_for_the_meeting(world, signed_in):
    picture = build_picture(date=timezone.localdate())
    conference = make_conference(world.order, days=3, title="Sicherheitskonferenz im Dezember")
    answer = freeze(signed_in(world.chair), conference)
    conference.refresh_from_db()
    assert "liegt der Konferenz als Ausgabe vor" in answer.content.decode()
    assert (conference.edition.picture, conference.edition.title) == (picture, "Sicherheitskonferenz im Dezember")
    freeze(signed_in(world.chair), conference)
    assert Edition.objects.count() == 1


def test_only_measures_of_meetings_of_all_members_are_printed(world, signed_in):
    build_picture(date=timezone.localdate())
    everybody = (world.police, world.order, world.fire, world.customs)
    make_measure(make_conference(*everybody, days=-30), world.order, title="Gemeinsame Streife")
    make_measure(make_conference(world.police, world.order, days=-20), world.police, title="Vertrauliche Absprache")
    conference = make_conference(*everybody, days=3)
    freeze(signed_in(world.chair), conference)
    conference.refresh_from_db()
    assert [measure["title"] for measure in conference.edition.content["measures"]] == ["Gemeinsame Streife"]


@pytest.mark.parametrize("name", ["owner_lead", "partner", "stranger", "admin"])
def test_nobody_else_freezes(world, signed_in, name):
    build_picture(date=timezone.localdate())
    conference = make_conference(world.police, world.order, world.fire, days=3)
    assert freeze(signed_in(getattr(world, name)), conference).status_code == 403
    assert not Edition.objects.exists()


def test_without_a_picture_the_chair_is_told_what_to_do(world, signed_in):
    conference = make_conference(world.order, days=3)
    answer = freeze(signed_in(world.chair), conference)
    assert "Es gibt noch kein Lagebild. Bitte zuerst eines erstellen." in answer.content.decode()


def test_measures_of_one_finding_are_listed(world, signed_in, finding):
    everybody = (world.police, world.order)
    make_measure(make_conference(*everybody, days=-30), world.order, title="Streife am Bahnhof", finding=finding)
    make_measure(make_conference(*everybody, days=-20), world.order, title="Etwas anderes")
    client = signed_in(world.partner)
    text = client.get(reverse("measures:list"), {"erkenntnis": finding.pk}).content.decode()
    assert "Streife am Bahnhof" in text
    assert "Etwas anderes" not in text
