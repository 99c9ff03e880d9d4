"""What people type to look back. Every message says what is wrong and what to do."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

from django import forms

from incidents.forms import PortalForm
from incidents.models import Kind
from lagebild.forms import GERMAN_DATES
from lagebild.retrospect import (
    FEWEST_DAYS,
    LONGEST_DURATION,
    SHORTEST_DURATION,
    USUAL_DURATION,
    last_complete_year,
    objections,
)
from lagebild.stream_sets import AlarmStream

_KIND_WORDS = {Kind.INCIDENT: "Vorfälle", Kind.COMPLAINT: "Beschwerden"}


def _day(label: str, missing: str, help_text: str = "") -> forms.DateField:
    return forms.DateField(
        label=label,
        help_text=help_text,
        input_formats=GERMAN_DATES,
        widget=forms.DateInput(format="%d.%m.%Y", attrs={"autocomplete": "off", "size": 10}),
        error_messages={
            "required": missing,
            "invalid": "Das Datum ist nicht lesbar. Bitte zum Beispiel 01.01.2025 eingeben.",
        },
    )


class RetrospectForm(PortalForm):
    stream = forms.ChoiceField(
        label="Strom",
        help_text="Eine Gruppe des Katalogs oder ein eigener Strom, mit den Meldungen aller Behörden.",
        error_messages={
            "required": "Es fehlt der Strom. Bitte einen wählen.",
            "invalid_choice": "Diesen Strom gibt es nicht. Bitte einen aus der Liste wählen.",
        },
    )
    first_day = _day("Vom", "Es fehlt der erste Tag. Bitte eintragen.")
    last_day = _day(
        "Bis", "Es fehlt der letzte Tag. Bitte eintragen.", f"Ein Zeitraum von {FEWEST_DAYS} Tagen bis zu zwei Jahren."
    )
    longest_days = forms.IntegerField(
        label="Längste Dauer einer Häufung in Tagen",
        help_text=f"{SHORTEST_DURATION} bis {LONGEST_DURATION} Tage. Kürzere Häufungen werden immer mitgesucht.",
        widget=forms.TextInput(attrs={"inputmode": "numeric", "autocomplete": "off", "size": 4}),
        error_messages={
            "required": f"Es fehlt die Dauer. Bitte zum Beispiel {USUAL_DURATION} eintragen.",
            "invalid": f"Das ist keine ganze Zahl. Bitte zum Beispiel {USUAL_DURATION} eingeben.",
        },
    )

    def __init__(self, *args, streams: Sequence[AlarmStream], today: dt.date, **kwargs) -> None:
        super().__init__(*args, **kwargs)
        self._today = today
        self._streams = {stream.id: stream for stream in streams}
        choices = [
            (label, [(stream.id, stream.label) for stream in streams if stream.kind == kind])
            for kind, label in _KIND_WORDS.items()
        ]
        self.fields["stream"].choices = [("", "bitte wählen"), *choices]

    @staticmethod
    def usual(today: dt.date) -> dict:
        first, last = last_complete_year(today)
        return {"first_day": first, "last_day": last, "longest_days": USUAL_DURATION}

    @property
    def chosen(self) -> AlarmStream:
        return self._streams[self.cleaned_data["stream"]]

    def clean(self) -> dict:
        data = super().clean()
        asked = {name: data.get(f"{name}_{unit}") for name, unit in _PERIOD}
        if None not in asked.values():
            for name, message in objections(**asked, today=self._today).items():
                self.add_error(name, message)
        return data


_PERIOD = (("first", "day"), ("last", "day"), ("longest", "days"))
