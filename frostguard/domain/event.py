"""What the machines of a unit say: facts with their event time, in the order in which they became true."""

from datetime import datetime
from enum import StrEnum
from typing import NamedTuple
from uuid import UUID


class EventKind(StrEnum):
    """Every fact that a unit, or a gateway, can state."""

    EXCURSION_STARTED = "excursion_started"
    ALARM_RAISED = "alarm_raised"
    RESTORING_STARTED = "restoring_started"
    NORMAL_RESTORED = "normal_restored"
    DATA_FRESH = "data_fresh"
    DATA_LATE = "data_late"
    DATA_INTERRUPTED = "data_interrupted"
    MANUAL_REQUIRED = "manual_required"
    MANUAL_LOGGED = "manual_logged"  # the log that was required
    LOG_OUT_OF_LIMITS = "log_out_of_limits"
    LOG_INSIDE = "log_inside"
    DOOR_OPENED = "door_opened"
    DOOR_CLOSED = "door_closed"
    DOOR_WARNING = "door_warning"
    DOOR_CRITICAL = "door_critical"
    BATTERY_LOW = "battery_low"
    BATTERY_CRITICAL = "battery_critical"
    BATTERY_CLEARED = "battery_cleared"
    FAULT_RAISED = "fault_raised"
    FAULT_CLEARED = "fault_cleared"
    CALIBRATION_DUE = "calibration_due"
    CALIBRATION_DONE = "calibration_done"
    GATEWAY_SILENT = "gateway_silent"
    GATEWAY_HEARD = "gateway_heard"
    STATUS_CHANGED = "status_changed"
    READING_LATE = "reading_late"  # stored, but older than what the live state knows: see backfill.py


class Event(NamedTuple):
    """One fact. `at` is event time; the rest is None where it does not apply.

    `celsius` is the reading that did it, `began` the begin of what ends or is confirmed, `extreme` the °C farthest out
    of limits since then, `percent` a battery's charge, `before` and `after` the unit's statuses, `reason` a
    snake_case word: why (an alarm by `reading`, `critical` or `silence`; the fault's name; `sensor_removed`).
    """

    kind: EventKind
    at: datetime
    celsius: float | None = None
    began: datetime | None = None
    extreme: float | None = None
    sensor_id: UUID | None = None
    percent: int | None = None
    before: str | None = None
    after: str | None = None
    reason: str | None = None


NOTHING: tuple[Event, ...] = ()
