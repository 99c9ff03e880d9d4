"""Meetings: list, page, invitation, edition, and the chair's steps."""

from __future__ import annotations

from collections.abc import Callable

from django.conf import settings
from django.contrib import messages
from django.core.exceptions import ValidationError
from django.core.paginator import Paginator
from django.db.models import Count, Prefetch
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from agencies import audit
from agencies.access import requires
from agencies.forms import went_through
from agencies.purpose import purpose_question
from agencies.visibility import reads_picture
from conferences import actions
from conferences.briefing import freeze_for
from conferences.forms import ConferenceFilter, ConferenceForm, EditionForm
from conferences.models import Conference, ConferenceStatus, Measure
from conferences.views.measures import measure_lines
from lagebild.edition_views import pdf_response
from lagebild.models import Edition

PAGE_SIZE = 50
STATUS_TONES = {
    ConferenceStatus.PLANNED: "neutral",
    ConferenceStatus.INVITED: "info",
    ConferenceStatus.HELD: "success",
    ConferenceStatus.CANCELLED: "warning",
}
# Steps without a form: the part of the address, the action and what to say afterwards.
STEPS: dict[str, tuple[Callable, str]] = {
    "einladen": (actions.invite, "Die eingeladenen Behörden sehen die Konferenz jetzt."),
    "durchgefuehrt": (actions.hold, "Die Konferenz ist als durchgeführt festgehalten."),
    "absagen": (actions.cancel, "Die Konferenz ist abgesagt."),
    "lagebild-einfrieren": (freeze_for, "Das neueste Lagebild liegt der Konferenz als Ausgabe vor."),
}


def visible_conference(request: HttpRequest, pk) -> Conference:
    return get_object_or_404(Conference.objects.visible_to(request.user).without_print(), pk=pk)


@requires("read_picture")
@require_safe
def conference_list(request: HttpRequest) -> HttpResponse:
    form = ConferenceFilter(request.GET)
    rows = Conference.objects.visible_to(request.user).without_print().annotate(invited=Count("invitations"))
    rows = rows.order_by("-starts_at")
    if form.is_valid():
        if form.cleaned_data["body"]:
            rows = rows.filter(body=form.cleaned_data["body"])
        if form.cleaned_data["when"] == "coming":
            rows = rows.filter(starts_at__gte=timezone.now()).order_by("starts_at")
        elif form.cleaned_data["when"] == "past":
            rows = rows.filter(starts_at__lt=timezone.now())
    page = Paginator(rows, PAGE_SIZE).get_page(request.GET.get("page"))
    context = {
        "page_obj": page,
        "lines": [(conference, STATUS_TONES[conference.status]) for conference in page],
        "filter_form": form,
        "is_filtered": any(request.GET.get(name) for name in form.fields),
        "reset_url": reverse("conferences:list"),
        "runs": request.user.can("run_conferences") and request.user.agency.is_sharing,
    }
    return render(request, "conferences/conference_list.html", context)


@requires("read_picture")
@require_safe
def conference_detail(request: HttpRequest, pk) -> HttpResponse:
    """What is still open from earlier meetings first, then agenda, decisions and edition.

    Guests get the invitation and the edition: no findings, decisions or measures.
    """
    conference = visible_conference(request, pk)
    user = request.user
    is_member = reads_picture(user)
    earlier = Measure.objects.visible_to(user).open().decided_before(conference).with_names()
    own = Measure.objects.visible_to(user).with_names()
    context = {
        "conference": conference,
        "tone": STATUS_TONES[conference.status],
        "is_member": is_member,
        "runs": user.can("run_conferences"),
        "is_changeable": conference.status in actions.CHANGEABLE,
        "earlier": measure_lines(earlier) if is_member else [],
        "agenda": list(conference.agenda_items.select_related("finding")),
        "decisions": _decisions(conference, own) if is_member else [],
        "invited": [row.agency for row in conference.invitations.select_related("agency")],
        "voters": len(actions.voting_agencies(conference)),
    }
    return render(request, "conferences/conference_detail.html", context)


