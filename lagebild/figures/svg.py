"""Writing SVG: escaped text, fixed decimals, presentation attributes only (a strict CSP forbids style=)."""

from collections.abc import Iterable
from xml.sax.saxutils import escape, quoteattr

FONT = "Fira Sans, sans-serif"

_NOT_XML = dict.fromkeys((*range(0x09), 0x0B, 0x0C, *range(0x0E, 0x20), *range(0xD800, 0xE000), 0xFFFE, 0xFFFF), None)


def number(value: float) -> str:
    """A coordinate with at most two decimals, the same on every machine."""
    text = f"{value:.2f}".rstrip("0").rstrip(".")
    return "0" if text == "-0" else text


def element(name: str, *children: str, **attributes: str | float) -> str:
    """One element; underscores in attribute names become hyphens, floats get fixed decimals."""
    written = "".join(
        f" {key.rstrip('_').replace('_', '-')}={quoteattr(_clean(value))}" for key, value in attributes.items()
    )
    return f"<{name}{written}>{''.join(children)}</{name}>" if children else f"<{name}{written}/>"


def text(content: str, x: float, y: float, **attributes: str | float) -> str:
    return element("text", escape(_clean(content)), x=x, y=y, **attributes)


def path(rings: Iterable, *, closed: bool = True) -> str:
    """Path data for rings of (x, y)."""
    end = "Z" if closed else ""
    return "".join("M" + "L".join(f"{number(x)} {number(y)}" for x, y in ring) + end for ring in rings if ring)


def document(width: float, height: float, *children: str, title: str, description: str) -> str:
    """A complete drawing on white ground, named and described for screen readers."""
    return element(
        "svg",
        element("title", escape(_clean(title)) or " "),
        element("desc", escape(_clean(description)) or " "),
        element("rect", x=0, y=0, width=width, height=height, fill="#ffffff"),
        *children,
        xmlns="http://www.w3.org/2000/svg",
        viewBox=f"0 0 {number(width)} {number(height)}",
        width=width,
        height=height,
        role="img",
        aria_label=title,
        font_family=FONT,
    )


def text_width(content: str, size: float) -> float:
    """A safe estimate of the width of a text in Fira Sans."""
    return sum(0.36 if character in " .,:;iIjlft|'()" else 0.62 for character in content) * size


def shortened(content: str, size: float, width: float) -> str:
    """The text, cut with an ellipsis where it would be wider than the room it has."""
    if text_width(content, size) <= width:
        return content
    kept = content
    while kept and text_width(kept + "…", size) > width:
        kept = kept[:-1]
    return kept.rstrip() + "…"


def _clean(value: str | float) -> str:
    return value.translate(_NOT_XML) if isinstance(value, str) else number(value)
