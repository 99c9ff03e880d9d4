"""Agencies, memberships and accounts of the demonstration."""

from __future__ import annotations

import datetime
import json
from dataclasses import dataclass
from pathlib import Path

from django.contrib.auth.hashers import make_password
from django.core.files.base import ContentFile

from agencies import memberships, people
from agencies.directory import load_agencies
from agencies.models import Agency, Membership, User
from agencies.roles import Role
from incidents.demo.habits import SUSPENDED

PASSWORD = "Lagebild-Demo-2026"  # noqa: S105  published on purpose: demonstration only
AGENCIES_FILE = Path(memberships.__file__).resolve().parent / "data" / "agencies.json"
STAFF = (
    ("erfassung", Role.ENTRY, "Erfassung"),
    ("freigabe", Role.RELEASE, "Freigabe"),
    ("leitung", Role.LEAD, "Leitung"),
)
COORDINATION = (
    ("vorsitz", Role.CHAIR, "Vorsitz"),
    ("datenschutz", Role.DATA_PROTECTION, "Datenschutz"),
    ("admin", Role.ADMIN, "Administration"),
    ("vertretung", Role.ADMIN, "Vertretung der Administration"),
)
INACTIVE = ("inaktiv", "polizei")


@dataclass(frozen=True)
class Cast:
    """Agencies by slug, accounts by e-mail address."""

    agencies: dict[str, Agency]
    people: dict[str, User]

    def person(self, role: str, agency: str) -> User:
        return self.people[f"{role}@{agency}.example"]


def assemble(*, until: datetime.date) -> Cast:
    """Create what is missing; the same call again finds everything in place."""
    load_agencies(json.loads(AGENCIES_FILE.read_text(encoding="utf-8")))
    Agency.objects.update(is_demonstration=True)
    agencies = {agency.slug: agency for agency in Agency.objects.select_related("parent")}
    members = Membership.objects.current().select_related("agency").order_by("agency__slug")
    for membership in members:
        _bring_into_force(membership, until)
    people = [
        _person(agency, name, role, f"{title} {agency.short_name}")
        for agency in (membership.agency for membership in members)
        for name, role, title in (COORDINATION if agency.is_coordination else STAFF)
    ]
    people.append(_person(agencies[INACTIVE[1]], INACTIVE[0], Role.ENTRY, "Ehemalige Kraft"))
    _set_passwords(people)
    return Cast(agencies, {user.email: user for user in User.objects.filter(agency__in=agencies.values())})


def _bring_into_force(membership: Membership, until: datetime.date) -> None:
    if membership.status != "draft":
        return
    document = ContentFile(
        f"Demonstration: Vereinbarung mit {membership.agency.name}, ohne rechtliche Bedeutung.\n".encode(),
        name=f"demonstration-{membership.agency.slug}.txt",
    )
    memberships.describe_agreement(
        membership=membership,
        purpose="Gemeinsames Lagebild der Sicherheitskooperation (Demonstration).",
        legal_basis="Vereinbarung ohne rechtliche Bedeutung (Demonstration).",
        contact_name=f"Leitung {membership.agency.short_name}",
        contact_function="Leitung",
        contact_email=f"leitung@{membership.agency.slug}.example",
        notice="Kündigung mit einer Frist von drei Monaten zum Jahresende.",
        by=None,
    )
    memberships.sign_membership(
        membership=membership,
        signed_on=membership.valid_from,
        signatory="Demonstration",
        document=document,
        by=None,
    )
    memberships.activate_membership(membership=membership, by=None)
    if membership.agency.slug == SUSPENDED:
        memberships.suspend_membership(
            membership=membership, reason="Rechtliche Prüfung des Datenaustauschs (Demonstration).", by=None
        )


def _person(agency: Agency, name: str, role: Role, full_name: str) -> User:
    email = f"{name}@{agency.slug}.example"
    existing = User.objects.filter(email=email).first()
    return existing or people.add_person(agency=agency, email=email, full_name=full_name, roles={role})


def _set_passwords(people: list[User]) -> None:
    # One hash for all: the password is published anyway, and forty slow hashes would cost seconds.
    password = make_password(PASSWORD)
    User.objects.filter(pk__in=[user.pk for user in people]).update(password=password)
    User.objects.filter(email=f"{INACTIVE[0]}@{INACTIVE[1]}.example").update(is_active=False)
