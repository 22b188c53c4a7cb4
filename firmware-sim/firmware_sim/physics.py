"""The air inside a refrigerated unit: a small, seeded model that looks like the real thing.

Two masses exchange heat: the air, which sensors measure, and the contents, which are slow. The air gains heat through
the walls and through an open door, loses it to the compressor, and gains some while defrosting:

    d(air)/dt = (ambient - air)/wall + (ambient - air)/door + (contents - air)/coupling - cooling*health*on + defrost
    d(contents)/dt = (air - contents)/contents_seconds

A thermostat with hysteresis switches the compressor. Doors open by chance, often by day and seldom by night; defrosts
come at even intervals. Faults (a door left open, a power cut, a compressor that fails slowly) are given as `Fault`s.
The model walks on a fixed grid of `STEP` seconds, so the answer at a time depends on the seed and the start alone,
never on how often one asks; between two points of the grid it is a straight line.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from random import Random
from typing import NamedTuple

STEP = 10.0
_DAY = 86_400.0


class FaultKind(StrEnum):
    """What can happen to a unit."""

    DOOR_OPEN = "door_open"
    POWER_CUT = "power_cut"
    COMPRESSOR_FAILURE = "compressor_failure"


class Fault(NamedTuple):
    """Something that happens to a unit from `at` (epoch seconds) for `seconds`.

    A failing compressor loses its strength evenly over `seconds` and stays dead; the others end when the time is over.
    """

    kind: FaultKind
    at: float
    seconds: float


class Condition(NamedTuple):
    """The truth inside a unit at one time: °C, %RH."""

    temperature: float
    humidity: float
    door_open: bool
    powered: bool


@dataclass(frozen=True, slots=True)
class UnitType:
    """What a kind of unit is made of. Temperatures in °C, time constants in seconds, heat in K/s of the air."""

    setpoint: float
    swing: float  # the thermostat switches at setpoint ± swing
    cooling: float
    wall_seconds: float
    coupling_seconds: float
    contents_seconds: float
    door_seconds: float
    openings_per_hour: float
    opening_seconds: float
    defrosts_per_day: int
    defrost_seconds: float
    defrost_heat: float
    humidity: float


UNIT_TYPES: dict[str, UnitType] = {
    "fridge": UnitType(2.0, 0.9, 0.006, 14_400, 1200, 7200, 700, 3.0, 20, 2, 600, 0.0015, 62),
    "display_case": UnitType(2.0, 0.8, 0.007, 10_800, 1000, 5400, 600, 5.0, 15, 4, 480, 0.0015, 70),
    "walk_in_cooler": UnitType(1.8, 0.9, 0.006, 21_600, 1800, 14_400, 1100, 4.0, 25, 2, 600, 0.0008, 78),
    "freezer": UnitType(-20.0, 1.2, 0.006, 28_800, 1500, 10_800, 900, 1.0, 20, 2, 600, 0.0055, 48),
    "walk_in_freezer": UnitType(-21.0, 1.3, 0.006, 36_000, 1800, 18_000, 1400, 1.5, 30, 3, 720, 0.0042, 55),
    "blast_chiller": UnitType(-3.0, 1.5, 0.009, 18_000, 900, 5400, 900, 1.0, 30, 1, 600, 0.0050, 66),
}


class Unit:
    """One refrigerated unit from `start` (epoch seconds) on. Ask it in time order: it only walks forward."""

    def __init__(self, unit_type: str, seed: str, start: float, faults: Iterable[Fault] = ()) -> None:
        self.kind = UNIT_TYPES[unit_type]
        self._random = Random(seed)  # noqa: S311 - weather, not secrets
        self._faults = tuple(sorted(faults, key=lambda f: f.at))
        self._ambient_mean = 21.0 + 3.0 * self._random.random()
        self._defrost_phase = self._random.random()
        self._time = start
        self._air = self.kind.setpoint + self.kind.swing * self._random.uniform(-0.8, 0.8)
        self._contents = self.kind.setpoint
        self._humidity = self.kind.humidity
        self._running = self._random.random() < 0.3
        self._door_until = 0.0
        self._before = self._now = self._condition(door=False, powered=True)

    @property
    def time(self) -> float:
        """The point of the grid that was reached."""
        return self._time

    @property
    def condition(self) -> Condition:
        """The condition at that point."""
        return self._now

    def fail(self, fault: Fault) -> None:
        """Add a fault while running (it counts from the next step)."""
        self._faults = (*self._faults, fault)

    def at(self, time: float) -> Condition:
        """The condition at `time` (epoch seconds). A time before the last step gets the condition of that step."""
        while self._time < time:
            self.step()
        share = min(1.0, max(0.0, 1.0 - (self._time - time) / STEP))
        a, b = self._before, self._now
        return Condition(
            a.temperature + (b.temperature - a.temperature) * share,
            a.humidity + (b.humidity - a.humidity) * share,
            b.door_open if share >= 1.0 else a.door_open,
            b.powered,
        )

    def step(self) -> Condition:
        """Walk one step of the grid and return the condition there."""
        kind, time = self.kind, self._time
        door, powered, health = self._circumstances(time)
        ambient = self._ambient_mean + 2.0 * math.sin(2 * math.pi * (time % _DAY) / _DAY - 2.0)
        defrosting = powered and self._defrosting(time)
        self._thermostat(allowed=powered and not defrosting)
        heat = (ambient - self._air) / kind.wall_seconds + (self._contents - self._air) / kind.coupling_seconds
        if door:
            heat += (ambient - self._air) / kind.door_seconds
        if defrosting:
            heat += kind.defrost_heat
        if self._running:
            heat -= kind.cooling * health
        self._contents += STEP * (self._air - self._contents) / kind.contents_seconds
        self._air += STEP * heat
        self._breathe(door=door)
        self._time = time + STEP
        self._before, self._now = self._now, self._condition(door=door, powered=powered)
        return self._now

    def _circumstances(self, time: float) -> tuple[bool, bool, float]:
        """Whether the door is open, whether there is power, and how strong the compressor is (0 to 1)."""
        door, powered, health = self._door_by_chance(time), True, 1.0
        for fault in self._faults:
            if time < fault.at:
                continue
            if fault.kind is FaultKind.COMPRESSOR_FAILURE:
                health = min(health, max(0.0, 1.0 - (time - fault.at) / max(fault.seconds, STEP)))
            elif time < fault.at + fault.seconds:
                door |= fault.kind is FaultKind.DOOR_OPEN
                powered &= fault.kind is not FaultKind.POWER_CUT
        return door, powered, health

    def _door_by_chance(self, time: float) -> bool:
        draw = self._random.random()  # one draw a step, whatever happens, keeps faults from changing the weather
        if time < self._door_until:
            return True
        busy = 1.0 if 6 <= (time % _DAY) / 3600 < 22 else 0.05
        chance = self.kind.openings_per_hour * busy * STEP / 3600
        if draw >= chance:
            return False
        self._door_until = time + self.kind.opening_seconds * (0.5 + draw / chance)
        return True

    def _defrosting(self, time: float) -> bool:
        period = _DAY / self.kind.defrosts_per_day
        return (time + self._defrost_phase * period) % period < self.kind.defrost_seconds

    def _thermostat(self, *, allowed: bool) -> None:
        if not allowed:
            self._running = False
        elif self._air >= self.kind.setpoint + self.kind.swing:
            self._running = True
        elif self._air <= self.kind.setpoint - self.kind.swing:
            self._running = False

    def _breathe(self, *, door: bool) -> None:
        goal = 75.0 if door else self.kind.humidity - (6.0 if self._running else 0.0)
        self._humidity += (goal - self._humidity) * STEP / (120.0 if door else 600.0)

    def _condition(self, *, door: bool, powered: bool) -> Condition:
        return Condition(self._air, self._humidity, door, powered)
