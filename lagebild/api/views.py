from __future__ import annotations

import hashlib

from django.conf import settings
from django.db.models import OuterRef, Prefetch, Subquery
from django.http import HttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiResponse, extend_schema, extend_schema_view
from rest_framework.decorators import action
from rest_framework.exceptions import ValidationError
from rest_framework.generics import get_object_or_404
from rest_framework.renderers import BaseRenderer, JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response

from agencies.api.pagination import WidePagePagination
from agencies.api.views import PortalDetailViewSet, PortalViewSet
from lagebild.api import serializers
from lagebild.api.filters import CellFilter, FindingFilter, PictureFilter, TrendFilter
from lagebild.models import Cell, Edition, Finding, Phenomenon, Picture, Sighting, Signal, Trend


class PdfRenderer(BaseRenderer):
    """Lets callers ask for PDF; the bytes are handed out as they are stored."""

    media_type = "application/pdf"
    format = "pdf"
    charset = None

    def render(self, data, accepted_media_type=None, renderer_context=None):
        return data


PDF_RENDERERS = (JSONRenderer, PdfRenderer)
PDF_RESPONSE = {(200, "application/pdf"): OpenApiResponse(OpenApiTypes.BINARY, description="PDF/A und PDF/UA")}


def pdf_response(edition: Edition) -> HttpResponse:
    name = f'attachment; filename="Lagebild-{edition.number}.pdf"'
    return HttpResponse(bytes(edition.pdf), content_type="application/pdf", headers={"Content-Disposition": name})


def picture_tag(request: Request, *pictures: Picture) -> str:
    """Published pictures never change, so the answer depends on which they are, on the address and the code."""
    words = [settings.PORTAL_VERSION, request.get_full_path(), *(str(picture.pk) for picture in pictures)]
    return hashlib.sha256("\n".join(words).encode()).hexdigest()[:32]


@extend_schema_view(
    list=extend_schema(summary="Lagebilder auflisten"), retrieve=extend_schema(summary="Ein Lagebild mit Lieferungen")
)
class PictureViewSet(PortalDetailViewSet):
    """Veröffentlichte Lagebilder, das jüngste zuerst."""

    queryset = Picture.objects.all()
    serializer_class = serializers.PictureSerializer
    filterset_class = PictureFilter
    is_logged = True

    def visible_rows(self, actor):
        rows = Picture.objects.visible_to(actor).newest_first()
        return rows.prefetch_related("coverages__agency") if self.action == "retrieve" else rows

    def get_serializer_class(self):
        return serializers.PictureWithCoverageSerializer if self.action == "retrieve" else self.serializer_class

    def list(self, request: Request, *args, **kwargs) -> Response:
        page = self.paginate_queryset(self.filter_queryset(self.get_queryset()))
        if page and (unchanged := self.unchanged(picture_tag(request, *page))):
            return unchanged
        self.log_list(page)
        return self.get_paginated_response(self.get_serializer(page, many=True).data)

    def retrieve(self, request: Request, *args, **kwargs) -> Response:
        picture = get_object_or_404(Picture.objects.visible_to(request.user), pk=kwargs["pk"])
        return self.unchanged(picture_tag(request, picture)) or super().retrieve(request, *args, **kwargs)


class PictureRowViewSet(PortalViewSet):
    """Rows of one picture: the one asked for, else the newest."""

    is_logged = True
    pagination_class = WidePagePagination

    def list(self, request: Request, *args, **kwargs) -> Response:
        picture = self._picture()
        if picture is None:
            return self.listed(self.get_queryset().none())
        if unchanged := self.unchanged(picture_tag(request, picture)):
            return unchanged
        return self.listed(self.get_queryset().filter(picture=picture), picture=str(picture.pk))

    def _picture(self) -> Picture | None:
        pictures = Picture.objects.visible_to(self.request.user)
        if "picture" not in self.request.query_params:
            return pictures.newest_first().first()
        filterset = self.filterset_class(self.request.query_params, queryset=self.get_queryset(), request=self.request)
        if not filterset.is_valid():
            raise ValidationError(filterset.errors)
        return filterset.form.cleaned_data["picture"]


