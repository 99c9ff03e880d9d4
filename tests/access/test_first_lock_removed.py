"""With the portal's own rule taken out, PostgreSQL gives the same answers on every route."""

from __future__ import annotations

import pytest
from django.apps import apps
from django.db import DatabaseError, transaction
from django.urls import reverse

from agencies.models import AgencyQuerySet, MembershipQuerySet
from agencies.visibility import AgencyOwnedQuerySet, AgencyScopedQuerySet
from conferences.models import ConferenceQuerySet, MeasureQuerySet
from hamm_security.local.postgres import BUILDER, WEB
from incidents.models import RetentionRunQuerySet
from lagebild.calendar_models import CalendarQuerySet
from lagebild.danger_models import DefinedQuerySet
from lagebild.models import EditionQuerySet, FindingQuerySet
from lagebild.picture_models import PictureQuerySet, PictureRowQuerySet
from lagebild.retrospect_models import RetrospectQuerySet
from tests import backstage
from tests.access.routes import API_ROWS, PAGE_ROWS
from tests.access.stage import body_of
from tests.access.test_leaks import CSRF_TOKEN
from tests.access.test_row_policies import guarded_tables, value


@pytest.mark.parametrize("login", [WEB, BUILDER])
def test_without_a_context_there_are_no_rows(stage, login):
    with backstage.front(login):
        counts = {table: _count(table) for table in guarded_tables()}
    assert {table: count for table, count in counts.items() if count} == {}


def _count(table: str) -> int:
    try:
        with transaction.atomic():
            return value(f"SELECT count(*) FROM {table}")  # noqa: S608 - declared names
    except DatabaseError as error:
        if "permission denied" not in str(error):
            raise
        return 0


RULES = (
    (AgencyScopedQuerySet, "visible_to"),
    (AgencyScopedQuerySet, "without_inspection"),
    (AgencyOwnedQuerySet, "owned_by"),
    (AgencyQuerySet, "visible_to"),
    (MembershipQuerySet, "visible_to"),
    (RetentionRunQuerySet, "visible_to"),
    (PictureQuerySet, "visible_to"),
    (PictureRowQuerySet, "visible_to"),
    (RetrospectQuerySet, "visible_to"),
    (FindingQuerySet, "visible_to"),
    (DefinedQuerySet, "visible_to"),
    (CalendarQuerySet, "visible_to"),
    (EditionQuerySet, "visible_to"),
    (ConferenceQuerySet, "visible_to"),
    (MeasureQuerySet, "visible_to"),
)
READERS = ("guest", "suspended", "stranger", "partner_release", "owner_lead", "chair", "admin", "data_protection")
READING_KEYS = ("guest write", "suspended write", "stranger write", "partner write", "owner read", "siko read")
# Where the database is wider than the portal, and for whom. A guest may read the edition of a meeting, and who is
# responsible for a measure its decision and meeting; that it is read there and nowhere else is the portal's rule.
GUEST, RESPONSIBLE = {"guest", "guest write"}, {"partner_release", "partner write"}
WIDER = {
    **dict.fromkeys(("lagebild:edition_pdf", "lagebild:edition", "lagebild:editions"), GUEST),
    **dict.fromkeys(("api:editions-list", "api:editions-detail", "api:editions-pdf"), GUEST),
    **dict.fromkeys(("conferences:list", "conferences:detail", "measures:detail"), RESPONSIBLE),
    **dict.fromkeys(("api:conferences-list", "api:conferences-detail"), RESPONSIBLE),
    **dict.fromkeys(("api:measures-list", "api:measures-detail"), RESPONSIBLE),
}
# They draw a new secret each time.
DRAWN_ANEW = {"factor_totp", "factor_passkey"}
GET_ROWS = [row for row in (*PAGE_ROWS, *API_ROWS) if row.method == "GET" and row.route not in DRAWN_ANEW]


def test_every_rule_of_the_portal_is_taken_out():
    kinds = {kind for model in apps.get_models() for kind in type(model._default_manager.all()).__mro__}
    rules = {(kind, name) for kind in kinds for name in ("visible_to", "without_inspection") if name in vars(kind)}
    assert rules == {rule for rule in RULES if rule[1] != "owned_by"}


def own_faces(rows, actor):
    return rows.filter(agency_id=actor.agency_id)


@pytest.fixture
def without_the_first_lock(monkeypatch):
    def take_out() -> None:
        for queryset, name in RULES:
            monkeypatch.setattr(queryset, name, lambda rows, actor: rows.all())
        # Of the faces, "own" is a question of the pages ("my agency's open reports") and no lock: it stays.
        monkeypatch.setattr(AgencyScopedQuerySet, "owned_by", own_faces)

    return take_out


def answers(stage, row) -> dict:
    url = reverse(row.route, args=stage.args[row.thing])
    if row in PAGE_ROWS:
        found = {who: stage.ask(who, "GET", url) for who in READERS}
    else:
        found = {key: stage.pull(key, url) for key in READING_KEYS}
    return {who: (answer.status_code, CSRF_TOKEN.sub(b"", body_of(answer))) for who, answer in found.items()}


@pytest.mark.parametrize("row", GET_ROWS, ids=str)
def test_every_route_answers_the_same_without_the_first_lock(
    stage, undone, standing_clock, without_the_first_lock, row
):
    before = undone(answers, stage, row)
    without_the_first_lock()
    after = undone(answers, stage, row)
    differing = {who for who, answer in after.items() if answer != before[who]}
    assert differing <= WIDER.get(row.route, set())
