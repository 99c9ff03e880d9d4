"""Rules and dangers on the pages, in the interface and in the database: who sees and sets what."""

import datetime as dt

import pytest
from django.core.exceptions import PermissionDenied, ValidationError
from django.core.management import CommandError, call_command
from django.db import DatabaseError, IntegrityError, connection, transaction
from django.urls import reverse
from django.utils import timezone

from agencies.keys import create_api_key
from agencies.loading import LoadError
from agencies.models import AuditEntry, KeyScope, Membership, MembershipStatus
from agencies.visibility import SharingLevel
from incidents import actions
from incidents.catalogue import load_categories
from incidents.demo.seeding import read_data
from incidents.models import Incident, Kind
from lagebild.actions import assess_finding, build_picture
from lagebild.danger_actions import preview, save_rule, switch_rule
from lagebild.danger_checks import check_dangers
from lagebild.danger_loading import SHIPPED, load_danger_rules, load_shipped_rules
from lagebild.danger_models import Danger, DangerRule, Reach
from lagebild.danger_rules import Catalogue, objections, rule_words
from lagebild.danger_views import records_of
from lagebild.edition_content import EditionOrder
from lagebild.editions import freeze_edition
from lagebild.models import Finding
from tests import factories
from tests.backstage import acting

NOW = dt.datetime(2026, 11, 22, 12, tzinfo=dt.UTC)
MEMBERS = ("owner_entry", "partner", "stranger", "chair")
OUTSIDERS = ("suspended", "guest")


@pytest.fixture(autouse=True)
def _day(time_machine):
    time_machine.move_to(NOW, tick=False)


@pytest.fixture
def knife(world):
    return factories.make_category("knife", group="violence", label="Messer")


@pytest.fixture
def rule(world, knife) -> DangerRule:
    return save_rule(definition=new_rule(), by=world.owner_lead)


def new_rule(**fields) -> DangerRule:
    values = {"name": "Messerangriffe", "good": "life", "categories": ["knife"], "count": 2, "window_days": 7}
    return DangerRule(**(values | fields))


def attack(agency, category, *, days: float = 1, **fields):
    fields = {"sharing_level": SharingLevel.COOPERATION} | fields
    return factories.make_incident(
        agency, category=category, occurred_from=timezone.now() - dt.timedelta(days=days), **fields
    )


@pytest.fixture
def danger(world, knife, rule) -> Finding:
    attack(world.police, knife, description="GEHEIM")
    attack(world.order, knife)
    return check_dangers()[0]


def page(client, name: str, *args, **question):
    return client.get(reverse(f"lagebild:{name}", args=args), question)


# What is seen.


def test_members_see_the_danger_in_list_and_dossier(world, danger, signed_in):
    for name in MEMBERS:
        client = signed_in(world.people()[name])
        assert "Messerangriffe" in page(client, "findings").content.decode()
        text = page(client, "finding", danger.pk).content.decode()
        for words in ("Leib und Leben", "Messer: 2", "Beteiligt mit freigegebenen Meldungen: Ordnungsamt, Polizei"):
            assert words in text
        assert "Bereich Hauptbahnhof Hamm" in text
        assert "GEHEIM" not in text


def test_a_danger_stands_before_other_findings(world, danger, signed_in):
    later = Finding.objects.create(
        number=99,
        kind="brennpunkt",
        group=factories.make_category("x").group,
        place_label="Anderswo",
        first_seen_on=NOW.date(),
        last_seen_on=NOW.date() + dt.timedelta(days=3),
    )
    listed = list(page(signed_in(world.stranger), "findings").context["page_obj"])
    assert listed == [danger, later]


def test_outsiders_see_nothing_of_it(world, danger, rule, signed_in):
    for name in OUTSIDERS:
        client = signed_in(world.people()[name])
        for route in ("findings", "danger_rules"):
            assert "Messer" not in page(client, route).content.decode()
        for route, pk in (("finding", danger.pk), ("finding_records", danger.pk), ("finding_place", danger.pk)):
            assert page(client, route, pk).status_code == 404
        assert page(client, "danger_rule", rule.pk).status_code == 404


