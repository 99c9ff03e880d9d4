"""The calendar: its rule, its pages, who keeps what, and what the engine reads."""

import datetime as dt
import io
import json
import math
import re

import pytest
import time_machine
from django.core.exceptions import PermissionDenied, ValidationError
from django.core.management import call_command
from django.db import DatabaseError, IntegrityError, transaction
from django.urls import reverse
from hypothesis import given
from hypothesis import strategies as st
from pypdf import PdfReader

from agencies.audit import Act
from agencies.models import AuditEntry, Membership
from incidents.geo import cell_at, cell_center, cells_within, to_metric
from incidents.models import Area, DeliveredWeek
from lagebild.actions import build_picture
from lagebild.calendar import Calendar, Day, DayClass, Event, Notice, calendar_words, load_calendar
from lagebild.calendar_actions import (
    EntryData,
    NoticeData,
    add_entry,
    change_entry,
    change_notice,
    give_notice,
    remove_entry,
    withdraw_notice,
)
from lagebild.calendar_models import CalendarEntry, DeliveryNotice, EntryKind, Extent
from lagebild.edition_content import EditionOrder
from lagebild.editions import freeze_edition, master_pdf
from lagebild.holidays import FIRST_YEAR, easter_sunday, holidays_between, public_holidays
from lagebild.models import Edition
from lagebild.printing.content import SpecialDays, from_dict
from lagebild.printing.drawings import charts_of, special_words
from tests import factories
from tests.backstage import as_builder

PAGE = "/lagebild/kalender/"
FAIR = {"first_day": dt.date(2026, 9, 18), "last_day": dt.date(2026, 9, 20)}
WEDGE = re.compile(r'<path d="M[\d. ]+L[\d. ]+L[\d. ]+Z" fill="#1a1a1a"/>')
AUTUMN = {"first_day": dt.date(2026, 10, 17), "last_day": dt.date(2026, 10, 31)}


def event(**changes) -> EntryData:
    return EntryData(**{"kind": EntryKind.EVENT, "name": "Stadtfest"} | FAIR | changes)


def school_holidays(**changes) -> EntryData:
    return EntryData(**{"kind": EntryKind.SCHOOL_HOLIDAYS, "name": "Herbstferien"} | AUTUMN | changes)


def notice(**changes) -> NoticeData:
    return NoticeData(**{"kind": "late", "first_day": dt.date(2026, 8, 3), "last_day": dt.date(2026, 8, 9)} | changes)


class TestHolidays:
    # Dates of Easter Sunday as published (Physikalisch-Technische Bundesanstalt, "Wann ist Ostern?"), with the two
    # exceptions of the rule (1954, 1981), the earliest and the latest date.
    @pytest.mark.parametrize(
        ("year", "day"),
        [
            (1818, (3, 22)),
            (1943, (4, 25)),
            (1954, (4, 18)),
            (1981, (4, 19)),
            (2000, (4, 23)),
            (2019, (4, 21)),
            (2024, (3, 31)),
            (2025, (4, 20)),
            (2026, (4, 5)),
            (2027, (3, 28)),
            (2038, (4, 25)),
        ],
    )
    def test_easter_falls_on_the_published_day(self, year, day):
        assert easter_sunday(year) == dt.date(year, *day)

    @given(st.integers(1583, 4099))
    def test_easter_follows_the_paschal_full_moon_of_the_gregorian_tables(self, year):
        """A second computation: Butcher's algorithm (Nature 13, 1876, p. 487)."""
        a, (b, c) = year % 19, divmod(year, 100)
        d, e = divmod(b, 4)
        g = (8 * b + 13) // 25
        h = (19 * a + b - d - g + 15) % 30
        i, k = divmod(c, 4)
        w = (32 + 2 * e + 2 * i - h - k) % 7
        m = (a + 11 * h + 22 * w) // 451
        month, day = divmod(h + w - 7 * m + 114, 31)
        assert easter_sunday(year) == dt.date(year, month, day + 1)

    def test_the_year_2026_has_its_eleven_holidays(self):
        days = [(1, 1), (4, 3), (4, 6), (5, 1), (5, 14), (5, 25), (6, 4), (10, 3), (11, 1), (12, 25), (12, 26)]
        assert list(public_holidays(2026)) == [dt.date(2026, month, day) for month, day in days]
        assert public_holidays(2026)[dt.date(2026, 6, 4)] == "Fronleichnam"

    def test_the_day_of_the_reformation_was_one_in_2017_only(self):
        assert public_holidays(2017)[dt.date(2017, 10, 31)] == "Reformationstag"
        assert dt.date(2018, 10, 31) not in public_holidays(2018)

    def test_two_holidays_on_one_day_are_one_day_with_both_names(self):
        assert public_holidays(2008)[dt.date(2008, 5, 1)] == "Tag der Arbeit und Christi Himmelfahrt"

    def test_a_period_over_the_turn_of_the_year_has_both_its_ends(self):
        found = holidays_between(dt.date(2025, 12, 26), dt.date(2026, 1, 1))
        assert list(found.values()) == ["2. Weihnachtstag", "Neujahr"]

    @pytest.mark.parametrize("year", [FIRST_YEAR - 1, 0, 10_000])
    def test_years_without_a_rule_are_refused(self, year):
        with pytest.raises(ValueError, match=str(year)):
            public_holidays(year)


