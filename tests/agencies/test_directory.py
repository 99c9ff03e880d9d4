import copy
import io
import json
from pathlib import Path

import pytest
from django.core.management import call_command

from agencies import directory
from agencies.directory import load_agencies
from agencies.loading import LoadError
from agencies.models import Agency, Membership, RoleGroup

pytestmark = pytest.mark.django_db

FILE = Path(directory.__file__).resolve().parent / "data" / "agencies.json"
CONTENT = {
    "agencies": [
        {
            "slug": "amt",
            "name": "Amt für Ordnung",
            "short_name": "Amt",
            "parent": "stadt",
            "membership": "voting",
            "member_since": "2023-08-18",
        },
        {"slug": "stadt", "name": "Stadt", "short_name": "Stadt"},
    ]
}


def test_shipped_agencies_load_with_groups_and_draft_memberships():
    out = io.StringIO()
    call_command("load_agencies", str(FILE), stdout=out)
    assert "13 neu" in out.getvalue()
    assert Agency.objects.get(slug="jugendamt").parent.slug == "stadt-hamm"
    assert set(Membership.objects.values_list("status", flat=True)) == {"draft"}
    assert Membership.objects.get(agency__slug="staatsanwaltschaft").kind == "letter_of_intent"
    assert not Membership.objects.filter(agency__slug="stadt-hamm").exists()
    assert RoleGroup.objects.filter(agency__slug="polizei").count() == 4
    assert RoleGroup.objects.filter(agency__slug="siko").count() == 7


def test_loading_twice_changes_nothing_and_leaves_memberships_alone():
    content = json.loads(FILE.read_text(encoding="utf-8"))
    load_agencies(content)
    Membership.objects.filter(agency__slug="zoll").update(status="ended")
    changes = load_agencies(content)
    assert (changes.created, changes.updated, changes.unchanged) == ([], [], 13)
    assert Membership.objects.filter(agency__slug="zoll").count() == 1


def test_children_may_stand_before_their_parent():
    load_agencies(CONTENT)
    assert Agency.objects.get(slug="amt").parent.slug == "stadt"


@pytest.mark.parametrize(
    ("index", "change", "objection"),
    [
        (0, {"parent": "land"}, "Behörde 1 („amt“): Das Dach „land“ steht nicht in der Datei."),
        (1, {"parent": "amt"}, "Behörde 1 („amt“): Die Behörde ist sich selbst übergeordnet."),
        (0, {"membership": "friend"}, "Behörde 1 („amt“): Die Art der Mitgliedschaft „friend“ gibt es nicht."),
        (0, {"member_since": "18.08.2023"}, "Behörde 1 („amt“): Der Beginn der Mitgliedschaft fehlt"),
        (1, {"name": None}, "Behörde 2 („stadt“): Es fehlt die Angabe „name“."),
        (1, {"slug": "amt"}, "Behörde 2: Das Kurzzeichen „amt“ steht schon in Eintrag 1."),
    ],
)
def test_a_wrong_agency_is_refused_with_its_number(index, change, objection):
    content = copy.deepcopy(CONTENT)
    content["agencies"][index] |= change
    with pytest.raises(LoadError) as refused:
        load_agencies(content)
    assert refused.value.objections[0].startswith(objection)
    assert Agency.objects.count() == 0
