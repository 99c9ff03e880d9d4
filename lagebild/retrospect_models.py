"""Looks back at a period (Rückblick), asked for by an agency, and the clusters found in it."""

from __future__ import annotations

import uuid

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q
from django.utils import timezone

from agencies.visibility import AgencyOwned, reads_picture
from incidents.models import Area, Kind


class RetrospectState(models.TextChoices):
    WAITING = "waiting", "wartet"
    RUNNING = "running", "läuft"
    DONE = "done", "fertig"
    FAILED = "failed", "fehlgeschlagen"


UNFINISHED = (RetrospectState.WAITING, RetrospectState.RUNNING)


class RetrospectQuerySet(models.QuerySet):
    def visible_to(self, actor) -> RetrospectQuerySet:
        """Those of the own agency, for whoever reads the picture now: what an agency asks for is its own business."""
        if not reads_picture(actor):
            return self.none()
        return self.filter(agency_id=actor.agency_id)

    def newest_first(self) -> RetrospectQuerySet:
        return self.order_by("-asked_at", "pk")


class Retrospect(AgencyOwned):
    """One stream over one period of the past. Rests on cooperation faces alone, as they stood when it was computed."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    asked_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    asked_at = models.DateTimeField("angefordert am", default=timezone.now)
    stream = models.CharField(max_length=60)
    stream_label = models.CharField("Strom", max_length=150)
    kind = models.CharField(max_length=9, choices=Kind)
    first_day = models.DateField("erster Tag")
    last_day = models.DateField("letzter Tag")
    longest_days = models.PositiveSmallIntegerField("längste Dauer in Tagen")
    state = models.CharField("Zustand", max_length=7, choices=RetrospectState, default=RetrospectState.WAITING)
    done = models.PositiveSmallIntegerField("fertige Durchläufe", default=0)
    started_at = models.DateTimeField("begonnen", null=True)
    finished_at = models.DateTimeField("beendet", null=True)
    failure = models.CharField("Hinderungsgrund", max_length=200, blank=True, default="")
    cases = models.PositiveIntegerField("Meldungen", null=True)
    first_case_on = models.DateField("früheste Meldung", null=True)
    least = models.PositiveSmallIntegerField("Meldungen mindestens", null=True)
    replicates = models.PositiveSmallIntegerField("Durchläufe", null=True)
    input_sha256 = models.CharField(max_length=64, blank=True, default="")
    code_version = models.CharField(max_length=40, blank=True, default="")

    objects = RetrospectQuerySet.as_manager()

    class Meta:
        ordering = ("-asked_at", "pk")
        verbose_name = "Rückblick"
        verbose_name_plural = "Rückblicke"
        constraints = (
            models.CheckConstraint(condition=Q(last_day__gte=F("first_day")), name="retrospect_period"),
            models.CheckConstraint(
                condition=~Q(state=RetrospectState.DONE) | Q(finished_at__isnull=False, cases__isnull=False),
                name="retrospect_done_with_result",
            ),
        )

    def __str__(self) -> str:
        return f"Rückblick {self.stream_label}, {self.first_day:%d.%m.%Y} bis {self.last_day:%d.%m.%Y}"

    @property
    def is_unfinished(self) -> bool:
        return self.state in UNFINISHED


class RetrospectCluster(models.Model):
    """A cluster of a look back, best first: aggregated counts of cooperation faces, nothing of a single record.

    `is_merged_only` is None where it has not been looked into, because chance explains the cluster.
    """

    retrospect = models.ForeignKey(Retrospect, on_delete=models.CASCADE, related_name="clusters")
    rank = models.PositiveSmallIntegerField()
    center_cell = models.BigIntegerField()
    cells = ArrayField(models.BigIntegerField())
    district = models.ForeignKey(Area, null=True, on_delete=models.PROTECT, related_name="+")
    place_label = models.CharField("Ort", max_length=150)
    first_day = models.DateField()
    last_day = models.DateField()
    count = models.PositiveIntegerField()
    expected = models.FloatField()
    llr = models.FloatField()
    p_value = models.FloatField()
    is_merged_only = models.BooleanField("nur gemeinsam erkennbar", null=True)
    agencies = ArrayField(models.SlugField(), default=list)

    class Meta:
        ordering = ("retrospect", "rank")
        constraints = (
            models.UniqueConstraint(fields=("retrospect", "rank"), name="retrospect_cluster_once"),
            models.CheckConstraint(condition=Q(last_day__gte=F("first_day")), name="retrospect_cluster_period"),
        )
