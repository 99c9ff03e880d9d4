"""The record lists, their export and the start page."""

import csv
import datetime
import io

import pytest
from django.db import connection
from django.test.signals import template_rendered
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from agencies import sharing
from agencies.audit import Act
from agencies.models import AuditEntry
from agencies.spreadsheet import safe_cell
from agencies.visibility import SharingLevel
from incidents import actions
from incidents.views import lists
from tests import factories

COOPERATION = SharingLevel.COOPERATION


def queries_of_template(client, path: str) -> list[str]:
    """What the page asks the database after its template has begun to render."""
    begun = []

    def begin(**kwargs):
        begun.append(len(connection.queries_log))

    client.get(path)
    with CaptureQueriesContext(connection) as captured:
        template_rendered.connect(begin)
        response = client.get(path)
        template_rendered.disconnect(begin)
    assert response.status_code == 200
    return [query["sql"] for query in captured.captured_queries[begun[0] - captured.initial_queries :]]


@pytest.fixture
def mixed(world):
    """Records of two agencies, enough of them for the list to have a shape."""

    def make(count):
        for number in range(count):
            category = factories.make_category(f"art-{number % 5}", group=f"gruppe-{number % 3}")
            agency = (world.police, world.order, world.fire)[number % 3]
            factories.make_incident(agency, category=category, sharing_level=COOPERATION, place_text=f"Ort {number}")

    return make


@pytest.mark.parametrize("query", [{}, {"q": "Ort", "status": "open", "own": "own"}])
def test_list_asks_the_same_number_of_questions_for_2_and_20_rows(
    world, signed_in, mixed, django_assert_max_num_queries, query
):
    client = signed_in(world.owner_entry)
    client.get("/vorfaelle/")
    counts = []
    for more in (6, 54):
        mixed(more)
        with django_assert_max_num_queries(12) as captured:
            response = client.get("/vorfaelle/", query)
        counts.append((len(response.context["rows"]), len(captured)))
    (few, first), (many, second) = counts
    assert many >= 10 * few / 2 > few
    assert first == second


def test_list_counts_and_shows_visible_rows_only(world, signed_in):
    factories.make_incident(world.police)
    factories.make_incident(world.order, sharing_level=COOPERATION)
    factories.make_incident(world.order)
    factories.make_incident(world.tax, sharing_level=COOPERATION)
    response = signed_in(world.owner_entry).get("/vorfaelle/")
    assert (len(response.context["rows"]), response.context["result_text"]) == (2, "2 Vorfälle")


@pytest.mark.parametrize("straight", [0, 1, 10], ids=["cut_out", "first_straight", "read_straight"])
def test_newest_comes_first_and_pages_follow_each_other(world, signed_in, monkeypatch, straight):
    monkeypatch.setattr(lists, "PAGE_SIZE", 2)
    monkeypatch.setattr(lists, "READ_STRAIGHT", straight)
    now = timezone.now()
    records = [
        factories.make_incident(world.police, occurred_from=now - datetime.timedelta(hours=hours)) for hours in range(5)
    ]
    client = signed_in(world.owner_entry)
    pages = [client.get("/vorfaelle/", {"page": number}).context for number in (1, 2, 3)]
    assert [row.record.pk for page in pages for row in page["rows"]] == [record.pk for record in records]
    assert {page["result_text"] for page in pages} == {"5 Vorfälle"}
    for odd in ("0", "-1", "abc", "4", "99999999999", "²"):
        rows = client.get("/vorfaelle/", {"page": odd}).context["rows"]
        assert [row.record.pk for row in rows] == [record.pk for record in records[:2]], odd


def test_count_stops_at_its_limit(world, signed_in, monkeypatch):
    monkeypatch.setattr(lists, "COUNT_LIMIT", 3)
    monkeypatch.setattr(lists, "PAGE_SIZE", 2)
    for _ in range(5):
        factories.make_incident(world.police)
    response = signed_in(world.owner_entry).get("/vorfaelle/")
    assert response.context["result_text"] == "Mehr als 10.000 Vorfälle"
    assert response.context["page_obj"].paginator.num_pages == 2