def test_a_suspension_closes_it_at_once(world, danger, signed_in):
    client = signed_in(world.partner)
    assert page(client, "finding", danger.pk).status_code == 200
    Membership.objects.filter(agency=world.order).update(status=MembershipStatus.SUSPENDED)
    assert page(client, "finding", danger.pk).status_code == 404


def test_what_no_longer_holds_is_said_and_names_nobody(world, danger, signed_in):
    actions.set_level(
        record=Incident.objects.get(agency=world.police), level=SharingLevel.INTERNAL, by=world.owner_release
    )
    check_dangers()
    text = page(signed_in(world.stranger), "finding", danger.pk).content.decode()
    assert "trifft seit der Prüfung am 22.11.2026 nicht mehr zu" in text
    assert "Beteiligt mit" not in text
    assert reverse("lagebild:finding_records", args=(danger.pk,)) not in text


def test_records_are_shown_to_whom_they_are_shared_and_the_look_is_logged(world, danger, signed_in):
    answer = page(signed_in(world.stranger), "finding_records", danger.pk)
    assert {row["record"].agency.slug for row in answer.context["rows"]} == {"polizei", "ordnungsamt"}
    entry = AuditEntry.objects.get(action="searched")
    assert (entry.facts, entry.object_id) == ({"owners": {"ordnungsamt": 1, "polizei": 1}}, str(danger.pk))


def test_records_that_were_lowered_are_shown_to_their_owner_alone(world, danger, signed_in):
    Incident.objects.filter(agency=world.police).update(sharing_level=SharingLevel.INTERNAL)
    for name, seen in (("owner_entry", {"polizei", "ordnungsamt"}), ("stranger", {"ordnungsamt"})):
        answer = page(signed_in(world.people()[name]), "finding_records", danger.pk)
        assert {row["record"].agency.slug for row in answer.context["rows"]} == seen


def test_no_records_before_a_purpose_is_stated(world, danger, client):
    client.force_login(world.stranger, backend="django.contrib.auth.backends.ModelBackend")
    answer = page(client, "finding_records", danger.pk)
    assert answer.status_code == 302
    assert answer["Location"].startswith(reverse("purpose"))


def test_other_findings_have_no_records_page(world, danger, signed_in):
    Danger.objects.all().delete()
    assert page(signed_in(world.stranger), "finding_records", danger.pk).status_code == 404


def test_the_map_shows_cells_or_the_district_but_no_point(world, danger, signed_in):
    (feature,) = page(signed_in(world.stranger), "finding_place", danger.pk).json()["features"]
    assert len(feature["geometry"]["coordinates"][0]) == 7
    Danger.objects.update(cells=[], center_cell=None)
    (feature,) = page(signed_in(world.stranger), "finding_place", danger.pk).json()["features"]
    assert feature["geometry"] == danger.district.geometry


def test_the_chair_assesses_a_danger(world, danger, signed_in):
    form = {"status": "confirmed", "assessment": "Trifft zu"}
    answer = signed_in(world.chair).post(reverse("lagebild:finding", args=(danger.pk,)), form)
    assert answer.status_code == 302
    assert Finding.objects.get().status == "confirmed"


def pull(client, world, agency, path: str):
    _, key = create_api_key(agency=agency, scope=KeyScope.READ, label="Abruf", by=None)
    return client.get(path, headers={"Authorization": f"Api-Key {key}"})


def test_the_interface_gives_the_evidence(world, danger, client):
    answer = pull(client, world, world.fire, reverse("api:findings-detail", args=(danger.pk,))).json()
    assert (answer["kind"], answer["group"], answer["subject"]) == ("gefahr", None, "Messerangriffe")
    assert answer["sighting"] is None
    evidence = answer["danger"]
    assert (evidence["good"], evidence["records"], evidence["holds"]) == ("life", ["Messer: 2"], True)
    assert evidence["agencies"] == ["ordnungsamt", "polizei"]
    assert str(Incident.objects.first().pk) not in str(answer)


