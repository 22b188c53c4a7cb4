"""The state of one unit: the machines side by side, and the rows that they are packed into and read back from.

A state is a working value: the daemon keeps the committed ones, takes a `copy()` at the first touch in a batch, lets
the machines move the copy in place, and puts it in the place of the committed one after COMMIT. A copy is shallow and
safe, because every part of it is a frozen value that is replaced, never changed.
"""

import math
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import NamedTuple
from uuid import UUID

from frostguard.domain.door import Door
from frostguard.domain.link import DataPhase, Link
from frostguard.domain.rules import Rules
from frostguard.domain.status import UnitStatus
from frostguard.domain.temperature import Temperature, TemperaturePhase

FOREVER = datetime.max.replace(tzinfo=UTC)
NO_SENSORS: Mapping[UUID, "Sensor"] = {}  # one for all: a state's mapping is replaced, never changed
LONG_AGO = datetime.min.replace(tzinfo=UTC)


class Sensor(NamedTuple):
    """What is known of one sensor: its last check-in, and what it said last of battery, fault and door."""

    id: UUID
    at: datetime = LONG_AGO
    seq: int = 0
    percent: int | None = None
    battery_level: int = 0
    fault: str | None = None
    door_open: bool | None = None


class SensorRow(NamedTuple):
    """A sensor's part of the state as it is stored, beside its unit's row."""

    unit_id: UUID
    sensor_id: UUID
    last_at: datetime
    last_seq: int
    battery_percent: int | None
    battery_level: int
    fault: str | None
    door_open: bool | None


class UnitRow(NamedTuple):
    """A unit's state as it is stored: scalars only, the axes in words, levels 0 to 2, temperatures in °C."""

    unit_id: UUID
    status: str
    status_since: datetime | None
    temperature_phase: str
    temperature_since: datetime | None
    excursion_began_at: datetime | None
    critical_since: datetime | None
    inside_count: int
    extreme_celsius: float | None
    data_phase: str
    data_since: datetime | None
    logged_at: datetime | None
    log_out_of_limits: bool
    door_open: bool | None
    door_since: datetime | None
    door_level: int
    battery_level: int
    battery_since: datetime | None
    faulty: bool
    fault_since: datetime | None
    calibration_due_at: datetime | None
    measured_at: datetime | None
    measured_by: UUID | None
    celsius: float | None


class UnitState:
    """Where a unit stands. Read it freely; only unit.py moves it.

    `sensor`, `seen_at`, `seen_seq` are the sensor heard last and its last check-in; `sensors` holds the others.
    `due` is a lower bound of the next deadline under `rules`; `calm` is the rules under which a dull reading of that
    sensor changes nothing but the last values, None if anything is going on; `calm_until` and `calm_volts` bound it.
    """

    __slots__ = (
        "battery_level",
        "battery_since",
        "calibration_due",
        "calm",
        "calm_until",
        "calm_volts",
        "celsius",
        "door",
        "due",
        "fault_since",
        "faulty",
        "link",
        "log_out_of_limits",
        "measured_at",
        "measured_by",
        "patience",
        "rules",
        "seen_at",
        "seen_seq",
        "sensor",
        "sensors",
        "status",
        "status_since",
        "temperature",
        "unit_id",
    )

    def __init__(self, unit_id: UUID) -> None:
        self.unit_id = unit_id
        self.temperature = Temperature()
        self.link = Link()
        self.door = Door()
        self.battery_level = 0
        self.battery_since: datetime | None = None
        self.faulty = False
        self.fault_since: datetime | None = None
        self.calibration_due: datetime | None = None
        self.log_out_of_limits = False
        self.status = UnitStatus.OFFLINE
        self.status_since: datetime | None = None
        self.measured_at: datetime | None = None
        self.measured_by: UUID | None = None
        self.celsius: float | None = None
        self.sensor: Sensor | None = None
        self.seen_at = LONG_AGO
        self.seen_seq = 0
        self.sensors: Mapping[UUID, Sensor] = NO_SENSORS
        self.rules: Rules | None = None
        self.due = LONG_AGO
        self.calm: Rules | None = None
        self.calm_until = LONG_AGO
        self.calm_volts = math.inf
        self.patience = timedelta(0)

    def copy(self) -> "UnitState":
        """Return an independent working copy."""
        other: UnitState = object.__new__(UnitState)
        other.unit_id = self.unit_id
        other.temperature = self.temperature
        other.link = self.link
        other.door = self.door
        other.battery_level = self.battery_level
        other.battery_since = self.battery_since
        other.faulty = self.faulty
        other.fault_since = self.fault_since
        other.calibration_due = self.calibration_due
        other.log_out_of_limits = self.log_out_of_limits
        other.status = self.status
        other.status_since = self.status_since
        other.measured_at = self.measured_at
        other.measured_by = self.measured_by
        other.celsius = self.celsius
        other.sensor = self.sensor
        other.seen_at = self.seen_at
        other.seen_seq = self.seen_seq
        other.sensors = self.sensors
        other.rules = self.rules
        other.due = self.due
        other.calm = self.calm
        other.calm_until = self.calm_until
        other.calm_volts = self.calm_volts
        other.patience = self.patience
        return other

    def every_sensor(self) -> Mapping[UUID, Sensor]:
        """Return all sensors heard so far, with their last check-in."""
        if self.sensor is None:
            return self.sensors
        current = self.sensor._replace(at=self.seen_at, seq=self.seen_seq)
        return {**self.sensors, current.id: current}


