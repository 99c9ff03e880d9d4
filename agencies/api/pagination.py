"""Pages over visible rows: numbered for what changes nightly, cursors for records that change all day."""

from __future__ import annotations

import base64
import binascii
import datetime
import uuid

from django.db.models import Q, QuerySet
from django.utils import timezone
from rest_framework.exceptions import NotFound, ValidationError
from rest_framework.pagination import BasePagination, PageNumberPagination
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.utils.urls import replace_query_param

PAGE_SIZE_TEXT = "Zeilen je Seite"


def whole_number(request: Request, name: str, *, default: int, most: int) -> int:
    text = request.query_params.get(name)
    if text is None:
        return default
    if not (text.isascii() and text.isdecimal() and len(text) < 10 and 1 <= int(text) <= most):
        raise ValidationError({name: f"Bitte eine ganze Zahl von 1 bis {most} angeben."})
    return int(text)


def _parameter(name: str, kind: str, description: str) -> dict:
    return {"name": name, "in": "query", "required": False, "description": description, "schema": {"type": kind}}


class PagePagination(PageNumberPagination):
    page_size = 100
    max_page_size = 1000
    page_size_query_param = "page_size"
    query_names = ("page", "page_size")
    most_pages = 1_000_000

    def get_page_size(self, request: Request) -> int:
        return whole_number(request, "page_size", default=self.page_size, most=self.max_page_size)

    def get_page_number(self, request: Request, paginator) -> int:
        return whole_number(request, "page", default=1, most=self.most_pages)

    def paginate_queryset(self, queryset, request: Request, view=None) -> list:
        try:
            return super().paginate_queryset(queryset, request, view)
        except NotFound as error:
            raise ValidationError({"page": "Diese Seite gibt es nicht. Bitte eine kleinere Zahl angeben."}) from error

    def get_schema_operation_parameters(self, view) -> list[dict]:
        return [
            _parameter("page", "integer", "Nummer der Seite, ab 1"),
            _parameter("page_size", "integer", f"{PAGE_SIZE_TEXT}, höchstens {self.max_page_size}"),
        ]


class WidePagePagination(PagePagination):
    """For rows of a stored picture: few bytes each, never changing."""

    page_size = 1000
    max_page_size = 5000


class ChangePagination(BasePagination):
    """Rows in the order of their last change, oldest first.

    The cursor names the last row handed out by (updated_at, id) and not by a distance, so that rows which change,
    come or go in between are neither skipped nor moved: what changes again comes again at the end. Thousands of
    rows may share one moment, as an import writes them.
    """

    page_size = 100
    max_page_size = 1000
    query_names = ("cursor", "page_size")

    def paginate_queryset(self, queryset: QuerySet, request: Request, view=None) -> list:
        self.as_of = timezone.now()
        size = whole_number(request, "page_size", default=self.page_size, most=self.max_page_size)
        if text := request.query_params.get("cursor"):
            at, pk = _read_cursor(text)
            queryset = queryset.filter(Q(updated_at__gt=at) | Q(pk__gt=pk), updated_at__gte=at)
        rows = list(queryset.order_by("updated_at", "pk")[: size + 1])
        self.next_link = None
        if len(rows) > size:
            rows.pop()
            self.next_link = replace_query_param(request.build_absolute_uri(), "cursor", _cursor(rows[-1]))
        return rows

    def get_paginated_response(self, data: list) -> Response:
        return Response({"next": self.next_link, "as_of": self.as_of, "results": data})

    def get_paginated_response_schema(self, schema: dict) -> dict:
        return {
            "type": "object",
            "required": ["next", "as_of", "results"],
            "properties": {
                "next": {
                    "type": "string",
                    "format": "uri",
                    "nullable": True,
                    "description": "Adresse der nächsten Seite; leer auf der letzten",
                },
                "as_of": {
                    "type": "string",
                    "format": "date-time",
                    "description": "Zeitpunkt der Antwort; die der ersten Seite ist das nächste updated_since",
                },
                "results": schema,
            },
        }

    def get_schema_operation_parameters(self, view) -> list[dict]:
        return [
            _parameter("cursor", "string", "Fortsetzung; steht in „next“ der vorigen Seite"),
            _parameter("page_size", "integer", f"{PAGE_SIZE_TEXT}, höchstens {self.max_page_size}"),
        ]


def _cursor(row) -> str:
    return base64.urlsafe_b64encode(f"{row.updated_at.isoformat()}|{row.pk}".encode()).decode().rstrip("=")


def _read_cursor(text: str) -> tuple[datetime.datetime, uuid.UUID]:
    try:
        at_text, _, pk_text = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)).decode().partition("|")
        at, pk = datetime.datetime.fromisoformat(at_text), uuid.UUID(pk_text)
        return at.astimezone(datetime.UTC), pk
    except (binascii.Error, ValueError, OverflowError) as error:
        raise ValidationError(
            {"cursor": "Die Fortsetzung ist nicht lesbar. Bitte die Adresse aus „next“ unverändert verwenden."}
        ) from error
