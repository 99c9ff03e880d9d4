"""A stored rule in terms of the catalogue: which categories it takes, whether it may be so, and in words."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass

from incidents.models import Category, CategoryGroup, GeoLimit, Kind, Origin, Severity
from lagebild.danger_models import DangerRule, Reach
from lagebild.dangers import Condition, Rule

# Distance between the centres of neighbouring cells of resolution 9 in Hamm.
RING_M = 350
_KIND_WORDS = {Kind.INCIDENT: ("Vorfall", "Vorfälle"), Kind.COMPLAINT: ("Beschwerde", "Beschwerden")}


@dataclass(frozen=True)
class Catalogue:
    """Groups and the categories the picture counts, by slug."""

    groups: dict[str, CategoryGroup]
    categories: dict[str, Category]

    @classmethod
    def load(cls) -> Catalogue:
        """Incidents first, in the catalogue's order. Two queries."""
        ordered = sorted(CategoryGroup.objects.all(), key=lambda g: (g.kind != Kind.INCIDENT, g.order, g.slug))
        groups = {group.slug: group for group in ordered}
        counted = Category.objects.filter(in_picture=True, is_shareable=True).select_related("group")
        return cls(groups, {category.slug: category for category in counted.order_by("group__order", "label")})

    def named(self, slugs: Iterable[str]) -> list[Category]:
        wanted = set(slugs)
        return [category for slug, category in self.categories.items() if slug in wanted]

    def of_groups(self, slugs: Iterable[str]) -> list[Category]:
        wanted = set(slugs)
        return [category for category in self.categories.values() if category.group.slug in wanted]

    def label(self, category_id: int) -> str:
        return next(category.label for category in self.categories.values() if category.pk == category_id)


@dataclass(frozen=True)
class Part:
    """One condition of a rule as it is stored."""

    groups: tuple[str, ...]
    categories: tuple[str, ...]
    severity: int
    count: int
    prefix: str = ""

    def taken(self, catalogue: Catalogue, reach: str) -> list[Category]:
        """The categories it counts, in the catalogue's order.

        Of groups only what is reported by itself: the number of control-driven records follows the controls. Where the
        place is a cell, nothing that may be told by area only.
        """
        named = {category.pk for category in catalogue.named(self.categories) if self.may_name(category)}
        grouped = {c.pk for c in catalogue.of_groups(self.groups) if c.origin != Origin.CONTROL}
        return [
            category
            for category in catalogue.categories.values()
            if category.pk in named | grouped and (category.geo == GeoLimit.POINT or not _is_by_cell(reach))
        ]

    def may_name(self, category: Category) -> bool:
        """A control-driven category is counted where a single find is enough."""
        return category.origin != Origin.CONTROL or self.count == 1


def parts_of_rule(definition: DangerRule) -> tuple[Part, ...]:
    first = Part(tuple(definition.groups), tuple(definition.categories), definition.severity, definition.count)
    if not definition.also_count:
        return (first,)
    also = (definition.also_groups, definition.also_categories)
    return first, Part(*map(tuple, also), definition.also_severity, definition.also_count, "also_")


def rule_of(definition: DangerRule, catalogue: Catalogue) -> Rule | None:
    """The rule as it is checked; None where the catalogue has left a condition without any category."""
    conditions = tuple(
        Condition(frozenset(c.pk for c in part.taken(catalogue, definition.reach)), part.severity, part.count)
        for part in parts_of_rule(definition)
    )
    if not all(condition.categories for condition in conditions):
        return None
    return Rule(
        conditions=conditions,
        window=dt.timedelta(days=definition.window_days),
        rings=definition.rings if _is_by_cell(definition.reach) else None,
        by_district=definition.reach == Reach.DISTRICT,
        agencies=definition.agencies,
    )


def _is_by_cell(reach: str) -> bool:
    return reach in (Reach.CELL, Reach.NEAR)


