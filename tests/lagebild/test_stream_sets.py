"""Streams that raise alarms, agencies' own ones, and the page that says what is watched."""

import datetime as dt

import pytest
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import DatabaseError, IntegrityError, connection, transaction
from django.urls import reverse

from agencies.models import AuditEntry, Membership, MembershipStatus
from incidents.catalogue import load_categories
from incidents.demo.seeding import read_data
from incidents.models import Category, Kind
from lagebild import stream_sets
from lagebild.stream_models import StreamSet
from lagebild.stream_sets import alarm_count, alarm_streams, alarm_threshold, save_set, switch_set
from tests import factories
from tests.backstage import acting, as_builder

OUTSIDERS = ("suspended", "guest")


@pytest.fixture(autouse=True)
def _day(time_machine):
    time_machine.move_to(dt.datetime(2026, 11, 22, 12, tzinfo=dt.UTC), tick=False)


@pytest.fixture
def kinds(world):
    """Robbery and theft in two groups, a fine of another unit, a search that is control-driven, a complaint."""
    return {
        "robbery": factories.make_category("robbery", group="violence", label="Raub"),
        "theft": factories.make_category("theft", group="property", label="Diebstahl"),
        "arson": factories.make_category("arson", group="damage", label="Brand"),
        "fine": factories.make_category("fine", group="traffic", unit="breach", unit_label="Verstöße"),
        "search": factories.make_category("search", group="drugs", origin="control"),
        "fear": factories.make_category("fear", group="unsafe", kind=Kind.COMPLAINT),
        "dirt": factories.make_category("dirt", group="clean", kind=Kind.COMPLAINT),
    }


def new_set(**fields) -> StreamSet:
    return StreamSet(**({"name": "Sichtbares", "kind": "incident", "categories": ["robbery", "theft"]} | fields))


@pytest.fixture
def own_set(world, kinds) -> StreamSet:
    return save_set(row=new_set(), by=world.owner_lead)


def test_the_shipped_catalogue_gives_nineteen_streams(world):
    load_categories(read_data("categories.json"))
    streams = alarm_streams()
    assert [stream.kind for stream in streams] == ["incident"] * 13 + ["complaint"] * 6
    assert streams[0].id == "group:violence"
    controlled = set(Category.objects.filter(origin="control").values_list("pk", flat=True))
    assert controlled & {pk for stream in streams for pk in stream.category_ids} == set()


def test_sets_follow_the_groups_and_keep_their_name(world, kinds, own_set):
    last = alarm_streams()[-1]
    assert (last.id, last.kind, last.label) == (f"set:{own_set.pk}", "incident", "Sichtbares")
    assert last.category_ids == tuple(sorted((kinds["robbery"].pk, kinds["theft"].pk)))


def test_groups_of_nothing_but_control_are_no_stream(world, kinds):
    assert "group:drugs" not in {stream.id for stream in alarm_streams()}


def test_sets_switched_off_or_of_no_member_are_not_watched(world, kinds, own_set):
    whole = len(alarm_streams())
    switch_set(row=own_set, is_active=False, by=world.owner_lead)
    assert len(alarm_streams()) == whole - 1
    switch_set(row=own_set, is_active=True, by=world.owner_lead)
    Membership.objects.filter(agency=world.police).update(status=MembershipStatus.SUSPENDED)
    assert len(alarm_streams()) == whole - 1


def test_the_builder_reads_the_same_streams(world, kinds, own_set):
    with as_builder():
        seen = alarm_streams()
    assert seen == alarm_streams()


def test_the_threshold_shares_one_false_alarm_a_year_among_all():
    assert alarm_threshold(23) == pytest.approx(1 / (365 * 23))


# The page.


def page(client, name: str = "method", *args):
    return client.get(reverse(f"lagebild:{name}", args=args))


def test_members_read_streams_and_threshold(world, kinds, own_set, signed_in):
    number = alarm_count(alarm_streams())
    for name in ("owner_entry", "stranger", "chair"):
        text = page(signed_in(world.people()[name])).content.decode()
        assert f"1 von {number * 365:,}".replace(",", ".") in text
        assert f"{number} Prüfungen" in text
        assert "Sichtbares" in text


def test_outsiders_read_nothing_of_it(world, kinds, own_set, signed_in):
    for name in OUTSIDERS:
        client = signed_in(world.people()[name])
        text = page(client).content.decode()
        assert "keine aktive Mitgliedschaft" in text
        assert "Sichtbares" not in text
        assert page(client, "stream_set", own_set.pk).status_code == 404


FORM = {"name": "Neu", "kind": "incident", "categories": ["robbery", "arson"], "note": "Probe"}


def test_leads_and_chair_define_streams(world, kinds, signed_in):
    for name, agency in (("owner_lead", world.police), ("chair", world.siko)):
        form = FORM if name == "chair" else FORM | {"categories": ["theft", "arson"]}
        answer = signed_in(world.people()[name]).post(reverse("lagebild:stream_set_add"), form)
        assert answer.status_code == 302
        assert StreamSet.objects.filter(agency=agency, name="Neu").exists()
    assert AuditEntry.objects.filter(action="settings_changed").count() == 2


