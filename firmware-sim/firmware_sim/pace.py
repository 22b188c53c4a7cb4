"""How fast readings are made when not each sensor at its own interval: at a steady rate, or as fast as they go out."""

from collections.abc import Callable
from dataclasses import dataclass

from firmware_sim.simulation import Simulation, Slot

Make = Callable[[float, float], bool]
"""Called in each turn with our elapsed seconds and the simulated time; says whether more is due at once."""

_MOST_AT_ONCE = 2000  # readings in one turn of the event loop
_AHEAD = 256  # readings that wait in a gateway which sends as fast as it can


@dataclass(frozen=True, slots=True)
class Pace:
    """What bounds the making: readings in a message, in all, the end of simulated time, each gateway's buffer."""

    per_message: int
    count: int | None
    end: float | None
    buffer: int


def steady(simulation: Simulation, pace: Pace, rate: float) -> Make:
    """So many readings a second in all, whatever becomes of them: what a full buffer drops is counted there."""
    rounds, made = simulation.rounds(pace.per_message), 0

    def make(elapsed: float, now: float) -> bool:
        nonlocal made
        if pace.end is not None and now >= pace.end:
            return False
        owed = int(elapsed * rate)
        stop = min(owed, made + _MOST_AT_ONCE)
        while made < stop and _left(simulation, pace):
            made += _measure(simulation, pace, next(rounds), now)
        return made < owed and _left(simulation, pace) > 0

    return make


def flat_out(simulation: Simulation, pace: Pace) -> Make:
    """A little more than the window takes, for each gateway in turn; a full buffer is waited for."""
    rounds, ahead = simulation.rounds(pace.per_message), max(_AHEAD, 2 * pace.per_message)

    def make(_elapsed: float, now: float) -> bool:
        if pace.end is not None and now >= pace.end:
            return False
        for _ in range(max(1, _AHEAD // pace.per_message)):
            slots = next(rounds)
            gateway = slots[0].gateway
            outbox = gateway.outbox
            if gateway.link.up and outbox.waiting < ahead and len(outbox) + len(slots) <= pace.buffer:
                _measure(simulation, pace, slots, now)
        return _left(simulation, pace) > 0

    return make


def _left(simulation: Simulation, pace: Pace) -> int:
    return 1 << 62 if pace.count is None else pace.count - simulation.tally.readings


def _measure(simulation: Simulation, pace: Pace, slots: list[Slot], now: float) -> int:
    for slot in slots[: max(0, _left(simulation, pace))]:
        simulation.measure(slot, now)
    return len(slots)
