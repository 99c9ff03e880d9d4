"""Says in plain German who sees a record, what stays behind, and why somebody sees it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from django.utils import timezone

from agencies import sharing
from agencies.inspection_models import Inspection
from agencies.models import Agency
from agencies.visibility import SharingLevel
from incidents.models import Category, Kind, Record


@dataclass(frozen=True)
class Sight:
    who: str
    shown: str
    kept: str
    counted: str

    @property
    def sentences(self) -> list[str]:
        return [text for text in (self.who, self.shown, self.kept, self.counted) if text]


def sight_of_level(*, agency: Agency, category: Category, level: str) -> Sight:
    """Who will see a record of this category saved at this level. At most two queries."""
    shared = level == SharingLevel.COOPERATION and category.is_shareable and agency.is_sharing
    others = list(Agency.objects.active().exclude(pk=agency.pk)) if shared else []
    return _sight(agency=agency, category=category, level=level, others=others, granted=[])


def sight_of_record(record: Record, granted: Sequence[Agency]) -> Sight:
    """Who sees the record now, `granted` being the agencies with a grant on it. At most two queries."""
    others = sharing.agencies_seeing(record)
    by_level = others if record.sharing_level == SharingLevel.COOPERATION else []
    by_grant = [agency for agency in others if agency in granted] if not by_level else []
    return _sight(
        agency=record.agency, category=record.category, level=record.sharing_level, others=by_level, granted=by_grant
    )


def _sight(*, agency: Agency, category: Category, level: str, others: list[Agency], granted: list[Agency]) -> Sight:
    own = f"Ihre Behörde ({agency.short_name})"
    counted = _counted(agency, category, level)
    if not category.is_shareable:
        return Sight(f"Nur {own} sieht diese Meldung; Meldungen dieser Art werden nie freigegeben.", "", "", counted)
    if not others and not granted:
        inactive = " Die Mitgliedschaft Ihrer Behörde ist nicht aktiv." if not agency.is_sharing else ""
        return Sight(f"Nur {own} sieht diese Meldung.{inactive}", "", "", counted)
    way = " durch Einzelfreigabe" if granted else ""
    return Sight(
        who=f"Außer Ihrer Behörde sehen diese Meldung{way}: {listed(others or granted)}.",
        shown=_shown(category),
        kept=_kept(category),
        counted=counted,
    )


def _shown(category: Category) -> str:
    place = (
        "den Ort als Wabe von rund 400 Metern Durchmesser" if category.may_have_cell else "vom Ort nur den Stadtbezirk"
    )
    return f"Sie sehen Art, Zeitraum, Status und Schwere sowie {place}."


def _kept(category: Category) -> str:
    contact = "Kontaktangaben, " if category.kind == Kind.COMPLAINT else ""
    return f"Genauer Ort, Sachverhalt, {contact}interner Vermerk und Aktenzeichen bleiben in Ihrer Behörde."


def _counted(agency: Agency, category: Category, level: str) -> str:
    if level == SharingLevel.INTERNAL or not category.in_picture or not agency.is_sharing:
        return "Im Lagebild wird sie nicht gezählt."
    if level == SharingLevel.STATISTICS:
        return "Im Lagebild wird sie nur als Zahl mitgezählt; kleine Anzahlen bleiben geschützt."
    return "Im Lagebild wird sie mitgezählt."


def listed(agencies: Sequence[Agency]) -> str:
    """ "Ordnungsamt, Feuerwehr und Zoll"."""
    names = sorted((agency.short_name for agency in agencies), key=str.casefold)
    return " und ".join([", ".join(names[:-1]), names[-1]]) if len(names) > 1 else "".join(names)


def is_granted_singly(record: Record) -> bool:
    """Whether a foreign record that one sees is seen by a grant and not by its level."""
    return record.sharing_level != SharingLevel.COOPERATION


def reason_for(record: Record, actor) -> str:
    """Why the actor, who may see the record, sees it. No queries."""
    if record.agency_id == actor.agency_id:
        return "Sie sehen diese Meldung, weil Ihre Behörde sie erfasst hat."
    if not is_granted_singly(record):
        return (
            f"Sie sehen diese Meldung, weil die erfassende Behörde ({record.agency.short_name}) sie für die "
            "Kooperation freigegeben hat und Ihre Behörde aktives Mitglied ist."
        )
    return (
        f"Sie sehen diese Meldung, weil die erfassende Behörde ({record.agency.short_name}) sie Ihrer Behörde "
        "einzeln freigegeben hat. Andere Behörden sehen sie nur, wenn sie ebenfalls benannt sind."
    )


def reason_in_inspection(inspection: Inspection) -> str:
    """Why the administration sees a record at the moment. No queries."""
    return (
        f"Sie sehen diese Meldung in einer Sondereinsicht, die um {timezone.localtime(inspection.ends_at):%H:%M} Uhr "
        f"endet. Jede Einsicht wird mit dem Grund festgehalten; die Leitung von {inspection.agency.short_name} erfährt "
        "davon."
    )
