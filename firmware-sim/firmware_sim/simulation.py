"""The fleet at work: units, sensors and gateways, and when each sensor measures."""

import heapq
import itertools
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from random import Random

from firmware_sim.broken import KINDS, make_broken, make_garbage
from firmware_sim.fleet import FleetPlan
from firmware_sim.gateway import Gateway
from firmware_sim.physics import Fault, Unit
from firmware_sim.sensing import Sensor
from firmware_sim.tally import Tally
from frostguard.wire.packets import Measurement

_DOOR_SECONDS = 15.0  # a door sensor reports a change at once: we look this often
_MOST_AT_ONCE = 2000  # readings in one turn of the event loop
_ENOUGH_WAITING = 10_000  # readings that wait for the broker when simulated time is to wait for it too


@dataclass(frozen=True, slots=True)
class Trouble:
    """What goes wrong on purpose. Shares are from 0 to 1, times in seconds."""

    late: float = 0.0
    late_seconds: float = 0.0
    clock_skew: float = 0.0  # each gateway's clock is off by up to this, either way
    step_back: float = 0.0  # share of readings that carry the time of the one before
    broken: float = 0.0  # broken payloads beside so many readings
    garbage: float = 0.0  # messages a second, from the first gateway
    flap: float = 0.0  # chance that a connection is lost, each second


class Clock:
    """Simulated time: epoch seconds that begin at `start` and run `speedup` times as fast as ours."""

    def __init__(self, start: float, speedup: float = 1.0) -> None:
        self.start, self.speedup = start, speedup
        self._began = time.monotonic()

    def now(self) -> float:
        """The simulated time."""
        return self.start + self.elapsed() * self.speedup

    def elapsed(self) -> float:
        """Our seconds since the beginning."""
        return time.monotonic() - self._began


@dataclass(slots=True)
class Slot:
    """A sensor in its place."""

    gateway: Gateway
    sensor: Sensor
    unit: Unit
    skew: float
    last: Measurement | None = None
    last_at: float = 0.0


@dataclass(order=True, slots=True)
class _Due:
    at: float
    order: int
    act: Callable[[float], None] = field(compare=False)


class Simulation:
    """Makes readings and gives them to the gateways. Time is an argument of everything here."""

    def __init__(self, plan: FleetPlan, gateways: list[Gateway], seed: int, start: float, tally: Tally) -> None:
        self.gateways, self.tally = gateways, tally
        self.trouble = Trouble()
        self.random = Random(f"{seed}/trouble")  # noqa: S311 - a simulation
        self._start = start
        self._units = {key: Unit(m[0][1].unit_type, unit_seed(seed, key), start) for key, m in plan.units().items()}
        self.slots: dict[int, list[Slot]] = {}
        for index, gateway_plan in enumerate(plan.gateways):
            sensors = (Sensor(s, str(seed)) for s in gateway_plan.sensors)
            self.slots[index] = [Slot(gateways[index], s, self._units[s.plan.unit], 0.0) for s in sensors]
        self._dues: list[_Due] = []
        self._order = itertools.count()
        self._unpowered: set[Gateway] = set()
        self._garbage_made = 0

    def disturb(self, trouble: Trouble) -> None:
        """Begin to misbehave."""
        self.trouble = trouble
        for slots in self.slots.values():
            skew = self.random.uniform(-1, 1) * trouble.clock_skew
            for slot in slots:
                slot.skew = skew

    def fail(self, unit: str, fault: Fault) -> None:
        """Let something happen to a unit."""
        self._units[unit].fail(fault)

    def schedule(self, at: float, act: Callable[[float], None]) -> None:
        """Call `act(at)` when simulated time comes there, in order with the readings."""
        heapq.heappush(self._dues, _Due(at, next(self._order), act))

    def cut_power(self, at: float, seconds: float) -> None:
        """All compressors stop and all gateways go dark; they come back with a new boot."""

        def off(_at: float) -> None:
            self._unpowered.update(self.gateways)
            for gateway in self.gateways:
                gateway.go_dark()

        def on(_at: float) -> None:
            self._unpowered.clear()
            for gateway in self.gateways:
                gateway.restart()
                gateway.come_back()

        self.schedule(at, off)
        self.schedule(at + seconds, on)

    def start_sensors(self) -> None:
        """Schedule every sensor at its own interval, each with its own phase."""
        for slots in self.slots.values():
            for slot in slots:
                self.schedule(self._start + self.random.random() * _pace(slot), self._habit(slot))

    def run_until(self, now: float, *, wait_for_broker: bool = False) -> float | None:
        """Do what is due by `now`, in order. Returns when the next thing is due; None when nothing will be.

        Stops early after many readings in one turn, or when the broker cannot follow and is to be waited for.
        """
        for _ in range(_MOST_AT_ONCE):
            if not self._dues or self._dues[0].at > now:
                break
            if wait_for_broker and self._clogged():
                break
            due = heapq.heappop(self._dues)
            due.act(due.at)
        return self._dues[0].at if self._dues else None

    def rounds(self, per_message: int) -> Iterator[list[Slot]]:
        """For ever: the sensors of the next message; gateways take turns, and so do the sensors of each."""
        turns = [itertools.cycle(slots) for slots in self.slots.values() if slots]
        while True:
            for turn in turns:
                yield list(itertools.islice(turn, per_message))

    def measure(self, slot: Slot, at: float) -> None:
        """One reading of one sensor, with whatever may befall it."""
        if slot.gateway in self._unpowered:
            return
        trouble, random = self.trouble, self.random
        reading = slot.sensor.measure(slot.unit.at(at), at + slot.skew)
        if trouble.step_back and slot.last and random.random() < trouble.step_back:
            reading = reading._replace(at=slot.last.at)
        slot.last, slot.last_at = reading, at
        if trouble.late and random.random() < trouble.late:
            self.tally.late += 1
            self.schedule(at + trouble.late_seconds, lambda _at: slot.gateway.take(reading))
        else:
            slot.gateway.take(reading)
        if trouble.broken and random.random() < trouble.broken:
            self.tally.broken += 1
            kind = random.choice(KINDS)
            slot.gateway.plant(kind, make_broken(kind, slot.sensor.plan.serial, random))

    def make_garbage(self, elapsed: float) -> None:
        """Bring the flood of the first gateway up to `elapsed` of our seconds."""
        owed = int(elapsed * self.trouble.garbage) - self._garbage_made
        for _ in range(min(owed, _MOST_AT_ONCE)):
            self.tally.garbage += 1
            self.gateways[0].plant("garbage", make_garbage(self.random))
        self._garbage_made += max(owed, 0)

    def _habit(self, slot: Slot) -> Callable[[float], None]:
        """What a sensor does again and again; a door sensor also looks whether the door has moved."""
        interval = slot.sensor.plan.interval_seconds
        pace = _pace(slot)

        def act(at: float) -> None:
            changed = slot.sensor.door and slot.last and slot.unit.at(at).door_open != slot.last.door_open
            if changed or slot.last is None or at - slot.last_at >= interval - pace / 2:
                self.measure(slot, at)
            self.schedule(at + pace, act)

        return act

    def _clogged(self) -> bool:
        return any(g.link.up and not g.silent and g.outbox.waiting > _ENOUGH_WAITING for g in self.gateways)


def _pace(slot: Slot) -> float:
    """How often a sensor looks, in seconds."""
    interval = slot.sensor.plan.interval_seconds
    return min(interval, _DOOR_SECONDS) if slot.sensor.door else interval


def unit_seed(seed: int, key: str) -> str:
    """The seed of a unit's physics: the truth of a scenario is computed from the same."""
    return f"{seed}/{key}"
