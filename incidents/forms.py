"""What people type about records. Every message says what is wrong and what to do."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from django import forms
from django.contrib.humanize.templatetags.humanize import intcomma
from django.core.exceptions import ValidationError
from django.utils import timezone

from agencies.models import Agency
from agencies.visibility import SharingLevel
from incidents.actions import RecordData, allowed_levels, default_level
from incidents.geo import DistrictIndex
from incidents.models import Accuracy, Category, Kind, Record, RecordDetail, Severity, SharingDefault
from incidents.places import Place, exact_place
from incidents.when import EXAMPLES, UnreadableTimeError, parse_when

PLACE_ACCURACIES = (Accuracy.POINT, Accuracy.STREET, Accuracy.DISTRICT)


class PortalForm(forms.Form):
    required_css_class = "is-required"

    def take(self, error: ValidationError) -> None:
        """Show an action's objections at their fields; those of fields not on this form stand at the top."""
        if not hasattr(error, "error_dict"):
            self.add_error(None, error)
            return
        for name, messages in error.message_dict.items():
            self.add_error(name if name in self.fields else None, messages)


def text_field(label: str, *, max_length: int, help_text: str = "", rows: int = 0, **kwargs) -> forms.CharField:
    widget = forms.Textarea(attrs={"rows": rows, "maxlength": None}) if rows else None
    kwargs.setdefault("required", False)
    too_long = f"Der Text ist länger als {intcomma(max_length)} Zeichen. Bitte kürzen."
    field = forms.CharField(
        label=label, max_length=max_length, help_text=help_text, error_messages={"max_length": too_long}, **kwargs
    )
    if widget is not None:
        field.widget = widget
    # Whoever pastes too much shall be told so instead of losing the end without notice.
    field.widget.attrs.pop("maxlength", None)
    return field


def coordinate_field(label: str, example: str) -> forms.FloatField:
    return forms.FloatField(
        label=label,
        required=False,
        localize=True,
        widget=forms.TextInput(attrs={"inputmode": "decimal", "autocomplete": "off"}),
        error_messages={"invalid": f"Das ist keine Koordinate. Bitte eine Zahl wie {example} eingeben."},
    )


def grouped_categories(categories: Iterable[Category], agency_slug: str) -> list[tuple[str, list[tuple[str, str]]]]:
    """Choices by group; what the agency leads comes first, among the groups and within each."""
    groups: dict[int, list[Category]] = {}
    for category in categories:
        groups.setdefault(category.group_id, []).append(category)
    for members in groups.values():
        members.sort(key=lambda category: agency_slug not in category.lead_agencies)
    ordered = sorted(groups.values(), key=lambda members: agency_slug not in members[0].lead_agencies)
    return [(members[0].group.label, [(category.slug, category.label) for category in members]) for members in ordered]


