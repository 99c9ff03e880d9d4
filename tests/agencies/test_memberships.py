"""The guided process of a membership: its steps, four eyes, the document, the scope's page."""

import contextlib
import datetime
import itertools

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import transaction
from django.utils import timezone

from agencies import memberships
from agencies.audit import Act
from agencies.membership_forms import DOCUMENT_MAX_BYTES
from agencies.membership_models import Withdrawal
from agencies.models import Agency, AuditEntry, Membership, MembershipKind, MembershipStatus
from agencies.roles import Role
from agencies.scope import Scope
from agencies.views import memberships as views
from tests.factories import make_agency, make_person
from tests.incidents.test_withdrawal import withdraw_all_pending

BASE = "/behoerden/neuamt/mitgliedschaft/"
AGREEMENT = {
    "purpose": "Gemeinsames Lagebild",
    "legal_basis": "Vereinbarung vom 06.10.2022",
    "contact_name": "Vorzimmer der Leitung",
    "contact_email": "stelle@neuamt.example",
}
DRAFT, SIGNED, ACTIVE, SUSPENDED, ENDED = MembershipStatus


def make_pdf(inside: bytes = b"", *, at: int | None = None) -> bytes:
    body = b"%PDF-1.7\n1 0 obj\n<< /Type /Catalog " + inside + b">>\nendobj\n"
    table = b"xref\n0 2\n0000000000 65535 f \n0000000009 00000 n \ntrailer\n<< /Size 2 /Root 1 0 R >>\n"
    return body + table + b"startxref\n%d\n%%%%EOF\n" % (len(body) if at is None else at)


PDF = make_pdf()


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


def describe(client, **changes):
    fields = AGREEMENT | changes
    return client.post(BASE + "beschreiben/", {f"beschreiben-{name}": value for name, value in fields.items()})


def reasoned(client, step, reason="Aus gutem Grund."):
    return client.post(f"{BASE}{step}/", {f"{step}-reason": reason})


def status_of(agency):
    return agency.memberships.get().status


def errors_of(response, step):
    return next(item["form"].errors for item in response.context["steps"] if item["name"] == step)


def test_the_whole_life_of_a_membership(world, signed_in, newcomer):
    third = make_person(world.siko, Role.ADMIN)
    client = signed_in(world.admin)
    assert propose(client).status_code == 302
    assert status_of(newcomer) == DRAFT
    assert "Es fehlt: Ansprechperson." in client.get(BASE).text
    assert "Es fehlt noch" in sign(client).text
    assert describe(client).status_code == 302
    assert sign(client).status_code == 302
    membership = newcomer.memberships.get()
    assert membership.status == SIGNED
    assert membership.signed_on == datetime.date(2022, 10, 6)
    assert "Müller" not in membership.document.name
    assert not Agency.objects.active().filter(pk=newcomer.pk).exists()

    refused = client.post(BASE + "aktivieren/")
    assert refused.status_code == 200
    assert "darf sie nicht selbst aktivieren" in refused.text
    assert status_of(newcomer) == SIGNED

    client = signed_in(world.second_admin)
    assert client.post(BASE + "aktivieren/").status_code == 302
    assert Agency.objects.active().filter(pk=newcomer.pk).exists()
    reasoned(client, "aussetzen")
    assert not Agency.objects.active().filter(pk=newcomer.pk).exists()
    assert "Bitte die Aufhebung vorschlagen" in client.post(BASE + "aktivieren/").text
    client = signed_in(world.admin)
    assert "noch nicht vorgeschlagen" in client.post(BASE + "aufheben/").text
    assert reasoned(client, "aufhebung").status_code == 302
    for person in (world.admin, world.second_admin):
        assert "darf sie nicht bestätigen" in signed_in(person).post(BASE + "aufheben/").text
    assert status_of(newcomer) == SUSPENDED
    client = signed_in(third)
    assert client.post(BASE + "aufheben/").status_code == 302
    assert Agency.objects.active().filter(pk=newcomer.pk).exists()
    reasoned(client, "beenden", "Die Behörde tritt aus.")
    membership.refresh_from_db()
    assert (membership.status, membership.valid_until) == (ENDED, timezone.localdate())
    steps = AuditEntry.objects.filter(action=Act.MEMBERSHIP_CHANGED, owner=newcomer).order_by("pk")
    taken = ["draft", "described", "signed", "active", "suspended", "lifting", "lifted", "ended"]
    assert [entry.facts["step"] for entry in steps] == taken
    page = client.get(BASE).text
    assert "Die Behörde tritt aus." in page
    assert "Aufhebung der Aussetzung vorgeschlagen" in page
    assert propose(client).status_code == 302


