"""The administration's reasoned look into one agency's records: who, how long, what it shows, and who is told."""

import datetime as dt

import pytest
import time_machine
from django.core.exceptions import ValidationError
from django.db import Error, transaction
from django.utils import timezone

from agencies.audit import Act
from agencies.inspection_models import LONGEST, Inspection
from agencies.inspections import end_inspection, open_inspection, running_inspection
from agencies.models import AuditEntry, MembershipStatus
from agencies.purpose import SESSION_KEY
from agencies.roles import Role
from agencies.visibility import SharingLevel, running_inspections
from incidents.expiry import EXPIRIES, clear_expired
from incidents.models import Complaint, ComplaintNote, Incident, IncidentNote
from incidents.similar import similar_records
from tests import backstage, factories

REASON = "Prüfung einer Beschwerde über falsche Freigaben"
PAGE = "/behoerden/polizei/sondereinsicht/"
END = f"{PAGE}ende/"
LISTS = ("/vorfaelle/", "/beschwerden/")
NOON = dt.datetime(2026, 3, 2, 11, 0, tzinfo=dt.UTC)
SECRETS = {
    "reference": "Zwitscher-Zeichen",
    "place_text": "Zwitscher-Gasse",
    "description": "Zwitscher-Text",
    "internal_note": "Zwitscher-Vermerk",
}


@pytest.fixture
def clock():
    with time_machine.travel(NOON, tick=False) as traveller:
        yield traveller


@pytest.fixture
def records(world):
    """One internal record of each kind of the police, with a note cleared and one not, and one of the fire brigade."""
    made = {
        "incident": factories.make_incident(world.police, **SECRETS),
        "complaint": factories.make_complaint(world.police, complainant_contact="Zwitscher-Kontakt", **SECRETS),
        "elsewhere": factories.make_incident(world.fire),
    }
    for model, name, cleared in ((IncidentNote, "incident", timezone.now()), (ComplaintNote, "complaint", None)):
        model.objects.create(
            record=made[name],
            agency=world.police,
            text=f"Hinweis-{name}",
            written_by=world.owner_entry,
            cleared_by=world.owner_release if cleared else None,
            cleared_at=cleared,
        )
    return made


@pytest.fixture
def inspecting(world, records):
    return open_inspection(agency=world.police, reason=REASON, by=world.admin)


def sees(person, model=Incident) -> tuple[set, set]:
    """What the first and what the second lock let through, each without the other."""
    person = type(person).objects.get(pk=person.pk)
    with backstage.acting(person):
        second = set(model.objects.all())
    return set(model.objects.visible_to(person)), second


def both(*records) -> tuple[set, set]:
    return set(records), set(records)


def entries(*acts) -> list[AuditEntry]:
    return list(AuditEntry.objects.filter(action__in=acts).order_by("pk"))


# Opening and ending


def test_the_administration_opens_and_ends_it_in_the_browser(world, records, signed_in, clock):
    client = signed_in(world.admin)
    assert [client.get(url).status_code for url in LISTS] == [403, 403]
    page = client.get(PAGE).content.decode()
    assert "höchstens 30 Minuten" in page
    assert "Wer davon erfährt" in page
    assert client.post(PAGE, {"reason": REASON}).url == "/vorfaelle/"
    row = Inspection.objects.get()
    assert (row.agency, row.user, row.reason, row.opened_at, row.ends_at, row.ended_at) == (
        *(world.police, world.admin, REASON),
        *(NOON, NOON + LONGEST, None),
    )
    for url in ("/", "/behoerden/", "/konto/", *LISTS):
        page = client.get(url).content.decode()
        assert "Sondereinsicht in die Meldungen von Polizei bis 12:30 Uhr." in page
        assert f"Grund: {REASON}" in page
        assert END in page
        assert all(f'href="{address}"' in page for address in LISTS)
        assert 'name="q"' not in page
    assert client.post(END).url == "/behoerden/polizei/"
    assert [client.get(url).status_code for url in LISTS] == [403, 403]
    start = client.get("/").content.decode()
    assert "bis 12:30 Uhr" not in start
    assert 'href="/vorfaelle/"' not in start
    assert "läuft keine Sondereinsicht mehr" in client.post(END, follow=True).content.decode()
    assert [entry.action for entry in entries(Act.INSPECTION_OPENED, Act.INSPECTION_ENDED)] == [
        Act.INSPECTION_OPENED,
        Act.INSPECTION_ENDED,
    ]


