"""When a danger is there: faces and a rule in, episodes out. Plain values, no database, no clock.

A danger rests on cooperation faces alone. Who calls hands over nothing else.
"""

from __future__ import annotations

import datetime as dt
import functools
from collections import defaultdict, deque
from collections.abc import Callable, Hashable, Iterable
from dataclasses import dataclass, field
from uuid import UUID

import h3.api.basic_int as h3

CITY = "city"


@dataclass(frozen=True)
class Face:
    """What every full member sees of a record: kind, category, severity, owner, time, shared place."""

    id: UUID
    kind: str
    category: int
    severity: int
    agency: int
    at: dt.datetime
    cell: int | None
    district: int | None


@dataclass(frozen=True)
class Condition:
    """At least `count` records of these categories with at least this severity. One kind, one counting unit."""

    categories: frozenset[int]
    severity: int
    count: int

    def takes(self, face: Face) -> bool:
        return face.category in self.categories and face.severity >= self.severity


@dataclass(frozen=True)
class Rule:
    """One or two conditions, met in the same place within the same window, by at least so many agencies.

    `rings` is the radius in cells of resolution 9 (0: the same cell); None where the place is a district or the city.
    """

    conditions: tuple[Condition, ...]
    window: dt.timedelta
    rings: int | None
    by_district: bool = False
    agencies: int = 1

    def __post_init__(self) -> None:
        if not 1 <= len(self.conditions) <= 2:
            raise ValueError(f"A rule has one or two conditions, not {len(self.conditions)}.")
        if self.window <= dt.timedelta(0):
            raise ValueError(f"A window of {self.window} holds nothing.")

    @property
    def categories(self) -> frozenset[int]:
        return frozenset().union(*(condition.categories for condition in self.conditions))

    def takes(self, face: Face) -> bool:
        return self.place_of(face) is not None and any(condition.takes(face) for condition in self.conditions)

    def place_of(self, face: Face) -> Hashable | None:
        """Cell, district or the city; None where the face has no such place."""
        if self.rings is not None:
            return face.cell
        return face.district if self.by_district else CITY

    def around(self, place: Hashable) -> Iterable[Hashable]:
        return _disk(place, self.rings) if self.rings else (place,)

    def is_near(self, one: Hashable, other: Hashable) -> bool:
        return one == other or (bool(self.rings) and other in self.around(one))

    def is_met(self, faces: Iterable[Face]) -> bool:
        """Whether these faces, all of one place and window, meet the conditions; none counts for both at once."""
        faces = list(faces)
        if len({face.agency for face in faces}) < self.agencies:
            return False
        wanted = [condition.count for condition in self.conditions]
        held = [[condition.takes(face) for condition in self.conditions] for face in faces]
        enough = all(sum(row[i] for row in held) >= count for i, count in enumerate(wanted))
        # Hall's condition for two: what fits either may fill only one of them.
        return enough and sum(any(row) for row in held) >= sum(wanted)


@functools.lru_cache(maxsize=4096)
def _disk(cell: int, rings: int) -> frozenset[int]:
    return frozenset(h3.grid_disk(cell, rings))


@dataclass
class Episode:
    """Windows that meet the rule at one place and follow each other closely: one danger, not one per window."""

    place: Hashable
    first_at: dt.datetime
    last_at: dt.datetime
    faces: dict[UUID, Face] = field(default_factory=dict)

    def take(self, members: list[Face]) -> None:
        self.faces.update((member.id, member) for member in members)
        self.first_at = min(self.first_at, *(member.at for member in members))
        self.last_at = max(self.last_at, *(member.at for member in members))

    def ids(self, kind: str) -> list[UUID]:
        return sorted(face.id for face in self.faces.values() if face.kind == kind)


class _Window:
    """The faces of the last `rule.window`, by place, while time moves on."""

    def __init__(self, rule: Rule) -> None:
        self.rule = rule
        self.faces: deque[Face] = deque()
        self.by_place: dict[Hashable, list[Face]] = defaultdict(list)

    def add(self, face: Face) -> None:
        while self.faces and self.faces[0].at <= face.at - self.rule.window:
            gone = self.faces.popleft()
            self.by_place[self.rule.place_of(gone)].remove(gone)
        self.faces.append(face)
        self.by_place[self.rule.place_of(face)].append(face)

    def met_around(self, face: Face) -> list[tuple[Hashable, list[Face]]]:
        """Centres within reach of the face that have records of their own and meet the rule, fullest first."""
        found = []
        for centre in self.rule.around(self.rule.place_of(face)):
            if self.by_place.get(centre):
                members = [one for place in self.rule.around(centre) for one in self.by_place.get(place, ())]
                if self.rule.is_met(members):
                    found.append((centre, members))
        return sorted(found, key=lambda pair: (-len(pair[1]), str(pair[0])))


def find_episodes(rule: Rule, faces: Iterable[Face]) -> list[Episode]:
    """Every episode in which the rule is met, in the order they begin. The order of the faces makes no difference.

    A window ends with a record and reaches `rule.window` back, its beginning excluded. A window that is met goes on
    with an episode whose place is within reach and whose last record lies no further back than the window's length
    before the first one of this window; otherwise it begins a new one.
    """
    window, episodes = _Window(rule), []
    running: list[Episode] = []
    for face in sorted(filter(rule.takes, faces), key=lambda face: (face.at, face.id)):
        window.add(face)
        running = [episode for episode in running if episode.last_at > face.at - 2 * rule.window]
        found = window.met_around(face)
        if not found:
            continue
        episode, members = _continued(rule, running, found)
        if episode is None:
            centre, members = found[0]
            episode = Episode(centre, face.at, face.at)
            episodes.append(episode)
            running.append(episode)
        episode.take(members)
    return episodes


def _continued(
    rule: Rule, running: list[Episode], found: list[tuple[Hashable, list[Face]]]
) -> tuple[Episode | None, list[Face]]:
    for centre, members in found:
        begins = min(member.at for member in members)
        for episode in running:
            if rule.is_near(episode.place, centre) and follows(rule, episode.last_at, begins):
                return episode, members
    return None, []


def follows(rule: Rule, last_at: dt.datetime, begins_at: dt.datetime) -> bool:
    """Whether what begins then still belongs to an episode that was last seen at `last_at`."""
    return begins_at <= last_at + rule.window


def parts_of(episode: Episode, label: Callable[[int], str]) -> list[str]:
    """How many of which category, as words; incidents and complaints, and unlike units, are never added up."""
    counts: dict[str, int] = defaultdict(int)
    for face in episode.faces.values():
        counts[label(face.category)] += 1
    return [f"{name}: {count}" for name, count in sorted(counts.items(), key=lambda pair: (-pair[1], pair[0]))]
