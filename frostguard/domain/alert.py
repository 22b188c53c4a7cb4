"""The life of an alert: a value, a table of transitions, and the functions that take a step and write it down.

     active -> acknowledged | escalated -> resolved -> active again, when the condition returns soon

Acknowledging never resolves. Only physics or a person resolves, never a timer; a person is refused while the condition
holds, unless a reason says why. A rise in severity changes no status and is a new notification, also for an
acknowledged alert. At most one alert of a type is open per subject (a unit, a gateway or an organization).
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import IntEnum, StrEnum
from typing import NamedTuple
from uuid import UUID, uuid5

from frostguard.domain.limits import Limits
from frostguard.errors import FrostGuardError

NAMESPACE = UUID("6f5f7c0e-5d0a-4c5e-9f0e-0c8f0a2f4d11")


class AlertType(StrEnum):
    """What an alert is about."""

    ALARM_ACTIVE = "alarm_active"
    MONITORING_INTERRUPTED = "monitoring_interrupted"
    MISSED_MANUAL_ENTRY = "missed_manual_entry"
    LOW_BATTERY = "low_battery"
    SENSOR_FAULT = "sensor_fault"
    DOOR_OPEN = "door_open"
    CALIBRATION_DUE = "calibration_due"
    SUSPECTED_COOLING_FAILURE = "suspected_cooling_failure"  # imported rows only
    TEMP_EXCURSION = "temp_excursion"  # imported rows, and manual logs out of limits
    GATEWAY_SILENT = "gateway_silent"
    INGEST_DEGRADED = "ingest_degraded"  # many of an organization's units silent together


class Severity(IntEnum):
    """How bad; greater is worse. `word` is the stored form."""

    INFO = 0
    WARNING = 1
    CRITICAL = 2

    @property
    def word(self) -> str:
        """The word in SQL and JSON."""
        return self.name.lower()


class AlertStatus(StrEnum):
    """Where an alert stands with people."""

    ACTIVE = "active"
    ACKNOWLEDGED = "acknowledged"
    ESCALATED = "escalated"
    RESOLVED = "resolved"


class Action(StrEnum):
    """A step in an alert's life; also the kind of its timeline entry."""

    OPEN = "opened"
    RISE = "severity_escalated"
    CONTINUE = "continued"
    ACKNOWLEDGE = "acknowledged"
    ESCALATE = "escalation_triggered"
    LINK = "correlated"
    TELL = "notification_sent"
    RESOLVE = "resolved_auto"
    RESOLVE_BY_PERSON = "resolved_manual"
    REOPEN = "reopened"
    CORRECT = "corrected"


class ResolveReason(StrEnum):
    """Why a person may resolve an alert whose condition still holds."""

    SENSOR_REMOVED = "sensor_removed"
    OUT_OF_SERVICE = "out_of_service"


_SAME = (Action.RISE, Action.CONTINUE, Action.LINK, Action.TELL)
_OPEN = (AlertStatus.ACTIVE, AlertStatus.ACKNOWLEDGED, AlertStatus.ESCALATED)

TRANSITIONS: dict[tuple[AlertStatus, Action], AlertStatus] = {
    **{(status, action): status for status in _OPEN for action in _SAME},
    **{(status, Action.ACKNOWLEDGE): AlertStatus.ACKNOWLEDGED for status in _OPEN},
    **{(status, Action.RESOLVE): AlertStatus.RESOLVED for status in _OPEN},
    **{(status, Action.RESOLVE_BY_PERSON): AlertStatus.RESOLVED for status in _OPEN},
    (AlertStatus.ACTIVE, Action.ESCALATE): AlertStatus.ESCALATED,
    (AlertStatus.ESCALATED, Action.ESCALATE): AlertStatus.ESCALATED,
    (AlertStatus.RESOLVED, Action.REOPEN): AlertStatus.ACTIVE,
    (AlertStatus.RESOLVED, Action.TELL): AlertStatus.RESOLVED,  # opened and resolved within one batch
    (AlertStatus.RESOLVED, Action.CORRECT): AlertStatus.RESOLVED,  # a historical one, by readings that came later still
}


class TransitionRefusedError(FrostGuardError):
    """The alert's status does not allow the step: it is resolved already, or acknowledged and so not escalated."""


