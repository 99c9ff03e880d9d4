from __future__ import annotations

import django_filters
from django_filters import rest_framework as filters

from agencies.api.filters import DayFilter, OneOfFilter, SlugFilter, YesNoFilter
from incidents.api.filters import districts
from incidents.models import Area, CategoryGroup, Kind
from lagebild.models import FindingKind, FindingStatus, Picture, Verdict, WeekState


class KnownPictureField(django_filters.fields.ModelChoiceField):
    default_error_messages = {
        "invalid_choice": "Dieses Lagebild gibt es nicht. Bitte eine Kennung aus /pictures/ angeben."
    }


class PictureChoice(filters.ModelChoiceFilter):
    field_class = KnownPictureField


def visible_pictures(request):
    return Picture.objects.visible_to(request.user) if request else Picture.objects.none()


class PictureRowFilter(filters.FilterSet):
    picture = PictureChoice(queryset=visible_pictures, help_text="Kennung des Lagebilds; ohne Angabe das jüngste")
    kind = OneOfFilter(field_name="group__kind", choices=Kind.choices)
    group = SlugFilter(queryset=CategoryGroup.objects.all(), help_text="Kürzel der Kategoriengruppe")


class CellFilter(PictureRowFilter):
    district = SlugFilter(queryset=districts, help_text="Kürzel des Stadtbezirks")
    significant = YesNoFilter(field_name="is_significant", help_text="nur Zellen mit auffälliger Häufung")


class TrendFilter(PictureRowFilter):
    area = SlugFilter(queryset=Area.objects.defer("geometry"), help_text="Kürzel des Gebiets")
    verdict = OneOfFilter(choices=Verdict.choices)
    week_state = OneOfFilter(choices=WeekState.choices, help_text="Urteil über die letzte volle Woche")


class FindingFilter(filters.FilterSet):
    kind = OneOfFilter(choices=FindingKind.choices)
    status = OneOfFilter(choices=FindingStatus.choices)
    group = SlugFilter(queryset=CategoryGroup.objects.all(), help_text="Kürzel der Kategoriengruppe")
    district = SlugFilter(queryset=districts, help_text="Kürzel des Stadtbezirks")
    seen_since = DayFilter("last_seen_on", "gte", help_text="an diesem Tag oder später erkannt")
    has_signal = YesNoFilter(
        field_name="signal_on", lookup_expr="isnull", exclude=True, help_text="nur mit (oder nur ohne) Signal"
    )
    signal_since = DayFilter("signal_on", "gte", help_text="an diesem Tag oder später stand ein Signal")


class PictureFilter(filters.FilterSet):
    date_from = DayFilter("date", "gte", help_text="Stand an diesem Tag oder später")
    date_to = DayFilter("date", "lte", help_text="Stand an diesem Tag oder früher")
