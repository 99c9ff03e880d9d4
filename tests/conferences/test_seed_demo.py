import datetime
import io

import pytest
from django.contrib.auth import authenticate
from django.core.management import CommandError, call_command
from django.test import RequestFactory
from django.utils import timezone

from agencies.models import Agency, Membership, User
from agencies.roles import Role
from conferences.models import Conference, Measure, MeasureStatus
from incidents.demo.cast import PASSWORD
from incidents.models import (
    Complaint,
    CountDelivery,
    DeliveredWeek,
    Incident,
    IncidentDetail,
    IncidentGroupObjectPermission,
    IncidentNote,
    NumberSequence,
    SharingDefault,
)
from lagebild.calendar_models import CalendarEntry, DeliveryNotice
from tests import factories

pytestmark = pytest.mark.django_db

UNTIL = datetime.date(2026, 10, 31)
ACTIVE = (
    *("polizei", "ordnungsamt", "zoll", "jva", "feuerwehr", "bundespolizei", "jugendamt", "schule"),
    *("amtsgericht", "staatsanwaltschaft"),
)


def seed_demo(**options) -> str:
    out = io.StringIO()
    call_command("seed_demo", stdout=out, **{"records": 600, "seed": 7, "until": UNTIL} | options)
    return out.getvalue()


def test_seed_writes_the_wanted_records_marked_as_demonstration():
    assert "angelegt" in seed_demo()
    assert Incident.objects.count() + Complaint.objects.count() == 600
    assert not Incident.objects.filter(is_demonstration=False).exists()
    assert not Complaint.objects.filter(is_demonstration=False).exists()
    assert not Agency.objects.filter(is_demonstration=False).exists()
    assert not CountDelivery.objects.filter(is_demonstration=False).exists()
    assert IncidentDetail.objects.count() == Incident.objects.count()
    newest = timezone.localtime(Incident.objects.latest("occurred_from").occurred_from).date()
    assert UNTIL - datetime.timedelta(days=6) <= newest <= UNTIL


def test_seeding_twice_changes_nothing():
    seed_demo()
    before = set(Incident.objects.values_list("pk", flat=True))
    assert "bereits vorhanden" in seed_demo(seed=8)
    assert set(Incident.objects.values_list("pk", flat=True)) == before


def test_faces_show_cells_only_where_the_category_allows():
    seed_demo()
    assert Incident.objects.filter(category__geo="P", cell__isnull=False).exists()
    assert not Incident.objects.filter(category__geo="G", cell__isnull=False).exists()
    assert not IncidentDetail.objects.filter(record__category__geo="G", lon__isnull=False).exists()


def test_running_numbers_go_on_after_the_seed():
    seed_demo()
    for sequence in NumberSequence.objects.filter(kind="incident").select_related("agency"):
        numbers = IncidentDetail.objects.filter(agency=sequence.agency, year=sequence.year)
        assert max(numbers.values_list("number", flat=True)) == sequence.last


def test_accounts_of_every_agency_can_sign_in():
    seed_demo()
    emails = {f"{name}@{slug}.example" for name in ("erfassung", "freigabe", "leitung") for slug in ACTIVE}
    emails |= {"vorsitz@siko.example", "datenschutz@siko.example", "admin@siko.example"}
    suspended = {f"{name}@finanzamt.example" for name in ("erfassung", "freigabe", "leitung")}
    held = set(User.objects.filter(is_active=True).values_list("email", flat=True))
    assert held == emails | suspended | {"vertretung@siko.example"}
    request = RequestFactory().post("/")
    assert authenticate(request, username="vorsitz@siko.example", password=PASSWORD) is not None
    assert authenticate(request, username="inaktiv@polizei.example", password=PASSWORD) is None
    lead = User.objects.get(email="leitung@polizei.example")
    assert lead.roles == {Role.LEAD, Role.MEMBER}


def test_memberships_cover_letter_of_intent_and_suspension():
    seed_demo()
    states = dict(Membership.objects.values_list("agency__slug", "status"))
    assert states == dict.fromkeys((*ACTIVE, "siko"), "active") | {"finanzamt": "suspended"}
    assert Membership.objects.get(agency__slug="staatsanwaltschaft").kind == "letter_of_intent"
    assert all(membership.document for membership in Membership.objects.all())


