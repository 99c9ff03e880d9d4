"""What the generator cannot know: every operation may answer with problem details."""

from agencies.api.problems import CODES, PROBLEM_JSON

_TEXT = {"type": "string"}
PROBLEM = {
    "type": "object",
    "description": "Problem details nach RFC 9457",
    "required": ["type", "title", "status", "detail", "code"],
    "properties": {
        "type": {"type": "string", "format": "uri-reference"},
        "title": _TEXT,
        "status": {"type": "integer"},
        "detail": _TEXT,
        "code": {"type": "string", "enum": list(CODES)},
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["field", "reason"],
                "properties": {"field": _TEXT, "reason": _TEXT},
            },
        },
    },
}


def add_problems(result: dict, generator, request, public) -> dict:
    result["components"]["schemas"]["Problem"] = PROBLEM
    answer = {
        "description": "Problem details",
        "content": {PROBLEM_JSON: {"schema": {"$ref": "#/components/schemas/Problem"}}},
    }
    for methods in result["paths"].values():
        for operation in methods.values():
            operation["responses"]["default"] = answer
    return result
