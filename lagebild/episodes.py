"""Signals become findings: episodes, not evenings.

An alarm within three cells and fourteen days of a known signal of the same stream is the same finding, and so is one at
the hotspot of the same group. What was dismissed or closed stays quiet until it has grown.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass

import h3.api.basic_int as h3

from agencies.models import Agency
from incidents.models import Area, CategoryGroup, Kind
from lagebild.findings import KIND_OF_STREAM, SAME_PLACE_RINGS
from lagebild.models import QUIET, Finding, FindingStatus, Picture, Sighting, Signal
from lagebild.night_models import NightPart
from lagebild.numbering import next_finding_number
from lagebild.scanning import JOINT
from lagebild.selectors import City
from lagebild.streams import named_agencies
from lagebild.watch import Watch
from lagebild.wording import place_label

EPISODE_DAYS = 14
# What was dismissed speaks again with half as many cases again, and at least three more.
GROWN_BY, GROWN_CASES = 1.5, 3


@dataclass(frozen=True)
class _Found:
    """One cluster of one part, as the scan has told it."""

    stream: str
    label: str
    kind: str
    group_id: int | None
    rank: int
    is_alarm: bool
    part: dict
    words: dict


def record_signals(picture: Picture, watch: Watch, parts: Iterable[NightPart], city: City) -> list[Signal]:
    """Store each part's best cluster and all that alarm; alarms are tied to a known finding or a new one."""
    slugs = dict(Agency.objects.values_list("pk", "slug"))
    signals: list[Signal] = []
    for found in _clusters(watch, parts):
        district = city.district_of_cell.get(found.words["center"])
        explained = _explained_by(found, signals)
        finding = explained or (_finding(picture, found, district) if found.is_alarm else None)
        signals.append(_signal(picture, found, finding, slugs, is_explained=explained is not None))
    return Signal.objects.bulk_create(signals)


def _explained_by(found: _Found, earlier: list[Signal]) -> Finding | None:
    """Of a joint alarm: the finding of a stream that alarms by itself at the same place and is part of it."""
    if not found.is_alarm or not found.stream.startswith(JOINT):
        return None
    streams, cells = {part["stream"] for part in found.words["parts"]}, set(found.words["cells"])
    return next((s.finding for s in earlier if s.is_alarm and s.stream in streams and cells & set(s.cells)), None)


def _clusters(watch: Watch, parts: Iterable[NightPart]) -> list[_Found]:
    """Alarms first, single streams before joint searches, the surest first: it has the lowest number of the night."""
    groups = {f"group:{group.slug}": group.pk for group in CategoryGroup.objects.all()}
    found = []
    for part in parts:
        result, key = part.result, part.stream
        kind = watch.kind(key)
        alarms = result["alarms"]
        shown = alarms or ([result["best"]] if result["best"] else [])
        found += [
            _Found(key, watch.label(key), kind, groups.get(key), rank, bool(alarms), result, words)
            for rank, words in enumerate(shown, start=1)
        ]
    return sorted(
        found,
        key=lambda f: (not f.is_alarm, f.stream.startswith(JOINT), f.words["p"], -f.words["llr"], f.stream, f.rank),
    )


def _finding(picture: Picture, found: _Found, district: Area | None) -> Finding:
    known = _known(picture, found)
    if known is None:
        return Finding.objects.create(
            number=next_finding_number(),
            kind=KIND_OF_STREAM[Kind(found.kind)],
            group_id=found.group_id,
            subject="" if found.group_id else found.label,
            district=district,
            place_label=place_label(found.words["center"], district),
            first_seen_on=picture.date,
            last_seen_on=picture.date,
        )
    now = _size(found.words.get("count"), found.words.get("parts", []))
    continue_finding(known, picture, before=_seen(known, found), now=now)
    return known


def continue_finding(known: Finding, picture: Picture, *, before: int, now: int) -> None:
    """Tonight's picture shows the finding again; what was put aside with `before` cases speaks if it has grown."""
    if known.status in QUIET and now >= max(GROWN_BY * before, before + GROWN_CASES):
        known.status = FindingStatus.PROPOSED
    known.last_seen_on = max(known.last_seen_on, picture.date)
    known.save(update_fields=("status", "last_seen_on"))


def _known(picture: Picture, found: _Found) -> Finding | None:
    """The finding that an alarm continues: an episode of the stream, else tonight's hotspot of its group."""
    near = h3.grid_disk(found.words["center"], SAME_PLACE_RINGS)
    since = picture.date - dt.timedelta(days=EPISODE_DAYS)
    episodes = Signal.objects.filter(
        stream=found.stream, finding__isnull=False, picture__date__range=(since, picture.date), center_cell__in=near
    )
    last = episodes.select_related("finding").order_by("-picture__date", "-picture__revision", "rank").first()
    if last is not None:
        return last.finding
    if found.group_id is None:
        return None
    hotspots = Sighting.objects.filter(picture=picture, finding__group_id=found.group_id, center_cell__in=near)
    hotspot = hotspots.select_related("finding").order_by("rank").first()
    return hotspot.finding if hotspot is not None else None


def _seen(known: Finding, found: _Found) -> int:
    """The largest signal the person saw who dismissed or closed it."""
    seen = Signal.objects.filter(finding=known, stream=found.stream)
    if known.assessed_at:
        seen = seen.filter(picture__published_at__lte=known.assessed_at)
    return max((_size(signal.count, signal.parts) for signal in seen), default=0)


def _size(count: int | None, parts: list[dict]) -> int:
    """Cases of one stream, or of the strongest of several: those of different streams are not added."""
    return count if count is not None else max((part["count"] for part in parts), default=0)


def _signal(
    picture: Picture, found: _Found, finding: Finding | None, slugs: dict[int, str], *, is_explained: bool
) -> Signal:
    words = found.words
    counts = {int(pk): count for pk, count in words["agencies"].items()}
    return Signal(
        picture=picture,
        stream=found.stream,
        stream_label=found.label,
        kind=found.kind,
        finding=finding,
        rank=found.rank,
        is_alarm=found.is_alarm,
        center_cell=words["center"],
        cells=words["cells"],
        first_day=picture.date - dt.timedelta(days=words["days"] - 1),
        days=words["days"],
        count=words.get("count"),
        expected=words.get("expected"),
        llr=words["llr"],
        p_value=words["p"],
        replicates=found.part["replicates"],
        is_fitted=found.part["is_fitted"],
        is_merged_only=found.is_alarm and not is_explained and len(words["agencies"]) > 1 and not words.get("alone"),
        agencies=named_agencies(counts, slugs),
        parts=words.get("parts", []),
    )
