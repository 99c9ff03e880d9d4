"""The streams that raise alarms, and what their number means for the threshold."""

from __future__ import annotations

from dataclasses import dataclass

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils import timezone

from agencies import audit
from incidents.models import Category, Origin
from lagebild.danger_actions import own_locked, require_definer, switch
from lagebild.danger_rules import Catalogue
from lagebild.stats.alarms import threshold_p
from lagebild.stream_models import FEWEST_CATEGORIES, StreamSet

# For the whole picture, all streams together.
ACCEPTED_FALSE_ALARMS_PER_YEAR = 1.0
# Searches over all streams together, which raise alarms of their own.
JOINT_SEARCHES = ("gemeinsame Suche über alle Vorfallgruppen", "gemeinsame Suche über alle Beschwerdegruppen")
# Each further stream makes all of them less sensitive.
MOST_SETS = 9


@dataclass(frozen=True)
class AlarmStream:
    """`id` is "group:SLUG" or "set:UUID" and stays the same from night to night."""

    id: str
    kind: str
    label: str
    category_ids: tuple[int, ...]
    unit_label: str = ""


def alarm_streams() -> list[AlarmStream]:
    """Every stream that is watched each night: the catalogue's groups in their order, then the sets in force by name.

    Control-driven categories are left out, and so is a group or set of nothing else. Three queries.
    """
    catalogue = Catalogue.load()
    streams = [
        _stream(f"group:{group.slug}", group.kind, group.label, catalogue.of_groups([group.slug]))
        for group in catalogue.groups.values()
    ]
    streams += [
        _stream(f"set:{row.pk}", row.kind, row.name, [c for c in catalogue.named(row.categories) if c.kind == row.kind])
        for row in StreamSet.objects.in_force().order_by("kind", "name", "pk")
    ]
    return [stream for stream in streams if stream.category_ids]


def _stream(key: str, kind: str, label: str, categories: list[Category]) -> AlarmStream:
    watched = [category for category in categories if category.origin != Origin.CONTROL]
    units = sorted({category.unit_label for category in watched})
    return AlarmStream(key, kind, label, tuple(sorted(category.pk for category in watched)), ", ".join(units))


def alarm_count(streams: list[AlarmStream]) -> int:
    """S: streams and joint searches that may raise an alarm on one night."""
    return len(streams) + len(JOINT_SEARCHES)


def alarm_threshold(number: int) -> float:
    """Largest p at which each of `number` nightly tests may raise an alarm, for the accepted false ones a year."""
    return threshold_p(number, ACCEPTED_FALSE_ALARMS_PER_YEAR)


def objections(row: StreamSet, catalogue: Catalogue, others: list[StreamSet]) -> dict[str, str]:
    """Why the set may not be made, as {field: German message}. Pure, no queries."""
    categories = catalogue.named(row.categories)
    units = sorted({category.unit_label for category in categories})
    if len(categories) < FEWEST_CATEGORIES:
        return {"categories": "Ein eigener Strom verbindet mehrere Arten. Bitte mindestens zwei wählen."}
    if any(category.kind != row.kind for category in categories):
        return {
            "categories": "Vorfälle und Beschwerden werden nie addiert. Bitte nur Arten der gewählten Seite wählen."
        }
    if controlled := [c.label for c in categories if c.origin == Origin.CONTROL]:
        return {
            "categories": f"Die Zahl dieser Meldungen hängt von der Kontrolldichte ab: {', '.join(controlled)}. "
            "Bitte ohne sie speichern."
        }
    if len(units) > 1:
        return {
            "categories": f"Die Auswahl mischt Zähleinheiten ({', '.join(units)}), die nicht addiert werden. "
            "Bitte Arten mit gleicher Zähleinheit wählen."
        }
    chosen = set(row.categories)
    if any(chosen == {c.slug for c in catalogue.of_groups([slug])} for slug in catalogue.groups):
        return {"categories": "Diese Auswahl ist eine Gruppe des Katalogs und wird schon beobachtet."}
    if same := next((other for other in others if set(other.categories) == chosen), None):
        return {"categories": f"Diese Auswahl gibt es schon als „{same.name}“. Bitte eine andere wählen."}
    return {}


@transaction.atomic
def save_set(*, row: StreamSet, by) -> StreamSet:
    """Define a stream for the own agency or change one of its own; raises ValidationError with a message per field."""
    require_definer(by)
    is_new = row._state.adding
    if is_new:
        row.agency = by.agency
    else:
        own_locked(StreamSet.objects.all(), row.pk, by)
    others = list(StreamSet.objects.filter(is_active=True).exclude(pk=row.pk))
    errors = objections(row, Catalogue.load(), others)
    if StreamSet.objects.filter(agency=by.agency, name=row.name).exclude(pk=row.pk).exists():
        errors["name"] = "Einen Strom dieses Namens hat Ihre Behörde schon. Bitte einen anderen Namen wählen."
    if errors:
        raise ValidationError(errors)
    if row.is_active:
        _require_room(others)
    row.changed_by, row.changed_at = by, timezone.now()
    row.save()
    step = "created" if is_new else "changed"
    audit.record(audit.Act.SETTINGS_CHANGED, by=by, obj=row, owner=by.agency, step=step)
    return row


@transaction.atomic
def switch_set(*, row: StreamSet, is_active: bool, by) -> StreamSet:
    """Watch the stream or not; what it has raised stays."""
    row = own_locked(StreamSet.objects.all(), row.pk, by)
    if is_active:
        others = list(StreamSet.objects.filter(is_active=True).exclude(pk=row.pk))
        _require_room(others)
        if errors := objections(row, Catalogue.load(), others):
            raise ValidationError(list(errors.values()))
    return switch(row, is_active, by)


def _require_room(others: list[StreamSet]) -> None:
    if len(others) >= MOST_SETS:
        raise ValidationError(
            f"Es sind schon {MOST_SETS} eigene Ströme eingeschaltet. Jeder weitere macht alle unempfindlicher; bitte "
            "zuerst einen abschalten."
        )
