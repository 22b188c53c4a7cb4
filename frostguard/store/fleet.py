"""The fleet as the daemon needs it: which topics belong to whom, and which unit each sensor watches."""

from collections.abc import Sequence
from uuid import UUID

from frostguard.domain.shards import WHOLE, Shard
from frostguard.store.connection import Connection, Record, translated

LIST_ORGANIZATIONS = """
select id, slug, settings::text from organizations
 where deleted_at is null and ($1::uuid[] is null or id = any($1)) and ($3 = 1 or shard_of(id, $3) = $2)
"""

LIST_GATEWAYS = """
select id, organization_id, kind, serial from gateways
 where deleted_at is null and ($1::uuid[] is null or organization_id = any($1))
"""

LIST_SENSORS = """
select s.id, s.organization_id, s.serial, s.gateway_id, case when u.deleted_at is null then s.unit_id end as unit_id,
       s.battery_chemistry, s.range_low, s.range_high, s.report_interval_seconds, s.is_primary, s.kind, s.assigned_at,
       s.calibration_due_at, s.updated_at
  from sensors s left join units u on u.id = s.unit_id
 where s.deleted_at is null and ($1::uuid[] is null or s.organization_id = any($1))
"""

# Everything that decides a unit's rules, one row per unit; levels are setting name -> number. A unit's own low and high
# are columns of its own.
LIST_UNITS = """
select u.id, u.organization_id, u.unit_type, u.area_id, a.site_id, u.temp_min, u.temp_max, u.settings::text as unit,
       s.settings::text as site, o.settings::text as organization,
       greatest(u.updated_at, s.updated_at, o.updated_at) as since
  from units u
  join areas a on a.id = u.area_id
  join sites s on s.id = a.site_id
  join organizations o on o.id = u.organization_id
 where u.deleted_at is null and ($1::uuid[] is null or u.organization_id = any($1))
"""

# `gateway` only where it is one of ours: that is whose topic a single reading can be sent to again.
GET_ORIGIN = """
select s.organization_id, s.gateway_id, s.serial, o.slug, g.serial as gateway
  from sensors s join organizations o on o.id = s.organization_id
  left join gateways g on g.id = s.gateway_id and g.kind = 'native'
 where s.id = $1
"""


async def origin(connection: Connection, sensor: UUID) -> Record | None:
    """Return whose sensor this is and through which gateway it speaks."""
    with translated():
        return await connection.fetchrow(GET_ORIGIN, sensor)


async def organizations(
    connection: Connection, ids: Sequence[UUID] | None = None, shard: Shard = WHOLE
) -> list[Record]:
    """Return id, slug and settings of these organizations (all, if None), as far as they are of a shard."""
    with translated():
        return list(await connection.fetch(LIST_ORGANIZATIONS, None if ids is None else list(ids), *shard))


async def gateways(connection: Connection, organizations: Sequence[UUID] | None = None) -> list[Record]:
    """Return the gateways of these organizations (all, if None)."""
    with translated():
        return list(await connection.fetch(LIST_GATEWAYS, None if organizations is None else list(organizations)))


async def units(connection: Connection, organizations: Sequence[UUID] | None = None) -> list[Record]:
    """Return the units of these organizations (all, if None) with the settings of their levels."""
    with translated():
        return list(await connection.fetch(LIST_UNITS, None if organizations is None else list(organizations)))


async def sensors(connection: Connection, organizations: Sequence[UUID] | None = None) -> list[Record]:
    """Return the sensors of these organizations (all, if None); `unit_id` is null while nobody assigned it."""
    with translated():
        return list(await connection.fetch(LIST_SENSORS, None if organizations is None else list(organizations)))
