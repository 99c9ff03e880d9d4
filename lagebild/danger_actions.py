"""What happens to the rules of dangers: set, change, switch."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from django.core.exceptions import PermissionDenied, ValidationError
from django.db import transaction
from django.utils import timezone

from agencies import audit
from agencies.visibility import reads_picture
from incidents.models import Complaint, Incident, Kind
from lagebild.danger_checks import shared_faces
from lagebild.danger_models import DangerRule, DefinedQuerySet
from lagebild.danger_rules import Catalogue, objections, rule_of
from lagebild.dangers import find_episodes

LOOKED_BACK = dt.timedelta(days=365)
# A rule that takes more of a year's records than this looks for no danger, and costs too much at every entry.
MOST_FACES = 5_000
_TOO_WIDE = (
    "Auf diese Regel passen mehr als 5.000 Meldungen der letzten 12 Monate. Sie ist zu weit gefasst; bitte weniger "
    "Arten oder eine höhere Schwere wählen."
)


@dataclass(frozen=True)
class Preview:
    """How often the rule would have been met in the last twelve months; `times` is None where it is too wide."""

    times: int | None

    @property
    def text(self) -> str:
        if self.times is None:
            return _TOO_WIDE
        times = {0: "keinmal", 1: "einmal"}.get(self.times, f"{self.times}-mal")
        return (
            f"Diese Regel hätte in den letzten 12 Monaten {times} ausgelöst. Gezählt sind die Meldungen der Stufe "
            "„Kooperation“, wie sie heute freigegeben sind."
        )


def preview(definition: DangerRule, *, by, now: dt.datetime | None = None) -> Preview:
    """Of the faces the person may see and every member sees. Writes nothing."""
    rule = rule_of(definition, Catalogue.load())
    if rule is None:
        return Preview(0)
    start = (now or timezone.now()) - LOOKED_BACK
    rows = {Kind.INCIDENT: Incident.objects.visible_to(by), Kind.COMPLAINT: Complaint.objects.visible_to(by)}
    faces = shared_faces(rule, rows, since=start - rule.window, most=MOST_FACES)
    if len(faces) > MOST_FACES:
        return Preview(None)
    return Preview(sum(episode.last_at >= start for episode in find_episodes(rule, faces)))


def require_definer(by) -> None:
    if not (reads_picture(by) and by.can("define_methods")):
        raise PermissionDenied("Gefahrenregeln und Ströme legen Leitungen aktiver Mitglieder und der Vorsitz fest.")


def own_locked(rows: DefinedQuerySet, pk, by):
    """The definition, locked, if it is one of the own agency."""
    require_definer(by)
    found = rows.changeable_by(by).select_for_update(of=("self",)).filter(pk=pk).first()
    if found is None:
        raise PermissionDenied("Diese Festlegung gehört einer anderen Behörde.")
    return found


def check_rule(*, definition: DangerRule, by) -> Preview:
    """What the rule would have raised; raises ValidationError with a message per field where it may not be set."""
    require_definer(by)
    errors = objections(definition, Catalogue.load())
    same_name = DangerRule.objects.filter(agency=by.agency, name=definition.name).exclude(pk=definition.pk)
    if same_name.exists():
        errors["name"] = "Eine Regel dieses Namens hat Ihre Behörde schon. Bitte einen anderen Namen wählen."
    if definition.agencies > definition.count + definition.also_count:
        errors["agencies"] = "So viele Behörden können es bei so wenigen Meldungen nicht sein. Bitte die Zahl prüfen."
    if not errors and (tried := preview(definition, by=by)).times is not None:
        return tried
    raise ValidationError(errors or {"what": _TOO_WIDE})


@transaction.atomic
def save_rule(*, definition: DangerRule, by) -> DangerRule:
    """Set a new rule of the own agency or change one of its rules."""
    require_definer(by)
    is_new = definition._state.adding
    if is_new:
        definition.agency = by.agency
    else:
        own_locked(DangerRule.objects.all(), definition.pk, by)
    check_rule(definition=definition, by=by)
    definition.changed_by, definition.changed_at = by, timezone.now()
    definition.save()
    step = "created" if is_new else "changed"
    audit.record(audit.Act.SETTINGS_CHANGED, by=by, obj=definition, owner=by.agency, step=step)
    return definition


@transaction.atomic
def switch_rule(*, definition: DangerRule, is_active: bool, by) -> DangerRule:
    """Switch a rule on or off; what it has raised stays."""
    return switch(own_locked(DangerRule.objects.all(), definition.pk, by), is_active, by)


def switch(definition, is_active: bool, by):
    definition.is_active, definition.changed_by, definition.changed_at = is_active, by, timezone.now()
    definition.save(update_fields=("is_active", "changed_by", "changed_at"))
    audit.record(audit.Act.SETTINGS_CHANGED, by=by, obj=definition, owner=by.agency, is_active=is_active)
    return definition
