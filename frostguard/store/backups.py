"""What a backup needs of the database: a snapshot that others can share, digests of tables, whether it is empty."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import NamedTuple

from frostguard.store.connection import Connection, Record, translated

GET_VERSION = "select current_setting('server_version_num')::integer / 10000"

EXPORT_SNAPSHOT = "select pg_export_snapshot()"

# Tables that hold rows themselves: a partition, not its parent.
LIST_TABLES = """
select c.oid::regclass::text as name, quote_ident(n.nspname) || '.' || quote_ident(c.relname) as quoted
  from pg_class c join pg_namespace n on n.oid = c.relnamespace
 where c.relkind = 'r' and n.nspname = 'public' order by 1
"""

# Independent of the order of rows. Sixty bits of each row's MD5, added up.
DIGEST_TABLE = """
select count(*) as rows, coalesce(sum(('x' || substr(md5(t::text), 1, 15))::bit(60)::bigint), 0)::text as digest
  from sensor_readings t
"""

COUNT_RELATIONS = """
select count(*) from pg_class c join pg_namespace n on n.oid = c.relnamespace
 where n.nspname not in ('pg_catalog', 'information_schema', 'pg_toast') and n.nspname not like 'pg_temp%'
   and n.nspname not like 'pg_toast_temp%'
"""

LIST_FILES = """
select organization_id, week, key, readings, size, encode(sha256, 'hex') as sha256, encode(content, 'hex') as content
  from archive_files where deleted_at is null order by key
"""


class Digest(NamedTuple):
    """What is in a table."""

    rows: int
    digest: str


async def version(connection: Connection) -> int:
    """Return the server's major version."""
    with translated():
        found: int = await connection.fetchval(GET_VERSION)
    return found


@asynccontextmanager
async def snapshot(connection: Connection) -> AsyncIterator[str]:
    """Hold one view of everything, and return its name for others (pg_dump) to share."""
    with translated():
        async with connection.transaction(isolation="repeatable_read", readonly=True):
            await connection.execute("set local idle_in_transaction_session_timeout = 0")
            yield await connection.fetchval(EXPORT_SNAPSHOT)


async def digests(connection: Connection) -> Mapping[str, Digest]:
    """Return what is in each table, by name."""
    with translated():
        found = {}
        for table in await connection.fetch(LIST_TABLES):
            statement = DIGEST_TABLE.replace("sensor_readings t", f"{table['quoted']} t")
            found[table["name"]] = Digest(*await connection.fetchrow(statement))
    return found


async def is_empty(connection: Connection) -> bool:
    """Tell whether there is nothing in this database yet."""
    with translated():
        return bool(await connection.fetchval(COUNT_RELATIONS) == 0)


async def archive_files(connection: Connection) -> list[Record]:
    """Return the files of the archive, digests as hexadecimal."""
    with translated():
        return list(await connection.fetch(LIST_FILES))
