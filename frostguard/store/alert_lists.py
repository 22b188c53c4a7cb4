"""Alerts as people read them: lists, one with its timeline, counts, and how long things took."""

from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from frostguard.domain.unit_state import UnitRow, UnitState, unpack
from frostguard.store.connection import Connection, Record, translated

_COLUMNS = """
       a.id, a.organization_id, a.unit_id, a.site_id, a.area_id, a.gateway_id, a.sensor_id, a.alert_type, a.severity,
       a.status, a.title, a.celsius, a.extreme_celsius, (a.limits ->> 'low')::double precision as low,
       (a.limits ->> 'high')::double precision as high, a.opened_at, a.began_at, a.raised_at, a.acknowledged_at,
       a.acknowledged_by, a.acknowledgment_notes, a.resolved_at, a.resolved_by, a.resolve_reason, a.linked_to,
       a.backfilled, u.name as unit_name, s.name as site_name
"""

_JOINS = """
  left join units u on u.organization_id = a.organization_id and u.id = a.unit_id
  left join sites s on s.organization_id = a.organization_id and s.id = a.site_id
"""

_WANTED = """
   and ($3::text[] is null or a.status::text = any($3))
   and ($4::text[] is null or a.severity::text = any($4))
   and ($5::text[] is null or a.alert_type::text = any($5))
   and ($6::timestamptz is null or a.opened_at >= $6)
   and ($7::timestamptz is null or a.opened_at < $7)
   and ($8::timestamptz is null or (a.opened_at, a.id) < ($8, $9::uuid))
 order by a.opened_at desc, a.id desc
 limit $10
"""

LIST_OF_UNIT = f"""
select {_COLUMNS} from alerts a {_JOINS} where a.organization_id = $1 and a.unit_id = $2 {_WANTED}
"""  # noqa: S608 - our own constants, here and below

LIST_OF_SITE = f"""
select {_COLUMNS} from alerts a {_JOINS} where a.organization_id = $1 and a.site_id = $2 {_WANTED}
"""  # noqa: S608

LIST_OF_ORGANIZATION = f"""
select {_COLUMNS} from alerts a {_JOINS}
 where a.organization_id = $1 and ($2::uuid is null or a.unit_id = $2) and ($11::uuid is null or a.site_id = $11)
 {_WANTED}
"""  # noqa: S608

UNIT_EXISTS = "select exists (select from units where organization_id = $1 and id = $2 and deleted_at is null)"

SITE_EXISTS = "select exists (select from sites where organization_id = $1 and id = $2 and deleted_at is null)"


class Wanted(NamedTuple):
    """Which alerts: all filters are optional; `opened_at` and `id` are those of the last alert seen."""

    statuses: list[str] | None = None
    severities: list[str] | None = None
    types: list[str] | None = None
    since: datetime | None = None
    until: datetime | None = None
    opened_at: datetime | None = None
    id: UUID | None = None
    limit: int = 100


async def of_unit(connection: Connection, organization: UUID, unit: UUID, wanted: Wanted) -> list[Record] | None:
    """Return a unit's alerts, newest first; None if there is no such unit."""
    with translated():
        rows = await connection.fetch(LIST_OF_UNIT, organization, unit, *wanted)
        if not rows and not await connection.fetchval(UNIT_EXISTS, organization, unit):
            return None
    return list(rows)


async def of_site(connection: Connection, organization: UUID, site: UUID, wanted: Wanted) -> list[Record] | None:
    """Return the alerts that opened in a site, newest first; None if there is no such site."""
    with translated():
        rows = await connection.fetch(LIST_OF_SITE, organization, site, *wanted)
        if not rows and not await connection.fetchval(SITE_EXISTS, organization, site):
            return None
    return list(rows)


async def of_organization(
    connection: Connection, organization: UUID, unit: UUID | None, site: UUID | None, wanted: Wanted
) -> list[Record]:
    """Return an organization's alerts, newest first; of one unit or site, if they are named."""
    with translated():
        return list(await connection.fetch(LIST_OF_ORGANIZATION, organization, unit, *wanted, site))


GET_ALERT = f"""
select {_COLUMNS}, a.limits as all_limits from alerts a {_JOINS} where a.organization_id = $1 and a.id = $2
"""  # noqa: S608

LIST_TIMELINE = """
select t.at, t.written_at, t.action, t.actor_id, p.full_name as actor_name, t.detail
  from alert_timeline t left join profiles p on p.user_id = t.actor_id
 where t.organization_id = $1 and t.alert_id = $2 order by t.id limit 1000
"""


async def get(connection: Connection, organization: UUID, alert: UUID) -> Record | None:
    """Return one alert, with all limits that were in force (JSON text)."""
    with translated():
        return await connection.fetchrow(GET_ALERT, organization, alert)


