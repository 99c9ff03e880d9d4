"""The record lists and their export."""

from __future__ import annotations

from dataclasses import dataclass

from django.core.paginator import Paginator
from django.db.models import IntegerField, OuterRef, Subquery
from django.db.models.functions import JSONObject
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_safe

from agencies import audit
from agencies.access import freshly_confirmed
from agencies.inspection_models import Inspection
from agencies.inspections import running_inspection
from agencies.models import Agency
from agencies.purpose import purpose_question
from agencies.spreadsheet import MOST_ROWS, download
from incidents import export as table
from incidents.forms import ExportForm
from incidents.list_filter import FilterForm
from incidents.models import Area, AreaKind, Category, Record
from incidents.querysets import RecordQuerySet
from incidents.sight import is_granted_singly
from incidents.views.pages import PAGES, Pages, list_page, log_rows, private_page, record_faces

PAGE_SIZE = 50
# Counting goes no further than this: the answer "mehr als 10.000" needs no full scan.
COUNT_LIMIT = 10_000
READ_STRAIGHT = 10


@dataclass(frozen=True)
class Row:
    record: Record
    number: str
    place: str
    is_own: bool
    is_granted: bool
    is_inspected: bool


class Count(Subquery):
    """How many rows a subquery has."""

    template = "(SELECT count(*) FROM (%(subquery)s) AS counted)"
    output_field = IntegerField()


class CountedPaginator(Paginator):
    """Pages over rows that were counted elsewhere."""

    def __init__(self, total: int):
        super().__init__([], PAGE_SIZE)
        self.total = min(total, COUNT_LIMIT)

    @property
    def count(self) -> int:
        return self.total


@require_safe
@list_page
def record_list(request: HttpRequest, kind: str) -> HttpResponse:
    pages = PAGES[kind]
    form = filter_form(request, pages)
    inspection = running_inspection(request.user)
    records = form.narrow(_listed(request, pages))
    number = _page_number(request.GET.get("page", ""))
    rows, total = _page(records, number, request.user, inspection)
    if not rows and number > 1:
        number = 1
        rows, total = _page(records, number, request.user, inspection)
    if not all(row.is_own or row.is_inspected for row in rows) and (question := purpose_question(request)):
        return question
    _log(rows, inspection, by=request.user, kind=kind)
    query = request.GET.copy()
    query.pop("page", None)
    context = {
        "pages": pages,
        "filter_form": form,
        "rows": rows,
        "page_obj": CountedPaginator(total).get_page(number),
        "result_text": _result_text(total, pages) if form.is_valid() else "Bitte den Filter prüfen.",
        "is_filtered": form.has_changed(),
        "has_more": total > COUNT_LIMIT,
        "filter_query": query.urlencode(),
        "may_enter": request.user.can("enter_records"),
        "may_export": request.user.can("share_records"),
        "may_import": request.user.can("import_records"),
        "may_lead": request.user.can("lead_agency"),
    }
    return render(request, "incidents/list.html", context)


def _listed(request: HttpRequest, pages: Pages) -> RecordQuerySet:
    """What the list is made of: a search by words asks nothing of what an inspection opens."""
    records, user = pages.model.objects, request.user
    return records.without_inspection(user) if request.GET.get("q") else records.visible_to(user)


def _log(rows: list[Row], inspection: Inspection | None, *, by, kind: str) -> None:
    """What an inspection shows carries its reason, the rest the purpose of the session."""
    log_rows(audit.Act.SEARCHED, by=by, kind=kind, rows=[row.record for row in rows if not row.is_inspected])
    if inspection is not None:
        inspected = [row.record for row in rows if row.is_inspected]
        log_rows(audit.Act.SEARCHED, by=by, kind=kind, rows=inspected, purpose=inspection.purpose)


