"""`/api/v1/changes/`: what a mirror takes in and what it drops."""

from __future__ import annotations

import datetime
import uuid

from django.core import signing
from drf_spectacular.utils import OpenApiParameter, PolymorphicProxySerializer, extend_schema
from rest_framework import serializers
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.utils.urls import replace_query_param

from agencies import audit
from agencies.api.pagination import PAGE_SIZE_TEXT, whole_number
from agencies.api.problems import CursorExpired
from agencies.api.views import PortalViewSet
from agencies.models import Agency
from incidents import changes
from incidents.api.serializers import ComplaintSerializer, IncidentSerializer
from incidents.api.views import record_rows
from incidents.changes_models import ToldRecord
from incidents.models import Kind

PAGE_SIZE, MOST_ROWS = 500, 1_000
RETRY_AFTER_S = 300
UPSERT, WITHDRAWN = "upsert", "withdrawn"
# The tag of an answer without entries: whoever shows it is told so in 304 and keeps the cursor.
_NOTHING_NEW = "nothing-new"
_SERIALIZERS = {Kind.INCIDENT: IncidentSerializer, Kind.COMPLAINT: ComplaintSerializer}
_UNREADABLE = (
    "Die Fortsetzung ist nicht lesbar. Bitte „cursor“ unverändert verwenden oder ohne Fortsetzung neu beginnen."
)
_OTHER_KIND = "Die Fortsetzung gehört zu einer anderen Auswahl von „kind“. Bitte dieselbe Auswahl verwenden."
_KIND = f"Diesen Wert gibt es nicht. Möglich sind: {', '.join(Kind.values)}."


class ChangeSerializer(serializers.Serializer):
    change = serializers.ChoiceField(choices=[UPSERT, WITHDRAWN])
    kind = serializers.ChoiceField(choices=Kind.choices)
    id = serializers.UUIDField()
    record = PolymorphicProxySerializer(
        component_name="ChangedRecord",
        serializers=list(_SERIALIZERS.values()),
        resource_type_field_name=None,
        allow_null=True,
        help_text="Wie in den Listen; leer, wenn die Meldung zu löschen ist",
    )


class ChangesSerializer(serializers.Serializer):
    cursor = serializers.CharField(help_text="Für den nächsten Abruf aufzuheben, 90 Tage gültig")
    next = serializers.URLField(help_text="Adresse des nächsten Abrufs")
    has_more = serializers.BooleanField(help_text="true: sofort weiter abrufen, false: die Kopie ist auf dem Stand")
    as_of = serializers.DateTimeField(
        help_text="Wenn „has_more“ false ist, kennt die Kopie alles, was zu diesem Zeitpunkt galt"
    )
    results = ChangeSerializer(many=True)


def _salt(agency: Agency) -> str:
    """A cursor of one agency is unreadable for every other."""
    return f"incidents.changes:{agency.pk}"


def write_cursor(place: changes.Place, kind: str, agency: Agency) -> str:
    after = place.after.hex if place.after else ""
    began = place.began_at.isoformat() if place.began_at else ""
    return signing.dumps([place.position, kind, len(place.kinds), after, began], salt=_salt(agency), compress=True)


def read_cursor(text: str, kind: str, agency: Agency) -> changes.Place:
    try:
        content = signing.loads(text, salt=_salt(agency), max_age=changes.CURSOR_AGE)
    except signing.SignatureExpired as error:
        raise CursorExpired from error
    except signing.BadSignature as error:
        raise ValidationError({"cursor": _UNREADABLE}) from error
    position, of_kind, left, after, began = content
    if of_kind != kind:
        raise ValidationError({"cursor": _OTHER_KIND})
    kinds = changes.beginning(kind)
    return changes.Place(
        position,
        kinds[len(kinds) - left :],
        uuid.UUID(after) if after else None,
        datetime.datetime.fromisoformat(began) if began else None,
    )


class ChangeViewSet(PortalViewSet):
    """Neues, Geändertes und Zurückgenommenes für eine Kopie im eigenen System."""

    queryset = ToldRecord.objects.all()
    serializer_class = ChangesSerializer
    pagination_class = None
    filter_backends = ()

    def query_names(self) -> set[str]:
        return {"cursor", "kind", "page_size"} if self.action == "list" else set()

    @extend_schema(
        summary="Änderungen abrufen",
        parameters=[
            OpenApiParameter("cursor", str, description="„cursor“ des vorigen Abrufs; ohne beginnt die Kopie von vorn"),
            OpenApiParameter("kind", str, enum=Kind.values, description="nur Vorfälle oder nur Beschwerden"),
            OpenApiParameter("page_size", int, description=f"{PAGE_SIZE_TEXT}, höchstens {MOST_ROWS}"),
        ],
        responses=ChangesSerializer,
    )
    def list(self, request: Request) -> Response:
        """„upsert“ ist aufzunehmen oder zu ersetzen, „withdrawn“ zu löschen. Jede Änderung kann mehrfach kommen."""
        actor = request.user
        kind = request.query_params.get("kind", "")
        if kind and kind not in Kind.values:
            raise ValidationError({"kind": _KIND})
        size = whole_number(request, "page_size", default=PAGE_SIZE, most=MOST_ROWS)
        text = request.query_params.get("cursor", "")
        place = read_cursor(text, kind, actor.agency) if text else changes.Place(0, changes.beginning(kind))
        page = changes.next_page(actor=actor, place=place, kind=kind, size=size)
        results = self._results(page.told)
        if not page.has_more and not results and (unchanged := self.unchanged(_NOTHING_NEW)):
            return self._hinted(unchanged)
        cursor = write_cursor(page.place, kind, actor.agency)
        body = {
            "cursor": cursor,
            "next": replace_query_param(request.build_absolute_uri(), "cursor", cursor),
            "has_more": page.has_more,
            "as_of": page.as_of,
            "results": results,
        }
        return Response(body) if page.has_more else self._hinted(Response(body))

    def _hinted(self, response: Response) -> Response:
        response["Retry-After"] = str(RETRY_AFTER_S)
        return response

    def _results(self, told: list[ToldRecord]) -> list[dict]:
        """One entry per row, by what may be seen now: asked for the content, and again when it is ready."""
        actor = self.request.user
        faces: dict[tuple[str, uuid.UUID], dict] = {}
        handed = []
        for kind, keys in changes.by_kind(told).items():
            records = list(record_rows(kind, actor).filter(pk__in=keys))
            written = _SERIALIZERS[Kind(kind)](records, many=True, context=self.get_serializer_context()).data
            still = changes.visible_now(actor=actor, kind=kind, keys=keys)
            for record, face in zip(records, written, strict=True):
                if record.pk in still:
                    faces[kind, record.pk] = face
                    handed.append(record)
        if owners := changes.owner_counts(handed, actor.agency):
            audit.record(audit.Act.PULLED, by=actor, endpoint=self.basename, owners=owners)
        return [_entry(row, faces.get((row.kind, row.record_id))) for row in told]


def _entry(row: ToldRecord, face: dict | None) -> dict:
    change = UPSERT if face is not None else WITHDRAWN
    return {"change": change, "kind": row.kind, "id": str(row.record_id), "record": face}