def test_it_needs_a_fresh_confirmation(world, records, signed_in, settings, clock):
    settings.CONFIRM_MINUTES = 5
    client = signed_in(world.admin)
    clock.shift(dt.timedelta(minutes=5, seconds=1))
    assert client.get(PAGE).url.startswith("/konto/bestaetigen/")
    client.post(PAGE, {"reason": REASON})
    assert not Inspection.objects.exists()


@pytest.mark.parametrize("reason", ["", " " * 30, "x" * 19, "x" * 501])
def test_it_needs_a_reason_in_words(world, signed_in, reason):
    answer = signed_in(world.admin).post(PAGE, {"reason": reason})
    assert answer.status_code == 200
    assert answer.context["form"].errors["reason"]
    assert not Inspection.objects.exists()


def test_the_longest_reason_fits_into_the_log(world, records, signed_in):
    client = signed_in(world.admin)
    client.post(PAGE, {"reason": "ä" * 500})
    client.get(f"/vorfaelle/{records['incident'].pk}/")
    assert entries(Act.READ)[-1].purpose == "Sondereinsicht: " + "ä" * 500


@pytest.mark.parametrize(
    "name", ["owner_lead", "partner", "stranger", "chair", "data_protection", "guest", "superuser", "without_agency"]
)
def test_nobody_else_opens_one(world, records, signed_in, name):
    person = world.people()[name]
    before = sees(person)
    with pytest.raises(ValidationError):
        open_inspection(agency=world.police, reason=REASON, by=person)
    client = signed_in(person)
    assert [client.get(PAGE).status_code, client.post(PAGE, {"reason": REASON}).status_code] == [403, 403]
    assert not Inspection.objects.exists()
    # Not even a row that should not be there opens anything, to neither lock.
    factories.make_inspection(world.fire, person)
    assert sees(person) == before


def test_the_role_at_another_agency_opens_nothing(world, records):
    person = factories.make_person(world.order, Role.ADMIN)
    with pytest.raises(ValidationError):
        open_inspection(agency=world.police, reason=REASON, by=person)
    factories.make_inspection(world.police, person)
    assert sees(person) == both()


@pytest.mark.parametrize("slug", ["siko", "finanzamt", "schulaufsicht"])
def test_own_suspended_and_guest_agencies_are_not_looked_into(world, signed_in, slug):
    client = signed_in(world.admin)
    page = client.get(f"/behoerden/{slug}/sondereinsicht/").content.decode()
    assert 'name="reason"' not in page
    assert client.post(f"/behoerden/{slug}/sondereinsicht/", {"reason": REASON}).status_code == 200
    assert not Inspection.objects.exists()


def test_an_inspection_of_the_own_agency_opens_nothing_even_as_a_row(world):
    own = factories.make_incident(world.siko)
    factories.make_inspection(world.siko, world.admin)
    assert own.agency == world.siko
    assert sees(world.admin) == both()


def test_a_second_one_waits_for_the_end_of_the_first(world, inspecting):
    with pytest.raises(ValidationError, match="bereits eine Sondereinsicht in die Meldungen von Polizei"):
        open_inspection(agency=world.fire, reason=REASON, by=world.admin)
    assert end_inspection(agency=world.fire, by=world.admin) is False
    assert end_inspection(agency=world.police, by=world.admin) is True
    open_inspection(agency=world.fire, reason=REASON, by=world.admin)
    assert Inspection.objects.filter(ended_at=None).get().agency == world.fire


def test_one_that_ran_out_is_closed_with_the_end_it_had(world, records, clock):
    first = open_inspection(agency=world.police, reason=REASON, by=world.admin)
    clock.shift(dt.timedelta(hours=3))
    open_inspection(agency=world.fire, reason=REASON, by=world.admin)
    first.refresh_from_db()
    assert first.ended_at == NOON + LONGEST


