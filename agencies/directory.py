"""Load the cooperation's agencies from a file."""

from __future__ import annotations

import datetime

from django.db import transaction

from agencies import audit
from agencies.actions import ensure_role_groups
from agencies.loading import Changes, LoadError, check_entry, check_once, entries
from agencies.memberships import propose_membership
from agencies.models import Agency, MembershipKind


@transaction.atomic
def load_agencies(content: dict, *, by=None) -> Changes:
    """Upsert agencies with their groups; a named membership starts as a draft and is left alone afterwards."""
    rows = entries(content, "agencies")
    _check(rows)
    changes = Changes()
    agencies: dict[str, Agency] = {}
    for row in _parents_first(rows):
        values = {
            "name": row["name"],
            "short_name": row["short_name"],
            "parent": agencies.get(row.get("parent")),
            "is_coordination": row.get("is_coordination", False),
            "delivers_counts": row.get("delivers_counts", False),
        }
        agency = changes.upsert(Agency, row["slug"], values, label=row["short_name"])
        agencies[row["slug"]] = agency
        ensure_role_groups(agency)
        if row.get("membership") and not agency.memberships.exists():
            since = datetime.date.fromisoformat(row["member_since"])
            propose_membership(agency=agency, kind=MembershipKind(row["membership"]), valid_from=since, by=by)
    if changes:
        audit.record(
            audit.Act.SETTINGS_CHANGED,
            by=by,
            file="agencies",
            created=len(changes.created),
            updated=len(changes.updated),
        )
    return changes


def _parents_first(rows: list[dict]) -> list[dict]:
    """Rows ordered so that a parent comes before its children; the checked file has no circles."""
    by_slug = {row["slug"]: row for row in rows}

    def depth(row: dict) -> int:
        return 0 if row.get("parent") is None else 1 + depth(by_slug[row["parent"]])

    return sorted(rows, key=depth)


def _check(rows: list[dict]) -> None:
    objections = []
    for number, row in enumerate(rows, 1):
        where = f"Behörde {number}" + (f" („{row['slug']}“)" if row.get("slug") else "")
        objections += check_entry(row, {"slug": str, "name": str, "short_name": str}, where=where)
        objections += _check_membership(row, where)
    if not objections:
        objections += check_once([row["slug"] for row in rows], what="Behörde") or _check_parents(rows)
    if objections:
        raise LoadError(*objections)


def _check_membership(row: dict, where: str) -> list[str]:
    if row.get("membership") is None:
        return []
    if row["membership"] not in MembershipKind.values:
        return [f"{where}: Die Art der Mitgliedschaft „{row['membership']}“ gibt es nicht. Bitte den Wert prüfen."]
    try:
        datetime.date.fromisoformat(row.get("member_since") or "")
    except (TypeError, ValueError):
        return [f"{where}: Der Beginn der Mitgliedschaft fehlt oder ist kein Datum. Bitte JJJJ-MM-TT angeben."]
    return []


def _check_parents(rows: list[dict]) -> list[str]:
    parents = {row["slug"]: row.get("parent") for row in rows}
    objections = []
    for number, (slug, parent) in enumerate(parents.items(), 1):
        if parent is not None and parent not in parents:
            objections.append(f"Behörde {number} („{slug}“): Das Dach „{parent}“ steht nicht in der Datei.")
            continue
        chain = {slug}
        while parent is not None and parent in parents:
            if parent in chain:
                objections.append(f"Behörde {number} („{slug}“): Die Behörde ist sich selbst übergeordnet.")
                break
            chain.add(parent)
            parent = parents[parent]
    return objections
