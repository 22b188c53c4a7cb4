"""Readings of sensors that are not assigned to a unit yet, and their way into sensor_readings on assignment."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from frostguard.domain.reading import Reading
from frostguard.domain.shards import WHOLE, Shard
from frostguard.store.connection import Connection, translated

# Without the unit, which is what they wait for.
COLUMNS = Reading._fields[1:]
_LIST = ", ".join(COLUMNS)

INSERT_HELD = f"""
insert into held_readings ({_LIST})
select h.* from unnest($1::timestamptz[], $2::uuid[], $3::bigint[], $4::timestamptz[], $5::double precision[],
                       $6::real[], $7::boolean[], $8::real[], $9::smallint[], $10::smallint[], $11::real[],
                       $12::text[]) h ({_LIST})
on conflict do nothing
"""  # noqa: S608 - the columns are our own constant

TAKE_HELD = f"""
delete from held_readings h using sensors s, units u
 where s.id = h.sensor_id and s.deleted_at is null and u.id = s.unit_id and u.deleted_at is null
   and h.sensor_id = any($1::uuid[])
returning s.unit_id, {", ".join("h." + c for c in COLUMNS)}
"""  # noqa: S608 - the columns are our own constant

SELECT_ASSIGNED_WITH_HELD = """
select s.id from sensors s join units u on u.id = s.unit_id
 where u.deleted_at is null and s.deleted_at is null and exists (select from held_readings h where h.sensor_id = s.id)
   and ($2 = 1 or shard_of(s.organization_id, $2) = $1)
"""

INSERT_PENDING_SENSORS = """
insert into sensors (id, organization_id, gateway_id, serial, first_seen_at)
select p.id, p.organization_id, g.id, p.serial, p.first_seen_at
  from unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::text[], $5::timestamptz[])
       p (id, organization_id, gateway_id, serial, first_seen_at)
  join organizations o on o.id = p.organization_id
  left join gateways g on g.id = p.gateway_id and g.organization_id = p.organization_id
on conflict (organization_id, serial) where deleted_at is null do nothing
"""

SELECT_SENSOR_IDS = """
select organization_id, serial, id from sensors
 where organization_id = any($1::uuid[]) and serial = any($2::text[]) and deleted_at is null
"""


async def insert(connection: Connection, rows: Sequence[Reading]) -> None:
    """Keep readings whose `unit_id` is meaningless (the sensor has none). Known ones are left alone."""
    with translated():
        columns = list(zip(*rows, strict=True))
        await connection.execute(INSERT_HELD, *map(list, columns[1:]))


async def take(connection: Connection, sensors: Sequence[UUID]) -> list[Reading]:
    """Remove and return the held readings of sensors that have a unit now, oldest first."""
    with translated():
        rows = [Reading(*row) for row in await connection.fetch(TAKE_HELD, list(sensors))]
    return sorted(rows, key=lambda row: (row.recorded_at, row.seq))


async def assigned_with_held(connection: Connection, shard: Shard = WHOLE) -> list[UUID]:
    """Return the sensors of a shard that were assigned while nobody was there to move their readings."""
    with translated():
        return [row[0] for row in await connection.fetch(SELECT_ASSIGNED_WITH_HELD, *shard)]


async def register_pending(
    connection: Connection, sensors: Sequence[tuple[UUID, UUID, UUID, str, datetime]]
) -> dict[tuple[UUID, str], UUID]:
    """Register unknown sensors: (id, organization, gateway, serial, first seen).

    Returns the id by (organization, serial): another one than asked for where somebody registered it a moment before.
    """
    with translated():
        columns = [list(column) for column in zip(*sensors, strict=True)]
        await connection.execute(INSERT_PENDING_SENSORS, *columns)
        found = await connection.fetch(SELECT_SENSOR_IDS, columns[1], columns[3])
    return {(row["organization_id"], row["serial"]): row["id"] for row in found}
