"""What people enter about terms, extensions and deletions."""

from __future__ import annotations

from collections.abc import Iterable

from django import forms

from incidents.forms import PortalForm, text_field
from incidents.models import Category, CategoryGroup
from incidents.retention_actions import MANUAL_REASONS

GERMAN_DATES = ["%d.%m.%Y", "%Y-%m-%d"]
EVERYTHING = "all"


def _months(label: str, help_text: str) -> forms.IntegerField:
    return forms.IntegerField(
        label=label,
        help_text=help_text,
        min_value=1,
        max_value=600,
        widget=forms.TextInput(attrs={"inputmode": "numeric", "autocomplete": "off"}),
        error_messages={
            "required": "Es fehlt die Zahl der Monate. Bitte eintragen.",
            "invalid": "Das ist keine ganze Zahl. Bitte zum Beispiel 24 eingeben.",
            "min_value": "Bitte mindestens 1 Monat eintragen.",
            "max_value": "Das ist zu lang. Bitte weniger Monate eintragen.",
        },
    )


class RuleForm(PortalForm):
    scope = forms.ChoiceField(label="Gilt für")
    review_after_months = _months("Prüfung nach Monaten", "Dann steht die Meldung zur Prüfung an.")
    delete_after_months = _months("Löschung nach Monaten", "Dann wird sie gelöscht, wenn niemand verlängert.")
    basis = text_field(
        "Grundlage", max_length=200, help_text="Vorschrift oder Beschluss, zum Beispiel eine Löschregel."
    )

    def __init__(self, *args, categories: Iterable[Category], **kwargs) -> None:
        super().__init__(*args, **kwargs)
        self.scopes: dict[str, dict[str, Category | CategoryGroup]] = {EVERYTHING: {}}
        groups: dict[CategoryGroup, list[Category]] = {}
        for category in categories:
            groups.setdefault(category.group, []).append(category)
        choices: list = [(EVERYTHING, "alle Meldungen ohne eigene Frist")]
        for group, members in groups.items():
            self.scopes[f"group:{group.slug}"] = {"group": group}
            self.scopes |= {f"category:{one.slug}": {"category": one} for one in members}
            inside = [(f"group:{group.slug}", f"{group.label}: ganze Gruppe")]
            choices.append((group.label, inside + [(f"category:{one.slug}", one.label) for one in members]))
        self.fields["scope"].choices = choices

    def values(self) -> dict:
        values = dict(self.cleaned_data)
        return values | self.scopes[values.pop("scope")]


class ExtensionForm(PortalForm):
    until = forms.DateField(
        label="Weiter aufbewahren bis",
        input_formats=GERMAN_DATES,
        widget=forms.DateInput(format="%d.%m.%Y", attrs={"autocomplete": "off"}),
        error_messages={
            "required": "Es fehlt das Datum. Bitte eintragen.",
            "invalid": "Das Datum ist nicht lesbar. Bitte zum Beispiel 15.01.2027 eingeben.",
        },
    )
    reason = text_field(
        "Begründung",
        max_length=500,
        rows=3,
        required=True,
        help_text="Wozu ist die Meldung noch erforderlich? Die Begründung wird mit der Meldung gelöscht.",
    )


class DeletionForm(PortalForm):
    reason = forms.ChoiceField(
        label="Grund",
        choices=[(reason.value, reason.label) for reason in MANUAL_REASONS],
        widget=forms.RadioSelect,
        help_text=(
            "Was nicht mehr erforderlich ist, zählt im Lagebild weiter. "
            "Was nie hätte gespeichert werden dürfen, zählt nicht mehr."
        ),
        error_messages={"required": "Es fehlt der Grund. Bitte einen der beiden Gründe wählen."},
    )
