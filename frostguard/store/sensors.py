"""Sensors: registered by hand or by their first message (pending), assigned to a unit, one of them its primary.

Arguments of what changes something: $1 organization, $2 to $5 who does it (audit.By).
"""

from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from frostguard.store.audit import By
from frostguard.store.connection import Connection, Record, translated
from frostguard.store.organizations import Edit
from frostguard.store.paging import Page

GET_SENSOR = """
select x.id, x.organization_id, x.unit_id, x.gateway_id, x.serial, x.name, x.kind, x.model, x.battery_chemistry,
       x.report_interval_seconds, x.range_low, x.range_high, x.is_primary, x.assigned_at, x.first_seen_at,
       x.calibrated_at, x.calibration_due_at, x.created_at, x.updated_at,
       (select count(*) from held_readings h where h.sensor_id = x.id) as held_readings
  from sensors x
 where x.organization_id = $1 and x.id = $2 and x.deleted_at is null
"""

LIST_SENSORS = """
with keyed as (
  select x.id, x.organization_id, x.unit_id, x.gateway_id, x.serial, x.name, x.kind, x.model, x.battery_chemistry,
         x.report_interval_seconds, x.range_low, x.range_high, x.is_primary, x.assigned_at, x.first_seen_at,
         x.calibrated_at, x.calibration_due_at, x.created_at, x.updated_at,
         case $2::text when 'createdAt' then audit_instant(x.created_at)::text when 'serial' then x.serial
                       else lower(coalesce(x.name, x.serial)) end as sort_key
    from sensors x
   where x.organization_id = $1 and x.deleted_at is null
     and ($7::boolean is null or (x.unit_id is null) = $7)
     and ($8::uuid is null or x.unit_id = $8)
     and ($9::uuid is null or x.gateway_id = $9)
     and ($10::text is null or x.serial = $10)
)
select * from keyed
 where $4::text is null
    or case when $3::boolean then (sort_key, id) < ($4, $5::uuid) else (sort_key, id) > ($4, $5::uuid) end
 order by case when not $3 then sort_key end, case when not $3 then id end, sort_key desc, id desc
 limit $6
"""

INSERT_SENSOR = """
with added as (
  insert into sensors (organization_id, serial, name, kind, model, battery_chemistry, report_interval_seconds,
                       range_low, range_high, calibrated_at, calibration_due_at)
  select o.id, n.serial, n.name, coalesce(n.kind, 'temperature'), n.model, n.battery_chemistry,
         coalesce(n.report_interval_seconds, 300), coalesce(n.range_low, -60), coalesce(n.range_high, 125),
         n.calibrated_at, n.calibration_due_at
    from organizations o, jsonb_populate_record(null::sensors, ($6::text)::jsonb) n
   where o.id = $1 and o.deleted_at is null
  returning id
)
select id, audit_append($1, $2, $3, 'sensor.created', 'sensor', id, null, $6, $4, $5) as audited from added
"""

UPDATE_SENSOR = """
with changed as (
  update sensors x
     set (name, kind, model, battery_chemistry, report_interval_seconds, range_low, range_high, calibrated_at,
          calibration_due_at) =
         (select n.name, n.kind, n.model, n.battery_chemistry, n.report_interval_seconds, n.range_low, n.range_high,
                 n.calibrated_at, n.calibration_due_at
            from jsonb_populate_record(x, ($8::text)::jsonb) n),
         updated_at = now()
   where x.organization_id = $1 and x.id = $6 and x.updated_at = $7 and x.deleted_at is null
  returning id, updated_at
)
select updated_at, audit_append($1, $2, $3, 'sensor.updated', 'sensor', id, $9, $8, $4, $5) as audited from changed
"""

LOCK_SENSOR = """
select id, unit_id, kind, is_primary from sensors
 where organization_id = $1 and id = $2 and deleted_at is null for update
"""

LOCK_UNIT = """
select id from units where organization_id = $1 and id = $2 and deleted_at is null for no key update
"""

HAS_PRIMARY = """
select exists (select from sensors
                where organization_id = $1 and unit_id = $2 and id <> $3 and is_primary and deleted_at is null)
"""

STEP_BACK = """
update sensors set is_primary = false, updated_at = now()
 where organization_id = $1 and unit_id = $2 and id <> $3 and is_primary and deleted_at is null
"""

