"""What became of archiving, retention, housekeeping and backups, for the metrics: one row for each, over all runs."""

from datetime import timedelta
from typing import Literal

from frostguard.store.connection import Connection, Record, translated

Chore = Literal["archive", "retention", "housekeeping", "backup"]

NOTE_SUCCESS = """
insert into chores as c (name, succeeded_at, seconds, runs, row_count, byte_count)
values ($1, clock_timestamp(), extract(epoch from $2::interval), 1, $3, $4)
on conflict (name) do update
   set succeeded_at = excluded.succeeded_at, seconds = excluded.seconds, runs = c.runs + 1,
       row_count = c.row_count + excluded.row_count, byte_count = c.byte_count + excluded.byte_count
"""

NOTE_FAILURE = """
insert into chores as c (name, failed_at, runs, failures) values ($1, clock_timestamp(), 1, 1)
on conflict (name) do update set failed_at = excluded.failed_at, runs = c.runs + 1, failures = c.failures + 1
"""

LIST_CHORES = """
select name, extract(epoch from succeeded_at)::double precision as succeeded_at, seconds, runs, failures, row_count,
       byte_count, coalesce(failed_at > succeeded_at, failed_at is not null) as has_failed
  from chores order by name
"""

SUM_ARCHIVE = """
select count(*)::bigint as files, coalesce(sum(readings), 0)::bigint as readings,
       coalesce(sum(size), 0)::bigint as bytes
  from archive_files where deleted_at is null
"""


async def succeeded(connection: Connection, chore: Chore, took: timedelta, rows: int, size: int) -> None:
    """Note a run that ended well: what it took, how many rows it handled, how many bytes it wrote."""
    with translated():
        await connection.execute(NOTE_SUCCESS, chore, took, rows, size)


async def failed(connection: Connection, chore: Chore) -> None:
    """Note a run that failed."""
    with translated():
        await connection.execute(NOTE_FAILURE, chore)


async def chores(connection: Connection) -> list[Record]:
    """Return the chores that were ever done. `succeeded_at`: seconds since 1970; `has_failed`: the last run did."""
    with translated():
        return list(await connection.fetch(LIST_CHORES))


async def archive(connection: Connection) -> Record:
    """Return how many files the archive has, and how many readings and bytes are in them."""
    with translated():
        return await connection.fetchrow(SUM_ARCHIVE)
