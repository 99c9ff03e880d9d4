"""Entry and change of a record."""

from __future__ import annotations

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from incidents import actions
from incidents.forms import RecordForm, initial_of
from incidents.geo import DistrictIndex
from incidents.models import Category, Record
from incidents.sight import sight_of_level
from incidents.views.pages import PAGES, Pages, map_source, own_record, private_page


@require_http_methods(["GET", "HEAD", "POST"])
@private_page("enter_records")
def create(request: HttpRequest, kind: str) -> HttpResponse:
    pages = PAGES[kind]
    form = entry_form(request, pages)
    if request.method == "POST" and form.is_valid():
        try:
            record = actions.report(kind=kind, data=form.record_data(), by=request.user)
        except ValidationError as error:
            form.take(error)
        else:
            return _saved(request, pages, form, record)
    return render(request, "incidents/entry.html", _context(request, pages, form))


@require_http_methods(["GET", "HEAD", "POST"])
@private_page()
def edit(request: HttpRequest, kind: str, pk) -> HttpResponse:
    pages = PAGES[kind]
    record = own_record(request, kind, pk, "enter_records")
    detail = record.detail_model().objects.owned_by(request.user).get(record=record)
    form = entry_form(request, pages, record=record, initial=initial_of(record, detail))
    if request.method == "POST" and form.is_valid():
        try:
            actions.change(record=record, data=form.record_data(), by=request.user)
        except ValidationError as error:
            form.take(error)
        else:
            messages.success(request, f"Die Änderungen sind gespeichert.{_place_taken(form)}")
            return redirect(pages.routes["detail"], pk=record.pk)
    return render(request, "incidents/entry.html", _context(request, pages, form, record))


def entry_form(request: HttpRequest, pages: Pages, record: Record | None = None, initial=None) -> RecordForm:
    """The form with its choices: at most three queries, one more for the level the lead has set."""
    categories = list(Category.objects.usable(pages.kind))
    if record is not None and record.category not in categories:
        categories.append(record.category)
    return RecordForm(
        request.POST if request.method == "POST" else None,
        initial=initial or {"category": request.GET.get("category", "")},
        kind=pages.kind,
        by=request.user,
        categories=categories,
        districts=DistrictIndex.load(),
        is_change=record is not None,
    )


def _saved(request: HttpRequest, pages: Pages, form: RecordForm, record: Record) -> HttpResponse:
    number = record.detail.number_label
    messages.success(request, f"Die Meldung ist unter {number} gespeichert.{_place_taken(form)}")
    if "next" in request.POST:
        return redirect(pages.routes["create"])
    return redirect(pages.routes["detail"], pk=record.pk)


def _place_taken(form: RecordForm) -> str:
    if form.place_taken is None:
        return ""
    return f" Der Ort „{form.place_taken.label}“ wurde aus der Adresse übernommen; bitte auf der Karte prüfen."


def _context(request: HttpRequest, pages: Pages, form: RecordForm, record: Record | None = None) -> dict:
    category = form.chosen_category
    asks_level = record is None
    sight = None
    if asks_level and category is not None:
        sight = sight_of_level(agency=request.user.agency, category=category, level=form.chosen_level)
    return {
        "pages": pages,
        "form": form,
        "record": record,
        "asks_level": asks_level,
        "sight": sight,
        "map_source": map_source(form.districts.areas),
    }
