"""What all filters of the interface share: names that exist, values that can be, errors that say so."""

from __future__ import annotations

import datetime

from django import forms
from django.core.exceptions import ValidationError as DjangoValidationError
from django.core.validators import validate_slug
from django_filters import rest_framework as filters
from django_filters.fields import IsoDateTimeField, ModelChoiceField
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request

_YEARS = range(1900, 2200)


def require_known_names(request: Request, known: set[str]) -> None:
    """A misspelt filter must not answer with everything."""
    errors = {}
    for name, values in request.query_params.lists():
        if name not in known:
            allowed = f" Möglich sind: {', '.join(sorted(known))}." if known else ""
            errors[name] = f"Diese Angabe ist hier nicht bekannt.{allowed}"
        elif len(values) > 1:
            errors[name] = "Diese Angabe steht mehrfach da. Bitte nur einmal angeben."
    if errors:
        raise ValidationError(errors)


class SlugChoiceField(ModelChoiceField):
    default_error_messages = {"invalid_choice": "Diesen Wert gibt es nicht. Bitte ein bekanntes Kürzel angeben."}

    def to_python(self, value):
        if value in self.empty_values:
            return None
        try:
            validate_slug(value)
        except DjangoValidationError as error:
            raise DjangoValidationError(self.error_messages["invalid_choice"], code="invalid_choice") from error
        return super().to_python(value)


class SlugFilter(filters.ModelChoiceFilter):
    """A row named by its slug; `queryset` may ask the request who acts."""

    field_class = SlugChoiceField

    def __init__(self, *args, **kwargs) -> None:
        super().__init__(*args, to_field_name="slug", **kwargs)


class MomentField(IsoDateTimeField):
    default_error_messages = {
        "invalid": "Bitte einen Zeitpunkt wie 2026-11-01T00:00:00Z angeben; ein „+“ muss in der Adresse kodiert sein.",
    }

    def to_python(self, value) -> datetime.datetime | None:
        try:
            moment = super().to_python(value)
        except OverflowError as error:
            raise DjangoValidationError(self.error_messages["invalid"], code="invalid") from error
        if moment is not None and moment.year not in _YEARS:
            raise DjangoValidationError(f"Das Jahr {moment.year} kann nicht stimmen. Bitte prüfen.", code="invalid")
        return moment


class MomentFilter(filters.IsoDateTimeFilter):
    field_class = MomentField


class DayField(forms.DateField):
    default_error_messages = {"invalid": "Bitte einen Tag wie 2026-11-01 angeben."}

    def __init__(self, **kwargs) -> None:
        super().__init__(input_formats=["%Y-%m-%d"], **kwargs)


class DayFilter(filters.DateFilter):
    field_class = DayField


class OneOfFilter(filters.ChoiceFilter):
    """One value of a fixed list."""

    def __init__(self, *args, choices, **kwargs) -> None:
        values = ", ".join(str(value) for value, _ in choices)
        messages = {"invalid_choice": f"Diesen Wert gibt es nicht. Möglich sind: {values}."}
        super().__init__(*args, choices=choices, error_messages=messages, **kwargs)


class YesNoFilter(OneOfFilter):
    """true or false; anything else is refused and not read as "do not filter"."""

    def __init__(self, *args, **kwargs) -> None:
        super().__init__(*args, choices=[("true", "true"), ("false", "false")], **kwargs)

    def filter(self, qs, value):
        return super().filter(qs, value == "true" if value in ("true", "false") else value)
