"""What an edition prints: everything out of one stored picture, in published values."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass

from django.conf import settings
from shapely.geometry import shape
from shapely.ops import unary_union

from agencies.models import Agency
from incidents.models import Area, AreaKind, Kind
from lagebild import layers
from lagebild.calendar import special_spans
from lagebild.danger_wording import strength_line
from lagebild.edition_hotspots import (
    ASSESSED,
    assessment_text,
    choice_note,
    chosen_hotspots,
    doing_text,
    hotspot_blocks,
    ring,
)
from lagebild.edition_signals import last_week, signal_chapter, signal_methods
from lagebild.inputs import WEEKS
from lagebild.models import Coverage, CoverageState, Finding, FindingKind, Phenomenon, Picture, Sighting, Trend, Verdict
from lagebild.phenomena.words import sentences
from lagebild.printing import content as printed
from lagebild.stats.weeks import YEAR_DAYS
from lagebild.wording import change_text, is_counted_only, percent_text, strength_text

CHART_GROUPS_PER_KIND = 3
COVERAGE_STATES = {
    CoverageState.DELIVERED: "delivered",
    CoverageState.NOTHING: "none",
    CoverageState.MISSING: "missing",
    CoverageState.NOT_MEMBER: "not_member",
}
# Short enough for one line of a table; the methods explain them.
_VERDICTS = {Verdict.UNCLEAR: "nicht deutlich", Verdict.TOO_FEW: "zu wenige Fälle"}
METHODS = (
    (
        "Gezählt werden nur Meldungen, die ihre Behörde freigegeben hat. Vorfälle und Beschwerden werden nie addiert, "
        "ungleiche Zähleinheiten ebenso wenig. Arten, deren Zahl von der Kontrolldichte abhängt, bilden keine "
        "Brennpunkte."
    ),
    (
        "Ein Brennpunkt oder Beschwerdehotspot ist eine Wabe von etwa 0,1 km² mit ihren Nachbarn, in der deutlich mehr "
        "Meldungen liegen, als bei gleichmäßiger Verteilung über das Stadtgebiet zu erwarten wären (exakter "
        "Binomialtest, Irrtumsanteil 5\N{NO-BREAK SPACE}% nach Benjamini und Hochberg, mindestens fünf Meldungen)."
    ),
    (
        "Verglichen werden dieselben 52 Kalenderwochen mit dem Vorjahr, und nur Wochen, für die alle beteiligten "
        "Behörden in beiden Jahren geliefert haben. „Zunahme“ und „Rückgang“ stehen nur, wo der Unterschied größer ist "
        "als gewöhnliche Schwankungen (95-%-Intervall des Verhältnisses); „nicht deutlich“ heißt, dass er es nicht ist."
    ),
    (
        "Ein Phänomen ist eine Form, die über Orte und Behörden hinweg wiederkehrt: ein Muster, das stadtweit "
        "wächst, eine Verlagerung, Folgefälle in der Nähe, Beschwerden, die Vorfällen vorausgehen. Nach den ersten "
        "beiden wird jede Woche gesucht, nach den anderen jedes Vierteljahr; gemeldet wird nur, was der Zufall über "
        "alle zusammen höchstens etwa einmal im Jahr hervorbringt. Gedruckt ist, was eine Person bestätigt hat."
    ),
    (
        "Zahlen, die Behörden nur zum Zählen freigeben, erscheinen erst, wo eine Behörde für sich mindestens drei (bei "
        "schutzbedürftigen Arten fünf) Fälle hat, kleinere als Summe von vier Wochen oder der Stadt, wenn sich daraus "
        "kein einzelner Wert ergibt. Sie sind in den Häufungen enthalten, in den Vergleichen mit dem Vorjahr nicht; "
        "die Tabellen führen den veröffentlichten Teil unter „nur gezählt“."
    ),
)


@dataclass(frozen=True)
class EditionOrder:
    """What the chair chooses when freezing; together with the picture it decides whether an edition exists already."""

    title: str
    body: str
    measures: tuple[printed.Measure, ...] = ()

    def fingerprint(self) -> str:
        return hashlib.sha256(json.dumps(asdict(self), sort_keys=True).encode()).hexdigest()


def edition_content(
    picture: Picture, order: EditionOrder, *, number: str, created_at: dt.datetime
) -> printed.EditionContent:
    """Everything the print shows, out of stored published values."""
    sightings = list(
        picture.sightings.select_related(
            "finding__group", "finding__district", "finding__responsible_agency", "finding__assessed_by__agency"
        ).order_by("rank")
    )
    chosen = chosen_hotspots(sightings)
    trends = list(picture.trends.select_related("area", "group").order_by("area__number", "group__order", "unit_label"))
    first, last = _trend_period(trends, picture)
    shift = dt.timedelta(days=YEAR_DAYS)
    names = dict(Agency.objects.values_list("slug", "short_name"))
    areas = list(Area.objects.filter(kind=AreaKind.DISTRICT).order_by("number", "slug"))
    return printed.EditionContent(
        number=number,
        title=order.title,
        body=order.body,
        issued_by=f"Geschäftsstelle, {settings.PORTAL_NAME}",
        marking=settings.MARKING,
        as_of=picture.date.isoformat(),
        picture=printed.PictureRef(picture.date.isoformat(), picture.revision, picture.sha256),
        created_at=created_at.isoformat(timespec="seconds"),
        demonstration=picture.is_demonstration,
        periods=printed.Periods(
            (first.isoformat(), last.isoformat()),
            ((first - shift).isoformat(), (last - shift).isoformat()),
            "52 volle Kalenderwochen",
        ),
        bbox=_bbox(areas),
        statements=tuple(picture.statements),
        signals=signal_chapter(picture),
        week=last_week(trends),
        areas=tuple(_area(area) for area in areas),
        map_note="" if all(area.is_official for area in areas) else "Schematische Grenzen, nicht amtlich.",
        map_scale=printed.MapScale("gegenüber gleichmäßiger Verteilung", layers.RATIO_LABELS),
        map_period=_map_period(picture),
        hotspot_note=choice_note(sightings, chosen),
        hotspots=tuple(hotspot_blocks(chosen, names)),
        cells=tuple(
            printed.Cell(cell.kind, cell.ramp, ring(cell.cell), cell.count) for cell in layers.overview(picture)
        ),
        tables=printed.Tables(tuple(_tables(trends))),
        trends=tuple(_charts(trends)),
        calendar=tuple(_special_days(first, last, areas)),
        coverage=_coverage(picture),
        findings=(
            *(_danger(finding) for finding in _assessed_dangers()),
            *(_phenomenon(row) for row in _assessed_phenomena(picture)),
            *(_finding(s) for s in sightings if s.finding.status in ASSESSED and s not in chosen),
        ),
        measures=order.measures,
        methods=(*METHODS, *signal_methods(picture)),
        gaps=tuple(_gaps(picture, trends, names)),
        abbreviations=tuple(_abbreviations(picture)),
    )


def _map_period(picture: Picture) -> tuple[str, str]:
    return picture.parameters["first"], picture.parameters["last"]


def _trend_period(trends: list[Trend], picture: Picture) -> tuple[dt.date, dt.date]:
    if trends:
        return trends[0].period_start, trends[0].period_end
    return picture.date - dt.timedelta(days=YEAR_DAYS - 1), picture.date


def _bbox(areas: list[Area]) -> tuple[float, float, float, float]:
    west, south, east, north = unary_union([shape(area.geometry) for area in areas]).bounds
    return round(west, 5), round(south, 5), round(east, 5), round(north, 5)


def _area(area: Area) -> printed.Area:
    geometry = shape(area.geometry)
    polygons = geometry.geoms if geometry.geom_type == "MultiPolygon" else [geometry]
    rings = tuple(tuple((round(x, 6), round(y, 6)) for x, y, *_ in polygon.exterior.coords) for polygon in polygons)
    return printed.Area(area.slug, area.name, area.kind, rings)


def _tables(trends: list[Trend]) -> list[printed.DistrictTable]:
    """The city's table first, then the districts'; rows without any figure are left out."""
    tables: dict[tuple[bool, str, str], list[printed.TableRow]] = {}
    for trend in sorted(trends, key=lambda t: t.area.kind != AreaKind.CITY):
        if trend.current or trend.previous or trend.protected_current:
            key = (trend.area.kind == AreaKind.CITY, trend.area.name, trend.group.kind)
            tables.setdefault(key, []).append(_table_row(trend))
    return [printed.DistrictTable(name, kind, tuple(rows), city) for (city, name, kind), rows in tables.items()]


def _table_row(trend: Trend) -> printed.TableRow:
    counted_only = is_counted_only(trend)
    verdict = _VERDICTS.get(Verdict(trend.verdict), trend.get_verdict_display())
    return printed.TableRow(
        group_label=trend.group.label,
        unit_label=trend.unit_label,
        current=trend.current,
        previous=trend.previous,
        change_text=change_text(trend),
        verdict_label="nicht verglichen" if counted_only else verdict,
        counted=trend.protected_current,
        compared=not counted_only,
    )


def charted_groups(trends: list[Trend], kind: str) -> list[tuple[int, str]]:
    """(group id, unit) of the city's largest comparable series of one kind."""
    city = [t for t in trends if t.area.kind == AreaKind.CITY and t.group.kind == kind]
    city.sort(key=lambda t: (-t.current, t.group_id))
    return [(t.group_id, t.unit_label) for t in city[:CHART_GROUPS_PER_KIND]]


