from __future__ import annotations

import datetime
import uuid

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone

from agencies.models import Agency, Membership
from agencies.visibility import reads_picture
from incidents.models import Area
from lagebild.models import Edition, Finding


class Body(models.TextChoices):
    CONFERENCE = "conference", "Sicherheitskonferenz"
    STEERING = "steering", "Lenkungsgruppe"
    COORDINATION = "coordination", "Koordinierungsrunde"


class ConferenceStatus(models.TextChoices):
    PLANNED = "planned", "Geplant"
    INVITED = "invited", "Eingeladen"
    HELD = "held", "Durchgeführt"
    CANCELLED = "cancelled", "Abgesagt"


class ConferenceQuerySet(models.QuerySet):
    def without_print(self) -> ConferenceQuerySet:
        """With the edition's title and number, without its bytes and content."""
        return self.select_related("edition").defer("edition__pdf", "edition__content")

    def visible_to(self, actor) -> ConferenceQuerySet:
        """Meetings for the coordination office's chair and for invited agencies whose membership is active.

        A guest's membership is enough here; it opens this meeting and nothing else.
        """
        if not (actor.is_authenticated and actor.can("read_picture")):
            return self.none()
        if not Membership.objects.active().filter(agency=actor.agency).exists():
            return self.none()
        if actor.can("run_conferences"):
            return self
        invited = Invitation.objects.filter(agency=actor.agency).values("conference_id")
        return self.filter(pk__in=invited).exclude(status=ConferenceStatus.PLANNED)


class Conference(models.Model):
    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    body = models.CharField("Gremium", max_length=12, choices=Body)
    title = models.CharField("Titel", max_length=200)
    starts_at = models.DateTimeField("Beginn")
    place = models.CharField("Ort", max_length=200)
    status = models.CharField("Stand", max_length=9, choices=ConferenceStatus, default=ConferenceStatus.PLANNED)
    edition = models.ForeignKey(
        Edition, verbose_name="Ausgabe", null=True, blank=True, on_delete=models.PROTECT, related_name="conferences"
    )
    agencies = models.ManyToManyField(Agency, through="Invitation", related_name="conferences")
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    created_at = models.DateTimeField(default=timezone.now)
    is_demonstration = models.BooleanField(default=False)

    objects = ConferenceQuerySet.as_manager()

    class Meta:
        ordering = ("-starts_at",)
        verbose_name = "Konferenz"
        verbose_name_plural = "Konferenzen"

    def __str__(self) -> str:
        return self.title


class Invitation(models.Model):
    conference = models.ForeignKey(Conference, on_delete=models.CASCADE, related_name="invitations")
    agency = models.ForeignKey(Agency, on_delete=models.PROTECT, related_name="invitations")

    class Meta:
        ordering = ("agency__name",)
        constraints = (models.UniqueConstraint(fields=("conference", "agency"), name="invitation_once"),)


class AgendaItem(models.Model):
    conference = models.ForeignKey(Conference, on_delete=models.CASCADE, related_name="agenda_items")
    position = models.PositiveSmallIntegerField("Nr.")
    title = models.CharField("Tagesordnungspunkt", max_length=200)
    note = models.TextField("Erläuterung", max_length=4000, blank=True)
    finding = models.ForeignKey(
        Finding, verbose_name="Erkenntnis", null=True, blank=True, on_delete=models.PROTECT, related_name="agenda_items"
    )

    class Meta:
        ordering = ("position",)
        constraints = (models.UniqueConstraint(fields=("conference", "position"), name="agenda_position_once"),)


