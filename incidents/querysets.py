from __future__ import annotations

import datetime

from django.contrib.postgres.search import SearchQuery
from django.db.models import Q

from agencies.visibility import AgencyScopedQuerySet
from incidents.workflow import OPEN_STATUSES


class RecordQuerySet(AgencyScopedQuerySet):
    """Incidents or complaints. Start from `visible_to(actor)`; the rest narrows it."""

    def open(self) -> RecordQuerySet:
        return self.filter(status__in=OPEN_STATUSES)

    def between(self, start: datetime.datetime, end: datetime.datetime) -> RecordQuerySet:
        """Records that began in [start, end)."""
        return self.filter(occurred_from__gte=start, occurred_from__lt=end)

    def in_picture(self) -> RecordQuerySet:
        """Shared with the picture and of a category that the picture counts."""
        return self.shared_with_picture().filter(category__in_picture=True)

    def search(self, text: str, actor) -> RecordQuerySet:
        """Own texts by full text; of others only what they shared: category, district and cleared note."""
        query = SearchQuery(text, config="german", search_type="websearch")
        own = self.model.detail_model().objects.owned_by(actor).filter(search=query).values("record_id")
        return self.filter(
            Q(pk__in=own)
            | Q(category__label__icontains=text)
            | Q(district__name__icontains=text)
            | Q(note__cleared_at__isnull=False, note__text__icontains=text)
        )

    def for_list(self) -> RecordQuerySet:
        return self.select_related("category__group", "agency", "district").order_by("-occurred_from", "pk")
