from __future__ import annotations

from django.contrib import messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from agencies.access import requires
from incidents.models import Kind
from lagebild.check_words import check_block
from lagebild.danger_rules import Catalogue
from lagebild.danger_views import may_define
from lagebild.models import Picture
from lagebild.phenomena.budget import ACCEPTED_FALSE_PHENOMENA_PER_YEAR, LOOKS_A_YEAR, look_level
from lagebild.phenomena.looks import looked_streams, tests_of
from lagebild.phenomenon_models import Form
from lagebild.stats.alarms import NIGHTS_A_YEAR
from lagebild.stream_forms import StreamSetForm
from lagebild.stream_models import StreamSet
from lagebild.stream_sets import (
    ACCEPTED_FALSE_ALARMS_PER_YEAR,
    JOINT_SEARCHES,
    MOST_SETS,
    AlarmStream,
    alarm_count,
    alarm_threshold,
    save_set,
    switch_set,
)
from lagebild.watch import load_watch
from lagebild.wording import german_number

_KIND_WORDS = {Kind.INCIDENT: "Vorfälle", Kind.COMPLAINT: "Beschwerden"}


@require_GET
@requires("read_picture")
def method(request: HttpRequest) -> HttpResponse:
    """What is watched every night, and from when on a cluster is called one."""
    user = request.user
    if not user.agency.is_sharing:
        return render(request, "lagebild/method.html", {"is_member": False})
    watch = load_watch()
    streams = list(watch.streams)
    number = alarm_count(streams)
    nights = NIGHTS_A_YEAR * number
    catalogue = Catalogue.load()
    sets = StreamSet.objects.visible_to(user).select_related("agency")
    watched = {stream.id for stream in streams}
    picture = Picture.objects.visible_to(user).newest_first().first()
    context = {
        "is_member": True,
        "check": check_block(picture, catalogue.groups),
        "may_define": may_define(user),
        "tables": [
            {"label": label, "rows": [_row(s) for s in streams if s.kind == kind]}
            for kind, label in _KIND_WORDS.items()
        ],
        "joint": JOINT_SEARCHES,
        "unwatched": _unwatched(catalogue, watched),
        "number": number,
        "streams": len(streams),
        "threshold": f"1 von {german_number(1 / alarm_threshold(number))}",
        "tests": german_number(nights),
        "accepted": german_number(ACCEPTED_FALSE_ALARMS_PER_YEAR),
        "days": NIGHTS_A_YEAR,
        "most_sets": MOST_SETS,
        "forms": _form_rows(looked_streams(watch)),
        "accepted_phenomena": german_number(ACCEPTED_FALSE_PHENOMENA_PER_YEAR),
        "own_share": german_number(ACCEPTED_FALSE_PHENOMENA_PER_YEAR / len(Form), 2),
        "sets": [_set_row(row, catalogue, f"set:{row.pk}" in watched, user) for row in sets],
    }
    return render(request, "lagebild/method.html", context)


def _row(stream: AlarmStream) -> dict:
    return {"stream": stream, "size": len(stream.category_ids), "is_set": stream.id.startswith("set:")}


def _form_rows(streams: list[AlarmStream]) -> list[dict]:
    """How often each form is looked for, in how many streams or pairs, and from which chance on it is told."""
    rows = []
    for form in Form:
        tests = tests_of(form, streams)
        rows.append(
            {
                "label": form.label,
                "looks": LOOKS_A_YEAR[form],
                "tests": f"{tests} {'Paare von Gruppen' if form == Form.CHAIN else 'Gruppen'}",
                "a_year": german_number(LOOKS_A_YEAR[form] * tests),
                "level": f"1 von {german_number(1 / look_level(form, tests))}",
            }
        )
    return rows


def _unwatched(catalogue: Catalogue, watched: set[str]) -> list[str]:
    return [group.label for slug, group in catalogue.groups.items() if f"group:{slug}" not in watched]


def _set_row(row: StreamSet, catalogue: Catalogue, is_watched: bool, user) -> dict:
    return {
        "set": row,
        "kind": _KIND_WORDS[Kind(row.kind)],
        "labels": ", ".join(category.label for category in catalogue.named(row.categories)),
        "is_paused": row.is_active and not is_watched,
        "is_own": row.agency_id == user.agency_id,
    }


@require_http_methods(["GET", "POST"])
@requires("define_methods")
def stream_set_add(request: HttpRequest) -> HttpResponse:
    if not may_define(request.user):
        raise PermissionDenied
    return _form_page(request, StreamSet(), {})


@require_http_methods(["GET", "POST"])
@requires("read_picture")
def stream_set(request: HttpRequest, pk) -> HttpResponse:
    return _form_page(request, row := _own_set(request, pk), StreamSetForm.initial_of(row))


@require_POST
@requires("read_picture")
def stream_set_switch(request: HttpRequest, pk) -> HttpResponse:
    row = _own_set(request, pk)
    try:
        row = switch_set(row=row, is_active="on" in request.POST, by=request.user)
    except ValidationError as error:
        messages.error(request, " ".join(error.messages))
    else:
        word = "eingeschaltet" if row.is_active else "abgeschaltet"
        messages.success(request, f"Der Strom „{row.name}“ ist {word}. Das gilt ab dem nächsten Lagebild.")
    return redirect("lagebild:method")


def _own_set(request: HttpRequest, pk) -> StreamSet:
    """404 for what one may not see, 403 for what one may see but not change."""
    row = get_object_or_404(StreamSet.objects.visible_to(request.user).select_related("agency"), pk=pk)
    if not StreamSet.objects.changeable_by(request.user).filter(pk=row.pk).exists():
        raise PermissionDenied
    return row


def _form_page(request: HttpRequest, row: StreamSet, initial: dict) -> HttpResponse:
    is_new = row._state.adding
    form = StreamSetForm(request.POST or None, initial=initial, catalogue=Catalogue.load())
    if request.method == "POST" and form.is_valid():
        try:
            save_set(row=form.fill(row), by=request.user)
        except ValidationError as error:
            form.take(error)
        else:
            messages.success(request, f"Der Strom „{row.name}“ ist gespeichert. Er gilt ab dem nächsten Lagebild.")
            return redirect("lagebild:method")
    return render(request, "lagebild/stream_set_form.html", {"form": form, "row": row, "is_new": is_new})
