"""The life of a membership, from draft to ended. Every step is logged in the transaction that takes it.

Two pairs of eyes: for the activation, for lifting a suspension, and for whatever lets more out than was agreed.
One pair is enough for what lets less out, and that counts at once.
"""

from __future__ import annotations

import datetime

from django.core.exceptions import PermissionDenied, ValidationError
from django.core.files import File
from django.db import models, transaction
from django.utils import timezone

from agencies import audit
from agencies.listeners import tell_membership_change
from agencies.membership_models import MembershipStep, ScopeProposal, Withdrawal
from agencies.models import Agency, Membership, MembershipKind, MembershipStatus
from agencies.scope import Scope
from agencies.sessions import end_sessions_of

# Allowed steps of a membership.
MEMBERSHIP_STEPS: dict[MembershipStatus, frozenset[MembershipStatus]] = {
    MembershipStatus.DRAFT: frozenset({MembershipStatus.SIGNED, MembershipStatus.ENDED}),
    MembershipStatus.SIGNED: frozenset({MembershipStatus.ACTIVE, MembershipStatus.ENDED}),
    MembershipStatus.ACTIVE: frozenset({MembershipStatus.SUSPENDED, MembershipStatus.ENDED}),
    MembershipStatus.SUSPENDED: frozenset({MembershipStatus.ACTIVE, MembershipStatus.ENDED}),
    MembershipStatus.ENDED: frozenset(),
}
PREPARING = (MembershipStatus.DRAFT, MembershipStatus.SIGNED)
IN_FORCE = (MembershipStatus.ACTIVE, MembershipStatus.SUSPENDED)
EXPIRED = "Die vereinbarte Laufzeit ist abgelaufen."


class Step(models.TextChoices):
    PROPOSED = "draft", "Entwurf angelegt"
    DESCRIBED = "described", "Zweck und Ansprechperson eingetragen"
    SCOPED = "scoped", "Umfang und Laufzeit festgelegt"
    SIGNED = "signed", "Unterzeichnete Vereinbarung eingetragen"
    ACTIVATED = "active", "Aktiviert"
    WIDENING = "widening", "Weiteren Umfang vorgeschlagen"
    WIDENED = "widened", "Weiteren Umfang bestätigt"
    WIDENING_DROPPED = "widening_dropped", "Vorschlag zum Umfang verworfen"
    SUSPENDED = "suspended", "Ausgesetzt"
    LIFTING = "lifting", "Aufhebung der Aussetzung vorgeschlagen"
    LIFTED = "lifted", "Aussetzung aufgehoben"
    ENDED = "ended", "Beendet"
    WITHDRAWN = "withdrawn", "Freigegebenes zurückgenommen"


@transaction.atomic
def propose_membership(
    *, agency: Agency, kind: MembershipKind, valid_from: datetime.date, valid_until: datetime.date | None = None, by
) -> Membership:
    """Begin anew. Whoever was a member before starts from nothing shared: what may be left is looked for once more."""
    _require_administration(by)
    if agency.memberships.current().exists():
        raise ValidationError("Diese Behörde hat bereits eine Mitgliedschaft. Bitte zuerst die bestehende beenden.")
    agency.memberships.update(withdrawal=Withdrawal.ALL)
    membership = Membership.objects.create(
        agency=agency, kind=kind, valid_from=valid_from, valid_until=valid_until, proposed_by=by
    )
    note_step(membership, Step.PROPOSED, by)
    return membership


@transaction.atomic
def describe_agreement(
    *,
    membership: Membership,
    purpose: str,
    legal_basis: str,
    contact_name: str,
    contact_email: str,
    contact_function: str = "",
    contact_phone: str = "",
    notice: str = "",
    by,
) -> None:
    """Enter why the agency takes part, on what basis, and whom to ask there."""
    membership = _opened(membership, by)
    values = {
        "purpose": purpose,
        "legal_basis": legal_basis,
        "contact_name": contact_name,
        "contact_function": contact_function,
        "contact_email": contact_email,
        "contact_phone": contact_phone,
        "notice": notice,
    }
    for name, value in values.items():
        setattr(membership, name, value.strip())
    _note_enterer(membership, by)
    membership.save()
    note_step(membership, Step.DESCRIBED, by)


@transaction.atomic
def set_scope(
    *, membership: Membership, scope: Scope, words: str, valid_until: datetime.date | None, reason: str, by
) -> bool:
    """Set what the agency may give and until when; True if it counts now, False if it waits for a second person.

    Before the activation it is part of what the second person activates. Afterwards a scope and a term within the
    old ones count at once, and what lies outside is withdrawn; anything wider waits as a whole.
    """
    membership = _opened(membership, by)
    if not reason.strip() and membership.status in IN_FORCE:
        raise ValidationError({"reason": "Es fehlt die Begründung. Bitte angeben, warum sich der Umfang ändert."})
    if valid_until is not None and valid_until < membership.valid_from:
        raise ValidationError({"valid_until": "Die Mitgliedschaft endet vor ihrem Beginn. Bitte das Ende prüfen."})
    is_narrower = scope.is_within(membership.scope) and _is_shorter(valid_until, membership.valid_until)
    ScopeProposal.objects.filter(membership=membership).delete()
    if membership.status in PREPARING or is_narrower:
        _note_enterer(membership, by)
        _take_scope(membership, scope, words, valid_until)
        note_step(membership, Step.SCOPED, by, _scope_text(words, valid_until, reason))
        return True
    proposal = ScopeProposal(membership=membership, agency=membership.agency, proposed_by=by, reason=reason)
    proposal.take_scope(scope, words)
    proposal.valid_until = valid_until
    proposal.save()
    note_step(membership, Step.WIDENING, by, _scope_text(words, valid_until, reason))
    return False


