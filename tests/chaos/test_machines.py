"""The machines against the slow reference (tests/domain/test_stateful.py), for a million steps of random lives."""

import os

import pytest
from hypothesis import HealthCheck, settings

from tests.domain.test_stateful import STEPS_PER_LIFE, Life

STEPS = int(os.environ.get("FROSTGUARD_STATEFUL_STEPS", "1000000"))

pytestmark = [pytest.mark.chaos, pytest.mark.timeout(3600)]


class LongLife(Life):
    """The same lives, more of them."""


LongLife.TestCase.settings = settings(
    max_examples=max(1, STEPS // STEPS_PER_LIFE),
    stateful_step_count=STEPS_PER_LIFE,
    deadline=None,
    database=None,
    suppress_health_check=list(HealthCheck),
)
TestLongLife = LongLife.TestCase
