"""The pages of looks back: who sees them, what they say, what they cost."""

import datetime as dt
import json
import xml.etree.ElementTree as ET

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from hypothesis import given
from hypothesis import strategies as st

from agencies.models import AuditEntry, Membership, MembershipStatus
from agencies.visibility import SharingLevel
from incidents.geo import SHARED_RESOLUTION, cell_at
from lagebild import tasks
from lagebild.figures.timeline import Bar, draw_timeline
from lagebild.retrospect_models import Retrospect, RetrospectState
from tests import factories

NOON = dt.datetime(2026, 11, 22, 12, tzinfo=dt.UTC)
FIRST, LAST = dt.date(2025, 1, 1), dt.date(2025, 12, 31)
FORM = {"stream": "group:public-order", "first_day": "01.01.2025", "last_day": "31.12.2025", "longest_days": "28"}
CENTER = cell_at(*factories.STATION, SHARED_RESOLUTION)


@pytest.fixture(autouse=True)
def _day(time_machine):
    time_machine.move_to(NOON, tick=False)


@pytest.fixture
def noise(world):
    category = factories.make_category("noise")
    for day in (dt.date(2025, 1, 5), dt.date(2025, 6, 1)):
        at = dt.datetime.combine(day, dt.time(11), tzinfo=dt.UTC)
        factories.make_incident(
            world.police, category=category, occurred_from=at, sharing_level=SharingLevel.COOPERATION
        )
    return category


def asked_by(person, state=RetrospectState.DONE, **fields) -> Retrospect:
    is_done = state == RetrospectState.DONE
    values = {
        "stream": "group:public-order",
        "stream_label": "Öffentliche Ordnung",
        "kind": "incident",
        "first_day": FIRST,
        "last_day": LAST,
        "longest_days": 28,
        "finished_at": NOON if is_done else None,
        **({"cases": 940, "least": 5, "replicates": 999, "first_case_on": FIRST} if is_done else {}),
    }
    return Retrospect.objects.create(agency=person.agency, asked_by=person, state=state, **(values | fields))


def with_cluster(asked: Retrospect, rank: int = 1, **fields) -> Retrospect:
    values = {
        "center_cell": CENTER,
        "cells": [CENTER],
        "place_label": "Bereich Hauptbahnhof Hamm",
        "first_day": dt.date(2025, 3, 10),
        "last_day": dt.date(2025, 3, 14),
        "count": 14,
        "expected": 2.5,
        "llr": 12.0,
        "p_value": 0.001,
        "is_merged_only": True,
        "agencies": ["polizei"],
    }
    asked.clusters.create(rank=rank, **(values | fields))
    return asked


def url(asked: Retrospect, name: str = "retrospect") -> str:
    return reverse(f"lagebild:{name}", args=[asked.pk])


LIST = "lagebild:retrospects"


def test_the_form_proposes_the_last_complete_year(world, noise, signed_in):
    text = signed_in(world.owner_entry).get(reverse(LIST)).content.decode()
    assert 'value="01.01.2025"' in text
    assert 'value="31.12.2025"' in text
    assert "group:public-order" in text
    assert "noch keinen Rückblick angefordert" in text


def test_asking_queues_the_search_and_shows_how_far_it_is(
    world, noise, signed_in, monkeypatch, django_capture_on_commit_callbacks
):
    queued = []
    monkeypatch.setattr(tasks.look_back, "delay", queued.append)
    client = signed_in(world.owner_entry)
    with django_capture_on_commit_callbacks(execute=True):
        answer = client.post(reverse(LIST), FORM)
    asked = Retrospect.objects.get()
    assert answer.headers["Location"] == url(asked)
    assert queued == [str(asked.pk)]
    assert (asked.agency, asked.asked_by, asked.stream_label) == (world.police, world.owner_entry, "Public-Order")
    text = client.get(url(asked)).content.decode()
    assert "Der Rückblick wartet" in text
    assert f'hx-get="{url(asked, "retrospect_progress")}"' in text
    assert "Stand erneuern" in text


