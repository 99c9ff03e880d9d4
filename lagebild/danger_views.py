from __future__ import annotations

from django.contrib import messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import transaction
from django.db.models import Count, Q, QuerySet
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from agencies import audit
from agencies.access import requires
from agencies.purpose import purpose_question
from incidents.geo import cell_boundary
from incidents.models import Complaint, Incident
from lagebild.danger_actions import check_rule, preview, save_rule, switch_rule
from lagebild.danger_forms import DangerRuleForm
from lagebild.danger_models import DangerRule
from lagebild.danger_rules import Catalogue, left_out, rule_words
from lagebild.models import Finding, FindingKind
from lagebild.phenomena.pages import latest_of, place_features
from lagebild.tasks import check_dangers

GEOJSON = "application/geo+json"
ROUTES = {"incident": "incidents:detail", "complaint": "complaints:detail"}


@require_GET
@requires("read_picture")
def danger_rules(request: HttpRequest) -> HttpResponse:
    """All rules, in words; whoever reads the picture may know by what it is made."""
    user = request.user
    rules = (
        DangerRule.objects.visible_to(user)
        .select_related("agency")
        .annotate(raised=Count("dangers"), holding=Count("dangers", filter=Q(dangers__holds=True)))
    )
    catalogue = Catalogue.load()
    in_force = set(DangerRule.objects.in_force().values_list("pk", flat=True))
    rows = [
        {
            "rule": rule,
            "words": rule_words(rule, catalogue),
            "left_out": left_out(rule, catalogue),
            "is_paused": rule.is_active and rule.pk not in in_force,
            "is_own": rule.agency_id == user.agency_id,
        }
        for rule in rules
    ]
    context = {"rows": rows, "may_define": may_define(user), "is_member": user.agency.is_sharing}
    return render(request, "lagebild/danger_rule_list.html", context)


def may_define(user) -> bool:
    return user.can("define_methods") and user.agency.is_sharing


@require_http_methods(["GET", "POST"])
@requires("define_methods")
def danger_rule_add(request: HttpRequest) -> HttpResponse:
    if not may_define(request.user):
        raise PermissionDenied
    return _form_page(request, DangerRule(), {})


@require_http_methods(["GET", "POST"])
@requires("read_picture")
def danger_rule(request: HttpRequest, pk) -> HttpResponse:
    return _form_page(request, rule := _own_rule(request, pk), DangerRuleForm.initial_of(rule))


@require_POST
@requires("read_picture")
def danger_rule_switch(request: HttpRequest, pk) -> HttpResponse:
    rule = switch_rule(definition=_own_rule(request, pk), is_active="on" in request.POST, by=request.user)
    _look(rule)
    word = "eingeschaltet" if rule.is_active else "abgeschaltet"
    messages.success(request, f"Die Regel „{rule.name}“ ist {word}.")
    return redirect("lagebild:danger_rules")


def _own_rule(request: HttpRequest, pk) -> DangerRule:
    """404 for what one may not see, 403 for what one may see but not change."""
    rule = get_object_or_404(DangerRule.objects.visible_to(request.user).select_related("agency"), pk=pk)
    if not DangerRule.objects.changeable_by(request.user).filter(pk=rule.pk).exists():
        raise PermissionDenied
    return rule


def _form_page(request: HttpRequest, rule: DangerRule, initial: dict) -> HttpResponse:
    catalogue = Catalogue.load()
    form = DangerRuleForm(request.POST or None, initial=initial, catalogue=catalogue)
    is_new, tried = rule._state.adding, None
    if not is_new and request.method == "GET":
        tried = preview(rule, by=request.user)
    if request.method == "POST" and form.is_valid():
        form.fill(rule)
        try:
            if "probe" in request.POST:
                tried = check_rule(definition=rule, by=request.user)
            else:
                save_rule(definition=rule, by=request.user)
                _look(rule)
                messages.success(request, f"Die Regel „{rule.name}“ ist gespeichert. Sie gilt ab sofort.")
                return redirect("lagebild:danger_rules")
        except ValidationError as error:
            form.take(error)
    context = {
        "form": form,
        "rule": rule,
        "is_new": is_new,
        "preview": tried,
        "words": rule_words(rule, catalogue) if tried else "",
        "left_out": left_out(rule, catalogue) if tried else [],
    }
    return render(request, "lagebild/danger_rule_form.html", context)


def _look(rule: DangerRule) -> None:
    transaction.on_commit(lambda: check_dangers.delay(rules=[str(rule.pk)]), robust=True)


@require_GET
@requires("read_picture")
@never_cache
def finding_records(request: HttpRequest, pk) -> HttpResponse:
    """The records a danger rests on, as far as the person may see them; a reading, hence logged and with a purpose."""
    finding = _danger_finding(request, pk)
    by_kind = {kind: list(rows) for kind, rows in records_of(finding, request.user).items()}
    shown = [record for rows in by_kind.values() for record in rows]
    owners = sorted({record.agency.slug for record in shown if record.agency_id != request.user.agency_id})
    if owners and (question := purpose_question(request)):
        return question
    if owners:
        counts = {slug: sum(record.agency.slug == slug for record in shown) for slug in owners}
        audit.record(audit.Act.SEARCHED, by=request.user, obj=finding, owners=counts)
    rows = [{"record": record, "route": ROUTES[kind]} for kind, records in by_kind.items() for record in records]
    hidden = finding.danger.size - len(shown)
    return render(request, "lagebild/finding_records.html", {"finding": finding, "rows": rows, "hidden": hidden})


def records_of(finding: Finding, actor) -> dict[str, QuerySet]:
    """By kind, the records a danger rests on that the actor may see."""
    danger = finding.danger
    return {
        kind: model.objects.visible_to(actor)
        .filter(pk__in=ids)
        .select_related("category", "agency", "district")
        .defer("district__geometry")
        .order_by("-occurred_from", "pk")
        for kind, model, ids in (("incident", Incident, danger.incidents), ("complaint", Complaint, danger.complaints))
    }


@require_GET
@requires("read_picture")
def finding_place(request: HttpRequest, pk) -> JsonResponse:
    """The place of a danger for the map: its cells, else its district; of a phenomenon the cells it was seen in."""
    finding = get_object_or_404(Finding.objects.visible_to(request.user).select_related("danger", "district"), pk=pk)
    if finding.kind == FindingKind.PHAENOMEN:
        return _features(place_features(latest_of(finding)))
    if finding.kind != FindingKind.GEFAHR:
        raise Http404
    cells = finding.danger.cells
    shapes = [{"type": "Polygon", "coordinates": [cell_boundary(cell)]} for cell in cells]
    if not shapes and finding.district is not None:
        shapes = [finding.district.geometry]
    features = [
        {"type": "Feature", "geometry": shape, "properties": {"label": finding.place_label}} for shape in shapes
    ]
    return _features(features)


def _features(features: list[dict]) -> JsonResponse:
    return JsonResponse({"type": "FeatureCollection", "features": features}, content_type=GEOJSON)


def _danger_finding(request: HttpRequest, pk) -> Finding:
    rows = Finding.objects.visible_to(request.user).filter(danger__isnull=False)
    return get_object_or_404(rows.select_related("danger", "district"), pk=pk)
