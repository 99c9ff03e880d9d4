"""One look: cases in, what passed the level out, as plain JSON in published values."""

from __future__ import annotations

from lagebild.phenomena.leads import find_leads
from lagebild.phenomena.looks import Look
from lagebild.phenomena.modi import find_modi
from lagebild.phenomena.nearby import find_near
from lagebild.phenomena.shifts import find_moved
from lagebild.phenomenon_models import Form

_FINDERS = {Form.MODUS: find_modi, Form.SHIFT: find_moved, Form.NEAR_REPEAT: find_near, Form.CHAIN: find_leads}


def look_for(look: Look) -> dict:
    """`found`: what passed, each with its stream, numbers, cells, cases per agency and agencies that see it alone."""
    return {
        "form": look.form,
        "looked_on": look.day.isoformat(),
        "first": look.first.isoformat(),
        "tests": look.tests,
        "level": look.level,
        "found": _FINDERS[look.form](look),
    }