def _charts(trends: list[Trend]) -> list[printed.Trend]:
    charts = []
    for kind in (Kind.INCIDENT, Kind.COMPLAINT):
        for key in charted_groups(trends, kind):
            chosen = [t for t in trends if (t.group_id, t.unit_label) == key and t.area.kind == AreaKind.DISTRICT]
            charts += [
                printed.Trend(
                    trend.area.name,
                    kind.value,
                    trend.group.label,
                    tuple(trend.weeks),
                    tuple(trend.weeks_before),
                    trend.first_week.isoformat(),
                )
                for trend in chosen
            ]
    return charts


def _special_days(first: dt.date, last: dt.date, areas: list[Area]) -> list[printed.SpecialDays]:
    """What the calendar says on the day of freezing; later changes do not reach the edition."""
    return [
        printed.SpecialDays(span.kind, span.name, span.first.isoformat(), span.last.isoformat(), span.districts)
        for span in special_spans(first, last, {area.slug: area.name for area in areas})
    ]


def _coverage(picture: Picture) -> printed.Coverage:
    rows: dict[str, list[str]] = {}
    weeks: dict[dt.date, None] = {}
    for row in picture.coverages.select_related("agency").order_by("agency__short_name", "week"):
        rows.setdefault(row.agency.short_name, []).append(COVERAGE_STATES[row.state])
        weeks[row.week] = None
    return printed.Coverage(
        tuple(printed.CoverageWeek(week_label(week), week.isoformat()) for week in weeks),
        tuple(printed.CoverageAgency(name, tuple(cells)) for name, cells in rows.items()),
    )


