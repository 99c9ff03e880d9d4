"""What happens to records: entry, change, steps, levels, notes."""

import datetime

import pytest
from django.core.exceptions import PermissionDenied, ValidationError
from django.utils import timezone

from agencies import sharing
from agencies.audit import Act
from agencies.models import AuditEntry
from agencies.visibility import SharingLevel
from incidents import actions
from incidents.geo import DETAIL_RESOLUTION, SHARED_RESOLUTION, cell_at
from incidents.models import (
    Accuracy,
    ComplaintDetail,
    DeliveredWeek,
    DeliveryBasis,
    Incident,
    IncidentDetail,
    Kind,
    SharingDefault,
)
from incidents.workflow import TRANSITIONS, Status
from tests import factories

STATION = factories.STATION


def data(category=None, **fields) -> actions.RecordData:
    moment = timezone.now() - datetime.timedelta(hours=3)
    return actions.RecordData(category=category or factories.make_category(), **({"occurred_from": moment} | fields))


def messages_of(caught) -> dict:
    return caught.value.message_dict


def test_report_writes_face_detail_number_and_log(world):
    record = actions.report(
        kind=Kind.INCIDENT,
        data=data(lon=STATION[0], lat=STATION[1], description="Text", reference="AZ 1"),
        by=world.owner_entry,
    )
    detail = IncidentDetail.objects.get(record=record)
    assert (record.agency, record.district.slug, record.accuracy) == (world.police, "west", Accuracy.POINT)
    assert record.cell == cell_at(*STATION, SHARED_RESOLUTION)
    assert (detail.cell, detail.description) == (cell_at(*STATION, DETAIL_RESOLUTION), "Text")
    assert (detail.number, detail.created_by) == (1, world.owner_entry)
    entry = AuditEntry.objects.get(action=Act.CREATED)
    assert (entry.object_id, entry.owner, entry.facts) == (str(record.pk), world.police, {"level": "internal"})


def test_an_internal_record_does_not_show_in_the_delivery_overview(world):
    """Everybody reads there which week an agency has delivered for."""
    monday = datetime.datetime(2026, 1, 5, 12, tzinfo=datetime.UTC)

    def weeks() -> list[str]:
        rows = DeliveredWeek.objects.filter(agency=world.police, basis=DeliveryBasis.RECORDS).order_by("week")
        return [str(row.week) for row in rows]

    DeliveredWeek.objects.create(agency=world.police, week=monday.date(), basis=DeliveryBasis.NOTHING)
    record = actions.report(kind=Kind.INCIDENT, data=data(occurred_from=monday), by=world.owner_release)
    later = data(record.category, occurred_from=monday + datetime.timedelta(weeks=1))
    actions.change(record=record, data=later, by=world.owner_release)
    assert weeks() == []
    actions.set_level(record=record, level=SharingLevel.STATISTICS, by=world.owner_release)
    assert weeks() == ["2026-01-12"]
    actions.change(record=record, data=data(record.category, occurred_from=monday), by=world.owner_release)
    assert weeks() == ["2026-01-05", "2026-01-12"]
    shared = data(
        record.category, occurred_from=monday + datetime.timedelta(weeks=2), sharing_level=SharingLevel.COOPERATION
    )
    actions.report(kind=Kind.INCIDENT, data=shared, by=world.owner_release)
    assert weeks() == ["2026-01-05", "2026-01-12", "2026-01-19"]


def test_running_numbers_are_per_agency_and_kind(world):
    complaint_kind = factories.make_category("laerm", kind=Kind.COMPLAINT, group="beschwerden")
    actions.report(kind=Kind.INCIDENT, data=data(), by=world.owner_entry)
    second = actions.report(kind=Kind.INCIDENT, data=data(), by=world.owner_entry)
    other = actions.report(kind=Kind.INCIDENT, data=data(), by=world.partner)
    complaint = actions.report(kind=Kind.COMPLAINT, data=data(complaint_kind), by=world.owner_entry)
    assert [record.detail.number for record in (second, other, complaint)] == [2, 1, 1]