def objections(definition: DangerRule, catalogue: Catalogue) -> dict[str, str]:
    """Why the rule may not be set, as {field: German message}; empty if it may. No queries."""
    errors: dict[str, str] = {}
    for part in parts_of_rule(definition):
        field = f"{part.prefix}what"
        named = catalogue.named(part.categories)
        taken = part.taken(catalogue, definition.reach)
        units = sorted({category.unit_label for category in taken})
        if unshown := [c.label for c in named if c.geo != GeoLimit.POINT and _is_by_cell(definition.reach)]:
            errors[field] = (
                f"{_quoted(unshown)}: Diese Arten werden nur nach Stadtbezirk gezählt. "
                "Bitte als Ort den Stadtbezirk oder die ganze Stadt wählen."
            )
        elif controlled := [c.label for c in named if not part.may_name(c)]:
            errors[field] = (
                f"{_quoted(controlled)}: Die Zahl dieser Meldungen hängt von der Kontrolldichte ab; mehrere sagen "
                "nichts über eine Gefahr. Bitte die Zahl 1 oder andere Arten wählen."
            )
        elif not taken:
            errors[field] = "Es fehlt, welche Meldungen gezählt werden. Bitte mindestens eine Gruppe oder Art wählen."
        elif len({category.kind for category in taken}) > 1:
            errors[field] = (
                "Vorfälle und Beschwerden werden nicht zusammengezählt. Bitte nur eines von beiden wählen und das "
                "andere als zweite Bedingung angeben."
            )
        elif part.count > 1 and len(units) > 1:
            errors[field] = (
                f"Die Auswahl mischt Zähleinheiten ({', '.join(units)}), die nicht zusammengezählt werden. "
                "Bitte Arten mit gleicher Zähleinheit wählen."
            )
    return errors


def rule_words(definition: DangerRule, catalogue: Catalogue) -> str:
    """The rule as a sentence."""
    if definition.count + definition.also_count == 1:
        return _single_words(definition, catalogue)
    sentence = " und dazu ".join(_part_words(part, catalogue, definition.reach) for part in parts_of_rule(definition))
    days = _window_words(definition.window_days)
    shared = f", von mindestens {definition.agencies} Behörden" if definition.agencies > 1 else ""
    return f"Mindestens {sentence}, {place_words(definition)}, {days}{shared}."


def _single_words(definition: DangerRule, catalogue: Catalogue) -> str:
    """Where one record is enough, place and window only say which further ones belong to it."""
    (part,) = parts_of_rule(definition)
    _, noun, rest = _part_words(part, catalogue, definition.reach).split(" ", 2)
    first = "eine einzelne" if noun == "Beschwerde" else "ein einzelner"
    further = f"weitere {place_words(definition)} {_window_words(definition.window_days)} gehören dazu"
    return f"Schon {first} {noun} {rest}; {further}."


def _window_words(number: int) -> str:
    return "innerhalb von 24 Stunden" if number == 1 else f"innerhalb von {number} Tagen"


def place_words(definition: DangerRule) -> str:
    if definition.reach == Reach.NEAR:
        unit = "Wabe" if definition.rings == 1 else "Waben"
        return f"im Umkreis von {definition.rings} {unit} (rund {definition.rings * RING_M} m)"
    return Reach(definition.reach).label


def left_out(definition: DangerRule, catalogue: Catalogue) -> list[str]:
    """Labels of what the named groups hold and the rule does not count."""
    return [
        category.label
        for part in parts_of_rule(definition)
        for category in catalogue.of_groups(part.groups)
        if category not in part.taken(catalogue, definition.reach)
    ]


def _part_words(part: Part, catalogue: Catalogue, reach: str) -> str:
    groups = [f"der Gruppe „{catalogue.groups[slug].label}“" for slug in part.groups if slug in catalogue.groups]
    kinds = [f"„{category.label}“" for category in catalogue.named(part.categories)]
    taken = part.taken(catalogue, reach)
    one, many = _KIND_WORDS[Kind(taken[0].kind)] if taken else ("Meldung", "Meldungen")
    severity = f" (Schwere mindestens {Severity(part.severity).label})" if part.severity > Severity.LOW else ""
    return f"{part.count} {one if part.count == 1 else many} {' oder '.join([*kinds, *groups])}{severity}"


def _quoted(labels: list[str]) -> str:
    return ", ".join(f"„{label}“" for label in labels)
