"""What belongs together is told once: units behind a silent gateway, and many units of an organization at once.

Every unit's alert is recorded as ever. Behind a silent gateway it is linked to the gateway's, which speaks for it, and
which becomes critical when one of them does. When more than a share of an organization's units (two at the least) is
silent together, and no single gateway explains it, an alert of the organization speaks for all; it is over when half
of that share is left.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

from frostguard.domain.alert import Alert, AlertType, Change, Severity, alert_id, link, open_alert, resolve, rise
from frostguard.domain.limits import Limits

SILENCE_TYPES = frozenset({AlertType.MONITORING_INTERRUPTED, AlertType.MISSED_MANUAL_ENTRY})


@dataclass(frozen=True, slots=True)
class Silences:
    """An organization's silence at a moment: the open alerts about it, and what explains them.

    `units` are the open alerts of SILENCE_TYPES, `gateways` the gateway_silent ones by gateway, `degraded` the newest
    ingest_degraded, `gateway_of` the gateway of each unit, `behind` the units behind each silent gateway.
    """

    organization_id: UUID
    unit_count: int
    units: Sequence[Alert] = ()
    gateways: Mapping[UUID, Alert] = field(default_factory=dict)
    degraded: Alert | None = None
    gateway_of: Mapping[UUID, UUID] = field(default_factory=dict)
    behind: Mapping[UUID, Collection[UUID]] = field(default_factory=dict)


def group(silences: Silences, now: datetime, limits: Limits) -> list[Change]:
    """Return the links, the organization's alert and the rises in severity that follow; nothing, if all is in order."""
    degraded, changes = _degraded(silences, now, limits)
    top = degraded if degraded is not None and degraded.is_open else None
    gateways = {key: _linked(alert, top, now, changes) for key, alert in silences.gateways.items() if alert.is_open}
    critical: set[UUID] = set()
    for alert in silences.units:
        gateway = silences.gateway_of.get(alert.subject_id)
        parent = gateways.get(gateway) if gateway is not None else None
        _linked(alert, parent or top, now, changes)
        if gateway is not None and alert.severity is Severity.CRITICAL:
            critical.add(gateway)
    changes += [
        rise(alert, Severity.CRITICAL, now)
        for gateway, alert in gateways.items()
        if gateway in critical and alert.severity < Severity.CRITICAL
    ]
    return changes


def _linked(alert: Alert, parent: Alert | None, now: datetime, changes: list[Change]) -> Alert:
    """Link an alert to the one that speaks for it; a link outlives that one, which goes on speaking for a while."""
    if parent is None or alert.linked_to == parent.id:
        return alert
    change = link(alert, parent.id, now)
    changes.append(change)
    return change.alert


def _degraded(silences: Silences, now: datetime, limits: Limits) -> tuple[Alert | None, list[Change]]:
    alert = silences.degraded
    since = _silent_since(silences)
    share = limits.group_share_percent * silences.unit_count / 100
    if alert is not None and alert.is_open:
        if len(since) > share / 2:
            return alert, []
        over = resolve(alert, now)
        return over.alert, [over]
    if not since:
        return alert, []
    newest = max(since.values())
    together = {u for u, at in since.items() if at >= newest - timedelta(seconds=limits.group_window_seconds)}
    explained = any(together <= set(units) for units in silences.behind.values())
    if len(together) <= max(share, 1) or explained:
        return alert, []
    return _open(silences, now, newest)


def _open(silences: Silences, now: datetime, newest: datetime) -> tuple[Alert, list[Change]]:
    kind = AlertType.INGEST_DEGRADED
    opened = open_alert(
        Alert(
            id=alert_id(silences.organization_id, kind, now),
            subject_id=silences.organization_id,
            type=kind,
            severity=Severity.CRITICAL,
            opened_at=now,
            began_at=newest,
        )
    )
    return opened.alert, [opened]


def _silent_since(silences: Silences) -> dict[UUID, datetime]:
    """Return the silent units and since when: by their own alert or by that of their gateway, whichever is first."""
    since: dict[UUID, datetime] = {}
    for alert in silences.units:
        since[alert.subject_id] = min(alert.opened_at, since.get(alert.subject_id, alert.opened_at))
    for gateway, alert in silences.gateways.items():
        for unit in silences.behind.get(gateway, ()) if alert.is_open else ():
            since[unit] = min(alert.opened_at, since.get(unit, alert.opened_at))
    return since
