"""Continuity: tonight's hotspot is yesterday's finding where stream and place agree."""

from __future__ import annotations

import datetime as dt

import h3.api.basic_int as h3

from incidents.models import Kind
from lagebild.models import Finding, FindingKind, Picture, Sighting
from lagebild.numbering import next_finding_number
from lagebild.streams import HotspotResult
from lagebild.wording import place_label

SAME_PLACE_RINGS = 3
KIND_OF_STREAM = {Kind.INCIDENT: FindingKind.BRENNPUNKT, Kind.COMPLAINT: FindingKind.BESCHWERDEHOTSPOT}


def record_sightings(
    picture: Picture, hotspots: list[HotspotResult], period: tuple[dt.date, dt.date]
) -> list[Sighting]:
    """Store tonight's hotspots as sightings of known findings or of new ones, best first within each kind."""
    known = _last_places()
    number = next_finding_number()
    taken: set = set()
    sightings = []
    ranks: dict[str, int] = {}
    for hotspot in sorted(hotspots, key=lambda h: (h.p_value, -h.count, h.center_cell, h.group.pk)):
        kind = KIND_OF_STREAM[hotspot.group.kind]
        finding = _match(known, hotspot, kind, taken)
        if finding is None:
            finding = _new_finding(number, kind, hotspot, picture.date)
            number += 1
        elif finding.last_seen_on < picture.date:
            finding.last_seen_on = picture.date
            finding.save(update_fields=("last_seen_on",))
        taken.add(finding.pk)
        ranks[kind] = ranks.get(kind, 0) + 1
        sightings.append(_sighting(picture, finding, hotspot, ranks[kind], period))
    return Sighting.objects.bulk_create(sightings)


def _last_places() -> dict[tuple[str, int], list[tuple[Finding, int]]]:
    """(kind, group id) -> findings with the centre cell of their latest sighting."""
    latest = (
        Sighting.objects.select_related("finding")
        .order_by("finding_id", "-picture__date", "-picture__revision")
        .distinct("finding_id")
    )
    places: dict[tuple[str, int], list[tuple[Finding, int]]] = {}
    for sighting in latest:
        finding = sighting.finding
        places.setdefault((finding.kind, finding.group_id), []).append((finding, sighting.center_cell))
    return places


def _match(known: dict, hotspot: HotspotResult, kind: str, taken: set) -> Finding | None:
    candidates = [
        (h3.grid_distance(center, hotspot.center_cell), finding.number, finding)
        for finding, center in known.get((kind, hotspot.group.pk), [])
        if finding.pk not in taken and center in h3.grid_disk(hotspot.center_cell, SAME_PLACE_RINGS)
    ]
    return min(candidates)[2] if candidates else None


def _new_finding(number: int, kind: str, hotspot: HotspotResult, day: dt.date) -> Finding:
    return Finding.objects.create(
        number=number,
        kind=kind,
        group=hotspot.group,
        district=hotspot.district,
        place_label=place_label(hotspot.center_cell, hotspot.district),
        first_seen_on=day,
        last_seen_on=day,
    )


def _sighting(
    picture: Picture, finding: Finding, hotspot: HotspotResult, rank: int, period: tuple[dt.date, dt.date]
) -> Sighting:
    return Sighting(
        picture=picture,
        finding=finding,
        rank=rank,
        cells=list(hotspot.cells),
        center_cell=hotspot.center_cell,
        period_start=period[0],
        period_end=period[1],
        count=hotspot.count,
        expected=hotspot.expected,
        p_value=hotspot.p_value,
        status_word=hotspot.status_word,
        active_since=hotspot.active_since,
        recent_count=hotspot.recent_count,
        recent_before=hotspot.recent_before,
        is_merged_only=hotspot.is_merged_only,
        agencies=list(hotspot.agencies),
    )
