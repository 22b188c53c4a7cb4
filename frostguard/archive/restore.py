"""A week back into the table, for who wants to ask it by SQL; and whether the files are still good."""

import asyncio
from collections.abc import AsyncIterator
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

import pyarrow.parquet as pq

from frostguard.archive import files
from frostguard.archive.files import Head, Part
from frostguard.archive.rows import TRAILER, from_table
from frostguard.archive.run import manifest_key
from frostguard.blobs import Blobs
from frostguard.errors import ArchiveDamagedError
from frostguard.store import archives, partitions, retention
from frostguard.store.connection import Connection, Record
from frostguard.store.packing import HEADER


async def restore(connection: Connection, blobs: Blobs, week: datetime, until: datetime, scratch: Path) -> int:
    """Put the readings of a week back into the table and keep them there until then. Returns how many were missing.

    The files stay, and readers drop what they meet twice. May be interrupted and repeated. The caller holds the lock.
    Raises ArchiveDamagedError before a row of a damaged file is taken.
    """
    rows = await archives.all_files(connection, week)
    if not rows:
        return 0
    await archives.keep_until(connection, week, until)
    await partitions.ensure(connection, [week])
    restored = 0
    for row in rows:
        path = scratch / "restored.parquet"
        await check(blobs, row, path)
        head = await asyncio.to_thread(_head, path)
        for number in range(await asyncio.to_thread(_groups, path)):
            data = await asyncio.to_thread(_group, path, number, head)
            restored += await archives.copy_in(connection, data, head.faults)
    return restored


def _head(path: Path) -> Head:
    return files.head_of(pq.read_schema(path))


def _groups(path: Path) -> int:
    found: int = pq.read_metadata(path).num_row_groups
    return found


def _group(path: Path, number: int, head: Head) -> bytes:
    """Return a row group as the database takes it."""
    with pq.ParquetFile(path) as file:
        return HEADER + from_table(file.read_row_group(number), head.faults).tobytes() + TRAILER


async def check(blobs: Blobs, row: Record, path: Path) -> None:
    """Fetch a file to `path` and read all of it. Raises ArchiveDamagedError unless it is what the list says."""
    await blobs.fetch(row["key"], path)
    head, part = await asyncio.to_thread(files.look, path, row["sha256"])
    listed = Part(*(row[name] for name in Part._fields))
    if part != listed or (head.organization, head.week) != (row["organization_id"], row["week"]):
        raise ArchiveDamagedError(f"{row['key']}: holds other readings than the list says")


class Checked(NamedTuple):
    """What a check of one file says: `problem` is None where it is good."""

    key: str
    readings: int
    problem: str | None


async def verify(connection: Connection, blobs: Blobs, week: datetime | None, scratch: Path) -> AsyncIterator[Checked]:
    """Check every file that is listed (of a week), and yield what was found; files that nobody lists at the end."""
    rows = await archives.all_files(connection, week)
    for row in rows:
        problem = None
        try:
            await check(blobs, row, scratch / "checked.parquet")
        except ArchiveDamagedError as error:
            problem = str(error)
        yield Checked(row["key"], row["readings"], problem)
    if week is None:
        known = {row["key"] for row in rows} | {row["key"] for row in await archives.uploads(connection)}
        known |= {row["key"] for row in await retention.unremoved(connection)}
        known |= {manifest_key(key) for key in known}
        async for stored in blobs.list("readings/"):
            if stored.key not in known:
                yield Checked(stored.key, 0, "not listed: of another database, or left behind by one that was restored")