def test_contact_goes_to_the_complaint_detail(world):
    category = factories.make_category("laerm", kind=Kind.COMPLAINT, group="beschwerden")
    actions.report(kind=Kind.COMPLAINT, data=data(category, complainant_contact="0151"), by=world.owner_entry)
    assert ComplaintDetail.objects.get().complainant_contact == "0151"


@pytest.mark.parametrize("name", ["chair", "data_protection", "admin", "without_agency", "superuser", "inactive"])
def test_report_needs_the_entry_capability(world, name):
    with pytest.raises(PermissionDenied):
        actions.report(kind=Kind.INCIDENT, data=data(), by=world.people()[name])
    assert not Incident.objects.exists()


@pytest.mark.parametrize(
    ("fields", "field", "part"),
    [
        ({"lon": 7.9, "lat": 51.68}, "lon", "außerhalb des Stadtgebiets"),
        ({"lon": STATION[1], "lat": STATION[0]}, "lon", "vertauscht"),
        ({"lon": 500.0, "lat": 51.0}, "lon", "außerhalb des gültigen Bereichs"),
        ({"lon": 7.8}, "lon", "fehlt eine der beiden Koordinaten"),
        ({"occurred_from": timezone.now() + datetime.timedelta(days=1)}, "occurred_from", "in der Zukunft"),
        ({"occurred_from": datetime.datetime(1900, 1, 1, tzinfo=datetime.UTC)}, "occurred_from", "vor 1990"),
        ({"occurred_to": datetime.datetime(2020, 1, 1, tzinfo=datetime.UTC)}, "occurred_to", "endet vor seinem Beginn"),
        ({"occurred_to": timezone.now() + datetime.timedelta(days=1)}, "occurred_to", "in der Zukunft"),
    ],
)
def test_impossible_data_is_refused_at_its_field(world, fields, field, part):
    with pytest.raises(ValidationError) as caught:
        actions.report(kind=Kind.INCIDENT, data=data(**fields), by=world.owner_entry)
    assert list(messages_of(caught)) == [field]
    assert part in messages_of(caught)[field][0]
    assert not Incident.objects.exists()


@pytest.mark.parametrize(
    ("fields", "accuracy", "has_cell", "has_district"),
    [
        ({"lon": STATION[0], "lat": STATION[1]}, Accuracy.POINT, True, True),
        ({"lon": STATION[0], "lat": STATION[1], "accuracy": Accuracy.STREET}, Accuracy.STREET, True, True),
        ({"lon": STATION[0], "lat": STATION[1], "accuracy": Accuracy.DISTRICT}, Accuracy.DISTRICT, False, True),
        ({}, Accuracy.UNKNOWN, False, False),
    ],
)
def test_place_is_coarsened_to_its_accuracy(world, fields, accuracy, has_cell, has_district):
    record = actions.report(kind=Kind.INCIDENT, data=data(**fields), by=world.owner_entry)
    assert (record.accuracy, record.cell is not None, record.district is not None) == (accuracy, has_cell, has_district)


def test_area_only_category_never_shows_a_cell(world):
    category = factories.make_category("haus", geo="G")
    record = actions.report(
        kind=Kind.INCIDENT, data=data(category, lon=STATION[0], lat=STATION[1]), by=world.owner_entry
    )
    assert (record.cell, record.district.slug) == (None, "west")


def test_entry_staff_may_share_only_what_the_lead_allows(world):
    category = factories.make_category()
    sharing_data = data(category, sharing_level=SharingLevel.COOPERATION)
    with pytest.raises(ValidationError) as caught:
        actions.report(kind=Kind.INCIDENT, data=sharing_data, by=world.owner_entry)
    assert list(messages_of(caught)) == ["sharing_level"]
    actions.set_sharing_defaults(levels={category: SharingLevel.COOPERATION}, by=world.owner_lead)
    assert actions.report(kind=Kind.INCIDENT, data=sharing_data, by=world.owner_entry).sharing_level == "cooperation"
    with pytest.raises(ValidationError):
        actions.report(kind=Kind.INCIDENT, data=sharing_data, by=world.partner)


