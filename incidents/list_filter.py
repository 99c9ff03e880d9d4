"""The filter of the record lists: a form sent by GET that reads like a sentence, and the rows it means."""

from __future__ import annotations

import datetime
from collections.abc import Sequence

from django import forms
from django.core.exceptions import ValidationError
from django.db.models import Q
from django.utils import timezone

from agencies.models import Agency
from agencies.visibility import SharingLevel, reads_records
from incidents.forms import PortalForm, grouped_categories, text_field
from incidents.models import Area, Category
from incidents.querysets import RecordQuerySet
from incidents.when import YEARS
from incidents.workflow import Status

OPEN = "open"
_GROUP_PREFIX = "group:"


def choice(label: str, everything: str, choices: Sequence = ()) -> forms.ChoiceField:
    return forms.ChoiceField(
        label=label,
        required=False,
        choices=[("", everything), *choices],
        error_messages={"invalid_choice": "Diese Auswahl gibt es nicht. Bitte eine aus der Liste wählen."},
    )


def day(label: str) -> forms.DateField:
    return forms.DateField(
        label=label,
        required=False,
        input_formats=["%Y-%m-%d", "%d.%m.%Y", "%d.%m.%y"],
        widget=forms.DateInput(attrs={"placeholder": "TT.MM.JJJJ", "size": 10, "autocomplete": "off"}),
        error_messages={"invalid": "Dieser Tag ist nicht lesbar. Bitte ein Datum wie 06.10.2022 eingeben."},
    )


class FilterForm(PortalForm):
    own = choice("Zeige", "alle", [("own", "eigene"), ("shared", "von Partnern geteilte")])
    category = choice("der Art", "jeder Art")
    district = choice("in", "ganz Hamm")
    start = day("vom")
    end = day("bis")
    status = choice("mit Status", "jedem", [(OPEN, "Offen (alle)"), *Status.choices])
    level = choice("auf Stufe", "jeder", SharingLevel.choices)
    agency = choice("erfasst von", "allen Behörden")
    q = text_field("mit den Worten", max_length=200)

    def __init__(
        self,
        *args,
        by,
        categories: Sequence[Category],
        districts: Sequence[Area],
        agencies: Sequence[Agency],
        city: str,
        **kwargs,
    ):
        super().__init__(*args, **kwargs)
        self._by = by
        self._by_slug = {
            "district": {area.slug: area for area in districts},
            "agency": {agency.slug: agency for agency in agencies},
        }
        self._categories = categories
        self.fields["category"].choices = [("", "jeder Art"), *_category_choices(categories, by.agency.slug)]
        self.fields["district"].choices = [("", city), *((area.slug, area.name) for area in districts)]
        self.fields["agency"].choices = [
            ("", "allen Behörden"),
            *((agency.slug, agency.short_name) for agency in agencies),
        ]
        self.fields["q"].widget = forms.TextInput(attrs={"type": "search", "data-search-field": True})
        if not reads_records(by):
            del self.fields["q"]

    def clean_start(self):
        return self._possible(self.cleaned_data["start"])

    def clean_end(self):
        return self._possible(self.cleaned_data["end"])

    @staticmethod
    def _possible(value: datetime.date | None) -> datetime.date | None:
        if value is not None and value.year not in YEARS:
            raise ValidationError(f"Das Jahr {value.year} kann nicht stimmen. Bitte das Datum prüfen.")
        return value

    def clean(self) -> dict:
        data = super().clean()
        if data.get("start") and data.get("end") and data["end"] < data["start"]:
            self.add_error("end", "Der Zeitraum endet vor seinem Beginn. Bitte das Ende prüfen.")
        return data

    def narrow(self, records: RecordQuerySet) -> RecordQuerySet:
        """The rows of `records` that the filter means; none while the filter has errors."""
        if not self.is_valid():
            return records.none()
        data = self.cleaned_data
        if data["own"] == "own":
            records = records.filter(agency=self._by.agency)
        elif data["own"] == "shared":
            records = records.exclude(agency=self._by.agency)
        if data["category"]:
            records = records.filter(category__in=self._chosen_categories(data["category"]))
        for name, rows in self._by_slug.items():
            if data[name]:
                records = records.filter(**{name: rows[data[name]]})
        if data["status"]:
            records = records.open() if data["status"] == OPEN else records.filter(status=data["status"])
        if data["level"]:
            # The level of a record seen by a grant is the owner's business: no filter answers for it.
            known = Q(agency=self._by.agency) | Q(sharing_level=SharingLevel.COOPERATION)
            records = records.filter(known, sharing_level=data["level"])
        records = self._in_period(records)
        return records.search(data["q"], self._by) if data.get("q") else records

    def _chosen_categories(self, value: str) -> list[Category]:
        group = value.removeprefix(_GROUP_PREFIX)
        if group == value:
            return [category for category in self._categories if category.slug == value]
        return [category for category in self._categories if category.group.slug == group]

    def _in_period(self, records: RecordQuerySet) -> RecordQuerySet:
        start, end = self.cleaned_data["start"], self.cleaned_data["end"]
        if start:
            records = records.filter(occurred_from__gte=_midnight(start))
        if end:
            records = records.filter(occurred_from__lt=_midnight(end + datetime.timedelta(days=1)))
        return records


def _midnight(date: datetime.date) -> datetime.datetime:
    return timezone.make_aware(datetime.datetime.combine(date, datetime.time()))


def _category_choices(categories: Sequence[Category], agency_slug: str) -> list:
    by_label = {category.group.label: category.group.slug for category in categories}
    return [
        (label, [(f"{_GROUP_PREFIX}{by_label[label]}", f"{label} (alle)"), *members])
        for label, members in grouped_categories(categories, agency_slug)
    ]
