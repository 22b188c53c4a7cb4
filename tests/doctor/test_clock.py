"""The kernel's word about its clock."""

import pytest

from frostguard.doctor import clock
from frostguard.doctor.finding import Level


@pytest.mark.parametrize(("state", "level"), [(0, Level.OK), (1, Level.OK), (5, Level.WARN), (None, Level.OK)])
async def test_a_clock_that_nobody_keeps_is_a_warning(state: int | None, level: Level) -> None:
    assert (await clock.kept(lambda: state))[0] is level


def test_the_kernel_is_asked_for_real_and_changes_nothing() -> None:
    assert clock.kernel() in {None, 0, 1, 2, 3, 4, 5}
    assert clock.kernel() == clock.kernel()
