"""Forms of the guided process of a membership."""

from __future__ import annotations

import re

from django import forms
from django.core.exceptions import ValidationError

from agencies.forms import GermanDateField
from agencies.models import MembershipKind

DOCUMENT_MAX_BYTES = 10 * 1024 * 1024
_NO_PDF = "Die Datei ist kein lesbares PDF. Bitte die unterzeichnete Fassung als PDF anfügen."
_LAST_TABLE = re.compile(rb"startxref\s+(\d{1,10})\s+%%EOF\s*\Z")
# Where a cross-reference table or a cross-reference stream begins.
_TABLE_START = re.compile(rb"xref\b|\d+\s+\d+\s+obj\b")
# What a signed sheet of paper cannot need and a reader may run.
_ACTIVE = re.compile(rb"/(JavaScript|JS|Launch|EmbeddedFile|RichMedia)\b")
_TAIL = 2048


class PdfField(forms.FileField):
    """A PDF by its content: head, cross-reference table where the end says it is, no active content in the open."""

    def clean(self, data, initial=None):
        file = super().clean(data, initial)
        if file is None:
            return file
        if file.size > DOCUMENT_MAX_BYTES:
            limit = DOCUMENT_MAX_BYTES // (1024 * 1024)
            raise ValidationError(f"Die Datei ist größer als {limit} MB. Bitte eine kleinere Datei wählen.")
        content = file.read()
        file.seek(0)
        if not is_pdf(content):
            raise ValidationError(_NO_PDF)
        if _ACTIVE.search(content):
            raise ValidationError(
                "Das PDF enthält ausführbare Inhalte oder angehängte Dateien. "
                "Bitte das Dokument ohne solche Inhalte neu erzeugen, zum Beispiel durch Drucken in eine PDF-Datei."
            )
        return file


def is_pdf(content: bytes) -> bool:
    if not re.match(rb"%PDF-[12]\.\d", content):
        return False
    end = _LAST_TABLE.search(content, max(0, len(content) - _TAIL))
    return end is not None and bool(_TABLE_START.match(content, int(end[1])))


def text(label: str, *, max_length: int, help_text: str = "", rows: int = 0, required: bool = True) -> forms.CharField:
    widget = forms.Textarea(attrs={"rows": rows}) if rows else None
    return forms.CharField(label=label, max_length=max_length, help_text=help_text, widget=widget, required=required)


class ProposeForm(forms.Form):
    kind = forms.ChoiceField(label="Art der Mitgliedschaft", choices=MembershipKind.choices)
    valid_from = GermanDateField(label="Gültig ab")
    valid_until = GermanDateField(label="Gültig bis", required=False, help_text="Leer lassen, wenn unbefristet.")

    def clean(self) -> dict:
        data = super().clean()
        start, end = data.get("valid_from"), data.get("valid_until")
        if start and end and end < start:
            self.add_error("valid_until", "Die Mitgliedschaft endet vor ihrem Beginn. Bitte das Ende prüfen.")
        return data


class AgreementForm(forms.Form):
    purpose = text(
        "Zweck der Teilnahme", max_length=500, rows=2, help_text="Wozu die Behörde Meldungen gibt und erhält."
    )
    legal_basis = text(
        "Rechtsgrundlage", max_length=500, rows=2, help_text="Gesetz und Vereinbarung, wie sie im Dokument stehen."
    )
    contact_name = text("Ansprechperson", max_length=150)
    contact_function = text("Funktion", max_length=150, required=False)
    contact_email = forms.EmailField(
        label="E-Mail-Adresse der Stelle", help_text="Dorthin gehen Erinnerungen an das Ende der Laufzeit."
    )
    contact_phone = text("Telefon der Stelle", max_length=40, required=False)
    notice = text(
        "Kündigung", max_length=200, required=False, help_text="Zum Beispiel: drei Monate zum Ende eines Jahres."
    )


class SignForm(forms.Form):
    signed_on = GermanDateField(label="Unterzeichnet am")
    signatory = forms.CharField(
        label="Unterzeichnet durch", max_length=200, help_text="Name und Amt, wie in der Vereinbarung."
    )
    document = PdfField(label="Unterzeichnete Vereinbarung", help_text="PDF, höchstens 10 MB.")


class ConfirmForm(forms.Form):
    """Nothing to fill in: the second pair of eyes confirms."""


class ReasonForm(forms.Form):
    reason = forms.CharField(
        label="Begründung", max_length=2000, widget=forms.Textarea(attrs={"rows": 3}), help_text="Ein bis zwei Sätze."
    )
