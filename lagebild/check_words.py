"""The self-check of the map as the method page tells it. Stored values only."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping

from incidents.models import CategoryGroup, Kind
from lagebild.models import Picture
from lagebild.wording import german_number, percent_text, period_text

_TITLES = {Kind.INCIDENT: "Vorfälle", Kind.COMPLAINT: "Beschwerden"}


def check_block(picture: Picture | None, groups: Mapping[str, CategoryGroup]) -> dict | None:
    """None where no picture has checked a map; without `map_date` there was no earlier one to check."""
    stored = picture.parameters.get("self_check") if picture else None
    if stored is None:
        return None
    if stored["map"] is None:
        return {"as_of": picture.date}
    first, last = (dt.date.fromisoformat(stored[name]) for name in ("first", "last"))
    rows = [(groups[row["group"]], row) for row in stored["groups"] if row["group"] in groups]
    tables = [
        {
            "label": label,
            "rows": [_row(group, row, stored["least_cases"]) for group, row in rows if row["kind"] == kind],
        }
        for kind, label in _TITLES.items()
    ]
    return {
        "as_of": picture.date,
        "map_date": dt.date.fromisoformat(stored["map"]["date"]),
        "period": period_text(first, last),
        "least": stored["least_cases"],
        "tables": [table for table in tables if table["rows"]],
    }


def _row(group: CategoryGroup, row: dict, least: int) -> dict:
    told = {"label": group.label, "cases": german_number(row["cases"]), "cells": german_number(row["cells"])}
    if not row["cells"]:
        return told | {"note": "Die Karte hatte nichts hervorgehoben."}
    told["area"] = percent_text(100 * row["area_share"])
    if row["cases"] < least:
        return told | {"note": "zu wenige Meldungen"}
    return told | {
        "note": "",
        "hits": german_number(row["hits"]),
        "hit_rate": percent_text(100 * row["hit_rate"]),
        "bounds": "{}–{}".format(*(german_number(100 * bound) for bound in row["hit_rate_bounds"])),
        "pai": german_number(row["pai"], 1),
        "pei": percent_text(100 * row["pei"]),
        "simple_hits": german_number(row["simple_hits"]),
        "simple_pai": german_number(row["simple_pai"], 1),
    }
