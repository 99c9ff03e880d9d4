from __future__ import annotations

import datetime
import uuid
from collections.abc import Iterable
from functools import cached_property
from importlib import import_module

import pgtrigger
from django.conf import settings
from django.contrib.auth.models import AbstractBaseUser, BaseUserManager, Group, PermissionsMixin, _user_has_perm
from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.contrib.sessions.base_session import AbstractBaseSession
from django.db import models
from django.db.models import Count, Max, Q
from django.db.models.fields.json import KeyTransform
from django.db.models.functions import Lower
from django.utils import timezone

from agencies.audit_models import AuditCheckpoint, AuditSeal, UnsealedEntry  # noqa: F401 – tables of this app
from agencies.inspection_models import Inspection  # noqa: F401 – table of this app
from agencies.membership_models import AgreedScope, Agreement, MembershipStep, ScopeProposal  # noqa: F401
from agencies.roles import CAPABILITIES, Role
from agencies.scope import NOTHING, Scope


class MembershipKind(models.TextChoices):
    VOTING = "voting", "Stimmberechtigt"
    LETTER_OF_INTENT = "letter_of_intent", "Beigetreten durch Letter of Intent"
    ASSOCIATED = "associated", "Assoziiert"
    GUEST = "guest", "Gast"


class MembershipStatus(models.TextChoices):
    DRAFT = "draft", "Entwurf"
    SIGNED = "signed", "Unterzeichnet"
    ACTIVE = "active", "Aktiv"
    SUSPENDED = "suspended", "Ausgesetzt"
    ENDED = "ended", "Beendet"


FULL_KINDS = (MembershipKind.VOTING, MembershipKind.LETTER_OF_INTENT, MembershipKind.ASSOCIATED)


class AgencyQuerySet(models.QuerySet):
    def active(self, at: datetime.date | None = None) -> AgencyQuerySet:
        """Agencies with an active full membership on the given local day: the only ones that give or get anything."""
        return self.filter(pk__in=Membership.objects.active_full(at).values("agency_id"))

    def visible_to(self, actor) -> AgencyQuerySet:
        """Agencies the actor may look up: all for active full members and the coordination office, else the own one."""
        if not (actor.is_authenticated and actor.is_active) or actor.agency is None:
            return self.none()
        if actor.agency.is_sharing or actor.agency.is_coordination:
            return self
        return self.filter(pk=actor.agency_id)


class Agency(models.Model):
    slug = models.SlugField("Kurzzeichen", unique=True)
    name = models.CharField("Name", max_length=200)
    short_name = models.CharField("Kurzname", max_length=60)
    parent = models.ForeignKey(
        "self", verbose_name="Teil von", null=True, blank=True, on_delete=models.PROTECT, related_name="children"
    )
    is_coordination = models.BooleanField("Geschäftsstelle der Kooperation", default=False)
    delivers_counts = models.BooleanField("liefert Zahlen statt Einzelmeldungen", default=False)
    contact_email = models.EmailField("Ansprechstelle", blank=True)
    is_demonstration = models.BooleanField("Demonstrationsdaten", default=False)

    objects = AgencyQuerySet.as_manager()

    class Meta:
        ordering = ("name",)
        verbose_name = "Behörde"
        verbose_name_plural = "Behörden"

    def __str__(self) -> str:
        return self.short_name

    @cached_property
    def sharing_agencies(self) -> frozenset[int]:
        """Between whom data flows today: all active full members, this agency among them, or nobody. Queries once."""
        members = frozenset(Membership.objects.active_full().values_list("agency_id", flat=True))
        return members if self.pk in members else frozenset()

    def sharing_now(self) -> frozenset[int]:
        """`sharing_agencies` looked up anew, for answers that take a while: a membership may have ended meanwhile."""
        self.__dict__.pop("sharing_agencies", None)
        return self.sharing_agencies

    @property
    def is_sharing(self) -> bool:
        """Whether an active full membership lets data flow to and from this agency today. Queries once."""
        return bool(self.sharing_agencies)

    @cached_property
    def agreed_scope(self) -> Scope:
        """What the running agreement lets the agency give, in force or not; everything where there is none. Queries."""
        membership = self.memberships.current().first()
        return membership.scope if membership else Scope()

    @property
    def scope(self) -> Scope:
        """What the agency may give today: nothing while it is no active member. Queries once."""
        return self.agreed_scope if self.is_sharing else NOTHING

    @property
    def has_lead(self) -> bool:
        """Whether somebody active leads the agency. Queries."""
        return User.objects.filter(
            agency=self, is_active=True, groups__role_group__agency=self, groups__role_group__role=Role.LEAD
        ).exists()

    @property
    def current_membership(self) -> Membership | None:
        """The membership that has not ended. Queries unless `memberships` is prefetched."""
        return next((row for row in self.memberships.all() if row.status != MembershipStatus.ENDED), None)