# What it opens, and when that ends


def test_it_opens_the_faces_of_that_agency_to_that_person(world, records, inspecting):
    assert sees(world.admin) == both(records["incident"])
    assert sees(world.admin, Complaint) == both(records["complaint"])
    assert sees(world.second_admin) == both()
    assert sees(world.data_protection) == both()
    assert sees(world.superuser) == both()


def test_of_notes_it_opens_the_cleared_ones(world, records, inspecting):
    with backstage.acting(world.admin):
        texts = {note.text for model in (IncidentNote, ComplaintNote) for note in model.objects.all()}
    assert texts == {"Hinweis-incident"}


def test_details_changes_and_grants_stay_closed(world, records, inspecting):
    closed = (
        *(Incident.detail_model(), Complaint.detail_model()),
        *(field.related_model for field in Incident._meta.related_objects if field.name in ("revisions", "extensions")),
    )
    with backstage.acting(world.admin):
        assert [model.objects.count() for model in closed] == [0] * len(closed)
        assert not Incident.detail_model().objects.owned_by(world.admin).exists()


def test_nothing_can_be_written(world, records, inspecting):
    record = records["incident"]
    with backstage.acting(world.admin):
        assert Incident.objects.filter(pk=record.pk).update(severity=4) == 0
        assert Incident.objects.filter(pk=record.pk)._raw_delete("default") == 0
    assert not world.admin.has_perm("incidents.change_incident", record)
    assert world.admin.has_perm("incidents.view_incident", record)


def test_it_ends_at_the_second(world, records, clock):
    open_inspection(agency=world.police, reason=REASON, by=world.admin)
    clock.move_to(NOON + LONGEST - dt.timedelta(seconds=1))
    assert sees(world.admin) == both(records["incident"])
    clock.move_to(NOON + LONGEST)
    assert sees(world.admin) == both()
    clock.move_to(NOON - dt.timedelta(seconds=1))
    assert sees(world.admin) == both()


def lose_role(world):
    world.admin.groups.clear()


def be_blocked(world):
    type(world.admin).objects.filter(pk=world.admin.pk).update(is_active=False)


def suspend_the_office(world):
    world.siko.memberships.update(status=MembershipStatus.SUSPENDED)


def suspend_the_owner(world):
    world.police.memberships.update(status=MembershipStatus.SUSPENDED)


def press_the_button(world):
    end_inspection(agency=world.police, by=world.admin)


ENDS = (lose_role, be_blocked, suspend_the_office, suspend_the_owner, press_the_button)


@pytest.mark.parametrize("end", ENDS, ids=lambda end: end.__name__)
def test_it_ends_for_every_reason_that_ends_it(world, records, inspecting, end):
    assert sees(world.admin) == both(records["incident"])
    end(world)
    assert sees(world.admin) == both()
    person = type(world.admin).objects.get(pk=world.admin.pk)
    assert running_inspection(person) is None
    assert not running_inspections(person).exists()


# Pages


def test_pages_show_faces_and_no_detail(world, records, inspecting, signed_in):
    client = signed_in(world.admin)
    pages = [client.get(url) for url in (*LISTS, *(f"/{path}/{records[name].pk}/" for path, name in OWN_PAGES))]
    text = "".join(page.content.decode() for page in pages)
    assert [page.status_code for page in pages] == [200] * 4
    assert records["incident"].short_id in text
    assert "Hinweis-incident" in text
    assert "in einer Sondereinsicht" in text
    assert "Einzelfreigabe" not in text
    assert "Nur eigene Behörde" not in text.replace('<option value="internal">Nur eigene Behörde</option>', "")
    hidden = [*SECRETS.values(), "Zwitscher", "Hinweis-complaint", "7.80780", "51.67810"]
    hidden += [records[name].detail.number_label for name in ("incident", "complaint")]
    assert [word for word in hidden if word in text] == []
    place = client.get(f"/vorfaelle/{records['incident'].pk}/ort.geojson").content.decode()
    assert "Polygon" in place
    assert "Point" not in place
    assert client.get(f"/vorfaelle/{records['elsewhere'].pk}/").status_code == 404