@transaction.atomic
def confirm_scope(*, membership: Membership, by) -> None:
    """Second pair of eyes for a wider scope or a longer term: never whoever has proposed it."""
    membership = _opened(membership, by)
    proposal = _proposal(membership)
    if by is not None and proposal.proposed_by_id == by.pk:
        raise ValidationError(
            "Wer den Umfang vorgeschlagen hat, darf ihn nicht selbst bestätigen. "
            "Bitte eine zweite Person der Administration bitten."
        )
    _take_scope(membership, proposal.scope, proposal.scope_words, proposal.valid_until)
    note_step(membership, Step.WIDENED, by, _scope_text(proposal.scope_words, proposal.valid_until, ""))
    proposal.delete()


@transaction.atomic
def drop_scope(*, membership: Membership, by) -> None:
    membership = _opened(membership, by)
    _proposal(membership).delete()
    note_step(membership, Step.WIDENING_DROPPED, by)


@transaction.atomic
def sign_membership(
    *, membership: Membership, signed_on: datetime.date, signatory: str, document: File | None, by
) -> None:
    """Enter the signed agreement: date, signatory and the document itself."""
    membership = _opened(membership, by)
    if missing := membership.missing_in_agreement():
        raise ValidationError(f"Es fehlt noch: {', '.join(missing)}. Bitte zuerst die Vereinbarung beschreiben.")
    if document is None:
        raise ValidationError("Es fehlt das unterzeichnete Dokument. Bitte die Datei anfügen.")
    if signed_on > timezone.localdate():
        raise ValidationError("Das Datum der Unterschrift liegt in der Zukunft. Bitte das Datum prüfen.")
    _go_to(membership, MembershipStatus.SIGNED)
    membership.signed_on, membership.signatory, membership.document = signed_on, signatory, document
    membership.proposed_by = by
    membership.save()
    note_step(membership, Step.SIGNED, by)


@transaction.atomic
def activate_membership(*, membership: Membership, by) -> None:
    """Second pair of eyes: whoever entered the agreement last cannot activate it."""
    membership = _opened(membership, by)
    if membership.status == MembershipStatus.SUSPENDED:
        raise ValidationError(
            "Die Mitgliedschaft ist ausgesetzt. Bitte die Aufhebung vorschlagen und "
            "von einer zweiten Person bestätigen lassen."
        )
    if membership.status == MembershipStatus.SIGNED and by is not None and membership.proposed_by_id == by.pk:
        raise ValidationError(
            "Wer die Vereinbarung eingetragen hat, darf sie nicht selbst aktivieren. "
            "Bitte eine zweite Person der Administration bitten."
        )
    _go_to(membership, MembershipStatus.ACTIVE)
    _require_term(membership)
    if Membership.objects.filter(agency=membership.agency, withdrawal=Withdrawal.ALL).exists():
        raise ValidationError(
            "Was die Behörde früher freigegeben hatte, wird noch zurückgenommen. "
            "Bitte in einigen Minuten noch einmal versuchen."
        )
    membership.activated_by, membership.activated_at = by, timezone.now()
    membership.save()
    note_step(membership, Step.ACTIVATED, by)


@transaction.atomic
def suspend_membership(*, membership: Membership, reason: str, by) -> None:
    """Nothing flows from the next statement on: every query asks for active memberships anew.

    The agency's people are signed off, so that nothing goes on from what they had stated or opened as members.
    """
    membership = _opened(membership, by)
    _require_reason(reason)
    _go_to(membership, MembershipStatus.SUSPENDED)
    membership.reason, membership.suspended_by, membership.lifting_proposed_by = reason, by, None
    membership.save()
    end_sessions_of(membership.agency, by=by)
    note_step(membership, Step.SUSPENDED, by, reason)
    tell_membership_change()


@transaction.atomic
def propose_lifting(*, membership: Membership, reason: str, by) -> None:
    membership = _opened(membership, by)
    _require_reason(reason)
    if membership.status != MembershipStatus.SUSPENDED:
        raise ValidationError("Die Mitgliedschaft ist nicht ausgesetzt. Bitte den Stand der Mitgliedschaft prüfen.")
    membership.lifting_proposed_by = by
    membership.save(update_fields=("lifting_proposed_by",))
    note_step(membership, Step.LIFTING, by, reason)


