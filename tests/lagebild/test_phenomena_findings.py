"""What becomes of a phenomenon: finding, page, dossier, print and interface; continuity and quiet."""

import datetime as dt

import pytest
from django.urls import reverse
from django.utils import timezone

from agencies.models import Membership, MembershipStatus
from incidents.models import Incident
from lagebild.actions import assess_finding, build_picture
from lagebild.edition_content import EditionOrder, edition_content
from lagebild.models import Finding, FindingKind, FindingStatus, Night, Phenomenon, Picture
from lagebild.nights import load_watch
from lagebild.phenomena.looks import look_keys
from lagebild.phenomenon_models import Form
from lagebild.tasks import rebuild_nightly
from tests import factories
from tests.lagebild import phenomena_cases as planted
from tests.lagebild.phenomena_cases import NOON, TODAY

WEEK = dt.timedelta(days=7)


@pytest.fixture(autouse=True)
def _day(time_machine):
    time_machine.move_to(NOON, tick=False)


@pytest.fixture
def fires(world):
    fires = factories.make_category("small-fire", group="fire-rescue", label="Kleinbrand")
    rescue = factories.make_category("rescue", group="fire-rescue", label="Hilfeleistung")
    for seed, agency in enumerate((world.police, world.order, world.fire), start=1):
        planted.quiet(agency, fires, 90, seed=seed)
        planted.quiet(agency, rescue, 300, seed=10 + seed)
    return fires


def plant(world, fires, number: int = 4, **fields) -> None:
    planted.modus((world.police, world.order, world.fire), fires, number, **fields)


def phenomenon(picture: Picture) -> Phenomenon:
    return picture.phenomena.select_related("finding", "group", "category", "picture").get()


def test_a_phenomenon_becomes_a_finding_with_its_evidence(world, fires):
    plant(world, fires)
    picture = build_picture(date=TODAY)
    row = phenomenon(picture)
    assert (row.form, row.group.slug, row.category, row.hours) == (Form.MODUS, "fire-rescue", fires, "night")
    assert (row.looked_on, row.first_day) == (TODAY, dt.date(2026, 10, 26))
    assert row.is_merged_only
    finding = row.finding
    assert (finding.kind, finding.subject, finding.place_label) == (
        FindingKind.PHAENOMEN,
        "Kleinbrand nachts",
        "Stadtgebiet",
    )
    assert (finding.status, finding.first_seen_on) == (FindingStatus.PROPOSED, TODAY)
    (line,) = picture.parameters["phenomena"]["found"]
    assert (line["finding"], line["is_new"], line["is_merged_only"]) == (str(finding.pk), True, True)
    assert picture.parameters["phenomena"]["looks"] == {
        "modus": "2026-11-22",
        "shift": "2026-11-22",
        "near_repeat": "2026-09-30",
        "chain": "2026-09-27",
    }
    assert any(text.startswith("Neues Phänomen: Kleinbrand nachts (Stadtgebiet), ") for text in picture.statements)


def test_agencies_are_named_from_three_own_records_on(world, fires):
    plant(world, fires, 5)
    customs = [(place, planted.at(TODAY - dt.timedelta(days=4), 2)) for place in planted.far_apart(2)]
    planted.write(world.customs, fires, customs)
    assert phenomenon(build_picture(date=TODAY)).agencies == ["feuerwehr", "ordnungsamt", "polizei"]


def test_the_looks_change_nothing_for_the_signals(world, fires):
    picture = build_picture(date=TODAY)
    watch = load_watch()
    assert picture.parameters["signals"]["streams"] == len(watch.parts)
    assert picture.parameters["signals"]["threshold_p"] == watch.threshold
    assert set(Night.objects.get().streams) == {*watch.parts, *look_keys()}


def test_the_worker_looks_for_phenomena_beside_the_scans(world, fires, eager_tasks):
    plant(world, fires)
    rebuild_nightly.delay(TODAY.isoformat())
    picture = Picture.objects.published().get()
    assert phenomenon(picture).finding.subject == "Kleinbrand nachts"
    night = Night.objects.get()
    assert night.done == len(night.streams)
    rebuild_nightly.delay(TODAY.isoformat())
    assert Picture.objects.published().get() == picture


def test_the_category_of_a_record_within_its_group_makes_a_revision(world, fires):
    """Counts per group, cell and day, and the hours of the group, are what they were."""
    plant(world, fires)
    first = build_picture(date=TODAY)
    assert build_picture(date=TODAY) == first
    rescue = factories.make_category("rescue")
    changed = Incident.objects.filter(category=fires, occurred_from__date__gt="2026-10-25")
    changed.update(category=rescue)
    second = build_picture(date=TODAY)
    assert (second.revision, {row.category for row in second.phenomena.all()}) == (2, {rescue})