@pytest.mark.parametrize("name", ["owner_entry", "owner_release", "partner", "suspended", "admin"])
def test_nobody_else_defines_streams(world, kinds, signed_in, name):
    assert signed_in(world.people()[name]).post(reverse("lagebild:stream_set_add"), FORM).status_code == 403
    with pytest.raises(PermissionDenied):
        save_set(row=new_set(), by=world.people()[name])


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"name": ""}, "Es fehlt der Name"),
        ({"categories": ["robbery"]}, "Bitte mindestens zwei wählen"),
        ({"categories": ["robbery", "gibt-es-nicht"]}, "Diese Auswahl gibt es nicht mehr"),
        ({"categories": ["robbery", "search"]}, "Diese Auswahl gibt es nicht mehr"),
        ({"categories": ["robbery", "fear"]}, "werden nie addiert"),
        ({"kind": "complaint"}, "werden nie addiert"),
        ({"categories": ["robbery", "fine"]}, "mischt Zähleinheiten"),
        ({"categories": ["robbery", "theft"]}, "Diese Auswahl gibt es schon als „Sichtbares“"),
        ({"name": "Sichtbares"}, "Einen Strom dieses Namens hat Ihre Behörde schon"),
    ],
)
def test_what_may_not_be_is_said(world, own_set, signed_in, fields, message):
    answer = signed_in(world.owner_lead).post(reverse("lagebild:stream_set_add"), FORM | fields)
    assert answer.status_code == 200
    assert message in answer.content.decode()
    assert StreamSet.objects.count() == 1


def test_control_driven_categories_are_refused_by_the_action(world, kinds):
    with pytest.raises(ValidationError, match="Kontrolldichte"):
        save_set(row=new_set(categories=["robbery", "search"]), by=world.owner_lead)


def test_a_group_of_the_catalogue_is_no_set(world, kinds):
    factories.make_category("assault", group="violence")
    with pytest.raises(ValidationError, match="eine Gruppe des Katalogs"):
        save_set(row=new_set(categories=["robbery", "assault"]), by=world.owner_lead)


def test_there_is_room_for_so_many_and_no_more(world, kinds, own_set, monkeypatch, signed_in):
    monkeypatch.setattr(stream_sets, "MOST_SETS", 1)
    with pytest.raises(ValidationError, match="zuerst einen abschalten"):
        save_set(row=new_set(name="Neu", categories=["robbery", "arson"]), by=world.chair)
    switch_set(row=own_set, is_active=False, by=world.owner_lead)
    save_set(row=new_set(name="Neu", categories=["robbery", "arson"]), by=world.chair)
    client = signed_in(world.owner_lead)
    answer = client.post(reverse("lagebild:stream_set_switch", args=(own_set.pk,)), {"on": ""}, follow=True)
    assert "zuerst einen abschalten" in answer.content.decode()
    own_set.refresh_from_db()
    assert not own_set.is_active


def test_others_change_and_switch_nothing(world, own_set, signed_in):
    url = reverse("lagebild:stream_set", args=(own_set.pk,))
    for name in ("stranger", "chair", "owner_release"):
        client = signed_in(world.people()[name])
        assert [client.get(url).status_code, client.post(url, FORM).status_code] == [403, 403]
    assert signed_in(world.owner_lead).post(url, FORM).status_code == 302
    own_set.refresh_from_db()
    assert own_set.name == "Neu"


def test_the_page_needs_as_many_queries_for_many_sets_as_for_one(world, kinds, own_set, signed_in):
    client = signed_in(world.stranger)

    def asked() -> int:
        count = []
        with connection.execute_wrapper(lambda run, *rest: (count.append(1), run(*rest))[1]):
            page(client)
        return len(count)

    one = asked()
    for number, pair in enumerate((["robbery", "arson"], ["theft", "arson"], ["robbery", "theft", "arson"])):
        save_set(row=new_set(name=f"Weiterer {number}", categories=pair), by=world.chair)
    assert asked() == one


# The second lock.


def written(person, question: str, *values) -> int:
    with acting(person), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(question, values)
        return cursor.rowcount


def test_the_database_lets_leads_change_their_own_sets_alone(world, own_set):
    for name in ("stranger", "chair", "owner_entry", "suspended", "guest", "inactive"):
        assert written(world.people()[name], "UPDATE lagebild_streamset SET name = 'x'") == 0
    assert written(world.owner_lead, "UPDATE lagebild_streamset SET name = 'x'") == 1
    with pytest.raises(DatabaseError, match="permission denied"):
        written(world.owner_lead, "DELETE FROM lagebild_streamset")


def test_the_database_shows_sets_to_members_alone(world, own_set):
    for name, number in (("stranger", 1), ("chair", 1), ("suspended", 0), ("guest", 0), ("admin", 0)):
        with acting(world.people()[name]):
            assert StreamSet.objects.count() == number


def test_the_database_refuses_a_set_of_one(world):
    with pytest.raises(IntegrityError):
        new_set(agency=world.police, categories=["robbery"]).save()
