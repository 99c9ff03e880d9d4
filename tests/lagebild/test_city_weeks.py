"""The last complete week against its past: what alarms, what does not, and what is not judged."""

import datetime as dt

import numpy as np
import pytest
from django.urls import reverse
from django.utils import timezone

from agencies.models import Membership, MembershipStatus
from agencies.visibility import SharingLevel
from incidents.models import DeliveredWeek, Incident
from lagebild.actions import _load_inputs, build_picture, picture_sha256
from lagebild.city_weeks import ACCEPTED_A_YEAR, WEEKS_A_YEAR, family_alpha, judge_week, judge_weeks
from lagebild.frozen import freeze_counts
from lagebild.inputs import HISTORY_WEEKS, Window
from lagebild.models import Trend, WeekState
from lagebild.selectors import load_cases, load_weeks
from tests import factories

TODAY = dt.date(2026, 11, 22)
LAST_WEEK = dt.date(2026, 11, 16)
YEARS_OF_WEEKS = 160
ALPHA = family_alpha(21)


@pytest.fixture(autouse=True)
def _day(time_machine):
    time_machine.move_to(dt.datetime(2026, 11, 22, 12, tzinfo=dt.UTC), tick=False)


def monday(weeks_ago: int) -> dt.date:
    return LAST_WEEK - dt.timedelta(weeks=weeks_ago)


def deliver(*agencies, weeks: int = YEARS_OF_WEEKS, but: tuple[int, ...] = ()) -> None:
    DeliveredWeek.objects.bulk_create(
        DeliveredWeek(agency=agency, week=monday(back), basis="records")
        for agency in agencies
        for back in range(weeks)
        if back not in but
    )


def weekly(agency, counts: dict[int, int], **fields) -> None:
    """Faces only, without details: weeks ago -> how many."""
    kind = factories.make_category("incident-kind", group="incident-group")
    factories.make_city()
    defaults = {
        "category": kind,
        "sharing_level": SharingLevel.COOPERATION,
        "accuracy": "district",
        "district": factories.Area.objects.get(slug="west"),
    }
    Incident.objects.bulk_create(
        Incident(
            agency=agency,
            occurred_from=timezone.make_aware(
                dt.datetime.combine(monday(back) + dt.timedelta(days=i % 6), dt.time(9, i % 60))
            ),
            **(defaults | fields),
        )
        for back, number in counts.items()
        for i in range(number)
    )


def quiet(weeks: int = YEARS_OF_WEEKS) -> dict[int, int]:
    """Around four a week, the same in every run."""
    rng = np.random.default_rng(7)
    return {back: int(number) for back, number in enumerate(rng.poisson(4, weeks), start=1)} | {0: 4}


def city_row(picture) -> Trend:
    return picture.trends.get(area__slug="stadt")


def test_planted_rise_after_three_quiet_years_alarms_and_is_said_first_of_the_city(world):
    deliver(world.police)
    weekly(world.police, quiet() | {0: 19})
    picture = build_picture(date=TODAY)
    row = city_row(picture)
    assert (row.week_state, row.week_method, row.week_count) == (WeekState.HIGH, "farrington-3", 19)
    assert row.week_low <= row.week_expected <= row.week_high < 19
    said = [text for text in picture.statements if "ungewöhnlich viel" in text]
    assert len(said) == 1
    assert said[0].startswith("Stadtweit ungewöhnlich viel bei Incident-Group: 19 ")
    assert f"zu erwarten waren {row.week_low} bis {row.week_high}." in said[0]


def test_quiet_week_is_usual_and_says_nothing(world):
    deliver(world.police)
    weekly(world.police, quiet())
    picture = build_picture(date=TODAY)
    assert set(picture.trends.values_list("week_state", flat=True)) == {WeekState.USUAL}
    assert not any("ungewöhnlich" in text for text in picture.statements)


def test_missing_delivery_of_a_contributor_is_not_judged(world):
    deliver(world.police)
    deliver(world.order, but=(0,))
    weekly(world.police, quiet() | {0: 19})
    weekly(world.order, {30: 1})
    row = city_row(build_picture(date=TODAY))
    assert (row.week_state, row.week_count, row.week_high) == (WeekState.MISSING, None, None)


def test_missing_delivery_of_an_agency_without_such_cases_does_not_matter(world):
    deliver(world.police)
    weekly(world.police, quiet() | {0: 19})
    assert city_row(build_picture(date=TODAY)).week_state == WeekState.HIGH


