"""What a membership's agreement says, its steps, and the wider agreement that waits for a second person."""

from __future__ import annotations

import pgtrigger
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.utils import timezone

from agencies.scope import COOPERATION, LEVELS, Scope


class AgreedScope(models.Model):
    """What the agency may give, and until when. Empty lists limit nothing."""

    scope_level = models.CharField("höchste Freigabestufe", max_length=12, default=COOPERATION)
    scope_groups = ArrayField(models.SlugField(), verbose_name="Kategoriengruppen", default=list, blank=True)
    scope_categories = ArrayField(models.SlugField(), verbose_name="Kategorien", default=list, blank=True)
    scope_areas = ArrayField(models.SlugField(), verbose_name="Stadtbezirke", default=list, blank=True)
    scope_words = models.CharField("Umfang in Worten", max_length=4000, blank=True)
    valid_until = models.DateField("gültig bis", null=True, blank=True)

    class Meta:
        abstract = True
        constraints = (models.CheckConstraint(condition=Q(scope_level__in=LEVELS), name="%(class)s_scope_level_known"),)

    @property
    def scope(self) -> Scope:
        return Scope(
            level=self.scope_level,
            groups=frozenset(self.scope_groups),
            categories=frozenset(self.scope_categories),
            areas=frozenset(self.scope_areas),
        )

    def take_scope(self, scope: Scope, words: str) -> None:
        self.scope_level, self.scope_words = scope.level, words
        self.scope_groups, self.scope_categories = sorted(scope.groups), sorted(scope.categories)
        self.scope_areas = sorted(scope.areas)


class Withdrawal(models.TextChoices):
    """What is still to be taken back of what the agency had shared."""

    NOTHING = "", "nichts"
    OUTSIDE = "outside", "was außerhalb der Vereinbarung liegt"
    ALL = "all", "alles"


def _person() -> models.ForeignKey:
    return models.ForeignKey("agencies.User", null=True, blank=True, on_delete=models.PROTECT, related_name="+")


class Agreement(AgreedScope):
    purpose = models.CharField("Zweck der Teilnahme", max_length=500, blank=True)
    legal_basis = models.CharField("Rechtsgrundlage", max_length=500, blank=True)
    contact_name = models.CharField("Ansprechperson", max_length=150, blank=True)
    contact_function = models.CharField("Funktion", max_length=150, blank=True)
    contact_email = models.EmailField("E-Mail-Adresse der Stelle", blank=True)
    contact_phone = models.CharField("Telefon der Stelle", max_length=40, blank=True)
    notice = models.CharField("Kündigung", max_length=200, blank=True)
    suspended_by = _person()
    lifting_proposed_by = _person()
    reminded_days = models.PositiveSmallIntegerField("erinnert Tage vor Ablauf", null=True, blank=True)
    withdrawal = models.CharField("Rücknahme", max_length=7, choices=Withdrawal, default="", blank=True)

    class Meta(AgreedScope.Meta):
        abstract = True

    def missing_in_agreement(self) -> list[str]:
        """What must be entered before it can be signed, in words."""
        named = ("purpose", "legal_basis", "contact_name", "contact_email")
        return [str(self._meta.get_field(name).verbose_name) for name in named if not getattr(self, name)]


class ScopeProposal(AgreedScope):
    """A wider scope or a longer term that one administrator has entered and a second one must confirm."""

    agency = models.ForeignKey("agencies.Agency", on_delete=models.PROTECT, related_name="+")
    membership = models.OneToOneField("agencies.Membership", on_delete=models.CASCADE, related_name="proposal")
    reason = models.CharField("Begründung", max_length=2000)
    proposed_by = _person()
    proposed_at = models.DateTimeField(default=timezone.now)

    class Meta(AgreedScope.Meta):
        verbose_name = "vorgeschlagener Umfang"
        verbose_name_plural = "vorgeschlagene Umfänge"


class MembershipStep(models.Model):
    """Who took which step of a membership, when and why. Rows are added and never changed."""

    agency = models.ForeignKey("agencies.Agency", on_delete=models.PROTECT, related_name="+")
    membership = models.ForeignKey("agencies.Membership", on_delete=models.CASCADE, related_name="steps")
    step = models.CharField("Schritt", max_length=20)
    at = models.DateTimeField(default=timezone.now)
    by = _person()
    text = models.TextField("Begründung oder Umfang", blank=True)

    class Meta:
        ordering = ("-at", "-pk")
        verbose_name = "Schritt einer Mitgliedschaft"
        verbose_name_plural = "Schritte einer Mitgliedschaft"
        triggers = (pgtrigger.Protect(name="unchanging", operation=pgtrigger.Update),)