# Nearly all units are well, and share the values that say so.
_temperature = lru_cache(maxsize=1024)(Temperature)
_door = lru_cache(maxsize=1024)(Door)


def pack(state: UnitState) -> UnitRow:
    """Return the unit's row."""
    temperature, link, door = state.temperature, state.link, state.door
    return UnitRow(
        state.unit_id,
        state.status,
        state.status_since,
        temperature.phase,
        temperature.since,
        temperature.began,
        temperature.critical_since,
        temperature.inside,
        temperature.extreme,
        link.phase,
        link.since,
        link.logged_at,
        state.log_out_of_limits,
        door.open,
        door.since,
        door.level,
        state.battery_level,
        state.battery_since,
        state.faulty,
        state.fault_since,
        state.calibration_due,
        state.measured_at,
        state.measured_by,
        state.celsius,
    )


def pack_sensors(state: UnitState, committed: UnitState | None = None) -> list[SensorRow]:
    """Return the rows of its sensors; with the `committed` state, only those that differ from it."""
    if committed is not None and state.sensors is committed.sensors and state.sensor is not None:
        if (state.sensor, state.seen_at, state.seen_seq) == (committed.sensor, committed.seen_at, committed.seen_seq):
            return []
        current = state.sensor
        return [SensorRow(state.unit_id, current.id, state.seen_at, state.seen_seq, *current[3:])]
    before = committed.every_sensor() if committed is not None else {}
    return [SensorRow(state.unit_id, *s) for s in state.every_sensor().values() if before.get(s.id) != s]


def unpack(row: UnitRow, sensors: Iterable[SensorRow] = (), current: UUID | None = None) -> UnitState:
    """Return the state that was packed. The rules and what follows from them are found at the first touch.

    `current` is the sensor heard last, where that is known.
    """
    state = UnitState(row.unit_id)
    state.status = UnitStatus(row.status)
    state.status_since = row.status_since
    state.temperature = _temperature(
        TemperaturePhase(row.temperature_phase),
        row.temperature_since,
        row.excursion_began_at,
        row.critical_since,
        row.inside_count,
        row.extreme_celsius,
    )
    state.link = Link(DataPhase(row.data_phase), row.data_since, row.logged_at)
    state.log_out_of_limits = row.log_out_of_limits
    state.door = _door(row.door_open, row.door_since, row.door_level)
    state.battery_level = row.battery_level
    state.battery_since = row.battery_since
    state.faulty = row.faulty
    state.fault_since = row.fault_since
    state.calibration_due = row.calibration_due_at
    state.measured_at = row.measured_at
    state.measured_by = row.measured_by
    state.celsius = row.celsius
    others = {s.sensor_id: Sensor(*s[1:]) for s in sensors}
    if current is not None and current in others:
        state.sensor = others.pop(current)
        state.seen_at, state.seen_seq = state.sensor.at, state.sensor.seq
    state.sensors = others or NO_SENSORS
    return state