def test_the_interface_gives_nothing_to_the_suspended(world, danger, client):
    assert pull(client, world, world.tax, reverse("api:findings-list")).json()["results"] == []
    assert pull(client, world, world.tax, reverse("api:findings-detail", args=(danger.pk,))).status_code == 404


def test_lists_need_as_many_queries_for_many_dangers_as_for_one(world, knife, rule, signed_in, client):
    def asked(number: int) -> tuple[int, int]:
        for step in range(number):
            for _ in range(2):
                attack(world.police, knife, place=(7.785 + 0.012 * (step % 3), 51.665 + 0.01 * (step // 3)))
        check_dangers()
        signed = signed_in(world.stranger)
        counts = []
        for url in (reverse("lagebild:findings"), reverse("lagebild:danger_rules"), reverse("start")):
            with connection.execute_wrapper(counter := Counter()):
                signed.get(url)
            counts.append(counter.number)
        return tuple(counts)

    one = asked(1)
    assert asked(6) == one
    assert Finding.objects.count() >= 5


class Counter:
    def __init__(self) -> None:
        self.number = 0

    def __call__(self, execute, sql, params, many, context):
        self.number += 1
        return execute(sql, params, many, context)


# What is set.


FORM = {
    "name": "Messer am Ort",
    "good": "life",
    "what": ["category:knife"],
    "severity": "3",
    "count": "2",
    "reach": "near",
    "rings": "2",
    "window_days": "14",
    "agencies": "1",
}


def send(client, **fields):
    return client.post(reverse("lagebild:danger_rule_add"), FORM | fields)


def test_a_lead_sets_a_rule_which_is_checked_at_once(
    world, knife, signed_in, eager_tasks, django_capture_on_commit_callbacks
):
    attack(world.police, knife, severity=3)
    attack(world.order, knife, severity=4)
    with django_capture_on_commit_callbacks(execute=True):
        assert send(signed_in(world.stranger)).status_code == 302
    rule = DangerRule.objects.get()
    assert (rule.agency, rule.changed_by, rule.rings, rule.severity) == (world.fire, world.stranger, 2, 3)
    assert Finding.objects.get().subject == "Messer am Ort"
    assert AuditEntry.objects.get(action="settings_changed").facts == {"step": "created"}


def test_the_chairs_rules_belong_to_the_coordination_office(world, knife, signed_in):
    send(signed_in(world.chair))
    assert DangerRule.objects.get().agency == world.siko


def test_a_probe_saves_nothing_and_says_how_often(world, knife, signed_in):
    for days in (1, 2, 100, 101, 102):
        attack(world.police, knife, days=days, severity=3)
    attack(world.police, knife, days=200, severity=3, sharing_level=SharingLevel.INTERNAL)
    attack(world.police, knife, days=201, severity=3, sharing_level=SharingLevel.STATISTICS)
    text = send(signed_in(world.owner_lead), probe="1").content.decode()
    assert "Diese Regel hätte in den letzten 12 Monaten 2-mal ausgelöst" in text
    assert not DangerRule.objects.exists()
    assert "keinmal" in send(signed_in(world.owner_lead), probe="1", severity="4").content.decode()


def test_the_preview_is_the_same_for_every_member(world, knife, rule):
    attack(world.police, knife)
    attack(world.order, knife, days=2)
    attack(world.tax, knife, days=50)
    attack(world.tax, knife, days=51)
    times = []
    for person in (world.owner_lead, world.stranger, world.chair):
        with acting(person):
            times.append(preview(rule, by=person).times)
    assert times == [1, 1, 1]


def test_a_rule_that_takes_too_much_is_refused(world, knife, monkeypatch):
    monkeypatch.setattr("lagebild.danger_actions.MOST_FACES", 2)
    for days in (1, 2, 3):
        attack(world.police, knife, days=days)
    with pytest.raises(ValidationError, match="zu weit gefasst"):
        save_rule(definition=new_rule(), by=world.owner_lead)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"name": ""}, "Es fehlt der Name"),
        ({"what": []}, "Es fehlt, welche Meldungen gezählt werden"),
        ({"what": ["category:gibt-es-nicht"]}, "Diese Auswahl gibt es nicht mehr"),
        ({"what": ["category:threat"]}, "Diese Arten werden nur nach Stadtbezirk gezählt"),
        ({"what": ["category:search"]}, "hängt von der Kontrolldichte ab"),
        ({"what": ["category:knife", "category:fear"]}, "werden nicht zusammengezählt"),
        ({"what": ["category:knife", "category:run"]}, "Die Auswahl mischt Zähleinheiten"),
        ({"count": "0"}, "Die Zahl ist zu klein"),
        ({"count": "viele"}, "Das ist keine ganze Zahl"),
        ({"window_days": "91"}, "Die Zahl ist zu groß"),
        ({"rings": ""}, "Zum Umkreis fehlt die Zahl der Waben"),
        ({"also_what": ["category:fear"]}, "Zur zweiten Bedingung fehlt die Zahl"),
        ({"also_count": "2"}, "Zur zweiten Bedingung fehlt die Auswahl"),
        ({"agencies": "3"}, "So viele Behörden können es"),
        ({"name": "Messerangriffe"}, "Eine Regel dieses Namens hat Ihre Behörde schon"),
    ],
)
def test_what_may_not_be_is_said_and_what_was_typed_is_kept(world, rule, signed_in, fields, message):
    factories.make_category("threat", group="school", geo="G")
    factories.make_category("search", group="violence", origin="control")
    factories.make_category("fear", kind=Kind.COMPLAINT, group="unsafe")
    factories.make_category("run", group="fire", unit="operation", unit_label="Einsätze")
    answer = send(signed_in(world.owner_lead), **fields)
    text = answer.content.decode()
    assert answer.status_code == 200
    assert message in text
    assert 'value="14"' in text or "window_days" in fields
    assert DangerRule.objects.count() == 1


