from __future__ import annotations

from django.db.models import QuerySet
from django_filters import rest_framework as filters

from agencies.api.filters import MomentFilter, OneOfFilter, SlugFilter, YesNoFilter
from agencies.models import Agency
from incidents.models import Area, AreaKind, Category, CategoryGroup, Kind
from incidents.workflow import Status


def known_agencies(request) -> QuerySet[Agency]:
    return Agency.objects.visible_to(request.user) if request else Agency.objects.none()


def districts(request) -> QuerySet[Area]:
    return Area.objects.filter(kind=AreaKind.DISTRICT).defer("geometry")


class RecordFilter(filters.FilterSet):
    """Narrows the visible rows by their faces alone: a filter on the confidential part would answer for it."""

    agency = SlugFilter(queryset=known_agencies, help_text="Kürzel der Behörde, der die Meldung gehört")
    district = SlugFilter(queryset=districts, help_text="Kürzel des Stadtbezirks")
    status = OneOfFilter(choices=Status.choices)
    occurred_from = MomentFilter("occurred_from", "gte", help_text="Beginn zu diesem Zeitpunkt oder später")
    occurred_before = MomentFilter("occurred_from", "lt", help_text="Beginn vor diesem Zeitpunkt")
    updated_since = MomentFilter("updated_at", "gte", help_text="geändert zu diesem Zeitpunkt oder später")
    own = YesNoFilter(method="filter_own", help_text="true: nur eigene Meldungen, false: nur die der Partner")

    def filter_own(self, rows: QuerySet, name: str, value: str) -> QuerySet:
        own = {"agency_id": self.request.user.agency_id}
        return rows.filter(**own) if value == "true" else rows.exclude(**own)


class IncidentFilter(RecordFilter):
    category = SlugFilter(queryset=Category.objects.filter(kind=Kind.INCIDENT), help_text="Kürzel der Kategorie")
    group = SlugFilter("category__group", queryset=CategoryGroup.objects.filter(kind=Kind.INCIDENT))


class ComplaintFilter(RecordFilter):
    category = SlugFilter(queryset=Category.objects.filter(kind=Kind.COMPLAINT), help_text="Kürzel der Kategorie")
    group = SlugFilter("category__group", queryset=CategoryGroup.objects.filter(kind=Kind.COMPLAINT))


class CategoryFilter(filters.FilterSet):
    kind = OneOfFilter(choices=Kind.choices)
    group = SlugFilter(queryset=CategoryGroup.objects.all())


class AreaFilter(filters.FilterSet):
    kind = OneOfFilter(choices=AreaKind.choices)
