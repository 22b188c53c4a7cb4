"""Gateways and their credentials, of which only the hash is kept.

Arguments of what changes something: $1 organization, $2 to $5 who does it (audit.By).
"""

from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from frostguard.store.audit import By
from frostguard.store.connection import Connection, Record, translated
from frostguard.store.organizations import Edit
from frostguard.store.paging import Page

GET_GATEWAY = """
select g.id, g.organization_id, g.site_id, g.kind, g.serial, g.name, g.description,
       g.password_hash is not null as has_credentials, t.online, t.online_since, t.last_heard_at, g.created_at,
       g.updated_at,
       (select count(*) from sensors x where x.gateway_id = g.id and x.deleted_at is null) as sensor_count
  from gateways g left join gateway_states t on t.gateway_id = g.id
 where g.organization_id = $1 and g.id = $2 and g.deleted_at is null
"""

LIST_GATEWAYS = """
with keyed as (
  select g.id, g.organization_id, g.site_id, g.kind, g.serial, g.name, g.description,
         g.password_hash is not null as has_credentials, t.online, t.online_since, t.last_heard_at, g.created_at,
         g.updated_at,
         (select count(*) from sensors x where x.gateway_id = g.id and x.deleted_at is null) as sensor_count,
         case $2::text when 'createdAt' then audit_instant(g.created_at)::text when 'serial' then g.serial
                       else lower(g.name) end as sort_key
    from gateways g left join gateway_states t on t.gateway_id = g.id
   where g.organization_id = $1 and g.deleted_at is null and ($7::uuid is null or g.site_id = $7)
)
select * from keyed
 where $4::text is null
    or case when $3::boolean then (sort_key, id) < ($4, $5::uuid) else (sort_key, id) > ($4, $5::uuid) end
 order by case when not $3 then sort_key end, case when not $3 then id end, sort_key desc, id desc
 limit $6
"""

SITE_EXISTS = "select exists (select from sites where organization_id = $1 and id = $2 and deleted_at is null)"

INSERT_GATEWAY = """
with added as (
  insert into gateways (organization_id, site_id, kind, serial, name, description)
  select o.id, n.site_id, coalesce(n.kind, 'native'), n.serial, n.name, n.description
    from organizations o, jsonb_populate_record(null::gateways, ($6::text)::jsonb) n
   where o.id = $1 and o.deleted_at is null
  returning id
)
select id, audit_append($1, $2, $3, 'gateway.created', 'gateway', id, null, $6, $4, $5) as audited from added
"""

UPDATE_GATEWAY = """
with changed as (
  update gateways g
     set (site_id, name, description) =
         (select n.site_id, n.name, n.description from jsonb_populate_record(g, ($8::text)::jsonb) n),
         updated_at = now()
   where g.organization_id = $1 and g.id = $6 and g.updated_at = $7 and g.deleted_at is null
  returning id, updated_at
)
select updated_at, audit_append($1, $2, $3, 'gateway.updated', 'gateway', id, $9, $8, $4, $5) as audited from changed
"""

SET_CREDENTIALS = """
with old as (
  select id, password_hash is not null as had from gateways
   where organization_id = $1 and id = $6 and deleted_at is null for update
), changed as (
  update gateways g set password_hash = $7, updated_at = now() from old where g.id = old.id
  returning g.id, g.serial, g.kind, old.had
)
select serial, kind, audit_append($1, $2, $3, case when $7::text is null then 'gateway.credentials_revoked'
                                             when had then 'gateway.credentials_rotated'
                                             else 'gateway.credentials_issued' end,
                            'gateway', id, null, json_build_object('serial', serial)::text, $4, $5) as audited
  from changed
"""

DELETE_GATEWAY = """
with gone as (
  update gateways set deleted_at = now(), updated_at = now(), password_hash = null
   where organization_id = $1 and id = $6 and deleted_at is null and ($7::timestamptz is null or updated_at = $7)
  returning id, serial, name, deleted_at
)
select id, deleted_at,
       audit_append($1, $2, $3, 'gateway.deleted', 'gateway', id,
                    json_build_object('serial', serial, 'name', name)::text, null, $4, $5) as audited
  from gone
"""

RESTORE_GATEWAY = """
with back as (
  update gateways set deleted_at = null, updated_at = now()
   where organization_id = $1 and id = $6 and deleted_at is not null
  returning id, serial, name
)
select id, audit_append($1, $2, $3, 'gateway.restored', 'gateway', id, null,
                        json_build_object('serial', serial, 'name', name)::text, $4, $5) as audited
  from back
"""

LIST_BROKER_ACCOUNTS = """
select g.serial, g.password_hash
  from gateways g join organizations o on o.id = g.organization_id and o.deleted_at is null
 where g.kind = 'native' and g.deleted_at is null and g.password_hash is not null
 order by g.serial
"""


async def get(connection: Connection, organization: UUID, gateway: UUID) -> Record | None:
    """Return one gateway with what the broker and its messages say of it."""
    with translated():
        return await connection.fetchrow(GET_GATEWAY, organization, gateway)


class Wanted(NamedTuple):
    """Which gateways: of a site, or all."""

    site: UUID | None = None


async def page(connection: Connection, organization: UUID, page: Page, wanted: Wanted) -> list[Record]:
    """Return an organization's gateways. Sorts: name, serial, createdAt."""
    with translated():
        return list(await connection.fetch(LIST_GATEWAYS, organization, *page, *wanted))


async def site_exists(connection: Connection, organization: UUID, site: UUID) -> bool:
    """Tell whether the organization has this site."""
    with translated():
        found: bool = await connection.fetchval(SITE_EXISTS, organization, site)
    return found


async def create(connection: Connection, organization: UUID, by: By, values: str) -> UUID | None:
    """Add a gateway from a JSON object of its columns, logged; None if the organization is no more."""
    with translated():
        gateway: UUID | None = await connection.fetchval(INSERT_GATEWAY, organization, *by, values)
    return gateway


async def update(connection: Connection, organization: UUID, by: By, gateway: UUID, edit: Edit) -> Record | None:
    """Change the columns that `edit.new` names, logged. Returns updated_at; None if the version is another."""
    with translated():
        return await connection.fetchrow(UPDATE_GATEWAY, organization, *by, gateway, *edit)


async def set_credentials(
    connection: Connection, organization: UUID, by: By, gateway: UUID, password_hash: str | None
) -> Record | None:
    """Give a gateway another password (its hash) or none, logged. Returns its serial, the user name, and its kind.

    That of a native one opens the broker and HTTP, that of a network only HTTP. None if there is no such gateway.
    """
    with translated():
        return await connection.fetchrow(SET_CREDENTIALS, organization, *by, gateway, password_hash)


async def delete(
    connection: Connection, organization: UUID, by: By, gateway: UUID, version: datetime | None
) -> Record | None:
    """Delete a gateway and its credentials, logged. None if it is not there, or its version is another."""
    with translated():
        return await connection.fetchrow(DELETE_GATEWAY, organization, *by, gateway, version)


async def restore(connection: Connection, organization: UUID, by: By, gateway: UUID) -> bool:
    """Bring a deleted gateway back, without credentials, logged; False if there is none."""
    with translated():
        return await connection.fetchrow(RESTORE_GATEWAY, organization, *by, gateway) is not None


async def broker_accounts(connection: Connection) -> dict[str, str]:
    """Return user name -> password hash of every gateway that may come in, as the broker's password file has them.

    Read it again after each NOTIFY `config`: every change of a gateway sends one.
    """
    with translated():
        return {row["serial"]: row["password_hash"] for row in await connection.fetch(LIST_BROKER_ACCOUNTS)}
