"""The catalogue of leaks known from comparable platforms, each as a test of its own.

In all of them isolation held in the list of records and broke in what is derived from it. The README of this folder
tells which entry of the catalogue has no counterpart in the portal.
"""

from __future__ import annotations

import base64
import datetime
import re
from urllib.parse import urlencode

import pytest
from django.urls import reverse
from django.utils import timezone

from agencies import sharing
from agencies.visibility import SharingLevel
from incidents import actions
from incidents.models import Kind, SharingDefault
from incidents.places import find_places
from tests import factories
from tests.access.routes import KEYS
from tests.access.stage import EXACT, MAKERS, NAMESPACES, Stage, body_of, canaries
from tests.access.test_leaks import EVERYWHERE, leaks, text_of, where_seen

HIDDEN = ("internal", "statistics", "conduct", "withdrawn")
# The stranger was not granted the record that the partner was.
HIDDEN_FROM = {"partner_release": HIDDEN, "stranger": (*HIDDEN, "granted")}
kinds = pytest.mark.parametrize("kind", Kind)
readers = pytest.mark.parametrize("who", HIDDEN_FROM)


def list_url(kind: str, **question: str) -> str:
    return f"{reverse(f'{NAMESPACES[kind]}:list')}?{urlencode(question)}"


def hidden_ids(stage: Stage, kind: str, who: str) -> set[str]:
    return {stage.records[kind, label].short_id for label in HIDDEN_FROM[who]}


def shown(answer) -> set[str]:
    return {row.record.short_id for row in answer.context["rows"]}


@readers
@kinds
def test_similar_cases_show_nothing_foreign(stage, kind, who):
    """Asked at the very place and time of a hidden record: neither the record nor a number that counts it."""
    own = stage.records[kind, "internal"]
    question = {
        "category": own.category.slug,
        "occurred_from": own.occurred_from.isoformat(),
        "lon": EXACT[0],
        "lat": EXACT[1],
    }
    url = f"{reverse(f'{NAMESPACES[kind]}:similar')}?{urlencode(question)}"
    before = stage.ask(who, "GET", url)
    assert {record.short_id for record in before.context["records"]} & hidden_ids(stage, kind, who) == set()
    for _ in range(6):
        MAKERS[kind](stage.world.police, place=EXACT, occurred_from=own.occurred_from)
    assert body_of(stage.ask(who, "GET", url)) == body_of(before)


@readers
@kinds
def test_tags_and_custom_values_of_others_are_in_no_choice(stage, kind, who):
    """What an agency has typed becomes nobody's filter, suggestion or choice."""
    pages = [list_url(kind), *(reverse(f"{NAMESPACES[kind]}:{name}") for name in ("create", "export", "defaults"))]
    texts = {url: text_of(stage.ask(who, "GET", url)) for url in pages}
    for typed in ("Zwitscher", *canaries(kind, "cooperation").values()):
        url = f"{reverse('known_places')}?{urlencode({'place_text': typed})}"
        texts[url] = text_of(stage.ask(who, "GET", url)).replace(typed, "")
        assert find_places(typed) == []
    assert leaks(stage, who, texts) == []
    assert [url for url, text in texts.items() if "Zwitscher" in text] == []


@kinds
def test_templates_and_defaults_are_those_of_the_own_agency(stage, kind):
    """The template is the same for all; the level an agency's lead has set proposes nothing to others."""
    template = reverse("imports:template", args=[kind])
    assert body_of(stage.ask("stranger", "GET", template)) == body_of(stage.ask("owner_lead", "GET", template))
    category = stage.records[kind, "internal"].category
    entry = f"{reverse(f'{NAMESPACES[kind]}:create')}?category={category.slug}"
    proposed = {}
    for moment in ("before", "after"):
        forms = {who: stage.ask(who, "GET", entry).context["form"] for who in ("stranger", "owner_entry")}
        proposed[moment] = {who: str(form.chosen_level) for who, form in forms.items()}
        SharingDefault.objects.get_or_create(
            agency=stage.world.police, category=category, defaults={"level": SharingLevel.COOPERATION}
        )
    assert proposed["before"] == {"stranger": "internal", "owner_entry": "internal"}
    assert proposed["after"] == {"stranger": "internal", "owner_entry": "cooperation"}


