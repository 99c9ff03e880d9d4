"""What people enter about agencies' own streams."""

from __future__ import annotations

from django import forms

from incidents.forms import PortalForm, text_field
from incidents.models import Kind, Origin
from lagebild.danger_rules import Catalogue
from lagebild.stream_models import StreamSet


class StreamSetForm(PortalForm):
    name = text_field(
        "Name", max_length=100, required=True, help_text="Zum Beispiel „Öffentlich wahrnehmbare Kriminalität“."
    )
    name.error_messages["required"] = "Es fehlt der Name. Bitte eingeben."
    kind = forms.ChoiceField(
        label="Beobachtet werden", choices=[(Kind.INCIDENT, "Vorfälle"), (Kind.COMPLAINT, "Beschwerden")]
    )
    categories = forms.MultipleChoiceField(
        label="Arten",
        help_text=(
            "Mindestens zwei, mit gleicher Zähleinheit (in Klammern). Kontrollabhängige Arten fehlen. "
            "Mehrere mit gedrückter Strg-Taste wählen."
        ),
        widget=forms.SelectMultiple(attrs={"size": 14}),
        error_messages={
            "required": "Ein eigener Strom verbindet mehrere Arten. Bitte mindestens zwei wählen.",
            "invalid_choice": "Diese Auswahl gibt es nicht mehr. Bitte aus der Liste wählen.",
        },
    )
    note = text_field("Begründung", max_length=300, rows=2, help_text="Wozu der Strom beobachtet wird.")

    def __init__(self, *args, catalogue: Catalogue, **kwargs) -> None:
        super().__init__(*args, **kwargs)
        words = {Kind.INCIDENT: "Vorfälle", Kind.COMPLAINT: "Beschwerden"}
        grouped: dict[str, list[tuple[str, str]]] = {}
        for slug, group in catalogue.groups.items():
            watched = [c for c in catalogue.of_groups([slug]) if c.origin != Origin.CONTROL]
            if watched:
                label = f"{words[Kind(group.kind)]}: {group.label}"
                grouped[label] = [(c.slug, f"{c.label} ({c.unit_label})") for c in watched]
        self.fields["categories"].choices = list(grouped.items())

    @staticmethod
    def initial_of(row: StreamSet) -> dict:
        return {"name": row.name, "kind": row.kind, "categories": row.categories, "note": row.note}

    def fill(self, row: StreamSet) -> StreamSet:
        for name, value in self.cleaned_data.items():
            setattr(row, name, value)
        return row