OWN_PAGES = (("vorfaelle", "incident"), ("beschwerden", "complaint"))


def test_no_step_export_or_search(world, records, inspecting, signed_in):
    client = signed_in(world.admin)
    record = f"/vorfaelle/{records['incident'].pk}/"
    for part in ("status/", "stufe/", "freigaben/", "hinweis/", "hinweis/freigeben/", "verlauf/1/schwaerzen/"):
        assert client.post(record + part).status_code == 403
    for url in (f"{record}bearbeiten/", "/vorfaelle/export/", "/vorfaelle/aehnliche/", "/vorfaelle/neu/"):
        assert client.get(url).status_code == 403
    assert client.get("/lagebild/").status_code == 403
    assert client.get("/api/v1/incidents/").status_code == 401
    for words in ("Hinweis-incident", "Incident-Kind", "West", records["incident"].short_id):
        page = client.get("/vorfaelle/", {"q": words}).content.decode()
        assert records["incident"].short_id not in page


def test_other_rights_of_the_person_do_not_reach_further(world, records, inspecting, signed_in):
    """Somebody who also enters and releases at the office: neither export, search nor likeness use the inspection."""
    person = world.admin
    for role in (Role.ENTRY, Role.RELEASE):
        person.groups.add(world.siko.role_groups.get(role=role).group)
    person = type(person).objects.get(pk=person.pk)
    shared = factories.make_incident(world.fire, sharing_level=SharingLevel.COOPERATION)
    client = signed_in(person)
    listed = client.get("/vorfaelle/").content.decode()
    assert records["incident"].short_id in listed
    assert shared.short_id in listed
    log = {tuple(entry.facts["owners"]): entry.purpose for entry in entries(Act.SEARCHED)}
    assert log == {("polizei",): f"Sondereinsicht: {REASON}", ("feuerwehr",): client.session[SESSION_KEY]}
    assert records["incident"].short_id not in client.get("/vorfaelle/", {"q": "West"}).content.decode()
    table = client.post("/vorfaelle/export/", {"purpose": "Vorbereitung der Sitzung"})
    body = b"".join(table.streaming_content) if table.streaming else table.content
    assert shared.short_id in body.decode("utf-8-sig")
    assert records["incident"].short_id not in body.decode("utf-8-sig")
    incident = records["incident"]
    near = similar_records(
        model=Incident,
        by=person,
        category=incident.category,
        occurred_from=incident.occurred_from,
        lon=factories.STATION[0],
        lat=factories.STATION[1],
    )
    assert near == [shared]


def test_it_asks_for_no_second_purpose(world, records, inspecting, client):
    client.force_login(world.admin, backend="django.contrib.auth.backends.ModelBackend")
    urls = ("/vorfaelle/", f"/vorfaelle/{records['incident'].pk}/")
    assert [client.get(url).status_code for url in urls] == [200, 200]


# The log and the owner


def test_every_reading_names_owner_and_reason(world, records, inspecting, signed_in):
    client = signed_in(world.admin)
    record = records["incident"]
    for url in ("/vorfaelle/", f"/vorfaelle/{record.pk}/", f"/vorfaelle/{record.pk}/ort.geojson"):
        client.get(url)
    found = entries(Act.SEARCHED, Act.READ)
    assert {(entry.user, entry.purpose) for entry in found} == {(world.admin, f"Sondereinsicht: {REASON}")}
    assert found[0].facts["owners"] == {"polizei": 1}
    assert [(entry.owner, entry.object_id) for entry in found[1:]] == [(world.police, str(record.pk))] * 2


def test_the_owners_lead_reads_of_it(world, records, signed_in, clock):
    open_inspection(agency=world.police, reason=REASON, by=world.admin)
    signed_in(world.admin).get(f"/vorfaelle/{records['incident'].pk}/")
    clock.shift(dt.timedelta(minutes=10))
    end_inspection(agency=world.police, by=world.admin)
    client = signed_in(world.owner_lead)
    readers = client.get("/datenschutz/einsichten/").content.decode()
    for words in ("Sondereinsicht begonnen", "Sondereinsicht beendet", f"Sondereinsicht: {REASON}", "Siko"):
        assert words in readers
    assert world.admin.full_name not in readers
    start = client.get("/").content.decode()
    assert "Sondereinsicht der Geschäftsstelle am 02.03.2026, 12:00 bis 12:10 Uhr" in start
    assert f"Grund: {REASON}" in start
    clock.shift(dt.timedelta(days=15))
    assert "Sondereinsicht" not in signed_in(world.owner_lead).get("/").content.decode()


