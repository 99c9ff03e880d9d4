"""Small builders of rows for tests. They write straight to the tables, past the actions under test."""

from __future__ import annotations

import datetime
import itertools

from django.utils import timezone

from agencies import actions as agency_actions
from agencies.inspection_models import LONGEST, Inspection
from agencies.models import Agency, Membership, MembershipKind, MembershipStatus, RoleGroup, User
from agencies.roles import Role
from agencies.visibility import SharingLevel
from incidents.geo import DETAIL_RESOLUTION, SHARED_RESOLUTION, cell_at
from incidents.models import Area, AreaKind, Category, CategoryGroup, Complaint, Incident, Kind, Record

PASSWORD = "Ein-Testkennwort-2026"
_numbers = itertools.count(1)
# A square city of two districts around the main station of Hamm.
WEST, EAST, SOUTH, NORTH, MIDDLE = 7.78, 7.86, 51.66, 51.70, 7.82
STATION = (7.8078, 51.6781)


def box(west: float, south: float, east: float, north: float) -> dict:
    ring = [[west, south], [east, south], [east, north], [west, north], [west, south]]
    return {"type": "Polygon", "coordinates": [ring]}


def make_city() -> list[Area]:
    """Two districts, "West" (holds the station) and "Ost", and the city outline; idempotent."""
    shapes = {
        "west": ("West", AreaKind.DISTRICT, 1, box(WEST, SOUTH, MIDDLE, NORTH)),
        "ost": ("Ost", AreaKind.DISTRICT, 2, box(MIDDLE, SOUTH, EAST, NORTH)),
        "stadt": ("Stadt", AreaKind.CITY, None, box(WEST, SOUTH, EAST, NORTH)),
    }
    return [
        Area.objects.get_or_create(
            slug=slug, defaults={"name": name, "kind": kind, "number": number, "geometry": geometry}
        )[0]
        for slug, (name, kind, number, geometry) in shapes.items()
    ]


def make_agency(
    slug: str,
    *,
    status: str | None = MembershipStatus.ACTIVE,
    kind: str = MembershipKind.VOTING,
    is_coordination: bool = False,
    **fields,
) -> Agency:
    agency = Agency.objects.create(
        slug=slug, name=slug.title(), short_name=slug.title(), is_coordination=is_coordination, **fields
    )
    agency_actions.ensure_role_groups(agency)
    if status is not None:
        signed = datetime.date(2023, 1, 1)
        Membership.objects.create(agency=agency, kind=kind, status=status, valid_from=signed, signed_on=signed)
    return agency


def make_person(agency: Agency | None, *roles: Role, **fields) -> User:
    number = next(_numbers)
    email = fields.pop("email", f"person{number}@{agency.slug if agency else 'ohne'}.example")
    user = User(email=email, full_name=fields.pop("full_name", f"Person {number}"), agency=agency, **fields)
    user.set_password(PASSWORD)
    user.save()
    if agency is not None:
        groups = RoleGroup.objects.filter(agency=agency, role__in=[*roles, Role.MEMBER])
        user.groups.set([row.group for row in groups.select_related("group")])
    return user


def make_inspection(agency: Agency, user: User, **fields) -> Inspection:
    """One that runs now, whoever the person is; `opened_at` moves its end along."""
    opened_at = fields.pop("opened_at", None) or timezone.now()
    row = {"reason": "Prüfung einer Beschwerde über Freigaben", "ends_at": opened_at + LONGEST} | fields
    return Inspection.objects.create(agency=agency, user=user, opened_at=opened_at, **row)


def make_category(slug: str = "noise", *, kind: str = Kind.INCIDENT, group: str = "public-order", **fields) -> Category:
    group_row, _ = CategoryGroup.objects.get_or_create(slug=group, defaults={"label": group.title(), "kind": kind})
    label = fields.pop("label", slug.title())
    category, _ = Category.objects.get_or_create(
        slug=slug, defaults={"label": label, "kind": kind, "group": group_row, **fields}
    )
    return category


def make_incident(agency: Agency, **fields) -> Incident:
    return _make_record(Incident, agency, fields)


def make_complaint(agency: Agency, **fields) -> Complaint:
    return _make_record(Complaint, agency, fields)


def _make_record(model: type[Record], agency: Agency, fields: dict) -> Record:
    """Detail fields (description, place_text, reference, lon, lat, …) go to the detail, the rest to the face."""
    make_city()
    lon, lat = fields.pop("place", STATION)
    detail_names = {field.name for field in model.detail_model()._meta.get_fields()} - {"record", "agency", "cell"}
    detail = {name: fields.pop(name) for name in list(fields) if name in detail_names}
    kind = model._meta.model_name
    defaults = {
        "category": fields.pop("category", None) or make_category(f"{kind}-kind", kind=kind, group=f"{kind}-group"),
        "occurred_from": timezone.now() - datetime.timedelta(days=1),
        "sharing_level": SharingLevel.INTERNAL,
        "accuracy": "point",
        "cell": cell_at(lon, lat, SHARED_RESOLUTION),
        "district": Area.objects.get(slug="west" if lon < MIDDLE else "ost"),
    }
    record = model.objects.create(agency=agency, **(defaults | fields))
    model.detail_model().objects.create(
        record=record,
        agency=agency,
        year=2026,
        number=next(_numbers),
        **({"lon": lon, "lat": lat, "cell": cell_at(lon, lat, DETAIL_RESOLUTION)} | detail),
    )
    return record
