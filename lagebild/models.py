from __future__ import annotations

import uuid

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.utils import timezone

from agencies.models import Agency
from agencies.visibility import AgencyOwned, reads_picture
from incidents.models import Area, CategoryGroup, Kind
from lagebild.calendar_models import CalendarEntry, DeliveryNotice  # noqa: F401 – tables of this app
from lagebild.danger_models import Danger, DangerRule  # noqa: F401 – tables of this app
from lagebild.night_models import Night, NightPart, NullPool  # noqa: F401 – tables of this app
from lagebild.phenomenon_models import Phenomenon  # noqa: F401 – table of this app
from lagebild.picture_models import Picture, PictureRow, PictureState  # noqa: F401 – table of this app
from lagebild.retrospect_models import Retrospect, RetrospectCluster  # noqa: F401 – tables of this app
from lagebild.stream_models import StreamSet  # noqa: F401 – table of this app
from lagebild.time_models import TimeProfile  # noqa: F401 – table of this app


class AtomFamily(models.TextChoices):
    WEEK = "week", "Stadtbezirk und Woche"
    BLOCK = "block", "Rest von vier Wochen"
    CELL = "cell", "Zelle und 28 Tage"
    DELIVERED = "delivered", "gelieferte Zahl"


class ReleasedBlock(models.Model):
    """A 28-day block whose protected counts have been released. It is released once and never computed again."""

    index = models.IntegerField(primary_key=True)
    released_at = models.DateTimeField(default=timezone.now)


class ReleasedAtom(models.Model):
    """One published atom of the protected counts; what may not be published is not stored anywhere."""

    family = models.CharField(max_length=9, choices=AtomFamily)
    block = models.ForeignKey(ReleasedBlock, on_delete=models.PROTECT, related_name="atoms")
    group = models.ForeignKey(CategoryGroup, on_delete=models.PROTECT, related_name="+")
    area = models.ForeignKey(Area, null=True, on_delete=models.PROTECT, related_name="+")
    unit_label = models.CharField(max_length=40)
    is_control_driven = models.BooleanField(default=False)
    cell = models.BigIntegerField(null=True)
    period_start = models.DateField()
    period_end = models.DateField()
    count = models.PositiveIntegerField()

    class Meta:
        indexes = (models.Index(fields=("family", "period_end"), name="atom_family_period"),)


class FrozenCount(AgencyOwned):
    """What deleted cooperation records leave behind: a count on a fixed atom, nothing of the single record.

    Two families count the same records: district × week for comparisons over time, cell × 28-day block for the map.
    """

    family = models.CharField(max_length=9, choices=[(AtomFamily.WEEK, "Woche"), (AtomFamily.CELL, "Zelle")])
    group = models.ForeignKey(CategoryGroup, on_delete=models.PROTECT, related_name="+")
    unit_label = models.CharField(max_length=40)
    is_control_driven = models.BooleanField()
    minimum = models.PositiveSmallIntegerField()
    area = models.ForeignKey(Area, null=True, on_delete=models.PROTECT, related_name="+")
    cell = models.BigIntegerField(null=True)
    period_start = models.DateField()
    count = models.PositiveIntegerField()

    class Meta:
        constraints = (
            models.UniqueConstraint(
                fields=(
                    *("family", "period_start", "agency", "group", "unit_label"),
                    *("is_control_driven", "minimum", "area", "cell"),
                ),
                nulls_distinct=False,
                name="frozen_count_once",
            ),
            models.CheckConstraint(condition=Q(count__gte=1), name="frozen_count_counts"),
        )


class Cell(PictureRow):
    """Published count of one resolution-9 cell and stream over the twelve-month window, with its test."""

    group = models.ForeignKey(CategoryGroup, on_delete=models.PROTECT, related_name="+")
    cell = models.BigIntegerField()
    district = models.ForeignKey(Area, null=True, on_delete=models.PROTECT, related_name="+")
    count = models.PositiveIntegerField()
    disk_count = models.PositiveIntegerField()
    expected = models.FloatField()
    p_value = models.FloatField()
    is_significant = models.BooleanField(default=False)
    ramp = models.PositiveSmallIntegerField()

    class Meta:
        constraints = (models.UniqueConstraint(fields=("picture", "group", "cell"), name="cell_once"),)


