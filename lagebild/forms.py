from django import forms
from django.utils import timezone

from agencies.models import Agency
from lagebild.models import FINDING_STEPS, Finding, FindingStatus, Picture

GERMAN_DATES = ["%d.%m.%Y", "%Y-%m-%d"]


class PictureFilter(forms.Form):
    """What of the picture is shown; the address holds it."""

    stand = forms.CharField(required=False, widget=forms.HiddenInput)
    art = forms.ChoiceField(
        label="Zeige",
        required=False,
        choices=[("", "Vorfälle und Beschwerden"), ("incident", "Vorfälle"), ("complaint", "Beschwerden")],
    )
    gruppe = forms.ChoiceField(label="der Gruppe", required=False)
    bezirk = forms.ChoiceField(label="in", required=False)

    def __init__(self, *args, groups: list, areas: list, **kwargs) -> None:
        super().__init__(*args, **kwargs)
        self.fields["gruppe"].choices = [("", "alle Gruppen"), *((group.slug, group.label) for group in groups)]
        self.fields["bezirk"].choices = [("", "der ganzen Stadt"), *((area.slug, area.name) for area in areas)]


class AssessmentForm(forms.Form):
    status = forms.ChoiceField(label="Stand")
    assessment = forms.CharField(
        label="Bewertung",
        help_text="Was bedeutet die Häufung, worauf stützt sich das? Bitte keine Personen nennen.",
        max_length=4000,
        widget=forms.Textarea(attrs={"rows": 4}),
        error_messages={"required": "Es fehlt die Bewertung. Bitte in ein bis zwei Sätzen begründen."},
    )
    responsible = forms.ModelChoiceField(
        label="Zuständige Behörde", queryset=Agency.objects.none(), required=False, empty_label="noch offen"
    )
    no_measure_reason = forms.CharField(
        label="Keine Maßnahme, weil",
        max_length=300,
        required=False,
        help_text="Nur ausfüllen, wenn nichts veranlasst wird.",
    )
    review_on = forms.DateField(
        label="Wiedervorlage am",
        required=False,
        input_formats=GERMAN_DATES,
        help_text="Zum Beispiel 15.01.2027.",
        error_messages={"invalid": "Das Datum ist nicht lesbar. Bitte zum Beispiel 15.01.2027 eingeben."},
    )

    def __init__(self, *args, finding: Finding, **kwargs) -> None:
        super().__init__(*args, **kwargs)
        steps = FINDING_STEPS[FindingStatus(finding.status)]
        choices = [FindingStatus(finding.status), *(step for step in FindingStatus if step in steps)]
        self.fields["status"].choices = [(step.value, step.label) for step in choices]
        self.fields["responsible"].queryset = Agency.objects.active().filter(is_coordination=False)


class FreezeForm(forms.Form):
    title = forms.CharField(
        label="Titel der Ausgabe",
        max_length=200,
        error_messages={"required": "Es fehlt der Titel. Bitte zum Beispiel „Lagebild November 2026“ eingeben."},
    )
    body = forms.CharField(
        label="Für das Gremium",
        max_length=200,
        initial="Sicherheitskonferenz",
        error_messages={"required": "Es fehlt das Gremium. Bitte zum Beispiel „Sicherheitskonferenz“ eingeben."},
    )
    picture = forms.ModelChoiceField(
        label="Lagebild",
        queryset=Picture.objects.none(),
        empty_label=None,
        error_messages={"invalid_choice": "Dieses Lagebild gibt es nicht mehr. Bitte ein anderes wählen."},
    )

    def __init__(self, *args, actor, **kwargs) -> None:
        super().__init__(*args, **kwargs)
        self.fields["picture"].queryset = Picture.objects.visible_to(actor).newest_first()
        self.fields["title"].initial = f"Integratives Lagebild, Stand {timezone.localdate():%d.%m.%Y}"
