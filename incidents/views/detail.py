"""One record: its page, and the steps its owner takes on it."""

from __future__ import annotations

from collections.abc import Callable

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_POST, require_safe

from agencies import audit, sharing
from agencies.access import freshly_confirmed
from agencies.models import Agency
from agencies.purpose import purpose_question
from incidents import actions
from incidents.export import cleared_note
from incidents.forms import GrantForm, LevelForm, NoteForm
from incidents.geo import cell_boundary
from incidents.history import history_of
from incidents.models import Record
from incidents.retention import dates_for_owner
from incidents.revisions import blacken as blacken_revision
from incidents.revisions import revisions_of
from incidents.sight import is_granted_singly, reason_for, reason_in_inspection, sight_of_record
from incidents.views.pages import PAGES, inspection_of, map_source, own_record, private_page, visible_record
from incidents.workflow import allowed_steps


@require_safe
@private_page()
def detail(request: HttpRequest, kind: str, pk) -> HttpResponse:
    record = visible_record(request, kind, pk)
    if record.agency_id != request.user.agency_id:
        inspection = inspection_of(record, request.user)
        if inspection is None and (question := purpose_question(request)):
            return question
        purpose = inspection.purpose if inspection else ""
        audit.record(audit.Act.READ, by=request.user, obj=record, owner=record.agency, purpose=purpose)
    return _page(request, record)


def _page(request: HttpRequest, record: Record, **bound_forms) -> HttpResponse:
    """The record's page; `bound_forms` come back with what was typed and what is wrong with it."""
    context = {
        "pages": PAGES[record.kind],
        "record": record,
        "reason": reason_for(record, request.user),
        "is_own": record.agency_id == request.user.agency_id,
        "map_bbox": _bbox(record),
        "map_source": map_source([record.district] if record.district else []),
    }
    if context["is_own"]:
        context |= _own_context(request, record, bound_forms)
    else:
        context |= {"note": cleared_note(record), "is_granted": is_granted_singly(record)}
        if (inspection := inspection_of(record, request.user)) is not None:
            context |= {"is_inspected": True, "reason": reason_in_inspection(inspection)}
    return render(request, "incidents/detail.html", context)


def _own_context(request: HttpRequest, record: Record, bound_forms: dict) -> dict:
    user = request.user
    detail_row = record.detail_model().objects.owned_by(user).select_related("created_by").get(record=record)
    detail_row.agency = record.agency
    granted = sharing.agencies_granted(record)
    may_share = user.can("share_records")
    note = getattr(record, "note", None)
    forms = {}
    if may_share:
        forms["level_form"] = LevelForm(initial={"sharing_level": record.sharing_level}, auto_id="level_%s")
        forms["grant_form"] = _grant_form(record, granted)
    if user.can("enter_records"):
        forms["note_form"] = NoteForm(initial={"text": note.text if note else ""}, auto_id="note_%s")
    return {
        "detail": detail_row,
        "exact_lon": "" if detail_row.lon is None else str(detail_row.lon),
        "exact_lat": "" if detail_row.lat is None else str(detail_row.lat),
        "note": note,
        "sight": sight_of_record(record, granted),
        "granted": granted,
        "history": history_of(record),
        "revisions": revisions_of(record),
        "retention": dates_for_owner(record),
        "may_enter": user.can("enter_records"),
        "may_share": may_share,
        "may_clear": user.can("clear_notes") and note is not None and note.written_by_id != user.pk,
        "steps": [(step.value, step.label) for step in allowed_steps(record.status)],
        **(forms | bound_forms),
    }


def _bbox(record: Record) -> str:
    if record.cell is None:
        return ""
    ring = cell_boundary(record.cell)
    lons, lats = [lon for lon, _ in ring], [lat for _, lat in ring]
    margin = 0.004
    return ",".join(
        f"{value:.6f}" for value in (min(lons) - margin, min(lats) - margin, max(lons) + margin, max(lats) + margin)
    )


def _grant_form(record: Record, granted: list[Agency], data=None) -> GrantForm:
    known = {record.agency_id, *(agency.pk for agency in granted)}
    agencies = [agency for agency in Agency.objects.active() if agency.pk not in known]
    return GrantForm(data, agencies=agencies, auto_id="grant_%s")