class MembershipQuerySet(models.QuerySet):
    def active(self, at: datetime.date | None = None) -> MembershipQuerySet:
        day = at or timezone.localdate()
        return self.filter(status=MembershipStatus.ACTIVE, valid_from__lte=day).filter(
            Q(valid_until=None) | Q(valid_until__gte=day)
        )

    def active_full(self, at: datetime.date | None = None) -> MembershipQuerySet:
        return self.active(at).filter(kind__in=FULL_KINDS)

    def current(self) -> MembershipQuerySet:
        return self.exclude(status=MembershipStatus.ENDED)

    def visible_to(self, actor) -> MembershipQuerySet:
        """Memberships the actor may know of: what was once in force, and every draft of the own agency.

        The administration, which prepares memberships, sees all of them.
        """
        if actor.can("administer_memberships"):
            return self
        drafts = Q(status=MembershipStatus.DRAFT) | Q(status=MembershipStatus.SIGNED) | Q(signed_on=None)
        return self.filter(agency__in=Agency.objects.visible_to(actor)).filter(~drafts | Q(agency_id=actor.agency_id))


class Membership(Agreement):
    agency = models.ForeignKey(Agency, on_delete=models.PROTECT, related_name="memberships")
    kind = models.CharField("Art", max_length=20, choices=MembershipKind)
    status = models.CharField("Stand", max_length=10, choices=MembershipStatus, default=MembershipStatus.DRAFT)
    valid_from = models.DateField("gültig ab")
    signed_on = models.DateField("unterzeichnet am", null=True, blank=True)
    signatory = models.CharField("unterzeichnet durch", max_length=200, blank=True)
    document = models.FileField("unterzeichnetes Dokument", upload_to="memberships/", blank=True)
    proposed_by = models.ForeignKey("User", null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    activated_by = models.ForeignKey("User", null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    activated_at = models.DateTimeField("aktiviert am", null=True, blank=True)
    reason = models.TextField("Begründung des letzten Schritts", blank=True)

    objects = MembershipQuerySet.as_manager()

    class Meta:
        ordering = ("-valid_from", "-pk")
        verbose_name = "Mitgliedschaft"
        verbose_name_plural = "Mitgliedschaften"
        constraints = (
            models.UniqueConstraint(
                fields=("agency",), condition=~Q(status=MembershipStatus.ENDED), name="membership_one_current"
            ),
            models.CheckConstraint(
                condition=Q(valid_until=None) | Q(valid_until__gte=models.F("valid_from")),
                name="membership_ends_after_start",
            ),
            models.CheckConstraint(
                condition=~Q(status=MembershipStatus.ACTIVE) | Q(signed_on__isnull=False),
                name="membership_active_signed",
            ),
            *AgreedScope.Meta.constraints,
        )

    def __str__(self) -> str:
        return f"{self.agency} – {self.get_kind_display()} ({self.get_status_display()})"

    @property
    def term(self) -> str:
        """From when (until when) it holds, as people read it."""
        if self.valid_until is None:
            return f"seit {self.valid_from:%d.%m.%Y}"
        return f"{self.valid_from:%d.%m.%Y}–{self.valid_until:%d.%m.%Y}"


class RoleGroup(models.Model):
    """Ties a Django group to one agency and role; the member group is the only target of grants."""

    agency = models.ForeignKey(Agency, on_delete=models.CASCADE, related_name="role_groups")
    role = models.CharField(max_length=20, choices=Role)
    group = models.OneToOneField(Group, on_delete=models.CASCADE, related_name="role_group")

    class Meta:
        constraints = (models.UniqueConstraint(fields=("agency", "role"), name="rolegroup_unique"),)

    def __str__(self) -> str:
        return f"{self.agency}: {self.get_role_display()}"


def address_as_kept(typed: str) -> str:
    """An e-mail address as accounts keep it, as they are found by it and as its failures are counted.

    Not left to the database: to its UPPER() a dotless ı is an I, and a look-alike would find the account under a name
    that the lock has not counted.
    """
    return typed.strip().lower()


class UserManager(BaseUserManager):
    def get_queryset(self) -> models.QuerySet:
        """People with their agency: every rule asks for it."""
        return super().get_queryset().select_related("agency")

    def create_user(self, email: str, password: str | None = None, **fields) -> User:
        user = self.model(email=address_as_kept(email), **fields)
        user.set_password(password)
        user.save(using=self._db)
        return user

    def create_superuser(self, email: str, password: str | None = None, **fields) -> User:
        return self.create_user(email, password, is_superuser=True, **fields)

    def with_address(self, typed: str) -> models.QuerySet:
        return self.filter(email=address_as_kept(typed))

    def get_by_natural_key(self, email: str) -> User:
        return self.with_address(email).get()


class Actor:
    """What visibility and actions ask of whoever acts: a person or an access key.

    Needs `agency`, `roles` and `purpose`: why foreign data are being read, stated for a session or for a key.
    """

    @property
    def assigned_roles(self) -> frozenset[Role]:
        return self.roles - {Role.MEMBER}

    def can(self, capability: str) -> bool:
        return self.is_active and self.agency is not None and not CAPABILITIES[capability].isdisjoint(self.roles)


class User(Actor, AbstractBaseUser, PermissionsMixin):
    email = models.EmailField("E-Mail-Adresse", unique=True)
    full_name = models.CharField("Name", max_length=150)
    agency = models.ForeignKey(
        Agency, verbose_name="Behörde", null=True, blank=True, on_delete=models.PROTECT, related_name="people"
    )
    is_active = models.BooleanField("aktiv", default=True)
    created_at = models.DateTimeField(auto_now_add=True)
    factor_failures = models.PositiveSmallIntegerField("falsche zweite Faktoren in Folge", default=0)
    factor_failed_at = models.DateTimeField(null=True, blank=True)

    objects = UserManager()

    purpose = ""  # that of the session, set for the length of a request

    USERNAME_FIELD = "email"
    REQUIRED_FIELDS = ("full_name",)

    class Meta:
        ordering = ("email",)
        verbose_name = "Person"
        verbose_name_plural = "Personen"
        constraints = (models.UniqueConstraint(Lower("email"), name="user_email_caseless"),)

    def __str__(self) -> str:
        return self.full_name or self.email

    @cached_property
    def roles(self) -> frozenset[Role]:
        """Roles held in the own agency; groups of another agency count for nothing. Queries once."""
        held = RoleGroup.objects.filter(group__user=self, agency_id=self.agency_id)
        return frozenset(Role(role) for role in held.values_list("role", flat=True))

    def has_perm(self, perm: str, obj: models.Model | None = None) -> bool:
        """Superusers are asked like everybody else: whoever runs the installation sees no record by that."""
        return _user_has_perm(self, perm, obj)

    def role_labels(self) -> list[str]:
        """Assigned roles in words. Queries unless `groups__role_group` is prefetched."""
        held = {Role(group.role_group.role) for group in self.groups.all()}
        return [role.label for role in Role if role in held and role is not Role.MEMBER]

    @property
    def api_key(self) -> None:
        return None


class KeyScope(models.TextChoices):
    READ = "read", "Lesen"
    WRITE = "write", "Lesen und Schreiben"


REGULAR_PULL = "Regelmäßiger Abruf für die Lagebeurteilung der eigenen Behörde"


class ApiKey(Actor, models.Model):
    """An agency's access key. Only a hash of the secret is kept; the prefix finds the row."""

    agency = models.ForeignKey(Agency, verbose_name="Behörde", on_delete=models.PROTECT, related_name="api_keys")
    label = models.CharField("Bezeichnung", max_length=100)
    prefix = models.CharField(max_length=12, unique=True)
    secret_hash = models.CharField(max_length=64)
    scope = models.CharField("Umfang", max_length=5, choices=KeyScope)
    purpose = models.CharField("Zweck", max_length=200, default=REGULAR_PULL)
    networks = models.JSONField("erlaubte Netze", default=list, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    created_by = models.ForeignKey(User, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    expires_at = models.DateTimeField("gültig bis")
    revoked_at = models.DateTimeField("gesperrt am", null=True, blank=True)
    last_used_at = models.DateTimeField("zuletzt benutzt", null=True, blank=True)

    is_authenticated = True
    is_active = True
    is_anonymous = False

    class Meta:
        ordering = ("-created_at",)
        verbose_name = "Zugangsschlüssel"
        verbose_name_plural = "Zugangsschlüssel"

    def __str__(self) -> str:
        return f"{self.label} ({self.prefix})"

    def is_usable(self, at: datetime.datetime) -> bool:
        return self.revoked_at is None and self.expires_at > at

    @property
    def roles(self) -> frozenset[Role]:
        """A key acts as its agency's entry staff (write) or reads only; it never shares, grants or leads."""
        return frozenset({Role.ENTRY})

    def can(self, capability: str) -> bool:
        writing = capability not in {"read_records", "read_picture"}
        return super().can(capability) and not (writing and self.scope == KeyScope.READ)

    @property
    def api_key(self) -> ApiKey:
        return self


class AuditQuerySet(models.QuerySet):
    def reads_by_others(self, agency: Agency, acts: Iterable[str]) -> AuditQuerySet:
        """Entries of other agencies' persons and keys on data of this agency, newest first.

        An entry on one object names its owner; an entry on a list counts its rows per owner in `facts`.
        """
        concerns = Q(owner=agency) | Q(facts__owners__has_key=agency.slug)
        return self.filter(concerns, action__in=acts).exclude(Q(agency=None) | Q(agency=agency))

    def by_agency_and_purpose(self) -> AuditQuerySet:
        """Rows of agency, act and purpose with the number of entries and the time of the last; most first."""
        grouped = self.order_by().values("agency__short_name", "action", "purpose")
        return grouped.annotate(number=Count("pk"), last=Max("at")).order_by("-number", "agency__short_name", "action")

    def with_names(self) -> AuditQuerySet:
        return self.select_related("user", "api_key", "agency", "owner", "recipient")


class AuditEntry(models.Model):
    """One line of the append-only log. Holds ids and verbs, never text of a record."""

    at = models.DateTimeField("Zeitpunkt", default=timezone.now, db_index=True)
    action = models.CharField("Vorgang", max_length=40)
    user = models.ForeignKey(User, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    api_key = models.ForeignKey(ApiKey, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    agency = models.ForeignKey(Agency, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    owner = models.ForeignKey(Agency, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    recipient = models.ForeignKey(Agency, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    object_type = models.CharField(max_length=60, blank=True)
    object_id = models.CharField(max_length=64, blank=True)
    purpose = models.CharField("Zweck", max_length=600, blank=True)
    facts = models.JSONField(default=dict, blank=True)

    objects = AuditQuerySet.as_manager()

    class Meta:
        ordering = ("-at", "-pk")
        verbose_name = "Protokolleintrag"
        verbose_name_plural = "Protokoll"
        indexes = (
            models.Index(fields=("owner", "-at"), name="audit_owner_at"),
            models.Index(fields=("object_type", "object_id"), name="audit_object"),
            GinIndex(KeyTransform("owners", "facts"), name="audit_owners"),
        )
        # Deletion is refused by a trigger of its own, which knows the term (migration `audit_chain`).
        triggers = (pgtrigger.Protect(name="append_only", operation=pgtrigger.Update),)

    def __str__(self) -> str:
        return f"{self.at:%Y-%m-%d %H:%M} {self.action}"


class Session(AbstractBaseSession):
    """A browser that is signed on, or about to. The row holds a digest: whoever reads it cannot take the place."""

    session_key = models.CharField("Prüfwert des Schlüssels", max_length=64, primary_key=True)
    user = models.ForeignKey(
        User, verbose_name="Person", null=True, blank=True, on_delete=models.CASCADE, related_name="sessions"
    )
    started_at = models.DateTimeField("angemeldet am", default=timezone.now)
    seen_at = models.DateTimeField("zuletzt gesehen", default=timezone.now)
    browser = models.CharField("Browser", max_length=40, blank=True)
    address = models.CharField("Netz", max_length=45, blank=True)

    class Meta(AbstractBaseSession.Meta):
        verbose_name = "Sitzung"
        verbose_name_plural = "Sitzungen"

    @classmethod
    def get_session_store_class(cls) -> type:
        return import_module(settings.SESSION_ENGINE).SessionStore


class FactorKind(models.TextChoices):
    TOTP = "totp", "Einmalcode aus einer App"
    PASSKEY = "passkey", "Passkey"
    RECOVERY = "recovery", "Wiederherstellungscode"


class Factor(models.Model):
    """A second factor of a person. Recovery codes are one row each, kept as a hash; a used one stays, crossed out."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="factors")
    kind = models.CharField("Art", max_length=10, choices=FactorKind)
    label = models.CharField("Bezeichnung", max_length=60, blank=True)
    secret = models.TextField("verschlüsseltes Geheimnis, Prüfwert oder öffentlicher Schlüssel")
    counter = models.BigIntegerField("letzter Zähler", default=0)
    created_at = models.DateTimeField("eingerichtet am", auto_now_add=True)
    used_at = models.DateTimeField("zuletzt benutzt", null=True, blank=True)

    class Meta:
        ordering = ("created_at", "pk")
        verbose_name = "zweiter Faktor"
        verbose_name_plural = "zweite Faktoren"
        constraints = (
            models.UniqueConstraint(fields=("user",), condition=Q(kind=FactorKind.TOTP), name="factor_one_totp"),
        )

    def __str__(self) -> str:
        return self.label or self.get_kind_display()


class Invitation(models.Model):
    """Somebody is asked to join an agency. The account comes into being when the invitation is taken."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    agency = models.ForeignKey(
        Agency, verbose_name="Behörde", on_delete=models.PROTECT, related_name="person_invitations"
    )
    email = models.EmailField("E-Mail-Adresse")
    full_name = models.CharField("Name", max_length=150)
    roles = ArrayField(models.CharField(max_length=20, choices=Role), verbose_name="Rollen", default=list, blank=True)
    invited_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    created_at = models.DateTimeField("eingeladen am", auto_now_add=True)
    expires_at = models.DateTimeField("gültig bis")
    accepted_at = models.DateTimeField("angenommen am", null=True, blank=True)
    withdrawn_at = models.DateTimeField("zurückgezogen am", null=True, blank=True)

    class Meta:
        ordering = ("-created_at",)
        verbose_name = "Einladung"
        verbose_name_plural = "Einladungen"

    def __str__(self) -> str:
        return f"{self.full_name} ({self.email})"

    def is_open(self, at: datetime.datetime) -> bool:
        return self.accepted_at is None and self.withdrawn_at is None and self.expires_at > at


class SignOn(models.Model):
    """The OpenID Connect service of one agency. It opens accounts of that agency and no others."""

    agency = models.OneToOneField(Agency, verbose_name="Behörde", on_delete=models.PROTECT, related_name="sign_on")
    issuer = models.URLField("Aussteller", max_length=300)
    client_id = models.CharField("Client-Kennung", max_length=200)
    client_secret = models.TextField("verschlüsseltes Client-Geheimnis", blank=True)
    asserts_factor = models.BooleanField("verlangt selbst einen zweiten Faktor", default=False)
    is_active = models.BooleanField("in Betrieb", default=True)
    changed_at = models.DateTimeField("geändert am", auto_now=True)

    class Meta:
        verbose_name = "Anmeldedienst"
        verbose_name_plural = "Anmeldedienste"

    def __str__(self) -> str:
        return f"{self.agency}: {self.issuer}"