# Each state with the steps that lead on from it, by their part of the address.
POSSIBLE = {
    DRAFT: {"beschreiben", "unterzeichnen", "beenden"},
    SIGNED: {"beschreiben", "aktivieren", "beenden"},
    ACTIVE: {"beschreiben", "aussetzen", "beenden"},
    SUSPENDED: {"beschreiben", "aufhebung", "beenden"},
    ENDED: {"vorschlagen"},
}
DATA = {
    "vorschlagen": {"kind": "voting", "valid_from": "06.10.2022", "valid_until": ""},
    "beschreiben": AGREEMENT,
    "unterzeichnen": {"signed_on": "06.10.2022", "signatory": "Amtsleitung"},
    **{step: {"reason": "Darum."} for step in ("aufhebung", "aussetzen", "beenden")},
}


def bring_to(agency: Agency, status: str, *, entered_by, lifting_by=None) -> Membership:
    fields = AGREEMENT | {"proposed_by": entered_by}
    if status != DRAFT:
        fields |= {"signed_on": datetime.date(2022, 10, 6), "signatory": "Amtsleitung"}
    membership = Membership.objects.create(
        agency=agency, kind=MembershipKind.VOTING, status=status, valid_from=datetime.date(2022, 10, 6), **fields
    )
    if lifting_by is not None:
        memberships.propose_lifting(membership=membership, reason="Geklärt.", by=lifting_by)
    return membership


@pytest.mark.parametrize(("status", "who"), list(itertools.product(MembershipStatus, ("admin", "second_admin"))))
def test_every_step_in_every_state_does_what_the_table_says(world, signed_in, newcomer, status, who):
    """All steps × states × who: the one who entered the agreement, and the second person."""
    person = getattr(world, who)
    before = bring_to(newcomer, status, entered_by=world.admin)
    client = signed_in(person)
    for step in memberships_steps():
        data = {f"{step}-{name}": value for name, value in DATA.get(step, {}).items()}
        if step == "unterzeichnen":
            data["unterzeichnen-document"] = pdf()
        with undo():
            answer = client.post(f"{BASE}{step}/", data)
            now = list(newcomer.memberships.order_by("pk").values_list("status", flat=True))
        is_own_activation = status == SIGNED and step == "aktivieren" and who == "admin"
        allowed = step in POSSIBLE[status] and not is_own_activation
        assert (answer.status_code == 302) == allowed, step
        if not allowed:
            assert now == [before.status], step


def test_an_extended_history_is_not_needed_to_be_refused(world, signed_in, newcomer):
    """Lifting by who has suspended, by who has proposed it, and by the third person."""
    third = make_person(world.siko, Role.ADMIN)
    membership = bring_to(newcomer, ACTIVE, entered_by=world.admin)
    memberships.suspend_membership(membership=membership, reason="Prüfung.", by=world.admin)
    memberships.propose_lifting(membership=membership, reason="Geklärt.", by=world.second_admin)
    found = {}
    for person in (world.admin, world.second_admin, third):
        with undo():
            found[person] = signed_in(person).post(BASE + "aufheben/").status_code
    assert list(found.values()) == [200, 200, 302]
    memberships.lift_suspension(membership=membership, by=third)
    memberships.suspend_membership(membership=membership, reason="Noch einmal.", by=third)
    assert "noch nicht vorgeschlagen" in signed_in(world.admin).post(BASE + "aufheben/").text


def memberships_steps() -> tuple[str, ...]:
    return tuple(views.STEPS)


@contextlib.contextmanager
def undo():
    """What happens inside is rolled back."""
    with transaction.atomic():
        yield
        transaction.set_rollback(True)


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
        ({"document": pdf(PDF + b" " * DOCUMENT_MAX_BYTES)}, "document"),
        ({"document": pdf(b"%PDF-1.7\n1 0 obj << >> endobj\n%%EOF\n")}, "document"),
        ({"document": pdf(make_pdf(at=3))}, "document"),
        ({"document": pdf(PDF.replace(b"%PDF", b"<html>%PDF"))}, "document"),
        ({"document": pdf(make_pdf(b"/OpenAction << /S /JavaScript /JS (app.alert(1)) >> "))}, "document"),
        ({"signed_on": "31.02.2022"}, "signed_on"),
        ({"signed_on": "06.10.1900"}, "signed_on"),
        ({"signatory": ""}, "signatory"),
    ],
    ids=[
        "missing",
        "no pdf",
        "empty",
        "too large",
        "no table",
        "wrong table",
        "no head",
        "script",
        "no date",
        "1900",
        "nobody",
    ],
)
def test_bad_signature_is_refused_at_the_field(world, admin, newcomer, changes, field):
    client = admin()
    propose(client)
    describe(client)
    response = sign(client, **changes)
    assert field in errors_of(response, "unterzeichnen")
    assert status_of(newcomer) == MembershipStatus.DRAFT


def test_signature_in_the_future_is_refused(world, admin, newcomer):
    client = admin()
    propose(client)
    describe(client)
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


# The scope and its page.

SCOPE = BASE + "umfang/"


def scoped(client, **changes):
    data = {"level": "cooperation", "groups": [], "categories": [], "areas": [], "valid_until": "", "reason": "Darum."}
    return client.post(SCOPE, data | changes)


