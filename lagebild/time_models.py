"""Hours of the week, as stored with a picture."""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.db import models

from incidents.models import CategoryGroup
from lagebild.picture_models import PictureRow


class TimeProfile(PictureRow):
    """At which hours of the local week the cases of a group, or of a hotspot's cells, are to be expected.

    `hours`: 168 expected numbers, Monday 0 to 1 first, of the cases `timed`; `untimed` are those without an hour. The
    fields `peak_…` name the run of days and hours that stands out, and its share of all; without one they are empty.
    """

    group = models.ForeignKey(CategoryGroup, on_delete=models.PROTECT, related_name="+")
    finding = models.ForeignKey("lagebild.Finding", null=True, on_delete=models.PROTECT, related_name="time_profiles")
    hours = ArrayField(models.FloatField(), size=168)
    timed = models.PositiveIntegerField()
    untimed = models.PositiveIntegerField()
    peak_day = models.PositiveSmallIntegerField(null=True)
    peak_days = models.PositiveSmallIntegerField(null=True)
    peak_hour = models.PositiveSmallIntegerField(null=True)
    peak_hours = models.PositiveSmallIntegerField(null=True)
    peak_share = models.FloatField(null=True)

    class Meta:
        constraints = (
            models.UniqueConstraint(
                fields=("picture", "group", "finding"), nulls_distinct=False, name="time_profile_once"
            ),
        )
