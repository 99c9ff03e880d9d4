"""What people enter into the calendar of the situation picture. Public holidays are computed (`lagebild.holidays`)."""

from __future__ import annotations

import datetime as dt
import uuid

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q

from agencies.models import Membership
from agencies.visibility import AgencyOwned, AgencyOwnedQuerySet, reads_picture


class CalendarQuerySet(AgencyOwnedQuerySet):
    def of_members(self) -> CalendarQuerySet:
        """Rows of agencies with an active full membership; the others' are withdrawn as long as they are not."""
        return self.filter(agency_id__in=Membership.objects.active_full().values("agency_id"))

    def visible_to(self, actor) -> CalendarQuerySet:
        """Whoever reads the picture sees what every active member has entered."""
        return self.of_members() if reads_picture(actor) else self.none()

    def touching(self, first: dt.date, last: dt.date) -> CalendarQuerySet:
        """Rows with at least one day from first to last."""
        return self.filter(first_day__lte=last, last_day__gte=first)


class EntryKind(models.TextChoices):
    SCHOOL_HOLIDAYS = "school_holidays", "Schulferien"
    EVENT = "event", "Großveranstaltung"


class Extent(models.TextChoices):
    CITY = "city", "ganze Stadt"
    DISTRICTS = "districts", "Stadtbezirke"
    RADIUS = "radius", "Umkreis um einen Ort"


class CalendarEntry(AgencyOwned):
    """School holidays or a major event, from day to day, kept by the agency that entered it; every member sees it.

    `districts` are slugs: those chosen, or those the circle touches. `cells` are the resolution-9 cells of the circle.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    kind = models.CharField("Art", max_length=15, choices=EntryKind)
    name = models.CharField("Bezeichnung", max_length=120)
    first_day = models.DateField("erster Tag")
    last_day = models.DateField("letzter Tag")
    extent = models.CharField("Gebiet", max_length=9, choices=Extent, default=Extent.CITY)
    districts = ArrayField(models.SlugField(), default=list, blank=True)
    place_label = models.CharField("Ort", max_length=150, blank=True)
    lon = models.FloatField("Länge", null=True, blank=True)
    lat = models.FloatField("Breite", null=True, blank=True)
    radius_m = models.PositiveIntegerField("Umkreis in Metern", null=True, blank=True)
    cells = ArrayField(models.BigIntegerField(), default=list, blank=True)
    visitors = models.PositiveIntegerField("erwartete Gäste", null=True, blank=True)
    is_demonstration = models.BooleanField(default=False)
    updated_at = models.DateTimeField(auto_now=True)

    objects = CalendarQuerySet.as_manager()

    class Meta:
        ordering = ("first_day", "last_day", "name", "pk")
        verbose_name = "Kalendereintrag"
        verbose_name_plural = "Kalendereinträge"
        constraints = (
            models.CheckConstraint(condition=Q(last_day__gte=F("first_day")), name="calendar_entry_period"),
            models.CheckConstraint(
                condition=Q(kind=EntryKind.EVENT) | Q(extent=Extent.CITY, visitors=None), name="calendar_entry_holidays"
            ),
            models.CheckConstraint(
                condition=Q(extent=Extent.RADIUS, lon__isnull=False, lat__isnull=False, radius_m__isnull=False)
                | (~Q(extent=Extent.RADIUS) & Q(lon=None, lat=None, radius_m=None, cells=[])),
                name="calendar_entry_place_whole",
            ),
            models.CheckConstraint(
                condition=(Q(extent=Extent.CITY) & Q(districts=[])) | (~Q(extent=Extent.CITY) & ~Q(districts=[])),
                name="calendar_entry_districts",
            ),
        )
        indexes = (models.Index(fields=("first_day",), name="calendar_entry_first"),)

    def __str__(self) -> str:
        return self.name

    @property
    def is_event(self) -> bool:
        return self.kind == EntryKind.EVENT


class NoticeKind(models.TextChoices):
    LATE = "late", "kommt verspätet"
    MISSING = "missing", "fehlt"
    RECOUNTED = "recounted", "wird anders gezählt"


class DeliveryNotice(AgencyOwned):
    """What an agency says of its own deliveries from day to day; without groups it speaks of all of them.

    It explains and does not deliver: whether a week counts as delivered is said by `DeliveredWeek` alone.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    kind = models.CharField("Lieferung", max_length=9, choices=NoticeKind)
    groups = ArrayField(models.SlugField(), default=list, blank=True)
    first_day = models.DateField("erster Tag")
    last_day = models.DateField("letzter Tag")
    is_demonstration = models.BooleanField(default=False)
    updated_at = models.DateTimeField(auto_now=True)

    objects = CalendarQuerySet.as_manager()

    class Meta:
        ordering = ("first_day", "last_day", "agency__short_name", "kind", "pk")
        verbose_name = "Lieferhinweis"
        verbose_name_plural = "Lieferhinweise"
        constraints = (
            models.CheckConstraint(condition=Q(last_day__gte=F("first_day")), name="delivery_notice_period"),
        )
        indexes = (models.Index(fields=("first_day",), name="delivery_notice_first"),)

    def __str__(self) -> str:
        return f"Lieferung {self.get_kind_display()}"
