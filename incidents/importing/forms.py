"""The upload form and the form for "nothing to report"."""

from __future__ import annotations

import datetime
import json

from django import forms
from django.conf import settings

from incidents.importing.fields import COUNTS
from incidents.importing.weeks import week_label
from incidents.models import Kind

KIND_LABELS = {Kind.INCIDENT: "Vorfälle", Kind.COMPLAINT: "Beschwerden", COUNTS: "Anzahlen"}
_LARGEST_MAPPING = 256 * 1024


def _is_storable(content: object) -> bool:
    """JSON allows what the database does not hold: null characters; ValueError for numbers without value and halves."""
    text = json.dumps(content, ensure_ascii=False, allow_nan=False)
    text.encode()
    return "\\u0000" not in text


class UploadForm(forms.Form):
    kind = forms.ChoiceField(
        label="Was enthält die Datei?",
        choices=list(KIND_LABELS.items()),
    )
    file = forms.FileField(
        label="Datei",
        help_text="CSV in UTF-8 mit Spaltennamen in der ersten Zeile, oder GeoJSON mit Punkten.",
        max_length=200,
        error_messages={"required": "Es ist keine Datei gewählt. Bitte eine CSV-Datei oder GeoJSON wählen."},
    )
    mapping = forms.FileField(
        label="Zuordnungsdatei",
        required=False,
        help_text="Nur nötig, wenn die Datei andere Spalten oder Kürzel benutzt als die Vorlage.",
    )

    def clean_file(self):
        upload = self.cleaned_data["file"]
        if upload.size > settings.UPLOAD_MAX_BYTES:
            megabytes = settings.UPLOAD_MAX_BYTES // 1024**2
            raise forms.ValidationError(f"Die Datei ist größer als {megabytes} MB. Bitte in mehrere Dateien teilen.")
        return upload

    def clean_mapping(self) -> dict:
        upload = self.cleaned_data["mapping"]
        if upload is None:
            return {}
        try:
            content = json.loads(upload.read()) if upload.size <= _LARGEST_MAPPING else None
            is_storable = _is_storable(content)
        except (ValueError, RecursionError):
            content, is_storable = None, False
        if not (isinstance(content, dict) and is_storable):
            raise forms.ValidationError("Die Zuordnungsdatei ist kein lesbares JSON-Objekt. Bitte die Datei prüfen.")
        return content


class NothingForm(forms.Form):
    week = forms.TypedChoiceField(
        label="Woche ohne Meldung",
        coerce=datetime.date.fromisoformat,
        error_messages={"invalid_choice": "Für diese Woche ist keine Fehlanzeige möglich. Bitte eine andere wählen."},
    )

    def __init__(self, *args, weeks: list[datetime.date], **kwargs) -> None:
        super().__init__(*args, **kwargs)
        self.fields["week"].choices = [(week.isoformat(), week_label(week)) for week in weeks]