def test_the_time_of_day_of_a_record_makes_a_revision(world, fires):
    plant(world, fires)
    first = build_picture(date=TODAY)
    assert build_picture(date=TODAY) == first
    at_night = Incident.objects.filter(category=fires, occurred_from__hour=2, occurred_from__date__gt="2026-10-26")
    for incident in at_night:
        incident.occurred_from = incident.occurred_from.replace(hour=9)
        incident.save()
    second = build_picture(date=TODAY)
    assert (second.revision, [row.hours for row in second.phenomena.all()]) == (2, ["morning"])


def test_next_week_it_is_the_same_finding(world, fires, time_machine):
    plant(world, fires)
    first = phenomenon(build_picture(date=TODAY)).finding
    time_machine.move_to(NOON + WEEK, tick=False)
    second = phenomenon(build_picture(date=TODAY + WEEK))
    assert (second.finding, second.looked_on) == (first, TODAY + WEEK)
    first.refresh_from_db()
    assert first.last_seen_on == TODAY + WEEK
    assert Finding.objects.filter(kind=FindingKind.PHAENOMEN).count() == 1


def test_between_two_looks_the_picture_shows_the_last_one(world, fires, time_machine):
    plant(world, fires)
    build_picture(date=TODAY)
    time_machine.move_to(NOON + dt.timedelta(days=3), tick=False)
    again = build_picture(date=TODAY + dt.timedelta(days=3))
    assert phenomenon(again).looked_on == TODAY
    assert not any(text.startswith("Neues Phänomen") for text in again.statements)
    assert again.parameters["phenomena"]["found"][0]["is_new"] is False


def test_another_modus_is_another_finding(world, fires):
    plant(world, fires)
    plant(world, fires, 5, hour=20)
    rows = build_picture(date=TODAY).phenomena.all()
    assert {row.hours for row in rows} == {"night", "evening"}
    assert len({row.finding_id for row in rows}) == 2


def test_what_was_dismissed_stays_quiet_until_it_has_grown(world, fires, time_machine):
    plant(world, fires)
    row = phenomenon(build_picture(date=TODAY))
    time_machine.move_to(NOON + dt.timedelta(hours=1), tick=False)
    assess_finding(finding=row.finding, status=FindingStatus.DISMISSED, assessment="Osterfeuer.", by=world.chair)
    time_machine.move_to(NOON + dt.timedelta(days=1), tick=False)
    quiet = build_picture(date=TODAY + dt.timedelta(days=1))
    row.finding.refresh_from_db()
    assert row.finding.status == FindingStatus.DISMISSED
    assert phenomenon(quiet).finding == row.finding
    assert quiet.parameters["phenomena"]["found"] == []
    plant(world, fires, 4)
    time_machine.move_to(NOON + dt.timedelta(days=2), tick=False)
    loud = build_picture(date=TODAY + dt.timedelta(days=2))
    row.finding.refresh_from_db()
    assert row.finding.status == FindingStatus.PROPOSED
    assert len(loud.parameters["phenomena"]["found"]) == 1


def test_a_suspended_agency_leaves_with_the_next_picture(world, fires):
    planted.modus((world.police,), fires, 16)
    assert "polizei" in phenomenon(build_picture(date=TODAY)).agencies
    Membership.objects.filter(agency=world.police).update(status=MembershipStatus.SUSPENDED)
    assert not build_picture(date=TODAY).phenomena.exists()


def test_a_shift_names_both_places_and_goes_on_only_there(world, fires, time_machine):
    planted.shift((world.police, world.order), factories.make_category("rescue"), 16)
    row = build_picture(date=TODAY).phenomena.get(form=Form.SHIFT)
    assert row.finding.place_label.startswith("vom Bereich ")
    assert row.finding.district.slug == "west"
    moved = row.evidence | {"growing": row.evidence["growing"] | {"center": row.evidence["fading"]["center"]}}
    time_machine.move_to(NOON + WEEK, tick=False)
    assert build_picture(date=TODAY + WEEK).phenomena.get(form=Form.SHIFT).finding == row.finding
    Phenomenon.objects.filter(form=Form.SHIFT).update(evidence=moved)
    time_machine.move_to(NOON + WEEK + dt.timedelta(days=1), tick=False)
    planted.quiet(world.police, fires, 5, last=TODAY + WEEK + dt.timedelta(days=1), days=1)
    other = build_picture(date=TODAY + WEEK + dt.timedelta(days=1)).phenomena.get(form=Form.SHIFT)
    assert other.finding != row.finding


def test_page_says_what_was_found_and_when_was_looked(world, fires, signed_in, django_assert_max_num_queries):
    client = signed_in(world.chair)
    build_picture(date=TODAY)
    with django_assert_max_num_queries(60) as without:
        page = client.get(reverse("lagebild:picture")).content.decode()
    assert "Zu diesem Stand ist kein Phänomen zu erkennen" in page
    assert "zuletzt bis zum 22.11.2026" in page
    assert "zuletzt bis zum 30.09.2026" in page
    plant(world, fires)
    finding = phenomenon(build_picture(date=TODAY)).finding
    with django_assert_max_num_queries(len(without.captured_queries)):
        page = client.get(reverse("lagebild:picture")).content.decode()
    assert f'<a href="{reverse("lagebild:finding", args=[finding.pk])}">Kleinbrand nachts</a>' in page
    assert "nur gemeinsam" in page


