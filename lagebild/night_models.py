"""One night's work in parts, and what is kept between nights: null pools."""

from __future__ import annotations

import datetime as dt

import numpy as np
from django.db import models
from django.utils import timezone


class NightState(models.TextChoices):
    RUNNING = "running", "läuft"
    PUBLISHED = "published", "veröffentlicht"
    UNCHANGED = "unchanged", "ohne Änderung"


class Night(models.Model):
    """A build of the picture of one day, finished or not. Its parts may be done by several workers."""

    date = models.DateField("Stand")
    state = models.CharField("Zustand", max_length=9, choices=NightState, default=NightState.RUNNING)
    streams = models.JSONField(default=list)
    done = models.PositiveSmallIntegerField("fertige Teile", default=0)
    started_at = models.DateTimeField("begonnen", default=timezone.now)
    finished_at = models.DateTimeField("beendet", null=True, blank=True)

    class Meta:
        ordering = ("-started_at", "-pk")
        verbose_name = "Nachtlauf"
        verbose_name_plural = "Nachtläufe"

    def __str__(self) -> str:
        return f"Nachtlauf {self.date:%d.%m.%Y}"


class NightPart(models.Model):
    """One stream, scanned: the result in published values, and a hash of what it was made from."""

    night = models.ForeignKey(Night, on_delete=models.CASCADE, related_name="parts")
    stream = models.CharField(max_length=60)
    input_sha256 = models.CharField(max_length=64)
    result = models.JSONField()
    seconds = models.FloatField()
    done_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = (models.UniqueConstraint(fields=("night", "stream"), name="night_part_once"),)


class NullPoolQuerySet(models.QuerySet):
    def for_night(self, stream: str, date: dt.date) -> NullPool | None:
        """The latest pool made on or before the day, at most two weeks old."""
        young = self.filter(stream=stream, made_on__lte=date, made_on__gt=date - dt.timedelta(days=15))
        return young.order_by("-made_on").first()


class NullPool(models.Model):
    """Null maxima of one stream: numbers out of permutations, nothing of a single record."""

    stream = models.CharField(max_length=60)
    made_on = models.DateField()
    size = models.PositiveIntegerField()
    maxima = models.BinaryField()

    objects = NullPoolQuerySet.as_manager()

    class Meta:
        constraints = (models.UniqueConstraint(fields=("stream", "made_on"), name="null_pool_once"),)

    def values(self) -> np.ndarray:
        return np.frombuffer(self.maxima, dtype="<f8")
