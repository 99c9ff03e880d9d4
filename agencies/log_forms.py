"""Filters of the log, for the data-protection role and for the lead of an agency."""

from __future__ import annotations

import datetime

from django import forms
from django.db.models import Q
from django.utils import timezone

from agencies.audit import TOLD_TO_OWNER, Act
from agencies.forms import GermanDateField
from agencies.models import Agency


class AuditPeriodForm(forms.Form):
    since = GermanDateField(label="von", required=False, help_text="")
    until = GermanDateField(label="bis", required=False, help_text="")

    def period(self) -> dict:
        """Filter arguments for `at`, the last day included."""
        zone = timezone.get_current_timezone()
        bounds = {}
        if self.cleaned_data.get("since"):
            bounds["at__gte"] = datetime.datetime.combine(self.cleaned_data["since"], datetime.time.min, zone)
        if self.cleaned_data.get("until"):
            day_after = self.cleaned_data["until"] + datetime.timedelta(days=1)
            bounds["at__lt"] = datetime.datetime.combine(day_after, datetime.time.min, zone)
        return bounds


class ReadersFilter(AuditPeriodForm):
    agency = forms.ModelChoiceField(
        label="Behörde", queryset=Agency.objects.none(), to_field_name="slug", required=False, empty_label="alle"
    )
    act = forms.ChoiceField(
        label="Vorgang", required=False, choices=[("", "alle"), *((act.value, act.label) for act in TOLD_TO_OWNER)]
    )
    field_order = ("act", "agency", "since", "until")

    def __init__(self, *args, agencies, **kwargs) -> None:
        super().__init__(*args, **kwargs)
        self.fields["agency"].queryset = agencies


class AuditFilter(AuditPeriodForm):
    purpose = forms.CharField(label="Anlass der Suche", max_length=200)
    act = forms.ChoiceField(label="Vorgang", required=False, choices=[("", "alle"), *Act.choices])
    agency = forms.ModelChoiceField(
        label="handelnde Behörde",
        queryset=Agency.objects.order_by("short_name"),
        to_field_name="slug",
        required=False,
        empty_label="alle",
    )
    owner = forms.ModelChoiceField(
        label="Daten von",
        queryset=Agency.objects.order_by("short_name"),
        to_field_name="slug",
        required=False,
        empty_label="alle",
    )
    person = forms.CharField(label="Person (E-Mail)", required=False, max_length=254)
    object_id = forms.CharField(label="Kennung des Eintrags", required=False, max_length=64)
    field_order = ("purpose", "act", "agency", "owner", "person", "object_id", "since", "until")

    def conditions(self) -> Q:
        """What the entries must be like. Data of an agency are read alone or, as part of a list, in a number."""
        data = self.cleaned_data
        wanted = {
            "action": data["act"],
            "agency": data["agency"],
            "user__email__iexact": data["person"],
            "object_id": data["object_id"],
        }
        found = Q(**{name: value for name, value in wanted.items() if value}, **self.period())
        if owner := data["owner"]:
            found &= Q(owner=owner) | Q(facts__owners__has_key=owner.slug)
        return found

    def used(self) -> list[str]:
        """Names of the conditions set, for the log: what was typed stays out of it."""
        return sorted(name for name in self.fields if name != "purpose" and self.cleaned_data[name])
