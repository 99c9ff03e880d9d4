"""What people type into the calendar. Every message says what is wrong and what to do."""

from __future__ import annotations

import re

from django import forms
from django.core.exceptions import ValidationError

from incidents.forms import PortalForm, coordinate_field, text_field
from incidents.models import Area, CategoryGroup, Kind
from incidents.places import exact_place
from lagebild.calendar_actions import LARGEST_RADIUS_M, SMALLEST_RADIUS_M, EntryData, NoticeData
from lagebild.calendar_models import CalendarEntry, DeliveryNotice, EntryKind, Extent, NoticeKind
from lagebild.forms import GERMAN_DATES

DEFAULT_RADIUS_M = 500
# 25.000 and 25 000 as Germans write them.
_GROUPING = re.compile(r"(?<=\d)[.\s\N{NARROW NO-BREAK SPACE}](?=\d{3}(?!\d))")


class WholeNumberField(forms.IntegerField):
    def __init__(self, *, example: str, **kwargs) -> None:
        kwargs.setdefault("widget", forms.TextInput(attrs={"inputmode": "numeric", "autocomplete": "off"}))
        invalid = f"Das ist keine ganze Zahl. Bitte zum Beispiel {example} eingeben."
        super().__init__(error_messages={"invalid": invalid}, required=False, **kwargs)

    def to_python(self, value) -> int | None:
        return super().to_python(_GROUPING.sub("", value) if isinstance(value, str) else value)


def _day_field(label: str, missing: str, *, required: bool = True, help_text: str = "") -> forms.DateField:
    return forms.DateField(
        label=label,
        required=required,
        help_text=help_text,
        input_formats=GERMAN_DATES,
        widget=forms.DateInput(format="%d.%m.%Y", attrs={"autocomplete": "off"}),
        error_messages={
            "required": missing,
            "invalid": "Das Datum ist nicht lesbar. Bitte zum Beispiel 15.01.2027 eingeben.",
        },
    )


class _PeriodForm(PortalForm):
    first_day = _day_field("Erster Tag", "Es fehlt der erste Tag. Bitte eintragen.")
    last_day = _day_field("Letzter Tag", "Es fehlt der letzte Tag. Bitte eintragen.")


class SchoolHolidaysForm(_PeriodForm):
    name = text_field(
        "Bezeichnung", max_length=120, required=True, help_text="Zum Beispiel Herbstferien oder beweglicher Ferientag."
    )
    name.error_messages["required"] = "Es fehlt die Bezeichnung. Bitte zum Beispiel „Herbstferien“ eintragen."

    field_order = ("name", "first_day", "last_day")

    @staticmethod
    def initial_of(entry: CalendarEntry) -> dict:
        return {"name": entry.name, "first_day": entry.first_day, "last_day": entry.last_day}

    def entry_data(self) -> EntryData:
        return EntryData(kind=EntryKind.SCHOOL_HOLIDAYS, **self.cleaned_data)


