"""Looking back at a period: what is found, what never counts, how a search ends."""

import datetime as dt
import itertools
import random

import h3.api.basic_int as h3
import numpy as np
import pytest
from celery.exceptions import SoftTimeLimitExceeded
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import DatabaseError, transaction
from hypothesis import given
from hypothesis import strategies as st

from agencies.models import AuditEntry, Membership, MembershipStatus, User
from agencies.visibility import SharingLevel
from agencies.wall.context import Office
from hamm_security.celery import advisory_lock
from incidents.geo import DETAIL_RESOLUTION, SHARED_RESOLUTION, cell_at, cell_center
from incidents.models import Complaint, Incident, Kind
from lagebild import retrospect, retrospect_search
from lagebild.calendar_models import DeliveryNotice, NoticeKind
from lagebild.retrospect import (
    FEWEST_DAYS,
    LONGEST_DURATION,
    MOST_UNFINISHED,
    SHORTEST_DURATION,
    ask,
    clear_old,
    last_complete_year,
    objections,
)
from lagebild.retrospect_models import Retrospect, RetrospectCluster, RetrospectState
from lagebild.retrospect_wording import chance_text, summary
from lagebild.stream_models import StreamSet
from lagebild.stream_sets import alarm_streams, save_set, switch_set
from lagebild.tasks import apply_retention, look_back
from tests import factories
from tests.backstage import acting

NOON = dt.datetime(2026, 11, 22, 12, tzinfo=dt.UTC)
YEAR = (dt.date(2025, 1, 1), dt.date(2025, 12, 31))
STATION = factories.STATION
REPLICATES = 199


@pytest.fixture(autouse=True)
def _day(time_machine):
    time_machine.move_to(NOON, tick=False)


@pytest.fixture(autouse=True)
def _few_replicates(monkeypatch):
    monkeypatch.setattr(retrospect_search, "REPLICATES", REPLICATES)


@pytest.fixture
def noise(world):
    return factories.make_category("noise")


def _write(model, agency, category, places, days, level=SharingLevel.COOPERATION) -> None:
    """Faces with their exact cells; what a search does not read is left out."""
    rows = [
        model(
            agency=agency,
            category=category,
            occurred_from=dt.datetime.combine(day, dt.time(11), tzinfo=dt.UTC),
            sharing_level=level,
            accuracy="point",
            cell=cell_at(*place, SHARED_RESOLUTION),
        )
        for place, day in zip(places, days, strict=True)
    ]
    model.objects.bulk_create(rows)
    model.detail_model().objects.bulk_create(
        model.detail_model()(record=row, agency=agency, year=2025, number=next(_numbers), cell=cell_at(*place, 10))
        for row, place in zip(rows, places, strict=True)
    )


_numbers = itertools.count(100_000)


