"""The deadlines of a unit: what falls due when, the order in which it expires, and what a step leaves behind.

At the same moment the data axis comes first, then temperature, door and calibration.
"""

import math
from datetime import datetime
from enum import IntEnum
from typing import NamedTuple

from frostguard.domain.battery import volts_of
from frostguard.domain.door import door_due, expire_door
from frostguard.domain.event import Event, EventKind
from frostguard.domain.link import DataPhase, Silence, expire_link, link_due
from frostguard.domain.outages import NO_OUTAGES, Outages
from frostguard.domain.rules import Rules
from frostguard.domain.status import status_of
from frostguard.domain.temperature import TemperaturePhase, confirm_by_silence, confirm_due
from frostguard.domain.unit_state import FOREVER, UnitState


class Context(NamedTuple):
    """By what deadlines are judged: rules, our outages, and the reading's time (None: the present)."""

    rules: Rules
    outages: Outages = NO_OUTAGES
    upto: datetime | None = None


class Timer(IntEnum):
    """Whose deadline it is, in the order in which those of the same moment expire."""

    DATA = 0
    TEMPERATURE = 1
    DOOR = 2
    CALIBRATION = 3


def next_due(state: UnitState, context: Context) -> tuple[datetime, Timer] | None:
    """Return the next deadline and whose it is; None, if nothing will ever fall due by itself."""
    silence = _silence(state, context)
    first: tuple[datetime, Timer] | None = None
    for timer, raw, since in (
        (Timer.DATA, link_due(state.link, silence), state.link.since),
        (Timer.TEMPERATURE, _alarm_due(state, silence), state.temperature.since),
        (Timer.DOOR, door_due(state.door, context.rules.limits), None),
        (Timer.CALIBRATION, _calibration_due(state, context.rules), None),
    ):
        if raw is None:
            continue
        due = max(raw, since or raw, context.rules.since or raw)
        if first is None or due < first[0]:
            first = (due, timer)
    return first


def expire_until(state: UnitState, now: datetime, context: Context, events: list[Event]) -> None:
    """Let everything expire that is due at `now` or before, each at its own moment."""
    _recalibrate(state, now, context.rules, events)
    while (due := next_due(state, context)) is not None and due[0] <= now:
        _expire(state, *due, events)
        note_status(state, due[0], events)


def note_status(state: UnitState, at: datetime, events: list[Event]) -> None:
    """Say that the unit's status is another one, no earlier than the last fact."""
    after = status_of(state.temperature.phase, state.link.phase)
    if after is state.status:
        return
    at = max(at, state.status_since or at, events[-1].at if events else at)
    events.append(Event(EventKind.STATUS_CHANGED, at, before=state.status, after=after))
    state.status, state.status_since = after, at


def settle(state: UnitState, rules: Rules) -> None:
    """Work out, after a step, the next deadline and whether the unit is calm. Outages only ever move deadlines back."""
    first = next_due(state, Context(rules))
    calibration = _calibration_due(state, rules)
    state.rules = rules
    state.due = FOREVER if first is None else first[0]
    state.calm = rules if _is_calm(state, rules) else None
    state.patience = rules.patience(rules.limits.late_missed, state.measured_by)
    state.calm_volts = _calm_volts(state, rules)
    state.calm_until = FOREVER if calibration is None else max(calibration, rules.since or calibration) - state.patience


def _is_calm(state: UnitState, rules: Rules) -> bool:
    sensor, assigned = state.sensor, rules.assigned_at
    return (
        sensor is not None
        and rules.drives(sensor.id)
        and state.measured_by == sensor.id
        and (assigned is None or assigned <= state.seen_at)
        and sensor.fault is None
        and not state.door.open
        and not state.log_out_of_limits
        and state.link.phase is DataPhase.FRESH
        and state.temperature.phase is TemperaturePhase.NORMAL
    )


def _calm_volts(state: UnitState, rules: Rules) -> float:
    """Return the voltage from which the battery of a sensor that reports no percentage is surely fine."""
    if state.sensor is None or state.sensor.battery_level > 0:
        return math.inf
    fine = volts_of(rules.limits.battery_low_percent + 1, rules.sensor(state.sensor.id).battery_chemistry)
    return -math.inf if fine is None else fine


def _silence(state: UnitState, context: Context) -> Silence:
    heard, assigned = state.measured_at, context.rules.assigned_at
    if heard is None or (assigned is not None and assigned > heard):
        heard = assigned
    return Silence(heard, state.measured_by, context.rules, context.outages, context.upto)


def _alarm_due(state: UnitState, silence: Silence) -> datetime | None:
    """Return when an excursion becomes an alarm by itself: confirmed, a check-in missed, the door as it is now."""
    confirmed = confirm_due(state.temperature, silence.rules.limits, state.door)
    if confirmed is None:
        return None
    missed = silence.missed_due(silence.rules.limits.late_missed)
    if missed is None:
        return None
    return max(confirmed, missed, state.door.since or confirmed)


def _calibration_due(state: UnitState, rules: Rules) -> datetime | None:
    if state.calibration_due is not None:
        return None
    return _first_calibration(rules)


def _first_calibration(rules: Rules) -> datetime | None:
    times = [s.calibration_due_at for s in rules.sensors.values() if s.calibration_due_at is not None]
    return min(times, default=None)


def _recalibrate(state: UnitState, now: datetime, rules: Rules, events: list[Event]) -> None:
    """Take note of a calibration: only a later due date says that it was done."""
    if state.calibration_due is None:
        return
    due = _first_calibration(rules)
    if due is None or (due > state.calibration_due and due > now):
        events.append(Event(EventKind.CALIBRATION_DONE, max(now, state.calibration_due), began=state.calibration_due))
        state.calibration_due = None


def _expire(state: UnitState, at: datetime, timer: Timer, events: list[Event]) -> None:
    said: tuple[Event, ...]
    match timer:
        case Timer.DATA:
            state.link, said = expire_link(state.link, at)
        case Timer.TEMPERATURE:
            state.temperature, said = confirm_by_silence(state.temperature, at)
        case Timer.DOOR:
            state.door, said = expire_door(state.door, at)
        case Timer.CALIBRATION:
            state.calibration_due, said = at, (Event(EventKind.CALIBRATION_DUE, at),)
    events += said