class TestCells:
    @pytest.mark.parametrize("radius_m", [100, 500, 2500, 5000])
    def test_the_circle_holds_the_cells_whose_centre_it_holds_and_the_own_one(self, radius_m):
        cells, own = cells_within(*factories.STATION, radius_m), cell_at(*factories.STATION, 9)
        centre = to_metric(*factories.STATION)
        assert own in cells
        assert all(math.dist(centre, to_metric(*cell_center(cell))) <= radius_m for cell in cells if cell != own)
        # A resolution-9 cell has about 0.1 km² here: nothing within the circle is left out.
        expected = math.pi * radius_m**2 / 97_000
        assert abs(len(cells) - expected) <= 3 + 0.1 * expected
        assert cells == sorted(set(cells))


@pytest.mark.django_db
class TestEntries:
    def test_an_agency_enters_an_event_for_the_whole_city(self, world, on_stage):
        with on_stage(world.owner_release):
            entry = add_entry(data=event(name="  Stadt  fest ", visitors=25_000), by=world.owner_release)
        assert (entry.name, entry.agency, entry.visitors, entry.cells) == ("Stadt fest", world.police, 25_000, [])
        logged = AuditEntry.objects.get(action=Act.CALENDAR_CHANGED)
        assert logged.facts == {
            "step": "created",
            "kind": "event",
            "first_day": "2026-09-18",
            "last_day": "2026-09-20",
        }
        assert (logged.user, logged.object_id) == (world.owner_release, str(entry.pk))

    def test_a_circle_becomes_cells_of_the_city_and_their_districts(self, world, on_stage):
        lon, lat = 7.819, 51.68
        data = event(extent=Extent.RADIUS, lon=lon, lat=lat, radius_m=600, place_label="Marktplatz")
        with on_stage(world.owner_lead):
            entry = add_entry(data=data, by=world.owner_lead)
        assert entry.districts == ["west", "ost"]
        assert cell_at(lon, lat, 9) in entry.cells
        assert set(entry.cells) <= set(cells_within(lon, lat, 600))

    def test_what_does_not_belong_to_the_extent_is_dropped(self, world, on_stage):
        data = event(extent=Extent.DISTRICTS, districts=("ost",), lon=7.8, lat=51.67, radius_m=500)
        with on_stage(world.owner_lead):
            entry = add_entry(data=data, by=world.owner_lead)
        assert (entry.districts, entry.cells, entry.lon, entry.radius_m) == (["ost"], [], None, None)

    @pytest.mark.parametrize(
        ("data", "field"),
        [
            (event(name=" "), "name"),
            (event(last_day=dt.date(2026, 9, 17)), "last_day"),
            (event(last_day=dt.date(2027, 9, 17)), "last_day"),
            (event(first_day=dt.date(1999, 1, 1), last_day=dt.date(1999, 1, 1)), "first_day"),
            (event(first_day=dt.date(2062, 1, 1), last_day=dt.date(2062, 1, 1)), "first_day"),
            (event(visitors=0), "visitors"),
            (event(visitors=1_000_001), "visitors"),
            (event(extent=Extent.DISTRICTS), "districts"),
            (event(extent=Extent.DISTRICTS, districts=("west", "mond")), "districts"),
            (event(extent=Extent.RADIUS, lon=7.8, lat=51.67), "radius_m"),
            (event(extent=Extent.RADIUS, lon=7.8, lat=51.67, radius_m=50_000), "radius_m"),
            (event(extent=Extent.RADIUS, radius_m=500), "place"),
            (event(extent=Extent.RADIUS, lon=13.4, lat=52.5, radius_m=500), "place"),
            (event(extent=Extent.RADIUS, lon=1e308, lat=-1e308, radius_m=500), "place"),
        ],
    )
    def test_what_cannot_be_is_refused_at_its_field(self, world, on_stage, data, field):
        with on_stage(world.owner_lead), pytest.raises(ValidationError) as refused:
            add_entry(data=data, by=world.owner_lead)
        assert list(refused.value.message_dict) == [field]
        assert not CalendarEntry.objects.exists()

    def test_school_holidays_do_not_overlap(self, world, on_stage):
        with on_stage(world.chair):
            add_entry(data=school_holidays(), by=world.chair)
            with pytest.raises(ValidationError, match="schon die Herbstferien"):
                add_entry(data=school_holidays(name="Doppelt", first_day=AUTUMN["last_day"]), by=world.chair)
            add_entry(data=event(**AUTUMN), by=world.chair)

    def test_the_same_event_is_entered_once(self, world, on_stage):
        with on_stage(world.owner_lead):
            entry = add_entry(data=event(), by=world.owner_lead)
            change_entry(entry=entry, data=event(visitors=10), by=world.owner_lead)
        with on_stage(world.stranger), pytest.raises(ValidationError, match="schon eingetragen"):
            add_entry(data=event(name="STADTFEST"), by=world.stranger)

    def test_school_holidays_are_the_coordination_offices(self, world, on_stage):
        with on_stage(world.owner_lead), pytest.raises(PermissionDenied):
            add_entry(data=school_holidays(), by=world.owner_lead)

    @pytest.mark.parametrize("who", ["owner_entry", "suspended", "guest", "data_protection", "admin"])
    def test_others_enter_nothing(self, world, on_stage, who):
        person = world.people()[who]
        with on_stage(person), pytest.raises(PermissionDenied):
            add_entry(data=event(), by=person)

    def test_the_owner_and_the_chair_change_and_remove_nobody_else(self, world, on_stage):
        with on_stage(world.owner_release):
            entry = add_entry(data=event(), by=world.owner_release)
        with on_stage(world.stranger):
            with pytest.raises(PermissionDenied):
                change_entry(entry=entry, data=event(name="Weg"), by=world.stranger)
            with pytest.raises(PermissionDenied):
                remove_entry(entry=entry, by=world.stranger)
        with on_stage(world.chair):
            changed = change_entry(entry=entry, data=event(name="Stadtfest 2026"), by=world.chair)
            assert (changed.agency, changed.name) == (world.police, "Stadtfest 2026")
        with on_stage(world.owner_lead):
            remove_entry(entry=entry, by=world.owner_lead)
        assert not CalendarEntry.objects.exists()
        steps = (
            AuditEntry.objects.filter(action=Act.CALENDAR_CHANGED).order_by("pk").values_list("facts__step", flat=True)
        )
        assert list(steps) == ["created", "changed", "removed"]

    @pytest.mark.parametrize(
        "broken",
        [
            {"last_day": dt.date(2026, 9, 1)},
            {"extent": Extent.RADIUS, "districts": ["west"]},
            {"lon": 7.8},
            {"cells": [1]},
            {"extent": Extent.DISTRICTS},
            {"districts": ["west"]},
            {"kind": EntryKind.SCHOOL_HOLIDAYS, "visitors": 3},
            {"kind": EntryKind.SCHOOL_HOLIDAYS, "extent": Extent.DISTRICTS, "districts": ["west"]},
        ],
    )
    def test_the_database_refuses_what_contradicts_itself(self, world, broken):
        row = {"agency": world.police, "kind": EntryKind.EVENT, "name": "Stadtfest"} | FAIR | broken
        with pytest.raises(IntegrityError), transaction.atomic():
            CalendarEntry.objects.create(**row)


