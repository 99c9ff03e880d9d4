"""Finished values for the Lagebild page, out of one stored picture. At most five queries."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping

from django.urls import reverse
from django.utils import timezone

from incidents.models import AreaKind, CategoryGroup, Kind
from lagebild import layers
from lagebild.calendar import special_spans
from lagebild.edition_content import COVERAGE_STATES, charted_groups, week_label
from lagebild.figures.calendar import LABELS, Span, kinds_in_words, week_marks
from lagebild.figures.charts import Panel, draw_weekly_lines
from lagebild.figures.coverage import CoverageRow, describe, draw_coverage
from lagebild.forms import PictureFilter
from lagebild.hour_words import hours_block
from lagebild.models import QUIET, Picture, Sighting, StatusWord, Trend, WeekState
from lagebild.phenomena.pages import picture_section
from lagebild.selectors import week_of
from lagebild.wording import (
    change_text,
    expected_text,
    german_number,
    is_counted_only,
    percent_text,
    period_text,
    recent_text,
    strength_text,
    week_text,
)

NEW_FIRST = (StatusWord.NEW, StatusWord.SPORADIC, StatusWord.PERSISTENT, StatusWord.UNKNOWN, StatusWord.FORMER)
COVERAGE_WEEKS_SHOWN = 26


def picture_page(picture: Picture, choice: Mapping[str, str]) -> dict:
    """Context of the page; `choice` is the address: art (kind), gruppe (group slug), bezirk (area slug)."""
    kind = choice.get("art") if choice.get("art") in Kind.values else ""
    groups = list(CategoryGroup.objects.all())
    group = next((g for g in groups if g.slug == choice.get("gruppe")), None)
    sightings = _sightings(picture, kind or (group.kind if group else ""), group, choice.get("bezirk", ""))
    trends = list(
        picture.trends.select_related("area", "group").order_by("area__number", "group__kind", "group__order")
    )
    areas = [a for a in {t.area_id: t.area for t in trends}.values() if a.kind == AreaKind.DISTRICT]
    age_days = (timezone.localdate() - picture.date).days
    spans = _spans(trends)
    unlocated = picture.parameters.get("unlocated_percent")
    return {
        "picture": picture,
        "period": period_text(dt.date.fromisoformat(picture.parameters["first"]), picture.date),
        "group": group,
        "filter_form": PictureFilter(choice, groups=groups, areas=areas),
        "reset_url": reverse("lagebild:picture"),
        "age_days": age_days,
        "is_stale": age_days > 1,
        "signals": _signals(picture),
        "phenomena": picture_section(picture),
        "findings": [finding_lines(sighting) for sighting in sightings],
        "table_rows": [_table_row(sighting) for sighting in sightings],
        "cells_url": f"{reverse('lagebild:cells')}?stand={picture.pk}" + (f"&gruppe={group.slug}" if group else ""),
        "shown_kinds": (group.kind if group else kind) or "incident,complaint",
        "legends": _legends(group),
        "trend_tables": _trend_tables(trends, choice.get("bezirk", "")),
        "charts": _charts(trends, group, spans),
        "special_days": [_special_row(span) for span in spans],
        "hours": _hours(picture, group) if group else None,
        "coverage": _coverage(picture),
        "unlocated_text": f"{percent_text(unlocated)} der freigegebenen Meldungen haben keinen verwertbaren Ort."
        if unlocated
        else "",
    }


def _signals(picture: Picture) -> dict | None:
    """Alarms of the night with their addresses, and what came nearest; None for a picture of before the scan."""
    stored = picture.parameters.get("signals")
    if stored is None or "alarms" not in stored:
        return None
    alarms = [row | {"url": reverse("lagebild:finding", args=(row["finding"],))} for row in stored["alarms"]]
    once = german_number(float(f"{1 / stored['threshold_p']:.2g}"))
    return {"alarms": alarms, "nearest": stored["nearest"], "streams": stored["streams"], "threshold": once}


def _sightings(picture: Picture, kind: str, group: CategoryGroup | None, district: str) -> list[Sighting]:
    rows = picture.sightings.select_related("finding__group", "finding__district", "finding__responsible_agency")
    if kind:
        rows = rows.filter(finding__group__kind=kind)
    if group:
        rows = rows.filter(finding__group=group)
    if district:
        rows = rows.filter(finding__district__slug=district)
    order = {word: index for index, word in enumerate(NEW_FIRST)}
    return sorted(
        rows,
        key=lambda s: (s.finding.status in QUIET, not s.is_merged_only, order[StatusWord(s.status_word)], s.rank, s.pk),
    )


def finding_lines(sighting: Sighting) -> dict:
    """The three lines of a finding: what and where, since when and how strong, who does what."""
    finding = sighting.finding
    since = f"seit {sighting.active_since:%d.%m.%Y}" if sighting.active_since else "über das Jahr verteilt"
    if finding.responsible_agency:
        doing = f"{finding.get_status_display()}, zuständig: {finding.responsible_agency.short_name}"
    else:
        doing = f"{finding.get_status_display()}, noch niemand zuständig"
    return {
        "url": reverse("lagebild:finding", args=(finding.pk,)),
        "kind": finding.kind,
        "what": f"{finding.group.label}, {finding.place_label}",
        "district": finding.district.name
        if finding.district and finding.district.name not in finding.place_label
        else "",
        "word": sighting.get_status_word_display(),
        "since": since,
        "strength": strength_text(sighting),
        "recent": recent_text(sighting),
        "is_merged_only": sighting.is_merged_only,
        "doing": doing,
    }


def _table_row(sighting: Sighting) -> dict:
    finding = sighting.finding
    return {
        "url": reverse("lagebild:finding", args=(finding.pk,)),
        "place": finding.place_label,
        "kind": finding.kind,
        "group": finding.group.label,
        "district": finding.district.name if finding.district else "–",
        "word": sighting.get_status_word_display() + (", nur gemeinsam erkennbar" if sighting.is_merged_only else ""),
        "count": german_number(sighting.count),
        "expected": expected_text(sighting.expected),
        "recent": german_number(sighting.recent_count),
        "before": german_number(sighting.recent_before),
    }


def _legends(group: CategoryGroup | None) -> list[dict]:
    if group is None:
        steps = [{"ramp": i + 1, "label": label} for i, label in enumerate(layers.RATIO_LABELS)]
        title = "gegenüber gleichmäßiger Verteilung"
        return [{"kind": kind.value, "steps": steps, "title": title} for kind in Kind]
    fifths = ("unteres Fünftel", "zweites", "mittleres", "viertes", "oberes Fünftel")
    steps = [{"ramp": i + 1, "label": label} for i, label in enumerate(fifths)]
    return [{"kind": group.kind, "steps": steps, "title": f"{group.label}, Waben nach Zahl der Meldungen"}]


def _trend_tables(trends: list[Trend], area_slug: str) -> list[dict]:
    """One table per kind for the chosen district, else for the city."""
    chosen = [t for t in trends if t.area.slug == area_slug] or [t for t in trends if t.area.kind == AreaKind.CITY]
    tables = []
    for kind in Kind:
        rows = [trend for trend in chosen if trend.group.kind == kind]
        if rows:
            name = "Stadt gesamt" if rows[0].area.kind == AreaKind.CITY else f"Stadtbezirk {rows[0].area.name}"
            period = period_text(rows[0].period_start, rows[0].period_end)
            tables.append(
                {
                    "caption": f"{layers.KIND_LABELS[kind]}, {name}, {period} gegen das Vorjahr",
                    "rows": [_trend_row(trend) for trend in rows],
                }
            )
    return tables


def _trend_row(trend: Trend) -> dict:
    only_counted = is_counted_only(trend)
    return {
        "label": trend.group.label,
        "unit": trend.unit_label,
        "current": "–" if only_counted else german_number(trend.current),
        "previous": "–" if only_counted or trend.previous is None else german_number(trend.previous),
        "change": change_text(trend),
        "verdict": "nur gezählt" if only_counted else trend.get_verdict_display(),
        "tone": {"rise": "danger", "fall": "success"}.get(trend.verdict, "neutral"),
        "weeks": trend.weeks_compared,
        "last_week": week_text(trend),
        "week_state": trend.get_week_state_display(),
        "week_tone": {WeekState.HIGH: "danger", WeekState.LOW: "info"}.get(trend.week_state, "neutral"),
        "protected": german_number(trend.protected_current) if trend.protected_current else "–",
    }


def _hours(picture: Picture, group: CategoryGroup) -> dict | None:
    """When it happens; None where the picture has no case of the group, or is of before hours were told."""
    profile = picture.timeprofiles.filter(group=group, finding=None).first()
    if profile is None:
        return None
    profile.group = group
    return hours_block(profile, label=group.label)


def _spans(trends: list[Trend]) -> tuple[Span, ...]:
    """What the calendar says today of the weeks the charts show."""
    if not trends:
        return ()
    districts = {trend.area.slug: trend.area.name for trend in trends if trend.area.kind == AreaKind.DISTRICT}
    return special_spans(trends[0].period_start, trends[0].period_end, districts)


def _special_row(span: Span) -> dict:
    first, last = week_label(week_of(span.first)), week_label(week_of(span.last))
    return {
        "period": f"{span.first:%d.%m.%Y}" if span.first == span.last else period_text(span.first, span.last),
        "weeks": first if first == last else f"{first} bis {last}",
        "kind": LABELS[span.kind],
        "name": span.name,
        "where": ", ".join(span.districts) or "ganze Stadt",
    }


def _charts(trends: list[Trend], group: CategoryGroup | None, spans: tuple[Span, ...]) -> list[dict]:
    """Small multiples per district: the chosen group, else the largest series of each kind."""
    keys = (
        [(t.group_id, t.unit_label) for t in trends if t.group_id == group.pk and t.area.kind == AreaKind.CITY]
        if group
        else [key for kind in Kind for key in charted_groups(trends, kind)[:1]]
    )
    charts = []
    for key in keys:
        rows = [t for t in trends if (t.group_id, t.unit_label) == key and t.area.kind == AreaKind.DISTRICT]
        if rows:
            charts.append(_chart(rows, spans))
    return charts


def _chart(rows: list[Trend], spans: tuple[Span, ...]) -> dict:
    first = rows[0]
    title = f"{first.group.label} je Kalenderwoche und Stadtbezirk"
    svg = draw_weekly_lines(
        kind=first.group.kind,
        title=title,
        description=f"{title}, {period_text(first.period_start, first.period_end)}, gleicher Maßstab. "
        f"{kinds_in_words(spans)}",
        panels=tuple(
            Panel(
                row.area.name,
                tuple(row.weeks),
                tuple(row.weeks_before),
                week_marks(spans, row.first_week, len(row.weeks), row.area.name),
            )
            for row in rows
        ),
        first_week=first.first_week,
        unit=first.unit_label,
        current_label=period_text(first.period_start, first.period_end),
        previous_label="Vorjahr",
        columns=4,
        width=1180,
    )
    return {"title": f"{title} ({first.unit_label})", "svg": svg}


def _coverage(picture: Picture) -> dict:
    rows: dict[str, list[str]] = {}
    weeks: dict[dt.date, None] = {}
    for row in picture.coverages.select_related("agency").order_by("agency__short_name", "week"):
        rows.setdefault(row.agency.short_name, []).append(COVERAGE_STATES[row.state])
        weeks[row.week] = None
    shown = list(weeks)[-COVERAGE_WEEKS_SHOWN:]
    table = tuple(CoverageRow(name, tuple(cells[-len(shown) :])) for name, cells in rows.items()) if shown else ()
    return {
        "svg": draw_coverage(
            title="Datenstand je Behörde und Woche",
            description=describe(table),
            periods=tuple(week_label(week) for week in shown),
            rows=table,
            width=1180,
        )
        if table
        else "",
        "words": describe(table),
    }