def test_number_and_place_stand_in_own_rows_only(world, signed_in):
    own = factories.make_incident(world.police, place_text="Am Bahnhof")
    foreign = factories.make_incident(world.order, sharing_level=COOPERATION, place_text="Geheimplatz")
    text = signed_in(world.owner_entry).get("/vorfaelle/").content.decode()
    assert own.detail.number_label in text
    assert "Am Bahnhof" in text
    assert foreign.short_id in text
    assert foreign.detail.number_label not in text
    assert "Geheimplatz" not in text


def test_singly_granted_row_says_so(world, signed_in):
    record = factories.make_incident(world.police)
    sharing.grant(record=record, to=world.order, by=world.owner_release)
    (row,) = signed_in(world.partner).get("/vorfaelle/").context["rows"]
    assert (row.is_granted, row.is_own) == (True, False)


def test_list_with_foreign_rows_is_logged_once_with_the_count_per_owner(world, signed_in):
    factories.make_incident(world.police)
    for agency in (world.order, world.order, world.fire):
        factories.make_incident(agency, sharing_level=COOPERATION)
    signed_in(world.owner_entry).get("/vorfaelle/", {"q": ""})
    entry = AuditEntry.objects.get(action=Act.SEARCHED)
    assert entry.facts == {"kind": "incident", "owners": {"ordnungsamt": 2, "feuerwehr": 1}}
    assert entry.user == world.owner_entry


def test_list_of_own_rows_is_not_logged_and_never_the_words_searched(world, signed_in):
    factories.make_incident(world.police, description="Graffiti")
    factories.make_incident(world.order, sharing_level=COOPERATION)
    client = signed_in(world.owner_entry)
    client.get("/vorfaelle/", {"own": "own"})
    client.get("/vorfaelle/", {"q": "Graffiti"})
    assert not AuditEntry.objects.filter(action=Act.SEARCHED).exists()


def test_empty_list_says_what_belongs_here(world, signed_in):
    client = signed_in(world.owner_entry)
    assert "Noch keine Meldungen" in client.get("/vorfaelle/").content.decode()
    assert "Keine Meldung entspricht dem Filter" in client.get("/vorfaelle/", {"status": "done"}).content.decode()


EXPORT = "/vorfaelle/export/"


def exported(client, purpose="Lagebesprechung", **query):
    path = EXPORT + ("?" + "&".join(f"{name}={value}" for name, value in query.items()) if query else "")
    response = client.post(path, {"purpose": purpose})
    assert response["Content-Type"] == "text/csv; charset=utf-8"
    text = response.content.decode("utf-8-sig")
    return list(csv.DictReader(io.StringIO(text), delimiter=";")), text


def test_export_holds_faces_of_visible_rows_under_the_filter(world, signed_in):
    own = factories.make_incident(world.police, description="Kanarien-Text", reference="AZ 5")
    shared = factories.make_incident(world.order, sharing_level=COOPERATION, place_text="Kanarienweg")
    factories.make_incident(world.order)
    rows, text = exported(signed_in(world.owner_release))
    assert {row["Kennung"] for row in rows} == {own.short_id, shared.short_id}
    for secret in ("Kanarien", "AZ 5", own.detail.number_label, shared.detail.number_label):
        assert secret not in text
    rows, _ = exported(signed_in(world.owner_release), own="own")
    assert [row["Behörde"] for row in rows] == ["Polizei"]


def test_export_is_logged_with_purpose_and_counts(world, signed_in):
    factories.make_incident(world.police)
    factories.make_incident(world.order, sharing_level=COOPERATION)
    exported(signed_in(world.owner_release))
    entry = AuditEntry.objects.get(action=Act.EXPORTED)
    assert (entry.purpose, entry.user) == ("Lagebesprechung", world.owner_release)
    assert entry.facts == {"kind": "incident", "owners": {"ordnungsamt": 1}, "rows_count": 2}


