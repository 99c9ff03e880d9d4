"""Which hotspots an edition prints, in which order, and what their blocks say."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Mapping

from django.utils import timezone

from incidents.geo import cell_boundary
from lagebild.models import Finding, FindingKind, FindingStatus, Sighting, StatusWord
from lagebild.printing import content as printed
from lagebild.wording import period_text, recent_text, strength_text

PER_KIND = 12
PER_PLACE = 2
ASSESSED = (FindingStatus.CONFIRMED, FindingStatus.TREATED)
_LETTERS = {FindingKind.BRENNPUNKT: "V", FindingKind.BESCHWERDEHOTSPOT: "B"}
_NOUNS = {FindingKind.BRENNPUNKT: "Brennpunkten", FindingKind.BESCHWERDEHOTSPOT: "Beschwerdehotspots"}


def chosen_hotspots(sightings: list[Sighting]) -> list[Sighting]:
    """Per kind what a chair must see first, at most PER_PLACE of the same place; dismissed ones are left out."""
    chosen = []
    for kind in _LETTERS:
        places: Counter[str] = Counter()
        for sighting in sorted(_printable(sightings, kind), key=_urgency):
            place = sighting.finding.place_label
            if places[place] < PER_PLACE and places.total() < PER_KIND:
                places[place] += 1
                chosen.append(sighting)
    return chosen


def choice_note(sightings: list[Sighting], chosen: list[Sighting]) -> str:
    """How many of how many are printed, and why these; empty where none is left out."""
    parts = []
    for kind, noun in _NOUNS.items():
        found = len(_printable(sightings, kind))
        shown = sum(sighting.finding.kind == kind for sighting in chosen)
        if shown < found:
            parts.append(f"{shown} von {found} {noun}")
    if not parts:
        return ""
    return (
        f"Aufgeführt sind {' und '.join(parts)}: zuerst die nur gemeinsam erkennbaren, dann neue, ehemalige und "
        f"bewertete, danach die übrigen nach Stärke; je Ort höchstens {'zwei' if PER_PLACE == 2 else PER_PLACE}. "
        "Alle stehen im Portal unter „Erkenntnisse“."
    )


def _printable(sightings: list[Sighting], kind: str) -> list[Sighting]:
    return [s for s in sightings if s.finding.kind == kind and s.finding.status != FindingStatus.DISMISSED]


def _urgency(sighting: Sighting) -> tuple[int, int]:
    """Seen only together, new, former, assessed, the rest; within each the strongest first."""
    signs = (
        sighting.is_merged_only,
        sighting.status_word == StatusWord.NEW,
        sighting.status_word == StatusWord.FORMER,
        sighting.finding.status in ASSESSED,
        True,
    )
    return signs.index(True), sighting.rank


def hotspot_blocks(chosen: list[Sighting], names: Mapping[str, str]) -> list[printed.Hotspot]:
    """The chosen ones, numbered V 1 … and B 1 … in their printed order."""
    numbers: Counter[str] = Counter()
    blocks = []
    for sighting in chosen:
        numbers[sighting.finding.kind] += 1
        blocks.append(_block(sighting, numbers[sighting.finding.kind], names))
    return blocks


def _block(sighting: Sighting, number: int, names: Mapping[str, str]) -> printed.Hotspot:
    finding = sighting.finding
    return printed.Hotspot(
        kind=finding.kind,
        rank=number,
        label=f"{_LETTERS[FindingKind(finding.kind)]} {number}",
        title=finding.place_label,
        group_label=finding.group.label,
        district=f"Stadtbezirk {finding.district.name}" if finding.district else "ohne Stadtbezirk",
        period=period_text(sighting.period_start, sighting.period_end),
        count=sighting.count,
        expected=round(sighting.expected, 1),
        ratio_text=f"{strength_text(sighting)}; {recent_text(sighting)}",
        status_label=_status_text(sighting),
        merged_only=sighting.is_merged_only,
        agencies=tuple(names[slug] for slug in sighting.agencies),
        cells=tuple(printed.HotspotCell(ring(cell)) for cell in sighting.cells),
        assessment=assessment_text(finding),
        measure=doing_text(finding),
    )


def ring(cell: int) -> tuple[tuple[float, float], ...]:
    return tuple((lon, lat) for lon, lat in cell_boundary(cell)[:-1])


def _status_text(sighting: Sighting) -> str:
    word = sighting.get_status_word_display()
    if sighting.status_word == StatusWord.NEW and sighting.active_since:
        return f"{word} seit {_day(sighting.active_since)}"
    return word


def assessment_text(finding: Finding) -> str | None:
    """Status, assessment, who assessed it and when; None while nobody has."""
    if finding.assessed_by is None:
        return None
    agency = finding.assessed_by.agency
    by = [str(finding.assessed_by), agency.short_name if agency else "", _day(finding.assessed_at)]
    return f"{finding.get_status_display()}: {finding.assessment} ({', '.join(filter(None, by))})"


def doing_text(finding: Finding) -> str | None:
    """Who is responsible, why nothing is done, when to look again; None while none of it is settled."""
    agency = finding.responsible_agency
    parts = [
        f"Zuständig: {agency.short_name}" if agency else "",
        f"keine Maßnahme, weil: {finding.no_measure_reason}" if finding.no_measure_reason else "",
        f"Wiedervorlage am {_day(finding.review_on)}" if finding.review_on else "",
    ]
    text = "; ".join(filter(None, parts))
    return text[:1].upper() + text[1:] or None


def _day(moment: dt.date | dt.datetime | None) -> str:
    if isinstance(moment, dt.datetime):
        moment = timezone.localtime(moment)
    return f"{moment:%d.%m.%Y}" if moment else ""