class Decision(models.Model):
    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    conference = models.ForeignKey(Conference, on_delete=models.PROTECT, related_name="decisions")
    agenda_item = models.ForeignKey(
        AgendaItem, null=True, blank=True, on_delete=models.PROTECT, related_name="decisions"
    )
    number = models.PositiveSmallIntegerField("Nr.")
    text = models.TextField("Beschluss", max_length=4000)
    votes_for = models.PositiveSmallIntegerField("Ja", default=0)
    votes_against = models.PositiveSmallIntegerField("Nein", default=0)
    votes_abstained = models.PositiveSmallIntegerField("Enthaltungen", default=0)
    recorded_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    recorded_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ("conference", "number")
        constraints = (models.UniqueConstraint(fields=("conference", "number"), name="decision_number_once"),)


class MeasureStatus(models.TextChoices):
    PLANNED = "planned", "Geplant"
    RUNNING = "running", "Läuft"
    DONE = "done", "Abgeschlossen"
    DROPPED = "dropped", "Eingestellt"


OPEN_MEASURES = (MeasureStatus.PLANNED, MeasureStatus.RUNNING)


class MeasureQuerySet(models.QuerySet):
    def visible_to(self, actor) -> MeasureQuerySet:
        """Measures of the meetings the actor may see, and those the actor's agency is responsible for."""
        if not reads_picture(actor):
            return self.none()
        meetings = Conference.objects.visible_to(actor).values("pk")
        return self.filter(Q(decision__conference__in=meetings) | Q(agency=actor.agency))

    def open(self) -> MeasureQuerySet:
        return self.filter(status__in=OPEN_MEASURES)

    def with_names(self) -> MeasureQuerySet:
        """With everything the lists print; areas without their geometry."""
        joined = self.select_related("agency", "area", "finding", "decision__conference")
        return joined.defer("area__geometry")

    def overdue(self, today: datetime.date) -> MeasureQuerySet:
        return self.open().filter(due_on__lt=today)

    def decided_before(self, conference: Conference) -> MeasureQuerySet:
        """Measures of earlier meetings, whatever the body."""
        return self.filter(decision__conference__starts_at__lt=conference.starts_at)


class Measure(models.Model):
    """What was decided to be done: who, where, until when, and how far it is."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    decision = models.ForeignKey(Decision, on_delete=models.PROTECT, related_name="measures")
    title = models.CharField("Maßnahme", max_length=200)
    description = models.TextField("Beschreibung", max_length=4000, blank=True)
    agency = models.ForeignKey(Agency, verbose_name="verantwortlich", on_delete=models.PROTECT, related_name="measures")
    finding = models.ForeignKey(
        Finding, verbose_name="Erkenntnis", null=True, blank=True, on_delete=models.PROTECT, related_name="measures"
    )
    area = models.ForeignKey(
        Area, verbose_name="Raum", null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    starts_on = models.DateField("Beginn", null=True, blank=True)
    due_on = models.DateField("Frist")
    status = models.CharField("Stand", max_length=7, choices=MeasureStatus, default=MeasureStatus.PLANNED)
    result = models.TextField("Ergebnis", max_length=4000, blank=True)
    created_at = models.DateTimeField(default=timezone.now)

    objects = MeasureQuerySet.as_manager()

    class Meta:
        ordering = ("due_on", "title")
        verbose_name = "Maßnahme"
        verbose_name_plural = "Maßnahmen"
        constraints = (
            models.CheckConstraint(
                condition=Q(starts_on=None) | Q(due_on__gte=models.F("starts_on")), name="measure_due_after_start"
            ),
        )

    def __str__(self) -> str:
        return self.title

    @property
    def is_open(self) -> bool:
        return self.status in OPEN_MEASURES

    def is_overdue(self, today: datetime.date) -> bool:
        return self.is_open and self.due_on < today


class MeasureReport(models.Model):
    """A dated line of progress by the responsible agency or the chair."""

    measure = models.ForeignKey(Measure, on_delete=models.CASCADE, related_name="reports")
    text = models.TextField("Sachstand", max_length=4000)
    status = models.CharField("Stand", max_length=7, choices=MeasureStatus)
    reported_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    reported_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ("-reported_at",)
