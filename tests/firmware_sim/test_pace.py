"""How many readings are made in a turn."""

from itertools import cycle
from types import SimpleNamespace

import pytest

from firmware_sim.pace import Pace, flat_out, steady


class Counter:
    """Stands where the simulation stands: counts, and gives one gateway whose buffer fills."""

    def __init__(self, *, up: bool = True, waiting: int = 0) -> None:
        self.tally = SimpleNamespace(readings=0)
        self.outbox = SimpleNamespace(waiting=waiting, __len__=lambda: 0)
        outbox = [0] * waiting
        self.gateway = SimpleNamespace(link=SimpleNamespace(up=up), outbox=Box(outbox))

    def rounds(self, per_message: int):
        return cycle([[SimpleNamespace(gateway=self.gateway)] * per_message])

    def measure(self, _slot, _now) -> None:
        self.tally.readings += 1
        self.gateway.outbox.append(0)


class Box(list):
    """A buffer of which everything waits."""

    @property
    def waiting(self) -> int:
        return len(self)


@pytest.mark.parametrize(
    ("elapsed", "rate", "per_message", "count", "made"),
    [
        (0.0, 100, 1, None, 0),
        (1.0, 100, 1, None, 100),
        (1.0, 100, 30, None, 120),
        (1.0, 100, 30, 70, 70),
        (0.005, 100, 1, None, 0),
        (10.0, 100_000, 1, None, 2000),
    ],
)
def test_a_steady_pace_makes_what_is_owed(elapsed, rate, per_message, count, made):
    simulation = Counter()
    make = steady(simulation, Pace(per_message, count, None, 1000), rate)
    more = make(elapsed, 0.0)
    assert simulation.tally.readings == made
    assert more == (rate == 100_000)


def test_flat_out_stays_a_little_ahead_and_waits_for_a_full_buffer():
    simulation = Counter()
    make = flat_out(simulation, Pace(1, None, None, 1000))
    assert all(make(0.0, 0.0) for _ in range(10))
    assert simulation.tally.readings == 256


@pytest.mark.parametrize(
    ("simulation", "pace"),
    [
        (Counter(up=False), Pace(1, None, None, 1000)),
        (Counter(waiting=20), Pace(1, None, None, 20)),
        (Counter(), Pace(1, 0, None, 1000)),
        (Counter(), Pace(1, None, 5.0, 1000)),
    ],
    ids=["not connected", "buffer full", "enough", "time is over"],
)
def test_flat_out_makes_nothing(simulation, pace):
    flat_out(simulation, pace)(0.0, 5.0)
    assert simulation.tally.readings == 0
