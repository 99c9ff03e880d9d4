"""The guided process of a membership: its steps, four eyes, the document."""

import datetime

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.utils import timezone

from agencies.audit import Act
from agencies.forms import DOCUMENT_MAX_BYTES
from agencies.models import Agency, AuditEntry, Membership, MembershipStatus
from tests.factories import make_agency

PDF = b"%PDF-1.7\n1 0 obj << >> endobj\n%%EOF\n"
BASE = "/behoerden/neuamt/mitgliedschaft/"


def pdf(content=PDF, name="Vereinbarung Müller.pdf"):
    return SimpleUploadedFile(name, content, content_type="application/pdf")


@pytest.fixture
def newcomer(world) -> Agency:
    return make_agency("neuamt", status=None)


@pytest.fixture
def admin(world, signed_in):
    return lambda: signed_in(world.admin)


def propose(client, **changes):
    fields = {"kind": "letter_of_intent", "valid_from": "06.10.2022", "valid_until": ""} | changes
    return client.post(BASE + "vorschlagen/", {f"vorschlagen-{name}": value for name, value in fields.items()})


def sign(client, **changes):
    fields = {"signed_on": "06.10.2022", "signatory": "Leiterin des Amtes", "document": pdf()} | changes
    return client.post(BASE + "unterzeichnen/", {f"unterzeichnen-{name}": value for name, value in fields.items()})


def status_of(agency):
    return agency.memberships.get().status


def errors_of(response, step):
    return next(item["form"].errors for item in response.context["steps"] if item["name"] == step)


def test_the_whole_life_of_a_membership(world, signed_in, newcomer):
    client = signed_in(world.admin)
    assert propose(client).status_code == 302
    assert status_of(newcomer) == MembershipStatus.DRAFT
    assert sign(client).status_code == 302
    membership = newcomer.memberships.get()
    assert membership.status == MembershipStatus.SIGNED
    assert membership.signed_on == datetime.date(2022, 10, 6)
    assert "Müller" not in membership.document.name
    assert not Agency.objects.active().filter(pk=newcomer.pk).exists()

    refused = client.post(BASE + "aktivieren/")
    assert refused.status_code == 200
    assert "darf sie nicht selbst aktivieren" in refused.text
    assert status_of(newcomer) == MembershipStatus.SIGNED

    client = signed_in(world.second_admin)
    assert client.post(BASE + "aktivieren/").status_code == 302
    assert Agency.objects.active().filter(pk=newcomer.pk).exists()
    client.post(BASE + "aussetzen/", {"aussetzen-reason": "Die Vereinbarung wird neu verhandelt."})
    assert not Agency.objects.active().filter(pk=newcomer.pk).exists()
    client.post(BASE + "aktivieren/")
    client.post(BASE + "beenden/", {"beenden-reason": "Die Behörde tritt aus."})
    membership.refresh_from_db()
    assert (membership.status, membership.valid_until) == (MembershipStatus.ENDED, timezone.localdate())
    steps = AuditEntry.objects.filter(action=Act.MEMBERSHIP_CHANGED, owner=newcomer).order_by("pk")
    assert [entry.facts["status"] for entry in steps] == ["draft", "signed", "active", "suspended", "active", "ended"]
    assert propose(client).status_code == 302


@pytest.mark.parametrize("step", ["aktivieren", "aussetzen"])
def test_steps_are_not_skipped(world, admin, newcomer, step):
    client = admin()
    propose(client)
    response = client.post(BASE + f"{step}/", {f"{step}-reason": "Darum."})
    assert "führt kein Weg" in response.text
    assert status_of(newcomer) == MembershipStatus.DRAFT


def test_a_step_without_membership_is_refused(world, admin, newcomer):
    response = admin().post(BASE + "beenden/", {"beenden-reason": "Darum."})
    assert "keine laufende Mitgliedschaft" in response.text
    assert newcomer.memberships.count() == 0


