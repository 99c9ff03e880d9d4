from __future__ import annotations

from django.db.models import OuterRef, Prefetch, Subquery
from django.http import HttpResponse
from django_filters import rest_framework as filters
from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework.decorators import action
from rest_framework.generics import get_object_or_404
from rest_framework.request import Request

from agencies.api.filters import DayFilter, MomentFilter, OneOfFilter, SlugFilter
from agencies.api.views import PortalDetailViewSet
from agencies.visibility import reads_picture
from conferences.api import serializers
from conferences.models import Body, Conference, ConferenceStatus, Decision, Measure, MeasureStatus
from incidents.api.filters import known_agencies
from lagebild.api.views import PDF_RENDERERS, PDF_RESPONSE, pdf_response
from lagebild.models import Edition


class ConferenceFilter(filters.FilterSet):
    body = OneOfFilter(choices=Body.choices)
    status = OneOfFilter(choices=ConferenceStatus.choices)
    starts_from = MomentFilter("starts_at", "gte", help_text="Beginn zu diesem Zeitpunkt oder später")


class MeasureFilter(filters.FilterSet):
    status = OneOfFilter(choices=MeasureStatus.choices)
    agency = SlugFilter(queryset=known_agencies, help_text="Kürzel der verantwortlichen Behörde")
    due_before = DayFilter("due_on", "lt", help_text="Frist vor diesem Tag")


@extend_schema_view(
    list=extend_schema(summary="Konferenzen auflisten"), retrieve=extend_schema(summary="Eine Konferenz abrufen")
)
class ConferenceViewSet(PortalDetailViewSet):
    """Konferenzen, zu denen die eigene Behörde eingeladen ist."""

    queryset = Conference.objects.all()
    serializer_class = serializers.ConferenceSerializer
    filterset_class = ConferenceFilter
    is_logged = True

    def visible_rows(self, actor):
        rows = Conference.objects.visible_to(actor).without_print().order_by("-starts_at", "pk")
        if self.action != "retrieve":
            return rows
        decisions = Decision.objects.select_related("agenda_item").order_by("number")
        if not reads_picture(actor):
            decisions = decisions.none()
        return rows.prefetch_related(
            "agencies", "agenda_items", Prefetch("decisions", queryset=decisions, to_attr="shown_decisions")
        )

    def get_serializer_class(self):
        return serializers.ConferenceWithAgendaSerializer if self.action == "retrieve" else self.serializer_class

    @extend_schema(summary="Die Ausgabe einer Konferenz als PDF", responses=PDF_RESPONSE)
    @action(detail=True, renderer_classes=PDF_RENDERERS)
    def pdf(self, request: Request, pk: str) -> HttpResponse:
        """Die vorgelegte Ausgabe, auch für Gäste der Konferenz."""
        conference = get_object_or_404(Conference.objects.visible_to(request.user), pk=pk)
        edition = get_object_or_404(Edition.objects.defer("content"), pk=conference.edition_id)
        self.log_one(edition, pdf=True, conference=str(conference.pk))
        return pdf_response(edition)


@extend_schema_view(
    list=extend_schema(summary="Maßnahmen auflisten"), retrieve=extend_schema(summary="Eine Maßnahme abrufen")
)
class MeasureViewSet(PortalDetailViewSet):
    """Maßnahmen der eigenen Konferenzen und die der eigenen Behörde, mit ihrem Sachstand."""

    queryset = Measure.objects.all()
    serializer_class = serializers.MeasureSerializer
    filterset_class = MeasureFilter
    is_logged = True

    def visible_rows(self, actor):
        meetings = Conference.objects.visible_to(actor).filter(pk=OuterRef("decision__conference_id"))
        return (
            Measure.objects.visible_to(actor)
            .select_related("agency", "area")
            .defer("area__geometry")
            .annotate(visible_conference=Subquery(meetings.order_by().values("pk")[:1]))
            .prefetch_related("reports")
            .order_by("due_on", "pk")
        )