def filter_form(request: HttpRequest, pages: Pages) -> FilterForm:
    """The filter with its choices: three queries."""
    areas = list(Area.objects.filter(kind__in=(AreaKind.CITY, AreaKind.DISTRICT)).defer("geometry"))
    city = next((area.name for area in areas if area.kind == AreaKind.CITY), "der Stadt")
    return FilterForm(
        request.GET,
        by=request.user,
        categories=list(Category.objects.usable(pages.kind)),
        districts=[area for area in areas if area.kind == AreaKind.DISTRICT],
        agencies=list(Agency.objects.active() | Agency.objects.filter(pk=request.user.agency_id)),
        city=f"ganz {city}",
    )


def _page_number(text: str) -> int:
    return min(max(int(text), 1), COUNT_LIMIT // PAGE_SIZE) if text.isdecimal() and len(text) < 6 else 1


def _page(records: RecordQuerySet, number: int, user, inspection: Inspection | None) -> tuple[list[Row], int]:
    """Rows of one page and the capped number of all, in one query; of own rows also number and place.

    A later page is cut out before anything is looked up for its rows, so that the last one costs little more than the
    first.
    """
    page = slice((number - 1) * PAGE_SIZE, number * PAGE_SIZE)
    details = records.model.detail_model().objects.owned_by(user).filter(record=OuterRef("pk"))
    own = details.values(shown=JSONObject(year="year", number="number", place="place_text"))
    counted = records.order_by().values("pk")[: COUNT_LIMIT + 1]
    if number > READ_STRAIGHT:
        cut = records.order_by(*RecordQuerySet.NEWEST_FIRST).values("pk")[page]
        records, page = records.model.objects.filter(pk__in=cut), slice(PAGE_SIZE)
    found = records.for_list().annotate(total=Count(counted), own=Subquery(own))
    rows = list(found[page])
    looked_into = inspection.agency_id if inspection is not None else None
    return [_row(record, user, looked_into) for record in rows], rows[0].total if rows else 0


def _row(record: Record, user, looked_into: int | None) -> Row:
    is_own = record.agency_id == user.agency_id
    own = record.own or {}
    detail = record.detail_model()(agency=record.agency, year=own.get("year"), number=own.get("number"))
    return Row(
        record=record,
        number=detail.number_label if own else record.short_id,
        place=own.get("place", ""),
        is_own=is_own,
        is_granted=not is_own and is_granted_singly(record),
        is_inspected=record.agency_id == looked_into,
    )


def _result_text(total: int, pages: Pages) -> str:
    if total > COUNT_LIMIT:
        return f"Mehr als 10.000 {pages.many}"
    return f"{total:,} ".replace(",", ".") + (pages.one if total == 1 else pages.many)


@require_http_methods(["GET", "HEAD", "POST"])
@private_page("share_records")
@freshly_confirmed
def export(request: HttpRequest, kind: str) -> HttpResponse:
    """The filtered list as a table: faces only, own and shared ones, with the purpose in the log."""
    pages = PAGES[kind]
    filters = filter_form(request, pages)
    faces = record_faces(kind).defer("district__geometry").without_inspection(request.user)
    records = filters.narrow(faces).order_by(*RecordQuerySet.NEWEST_FIRST)
    form = ExportForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        rows = list(records[: MOST_ROWS + 1])
        if len(rows) > MOST_ROWS:
            form.add_error(None, "Die Auswahl hat mehr als 20.000 Meldungen. Bitte den Filter enger fassen.")
        else:
            text, rows = table.table_of_now(rows, request.user)
            purpose = form.cleaned_data["purpose"]
            log_rows(audit.Act.EXPORTED, by=request.user, kind=kind, rows=rows, purpose=purpose, rows_count=len(rows))
            name = f"{pages.many.lower().replace('ä', 'ae')}-{timezone.localdate():%Y-%m-%d}.csv"
            return download(text, name)
    total = records.order_by()[: MOST_ROWS + 1].count()
    context = {
        "pages": pages,
        "form": form,
        "total": total,
        "is_too_large": total > MOST_ROWS,
        "filter_query": request.GET.urlencode(),
    }
    return render(request, "incidents/export.html", context)
