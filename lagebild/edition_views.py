from __future__ import annotations

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_GET, require_http_methods

from agencies import audit
from agencies.access import requires
from agencies.purpose import purpose_question
from lagebild.edition_content import EditionOrder
from lagebild.editions import freeze_edition, personal_copy
from lagebild.forms import FreezeForm
from lagebild.models import Edition

PER_PAGE = 25


@require_GET
@requires("read_picture")
def editions(request: HttpRequest) -> HttpResponse:
    rows = Edition.objects.visible_to(request.user).select_related("picture", "frozen_by").defer("content", "pdf")
    page = Paginator(rows, PER_PAGE).get_page(request.GET.get("page"))
    return render(
        request, "lagebild/edition_list.html", {"page_obj": page, "may_freeze": request.user.can("freeze_editions")}
    )


@require_http_methods(["GET", "POST"])
@requires("freeze_editions")
def freeze(request: HttpRequest) -> HttpResponse:
    form = FreezeForm(request.POST or None, actor=request.user)
    if request.method == "POST" and form.is_valid():
        order = EditionOrder(title=form.cleaned_data["title"], body=form.cleaned_data["body"])
        try:
            edition_row = freeze_edition(picture=form.cleaned_data["picture"], order=order, by=request.user)
        except ValidationError as error:
            form.add_error(None, error)
        else:
            messages.success(request, f"{edition_row} liegt vor und lässt sich jetzt drucken.")
            return redirect("lagebild:edition", pk=edition_row.pk)
    return render(request, "lagebild/edition_freeze.html", {"form": form})


@require_GET
@requires("read_picture")
def edition(request: HttpRequest, pk) -> HttpResponse:
    rows = Edition.objects.visible_to(request.user).select_related("picture", "frozen_by__agency").defer("pdf")
    return render(request, "lagebild/edition_detail.html", {"edition": get_object_or_404(rows, pk=pk)})


@require_GET
@requires("read_picture")
def edition_pdf(request: HttpRequest, pk) -> HttpResponse:
    """The master, or with `?ausfertigung=1` a copy that names the person who prints it. Either is logged."""
    row = get_object_or_404(Edition.objects.visible_to(request.user), pk=pk)
    if question := purpose_question(request):
        return question
    if request.GET.get("ausfertigung"):
        return pdf_response(personal_copy(row, by=request.user), f"Lagebild-{row.number}-Ausfertigung.pdf")
    audit.record(audit.Act.PRINTED, by=request.user, obj=row, number=row.number)
    return pdf_response(bytes(row.pdf), f"Lagebild-{row.number}.pdf")


def pdf_response(data: bytes, name: str) -> HttpResponse:
    response = HttpResponse(data, content_type="application/pdf")
    response["Content-Disposition"] = f'inline; filename="{name}"'
    response["Cache-Control"] = "private, no-store"
    return response
