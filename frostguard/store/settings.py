"""What organizations, sites and units override of the settings in frostguard.domain.limits.

A level's overrides are one JSON object in its row (`settings`); a unit's low and high are its temp_min and temp_max.
Arguments of what changes something: $1 organization, $2 to $5 who does it (audit.By).
"""

from uuid import UUID

from frostguard.store.audit import By
from frostguard.store.connection import Connection, Record, translated
from frostguard.store.organizations import Edit

GET_ORGANIZATION_SETTINGS = """
select id, updated_at, settings from organizations where id = $1 and deleted_at is null
"""

GET_SITE_SETTINGS = """
select s.id, s.updated_at, s.settings, o.settings as organization_settings
  from sites s join organizations o on o.id = s.organization_id
 where s.organization_id = $1 and s.id = $2 and s.deleted_at is null
"""

LIST_BELOW = """
select u.unit_type, u.temp_min, u.temp_max, u.settings as unit_settings, s.settings as site_settings,
       min(u.name) as example, count(*) as units
  from units u join areas a on a.id = u.area_id join sites s on s.id = a.site_id
 where u.organization_id = $1 and u.deleted_at is null and ($2::uuid is null or s.id = $2)
 group by 1, 2, 3, 4, 5
"""

UPDATE_ORGANIZATION_SETTINGS = """
with changed as (
  update organizations set settings = ($7::text)::jsonb, updated_at = now()
   where id = $1 and updated_at = $6 and deleted_at is null
  returning id, updated_at
)
select updated_at, audit_append($1, $2, $3, 'organization.settings_changed', 'organization', id, $8, $7,
                                $4, $5) as audited
  from changed
"""

UPDATE_SITE_SETTINGS = """
with changed as (
  update sites set settings = ($8::text)::jsonb, updated_at = now()
   where organization_id = $1 and id = $6 and updated_at = $7 and deleted_at is null
  returning id, updated_at
)
select updated_at, audit_append($1, $2, $3, 'site.settings_changed', 'site', id, $9, $8, $4, $5) as audited
  from changed
"""

UPDATE_UNIT_SETTINGS = """
with changed as (
  update units set settings = ($8::text)::jsonb - '{low,high}'::text[],
                   temp_min = (($8::text)::jsonb ->> 'low')::float8,
                   temp_max = (($8::text)::jsonb ->> 'high')::float8,
                   updated_at = now()
   where organization_id = $1 and id = $6 and updated_at = $7 and deleted_at is null
  returning id, updated_at
)
select updated_at, audit_append($1, $2, $3, 'unit.settings_changed', 'unit', id, $9, $8, $4, $5) as audited
  from changed
"""


async def of_organization(connection: Connection, organization: UUID) -> Record | None:
    """Return what the organization overrides."""
    with translated():
        return await connection.fetchrow(GET_ORGANIZATION_SETTINGS, organization)


async def of_site(connection: Connection, organization: UUID, site: UUID) -> Record | None:
    """Return what the site and its organization override."""
    with translated():
        return await connection.fetchrow(GET_SITE_SETTINGS, organization, site)


async def below(connection: Connection, organization: UUID, site: UUID | None = None) -> list[Record]:
    """Return every combination of type and overrides among the units below, with an example and how many have it."""
    with translated():
        return list(await connection.fetch(LIST_BELOW, organization, site))


async def update_organization(connection: Connection, organization: UUID, by: By, edit: Edit) -> Record | None:
    """Store an organization's overrides (all of them), logged. Returns updated_at; None if the version is another."""
    with translated():
        return await connection.fetchrow(UPDATE_ORGANIZATION_SETTINGS, organization, *by, *edit)


async def update_site(connection: Connection, organization: UUID, by: By, site: UUID, edit: Edit) -> Record | None:
    """Store a site's overrides (all of them), logged. Returns updated_at; None if the version is another."""
    with translated():
        return await connection.fetchrow(UPDATE_SITE_SETTINGS, organization, *by, site, *edit)


async def update_unit(connection: Connection, organization: UUID, by: By, unit: UUID, edit: Edit) -> Record | None:
    """Store a unit's overrides (all of them, low and high too), logged. Returns updated_at; None: another version."""
    with translated():
        return await connection.fetchrow(UPDATE_UNIT_SETTINGS, organization, *by, unit, *edit)
