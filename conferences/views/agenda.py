"""Agenda items and decisions of a meeting, for the chair."""

from __future__ import annotations

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods, require_POST

from agencies.access import requires
from agencies.forms import went_through
from conferences import actions
from conferences.forms import AgendaItemForm, DecisionForm
from conferences.models import AgendaItem
from conferences.views.meetings import visible_conference


def _item(request: HttpRequest, pk, item_pk: int) -> AgendaItem:
    conference = visible_conference(request, pk)
    return get_object_or_404(conference.agenda_items.select_related("conference"), pk=item_pk)


@requires("run_conferences")
@require_http_methods(["GET", "POST"])
def item_add(request: HttpRequest, pk) -> HttpResponse:
    conference = visible_conference(request, pk)
    form = AgendaItemForm(request.POST or None, actor=request.user, initial={"finding": request.GET.get("finding")})
    is_valid = request.method == "POST" and form.is_valid()
    if is_valid and went_through(
        form, actions.add_agenda_item, conference=conference, **form.cleaned_data, by=request.user
    ):
        messages.success(request, "Der Punkt steht auf der Tagesordnung.")
        return redirect("conferences:detail", pk=pk)
    return render(request, "conferences/agenda_form.html", {"form": form, "conference": conference})


@requires("run_conferences")
@require_http_methods(["GET", "POST"])
def item_edit(request: HttpRequest, pk, item_pk: int) -> HttpResponse:
    item = _item(request, pk, item_pk)
    initial = {"title": item.title, "note": item.note, "finding": item.finding_id}
    form = AgendaItemForm(request.POST or None, actor=request.user, initial=initial)
    is_valid = request.method == "POST" and form.is_valid()
    if is_valid and went_through(form, actions.change_agenda_item, item=item, **form.cleaned_data, by=request.user):
        messages.success(request, "Der Tagesordnungspunkt ist gespeichert.")
        return redirect("conferences:detail", pk=pk)
    return render(request, "conferences/agenda_form.html", {"form": form, "conference": item.conference, "item": item})


@requires("run_conferences")
@require_POST
def item_move(request: HttpRequest, pk, item_pk: int) -> HttpResponse:
    item = _item(request, pk, item_pk)
    try:
        actions.move_agenda_item(item=item, up=request.POST.get("direction") == "up", by=request.user)
    except ValidationError as error:
        messages.error(request, error.messages[0])
    return redirect("conferences:detail", pk=pk)


@requires("run_conferences")
@require_POST
def item_remove(request: HttpRequest, pk, item_pk: int) -> HttpResponse:
    try:
        actions.remove_agenda_item(item=_item(request, pk, item_pk), by=request.user)
    except ValidationError as error:
        messages.error(request, error.messages[0])
    else:
        messages.success(request, "Der Punkt ist von der Tagesordnung genommen.")
    return redirect("conferences:detail", pk=pk)


@requires("run_conferences")
@require_http_methods(["GET", "POST"])
def decision_add(request: HttpRequest, pk) -> HttpResponse:
    conference = visible_conference(request, pk)
    form = DecisionForm(request.POST or None, conference=conference, initial={"agenda_item": request.GET.get("top")})
    is_valid = request.method == "POST" and form.is_valid()
    if is_valid and went_through(
        form, actions.record_decision, conference=conference, **form.cleaned_data, by=request.user
    ):
        messages.success(request, "Der Beschluss ist festgehalten. Sie können jetzt Maßnahmen daraus anlegen.")
        return redirect("conferences:detail", pk=pk)
    voters = actions.voting_agencies(conference)
    context = {"form": form, "conference": conference, "voters": voters}
    return render(request, "conferences/decision_form.html", context)
