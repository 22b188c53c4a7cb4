"""Which units an export is about."""

from frostguard.store.connection import Connection, Record, translated

# Deleted ones too: their readings are on record.
LIST_UNITS = """
select u.id, o.id as organization_id, o.slug as organization, s.name as site, a.name as area, u.name as unit
  from units u
  join areas a on a.id = u.area_id
  join sites s on s.id = a.site_id
  join organizations o on o.id = u.organization_id
 where o.slug = $1 and ($2::text is null or s.id::text = $2 or lower(s.name) = lower($2))
   and ($3::text is null or u.id::text = $3 or lower(u.name) = lower($3))
 order by o.deleted_at nulls first, s.name, a.sort_order, a.name, u.sort_order, u.name, u.id
"""


async def units(connection: Connection, organization: str, site: str | None, unit: str | None) -> list[Record]:
    """Return id, `organization_id` and place of an organization's units (site and unit by id or name; None: all)."""
    with translated():
        return list(await connection.fetch(LIST_UNITS, organization, site, unit))
