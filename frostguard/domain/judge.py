"""From facts to alerts: which event opens, raises, continues or resolves which type, as one table."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Literal, NamedTuple, assert_never
from uuid import UUID

from frostguard.domain.alert import (
    Alert,
    AlertType,
    Change,
    Severity,
    alert_id,
    go_on,
    open_alert,
    reopen,
    resolve,
    rise,
)
from frostguard.domain.event import Event, EventKind
from frostguard.domain.limits import Limits
from frostguard.domain.link import DataPhase
from frostguard.domain.temperature import TemperaturePhase
from frostguard.domain.unit_state import UnitState


class Verdict(NamedTuple):
    """What an event means for one type of alert; `open` is also "raise, or continue, the open one"."""

    verb: Literal["open", "continue", "resolve"]
    type: AlertType
    severity: Severity = Severity.WARNING


VERDICTS: Mapping[EventKind, tuple[Verdict, ...]] = {
    EventKind.EXCURSION_STARTED: (Verdict("continue", AlertType.ALARM_ACTIVE),),
    EventKind.ALARM_RAISED: (Verdict("open", AlertType.ALARM_ACTIVE, Severity.CRITICAL),),
    EventKind.RESTORING_STARTED: (Verdict("continue", AlertType.ALARM_ACTIVE),),
    EventKind.NORMAL_RESTORED: (Verdict("resolve", AlertType.ALARM_ACTIVE),),
    EventKind.DATA_INTERRUPTED: (Verdict("open", AlertType.MONITORING_INTERRUPTED, Severity.WARNING),),
    EventKind.MANUAL_REQUIRED: (
        Verdict("open", AlertType.MONITORING_INTERRUPTED, Severity.CRITICAL),
        Verdict("open", AlertType.MISSED_MANUAL_ENTRY, Severity.WARNING),
    ),
    EventKind.MANUAL_LOGGED: (Verdict("resolve", AlertType.MISSED_MANUAL_ENTRY),),
    EventKind.DATA_FRESH: (
        Verdict("resolve", AlertType.MONITORING_INTERRUPTED),
        Verdict("resolve", AlertType.MISSED_MANUAL_ENTRY),
    ),
    EventKind.LOG_OUT_OF_LIMITS: (Verdict("open", AlertType.TEMP_EXCURSION, Severity.WARNING),),
    EventKind.LOG_INSIDE: (Verdict("resolve", AlertType.TEMP_EXCURSION),),
    EventKind.DOOR_WARNING: (Verdict("open", AlertType.DOOR_OPEN, Severity.WARNING),),
    EventKind.DOOR_CRITICAL: (Verdict("open", AlertType.DOOR_OPEN, Severity.CRITICAL),),
    EventKind.DOOR_CLOSED: (Verdict("resolve", AlertType.DOOR_OPEN),),
    EventKind.BATTERY_LOW: (Verdict("open", AlertType.LOW_BATTERY, Severity.WARNING),),
    EventKind.BATTERY_CRITICAL: (Verdict("open", AlertType.LOW_BATTERY, Severity.CRITICAL),),
    EventKind.BATTERY_CLEARED: (Verdict("resolve", AlertType.LOW_BATTERY),),
    EventKind.FAULT_RAISED: (Verdict("open", AlertType.SENSOR_FAULT, Severity.CRITICAL),),
    EventKind.FAULT_CLEARED: (Verdict("resolve", AlertType.SENSOR_FAULT),),
    EventKind.CALIBRATION_DUE: (Verdict("open", AlertType.CALIBRATION_DUE, Severity.INFO),),
    EventKind.CALIBRATION_DONE: (Verdict("resolve", AlertType.CALIBRATION_DUE),),
    EventKind.GATEWAY_SILENT: (Verdict("open", AlertType.GATEWAY_SILENT, Severity.WARNING),),
    EventKind.GATEWAY_HEARD: (Verdict("resolve", AlertType.GATEWAY_SILENT),),
    # These are no alerts: they are in the events, and on the screens.
    EventKind.DATA_LATE: (),
    EventKind.DOOR_OPENED: (),
    EventKind.STATUS_CHANGED: (),
    EventKind.READING_LATE: (),
}


def judge(subject_id: UUID, events: Iterable[Event], alerts: Mapping[AlertType, Alert], limits: Limits) -> list[Change]:
    """Return the changes that the events make to the alerts of one unit or gateway, in order.

    `alerts` holds the newest alert of each type, open or resolved (those resolved longer ago than `reopen_minutes` may
    be left out), no backfilled ones. The same alert can change several times.
    """
    newest = dict(alerts)
    changes: list[Change] = []
    for event in events:
        for verdict in VERDICTS[event.kind]:
            change = _apply(verdict, event, newest.get(verdict.type), subject_id, limits)
            if change is not None:
                newest[verdict.type] = change.alert
                changes.append(change)
    return changes


def condition_holds(alert_type: AlertType, state: UnitState) -> bool:
    """Whether what an alert of this type says is still so for the unit. False for types that no unit's machine moves.

    (A gateway's condition holds while its `silent_since` is set.)
    """
    holds = {
        AlertType.ALARM_ACTIVE: state.temperature.phase in {TemperaturePhase.EXCURSION, TemperaturePhase.ALARM},
        AlertType.MONITORING_INTERRUPTED: state.link.phase in {DataPhase.INTERRUPTED, DataPhase.MANUAL},
        AlertType.MISSED_MANUAL_ENTRY: state.link.phase is DataPhase.MANUAL,
        AlertType.TEMP_EXCURSION: state.log_out_of_limits,
        AlertType.DOOR_OPEN: state.door.level > 0,
        AlertType.LOW_BATTERY: state.battery_level > 0,
        AlertType.SENSOR_FAULT: state.faulty,
        AlertType.CALIBRATION_DUE: state.calibration_due is not None,
    }
    return holds.get(alert_type, False)


def _apply(verdict: Verdict, event: Event, alert: Alert | None, subject_id: UUID, limits: Limits) -> Change | None:
    is_open = alert is not None and alert.is_open
    match verdict.verb:
        case "open":
            if alert is not None and is_open:
                return _strengthen(alert, verdict.severity, event)
            return _open(verdict, event, alert, subject_id, limits)
        case "continue":
            return go_on(_with_extreme(alert, event), event.at, event.kind) if alert is not None and is_open else None
        case "resolve":
            return resolve(alert, event.at, event.extreme) if alert is not None and is_open else None
        case unknown:
            assert_never(unknown)


def _open(verdict: Verdict, event: Event, last: Alert | None, subject_id: UUID, limits: Limits) -> Change:
    severity = _severity(verdict.severity, event)
    if last is not None and last.resolved_at is not None:
        window = timedelta(minutes=limits.reopen_minutes)
        if event.at - last.resolved_at < window:
            return reopen(_with_extreme(last, event), severity, max(event.at, last.resolved_at))
    return open_alert(
        Alert(
            id=alert_id(subject_id, verdict.type, event.at),
            subject_id=subject_id,
            type=verdict.type,
            severity=severity,
            opened_at=event.at,
            began_at=event.began,
            celsius=event.celsius,
            extreme=event.extreme,
            sensor_id=event.sensor_id,
            limits=limits,
        )
    )


def _severity(severity: Severity, event: Event) -> Severity:
    if event.kind is EventKind.LOG_OUT_OF_LIMITS and event.reason == "critical":
        return Severity.CRITICAL
    return severity


def _strengthen(alert: Alert, severity: Severity, event: Event) -> Change:
    alert = _with_extreme(alert, event)
    return rise(alert, severity, event.at) if severity > alert.severity else go_on(alert, event.at, event.kind)


def _with_extreme(alert: Alert, event: Event) -> Alert:
    return alert if event.extreme is None else replace(alert, extreme=event.extreme)