def test_a_second_membership_beside_the_running_one_is_refused(world, admin, newcomer):
    client = admin()
    propose(client)
    assert "bereits eine Mitgliedschaft" in propose(client).text
    assert newcomer.memberships.count() == 1


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"document": ""}, "document"),
        ({"document": pdf(b"PK\x03\x04 no pdf")}, "document"),
        ({"document": pdf(b"")}, "document"),
        ({"document": pdf(b"%PDF-" + b"x" * DOCUMENT_MAX_BYTES)}, "document"),
        ({"signed_on": "31.02.2022"}, "signed_on"),
        ({"signed_on": "06.10.1900"}, "signed_on"),
        ({"signatory": ""}, "signatory"),
    ],
    ids=["missing", "no pdf", "empty", "too large", "no date", "1900", "nobody"],
)
def test_bad_signature_is_refused_at_the_field(world, admin, newcomer, changes, field):
    client = admin()
    propose(client)
    response = sign(client, **changes)
    assert field in errors_of(response, "unterzeichnen")
    assert status_of(newcomer) == MembershipStatus.DRAFT


def test_signature_in_the_future_is_refused(world, admin, newcomer):
    client = admin()
    propose(client)
    tomorrow = timezone.localdate() + datetime.timedelta(days=1)
    assert "liegt in der Zukunft" in sign(client, signed_on=f"{tomorrow:%d.%m.%Y}").text


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"valid_from": ""}, "valid_from"),
        ({"valid_from": "gestern"}, "valid_from"),
        ({"valid_until": "05.10.2022"}, "valid_until"),
        ({"valid_from": "06.10.2222"}, "valid_from"),
        ({"kind": "chef"}, "kind"),
    ],
)
def test_bad_draft_is_refused_at_the_field(world, admin, newcomer, changes, field):
    response = propose(admin(), **changes)
    assert field in errors_of(response, "vorschlagen")
    assert newcomer.memberships.count() == 0


@pytest.mark.parametrize("step", ["aussetzen", "beenden"])
def test_leaving_needs_a_reason(world, admin, step):
    response = admin().post(f"/behoerden/zoll/mitgliedschaft/{step}/", {f"{step}-reason": "  "})
    assert "reason" in errors_of(response, step)
    assert world.customs.is_sharing


def test_suspension_takes_effect_at_once(world, signed_in):
    signed_in(world.admin).post("/behoerden/feuerwehr/mitgliedschaft/aussetzen/", {"aussetzen-reason": "Darum."})
    assert "ist ausgesetzt" in signed_in(world.stranger).get("/konto/").text


def test_process_is_for_the_administration_alone(world, signed_in):
    for name, person in world.people().items():
        if name in {"inactive", "superuser", "without_agency"}:
            continue
        expected = 200 if name in {"admin", "second_admin"} else 403
        client = signed_in(person)
        assert client.get("/behoerden/polizei/mitgliedschaft/").status_code == expected, name
        status = client.post("/behoerden/polizei/mitgliedschaft/beenden/", {"beenden-reason": ""}).status_code
        assert status == expected, name
    assert Membership.objects.get(agency=world.police).status == MembershipStatus.ACTIVE


def test_unknown_step_and_agency_are_not_found(world, admin):
    assert admin().post("/behoerden/polizei/mitgliedschaft/loeschen/").status_code == 404
    assert admin().get("/behoerden/gibt-es-nicht/mitgliedschaft/").status_code == 404


def test_document_opens_for_the_administration_and_the_agency_itself_and_is_logged(world, signed_in):
    membership = Membership.objects.get(agency=world.police)
    path = f"/behoerden/polizei/mitgliedschaft/{membership.pk}/dokument.pdf"
    assert signed_in(world.owner_entry).get(path).status_code == 404
    membership.document.save("vereinbarung.pdf", pdf())
    readers = {"owner_entry", "owner_release", "owner_lead", "admin", "second_admin"}
    for name, person in world.people().items():
        if name in {"inactive", "superuser", "without_agency"}:
            continue
        response = signed_in(person).get(path)
        assert response.status_code == (200 if name in readers else 404), name
        if name in readers:
            assert b"".join(response.streaming_content) == PDF
            assert response["Content-Type"] == "application/pdf"
            assert response["Content-Disposition"].startswith("attachment")
    assert AuditEntry.objects.filter(action=Act.READ, owner=world.police).count() == len(readers)
    assert signed_in(world.admin).get(path.replace("polizei", "zoll")).status_code == 404