class ConditionHoldsError(FrostGuardError):
    """A person wants to resolve while the condition holds, and gives no reason code."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Alert:
    """One alert. `opened_at` and `resolved_at` are event time (a person's steps: the moment of the deed), °C.

    `subject_id` is the unit, gateway or organization; `limits` those in force when it opened; `celsius` the raising
    reading, `began_at` the begin of the condition, `extreme` the °C farthest out; `told` the severity that a
    notification has carried; `linked_to` the alert that speaks for this one.
    """

    id: UUID
    subject_id: UUID
    type: AlertType
    severity: Severity
    status: AlertStatus = AlertStatus.ACTIVE
    opened_at: datetime
    began_at: datetime | None = None
    celsius: float | None = None
    extreme: float | None = None
    sensor_id: UUID | None = None
    limits: Limits | None = None
    acknowledged_at: datetime | None = None
    acknowledged_by: UUID | None = None
    resolved_at: datetime | None = None
    resolved_by: UUID | None = None
    resolve_reason: ResolveReason | None = None
    backfilled: bool = False
    told: Severity | None = None
    linked_to: UUID | None = None

    @property
    def is_open(self) -> bool:
        """Whether people still have to deal with it."""
        return self.status is not AlertStatus.RESOLVED

    @property
    def duration(self) -> timedelta | None:
        """How long it lasted, None while it is open."""
        return None if self.resolved_at is None else self.resolved_at - self.opened_at


class Entry(NamedTuple):
    """One line of an alert's timeline. `by` is a user, None: the system; `detail` a word or a note."""

    alert_id: UUID
    at: datetime
    action: Action
    by: UUID | None = None
    detail: str | None = None


class Change(NamedTuple):
    """What to write: the alert as it is now, and the line that says why. `is_new`: it has no row yet."""

    alert: Alert
    entry: Entry
    is_new: bool = False


def alert_id(subject_id: UUID, alert_type: AlertType, opened_at: datetime) -> UUID:
    """Return the id of an alert. It follows from the facts, so a replay finds the same alert and not its twin."""
    return uuid5(NAMESPACE, f"{subject_id}/{alert_type}/{opened_at.isoformat()}")


def open_alert(alert: Alert) -> Change:
    """Open an alert."""
    return Change(alert, Entry(alert.id, alert.opened_at, Action.OPEN, detail=alert.severity.word), is_new=True)


def rise(alert: Alert, severity: Severity, at: datetime) -> Change:
    """Raise the severity; it never falls while the alert is open."""
    return _step(replace(alert, severity=max(alert.severity, severity)), Action.RISE, at, detail=severity.word)


def go_on(alert: Alert, at: datetime, detail: str) -> Change:
    """Write down that the open alert's condition has taken a step."""
    return _step(alert, Action.CONTINUE, at, detail=detail)


def link(alert: Alert, to: UUID | None, at: datetime) -> Change:
    """Let another alert speak for this one, or no longer."""
    return _step(replace(alert, linked_to=to), Action.LINK, at, detail=None if to is None else str(to))


def tell(alert: Alert, at: datetime) -> Change:
    """Write down that a notification of the present severity is on its way."""
    return _step(replace(alert, told=alert.severity), Action.TELL, at, detail=alert.severity.word)


def acknowledge(alert: Alert, by: UUID, at: datetime, note: str | None = None) -> Change | None:
    """Acknowledge an open alert; None if somebody did already: doing it twice is harmless."""
    if alert.status is AlertStatus.ACKNOWLEDGED:
        return None
    return _step(replace(alert, acknowledged_at=at, acknowledged_by=by), Action.ACKNOWLEDGE, at, by, note)


def escalate(alert: Alert, at: datetime, detail: str | None = None) -> Change:
    """Take the next step of an alert that nobody has acknowledged. It ends nothing, however often it is taken."""
    return _step(alert, Action.ESCALATE, at, detail=detail)


def resolve(alert: Alert, at: datetime, extreme: float | None = None) -> Change:
    """Resolve by physics: the condition is over."""
    extreme = alert.extreme if extreme is None else extreme
    after = replace(alert, resolved_at=max(at, alert.opened_at), extreme=extreme)
    return _step(after, Action.RESOLVE, at)


def resolve_by_person(
    alert: Alert, by: UUID, at: datetime, *, holds: bool, reason: ResolveReason | None = None, note: str | None = None
) -> Change:  # fmt: skip
    """Resolve by hand. Raises ConditionHoldsError while the condition holds, unless a reason code says why."""
    if holds and reason is None:
        raise ConditionHoldsError(f"the condition of this {alert.type} alert still holds")
    after = replace(alert, resolved_at=max(at, alert.opened_at), resolved_by=by, resolve_reason=reason)
    return _step(after, Action.RESOLVE_BY_PERSON, at, by, note if reason is None else f"{reason}: {note or ''}")


def reopen(alert: Alert, severity: Severity, at: datetime) -> Change:
    """Open a resolved alert again: its condition has returned. It is to be acknowledged and told anew."""
    after = replace(
        alert,
        severity=severity,
        acknowledged_at=None,
        acknowledged_by=None,
        resolved_at=None,
        resolved_by=None,
        resolve_reason=None,
        told=None,
        linked_to=None,
    )
    return _step(after, Action.REOPEN, at, detail=severity.word)


def correct(after: Alert, at: datetime, detail: str) -> Change:
    """Write down that a historical alert is other than it was taken for: `after` is what it is now."""
    return _step(after, Action.CORRECT, at, detail=detail)


def _step(alert: Alert, action: Action, at: datetime, by: UUID | None = None, detail: str | None = None) -> Change:
    status = TRANSITIONS.get((alert.status, action))
    if status is None:
        raise TransitionRefusedError(f"an alert that is {alert.status} cannot be {action}")
    return Change(replace(alert, status=status), Entry(alert.id, at, action, by, detail))
