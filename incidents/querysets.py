from __future__ import annotations

import datetime
import re
import uuid

from django.contrib.postgres.search import SearchQuery
from django.db import models
from django.db.models import Q, TextField, Value
from django.db.models.functions import Cast, StrIndex, Upper

from agencies.visibility import AgencyScopedQuerySet
from incidents.workflow import OPEN_STATUSES

# Own running numbers as printed ("POLIZEI-2026-000012"), and the eight signs partners call a record by.
_NUMBER = re.compile(r"(?:(?P<slug>[a-z][a-z-]*)-)?(?P<year>20\d\d)-(?P<number>\d{1,9})", re.IGNORECASE)
_SHORT_ID = re.compile(r"[0-9a-f]{8}", re.IGNORECASE)


# A text in more records than this is looked up by a subquery instead of by their keys.
MOST_NAMED = 1_000


def _keys(kind: str, rows: models.QuerySet, key: str) -> models.QuerySet:
    return rows.order_by().values_list(Value(kind, output_field=TextField()), Cast(key, TextField()))


def _short_id(text: str) -> Q:
    if not _SHORT_ID.fullmatch(text.strip()):
        return Q(pk__in=())
    start = text.strip().lower()
    return Q(pk__range=(uuid.UUID(start + "0" * 24), uuid.UUID(start + "f" * 24)))


class RecordQuerySet(AgencyScopedQuerySet):
    """Incidents or complaints. Start from `visible_to(actor)`; the rest narrows it."""

    NEWEST_FIRST = ("-occurred_from", "pk")

    def open(self) -> RecordQuerySet:
        return self.filter(status__in=OPEN_STATUSES)

    def between(self, start: datetime.datetime, end: datetime.datetime) -> RecordQuerySet:
        """Records that began in [start, end)."""
        return self.filter(occurred_from__gte=start, occurred_from__lt=end)

    def in_picture(self) -> RecordQuerySet:
        """Shared with the picture and of a category that the picture counts."""
        return self.shared_with_picture().filter(category__in_picture=True)

    def search(self, text: str, actor) -> RecordQuerySet:
        """Own texts and numbers; of others only what they shared: category, district, cleared note, short id.

        Asks first what the text names (one query): records named by their keys are reached through indexes, whereas
        the same conditions as subqueries make the database look at every record.
        """
        own = self._own_details(text, actor).values("record_id")
        cleared = self._related("note").filter(cleared_at__isnull=False)
        # Not LIKE, which under the policies is asked last (`hamm_security.local.postgres.mark_leakproof`).
        placed = cleared.alias(place=StrIndex(Upper("text"), Upper(Value(text))))
        notes = placed.filter(place__gt=0).values("record_id")
        named = self._named(text, own=own, notes=notes)
        return self.filter(
            Q(pk__in=named["own"] if len(named["own"]) <= MOST_NAMED else own)
            | Q(pk__in=named["notes"] if len(named["notes"]) <= MOST_NAMED else notes)
            | Q(category_id__in=named["category"])
            | Q(district_id__in=named["district"])
            | _short_id(text)
        )

    def _named(self, text: str, **records: models.QuerySet) -> dict[str, list[str]]:
        """Keys of what the text names, by kind: categories, districts, and of `records` one more than `MOST_NAMED`."""
        categories = self._related("category").filter(label__icontains=text)
        districts = self._related("district").filter(name__icontains=text)
        parts = [_keys("category", categories, "pk"), _keys("district", districts, "pk")]
        parts += [_keys(kind, rows, "record_id")[: MOST_NAMED + 1] for kind, rows in records.items()]
        named: dict[str, list[str]] = {kind: [] for kind in ("category", "district", *records)}
        for kind, key in parts[0].union(*parts[1:], all=True):
            named[kind].append(key)
        return named

    def _related(self, name: str) -> models.QuerySet:
        return self.model._meta.get_field(name).related_model.objects.all()

    def _own_details(self, text: str, actor) -> models.QuerySet:
        details = self.model.detail_model().objects.owned_by(actor)
        if match := _NUMBER.fullmatch(text.strip()):
            numbered = details.filter(year=int(match["year"]), number=int(match["number"]))
            return numbered.filter(agency__slug=match["slug"].lower()) if match["slug"] else numbered
        return details.filter(search=SearchQuery(text, config="german", search_type="websearch"))

    def for_list(self) -> RecordQuerySet:
        rows = self.select_related("category__group", "agency", "district").defer("district__geometry")
        return rows.order_by(*self.NEWEST_FIRST)
