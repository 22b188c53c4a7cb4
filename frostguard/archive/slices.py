"""The readings of a unit from the table and the archive as one sequence, slice by slice, each reading once.

For each slice the table is asked first and the list of files afterwards: a week that is being archived at this moment
is listed before it leaves the table, so a reading is met in one place or in both, never in neither. Of two with the
same key the archive's is taken: it was there first. A file that is gone counts as damage only while it is listed.
"""

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import AbstractAsyncContextManager
from datetime import datetime, timedelta
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from frostguard.archive.reader import Reader, span_of
from frostguard.archive.rows import SCHEMA, to_readings
from frostguard.domain.reading import Reading
from frostguard.errors import ArchiveDamagedError, ArchiveUnavailableError
from frostguard.store import archives
from frostguard.store.archives import ArchiveFile, Asked
from frostguard.store.connection import Connection
from frostguard.store.partitions import WEEK

CAP = 20_000
"""Readings of one source in one slice, at most: what bounds memory, whatever a sensor's interval is."""

MICROSECOND = timedelta(microseconds=1)

Lend = Callable[[], AbstractAsyncContextManager[Connection]]


class Slices:
    """Reads units. `lend` gives a connection for one or two short statements; without a reader there is no archive."""

    def __init__(self, lend: Lend, reader: Reader | None, cap: int = CAP) -> None:
        self._lend = lend
        self._reader = reader
        self._cap = cap

    async def of(self, asked: Asked, *, newest_first: bool = False) -> AsyncGenerator[list[Reading], None]:
        """Yield the readings in slices, in the order of (time, sensor, seq) or its reverse.

        Raises ArchiveUnavailableError where there are files and no way to read them, ArchiveDamagedError where a file
        is missing or broken.
        """
        async with self._lend() as connection:
            weeks = await archives.weeks(connection, asked.organization, asked.begin, asked.end)
        for week in reversed(weeks) if newest_first else weeks:
            rest = asked._replace(begin=max(asked.begin, week), end=min(asked.end, week + WEEK))
            while rest.begin < rest.end:
                rows, rest = await self._slice(rest, newest_first=newest_first)
                if rows:
                    yield rows

    async def _slice(self, asked: Asked, *, newest_first: bool) -> tuple[list[Reading], Asked]:
        """Return the first (last) slice of a week, and what is left of it."""
        async with self._lend() as connection:
            hot = await archives.hot(connection, asked, self._cap + 1, newest_first=newest_first)
            now, rest = _cut(asked, [row.recorded_at for row in hot], self._cap, newest_first=newest_first)
            if len(hot) > self._cap and hot[0].recorded_at == hot[-1].recorded_at:  # more than that at one moment
                hot = await archives.hot(connection, now, 2**31, newest_first=newest_first)
            files = await archives.files(connection, asked.organization, asked.begin, asked.end)
        if not files:
            return _within(hot, now), rest
        table = await self._archived(now, files)
        if len(table) > self._cap:
            order = "descending" if newest_first else "ascending"
            times = table["recorded_at"].take(pc.array_sort_indices(table["recorded_at"], order=order)[: self._cap + 1])
            now, rest = _cut(asked, times.to_pylist(), self._cap, newest_first=newest_first)
        archived = await asyncio.to_thread(to_readings, _between(table, now))
        return _merged(archived, _within(hot, now), newest_first=newest_first), rest

    async def _archived(self, asked: Asked, files: list[ArchiveFile]) -> Any:  # noqa: ANN401 - a table of Arrow
        """Return what the files have of this time, each key once."""
        if self._reader is None:
            raise ArchiveUnavailableError("these readings are in the archive, which is not configured here")
        span = span_of(asked.unit, asked.begin, asked.end)
        tables = []
        for file in files:
            try:
                tables.append(await self._reader.rows(file, span, asked.sensor))
            except ArchiveDamagedError:
                if await self._is_listed(asked, file):
                    raise
        return pa.concat_tables(tables) if tables else SCHEMA.empty_table()

    async def _is_listed(self, asked: Asked, file: ArchiveFile) -> bool:
        async with self._lend() as connection:
            return file in await archives.files(connection, asked.organization, asked.begin, asked.end)


def _cut(asked: Asked, times: list[datetime], cap: int, *, newest_first: bool) -> tuple[Asked, Asked]:
    """Return this slice and the rest of it, where more than `cap` rows (their times, in order) would not fit in one.

    Rows of one moment stay together.
    """
    if len(times) <= cap:
        return asked, asked._replace(begin=asked.end)
    edge = times[cap]
    if newest_first:
        edge = min((at for at in times if at > edge), default=edge)
        return asked._replace(begin=edge), asked._replace(end=edge)
    if edge == times[0]:
        edge += MICROSECOND
    return asked._replace(end=edge), asked._replace(begin=edge)


def _within(rows: list[Reading], asked: Asked) -> list[Reading]:
    return [row for row in rows if asked.begin <= row.recorded_at < asked.end]


def _between(table: Any, asked: Asked) -> Any:  # noqa: ANN401 - tables of Arrow
    kind = pa.timestamp("us", "UTC")
    times = table["recorded_at"]
    after = pc.greater_equal(times, pa.scalar(asked.begin, kind))
    return table.filter(pc.and_(after, pc.less(times, pa.scalar(asked.end, kind))))


def _merged(archived: list[Reading], hot: list[Reading], *, newest_first: bool) -> list[Reading]:
    found: dict[tuple[object, ...], Reading] = {}
    for row in (*archived, *hot):
        found.setdefault(row[:4], row)
    return sorted(found.values(), key=lambda r: (r.recorded_at, r.sensor_id, r.seq), reverse=newest_first)
