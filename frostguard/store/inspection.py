"""What PostgreSQL says of itself and of our schema, for `frostguard doctor`. Changes nothing."""

from frostguard.store.connection import Connection, Record, translated

LOOK_SERVER = """
select current_setting('server_version_num')::integer as version, current_setting('data_directory', true) as folder,
       (select rolsuper from pg_roles where rolname = current_user) as superuser,
       (select count(*) from pg_stat_activity where backend_type = 'client backend') as connections,
       current_setting('max_connections')::integer - current_setting('superuser_reserved_connections')::integer as room,
       extract(epoch from clock_timestamp())::double precision as now,
       inet_server_addr() is null or host(inet_server_addr()) in ('127.0.0.1', '::1') as is_local
"""

# Off means that what was acknowledged can be lost with the power.
LIST_UNSAFE = """
select name from pg_settings
 where name in ('fsync', 'full_page_writes', 'synchronous_commit') and reset_val = 'off' order by name
"""

LOOK_OLDEST = """
select coalesce(max(extract(epoch from clock_timestamp() - xact_start)), 0)::double precision as seconds,
       (array_agg(pid order by xact_start))[1] as pid,
       (array_agg(application_name order by xact_start))[1] as name
  from pg_stat_activity where xact_start is not null and backend_type = 'client backend' and pid <> pg_backend_pid()
"""

HAS_MIGRATIONS = "select to_regclass('_yoyo_migration') is not null"

LOOK_RATE = """
select count(*) / 300.0 from sensor_readings
 where recorded_at > now() - interval '1 hour' and recorded_at < now() + interval '15 minutes'
   and received_at > now() - interval '5 minutes'
"""


async def server(connection: Connection) -> Record:
    """Return version, data folder (null: not ours to know), connections, room for them, the clock (s since 1970)."""
    with translated():
        return await connection.fetchrow(LOOK_SERVER)


async def unsafe_settings(connection: Connection) -> list[str]:
    """Return the settings that give up what was committed."""
    with translated():
        return [row["name"] for row in await connection.fetch(LIST_UNSAFE)]


async def oldest_transaction(connection: Connection) -> Record:
    """Return the age (s), pid and application of the transaction that is open longest."""
    with translated():
        return await connection.fetchrow(LOOK_OLDEST)


async def applied_migrations(connection: Connection) -> set[str]:
    """Return the names of the migrations that the database has."""
    with translated():
        if not await connection.fetchval(HAS_MIGRATIONS):
            return set()
        # Not a constant: a database that was never migrated could not prepare it.
        rows = await connection.fetch("table _yoyo_migration")
    return {row["migration_id"] for row in rows}


async def readings_a_second(connection: Connection) -> float:
    """Return how many readings came in a second, over the last five minutes."""
    with translated():
        return float(await connection.fetchval(LOOK_RATE))
