from __future__ import annotations

from collections import Counter

from django.db import IntegrityError
from django.db.models import Prefetch, QuerySet
from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework.decorators import action
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.status import HTTP_200_OK

from agencies.api.pagination import ChangePagination
from agencies.api.problems import Conflict, field_errors
from agencies.api.views import SLUG, AgencyScopedViewSet, PortalDetailViewSet
from incidents import actions
from incidents.api import serializers
from incidents.api.filters import AreaFilter, CategoryFilter, ComplaintFilter, IncidentFilter
from incidents.geo import DistrictIndex
from incidents.importing.push import PushedResult, PushedRow, push
from incidents.models import Area, Category, Complaint, Incident, Kind, Record, Source

MOST_ROWS = 1_000
_REPEATED = "Dieses Aktenzeichen steht in der Anfrage mehrfach. Bitte jede Meldung nur einmal senden."
_NO_ROW = "Hier muss ein Objekt mit den Angaben einer Meldung stehen."


@extend_schema_view(
    list=extend_schema(summary="Kategorien auflisten"), retrieve=extend_schema(summary="Eine Kategorie abrufen")
)
class CategoryViewSet(PortalDetailViewSet):
    """Der Katalog der Kategorien für Vorfälle und Beschwerden."""

    queryset = Category.objects.all()
    serializer_class = serializers.CategorySerializer
    filterset_class = CategoryFilter
    lookup_field = "slug"
    lookup_value_regex = SLUG

    def visible_rows(self, actor):
        return Category.objects.select_related("group").order_by("slug")


@extend_schema_view(
    list=extend_schema(summary="Gebiete auflisten"), retrieve=extend_schema(summary="Ein Gebiet mit Geometrie abrufen")
)
class AreaViewSet(PortalDetailViewSet):
    """Stadt, Stadtbezirke und weitere Gebiete; ein einzelnes Gebiet mit seiner Geometrie."""

    queryset = Area.objects.all()
    serializer_class = serializers.AreaSerializer
    filterset_class = AreaFilter
    lookup_field = "slug"
    lookup_value_regex = SLUG

    def visible_rows(self, actor):
        rows = Area.objects.order_by("slug")
        return rows if self.action == "retrieve" else rows.defer("geometry")

    def get_serializer_class(self):
        return serializers.AreaWithGeometrySerializer if self.action == "retrieve" else self.serializer_class


def record_rows(kind: str, actor) -> QuerySet[Record]:
    """Faces the actor may see with everything their serializer reads: own details, cleared notes."""
    model = actions.MODEL_OF_KIND[kind]
    own = model.detail_model().objects.owned_by(actor).defer("search")
    notes = actions.NOTE_OF_KIND[kind].objects.filter(cleared_at__isnull=False)
    return (
        model.objects.visible_to(actor)
        .select_related("category__group", "agency", "district")
        .defer("district__geometry")
        .prefetch_related(
            Prefetch("detail", queryset=own, to_attr="own_detail"),
            Prefetch("note", queryset=notes, to_attr="cleared_note"),
        )
    )


class RecordViewSet(AgencyScopedViewSet):
    kind: Kind
    model: type[Record]
    input_class: type[serializers.IncidentInputSerializer]
    row_class: type[serializers.IncidentRowSerializer]
    pagination_class = ChangePagination

    def visible_rows(self, actor):
        return record_rows(self.kind, actor)

    def get_serializer_class(self):
        return {"create": self.input_class, "bulk": self.row_class}.get(self.action, self.serializer_class)

    def get_serializer_context(self) -> dict:
        context = super().get_serializer_context()
        if self.action in {"create", "bulk"} and not getattr(self, "swagger_fake_view", False):
            context["categories"] = {category.slug: category for category in Category.objects.usable(self.kind)}
            context["districts"] = {area.slug: area for area in DistrictIndex.load().areas}
        return context

    def save_new(self, serializer) -> Record:
        by = self.request.user
        data = serializer.record_data(sharing_level=serializer.validated_data.get("sharing_level", ""))
        return actions.report(kind=self.kind, data=data, by=by, source=Source.API)

    def push_rows(self, request: Request) -> Response:
        rows = request.data
        if not isinstance(rows, list) or not 1 <= len(rows) <= MOST_ROWS:
            raise ValidationError(f"Der Inhalt muss eine Liste von 1 bis {MOST_ROWS} Meldungen sein.")
        sound, results = self._read_rows(rows)
        try:
            written = push(kind=self.kind, rows=list(sound.values()), by=request.user)
        except IntegrityError as error:
            raise Conflict from error
        for index, result in zip(sound, written, strict=True):
            results[index] = _result_line(index, result)
        counts = Counter(line["outcome"] for line in results.values())
        body = {name: counts[name] for name in ("created", "updated", "unchanged", "refused")}
        return Response(body | {"results": [results[index] for index in range(len(rows))]}, status=HTTP_200_OK)

    def _read_rows(self, rows: list) -> tuple[dict[int, PushedRow], dict[int, dict]]:
        """Rows that read well, and lines for the others, by position."""
        # One serializer reads every row, as a list serializer does: building its fields costs more than reading a row.
        serializer = self.row_class(context=self.get_serializer_context())
        sound: dict[int, PushedRow] = {}
        refused: dict[int, dict] = {}
        references: set[str] = set()
        for index, row in enumerate(rows):
            if not isinstance(row, dict):
                refused[index] = _refusal(index, [("", _NO_ROW)])
                continue
            try:
                data = actions.RecordData(**serializer.run_validation(row))
            except ValidationError as error:
                errors = [(line["field"], line["reason"]) for line in field_errors(error.detail)]
                refused[index] = _refusal(index, errors)
                continue
            if data.reference in references:
                refused[index] = _refusal(index, [("reference", _REPEATED)])
                continue
            references.add(data.reference)
            carried = frozenset(row) - {"reference"}
            sound[index] = PushedRow(data, carried, has_place=bool(serializers.PLACE_FIELDS & carried))
        return sound, refused


