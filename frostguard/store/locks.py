"""Advisory locks: one writer per shard, and never writers of two layouts at the same time."""

from frostguard.domain.shards import Shard
from frostguard.store.connection import Connection, translated

INGEST_LOCK = 0x4667_496E  # "FgIn", and the number of the shard
LAYOUT_LOCK = 0x4667_4C61  # "FgLa", and how many shards there are; shared by all daemons of a layout

TRY_LOCK = "select pg_try_advisory_lock($1, $2)"

TRY_LOCK_SHARED = "select pg_try_advisory_lock_shared($1, $2)"

LIST_OTHERS = """
select distinct objid::bigint as shards from pg_locks
 where locktype = 'advisory' and objsubid = 2 and granted and classid::bigint = $1 and objid::bigint <> $2
   and database = (select oid from pg_database where datname = current_database())
"""


async def try_shard(connection: Connection, shard: int) -> bool:
    """Take the shard for as long as this connection lives. False: another daemon has it."""
    with translated():
        return bool(await connection.fetchval(TRY_LOCK, INGEST_LOCK, shard))


async def try_layout(connection: Connection, shard: Shard) -> int | None:
    """Keep daemons of other layouts away for as long as this connection lives.

    None: they are. Otherwise there are some, of so many shards: end the connection and come again. Two that begin at
    the same moment may both be told so.
    """
    with translated():
        others = await connection.fetch(LIST_OTHERS, LAYOUT_LOCK, shard.of)
        if not others:
            await connection.fetchval(TRY_LOCK_SHARED, LAYOUT_LOCK, shard.of)
            others = await connection.fetch(LIST_OTHERS, LAYOUT_LOCK, shard.of)
    return others[0]["shards"] if others else None
