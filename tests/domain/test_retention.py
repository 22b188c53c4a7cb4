"""How long readings are kept."""

from datetime import UTC, datetime, timedelta

import pytest

from frostguard.domain.retention import MINIMUM_DAYS, WEEK, Retention

MONDAY = datetime(2024, 11, 18, tzinfo=UTC)
DEFAULT = 731


@pytest.mark.parametrize(
    ("days", "default", "kept"),
    [(None, 731, 731), (366, 731, 366), (1827, 731, 1827), (None, 30, 366), (10, 731, 366), (None, 36_600, 36_600)],
)
def test_nobody_keeps_less_than_a_year(days: int | None, default: int, kept: int) -> None:
    assert Retention(days).effective_days(default) == kept >= MINIMUM_DAYS


@pytest.mark.parametrize("days", [366, 731, 1827])
def test_a_week_leaves_when_its_last_moment_is_old_enough_and_not_before(days: int) -> None:
    due = MONDAY + WEEK + timedelta(days=days)
    assert Retention(days).expired(MONDAY, due, DEFAULT)
    assert not Retention(days).expired(MONDAY, due - timedelta(microseconds=1), DEFAULT)


def test_on_legal_hold_nothing_leaves() -> None:
    assert not Retention(366, held=True).expired(MONDAY, MONDAY + timedelta(days=100_000), DEFAULT)
