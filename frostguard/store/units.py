"""Units of an area, with what their effective limits follow from and how they stand.

Arguments of what changes something: $1 organization, $2 to $5 who does it (audit.By).
"""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from frostguard.store.audit import By
from frostguard.store.connection import Connection, Record, translated
from frostguard.store.organizations import Edit
from frostguard.store.paging import Page

# Of a unit `u`, and of all that its effective limits follow from and how it stands.
_COLUMNS = """u.id, u.organization_id, a.site_id, u.area_id, u.name, u.unit_type, u.temp_min, u.temp_max, u.make,
       u.model, u.serial_number, u.notes, u.sort_order, u.created_at, u.updated_at,
       coalesce(t.status, 'offline') as status, t.status_since,
       coalesce(t.temperature_phase, 'normal') as temperature_state, coalesce(t.data_phase, 'never') as data_state,
       t.door_open, t.last_reading_at, t.last_temperature,
       u.settings as unit_settings, s.settings as site_settings, o.settings as organization_settings"""
_FROM = """units u
  join areas a on a.id = u.area_id
  join sites s on s.id = a.site_id
  join organizations o on o.id = u.organization_id
  left join unit_states t on t.unit_id = u.id"""

GET_UNIT = f"""
select {_COLUMNS} from {_FROM}
 where u.organization_id = $1 and u.id = $2 and u.deleted_at is null
"""  # noqa: S608 - our own constants, here and below

GET_UNITS = f"""
select {_COLUMNS} from {_FROM}
 where u.organization_id = $1 and u.id = any($2::uuid[]) and u.deleted_at is null
"""  # noqa: S608

LIST_UNITS_OF_AREA = f"""
select {_COLUMNS} from {_FROM}
 where a.organization_id = $1 and a.id = $2 and a.deleted_at is null and u.deleted_at is null
 order by u.sort_order, lower(u.name), u.id
 limit 1000
"""  # noqa: S608

AREA_EXISTS = "select exists (select from areas where organization_id = $1 and id = $2 and deleted_at is null)"

LIST_UNITS = f"""
with keyed as (
  select {_COLUMNS},
         case $2::text when 'createdAt' then audit_instant(u.created_at)::text else lower(u.name) end as sort_key
    from {_FROM}
   where u.organization_id = $1 and u.deleted_at is null
     and ($7::uuid is null or a.site_id = $7)
     and ($8::text is null or u.unit_type::text = $8)
     and ($9::text is null or position(lower($9) in lower(u.name)) > 0)
)
select * from keyed
 where $4::text is null
    or case when $3::boolean then (sort_key, id) < ($4, $5::uuid) else (sort_key, id) > ($4, $5::uuid) end
 order by case when not $3 then sort_key end, case when not $3 then id end, sort_key desc, id desc
 limit $6
"""  # noqa: S608

INSERT_UNIT = """
with added as (
  insert into units (organization_id, area_id, name, unit_type, temp_min, temp_max, make, model, serial_number, notes,
                     sort_order)
  select a.organization_id, a.id, n.name, coalesce(n.unit_type, 'fridge'), n.temp_min, n.temp_max, n.make, n.model,
         n.serial_number, n.notes, coalesce(n.sort_order, 0)
    from areas a, jsonb_populate_record(null::units, ($7::text)::jsonb) n
   where a.organization_id = $1 and a.id = $6 and a.deleted_at is null
  returning id
)
select id, audit_append($1, $2, $3, 'unit.created', 'unit', id, null, $7, $4, $5) as audited from added
"""

UPDATE_UNIT = """
with changed as (
  update units u
     set (name, unit_type, temp_min, temp_max, make, model, serial_number, notes, sort_order, settings) =
         (select n.name, n.unit_type, n.temp_min, n.temp_max, n.make, n.model, n.serial_number, n.notes, n.sort_order,
                 n.settings
            from jsonb_populate_record(u, ($8::text)::jsonb) n),
         updated_at = now()
   where u.organization_id = $1 and u.id = $6 and u.updated_at = $7 and u.deleted_at is null
  returning id, updated_at
)
select updated_at, audit_append($1, $2, $3, 'unit.updated', 'unit', id, $9, $8, $4, $5) as audited from changed
"""

# A row that somebody else holds is left out: who holds several and waits could wait in a circle.
UPDATE_UNITS = """
with asked as (
  select * from unnest($2::uuid[], $3::timestamptz[], $4::text[], $5::text[], $6::uuid[], $7::text[], $8::text[],
                       $9::text[])
           with ordinality a (id, version, new, old, actor_id, actor, reason, request_id, place)
), held as materialized (
  select a.* from asked a join units u on u.id = a.id
   where u.organization_id = $1 and u.updated_at = a.version and u.deleted_at is null
     for no key update of u skip locked
), changed as (
  update units u
     set (name, unit_type, temp_min, temp_max, make, model, serial_number, notes, sort_order, settings) =
         (select n.name, n.unit_type, n.temp_min, n.temp_max, n.make, n.model, n.serial_number, n.notes, n.sort_order,
                 n.settings
            from jsonb_populate_record(u, held.new::jsonb) n),
         updated_at = now()
    from held where u.id = held.id and u.updated_at = held.version
  returning held.*, u.updated_at
)
select array_agg(id) as ids, max(updated_at) as updated_at,
       audit_append_all($1, array_agg(row(actor_id, actor, 'unit.updated', 'unit', id, old, new, reason,
                                          request_id)::audit_entry order by place)) as audited
  from changed
having count(*) > 0
"""

