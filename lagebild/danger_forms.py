"""What people enter about the rules of dangers."""

from __future__ import annotations

from django import forms

from incidents.forms import PortalForm, text_field
from incidents.models import Kind, Severity
from lagebild.danger_models import (
    LONGEST_WINDOW,
    MOST_AGENCIES,
    MOST_RECORDS,
    MOST_RINGS,
    DangerRule,
    Good,
    Reach,
)
from lagebild.danger_rules import Catalogue

_KIND_WORDS = {Kind.INCIDENT: "Vorfälle", Kind.COMPLAINT: "Beschwerden"}
_SEVERITIES = [(Severity.LOW.value, "jede"), *((s.value, f"{s.label} oder mehr") for s in Severity if s > Severity.LOW)]
_HOLD_CTRL = "Mehrere mit gedrückter Strg-Taste wählen."


def number_field(label: str, least: int, most: int, help_text: str = "", **kwargs) -> forms.IntegerField:
    return forms.IntegerField(
        label=label,
        help_text=help_text,
        min_value=least,
        max_value=most,
        widget=forms.TextInput(attrs={"inputmode": "numeric", "autocomplete": "off"}),
        error_messages={
            "required": f"Es fehlt die Zahl. Bitte {least} bis {most} eintragen.",
            "invalid": f"Das ist keine ganze Zahl. Bitte {least} bis {most} eintragen.",
            "min_value": f"Die Zahl ist zu klein. Bitte mindestens {least} eintragen.",
            "max_value": f"Die Zahl ist zu groß. Bitte höchstens {most} eintragen.",
        },
        **kwargs,
    )


def _what(label: str, help_text: str, **kwargs) -> forms.MultipleChoiceField:
    return forms.MultipleChoiceField(
        label=label,
        help_text=help_text,
        widget=forms.SelectMultiple(attrs={"size": 9}),
        error_messages={
            "required": "Es fehlt, welche Meldungen gezählt werden. Bitte mindestens eine Gruppe oder Art wählen.",
            "invalid_choice": "Diese Auswahl gibt es nicht mehr. Bitte aus der Liste wählen.",
        },
        **kwargs,
    )


def _severity(**kwargs) -> forms.TypedChoiceField:
    return forms.TypedChoiceField(label="Schwere", choices=_SEVERITIES, coerce=int, **kwargs)


class DangerRuleForm(PortalForm):
    name = text_field(
        "Name",
        max_length=100,
        required=True,
        help_text="So heißt die Gefahr in der Liste der Erkenntnisse. Bitte keine Personen nennen.",
    )
    name.error_messages["required"] = "Es fehlt der Name. Bitte zum Beispiel „Brandserie“ eingeben."
    good = forms.ChoiceField(label="Gefährdetes Schutzgut", choices=Good.choices)
    note = text_field("Begründung", max_length=300, rows=2, help_text="Warum die Regel gebraucht wird.")
    what = _what("Welche Meldungen", f"Nur Vorfälle oder nur Beschwerden, mit gleicher Zähleinheit. {_HOLD_CTRL}")
    severity = _severity(initial=Severity.LOW.value)
    count = number_field("Wie viele mindestens", 1, MOST_RECORDS, "1 für ein einzelnes schweres Ereignis.", initial=1)
    also_what = _what(
        "Und dazu", f"Zweite Bedingung am selben Ort und im selben Zeitraum. {_HOLD_CTRL}", required=False
    )
    also_severity = _severity(required=False, initial=Severity.LOW.value, empty_value=Severity.LOW.value)
    also_count = number_field("Davon wie viele mindestens", 1, MOST_RECORDS, required=False)
    reach = forms.ChoiceField(
        label="Wo",
        choices=Reach.choices,
        initial=Reach.NEAR.value,
        help_text="Arten, die nur nach Stadtbezirk gezählt werden, brauchen den Stadtbezirk oder die ganze Stadt.",
    )
    rings = number_field(
        "Umkreis in Waben", 1, MOST_RINGS, "Nur beim Umkreis; eine Wabe sind rund 350 m.", required=False
    )
    window_days = number_field("Innerhalb von Tagen", 1, LONGEST_WINDOW, initial=7)
    agencies = number_field(
        "Aus wie vielen Behörden mindestens",
        1,
        MOST_AGENCIES,
        "2 oder mehr, wenn erst das Zusammentreffen zählt.",
        initial=1,
    )

    def __init__(self, *args, catalogue: Catalogue, **kwargs) -> None:
        super().__init__(*args, **kwargs)
        for name in ("what", "also_what"):
            self.fields[name].choices = kind_choices(catalogue)

    @staticmethod
    def initial_of(rule: DangerRule) -> dict:
        plain = ("name", "good", "note", "severity", "count", "also_severity", "reach", "window_days", "agencies")
        return {name: getattr(rule, name) for name in plain} | {
            "what": _tokens(rule.groups, rule.categories),
            "also_what": _tokens(rule.also_groups, rule.also_categories),
            "also_count": rule.also_count or None,
            "rings": rule.rings or None,
        }

    def clean(self) -> dict:
        data = super().clean()
        if data.get("also_what") and not data.get("also_count") and "also_count" not in self.errors:
            self.add_error("also_count", "Zur zweiten Bedingung fehlt die Zahl. Bitte zum Beispiel 1 eintragen.")
        if data.get("also_count") and not data.get("also_what") and "also_what" not in self.errors:
            self.add_error("also_what", "Zur zweiten Bedingung fehlt die Auswahl. Bitte wählen oder die Zahl löschen.")
        if data.get("reach") == Reach.NEAR and not data.get("rings") and "rings" not in self.errors:
            self.add_error("rings", "Zum Umkreis fehlt die Zahl der Waben. Bitte zum Beispiel 2 eintragen.")
        return data

    def fill(self, rule: DangerRule) -> DangerRule:
        """The rule with what was entered; saves nothing."""
        data = self.cleaned_data
        for name in ("name", "good", "note", "severity", "count", "also_severity", "reach", "window_days", "agencies"):
            setattr(rule, name, data[name])
        rule.groups, rule.categories = _slugs(data["what"])
        rule.also_groups, rule.also_categories = _slugs(data["also_what"])
        rule.also_count = data["also_count"] or 0
        rule.rings = data["rings"] if data["reach"] == Reach.NEAR else 0
        return rule


def kind_choices(catalogue: Catalogue) -> list[tuple[str, list[tuple[str, str]]]]:
    """Per group the whole of it and its categories; groups that the picture does not count are left out."""
    choices = []
    for group in catalogue.groups.values():
        members = [c for c in catalogue.categories.values() if c.group_id == group.pk]
        if members:
            rows = [(f"group:{group.slug}", f"{group.label}: ganze Gruppe")]
            rows += [(f"category:{c.slug}", f"{c.label} ({c.unit_label})") for c in members]
            choices.append((f"{_KIND_WORDS[Kind(group.kind)]}: {group.label}", rows))
    return choices


def _tokens(groups: list[str], categories: list[str]) -> list[str]:
    return [*(f"group:{slug}" for slug in groups), *(f"category:{slug}" for slug in categories)]


def _slugs(tokens: list[str]) -> tuple[list[str], list[str]]:
    parts = [token.split(":", 1) for token in tokens]
    return [slug for kind, slug in parts if kind == "group"], [slug for kind, slug in parts if kind == "category"]