@readers
@kinds
def test_an_unshared_case_is_behind_no_address(stage, kind, who):
    key = "partner write" if who == "partner_release" else "stranger write"
    assert key in KEYS
    for label in HIDDEN_FROM[who]:
        assert where_seen(stage, kind, stage.records[kind, label], who, key) == set(), label


@kinds
def test_unsharing_takes_a_record_out_of_every_list(stage, kind):
    """By level and by grant, also for whoever had it open a moment ago."""
    for label, take_back in (
        ("cooperation", lambda record: actions.set_level(record=record, level="internal", by=stage.world.owner_lead)),
        ("granted", lambda record: sharing.revoke(record=record, to=stage.world.order, by=stage.world.owner_lead)),
    ):
        record = stage.records[kind, label]
        assert where_seen(stage, kind, record, "partner_release", "partner write") == EVERYWHERE
        take_back(record)
        assert where_seen(stage, kind, record, "partner_release", "partner write") == set()


@readers
@kinds
def test_export_holds_only_visible_rows(stage, kind, who):
    """Whatever the filter: the table holds what the list shows."""
    for question in ({}, {"agency": "polizei"}, {"level": "internal"}, {"level": "statistics"}, {"own": "shared"}):
        url = f"{reverse(f'{NAMESPACES[kind]}:export')}?{urlencode(question)}"
        lines = body_of(stage.ask(who, "POST", url, {"purpose": "Probe"})).decode("utf-8-sig").splitlines()[1:]
        exported = {line.split(";")[0] for line in lines}
        assert exported & hidden_ids(stage, kind, who) == set(), question
        listed = stage.ask(who, "GET", list_url(kind, **question))
        assert f"{len(exported)} " in listed.context["result_text"], question


@readers
def test_notifications_and_to_do_lists_speak_of_what_one_may_see(stage, who):
    """The start page, messages after a step, the number of things to do."""
    before = stage.ask(who, "GET", reverse("start"))
    for kind in Kind:
        record = MAKERS[kind](stage.world.police, place=EXACT, **canaries(kind, "new"))
        note = {
            "record": record,
            "agency": stage.world.police,
            "text": "Zwitscher",
            "written_by": stage.world.owner_entry,
        }
        actions.NOTE_OF_KIND[kind].objects.create(**note)
    after = stage.ask(who, "GET", reverse("start"))
    for name in ("to_do", "findings", "records"):
        assert after.context[name] == before.context[name]
    assert "Zwitscher" not in text_of(after)


@kinds
def test_history_names_no_other_organisation(stage, kind):
    """Who was granted, who looked, who released: the owner alone reads the life of a record."""
    record = stage.records[kind, "granted"]
    sharing.grant(record=record, to=stage.world.customs, by=stage.world.owner_release)
    url = reverse(f"{NAMESPACES[kind]}:detail", args=[record.pk])
    assert "history" in stage.ask("owner_lead", "GET", url).context
    partner = stage.ask("partner_release", "GET", url)
    assert "history" not in partner.context
    text = re.sub(r"\s+", " ", text_of(partner))
    assert {name for name in ("Zoll", "Feuerwehr", "Finanzamt", "Einzelfreigabe an") if name in text} == set()


@readers
@kinds
def test_counts_in_lists_and_facets_are_of_visible_rows_only(stage, kind, who):
    """Every filter's number is the number of rows it shows, and no choice carries a number of its own."""
    person = stage.world.people()[who]
    model = type(stage.records[kind, "internal"])
    visible = model.objects.visible_to(person)
    questions = [{}, {"agency": "polizei"}, {"district": "west"}, {"status": "open"}, {"level": "internal"}]
    questions += [{"category": f"{kind}-kind"}, {"category": f"{kind}-conduct"}, {"own": "shared"}]
    for question in questions:
        answer = stage.ask(who, "GET", list_url(kind, **question))
        total = answer.context["page_obj"].paginator.count
        assert total == len(shown(answer)) or answer.context["page_obj"].has_other_pages(), question
        assert shown(answer) & hidden_ids(stage, kind, who) == set(), question
        assert answer.context["result_text"].split()[0] == str(total)
    assert stage.ask(who, "GET", list_url(kind)).context["page_obj"].paginator.count == visible.count()
    choices = stage.ask(who, "GET", list_url(kind)).context["filter_form"]
    labels = [str(label) for field in choices for _, label in getattr(field.field, "choices", [])]
    assert [label for label in labels if re.search(r"\(\d+\)", label)] == []