def _attempt(request: HttpRequest, record: Record, step: Callable[[], object], done: str, **form) -> HttpResponse:
    """Take the step; on an objection show the page again with it at the form, or at the top where there is none."""
    try:
        step()
    except ValidationError as error:
        for bound in form.values():
            bound.take(error)
        if not form:
            messages.error(request, " ".join(error.messages))
            return redirect(PAGES[record.kind].routes["detail"], pk=record.pk)
        return _page(request, record, **form)
    messages.success(request, done)
    return redirect(PAGES[record.kind].routes["detail"], pk=record.pk)


@require_POST
@private_page()
def advance(request: HttpRequest, kind: str, pk) -> HttpResponse:
    record = own_record(request, kind, pk, "enter_records")
    status = request.POST.get("status", "")
    return _attempt(
        request,
        record,
        lambda: actions.advance(record=record, status=status, by=request.user),
        "Der neue Status ist gespeichert.",
    )


@require_POST
@private_page()
@freshly_confirmed
def level(request: HttpRequest, kind: str, pk) -> HttpResponse:
    record = own_record(request, kind, pk, "share_records")
    form = LevelForm(request.POST, auto_id="level_%s")
    if not form.is_valid():
        return _page(request, record, level_form=form)
    chosen, reason = form.cleaned_data["sharing_level"], form.cleaned_data["reason"]
    return _attempt(
        request,
        record,
        lambda: actions.set_level(record=record, level=chosen, by=request.user, reason=reason),
        "Die neue Freigabestufe gilt ab sofort.",
        level_form=form,
    )


@require_POST
@private_page()
@freshly_confirmed
def grant(request: HttpRequest, kind: str, pk) -> HttpResponse:
    record = own_record(request, kind, pk, "share_records")
    form = _grant_form(record, sharing.agencies_granted(record), request.POST)
    if not form.is_valid():
        return _page(request, record, grant_form=form)
    agency, reason = form.cleaned_data["agency"], form.cleaned_data["reason"]
    return _attempt(
        request,
        record,
        lambda: sharing.grant(record=record, to=agency, by=request.user, reason=reason),
        f"{agency.short_name} sieht die Meldung ab sofort.",
        grant_form=form,
    )


@require_POST
@private_page()
@freshly_confirmed
def revoke(request: HttpRequest, kind: str, pk, slug: str) -> HttpResponse:
    record = own_record(request, kind, pk, "share_records")
    agency = get_object_or_404(Agency, slug=slug)
    if agency not in sharing.agencies_granted(record):
        raise Http404
    return _attempt(
        request,
        record,
        lambda: sharing.revoke(record=record, to=agency, by=request.user),
        f"Die Einzelfreigabe an {agency.short_name} ist zurückgenommen.",
    )


@require_POST
@private_page()
def note(request: HttpRequest, kind: str, pk) -> HttpResponse:
    record = own_record(request, kind, pk, "enter_records")
    form = NoteForm(request.POST, auto_id="note_%s")
    if not form.is_valid():
        return _page(request, record, note_form=form)
    text = form.cleaned_data["text"]
    return _attempt(
        request,
        record,
        lambda: actions.propose_note(record=record, text=text, by=request.user),
        "Der Hinweis ist vorgeschlagen. Sichtbar wird er, sobald eine zweite Person ihn freigibt.",
        note_form=form,
    )


@require_POST
@private_page()
@freshly_confirmed
def clear_note(request: HttpRequest, kind: str, pk) -> HttpResponse:
    record = own_record(request, kind, pk, "clear_notes")
    if getattr(record, "note", None) is None:
        raise Http404
    return _attempt(
        request,
        record,
        lambda: actions.clear_note(record=record, by=request.user),
        "Der Hinweis ist freigegeben.",
    )


@require_POST
@private_page()
def blacken(request: HttpRequest, kind: str, pk, revision: int) -> HttpResponse:
    record = own_record(request, kind, pk, "share_records")
    remembered = get_object_or_404(record.revisions, pk=revision)
    return _attempt(
        request,
        record,
        lambda: blacken_revision(record=record, revision=remembered, by=request.user),
        "Die Angaben dieser Änderung sind geschwärzt.",
    )