class Verdict(models.TextChoices):
    RISE = "rise", "Zunahme"
    FALL = "fall", "Rückgang"
    UNCLEAR = "unclear", "keine deutliche Veränderung"
    TOO_FEW = "too_few", "zu wenige Fälle für eine Aussage"
    NOT_COMPARABLE = "not_comparable", "nicht vergleichbar"


class WeekState(models.TextChoices):
    HIGH = "high", "ungewöhnlich hoch"
    USUAL = "usual", "im üblichen Rahmen"
    LOW = "low", "ungewöhnlich niedrig"
    TOO_FEW = "too_few", "zu wenige Fälle für eine Aussage"
    NO_HISTORY = "no_history", "noch keine ausreichende Vorgeschichte"
    MISSING = "missing", "nicht beurteilt, Lieferung fehlt"


class Trend(PictureRow):
    """Counts of a district (or the city) and group against the same period of the year before.

    `current` and `previous` are the cooperation part over the weeks delivered in both years; they alone are compared.
    Published atoms of the protected part stand beside them: what passes a minimum count rises faster than the truth.
    The fields `week_…` judge the last week by those before it; without a state there is nothing to judge.
    """

    area = models.ForeignKey(Area, on_delete=models.PROTECT, related_name="+")
    group = models.ForeignKey(CategoryGroup, on_delete=models.PROTECT, related_name="+")
    unit_label = models.CharField(max_length=40)
    period_start = models.DateField()
    period_end = models.DateField()
    current = models.PositiveIntegerField()
    previous = models.PositiveIntegerField(null=True)
    change_percent = models.FloatField(null=True)
    ratio = models.FloatField(null=True)
    ratio_low = models.FloatField(null=True)
    ratio_high = models.FloatField(null=True)
    verdict = models.CharField(max_length=14, choices=Verdict)
    weeks_compared = models.PositiveSmallIntegerField()
    missing_agencies = ArrayField(models.SlugField(), default=list)
    first_week = models.DateField()
    weeks = ArrayField(models.IntegerField(null=True))
    weeks_before = ArrayField(models.IntegerField(null=True))
    protected_current = models.PositiveIntegerField(default=0)
    protected_previous = models.PositiveIntegerField(default=0)
    week_state = models.CharField(max_length=10, choices=WeekState, blank=True, default="")
    week_method = models.CharField(max_length=12, blank=True, default="")
    week_count = models.PositiveIntegerField(null=True)
    week_expected = models.FloatField(null=True)
    week_low = models.PositiveIntegerField(null=True)
    week_high = models.PositiveIntegerField(null=True)

    class Meta:
        constraints = (models.UniqueConstraint(fields=("picture", "area", "group", "unit_label"), name="trend_once"),)


class CoverageState(models.TextChoices):
    DELIVERED = "delivered", "geliefert"
    NOTHING = "nothing", "Fehlanzeige"
    MISSING = "missing", "keine Lieferung"
    NOT_MEMBER = "not_member", "nicht Mitglied"


class Coverage(PictureRow):
    """What an agency has delivered for one ISO week; missing is not zero."""

    agency = models.ForeignKey(Agency, on_delete=models.PROTECT, related_name="+")
    week = models.DateField()
    state = models.CharField(max_length=10, choices=CoverageState)

    class Meta:
        ordering = ("agency__short_name", "week")
        constraints = (models.UniqueConstraint(fields=("picture", "agency", "week"), name="coverage_once"),)


class FindingKind(models.TextChoices):
    BRENNPUNKT = "brennpunkt", "Brennpunkt"
    BESCHWERDEHOTSPOT = "beschwerdehotspot", "Beschwerdehotspot"
    PHAENOMEN = "phaenomen", "Phänomen"
    GEFAHR = "gefahr", "Gefahr"
    ANGSTRAUM = "angstraum", "Angstraum"