@transaction.atomic
def lift_suspension(*, membership: Membership, by) -> None:
    """Confirm a proposed lifting: never whoever has proposed it, and never whoever has suspended."""
    membership = _opened(membership, by)
    was_proposed = membership.steps.filter(step__in=(Step.SUSPENDED, Step.LIFTING)).first()
    if membership.status != MembershipStatus.SUSPENDED or was_proposed is None or was_proposed.step != Step.LIFTING:
        raise ValidationError("Die Aufhebung ist noch nicht vorgeschlagen. Bitte zuerst vorschlagen.")
    if by is not None and by.pk in (membership.lifting_proposed_by_id, membership.suspended_by_id):
        raise ValidationError(
            "Wer die Mitgliedschaft ausgesetzt oder die Aufhebung vorgeschlagen hat, darf sie nicht bestätigen. "
            "Bitte eine andere Person der Administration bitten."
        )
    _require_term(membership)
    membership.status = MembershipStatus.ACTIVE
    membership.suspended_by = membership.lifting_proposed_by = None
    membership.activated_by, membership.activated_at = by, timezone.now()
    membership.save()
    note_step(membership, Step.LIFTED, by)
    tell_membership_change()


@transaction.atomic
def end_membership(*, membership: Membership, reason: str, by) -> None:
    """End it today, or on the day the term ran out; what the agency had shared is then withdrawn in the background."""
    membership = _opened(membership, by)
    _require_reason(reason)
    was_in_force = membership.status in IN_FORCE
    _go_to(membership, MembershipStatus.ENDED)
    membership.reason = reason
    last_day = max(timezone.localdate(), membership.valid_from)
    membership.valid_until = last_day if membership.valid_until is None else min(membership.valid_until, last_day)
    membership.withdrawal = Withdrawal.ALL if was_in_force else Withdrawal.NOTHING
    membership.save()
    ScopeProposal.objects.filter(membership=membership).delete()
    if was_in_force:
        end_sessions_of(membership.agency, by=by)
        tell_membership_change()
    note_step(membership, Step.ENDED, by, reason)


def withdraw_outside() -> int:
    """Have what lies outside the agreements looked for and withdrawn at every agency; the number of agencies."""
    members = Membership.objects.filter(status__in=IN_FORCE, withdrawal=Withdrawal.NOTHING)
    return members.update(withdrawal=Withdrawal.OUTSIDE)


def note_step(membership: Membership, step: Step, by, text: str = "") -> None:
    """One line in the membership's own history and one in the log."""
    MembershipStep.objects.create(agency=membership.agency, membership=membership, step=step, by=by, text=text)
    audit.record(
        audit.Act.MEMBERSHIP_CHANGED,
        by=by,
        obj=membership,
        owner=membership.agency,
        status=membership.status,
        step=step.value,
    )


def _opened(membership: Membership, by) -> Membership:
    """The membership, locked, for somebody who may take steps with it."""
    _require_administration(by)
    return Membership.objects.select_for_update(of=("self",)).select_related("agency").get(pk=membership.pk)


def _go_to(membership: Membership, status: MembershipStatus) -> None:
    if status not in MEMBERSHIP_STEPS[MembershipStatus(membership.status)]:
        raise ValidationError(
            f"Von „{membership.get_status_display()}“ führt kein Weg zu „{status.label}“. "
            "Bitte den Stand der Mitgliedschaft prüfen."
        )
    membership.status = status


def _note_enterer(membership: Membership, by) -> None:
    """Until the activation whoever changed the agreement last is the one who entered it."""
    if membership.status in PREPARING:
        membership.proposed_by = by


def _proposal(membership: Membership) -> ScopeProposal:
    proposal = ScopeProposal.objects.filter(membership=membership).first()
    if proposal is None:
        raise ValidationError("Es liegt kein Vorschlag zum Umfang vor. Bitte die Seite neu laden.")
    return proposal


def _is_shorter(until: datetime.date | None, before: datetime.date | None) -> bool:
    return before is None or (until is not None and until <= before)


def _take_scope(membership: Membership, scope: Scope, words: str, valid_until: datetime.date | None) -> None:
    if membership.status in IN_FORCE and not membership.scope.is_within(scope):
        membership.withdrawal = Withdrawal.OUTSIDE
    if valid_until != membership.valid_until:
        membership.reminded_days = None
    membership.take_scope(scope, words)
    membership.valid_until = valid_until
    membership.save()


def _scope_text(words: str, valid_until: datetime.date | None, reason: str) -> str:
    term = f"Laufzeit bis {valid_until:%d.%m.%Y}." if valid_until else "Laufzeit unbefristet."
    return " ".join(part for part in (words, term, reason.strip()) if part)


def _require_term(membership: Membership) -> None:
    if membership.valid_until is not None and membership.valid_until < timezone.localdate():
        raise ValidationError(f"{EXPIRED} Bitte die Mitgliedschaft beenden und eine neue Vereinbarung schließen.")


def _require_reason(reason: str) -> None:
    if not reason.strip():
        raise ValidationError("Es fehlt die Begründung. Bitte angeben, warum die Mitgliedschaft sich ändert.")


def _require_administration(by) -> None:
    if by is not None and not by.can("administer_memberships"):
        raise PermissionDenied("Nur die Administration darf Mitgliedschaften ändern.")
