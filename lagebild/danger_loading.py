"""Load rules of dangers for the cooperation from a file."""

from __future__ import annotations

from pathlib import Path

from django.core.exceptions import ValidationError
from django.db import transaction

from agencies import audit
from agencies.loading import Changes, LoadError, check_entry, check_once, entries, read_json
from agencies.models import Agency
from lagebild.danger_models import DangerRule
from lagebild.danger_rules import Catalogue, objections

SHIPPED = Path(__file__).resolve().parent / "data" / "danger_rules.json"
_FIELDS = {"name": str, "good": str, "categories": list, "reach": str, "window_days": int}
_OPTIONAL = {"note": "", "severity": 1, "count": 1, "rings": 0, "agencies": 1}


def load_shipped_rules() -> Changes:
    return load_danger_rules(read_json(SHIPPED))


@transaction.atomic
def load_danger_rules(content: dict, *, by=None) -> Changes:
    """Add the rules the coordination office has none of the same name of. What people have changed stays as it is."""
    rows = entries(content, "rules")
    problems: list[str] = []
    for number, row in enumerate(rows, 1):
        problems += check_entry(row, _FIELDS, where=f"Regel {number}")
    if not problems:
        problems = check_once([row["name"] for row in rows], what="Regel")
    owner = Agency.objects.filter(is_coordination=True).order_by("pk").first()
    if owner is None:
        problems.append("Es gibt keine Geschäftsstelle, der die Regeln gehören. Bitte zuerst die Behörden laden.")
    if problems:
        raise LoadError(*problems)
    known = set(DangerRule.objects.filter(agency=owner).values_list("name", flat=True))
    rules = [_rule(row, owner) for row in rows]
    catalogue = Catalogue.load()
    problems = [f"„{rule.name}“: {text}" for rule in rules for text in _problems(rule, catalogue)]
    if problems:
        raise LoadError(*problems)
    new = [rule for rule in rules if rule.name not in known]
    DangerRule.objects.bulk_create(new)
    if new:
        audit.record(audit.Act.SETTINGS_CHANGED, by=by, owner=owner, file="danger_rules", created=len(new))
    return Changes(created=[rule.name for rule in new], unchanged=len(rules) - len(new))


def _rule(row: dict, owner: Agency) -> DangerRule:
    values = {name: row.get(name, default) for name, default in _OPTIONAL.items()}
    also = row.get("also", {})
    return DangerRule(
        agency=owner,
        groups=row.get("groups", []),
        also_groups=also.get("groups", []),
        also_categories=also.get("categories", []),
        also_severity=also.get("severity", 1),
        also_count=also.get("count", 0),
        **{name: row[name] for name in _FIELDS},
        **values,
    )


def _problems(rule: DangerRule, catalogue: Catalogue) -> list[str]:
    try:
        rule.full_clean(exclude=("agency",), validate_unique=False)
    except ValidationError as error:
        return error.messages
    return list(objections(rule, catalogue).values())
