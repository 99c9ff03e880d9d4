"""Who read our data, and the log search of the data-protection role."""

import datetime

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from agencies import audit
from agencies.audit import Act
from agencies.models import AuditEntry

READERS = "/datenschutz/einsichten/"
LOG = "/datenschutz/protokoll/"


def read(by, owner, act=Act.READ, **facts):
    audit.record(act, by=by, owner=owner, **facts)
    return AuditEntry.objects.latest("pk")


def shown(response):
    return {line["entry"].pk for line in response.context["lines"]}


def test_everybody_may_read_what_is_recorded(world, client, signed_in):
    for person in (None, world.owner_entry, world.without_agency, world.guest):
        text = (client if person is None else signed_in(person)).get("/datenschutz/").text
        assert "Was protokolliert wird und warum" in text
        assert READERS not in text
        assert LOG not in text
    assert READERS in signed_in(world.owner_lead).get("/datenschutz/").text
    assert LOG in signed_in(world.data_protection).get("/datenschutz/").text


def test_lead_sees_what_others_read_of_the_own_agency_and_nothing_else(world, signed_in):
    expected = {read(world.partner, world.police).pk, read(world.stranger, world.police, Act.PULLED).pk}
    read(world.owner_entry, world.police)
    read(world.partner, world.order)
    read(world.owner_entry, world.order)
    read(None, world.police)
    read(world.admin, world.police, Act.MEMBERSHIP_CHANGED)
    response = signed_in(world.owner_lead).get(READERS)
    assert shown(response) == expected
    assert shown(signed_in(world.stranger).get(READERS)) == set()


def test_lists_are_counted_for_each_owner_alone(world, signed_in):
    audit.record(Act.SEARCHED, by=world.partner, kind="incident", owners={"polizei": 12, "feuerwehr": 1})
    audit.record(Act.PULLED, by=world.partner, endpoint="complaints", owners={"feuerwehr": 3})
    police = signed_in(world.owner_lead).get(READERS)
    assert [line["what"] for line in police.context["lines"]] == ["12 Vorfälle"]
    fire = signed_in(world.stranger).get(READERS)
    assert [line["what"] for line in fire.context["lines"]] == ["3 Beschwerden", "1 Vorfall"]


def test_lead_learns_the_agency_and_not_the_person(world, signed_in):
    read(world.partner, world.police)
    page = signed_in(world.owner_lead).get(READERS).text
    assert "Ordnungsamt" in page
    assert world.partner.full_name not in page
    assert world.partner.email not in page


def test_filters_of_the_readers(world, signed_in):
    now = timezone.now()
    old = AuditEntry.objects.create(
        action=Act.READ,
        user=world.partner,
        agency=world.order,
        owner=world.police,
        at=now - datetime.timedelta(days=40),
    )
    pulled = read(world.stranger, world.police, Act.PULLED)
    client = signed_in(world.owner_lead)
    assert shown(client.get(READERS, {"agency": "ordnungsamt"})) == {old.pk}
    assert shown(client.get(READERS, {"act": "pulled"})) == {pulled.pk}
    today = f"{timezone.localdate():%d.%m.%Y}"
    assert shown(client.get(READERS, {"since": today, "until": today})) == {pulled.pk}
    assert "Keine Einsicht passt" in client.get(READERS, {"act": "printed"}).text
    assert client.get(READERS, {"since": "unsinn", "page": "x"}).status_code == 200


@pytest.mark.parametrize(
    ("path", "allowed"), [(READERS, {"owner_lead", "stranger", "suspended"}), (LOG, {"data_protection"})]
)
def test_pages_by_role(world, signed_in, path, allowed):
    for name, person in world.people().items():
        if name == "inactive":
            continue
        assert signed_in(person).get(path).status_code == (200 if name in allowed else 403), name


def test_the_log_opens_with_a_reason_and_the_search_is_logged(world, signed_in):
    entry = read(world.partner, world.police)
    client = signed_in(world.data_protection)
    assert "lines" not in client.get(LOG).context
    refused = client.get(LOG, {"purpose": "", "act": "read"})
    assert "purpose" in refused.context["filter_form"].errors
    assert AuditEntry.objects.filter(action=Act.SEARCHED).count() == 0
    response = client.get(LOG, {"purpose": "Anfrage der Polizei", "act": "read", "owner": "polizei"})
    assert shown(response) == {entry.pk}
    assert world.partner.full_name in response.text
    logged = AuditEntry.objects.get(action=Act.SEARCHED)
    assert (logged.user, logged.purpose, logged.facts["hits"]) == (world.data_protection, "Anfrage der Polizei", 1)


def test_log_filters(world, signed_in):
    mine = read(world.partner, world.police)
    other = read(world.stranger, world.police)
    client = signed_in(world.data_protection)

    def found(**query):
        return shown(client.get(LOG, {"purpose": "Prüfung", "act": "read"} | query))

    assert found(person=world.partner.email.upper()) == {mine.pk}
    assert found(agency="feuerwehr") == {other.pk}
    assert found(object_id="gibt-es-nicht") == set()
    assert found(until="01.01.2020") == set()


@pytest.mark.parametrize(
    ("path", "name"), [(READERS, "owner_lead"), (LOG + "?purpose=Test&act=read", "data_protection")]
)
def test_as_many_queries_for_two_as_for_twenty(world, signed_in, path, name):
    client = signed_in(getattr(world, name))
    counts = []
    for _ in range(2):
        for _ in range(2 if not counts else 18):
            read(world.partner, world.police)
        client.get(path)
        with CaptureQueriesContext(connection) as queries:
            client.get(path)
        counts.append(len(queries))
    assert counts[0] == counts[1]


def test_long_lists_have_pages(world, signed_in):
    for _ in range(51):
        read(world.partner, world.police)
    client = signed_in(world.owner_lead)
    assert len(shown(client.get(READERS))) == 50
    assert len(shown(client.get(READERS, {"page": 2}))) == 1


def test_log_speaks_german(world, signed_in):
    audit.record(Act.ROLES_CHANGED, by=world.owner_lead, obj=world.owner_entry, roles=["entry", "lead"])
    audit.record(Act.CONFERENCE_CHANGED, by=world.chair, step="agenda_added")
    lines = signed_in(world.data_protection).get(LOG, {"purpose": "Prüfung"}).context["lines"]
    assert [line["facts"] for line in lines][:2] == [
        "Schritt: Tagesordnungspunkt ergänzt",
        "Rollen: Erfassung, Leitung",
    ]
    assert lines[1]["what"] == f"Person {world.owner_entry.pk}"
