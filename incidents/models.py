from __future__ import annotations

import uuid

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.contrib.postgres.search import SearchVector, SearchVectorField
from django.db import models
from django.db.models import F, Q
from django.utils import timezone
from guardian.models import GroupObjectPermissionBase

from agencies.models import Agency
from agencies.visibility import AgencyOwned, AgencyOwnedQuerySet, AgencyScoped, SharingLevel
from incidents.changes_models import FeedPosition, ToldRecord  # noqa: F401 – tables of this app
from incidents.querysets import RecordQuerySet
from incidents.revision_triggers import only_blackened, only_with_record, remembers
from incidents.workflow import Status


class Kind(models.TextChoices):
    INCIDENT = "incident", "Vorfall"
    COMPLAINT = "complaint", "Beschwerde"


class CategoryGroup(models.Model):
    slug = models.SlugField(unique=True)
    label = models.CharField("Bezeichnung", max_length=100)
    kind = models.CharField(max_length=9, choices=Kind)
    order = models.PositiveSmallIntegerField(default=0)

    class Meta:
        ordering = ("kind", "order", "label")
        verbose_name = "Kategoriengruppe"
        verbose_name_plural = "Kategoriengruppen"

    def __str__(self) -> str:
        return self.label


class Origin(models.TextChoices):
    REPORTED = "reported", "gemeldet"
    CONTROL = "control", "kontrollgetrieben"


class GeoLimit(models.TextChoices):
    POINT = "P", "Zelle"
    AREA = "G", "nur Gebiet"


class CategoryQuerySet(models.QuerySet):
    def usable(self, kind: str) -> CategoryQuerySet:
        return self.filter(kind=kind, is_active=True).select_related("group").order_by("group__order", "label")


class Category(models.Model):
    slug = models.SlugField(unique=True)
    label = models.CharField("Bezeichnung", max_length=150)
    description = models.CharField("Beschreibung", max_length=300, blank=True)
    kind = models.CharField(max_length=9, choices=Kind)
    group = models.ForeignKey(CategoryGroup, on_delete=models.PROTECT, related_name="categories")
    lead_agencies = ArrayField(models.SlugField(), default=list, blank=True)
    also_agencies = ArrayField(models.SlugField(), default=list, blank=True)
    pks_keys = ArrayField(models.CharField(max_length=10), default=list, blank=True)
    origin = models.CharField(max_length=8, choices=Origin, default=Origin.REPORTED)
    geo = models.CharField(max_length=1, choices=GeoLimit, default=GeoLimit.POINT)
    unit = models.CharField("Zähleinheit", max_length=20, default="case")
    unit_label = models.CharField("Zähleinheit", max_length=40, default="Fälle")
    is_defect = models.BooleanField(default=False)
    is_grave = models.BooleanField(default=False)
    is_sensitive = models.BooleanField(default=False)
    is_shareable = models.BooleanField(default=True)
    in_picture = models.BooleanField(default=True)
    is_active = models.BooleanField(default=True)

    objects = CategoryQuerySet.as_manager()

    class Meta:
        ordering = ("group__order", "label")
        verbose_name = "Kategorie"
        verbose_name_plural = "Kategorien"
        constraints = (
            models.CheckConstraint(
                condition=Q(is_shareable=True) | Q(in_picture=False), name="category_unshared_not_in_picture"
            ),
        )

    def __str__(self) -> str:
        return self.label

    @property
    def may_have_cell(self) -> bool:
        return self.geo == GeoLimit.POINT

    @property
    def minimum_count(self) -> int:
        """Smallest protected count that may be published."""
        return 5 if self.is_sensitive or self.geo == GeoLimit.AREA else 3


class AreaKind(models.TextChoices):
    CITY = "city", "Stadt"
    DISTRICT = "district", "Stadtbezirk"
    CUSTOM = "custom", "Gebiet"
    ZONE = "zone", "Zone mit Zeitfenster"


