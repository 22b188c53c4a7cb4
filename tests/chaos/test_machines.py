"""The machines against the slow reference (tests/domain/test_stateful.py), for a million steps of random lives."""

import os

import pytest
from hypothesis import HealthCheck, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.domain.test_stateful import STEPS_PER_LIFE, Life

STEPS = int(os.environ.get("FROSTGUARD_STATEFUL_STEPS", "1000000"))
PARTS = 20  # what hypothesis remembers of a run grows with it


@pytest.mark.chaos
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("part", range(PARTS))
def test_random_lives_go_as_the_reference_says(part: int) -> None:
    run_state_machine_as_test(
        Life,
        settings=settings(
            max_examples=max(1, STEPS // PARTS // STEPS_PER_LIFE),
            stateful_step_count=STEPS_PER_LIFE,
            deadline=None,
            database=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
