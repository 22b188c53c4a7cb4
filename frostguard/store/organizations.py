"""Organizations: made, read, changed, deleted; their tree, and what was deleted in them.

Arguments of what changes something: $1 organization, $2 to $5 who does it (audit.By).
"""

from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from frostguard.store.audit import By
from frostguard.store.connection import Connection, Record, translated

GET_ORGANIZATION = """
select id, name, slug, logo_url, timezone, compliance_mode, created_at, updated_at
  from organizations
 where id = $1 and deleted_at is null
"""

LIST_ORGANIZATIONS_OF = """
select o.id, o.name, o.slug, o.logo_url, o.timezone, o.compliance_mode, o.created_at, o.updated_at, r.role
  from organizations o join user_roles r on r.organization_id = o.id
 where r.user_id = $1 and o.deleted_at is null
 order by lower(o.name), o.id
 limit 1000
"""

LIST_ALL_ORGANIZATIONS = """
select o.id, o.slug, o.name, o.timezone, o.created_at, o.deleted_at,
       (select count(*) from user_roles r where r.organization_id = o.id) as members,
       (select count(*) from units u where u.organization_id = o.id and u.deleted_at is null) as units
  from organizations o
 order by o.deleted_at is not null, o.slug
"""

INSERT_ORGANIZATION = """
insert into organizations (name, slug, timezone) values ($1, $2, $3)
on conflict (slug) where deleted_at is null do nothing
returning id
"""

UPDATE_ORGANIZATION = """
with changed as (
  update organizations o
     set (name, slug, logo_url, timezone, compliance_mode) =
         (select n.name, n.slug, n.logo_url, n.timezone, n.compliance_mode
            from jsonb_populate_record(o, ($7::text)::jsonb) n),
         updated_at = now()
   where o.id = $1 and o.updated_at = $6 and o.deleted_at is null
  returning id, updated_at
)
select updated_at, audit_append($1, $2, $3, 'organization.updated', 'organization', id, $8, $7, $4, $5) as audited
  from changed
"""

DELETE_ORGANIZATION = """
with gone as (
  update organizations set deleted_at = now(), updated_at = now()
   where id = $1 and deleted_at is null and ($6::timestamptz is null or updated_at = $6)
  returning id, name, slug, deleted_at
)
select id, deleted_at,
       audit_append($1, $2, $3, 'organization.deleted', 'organization', id,
                    json_build_object('name', name, 'slug', slug)::text, null, $4, $5) as audited
  from gone
"""

RESTORE_ORGANIZATION = """
update organizations set deleted_at = null, updated_at = now() where slug = $1 and deleted_at is not null returning id
"""

SLUG_IS_TAKEN = "select exists (select from organizations where slug = $1 and deleted_at is null)"

LIST_TREE = """
select s.id as site_id, s.name as site_name, a.id as area_id, a.name as area_name, a.sort_order as area_sort_order,
       u.id as unit_id, u.name as unit_name, u.unit_type,
       (select count(*) from sensors x where x.unit_id = u.id and x.deleted_at is null) as sensors
  from sites s
  left join areas a on a.site_id = s.id and a.deleted_at is null
  left join units u on u.area_id = a.id and u.deleted_at is null
 where s.organization_id = $1 and s.deleted_at is null
 order by lower(s.name), s.id, a.sort_order, lower(a.name), a.id, u.sort_order, lower(u.name), u.id
 limit 50000
"""

LIST_DELETED = """
select * from (
  select 'site' as type, s.id, s.name, null::uuid as parent_id, s.deleted_at from sites s
   where s.organization_id = $1 and s.deleted_at is not null
  union all
  select 'area', a.id, a.name, a.site_id, a.deleted_at from areas a
   where a.organization_id = $1 and a.deleted_at is not null
  union all
  select 'unit', u.id, u.name, u.area_id, u.deleted_at from units u
   where u.organization_id = $1 and u.deleted_at is not null
  union all
  select 'gateway', g.id, g.name, g.site_id, g.deleted_at from gateways g
   where g.organization_id = $1 and g.deleted_at is not null
  union all
  select 'sensor', x.id, coalesce(x.name, x.serial), x.unit_id, x.deleted_at from sensors x
   where x.organization_id = $1 and x.deleted_at is not null
) gone
 order by deleted_at desc, id
 limit $2
"""