class Area(models.Model):
    """A named polygon (GeoJSON geometry, WGS84). Districts partition the city."""

    slug = models.SlugField(unique=True)
    name = models.CharField("Name", max_length=100)
    kind = models.CharField("Art", max_length=8, choices=AreaKind)
    number = models.PositiveSmallIntegerField("Nummer", null=True, blank=True)
    geometry = models.JSONField()
    windows = models.JSONField("Zeitfenster", default=list, blank=True)
    is_official = models.BooleanField("amtliche Geometrie", default=False)
    note = models.CharField("Hinweis", max_length=300, blank=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        ordering = ("kind", "number", "name")
        verbose_name = "Gebiet"
        verbose_name_plural = "Gebiete"

    def __str__(self) -> str:
        return self.name


class Severity(models.IntegerChoices):
    LOW = 1, "gering"
    NORMAL = 2, "normal"
    HIGH = 3, "erheblich"
    GRAVE = 4, "schwer"


class Accuracy(models.TextChoices):
    POINT = "point", "Punkt"
    STREET = "street", "Straße oder Platz"
    DISTRICT = "district", "Stadtbezirk"
    UNKNOWN = "unknown", "unbekannt"


class Source(models.TextChoices):
    BROWSER = "browser", "Eingabe"
    IMPORT = "import", "Dateiimport"
    API = "api", "Schnittstelle"


class Record(AgencyScoped):
    """The face: structured fields only. What must not leave the agency is in the detail table."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    category = models.ForeignKey(Category, verbose_name="Kategorie", on_delete=models.PROTECT, related_name="+")
    occurred_from = models.DateTimeField("Beginn")
    occurred_to = models.DateTimeField("Ende", null=True, blank=True)
    status = models.CharField("Status", max_length=12, choices=Status, default=Status.REPORTED)
    severity = models.PositiveSmallIntegerField("Schwere", choices=Severity, default=Severity.NORMAL)
    accuracy = models.CharField("Ortsgenauigkeit", max_length=8, choices=Accuracy, default=Accuracy.UNKNOWN)
    cell = models.BigIntegerField("H3-Zelle (Auflösung 9)", null=True, blank=True)
    district = models.ForeignKey(
        Area, verbose_name="Stadtbezirk", null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    source = models.CharField("Herkunft", max_length=7, choices=Source, default=Source.BROWSER)
    is_demonstration = models.BooleanField(default=False)
    created_at = models.DateTimeField("erfasst am", default=timezone.now)
    updated_at = models.DateTimeField("geändert am", default=timezone.now)

    objects = RecordQuerySet.as_manager()

    class Meta:
        abstract = True
        ordering = ("-occurred_from", "pk")
        constraints = (
            models.CheckConstraint(
                condition=Q(occurred_to=None) | Q(occurred_to__gte=F("occurred_from")),
                name="%(class)s_ends_after_start",
            ),
        )
        indexes = (
            models.Index(fields=("agency", "-occurred_from"), name="%(class)s_own_newest"),
            models.Index(fields=("sharing_level", "-occurred_from"), name="%(class)s_level_newest"),
            models.Index(fields=("-occurred_from", "id"), name="%(class)s_newest"),
            models.Index(fields=("updated_at", "id"), name="%(class)s_changed"),
        )

    def __str__(self) -> str:
        return f"{self.category} am {timezone.localtime(self.occurred_from):%d.%m.%Y}"

    @property
    def kind(self) -> Kind:
        return Kind(self._meta.model_name)

    @property
    def short_id(self) -> str:
        """What partners call the record by; the running number stays with the owner."""
        return str(self.pk)[:8].upper()

    def touch(self) -> None:
        """Make the change visible to partners that pull by `updated_since`. Writes one column."""
        self.updated_at = timezone.now()
        type(self)._base_manager.filter(pk=self.pk).update(updated_at=self.updated_at)

    @classmethod
    def detail_model(cls) -> type[RecordDetail]:
        return cls._meta.get_field("detail").related_model


class Incident(Record):
    class Meta(Record.Meta):
        verbose_name = "Vorfall"
        verbose_name_plural = "Vorfälle"
        triggers = (remembers("incidents_incidentrevision", part="face", key="id"),)


class Complaint(Record):
    class Meta(Record.Meta):
        verbose_name = "Beschwerde"
        verbose_name_plural = "Beschwerden"
        triggers = (remembers("incidents_complaintrevision", part="face", key="id"),)


class RecordDetail(AgencyOwned):
    """The confidential detail: exact place, all free text, the agency's reference. The owner's alone."""

    number = models.PositiveIntegerField("laufende Nummer")
    year = models.PositiveSmallIntegerField("Jahr")
    reference = models.CharField("Aktenzeichen", max_length=80, blank=True)
    lon = models.FloatField("Länge", null=True, blank=True)
    lat = models.FloatField("Breite", null=True, blank=True)
    cell = models.BigIntegerField("H3-Zelle (Auflösung 10)", null=True, blank=True)
    place_text = models.CharField("Ort", max_length=200, blank=True)
    description = models.TextField("Sachverhalt", max_length=10_000, blank=True)
    internal_note = models.TextField("Interner Vermerk", max_length=10_000, blank=True)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    search = models.GeneratedField(
        expression=SearchVector("place_text", "description", "internal_note", "reference", config="german"),
        output_field=SearchVectorField(),
        db_persist=True,
    )

    class Meta:
        abstract = True
        constraints = (
            models.UniqueConstraint(
                fields=("agency", "reference"), condition=~Q(reference=""), name="%(class)s_reference_once"
            ),
            models.UniqueConstraint(fields=("agency", "year", "number"), name="%(class)s_number_once"),
            models.CheckConstraint(
                condition=Q(lon=None, lat=None) | Q(lon__isnull=False, lat__isnull=False), name="%(class)s_place_whole"
            ),
        )
        indexes = (GinIndex(fields=("search",), name="%(class)s_search"),)

    @property
    def number_label(self) -> str:
        return f"{self.agency.slug.upper()}-{self.year}-{self.number:06d}"


class IncidentDetail(RecordDetail):
    record = models.OneToOneField(Incident, on_delete=models.CASCADE, primary_key=True, related_name="detail")

    class Meta(RecordDetail.Meta):
        triggers = (remembers("incidents_incidentrevision", part="detail", key="record_id"),)


class ComplaintDetail(RecordDetail):
    record = models.OneToOneField(Complaint, on_delete=models.CASCADE, primary_key=True, related_name="detail")
    complainant_contact = models.CharField("Kontakt der meldenden Person", max_length=300, blank=True)
    reporter_key = models.CharField("Kennung der meldenden Person", max_length=64, blank=True)

    class Meta(RecordDetail.Meta):
        triggers = (remembers("incidents_complaintrevision", part="detail", key="record_id"),)


class RecordNote(AgencyOwned):
    """Cleared note (freigegebener Hinweis): written for the partners, released by a second person."""

    text = models.CharField("Hinweis für die Partner", max_length=500)
    written_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    written_at = models.DateTimeField(default=timezone.now)
    cleared_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    cleared_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        abstract = True
        constraints = (
            models.CheckConstraint(
                condition=Q(cleared_by=None) | ~Q(cleared_by=F("written_by")), name="%(class)s_second_person"
            ),
            models.CheckConstraint(
                condition=Q(cleared_at=None, cleared_by=None) | Q(cleared_at__isnull=False, cleared_by__isnull=False),
                name="%(class)s_clearing_whole",
            ),
        )


class IncidentNote(RecordNote):
    record = models.OneToOneField(Incident, on_delete=models.CASCADE, primary_key=True, related_name="note")


class ComplaintNote(RecordNote):
    record = models.OneToOneField(Complaint, on_delete=models.CASCADE, primary_key=True, related_name="note")


class RecordRevision(AgencyOwned):
    """What one write changed of face or detail: column -> [old, new]. The owner's alone; written by the database."""

    at = models.DateTimeField("Zeitpunkt")
    part = models.CharField(max_length=6)
    changes = models.JSONField()
    author = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+")
    redacted_at = models.DateTimeField(null=True, blank=True)
    redacted_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+")

    class Meta:
        abstract = True
        ordering = ("-at", "-pk")


class IncidentRevision(RecordRevision):
    record = models.ForeignKey(Incident, on_delete=models.CASCADE, related_name="revisions")

    class Meta(RecordRevision.Meta):
        triggers = (only_blackened(), only_with_record("incidents_incident"))


class ComplaintRevision(RecordRevision):
    record = models.ForeignKey(Complaint, on_delete=models.CASCADE, related_name="revisions")

    class Meta(RecordRevision.Meta):
        triggers = (only_blackened(), only_with_record("incidents_complaint"))


class IncidentGroupObjectPermission(GroupObjectPermissionBase):
    content_object = models.ForeignKey(Incident, on_delete=models.CASCADE)


class ComplaintGroupObjectPermission(GroupObjectPermissionBase):
    content_object = models.ForeignKey(Complaint, on_delete=models.CASCADE)


class NumberSequence(models.Model):
    """Running numbers per agency, kind and year."""

    agency = models.ForeignKey(Agency, on_delete=models.CASCADE, related_name="+")
    kind = models.CharField(max_length=9, choices=Kind)
    year = models.PositiveSmallIntegerField()
    last = models.PositiveIntegerField(default=0)

    class Meta:
        constraints = (models.UniqueConstraint(fields=("agency", "kind", "year"), name="number_sequence_once"),)


class SharingDefault(AgencyOwned):
    """What the agency's lead has set per category: the level a new record proposes, and whether entry may use it."""

    category = models.ForeignKey(Category, on_delete=models.CASCADE, related_name="+")
    level = models.CharField(max_length=12, choices=SharingLevel, default=SharingLevel.INTERNAL)

    class Meta:
        constraints = (models.UniqueConstraint(fields=("agency", "category"), name="sharing_default_once"),)


class CountDelivery(AgencyOwned):
    """A delivered count: area × period × category × unit, for agencies that may share no records."""

    area = models.ForeignKey(Area, on_delete=models.PROTECT, related_name="+")
    category = models.ForeignKey(Category, on_delete=models.PROTECT, related_name="+")
    period_start = models.DateField("Zeitraum von")
    period_end = models.DateField("Zeitraum bis")
    unit = models.CharField("Zähleinheit", max_length=20)
    count = models.PositiveIntegerField("Anzahl")
    is_demonstration = models.BooleanField(default=False)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        ordering = ("-period_start", "category")
        constraints = (
            models.UniqueConstraint(
                fields=("agency", "area", "category", "unit", "period_start", "period_end"), name="count_delivery_once"
            ),
            models.CheckConstraint(condition=Q(period_end__gte=F("period_start")), name="count_delivery_period"),
        )


class DeliveryBasis(models.TextChoices):
    RECORDS = "records", "Meldungen"
    COUNTS = "counts", "Zahlen"
    NOTHING = "nothing", "Fehlanzeige"


class DeliveredWeek(AgencyOwned):
    """Says that the agency has delivered for an ISO week (Monday), be it nothing to report.

    Without this row a week counts as missing, never as zero.
    """

    week = models.DateField("Woche ab")
    basis = models.CharField(max_length=8, choices=DeliveryBasis)
    noted_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ("-week",)
        constraints = (models.UniqueConstraint(fields=("agency", "week"), name="delivered_week_once"),)


class ImportStatus(models.TextChoices):
    CHECKED = "checked", "Geprüft"
    DONE = "done", "Übernommen"
    FAILED = "failed", "Abgebrochen"


class ImportRun(AgencyOwned):
    """One file handed in: what was taken, what was refused and why. Row numbers and reasons, no cell contents."""

    file_name = models.CharField("Datei", max_length=200)
    sha256 = models.CharField(max_length=64)
    kind = models.CharField(max_length=9, choices=[*Kind.choices, ("counts", "Zahlen")])
    status = models.CharField(max_length=7, choices=ImportStatus)
    mapping = models.JSONField(default=dict, blank=True)
    rows = models.PositiveIntegerField(default=0)
    skipped = models.PositiveIntegerField(default=0)
    created = models.PositiveIntegerField(default=0)
    updated = models.PositiveIntegerField(default=0)
    unchanged = models.PositiveIntegerField(default=0)
    refused = models.PositiveIntegerField(default=0)
    refusals = models.JSONField(default=list, blank=True)
    reasons = models.JSONField(default=dict, blank=True)
    first_day = models.DateField(null=True, blank=True)
    last_day = models.DateField(null=True, blank=True)
    upload = models.FileField(upload_to="imports/", blank=True)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ("-created_at",)


class RetentionRule(AgencyOwned):
    """What the agency's lead has set: after how many months a record is reviewed and deleted.

    For one category, for a group, or (neither) for everything the agency has no narrower rule for.
    """

    category = models.ForeignKey(Category, null=True, blank=True, on_delete=models.CASCADE, related_name="+")
    group = models.ForeignKey(CategoryGroup, null=True, blank=True, on_delete=models.CASCADE, related_name="+")
    review_after_months = models.PositiveSmallIntegerField("Prüfung nach Monaten")
    delete_after_months = models.PositiveSmallIntegerField("Löschung nach Monaten")
    basis = models.CharField("Grundlage", max_length=200, blank=True)
    set_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+")
    set_at = models.DateTimeField(default=timezone.now)

    class Meta:
        verbose_name = "Löschfrist"
        verbose_name_plural = "Löschfristen"
        constraints = (
            models.UniqueConstraint(
                fields=("agency", "category", "group"), nulls_distinct=False, name="retention_rule_once"
            ),
            models.CheckConstraint(condition=Q(category=None) | Q(group=None), name="retention_rule_one_scope"),
            models.CheckConstraint(
                condition=Q(review_after_months__gte=1, delete_after_months__gte=F("review_after_months")),
                name="retention_rule_review_first",
            ),
        )

    def __str__(self) -> str:
        return str(self.category or self.group or "alle Meldungen")


class RecordExtension(AgencyOwned):
    """A review that found the record still needed: why, and until when. The last one counts."""

    until = models.DateField("aufbewahren bis")
    reason = models.CharField("Begründung", max_length=500)
    extended_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    extended_at = models.DateTimeField(default=timezone.now)

    class Meta:
        abstract = True
        ordering = ("extended_at", "pk")


class IncidentExtension(RecordExtension):
    record = models.ForeignKey(Incident, on_delete=models.CASCADE, related_name="extensions")


class ComplaintExtension(RecordExtension):
    record = models.ForeignKey(Complaint, on_delete=models.CASCADE, related_name="extensions")


class DeletedReference(AgencyOwned):
    """A record deleted ahead of its time, so that the agency's own system does not deliver it again.

    Holds a keyed digest of the reference, until the date from which the delivery would be refused by its age anyway.
    """

    kind = models.CharField(max_length=9, choices=Kind)
    digest = models.CharField(max_length=64)
    until = models.DateField()

    class Meta:
        constraints = (models.UniqueConstraint(fields=("agency", "kind", "digest"), name="deleted_reference_once"),)


class RetentionRunQuerySet(AgencyOwnedQuerySet):
    def visible_to(self, actor) -> RetentionRunQuerySet:
        """Own runs for the lead; all runs, which hold counts only, for the data-protection role."""
        if not (actor.is_authenticated and actor.is_active):
            return self.none()
        if actor.can("read_audit"):
            return self
        return self.filter(agency_id=actor.agency_id) if actor.can("lead_agency") else self.none()


class RetentionRun(AgencyOwned):
    """Proof of one deletion run of one agency: how many rows went by which rule, never which."""

    date = models.DateField("Stichtag")
    started_at = models.DateTimeField("begonnen", default=timezone.now)
    finished_at = models.DateTimeField("beendet", null=True, blank=True)
    lines = models.JSONField(default=list, blank=True)
    sha256 = models.CharField("Prüfsumme", max_length=64, blank=True)

    objects = RetentionRunQuerySet.as_manager()

    class Meta:
        ordering = ("-started_at", "-pk")
        verbose_name = "Löschlauf"
        verbose_name_plural = "Löschläufe"
        constraints = (
            models.UniqueConstraint(fields=("agency",), condition=Q(finished_at=None), name="retention_run_one_open"),
        )

    @property
    def deleted(self) -> int:
        return sum(line["count"] for line in self.lines)