def test_export_without_purpose_gives_nothing(world, signed_in):
    factories.make_incident(world.police)
    response = signed_in(world.owner_release).post(EXPORT, {"purpose": " "})
    assert "Es fehlt der Zweck" in response.content.decode()
    assert not AuditEntry.objects.filter(action=Act.EXPORTED).exists()


def test_export_beyond_its_limit_is_refused(world, signed_in, monkeypatch):
    monkeypatch.setattr(lists, "MOST_ROWS", 1)
    factories.make_incident(world.police)
    factories.make_incident(world.police)
    response = signed_in(world.owner_release).post(EXPORT, {"purpose": "Lage"})
    assert "mehr als 20.000 Meldungen" in response.content.decode()
    assert response["Content-Type"].startswith("text/html")


def test_formulas_in_shared_texts_stay_text(world, signed_in):
    category = factories.make_category("boese", label='=HYPERLINK("http://x")')
    record = factories.make_incident(world.police, category=category)
    actions.propose_note(record=record, text="+49 siehe", by=world.owner_entry)
    actions.clear_note(record=record, by=world.owner_lead)
    (row,), _ = exported(signed_in(world.owner_release))
    assert row["Kategorie"] == '\'=HYPERLINK("http://x")'
    assert row["Freigegebener Hinweis"] == "'+49 siehe"


@pytest.mark.parametrize("text", ["=1", "+1", "-1", "@x", "\t=1", "\r=1", "  =1"])
def test_cell_that_would_run_is_marked_as_text(text):
    assert safe_cell(text) == f"'{text}"


def test_start_shows_to_do_and_last_records(world, signed_in):
    record = actions.report(
        kind="incident",
        data=actions.RecordData(category=factories.make_category(), occurred_from=timezone.now()),
        by=world.owner_entry,
    )
    actions.propose_note(record=record, text="Kanarien-Hinweis", by=world.owner_entry)
    factories.make_incident(world.order, sharing_level=COOPERATION)
    start = signed_in(world.owner_entry).get("/").context
    assert [item["url"] for item in start["records"]] == [f"/vorfaelle/{record.pk}/"]
    assert [item["text"] for item in start["to_do"]] == ["1 Vorfall offen"]
    lead = signed_in(world.owner_lead).get("/")
    assert [item["text"].partition(":")[0] for item in lead.context["to_do"]] == [
        "Hinweis freigeben",
        "1 Vorfall offen",
    ]
    assert "Kanarien-Hinweis" not in lead.content.decode()
    partner = signed_in(world.partner).get("/").context
    assert (partner["records"], len(partner["to_do"])) == ([], 1)


@pytest.mark.parametrize("name", ["guest", "without_agency", "superuser", "suspended", "data_protection", "chair"])
def test_start_opens_for_everybody_and_shows_only_their_own(world, signed_in, name):
    factories.make_incident(world.police, sharing_level=COOPERATION)
    response = signed_in(world.people()[name]).get("/")
    assert response.status_code == 200
    assert (response.context["to_do"], response.context["records"]) == ([], [])


@pytest.mark.parametrize(
    "page",
    [
        "/",
        "/vorfaelle/",
        "/vorfaelle/neu/",
        "/vorfaelle/export/",
        "/vorfaelle/freigabevorgaben/",
        "own",
        "foreign",
        "edit",
    ],
)
def test_templates_ask_the_database_nothing(world, signed_in, page):
    record = factories.make_incident(world.police, sharing_level=COOPERATION)
    actions.propose_note(record=record, text="Hinweis", by=world.owner_entry)
    sharing.grant(record=record, to=world.order, by=world.owner_release)
    paths = {"own": f"/vorfaelle/{record.pk}/", "edit": f"/vorfaelle/{record.pk}/bearbeiten/"}
    paths["foreign"] = paths["own"]
    client = signed_in(world.partner if page == "foreign" else world.owner_lead)
    assert queries_of_template(client, paths.get(page, page)) == []
