import datetime
import io

import pytest
import time_machine
from django.core.exceptions import ValidationError

from incidents.importing.refusals import FileError
from incidents.importing.run import Delivery, check, import_file
from incidents.importing.weeks import deliver_nothing, weeks_without_delivery
from incidents.models import Complaint, CountDelivery, DeliveredWeek, Incident
from tests import factories

HEAD = "gebiet;zeitraum_von;zeitraum_bis;kategorie;zaehleinheit;anzahl\n"
GOOD = HEAD + "West;01.08.2022;31.08.2022;truancy;case;12\n2;2022-08-01;2022-08-31;Truancy;;2.216\n"


@pytest.fixture
def office(world):
    factories.make_category("truancy", geo="G")
    factories.make_category("secret", is_shareable=False, in_picture=False)
    return factories.make_agency("jugendamt", delivers_counts=True)


def load(agency, content: str, **fields):
    return import_file(Delivery(io.BytesIO(content.encode()), "zahlen.csv", agency, "counts", **fields))


def test_counts_are_stored_as_counts_and_never_as_records(office):
    run = load(office, GOOD)
    assert (run.created, run.refused, run.kind) == (2, 0, "counts")
    rows = CountDelivery.objects.order_by("area__number").values_list("area__slug", "category__slug", "unit", "count")
    assert list(rows) == [("west", "truancy", "case", 12), ("ost", "truancy", "case", 2216)]
    assert not Incident.objects.exists()
    assert not Complaint.objects.exists()
    weeks = DeliveredWeek.objects.filter(agency=office).order_by("week")
    assert [str(week.week) for week in weeks] == [f"2022-08-{day:02}" for day in (1, 8, 15, 22, 29)]
    assert {week.basis for week in weeks} == {"counts"}


def test_counts_read_twice_change_nothing_and_corrected_ones_are_replaced(office):
    load(office, GOOD)
    before = list(CountDelivery.objects.order_by("pk").values_list())
    weeks = list(DeliveredWeek.objects.order_by("pk").values_list())
    assert load(office, GOOD).unchanged == 2
    assert list(CountDelivery.objects.order_by("pk").values_list()) == before
    assert list(DeliveredWeek.objects.order_by("pk").values_list()) == weeks
    run = load(office, GOOD.replace(";12", ";13"))
    assert (run.created, run.updated, run.unchanged) == (0, 1, 1)
    assert CountDelivery.objects.get(area__slug="west").count == 13
    assert CountDelivery.objects.count() == 2


def test_check_of_counts_writes_nothing(office):
    tally = check(Delivery(io.BytesIO(GOOD.encode()), "zahlen.csv", office, "counts"))
    assert (tally.created, CountDelivery.objects.count(), DeliveredWeek.objects.count()) == (2, 0, 0)


@pytest.mark.parametrize(
    ("line", "code"),
    [
        ("Mond;01.08.2022;31.08.2022;truancy;case;1", "unknown"),
        (";01.08.2022;31.08.2022;truancy;case;1", "missing"),
        ("West;31.08.2022;01.08.2022;truancy;case;1", "period"),
        ("West;01.08.1900;31.08.1900;truancy;case;1", "period"),
        ("West;01.08.2022;31.08.2099;truancy;case;1", "period"),
        ("West;01.08.2022 10:00;31.08.2022;truancy;case;1", "period"),
        ("West;;31.08.2022;truancy;case;1", "missing"),
        ("West;01.08.2022;31.08.2022;truancy;operation;1", "unknown"),
        ("West;01.08.2022;31.08.2022;secret;case;1", "not_shared"),
        ("West;01.08.2022;31.08.2022;nichts;case;1", "unknown"),
        ("West;01.08.2022;31.08.2022;truancy;case;-1", "count"),
        ("West;01.08.2022;31.08.2022;truancy;case;1,5", "count"),
        ("West;01.08.2022;31.08.2022;truancy;case;", "count"),
        ("West;01.08.2022;31.08.2022;truancy;1", "line"),
    ],
)
def test_count_with_a_mistake_is_refused(office, line, code):
    run = load(office, HEAD + line + "\nOst;01.08.2022;31.08.2022;truancy;case;0\n")
    assert [refusal["code"] for refusal in run.refusals] == [code]
    assert [row.count for row in CountDelivery.objects.all()] == [0]


def test_counts_that_overlap_others_are_refused(office):
    load(office, GOOD)
    run = load(
        office,
        HEAD + "West;29.08.2022;04.09.2022;truancy;case;3\n"
        "West;05.09.2022;11.09.2022;truancy;case;3\nWest;05.09.2022;11.09.2022;truancy;case;4\n",
    )
    assert [(refusal["row"], refusal["code"]) for refusal in run.refusals] == [(2, "overlap"), (4, "duplicate")]
    assert run.created == 1


def test_agency_that_delivers_records_may_not_add_counts(world, office):
    with pytest.raises(FileError, match="doppelt zählen"):
        load(world.police, GOOD)
    assert not CountDelivery.objects.exists()


@time_machine.travel("2022-10-06 10:00", tick=False)
def test_nothing_to_report_is_a_delivery_of_its_own(world):
    week = datetime.date(2022, 9, 26)
    assert weeks_without_delivery(world.police)[0] == week
    deliver_nothing(week=week, by=world.owner_release)
    assert DeliveredWeek.objects.get().basis == "nothing"
    assert week not in weeks_without_delivery(world.police)
    assert week in weeks_without_delivery(world.order)
    for taken in (week, datetime.date(2022, 10, 3)):
        with pytest.raises(ValidationError):
            deliver_nothing(week=taken, by=world.owner_release)
