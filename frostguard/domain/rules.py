"""What the machines of one unit must know besides its state: limits, sensors, and since when this holds."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import NamedTuple
from uuid import UUID

from frostguard.domain.limits import Limits

DEFAULT_INTERVAL_SECONDS = 300


class SensorRules(NamedTuple):
    """What is known of one assigned sensor. `interval_seconds` is its own report interval; the range is in °C."""

    interval_seconds: float = DEFAULT_INTERVAL_SECONDS
    assigned_at: datetime | None = None
    measures_temperature: bool = True
    battery_chemistry: str | None = None
    range_low: float = -100.0
    range_high: float = 150.0
    calibration_due_at: datetime | None = None


UNKNOWN_SENSOR = SensorRules()


@dataclass(frozen=True, slots=True, eq=False)
class Rules:
    """The rules of one unit. Make a new one when anything changes: the machines notice it by identity.

    `primary` is the sensor that both axes follow; None: any sensor's temperature counts. `since` is the moment from
    which these rules are in force: no deadline of theirs falls before it (None: always).
    """

    limits: Limits = field(default_factory=Limits)
    primary: UUID | None = None
    sensors: Mapping[UUID, SensorRules] = field(default_factory=dict)
    since: datetime | None = None
    low: float = field(init=False)  # the hot path reads these two without a detour
    high: float = field(init=False)
    assigned_at: datetime | None = field(init=False)  # of the primary, else of the first that measures temperature

    def __post_init__(self) -> None:
        object.__setattr__(self, "low", self.limits.low)
        object.__setattr__(self, "high", self.limits.high)
        object.__setattr__(self, "assigned_at", self._assigned_at())

    def sensor(self, sensor_id: UUID | None) -> SensorRules:
        """Return what is known of a sensor; the defaults, if nothing is."""
        return self.sensors.get(sensor_id, UNKNOWN_SENSOR) if sensor_id is not None else UNKNOWN_SENSOR

    def drives(self, sensor_id: UUID) -> bool:
        """Whether this sensor's temperature is the unit's."""
        return self.primary is None or self.primary == sensor_id

    def _assigned_at(self) -> datetime | None:
        if self.primary is not None:
            return self.sensor(self.primary).assigned_at
        times = [s.assigned_at for s in self.sensors.values() if s.measures_temperature and s.assigned_at is not None]
        return min(times, default=None)

    def interval(self, measured_by: UUID | None) -> float:
        """Return the seconds between check-ins: the primary's, else those of the sensor that measured last."""
        if self.primary is not None:
            return self.sensor(self.primary).interval_seconds
        if measured_by is not None and measured_by in self.sensors:
            return self.sensors[measured_by].interval_seconds
        times = [s.interval_seconds for s in self.sensors.values() if s.measures_temperature]
        return min(times, default=DEFAULT_INTERVAL_SECONDS)

    def patience(self, missed: int, measured_by: UUID | None) -> timedelta:
        """Return how long after the last value `missed` check-ins count as missed."""
        return timedelta(seconds=missed * self.interval(measured_by) + self.limits.slack_seconds)
