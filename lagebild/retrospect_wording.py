"""Looks back in German words an official can repeat. Stored values only."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from urllib.parse import urlencode

import h3.api.basic_int as h3
from django.urls import reverse

from incidents.models import Kind
from lagebild.figures.timeline import Bar, draw_timeline
from lagebild.layers import LayerCell, ratio_ramp
from lagebild.retrospect_models import Retrospect, RetrospectCluster, RetrospectState
from lagebild.retrospect_search import REPLICATES, SIGNIFICANT
from lagebild.wording import expected_text, factor_text, german_number, period_text

LISTS = {Kind.INCIDENT: "incidents:list", Kind.COMPLAINT: "complaints:list"}
TONES = {
    RetrospectState.WAITING: "neutral",
    RetrospectState.RUNNING: "info",
    RetrospectState.DONE: "success",
    RetrospectState.FAILED: "danger",
}
# Up to this p a share is told as 1 of so many, beyond as so many of 100.
_RARE = 0.1


def chance_text(p_value: float, replicates: int) -> str:
    """How often dealing the days out anew gives as much, anywhere and at any time of the period."""
    if p_value * (replicates + 1) < 1.5:
        return f"in höchstens 1 von {german_number(replicates + 1)} Fällen"
    if p_value <= _RARE:
        return f"in etwa 1 von {german_number(1 / p_value)} Fällen"
    return f"in etwa {german_number(100 * p_value)} von 100 Fällen" if p_value < 0.95 else "fast immer"


def days_text(cluster: RetrospectCluster) -> str:
    if cluster.first_day == cluster.last_day:
        return f"{cluster.first_day:%d.%m.%Y}"
    return period_text(cluster.first_day, cluster.last_day)


def length_text(days: int) -> str:
    return "1 Tag" if days == 1 else f"{days} Tage"


def radius_text(cluster: RetrospectCluster) -> str:
    """How far the cluster reaches: the radius of a circle as large as its cells."""
    area = sum(h3.cell_area(cell, unit="km^2") for cell in cluster.cells)
    return f"{german_number(math.sqrt(area / math.pi), 1)}\N{NO-BREAK SPACE}km"


def state_text(asked: Retrospect) -> str:
    """What is going on, as a sentence."""
    if asked.state == RetrospectState.WAITING:
        return "Der Rückblick wartet, bis ein Rechner frei ist."
    if asked.state == RetrospectState.RUNNING:
        return f"Der Rückblick wird berechnet: {asked.done} von höchstens {REPLICATES} Durchläufen sind fertig."
    if asked.state == RetrospectState.FAILED:
        return f"Der Rückblick ist fehlgeschlagen. {asked.failure}".strip()
    return "Der Rückblick ist fertig."


def is_loud(cluster: RetrospectCluster) -> bool:
    return cluster.p_value <= SIGNIFICANT


def summary(asked: Retrospect, clusters: Sequence[RetrospectCluster]) -> str:
    """What has been found, in full sentences."""
    if asked.cases < asked.least:
        return f"{_few_words(asked.cases)} Für eine Aussage sind mindestens {asked.least} an einem Ort nötig."
    if not clusters:
        return "Im Zeitraum hebt sich keine Häufung vom Zufall ab."
    loud, best = sum(is_loud(cluster) for cluster in clusters), _strength(clusters[0])
    if loud:
        is_one = loud == 1
        many = "hebt sich eine Häufung vom Zufall ab:" if is_one else f"heben sich {loud} Häufungen vom Zufall ab."
        return f"Im Zeitraum {many} {best if is_one else f'Die deutlichste: {best}'}."
    chance = chance_text(clusters[0].p_value, asked.replicates)
    return (
        f"Im Zeitraum hebt sich keine Häufung vom Zufall ab; am nächsten kam {best}. "
        f"Der Zufall bringt so viel {chance} hervor."
    )


def _few_words(cases: int) -> str:
    many = {0: "keine Meldung", 1: "nur eine Meldung"}.get(cases, f"nur {cases} Meldungen")
    return f"Im Zeitraum gibt es {many} dieses Stroms mit Ort."


def _strength(cluster: RetrospectCluster) -> str:
    """Place, days, count and expectation."""
    return (
        f"{cluster.place_label}, {days_text(cluster)}: {german_number(cluster.count)} Meldungen, zu erwarten waren "
        f"etwa {expected_text(cluster.expected)}"
    )


def cluster_lines(asked: Retrospect, clusters: Sequence[RetrospectCluster], names: Mapping[str, str]) -> list[dict]:
    """One line of the table per cluster. `names`: slug -> short name of the agencies."""
    return [
        {
            "rank": cluster.rank,
            "place": cluster.place_label,
            "district": cluster.district.name if cluster.district else "–",
            "radius": radius_text(cluster),
            "days": days_text(cluster),
            "length": length_text((cluster.last_day - cluster.first_day).days + 1),
            "count": german_number(cluster.count),
            "expected": expected_text(cluster.expected),
            "factor": factor_text(cluster.count, cluster.expected),
            "chance": chance_text(cluster.p_value, asked.replicates),
            "together": {None: "–", True: "nur gemeinsam", False: "auch allein"}[cluster.is_merged_only],
            "agencies": ", ".join(names[slug] for slug in cluster.agencies if slug in names),
            "records_url": records_url(asked, cluster),
        }
        for cluster in clusters
    ]


def records_url(asked: Retrospect, cluster: RetrospectCluster) -> str:
    """The list of the records of the district and the days: it has no filter for cells."""
    question = {"start": f"{cluster.first_day:%d.%m.%Y}", "end": f"{cluster.last_day:%d.%m.%Y}"}
    if cluster.district:
        question["district"] = cluster.district.slug
    if asked.stream.startswith("group:"):
        question["category"] = asked.stream
    return f"{reverse(LISTS[Kind(asked.kind)])}?{urlencode(question)}"


def again_url(asked: Retrospect) -> str:
    """The form, filled in as it was for this one."""
    question = {
        "stream": asked.stream,
        "first_day": f"{asked.first_day:%d.%m.%Y}",
        "last_day": f"{asked.last_day:%d.%m.%Y}",
        "longest_days": asked.longest_days,
    }
    return f"{reverse('lagebild:retrospects')}?{urlencode(question)}"


def time_bar(asked: Retrospect, clusters: Sequence[RetrospectCluster]) -> str:
    """The clusters on the scale of the period, as an SVG drawing in the order of time."""
    ordered = sorted(clusters, key=lambda cluster: (cluster.first_day, cluster.rank))
    bars = tuple(
        Bar(f"{cluster.rank} {cluster.place_label}", cluster.first_day, cluster.last_day, days_text(cluster))
        for cluster in ordered
    )
    words = "; ".join(f"{bar.label}, {bar.words}" for bar in bars)
    return draw_timeline(
        kind=asked.kind,
        title=f"Wann die Häufungen waren, {period_text(asked.first_day, asked.last_day)}",
        description=f"{words}.",
        bars=bars,
        first=asked.first_day,
        last=asked.last_day,
    )


def layer(asked: Retrospect, clusters: Sequence[RetrospectCluster]) -> list[LayerCell]:
    """The cells of the clusters for the map; one that lies in several has the colour of the first and names all."""
    of_cell: dict[int, list[RetrospectCluster]] = {}
    for cluster in clusters:
        for cell in cluster.cells:
            of_cell.setdefault(cell, []).append(cluster)
    return [
        LayerCell(
            kind=asked.kind,
            cell=cell,
            ramp=ratio_ramp(holding[0].count / holding[0].expected),
            count=None,
            label="; ".join(
                f"Häufung {cluster.rank}: {cluster.place_label}, {days_text(cluster)}, "
                f"{german_number(cluster.count)} statt {expected_text(cluster.expected)}"
                for cluster in holding
            ),
        )
        for cell, holding in of_cell.items()
    ]
