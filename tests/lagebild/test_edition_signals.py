"""The chapter on the night's signals and the last week: what is frozen of them, and what is never named."""

import datetime as dt
import json
from dataclasses import asdict

import pytest

from incidents.models import Area, CategoryGroup
from lagebild.actions import assess_finding, build_picture
from lagebild.edition_content import METHODS, EditionOrder, edition_content
from lagebild.edition_signals import DANGER_METHODS, last_week, signal_methods
from lagebild.editions import freeze_edition, master_pdf
from lagebild.models import Edition, Finding, FindingStatus, Picture, Signal, Trend, WeekState
from lagebild.printing.content import from_dict
from lagebild.printing.pdf import render_pdf
from lagebild.signal_words import once_text, shown
from tests import factories
from tests.lagebild.test_editions import text_of
from tests.lagebild.test_signals import NOON, TODAY, cluster, quiet_year

ORDER = EditionOrder(title="Integratives Lagebild", body="Sicherheitskonferenz")


@pytest.fixture(autouse=True)
def _day(time_machine):
    time_machine.move_to(NOON, tick=False)


@pytest.fixture
def noise(world):
    return factories.make_category("noise")


@pytest.fixture
def merged(world, noise) -> Picture:
    """A signal that only the merged records of three agencies show."""
    for agency in (world.police, world.order, world.customs):
        quiet_year(agency, noise, 40, first=30)
        cluster(agency, noise, 4)
    return build_picture(date=TODAY)


def content_of(picture: Picture):
    return edition_content(picture, ORDER, number="2026-001", created_at=dt.datetime(2026, 11, 22, 13, tzinfo=dt.UTC))


def test_an_alarm_is_frozen_in_sentences(world, merged):
    signal = merged.signals.get(is_alarm=True)
    signals = content_of(merged).signals
    assert (signals.period, signals.searches) == (("2026-10-26", "2026-11-22"), 1)
    assert signals.once_in_nights == "1.100"
    (alarm,) = signals.alarms
    assert alarm.title == "Bereich Hauptbahnhof Hamm: Public-Order"
    assert (alarm.kind, alarm.since, alarm.days) == ("brennpunkt", signal.first_day.isoformat(), signal.days)
    assert alarm.strength.startswith("12 Meldungen; nach dem Verlauf der letzten zwölf Monate waren etwa ")
    assert alarm.chance == once_text(signal) + (" (geschätzt)" if signal.is_fitted else "")
    assert alarm.together == "nur gemeinsam; keine Behörde hätte das Signal aus ihren eigenen Meldungen erkannt"
    assert (alarm.status_label, alarm.assessment, alarm.who_does_what) == ("Vorgeschlagen", None, None)


def test_no_agency_is_named_as_contributor(world, merged):
    chapter = json.dumps(asdict(content_of(merged).signals), ensure_ascii=False)
    assert merged.signals.get(is_alarm=True).agencies
    for agency in (world.police, world.order, world.customs):
        assert agency.short_name not in chapter
        assert agency.slug not in chapter


def test_what_a_person_has_said_of_it_stands_with_it(world, merged):
    finding = merged.signals.get(is_alarm=True).finding
    assess_finding(
        finding=finding,
        status=FindingStatus.CONFIRMED,
        assessment="Neue Szene.",
        by=world.chair,
        responsible=world.order,
    )
    (alarm,) = content_of(merged).signals.alarms
    assert alarm.status_label == "Bestätigt"
    assert alarm.assessment.startswith("Bestätigt: Neue Szene. (")
    assert alarm.who_does_what == "Zuständig: Ordnungsamt"


