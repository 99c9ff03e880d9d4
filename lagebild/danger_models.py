"""Rules by which a danger (Gefahr) is raised, and what a raised one rests on."""

from __future__ import annotations

import uuid

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q
from django.utils import timezone

from agencies.models import Membership
from agencies.visibility import AgencyOwned, reads_picture
from incidents.models import Severity

LONGEST_WINDOW = 90
MOST_RINGS = 8
MOST_RECORDS = 100
MOST_AGENCIES = 5


class Good(models.TextChoices):
    """What is in danger."""

    LIFE = "life", "Leib und Leben"
    CHILDREN = "children", "Kinder und Jugendliche"
    FORCES = "forces", "Einsatz- und Rettungskräfte"
    PROPERTY = "property", "Sachwerte und Gebäude"
    INSTITUTIONS = "institutions", "öffentliche Einrichtungen und Anlagen"
    ORDER = "order", "öffentliche Sicherheit und Ordnung"


class Reach(models.TextChoices):
    CELL = "cell", "in derselben Wabe (rund 0,1 km²)"
    NEAR = "near", "im Umkreis von einigen Waben"
    DISTRICT = "district", "im selben Stadtbezirk"
    CITY = "city", "in der ganzen Stadt"


class DefinedQuerySet(models.QuerySet):
    """What agencies define for all: every reader of the picture may see it, whoever defined it may change it."""

    def visible_to(self, actor) -> DefinedQuerySet:
        return self if reads_picture(actor) else self.none()

    def changeable_by(self, actor) -> DefinedQuerySet:
        """Those of the own agency, for its leads; the chair changes those of the coordination office."""
        if not (reads_picture(actor) and actor.can("define_methods")):
            return self.none()
        return self.filter(agency_id=actor.agency_id)

    def in_force(self) -> DefinedQuerySet:
        """Switched on, and defined by an agency whose full membership is active today."""
        return self.filter(is_active=True, agency_id__in=Membership.objects.active_full().values("agency_id"))


class Defined(AgencyOwned):
    """Set by the leads of an agency or, for the cooperation, by its chair. Switched off, never deleted."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    name = models.CharField("Name", max_length=100)
    note = models.CharField("Begründung", max_length=300, blank=True)
    is_active = models.BooleanField("eingeschaltet", default=True)
    changed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    changed_at = models.DateTimeField("geändert am", default=timezone.now)

    objects = DefinedQuerySet.as_manager()

    class Meta:
        abstract = True
        ordering = ("-is_active", "name", "pk")
        constraints = (models.UniqueConstraint(fields=("agency", "name"), name="%(class)s_name_once"),)

    def __str__(self) -> str:
        return self.name


class DangerRule(Defined):
    """When a danger is raised: so many records of these kinds, at one place, within so many days.

    A second condition (`also_…`, none where its count is 0) must be met in the same place and window. Groups and
    categories are named by slug. Each condition counts records of one kind and one counting unit.
    """

    good = models.CharField("gefährdetes Schutzgut", max_length=12, choices=Good)
    groups = ArrayField(models.SlugField(), default=list, blank=True)
    categories = ArrayField(models.SlugField(), default=list, blank=True)
    severity = models.PositiveSmallIntegerField("Schwere mindestens", choices=Severity, default=Severity.LOW)
    count = models.PositiveSmallIntegerField("Meldungen mindestens", default=1)
    also_groups = ArrayField(models.SlugField(), default=list, blank=True)
    also_categories = ArrayField(models.SlugField(), default=list, blank=True)
    also_severity = models.PositiveSmallIntegerField("Schwere mindestens", choices=Severity, default=Severity.LOW)
    also_count = models.PositiveSmallIntegerField("Meldungen mindestens", default=0)
    window_days = models.PositiveSmallIntegerField("innerhalb von Tagen", default=7)
    reach = models.CharField("Ort", max_length=8, choices=Reach, default=Reach.CELL)
    rings = models.PositiveSmallIntegerField("Umkreis in Waben", default=0)
    agencies = models.PositiveSmallIntegerField("verschiedene Behörden mindestens", default=1)

    class Meta(Defined.Meta):
        verbose_name = "Gefahrenregel"
        verbose_name_plural = "Gefahrenregeln"
        constraints = (
            *Defined.Meta.constraints,
            models.CheckConstraint(
                condition=(~Q(groups=[]) | ~Q(categories=[])) & Q(count__range=(1, MOST_RECORDS)),
                name="danger_rule_counts_something",
            ),
            models.CheckConstraint(
                condition=Q(also_count=0, also_groups=[], also_categories=[])
                | (Q(also_count__range=(1, MOST_RECORDS)) & (~Q(also_groups=[]) | ~Q(also_categories=[]))),
                name="danger_rule_second_whole",
            ),
            models.CheckConstraint(
                condition=Q(window_days__range=(1, LONGEST_WINDOW), agencies__range=(1, MOST_AGENCIES))
                & Q(agencies__lte=F("count") + F("also_count")),
                name="danger_rule_bounds",
            ),
            models.CheckConstraint(
                condition=Q(reach=Reach.NEAR, rings__range=(1, MOST_RINGS)) | (~Q(reach=Reach.NEAR) & Q(rings=0)),
                name="danger_rule_rings",
            ),
        )


class Danger(models.Model):
    """What a finding of kind Gefahr rests on, as of the last check: one episode of one rule at one place.

    Who may see the finding may see it. Only cooperation faces enter, and only their ids, days and shared places are
    kept. `holds` turns false where the records that are still shared no longer meet the rule; what was published stays,
    without the agencies.
    """

    finding = models.OneToOneField(
        "lagebild.Finding", on_delete=models.PROTECT, primary_key=True, related_name="danger"
    )
    rule = models.ForeignKey(DangerRule, on_delete=models.PROTECT, related_name="dangers")
    rule_words = models.TextField("Regel")
    good = models.CharField("gefährdetes Schutzgut", max_length=12, choices=Good)
    center_cell = models.BigIntegerField(null=True)
    cells = ArrayField(models.BigIntegerField(), default=list)
    first_at = models.DateTimeField("früheste Meldung")
    last_at = models.DateTimeField("späteste Meldung")
    parts = ArrayField(models.CharField(max_length=170), default=list)
    incidents = ArrayField(models.UUIDField(), default=list)
    complaints = ArrayField(models.UUIDField(), default=list)
    agencies = ArrayField(models.SlugField(), default=list)
    holds = models.BooleanField(default=True)
    ended_on = models.DateField("trifft nicht mehr zu seit", null=True)
    raised_at = models.DateTimeField("erkannt am", default=timezone.now)
    grown_at = models.DateTimeField("zuletzt gewachsen am", default=timezone.now)
    checked_at = models.DateTimeField("zuletzt geprüft am", default=timezone.now)

    class Meta:
        constraints = (
            models.CheckConstraint(
                condition=Q(holds=True, ended_on=None) | Q(holds=False), name="danger_ended_or_holds"
            ),
            models.CheckConstraint(condition=Q(last_at__gte=F("first_at")), name="danger_period"),
        )

    @property
    def size(self) -> int:
        """Records it rests on, to see whether it grew; never shown: incidents and complaints are not added up."""
        return len(self.incidents) + len(self.complaints)