def quiet_year(agency, category, number: int = 200, *, model=Incident, seed: int = 7) -> None:
    """Spread over the city and the year 2025, the same every time."""
    chance = random.Random(seed)
    places = [(chance.uniform(7.785, 7.855), chance.uniform(51.663, 51.697)) for _ in range(number)]
    _write(model, agency, category, places, [YEAR[0] + dt.timedelta(days=i * 364 // number) for i in range(number)])


def cluster(agency, category, number: int, *, model=Incident, first=dt.date(2025, 3, 10), **more) -> None:
    days = [first + dt.timedelta(days=index % 5) for index in range(number)]
    _write(model, agency, category, [STATION] * number, days, **more)


def stream(key: str = "group:public-order"):
    return next(found for found in alarm_streams() if found.id == key)


def looked_back(by, key: str = "group:public-order", *, first=YEAR[0], last=YEAR[1], longest: int = 28) -> Retrospect:
    asked = ask(stream=stream(key), first=first, last=last, longest=longest, by=by)
    assert look_back(str(asked.pk)) in {"done", "failed"}
    asked.refresh_from_db()
    return asked


def found(asked: Retrospect) -> list[RetrospectCluster]:
    return list(asked.clusters.all())


def test_a_cluster_that_has_ended_long_ago_is_found_by_place_and_time(world, noise):
    quiet_year(world.police, noise)
    cluster(world.police, noise, 14)
    asked = looked_back(world.partner)
    assert asked.state == RetrospectState.DONE
    assert (asked.cases, asked.replicates, asked.done, asked.least) == (214, REPLICATES, REPLICATES, 5)
    best = found(asked)[0]
    assert "Hauptbahnhof" in best.place_label
    assert (best.first_day, best.last_day) == (dt.date(2025, 3, 10), dt.date(2025, 3, 14))
    assert best.count >= 14
    assert best.expected < 3
    assert best.p_value == 1 / (REPLICATES + 1)
    assert best.agencies == ["polizei"]
    assert best.is_merged_only is False
    words = summary(asked, [best])
    assert words.startswith(
        "Im Zeitraum hebt sich eine Häufung vom Zufall ab: Bereich Hauptbahnhof Hamm, 10.03.–14.03."
    )


def test_what_comes_again_at_the_same_place_is_found_twice(world, noise):
    quiet_year(world.police, noise)
    cluster(world.police, noise, 14)
    cluster(world.police, noise, 12, first=dt.date(2025, 9, 1))
    loud = [row for row in found(looked_back(world.partner)) if row.p_value <= 0.05]
    assert [row.first_day.month for row in loud] == [3, 9]
    assert all("Hauptbahnhof" in row.place_label for row in loud)


def test_a_period_without_clusters_says_so_and_shows_the_best_honestly(world, noise):
    quiet_year(world.police, noise)
    asked = looked_back(world.partner)
    nearest = found(asked)
    assert len(nearest) == 1
    assert nearest[0].p_value > 0.05
    assert nearest[0].is_merged_only is None
    assert asked.replicates < REPLICATES
    words = summary(asked, nearest)
    assert words.startswith("Im Zeitraum hebt sich keine Häufung vom Zufall ab; am nächsten kam ")
    assert "Der Zufall bringt so viel in etwa " in words


def test_too_few_cases_are_no_result(world, noise):
    cluster(world.police, noise, 2)
    asked = looked_back(world.partner)
    assert (asked.state, asked.cases, found(asked)) == (RetrospectState.DONE, 2, [])
    assert "nur 2 Meldungen" in summary(asked, [])


@pytest.mark.parametrize("level", [SharingLevel.INTERNAL, SharingLevel.STATISTICS])
def test_what_is_not_seen_one_by_one_never_counts(world, noise, level):
    quiet_year(world.police, noise)
    before = looked_back(world.partner)
    cluster(world.police, noise, 14, level=level)
    after = looked_back(world.partner)
    assert after.input_sha256 == before.input_sha256
    assert after.cases == before.cases == 200
    assert [row.count for row in found(after)] == [row.count for row in found(before)]


def test_area_categories_never_count(world):
    abuse = factories.make_category("abuse", group="abuse", geo="G")
    quiet_year(world.police, abuse)
    cluster(world.police, abuse, 14)
    asked = looked_back(world.partner, "group:abuse")
    assert (asked.cases, found(asked)) == (0, [])


def test_repeated_reports_of_one_defect_are_one_event(world):
    waste = factories.make_category("c-waste", kind=Kind.COMPLAINT, group="waste", is_defect=True)
    quiet_year(world.order, waste, model=Complaint)
    cluster(world.order, waste, 14, model=Complaint)
    asked = looked_back(world.partner, "group:waste")
    assert 200 <= asked.cases <= 201
    assert all(row.p_value > 0.05 for row in found(asked))


def test_own_reports_do_not_probe_where_a_foreign_one_lies(world):
    waste = factories.make_category("c-waste", kind=Kind.COMPLAINT, group="waste", is_defect=True)
    day = YEAR[0] + dt.timedelta(days=60)
    cluster(world.police, waste, 1, model=Complaint, first=YEAR[0])
    _write(Complaint, world.police, waste, [STATION], [day])
    counted = []
    for exact in h3.cell_to_children(cell_at(*STATION, SHARED_RESOLUTION), DETAIL_RESOLUTION):
        _write(Complaint, world.order, waste, [cell_center(exact)], [day])
        counted.append(looked_back(world.partner, "group:waste").cases)
        Complaint.objects.filter(agency=world.order).delete()
    assert counted == [3] * 7


def test_days_an_agency_has_not_delivered_are_masked(world, noise):
    quiet_year(world.police, noise)
    quiet_year(world.order, noise, seed=8)
    cluster(world.police, noise, 14)
    DeliveryNotice.objects.create(
        agency=world.police,
        kind=NoticeKind.LATE,
        first_day=dt.date(2025, 3, 5),
        last_day=dt.date(2025, 3, 20),
    )
    assert all(row.p_value > 0.05 for row in found(looked_back(world.partner)))


def test_a_third_from_each_of_three_agencies_is_seen_only_together(world, noise):
    agencies = (world.police, world.order, world.customs)
    for seed, agency in enumerate(agencies):
        quiet_year(agency, noise, 100, seed=seed)
        cluster(agency, noise, 4)
    best = found(looked_back(world.partner))[0]
    assert best.is_merged_only is True
    assert best.count >= 12
    assert best.agencies == sorted(agency.slug for agency in agencies)


def test_agencies_with_few_cases_of_their_own_are_not_named(world, noise):
    quiet_year(world.police, noise)
    cluster(world.police, noise, 12)
    cluster(world.order, noise, 2)
    best = found(looked_back(world.partner))[0]
    assert best.count >= 14
    assert best.agencies == ["polizei"]


def test_the_same_records_give_the_same_result(world, noise):
    quiet_year(world.police, noise)
    cluster(world.police, noise, 7)
    facts = []
    for by in (world.partner, world.stranger):
        asked = looked_back(by)
        facts.append(
            [asked.input_sha256, asked.replicates, *((row.cells, row.llr, row.p_value) for row in found(asked))]
        )
    assert facts[0] == facts[1]
    again = looked_back(world.partner, longest=14)
    assert again.input_sha256 != facts[0][0]


def test_an_agencys_own_stream_can_be_looked_back_at(world, noise):
    factories.make_category("brawl", group="violence")
    row = save_set(row=StreamSet(name="Beides", kind="incident", categories=["noise", "brawl"]), by=world.owner_lead)
    quiet_year(world.police, noise)
    cluster(world.police, noise, 14)
    asked = looked_back(world.partner, f"set:{row.pk}")
    assert asked.stream_label == "Beides"
    assert found(asked)[0].p_value <= 0.05


# What may be asked.


@given(
    first=st.dates(dt.date(2015, 1, 1), dt.date(2026, 12, 31)),
    days=st.integers(-400, 1_500),
    longest=st.integers(-10, 500),
)
def test_what_is_let_through_keeps_all_limits(first, days, longest):
    today = NOON.date()
    last = first + dt.timedelta(days=days)
    errors = objections(first=first, last=last, longest=longest, today=today)
    length = (last - first).days + 1
    allowed = (
        last < today
        and FEWEST_DAYS <= length <= 731
        and SHORTEST_DURATION <= longest <= LONGEST_DURATION
        and 2 * longest <= length
    )
    assert (errors == {}) == allowed or length == 731
    assert all(message.endswith(".") and "Bitte" in message for message in errors.values())


def test_the_default_is_the_last_complete_year():
    assert last_complete_year(NOON.date()) == YEAR
    assert objections(first=YEAR[0], last=YEAR[1], longest=28, today=NOON.date()) == {}


@pytest.mark.parametrize(
    ("period", "field", "words"),
    [
        (("2025-03-01", "2025-02-01", 28), "last_day", "endet vor seinem Beginn"),
        (("2025-03-01", "2025-03-31", 7), "last_day", "nur 31 Tage"),
        (("2026-01-01", "2026-11-22", 28), "last_day", "höchstens den 21.11.2026"),
        (("2023-01-01", "2025-01-01", 28), "last_day", "länger als zwei Jahre"),
        (("2025-01-01", "2025-12-31", 92), "longest_days", "7 bis 91"),
        (("2025-01-01", "2025-03-01", 31), "longest_days", "höchstens 30 Tage"),
    ],
)
def test_what_may_not_be_asked_is_said(world, noise, period, field, words):
    quiet_year(world.police, noise, 3)
    first, last, longest = dt.date.fromisoformat(period[0]), dt.date.fromisoformat(period[1]), period[2]
    with pytest.raises(ValidationError) as refused:
        ask(stream=stream(), first=first, last=last, longest=longest, by=world.partner)
    assert words in refused.value.message_dict[field][0]
    assert not Retrospect.objects.exists()


def test_before_the_first_shared_record_there_is_nothing_to_look_back_at(world, noise):
    with pytest.raises(ValidationError, match="keine freigegebene Meldung"):
        ask(stream=stream(), first=YEAR[0], last=YEAR[1], longest=28, by=world.partner)
    cluster(world.police, noise, 3, first=dt.date(2024, 6, 1), level=SharingLevel.INTERNAL)
    cluster(world.police, noise, 1, first=dt.date(2025, 11, 20))
    with pytest.raises(ValidationError, match=r"erst ab dem 20\.11\.2025"):
        ask(stream=stream(), first=YEAR[0], last=YEAR[1], longest=28, by=world.partner)


def test_a_few_at_a_time_and_none_twice(world, noise):
    quiet_year(world.police, noise, 3)
    for longest in range(7, 7 + MOST_UNFINISHED):
        ask(stream=stream(), first=YEAR[0], last=YEAR[1], longest=longest, by=world.partner)
    with pytest.raises(ValidationError, match="schon 3 Rückblicke in Arbeit"):
        ask(stream=stream(), first=YEAR[0], last=YEAR[1], longest=28, by=world.partner_release)
    with pytest.raises(ValidationError, match="schon angefordert"):
        ask(stream=stream(), first=YEAR[0], last=YEAR[1], longest=7, by=world.partner_release)
    # Another agency has room of its own, and what a worker has lost makes room again.
    ask(stream=stream(), first=YEAR[0], last=YEAR[1], longest=7, by=world.stranger)
    Retrospect.objects.update(asked_at=NOON - dt.timedelta(hours=7))
    ask(stream=stream(), first=YEAR[0], last=YEAR[1], longest=7, by=world.partner)


@pytest.mark.parametrize("name", ["suspended", "guest", "inactive", "data_protection", "admin"])
def test_who_does_not_read_the_picture_may_not_ask(world, noise, name):
    quiet_year(world.police, noise, 3)
    with pytest.raises(PermissionDenied):
        ask(stream=stream(), first=YEAR[0], last=YEAR[1], longest=28, by=world.people()[name])


# How it ends.


def test_a_failure_is_told_and_raised(world, noise, monkeypatch):
    quiet_year(world.police, noise, 3)
    asked = ask(stream=stream(), first=YEAR[0], last=YEAR[1], longest=28, by=world.partner)

    def broken(loaded, *, report):
        raise ZeroDivisionError

    monkeypatch.setattr(retrospect_search, "search", broken)
    with pytest.raises(ZeroDivisionError):
        look_back(str(asked.pk))
    asked.refresh_from_db()
    assert asked.state == RetrospectState.FAILED
    assert asked.failure.startswith("Bitte fordern Sie ihn noch einmal an")


def test_too_long_and_a_stream_that_is_gone_say_what_to_do(world, noise, monkeypatch):
    factories.make_category("brawl", group="violence")
    row = save_set(row=StreamSet(name="Beides", kind="incident", categories=["noise", "brawl"]), by=world.owner_lead)
    quiet_year(world.police, noise, 3)
    gone = ask(stream=stream(f"set:{row.pk}"), first=YEAR[0], last=YEAR[1], longest=28, by=world.partner)
    switch_set(row=row, is_active=False, by=world.owner_lead)
    assert look_back(str(gone.pk)) == "failed"
    gone.refresh_from_db()
    assert gone.failure == "Den gewählten Strom gibt es nicht mehr. Bitte wählen Sie einen anderen."

    def endless(loaded, *, report):
        raise SoftTimeLimitExceeded

    monkeypatch.setattr(retrospect_search, "search", endless)
    slow = looked_back(world.partner)
    assert slow.state == RetrospectState.FAILED
    assert "kürzeren Zeitraum" in slow.failure


def test_an_agency_suspended_meanwhile_gets_no_answer(world, noise):
    quiet_year(world.police, noise)
    asked = ask(stream=stream(), first=YEAR[0], last=YEAR[1], longest=28, by=world.partner)
    Membership.objects.filter(agency=world.order).update(status=MembershipStatus.SUSPENDED)
    assert look_back(str(asked.pk)) is None
    asked.refresh_from_db()
    assert asked.state == RetrospectState.FAILED
    assert "Mitgliedschaft" in asked.failure


def test_what_is_finished_or_gone_is_left_alone(world, noise):
    quiet_year(world.police, noise, 20)
    asked = looked_back(world.partner)
    finished = asked.finished_at
    assert look_back(str(asked.pk)) is None
    asked.refresh_from_db()
    assert (asked.state, asked.finished_at) == (RetrospectState.DONE, finished)
    Retrospect.objects.all().delete()
    assert look_back(str(asked.pk)) is None


def test_what_a_lost_worker_has_left_is_taken_up_again(world, noise):
    quiet_year(world.police, noise)
    asked = ask(stream=stream(), first=YEAR[0], last=YEAR[1], longest=28, by=world.partner)
    Retrospect.objects.update(state=RetrospectState.RUNNING, done=99)
    assert look_back(str(asked.pk)) == "done"


def test_one_after_the_other(world, noise, monkeypatch):
    quiet_year(world.police, noise, 3)
    asked = ask(stream=stream(), first=YEAR[0], last=YEAR[1], longest=28, by=world.partner)
    later = []
    monkeypatch.setattr(look_back, "apply_async", lambda args, **options: later.append((args, options)))
    with advisory_lock("lagebild.look_back"):
        assert look_back(str(asked.pk)) is None
    asked.refresh_from_db()
    assert asked.state == RetrospectState.WAITING
    assert later == [((str(asked.pk),), {"countdown": 15})]


def test_progress_is_told_while_it_runs(world, noise, monkeypatch):
    quiet_year(world.police, noise)
    cluster(world.police, noise, 14)
    told = []
    real = retrospect.note_progress
    monkeypatch.setattr(retrospect, "note_progress", lambda *, pk, done: (told.append(done), real(pk=pk, done=done)))
    looked_back(world.partner)
    assert told[0] == 99
    assert told[-1] == REPLICATES


# Who keeps it, and for how long.


def test_a_year_later_it_is_deleted(world, noise):
    quiet_year(world.police, noise)
    old, young = looked_back(world.partner), looked_back(world.stranger)
    Retrospect.objects.filter(pk=old.pk).update(asked_at=NOON - dt.timedelta(days=366))
    Retrospect.objects.filter(pk=young.pk).update(asked_at=NOON - dt.timedelta(days=364))
    with acting(Office.OPERATOR):
        assert clear_old(today=NOON.date(), dry_run=True) == 1
    assert Retrospect.objects.count() == 2
    apply_retention()
    assert list(Retrospect.objects.all()) == [young]
    assert {row.retrospect_id for row in RetrospectCluster.objects.all()} == {young.pk}


def test_asking_is_logged(world, noise):
    quiet_year(world.police, noise, 3)
    asked = ask(stream=stream(), first=YEAR[0], last=YEAR[1], longest=28, by=world.partner)
    entry = AuditEntry.objects.get(object_id=str(asked.pk))
    assert (entry.action, entry.user_id, entry.facts["step"]) == ("searched", world.partner.pk, "asked")


def test_the_rule_by_itself_shows_it_to_the_own_agency_alone(world):
    """Backstage, where the second lock does not help."""
    asked = Retrospect.objects.create(
        agency=world.order,
        asked_by=world.partner,
        stream="group:x",
        stream_label="x",
        kind="incident",
        first_day=YEAR[0],
        last_day=YEAR[1],
        longest_days=28,
    )
    people = {name: person for name, person in world.people().items() if person.agency is not None}
    seen = {name for name, person in people.items() if Retrospect.objects.visible_to(person).filter(pk=asked.pk)}
    assert seen == {"partner", "partner_release"}
    Membership.objects.filter(agency=world.order).update(status=MembershipStatus.SUSPENDED)
    assert not Retrospect.objects.visible_to(User.objects.get(pk=world.partner.pk)).exists()


@pytest.mark.parametrize("name", ["owner_lead", "stranger", "suspended", "guest", "inactive", "chair"])
def test_the_database_shows_it_to_the_own_agency_alone(world, noise, name):
    quiet_year(world.police, noise)
    asked = looked_back(world.partner)
    with acting(world.partner_release):
        assert Retrospect.objects.get() == asked
        assert RetrospectCluster.objects.exists()
    with acting(world.people()[name]):
        assert not Retrospect.objects.exists()
        assert not RetrospectCluster.objects.exists()


def test_the_database_lets_nobody_write_in_the_name_of_others_or_make_up_results(world):
    fields = {
        "stream": "group:x",
        "stream_label": "x",
        "kind": "incident",
        "first_day": YEAR[0],
        "last_day": YEAR[1],
        "longest_days": 28,
    }
    wrong = (
        {"agency": world.police, "asked_by": world.partner},
        {"agency": world.order, "asked_by": world.partner_release},
        {"agency": world.order, "asked_by": world.partner, "state": "running"},
    )
    for more in wrong:
        with acting(world.partner), pytest.raises(DatabaseError), transaction.atomic():
            Retrospect.objects.create(**fields, **more)
    with acting(world.partner):
        Retrospect.objects.create(**fields, agency=world.order, asked_by=world.partner)
        with pytest.raises(DatabaseError), transaction.atomic():
            Retrospect.objects.update(cases=3)


def test_how_sure_in_words():
    assert chance_text(0.001, 999) == "in höchstens 1 von 1.000 Fällen"
    assert chance_text(0.01, 999) == "in etwa 1 von 100 Fällen"
    assert chance_text(0.347, 198) == "in etwa 35 von 100 Fällen"
    assert chance_text(1.0, 99) == "fast immer"
    for p in np.linspace(0.001, 1, 500):
        assert chance_text(float(p), 999)
