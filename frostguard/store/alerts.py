"""Alerts: locked, moved by a pure decision, written with timeline, notification and event; by daemon and people alike.

Whoever moves an alert locks its row (`lock`, `lock_newest`), decides with frostguard.domain.alert, and calls `save`,
all in one transaction.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

import orjson

from frostguard.domain.alert import Alert, AlertStatus, AlertType, Change, ResolveReason, Severity
from frostguard.domain.grouping import SILENCE_TYPES
from frostguard.domain.limits import Limits
from frostguard.domain.notice import Place, is_owed
from frostguard.domain.shards import WHOLE, Shard
from frostguard.store.connection import Connection, Record, translated


class Subject(NamedTuple):
    """Whom an alert is about: a unit or a gateway with its place, or the organization itself."""

    organization_id: UUID
    id: UUID
    unit_id: UUID | None = None
    site_id: UUID | None = None
    area_id: UUID | None = None
    gateway_id: UUID | None = None

    @property
    def place(self) -> Place:
        """Where a window of silence would find it."""
        return Place(self.organization_id, self.site_id, self.unit_id)


TITLES = {
    AlertType.ALARM_ACTIVE: "Temperature alarm",
    AlertType.MONITORING_INTERRUPTED: "Monitoring interrupted",
    AlertType.MISSED_MANUAL_ENTRY: "Manual log missed",
    AlertType.LOW_BATTERY: "Low battery",
    AlertType.SENSOR_FAULT: "Sensor fault",
    AlertType.DOOR_OPEN: "Door left open",
    AlertType.CALIBRATION_DUE: "Calibration due",
    AlertType.SUSPECTED_COOLING_FAILURE: "Suspected cooling failure",
    AlertType.TEMP_EXCURSION: "Temperature out of limits in a manual log",
    AlertType.GATEWAY_SILENT: "Gateway silent",
    AlertType.INGEST_DEGRADED: "Many units silent at once",
}

_COLUMNS = """
       a.id, a.organization_id, a.subject_id, a.unit_id, a.site_id, a.area_id, a.gateway_id, a.alert_type, a.severity,
       a.status, a.opened_at, a.began_at, a.celsius, a.extreme_celsius, a.sensor_id, a.limits, a.acknowledged_at,
       a.acknowledged_by, a.resolved_at, a.resolved_by, a.resolve_reason, a.backfilled, a.told, a.linked_to
"""

LOCK_ALERT = f"""
select {_COLUMNS} from alerts a where a.organization_id = $1 and a.id = $2 for update
"""  # noqa: S608 - our own constant, here and below

# Of each type the newest that was not backfilled: open, or resolved since $2.
LOCK_NEWEST = f"""
select {_COLUMNS} from alerts a
 where a.subject_id = any($1::uuid[]) and not a.backfilled and (a.resolved_at is null or a.resolved_at > $2)
 order by a.opened_at, a.id for update
"""  # noqa: S608

LOCK_OPEN_SILENCES = f"""
select {_COLUMNS} from alerts a
 where a.organization_id = any($1::uuid[]) and a.resolved_at is null
   and a.alert_type in ('monitoring_interrupted', 'missed_manual_entry', 'gateway_silent', 'ingest_degraded')
 order by a.opened_at, a.id for update
"""  # noqa: S608

LOCK_OWED = f"""
select {_COLUMNS} from alerts a
 where a.owed and ($2::timestamptz is null or (a.opened_at, a.id) > ($2, $3::uuid))
   and ($5 = 1 or shard_of(a.organization_id, $5) = $4)
 order by a.opened_at, a.id limit $1 for update
"""  # noqa: S608

LIST_SPEAKERS = f"""
select {_COLUMNS} from alerts a where a.id = any($1::uuid[])
"""  # noqa: S608

# The alarms of a unit that touch [$2, $3]: live and historical.
LOCK_ALARMS = f"""
select {_COLUMNS} from alerts a
 where a.subject_id = $1 and a.alert_type = 'alarm_active'
   and coalesce(a.resolved_at, 'infinity') >= $2 and a.opened_at <= $3
 order by a.opened_at, a.id for update
"""  # noqa: S608

SAVE_ALERTS = """
insert into alerts as a (
  id, organization_id, subject_id, unit_id, site_id, area_id, gateway_id, alert_type, severity, status, title,
  opened_at, began_at, celsius, extreme_celsius, sensor_id, limits, acknowledged_at, acknowledged_by, resolved_at,
  resolved_by, resolve_reason, backfilled, told, linked_to, owed)
