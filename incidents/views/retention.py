"""Terms of the agency, records whose review is due, and the proofs of deletion."""

from __future__ import annotations

import csv
import io

from django.contrib import messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from agencies.spreadsheet import safe_cell
from incidents import retention_actions
from incidents.models import Category, Kind, Record, RetentionRule, RetentionRun
from incidents.retention import Terms, dates_for_owner, due_for_review, limits
from incidents.retention_forms import DeletionForm, ExtensionForm, RuleForm
from incidents.views.pages import PAGES, own_record, private_page

SHOWN = 100
PAGE_SIZE = 50


@require_http_methods(["GET", "HEAD", "POST"])
@private_page("lead_agency")
def rules(request: HttpRequest) -> HttpResponse:
    categories = list(
        Category.objects.filter(is_active=True).select_related("group").order_by("kind", "group", "label")
    )
    form = RuleForm(request.POST or None, categories=categories)
    if request.method == "POST" and form.is_valid():
        try:
            rule = retention_actions.set_rule(by=request.user, **form.values())
        except ValidationError as error:
            form.take(error)
        else:
            messages.success(request, f"Die Frist für „{rule}“ ist gesetzt. Sie gilt ab dem nächsten Löschlauf.")
            return redirect("retention:rules")
    own = RetentionRule.objects.owned_by(request.user).select_related("category", "group", "set_by")
    context = {
        "form": form,
        "own_rules": sorted(own, key=lambda rule: (rule.category_id is not None, rule.group_id is not None, str(rule))),
        "kinds": [(PAGES[kind], _terms_by_group(request, categories, kind)) for kind in Kind],
        "limits": limits(),
    }
    return render(request, "incidents/retention_rules.html", context)


def _terms_by_group(request: HttpRequest, categories: list[Category], kind: str) -> list[dict]:
    """Categories of a group with the same term are one line."""
    terms = Terms(request.user.agency)
    lines: dict[tuple, dict] = {}
    for category in categories:
        if category.kind != kind:
            continue
        term = terms.of(category)
        line = lines.setdefault((category.group_id, term), {"group": category.group, "term": term, "categories": []})
        line["categories"].append(category.label)
    return list(lines.values())


@require_POST
@private_page("lead_agency")
def rule_remove(request: HttpRequest, pk: int) -> HttpResponse:
    rule = get_object_or_404(RetentionRule.objects.owned_by(request.user), pk=pk)
    retention_actions.remove_rule(rule=rule, by=request.user)
    messages.success(request, f"Die eigene Frist für „{rule}“ ist aufgehoben.")
    return redirect("retention:rules")


@require_safe
@private_page("share_records")
def review(request: HttpRequest) -> HttpResponse:
    """Own records whose review is due, the first to be deleted first."""
    terms, today = Terms(request.user.agency), timezone.localdate()
    tables = []
    for pages in PAGES.values():
        due = due_for_review(pages.model.objects.owned_by(request.user), terms, today=today)
        rows = list(due.select_related("category", "district", "detail").defer("district__geometry")[: SHOWN + 1])
        for row in rows:
            row.detail.agency = request.user.agency
        tables.append({"pages": pages, "rows": rows[:SHOWN], "has_more": len(rows) > SHOWN})
    context = {"tables": tables, "shown": SHOWN, "is_empty": not any(table["rows"] for table in tables)}
    return render(request, "incidents/retention_review.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@private_page()
def check(request: HttpRequest, kind: str, pk) -> HttpResponse:
    record = own_record(request, kind, pk, "share_records")
    form = ExtensionForm(request.POST or None, auto_id="extend_%s")
    if request.method == "POST" and form.is_valid():
        try:
            retention_actions.extend(record=record, by=request.user, **form.cleaned_data)
        except ValidationError as error:
            form.take(error)
        else:
            messages.success(
                request, "Die Meldung bleibt bis zu dem Tag gespeichert und steht dann wieder zur Prüfung."
            )
            return redirect("retention:review")
    return render(request, "incidents/retention_check.html", check_context(record, extension_form=form))


def check_context(record: Record, *, extension_form=None, deletion_form=None) -> dict:
    """What the page of one review shows; the forms come back with what was typed."""
    dates = dates_for_owner(record)
    detail = record.detail_model().objects.get(record=record)
    detail.agency = record.agency
    return {
        "pages": PAGES[record.kind],
        "record": record,
        "detail": detail,
        "dates": dates,
        "extensions": record.extensions.select_related("extended_by"),
        "most_extensions": limits().most_extensions,
        "span": retention_actions.extension_span(dates),
        "extension_form": extension_form or ExtensionForm(auto_id="extend_%s"),
        "deletion_form": deletion_form or DeletionForm(auto_id="delete_%s"),
    }


@require_safe
@private_page()
def runs(request: HttpRequest) -> HttpResponse:
    _require_reader(request)
    rows = RetentionRun.objects.visible_to(request.user).exclude(finished_at=None).select_related("agency")
    page = Paginator(rows, PAGE_SIZE).get_page(request.GET.get("page"))
    return render(request, "incidents/retention_runs.html", {"page_obj": page})


@require_safe
@private_page()
def run(request: HttpRequest, pk: int) -> HttpResponse:
    return render(request, "incidents/retention_run.html", {"run": _run(request, pk)})


@require_safe
@private_page()
def run_csv(request: HttpRequest, pk: int) -> HttpResponse:
    proof = _run(request, pk)
    out = io.StringIO()
    out.write("\ufeff")
    writer = csv.writer(out, delimiter=";")
    writer.writerow(("Behörde", "Stichtag", "Was", "Kategorie", "Regel", "Gelöscht", "Prüfsumme"))
    for line in proof.lines:
        cells = (line["what"], line["category"], line["rule"], line["count"])
        writer.writerow([safe_cell(cell) for cell in (proof.agency.name, proof.date.isoformat(), *cells, proof.sha256)])
    return HttpResponse(
        out.getvalue(),
        content_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="loeschnachweis-{proof.date:%Y-%m-%d}.csv"'},
    )


def _require_reader(request: HttpRequest) -> None:
    if not (request.user.can("lead_agency") or request.user.can("read_audit")):
        raise PermissionDenied("Löschnachweise lesen die Leitung der Behörde und die Rolle Datenschutz.")


def _run(request: HttpRequest, pk: int) -> RetentionRun:
    _require_reader(request)
    rows = RetentionRun.objects.visible_to(request.user).exclude(finished_at=None).select_related("agency")
    return get_object_or_404(rows, pk=pk)
