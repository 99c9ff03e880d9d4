"""The picture of one night, and what its rows have in common."""

from __future__ import annotations

import uuid

from django.db import models
from django.utils import timezone

from agencies.visibility import reads_picture


class PictureState(models.TextChoices):
    BUILDING = "building", "wird erstellt"
    PUBLISHED = "published", "veröffentlicht"


class PictureQuerySet(models.QuerySet):
    def published(self) -> PictureQuerySet:
        return self.filter(state=PictureState.PUBLISHED)

    def visible_to(self, actor) -> PictureQuerySet:
        """Published pictures, for staff of an agency with an active full membership.

        A picture holds published values only, the same for every member.
        """
        if not reads_picture(actor):
            return self.none()
        return self.published()

    def newest_first(self) -> PictureQuerySet:
        return self.order_by("-date", "-revision")


class Picture(models.Model):
    """One night's integrated situation picture. Once published it never changes."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    date = models.DateField("Stand")
    revision = models.PositiveSmallIntegerField("Fassung", default=1)
    state = models.CharField(max_length=9, choices=PictureState, default=PictureState.BUILDING)
    parameters = models.JSONField(default=dict)
    code_version = models.CharField(max_length=40)
    input_sha256 = models.CharField(max_length=64, blank=True)
    sha256 = models.CharField(max_length=64, blank=True)
    statements = models.JSONField("Kernaussagen", default=list)
    is_demonstration = models.BooleanField(default=False)
    built_at = models.DateTimeField(default=timezone.now)
    published_at = models.DateTimeField(null=True, blank=True)

    objects = PictureQuerySet.as_manager()

    class Meta:
        ordering = ("-date", "-revision")
        verbose_name = "Lagebild"
        verbose_name_plural = "Lagebilder"
        constraints = (models.UniqueConstraint(fields=("date", "revision"), name="picture_once"),)

    def __str__(self) -> str:
        return f"Lagebild {self.date:%d.%m.%Y}, Fassung {self.revision}"


class PictureRowQuerySet(models.QuerySet):
    def visible_to(self, actor) -> PictureRowQuerySet:
        return self.filter(picture__in=Picture.objects.visible_to(actor))


class PictureRow(models.Model):
    picture = models.ForeignKey(Picture, on_delete=models.CASCADE, related_name="%(class)ss")

    objects = PictureRowQuerySet.as_manager()

    class Meta:
        abstract = True
