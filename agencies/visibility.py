"""THE rule of who may see a record, as a set. The same rule for one object is `agencies.backends.VisibilityBackend`.

Own agency, or level `cooperation`, or a grant to the agency's member group; the latter two only between agencies
whose full memberships are both active; and, for the administration, what an inspection with a stated reason opens for
half an hour (`running_inspections`). The confidential detail belongs to the owner alone (`AgencyOwned`).
"""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from guardian.utils import get_group_obj_perms_model

from agencies.inspection_models import Inspection, InspectionQuerySet
from agencies.models import Agency, Membership, RoleGroup
from agencies.roles import Role


class SharingLevel(models.TextChoices):
    INTERNAL = "internal", "Nur eigene Behörde"
    STATISTICS = "statistics", "Nur zählen"
    COOPERATION = "cooperation", "Kooperation"


COUNTED_LEVELS = (SharingLevel.STATISTICS, SharingLevel.COOPERATION)


def reads_records(actor) -> bool:
    """Whether the actor reads records by role: own ones with their detail, and what partners share."""
    return actor.is_authenticated and actor.is_active and actor.can("read_records")


def running_inspections(actor) -> InspectionQuerySet:
    """What the administration of the coordination office is looking into now: at most one agency, never the own one.

    Like all sharing it is between agencies whose full memberships are both active.
    """
    may = actor.is_authenticated and actor.is_active and actor.api_key is None and actor.can("inspect_records")
    if not (may and actor.agency.is_coordination and actor.agency.is_sharing):
        return Inspection.objects.none()
    rows = Inspection.objects.running().filter(user_id=actor.pk).exclude(agency_id=actor.agency_id)
    return rows.filter(agency_id__in=Membership.objects.active_full().values("agency_id"))


def sees_faces(actor) -> bool:
    """Whether there may be records to show to the actor: by role, or while an inspection runs."""
    return reads_records(actor) or running_inspections(actor).exists()


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
        return self.filter(self._seen_by_role(actor) | Q(agency_id__in=running_inspections(actor).values("agency_id")))

    def without_inspection(self, actor) -> AgencyScopedQuerySet:
        """Faces the actor may see by role: for what an inspection does not open, such as exports and searches."""
        return self.filter(self._seen_by_role(actor))

    def _seen_by_role(self, actor) -> Q:
        if not reads_records(actor):
            return Q(pk__in=())
        rule = Q(agency_id=actor.agency_id)
        if actor.agency.is_sharing:
            shared = Q(sharing_level=SharingLevel.COOPERATION) | Q(pk__in=self._granted_to(actor.agency))
            rule |= shared & Q(agency_id__in=sorted(actor.agency.sharing_agencies))
        return rule

    def _granted_to(self, agency: Agency) -> models.QuerySet:
        grants = get_group_obj_perms_model(self.model).objects.filter(
            # Equal to one value and not among some: it is asked before the policy looks at the grants of all others.
            group=RoleGroup.objects.filter(agency=agency, role=Role.MEMBER).values("group")[:1],
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
