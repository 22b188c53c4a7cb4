"""Who owns what: organizations with their people, sites, areas, units, gateways and sensors, made or found by name.

`ensure_*` returns the id of what has this name, and makes it where there is none, so that a caller can be repeated.
"""

from uuid import UUID

from frostguard.errors import RowRefusedError
from frostguard.store.connection import Connection, Record, translated

ENSURE_ORGANIZATION = """
with made as (
  insert into organizations (slug, name, timezone) values ($1, $2, $3)
  on conflict (slug) where deleted_at is null do nothing returning id)
select id from made union all select id from organizations where slug = $1 and deleted_at is null limit 1
"""


async def ensure_organization(connection: Connection, slug: str, name: str, timezone: str = "UTC") -> UUID:
    """Return the organization with this slug. `timezone` is an IANA name."""
    return await _id(connection, ENSURE_ORGANIZATION, slug, name, timezone)


FIND_ORGANIZATION = "select id, slug, name, timezone from organizations where slug = $1 and deleted_at is null"


async def find_organization(connection: Connection, slug: str) -> Record | None:
    """Return id, slug, name and timezone, or None."""
    with translated():
        return await connection.fetchrow(FIND_ORGANIZATION, slug)


ENSURE_USER = """
with made as (
  insert into users (email, email_verified_at) values (lower($1), now())
  on conflict (email) do nothing returning id)
select id, null::text as password_hash from made
union all select id, password_hash from users where email = lower($1) limit 1
"""
ENSURE_PROFILE = """
insert into profiles (user_id, email, full_name, organization_id) values ($2, lower($3), $4, $1)
on conflict (user_id) do nothing
"""
ENSURE_ROLE = """
insert into user_roles (organization_id, user_id, role) values ($1, $2, $3::text::app_role)
on conflict (user_id, organization_id) do update set role = excluded.role, updated_at = now()
  where user_roles.role <> excluded.role
"""


async def ensure_member(
    connection: Connection, organization: UUID, email: str, full_name: str, role: str
) -> tuple[UUID, str | None]:
    """Return the user with this address, a member of the organization in this role, and the hash of the password."""
    with translated():
        async with connection.transaction():
            user = await connection.fetchrow(ENSURE_USER, email)
            await connection.execute(ENSURE_PROFILE, organization, user["id"], email, full_name)
            await connection.execute(ENSURE_ROLE, organization, user["id"], role)
    return user["id"], user["password_hash"]


SET_USER_HASH = "update users set password_hash = $2, updated_at = now() where id = $1"


async def set_password_hash(connection: Connection, user: UUID, password_hash: str) -> None:
    """Give a user another password (its bcrypt hash)."""
    with translated():
        await connection.execute(SET_USER_HASH, user, password_hash)


ENSURE_SITE = """
with made as (
  insert into sites (organization_id, name, city, country, timezone) values ($1, $2, $3, $4, $5)
  on conflict (organization_id, lower(name)) where deleted_at is null do nothing returning id)
select id from made
union all select id from sites where organization_id = $1 and lower(name) = lower($2) and deleted_at is null limit 1
"""


async def ensure_site(
    connection: Connection, organization: UUID, name: str, city: str | None = None, timezone: str | None = None
) -> UUID:
    """Return the site of this name."""
    return await _id(connection, ENSURE_SITE, organization, name, city, None, timezone)


ENSURE_AREA = """
with made as (
  insert into areas (organization_id, site_id, name)
  select organization_id, id, $3 from sites where organization_id = $1 and id = $2 and deleted_at is null
  on conflict (site_id, lower(name)) where deleted_at is null do nothing returning id)
select id from made
union all select id from areas
 where organization_id = $1 and site_id = $2 and lower(name) = lower($3) and deleted_at is null limit 1
"""


async def ensure_area(connection: Connection, organization: UUID, site: UUID, name: str) -> UUID:
    """Return the area of this name in the site."""
    return await _id(connection, ENSURE_AREA, organization, site, name)