async def timeline(connection: Connection, organization: UUID, alert: UUID) -> list[Record]:
    """Return what happened to an alert, in the order in which it was written down."""
    with translated():
        return list(await connection.fetch(LIST_TIMELINE, organization, alert))


LIST_TIMELINE_OF_ORGANIZATION = """
select t.id, t.alert_id, a.alert_type, a.unit_id, t.at, t.written_at, t.action, t.actor_id,
       p.full_name as actor_name, t.detail
  from alert_timeline t
  join alerts a on a.organization_id = t.organization_id and a.id = t.alert_id
  left join profiles p on p.user_id = t.actor_id
 where t.organization_id = $1 and ($2::bigint is null or t.id < $2)
 order by t.id desc limit $3
"""


async def timeline_of_organization(
    connection: Connection, organization: UUID, before: int | None, limit: int
) -> list[Record]:
    """Return what happened to an organization's alerts, the last written first."""
    with translated():
        return list(await connection.fetch(LIST_TIMELINE_OF_ORGANIZATION, organization, before, limit))


NOTE_ACKNOWLEDGMENT = "update alerts set acknowledgment_notes = $3 where organization_id = $1 and id = $2"


async def note_acknowledgment(connection: Connection, organization: UUID, alert: UUID, note: str | None) -> None:
    """Keep the note of an acknowledgement beside the alert, in the transaction that acknowledges it."""
    with translated():
        await connection.execute(NOTE_ACKNOWLEDGMENT, organization, alert, note)


GET_STATE = """
select unit_id, status, status_since, temperature_phase, temperature_since, excursion_began_at, critical_since,
       inside_count, extreme_celsius, data_phase, data_since, logged_at, log_out_of_limits, door_open, door_since,
       door_level, battery_level, battery_since, faulty, fault_since, calibration_due_at, last_reading_at,
       last_reading_by, last_temperature
  from unit_states where organization_id = $1 and unit_id = $2
"""

GATEWAY_IS_SILENT = """
select st.silent_since is not null from gateways g left join gateway_states st on st.gateway_id = g.id
 where g.organization_id = $1 and g.id = $2
"""


async def state(connection: Connection, organization: UUID, unit: UUID) -> UnitState | None:
    """Return where a unit stands; None if no daemon has seen it yet."""
    with translated():
        row = await connection.fetchrow(GET_STATE, organization, unit)
    return None if row is None else unpack(UnitRow(*row))


async def gateway_is_silent(connection: Connection, organization: UUID, gateway: UUID) -> bool:
    """Tell whether a gateway is silent, as far as the daemon knows."""
    with translated():
        return bool(await connection.fetchval(GATEWAY_IS_SILENT, organization, gateway))


COUNT_OPEN = """
select a.status, a.severity, a.alert_type, count(*) as alerts
  from alerts a
 where a.organization_id = $1 and a.resolved_at is null and ($2::uuid is null or a.site_id = $2)
 group by 1, 2, 3
"""


async def count_open(connection: Connection, organization: UUID, site: UUID | None) -> list[Record]:
    """Return how many alerts are open, by status, severity and type."""
    with translated():
        return list(await connection.fetch(COUNT_OPEN, organization, site))


# Nobody could acknowledge before we knew (raised_at); how long it lasted is a matter of event time.
ANALYSE = """
select case grouping(a.alert_type, a.severity, a.site_id)
         when 7 then 'all' when 3 then 'type' when 5 then 'severity' else 'site' end as part,
       a.alert_type, a.severity, a.site_id, min(s.name) as site_name, count(*) as alerts,
       count(a.resolved_at) as resolved, count(a.acknowledged_at) as acknowledged,
       extract(epoch from avg(greatest(a.acknowledged_at - a.raised_at, '0')))::double precision as acknowledge_mean,
       percentile_cont(0.5) within group (order by extract(epoch from a.acknowledged_at - a.raised_at))
         as acknowledge_median,
       extract(epoch from avg(a.resolved_at - a.opened_at))::double precision as resolve_mean,
       percentile_cont(0.5) within group (order by extract(epoch from a.resolved_at - a.opened_at)) as resolve_median
  from alerts a left join sites s on s.organization_id = a.organization_id and s.id = a.site_id
 where a.organization_id = $1 and a.opened_at >= $2 and a.opened_at < $3 and not a.backfilled
 group by grouping sets ((), (a.alert_type), (a.severity), (a.site_id))
 order by 1, 6 desc, 2, 3, 4
"""


async def analyse(connection: Connection, organization: UUID, since: datetime, until: datetime) -> list[Record]:
    """Return rows of `part` all, type, severity, site: counts, and seconds to acknowledge and to resolve."""
    with translated():
        return list(await connection.fetch(ANALYSE, organization, since, until))