def test_unshareable_category_stays_internal_even_for_the_lead(world):
    category = factories.make_category("personal", is_shareable=False, in_picture=False)
    with pytest.raises(ValidationError):
        actions.report(
            kind=Kind.INCIDENT, data=data(category, sharing_level=SharingLevel.STATISTICS), by=world.owner_lead
        )
    with pytest.raises(ValidationError):
        actions.set_sharing_defaults(levels={category: SharingLevel.STATISTICS}, by=world.owner_lead)
    assert not SharingDefault.objects.exists()


def test_sharing_defaults_are_the_leads_and_logged(world):
    category = factories.make_category()
    with pytest.raises(PermissionDenied):
        actions.set_sharing_defaults(levels={category: SharingLevel.COOPERATION}, by=world.owner_release)
    actions.set_sharing_defaults(levels={category: SharingLevel.COOPERATION}, by=world.owner_lead)
    entry = AuditEntry.objects.get(action=Act.SETTINGS_CHANGED)
    assert (entry.owner, entry.facts) == (world.police, {"sharing_defaults": {"noise": "cooperation"}})


def test_reference_belongs_to_one_record_of_the_agency(world):
    first = actions.report(kind=Kind.INCIDENT, data=data(reference="AZ 1"), by=world.owner_entry)
    with pytest.raises(ValidationError) as caught:
        actions.report(kind=Kind.INCIDENT, data=data(reference="AZ 1"), by=world.owner_lead)
    assert list(messages_of(caught)) == ["reference"]
    actions.report(kind=Kind.INCIDENT, data=data(reference="AZ 1"), by=world.partner)
    second = actions.report(kind=Kind.INCIDENT, data=data(reference="AZ 2"), by=world.owner_entry)
    with pytest.raises(ValidationError):
        actions.change(record=second, data=data(reference="AZ 1"), by=world.owner_entry)
    actions.change(record=first, data=data(reference="AZ 1", description="neu"), by=world.owner_entry)
    assert IncidentDetail.objects.get(record=first).description == "neu"


def test_change_moves_the_place_and_keeps_the_level(world):
    record = factories.make_incident(world.police, sharing_level=SharingLevel.COOPERATION)
    actions.change(record=record, data=data(lon=7.84, lat=51.67), by=world.owner_entry)
    record.refresh_from_db()
    assert (record.district.slug, record.sharing_level) == ("ost", SharingLevel.COOPERATION)


def test_shared_record_cannot_move_to_an_unshareable_category(world):
    record = factories.make_incident(world.police, sharing_level=SharingLevel.STATISTICS)
    personal = factories.make_category("personal", is_shareable=False, in_picture=False)
    with pytest.raises(ValidationError) as caught:
        actions.change(record=record, data=data(personal), by=world.owner_lead)
    assert list(messages_of(caught)) == ["category"]


@pytest.mark.parametrize("start", list(Status))
def test_only_the_steps_of_the_table_are_possible(world, start):
    for target in [*Status, "unsinn"]:
        record = factories.make_incident(world.police, status=start)
        if target in TRANSITIONS[start]:
            assert actions.advance(record=record, status=target, by=world.owner_entry).status == target
        else:
            with pytest.raises(ValidationError):
                actions.advance(record=record, status=target, by=world.owner_entry)


