"""Phenomena on the pages: finished values out of stored rows; nothing is computed at request time."""

from __future__ import annotations

import datetime as dt

from django.urls import reverse

from incidents.geo import cell_boundary
from lagebild.models import Finding, Phenomenon, Picture
from lagebild.phenomena.words import LIMITS, sentences, tables, together_text
from lagebild.phenomenon_models import Form
from lagebild.wording import expected_text, german_number, period_text

LOOKS_SHOWN = 30


def picture_section(picture: Picture) -> dict | None:
    """What the picture found, with addresses, and when was looked; None for a picture of before the looks. No query."""
    stored = picture.parameters.get("phenomena")
    if stored is None:
        return None
    looks = {form: dt.date.fromisoformat(day) for form, day in stored["looks"].items()}
    return {
        "rows": [row | {"url": reverse("lagebild:finding", args=(row["finding"],))} for row in stored["found"]],
        "weekly": f"{looks[Form.MODUS]:%d.%m.%Y}",
        "quarterly": f"{looks[Form.NEAR_REPEAT]:%d.%m.%Y}",
    }


def latest_of(finding: Finding) -> Phenomenon | None:
    return _newest(finding).first()


def _newest(finding: Finding):
    rows = finding.phenomena.select_related("picture", "finding", "group", "second_group", "category")
    return rows.order_by("-picture__date", "-picture__revision")


def dossier(finding: Finding) -> dict:
    """What a phenomenon shows beside what every finding shows. One query."""
    rows = list(_newest(finding)[: 7 * LOOKS_SHOWN])
    latest = rows[0]
    by_look = {row.looked_on: row for row in reversed(rows)}
    return {
        "phenomenon": latest,
        "phenomenon_period": period_text(latest.first_day, latest.last_day),
        "phenomenon_sentences": sentences(latest),
        "phenomenon_together": together_text(latest),
        "phenomenon_limits": LIMITS[Form(latest.form)],
        "phenomenon_tables": tables(latest),
        "phenomenon_looks": [_look_row(row) for _, row in sorted(by_look.items(), reverse=True)][:LOOKS_SHOWN],
        "is_shift": latest.form == Form.SHIFT,
        "place_url": reverse("lagebild:finding_place", args=(finding.pk,)) if latest.cells else "",
    }


def _look_row(row: Phenomenon) -> dict:
    return {"day": row.looked_on, "count": german_number(row.count), "expected": expected_text(row.expected)}


def place_features(row: Phenomenon) -> list[dict]:
    """The cells of a phenomenon as GeoJSON; of a shift those that fade are told apart."""
    sides = [(row.cells, row.finding.subject, False)]
    if row.form == Form.SHIFT:
        sides = [
            (row.evidence[side]["cells"], f"{word}: {row.evidence[side]['place']}", side == "fading")
            for side, word in (("fading", "nimmt ab"), ("growing", "nimmt zu"))
        ]
    return [
        {
            "type": "Feature",
            "geometry": {"type": "Polygon", "coordinates": [cell_boundary(cell)]},
            "properties": {"label": label, "is_fading": is_fading},
        }
        for cells, label, is_fading in sides
        for cell in cells
    ]
