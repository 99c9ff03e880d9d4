"""Load the category catalogue from a file."""

from __future__ import annotations

from django.db import transaction

from agencies import audit, memberships
from agencies.loading import Changes, LoadError, check_entry, check_once, entries
from incidents.models import Category, CategoryGroup, GeoLimit, Kind, Origin

GROUP_FIELDS = {"slug": str, "label": str, "kind": str}
CATEGORY_FIELDS = {"slug": str, "label": str, "group": str, "kind": str}
FLAGS = {
    "defect": ("is_defect", False),
    "grave": ("is_grave", False),
    "sensitive": ("is_sensitive", False),
    "shareable": ("is_shareable", True),
    "in_picture": ("in_picture", True),
    "active": ("is_active", True),
}
LISTS = {"lead": "lead_agencies", "also": "also_agencies", "pks": "pks_keys"}


@transaction.atomic
def load_categories(content: dict, *, by=None) -> Changes:
    """Upsert groups and categories by slug. What the file does not name stays as it is."""
    groups = entries(content, "groups")
    rows = entries(content, "categories")
    units = content.get("units", [])
    _check(groups, rows, units)
    changes = Changes()
    found: dict[str, CategoryGroup] = {}
    for number, group in enumerate(groups, 1):
        values = {"label": group["label"], "kind": group["kind"], "order": group.get("order", number)}
        found[group["slug"]] = changes.upsert(CategoryGroup, group["slug"], values, label=group["label"])
    plurals = {unit["slug"]: unit["plural"] for unit in units}
    unshared = set(Category.objects.filter(is_shareable=False).values_list("slug", flat=True))
    for row in rows:
        changes.upsert(Category, row["slug"], _values(row, found[row["group"]], plurals), label=row["label"])
    if Category.objects.filter(is_shareable=False).exclude(slug__in=unshared).exists():
        memberships.withdraw_outside()
    if changes:
        facts = {
            "version": content.get("version", ""),
            "created": len(changes.created),
            "updated": len(changes.updated),
        }
        audit.record(audit.Act.SETTINGS_CHANGED, by=by, file="categories", **facts)
    return changes


def _values(row: dict, group: CategoryGroup, plurals: dict[str, str]) -> dict:
    unit = row.get("unit", "case")
    return {
        "label": row["label"],
        "description": row.get("description", ""),
        "kind": row["kind"],
        "group": group,
        "origin": row.get("origin", Origin.REPORTED),
        "geo": row.get("geo", GeoLimit.POINT),
        "unit": unit,
        "unit_label": plurals.get(unit, "Fälle"),
        **{column: list(row.get(name, [])) for name, column in LISTS.items()},
        **{column: row.get(name, default) for name, (column, default) in FLAGS.items()},
    }


def _check(groups: list[dict], rows: list[dict], units: list[dict]) -> None:
    objections = []
    for number, group in enumerate(groups, 1):
        where = f"Gruppe {number}"
        objections += check_entry(group, GROUP_FIELDS, where=where) or _check_choice(group, "kind", Kind.values, where)
    for number, unit in enumerate(units, 1):
        objections += check_entry(unit, {"slug": str, "plural": str}, where=f"Zähleinheit {number}")
    for number, row in enumerate(rows, 1):
        where = f"Kategorie {number}" + (f" („{row['slug']}“)" if row.get("slug") else "")
        objections += check_entry(row, CATEGORY_FIELDS, where=where) or _check_category(row, where)
    if not objections:
        kinds = {group["slug"]: group["kind"] for group in groups}
        objections += check_once([group["slug"] for group in groups], what="Gruppe")
        objections += check_once([row["slug"] for row in rows], what="Kategorie")
        objections += _check_references(rows, kinds, {unit["slug"] for unit in units})
    if objections:
        raise LoadError(*objections)


def _check_choice(entry: dict, name: str, allowed: list[str], where: str) -> list[str]:
    if entry.get(name, allowed[0]) in allowed:
        return []
    return [f"{where}: „{entry[name]}“ ist für „{name}“ nicht vorgesehen. Möglich ist: {', '.join(allowed)}."]


def _check_category(row: dict, where: str) -> list[str]:
    objections = _check_choice(row, "kind", Kind.values, where)
    objections += _check_choice(row, "origin", Origin.values, where)
    objections += _check_choice(row, "geo", GeoLimit.values, where)
    for name in FLAGS:
        if not isinstance(row.get(name, True), bool):
            objections.append(f"{where}: „{name}“ muss true oder false sein.")
    for name in LISTS:
        values = row.get(name, [])
        if not (isinstance(values, list) and all(isinstance(value, str) for value in values)):
            objections.append(f"{where}: „{name}“ muss eine Liste von Texten sein.")
    for name, limit in (("slug", 50), ("label", 150), ("description", 300), ("unit", 20)):
        if len(str(row.get(name, ""))) > limit:
            objections.append(f"{where}: „{name}“ ist länger als {limit} Zeichen. Bitte kürzen.")
    if row.get("shareable") is False and row.get("in_picture", True):
        objections.append(f"{where}: Was nie geteilt wird, kann nicht im Lagebild stehen. Bitte „in_picture“ prüfen.")
    return objections


def _check_references(rows: list[dict], kinds: dict[str, str], units: set[str]) -> list[str]:
    objections = []
    for number, row in enumerate(rows, 1):
        where = f"Kategorie {number} („{row['slug']}“)"
        if row["group"] not in kinds:
            objections.append(f"{where}: Die Gruppe „{row['group']}“ steht nicht in der Datei. Bitte ergänzen.")
        elif kinds[row["group"]] != row["kind"]:
            objections.append(f"{where}: Gruppe und Kategorie haben verschiedene Arten. Bitte „kind“ prüfen.")
        if units and row.get("unit", "case") not in units:
            objections.append(f"{where}: Die Zähleinheit „{row['unit']}“ steht nicht in der Datei. Bitte ergänzen.")
    return objections
