"""A reasoned look of the administration into one agency's records: who, why, from when until when."""

from __future__ import annotations

import datetime

import pgtrigger
from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Length
from django.db.models.lookups import GreaterThanOrEqual
from django.utils import timezone

LONGEST = datetime.timedelta(minutes=30)
SHORTEST_REASON = 20
LONGEST_REASON = 500


class InspectionQuerySet(models.QuerySet):
    def running(self, at: datetime.datetime | None = None) -> InspectionQuerySet:
        """Those that are neither ended nor over at the moment."""
        now = at or timezone.now()
        return self.filter(ended_at=None, opened_at__lte=now, ends_at__gt=now)


class Inspection(models.Model):
    """`agency` is the one whose records are looked at. A row only ever gains its end."""

    agency = models.ForeignKey(
        "agencies.Agency", verbose_name="eingesehene Behörde", on_delete=models.PROTECT, related_name="+"
    )
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, verbose_name="Person", on_delete=models.PROTECT, related_name="+"
    )
    reason = models.CharField("Grund", max_length=LONGEST_REASON)
    opened_at = models.DateTimeField("begonnen")
    ends_at = models.DateTimeField("läuft bis")
    ended_at = models.DateTimeField("beendet", null=True, blank=True)

    objects = InspectionQuerySet.as_manager()

    class Meta:
        ordering = ("-opened_at", "-pk")
        verbose_name = "Sondereinsicht"
        verbose_name_plural = "Sondereinsichten"
        constraints = (
            models.UniqueConstraint(fields=("user",), condition=Q(ended_at=None), name="inspection_one_open"),
            models.CheckConstraint(
                condition=Q(ends_at__gt=F("opened_at"), ends_at__lte=F("opened_at") + LONGEST),
                name="inspection_short",
            ),
            models.CheckConstraint(
                condition=Q(ended_at=None) | Q(ended_at__gte=F("opened_at"), ended_at__lte=F("ends_at")),
                name="inspection_ends_in_time",
            ),
            models.CheckConstraint(
                condition=GreaterThanOrEqual(Length("reason"), SHORTEST_REASON), name="inspection_has_reason"
            ),
        )
        triggers = (
            pgtrigger.Protect(
                name="unchanging",
                operation=pgtrigger.Update,
                condition=pgtrigger.Condition(
                    "OLD.ended_at IS NOT NULL OR ROW(OLD.id, OLD.agency_id, OLD.user_id, OLD.reason, OLD.opened_at,"
                    " OLD.ends_at) IS DISTINCT FROM ROW(NEW.id, NEW.agency_id, NEW.user_id, NEW.reason,"
                    " NEW.opened_at, NEW.ends_at)"
                ),
            ),
            # Later the nightly run deletes it (`incidents.expiry`).
            pgtrigger.Protect(
                name="kept_a_year",
                operation=pgtrigger.Delete,
                condition=pgtrigger.Condition("OLD.opened_at > now() - interval '1 year'"),
            ),
        )

    def __str__(self) -> str:
        return f"Sondereinsicht {self.agency}"

    @property
    def purpose(self) -> str:
        """What stands in the log at each reading."""
        return f"Sondereinsicht: {self.reason}"

    @property
    def over_at(self) -> datetime.datetime:
        return self.ended_at or self.ends_at
