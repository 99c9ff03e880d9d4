"""A suspension works at once: on sessions, keys, tables being written and lists being paged through."""

from unittest import mock

import pytest

from agencies import memberships
from agencies.audit import Act
from agencies.keys import create_api_key
from agencies.models import AuditEntry, KeyScope
from incidents import export
from tests import backstage
from tests.factories import make_incident

WHO = {"the owner": "police", "the reader": "order"}


@pytest.fixture
def shared_record(world):
    return make_incident(world.police, sharing_level="cooperation")


def suspend(agency) -> None:
    memberships.suspend_membership(membership=agency.memberships.get(), reason="Sofort", by=None)


@pytest.mark.parametrize("who", WHO)
def test_a_table_being_written_loses_its_foreign_rows(world, signed_in, shared_record, who):
    own = make_incident(world.order)
    write = export.as_csv
    suspended = []

    def suspend_meanwhile(records, by):
        text = write(records, by)
        if not suspended:
            with backstage.behind():
                suspended.append(suspend(getattr(world, WHO[who])))
        return text

    with mock.patch.object(export, "as_csv", suspend_meanwhile):
        answer = signed_in(world.partner_release).post("/vorfaelle/export/", {"purpose": "Vorbereitung der Sitzung"})
    assert answer.status_code == 200
    assert own.short_id in answer.text
    assert shared_record.short_id not in answer.text
    assert AuditEntry.objects.get(action=Act.EXPORTED).facts["owners"] == {}


@pytest.mark.parametrize("who", WHO)
def test_open_sessions_and_keys_get_nothing_foreign_with_the_next_request(world, signed_in, client, shared_record, who):
    own = make_incident(world.order)
    browser = signed_in(world.partner)
    _, secret = create_api_key(agency=world.order, scope=KeyScope.WRITE, label="Kopie", by=None)
    key = {"Authorization": f"Api-Key {secret}"}
    pages = ["/api/v1/incidents/?page_size=1"]
    pages.append(client.get(pages[0], headers=key).json()["next"])
    assert browser.get(f"/vorfaelle/{shared_record.pk}/").status_code == 200
    suspend(getattr(world, WHO[who]))
    if who == "the reader":
        # Signed off; whoever signs on again sees the own records and nothing else.
        assert browser.get(f"/vorfaelle/{own.pk}/").status_code == 302
        browser = signed_in(world.partner)
    assert browser.get(f"/vorfaelle/{shared_record.pk}/").status_code == 404
    assert browser.get(f"/vorfaelle/{own.pk}/").status_code == 200
    for page in (*pages, f"/api/v1/incidents/{shared_record.pk}/"):
        assert str(shared_record.pk) not in client.get(page, headers=key).text.replace(page, "")
    assert client.get(f"/api/v1/incidents/{own.pk}/", headers=key).status_code == 200
    written = {"category": "incident-kind", "occurred_from": "2026-11-01T10:00:00+01:00"}
    answer = client.post("/api/v1/incidents/", written, content_type="application/json", headers=key)
    assert answer.status_code == 201
