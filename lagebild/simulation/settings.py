"""What is measured: cities, outbreaks and the methods compared on them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from lagebild.simulation.city import RADIUS
from lagebild.simulation.outbreaks import Shape

PLAIN = ("scan", "poisson_7", "poisson_28")
STRATIFIED = ("scan_strata", "best_agency", "scan", "poisson_7", "poisson_28")


@dataclass(frozen=True)
class Setting:
    """One row of the table.

    records: cases a year; extra: further cases a day; agencies: how many, of equal size; is_split: each further case
    goes to one of them by chance, else all to one. late_days: the first agency's last days are not delivered yet.
    real: name of a real background instead of the synthetic city.
    """

    name: str
    label: str
    records: int
    extra: float
    methods: tuple[str, ...] = PLAIN
    shape: Shape = Shape.DISK
    agencies: int = 1
    is_split: bool = False
    has_weekdays: bool = False
    has_mixes: bool = False
    late_days: int = 0
    real: str | None = None
    radius: int = RADIUS

    @property
    def group(self) -> str:
        return self.name.split("-")[0]

    @property
    def world(self) -> str:
        """Name of what happens where no outbreak is: rows that differ in their outbreaks alone share it."""
        if self.real:
            return f"world {self.real}"
        words = {"weekdays": self.has_weekdays, "mixes": self.has_mixes, f"late {self.late_days}": self.late_days}
        return " ".join(
            [
                "world",
                f"{self.records}",
                f"{self.agencies}",
                f"{self.radius}",
                *(word for word, on in words.items() if on),
            ]
        )


def _all() -> tuple[Setting, ...]:
    six = ((1_000, 0.5), (1_000, 1.0), (2_800, 0.5), (2_800, 1.0), (10_000, 1.0), (10_000, 2.0))
    disks = (*PLAIN, "scan_streets", "whole_night")
    found = [Setting(f"disk-{n}-{extra:g}", f"{n:,} a year, +{extra:g}", n, extra, disks) for n, extra in six]
    for shape in (Shape.STREET, Shape.IRREGULAR):
        label = f"{shape} of 7 cells, 2,800 a year, +1"
        found.append(
            Setting(f"shape-{shape}", label, 2_800, 1.0, ("scan", "scan_streets", "scan_shapes", *PLAIN[1:]), shape)
        )
    for extra in (0.5, 1.0, 1.5, 2.0, 3.0):
        label = f"three agencies, each a third of 10,000 a year, +{extra:g} split over them"
        methods = ("scan_strata", "best_agency", "whole_night", "poisson_7")
        found.append(Setting(f"thirds-{extra:g}", label, 10_000, extra, methods, agencies=3, is_split=True))
    common = {"records": 10_000, "extra": 2.0, "methods": STRATIFIED, "agencies": 3}
    found += [
        Setting("pattern-weekdays", "party quarters at weekends, 10,000 a year, +2", has_weekdays=True, **common),
        Setting("pattern-mixes", "agencies differ in place and season, 10,000 a year, +2", has_mixes=True, **common),
        Setting(
            "pattern-late",
            "differing agencies, one five days late, 10,000 a year, +2",
            has_mixes=True,
            late_days=5,
            **common,
        ),
        Setting("real-zuerich", "Zürich waste complaints, +1", 0, 1.0, ("scan_strata", *PLAIN[1:]), real="zuerich"),
        Setting("real-chicago", "Chicago aggravated assaults, +2", 0, 2.0, ("scan_strata", *PLAIN[1:]), real="chicago"),
    ]
    return tuple(found)


SETTINGS = _all()


def chosen(words: Sequence[str]) -> tuple[Setting, ...]:
    """Settings by name or by group (what stands before the hyphen), all where none is named. ValueError if unknown."""
    known = {setting.name for setting in SETTINGS} | {setting.group for setting in SETTINGS}
    unknown = [word for word in words if word not in known]
    if unknown:
        raise ValueError(unknown[0])
    return tuple(s for s in SETTINGS if not words or s.name in words or s.group in words)
