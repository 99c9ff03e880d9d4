"""The list of agencies and their pages: who sees what of whom."""

import datetime
import re

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from agencies.models import Agency, Membership, MembershipKind, MembershipStatus
from tests import factories

MEMBERS = ("owner_entry", "owner_release", "owner_lead", "partner", "stranger", "chair", "data_protection", "admin")


def count_queries(client, path: str) -> int:
    """Queries of the second visit: the first one also writes the session."""
    client.get(path)
    with CaptureQueriesContext(connection) as queries:
        assert client.get(path).status_code == 200
    return len(queries)


def without_token(page: str) -> str:
    return re.sub(r'name="csrfmiddlewaretoken" value="\w+"', "", page)


def listed(client) -> set[str]:
    return {line.agency.slug for line in client.get("/behoerden/").context["lines"]}


def test_active_members_see_all_agencies(world, signed_in):
    everything = set(Agency.objects.values_list("slug", flat=True))
    for name in MEMBERS:
        assert listed(signed_in(getattr(world, name))) == everything, name


@pytest.mark.parametrize(("name", "slug"), [("suspended", "finanzamt"), ("guest", "schulaufsicht")])
def test_others_see_only_their_own_agency(world, signed_in, name, slug):
    client = signed_in(getattr(world, name))
    assert listed(client) == {slug}
    assert client.get(f"/behoerden/{slug}/").status_code == 200
    hidden, missing = client.get("/behoerden/polizei/"), client.get("/behoerden/gibt-es-nicht/")
    assert hidden.status_code == missing.status_code == 404
    assert without_token(hidden.text) == without_token(missing.text)


def test_anonymous_is_sent_to_the_login(world, client):
    for path in ("/behoerden/", "/behoerden/polizei/", "/konto/", "/datenschutz/einsichten/"):
        assert client.get(path).url.startswith("/konto/anmelden/?next="), path


def test_list_shows_the_hierarchy(world, signed_in):
    city = factories.make_agency("stadt-hamm", status=None)
    Agency.objects.filter(slug__in=("ordnungsamt", "feuerwehr")).update(parent=city)
    lines = signed_in(world.owner_entry).get("/behoerden/").context["lines"]
    order = [(line.agency.slug, line.depth) for line in lines]
    start = order.index(("stadt-hamm", 0))
    assert order[start + 1 : start + 3] == [("feuerwehr", 1), ("ordnungsamt", 1)]


def test_list_needs_as_many_queries_for_few_as_for_many(world, signed_in):
    client = signed_in(world.owner_entry)
    few = count_queries(client, "/behoerden/")
    for number in range(20):
        factories.make_agency(f"amt-{number}", parent=world.police)
    assert count_queries(client, "/behoerden/") == few


def test_lead_page_needs_as_many_queries_for_few_people_as_for_many(world, signed_in):
    client = signed_in(world.owner_lead)
    few = count_queries(client, "/behoerden/polizei/")
    for _ in range(20):
        factories.make_person(world.police, "entry", "release")
    assert count_queries(client, "/behoerden/polizei/") == few


def test_people_and_keys_are_shown_to_the_own_lead_alone(world, signed_in):
    for name in MEMBERS:
        text = signed_in(getattr(world, name)).get("/behoerden/polizei/").text
        assert ("erfassung@polizei.example" in text.split("<main")[1]) == (name == "owner_lead"), name
        assert ("Zugangsschlüssel" in text.split("<main")[1]) == (name == "owner_lead"), name


def test_drafts_are_known_to_the_agency_and_the_administration_only(world, signed_in):
    Membership.objects.filter(agency=world.customs).update(status=MembershipStatus.ENDED)
    Membership.objects.create(
        agency=world.customs, kind=MembershipKind.ASSOCIATED, valid_from=datetime.date(2026, 1, 1)
    )
    own = factories.make_person(world.customs, "entry")
    for person, expected in ((own, 2), (world.admin, 2), (world.owner_entry, 1), (world.chair, 1)):
        page = signed_in(person).get("/behoerden/zoll/")
        assert len(page.context["memberships"]) == expected, person