select n.id, n.organization_id, n.subject_id, n.unit_id, n.site_id, n.area_id, n.gateway_id, n.alert_type, n.severity,
       n.status, n.title, n.opened_at, n.began_at, n.celsius, n.extreme, n.sensor_id, n.limits::jsonb,
       n.acknowledged_at, n.acknowledged_by, n.resolved_at, n.resolved_by, n.resolve_reason, n.backfilled, n.told,
       n.linked_to, n.owed
  from unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::uuid[], $5::uuid[], $6::uuid[], $7::uuid[], $8::alert_type[],
              $9::alert_severity[], $10::alert_status[], $11::text[], $12::timestamptz[], $13::timestamptz[],
              $14::double precision[], $15::double precision[], $16::uuid[], $17::text[], $18::timestamptz[],
              $19::uuid[], $20::timestamptz[], $21::uuid[], $22::text[], $23::boolean[], $24::alert_severity[],
              $25::uuid[], $26::boolean[])
       n (id, organization_id, subject_id, unit_id, site_id, area_id, gateway_id, alert_type, severity, status, title,
          opened_at, began_at, celsius, extreme, sensor_id, limits, acknowledged_at, acknowledged_by, resolved_at,
          resolved_by, resolve_reason, backfilled, told, linked_to, owed)
on conflict (id) do update
   set opened_at = case when a.backfilled then excluded.opened_at else a.opened_at end,
       began_at = case when a.backfilled then excluded.began_at else a.began_at end,
       celsius = case when a.backfilled then excluded.celsius else a.celsius end,
       severity = excluded.severity, status = excluded.status, extreme_celsius = excluded.extreme_celsius,
       acknowledged_at = excluded.acknowledged_at, acknowledged_by = excluded.acknowledged_by,
       resolved_at = excluded.resolved_at, resolved_by = excluded.resolved_by, resolve_reason = excluded.resolve_reason,
       told = excluded.told, linked_to = excluded.linked_to, owed = excluded.owed, version = a.version + 1
"""

ADD_TIMELINE = """
insert into alert_timeline (organization_id, alert_id, at, action, actor_id, detail)
select n.* from unnest($1::uuid[], $2::uuid[], $3::timestamptz[], $4::text[], $5::uuid[], $6::text[]) n
"""

# An alert's step as an event for the feeds; the row as it is after the step.
ADD_ALERT_EVENTS = """
insert into events (organization_id, site_id, unit_id, kind, at, data)
select a.organization_id, a.site_id, a.unit_id, 'alert', n.at,
       jsonb_build_object('alertId', a.id, 'action', n.action, 'alertType', a.alert_type, 'severity', a.severity,
                          'status', a.status, 'subjectId', a.subject_id, 'openedAt', a.opened_at,
                          'resolvedAt', a.resolved_at)
  from unnest($1::uuid[], $2::timestamptz[], $3::text[]) with ordinality n (alert_id, at, action, position)
  join alerts a on a.id = n.alert_id
 order by n.position