class RecordForm(PortalForm):
    """Entry and change of a record, in the order of speaking: Was? Wann? Wo? Was genau?"""

    category = forms.ChoiceField(
        label="Art",
        error_messages={
            "required": "Es fehlt die Art. Bitte eine Kategorie wählen.",
            "invalid_choice": "Diese Kategorie gibt es hier nicht. Bitte eine aus der Liste wählen.",
        },
    )
    severity = forms.TypedChoiceField(
        label="Schwere",
        coerce=int,
        choices=Severity.choices,
        initial=Severity.NORMAL,
        error_messages={"invalid_choice": "Diese Schwere gibt es nicht. Bitte eine aus der Liste wählen."},
    )
    occurred_from = text_field(
        "Beginn",
        max_length=60,
        required=True,
        help_text=f"Zum Beispiel {EXAMPLES}.",
    )
    occurred_to = text_field("Ende", max_length=60, help_text="Eine bloße Uhrzeit meint den Tag des Beginns.")
    place_text = text_field(
        "Adresse oder Ort", max_length=200, help_text="Bekannte Straßen und Plätze werden beim Tippen vorgeschlagen."
    )
    lon = coordinate_field("Länge", "7,8078")
    lat = coordinate_field("Breite", "51,6781")
    accuracy = forms.ChoiceField(
        label="Genauigkeit",
        required=False,
        choices=[(accuracy.value, accuracy.label) for accuracy in PLACE_ACCURACIES],
        initial=Accuracy.POINT,
        error_messages={"invalid_choice": "Diese Genauigkeit gibt es nicht. Bitte eine aus der Liste wählen."},
    )
    district = forms.ChoiceField(
        label="Stadtbezirk",
        required=False,
        help_text="Nur nötig, wenn der genaue Ort nicht bekannt ist.",
        error_messages={"invalid_choice": "Diesen Stadtbezirk gibt es nicht. Bitte einen aus der Liste wählen."},
    )
    description = text_field("Sachverhalt", max_length=10_000, rows=5, help_text="Bleibt in Ihrer Behörde.")
    reference = text_field("Aktenzeichen", max_length=80, help_text="Bleibt in Ihrer Behörde.")
    complainant_contact = text_field(
        "Kontakt der meldenden Person", max_length=300, help_text="Wird niemals weitergegeben."
    )
    internal_note = text_field("Interner Vermerk", max_length=10_000, rows=3, help_text="Bleibt in Ihrer Behörde.")
    sharing_level = forms.ChoiceField(
        label="Freigabestufe",
        widget=forms.RadioSelect,
        error_messages={
            "required": "Es fehlt die Freigabestufe. Bitte eine Stufe wählen.",
            "invalid_choice": "Diese Freigabestufe dürfen Sie hier nicht setzen. Bitte eine der angebotenen wählen.",
        },
    )

    def __init__(
        self,
        *args,
        kind: str,
        by,
        categories: Sequence[Category],
        districts: DistrictIndex,
        is_change: bool = False,
        **kwargs,
    ):
        super().__init__(*args, **kwargs)
        self.agency: Agency = by.agency
        self.districts = districts
        self.place_taken: Place | None = None
        self._categories = {category.slug: category for category in categories}
        if kind != Kind.COMPLAINT:
            del self.fields["complainant_contact"]
        self.fields["category"].choices = [
            ("", "Bitte wählen"),
            *grouped_categories(categories, self.agency.slug),
        ]
        self.fields["district"].choices = [("", "ergibt sich aus dem Ort")] + [
            (area.slug, area.name) for area in districts.areas
        ]
        self.fields["occurred_from"].error_messages["required"] = (
            f"Es fehlt der Beginn. Bitte zum Beispiel {EXAMPLES} eingeben."
        )
        if is_change:
            del self.fields["sharing_level"]
        else:
            self._offer_levels(by)

    @property
    def chosen_category(self) -> Category | None:
        return self._categories.get(self["category"].value() or "")

    def _offer_levels(self, by) -> None:
        category = self.chosen_category
        if category is None:
            levels = list(SharingLevel) if by.can("share_records") else [SharingLevel.INTERNAL]
        else:
            levels = allowed_levels(agency=self.agency, category=category, by=by)
            self.fields["sharing_level"].initial = default_level(agency=self.agency, category=category)
        field = self.fields["sharing_level"]
        field.choices = [(level.value, level.label) for level in levels]
        field.initial = field.initial or SharingLevel.INTERNAL
        if len(levels) < len(SharingLevel):
            field.help_text = "Höhere Stufen setzt die Rolle „Freigabe“ in Ihrer Behörde."

    @property
    def chosen_level(self) -> str:
        level = self["sharing_level"].value()
        return level if level in SharingLevel.values else SharingLevel.INTERNAL

    def clean_category(self) -> Category:
        return self._categories[self.cleaned_data["category"]]

    def clean_occurred_from(self):
        return self._moment(self.cleaned_data["occurred_from"])

    def clean_occurred_to(self):
        text = self.cleaned_data["occurred_to"]
        start = self.cleaned_data.get("occurred_from")
        return self._moment(text, timezone.localdate(start) if start else None) if text else None

    @staticmethod
    def _moment(text: str, day=None):
        try:
            return parse_when(text, now=timezone.now(), day=day)
        except UnreadableTimeError as error:
            raise ValidationError(str(error)) from error

    def clean(self) -> dict:
        data = super().clean()
        if self.errors:
            return data
        if data["lon"] is None and data["lat"] is None and data["place_text"] and not data["district"]:
            place = exact_place(data["place_text"])
            if place and self.districts.district_of(place.lon, place.lat):
                self.place_taken = place
                data |= {"lon": place.lon, "lat": place.lat, "accuracy": Accuracy.STREET}
        return data

    def record_data(self) -> RecordData:
        data = self.cleaned_data
        names = {"category", "severity", "occurred_from", "occurred_to", "place_text", "lon", "lat", "description"}
        names |= {"reference", "internal_note", "complainant_contact", "sharing_level"}
        return RecordData(
            accuracy=data["accuracy"] or Accuracy.POINT,
            district=self.districts.named(data["district"]) if data["district"] else None,
            **{name: data[name] for name in names if name in data},
        )