class FindingStatus(models.TextChoices):
    PROPOSED = "proposed", "Vorgeschlagen"
    CONFIRMED = "confirmed", "Bestätigt"
    DISMISSED = "dismissed", "Verworfen"
    TREATED = "treated", "In Bearbeitung"
    CLOSED = "closed", "Abgeschlossen"


# What somebody has put aside stays quiet until it grows.
QUIET = (FindingStatus.DISMISSED, FindingStatus.CLOSED)
FINDING_STEPS: dict[FindingStatus, frozenset[FindingStatus]] = {
    FindingStatus.PROPOSED: frozenset({FindingStatus.CONFIRMED, FindingStatus.DISMISSED}),
    FindingStatus.CONFIRMED: frozenset({FindingStatus.TREATED, FindingStatus.DISMISSED, FindingStatus.CLOSED}),
    FindingStatus.TREATED: frozenset({FindingStatus.CLOSED, FindingStatus.CONFIRMED}),
    FindingStatus.DISMISSED: frozenset({FindingStatus.CONFIRMED}),
    FindingStatus.CLOSED: frozenset({FindingStatus.CONFIRMED}),
}


class FindingQuerySet(models.QuerySet):
    def visible_to(self, actor) -> FindingQuerySet:
        """Findings rest on published values, so whoever may see the picture may see them."""
        if not reads_picture(actor):
            return self.none()
        return self

    def live(self) -> FindingQuerySet:
        return self.exclude(status__in=QUIET)


class Finding(models.Model):
    """Something the engine proposes and a person assesses. It lives on from night to night.

    Of one night's new findings the strongest has the lowest number. What it is about is the group of its stream or,
    where it is of no single stream, its `subject`.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    number = models.PositiveIntegerField(unique=True)
    kind = models.CharField("Art", max_length=17, choices=FindingKind)
    group = models.ForeignKey(CategoryGroup, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    subject = models.CharField("Gegenstand", max_length=150, blank=True)
    district = models.ForeignKey(Area, null=True, on_delete=models.PROTECT, related_name="+")
    place_label = models.CharField("Ort", max_length=150)
    status = models.CharField("Stand", max_length=9, choices=FindingStatus, default=FindingStatus.PROPOSED)
    first_seen_on = models.DateField("zuerst erkannt am")
    last_seen_on = models.DateField("zuletzt erkannt am")
    assessment = models.TextField("Bewertung", max_length=4000, blank=True)
    assessed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    assessed_at = models.DateTimeField("bewertet am", null=True, blank=True)
    responsible_agency = models.ForeignKey(
        Agency, verbose_name="zuständig", null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    no_measure_reason = models.CharField("keine Maßnahme, weil", max_length=300, blank=True)
    review_on = models.DateField("Wiedervorlage", null=True, blank=True)

    objects = FindingQuerySet.as_manager()

    class Meta:
        ordering = ("-last_seen_on", "number")
        verbose_name = "Erkenntnis"
        verbose_name_plural = "Erkenntnisse"
        constraints = (
            models.CheckConstraint(
                condition=Q(assessment="") | Q(assessed_by__isnull=False), name="finding_assessment_named"
            ),
            models.CheckConstraint(condition=Q(group__isnull=False) | ~Q(subject=""), name="finding_about_something"),
        )

    def __str__(self) -> str:
        return f"{self.get_kind_display()} {self.number}: {self.place_label}"

    @property
    def headline(self) -> str:
        """What it is about."""
        return self.subject or str(self.group)


class StatusWord(models.TextChoices):
    PERSISTENT = "persistent", "anhaltend"
    NEW = "new", "neu"
    FORMER = "former", "ehemals"
    SPORADIC = "sporadic", "wechselnd"
    UNKNOWN = "unknown", "Verlauf nicht bestimmbar"


class Sighting(PictureRow):
    """A finding as one night's picture saw it: the evidence, in published values."""

    finding = models.ForeignKey(Finding, on_delete=models.PROTECT, related_name="sightings")
    rank = models.PositiveSmallIntegerField()
    cells = ArrayField(models.BigIntegerField())
    center_cell = models.BigIntegerField()
    period_start = models.DateField()
    period_end = models.DateField()
    count = models.PositiveIntegerField()
    expected = models.FloatField()
    p_value = models.FloatField()
    status_word = models.CharField(max_length=10, choices=StatusWord)
    active_since = models.DateField(null=True)
    recent_count = models.PositiveIntegerField()
    recent_before = models.PositiveIntegerField()
    is_merged_only = models.BooleanField("nur gemeinsam erkennbar", default=False)
    agencies = ArrayField(models.SlugField(), default=list)

    class Meta:
        ordering = ("picture", "rank")
        constraints = (models.UniqueConstraint(fields=("picture", "finding"), name="sighting_once"),)