def week_label(monday: dt.date) -> str:
    year, week, _ = monday.isocalendar()
    return f"KW {week}/{year % 100:02d}"


def _assessed_dangers() -> list[Finding]:
    """Dangers a person has confirmed, as they stand when the edition is frozen. Guests read it: no agency is named."""
    rows = Finding.objects.filter(kind=FindingKind.GEFAHR, status__in=ASSESSED)
    return list(rows.select_related("danger", "responsible_agency", "assessed_by__agency").order_by("number"))


def _danger(finding: Finding) -> printed.Finding:
    return printed.Finding(
        kind=finding.kind,
        title=f"{finding.get_kind_display()}: {finding.headline}",
        where=finding.place_label,
        since=finding.first_seen_on.isoformat(),
        strength=strength_line(finding.danger),
        who_does_what=doing_text(finding),
        assessment=assessment_text(finding),
        status_label=finding.get_status_display(),
    )


def _assessed_phenomena(picture: Picture) -> list[Phenomenon]:
    """What the picture shows of those a person has confirmed. Guests read it: no agency is named."""
    rows = picture.phenomena.filter(finding__status__in=ASSESSED).order_by("finding__number")
    return list(
        rows.select_related(
            *("picture", "group", "second_group", "category"),
            *("finding__responsible_agency", "finding__assessed_by__agency"),
        )
    )