def test_leads_change_and_switch_their_own_rules_alone(world, rule, signed_in):
    page_of = reverse("lagebild:danger_rule", args=(rule.pk,))
    switch = reverse("lagebild:danger_rule_switch", args=(rule.pk,))
    for name in ("stranger", "chair", "owner_release", "partner"):
        client = signed_in(world.people()[name])
        assert [client.get(page_of).status_code, client.post(page_of, FORM).status_code] == [403, 403]
        assert client.post(switch).status_code == 403
    client = signed_in(world.owner_lead)
    assert "Diese Regel hätte" in client.get(page_of).content.decode()
    client.post(page_of, FORM)
    client.post(switch)
    rule.refresh_from_db()
    assert (rule.name, rule.is_active) == ("Messer am Ort", False)
    client.post(switch, {"on": ""})
    rule.refresh_from_db()
    assert rule.is_active


def test_a_suspended_lead_sets_nothing(world, knife, signed_in):
    assert send(signed_in(world.suspended)).status_code == 403
    with pytest.raises(PermissionDenied):
        save_rule(definition=new_rule(), by=world.suspended)


def test_a_rule_of_a_suspended_agency_rests(world, rule, signed_in):
    Membership.objects.filter(agency=world.police).update(status=MembershipStatus.SUSPENDED)
    (row,) = page(signed_in(world.stranger), "danger_rules").context["rows"]
    assert row["is_paused"]


def test_names_of_people_of_other_agencies_are_not_shown(world, rule, signed_in):
    assert str(world.owner_lead) not in page(signed_in(world.stranger), "danger_rules").content.decode()


# The first lock by itself, without the database's policies, then the second.