class Signal(PictureRow):
    """What the nightly scan has found in one stream: its best cluster, and each further one that alarms.

    Rests on cooperation faces alone. `finding` is set where it alarms. `parts`: for several streams together, what each
    of them adds.
    """

    stream = models.CharField(max_length=60)
    stream_label = models.CharField("Strom", max_length=150)
    kind = models.CharField(max_length=9, choices=Kind)
    finding = models.ForeignKey(Finding, null=True, on_delete=models.PROTECT, related_name="signals")
    rank = models.PositiveSmallIntegerField()
    is_alarm = models.BooleanField(default=False)
    center_cell = models.BigIntegerField()
    cells = ArrayField(models.BigIntegerField())
    first_day = models.DateField()
    days = models.PositiveSmallIntegerField()
    count = models.PositiveIntegerField(null=True)
    expected = models.FloatField(null=True)
    llr = models.FloatField()
    p_value = models.FloatField()
    replicates = models.PositiveIntegerField()
    is_fitted = models.BooleanField(default=False)
    is_merged_only = models.BooleanField("nur gemeinsam erkennbar", default=False)
    agencies = ArrayField(models.SlugField(), default=list)
    parts = models.JSONField(default=list)

    class Meta:
        ordering = ("picture", "-is_alarm", "p_value", "stream", "rank")
        constraints = (models.UniqueConstraint(fields=("picture", "stream", "rank"), name="signal_once"),)


class EditionQuerySet(models.QuerySet):
    def visible_to(self, actor) -> EditionQuerySet:
        """Editions for whoever may see the picture. Guests of a meeting get theirs through the conference."""
        if not reads_picture(actor):
            return self.none()
        return self


class Edition(models.Model):
    """A frozen, numbered print of one picture (Ausgabe): content, bytes and hash never change."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    year = models.PositiveSmallIntegerField()
    sequence = models.PositiveSmallIntegerField()
    title = models.CharField("Titel", max_length=200)
    picture = models.ForeignKey(Picture, on_delete=models.PROTECT, related_name="editions")
    parameters = models.JSONField(default=dict)
    parameters_sha256 = models.CharField(max_length=64)
    content = models.JSONField()
    pdf = models.BinaryField()
    sha256 = models.CharField("Prüfsumme", max_length=64)
    frozen_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    frozen_at = models.DateTimeField("eingefroren am", default=timezone.now)

    objects = EditionQuerySet.as_manager()

    class Meta:
        ordering = ("-year", "-sequence")
        verbose_name = "Ausgabe"
        verbose_name_plural = "Ausgaben"
        constraints = (
            models.UniqueConstraint(fields=("year", "sequence"), name="edition_number_once"),
            models.UniqueConstraint(fields=("picture", "parameters_sha256"), name="edition_once"),
        )

    def __str__(self) -> str:
        return f"Ausgabe {self.number}"

    @property
    def number(self) -> str:
        return f"{self.year}-{self.sequence:03d}"
