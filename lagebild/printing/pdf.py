"""An edition as PDF: one typst run, no network, no clock, the same bytes for the same content."""

import json
from pathlib import Path

import typst

from lagebild.printing.content import EditionContent
from lagebild.printing.glyphs import printable
from lagebild.printing.sheets import sheets

STANDARDS = ["a-2a", "ua-1"]

_FOLDER = Path(__file__).parent
_TEMPLATE = _FOLDER / "edition.typ"
_FONTS = _FOLDER / "fonts"
_TEXT_FONT = _FONTS / "FiraSans-Regular.ttf"


def render_pdf(content: EditionContent, *, copy_label: str | None = None) -> bytes:
    """The edition as PDF/A-2a and PDF/UA-1, deterministic for content and copy label.

    The master has no copy label; a personal copy prints the label, in full ("Ausfertigung für …"), in every foot.
    """
    data = printable(sheets(content, copy_label=copy_label), _TEXT_FONT)
    return typst.compile(
        _TEMPLATE,
        root=_FOLDER,
        font_paths=[_FONTS],
        ignore_system_fonts=True,
        sys_inputs={"data": json.dumps(data, ensure_ascii=False)},
        pdf_standards=STANDARDS,
        format="pdf",
    )