def test_weeks_that_were_not_delivered_are_no_zeros_of_the_past(world):
    """A year without delivery would halve the expectation if it counted as nothing."""
    deliver(world.police, but=tuple(range(40, 60)))
    weekly(world.police, {back: number for back, number in quiet().items() if not 40 <= back < 60})
    inputs = _load_inputs(TODAY)
    by_gap = city_row(build_picture(date=TODAY)).week_expected
    assert int(inputs.earlier.count.sum()) == sum(n for back, n in quiet().items() if 104 <= back < YEARS_OF_WEEKS + 1)
    deliver(world.police, weeks=60, but=tuple(range(40)))
    assert city_row(build_picture(date=TODAY)).week_expected < by_gap


@pytest.mark.parametrize("level", [SharingLevel.STATISTICS, SharingLevel.INTERNAL])
def test_protected_and_internal_cases_never_enter(world, level):
    deliver(world.police)
    weekly(world.police, quiet())
    before = judge_weeks(_load_inputs(TODAY))
    weekly(world.police, {0: 40, 5: 40, 52: 40, 110: 40, 150: 40}, sharing_level=level)
    assert judge_weeks(_load_inputs(TODAY)) == before != {}


def test_suspended_agencies_and_control_driven_kinds_do_not_enter(world):
    deliver(world.police, world.order)
    weekly(world.police, quiet())
    before = judge_weeks(_load_inputs(TODAY))
    checks = factories.make_category("checks", group="incident-group", origin="control")
    weekly(world.police, {0: 40, 110: 9}, category=checks)
    weekly(world.order, {0: 40, 110: 9})
    Membership.objects.filter(agency=world.order).update(status=MembershipStatus.SUSPENDED)
    assert judge_weeks(_load_inputs(TODAY)) == before


def test_city_and_districts_have_a_budget_of_their_own_that_more_groups_share(world):
    """All cases in one district: the same series twice, and no other. Then nine groups more."""
    deliver(world.police)
    weekly(world.police, quiet())
    alone = build_picture(date=TODAY).trends.values_list("week_low", "week_high", "week_expected")
    assert len(alone) == 2
    assert len(set(alone)) == 1
    for number in range(9):
        weekly(world.police, {1: 1}, category=factories.make_category(f"more-{number}", group=f"more-{number}"))
    shared = (
        build_picture(date=TODAY).trends.filter(group__slug="incident-group").values_list("area__slug", "week_high")
    )
    assert {slug for slug, _ in shared} == {"stadt", "west"}
    assert len({high for _, high in shared}) == 1
    assert shared[0][1] > alone[0][1]


def test_deleted_records_stay_history_by_their_frozen_counts(world):
    deliver(world.police)
    weekly(world.police, quiet() | {0: 19})
    before = judge_weeks(_load_inputs(TODAY))
    old = Incident.objects.filter(occurred_from__lt=timezone.now() - dt.timedelta(days=300))
    assert freeze_counts(old) == old.count() > 300
    Incident.objects.filter(pk__in=list(old.values_list("pk", flat=True))).delete()
    assert judge_weeks(_load_inputs(TODAY)) == before


def test_cases_of_agencies_that_gave_up_two_years_ago_are_no_history(world):
    deliver(world.police)
    weekly(world.police, quiet())
    before = judge_weeks(_load_inputs(TODAY))
    weekly(world.order, {110: 9, 130: 9, 156: 9})
    assert judge_weeks(_load_inputs(TODAY)) == before


def test_weeks_of_the_database_are_those_of_single_days(world):
    weekly(world.police, dict.fromkeys((104, 105, 140), 3))
    # In Hamm it is Monday already.
    factories.make_incident(
        world.police,
        occurred_from=dt.datetime(2024, 11, 3, 23, 30, tzinfo=dt.UTC),
        sharing_level=SharingLevel.COOPERATION,
    )
    span = {"first": monday(160), "last": monday(100)}
    by_week, by_day = load_weeks(**span), load_cases(SharingLevel.COOPERATION, **span).by_week()
    for name in ("stratum", "district", "cell", "agency", "day", "count"):
        assert getattr(by_week, name).tolist() == getattr(by_day, name).tolist(), name
    assert by_week.count.sum() == 10