def test_a_quiet_night_says_so_and_names_what_came_nearest(world, noise):
    quiet_year(world.police, noise)
    picture = build_picture(date=TODAY)
    picture.signals.update(p_value=0.05, count=5, expected=1.2, first_day=dt.date(2026, 11, 3))
    content = content_of(picture)
    assert content.signals.alarms == ()
    assert content.signals.nearest == (
        "Public-Order: 5 statt 1,2 Meldungen seit 03.11.2026; Zufall in etwa 20 Nächten einmal",
    )
    text = text_of(render_pdf(content))
    assert "1 Signale der Nacht Kein Signal: In den letzten vier Wochen ist an keinem Ort etwas gewachsen" in text
    assert "mit 1 Prüfung: " in text


def test_several_groups_together_are_told_without_a_sum(world):
    for slug in ("noise", "theft", "fire"):
        category = factories.make_category(slug, group=slug)
        quiet_year(world.police, category, 40, first=30)
        cluster(world.police, category, 4)
    (alarm,) = content_of(build_picture(date=TODAY)).signals.alarms
    assert alarm.title.endswith(": Mehrere Vorfallgruppen gemeinsam")
    assert alarm.strength.startswith("mehrere Gruppen zugleich über dem Erwarteten, nicht addiert: ")
    assert {f"{name} 4 statt " in alarm.strength for name in ("Noise", "Theft", "Fire")} == {True}
    assert alarm.together.startswith("erst in mehreren Gruppen zusammen")


def test_a_joint_search_that_repeats_a_stream_adds_no_line(world):
    for slug in ("noise", "theft"):
        quiet_year(world.police, factories.make_category(slug, group=slug), 40)
    cluster(world.police, factories.make_category("noise"), 14)
    picture = build_picture(date=TODAY)
    assert picture.signals.filter(is_alarm=True).count() == 2
    # The joint search may be the surer one; the stream is named all the same.
    picture.signals.filter(stream="joint:incident").update(p_value=1e-12)
    (alarm,) = content_of(picture).signals.alarms
    assert alarm.title.endswith(": Noise")


@pytest.mark.parametrize("parameters", [{}, {"signals": {"streams": 3, "threshold_p": 0.001}}])
def test_a_picture_of_before_the_scan_has_no_chapter(world, merged, parameters):
    kept = {key: value for key, value in merged.parameters.items() if key != "signals"}
    merged.parameters = kept | parameters
    merged.trends.update(week_state="")
    content = content_of(merged)
    assert (content.signals, content.week) == (None, None)
    assert content.methods == (*METHODS, DANGER_METHODS)
    assert "Signale der Nacht" not in text_of(render_pdf(content))


def test_methods_tell_how_signals_weeks_and_dangers_arise(world, merged):
    methods = " ".join(signal_methods(merged))
    for words in ("Signale sucht das Verfahren jede Nacht", "Farrington", "EARS", "Gefahren beruhen nicht auf"):
        assert words in methods


def test_editions_stay_as_they_were_frozen(world, merged):
    edition = freeze_edition(picture=merged, order=ORDER, by=world.chair)
    assert freeze_edition(picture=merged, order=EditionOrder(**vars(ORDER)), by=world.chair).pk == edition.pk
    Signal.objects.all().delete()
    Picture.objects.update(parameters={})
    Finding.objects.update(place_label="Anderswo", status=FindingStatus.DISMISSED)
    stored = Edition.objects.get(pk=edition.pk)
    assert master_pdf(stored) == bytes(stored.pdf)
    text = text_of(bytes(stored.pdf))
    assert "1 Signale der Nacht Ein Signal geht über den Zufall hinaus. V Bereich Hauptbahnhof Hamm" in text


def test_an_edition_of_before_the_chapter_is_read_and_printed(world, merged):
    edition = freeze_edition(picture=merged, order=ORDER, by=world.chair)
    before = {key: value for key, value in edition.content.items() if key not in ("signals", "week")}
    Edition.objects.filter(pk=edition.pk).update(content=before)
    stored = Edition.objects.get(pk=edition.pk)
    assert from_dict(stored.content).signals is None
    assert "Signale der Nacht" not in text_of(master_pdf(stored))
    assert freeze_edition(picture=merged, order=ORDER, by=world.chair).pk == edition.pk