@pytest.mark.django_db
class TestNotices:
    def test_an_agency_speaks_of_its_own_deliveries(self, world, on_stage):
        factories.make_category("noise", group="public-order")
        with on_stage(world.owner_release):
            given_notice = give_notice(data=notice(groups=("public-order",)), by=world.owner_release)
            change_notice(notice=given_notice, data=notice(kind="missing"), by=world.owner_release)
        assert DeliveryNotice.objects.get().groups == []
        with on_stage(world.partner):
            assert DeliveryNotice.objects.visible_to(world.partner).get().kind == "missing"
        with on_stage(world.owner_lead):
            withdraw_notice(notice=given_notice, by=world.owner_lead)
        assert not DeliveryNotice.objects.exists()

    @pytest.mark.parametrize("who", ["owner_entry", "chair", "suspended", "stranger"])
    def test_nobody_else_speaks_of_them(self, world, on_stage, who):
        row = DeliveryNotice.objects.create(agency=world.police, **vars(notice()) | {"groups": []})
        person = world.people()[who]
        with on_stage(person), pytest.raises(PermissionDenied):
            change_notice(notice=row, data=notice(kind="missing"), by=person)
        with on_stage(person), pytest.raises(PermissionDenied):
            withdraw_notice(notice=row, by=person)

    @pytest.mark.parametrize(
        ("data", "field"),
        [
            (notice(kind="verloren"), "kind"),
            (notice(groups=("mondgestein",)), "groups"),
            (notice(last_day=dt.date(2026, 8, 1)), "last_day"),
            (notice(last_day=dt.date(2029, 8, 1)), "last_day"),
        ],
    )
    def test_what_cannot_be_is_refused(self, world, on_stage, data, field):
        with on_stage(world.owner_lead), pytest.raises(ValidationError) as refused:
            give_notice(data=data, by=world.owner_lead)
        assert list(refused.value.message_dict) == [field]

    def test_the_same_is_said_once_unless_the_groups_differ(self, world, on_stage):
        for group in ("waste", "noise"):
            factories.make_category(f"c-{group}", group=group)
        with on_stage(world.owner_lead):
            give_notice(data=notice(groups=("waste",)), by=world.owner_lead)
            give_notice(data=notice(groups=("noise",)), by=world.owner_lead)
            for groups in (("waste", "noise"), ()):
                with pytest.raises(ValidationError, match="schon einen solchen Hinweis"):
                    give_notice(data=notice(groups=groups), by=world.owner_lead)
            give_notice(data=notice(kind="recounted"), by=world.owner_lead)
        with on_stage(world.stranger):
            give_notice(data=notice(groups=("waste",)), by=world.stranger)

    def test_nothing_is_missing_where_the_agency_said_there_was_nothing(self, world, on_stage):
        DeliveredWeek.objects.create(agency=world.police, week=dt.date(2026, 8, 3), basis="nothing")
        DeliveredWeek.objects.create(agency=world.police, week=dt.date(2026, 8, 10), basis="records")
        friday = dt.date(2026, 8, 7)
        with on_stage(world.owner_lead):
            with pytest.raises(ValidationError, match="KW 32/2026"):
                give_notice(data=notice(first_day=friday, last_day=friday), by=world.owner_lead)
            give_notice(data=notice(kind="recounted"), by=world.owner_lead)
            give_notice(data=notice(first_day=dt.date(2026, 8, 10), last_day=dt.date(2026, 8, 16)), by=world.owner_lead)