PLACE_SENSOR = """
update sensors
   set assigned_at = case when unit_id is not distinct from $3 then assigned_at when $3 is not null then now() end,
       unit_id = $3, is_primary = $4, updated_at = now()
 where organization_id = $1 and id = $2
"""

DELETE_SENSOR = """
with gone as (
  update sensors set deleted_at = now(), updated_at = now(), unit_id = null, assigned_at = null, is_primary = false
   where organization_id = $1 and id = $6 and deleted_at is null and ($7::timestamptz is null or updated_at = $7)
  returning id, serial, deleted_at
)
select id, deleted_at,
       audit_append($1, $2, $3, 'sensor.deleted', 'sensor', id, json_build_object('serial', serial)::text, null,
                    $4, $5) as audited
  from gone
"""

RESTORE_SENSOR = """
with back as (
  update sensors set deleted_at = null, updated_at = now()
   where organization_id = $1 and id = $6 and deleted_at is not null
  returning id, serial
)
select id, audit_append($1, $2, $3, 'sensor.restored', 'sensor', id, null,
                        json_build_object('serial', serial)::text, $4, $5) as audited
  from back
"""


class Wanted(NamedTuple):
    """Which sensors: only pending (or only assigned) ones, of a unit, of a gateway, with a serial. All optional."""

    pending: bool | None = None
    unit: UUID | None = None
    gateway: UUID | None = None
    serial: str | None = None


class Place(NamedTuple):
    """Where a sensor is and whether its unit follows it."""

    unit_id: UUID | None
    is_primary: bool


async def get(connection: Connection, organization: UUID, sensor: UUID) -> Record | None:
    """Return one sensor with the number of readings that wait for its assignment."""
    with translated():
        return await connection.fetchrow(GET_SENSOR, organization, sensor)


async def page(connection: Connection, organization: UUID, page: Page, wanted: Wanted) -> list[Record]:
    """Return an organization's sensors. Sorts: name, serial, createdAt."""
    with translated():
        return list(await connection.fetch(LIST_SENSORS, organization, *page, *wanted))


async def create(connection: Connection, organization: UUID, by: By, values: str) -> UUID | None:
    """Register a sensor from a JSON object of its columns, logged; it is pending until somebody assigns it."""
    with translated():
        sensor: UUID | None = await connection.fetchval(INSERT_SENSOR, organization, *by, values)
    return sensor


async def update(connection: Connection, organization: UUID, by: By, sensor: UUID, edit: Edit) -> Record | None:
    """Change the columns that `edit.new` names, logged. Returns updated_at; None if the version is another."""
    with translated():
        return await connection.fetchrow(UPDATE_SENSOR, organization, *by, sensor, *edit)


async def lock(connection: Connection, organization: UUID, sensor: UUID) -> Record | None:
    """Return unit_id, kind and is_primary, held until the caller's transaction ends."""
    with translated():
        return await connection.fetchrow(LOCK_SENSOR, organization, sensor)


async def lock_unit(connection: Connection, organization: UUID, unit: UUID) -> bool:
    """Hold a unit until the caller's transaction ends, so that it gets one primary only; False if it is not there."""
    with translated():
        return await connection.fetchval(LOCK_UNIT, organization, unit) is not None


async def has_other_primary(connection: Connection, organization: UUID, unit: UUID, sensor: UUID) -> bool:
    """Tell whether the unit follows another sensor."""
    with translated():
        found: bool = await connection.fetchval(HAS_PRIMARY, organization, unit, sensor)
    return found


async def place(connection: Connection, organization: UUID, sensor: UUID, place: Place) -> None:
    """Put a locked sensor there; as a primary it takes the place of the unit's former one."""
    with translated():
        if place.is_primary:
            await connection.execute(STEP_BACK, organization, place.unit_id, sensor)
        await connection.execute(PLACE_SENSOR, organization, sensor, *place)


async def delete(
    connection: Connection, organization: UUID, by: By, sensor: UUID, version: datetime | None
) -> Record | None:
    """Delete a sensor, which also unassigns it, logged. None if it is not there, or its version is another."""
    with translated():
        return await connection.fetchrow(DELETE_SENSOR, organization, *by, sensor, version)


async def restore(connection: Connection, organization: UUID, by: By, sensor: UUID) -> bool:
    """Bring a deleted sensor back, as a pending one, logged; False if there is none."""
    with translated():
        return await connection.fetchrow(RESTORE_SENSOR, organization, *by, sensor) is not None