# ---- the last week


def trend(state: str, *, area: str = "city", group: str = "Lärm", **fields) -> Trend:
    values = {
        "week_state": state, "week_method": "farrington-3", "week_count": 31, "week_low": 8, "week_high": 27,
        "unit_label": "Fälle", "period_end": dt.date(2026, 11, 22),
    }  # fmt: skip
    place = Area(kind=area, name="Heessen" if area == "district" else "Stadt")
    of = CategoryGroup(label=group, kind="incident")
    return Trend(area=place, group=of, **values | fields)


def test_the_unusual_come_first_and_what_is_not_judged_is_named():
    week = last_week(
        [
            trend(WeekState.USUAL, group="Verkehr", week_count=9, week_low=3, week_high=14, week_method="ears-c2"),
            trend(WeekState.LOW, group="Abfall", week_count=1, week_low=3, week_high=14),
            trend(WeekState.HIGH),
            trend(WeekState.TOO_FEW, group="Waffen"),
            trend(WeekState.MISSING, group="Bahn", week_count=None),
            trend("", group="Schule"),
            trend(WeekState.HIGH, area="district", week_count=9, week_low=0, week_high=6),
            trend(WeekState.LOW, area="district", group="Abfall"),
        ]
    )
    assert (week.label, week.period) == ("Woche 47", ("2026-11-16", "2026-11-22"))
    assert [
        (row.group_label, row.expected, row.compared_with, row.state_label, row.is_unusual) for row in week.rows
    ] == [
        ("Lärm", "8 bis 27", "frühere Jahre", "ungewöhnlich hoch", True),
        ("Abfall", "3 bis 14", "frühere Jahre", "ungewöhnlich niedrig", True),
        ("Verkehr", "3 bis 14", "Wochen davor", "im üblichen Rahmen", False),
    ]
    assert week.left_out == (
        "Zu wenige Fälle für eine Aussage: Waffen (Fälle).",
        "Nicht beurteilt, weil eine Lieferung fehlt: Bahn (Fälle).",
    )
    assert week.districts == ("Heessen: Lärm, 9 Fälle (üblich 0 bis 6)",)


def test_no_week_where_nothing_is_judged():
    assert last_week([trend("")]) is None
    assert last_week([]) is None


# ---- words


@pytest.mark.parametrize(
    ("p_value", "wanted"),
    [
        (0.0, "seltener als einmal in 1.000.000 Nächten"),
        (1e-6, "seltener als einmal in 1.000.000 Nächten"),
        (1 / 9_012, "in etwa 9.000 Nächten einmal"),
        (1 / 13, "in etwa 13 Nächten einmal"),
        (0.7, "in den meisten Nächten"),
    ],
)
def test_chance_is_told_in_nights(p_value, wanted):
    assert once_text(Signal(p_value=p_value)) == wanted


def test_what_is_shown_does_not_depend_on_the_order_of_the_rows():
    rows = [
        Signal(stream="joint:incident", rank=1, p_value=1e-9, llr=9, is_alarm=True, finding_id="a", parts=[{}]),
        Signal(stream="group:b", rank=1, p_value=1e-4, llr=8, is_alarm=True, finding_id="a"),
        Signal(stream="group:a", rank=1, p_value=1e-4, llr=8, is_alarm=True, finding_id="b"),
        Signal(stream="group:c", rank=1, p_value=0.04, llr=3, is_alarm=False),
        Signal(stream="group:d", rank=1, p_value=0.4, llr=3, is_alarm=False),
    ]
    for turned in (rows, rows[::-1], rows[2:] + rows[:2]):
        alarms, nearest = shown(turned)
        assert [row.stream for row in alarms] == ["group:a", "group:b"]
        assert [row.stream for row in nearest] == ["group:c"]