def test_progress_asks_again_until_it_is_finished(world, signed_in):
    client = signed_in(world.owner_entry)
    asked = asked_by(world.owner_entry, RetrospectState.RUNNING, done=297)
    answer = client.get(url(asked, "retrospect_progress"))
    assert "297 von höchstens 999 Durchläufen sind fertig" in answer.content.decode()
    assert "HX-Refresh" not in answer.headers
    Retrospect.objects.update(state=RetrospectState.FAILED, finished_at=NOON, failure="Bitte noch einmal.")
    answer = client.get(url(asked, "retrospect_progress"))
    assert answer.headers["HX-Refresh"] == "true"
    assert "every 5s" not in answer.content.decode()


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"first_day": "gestern"}, "Das Datum ist nicht lesbar"),
        ({"first_day": ""}, "Es fehlt der erste Tag"),
        ({"last_day": "31.12.2024"}, "endet vor seinem Beginn"),
        ({"last_day": "31.01.2025"}, "nur 31 Tage"),
        ({"last_day": "31.12.2027"}, "noch nicht vorbei"),
        ({"first_day": "01.01.2023"}, "länger als zwei Jahre"),
        ({"longest_days": "viele"}, "Das ist keine ganze Zahl"),
        ({"longest_days": "400"}, "7 bis 91 Tagen"),
        ({"stream": "group:nothing"}, "Diesen Strom gibt es nicht"),
        ({"stream": ""}, "Es fehlt der Strom"),
        ({"first_day": "01.01.0001", "last_day": "31.12.9999"}, "noch nicht vorbei"),
        ({"longest_days": "9" * 400}, "Bitte"),
    ],
)
def test_bad_input_is_explained_and_nothing_typed_is_lost(world, noise, signed_in, changed, message):
    form = FORM | changed
    answer = signed_in(world.owner_entry).post(reverse(LIST), form)
    text = answer.content.decode()
    assert answer.status_code == 200
    assert message in text
    assert "Der Rückblick ist noch nicht angefordert" in text
    for name in ("first_day", "last_day", "longest_days"):
        assert f'value="{form[name]}"' in text or form[name] == ""
    assert not Retrospect.objects.exists()


def test_a_fourth_one_at_a_time_is_refused_in_german(world, noise, signed_in):
    for longest in (7, 8, 9):
        asked_by(world.owner_lead, RetrospectState.WAITING, longest_days=longest)
    text = signed_in(world.owner_entry).post(reverse(LIST), FORM).content.decode()
    assert "Ihre Behörde hat schon 3 Rückblicke in Arbeit. Bitte warten Sie, bis einer fertig ist." in text


def test_a_result_names_place_time_strength_and_chance(world, signed_in):
    asked = with_cluster(asked_by(world.owner_entry))
    with_cluster(asked, 2, first_day=dt.date(2025, 9, 1), last_day=dt.date(2025, 9, 1), agencies=[], p_value=0.04)
    text = signed_in(world.owner_lead).get(url(asked)).content.decode()
    for words in (
        "Im Zeitraum heben sich 2 Häufungen vom Zufall ab. Die deutlichste: Bereich Hauptbahnhof Hamm, 10.03.",
        "5 Tage",
        "1 Tag<",
        "Bereich Hauptbahnhof Hamm",
        "10.03.–14.03.2025",
        "5,6-fach",
        "0,2\N{NO-BREAK SPACE}km",
        "in höchstens 1 von 1.000 Fällen",
        "in etwa 1 von 25 Fällen",
        "nur gemeinsam",
        "nicht genannt",
        "<td>Polizei</td>",
        "940 Meldungen",
        "sucht auch beendete Häufungen; das nächtliche Verfahren sucht nur laufende",
        "gelöschte zählen nicht mehr mit",
        "category=group%3Apublic-order",
        "start=10.03.2025&amp;end=14.03.2025",
    ):
        assert words in text, words
    assert "<svg" in text


