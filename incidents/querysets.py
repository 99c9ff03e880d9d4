from __future__ import annotations

import datetime
import re
import uuid

from django.contrib.postgres.search import SearchQuery
from django.db import models
from django.db.models import Q

from agencies.visibility import AgencyScopedQuerySet
from incidents.workflow import OPEN_STATUSES

# Own running numbers as printed ("POLIZEI-2026-000012"), and the eight signs partners call a record by.
_NUMBER = re.compile(r"(?:(?P<slug>[a-z][a-z-]*)-)?(?P<year>20\d\d)-(?P<number>\d{1,9})", re.IGNORECASE)
_SHORT_ID = re.compile(r"[0-9a-f]{8}", re.IGNORECASE)


def _short_id(text: str) -> Q:
    if not _SHORT_ID.fullmatch(text.strip()):
        return Q(pk__in=())
    start = text.strip().lower()
    return Q(pk__range=(uuid.UUID(start + "0" * 24), uuid.UUID(start + "f" * 24)))


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
        """Own texts and numbers; of others only what they shared: category, district, cleared note, short id."""
        categories = self._related("category").filter(label__icontains=text)
        districts = self._related("district").filter(name__icontains=text)
        notes = self._related("note").filter(cleared_at__isnull=False, text__icontains=text)
        return self.filter(
            Q(pk__in=self._own_details(text, actor).values("record_id"))
            | Q(category__in=categories.values("pk"))
            | Q(district__in=districts.values("pk"))
            | Q(pk__in=notes.values("record_id"))
            | _short_id(text)
        )

    def _related(self, name: str) -> models.QuerySet:
        return self.model._meta.get_field(name).related_model.objects.all()

    def _own_details(self, text: str, actor) -> models.QuerySet:
        details = self.model.detail_model().objects.owned_by(actor)
        if match := _NUMBER.fullmatch(text.strip()):
            numbered = details.filter(year=int(match["year"]), number=int(match["number"]))
            return numbered.filter(agency__slug=match["slug"].lower()) if match["slug"] else numbered
        return details.filter(search=SearchQuery(text, config="german", search_type="websearch"))

    def for_list(self) -> RecordQuerySet:
        return self.select_related("category__group", "agency", "district").order_by("-occurred_from", "pk")