def test_dossier_says_what_was_seen_and_what_it_does_not_say(world, fires, signed_in, django_assert_max_num_queries):
    plant(world, fires)
    row = phenomenon(build_picture(date=TODAY))
    client = signed_in(world.chair)
    address = reverse("lagebild:finding", args=[row.finding.pk])
    client.get(address)
    with django_assert_max_num_queries(30):
        dossier = client.get(address).content.decode()
    assert f"wurde „Kleinbrand“ nachts (22 bis 6 Uhr) {row.count}-mal gemeldet" in dossier
    assert "Keine Behörde hätte das aus ihren eigenen Meldungen erkannt" in dossier
    assert "Das Muster sagt nicht, dass dieselben Personen handeln" in dossier
    assert "Beteiligt mit freigegebenen Meldungen: Feuerwehr, Ordnungsamt, Polizei." in dossier
    assert "Kleinbrand nachts: Meldungen je Stadtbezirk" in dossier
    place = client.get(reverse("lagebild:finding_place", args=[row.finding.pk])).json()
    assert len(place["features"]) == len(row.cells)


def test_the_place_of_a_shift_tells_the_two_ends_apart(world, fires, signed_in):
    planted.shift((world.police, world.order), factories.make_category("rescue"), 16)
    row = build_picture(date=TODAY).phenomena.get(form=Form.SHIFT)
    client = signed_in(world.chair)
    place = client.get(reverse("lagebild:finding_place", args=[row.finding.pk])).json()
    assert {feature["properties"]["is_fading"] for feature in place["features"]} == {True, False}
    dossier = client.get(reverse("lagebild:finding", args=[row.finding.pk])).content.decode()
    assert "Gestrichelt ist, wo es abnimmt" in dossier
    assert "nimmt ab: Bereich " in dossier


def test_the_list_of_findings_knows_phenomena(world, fires, signed_in):
    plant(world, fires)
    build_picture(date=TODAY)
    client = signed_in(world.chair)
    assert "Kleinbrand nachts" in client.get(reverse("lagebild:findings"), {"art": "phaenomen"}).content.decode()
    assert "Kleinbrand nachts" not in client.get(reverse("lagebild:findings"), {"art": "gefahr"}).content.decode()


def test_the_chair_assesses_it_and_the_print_shows_it_without_agencies(world, fires, signed_in):
    plant(world, fires)
    picture = build_picture(date=TODAY)
    row = phenomenon(picture)

    def printed():
        content = edition_content(
            picture, EditionOrder("Lagebild", "Lenkungsgruppe"), number="1", created_at=timezone.now()
        )
        return [finding for finding in content.findings if finding.kind == "phaenomen"]

    assert printed() == []
    answer = signed_in(world.chair).post(
        reverse("lagebild:finding", args=[row.finding.pk]),
        {"status": "confirmed", "assessment": "Streifen sind unterrichtet.", "responsible": world.fire.pk},
    )
    assert answer.status_code == 302
    (block,) = printed()
    assert block.title == "Phänomen: Kleinbrand nachts"
    assert block.where == "Stadtgebiet"
    assert f"{row.count}-mal gemeldet" in block.strength
    assert "Erkennbar nur in den zusammengeführten Meldungen." in block.strength
    assert "Ordnungsamt" not in block.strength
    assert "Streifen sind unterrichtet." in block.assessment


@pytest.mark.parametrize("who", ["suspended", "guest", "inactive", "anonymous", "without_agency"])
def test_nobody_without_an_active_full_membership_reads_a_phenomenon(world, fires, signed_in, client, who):
    plant(world, fires)
    finding = phenomenon(build_picture(date=TODAY)).finding
    if who != "anonymous":
        client = signed_in(getattr(world, who))
    for name in ("finding", "finding_place"):
        assert client.get(reverse(f"lagebild:{name}", args=[finding.pk])).status_code in (302, 403, 404)
    for name in ("picture", "findings"):
        assert "Kleinbrand" not in client.get(reverse(f"lagebild:{name}")).content.decode()


def test_a_stranger_of_an_active_agency_reads_but_does_not_assess(world, fires, signed_in):
    plant(world, fires)
    finding = phenomenon(build_picture(date=TODAY)).finding
    client = signed_in(world.stranger)
    address = reverse("lagebild:finding", args=[finding.pk])
    assert "Kleinbrand" in client.get(address).content.decode()
    assert client.post(address, {"status": "confirmed", "assessment": "Nein."}).status_code == 403


def test_the_second_lock_holds_for_the_table(world, fires, on_stage):
    plant(world, fires)
    build_picture(date=TODAY)
    seen = {}
    for name in ("chair", "stranger", "suspended", "guest", "inactive", "without_agency"):
        with on_stage(getattr(world, name)):
            seen[name] = Phenomenon.objects.count()
    assert seen == {"chair": 1, "stranger": 1, "suspended": 0, "guest": 0, "inactive": 0, "without_agency": 0}