"""

ADD_NOTIFICATIONS = """
insert into notification_outbox (organization_id, alert_id, severity, occasion, together)
select n.* from unnest($1::uuid[], $2::uuid[], $3::alert_severity[], $4::text[], $5::integer[]) n
on conflict (alert_id, occasion) do nothing
"""

NOTIFY_FEED = "select pg_notify('feed', '')"


class Notification(NamedTuple):
    """What people are to be told. Alert and occasion name it: written twice, it is still the same one."""

    organization_id: UUID
    alert_id: UUID
    severity: Severity
    occasion: str
    together: int = 1


def _alert(row: Record) -> Alert:
    limits = orjson.loads(row["limits"]) if row["limits"] is not None else None
    return Alert(
        id=row["id"],
        subject_id=row["subject_id"],
        type=AlertType(row["alert_type"]),
        severity=Severity[row["severity"].upper()],
        status=AlertStatus(row["status"]),
        opened_at=row["opened_at"],
        began_at=row["began_at"],
        celsius=row["celsius"],
        extreme=row["extreme_celsius"],
        sensor_id=row["sensor_id"],
        limits=Limits(**limits) if limits is not None else None,
        acknowledged_at=row["acknowledged_at"],
        acknowledged_by=row["acknowledged_by"],
        resolved_at=row["resolved_at"],
        resolved_by=row["resolved_by"],
        resolve_reason=ResolveReason(row["resolve_reason"]) if row["resolve_reason"] else None,
        backfilled=row["backfilled"],
        told=Severity[row["told"].upper()] if row["told"] else None,
        linked_to=row["linked_to"],
    )


def _subject(row: Record) -> Subject:
    return Subject(
        row["organization_id"], row["subject_id"], row["unit_id"], row["site_id"], row["area_id"], row["gateway_id"]
    )


Located = tuple[Alert, Subject]


async def lock(connection: Connection, organization_id: UUID, alert_id: UUID) -> Located | None:
    """Lock one alert of this organization until the transaction ends."""
    with translated():
        row = await connection.fetchrow(LOCK_ALERT, organization_id, alert_id)
    return None if row is None else (_alert(row), _subject(row))


async def lock_newest(
    connection: Connection, subjects: Sequence[UUID], resolved_after: datetime
) -> dict[UUID, dict[AlertType, Alert]]:
    """Lock, of each subject and type, the newest alert: open, or resolved after a moment."""
    with translated():
        rows = await connection.fetch(LOCK_NEWEST, list(subjects), resolved_after)
    found: dict[UUID, dict[AlertType, Alert]] = {}
    for row in rows:  # oldest first: the newest stays
        alert = _alert(row)
        found.setdefault(alert.subject_id, {})[alert.type] = alert
    return found


async def lock_open_silences(connection: Connection, organizations: Sequence[UUID]) -> list[Located]:
    """Lock the open alerts about silence of these organizations."""
    with translated():
        rows = await connection.fetch(LOCK_OPEN_SILENCES, list(organizations))
    return [(_alert(row), _subject(row)) for row in rows]


async def lock_owed(
    connection: Connection, limit: int, after: Alert | None = None, shard: Shard = WHOLE
) -> list[Located]:
    """Lock alerts of a shard that are worse than what was told of them, because something held it; oldest first.

    `after` is the last one of the page before.
    """
    opened_at, alert_id = (after.opened_at, after.id) if after is not None else (None, None)
    with translated():
        rows = await connection.fetch(LOCK_OWED, limit, opened_at, alert_id, *shard)
    return [(_alert(row), _subject(row)) for row in rows]


async def speakers(connection: Connection, ids: Iterable[UUID]) -> dict[UUID, Alert]:
    """Return alerts that speak for others."""
    with translated():
        return {row["id"]: _alert(row) for row in await connection.fetch(LIST_SPEAKERS, list(ids))}


async def lock_alarms(connection: Connection, unit_id: UUID, begin: datetime, end: datetime) -> list[Alert]:
    """Lock the unit's temperature alarms that touch [begin, end], live and historical, oldest first."""
    with translated():
        return [_alert(row) for row in await connection.fetch(LOCK_ALARMS, unit_id, begin, end)]


def _row(alert: Alert, subject: Subject) -> tuple[object, ...]:
    return (
        alert.id,
        *(subject.organization_id, subject.id, subject.unit_id, subject.site_id, subject.area_id, subject.gateway_id),
        alert.type.value,
        alert.severity.word,
        alert.status.value,
        TITLES[alert.type],
        *(alert.opened_at, alert.began_at, alert.celsius, alert.extreme, alert.sensor_id),
        orjson.dumps(asdict(alert.limits)).decode() if alert.limits is not None else None,
        *(alert.acknowledged_at, alert.acknowledged_by, alert.resolved_at, alert.resolved_by),
        alert.resolve_reason.value if alert.resolve_reason else None,
        alert.backfilled,
        alert.told.word if alert.told is not None else None,
        alert.linked_to,
        alert.is_open and is_owed(alert),
    )


async def save(
    connection: Connection,
    changes: Sequence[Change],
    subjects: Mapping[UUID, Subject],
    notifications: Sequence[Notification] = (),
) -> None:
    """Write changes in order: rows as the last change leaves them, a timeline line and an event for each.

    `subjects` finds each alert's subject by its id.
    """
    last = {change.alert.id: change.alert for change in changes}
    rows = [_row(alert, subjects[alert.subject_id]) for alert in last.values()]
    organizations = {alert.id: subjects[alert.subject_id].organization_id for alert in last.values()}
    entries = [change.entry for change in changes]
    timeline = [(organizations[e.alert_id], e.alert_id, e.at, e.action.value, e.by, _short(e.detail)) for e in entries]
    with translated():
        await connection.execute(SAVE_ALERTS, *map(list, zip(*rows, strict=True)))
        await connection.execute(ADD_TIMELINE, *map(list, zip(*timeline, strict=True)))
        steps = [(e.alert_id, e.at, e.action.value) for e in entries]
        await connection.execute(ADD_ALERT_EVENTS, *map(list, zip(*steps, strict=True)))
        if notifications:
            told = [(n.organization_id, n.alert_id, n.severity.word, n.occasion, n.together) for n in notifications]
            await connection.execute(ADD_NOTIFICATIONS, *map(list, zip(*told, strict=True)))
        await connection.execute(NOTIFY_FEED)


def _short(detail: str | None) -> str | None:
    return None if detail is None else str(detail)[:2000]


__all__ = [
    "SILENCE_TYPES", "Located", "Notification", "Subject", "lock", "lock_alarms", "lock_newest",
    "lock_open_silences", "lock_owed", "save", "speakers",
]  # fmt: skip
