"""Made-up answers for the description of the interface."""

from __future__ import annotations

from drf_spectacular.utils import OpenApiExample, extend_schema_serializer

SIGNAL = {
    "picture": "0b8c6f1e-2f0b-4a51-9a53-0a4a0f0f4c11",
    "stream": "group:damage-graffiti",
    "label": "Sachbeschädigung, Graffiti und Brandlegung",
    "kind": "incident",
    "first_day": "2026-11-14",
    "last_day": "2026-11-22",
    "days": 9,
    "center_cell": "891fa0c2d4bffff",
    "cells": ["891fa0c2d4bffff", "891fa0c2d4fffff"],
    "count": 11,
    "expected": 0.9,
    "llr": 18.2,
    "p_value": 0.000011,
    "recurrence_nights": 90909,
    "is_fitted": True,
    "is_merged_only": True,
    "agencies": ["ordnungsamt", "polizei"],
    "parts": [],
}

PHENOMENON = {
    "picture": "0b8c6f1e-2f0b-4a51-9a53-0a4a0f0f4c11",
    "form": "modus",
    "group": "fire-rescue",
    "second_group": None,
    "category": "small-fire",
    "hours": "night",
    "looked_on": "2026-11-22",
    "first_day": "2026-10-26",
    "last_day": "2026-11-22",
    "count": 17,
    "expected": 3.1,
    "p_value": 0.00004,
    "cells": ["891fa0c2d4bffff", "891fa0c2d4fffff"],
    "is_merged_only": True,
    "agencies": ["feuerwehr", "polizei"],
    "sentences": ["Vom 26.10.–22.11.2026 wurde „Kleinbrand“ nachts (22 bis 6 Uhr) 17-mal gemeldet. …"],
    "limits": "Das Muster sagt nicht, dass dieselben Personen handeln, und nicht, warum es mehr wird. …",
}


def with_example(value: dict):
    """Decorate a serializer with one example of what it gives."""
    return extend_schema_serializer(examples=[OpenApiExample("Beispiel", value=value, response_only=True)])