def _decisions(conference: Conference, measures) -> list[dict]:
    """The decisions with their measures; two queries."""
    rows = conference.decisions.select_related("agenda_item").prefetch_related(Prefetch("measures", queryset=measures))
    return [{"decision": row, "measures": measure_lines(row.measures.all())} for row in rows]


@requires("run_conferences")
@require_http_methods(["GET", "POST"])
def conference_create(request: HttpRequest) -> HttpResponse:
    form = ConferenceForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            conference = actions.create_conference(**form.values(), by=request.user)
        except ValidationError as error:
            form.add_error(None, error)
        else:
            messages.success(request, "Die Konferenz ist geplant. Nach der Tagesordnung können Sie einladen.")
            return redirect("conferences:detail", pk=conference.pk)
    return render(request, "conferences/conference_form.html", {"form": form})


@requires("run_conferences")
@require_http_methods(["GET", "POST"])
def conference_edit(request: HttpRequest, pk) -> HttpResponse:
    conference = visible_conference(request, pk)
    form = ConferenceForm(request.POST or None, conference=conference)
    is_valid = request.method == "POST" and form.is_valid()
    if is_valid and went_through(
        form, actions.change_conference, conference=conference, **form.values(), by=request.user
    ):
        messages.success(request, "Die Änderungen sind gespeichert.")
        return redirect("conferences:detail", pk=pk)
    return render(request, "conferences/conference_form.html", {"form": form, "conference": conference})


@requires("run_conferences")
@require_POST
def conference_step(request: HttpRequest, pk, step: str) -> HttpResponse:
    conference = visible_conference(request, pk)
    if step not in STEPS:
        raise Http404
    action, done = STEPS[step]
    try:
        action(conference=conference, by=request.user)
    except ValidationError as error:
        messages.error(request, error.messages[0])
    else:
        messages.success(request, done)
    return redirect("conferences:detail", pk=pk)


@requires("run_conferences")
@require_POST
def conference_discard(request: HttpRequest, pk) -> HttpResponse:
    try:
        actions.discard(conference=visible_conference(request, pk), by=request.user)
    except ValidationError as error:
        messages.error(request, error.messages[0])
        return redirect("conferences:detail", pk=pk)
    messages.success(request, "Der Entwurf der Konferenz ist gelöscht.")
    return redirect("conferences:list")


@requires("run_conferences")
@require_http_methods(["GET", "POST"])
def conference_edition(request: HttpRequest, pk) -> HttpResponse:
    """Choose the frozen edition that lies before the meeting."""
    conference = visible_conference(request, pk)
    form = EditionForm(request.POST or None, actor=request.user, initial={"edition": conference.edition_id})
    if request.method == "POST" and form.is_valid():
        edition = form.cleaned_data["edition"]
        if went_through(form, actions.attach_edition, conference=conference, edition=edition, by=request.user):
            messages.success(request, f"{edition} liegt der Konferenz vor.")
            return redirect("conferences:detail", pk=pk)
    context = {"form": form, "conference": conference, "has_editions": form.fields["edition"].queryset.exists()}
    return render(request, "conferences/edition_form.html", context)


@requires("read_picture")
@require_safe
def conference_pdf(request: HttpRequest, pk) -> HttpResponse:
    """The edition of this meeting, for whoever is invited to it, guests included. Logged as a print."""
    conference = visible_conference(request, pk)
    edition = get_object_or_404(Edition.objects.defer("content"), pk=conference.edition_id)
    if reads_picture(request.user) and (question := purpose_question(request)):
        return question
    audit.record(audit.Act.PRINTED, by=request.user, obj=edition, conference=str(conference.pk))
    return pdf_response(bytes(edition.pdf), f"Lagebild-{edition.number}.pdf")


@requires("read_picture")
@require_safe
def conference_invitation(request: HttpRequest, pk) -> HttpResponse:
    """Invitation and agenda on one sheet, for printing."""
    conference = visible_conference(request, pk)
    audit.record(audit.Act.PRINTED, by=request.user, obj=conference)
    context = {
        "conference": conference,
        "agenda": list(conference.agenda_items.all()),
        "invited": [row.agency for row in conference.invitations.select_related("agency")],
        "today": timezone.localdate(),
        "marking": settings.MARKING,
    }
    return render(request, "conferences/invitation.html", context)
