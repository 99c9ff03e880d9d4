"""The pages of retention: what they show to whom, and that what was typed comes back with the objection."""

import datetime as dt

import pytest
from django.urls import reverse
from django.utils import timezone

from agencies.visibility import SharingLevel
from incidents.models import Incident, IncidentExtension, RetentionRule
from lagebild.retention import apply_retention
from tests import factories

NOON = dt.datetime(2026, 11, 22, 12, tzinfo=dt.UTC)
TODAY = NOON.date()
pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _day(time_machine):
    time_machine.move_to(NOON, tick=False)


@pytest.fixture
def due(world) -> Incident:
    return factories.make_incident(
        world.police,
        occurred_from=NOON - dt.timedelta(days=900),
        description="Zwitscher-Sachverhalt",
        sharing_level=SharingLevel.COOPERATION,
    )


def text(response) -> str:
    return " ".join(response.content.decode().split())


def test_the_lead_sets_a_term_and_sees_where_it_holds(world, signed_in):
    category = factories.make_category("one", label="Ruhestörung", group="some")
    page = signed_in(world.owner_lead)
    answer = page.post(
        reverse("retention:rules"),
        {"scope": "category:one", "review_after_months": "6", "delete_after_months": "12", "basis": "Erlass 7"},
        follow=True,
    )
    assert "Die Frist für „Ruhestörung“ ist gesetzt" in text(answer)
    assert "Erlass 7" in text(answer)
    assert "eigene Frist der Kategorie" in text(answer)
    assert RetentionRule.objects.get().category == category


def test_an_objection_stands_at_its_field_and_keeps_what_was_typed(world, signed_in):
    values = {"scope": "all", "review_after_months": "6", "delete_after_months": "999", "basis": "Erlass 7"}
    answer = signed_in(world.owner_lead).post(reverse("retention:rules"), values)
    assert "Das ist zu lang" in text(answer)
    answer = signed_in(world.owner_lead).post(reverse("retention:rules"), values | {"delete_after_months": "130"})
    assert "Höchstens 120 Monate" in text(answer)
    assert 'value="Erlass 7"' in text(answer)
    assert not RetentionRule.objects.exists()


def test_the_review_list_names_own_due_records_alone(world, signed_in, due):
    factories.make_incident(world.police, occurred_from=NOON - dt.timedelta(days=10))
    foreign = factories.make_incident(
        world.order, occurred_from=NOON - dt.timedelta(days=900), sharing_level=SharingLevel.COOPERATION
    )
    page = text(signed_in(world.owner_release).get(reverse("retention:review")))
    assert due.detail.number_label in page
    assert page.count("data-row-href") == 1
    assert str(foreign.pk) not in page


def test_the_review_list_asks_as_often_for_many_as_for_one(world, signed_in, due, django_assert_max_num_queries):
    client = signed_in(world.owner_release)
    with django_assert_max_num_queries(60) as few:
        client.get(reverse("retention:review"))
    for days in range(901, 921):
        factories.make_incident(world.police, occurred_from=NOON - dt.timedelta(days=days))
    with django_assert_max_num_queries(len(few)):
        client.get(reverse("retention:review"))


def test_a_record_is_extended_and_stands_on_the_list_no_longer(world, signed_in, due):
    client, url = signed_in(world.owner_release), reverse("retention:check_incident", args=[due.pk])
    assert "Zwitscher-Sachverhalt" in text(client.get(url))
    refused = text(client.post(url, {"until": "01.01.2020", "reason": "Verfahren läuft"}))
    assert "Bitte ein Datum vom" in refused
    assert "Verfahren läuft" in refused
    answer = client.post(url, {"until": "01.12.2027", "reason": "Verfahren läuft"}, follow=True)
    assert "Keine Meldung steht zur Prüfung an" in text(answer)
    assert IncidentExtension.objects.get().until == dt.date(2027, 12, 1)
    assert "01.12.2027" in text(client.get(reverse("incidents:detail", args=[due.pk])))


def test_a_record_is_deleted_by_hand_only_with_a_reason(world, signed_in, due):
    client = signed_in(world.owner_release)
    url = reverse("lagebild_retention:delete_incident", args=[due.pk])
    assert "Es fehlt der Grund" in text(client.post(url, {}))
    assert Incident.objects.exists()
    answer = client.post(url, {"reason": "not_needed"}, follow=True)
    assert "ist mit allem gelöscht" in text(answer)
    assert not Incident.objects.exists()
    assert client.get(reverse("incidents:detail", args=[due.pk])).status_code == 404


@pytest.mark.parametrize(("who", "sees"), [("owner_entry", True), ("owner_lead", True), ("partner_release", False)])
def test_the_dates_are_for_the_owner_alone(world, signed_in, due, who, sees):
    page = text(signed_in(getattr(world, who)).get(reverse("incidents:detail", args=[due.pk])))
    assert ("Aufbewahrung" in page) is sees
    assert ("Prüfung am" in page) is sees
    assert (reverse("retention:check_incident", args=[due.pk]) in page) is (who == "owner_lead")


def test_the_lead_reads_own_proofs_and_the_data_protection_role_all(world, signed_in, due):
    factories.make_incident(world.order, occurred_from=NOON - dt.timedelta(days=3000))
    runs = {
        agency: apply_retention(agency=agency, today=timezone.localdate()) for agency in (world.police, world.order)
    }
    seen = {}
    for who in (world.owner_lead, world.data_protection):
        page = text(signed_in(who).get(reverse("retention:runs")))
        seen[who] = {agency for agency, run in runs.items() if reverse("retention:run", args=[run.pk]) in page}
    assert seen == {world.owner_lead: {world.police}, world.data_protection: {world.police, world.order}}
    page = text(signed_in(world.data_protection).get(reverse("retention:run", args=[runs[world.order].pk])))
    assert runs[world.order].sha256 in page
    assert "Incident-Kind" in page
    table = signed_in(world.data_protection).get(reverse("retention:run_csv", args=[runs[world.order].pk]))
    lines = table.content.decode("utf-8-sig").splitlines()
    assert lines[1].startswith("Ordnungsamt;2026-11-22;Vorfälle;Incident-Kind;")
    assert len(lines) == 2


def test_an_open_run_is_no_proof_yet(world, signed_in):
    run = apply_retention(agency=world.police, today=timezone.localdate())
    type(run).objects.filter(pk=run.pk).update(finished_at=None)
    client = signed_in(world.owner_lead)
    assert client.get(reverse("retention:run", args=[run.pk])).status_code == 404
    assert "Noch kein Löschlauf" in text(client.get(reverse("retention:runs")))