@pytest.mark.django_db
class TestSecondLock:
    @pytest.fixture
    def rows(self, world):
        entry = CalendarEntry.objects.create(agency=world.police, kind=EntryKind.EVENT, name="Stadtfest", **FAIR)
        ferien = CalendarEntry.objects.create(
            agency=world.siko, kind=EntryKind.SCHOOL_HOLIDAYS, name="Herbstferien", **AUTUMN
        )
        said = DeliveryNotice.objects.create(agency=world.police, **vars(notice()) | {"groups": []})
        CalendarEntry.objects.create(agency=world.tax, kind=EntryKind.EVENT, name="Ruht", **FAIR)
        return entry, ferien, said

    @pytest.mark.parametrize(
        ("who", "names"),
        [
            ("partner", {"Stadtfest", "Herbstferien"}),
            ("chair", {"Stadtfest", "Herbstferien"}),
            ("suspended", set()),
            ("guest", set()),
            ("inactive", set()),
            ("without_agency", set()),
            ("data_protection", set()),
            ("superuser", set()),
        ],
    )
    def test_database_and_portal_show_the_same(self, world, on_stage, rows, who, names):
        person = world.people()[who]
        with on_stage(person):
            assert set(CalendarEntry.objects.values_list("name", flat=True)) == names
            assert DeliveryNotice.objects.count() == bool(names)
            if person.is_active:
                assert set(CalendarEntry.objects.visible_to(person).values_list("name", flat=True)) == names

    def test_the_database_lets_nobody_write_what_is_not_theirs(self, world, on_stage, rows):
        entry, ferien, _ = rows
        with on_stage(world.stranger):
            assert CalendarEntry.objects.update(name="Weg") == 0
            assert CalendarEntry.objects.all()._raw_delete("default") == 0
            assert DeliveryNotice.objects.update(kind="missing") == 0
            for row in (
                {"agency": world.police, "kind": EntryKind.EVENT},
                {"agency": world.fire, "kind": EntryKind.SCHOOL_HOLIDAYS},
            ):
                with pytest.raises(DatabaseError, match="row-level security"), transaction.atomic():
                    CalendarEntry.objects.create(name="Neu", **FAIR, **row)
            with pytest.raises(DatabaseError, match="row-level security"), transaction.atomic():
                DeliveryNotice.objects.create(agency=world.police, **vars(notice()) | {"groups": []})
        with on_stage(world.owner_lead):
            assert CalendarEntry.objects.update(name="Stadtfest am Ring") == 1
            with pytest.raises(DatabaseError, match="row-level security"), transaction.atomic():
                CalendarEntry.objects.filter(pk=entry.pk).update(kind=EntryKind.SCHOOL_HOLIDAYS)
        with on_stage(world.chair):
            assert CalendarEntry.objects.filter(pk__in=(entry.pk, ferien.pk)).update(name="Anders") == 2
            with pytest.raises(DatabaseError, match="row-level security"), transaction.atomic():
                CalendarEntry.objects.filter(pk=entry.pk).update(agency=world.siko)
            assert DeliveryNotice.objects.update(kind="missing") == 0
        with on_stage(world.suspended):
            assert CalendarEntry.objects.update(name="Weg") == 0

    def test_the_build_reads_the_calendar_and_writes_nothing(self, world, rows):
        with as_builder():
            calendar = load_calendar(dt.date(2026, 8, 1), dt.date(2026, 12, 31))
            assert [found.name for found in calendar.events] == ["Stadtfest"]
            with pytest.raises(DatabaseError, match="permission denied"), transaction.atomic():
                CalendarEntry.objects.update(name="Weg")


