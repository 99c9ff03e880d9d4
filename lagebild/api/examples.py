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


def with_example(value: dict):
    """Decorate a serializer with one example of what it gives."""
    return extend_schema_serializer(examples=[OpenApiExample("Beispiel", value=value, response_only=True)])
