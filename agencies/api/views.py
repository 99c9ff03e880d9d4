"""The base of every address of the interface, and the agencies."""

from __future__ import annotations

from django.db import models, transaction
from django.db.models import OuterRef, Prefetch, Subquery
from django.http import HttpRequest, JsonResponse
from django.utils.cache import get_conditional_response, patch_vary_headers
from django.utils.http import quote_etag
from django.views.decorators.csrf import csrf_exempt
from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework.exceptions import AuthenticationFailed, NotAuthenticated
from rest_framework.generics import get_object_or_404
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.reverse import reverse
from rest_framework.status import HTTP_201_CREATED
from rest_framework.viewsets import GenericViewSet

from agencies import audit
from agencies.api.filters import require_known_names
from agencies.api.problems import problem_response
from agencies.api.serializers import AgencySerializer
from agencies.api.throttles import check_address, check_connection, note_refusal
from agencies.models import Agency, Membership

SLUG = "[-a-zA-Z0-9_]+"
UUID = "[0-9a-fA-F-]{36}"


class PortalViewSet(GenericViewSet):
    """Lists out of `visible_rows(actor)`. With `is_logged` every answer that holds rows leaves one entry in the log."""

    http_method_names = ("get", "head", "post")
    metadata_class = None
    lookup_value_regex = UUID
    is_logged = False
    etag = ""

    def visible_rows(self, actor) -> models.QuerySet:
        """The rows the actor may see, with everything their serializer reads."""
        raise NotImplementedError

    def get_queryset(self) -> models.QuerySet:
        if getattr(self, "swagger_fake_view", False):
            return self.queryset.none()
        return self.visible_rows(self.request.user)

    def initial(self, request: Request, *args, **kwargs) -> None:
        check_connection(request)
        check_address(request)
        try:
            super().initial(request, *args, **kwargs)
        except (AuthenticationFailed, NotAuthenticated):
            note_refusal(request)
            raise
        if self.action is not None:
            require_known_names(request, self.query_names())

    def query_names(self) -> set[str]:
        if self.action != "list":
            return set()
        filterset = getattr(self, "filterset_class", None)
        return {*self.paginator.query_names, *(filterset.base_filters if filterset else ())}

    def list(self, request: Request, *args, **kwargs) -> Response:
        return self.listed(self.get_queryset())

    def listed(self, rows: models.QuerySet, **facts) -> Response:
        page = self.paginate_queryset(self.filter_queryset(rows))
        self.log_list(page, **facts)
        return self.get_paginated_response(self.get_serializer(page, many=True).data)

    def log_list(self, rows: list, **facts) -> None:
        if self.is_logged and rows:
            audit.record(audit.Act.PULLED, by=self.request.user, endpoint=self.basename, rows=len(rows), **facts)

    def log_one(self, row: models.Model, **facts) -> None:
        if self.is_logged:
            audit.record(audit.Act.PULLED, by=self.request.user, obj=row, endpoint=self.basename, **facts)

    def unchanged(self, etag: str) -> Response | None:
        """304 when the caller has this state already; otherwise the answer will carry the tag."""
        self.etag = quote_etag(etag)
        if get_conditional_response(self.request._request, etag=self.etag) is None:
            return None
        return Response(status=304)

    def finalize_response(self, request: Request, response: Response, *args, **kwargs) -> Response:
        response = super().finalize_response(request, response, *args, **kwargs)
        patch_vary_headers(response, ("Authorization",))
        etag = self.etag if response.status_code in (200, 304) else ""
        if etag:
            response["ETag"] = etag
        response["Cache-Control"] = "private, no-cache" if etag else "private, no-store"
        return response


class PortalDetailViewSet(PortalViewSet):
    """Single objects, too; what one may not see is 404."""

    def retrieve(self, request: Request, *args, **kwargs) -> Response:
        row = get_object_or_404(self.get_queryset(), **{self.lookup_field: kwargs[self.lookup_field]})
        self.log_one(row)
        return Response(self.get_serializer(row).data)


class AgencyScopedViewSet(PortalDetailViewSet):
    """Rows owned by one agency: log entries count per owner, writes are checked again after the write."""

    is_logged = True

    def log_list(self, rows: list, **facts) -> None:
        owners: dict[str, int] = {}
        for row in rows:
            if row.agency_id != self.request.user.agency_id:
                owners[row.agency.slug] = owners.get(row.agency.slug, 0) + 1
        if owners:
            audit.record(audit.Act.PULLED, by=self.request.user, endpoint=self.basename, owners=owners, **facts)

    def log_one(self, row: models.Model, **facts) -> None:
        if row.agency_id != self.request.user.agency_id:
            audit.record(
                audit.Act.PULLED, by=self.request.user, obj=row, owner=row.agency, endpoint=self.basename, **facts
            )

    def save_new(self, serializer) -> models.Model:
        """Report the row through its action."""
        raise NotImplementedError

    def create(self, request: Request, *args, **kwargs) -> Response:
        serializer = self.get_serializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        row = self._save_visible(serializer)
        address = reverse(f"api:{self.basename}-detail", args=[row.pk], request=request)
        return Response(self.serializer_class(row).data, status=HTTP_201_CREATED, headers={"Location": address})

    @transaction.atomic
    def _save_visible(self, serializer) -> models.Model:
        """Write, then look the row up as the actor's own: nothing can be written into another agency."""
        saved = self.save_new(serializer)
        return get_object_or_404(self.get_queryset(), pk=saved.pk, agency_id=self.request.user.agency_id)


@extend_schema_view(
    list=extend_schema(summary="Behörden auflisten"), retrieve=extend_schema(summary="Eine Behörde abrufen")
)
class AgencyViewSet(PortalDetailViewSet):
    """Behörden der Kooperation; wer nicht aktiv Mitglied ist, sieht die eigene."""

    queryset = Agency.objects.all()
    serializer_class = AgencySerializer
    lookup_field = "slug"
    lookup_value_regex = SLUG

    def visible_rows(self, actor):
        agencies = Agency.objects.visible_to(actor)
        parents = agencies.filter(pk=OuterRef("parent_id")).values("slug")
        memberships = Prefetch("memberships", queryset=Membership.objects.visible_to(actor))
        return agencies.annotate(parent_slug=Subquery(parents)).prefetch_related(memberships).order_by("slug")


@csrf_exempt
def unknown_address(request: HttpRequest, path: str = "") -> JsonResponse:
    """Whatever else is asked below the interface: the same answer as for a row one may not see."""
    return problem_response(404, "not_found")