def test_suspended_agency_gives_and_gets_nothing():
    seed_demo()
    tax = Agency.objects.get(slug="finanzamt")
    police = User.objects.get(email="erfassung@polizei.example")
    clerk = User.objects.get(email="erfassung@finanzamt.example")
    assert not Incident.objects.visible_to(police).filter(agency=tax).exists()
    assert not Incident.objects.shared_with_picture().filter(agency=tax).exists()
    assert not Incident.objects.visible_to(clerk).exclude(agency=tax).exists()


def test_grants_notes_defaults_and_deliveries_exist():
    seed_demo()
    police = User.objects.get(email="erfassung@polizei.example")
    granted = IncidentGroupObjectPermission.objects.filter(content_object__agency__slug="bundespolizei")
    assert granted.count() == 5
    seen = Incident.objects.visible_to(police).filter(agency__slug="bundespolizei", sharing_level="statistics")
    assert set(seen) == {row.content_object for row in granted}
    assert IncidentNote.objects.filter(cleared_at__isnull=False).exists()
    assert SharingDefault.objects.get(agency__slug="polizei", category__slug="domestic-violence").level == "statistics"
    assert SharingDefault.objects.get(agency__slug="polizei", category__slug="c-staff-conduct").level == "internal"
    assert CountDelivery.objects.filter(agency__slug="jugendamt").exists()
    assert not Incident.objects.filter(agency__slug="jugendamt").exists()
    assert DeliveredWeek.objects.filter(agency__slug="jugendamt", basis="counts").exists()


def test_the_calendar_holds_made_up_entries_marked_as_such():
    seed_demo()
    entries = {entry.name: entry for entry in CalendarEntry.objects.all()}
    assert {*entries} == {
        *("Stadtfest Innenstadt", "Frühjahrskirmes Heessen", "Lichterfest", "Stadtlauf"),
        "Ferien (erfunden, nicht die amtlichen)",
    }
    assert entries["Stadtfest Innenstadt"].districts == ["mitte"]
    assert entries["Stadtfest Innenstadt"].cells
    assert entries["Lichterfest"].first_day > UNTIL
    assert entries["Stadtlauf"].first_day.weekday() == 6
    assert set(DeliveryNotice.objects.values_list("agency__slug", "kind")) == {
        ("jugendamt", "late"),
        ("feuerwehr", "recounted"),
    }
    assert all(row.is_demonstration for model in (CalendarEntry, DeliveryNotice) for row in model.objects.all())


def test_past_conference_decided_the_measure_that_ended_a_hotspot():
    seed_demo()
    measure = Measure.objects.get(status=MeasureStatus.DONE)
    held = measure.decision.conference
    assert timezone.localdate(held.starts_at) < measure.starts_on == UNTIL - datetime.timedelta(days=150)
    assert (measure.area.slug, measure.agency.slug, measure.decision.votes_for) == ("heessen", "polizei", 7)
    assert set(held.agencies.values_list("slug", flat=True)) == {*ACTIVE, "siko"}
    coming = Conference.objects.get(status="invited")
    assert timezone.localdate(coming.starts_at) > UNTIL
    assert timezone.localtime(coming.starts_at).weekday() < 5


def test_a_database_with_real_records_is_refused(world):
    factories.make_incident(world.police)
    with pytest.raises(CommandError, match="keine Demonstrationsdaten"):
        seed_demo()
    assert Incident.objects.count() == 1


def test_a_database_with_real_accounts_is_refused(world):
    with pytest.raises(CommandError, match="enthält bereits Konten"):
        seed_demo()
    assert not Incident.objects.exists()


@pytest.mark.parametrize(
    ("options", "objection"),
    [({"records": 10}, "zu wenige Meldungen"), ({"until": datetime.date(2999, 1, 1)}, "nicht in der Vergangenheit")],
)
def test_impossible_wishes_are_refused(options, objection):
    with pytest.raises(CommandError, match=objection):
        call_command("seed_demo", **{"records": 600, "until": UNTIL} | options)
    assert not User.objects.exists()