@pytest.mark.django_db
class TestForTheEngine:
    def test_days_events_and_notices_are_plain_data(self, world, on_stage):
        noise = factories.make_category("noise", group="public-order").group
        west = Area.objects.get(slug="west").pk
        with on_stage(world.chair):
            add_entry(data=school_holidays(), by=world.chair)
        with on_stage(world.owner_lead):
            add_entry(data=event(visitors=25_000, extent=Extent.DISTRICTS, districts=("west",)), by=world.owner_lead)
            give_notice(data=notice(groups=("public-order",)), by=world.owner_lead)
            give_notice(data=notice(kind="recounted"), by=world.owner_lead)
        calendar = load_calendar(dt.date(2026, 8, 9), dt.date(2026, 11, 1))
        assert len(calendar.days) == 85
        assert calendar.days[dt.date(2026, 10, 3)] == Day(DayClass.SUNDAY, False, "Tag der Deutschen Einheit")
        assert calendar.days[dt.date(2026, 10, 16)] == Day(DayClass.WORKING_DAY)
        assert calendar.days[dt.date(2026, 10, 17)] == Day(DayClass.SATURDAY, True)
        assert calendar.days[dt.date(2026, 10, 31)].is_school_holiday
        assert calendar.days[dt.date(2026, 11, 1)] == Day(DayClass.SUNDAY, False, "Allerheiligen")
        assert calendar.events == (Event("Stadtfest", FAIR["first_day"], FAIR["last_day"], False, (west,), (), 25_000),)
        days = dt.date(2026, 8, 3), dt.date(2026, 8, 9)
        assert calendar.notices == (
            Notice(world.police.pk, (noise.pk,), *days, "late"),
            Notice(world.police.pk, None, *days, "recounted"),
        )

    def test_what_touches_no_day_of_the_period_is_left_out(self, world):
        CalendarEntry.objects.create(agency=world.police, kind=EntryKind.EVENT, name="Stadtfest", **FAIR)
        assert load_calendar(dt.date(2026, 9, 20), dt.date(2026, 9, 20)).events
        assert not load_calendar(dt.date(2026, 9, 21), dt.date(2026, 9, 30)).events
        assert not load_calendar(dt.date(2026, 9, 1), dt.date(2026, 9, 17)).events

    def test_a_district_that_is_gone_does_not_make_it_the_whole_city(self, world):
        row = {"extent": Extent.DISTRICTS, "districts": ["mond"]} | FAIR
        CalendarEntry.objects.create(agency=world.police, kind=EntryKind.EVENT, name="Stadtfest", **row)
        found = load_calendar(*FAIR.values()).events[0]
        assert (found.is_city_wide, found.districts) == (False, ())

    def test_what_an_agency_said_goes_with_its_membership(self, world):
        CalendarEntry.objects.create(agency=world.police, kind=EntryKind.EVENT, name="Stadtfest", **FAIR)
        DeliveryNotice.objects.create(agency=world.police, **vars(notice()) | {"groups": []})
        Membership.objects.filter(agency=world.police).update(status="suspended")
        calendar = load_calendar(dt.date(2026, 1, 1), dt.date(2026, 12, 31))
        assert (calendar.events, calendar.notices) == ((), ())

    def test_the_words_for_the_fingerprint_tell_calendars_apart_and_forget_ids_and_order(self, world):
        period = dt.date(2026, 8, 1), dt.date(2026, 12, 31)
        rows = [{"name": name, "agency": world.police, "kind": EntryKind.EVENT} | FAIR for name in ("A", "B")]
        seen = []
        for order in (rows, rows[::-1]):
            CalendarEntry.objects.all().delete()
            for row in order:
                CalendarEntry.objects.create(**row)
            seen.append(json.dumps(calendar_words(load_calendar(*period))))
        CalendarEntry.objects.filter(name="A").update(visitors=100)
        seen.append(json.dumps(calendar_words(load_calendar(*period))))
        DeliveryNotice.objects.create(agency=world.police, **vars(notice()) | {"groups": []})
        seen.append(json.dumps(calendar_words(load_calendar(*period))))
        assert seen[0] == seen[1]
        assert len(set(seen)) == 3

    def test_an_empty_calendar_is_one_too(self, world):
        day = dt.date(2026, 11, 23)
        assert load_calendar(day, day) == Calendar(day, day, {day: Day(DayClass.WORKING_DAY)}, (), ())

    def test_a_period_that_ends_before_it_begins_is_refused(self):
        with pytest.raises(ValueError, match="2026-11-22"):
            load_calendar(dt.date(2026, 11, 23), dt.date(2026, 11, 22))

    def test_many_entries_cost_no_more_queries(self, world, django_assert_num_queries):
        for number in range(20):
            CalendarEntry.objects.create(agency=world.police, kind=EntryKind.EVENT, name=f"Fest {number}", **FAIR)
            DeliveryNotice.objects.create(agency=world.police, **vars(notice()) | {"groups": []})
        with django_assert_num_queries(4):
            load_calendar(dt.date(2025, 1, 1), dt.date(2026, 12, 31))