@pytest.mark.parametrize("name", ["owner_entry", "owner_release", "stranger", "chair", "second_admin"])
def test_nobody_else_is_told(world, records, inspecting, signed_in, name):
    person = world.people()[name]
    assert REASON not in signed_in(person).get("/").content.decode()
    with backstage.acting(person):
        assert not Inspection.objects.exists()


# The table itself


def attempt(person, **fields):
    now = timezone.now()
    with backstage.acting(person), transaction.atomic():
        row = {"user": person, "reason": REASON, "opened_at": now, "ends_at": now + LONGEST} | fields
        return Inspection.objects.create(**row)


def test_the_database_lets_the_administration_alone_write_it(world):
    for person, fields in (
        (world.owner_lead, {"agency": world.fire}),
        (world.chair, {"agency": world.police}),
        (world.admin, {"agency": world.siko}),
        (world.admin, {"agency": world.police, "user": world.second_admin}),
    ):
        with pytest.raises(Error, match="row-level security"):
            attempt(person, **fields)
    assert attempt(world.admin, agency=world.police).pk


@pytest.mark.parametrize(
    ("constraint", "fields"),
    [
        ("inspection_short", {"ends_at": LONGEST + dt.timedelta(microseconds=1)}),
        ("inspection_short", {"ends_at": dt.timedelta()}),
        ("inspection_ends_in_time", {"ended_at": dt.timedelta(seconds=-1)}),
        ("inspection_ends_in_time", {"ended_at": LONGEST + dt.timedelta(seconds=1)}),
    ],
)
def test_the_database_keeps_it_short(world, constraint, fields):
    now = timezone.now()
    moments = {"opened_at": now, "ends_at": now + LONGEST} | {name: now + span for name, span in fields.items()}
    with pytest.raises(Error, match=constraint):
        attempt(world.admin, agency=world.police, **moments)


def test_the_database_asks_for_a_reason_and_one_at_a_time(world):
    with pytest.raises(Error, match="inspection_has_reason"):
        attempt(world.admin, agency=world.police, reason="x" * 19)
    attempt(world.admin, agency=world.police)
    with pytest.raises(Error, match="inspection_one_open"):
        attempt(world.admin, agency=world.fire)


@pytest.mark.parametrize(
    "change",
    [
        {"reason": "Ein ganz anderer Grund als zuvor"},
        {"ends_at": NOON + dt.timedelta(minutes=5)},
        {"opened_at": NOON - dt.timedelta(minutes=1)},
    ],
    ids=["reason", "end", "beginning"],
)
def test_a_row_only_gains_its_end(world, records, clock, change):
    row = open_inspection(agency=world.police, reason=REASON, by=world.admin)
    rows = Inspection.objects.filter(pk=row.pk)
    with pytest.raises(Error, match="Cannot update rows"), transaction.atomic():
        rows.update(**change)
    end_inspection(agency=world.police, by=world.admin)
    for again in (None, NOON + dt.timedelta(minutes=1)):
        with pytest.raises(Error, match="Cannot update rows"), transaction.atomic():
            rows.update(ended_at=again)
    with pytest.raises(Error, match="Cannot delete rows"), transaction.atomic():
        rows.delete()


def test_after_two_years_the_nightly_run_deletes_it(world):
    expiry = next(entry for entry in EXPIRIES if entry.label == "Sondereinsichten")
    today = timezone.localdate()
    for days in (740, 720):
        start = timezone.now() - dt.timedelta(days=days)
        factories.make_inspection(world.police, world.admin, opened_at=start, ended_at=start + LONGEST)
    with backstage.acting(world.police):
        assert clear_expired(expiry, agency=world.police, today=today) == 1