MOVE_UNIT = """
with target as (
  select id from areas where organization_id = $1 and id = $7 and deleted_at is null
), old as (
  select id, area_id from units where organization_id = $1 and id = $6 and deleted_at is null for update
), moved as (
  update units u set area_id = target.id, updated_at = now() from target, old where u.id = old.id
  returning u.id, old.area_id as before, u.area_id
)
select id, audit_append($1, $2, $3, 'unit.moved', 'unit', id, json_build_object('area_id', before)::text,
                        json_build_object('area_id', area_id)::text, $4, $5) as audited
  from moved
"""

DELETE_UNIT = """
with gone as (
  update units set deleted_at = now(), updated_at = now()
   where organization_id = $1 and id = $6 and deleted_at is null and ($7::timestamptz is null or updated_at = $7)
  returning id, name, area_id, deleted_at
)
select id, deleted_at,
       audit_append($1, $2, $3, 'unit.deleted', 'unit', id,
                    json_build_object('name', name, 'area_id', area_id)::text, null, $4, $5) as audited
  from gone
"""

RESTORE_UNIT = """
with back as (
  update units u set deleted_at = null, updated_at = now()
    from areas a
   where u.organization_id = $1 and u.id = $6 and u.deleted_at is not null
     and a.id = u.area_id and a.deleted_at is null
  returning u.id, u.name
)
select id, audit_append($1, $2, $3, 'unit.restored', 'unit', id, null, json_build_object('name', name)::text,
                        $4, $5) as audited
  from back
"""

UNIT_IS_DELETED = "select exists (select from units where organization_id = $1 and id = $2 and deleted_at is not null)"

PREVIEW_DELETION = """
select (select count(*) from sensors x where x.unit_id = u.id and x.deleted_at is null) as sensors
  from units u where u.organization_id = $1 and u.id = $2 and u.deleted_at is null
"""


async def get(connection: Connection, organization: UUID, unit: UUID) -> Record | None:
    """Return one unit."""
    with translated():
        return await connection.fetchrow(GET_UNIT, organization, unit)


async def get_all(connection: Connection, organization: UUID, ids: Sequence[UUID]) -> list[Record]:
    """Return those of the units that there are, as `get` does, in any order."""
    with translated():
        return list(await connection.fetch(GET_UNITS, organization, ids))


async def list_of_area(connection: Connection, organization: UUID, area: UUID) -> list[Record] | None:
    """Return an area's units in the order that people gave them; None if there is no such area."""
    with translated():
        rows = await connection.fetch(LIST_UNITS_OF_AREA, organization, area)
        if not rows and not await connection.fetchval(AREA_EXISTS, organization, area):
            return None
    return list(rows)


class Wanted(NamedTuple):
    """Which units: of a site, of a type, whose name contains a text. All optional."""

    site: UUID | None = None
    unit_type: str | None = None
    search: str | None = None


async def page(connection: Connection, organization: UUID, page: Page, wanted: Wanted) -> list[Record]:
    """Return an organization's units. Sorts: name, createdAt."""
    with translated():
        return list(await connection.fetch(LIST_UNITS, organization, *page, *wanted))


async def create(connection: Connection, organization: UUID, by: By, area: UUID, values: str) -> UUID | None:
    """Add a unit from a JSON object of its columns, logged; None if there is no such area."""
    with translated():
        unit: UUID | None = await connection.fetchval(INSERT_UNIT, organization, *by, area, values)
    return unit


async def update(connection: Connection, organization: UUID, by: By, unit: UUID, edit: Edit) -> Record | None:
    """Change the columns that `edit.new` names, logged. Returns updated_at; None if the version is another."""
    with translated():
        return await connection.fetchrow(UPDATE_UNIT, organization, *by, unit, *edit)


class Edited(NamedTuple):
    """One of several edits that are made together: whose, of which unit, and what."""

    by: By
    unit: UUID
    edit: Edit


async def update_all(connection: Connection, organization: UUID, edits: Sequence[Edited]) -> dict[UUID, datetime]:
    """Make edits of different units in one transaction, each logged, in their order. Returns updated_at by unit.

    A unit that has another version now, or that somebody else is changing, is left out. All fail where one does.
    """
    units = [each.unit for each in edits]
    versions, new, old = zip(*(each.edit for each in edits), strict=True)
    who = zip(*(each.by for each in edits), strict=True)
    with translated():
        row = await connection.fetchrow(UPDATE_UNITS, organization, units, versions, new, old, *who)
    return {} if row is None else dict.fromkeys(row["ids"], row["updated_at"])


async def move(connection: Connection, organization: UUID, by: By, unit: UUID, area: UUID) -> bool:
    """Put a unit into another area of the organization, logged; False if either is not there."""
    with translated():
        return await connection.fetchrow(MOVE_UNIT, organization, *by, unit, area) is not None


async def delete(
    connection: Connection, organization: UUID, by: By, unit: UUID, version: datetime | None
) -> Record | None:
    """Delete a unit, logged. Its sensors stay with it, for when it is restored. None: not there, or another version."""
    with translated():
        return await connection.fetchrow(DELETE_UNIT, organization, *by, unit, version)


async def restore(connection: Connection, organization: UUID, by: By, unit: UUID) -> bool:
    """Bring a deleted unit back, logged; False if there is none, or its area is deleted."""
    with translated():
        return await connection.fetchrow(RESTORE_UNIT, organization, *by, unit) is not None


async def is_deleted(connection: Connection, organization: UUID, unit: UUID) -> bool:
    """Tell whether the unit exists and is deleted."""
    with translated():
        found: bool = await connection.fetchval(UNIT_IS_DELETED, organization, unit)
    return found


async def preview_deletion(connection: Connection, organization: UUID, unit: UUID) -> Record | None:
    """Return how many sensors would fall silent with the unit."""
    with translated():
        return await connection.fetchrow(PREVIEW_DELETION, organization, unit)