@pytest.mark.django_db
class TestPages:
    def test_a_year_shows_holidays_and_entries_in_order(self, world, signed_in):
        CalendarEntry.objects.create(agency=world.police, kind=EntryKind.EVENT, name="Stadtfest", **FAIR)
        DeliveryNotice.objects.create(agency=world.police, **vars(notice()) | {"groups": []})
        text = signed_in(world.partner).get(PAGE, {"jahr": 2026}).content.decode()
        assert text.index("Fronleichnam") < text.index("Stadtfest") < text.index("Allerheiligen")
        assert "18.09.–20.09.2026" in text
        assert "kommt verspätet" in text
        assert "alle Gruppen" in text
        assert "Ändern" not in text
        other = signed_in(world.partner).get(PAGE, {"jahr": 2027}).content.decode()
        assert "Stadtfest" not in other
        assert "28.03.2027" not in other
        assert "26.03.2027" in other

    @pytest.mark.parametrize(
        ("kind", "shown", "hidden"),
        [
            ("holiday", "Fronleichnam", "Stadtfest"),
            ("event", "Stadtfest", "Fronleichnam"),
            ("school_holidays", "ist nichts eingetragen", "Stadtfest"),
            ("notice", "kommt verspätet", "Stadtfest"),
        ],
    )
    def test_the_filter_shows_one_kind(self, world, signed_in, kind, shown, hidden):
        CalendarEntry.objects.create(agency=world.police, kind=EntryKind.EVENT, name="Stadtfest", **FAIR)
        DeliveryNotice.objects.create(agency=world.police, **vars(notice()) | {"groups": []})
        text = signed_in(world.partner).get(PAGE, {"jahr": 2026, "art": kind}).content.decode()
        assert shown in text
        assert hidden not in text

    @pytest.mark.parametrize("query", [{"jahr": "gestern"}, {"jahr": "1"}, {"jahr": "2026", "art": "x"}, {"jahr": ""}])
    def test_an_unreadable_address_shows_this_year(self, world, signed_in, query):
        answer = signed_in(world.partner).get(PAGE, query)
        assert answer.status_code == 200
        assert "Karfreitag" in answer.content.decode()

    def test_outsiders_see_the_law_alone(self, world, signed_in):
        CalendarEntry.objects.create(agency=world.police, kind=EntryKind.EVENT, name="Stadtfest", **FAIR)
        text = signed_in(world.suspended).get(PAGE, {"jahr": 2026}).content.decode()
        assert "Stadtfest" not in text
        assert "kein aktives Vollmitglied" in text
        assert "eintragen</span>" not in text

    def test_an_event_is_typed_in_as_people_write(self, world, signed_in):
        answer = signed_in(world.owner_release).post(
            reverse("lagebild:calendar_event_add"),
            {
                "name": "Lichterfest",
                "first_day": "5.12.2026",
                "last_day": "",
                "visitors": "12.500",
                "extent": "radius",
                "lon": "7,8078",
                "lat": "51,6781",
                "radius_m": "1.000",
            },
        )
        assert answer["Location"] == f"{PAGE}?jahr=2026"
        entry = CalendarEntry.objects.get()
        assert (entry.first_day, entry.last_day) == (dt.date(2026, 12, 5), dt.date(2026, 12, 5))
        assert (entry.visitors, entry.radius_m, entry.lon) == (12_500, 1000, 7.8078)
        assert (entry.is_demonstration, entry.agency) == (False, world.police)
        shown = signed_in(world.partner).get(PAGE, {"jahr": 2026}).content.decode()
        assert "1.000 m um einen gewählten Ort (West" in shown
        assert "12.500" in shown

    def test_a_known_place_needs_no_coordinates(self, world, signed_in):
        data = {
            "name": "Fest",
            "first_day": "05.12.2026",
            "extent": "radius",
            "place": "Hauptbahnhof",
            "radius_m": "500",
        }
        signed_in(world.owner_release).post(reverse("lagebild:calendar_event_add"), data)
        entry = CalendarEntry.objects.get()
        assert (round(entry.lon, 1), entry.place_label) == (7.8, "Hauptbahnhof")

    @pytest.mark.parametrize(
        ("changes", "words"),
        [
            ({"name": ""}, "Es fehlt die Bezeichnung."),
            ({"first_day": "morgen"}, "Das Datum ist nicht lesbar."),
            ({"first_day": ""}, "Es fehlt der erste Tag."),
            ({"last_day": "01.12.2026"}, "Der Zeitraum endet vor seinem Beginn."),
            ({"visitors": "viele"}, "Das ist keine ganze Zahl."),
            ({"extent": "radius", "place": "Wolkenkuckucksheim"}, "Dieser Ort ist nicht bekannt."),
            ({"extent": "radius", "lon": "7,8"}, "Länge und Breite beide angeben"),
            ({"extent": "radius", "radius_m": ""}, "Der Umkreis liegt nicht zwischen"),
            ({"extent": "radius"}, "Es fehlt der Ort."),
            ({"extent": "districts"}, "Es fehlt der Stadtbezirk."),
            ({"extent": "districts", "districts": ["mond"]}, "Diesen Stadtbezirk gibt es nicht."),
            ({"extent": ""}, "Es fehlt das Gebiet."),
        ],
    )
    def test_mistakes_are_told_and_nothing_typed_is_lost(self, world, signed_in, changes, words):
        data = {"name": "Weihnachtsmarkt", "first_day": "05.12.2026", "extent": "city", "radius_m": "500"} | changes
        answer = signed_in(world.owner_release).post(reverse("lagebild:calendar_event_add"), data)
        text = answer.content.decode()
        assert answer.status_code == 200
        assert words in text
        assert data["name"] in text
        assert not CalendarEntry.objects.exists()

    def test_what_was_entered_comes_back_in_the_form_and_is_changed(self, world, signed_in):
        row = {"extent": Extent.DISTRICTS, "districts": ["west"], "visitors": 300} | FAIR
        entry = CalendarEntry.objects.create(agency=world.police, kind=EntryKind.EVENT, name="Stadtfest", **row)
        client = signed_in(world.owner_lead)
        address = reverse("lagebild:calendar_entry", args=(entry.pk,))
        form = client.get(address).context["form"]
        shown = {name: form[name].value() for name in ("name", "first_day", "districts", "extent", "visitors")}
        data = shown | {"first_day": "18.09.2026", "last_day": "21.09.2026", "radius_m": "500"}
        assert client.post(address, data).status_code == 302
        entry.refresh_from_db()
        assert (entry.last_day, entry.districts, entry.visitors) == (dt.date(2026, 9, 21), ["west"], 300)

    def test_the_chair_enters_school_holidays(self, world, signed_in):
        data = {"name": "Herbstferien", "first_day": "17.10.2026", "last_day": "31.10.2026"}
        client = signed_in(world.chair)
        assert client.post(reverse("lagebild:calendar_holidays_add"), data).status_code == 302
        answer = client.post(reverse("lagebild:calendar_holidays_add"), data | {"name": "Noch einmal"})
        assert "liegen schon die Herbstferien" in answer.content.decode()
        assert CalendarEntry.objects.get().kind == EntryKind.SCHOOL_HOLIDAYS

    def test_deleting_asks_first(self, world, signed_in):
        entry = CalendarEntry.objects.create(agency=world.police, kind=EntryKind.EVENT, name="Stadtfest", **FAIR)
        client = signed_in(world.owner_lead)
        address = reverse("lagebild:calendar_entry_remove", args=(entry.pk,))
        assert "Stadtfest" in client.get(address).content.decode()
        assert CalendarEntry.objects.exists()
        assert client.post(address)["Location"] == f"{PAGE}?jahr=2026"
        assert not CalendarEntry.objects.exists()

    def test_a_notice_is_given_changed_and_deleted(self, world, signed_in):
        factories.make_category("noise", group="public-order")
        client = signed_in(world.owner_release)
        data = {"kind": "late", "first_day": "03.08.2026", "last_day": "09.08.2026", "groups": ["public-order"]}
        assert client.post(reverse("lagebild:calendar_notice_add"), data).status_code == 302
        row = DeliveryNotice.objects.get()
        assert client.post(reverse("lagebild:calendar_notice", args=(row.pk,)), data | {"kind": "x"}).status_code == 200
        changed = client.post(reverse("lagebild:calendar_notice", args=(row.pk,)), data | {"kind": "missing"})
        assert changed.status_code == 302
        assert "fehlt" in client.get(PAGE, {"jahr": 2026, "art": "notice"}).content.decode()
        address = reverse("lagebild:calendar_notice_remove", args=(row.pk,))
        assert "Public-Order" in client.get(address).content.decode()
        assert client.post(address).status_code == 302
        assert not DeliveryNotice.objects.exists()

    def test_the_page_asks_as_often_for_many_rows_as_for_few(self, world, signed_in, django_assert_max_num_queries):
        def fill(number: int) -> None:
            for index in range(number):
                name = f"Fest {CalendarEntry.objects.count()}"
                CalendarEntry.objects.create(
                    agency=(world.police, world.fire)[index % 2], kind="event", name=name, **FAIR
                )
                DeliveryNotice.objects.create(agency=world.police, **vars(notice()) | {"groups": []})

        client = signed_in(world.owner_lead)
        fill(2)
        with django_assert_max_num_queries(14) as few:
            client.get(PAGE, {"jahr": 2026})
        fill(18)
        with django_assert_max_num_queries(len(few)):
            client.get(PAGE, {"jahr": 2026})


