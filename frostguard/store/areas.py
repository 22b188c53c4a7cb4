"""Areas of a site. Deleting one deletes its units with it; restoring brings those back.

Arguments of what changes something: $1 organization, $2 to $5 who does it (audit.By).
"""

from datetime import datetime
from uuid import UUID

from frostguard.store.audit import By
from frostguard.store.connection import Connection, Record, translated
from frostguard.store.organizations import Edit

GET_AREA = """
select a.id, a.organization_id, a.site_id, a.name, a.description, a.sort_order, a.created_at, a.updated_at,
       (select count(*) from units u where u.area_id = a.id and u.deleted_at is null) as unit_count
  from areas a
 where a.organization_id = $1 and a.id = $2 and a.deleted_at is null
"""

LIST_AREAS = """
select a.id, a.organization_id, a.site_id, a.name, a.description, a.sort_order, a.created_at, a.updated_at,
       (select count(*) from units u where u.area_id = a.id and u.deleted_at is null) as unit_count
  from sites s join areas a on a.site_id = s.id and a.deleted_at is null
 where s.organization_id = $1 and s.id = $2 and s.deleted_at is null
 order by a.sort_order, lower(a.name), a.id
 limit 1000
"""

SITE_EXISTS = "select exists (select from sites where organization_id = $1 and id = $2 and deleted_at is null)"

INSERT_AREA = """
with added as (
  insert into areas (organization_id, site_id, name, description, sort_order)
  select s.organization_id, s.id, n.name, n.description, coalesce(n.sort_order, 0)
    from sites s, jsonb_populate_record(null::areas, ($7::text)::jsonb) n
   where s.organization_id = $1 and s.id = $6 and s.deleted_at is null
  returning id
)
select id, audit_append($1, $2, $3, 'area.created', 'area', id, null, $7, $4, $5) as audited from added
"""

UPDATE_AREA = """
with changed as (
  update areas a
     set (name, description, sort_order) =
         (select n.name, n.description, n.sort_order from jsonb_populate_record(a, ($8::text)::jsonb) n),
         updated_at = now()
   where a.organization_id = $1 and a.id = $6 and a.updated_at = $7 and a.deleted_at is null
  returning id, updated_at
)
select updated_at, audit_append($1, $2, $3, 'area.updated', 'area', id, $9, $8, $4, $5) as audited from changed
"""

DELETE_AREA = """
with gone as (
  update areas set deleted_at = now(), updated_at = now()
   where organization_id = $1 and id = $6 and deleted_at is null and ($7::timestamptz is null or updated_at = $7)
  returning id, name, deleted_at
), gone_units as (
  update units u set deleted_at = now(), updated_at = now()
    from gone where u.organization_id = $1 and u.area_id = gone.id and u.deleted_at is null
  returning u.id
)
select id, deleted_at,
       audit_append($1, $2, $3, 'area.deleted', 'area', id,
                    json_build_object('name', name, 'units', (select count(*) from gone_units))::text, null,
                    $4, $5) as audited
  from gone
"""

RESTORE_AREA = """
with old as (
  select a.id, a.name, a.deleted_at from areas a join sites s on s.id = a.site_id and s.deleted_at is null
   where a.organization_id = $1 and a.id = $6 and a.deleted_at is not null
     for update of a
), back as (
  update areas a set deleted_at = null, updated_at = now() from old where a.id = old.id
), back_units as (
  update units u set deleted_at = null, updated_at = now()
    from old where u.organization_id = $1 and u.area_id = old.id and u.deleted_at = old.deleted_at
  returning u.id
)
select id, audit_append($1, $2, $3, 'area.restored', 'area', id, null,
                        json_build_object('name', name, 'units', (select count(*) from back_units))::text,
                        $4, $5) as audited
  from old
"""

AREA_IS_DELETED = "select exists (select from areas where organization_id = $1 and id = $2 and deleted_at is not null)"

PREVIEW_DELETION = """
select count(distinct u.id) as units, count(distinct x.id) filter (where x.unit_id is not null) as sensors
  from areas a
  left join units u on u.area_id = a.id and u.deleted_at is null
  left join sensors x on x.unit_id = u.id and x.deleted_at is null
 where a.organization_id = $1 and a.id = $2 and a.deleted_at is null
having count(distinct a.id) = 1
"""


async def get(connection: Connection, organization: UUID, area: UUID) -> Record | None:
    """Return one area with the number of its units."""
    with translated():
        return await connection.fetchrow(GET_AREA, organization, area)


async def list_of(connection: Connection, organization: UUID, site: UUID) -> list[Record] | None:
    """Return a site's areas; None if there is no such site."""
    with translated():
        rows = await connection.fetch(LIST_AREAS, organization, site)
        if not rows and not await connection.fetchval(SITE_EXISTS, organization, site):
            return None
    return list(rows)


async def create(connection: Connection, organization: UUID, by: By, site: UUID, values: str) -> UUID | None:
    """Add an area from a JSON object of its columns, logged; None if there is no such site."""
    with translated():
        area: UUID | None = await connection.fetchval(INSERT_AREA, organization, *by, site, values)
    return area


async def update(connection: Connection, organization: UUID, by: By, area: UUID, edit: Edit) -> Record | None:
    """Change the columns that `edit.new` names, logged. Returns updated_at; None if the version is another."""
    with translated():
        return await connection.fetchrow(UPDATE_AREA, organization, *by, area, *edit)


async def delete(
    connection: Connection, organization: UUID, by: By, area: UUID, version: datetime | None
) -> Record | None:
    """Delete an area with its units, logged. None if it is not there, or its version is another."""
    with translated():
        return await connection.fetchrow(DELETE_AREA, organization, *by, area, version)


async def restore(connection: Connection, organization: UUID, by: By, area: UUID) -> bool:
    """Bring a deleted area back with its units, logged; False if there is none, or its site is deleted."""
    with translated():
        return await connection.fetchrow(RESTORE_AREA, organization, *by, area) is not None


async def is_deleted(connection: Connection, organization: UUID, area: UUID) -> bool:
    """Tell whether the area exists and is deleted."""
    with translated():
        found: bool = await connection.fetchval(AREA_IS_DELETED, organization, area)
    return found


async def preview_deletion(connection: Connection, organization: UUID, area: UUID) -> Record | None:
    """Return how many units and sensors a deletion would take along."""
    with translated():
        return await connection.fetchrow(PREVIEW_DELETION, organization, area)