# Where an object is, among the organizations that somebody belongs to. Asked only for members of several.
FIND_HOME = """
select case $1
  when 'site' then (select organization_id from sites where id = $2 and organization_id = any($3::uuid[]))
  when 'area' then (select organization_id from areas where id = $2 and organization_id = any($3::uuid[]))
  when 'unit' then (select organization_id from units where id = $2 and organization_id = any($3::uuid[]))
  when 'sensor' then (select organization_id from sensors where id = $2 and organization_id = any($3::uuid[]))
  when 'gateway' then (select organization_id from gateways where id = $2 and organization_id = any($3::uuid[]))
  when 'alert' then (select organization_id from alerts where id = $2 and organization_id = any($3::uuid[]))
end
"""


class Edit(NamedTuple):
    """A change to a row: the version that was judged, the new values and the old ones (JSON objects)."""

    version: datetime
    new: str
    old: str


async def get(connection: Connection, organization: UUID) -> Record | None:
    """Return one organization."""
    with translated():
        return await connection.fetchrow(GET_ORGANIZATION, organization)


async def list_of(connection: Connection, user: UUID) -> list[Record]:
    """Return the organizations that a user belongs to, with his role."""
    with translated():
        return list(await connection.fetch(LIST_ORGANIZATIONS_OF, user))


async def everything(connection: Connection) -> list[Record]:
    """Return all organizations, also deleted ones, for operators."""
    with translated():
        return list(await connection.fetch(LIST_ALL_ORGANIZATIONS))


async def create(connection: Connection, name: str, slug: str, timezone: str) -> UUID | None:
    """Add an organization; None, and nothing is added, where the slug is taken."""
    with translated():
        organization: UUID | None = await connection.fetchval(INSERT_ORGANIZATION, name, slug, timezone)
    return organization


async def update(connection: Connection, organization: UUID, by: By, edit: Edit) -> Record | None:
    """Change the columns that `edit.new` names, logged. Returns updated_at; None if the version is another."""
    with translated():
        return await connection.fetchrow(UPDATE_ORGANIZATION, organization, *by, *edit)


async def delete(connection: Connection, organization: UUID, by: By, version: datetime | None) -> Record | None:
    """Delete (an operator can restore it), logged. None if it is not there, or its version is another."""
    with translated():
        return await connection.fetchrow(DELETE_ORGANIZATION, organization, *by, version)


async def restore(connection: Connection, slug: str) -> UUID | None:
    """Bring a deleted organization back, for operators; None if there is none of this slug."""
    with translated():
        organization: UUID | None = await connection.fetchval(RESTORE_ORGANIZATION, slug)
    return organization


async def slug_is_taken(connection: Connection, slug: str) -> bool:
    """Tell whether a living organization has this slug."""
    with translated():
        taken: bool = await connection.fetchval(SLUG_IS_TAKEN, slug)
    return taken


async def tree(connection: Connection, organization: UUID) -> list[Record]:
    """Return one row per unit (or empty area, or empty site), in the order to show them."""
    with translated():
        return list(await connection.fetch(LIST_TREE, organization))


async def deleted(connection: Connection, organization: UUID, limit: int = 1000) -> list[Record]:
    """Return what was deleted and can be restored, the latest first."""
    with translated():
        return list(await connection.fetch(LIST_DELETED, organization, limit))


async def home_of(connection: Connection, kind: str, target: UUID, organizations: list[UUID]) -> UUID | None:
    """Return to which of these organizations an object belongs, deleted or not; None if to none of them."""
    with translated():
        organization: UUID | None = await connection.fetchval(FIND_HOME, kind, target, organizations)
    return organization
