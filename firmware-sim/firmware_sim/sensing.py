"""From the truth inside a unit to what its sensor says: noise, resolution, battery, radio."""

import zlib
from datetime import UTC, datetime
from random import Random

from firmware_sim.fleet import Kind, SensorPlan
from firmware_sim.physics import Condition
from frostguard.wire.packets import Measurement

_NOISE_CELSIUS, _NOISE_HUMIDITY = 0.04, 0.4
_VOLTS_FULL, _VOLTS_PER_DAY = 3.58, 0.0004
_BIRTH = 1_700_000_000.0  # batteries were new at about this epoch second, each at another day


class Sensor:
    """One sensor with its own small errors; deterministic from the seed."""

    def __init__(self, plan: SensorPlan, seed: str) -> None:
        self.plan = plan
        self._random = Random(f"{seed}/{plan.serial}")  # noqa: S311 - noise, not secrets
        self._offset = self._random.gauss(0, 0.05)
        self._rssi = self._random.randint(-112, -60)
        self._born = _BIRTH + (zlib.crc32(plan.serial.encode()) % 400) * 86_400
        self._temperature = plan.kind is not Kind.DOOR
        self._humidity = plan.kind in (Kind.TEMPERATURE_HUMIDITY, Kind.COMBO)
        self.door = plan.kind in (Kind.DOOR, Kind.COMBO)

    def measure(self, truth: Condition, at: float) -> Measurement:
        """The reading at `at` (epoch seconds, cut to milliseconds); not numbered yet."""
        noise = self._random.random() - 0.5
        volts = max(2.2, _VOLTS_FULL - max(0.0, at - self._born) / 86_400 * _VOLTS_PER_DAY)
        return Measurement(
            self.plan.serial,
            datetime.fromtimestamp(int(at * 1000) / 1000, UTC),
            round(truth.temperature + self._offset + noise * 2 * _NOISE_CELSIUS, 2) if self._temperature else None,
            round(min(100.0, truth.humidity + noise * 2 * _NOISE_HUMIDITY), 1) if self._humidity else None,
            truth.door_open if self.door else None,
            round(volts, 2),
            max(1, min(100, round((volts - 2.2) / (_VOLTS_FULL - 2.2) * 100))),
            self._rssi + round(noise * 6),
            round(7.5 + noise * 8) / 2,
        )