@pytest.fixture
def picture(world):
    """Both districts have a series of incidents; 52 weeks end on Sunday, 22 November 2026."""
    with time_machine.travel(dt.datetime(2026, 11, 23, 12, tzinfo=dt.UTC), tick=False):
        for weeks in range(100):
            DeliveredWeek.objects.create(
                agency=world.police, week=dt.date(2026, 11, 16) - dt.timedelta(weeks=weeks), basis="records"
            )
        for place in (factories.STATION, (7.84, 51.68)):
            for weeks in (1, 5, 9):
                moment = dt.datetime(2026, 11, 22, 12, tzinfo=dt.UTC) - dt.timedelta(weeks=weeks)
                factories.make_incident(world.police, sharing_level="cooperation", occurred_from=moment, place=place)
        yield build_picture(date=dt.date(2026, 11, 23))


@pytest.mark.django_db
class TestMarks:
    def test_the_picture_names_the_days_beside_its_charts(self, world, picture, signed_in):
        row = {"extent": Extent.DISTRICTS, "districts": ["ost"]} | FAIR
        CalendarEntry.objects.create(agency=world.police, kind=EntryKind.EVENT, name="Fest im Osten", **row)
        CalendarEntry.objects.create(agency=world.siko, kind=EntryKind.SCHOOL_HOLIDAYS, name="Herbstferien", **AUTUMN)
        CalendarEntry.objects.create(agency=world.tax, kind=EntryKind.EVENT, name="Ruht", **FAIR)
        answer = signed_in(world.partner).get("/lagebild/")
        days = {day["name"]: day for day in answer.context["special_days"]}
        assert days["Fest im Osten"] == {
            "period": "18.09.–20.09.2026",
            "weeks": "KW 38/26",
            "kind": "Großveranstaltung",
            "name": "Fest im Osten",
            "where": "Ost",
        }
        assert days["Herbstferien"]["weeks"] == "KW 42/26 bis KW 44/26"
        assert {"Fronleichnam", "Allerheiligen", "Neujahr"} <= set(days)
        assert "Ruht" not in days
        text = answer.content.decode()
        assert "Fest im Osten" in text
        assert "Woche mit Schulferien" in text
        assert "Gekennzeichnet sind Wochen mit Feiertag oder Schulferien oder Großveranstaltung." in text
        # One wedge in the legend, one in the chart of the district concerned.
        assert len(WEDGE.findall(answer.context["charts"][0]["svg"])) == 2

    def test_an_edition_keeps_the_days_it_was_frozen_with(self, world, picture, on_stage):
        row = {"extent": Extent.DISTRICTS, "districts": ["ost"]} | FAIR
        entry = CalendarEntry.objects.create(agency=world.police, kind=EntryKind.EVENT, name="Fest im Osten", **row)
        order = EditionOrder(title="Lagebild", body="Runde")
        with on_stage(world.chair):
            edition = freeze_edition(picture=picture, order=order, by=world.chair)
        frozen = from_dict(edition.content)
        assert SpecialDays("event", "Fest im Osten", "2026-09-18", "2026-09-20", ("Ost",)) in frozen.calendar
        assert "Großveranstaltungen: Fest im Osten (18.09.2026–20.09.2026, Ost)." in special_words(frozen)
        entry.delete()
        assert master_pdf(edition) == bytes(edition.pdf)
        text = "".join(page.extract_text() for page in PdfReader(io.BytesIO(edition.pdf)).pages)
        assert "Fest im Osten" in text

    def test_the_command_freezes_with_the_calendar_too(self, world, picture):
        CalendarEntry.objects.create(agency=world.police, kind=EntryKind.EVENT, name="Stadtfest", **FAIR)
        call_command("freeze_edition", "--date=2026-11-23", stdout=io.StringIO(), stderr=io.StringIO())
        assert "Stadtfest" in [days["name"] for days in Edition.objects.get().content["calendar"]]

    def test_an_edition_from_before_the_calendar_is_read_and_drawn_as_it_was(self, world, picture, on_stage):
        with on_stage(world.chair):
            edition = freeze_edition(picture=picture, order=EditionOrder(title="L", body="R"), by=world.chair)
        del edition.content["calendar"]
        old = from_dict(edition.content)
        assert (old.calendar, special_words(old)) == ((), "")
        assert not any("Woche mit" in chart["svg"] for chart in charts_of(old, "incident"))
        assert master_pdf(edition).startswith(b"%PDF")

    @pytest.mark.parametrize("days", [{"first": "gestern"}, {"kind": "feier"}])
    def test_frozen_days_are_checked_when_they_are_read(self, world, picture, on_stage, days):
        with on_stage(world.chair):
            edition = freeze_edition(picture=picture, order=EditionOrder(title="L", body="R"), by=world.chair)
        edition.content["calendar"][0] |= days
        with pytest.raises(ValueError, match=r"gestern|feier"):
            from_dict(edition.content)
