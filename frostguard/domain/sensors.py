"""The sensors of a unit: which one speaks, whether its reading is new, and what it says of door, battery and itself."""

from datetime import datetime

from frostguard.domain.battery import battery_level, percent_of
from frostguard.domain.door import observe_door
from frostguard.domain.event import Event, EventKind
from frostguard.domain.fault import temperature_fault
from frostguard.domain.reading import Reading
from frostguard.domain.rules import Rules
from frostguard.domain.unit_state import Sensor, UnitState


def select_sensor(state: UnitState, reading: Reading) -> bool:
    """Make the reading's sensor the current one; False, and nothing is touched, if the reading is late for it."""
    sensor_id = reading.sensor_id
    current = state.sensor
    if current is not None and current.id == sensor_id:
        return (reading.recorded_at, reading.seq) > (state.seen_at, state.seen_seq)
    known = state.sensors.get(sensor_id)
    if known is not None and (reading.recorded_at, reading.seq) <= (known.at, known.seq):
        return False
    state.sensors = {key: s for key, s in state.every_sensor().items() if key != sensor_id}
    state.sensor = Sensor(sensor_id) if known is None else known._replace(id=sensor_id)
    return True


def observe_sensor(state: UnitState, reading: Reading, rules: Rules, events: list[Event]) -> None:
    """Take what the sensor says of its door, battery and itself."""
    assert state.sensor is not None
    before, at = state.sensor, reading.recorded_at
    after = before
    if reading.door_open is not None and reading.door_open is not before.door_open:
        after = after._replace(door_open=reading.door_open)
    if reading.battery_percent is not None or reading.battery_volts is not None:
        after = _charged(after, reading, rules)
    fault = fault_of(reading, rules)
    if fault != before.fault and (fault is not None or _is_valid(reading)):
        after = after._replace(fault=fault)
    if after is before:
        return
    state.sensor = after
    if after.door_open is not before.door_open:
        join_door(state, at, events)
    if after.battery_level != before.battery_level:
        join_battery(state, at, after, events)
    if after.fault != before.fault:
        join_fault(state, at, after, events)


def _charged(sensor: Sensor, reading: Reading, rules: Rules) -> Sensor:
    volts, percent = reading.battery_volts, reading.battery_percent
    charge = percent
    if charge is None and volts is not None:
        charge = percent_of(volts, rules.sensor(sensor.id).battery_chemistry)
    level = sensor.battery_level if charge is None else battery_level(sensor.battery_level, charge, rules.limits)
    if level == sensor.battery_level and (percent is None or percent == sensor.percent):
        return sensor
    return sensor._replace(percent=sensor.percent if percent is None else percent, battery_level=level)


def fault_of(reading: Reading, rules: Rules) -> str | None:
    """Return the fault that a reading reports, or that its temperature is."""
    if reading.fault is not None or reading.temperature is None:
        return reading.fault
    known = rules.sensor(reading.sensor_id)
    return temperature_fault(reading.temperature, known.range_low, known.range_high)


def _is_valid(reading: Reading) -> bool:
    """Whether it measures anything: a bare heartbeat does not mend a sensor."""
    return reading.temperature is not None or reading.humidity is not None or reading.door_open is not None


def join_door(state: UnitState, at: datetime, events: list[Event]) -> None:
    """Work out the unit's door from what its sensors say."""
    doors = [s.door_open for s in state.every_sensor().values() if s.door_open is not None]
    if doors or state.door.open:
        state.door, said = observe_door(state.door, at, is_open=any(doors))
        events += said


def join_battery(state: UnitState, at: datetime, cause: Sensor, events: list[Event]) -> None:
    """Work out the unit's battery level: the worst of its sensors'."""
    level = max((s.battery_level for s in state.every_sensor().values()), default=0)
    if level == state.battery_level:
        return
    if level == 0:
        kind = EventKind.BATTERY_CLEARED
    else:
        kind = EventKind.BATTERY_LOW if level == 1 else EventKind.BATTERY_CRITICAL
    at = max(at, state.battery_since or at)
    state.battery_level, state.battery_since = level, at
    events.append(Event(kind, at, sensor_id=cause.id, percent=cause.percent))


def join_fault(state: UnitState, at: datetime, cause: Sensor, events: list[Event]) -> None:
    """Work out whether any of the unit's sensors is faulty."""
    faulty = any(s.fault is not None for s in state.every_sensor().values())
    if faulty is state.faulty:
        return
    at = max(at, state.fault_since or at)
    state.faulty, state.fault_since = faulty, at
    kind = EventKind.FAULT_RAISED if faulty else EventKind.FAULT_CLEARED
    events.append(Event(kind, at, sensor_id=cause.id, reason=cause.fault))
