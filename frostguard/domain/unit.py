"""One unit judged: `observe` a reading, `expire` what is due, take a manual log, say when something is next due.

     temperature  normal -> excursion -> alarm -> restoring -> normal      (temperature.py)
     data         never | fresh -> late -> interrupted -> manual -> fresh  (link.py)
     door         closed -> open -> warning -> critical -> closed          (door.py)
     battery      fine -> low -> critical -> fine                          (battery.py, the worst of its sensors)
     fault        fine <-> faulty                                          (fault.py, any of its sensors)
     calibration  fine <-> due

The rules of time:

- Every moment is event time. A reading first lets every deadline up to its own time expire, in order, so that folding
  readings in any number of ticks gives the same events. "At" a moment counts as past it.
- Order is kept per sensor: a reading counts if (recorded_at, seq) is greater than that of the sensor's last one.
  Of two at the same time the higher seq is the newer; a repeated one, or one with a lower seq, is late.
- A late reading moves nothing: it yields `reading_late`, and backfill.py judges it. Where any sensor may drive the
  axes, a temperature older than the last one of another sensor is late for the axes too.
- A machine never runs backwards. A reading that was delayed past a deadline already spoken of takes effect at the
  moment of that deadline.
- Our own outages are given, not guessed (outages.py).
"""

from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from frostguard.domain.event import NOTHING, Event, EventKind
from frostguard.domain.link import observe_log, observe_value
from frostguard.domain.outages import NO_OUTAGES, Outages
from frostguard.domain.reading import Reading
from frostguard.domain.rules import Rules
from frostguard.domain.sensors import fault_of, join_battery, join_door, join_fault, observe_sensor, select_sensor
from frostguard.domain.status import UnitStatus, status_of
from frostguard.domain.temperature import beyond, is_critical, is_inside, observe_temperature
from frostguard.domain.timers import Context, expire_until, next_due, note_status, settle
from frostguard.domain.unit_state import FOREVER, Sensor, UnitState

Events = list[Event] | tuple[Event, ...]


class ManualLog(NamedTuple):
    """A temperature that a person read: °C at a time. One per unit and time."""

    at: datetime
    celsius: float


def observe(state: UnitState, reading: Reading, rules: Rules, outages: Outages = NO_OUTAGES) -> Events:
    """Fold one reading into the state, in place; return the facts that it made true.

    `outages` are our own silences that ended before the reading came; see outages.py.
    """
    _, at, sensor_id, seq, _, celsius, _, door_open, volts, percent, _, _, fault = reading
    sensor = state.sensor
    if (
        state.calm is rules
        and sensor is not None
        and (sensor_id is sensor.id or sensor_id == sensor.id)
        and state.seen_at < at < state.due
        and at < state.calm_until
        and fault is None
        and celsius is not None
        and rules.low <= celsius <= rules.high
        and (door_open is None or door_open is sensor.door_open)
        and (percent == sensor.percent or percent is None)
        and (percent is not None or volts is None or volts >= state.calm_volts)
    ):
        state.seen_at = state.measured_at = at
        state.seen_seq = seq
        state.celsius = celsius
        state.due = at + state.patience
        return NOTHING
    return _observe(state, reading, rules, outages)


def expire(state: UnitState, now: datetime, rules: Rules, outages: Outages = NO_OUTAGES) -> Events:
    """Let every deadline up to `now` expire, in order; return the facts, each at its own moment.

    Not to be called while we do not listen or a backlog is being drained: nothing is known of the silence then.
    """
    if state.rules is rules and now < state.due:
        return NOTHING
    events: list[Event] = []
    expire_until(state, now, Context(rules, outages), events)
    settle(state, rules)
    return events


def deadline(state: UnitState, rules: Rules, outages: Outages = NO_OUTAGES) -> datetime | None:
    """Return the exact moment at which `expire` will next say something if no reading comes; None: never."""
    known = state.measured_at
    if state.rules is rules and (not outages or (known is not None and outages[-1].drained <= known)):
        return None if state.due is FOREVER else state.due
    due = next_due(state, Context(rules, outages))
    return None if due is None else due[0]


