"""What the pages of both kinds have in common: names, addresses, and who may open them."""

from __future__ import annotations

import functools
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest
from django.shortcuts import get_object_or_404
from django.views.decorators.cache import never_cache

from agencies import audit
from agencies.access import requires, shows_records
from agencies.inspection_models import Inspection
from agencies.inspections import running_inspection
from incidents.actions import MODEL_OF_KIND
from incidents.models import Area, Kind, Record

ROUTES = (
    *("list", "create", "detail", "edit", "export", "advance", "level", "grant", "revoke", "note", "clear_note"),
    "blacken",
    *("sight", "similar", "place", "defaults"),
)


@dataclass(frozen=True)
class Pages:
    kind: Kind
    namespace: str
    one: str
    many: str
    new: str

    @property
    def model(self) -> type[Record]:
        return MODEL_OF_KIND[self.kind]

    @property
    def check_route(self) -> str:
        """Where the owner decides whether a record is kept or deleted."""
        return f"retention:check_{self.kind.value}"

    @property
    def delete_route(self) -> str:
        return f"lagebild_retention:delete_{self.kind.value}"

    @functools.cached_property
    def routes(self) -> dict[str, str]:
        """Names of the addresses, for `{% url pages.routes.detail pk %}`."""
        return {name: f"{self.namespace}:{name}" for name in ROUTES}


PAGES = {
    Kind.INCIDENT: Pages(Kind.INCIDENT, "incidents", "Vorfall", "Vorfälle", "Vorfall erfassen"),
    Kind.COMPLAINT: Pages(Kind.COMPLAINT, "complaints", "Beschwerde", "Beschwerden", "Beschwerde erfassen"),
}


def private_page(capability: str | None = None) -> Callable:
    """For signed-in people, kept by no cache; with a capability only for whoever has it (else 403).

    Pages of one record name none: who may not see the record gets the same 404 as for one that does not exist.
    """

    door = requires(capability) if capability else login_required
    return lambda view: door(never_cache(view))


def list_page(view: Callable) -> Callable:
    """For who reads records, by role or in an inspection; kept by no cache."""
    return shows_records(never_cache(view))


def visible_record(request: HttpRequest, kind: str, pk) -> Record:
    return get_object_or_404(record_faces(kind).visible_to(request.user), pk=pk)


def record_faces(kind: str) -> QuerySet[Record]:
    return PAGES[kind].model.objects.select_related("category__group", "agency", "district", "note")


def own_record(request: HttpRequest, kind: str, pk, capability: str) -> Record:
    """The record, if it is one of the own agency; 403 for one that may be seen but not worked on."""
    record = visible_record(request, kind, pk)
    if not request.user.can(capability):
        raise PermissionDenied("Ihre Rolle erlaubt diesen Schritt nicht.")
    if record.agency_id != request.user.agency_id:
        raise PermissionDenied("Diese Meldung gehört einer anderen Behörde.")
    return record


def log_rows(act: audit.Act, *, by, kind: str, rows, purpose: str = "", **facts) -> None:
    """One entry for the foreign rows handed out, with the number per owner; none if all are the own agency's."""
    owners = Counter(row.agency.slug for row in rows if row.agency_id != by.agency_id)
    if owners or act == audit.Act.EXPORTED:
        audit.record(act, by=by, purpose=purpose, kind=kind, owners=owners, **facts)


def inspection_of(record: Record, by) -> Inspection | None:
    """The inspection in which the person sees this foreign record. Queries for the administration alone."""
    inspection = running_inspection(by)
    return inspection if inspection is not None and inspection.agency_id == record.agency_id else None


def map_source(areas: Iterable[Area]) -> str:
    """What stands in the corner of a map drawn over these areas."""
    return "" if all(area.is_official for area in areas) else "Gebiete schematisch, nicht amtlich"