ENSURE_UNIT = """
with made as (
  insert into units (organization_id, area_id, name, unit_type)
  select organization_id, id, $3, $4::text::unit_type from areas
   where organization_id = $1 and id = $2 and deleted_at is null
  on conflict (area_id, lower(name)) where deleted_at is null do nothing returning id)
select id from made
union all select id from units
 where organization_id = $1 and area_id = $2 and lower(name) = lower($3) and deleted_at is null limit 1
"""


async def ensure_unit(connection: Connection, organization: UUID, area: UUID, name: str, unit_type: str) -> UUID:
    """Return the unit of this name in the area."""
    return await _id(connection, ENSURE_UNIT, organization, area, name, unit_type)


ENSURE_GATEWAY = """
with made as (
  insert into gateways (organization_id, serial, name, site_id) values ($1, $2, $3, $4)
  on conflict (kind, serial) where deleted_at is null do nothing returning id, password_hash)
select id, password_hash from made
union all select id, password_hash from gateways
 where organization_id = $1 and kind = 'native' and serial = $2 and deleted_at is null limit 1
"""


async def ensure_gateway(
    connection: Connection, organization: UUID, serial: str, name: str, site: UUID | None = None
) -> tuple[UUID, str | None]:
    """Return the native gateway with this serial and the hash of its password.

    Raises RowRefusedError where another organization has a gateway of this serial: it is a user name of the broker.
    """
    with translated():
        row = await connection.fetchrow(ENSURE_GATEWAY, organization, serial, name, site)
    if row is None:
        raise RowRefusedError(f"gateway {serial} belongs to another organization")
    return row["id"], row["password_hash"]


SET_GATEWAY_HASH = """
update gateways set password_hash = $3, updated_at = now() where organization_id = $1 and id = $2
"""


async def set_gateway_password(connection: Connection, organization: UUID, gateway: UUID, password_hash: str) -> None:
    """Give a gateway another password (its hash as in gateway_passwords)."""
    with translated():
        await connection.execute(SET_GATEWAY_HASH, organization, gateway, password_hash)


ENSURE_SENSOR = """
with made as (
  insert into sensors (organization_id, serial, kind, report_interval_seconds, gateway_id) values ($1, $2, $3, $4, $5)
  on conflict (organization_id, serial) where deleted_at is null do nothing returning id)
select id from made
union all select id from sensors where organization_id = $1 and serial = $2 and deleted_at is null limit 1
"""


async def ensure_sensor(  # noqa: PLR0917 - one parameter a column
    connection: Connection, organization: UUID, serial: str, kind: str, interval_seconds: int, gateway: UUID | None
) -> UUID:
    """Return the sensor with this serial (in normal form), assigned to nothing where it is new."""
    return await _id(connection, ENSURE_SENSOR, organization, serial, kind, interval_seconds, gateway)


ASSIGN_SENSOR = """
update sensors
   set unit_id = $3, is_primary = $4, updated_at = now(),
       assigned_at = case when unit_id = $3 then assigned_at else now() end
 where organization_id = $1 and id = $2 and deleted_at is null
   and (unit_id is distinct from $3 or is_primary <> $4)
"""


async def assign_sensor(connection: Connection, organization: UUID, sensor: UUID, unit: UUID, *, primary: bool) -> None:
    """Let the sensor watch the unit; `primary`: the unit's states follow it. The daemon hears of it by NOTIFY."""
    with translated():
        await connection.execute(ASSIGN_SENSOR, organization, sensor, unit, primary)


async def _id(connection: Connection, statement: str, *arguments: object) -> UUID:
    """Run a statement that returns one id. Raises RowRefusedError where the parent is not this organization's."""
    with translated():
        found: UUID | None = await connection.fetchval(statement, *arguments)
    if found is None:
        raise RowRefusedError("no such parent in this organization")
    return found
