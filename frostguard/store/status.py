"""What stands where, for people at a terminal: units with their last reading, gateways, rates, and what is new."""

from datetime import datetime
from uuid import UUID

from frostguard.store.connection import Connection, Record, translated

# The last reading is looked for in the last days only, newest partition first; a unit that said nothing for longer
# shows what its state remembers.
LIST_UNITS = """
select o.slug as organization, s.name as site, a.name as area, u.id, u.name as unit, u.unit_type::text as unit_type,
       us.status::text as status, coalesce(r.recorded_at, us.last_reading_at) as recorded_at,
       coalesce(r.temperature, us.last_temperature) as temperature
  from organizations o
  join sites s on s.organization_id = o.id and s.deleted_at is null
  join areas a on a.organization_id = o.id and a.site_id = s.id and a.deleted_at is null
  join units u on u.organization_id = o.id and u.area_id = a.id and u.deleted_at is null
  left join unit_states us on us.organization_id = o.id and us.unit_id = u.id
  left join lateral (
    select recorded_at, temperature from sensor_readings
     where unit_id = u.id and temperature is not null and recorded_at > now() - interval '7 days'
     order by recorded_at desc limit 1) r on true
 where o.deleted_at is null and ($1::text is null or o.slug = $1)
 order by o.slug, s.name, a.sort_order, a.name, u.sort_order, u.name
"""


async def units(connection: Connection, organization: str | None = None) -> list[Record]:
    """Return the units of one organization (by slug; None: all) with status, last temperature (°C) and its time."""
    with translated():
        return list(await connection.fetch(LIST_UNITS, organization))


LIST_GATEWAYS = """
select o.slug as organization, g.serial as gateway, g.kind, g.name, st.online, st.online_since, st.last_heard_at
  from gateways g
  join organizations o on o.id = g.organization_id
  left join gateway_states st on st.gateway_id = g.id
 where g.deleted_at is null and o.deleted_at is null and ($1::text is null or o.slug = $1)
 order by o.slug, g.serial
"""


async def gateways(connection: Connection, organization: str | None = None) -> list[Record]:
    """Return the gateways with what they last said; `online` is null where one never said."""
    with translated():
        return list(await connection.fetch(LIST_GATEWAYS, organization))


# By device time, which the primary key and the partitions know: readings of the last minutes, received within one.
COUNT_LAST_MINUTE = """
select count(*) as readings, count(distinct sensor_id) as sensors,
       coalesce(extract(epoch from now() - max(received_at)), -1)::double precision as newest_age,
       coalesce(percentile_cont(0.5) within group (order by extract(epoch from received_at - recorded_at)), 0)
         as median_lag
  from sensor_readings
 where recorded_at > now() - interval '1 hour' and recorded_at < now() + interval '15 minutes'
   and received_at > now() - interval '1 minute'
"""


async def last_minute(connection: Connection) -> Record:
    """Return `readings` and `sensors` of the last minute, `newest_age` (s; -1: none) and `median_lag` (s)."""
    with translated():
        return await connection.fetchrow(COUNT_LAST_MINUTE)


COUNT_PENDING = """
select count(*) from sensors s join organizations o on o.id = s.organization_id
 where s.unit_id is null and s.deleted_at is null and o.deleted_at is null and ($1::text is null or o.slug = $1)
"""


async def pending_sensors(connection: Connection, organization: str | None = None) -> int:
    """Return how many sensors wait for somebody to assign them to a unit."""
    with translated():
        found: int = await connection.fetchval(COUNT_PENDING, organization)
        return found


FIND_UNITS = """
select u.id from units u join organizations o on o.id = u.organization_id
 where u.deleted_at is null and ($1::text is null or o.slug = $1)
   and (u.id::text = $2 or lower(u.name) = lower($2))
"""


async def find_units(connection: Connection, organization: str | None, name: str) -> list[UUID]:
    """Return the units with this id or name."""
    with translated():
        return [row["id"] for row in await connection.fetch(FIND_UNITS, organization, name)]


SERVER_NOW = "select now()"


async def server_now(connection: Connection) -> datetime:
    """Return PostgreSQL's clock, which `received_at` may differ from by as much as two machines' clocks do."""
    with translated():
        now: datetime = await connection.fetchval(SERVER_NOW)
        return now
