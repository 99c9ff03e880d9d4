"""The description of the interface: the OpenAPI schema, and a page for people drawn from it.

Both are open to everybody in the house: they hold names of fields and no data.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import cache_control
from django.views.decorators.http import require_safe
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.renderers import OpenApiJsonRenderer

from agencies.api.problems import CODES, DETAILS, TITLES

_METHODS = ("get", "post")
_TYPES = {
    "string": "Text",
    "integer": "ganze Zahl",
    "number": "Zahl",
    "boolean": "true oder false",
    "object": "Objekt",
    "date-time": "Zeitpunkt",
    "date": "Tag",
    "uuid": "UUID",
    "uri": "Adresse",
}


@dataclass(frozen=True)
class Field:
    name: str
    type: str
    is_required: bool
    description: str


@dataclass(frozen=True)
class Operation:
    method: str
    path: str
    summary: str
    description: str
    parameters: list[Field]
    takes: list[Field]
    gives: list[Field]


@dataclass(frozen=True)
class Section:
    name: str
    operations: list[Operation]


@functools.cache
def openapi() -> dict:
    return SchemaGenerator().get_schema(request=None, public=True)


@require_safe
@cache_control(public=True, max_age=3600)
def schema_file(request: HttpRequest) -> HttpResponse:
    content = OpenApiJsonRenderer().render(openapi())
    return HttpResponse(content, content_type="application/vnd.oai.openapi+json; charset=utf-8")


@require_safe
def docs(request: HttpRequest) -> HttpResponse:
    problems = [(code, status, TITLES[status], DETAILS.get(code, "")) for code, status in CODES.items()]
    return render(request, "api/docs.html", {"sections": _sections(), "problems": problems})


@functools.cache
def _sections() -> list[Section]:
    sections: dict[str, list[Operation]] = {}
    for path, methods in openapi()["paths"].items():
        for method in _METHODS:
            if method in methods:
                operation = methods[method]
                sections.setdefault(operation["tags"][0], []).append(_operation(method, path, operation))
    return [Section(name, operations) for name, operations in sections.items()]


def _operation(method: str, path: str, operation: dict) -> Operation:
    answers = next(answer for status, answer in operation["responses"].items() if status.startswith("2"))
    return Operation(
        method=method.upper(),
        path=path,
        summary=operation.get("summary", ""),
        description=operation.get("description", ""),
        parameters=[
            Field(row["name"], _type(row["schema"]), row.get("required", False), row.get("description", ""))
            for row in operation.get("parameters", [])
        ],
        takes=_fields(_json_schema(operation.get("requestBody", {}))),
        gives=_fields(_json_schema(answers)),
    )


def _json_schema(body: dict) -> dict:
    return body.get("content", {}).get("application/json", {}).get("schema", {})


def _resolved(schema: dict) -> dict:
    """The schema itself, without references and wrappers around one."""
    if "$ref" in schema:
        return openapi()["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
    for wrapper in ("allOf", "oneOf"):
        inner = [part for part in schema.get(wrapper, []) if "NullEnum" not in part.get("$ref", "")]
        if len(inner) == 1:
            return _resolved(inner[0])
    return schema


def _fields(schema: dict, prefix: str = "") -> list[Field]:
    """Fields of an object or of a list's elements, inner objects by dotted names."""
    schema = _resolved(schema)
    if schema.get("type") == "array":
        return _fields(schema["items"], prefix)
    fields: list[Field] = []
    for name, inner in schema.get("properties", {}).items():
        required = name in schema.get("required", [])
        fields.append(Field(prefix + name, _type(inner), required, inner.get("description", "").partition("\n")[0]))
        element = _resolved(inner)
        nested = _resolved(element["items"]) if element.get("type") == "array" else element
        if "properties" in nested:
            fields += _fields(nested, f"{prefix}{name}.")
    return fields


def _type(schema: dict) -> str:
    inner = _resolved(schema)
    if inner.get("type") == "array":
        return f"Liste: {_type(inner['items'])}"
    if "enum" in inner:
        text = ", ".join(str(value) for value in inner["enum"] if value is not None)
    else:
        text = _TYPES.get(inner.get("format", ""), _TYPES.get(inner.get("type", ""), "beliebig"))
    is_nullable = schema.get("nullable") or inner.get("nullable")
    return f"{text} oder null" if is_nullable else text