def _phenomenon(row: Phenomenon) -> printed.Finding:
    finding = row.finding
    together = " Erkennbar nur in den zusammengeführten Meldungen." if row.is_merged_only else ""
    return printed.Finding(
        kind=finding.kind,
        title=f"{finding.get_kind_display()}: {finding.headline}",
        where=finding.place_label,
        since=finding.first_seen_on.isoformat(),
        strength=f"{' '.join(sentences(row))}{together}",
        who_does_what=doing_text(finding),
        assessment=assessment_text(finding),
        status_label=finding.get_status_display(),
    )


def _finding(sighting: Sighting) -> printed.Finding:
    finding = sighting.finding
    return printed.Finding(
        kind=finding.kind,
        title=f"{finding.get_kind_display()} {finding.group.label}",
        where=finding.place_label,
        since=finding.first_seen_on.isoformat(),
        strength=strength_text(sighting),
        who_does_what=doing_text(finding),
        assessment=assessment_text(finding),
        status_label=finding.get_status_display(),
    )


def _gaps(picture: Picture, trends: list[Trend], names: Mapping[str, str]) -> list[str]:
    gaps = []
    missing: dict[str, list[dt.date]] = {}
    rows = picture.coverages.filter(state=CoverageState.MISSING).select_related("agency")
    for row in rows.order_by("agency__short_name", "week"):
        missing.setdefault(row.agency.short_name, []).append(row.week)
    for name, weeks in missing.items():
        gaps.append(f"{name}: keine Lieferung in {_weeks_text(weeks)}.")
    gaps += _comparison_gaps(trends, names)
    share = picture.parameters.get("unlocated_percent")
    if share:
        gaps.append(f"{percent_text(share)} der freigegebenen Meldungen haben keinen verwertbaren Ort.")
    return gaps


def _comparison_gaps(trends: list[Trend], names: Mapping[str, str]) -> list[str]:
    """Which comparisons fail, or rest on fewer weeks, because agencies' deliveries are missing."""
    series: dict[tuple[bool, int, tuple[str, ...]], dict[str, None]] = {}
    for trend in trends:
        if trend.missing_agencies and not is_counted_only(trend):
            comparable = trend.verdict != Verdict.NOT_COMPARABLE
            key = (comparable, trend.weeks_compared, tuple(trend.missing_agencies))
            series.setdefault(key, {})[f"{trend.group.label} ({trend.unit_label})"] = None
    sentences = []
    for (comparable, weeks, slugs), labels in sorted(series.items()):
        agencies = ", ".join(names[slug] for slug in slugs)
        what = f"Nur {weeks} von {WEEKS} Wochen verglichen" if comparable else "Nicht vergleichbar"
        sentences.append(f"{what}, weil Lieferungen fehlen ({agencies}): {'; '.join(labels)}.")
    return sentences


def _weeks_text(weeks: list[dt.date]) -> str:
    """Runs of weeks: KW 12/26 bis KW 14/26, KW 20/26."""
    runs: list[list[dt.date]] = []
    for week in weeks:
        if runs and week - runs[-1][-1] == dt.timedelta(weeks=1):
            runs[-1].append(week)
        else:
            runs.append([week])
    return ", ".join(
        week_label(run[0]) if len(run) == 1 else f"{week_label(run[0])} bis {week_label(run[-1])}" for run in runs
    )


def _abbreviations(picture: Picture) -> list[printed.Abbreviation]:
    agencies = Agency.objects.filter(pk__in=Coverage.objects.filter(picture=picture).values("agency_id"))
    return [
        printed.Abbreviation(agency.short_name, agency.name)
        for agency in agencies.order_by("short_name")
        if agency.short_name != agency.name
    ]