def test_the_portals_own_rule_hides_rules_from_outsiders(world, rule):
    for name, number in (("stranger", 1), ("chair", 1), ("suspended", 0), ("guest", 0), ("inactive", 0), ("admin", 0)):
        assert DangerRule.objects.visible_to(world.people()[name]).count() == number


def test_the_portals_own_rule_hides_what_was_lowered(world, danger):
    Incident.objects.filter(agency=world.police).update(sharing_level=SharingLevel.INTERNAL)
    for name, number in (("owner_entry", 2), ("stranger", 1), ("suspended", 0), ("inactive", 0)):
        assert records_of(danger, world.people()[name])["incident"].count() == number


def written(person, question: str, *values) -> int:
    with acting(person), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(question, values)
        return cursor.rowcount


def test_the_database_lets_leads_change_their_own_rules_alone(world, rule):
    question = "UPDATE lagebild_dangerrule SET name = 'x'"
    for name in ("stranger", "chair", "owner_entry", "owner_release", "suspended", "guest", "inactive"):
        assert written(world.people()[name], question) == 0
    assert written(world.owner_lead, question) == 1


def test_the_database_lets_nobody_give_a_rule_away_or_delete_it(world, rule):
    with pytest.raises(DatabaseError, match="row-level security"):
        written(world.owner_lead, "UPDATE lagebild_dangerrule SET agency_id = %s", world.fire.pk)
    with pytest.raises(DatabaseError, match="permission denied"):
        written(world.owner_lead, "DELETE FROM lagebild_dangerrule")


def test_the_database_lets_no_person_write_a_danger(world, danger):
    for question in ("UPDATE lagebild_danger SET holds = false", "DELETE FROM lagebild_danger"):
        with pytest.raises(DatabaseError, match="permission denied"):
            written(world.chair, question)


def test_the_database_shows_rules_and_dangers_to_members_alone(world, danger):
    for name, number in (("stranger", 1), ("chair", 1), ("suspended", 0), ("guest", 0), ("admin", 0)):
        with acting(world.people()[name]):
            assert [DangerRule.objects.count(), Danger.objects.count()] == [number, number]


@pytest.mark.parametrize(
    "fields",
    [
        {"categories": [], "groups": []},
        {"count": 0},
        {"also_count": 1},
        {"also_categories": ["knife"]},
        {"window_days": 0},
        {"window_days": 91},
        {"reach": Reach.NEAR, "rings": 0},
        {"reach": Reach.CELL, "rings": 1},
        {"agencies": 0},
        {"agencies": 3},
    ],
    ids=str,
)
def test_the_database_refuses_impossible_rules(world, fields):
    with pytest.raises(IntegrityError):
        new_rule(agency=world.police, **fields).save()


# What is shipped.


def test_the_shipped_rules_fit_the_shipped_catalogue_and_are_added_once(world):
    load_categories(read_data("categories.json"))
    assert len(load_shipped_rules().created) == 8
    DangerRule.objects.filter(name="Brandserie").update(count=5, is_active=False)
    again = load_shipped_rules()
    assert (again.created, again.unchanged) == ([], 8)
    changed = DangerRule.objects.get(name="Brandserie")
    assert (changed.count, changed.is_active, changed.agency) == (5, False, world.siko)
    catalogue = Catalogue.load()
    assert all(objections(rule, catalogue) == {} for rule in DangerRule.objects.all())
    assert rule_words(DangerRule.objects.get(name__startswith="Messer"), catalogue) == (
        "Mindestens 2 Vorfälle „Angriff oder Drohung mit Messer“ (Schwere mindestens erheblich), im Umkreis von 2 "
        "Waben (rund 700 m), innerhalb von 14 Tagen."
    )


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        (
            {"categories": ["knife"], "count": 1, "window_days": 1},
            (
                "Schon ein einzelner Vorfall „Messer“; weitere in derselben Wabe (rund 0,1 km²) innerhalb von 24 "
                "Stunden gehören dazu."
            ),
        ),
        (
            {"categories": ["fear"], "count": 1, "severity": 4, "reach": Reach.CITY},
            (
                "Schon eine einzelne Beschwerde „Angst“ (Schwere mindestens schwer); weitere in der ganzen Stadt "
                "innerhalb von 7 Tagen gehören dazu."
            ),
        ),
        (
            {"groups": ["violence"], "also_categories": ["fear"], "also_count": 2, "agencies": 2},
            (
                "Mindestens 2 Vorfälle „Messer“ oder der Gruppe „Violence“ und dazu 2 Beschwerden „Angst“, in "
                "derselben Wabe (rund 0,1 km²), innerhalb von 7 Tagen, von mindestens 2 Behörden."
            ),
        ),
    ],
)
def test_a_rule_reads_as_a_sentence(knife, fields, words):
    factories.make_category("fear", kind=Kind.COMPLAINT, group="unsafe", label="Angst")
    assert rule_words(new_rule(**fields), Catalogue.load()) == words