def test_level_is_set_by_release_and_logged_with_its_reason(world):
    record = factories.make_incident(world.police)
    with pytest.raises(PermissionDenied):
        actions.set_level(record=record, level=SharingLevel.COOPERATION, by=world.owner_entry)
    with pytest.raises(PermissionDenied):
        actions.set_level(record=record, level=SharingLevel.COOPERATION, by=world.partner_release)
    with pytest.raises(ValidationError):
        actions.set_level(record=record, level="öffentlich", by=world.owner_release)
    actions.set_level(record=record, level=SharingLevel.COOPERATION, by=world.owner_release, reason="Lage")
    entry = AuditEntry.objects.get(action=Act.LEVEL_CHANGED)
    assert (entry.purpose, entry.facts) == ("Lage", {"before": "internal", "after": "cooperation"})
    assert Incident.objects.visible_to(world.partner).get() == record


def test_a_level_that_holds_already_is_no_change(world):
    record = factories.make_incident(world.police)
    before = record.updated_at
    with pytest.raises(ValidationError, match="gilt schon"):
        actions.set_level(record=record, level=record.sharing_level, by=world.owner_release)
    record.refresh_from_db()
    assert record.updated_at == before
    assert not AuditEntry.objects.filter(action=Act.LEVEL_CHANGED).exists()


def test_note_needs_a_second_person(world):
    record = factories.make_incident(world.police)
    actions.propose_note(record=record, text=" Werkzeug ", by=world.owner_release)
    with pytest.raises(ValidationError):
        actions.clear_note(record=record, by=world.owner_release)
    with pytest.raises(PermissionDenied):
        actions.clear_note(record=record, by=world.owner_entry)
    note = actions.clear_note(record=record, by=world.owner_lead)
    assert (note.text, note.cleared_by) == ("Werkzeug", world.owner_lead)
    rewritten = actions.propose_note(record=record, text="Anderes Werkzeug", by=world.owner_entry)
    assert (rewritten.cleared_by, rewritten.cleared_at) == (None, None)


def test_every_change_of_the_face_moves_the_time_partners_pull_by(world):
    long_ago = timezone.now() - datetime.timedelta(days=30)
    steps = {
        "advance": lambda record: actions.advance(record=record, status=Status.DONE, by=world.owner_lead),
        "level": lambda record: actions.set_level(record=record, level=SharingLevel.COOPERATION, by=world.owner_lead),
        "grant": lambda record: sharing.grant(record=record, to=world.order, by=world.owner_lead),
        "revoke": lambda record: sharing.revoke(record=record, to=world.order, by=world.owner_lead),
        "change": lambda record: actions.change(record=record, data=data(), by=world.owner_lead),
    }
    for name, step in steps.items():
        record = factories.make_incident(world.police, updated_at=long_ago)
        step(record)
        record.refresh_from_db()
        assert record.updated_at > long_ago, name


def test_move_to_an_unshareable_category_takes_grants_back(world):
    record = factories.make_incident(world.police)
    sharing.grant(record=record, to=world.order, by=world.owner_release)
    assert Incident.objects.visible_to(world.partner).contains(record)
    personal = factories.make_category("personal", is_shareable=False, in_picture=False)
    actions.change(record=record, data=data(personal), by=world.owner_entry)
    assert not Incident.objects.visible_to(world.partner).contains(record)
    assert AuditEntry.objects.filter(action="revoked", object_id=str(record.pk), recipient=world.order).exists()


def test_time_of_change_tells_partners_nothing_of_the_detail(world):
    record = factories.make_incident(world.police, sharing_level=SharingLevel.COOPERATION)
    lon, lat = STATION
    same = {"occurred_from": record.occurred_from, "lon": lon, "lat": lat}
    before = record.updated_at
    actions.change(record=record, data=data(record.category, description="Neu", **same), by=world.owner_entry)
    actions.propose_note(record=record, text="Hinweis", by=world.owner_entry)
    record.refresh_from_db()
    assert record.updated_at == before
    assert record.detail.description == "Neu"
    actions.change(record=record, data=data(record.category, severity=4, **same), by=world.owner_entry)
    record.refresh_from_db()
    assert record.updated_at > before
