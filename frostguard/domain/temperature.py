"""The temperature axis: `normal -> excursion -> alarm -> restoring -> normal`, moved by readings and one deadline.

- Out of limits is strictly above high or below low; inside is inside by the hysteresis; between them nothing changes.
- Only a reading begins an excursion. While the door is open for less than its grace, normal and restoring hold, but
  never beyond a critical limit. A held reading begins nothing, and is not a step of recovery either.
- An excursion is confirmed by a reading that is still out at or after the confirm time of the door's present state;
  or, silence not being recovery, at the confirm time when a check-in has been missed, whichever is later.
- Beyond a critical limit the critical confirm time counts instead, if it ends sooner.
- The moments on this axis never run backwards: what comes to light later is dated no earlier than the last change.
"""

from datetime import datetime, timedelta
from enum import StrEnum
from typing import NamedTuple

from frostguard.domain.door import Door, open_at
from frostguard.domain.event import NOTHING, Event, EventKind
from frostguard.domain.limits import Limits


class TemperaturePhase(StrEnum):
    """Where the unit stands on the temperature axis."""

    NORMAL = "normal"
    EXCURSION = "excursion"
    ALARM = "alarm"
    RESTORING = "restoring"


class Temperature(NamedTuple):
    """The axis: phase and its begin, the begin of the excursion, of being beyond a critical limit without a break,
    the readings inside in a row, and the °C farthest out since the unit was last normal.
    """  # noqa: D205

    phase: TemperaturePhase = TemperaturePhase.NORMAL
    since: datetime | None = None
    began: datetime | None = None
    critical_since: datetime | None = None
    inside: int = 0
    extreme: float | None = None


Step = tuple[Temperature, tuple[Event, ...]]


def beyond(celsius: float, limits: Limits) -> float:
    """Return how many kelvin a temperature lies out of limits; 0 or less: it is within them."""
    return max(celsius - limits.high, limits.low - celsius)


def is_inside(celsius: float, limits: Limits) -> bool:
    """Whether a temperature is back inside by the hysteresis."""
    return limits.low + limits.hysteresis <= celsius <= limits.high - limits.hysteresis


def is_critical(celsius: float, limits: Limits) -> bool:
    """Whether a temperature lies beyond a critical limit, where there is one."""
    high, low = limits.critical_high, limits.critical_low
    return (high is not None and celsius > high) or (low is not None and celsius < low)


def observe_temperature(now: Temperature, at: datetime, celsius: float, limits: Limits, door: Door) -> Step:
    """Move the axis by one valid reading, taken at `at`."""
    if now.since is not None and at < now.since:
        at = now.since
    if beyond(celsius, limits) > 0:
        return _outside(now, at, celsius, limits, door)
    if is_inside(celsius, limits):
        return _inside(now, at, celsius, limits)
    return (now if now.critical_since is None else now._replace(critical_since=None)), NOTHING


def confirm_due(now: Temperature, limits: Limits, door: Door) -> datetime | None:
    """Return when the excursion is old enough to be an alarm, None if there is none."""
    if now.phase is not TemperaturePhase.EXCURSION or now.began is None:
        return None
    seconds = limits.confirm_open_seconds if door.open else limits.confirm_seconds
    due = now.began + timedelta(seconds=seconds)
    if now.critical_since is None:
        return due
    return min(due, now.critical_since + timedelta(seconds=limits.critical_confirm_seconds))


def confirm_by_silence(now: Temperature, at: datetime) -> Step:
    """Raise the alarm of an excursion whose sensor fell silent."""
    return _alarm(now, at, None, "silence")


def _outside(now: Temperature, at: datetime, celsius: float, limits: Limits, door: Door) -> Step:
    critical_since = (now.critical_since or at) if is_critical(celsius, limits) else None
    extreme = celsius
    if now.extreme is not None and beyond(now.extreme, limits) > beyond(celsius, limits):
        extreme = now.extreme
    match now.phase:
        case TemperaturePhase.ALARM:
            return now._replace(critical_since=critical_since, extreme=extreme), NOTHING
        case TemperaturePhase.EXCURSION:
            return _confirmed(now._replace(critical_since=critical_since, extreme=extreme), at, celsius, limits, door)
        case TemperaturePhase.NORMAL | TemperaturePhase.RESTORING:
            if critical_since is None and _held(at, limits, door):
                return now._replace(inside=0), NOTHING
            begun = Temperature(TemperaturePhase.EXCURSION, at, at, critical_since, 0, extreme)
            started = Event(EventKind.EXCURSION_STARTED, at, celsius)
            after, more = _confirmed(begun, at, celsius, limits, door)
            return after, (started, *more)


def _held(at: datetime, limits: Limits, door: Door) -> bool:
    if not open_at(door, at) or door.since is None:
        return False
    return at < door.since + timedelta(seconds=limits.door_grace_seconds)


def _confirmed(now: Temperature, at: datetime, celsius: float, limits: Limits, door: Door) -> Step:
    due = confirm_due(now, limits, door)
    if due is None or at < due:
        return now, NOTHING
    return _alarm(now, at, celsius, "reading" if now.critical_since is None else "critical")


def _alarm(now: Temperature, at: datetime, celsius: float | None, reason: str) -> Step:
    raised = Event(EventKind.ALARM_RAISED, at, celsius, now.began, now.extreme, reason=reason)
    return now._replace(phase=TemperaturePhase.ALARM, since=at), (raised,)


def _inside(now: Temperature, at: datetime, celsius: float, limits: Limits) -> Step:
    match now.phase:
        case TemperaturePhase.NORMAL:
            return now, NOTHING
        case TemperaturePhase.EXCURSION | TemperaturePhase.ALARM:
            begun = Event(EventKind.RESTORING_STARTED, at, celsius, now.began, now.extreme)
            restoring = now._replace(phase=TemperaturePhase.RESTORING, since=at, critical_since=None, inside=1)
            after, more = _restored(restoring, at, celsius, limits)
            return after, (begun, *more)
        case TemperaturePhase.RESTORING:
            return _restored(now._replace(inside=now.inside + 1), at, celsius, limits)


def _restored(now: Temperature, at: datetime, celsius: float, limits: Limits) -> Step:
    if now.inside < limits.restore_readings:
        return now, NOTHING
    ended = Event(EventKind.NORMAL_RESTORED, at, celsius, now.began, now.extreme)
    return Temperature(since=at), (ended,)