def _result_line(index: int, result: PushedResult) -> dict:
    if result.errors:
        return _refusal(index, list(result.errors.items()))
    return {"index": index, "outcome": result.outcome, "id": str(result.id), "errors": []}


def _refusal(index: int, errors: list[tuple[str, str]]) -> dict:
    lines = [
        {"pointer": f"/{index}/{name.replace('~', '~0').replace('/', '~1')}" if name else f"/{index}", "reason": reason}
        for name, reason in errors
    ]
    return {"index": index, "outcome": "refused", "id": None, "errors": lines}


@extend_schema_view(
    list=extend_schema(summary="Vorfälle auflisten"),
    retrieve=extend_schema(summary="Einen Vorfall abrufen"),
    create=extend_schema(
        summary="Einen Vorfall erfassen",
        request=serializers.IncidentInputSerializer,
        responses={201: serializers.IncidentSerializer},
    ),
)
class IncidentViewSet(RecordViewSet):
    """Eigene Vorfälle vollständig, geteilte ohne den vertraulichen Teil."""

    kind = Kind.INCIDENT
    model = Incident
    queryset = Incident.objects.all()
    serializer_class = serializers.IncidentSerializer
    input_class = serializers.IncidentInputSerializer
    row_class = serializers.IncidentRowSerializer
    filterset_class = IncidentFilter

    @extend_schema(
        summary="Vorfälle gesammelt übertragen",
        request=serializers.IncidentRowSerializer(many=True),
        responses={200: serializers.BulkResultSerializer},
        filters=False,
    )
    @action(detail=False, methods=["post"], pagination_class=None)
    def bulk(self, request: Request) -> Response:
        """Anlegen oder ändern nach Aktenzeichen, höchstens 1.000 Zeilen, mit einem Ergebnis je Zeile."""
        return self.push_rows(request)


@extend_schema_view(
    list=extend_schema(summary="Beschwerden auflisten"),
    retrieve=extend_schema(summary="Eine Beschwerde abrufen"),
    create=extend_schema(
        summary="Eine Beschwerde erfassen",
        request=serializers.ComplaintInputSerializer,
        responses={201: serializers.ComplaintSerializer},
    ),
)
class ComplaintViewSet(RecordViewSet):
    """Eigene Beschwerden vollständig, geteilte ohne den vertraulichen Teil."""

    kind = Kind.COMPLAINT
    model = Complaint
    queryset = Complaint.objects.all()
    serializer_class = serializers.ComplaintSerializer
    input_class = serializers.ComplaintInputSerializer
    row_class = serializers.ComplaintRowSerializer
    filterset_class = ComplaintFilter

    @extend_schema(
        summary="Beschwerden gesammelt übertragen",
        request=serializers.ComplaintRowSerializer(many=True),
        responses={200: serializers.BulkResultSerializer},
        filters=False,
    )
    @action(detail=False, methods=["post"], pagination_class=None)
    def bulk(self, request: Request) -> Response:
        """Anlegen oder ändern nach Aktenzeichen, höchstens 1.000 Zeilen, mit einem Ergebnis je Zeile."""
        return self.push_rows(request)
