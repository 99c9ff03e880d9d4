"""One row's cells by field: constants, joined columns, translated codes, and the row's own fingerprint."""

from __future__ import annotations

import hashlib
from collections import Counter

from incidents.importing.mapping import Mapping
from incidents.importing.refusals import CellError
from incidents.importing.table import Table


class Cells:
    """Reads fields of a row by the mapping, bound once to the columns of a file."""

    def __init__(self, mapping: Mapping, table: Table) -> None:
        self.mapping = mapping
        positions = {name.casefold(): position for position, name in enumerate(table.columns)}
        self.positions = {
            field: tuple(positions[name.casefold()] for name in names) for field, names in mapping.columns.items()
        }
        self.filter_position = positions.get(mapping.rows.column.casefold())

    def is_meant(self, index: int, cells: list[str]) -> bool:
        """Whether the mapping's row filter lets the row in; `index` counts the file's rows from 0."""
        rows = self.mapping.rows
        if rows.column:
            return cells[self.filter_position].strip().casefold() in rows.values
        return index % rows.modulo == rows.remainder

    def text(self, field: str, cells: list[str]) -> str:
        positions = self.positions.get(field)
        if positions is None:
            return self.mapping.constants.get(field, "")
        if len(positions) == 1:
            return cells[positions[0]].strip()
        return " ".join(part for position in positions if (part := cells[position].strip()))

    def is_ignored(self, cells: list[str]) -> bool:
        return any(
            self.text(field, cells).casefold() in codes for field, codes in self.mapping.ignored.items() if codes
        )

    def meaning(self, field: str, cells: list[str], known: dict) -> object | None:
        """What a coded cell stands for: by the mapping's codes, else by the portal's own name; None for an empty one.

        `known` maps case-folded names to values. Raises CellError for a code that means nothing.
        """
        text = self.text(field, cells).casefold()
        own_name = self.mapping.codes.get(field, {}).get(text, text)
        default = self.mapping.defaults.get(field, "")
        value = known.get(own_name.casefold()) if own_name else None
        if value is None and default:
            value = known.get(default.casefold())
        if value is None and own_name:
            raise CellError(field, "unknown", UNKNOWN[field])
        return value


UNKNOWN = {
    "category": "Diese Kategorie ist nicht bekannt. Bitte Kurzname oder Bezeichnung aus dem Katalog verwenden "
    "oder in der Zuordnungsdatei übersetzen.",
    "severity": "Diese Schwere ist nicht bekannt. Bitte 1 bis 4 oder gering, normal, erheblich, schwer verwenden.",
    "status": "Dieser Status ist nicht bekannt. Bitte zum Beispiel gemeldet oder erledigt verwenden.",
    "accuracy": "Diese Ortsgenauigkeit ist nicht bekannt. Bitte zum Beispiel Punkt oder Stadtbezirk verwenden.",
    "district": "Diesen Stadtbezirk gibt es nicht. Bitte Name oder Nummer prüfen.",
    "area": "Dieses Gebiet gibt es nicht. Bitte Name, Kurzname oder Nummer prüfen.",
    "unit": "Diese Zähleinheit passt nicht zur Kategorie. Bitte Zähleinheit prüfen.",
}


class Fingerprints:
    """References for files without one: the row's contents, and an ordinal where rows are alike.

    The same file read again gives the same references; a row that was corrected counts as another one.
    """

    def __init__(self) -> None:
        self.seen: Counter[bytes] = Counter()

    def reference(self, cells: list[str]) -> str:
        digest = hashlib.blake2b("\x1f".join(cells).encode("utf-8", "replace"), digest_size=12).digest()
        self.seen[digest] += 1
        ordinal = self.seen[digest]
        return f"zeile-{digest.hex()}" + (f"-{ordinal}" if ordinal > 1 else "")
