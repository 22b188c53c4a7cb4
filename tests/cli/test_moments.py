"""Moments as typed and as shown."""

import argparse
from datetime import UTC, datetime, timedelta, timezone

import pytest

from frostguard.cli.moments import clock, moment

AT = datetime(2026, 11, 22, 10, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "at"),
    [
        ("2026-11-22T10:00Z", AT), ("2026-11-22 10:00", AT), ("2026-11-22T11:00+01:00", AT),
        ("2026-11-22", AT.replace(hour=0)),
    ],
)  # fmt: skip
def test_a_moment_is_utc_unless_it_says_otherwise(text: str, at: datetime) -> None:
    assert moment(text) == at


@pytest.mark.parametrize("text", ["", "yesterday", "10:00", "2026-13-01"])
def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises(argparse.ArgumentTypeError, match="is no time like"):
        moment(text)


def test_moments_are_shown_in_utc() -> None:
    assert clock(AT.astimezone(timezone(timedelta(hours=5)))) == "2026-11-22 10:00:00"
    assert clock(None) == "-"
