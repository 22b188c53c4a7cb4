"""Weeks that are old enough leave the database: written, read back, listed, detached, counted, dropped.

What makes it safe to be killed anywhere, and to run beside everything:

- A file is listed only after it was read back from where it lies and says what the database said.
- A table is dropped only after it was detached and holds as many rows as were found in or put into files. Readings are
  only ever added, so an equal number is the same set.
- Between listing and dropping a reading is in both places: readers drop what they meet twice. Readers ask the table
  first and the list afterwards, so it is never in neither.
- Whatever was left half done is begun anew: readings that are in a file already are not written again.
"""

import asyncio
import logging
import math
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import NamedTuple
from uuid import UUID, uuid4

import orjson

from frostguard.archive import files
from frostguard.archive.files import Head, Part, PartWriter
from frostguard.archive.reader import Reader, Span, without
from frostguard.archive.rows import Cutter, keys
from frostguard.archive.sums import Sums
from frostguard.blobs import Blobs
from frostguard.config import ArchiveSettings
from frostguard.domain.buckets import Span as BucketSpan
from frostguard.domain.buckets import floor
from frostguard.domain.shards import WHOLE, Shard
from frostguard.errors import ArchiveDamagedError, FrostGuardError, StoreUnavailableError
from frostguard.store import archives, partitions, rollups
from frostguard.store.archives import ArchiveFile
from frostguard.store.connection import Connection, Record
from frostguard.store.partitions import WEEK

DAY = timedelta(days=1)
CHUNK_BYTES = 4 << 20
LONG_READER = timedelta(seconds=2)
READER_SECONDS = 60
BUSY_SECONDS = 0.5
REMEMBERED_SECONDS = 15.0
"""After that no reader believes any more that a day is not summed (api/rolled_up.py), and looks for it in the table."""

log = logging.getLogger("frostguard.archive")


class WaitingError(FrostGuardError):
    """A week cannot leave in this run; nothing is wrong with that, and the next run tries again."""


class Outcome(NamedTuple):
    """What became of a week: how many readings it had and how many bytes went into files; `waits` says why not."""

    week: datetime
    readings: int = 0
    size: int = 0
    waits: str | None = None


class Counted(NamedTuple):
    """Rows that were seen in a table, and bytes of the files that were written of them."""

    readings: int
    size: int


class Archiver:
    """One run. `reached` is called with the name of each step; tests let it fail there."""

    def __init__(
        self,
        connection: Connection,
        blobs: Blobs,
        settings: ArchiveSettings,
        scratch: Path,
        reached: Callable[[str], None] = lambda _: None,
    ) -> None:
        self._connection = connection
        self._blobs = blobs
        self._settings = settings
        self._scratch = scratch
        self._reached = reached
        self._reader = Reader(blobs)
        self._summed_at = -math.inf

    async def run(self, now: datetime) -> list[Outcome]:
        """Archive every week that is due, the oldest first. The caller holds archives.exclusive."""
        await self._clear_uploads()
        return [await self._week(name, now) for name in await self._due(now)]

    async def _clear_uploads(self) -> None:
        for row in await archives.uploads(self._connection):
            if not row["listed"]:
                await self._blobs.delete(row["key"])
                await self._blobs.delete(manifest_key(row["key"]))
            await archives.end_upload(self._connection, row["key"])

    async def _due(self, now: datetime) -> list[str]:
        known = await archives.known_weeks(self._connection)
        latest = now - timedelta(days=self._settings.after_days)
        due = []
        for name in await partitions.places(self._connection):
            begin = partitions.begin_of(name)
            kept = known[begin]["restored_until"] if begin in known else None
            if begin + WEEK <= latest and (kept is None or kept <= now):
                due.append(name)
        return due

    async def _week(self, name: str, now: datetime) -> Outcome:
        begin = partitions.begin_of(name)
        try:
            counted = await self._settle(name, begin, now)
        except (WaitingError, StoreUnavailableError) as error:
            if self._connection.is_closed():
                raise
            log.info("a week waits", extra={"week": name, "why": str(error)})
            return Outcome(begin, waits=str(error))
        log.info("a week is archived", extra={"week": name, "readings": counted.readings, "bytes": counted.size})
        return Outcome(begin, *counted)

    async def _settle(self, name: str, begin: datetime, now: datetime) -> Counted:
        # What a run that died has detached goes back first: then there is one way for all.
        await partitions.ensure(self._connection, [begin])
        overview = await archives.overview(self._connection, name)
        self._require_quiet(overview, now)
        await self._require_sums(begin, now)
        counted = await self._export(name, begin, overview)
        await asyncio.sleep(max(0.0, self._summed_at + REMEMBERED_SECONDS - time.monotonic()))
        await self._require_short_readers()
        await partitions.detach(self._connection, name)
        self._reached("detached")
        if await archives.count(self._connection, name) != counted.readings:
            await partitions.ensure(self._connection, [begin])
            raise WaitingError("readings came in meanwhile")
        self._reached("counted")
        await archives.drop(self._connection, begin)
        self._reached("dropped")
        return counted

    # --- What has to be so before a week may leave.

    def _require_quiet(self, overview: list[Record], now: datetime) -> None:
        newest = max((row["newest"] for row in overview), default=None)
        if newest is not None and newest > now - timedelta(hours=self._settings.quiet_hours):
            raise WaitingError(f"readings came in until {newest:%Y-%m-%d %H:%M} UTC")

    async def _require_sums(self, begin: datetime, now: datetime) -> None:
        """Sum what is not summed yet: long ranges of an archived week are read from its sums."""
        if await archives.marks(self._connection, begin):
            raise WaitingError("late readings are not summed yet: does the daemon run?")
        if not await archives.progress(self._connection):
            await rollups.ensure_progress(self._connection, WHOLE, floor(now, BucketSpan.DAY))
        for row in await archives.progress(self._connection):
            if row["upto"] < begin + WEEK:
                raise WaitingError(f"summed until {row['upto']:%Y-%m-%d} only: does the daemon run?")
            since = row["since"]
            while since > begin:
                since = await self._sum_day(Shard(row["shard"], row["shards"]), since - DAY)
                self._summed_at = time.monotonic()

    async def _sum_day(self, shard: Shard, day: datetime) -> datetime:
        while True:
            async with rollups.exclusive(self._connection, shard) as ours:
                if ours:
                    return (await rollups.rebuild_day(self._connection, shard, day)).since
            await asyncio.sleep(BUSY_SECONDS)  # the daemon is at it, for a moment

    async def _require_short_readers(self) -> None:
        """Detaching waits for every transaction that uses the table, and readings of the week wait with it."""
        for _ in range(READER_SECONDS):
            if not await partitions.long_readers(self._connection, LONG_READER):
                return
            await asyncio.sleep(1)
        raise WaitingError("a transaction has been reading for minutes: a backup?")

    # --- Into files.

    async def _export(self, name: str, begin: datetime, overview: list[Record]) -> Counted:
        faults = tuple(await archives.faults(self._connection, name))
        week = await archives.week(self._connection, begin)
        came_late = week is not None and week["archived_at"] is not None
        readings = size = 0
        for row in overview:
            head = Head(row["organization"], begin, faults)
            counted = await self._organization(name, head, row["units"], came_late=came_late)
            readings, size = readings + counted.readings, size + counted.size
        return Counted(readings, size)

    async def _organization(self, name: str, head: Head, units: list[UUID], *, came_late: bool) -> Counted:
        known = await archives.files(self._connection, head.organization, head.week, head.week + WEEK)
        path = self._scratch / "part.parquet"
        sums = Sums() if came_late else None
        copied = _Copied(PartWriter(path, head), sums, self._reader, known, head.week)
        await archives.copy_out(self._connection, name, units, head.faults, copied.take)
        part = await copied.end()
        if part is None:
            return Counted(copied.seen, 0)
        await asyncio.to_thread(_require_same, path, head, part)
        self._reached("written")
        await self._store(path, head, part, sums)
        return Counted(copied.seen, part.size)

    async def _store(self, path: Path, head: Head, part: Part, sums: Sums | None) -> None:
        key = key_of(head, part)
        await archives.begin_upload(self._connection, key)
        await self._blobs.put(key, path)
        self._reached("uploaded")
        await self._blobs.fetch(key, path)
        await asyncio.to_thread(_require_same, path, head, part)
        await asyncio.to_thread(path.write_bytes, manifest_of(key, head, part))
        await self._blobs.put(manifest_key(key), path)
        self._reached("checked")
        file = ArchiveFile(0, head.organization, head.week, key, *part)
        await archives.add_file(self._connection, file, sums.rows() if sums else ())
        self._reached("listed")


