"""What happens to agencies."""

from __future__ import annotations

from django.contrib.auth.models import Group

from agencies.models import Agency, RoleGroup
from agencies.roles import ASSIGNABLE_ROLES, COORDINATION_ROLES, Role


def ensure_role_groups(agency: Agency) -> None:
    """Create the agency's groups: one per role and the member group."""
    roles = [Role.MEMBER, *(r for r in ASSIGNABLE_ROLES if agency.is_coordination or r not in COORDINATION_ROLES)]
    for role in roles:
        group, _ = Group.objects.get_or_create(name=f"{agency.slug}:{role.value}")
        RoleGroup.objects.get_or_create(agency=agency, role=role, defaults={"group": group})
