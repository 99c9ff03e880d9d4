"""How days, periods and figures are written in the print."""

import re
from datetime import date

PROTECTED = "·"

_ISO_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")


def day_text(value: str) -> str:
    """An ISO date as 22.11.2026; words such as „laufend“ stay as they are."""
    return f"{date.fromisoformat(value):%d.%m.%Y}" if _ISO_DAY.fullmatch(value) else value


def period_text(first: str, last: str) -> str:
    return f"{day_text(first)}\u2013{day_text(last)}"


def count_text(value: int | None) -> str:
    """2216 as 2.216; a protected number is a point."""
    return PROTECTED if value is None else f"{value:,}".replace(",", ".")


def rate_text(value: float | None) -> str:
    """18.54 as 18,5; a protected number is a point."""
    if value is None:
        return PROTECTED
    return f"{value:,.1f}".translate(str.maketrans(",.", ".,"))


def paragraphs(text: str) -> list[str]:
    """The paragraphs of a text, each with its line breaks turned into spaces."""
    return [" ".join(part.split()) for part in re.split(r"\n\s*\n", text) if part.strip()]


def shortened(text: str, length: int) -> str:
    """The text on one line, cut at a word where it is longer than `length`."""
    line = " ".join(text.split())
    if len(line) <= length:
        return line
    return line[: length - 1].rsplit(" ", 1)[0].rstrip(" ,;:–-") + "…"
