"""What the looks have found becomes findings: one finding as long as the form goes on."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass

import h3.api.basic_int as h3

from agencies.models import Agency
from incidents.models import Category, CategoryGroup
from lagebild.episodes import continue_finding
from lagebild.findings import SAME_PLACE_RINGS
from lagebild.models import Finding, FindingKind, Phenomenon, Picture
from lagebild.night_models import NightPart
from lagebild.numbering import next_finding_number
from lagebild.phenomena.words import subject, where
from lagebild.phenomenon_models import Form
from lagebild.selectors import City
from lagebild.streams import named_agencies

# From one look to the next that still belongs to it: windows that touch, and one quiet quarter.
GAP_DAYS = {Form.MODUS: 56, Form.SHIFT: 84, Form.NEAR_REPEAT: 184, Form.CHAIN: 184}


@dataclass(frozen=True)
class _Names:
    """Rows of the catalogue and slugs of agencies, by what the looks call them."""

    groups: dict[str, CategoryGroup]
    categories: dict[int, Category]
    agencies: dict[int, str]

    @classmethod
    def load(cls) -> _Names:
        return cls(
            {f"group:{group.slug}": group for group in CategoryGroup.objects.all()},
            {category.pk: category for category in Category.objects.all()},
            dict(Agency.objects.values_list("pk", "slug")),
        )


def record_phenomena(picture: Picture, parts: Iterable[NightPart], city: City) -> list[Phenomenon]:
    """Store what passed its level, the surest first, each tied to the finding it continues or to a new one."""
    names = _Names.load()
    found = [_row(picture, part.result, words, names) for part in parts for words in part.result["found"]]
    found.sort(key=lambda row: (row.p_value, row.form, row.group.slug, -row.count, row.cells))
    taken: set = set()
    for row in found:
        row.finding = _finding(picture, row, city, taken)
        taken.add(row.finding.pk)
    return Phenomenon.objects.bulk_create(found)


def _row(picture: Picture, look: dict, words: dict, names: _Names) -> Phenomenon:
    counts = {int(pk): count for pk, count in words["agencies"].items()}
    return Phenomenon(
        picture=picture,
        form=look["form"],
        group=names.groups[words["stream"]],
        second_group=names.groups[words["second"]] if "second" in words else None,
        category=names.categories[words["category"]] if "category" in words else None,
        hours=words.get("hours", ""),
        looked_on=dt.date.fromisoformat(look["looked_on"]),
        first_day=dt.date.fromisoformat(words["first"]),
        last_day=dt.date.fromisoformat(look["looked_on"]),
        count=words["count"],
        expected=words["expected"],
        p_value=words["p"],
        cells=words["cells"],
        is_merged_only=not words["alone"],
        agencies=named_agencies(counts, names.agencies),
        evidence=words["evidence"],
    )


def _finding(picture: Picture, row: Phenomenon, city: City, taken: set) -> Finding:
    known = _known(picture, row, taken)
    if known is None:
        grown = row.evidence["growing"]["center"] if row.form == Form.SHIFT else None
        return Finding.objects.create(
            number=next_finding_number(),
            kind=FindingKind.PHAENOMEN,
            group=row.group,
            subject=subject(row),
            district=city.district_of_cell.get(grown),
            place_label=where(row),
            first_seen_on=picture.date,
            last_seen_on=picture.date,
        )
    continue_finding(known, picture, before=_seen(known), now=row.count)
    return known


def _known(picture: Picture, row: Phenomenon, taken: set) -> Finding | None:
    """The finding of the same form, stream (and modus, second stream) whose last look is near enough; shifts there."""
    same = Phenomenon.objects.filter(
        form=row.form,
        group=row.group,
        second_group=row.second_group,
        category=row.category,
        hours=row.hours,
        picture__date__lte=picture.date,
        looked_on__gte=row.looked_on - dt.timedelta(days=GAP_DAYS[Form(row.form)]),
        looked_on__lte=row.looked_on,
    )
    for earlier in same.select_related("finding").order_by("-looked_on", "-picture__date", "-picture__revision", "pk"):
        if earlier.finding_id not in taken and (row.form != Form.SHIFT or _touch(earlier, row)):
            return earlier.finding
    return None


def _touch(earlier: Phenomenon, row: Phenomenon) -> bool:
    """Both ends of two shifts lie within the rings of one place."""
    return all(
        row.evidence[side]["center"] in h3.grid_disk(earlier.evidence[side]["center"], SAME_PLACE_RINGS)
        for side in ("fading", "growing")
    )


def _seen(known: Finding) -> int:
    """The most the person saw who dismissed or closed it."""
    seen = Phenomenon.objects.filter(finding=known)
    if known.assessed_at:
        seen = seen.filter(picture__published_at__lte=known.assessed_at)
    return max(seen.values_list("count", flat=True), default=0)