class EventForm(_PeriodForm):
    name = text_field(
        "Bezeichnung",
        max_length=120,
        required=True,
        help_text="Zum Beispiel Stadtfest Innenstadt. Alle Mitglieder lesen sie; bitte keine Personen nennen.",
    )
    name.error_messages["required"] = "Es fehlt die Bezeichnung. Bitte zum Beispiel „Stadtfest“ eintragen."
    last_day = _day_field(
        "Letzter Tag", "", required=False, help_text="Leer lassen, wenn die Veranstaltung einen Tag dauert."
    )
    visitors = WholeNumberField(label="Erwartete Gäste", example="25.000", help_text="Grobe Schätzung genügt.")
    extent = forms.ChoiceField(
        label="Wo wirkt sie sich aus?",
        choices=Extent.choices,
        initial=Extent.RADIUS,
        widget=forms.RadioSelect,
        error_messages={"required": "Es fehlt das Gebiet. Bitte eine der drei Angaben wählen."},
    )
    districts = forms.MultipleChoiceField(
        label="Stadtbezirke",
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text="Nur bei „Stadtbezirke“.",
        error_messages={"invalid_choice": "Diesen Stadtbezirk gibt es nicht. Bitte einen aus der Liste wählen."},
    )
    place = text_field(
        "Ort",
        max_length=150,
        help_text="Nur beim Umkreis: ein bekannter Platz oder eine Straße, zum Beispiel Marktplatz.",
    )
    lon = coordinate_field("Länge", "7,8078")
    lat = coordinate_field("Breite", "51,6781")
    radius_m = WholeNumberField(
        label="Umkreis in Metern",
        example="500",
        initial=DEFAULT_RADIUS_M,
        help_text=f"{SMALLEST_RADIUS_M} bis {LARGEST_RADIUS_M:,} Meter.".replace(",", "."),
    )

    field_order = ("name", "visitors", "first_day", "last_day")

    def __init__(self, *args, **kwargs) -> None:
        super().__init__(*args, **kwargs)
        districts = Area.objects.filter(kind="district").order_by("number", "slug")
        self.fields["districts"].choices = list(districts.values_list("slug", "name"))

    @staticmethod
    def initial_of(entry: CalendarEntry) -> dict:
        return {
            "name": entry.name,
            "first_day": entry.first_day,
            "last_day": entry.last_day if entry.last_day != entry.first_day else None,
            "visitors": entry.visitors,
            "extent": entry.extent,
            "districts": entry.districts if entry.extent == Extent.DISTRICTS else [],
            "place": entry.place_label,
            "lon": entry.lon,
            "lat": entry.lat,
            "radius_m": entry.radius_m or DEFAULT_RADIUS_M,
        }

    def clean(self) -> dict:
        """A place is told by its coordinates or, without them, by a name the portal knows."""
        values = super().clean()
        values["last_day"] = values.get("last_day") or values.get("first_day")
        if values.get("extent") != Extent.RADIUS or {"lon", "lat"} & set(self.errors):
            return values
        lon, lat, text = values.get("lon"), values.get("lat"), values.get("place", "")
        if (lon is None) != (lat is None):
            self.add_error("lat" if lat is None else "lon", "Bitte Länge und Breite beide angeben oder beide leeren.")
        elif lon is None and text:
            known = exact_place(text)
            if known is None:
                raise ValidationError({"place": "Dieser Ort ist nicht bekannt. Bitte ihn auf der Karte wählen."})
            values["lon"], values["lat"] = known.lon, known.lat
        return values

    def entry_data(self) -> EntryData:
        values = dict(self.cleaned_data)
        place, districts = values.pop("place"), tuple(values.pop("districts"))
        place_label = place if values["extent"] == Extent.RADIUS else ""
        return EntryData(kind=EntryKind.EVENT, place_label=place_label, districts=districts, **values)


ENTRY_FORMS = {EntryKind.EVENT: EventForm, EntryKind.SCHOOL_HOLIDAYS: SchoolHolidaysForm}


class NoticeForm(_PeriodForm):
    kind = forms.ChoiceField(
        label="Was ist mit der Lieferung?",
        choices=[
            (NoticeKind.LATE, "Sie kommt verspätet"),
            (NoticeKind.MISSING, "Sie fehlt und wird nicht nachgeholt"),
            (NoticeKind.RECOUNTED, "Es wird anders gezählt als sonst"),
        ],
        widget=forms.RadioSelect,
        error_messages={"required": "Bitte wählen, was mit der Lieferung ist."},
    )
    groups = forms.MultipleChoiceField(
        label="Betroffene Gruppen",
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text="Nichts wählen, wenn alle Lieferungen Ihrer Behörde betroffen sind.",
        error_messages={"invalid_choice": "Diese Gruppe gibt es nicht. Bitte aus der Liste wählen."},
    )

    field_order = ("kind", "first_day", "last_day", "groups")

    def __init__(self, *args, **kwargs) -> None:
        super().__init__(*args, **kwargs)
        names = {Kind.INCIDENT: "Vorfälle", Kind.COMPLAINT: "Beschwerden"}
        rows = list(CategoryGroup.objects.order_by("kind", "order", "label"))
        self.fields["groups"].choices = [
            (name, [(row.slug, row.label) for row in rows if row.kind == kind]) for kind, name in names.items()
        ]

    @staticmethod
    def initial_of(notice: DeliveryNotice) -> dict:
        return {
            "kind": notice.kind,
            "groups": notice.groups,
            "first_day": notice.first_day,
            "last_day": notice.last_day,
        }

    def notice_data(self) -> NoticeData:
        return NoticeData(**self.cleaned_data | {"groups": tuple(self.cleaned_data["groups"])})


class CalendarFilter(forms.Form):
    jahr = forms.TypedChoiceField(label="Zeige das Jahr", coerce=int)
    art = forms.ChoiceField(
        label="mit",
        required=False,
        choices=[
            ("", "allem"),
            ("holiday", "Feiertagen"),
            ("school_holidays", "Schulferien"),
            ("event", "Großveranstaltungen"),
            ("notice", "Lieferhinweisen"),
        ],
    )

    def __init__(self, *args, years: range, **kwargs) -> None:
        super().__init__(*args, **kwargs)
        self.fields["jahr"].choices = [(year, str(year)) for year in years]
