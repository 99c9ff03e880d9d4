"""Who read our data, and the log search of the data-protection role."""

import csv
import datetime
import io

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from agencies import audit, audit_chain
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


def test_the_lead_sees_who_read_how_often_and_why(world, signed_in):
    for act, purpose in ((Act.READ, "Streife"), (Act.READ, "Streife"), (Act.PULLED, "Nachtabruf")):
        read(world.partner, world.police, act, purpose=purpose)
    read(world.stranger, world.police, purpose="Streife")
    read(world.partner, world.order, purpose="eigene")
    context = signed_in(world.owner_lead).get(READERS).context
    rows = [(row["agency"], row["act"], row["purpose"], row["number"]) for row in context["summary"]]
    assert rows[0] == ("Ordnungsamt", "Einsicht", "Streife", 2)
    assert set(rows[1:]) == {
        ("Ordnungsamt", "Abruf über die Schnittstelle", "Nachtabruf", 1),
        ("Feuerwehr", "Einsicht", "Streife", 1),
    }
    only = signed_in(world.owner_lead).get(READERS, {"agency": "feuerwehr"}).context["summary"]
    assert [(row["agency"], row["number"]) for row in only] == [("Feuerwehr", 1)]


def table(response) -> list[list[str]]:
    assert response["Content-Type"] == "text/csv; charset=utf-8"
    text = response.content.decode()
    assert text.startswith("\ufeff")
    return list(csv.reader(io.StringIO(text[1:]), delimiter=";"))


def test_the_lead_takes_the_readings_away_without_persons(world, signed_in):
    read(world.partner, world.police, purpose="=SUMME(A1)")
    read(world.stranger, world.police, purpose="Streife")
    read(world.partner, world.order)
    response = signed_in(world.owner_lead).get(READERS + "einsichten.csv", {"agency": "ordnungsamt"})
    headings, row = table(response)
    assert headings == ["Zeit", "Behörde", "Zugang", "Vorgang", "Was", "Zweck"]
    assert row[1:] == ["Ordnungsamt", "Person", "Einsicht", "Liste", "'=SUMME(A1)"]
    assert world.partner.full_name not in response.text
    entry = AuditEntry.objects.get(action=Act.EXPORTED)
    assert (entry.user, entry.purpose, entry.facts) == (
        world.owner_lead,
        "Nachweis der Einsichten in die eigenen Daten",
        {"log": "readers", "rows": 1},
    )


def test_the_entries_found_are_exported_with_their_reason(world, signed_in):
    read(world.partner, world.police, purpose="@formel", page=3)
    read(world.stranger, world.police, Act.PULLED)
    audit.record(Act.SEARCHED, by=world.chair, kind="incident", owners={"polizei": 4})
    client = signed_in(world.data_protection)
    path = LOG + "protokoll.csv"
    assert client.get(path)["Location"] == LOG
    assert client.get(path, {"purpose": "", "act": "read"})["Location"] == f"{LOG}?purpose=&act=read"
    assert not AuditEntry.objects.filter(action=Act.EXPORTED).exists()
    query = {"purpose": "Anfrage der Polizei", "owner": "polizei"}
    headings, *rows = table(client.get(path, query))
    assert headings[:5] == ["Nummer", "Zeit", "Person oder Schlüssel", "Behörde", "Vorgang"]
    assert [(row[2], row[4], row[7], row[9]) for row in rows] == [
        (str(world.chair), "Suche und Liste", "", ""),
        (str(world.stranger), "Abruf über die Schnittstelle", "Polizei", ""),
        (str(world.partner), "Einsicht", "Polizei", "'@formel"),
    ]
    entry = AuditEntry.objects.get(action=Act.EXPORTED)
    assert (entry.user, entry.purpose) == (world.data_protection, "Anfrage der Polizei")
    assert entry.facts == {"log": "audit", "filters": ["owner"], "rows": 3}
    found = client.get(LOG, query)
    assert f"{path}?purpose=Anfrage+der+Polizei&amp;owner=polizei" in found.text


def test_the_page_of_the_log_shows_the_end_of_the_chain(world, signed_in):
    client = signed_in(world.data_protection)
    assert "Noch ist kein Eintrag versiegelt" in client.get(LOG).text
    read(world.partner, world.police)
    audit_chain.seal()
    assert audit_chain.head().digest in client.get(LOG).text


def test_long_lists_have_pages(world, signed_in):
    for _ in range(51):
        read(world.partner, world.police)
    client = signed_in(world.owner_lead)
    assert len(shown(client.get(READERS))) == 50
    assert len(shown(client.get(READERS, {"page": 2}))) == 1


def test_log_speaks_german(world, signed_in):
    audit.record(Act.ROLES_CHANGED, by=world.owner_lead, obj=world.owner_entry, roles=["entry", "lead"])
    audit.record(Act.CONFERENCE_CHANGED, by=world.chair, step="agenda_added")
    audit.record(Act.LOGIN_FAILED, by=world.owner_entry, step="factor")
    lines = signed_in(world.data_protection).get(LOG, {"purpose": "Prüfung"}).context["lines"]
    assert [line["facts"] for line in lines][:3] == [
        "Schritt: zweiter Faktor",
        "Schritt: Tagesordnungspunkt ergänzt",
        "Rollen: Erfassung, Leitung",
    ]
    assert lines[2]["what"] == f"Person {world.owner_entry.pk}"
