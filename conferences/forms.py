"""Forms of meetings and measures."""

from __future__ import annotations

import datetime

from django import forms
from django.core.exceptions import ValidationError
from django.forms.utils import from_current_timezone
from django.utils import timezone

from agencies.forms import GermanDateField
from agencies.models import Agency
from conferences.actions import invitable_agencies
from conferences.measures import allowed_statuses
from conferences.models import Body, Conference, Measure, MeasureStatus
from incidents.models import Area
from lagebild.models import Edition, Finding


class GermanTimeField(forms.TimeField):
    """A time of day typed as 14:30, 14.30 or "14:30 Uhr"."""

    def __init__(self, **options) -> None:
        widget = forms.TimeInput(format="%H:%M", attrs={"autocomplete": "off", "inputmode": "numeric"})
        super().__init__(widget=widget, input_formats=["%H:%M", "%H.%M", "%H:%M:%S", "%H"], **options)
        self.error_messages |= {"invalid": "Das ist keine Uhrzeit. Bitte in der Form 14:30 angeben."}

    def to_python(self, value) -> datetime.time | None:
        return super().to_python(value.strip().removesuffix("Uhr").strip() if isinstance(value, str) else value)


class ConferenceForm(forms.Form):
    body = forms.ChoiceField(label="Gremium", choices=Body.choices)
    title = forms.CharField(label="Titel", max_length=200)
    date = GermanDateField(label="Datum")
    time = GermanTimeField(label="Beginn", help_text="Zum Beispiel 14:30.")
    place = forms.CharField(label="Ort", max_length=200)
    agencies = forms.ModelMultipleChoiceField(
        label="Eingeladene Behörden",
        queryset=Agency.objects.none(),
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text="Die Behörden sehen die Konferenz erst, wenn Sie einladen.",
    )

    def __init__(self, *args, conference: Conference | None = None, **kwargs) -> None:
        if conference is not None:
            local = timezone.localtime(conference.starts_at)
            kwargs["initial"] = {
                "body": conference.body,
                "title": conference.title,
                "date": local.date(),
                "time": local.time(),
                "place": conference.place,
                "agencies": [row.agency_id for row in conference.invitations.all()],
            }
        super().__init__(*args, **kwargs)
        choices = invitable_agencies()
        if conference is not None:
            choices = (choices | Agency.objects.filter(invitations__conference=conference)).distinct()
        self.fields["agencies"].queryset = choices
        self.fields["agencies"].label_from_instance = lambda agency: agency.name

    def clean(self) -> dict:
        data = super().clean()
        if data.get("date") and data.get("time"):
            try:
                data["starts_at"] = from_current_timezone(datetime.datetime.combine(data["date"], data["time"]))
            except ValidationError:
                self.add_error("time", "Diese Uhrzeit gibt es an dem Tag nicht (Zeitumstellung). Bitte prüfen.")
        return data

    def values(self) -> dict:
        """Arguments of the actions."""
        return {name: self.cleaned_data[name] for name in ("body", "title", "starts_at", "place", "agencies")}


class AgendaItemForm(forms.Form):
    title = forms.CharField(label="Tagesordnungspunkt", max_length=200)
    note = forms.CharField(
        label="Erläuterung", required=False, max_length=4000, widget=forms.Textarea(attrs={"rows": 3})
    )
    finding = forms.ModelChoiceField(
        label="Erkenntnis aus dem Lagebild", queryset=Finding.objects.none(), required=False, empty_label="keine"
    )

    def __init__(self, *args, actor, **kwargs) -> None:
        super().__init__(*args, **kwargs)
        self.fields["finding"].queryset = Finding.objects.visible_to(actor)


class EditionForm(forms.Form):
    edition = forms.ModelChoiceField(label="Ausgabe", queryset=Edition.objects.none(), empty_label=None)

    def __init__(self, *args, actor, **kwargs) -> None:
        super().__init__(*args, **kwargs)
        editions = Edition.objects.visible_to(actor).defer("pdf", "content")
        self.fields["edition"].queryset = editions.order_by("-year", "-sequence")
        self.fields["edition"].label_from_instance = lambda edition: f"{edition} – {edition.title}"


