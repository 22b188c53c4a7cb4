"""Advisory locks: one writer per shard."""

from frostguard.store.connection import Connection, translated

INGEST_LOCK = 0x4667_496E  # "FgIn"

TRY_LOCK = "select pg_try_advisory_lock($1, $2)"


async def try_shard(connection: Connection, shard: int) -> bool:
    """Take the shard for as long as this connection lives. False: another daemon has it."""
    with translated():
        return bool(await connection.fetchval(TRY_LOCK, INGEST_LOCK, shard))
