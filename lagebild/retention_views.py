"""Deleting one record by a person's decision; stands here because its counts stay in the picture."""

from __future__ import annotations

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST

from agencies.access import freshly_confirmed
from incidents.retention_forms import DeletionForm
from incidents.views.pages import own_record, private_page
from incidents.views.retention import check_context
from lagebild.retention import delete_now


@require_POST
@private_page()
@freshly_confirmed
def delete(request: HttpRequest, kind: str, pk) -> HttpResponse:
    record = own_record(request, kind, pk, "share_records")
    form = DeletionForm(request.POST, auto_id="delete_%s")
    if form.is_valid():
        try:
            delete_now(record=record, reason=form.cleaned_data["reason"], by=request.user)
        except ValidationError as error:
            form.take(error)
        else:
            messages.success(request, "Die Meldung ist mit allem gelöscht, was zu ihr gehört.")
            return redirect("retention:review")
    return render(request, "incidents/retention_check.html", check_context(record, deletion_form=form))