def test_scope_before_the_activation_is_what_the_second_person_activates(world, signed_in, newcomer):
    bring_to(newcomer, SIGNED, entered_by=world.admin)
    assert scoped(signed_in(world.second_admin), areas=["west"], level="statistics").status_code == 302
    membership = newcomer.memberships.get()
    assert membership.scope == Scope(level="statistics", areas=frozenset({"west"}))
    assert membership.scope_words == "alle Kategorien; West; höchstens „Nur zählen“."
    assert "nicht selbst aktivieren" in signed_in(world.second_admin).post(BASE + "aktivieren/").text
    assert signed_in(world.admin).post(BASE + "aktivieren/").status_code == 302


def test_narrower_counts_at_once_and_wider_waits_for_a_second_person(world, signed_in, newcomer):
    membership = bring_to(newcomer, ACTIVE, entered_by=world.admin)
    scoped(signed_in(world.admin), areas=["west"])
    membership.refresh_from_db()
    assert (membership.scope_areas, membership.withdrawal) == (["west"], Withdrawal.OUTSIDE)
    scoped(signed_in(world.admin), areas=["west", "ost"])
    membership.refresh_from_db()
    assert membership.scope_areas == ["west"]
    page = signed_in(world.admin).get(BASE).text
    assert "alle Kategorien; West, Ost; höchstens „Kooperation“." in page
    assert "darf ihn nicht selbst bestätigen" in signed_in(world.admin).post(BASE + "umfang-bestaetigen/").text
    assert signed_in(world.second_admin).post(BASE + "umfang-bestaetigen/").status_code == 302
    membership.refresh_from_db()
    assert membership.scope_areas == ["ost", "west"]
    assert "kein Vorschlag" in signed_in(world.second_admin).post(BASE + "umfang-bestaetigen/").text


def test_a_longer_term_waits_and_a_shorter_one_counts(world, signed_in, newcomer):
    membership = bring_to(newcomer, ACTIVE, entered_by=world.admin)
    soon, later = (timezone.localdate() + datetime.timedelta(days=days) for days in (40, 400))
    scoped(signed_in(world.admin), valid_until=f"{soon:%d.%m.%Y}")
    scoped(signed_in(world.admin), valid_until=f"{later:%d.%m.%Y}")
    membership.refresh_from_db()
    assert membership.valid_until == soon
    assert signed_in(world.admin).post(BASE + "umfang-verwerfen/").status_code == 302
    scoped(signed_in(world.second_admin), valid_until="")
    signed_in(world.admin).post(BASE + "umfang-bestaetigen/")
    membership.refresh_from_db()
    assert membership.valid_until is None


def test_scope_that_is_partly_wider_waits_as_a_whole(world, newcomer):
    membership = bring_to(newcomer, ACTIVE, entered_by=world.admin)
    arguments = {"membership": membership, "words": "", "valid_until": None, "reason": "Darum."}
    assert memberships.set_scope(scope=Scope(areas=frozenset({"west"})), by=world.admin, **arguments)
    moved = Scope(level="statistics", areas=frozenset({"ost"}))
    assert not memberships.set_scope(scope=moved, by=world.admin, **arguments)
    memberships.confirm_scope(membership=membership, by=world.second_admin)
    membership.refresh_from_db()
    assert (membership.scope, membership.withdrawal) == (moved, Withdrawal.OUTSIDE)


def test_changed_scope_needs_a_reason_and_a_known_level(world, signed_in, newcomer):
    bring_to(newcomer, ACTIVE, entered_by=world.admin)
    refused = scoped(signed_in(world.admin), areas=["west"], reason=" ")
    assert "reason" in refused.context["form"].errors
    assert scoped(signed_in(world.admin), level="everything").status_code == 200
    assert scoped(signed_in(world.admin), areas=["nirgends"]).status_code == 200
    assert newcomer.memberships.get().scope == Scope()


def test_who_rejoins_waits_until_everything_is_withdrawn(world, signed_in, newcomer):
    membership = bring_to(newcomer, ACTIVE, entered_by=world.admin)
    memberships.end_membership(membership=membership, reason="Austritt.", by=world.admin)
    client = signed_in(world.admin)
    propose(client)
    describe(client)
    sign(client)
    client = signed_in(world.second_admin)
    assert "wird noch zurückgenommen" in client.post(BASE + "aktivieren/").text
    withdraw_all_pending()
    assert client.post(BASE + "aktivieren/").status_code == 302


def test_what_is_agreed_is_shown_to_the_agency_and_to_no_other(world, signed_in):
    Membership.objects.filter(agency=world.police).update(
        **AGREEMENT, scope_words="nur Lärm; West; höchstens „Nur zählen“."
    )
    own = signed_in(world.owner_entry).get("/behoerden/polizei/").text
    assert "Vorzimmer der Leitung" in own
    assert "nur Lärm; West" in own
    foreign = signed_in(world.partner).get("/behoerden/polizei/").text
    assert "Vorzimmer" not in foreign
    assert "nur Lärm" not in foreign
