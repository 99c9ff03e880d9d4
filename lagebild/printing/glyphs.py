"""Text the print font can show. PDF/A refuses a file with a single missing glyph, so such characters are replaced."""

import struct
import unicodedata
from functools import lru_cache
from pathlib import Path
from typing import Any

REPLACEMENT = "?"
_SHAPED_AS_SPACE = frozenset(range(0x2000, 0x200B)) | {0x202F}


def printable(value: Any, font: Path) -> Any:
    """The same nested dicts, lists and strings, with every string reduced to what the font covers."""
    if isinstance(value, str):
        covered = covered_characters(font)
        text = unicodedata.normalize("NFC", value)
        return text.translate({ord(character): _shown(character, covered) for character in set(text)})
    if isinstance(value, dict):
        return {key: printable(item, font) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [printable(item, font) for item in value]
    return value


def _shown(character: str, covered: frozenset[int]) -> str:
    if character.isspace():
        return character if ord(character) in _SHAPED_AS_SPACE or character == "\u00a0" else " "
    if unicodedata.category(character) in ("Cc", "Cf"):
        return ""
    return character if ord(character) in covered else REPLACEMENT


@lru_cache
def covered_characters(font: Path) -> frozenset[int]:
    """Code points of a TrueType font, read from its Unicode `cmap` of format 4 (OpenType 1.9, „cmap“)."""
    data = font.read_bytes()
    tables = struct.unpack_from(">H", data, 4)[0]
    records = (struct.unpack_from(">4sLLL", data, 12 + 16 * index) for index in range(tables))
    start = next(offset for tag, _, offset, _ in records if tag == b"cmap")
    for index in range(struct.unpack_from(">H", data, start + 2)[0]):
        platform, _, offset = struct.unpack_from(">HHL", data, start + 4 + 8 * index)
        if platform in (0, 3) and struct.unpack_from(">H", data, start + offset)[0] == 4:
            return _format_4(data, start + offset)
    raise ValueError(f"{font.name} has no Unicode cmap of format 4")


def _format_4(data: bytes, start: int) -> frozenset[int]:
    count = struct.unpack_from(">H", data, start + 6)[0] // 2
    ends, firsts, deltas, ranges = (
        struct.unpack_from(f">{count}H", data, start + place)
        for place in (14, 16 + 2 * count, 16 + 4 * count, 16 + 6 * count)
    )
    codes = set()
    for segment, (first, end, delta, range_offset) in enumerate(zip(firsts, ends, deltas, ranges, strict=True)):
        for code in range(first, min(end, 0xFFFE) + 1):
            glyph = code
            if range_offset:
                place = start + 16 + 6 * count + 2 * segment + range_offset + 2 * (code - first)
                glyph = struct.unpack_from(">H", data, place)[0]
            if glyph and (glyph + delta) & 0xFFFF:
                codes.add(code)
    return frozenset(codes)
