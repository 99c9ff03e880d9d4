"""Pages of the import: upload and check, read the report, take over or discard, say that there was nothing."""

from __future__ import annotations

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from agencies.visibility import SharingLevel
from incidents.importing import kept
from incidents.importing.fields import COUNTS
from incidents.importing.forms import KIND_LABELS, NothingForm, UploadForm
from incidents.importing.mapping import HASH_OF_ROW
from incidents.importing.readers import BROWSER_ROWS
from incidents.importing.tables import report_csv, template_csv
from incidents.importing.weeks import deliver_nothing, weeks_between, weeks_without_delivery
from incidents.models import Category, ImportRun, ImportStatus
from incidents.views.pages import private_page

SHOWN_RUNS = 20
SHOWN_REFUSALS = 50
_TONES = {ImportStatus.CHECKED: "info", ImportStatus.DONE: "success", ImportStatus.FAILED: "danger"}


@require_http_methods(["GET", "HEAD", "POST"])
@private_page("import_records")
def index(request: HttpRequest) -> HttpResponse:
    form = UploadForm(request.POST, request.FILES) if request.method == "POST" else UploadForm()
    if form.is_bound and form.is_valid():
        try:
            run = kept.keep_check(
                upload=form.cleaned_data["file"],
                kind=form.cleaned_data["kind"],
                mapping=form.cleaned_data["mapping"],
                by=request.user,
            )
        except ValidationError as error:
            form.add_error("file", error)
        else:
            return redirect("imports:run", pk=run.pk)
    weeks = weeks_without_delivery(request.user.agency)
    runs = (
        ImportRun.objects.owned_by(request.user)
        .select_related("created_by")
        .defer("refusals", "reasons", "mapping")[:SHOWN_RUNS]
    )
    context = {
        "form": form,
        "nothing_form": NothingForm(weeks=weeks) if weeks else None,
        "runs": [(run, KIND_LABELS[run.kind], _TONES[run.status]) for run in runs],
        "categories": list(
            Category.objects.filter(is_active=True).values_list("kind", "label").order_by("-kind", "label")
        ),
        "most_rows": BROWSER_ROWS,
    }
    return render(request, "incidents/import_index.html", context)


@require_safe
@private_page("import_records")
def run(request: HttpRequest, pk: int) -> HttpResponse:
    found = _own_run(request, pk)
    waits = found.status == ImportStatus.CHECKED and bool(found.upload)
    takes = found.created + found.updated
    context = {
        "run": found,
        "kind_label": KIND_LABELS[found.kind],
        "tone": _TONES[found.status],
        "refusals": found.refusals[:SHOWN_REFUSALS],
        "refusal_count": len(found.refusals),
        "reasons": list(found.reasons.items()),
        "counts_weeks": found.kind == COUNTS,
        "week_count": len(weeks_between(found.first_day, found.last_day)) if found.first_day else 0,
        "hashes_rows": found.mapping.get("reference") == HASH_OF_ROW,
        "level": SharingLevel(found.mapping["level"]).label if found.mapping.get("level") else "",
        "waits": waits,
        "can_take_over": waits and (takes or found.unchanged),
    }
    return render(request, "incidents/import_run.html", context)


@require_POST
@private_page("import_records")
def take_over(request: HttpRequest, pk: int) -> HttpResponse:
    found = _own_run(request, pk)
    try:
        kept.take_over(run=found, by=request.user)
    except ValidationError as error:
        messages.error(request, " ".join(error.messages))
    else:
        messages.success(request, "Die Datei ist übernommen. Die hochgeladene Kopie wurde gelöscht.")
    return redirect("imports:run", pk=pk)


@require_POST
@private_page("import_records")
def discard(request: HttpRequest, pk: int) -> HttpResponse:
    found = _own_run(request, pk)
    try:
        kept.discard(run=found, by=request.user)
    except ValidationError as error:
        messages.error(request, " ".join(error.messages))
    else:
        messages.success(request, "Die Datei ist verworfen und gelöscht. Es wurde nichts übernommen.")
    return redirect("imports:index")


@require_POST
@private_page("import_records")
def nothing(request: HttpRequest) -> HttpResponse:
    form = NothingForm(request.POST, weeks=weeks_without_delivery(request.user.agency))
    if not form.is_valid():
        messages.error(request, " ".join(text for texts in form.errors.values() for text in texts))
        return redirect("imports:index")
    try:
        deliver_nothing(week=form.cleaned_data["week"], by=request.user)
    except ValidationError as error:
        messages.error(request, " ".join(error.messages))
    else:
        messages.success(request, "Die Fehlanzeige ist gespeichert. Die Woche zählt als Lieferung ohne Meldung.")
    return redirect("imports:index")


@require_safe
@private_page("import_records")
def report(request: HttpRequest, pk: int) -> HttpResponse:
    return _download(report_csv(_own_run(request, pk)), f"importbericht-{pk}.csv")


@require_safe
@private_page("import_records")
def template(request: HttpRequest, kind: str) -> HttpResponse:
    return _download(template_csv(kind), f"vorlage-{kind}.csv")


def _own_run(request: HttpRequest, pk: int) -> ImportRun:
    return get_object_or_404(ImportRun.objects.owned_by(request.user).select_related("created_by"), pk=pk)


def _download(content: str, name: str) -> HttpResponse:
    return HttpResponse(
        content,
        content_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )
