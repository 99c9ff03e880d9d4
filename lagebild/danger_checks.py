"""Looks for dangers: reads the cooperation faces a rule takes and keeps the findings that rest on them.

Runs with the builder's login, on entry for the rules concerned and every night for all, so that nothing is lost while
no worker runs.
"""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from uuid import UUID

from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import timezone

from agencies import audit
from agencies.models import Agency
from agencies.visibility import SharingLevel
from incidents.models import Area, Complaint, Incident, Kind
from lagebild.danger_models import Danger, DangerRule
from lagebild.danger_rules import Catalogue, rule_of, rule_words
from lagebild.dangers import CITY, Episode, Face, Rule, find_episodes, follows, parts_of
from lagebild.models import QUIET, Finding, FindingKind, FindingStatus
from lagebild.numbering import lock_findings, next_finding_number
from lagebild.wording import place_label

# What ended longer ago is no danger of today: late deliveries raise nothing.
FRESH = dt.timedelta(days=14)
_FACE = ("pk", "category_id", "severity", "agency_id", "occurred_from", "cell", "district_id")


@transaction.atomic
def check_dangers(
    *, categories: Iterable[int] | None = None, rules: Iterable[UUID] | None = None, now: dt.datetime | None = None
) -> list[Finding]:
    """Check the rules that take one of these categories, these rules, or all; returns what was raised or has grown.

    Rules that are switched off, or whose agency is no longer a member, raise nothing; what they raised is checked all
    the same.
    """
    lock_findings()
    context = _Context(Catalogue.load(), now or timezone.now())
    chosen = DangerRule.objects.filter(Q(pk__in=DangerRule.objects.in_force()) | Q(dangers__isnull=False)).distinct()
    if rules is not None:
        chosen = chosen.filter(pk__in=list(rules))
    in_force = set(DangerRule.objects.in_force().values_list("pk", flat=True))
    concerned = None if categories is None else set(categories)
    found = []
    for definition in chosen.order_by("pk"):
        rule = rule_of(definition, context.catalogue)
        if concerned is None or (rule is not None and rule.categories & concerned):
            found += _check(definition, rule, context, may_raise=definition.pk in in_force)
    return found


@dataclass(frozen=True)
class _Context:
    catalogue: Catalogue
    now: dt.datetime

    @property
    def today(self) -> dt.date:
        return timezone.localdate(self.now)


def shared_faces(
    rule: Rule,
    rows: dict[str, QuerySet],
    *,
    since: dt.datetime,
    ids: Iterable[UUID] = (),
    most: int | None = None,
) -> list[Face]:
    """Cooperation faces of active members that the rule takes and that began since then, or have one of the ids.

    `rows` are the records to choose from, by kind; of each no more than one above `most`. Two queries.
    """
    least = min(condition.severity for condition in rule.conditions)
    faces = []
    for kind, records in rows.items():
        shared = records.in_picture().filter(
            Q(occurred_from__gte=since) | Q(pk__in=list(ids)),
            sharing_level=SharingLevel.COOPERATION,
            category_id__in=rule.categories,
            severity__gte=least,
        )
        values = shared.order_by().values_list(*_FACE)
        faces += [Face(pk, kind, *rest) for pk, *rest in (values[: most + 1] if most else values)]
    return faces


def all_records() -> dict[str, QuerySet]:
    return {Kind.INCIDENT: Incident.objects.all(), Kind.COMPLAINT: Complaint.objects.all()}


def _check(definition: DangerRule, rule: Rule | None, context: _Context, *, may_raise: bool) -> list[Finding]:
    window = dt.timedelta(days=definition.window_days)
    fresh_from = context.now - max(window, FRESH)
    known = [
        danger
        for danger in Danger.objects.filter(rule=definition)
        .select_related("finding", "rule")
        .order_by("finding__number")
        if danger.finding.status not in QUIET or danger.last_at >= fresh_from - window
    ]
    episodes: list[Episode] = []
    if rule is not None:
        ids = [pk for danger in known for pk in (*danger.incidents, *danger.complaints)]
        episodes = find_episodes(rule, shared_faces(rule, all_records(), since=fresh_from - window, ids=ids))
    matched = _matched(known, episodes, rule)
    changed = []
    for danger in known:
        if danger.pk not in matched:
            _end(danger, context)
        elif _go_on(danger, matched[danger.pk], rule, context):
            changed.append(danger.finding)
    taken = {id(episode) for episode in matched.values()}
    fresh = [e for e in episodes if id(e) not in taken and e.last_at >= fresh_from] if may_raise else []
    return changed + [_raise(episode, definition, rule, context) for episode in fresh]


def _matched(known: list[Danger], episodes: list[Episode], rule: Rule | None) -> dict[int, Episode]:
    """Which danger an episode continues: the one with which it shares most records, else the one it follows."""
    pairs = sorted(
        (-len(episode.faces.keys() & {*danger.incidents, *danger.complaints}), -danger.finding.number, number)
        for danger in known
        for number, episode in enumerate(episodes)
        if _continues(danger, episode, rule)
    )
    by_number = {danger.finding.number: danger for danger in known}
    matched: dict = {}
    taken: set[int] = set()
    for _, finding_number, number in pairs:
        danger = by_number[-finding_number]
        if danger.pk not in matched and number not in taken:
            matched[danger.pk] = episodes[number]
            taken.add(number)
    return matched


def _continues(danger: Danger, episode: Episode, rule: Rule) -> bool:
    if episode.faces.keys() & {*danger.incidents, *danger.complaints}:
        return True
    place = danger.center_cell if rule.rings is not None else danger.finding.district_id if rule.by_district else CITY
    if place is None or not rule.is_near(episode.place, place):
        return False
    return follows(rule, danger.last_at, episode.first_at) and follows(rule, episode.last_at, danger.first_at)


def _end(danger: Danger, context: _Context) -> None:
    """What is still shared no longer meets the rule: the values stay, the agencies are no longer named."""
    if danger.holds:
        danger.holds, danger.ended_on, danger.agencies = False, context.today, []
    danger.checked_at = context.now
    danger.save(update_fields=("holds", "ended_on", "agencies", "checked_at"))


def _go_on(danger: Danger, episode: Episode, rule: Rule, context: _Context) -> bool:
    """Bring the danger up to date; whether it has grown. What was dismissed or closed stays quiet until it does."""
    finding = danger.finding
    has_grown = len(episode.faces) > danger.size
    danger.holds, danger.ended_on, danger.checked_at = True, None, context.now
    if finding.status in QUIET and not has_grown:
        still_there = _owners(episode)
        danger.agencies = [slug for slug in danger.agencies if slug in still_there]
        danger.save(update_fields=("holds", "ended_on", "checked_at", "agencies"))
        return False
    _state(danger, episode, rule, context)
    if has_grown:
        danger.grown_at = context.now
    danger.save()
    if episode.last_at > context.now - rule.window:
        finding.last_seen_on = max(finding.last_seen_on, context.today)
    if finding.status in QUIET:
        finding.status = FindingStatus.PROPOSED
        audit.record(audit.Act.DANGER_RAISED, by=None, obj=finding, number=finding.number)
    finding.save(update_fields=("last_seen_on", "status"))
    return has_grown


def _raise(episode: Episode, definition: DangerRule, rule: Rule, context: _Context) -> Finding:
    district = _district_of(episode, rule)
    finding = Finding.objects.create(
        number=next_finding_number(),
        kind=FindingKind.GEFAHR,
        subject=definition.name,
        district=district,
        place_label=_place_label(episode, rule, district),
        first_seen_on=context.today,
        last_seen_on=context.today,
    )
    danger = Danger(finding=finding, rule=definition, good=definition.good, raised_at=context.now)
    danger.grown_at = danger.checked_at = context.now
    _state(danger, episode, rule, context)
    danger.center_cell = episode.place if rule.rings is not None else None
    danger.save()
    audit.record(audit.Act.DANGER_RAISED, by=None, obj=finding, number=finding.number)
    return finding


def _state(danger: Danger, episode: Episode, rule: Rule, context: _Context) -> None:
    """What the danger rests on, as coarse as the rule's place: cells where it asks for cells, else none."""
    faces = episode.faces.values()
    danger.rule_words = rule_words(danger.rule, context.catalogue)
    danger.cells = sorted({face.cell for face in faces}) if rule.rings is not None else []
    danger.first_at, danger.last_at = episode.first_at, episode.last_at
    danger.parts = parts_of(episode, context.catalogue.label)
    danger.incidents, danger.complaints = episode.ids(Kind.INCIDENT), episode.ids(Kind.COMPLAINT)
    danger.agencies = _owners(episode)


def _owners(episode: Episode) -> list[str]:
    """Slugs, in order. One query."""
    owners = Agency.objects.filter(pk__in={face.agency for face in episode.faces.values()})
    return sorted(owners.values_list("slug", flat=True))


def _district_of(episode: Episode, rule: Rule) -> Area | None:
    """The district of most of its records; none for a rule that looks at the whole city."""
    if rule.rings is None and not rule.by_district:
        return None
    known = Counter(face.district for face in episode.faces.values() if face.district is not None)
    best = max(known.items(), key=lambda pair: (pair[1], -pair[0]), default=(None, 0))[0]
    return Area.objects.defer("geometry").filter(pk=best).first()


def _place_label(episode: Episode, rule: Rule, district: Area | None) -> str:
    return place_label(episode.place if rule.rings is not None else None, district)
