"""The streams of a night: which are scanned, alone and together, and from which p on they alarm."""

from __future__ import annotations

from dataclasses import dataclass

from incidents.models import Category, GeoLimit, Kind
from lagebild.scanning import JOINT
from lagebild.stream_sets import AlarmStream, alarm_count, alarm_streams, alarm_threshold

JOINT_LABELS = {
    Kind.INCIDENT: "Mehrere Vorfallgruppen gemeinsam",
    Kind.COMPLAINT: "Mehrere Beschwerdegruppen gemeinsam",
}


@dataclass(frozen=True)
class Watch:
    """The streams of a night. `parts` is what is scanned: every stream alone, and the groups of a kind together.

    `by_cell` are the categories whose place may be told by cell.
    """

    streams: tuple[AlarmStream, ...]
    group_ids: dict[str, tuple[int, ...]]
    by_cell: frozenset[int]

    @property
    def parts(self) -> list[str]:
        joint = [f"{JOINT}:{kind}" for kind in Kind if len(self.together(kind)) > 1]
        return [*(stream.id for stream in self.streams), *joint]

    @property
    def threshold(self) -> float:
        return alarm_threshold(alarm_count(list(self.streams)))

    def stream(self, key: str) -> AlarmStream:
        return next(stream for stream in self.streams if stream.id == key)

    def together(self, kind: str) -> list[AlarmStream]:
        """The catalogue's groups of a kind: agencies' own streams would count the same records twice."""
        return [stream for stream in self.streams if stream.kind == kind and stream.id.startswith("group:")]

    def kind(self, key: str) -> str:
        return key.removeprefix(f"{JOINT}:") if key.startswith(JOINT) else self.stream(key).kind

    def label(self, key: str) -> str:
        return JOINT_LABELS[Kind(self.kind(key))] if key.startswith(JOINT) else self.stream(key).label

    def of_part(self, key: str) -> list[AlarmStream]:
        """The streams a part scans."""
        return self.together(self.kind(key)) if key.startswith(JOINT) else [self.stream(key)]


def load_watch() -> Watch:
    """Four queries."""
    streams = tuple(alarm_streams())
    rows = list(Category.objects.values_list("pk", "group_id", "geo"))
    group_of = {pk: group for pk, group, _ in rows}
    return Watch(
        streams,
        {s.id: tuple(sorted({group_of[pk] for pk in s.category_ids})) for s in streams},
        frozenset(pk for pk, _, geo in rows if geo == GeoLimit.POINT),
    )
