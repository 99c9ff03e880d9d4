"""What an agency may give by its agreement: categories, districts and the highest level. Empty means everything.

A scope limits giving only. What an agency receives follows from the partners' sharing and from both memberships.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from django.core.exceptions import ValidationError

INTERNAL, STATISTICS, COOPERATION = "internal", "statistics", "cooperation"
# Sharing levels in their order, the least first; the labels are `agencies.visibility.SharingLevel`.
LEVELS = (INTERNAL, STATISTICS, COOPERATION)
NOT_ACTIVE = (
    "Die Mitgliedschaft Ihrer Behörde ist nicht aktiv. Freigaben sind deshalb nicht möglich. "
    "Bitte „Nur eigene Behörde“ wählen."
)
OUTSIDE = (
    "Die Vereinbarung Ihrer Behörde mit der Kooperation umfasst diese Art oder dieses Gebiet nicht. "
    "Eine Freigabe ist deshalb nicht möglich."
)
LOWER_ONLY = (
    "Die Vereinbarung Ihrer Behörde mit der Kooperation erlaubt hier höchstens die Stufe „Nur zählen“. "
    "Bitte eine niedrigere Stufe wählen."
)


def rank(level: str) -> int:
    return LEVELS.index(level)


def lower_of(first: str, second: str) -> str:
    return min(first, second, key=rank)


@dataclass(frozen=True)
class Scope:
    """Slugs of category groups, categories and districts. Categories count beside the groups, not within them."""

    level: str = COOPERATION
    groups: frozenset[str] = field(default_factory=frozenset)
    categories: frozenset[str] = field(default_factory=frozenset)
    areas: frozenset[str] = field(default_factory=frozenset)

    @property
    def limits_categories(self) -> bool:
        return bool(self.groups or self.categories)

    def covers(self, category) -> bool:
        """Whether records of the category may be shared somewhere. Reads the category's group only if groups count."""
        if not self.limits_categories:
            return True
        return category.slug in self.categories or (bool(self.groups) and category.group.slug in self.groups)

    def covers_area(self, area) -> bool:
        """A place that is not known lies in no district: where districts are agreed it is outside."""
        return not self.areas or (area is not None and area.slug in self.areas)

    def highest(self, category) -> str:
        """The highest level for the category, wherever it is."""
        return self.level if category.is_shareable and self.covers(category) else INTERNAL

    def highest_at(self, category, area) -> str:
        return self.highest(category) if self.covers_area(area) else INTERNAL

    def is_within(self, other: Scope) -> bool:
        """Whether everything this scope lets out the other does, too. Groups count as such, not by their members."""
        categories = not other.limits_categories or (
            self.limits_categories and self.groups <= other.groups and self.categories <= other.categories
        )
        areas = not other.areas or (bool(self.areas) and self.areas <= other.areas)
        return rank(self.level) <= rank(other.level) and categories and areas


NOTHING = Scope(level=INTERNAL)


def objection(scope: Scope, *, level: str, category, area) -> str:
    """Why a record of the category and place may not have the level under the scope; empty if it may."""
    if rank(level) <= rank(scope.highest_at(category, area)):
        return ""
    if scope is NOTHING:
        return NOT_ACTIVE
    return LOWER_ONLY if scope.highest_at(category, area) == STATISTICS else OUTSIDE


def require(scope: Scope, *, level: str, category, area, name: str = "sharing_level") -> None:
    if text := objection(scope, level=level, category=category, area=area):
        raise ValidationError({name: text} if name else text)
