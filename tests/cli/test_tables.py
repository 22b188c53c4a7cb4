"""Rows for people."""

from datetime import UTC, datetime, timedelta

import pytest

from frostguard.cli.tables import age, celsius, json_line, printable, table

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)


def test_columns_line_up_and_numbers_stand_right() -> None:
    assert table(("name", ">°C", "note"), [("a", 1, None), ("longer", 12, "x")]).splitlines() == [
        "name    °C  note",
        "a        1  -",
        "longer  12  x",
    ]


@pytest.mark.parametrize(("cell", "text"), [(None, "-"), ("", "-"), (0, "0"), ("a\x1b[31m\nb", "a?[31m?b"), ("ö", "ö")])
def test_what_could_steer_a_terminal_is_shown_as_a_question_mark(cell: object, text: str) -> None:
    assert printable(cell) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0 s"), (119, "119 s"), (120, "2 min"), (7199, "120 min"), (7200, "2 h"), (172_799, "48 h"), (172_800, "2 d"),
     (-5, "0 s")],
)  # fmt: skip
def test_ages_are_said_in_the_unit_that_fits(seconds: int, text: str) -> None:
    assert age(NOW - timedelta(seconds=seconds), NOW) == text


def test_never_and_nothing_are_a_dash() -> None:
    assert age(None, NOW) == "-"
    assert celsius(None) == "-"
    assert celsius(-18.44) == "-18.4 °C"
    assert celsius(0.0) == "0.0 °C"


def test_json_keeps_times_and_what_it_has_no_form_for() -> None:
    assert json_line({"at": NOW, "raw": b"x"}) == '{"at":"2026-11-22T12:00:00+00:00","raw":"b\'x\'"}'
