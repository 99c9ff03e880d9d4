"""An agreement's scope in terms of the catalogue and the city's districts, and in words."""

from __future__ import annotations

from django import forms

from agencies.forms import GermanDateField
from agencies.models import Membership
from agencies.scope import Scope
from agencies.visibility import SharingLevel
from incidents.models import Area, AreaKind, Category, CategoryGroup, Kind

_KIND_WORDS = {Kind.INCIDENT: "Vorfälle", Kind.COMPLAINT: "Beschwerden"}
_LEVEL_HELP = "„Nur zählen“ schließt Einzelfreigaben aus, „Nur eigene Behörde“ jede Weitergabe."


class ScopeForm(forms.Form):
    """What the agency may give. Nothing ticked means no limit."""

    level = forms.ChoiceField(label="Höchste Freigabestufe", choices=SharingLevel.choices, help_text=_LEVEL_HELP)
    groups = forms.MultipleChoiceField(
        label="Kategoriengruppen",
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text="Ohne Auswahl hier und bei den einzelnen Kategorien gilt die Vereinbarung für alle.",
    )
    categories = forms.MultipleChoiceField(
        label="Einzelne Kategorien",
        required=False,
        widget=forms.SelectMultiple(attrs={"size": 8}),
        help_text="Zusätzlich zu den Gruppen. Mehrere mit gedrückter Strg-Taste wählen.",
    )
    areas = forms.MultipleChoiceField(
        label="Stadtbezirke",
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text="Ohne Auswahl gilt die ganze Stadt. Mit Auswahl bleiben Meldungen ohne Stadtbezirk außerhalb.",
    )
    valid_until = GermanDateField(label="Gültig bis", required=False, help_text="Leer lassen, wenn unbefristet.")
    reason = forms.CharField(
        label="Begründung", max_length=1000, required=False, widget=forms.Textarea(attrs={"rows": 2})
    )

    def __init__(self, *args, needs_reason: bool, **kwargs) -> None:
        super().__init__(*args, **kwargs)
        self.fields["reason"].required = needs_reason
        self.group_rows = list(CategoryGroup.objects.all())
        self.category_rows = list(Category.objects.filter(is_shareable=True).select_related("group"))
        self.area_rows = list(Area.objects.filter(kind=AreaKind.DISTRICT).defer("geometry"))
        self.fields["groups"].choices = [
            (group.slug, f"{group.label} ({_KIND_WORDS[Kind(group.kind)]})") for group in self.group_rows
        ]
        self.fields["categories"].choices = [
            (group.label, [(row.slug, row.label) for row in self.category_rows if row.group_id == group.pk])
            for group in self.group_rows
        ]
        self.fields["areas"].choices = [(area.slug, area.name) for area in self.area_rows]

    @staticmethod
    def initial_of(membership: Membership) -> dict:
        scope = membership.scope
        lists = {"groups": scope.groups, "categories": scope.categories, "areas": scope.areas}
        return {name: sorted(slugs) for name, slugs in lists.items()} | {
            "level": scope.level,
            "valid_until": membership.valid_until,
        }

    def scope(self) -> Scope:
        data = self.cleaned_data
        lists = {name: frozenset(data[name]) for name in ("groups", "categories", "areas")}
        return Scope(level=data["level"], **lists)

    def words(self) -> str:
        """The scope in one sentence, as it is kept in the membership's history."""
        scope = self.scope()
        kinds = [f"Gruppe {row.label}" for row in self.group_rows if row.slug in scope.groups]
        kinds += [row.label for row in self.category_rows if row.slug in scope.categories]
        areas = [row.name for row in self.area_rows if row.slug in scope.areas]
        return (
            f"{', '.join(kinds) or 'alle Kategorien'}; {', '.join(areas) or 'ganze Stadt'}; "
            f"höchstens „{SharingLevel(scope.level).label}“."
        )