class DecisionForm(forms.Form):
    agenda_item = forms.ModelChoiceField(
        label="Tagesordnungspunkt", queryset=None, required=False, empty_label="ohne Tagesordnungspunkt"
    )
    text = forms.CharField(label="Beschluss", max_length=4000, widget=forms.Textarea(attrs={"rows": 5}))
    votes_for = forms.IntegerField(label="Ja-Stimmen", min_value=0, max_value=500, initial=0)
    votes_against = forms.IntegerField(label="Nein-Stimmen", min_value=0, max_value=500, initial=0)
    votes_abstained = forms.IntegerField(label="Enthaltungen", min_value=0, max_value=500, initial=0)

    def __init__(self, *args, conference: Conference, **kwargs) -> None:
        super().__init__(*args, **kwargs)
        self.fields["agenda_item"].queryset = conference.agenda_items.all()
        self.fields["agenda_item"].label_from_instance = lambda item: f"TOP {item.position}: {item.title}"


class MeasureForm(forms.Form):
    title = forms.CharField(label="Maßnahme", max_length=200, help_text="Was wird getan? In wenigen Worten.")
    description = forms.CharField(
        label="Beschreibung", required=False, max_length=4000, widget=forms.Textarea(attrs={"rows": 3})
    )
    agency = forms.ModelChoiceField(label="Verantwortlich", queryset=Agency.objects.none(), empty_label="bitte wählen")
    area = forms.ModelChoiceField(label="Raum", queryset=Area.objects.none(), required=False, empty_label="ohne")
    finding = forms.ModelChoiceField(
        label="Erkenntnis aus dem Lagebild", queryset=Finding.objects.none(), required=False, empty_label="keine"
    )
    starts_on = GermanDateField(label="Beginn", required=False)
    due_on = GermanDateField(label="Frist")

    def __init__(self, *args, actor, **kwargs) -> None:
        super().__init__(*args, **kwargs)
        self.fields["agency"].queryset = Agency.objects.active().order_by("name")
        self.fields["agency"].label_from_instance = lambda agency: agency.name
        self.fields["area"].queryset = Area.objects.defer("geometry").order_by("kind", "number", "name")
        self.fields["finding"].queryset = Finding.objects.visible_to(actor)


class ReportForm(forms.Form):
    status = forms.ChoiceField(label="Stand")
    text = forms.CharField(
        label="Sachstand",
        max_length=4000,
        widget=forms.Textarea(attrs={"rows": 4}),
        help_text="Keine Namen und keine Angaben, die auf einzelne Personen schließen lassen.",
    )

    def __init__(self, *args, measure: Measure, actor, **kwargs) -> None:
        super().__init__(*args, **kwargs)
        self.fields["status"].choices = [(status.value, status.label) for status in allowed_statuses(measure, actor)]
        self.fields["status"].initial = measure.status


class ConferenceFilter(forms.Form):
    body = forms.ChoiceField(label="Gremium", required=False, choices=[("", "alle"), *Body.choices])
    when = forms.ChoiceField(
        label="Termin", required=False, choices=[("", "alle"), ("coming", "kommende"), ("past", "vergangene")]
    )


class MeasureFilter(forms.Form):
    STATES = (
        ("open", "offen"),
        ("overdue", "überfällig"),
        (MeasureStatus.DONE.value, "abgeschlossen"),
        (MeasureStatus.DROPPED.value, "eingestellt"),
        ("all", "alle"),
    )
    state = forms.ChoiceField(label="Stand", required=False, choices=STATES)
    agency = forms.ModelChoiceField(
        label="Verantwortlich",
        queryset=Agency.objects.order_by("short_name"),
        to_field_name="slug",
        required=False,
        empty_label="alle",
    )
    mine = forms.BooleanField(label="nur meine Behörde", required=False)
    erkenntnis = forms.UUIDField(required=False, widget=forms.HiddenInput)