def test_queries_do_not_grow_with_records(world, django_assert_num_queries, django_assert_max_num_queries):
    deliver(world.police, world.order)
    weekly(world.police, quiet(120))
    with django_assert_max_num_queries(40) as few:
        _load_inputs(TODAY)
    weekly(world.order, quiet())
    weekly(world.police, quiet(), category=factories.make_category("waste", group="waste"))
    with django_assert_num_queries(len(few.captured_queries)):
        _load_inputs(TODAY)


def test_the_week_is_part_of_the_hash_and_pictures_without_one_keep_theirs(world):
    deliver(world.police)
    weekly(world.police, quiet())
    picture = build_picture(date=TODAY)
    assert picture_sha256(picture) == picture.sha256
    Trend.objects.filter(area__slug="stadt").update(week_high=99)
    assert picture_sha256(picture) != picture.sha256


def test_older_history_makes_a_new_revision(world):
    deliver(world.police)
    weekly(world.police, quiet())
    first = build_picture(date=TODAY)
    weekly(world.police, {130: 2})
    second = build_picture(date=TODAY)
    assert (first.revision, second.revision) == (1, 2)


def test_page_shows_the_week_in_words(world, signed_in):
    deliver(world.police)
    weekly(world.police, quiet() | {0: 19})
    row = city_row(build_picture(date=TODAY))
    text = signed_in(world.partner).get(reverse("lagebild:picture")).content.decode()
    assert f"Woche 47: 19, zu erwarten {row.week_low} bis {row.week_high} " in text
    assert 'badge--danger">ungewöhnlich hoch<' in text


def test_page_of_a_short_history_says_so(world, signed_in):
    deliver(world.police, weeks=6)
    weekly(world.police, dict.fromkeys(range(6), 3))
    build_picture(date=TODAY)
    text = signed_in(world.partner).get(reverse("lagebild:picture")).content.decode()
    assert "Woche 47: 3 " in text
    assert "Woche 47: 3, zu erwarten" not in text
    assert "noch keine ausreichende Vorgeschichte" in text


def series(last: int, known: int = HISTORY_WEEKS, mean: float = 20, seed: int = 3) -> np.ndarray:
    counts = np.random.default_rng(seed).poisson(mean, HISTORY_WEEKS).astype(float)
    counts[: HISTORY_WEEKS - known] = np.nan
    counts[-1] = last
    return counts


@pytest.mark.parametrize(
    ("known", "method"),
    [(HISTORY_WEEKS, "farrington-4"), (160, "farrington-3"), (110, "farrington-2"), (20, "ears-"), (9, "")],
)
def test_as_many_years_as_there_are(known, method):
    result = judge_week(series(20, known), Window(TODAY).history_start, ALPHA)
    assert result.method.startswith(method)
    assert bool(result.method) == bool(method)
    assert result.state == (WeekState.USUAL if method else WeekState.NO_HISTORY)


@pytest.mark.parametrize("known", [HISTORY_WEEKS, 160, 110, 20])
def test_state_is_what_the_shown_bounds_say(known):
    start = Window(TODAY).history_start
    usual = judge_week(series(20, known), start, ALPHA)
    for count, state in (
        (usual.high, WeekState.USUAL),
        (usual.high + 1, WeekState.HIGH),
        (usual.low, WeekState.USUAL),
        (usual.low - 1, WeekState.LOW),
    ):
        if count >= 0:
            judged = judge_week(series(count, known), start, ALPHA)
            assert (judged.state, judged.low, judged.high) == (state, usual.low, usual.high)


def test_few_cases_are_no_alarm_and_not_called_usual():
    counts = np.zeros(HISTORY_WEEKS)
    counts[-1] = 3
    assert judge_week(counts, Window(TODAY).history_start, ALPHA).state == WeekState.TOO_FEW


def test_whole_family_alarms_about_once_a_year():
    """Four years of 21 quiet series; the plug-in bound may get twice as many, chance three more."""
    rng = np.random.default_rng(11)
    start = Window(TODAY).history_start
    weeks = 21 * WEEKS_A_YEAR * 4
    alarms = sum(
        judge_week(rng.poisson(6, HISTORY_WEEKS).astype(float), start, ALPHA).state == WeekState.HIGH
        for _ in range(weeks)
    )
    assert alarms <= 2 * 4 * ACCEPTED_A_YEAR + 3