def initial_of(record: Record, detail: RecordDetail) -> dict:
    """What the form shows of an existing record."""

    def written(moment) -> str:
        return f"{timezone.localtime(moment):%d.%m.%Y %H:%M}" if moment else ""

    texts = ("place_text", "lon", "lat", "description", "reference", "internal_note")
    if record.kind == Kind.COMPLAINT:
        texts += ("complainant_contact",)
    return {
        "category": record.category.slug,
        "severity": record.severity,
        "occurred_from": written(record.occurred_from),
        "occurred_to": written(record.occurred_to),
        "accuracy": record.accuracy if record.accuracy in PLACE_ACCURACIES else Accuracy.POINT,
        "district": record.district.slug if record.district and detail.lon is None else "",
        **{name: getattr(detail, name) for name in texts},
    }


class LevelForm(PortalForm):
    sharing_level = forms.ChoiceField(
        label="Neue Stufe",
        choices=SharingLevel.choices,
        widget=forms.RadioSelect,
        error_messages={"invalid_choice": "Diese Freigabestufe gibt es nicht. Bitte eine der drei Stufen wählen."},
    )
    reason = text_field("Grund", max_length=200)


class GrantForm(PortalForm):
    agency = forms.ChoiceField(
        label="Behörde",
        error_messages={
            "required": "Es fehlt die Behörde. Bitte eine Behörde wählen.",
            "invalid_choice": "Dieser Behörde kann nicht freigegeben werden. Bitte eine aus der Liste wählen.",
        },
    )
    reason = text_field("Grund", max_length=200)

    def __init__(self, *args, agencies: Sequence[Agency], **kwargs):
        super().__init__(*args, **kwargs)
        self._agencies = {agency.slug: agency for agency in agencies}
        self.fields["agency"].choices = [("", "Bitte wählen")] + [
            (agency.slug, agency.short_name) for agency in agencies
        ]

    def clean_agency(self) -> Agency:
        return self._agencies[self.cleaned_data["agency"]]


class NoteForm(PortalForm):
    text = text_field(
        "Hinweis für die Partner",
        max_length=500,
        rows=3,
        required=True,
        help_text="Ohne Angaben zu Personen. Sichtbar erst, wenn eine zweite Person ihn freigegeben hat.",
    )

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.fields["text"].error_messages["required"] = "Der Hinweis ist leer. Bitte einen Text eingeben."


class ExportForm(PortalForm):
    purpose = text_field(
        "Zweck",
        max_length=200,
        required=True,
        help_text="Wird mit Ihrem Namen und der Anzahl der Meldungen protokolliert.",
    )

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.fields["purpose"].error_messages["required"] = (
            "Es fehlt der Zweck. Bitte angeben, wofür Sie die Liste brauchen."
        )


class SharingDefaultsForm(PortalForm):
    """One choice per shareable category."""

    def __init__(self, *args, categories: Sequence[Category], defaults: dict[int, SharingDefault], **kwargs):
        super().__init__(*args, **kwargs)
        self._categories = {category.slug: category for category in categories if category.is_shareable}
        for slug, category in self._categories.items():
            default = defaults.get(category.pk)
            self.fields[slug] = forms.ChoiceField(
                label=category.label,
                choices=SharingLevel.choices,
                required=False,
                initial=default.level if default else SharingLevel.INTERNAL,
                error_messages={"invalid_choice": "Diese Stufe gibt es nicht. Bitte eine der drei Stufen wählen."},
            )

    def levels(self) -> dict[Category, str]:
        return {
            self._categories[slug]: level
            for slug, level in self.cleaned_data.items()
            if level and slug in self.changed_data
        }