@extend_schema_view(list=extend_schema(summary="Zellen eines Lagebilds auflisten"))
class CellViewSet(PictureRowViewSet):
    """Veröffentlichte Anzahlen je H3-Zelle und Kategoriengruppe."""

    queryset = Cell.objects.all()
    serializer_class = serializers.CellSerializer
    filterset_class = CellFilter

    def visible_rows(self, actor):
        rows = Cell.objects.visible_to(actor).select_related("group", "district").defer("district__geometry")
        return rows.order_by("group__kind", "group__slug", "cell")


@extend_schema_view(list=extend_schema(summary="Entwicklungen eines Lagebilds auflisten"))
class TrendViewSet(PictureRowViewSet):
    """Anzahlen je Gebiet und Kategoriengruppe gegen das Vorjahr, und das Urteil über die letzte volle Woche."""

    queryset = Trend.objects.all()
    serializer_class = serializers.TrendSerializer
    filterset_class = TrendFilter

    def visible_rows(self, actor):
        rows = Trend.objects.visible_to(actor).select_related("group", "area").defer("area__geometry")
        return rows.order_by("area__slug", "group__slug", "unit_label")


@extend_schema_view(
    list=extend_schema(summary="Erkenntnisse auflisten"), retrieve=extend_schema(summary="Eine Erkenntnis abrufen")
)
class FindingViewSet(PortalDetailViewSet):
    """Erkenntnisse mit ihrer Bewertung, den jüngsten Belegen und den jüngsten Signalen."""

    queryset = Finding.objects.all()
    serializer_class = serializers.FindingSerializer
    filterset_class = FindingFilter
    is_logged = True

    def visible_rows(self, actor):
        newest = Sighting.objects.visible_to(actor).order_by("finding_id", "-picture__date", "-picture__revision")
        signals = Signal.objects.visible_to(actor)
        last = signals.order_by("-picture__date", "-picture__revision")
        standing = signals.filter(
            picture_id=Subquery(last.filter(finding=OuterRef("finding_id")).values("picture_id")[:1])
        ).order_by("p_value", "stream", "rank")
        phenomena = Phenomenon.objects.visible_to(actor).select_related("finding", "group", "second_group", "category")
        phenomena = phenomena.order_by("finding_id", "-picture__date", "-picture__revision").distinct("finding_id")
        return (
            Finding.objects.visible_to(actor)
            .annotate(signal_on=Subquery(last.filter(finding=OuterRef("pk")).values("picture__date")[:1]))
            .select_related("group", "district", "responsible_agency", "danger")
            .defer("district__geometry")
            .prefetch_related(Prefetch("sightings", queryset=newest.distinct("finding_id"), to_attr="latest_sightings"))
            .prefetch_related(Prefetch("signals", queryset=standing, to_attr="latest_signals"))
            .prefetch_related(Prefetch("phenomena", queryset=phenomena, to_attr="latest_phenomena"))
            .order_by("-last_seen_on", "number")
        )


@extend_schema_view(
    list=extend_schema(summary="Ausgaben auflisten"), retrieve=extend_schema(summary="Eine Ausgabe abrufen")
)
class EditionViewSet(PortalDetailViewSet):
    """Eingefrorene Ausgaben des Lagebilds mit Nummer und Prüfsumme."""

    queryset = Edition.objects.all()
    serializer_class = serializers.EditionSerializer
    is_logged = True

    def visible_rows(self, actor):
        return Edition.objects.visible_to(actor).defer("pdf", "content").order_by("-year", "-sequence")

    @extend_schema(summary="Eine Ausgabe als PDF", responses=PDF_RESPONSE)
    @action(detail=True, renderer_classes=PDF_RENDERERS)
    def pdf(self, request: Request, pk: str) -> HttpResponse:
        """Die Ausgabe, Byte für Byte wie eingefroren."""
        edition = get_object_or_404(Edition.objects.visible_to(request.user).defer("content"), pk=pk)
        self.log_one(edition, pdf=True)
        return pdf_response(edition)