@kinds
def test_pages_beyond_the_last_tell_no_total(stage, kind):
    for page in ("2", "99", "10000"):
        answer = stage.ask("stranger", "GET", list_url(kind, page=page, level="internal"))
        assert shown(answer) & hidden_ids(stage, kind, "stranger") == set()


@kinds
def test_a_feed_tells_nothing_of_the_gaps_in_it(stage, kind):
    """A cursor names the last row handed out; nothing counts the rows left out, and each page is as full as asked."""
    url = f"{reverse(f'api:{NAMESPACES[kind]}-list')}?page_size=1"
    seen = []
    while url:
        body = stage.pull("stranger write", url).json()
        assert set(body) == {"next", "as_of", "results"}
        seen += [row["id"] for row in body["results"]]
        url = body["next"]
        if url:
            cursor = re.search(r"cursor=([^&]+)", url).group(1)
            decoded = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode()
            assert decoded.endswith(seen[-1])
    hidden = {str(stage.records[kind, label].pk) for label in HIDDEN_FROM["stranger"]}
    assert seen
    assert set(seen) & hidden == set()


@kinds
def test_names_of_records_count_nothing(stage, kind):
    """Two records entered one after the other have names that tell neither order nor number."""
    records = [MAKERS[kind](stage.world.police, sharing_level=SharingLevel.COOPERATION) for _ in range(20)]
    names = [record.short_id for record in records]
    assert len(set(names)) == len(names)
    assert names != sorted(names)
    answer = stage.pull("stranger write", reverse(f"api:{NAMESPACES[kind]}-detail", args=[records[0].pk]))
    assert str(records[0].detail.number) not in set(re.findall(r"\d+", text_of(answer)))


@readers
def test_people_of_other_agencies_are_in_no_choice(stage, who):
    """No list, search, assignment or address book names the staff of others."""
    for url in ("start", "agencies:list", "measures:list", "conferences:list", "privacy"):
        text = text_of(stage.ask(who, "GET", reverse(url)))
        assert "Zwitscher-Name" not in text, url
        assert "@polizei.example" not in text, url


def test_the_report_for_all_holds_published_values_only(stage):
    """The picture is the same for every reader, so nothing in it may depend on who asks or on what is hidden."""
    readers = ("stranger", "partner", "owner_entry", "chair")
    assert len({body_of(stage.ask(who, "GET", reverse("lagebild:cells"))) for who in readers}) == 1
    before = body_of(stage.ask("stranger", "GET", reverse("lagebild:cells")))
    for number in range(5):
        moment = timezone.now() - datetime.timedelta(days=number)
        factories.make_incident(stage.world.police, occurred_from=moment, place=EXACT)
    assert body_of(stage.ask("stranger", "GET", reverse("lagebild:cells"))) == before


def test_a_finding_names_no_record_and_no_agency_below_the_minimum(stage):
    answer = stage.ask("stranger", "GET", reverse("lagebild:finding", args=stage.args["finding"]))
    every = {record.short_id for record in stage.records.values()}
    assert {name for name in every if name in text_of(answer)} == set()


def test_a_measure_tells_its_agency_no_more_of_the_meeting_than_its_day(stage):
    """The order office carries out what a meeting has decided to which it was not invited."""
    page = text_of(stage.ask("partner_release", "GET", reverse("measures:detail", args=stage.args["given measure"])))
    answer = text_of(stage.pull("partner write", reverse("api:measures-detail", args=stage.args["given measure"])))
    assert "Streifengang" in page
    assert "Streifengang" in answer
    assert leaks(stage, "partner_release", {"page": page, "interface": answer}) == []
    assert str(stage.things.closed.pk) not in page + answer