def test_no_cluster_is_said_honestly(world, signed_in):
    asked = with_cluster(asked_by(world.owner_entry, replicates=99), p_value=0.61, is_merged_only=None)
    text = signed_in(world.owner_entry).get(url(asked)).content.decode()
    assert "Im Zeitraum hebt sich keine Häufung vom Zufall ab; am nächsten kam Bereich Hauptbahnhof Hamm" in text
    assert "in etwa 61 von 100 Fällen" in text
    assert "Nach 99 Durchläufen stand fest, dass der Zufall genügt." in text
    assert "Was dem am nächsten kam" in text


def test_nothing_at_all_is_said_too(world, signed_in):
    text = signed_in(world.owner_entry).get(url(asked_by(world.owner_entry, cases=0))).content.decode()
    assert "keine Meldung dieses Stroms" in text
    assert "<svg" not in text.split("page-head")[1].split("Wie ist das zu lesen")[0]


def test_a_failure_shows_what_to_do(world, signed_in):
    words = "Die Berechnung hat zu lange gedauert. Bitte wählen Sie einen kürzeren Zeitraum."
    asked = asked_by(world.owner_entry, RetrospectState.FAILED, failure=words)
    text = signed_in(world.owner_entry).get(url(asked)).content.decode()
    assert f"Der Rückblick ist fehlgeschlagen. {words}" in text
    again = f"{reverse(LIST)}?stream=group%3Apublic-order&amp;first_day=01.01.2025&amp;last_day=31.12.2025"
    assert again in text
    filled = signed_in(world.owner_entry).get(f"{reverse(LIST)}?first_day=05.02.2025&longest_days=14").content.decode()
    assert 'value="05.02.2025"' in filled
    assert 'value="14"' in filled


def test_the_map_holds_the_cells_with_words(world, signed_in):
    asked = with_cluster(with_cluster(asked_by(world.owner_entry)), 2, first_day=dt.date(2025, 1, 2))
    layer = json.loads(signed_in(world.owner_entry).get(url(asked, "retrospect_map")).content)
    (feature,) = layer["features"]
    assert feature["properties"]["kind"] == "incident"
    assert (
        "Häufung 1: Bereich Hauptbahnhof Hamm, 10.03.–14.03.2025, 14 statt 2,5; Häufung 2"
        in (feature["properties"]["label"])
    )


@pytest.mark.parametrize("name", ["retrospect", "retrospect_map"])
def test_reading_a_result_is_logged_and_looking_at_progress_is_not(world, signed_in, name):
    client = signed_in(world.owner_entry)
    client.get(url(asked_by(world.owner_entry, RetrospectState.WAITING), name))
    assert not AuditEntry.objects.filter(action="read").exists()
    asked = with_cluster(asked_by(world.owner_entry))
    client.get(url(asked, name))
    entry = AuditEntry.objects.get(action="read")
    assert (entry.object_type, entry.object_id) == ("lagebild.retrospect", str(asked.pk))


PAGES = ("retrospect", "retrospect_progress", "retrospect_map")


@pytest.mark.parametrize("name", ["stranger", "partner", "chair", "suspended", "guest"])
def test_other_agencies_see_nothing(world, noise, signed_in, name):
    asked = with_cluster(asked_by(world.owner_entry))
    client = signed_in(world.people()[name])
    assert [client.get(url(asked, page)).status_code for page in PAGES] == [404, 404, 404]
    assert "Öffentliche Ordnung" not in client.get(reverse(LIST)).content.decode()


@pytest.mark.parametrize("name", ["admin", "data_protection", "without_agency", "superuser"])
def test_who_reads_no_picture_is_kept_out(world, signed_in, name):
    asked = with_cluster(asked_by(world.owner_entry))
    client = signed_in(world.people()[name])
    assert [client.get(url(asked, page)).status_code for page in PAGES] == [403, 403, 403]
    assert client.get(reverse(LIST)).status_code == 403