def status(state: UnitState) -> UnitStatus:
    """Return the unit's status, one of the seven."""
    return status_of(state.temperature.phase, state.link.phase)


def manual_log(state: UnitState, log: ManualLog, rules: Rules, outages: Outages = NO_OUTAGES) -> Events:
    """Take a manual log: it meets the duty to log, and a temperature out of limits is said. An older one says nothing.

    It never moves the temperature axis: a hand-held thermometer neither begins nor ends an excursion of the sensor's.
    """
    if state.link.logged_at is not None and log.at <= state.link.logged_at:
        return NOTHING
    events: list[Event] = []
    expire_until(state, log.at, Context(rules, outages), events)
    state.link, logged = observe_log(state.link, log.at, rules.limits)
    events += logged
    _judge_log(state, log, rules, events)
    note_status(state, log.at, events)
    settle(state, rules)
    return events


def forget_sensor(state: UnitState, sensor_id: UUID, at: datetime, rules: Rules) -> Events:
    """Drop a sensor that no longer belongs to the unit, and with it its open door, low battery and fault."""
    events: list[Event] = []
    sensors = state.every_sensor()
    state.sensor, state.sensors = None, {key: s for key, s in sensors.items() if key != sensor_id}
    join_door(state, at, events)
    join_battery(state, at, Sensor(sensor_id), events)
    join_fault(state, at, Sensor(sensor_id, fault="sensor_removed"), events)
    settle(state, rules)
    return events


def _observe(state: UnitState, reading: Reading, rules: Rules, outages: Outages) -> Events:
    at = reading.recorded_at
    if not select_sensor(state, reading):
        return (Event(EventKind.READING_LATE, at, reading.temperature, sensor_id=reading.sensor_id),)
    events: list[Event] = []
    if state.rules is not rules or at >= state.due:
        expire_until(state, at, Context(rules, outages, at), events)
    state.seen_at, state.seen_seq = at, reading.seq
    observe_sensor(state, reading, rules, events)
    if reading.temperature is not None and rules.drives(reading.sensor_id):
        _observe_axes(state, reading, rules, events)
    note_status(state, at, events)
    settle(state, rules)
    return events


def _observe_axes(state: UnitState, reading: Reading, rules: Rules, events: list[Event]) -> None:
    """Let a temperature of the driving sensor move both axes, unless it is a fault or older than another sensor's."""
    at, celsius = reading.recorded_at, reading.temperature
    assert celsius is not None
    assert state.sensor is not None
    if fault_of(reading, rules) is not None:
        return
    if state.measured_at is not None and at < state.measured_at:
        events.append(Event(EventKind.READING_LATE, at, celsius, sensor_id=reading.sensor_id))
        return
    state.measured_at, state.measured_by, state.celsius = at, reading.sensor_id, celsius
    state.link, heard = observe_value(state.link, at, celsius)
    events += heard
    state.temperature, judged = observe_temperature(state.temperature, at, celsius, rules.limits, state.door)
    events += judged
    logged_at = state.link.logged_at
    if state.log_out_of_limits and is_inside(celsius, rules.limits) and (logged_at is None or logged_at < at):
        state.log_out_of_limits = False
        events.append(Event(EventKind.LOG_INSIDE, at, celsius))


def _judge_log(state: UnitState, log: ManualLog, rules: Rules, events: list[Event]) -> None:
    if not state.log_out_of_limits and beyond(log.celsius, rules.limits) > 0:
        state.log_out_of_limits = True
        reason = "critical" if is_critical(log.celsius, rules.limits) else "log"
        events.append(Event(EventKind.LOG_OUT_OF_LIMITS, log.at, log.celsius, reason=reason))
    elif state.log_out_of_limits and is_inside(log.celsius, rules.limits):
        state.log_out_of_limits = False
        events.append(Event(EventKind.LOG_INSIDE, log.at, log.celsius))
