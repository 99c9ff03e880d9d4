"""THE rule of who may see a record, as a set. The same rule for one object is `agencies.backends.VisibilityBackend`.

Own agency, or level `cooperation`, or a grant to the agency's member group; the latter two only between agencies
whose full memberships are both active. The confidential detail belongs to the owner alone (`AgencyOwned`).
"""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from guardian.utils import get_group_obj_perms_model

from agencies.models import Agency, Membership
from agencies.roles import Role


class SharingLevel(models.TextChoices):
    INTERNAL = "internal", "Nur eigene Behörde"
    STATISTICS = "statistics", "Nur zählen"
    COOPERATION = "cooperation", "Kooperation"


COUNTED_LEVELS = (SharingLevel.STATISTICS, SharingLevel.COOPERATION)


def reads_records(actor) -> bool:
    return actor.is_authenticated and actor.is_active and actor.can("read_records")


def reads_picture(actor) -> bool:
    """Whether the actor may see what the cooperation has published: pictures, findings, editions, measures."""
    return actor.is_authenticated and actor.is_active and actor.can("read_picture") and actor.agency.is_sharing


class AgencyOwnedQuerySet(models.QuerySet):
    def owned_by(self, actor) -> AgencyOwnedQuerySet:
        """Rows of the actor's own agency; nothing for whoever reads no records."""
        if not reads_records(actor):
            return self.none()
        return self.filter(agency_id=actor.agency_id)


class AgencyOwned(models.Model):
    """A row that belongs to exactly one agency and never leaves it."""

    agency = models.ForeignKey(Agency, verbose_name="Behörde", on_delete=models.PROTECT, related_name="+")

    objects = AgencyOwnedQuerySet.as_manager()

    class Meta:
        abstract = True


class AgencyScopedQuerySet(AgencyOwnedQuerySet):
    def visible_to(self, actor) -> AgencyScopedQuerySet:
        """Faces the actor (a person or an access key) may see."""
        if not reads_records(actor):
            return self.none()
        rule = Q(agency_id=actor.agency_id)
        if actor.agency.is_sharing:
            shared = Q(sharing_level=SharingLevel.COOPERATION) | Q(pk__in=self._granted_to(actor.agency))
            rule |= shared & Q(agency_id__in=Membership.objects.active_full().values("agency_id"))
        return self.filter(rule)

    def _granted_to(self, agency: Agency) -> models.QuerySet:
        grants = get_group_obj_perms_model(self.model).objects.filter(
            group__role_group__agency=agency,
            group__role_group__role=Role.MEMBER,
            permission__codename=f"view_{self.model._meta.model_name}",
        )
        return grants.values("content_object_id")

    def shared_with_picture(self) -> AgencyScopedQuerySet:
        """Rows the situation picture may count: level at least `statistics`, owner with an active full membership.

        Works for the nightly build, which acts for no person: its results are published values only.
        """
        return self.filter(
            sharing_level__in=COUNTED_LEVELS, agency_id__in=Membership.objects.active_full().values("agency_id")
        )


class AgencyScoped(AgencyOwned):
    """A row owned by one agency that may be shared: the face of a record."""

    sharing_level = models.CharField(
        "Freigabestufe", max_length=12, choices=SharingLevel, default=SharingLevel.INTERNAL
    )

    objects = AgencyScopedQuerySet.as_manager()

    class Meta:
        abstract = True
