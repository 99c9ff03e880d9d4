"""No table the portal writes runs anything in a spreadsheet."""

from __future__ import annotations

import csv
import io
import re
from pathlib import Path

import pytest
from django.conf import settings
from hypothesis import HealthCheck, example, given
from hypothesis import settings as conditions
from hypothesis import strategies as st

from agencies.spreadsheet import as_csv, safe_cell

SIGNS = "=+-@＝＋－＠\t\r\n"
BLANK = re.compile(r"[\s\x00-\x20\u200b-\u200f\u2060\ufeff]*")
cells = st.one_of(
    st.text(max_size=40),
    st.builds(lambda blank, sign, rest: blank + sign + rest, st.text(" \t\u00a0\u200b\ufeff", max_size=3),
              st.sampled_from(SIGNS), st.text(max_size=20)),
)  # fmt: skip


@conditions(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(rows=st.lists(st.lists(cells, min_size=1, max_size=4), max_size=5))
@example(rows=[["=cmd|' /C calc'!A0"], ["\u00a0=1+1"], ["-2+3"], ["@SUM(A1)"], ['"=1"'], ["＝1"], ["\u200b+1"]])
def test_no_cell_begins_a_formula_and_none_begins_another_cell(rows):
    text = as_csv(("a", "b"), rows)
    read = list(csv.reader(io.StringIO(text.removeprefix("\ufeff"), newline=""), delimiter=";"))[1:]
    assert [len(row) for row in read] == [len(row) for row in rows]
    for written, row in zip(read, rows, strict=True):
        for cell, value in zip(written, row, strict=True):
            assert not cell or BLANK.sub("", cell, count=1)[:1] not in set(SIGNS)
            assert cell in (value, f"'{value}")


@pytest.mark.parametrize("value", ["Lärm", "1", 7, "a=b", "Straße 3-5", "", None, "„+“"])
def test_plain_cells_stay_as_they_are(value):
    assert safe_cell(value) == ("" if value is None else str(value))


def test_every_table_is_written_through_the_safe_cell():
    """Whatever uses the CSV writer itself says so here, and uses `safe_cell`."""
    root = Path(settings.BASE_DIR)
    apps = ("agencies", "incidents", "lagebild", "conferences", "hamm_security")
    writers = [path for app in apps for path in (root / app).rglob("*.py") if "csv.writer(" in path.read_text()]
    assert writers
    assert [str(path) for path in writers if "safe_cell(" not in path.read_text()] == []
