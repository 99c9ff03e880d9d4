"""The guided process of a membership, for the administration; its document also for the agency itself."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass

from django import forms
from django.contrib import messages
from django.http import FileResponse, Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods, require_safe

from agencies import audit, memberships
from agencies.access import agency_required, freshly_confirmed, requires
from agencies.forms import went_through
from agencies.membership_forms import AgreementForm, ConfirmForm, ProposeForm, ReasonForm, SignForm
from agencies.membership_models import Withdrawal
from agencies.memberships import IN_FORCE, PREPARING, Step
from agencies.models import Agency, Membership, MembershipStatus

DRAFT, SIGNED, ACTIVE, SUSPENDED, ENDED = MembershipStatus


@dataclass(frozen=True)
class Offer:
    """One form of the process: from which states it is offered, and what it says and does."""

    title: str
    form: type[forms.Form]
    action: Callable
    done: str
    states: tuple[MembershipStatus, ...]
    text: str = ""
    is_grave: bool = False


# By the part of the address. A step that does not fit the state is refused by its action.
STEPS = {
    "vorschlagen": Offer(
        "Entwurf anlegen", ProposeForm, memberships.propose_membership, "Der Entwurf ist angelegt.", ()
    ),
    "beschreiben": Offer(
        "Zweck und Ansprechperson",
        AgreementForm,
        memberships.describe_agreement,
        "Zweck und Ansprechperson sind eingetragen.",
        (*PREPARING, *IN_FORCE),
    ),
    "unterzeichnen": Offer(
        "Unterzeichnete Vereinbarung eintragen",
        SignForm,
        memberships.sign_membership,
        "Die Vereinbarung ist eingetragen. Als Nächstes aktiviert eine zweite Person die Mitgliedschaft.",
        (DRAFT,),
    ),
    "aktivieren": Offer(
        "Mitgliedschaft aktivieren",
        ConfirmForm,
        memberships.activate_membership,
        "Die Mitgliedschaft ist aktiv. Freigegebene Meldungen fließen ab sofort in beide Richtungen.",
        (SIGNED,),
        "Ab der Aktivierung fließen freigegebene Meldungen in beide Richtungen. "
        "Aktivieren darf nur, wer die Vereinbarung nicht selbst zuletzt eingetragen hat.",
    ),
    "umfang-bestaetigen": Offer(
        "Weiteren Umfang bestätigen",
        ConfirmForm,
        memberships.confirm_scope,
        "Der weitere Umfang gilt ab sofort.",
        IN_FORCE,
        "Bestätigen darf nur, wer den Umfang nicht selbst vorgeschlagen hat.",
    ),
    "umfang-verwerfen": Offer(
        "Vorschlag verwerfen", ConfirmForm, memberships.drop_scope, "Der Vorschlag ist verworfen.", IN_FORCE
    ),
    "aufhebung": Offer(
        "Aufhebung der Aussetzung vorschlagen",
        ReasonForm,
        memberships.propose_lifting,
        "Die Aufhebung ist vorgeschlagen. Sie gilt, sobald eine zweite Person sie bestätigt.",
        (SUSPENDED,),
        "Die Aussetzung endet erst, wenn eine zweite Person die Aufhebung bestätigt.",
    ),
    "aufheben": Offer(
        "Aufhebung der Aussetzung bestätigen",
        ConfirmForm,
        memberships.lift_suspension,
        "Die Aussetzung ist aufgehoben. Freigegebene Meldungen fließen wieder in beide Richtungen.",
        (SUSPENDED,),
        "Ab der Bestätigung fließen freigegebene Meldungen wieder in beide Richtungen. Bestätigen darf nur, wer die "
        "Mitgliedschaft nicht ausgesetzt und die Aufhebung nicht vorgeschlagen hat.",
    ),
    "aussetzen": Offer(
        "Mitgliedschaft aussetzen",
        ReasonForm,
        memberships.suspend_membership,
        "Die Mitgliedschaft ist ausgesetzt. Die Personen der Behörde sind abgemeldet.",
        (ACTIVE,),
        "Die Behörde gibt und erhält ab sofort nichts mehr. Ihre Beschäftigten sehen weiter die eigenen Meldungen. "
        "Die Aussetzung heben später zwei Personen der Administration gemeinsam auf.",
        is_grave=True,
    ),
    "beenden": Offer(
        "Mitgliedschaft beenden",
        ReasonForm,
        memberships.end_membership,
        "Die Mitgliedschaft ist beendet.",
        (*PREPARING, *IN_FORCE),
        "Die Mitgliedschaft endet heute. Alles Freigegebene wird den Partnern entzogen und auf „Nur eigene Behörde“ "
        "gesetzt. Ein neuer Beitritt beginnt mit einem neuen Entwurf und ohne Freigaben.",
        is_grave=True,
    ),
}


def _offered(membership: Membership | None, proposal) -> list[str]:
    if membership is None:
        return ["vorschlagen"]
    names = [name for name, offer in STEPS.items() if membership.status in offer.states]
    unfit = set()
    if proposal is None:
        unfit |= {"umfang-bestaetigen", "umfang-verwerfen"}
    if membership.status == SUSPENDED:
        unfit.add("aufhebung" if _lifting_is_proposed(membership) else "aufheben")
    if membership.missing_in_agreement():
        unfit.add("unterzeichnen")
    return [name for name in names if name not in unfit]


def _lifting_is_proposed(membership: Membership) -> bool:
    last = membership.steps.filter(step__in=(Step.SUSPENDED, Step.LIFTING)).first()
    return last is not None and last.step == Step.LIFTING


@requires("administer_memberships")
@require_http_methods(["GET", "POST"])
@freshly_confirmed
def membership_steps(request: HttpRequest, slug: str, step: str = "") -> HttpResponse:
    """Show the process with one form per allowed step; take the posted one."""
    agency = get_object_or_404(Agency.objects.visible_to(request.user), slug=slug)
    membership = agency.memberships.current().select_related("proposed_by", "proposal__proposed_by").first()
    proposal = getattr(membership, "proposal", None)
    bound = {name: _blank(name, membership) for name in _offered(membership, proposal)}
    if request.method == "POST":
        if not step:
            raise Http404
        form = STEPS[step].form(request.POST, request.FILES, prefix=step)
        if _take(step, form, agency, membership, request.user):
            messages.success(request, STEPS[step].done)
            return redirect("agencies:membership", slug=agency.slug)
        bound[step] = form
    return render(request, "agencies/membership.html", _context(request, agency, membership, proposal, bound))


def _blank(name: str, membership: Membership | None) -> forms.Form:
    form = STEPS[name].form(prefix=name)
    if name == "beschreiben":
        form.initial = {field: getattr(membership, field) for field in form.fields}
    return form


def _take(step: str, form: forms.Form, agency: Agency, membership: Membership | None, by) -> bool:
    if not form.is_valid():
        return False
    target = {"agency": agency} if step == "vorschlagen" else {"membership": membership}
    if membership is None and step != "vorschlagen":
        form.add_error(None, "Die Behörde hat keine laufende Mitgliedschaft. Bitte zuerst einen Entwurf anlegen.")
        return False
    values = dict(form.cleaned_data)
    if step == "unterzeichnen":
        # The name the file had on somebody's computer is nobody's business here.
        values["document"].name = f"{agency.slug}-{secrets.token_hex(8)}.pdf"
    return went_through(form, STEPS[step].action, **target, **values, by=by)


def _context(request, agency: Agency, membership: Membership | None, proposal, bound: dict[str, forms.Form]) -> dict:
    last = membership or agency.memberships.first()
    history = last.steps.select_related("by") if last else ()
    by = request.user
    barred = _barred(membership, proposal, by)
    return {
        "agency": agency,
        "membership": membership,
        "proposal": proposal,
        "stages": _stages(last, membership),
        "next_points": _missing(membership, by),
        "steps": [
            {
                "name": name,
                "offer": STEPS[name],
                "form": form,
                "barred": barred.get(name, ""),
                "is_folded": name == "beschreiben" and not form.is_bound and not membership.missing_in_agreement(),
            }
            for name, form in bound.items()
        ],
        "history": [{"label": Step(row.step).label, "row": row} for row in history],
        "is_withdrawing": last is not None and last.withdrawal != Withdrawal.NOTHING,
    }


def _stages(last: Membership | None, membership: Membership | None) -> list[dict]:
    reached = {}
    if last is not None:
        for row in last.steps.select_related("by").order_by("at", "pk"):
            status = MembershipStatus.ACTIVE if row.step == Step.LIFTED else row.step
            reached[status] = row
    current = membership.status if membership else None
    return [
        {"label": status.label, "is_current": status == current, "reached": reached.get(status.value)}
        for status in MembershipStatus
    ]


def _missing(membership: Membership | None, by) -> list[str]:
    """What is still missing for the next step, in plain sentences."""
    if membership is None:
        return ["Es gibt noch keinen Entwurf."]
    points = [f"Es fehlt: {name}." for name in membership.missing_in_agreement()] if membership.status == DRAFT else []
    if membership.status == DRAFT:
        points.append("Es fehlt die unterzeichnete Vereinbarung als PDF.")
    if membership.status == SIGNED:
        points.append(
            "Sie haben die Vereinbarung zuletzt eingetragen; es fehlt die Aktivierung durch eine zweite Person."
            if membership.proposed_by_id == by.pk
            else "Es fehlt die Aktivierung. Bitte prüfen Sie vorher Dokument, Umfang und Laufzeit."
        )
    if membership.status == SUSPENDED:
        points.append(
            "Es fehlt die Bestätigung der Aufhebung durch eine zweite Person."
            if _lifting_is_proposed(membership)
            else "Die Aufhebung ist noch nicht vorgeschlagen."
        )
    return points


def _barred(membership: Membership | None, proposal, by) -> dict[str, str]:
    """Steps the person sees and may not take, with the reason."""
    if membership is None:
        return {}
    barred = {}
    if membership.status == SIGNED and membership.proposed_by_id == by.pk:
        barred["aktivieren"] = "Sie haben die Vereinbarung zuletzt eingetragen."
    if membership.status == SUSPENDED and by.pk in (membership.suspended_by_id, membership.lifting_proposed_by_id):
        barred["aufheben"] = "Sie haben die Mitgliedschaft ausgesetzt oder die Aufhebung vorgeschlagen."
    if proposal is not None and proposal.proposed_by_id == by.pk:
        barred["umfang-bestaetigen"] = "Sie haben diesen Umfang vorgeschlagen."
    return barred


@agency_required
@require_safe
def membership_document(request: HttpRequest, slug: str, pk: int) -> FileResponse:
    """The signed agreement, for the administration and the agency itself; every opening is logged."""
    user = request.user
    rows = Membership.objects.visible_to(user).select_related("agency").exclude(document="")
    membership = get_object_or_404(rows, agency__slug=slug, pk=pk)
    if not (user.can("administer_memberships") or membership.agency_id == user.agency_id):
        raise Http404
    try:
        content = membership.document.open("rb")
    except FileNotFoundError as error:
        raise Http404 from error
    audit.record(audit.Act.READ, by=user, obj=membership, owner=membership.agency, part="document")
    name = f"Vereinbarung-{membership.agency.slug}.pdf"
    return FileResponse(content, as_attachment=True, filename=name, content_type="application/pdf")
