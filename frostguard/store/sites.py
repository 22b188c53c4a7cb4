"""Sites of an organization. Deleting one deletes its areas and units with it; restoring brings those back.

Arguments of what changes something: $1 organization, $2 to $5 who does it (audit.By).
"""

from datetime import datetime
from uuid import UUID

from frostguard.store.audit import By
from frostguard.store.connection import Connection, Record, translated
from frostguard.store.organizations import Edit
from frostguard.store.paging import Page

GET_SITE = """
select s.id, s.organization_id, s.name, s.address, s.city, s.state, s.postal_code, s.country, s.timezone, s.latitude,
       s.longitude, s.created_at, s.updated_at,
       (select count(*) from areas a where a.site_id = s.id and a.deleted_at is null) as area_count,
       (select count(*) from areas a join units u on u.area_id = a.id and u.deleted_at is null
         where a.site_id = s.id and a.deleted_at is null) as unit_count
  from sites s
 where s.organization_id = $1 and s.id = $2 and s.deleted_at is null
"""

LIST_SITES = """
with keyed as (
  select s.id, s.organization_id, s.name, s.address, s.city, s.state, s.postal_code, s.country, s.timezone, s.latitude,
         s.longitude, s.created_at, s.updated_at,
         (select count(*) from areas a where a.site_id = s.id and a.deleted_at is null) as area_count,
         (select count(*) from areas a join units u on u.area_id = a.id and u.deleted_at is null
           where a.site_id = s.id and a.deleted_at is null) as unit_count,
         case $2::text when 'createdAt' then audit_instant(s.created_at)::text else lower(s.name) end as sort_key
    from sites s
   where s.organization_id = $1 and s.deleted_at is null
     and ($7::text is null or position(lower($7) in lower(s.name)) > 0)
)
select * from keyed
 where $4::text is null
    or case when $3::boolean then (sort_key, id) < ($4, $5::uuid) else (sort_key, id) > ($4, $5::uuid) end
 order by case when not $3 then sort_key end, case when not $3 then id end, sort_key desc, id desc
 limit $6
"""

INSERT_SITE = """
with added as (
  insert into sites (organization_id, name, address, city, state, postal_code, country, timezone, latitude, longitude)
  select o.id, n.name, n.address, n.city, n.state, n.postal_code, n.country, n.timezone, n.latitude, n.longitude
    from organizations o, jsonb_populate_record(null::sites, ($6::text)::jsonb) n
   where o.id = $1 and o.deleted_at is null
  returning id
)
select id, audit_append($1, $2, $3, 'site.created', 'site', id, null, $6, $4, $5) as audited from added
"""

UPDATE_SITE = """
with changed as (
  update sites s
     set (name, address, city, state, postal_code, country, timezone, latitude, longitude) =
         (select n.name, n.address, n.city, n.state, n.postal_code, n.country, n.timezone, n.latitude, n.longitude
            from jsonb_populate_record(s, ($8::text)::jsonb) n),
         updated_at = now()
   where s.organization_id = $1 and s.id = $6 and s.updated_at = $7 and s.deleted_at is null
  returning id, updated_at
)
select updated_at, audit_append($1, $2, $3, 'site.updated', 'site', id, $9, $8, $4, $5) as audited from changed
"""

DELETE_SITE = """
with gone as (
  update sites set deleted_at = now(), updated_at = now()
   where organization_id = $1 and id = $6 and deleted_at is null and ($7::timestamptz is null or updated_at = $7)
  returning id, name, deleted_at
), gone_units as (
  update units u set deleted_at = now(), updated_at = now()
    from areas a, gone
   where a.organization_id = $1 and a.site_id = gone.id and u.area_id = a.id and u.deleted_at is null
  returning u.id
), gone_areas as (
  update areas a set deleted_at = now(), updated_at = now()
    from gone where a.organization_id = $1 and a.site_id = gone.id and a.deleted_at is null
  returning a.id
)
select id, deleted_at,
       audit_append($1, $2, $3, 'site.deleted', 'site', id,
                    json_build_object('name', name, 'areas', (select count(*) from gone_areas),
                                      'units', (select count(*) from gone_units))::text, null, $4, $5) as audited
  from gone
"""

RESTORE_SITE = """
with old as (
  select id, name, deleted_at from sites
   where organization_id = $1 and id = $6 and deleted_at is not null
     for update
), back as (
  update sites s set deleted_at = null, updated_at = now() from old where s.id = old.id
), back_areas as (
  update areas a set deleted_at = null, updated_at = now()
    from old where a.organization_id = $1 and a.site_id = old.id and a.deleted_at = old.deleted_at
  returning a.id
), back_units as (
  update units u set deleted_at = null, updated_at = now()
    from areas a, old
   where a.organization_id = $1 and a.site_id = old.id and a.deleted_at = old.deleted_at
     and u.area_id = a.id and u.deleted_at = old.deleted_at
  returning u.id
)
select id, audit_append($1, $2, $3, 'site.restored', 'site', id, null,
                        json_build_object('name', name, 'areas', (select count(*) from back_areas),
                                          'units', (select count(*) from back_units))::text, $4, $5) as audited
  from old
"""

PREVIEW_DELETION = """
select count(distinct a.id) as areas, count(distinct u.id) as units,
       count(distinct x.id) filter (where x.unit_id is not null) as sensors
  from sites s
  left join areas a on a.site_id = s.id and a.deleted_at is null
  left join units u on u.area_id = a.id and u.deleted_at is null
  left join sensors x on x.unit_id = u.id and x.deleted_at is null
 where s.organization_id = $1 and s.id = $2 and s.deleted_at is null
having count(distinct s.id) = 1
"""


async def get(connection: Connection, organization: UUID, site: UUID) -> Record | None:
    """Return one site with the numbers of its areas and units."""
    with translated():
        return await connection.fetchrow(GET_SITE, organization, site)


async def page(connection: Connection, organization: UUID, page: Page, search: str | None) -> list[Record]:
    """Return the sites whose name contains `search`. Sorts: name, createdAt."""
    with translated():
        return list(await connection.fetch(LIST_SITES, organization, *page, search))


async def create(connection: Connection, organization: UUID, by: By, values: str) -> UUID | None:
    """Add a site from a JSON object of its columns, logged; None if the organization is no more."""
    with translated():
        site: UUID | None = await connection.fetchval(INSERT_SITE, organization, *by, values)
    return site


async def update(connection: Connection, organization: UUID, by: By, site: UUID, edit: Edit) -> Record | None:
    """Change the columns that `edit.new` names, logged. Returns updated_at; None if the version is another."""
    with translated():
        return await connection.fetchrow(UPDATE_SITE, organization, *by, site, *edit)


async def delete(
    connection: Connection, organization: UUID, by: By, site: UUID, version: datetime | None
) -> Record | None:
    """Delete a site with its areas and units, logged. None if it is not there, or its version is another."""
    with translated():
        return await connection.fetchrow(DELETE_SITE, organization, *by, site, version)


async def restore(connection: Connection, organization: UUID, by: By, site: UUID) -> bool:
    """Bring a deleted site back with what was deleted together with it, logged; False if there is none."""
    with translated():
        return await connection.fetchrow(RESTORE_SITE, organization, *by, site) is not None


async def preview_deletion(connection: Connection, organization: UUID, site: UUID) -> Record | None:
    """Return how many areas, units and sensors a deletion would take along."""
    with translated():
        return await connection.fetchrow(PREVIEW_DELETION, organization, site)