def test_the_command_loads_them(world, capsys):
    load_categories(read_data("categories.json"))
    call_command("load_danger_rules", str(SHIPPED), "--dry-run")
    assert not DangerRule.objects.exists()
    call_command("load_danger_rules", str(SHIPPED))
    assert DangerRule.objects.count() == 8
    assert "8 neu" in capsys.readouterr().out


def test_a_file_with_faults_loads_nothing(world, knife):
    sound = {"name": "A", "good": "life", "categories": ["knife"], "reach": "cell", "window_days": 7}
    for faulty, message in (
        (sound | {"good": "gold"}, "gold"),
        (sound | {"categories": ["gibt-es-nicht"]}, "mindestens eine Gruppe oder Art"),
        ({"name": "B"}, "good"),
    ):
        with pytest.raises(LoadError, match=message):
            load_danger_rules({"rules": [sound | {"name": "C"}, faulty]})
    assert not DangerRule.objects.exists()
    with pytest.raises(CommandError, match="lässt sich nicht lesen"):
        call_command("load_danger_rules", str(SHIPPED.with_name("fehlt.json")))


def test_switching_keeps_who_and_when(world, rule):
    switch_rule(definition=rule, is_active=False, by=world.owner_lead)
    assert AuditEntry.objects.filter(action="settings_changed").latest("pk").facts == {"is_active": False}


# Picture and print.


def test_the_page_of_the_picture_shows_dangers_that_came_after_it(world, knife, rule, signed_in):
    build_picture(date=NOW.date())
    assert "Messerangriffe" not in page(signed_in(world.stranger), "picture").content.decode()
    attack(world.police, knife)
    attack(world.order, knife)
    (finding,) = check_dangers()
    assert "Messerangriffe, Bereich Hauptbahnhof Hamm" in page(signed_in(world.stranger), "picture").content.decode()
    assert "Messerangriffe" not in page(signed_in(world.suspended), "picture").content.decode()
    assess_finding(finding=finding, status="dismissed", assessment="Kein Anlass", by=world.chair)
    assert "Messerangriffe" not in page(signed_in(world.stranger), "picture").content.decode()


@pytest.mark.parametrize(("status", "printed"), [(None, []), ("confirmed", ["Gefahr: Messerangriffe"])])
def test_an_edition_prints_what_a_person_has_confirmed_and_names_no_agency(world, danger, status, printed):
    if status:
        assess_finding(finding=danger, status=status, assessment="Trifft zu", by=world.chair)
    picture = build_picture(date=NOW.date())
    order = EditionOrder(title="Lagebild", body="Sicherheitskonferenz")
    edition = freeze_edition(picture=picture, order=order, by=world.chair)
    dangers = [row for row in edition.content["findings"] if row["kind"] == "gefahr"]
    assert [row["title"] for row in dangers] == printed
    if dangers:
        assert dangers[0]["strength"] == "Messer: 2 (21.11.2026)"
        assert not {"Polizei", "Ordnungsamt"} & set(str(dangers).replace(",", " ").split())