class _Copied:
    """Takes a COPY stream: what is in no file yet goes into the new one."""

    def __init__(
        self, writer: PartWriter, sums: Sums | None, reader: Reader, known: list[ArchiveFile], week: datetime
    ) -> None:
        self._writer = writer
        self._sums = sums
        self._reader = reader
        self._known = known
        self._week = week
        self._cutter = Cutter()
        self._chunk = bytearray()
        self.seen = 0

    async def take(self, piece: bytes) -> None:
        """Collect pieces; a chunk of them is worth a thread."""
        self._chunk += piece
        if len(self._chunk) >= CHUNK_BYTES:
            await self._turn_over()

    async def end(self) -> Part | None:
        """Finish the file; None: there was nothing new."""
        await self._turn_over()
        self._cutter.end()
        return await asyncio.to_thread(self._writer.close)

    async def _turn_over(self) -> None:
        rows = self._cutter.cut(bytes(self._chunk))
        self._chunk.clear()
        self.seen += len(rows)
        if not len(rows):
            return
        if self._known:
            span = Span(self._week, self._week + WEEK, rows["unit_id"][0].tobytes(), rows["unit_id"][-1].tobytes())
            known = [await self._reader.keys(file, span) for file in self._known]
            rows = rows[without(keys(rows), known)]
        if self._sums is not None:
            self._sums.add(rows)
        await asyncio.to_thread(self._writer.add, rows)


def _require_same(path: Path, head: Head, part: Part) -> None:
    """Read a file back. Raises ArchiveDamagedError unless it holds what the database sent."""
    if files.look(path, part.sha256) != (head, part):
        raise ArchiveDamagedError(f"a file that was written for {head.organization} reads otherwise: is the disk full?")


def key_of(head: Head, part: Part) -> str:
    """Return a new place for a file: by organization and week, and never one where a file has been."""
    week = partitions.name_of(head.week).removeprefix("sensor_readings_")
    return f"readings/{head.organization}/{week}/{part.first_at:%Y%m%dT%H%M%SZ}-{uuid4().hex[:12]}.parquet"


def manifest_key(key: str) -> str:
    """Return where the manifest of a file lies."""
    return key.removesuffix(".parquet") + ".json"


def manifest_of(key: str, head: Head, part: Part) -> bytes:
    """Return what is known of a file, for who has only the files."""
    about = {
        "key": key, "organization": str(head.organization), "week": head.week, "readings": part.readings,
        "bytes": part.size, "sha256": part.sha256.hex(), "content": part.content.hex(), "firstAt": part.first_at,
        "lastAt": part.last_at,
    }  # fmt: skip
    return orjson.dumps(about, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)