def test_the_inactive_are_sent_to_the_login(world, signed_in):
    asked = with_cluster(asked_by(world.owner_entry))
    client = signed_in(world.inactive)
    assert all(client.get(url(asked, page)).status_code == 302 for page in PAGES)


def test_a_suspension_closes_it_with_the_next_request(world, noise, signed_in):
    asked = with_cluster(asked_by(world.owner_entry))
    client = signed_in(world.owner_entry)
    assert client.get(url(asked)).status_code == 200
    Membership.objects.filter(agency=world.police).update(status=MembershipStatus.SUSPENDED)
    assert [client.get(url(asked, page)).status_code for page in PAGES] == [404, 404, 404]
    text = client.get(reverse(LIST)).content.decode()
    assert "keine aktive Mitgliedschaft" in text
    assert "Öffentliche Ordnung" not in text
    assert client.post(reverse(LIST), FORM).status_code == 403
    assert Retrospect.objects.count() == 1


def _queries(client, address: str) -> int:
    with CaptureQueriesContext(
        connection,
    ) as seen:
        assert client.get(address).status_code == 200
    return len(seen)


def test_the_pages_cost_the_same_for_few_and_many(world, noise, signed_in):
    client = signed_in(world.owner_entry)
    few = with_cluster(asked_by(world.owner_entry))
    once = [_queries(client, url(few)), _queries(client, url(few, "retrospect_map")), _queries(client, reverse(LIST))]
    many = asked_by(world.owner_entry)
    for rank in range(1, 11):
        with_cluster(many, rank)
    for _ in range(15):
        asked_by(world.owner_lead)
    again = [
        _queries(client, url(many)),
        _queries(client, url(many, "retrospect_map")),
        _queries(client, reverse(LIST)),
    ]
    assert again == once


def test_the_picture_and_the_method_lead_there(world, signed_in):
    for page in ("lagebild:method",):
        assert reverse(LIST) in signed_in(world.owner_entry).get(reverse(page)).content.decode()


# The drawing.


def _bar(first: dt.date, days: int) -> Bar:
    return Bar("1 Bereich <Bahnhof> & mehr", first, first + dt.timedelta(days=days), "einige Tage")


@given(
    first=st.dates(dt.date(2020, 1, 1), dt.date(2026, 1, 1)),
    length=st.integers(55, 730),
    starts=st.lists(st.tuples(st.floats(0, 1), st.floats(0, 1)), max_size=10),
    kind=st.sampled_from(["incident", "complaint"]),
)
def test_every_bar_lies_in_the_drawing(first, length, starts, kind):
    last = first + dt.timedelta(days=length)
    bars = []
    for at, share in starts:
        begin = int(at * length)
        bars.append(_bar(first + dt.timedelta(days=begin), int(share * (length - begin))))
    drawing = draw_timeline(kind=kind, title="T", description="d", bars=tuple(bars), first=first, last=last)
    root = ET.fromstring(drawing)  # noqa: S314
    height = float(root.get("height"))
    for shape in root.iter("{http://www.w3.org/2000/svg}rect"):
        assert float(shape.get("x")) >= 0
        assert float(shape.get("x")) + float(shape.get("width")) <= 680.01
        assert float(shape.get("y")) + float(shape.get("height")) <= height
    assert drawing.count("&lt;Bahnhof&gt;") + drawing.count("1 Bereich") >= len(bars)


def test_a_bar_beyond_the_period_is_refused():
    with pytest.raises(ValueError, match="beyond"):
        draw_timeline(kind="incident", title="T", description="d", bars=(_bar(LAST, 1),), first=FIRST, last=LAST)
    with pytest.raises(ValueError, match="unknown kind"):
        draw_timeline(kind="danger", title="T", description="d", bars=(), first=FIRST, last=LAST)
