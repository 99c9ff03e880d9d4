"""The lead's page: the level a new record of each category proposes."""

from __future__ import annotations

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from agencies.access import freshly_confirmed
from incidents import actions
from incidents.forms import SharingDefaultsForm
from incidents.models import Category, SharingDefault
from incidents.views.pages import PAGES, private_page


@require_http_methods(["GET", "HEAD", "POST"])
@private_page("lead_agency")
@freshly_confirmed
def defaults(request: HttpRequest, kind: str) -> HttpResponse:
    pages = PAGES[kind]
    categories = list(Category.objects.usable(kind))
    set_levels = SharingDefault.objects.owned_by(request.user).filter(category__kind=kind)
    form = SharingDefaultsForm(
        request.POST or None,
        categories=categories,
        defaults={default.category_id: default for default in set_levels},
    )
    if request.method == "POST" and form.is_valid():
        levels = form.levels()
        try:
            if levels:
                actions.set_sharing_defaults(levels=levels, by=request.user)
        except ValidationError as error:
            form.take(error)
        else:
            changed = "1 Vorgabe" if len(levels) == 1 else f"{len(levels)} Vorgaben"
            messages.success(request, f"Geändert: {changed}. Neue Meldungen richten sich danach.")
            return redirect(pages.routes["defaults"])
    context = {"pages": pages, "form": form, "groups": _groups(categories, form)}
    return render(request, "incidents/defaults.html", context)


def _groups(categories: list[Category], form: SharingDefaultsForm) -> list[tuple[str, list[tuple[Category, object]]]]:
    groups: dict[str, list] = {}
    for category in categories:
        field = form[category.slug] if category.slug in form.fields else None
        groups.setdefault(category.group.label, []).append((category, field))
    return list(groups.items())
