"""CSV that no spreadsheet takes for a program."""

import csv
import io
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.tables import DANGEROUS, csv_lines


def read(raw: bytes) -> list[list[str]]:
    return list(csv.reader(io.StringIO(raw.decode(), newline="")))


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (None, ""), (-18.4, "-18.4"), (0, "0"), (True, "true"), (False, "false"), ("plain", "plain"),
        ("=1+1", "'=1+1"), ("+1", "'+1"), ("-1", "'-1"), ("@a", "'@a"), ("\t=1", "'\t=1"), ("\r=1", "'\r=1"),
        ("\0=1", "'=1"), ('say "hi", you', 'say "hi", you'), ("two\nlines", "two\nlines"), ("", ""),
        (datetime(2026, 11, 22, 12, tzinfo=UTC), "2026-11-22T12:00:00Z"),
        (datetime(2026, 11, 22, 12, tzinfo=timezone(timedelta(hours=2))), "2026-11-22T10:00:00Z"),
    ],
)  # fmt: skip
def test_a_cell(value: object, shown: str) -> None:
    assert read(csv_lines([[value, "x"]])) == [[shown, "x"]]


@given(st.lists(st.lists(st.text(), min_size=1, max_size=4), max_size=5))
def test_no_text_begins_like_a_formula_and_no_row_falls_apart(rows: list[list[str]]) -> None:
    found = read(csv_lines(rows))
    assert len(found) == len(rows)
    for row, original in zip(found, rows, strict=True):
        assert len(row) == len(original) or original == [""]
        assert not any(cell.startswith(DANGEROUS) for cell in row)
