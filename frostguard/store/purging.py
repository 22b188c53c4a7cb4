"""The end of a deleted organization: everything of it goes for good, except its audit log, which nobody can change.

Readings and sums go some thousands at a time beside everything else; the rest with the organization, in one transaction
with the entry that says so. What was interrupted is done again: until that entry the organization is only deleted.
"""

from uuid import UUID

from frostguard.store.connection import Connection, Record, translated

STEP = 5000

FIND_ORGANIZATION = """
select id, name, slug, deleted_at, legal_hold_since from organizations
 where slug = $1 order by deleted_at desc nulls last limit 1
"""

LOOK_AT_ORGANIZATION = """
select (select count(*) from sites where organization_id = $1) as sites,
       (select count(*) from units where organization_id = $1) as units,
       (select count(*) from sensors where organization_id = $1) as sensors,
       (select count(*) from gateways where organization_id = $1) as gateways,
       (select count(*) from user_roles where organization_id = $1) as members,
       (select count(*) from alerts where organization_id = $1) as alerts,
       (select count(*) from manual_logs where organization_id = $1) as manual_logs,
       (select count(*) from sensor_readings r join units u on u.id = r.unit_id
         where u.organization_id = $1) as readings,
       (select count(*) from archive_files where organization_id = $1 and deleted_at is null) as archive_files,
       (select count(*) from audit_log where chain = $1) as audit_entries_that_stay
"""

LIST_UNITS = "select id from units where organization_id = $1"

REMOVE_READINGS = """
delete from sensor_readings r using (
  select unit_id, recorded_at, sensor_id, seq from sensor_readings where unit_id = $1 order by recorded_at limit $2
) old
 where r.unit_id = old.unit_id and r.recorded_at = old.recorded_at and r.sensor_id = old.sensor_id and r.seq = old.seq
"""

REMOVE_BUCKETS = """
delete from reading_buckets b using (
  select unit_id, at, sensor_id, span from reading_buckets where unit_id = $1 order by at limit $2
) old
 where b.unit_id = old.unit_id and b.at = old.at and b.sensor_id = old.sensor_id and b.span = old.span
"""

REMOVE_ORGANIZATION = """
delete from organizations where id = $1 and deleted_at is not null and legal_hold_since is null
   and not exists (select from archive_files where organization_id = $1 and deleted_at is null)
returning id
"""


async def find(connection: Connection, slug: str) -> Record | None:
    """Return the organization that had this slug last: deleted or not, on legal hold or not."""
    with translated():
        return await connection.fetchrow(FIND_ORGANIZATION, slug)


async def look(connection: Connection, organization: UUID) -> Record:
    """Return how much there is of everything."""
    with translated():
        return await connection.fetchrow(LOOK_AT_ORGANIZATION, organization)


async def remove_measured(connection: Connection, organization: UUID) -> int:
    """Remove readings and sums of an organization. Returns how many readings."""
    removed = 0
    with translated():
        units = [row["id"] for row in await connection.fetch(LIST_UNITS, organization)]
    for unit in units:
        removed += await _until_few(connection, REMOVE_READINGS, unit)
        await _until_few(connection, REMOVE_BUCKETS, unit)
    return removed


async def _until_few(connection: Connection, statement: str, unit: UUID) -> int:
    removed = 0
    while True:
        with translated():
            status: str = await connection.execute(statement, unit, STEP)
        count = int(status.rpartition(" ")[2])
        removed += count
        if count < STEP:
            return removed


async def remove(connection: Connection, organization: UUID) -> bool:
    """Remove a deleted organization with all that refers to it; False where it lives, is on hold, or is archived."""
    with translated():
        return await connection.fetchval(REMOVE_ORGANIZATION, organization) is not None
