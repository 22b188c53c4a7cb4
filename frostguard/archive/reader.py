"""Reads of a file only what is asked for: its footer, which is remembered, and the row groups that may hold the rows.

What is decoded is decoded in a thread; at most `at_once` files are in memory at a time, of each at most the row groups
of one unit and week.
"""

import asyncio
import io
from collections import OrderedDict
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from frostguard.archive.files import BROKEN
from frostguard.archive.rows import SCHEMA, Array, keys_of
from frostguard.blobs import Blobs
from frostguard.errors import ArchiveDamagedError
from frostguard.store.archives import ArchiveFile

FOOTERS = 64
FOOTER_BYTES = 64 * 1024
"""Pyarrow reads as much from the end."""
_KEY = ["unit_id", "recorded_at", "sensor_id", "seq"]


class Span(NamedTuple):
    """A range of time and of units (as bytes): both ends of the units belong to it, the end of the time does not."""

    begin: datetime
    end: datetime
    first: bytes
    last: bytes


def span_of(unit: UUID, begin: datetime, end: datetime) -> Span:
    """Return the span of one unit."""
    return Span(begin, end, unit.bytes, unit.bytes)


class _Pieces(io.RawIOBase):
    """A file of which only some pieces are here."""

    def __init__(self, size: int, pieces: Iterable[tuple[int, bytes]]) -> None:
        super().__init__()
        self._size = size
        self._pieces = list(pieces)
        self._at = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._at

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        start = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._size}[whence]
        self._at = start + offset
        return self._at

    def read(self, size: int = -1) -> bytes:
        """Return bytes of a piece. Raises OSError for what is not here."""
        end = self._size if size < 0 else min(self._at + size, self._size)
        for offset, data in self._pieces:
            if offset <= self._at and end <= offset + len(data):
                found = data[self._at - offset : end - offset]
                self._at = end
                return found
        raise OSError(f"bytes {self._at} to {end} are not here")


class Reader:
    """Reads files of the archive. One for a process."""

    def __init__(self, blobs: Blobs, at_once: int = 2) -> None:
        self._blobs = blobs
        self._footers: OrderedDict[str, Any] = OrderedDict()
        self._turn = asyncio.Semaphore(at_once)

    async def rows(self, file: ArchiveFile, span: Span, sensor: UUID | None = None) -> pa.Table:
        """Return the readings of the span that are in the file, in the order of the key.

        Raises ArchiveUnavailableError, or ArchiveDamagedError where the file is missing or cannot be read.
        """
        async with self._turn:
            footer = await self._footer(file)
            groups = _groups(footer, span)
            if not groups:
                return SCHEMA.empty_table()
            pieces = await self._fetch(file, footer, groups)
            return await asyncio.to_thread(_decode, file, footer, groups, pieces, (span, sensor))

    async def keys(self, file: ArchiveFile, span: Span) -> Array:
        """Return the keys (rows.keys) of the span's readings that are in the file."""
        return keys_of((await self.rows(file, span)).select(_KEY))

    async def _footer(self, file: ArchiveFile) -> Any:  # noqa: ANN401 - pyarrow's FileMetaData
        known = self._footers.get(file.key)
        if known is not None:
            self._footers.move_to_end(file.key)
            return known
        start = max(0, file.size - FOOTER_BYTES)
        tail = await self._blobs.read(file.key, start, file.size)
        length = int.from_bytes(tail[-8:-4], "little") + 8
        if length > len(tail) and length <= file.size:
            start = file.size - length
            tail = await self._blobs.read(file.key, start, file.size)
        try:
            footer = await asyncio.to_thread(pq.read_metadata, _Pieces(file.size, [(start, tail)]))
        except BROKEN as error:
            raise ArchiveDamagedError(f"{file.key}: {error}") from None
        self._footers[file.key] = footer
        if len(self._footers) > FOOTERS:
            self._footers.popitem(last=False)
        return footer

    async def _fetch(self, file: ArchiveFile, footer: Any, groups: Sequence[int]) -> list[tuple[int, bytes]]:  # noqa: ANN401
        pieces = []
        for first, end in _ranges(footer, groups):
            pieces.append((first, await self._blobs.read(file.key, first, end)))
        return pieces


def _groups(footer: Any, span: Span) -> list[int]:  # noqa: ANN401 - pyarrow's FileMetaData
    """Return the row groups that may hold rows of the span, by their statistics."""
    found = []
    for number in range(footer.num_row_groups):
        group = footer.row_group(number)
        units, times = group.column(0).statistics, group.column(1).statistics
        if units.min <= span.last and units.max >= span.first and times.min < span.end and times.max >= span.begin:
            found.append(number)
    return found


def _ranges(footer: Any, groups: Sequence[int]) -> list[tuple[int, int]]:  # noqa: ANN401 - as above
    """Return the bytes of these row groups, neighbours as one range."""
    ranges: list[tuple[int, int]] = []
    for number in groups:
        group = footer.row_group(number)
        columns = [group.column(n) for n in range(group.num_columns)]
        first = min(c.dictionary_page_offset or c.data_page_offset for c in columns)
        end = first + sum(c.total_compressed_size for c in columns)
        if ranges and ranges[-1][1] == first:
            ranges[-1] = (ranges[-1][0], end)
        else:
            ranges.append((first, end))
    return ranges


def _decode(
    file: ArchiveFile, footer: Any, groups: Sequence[int], pieces: list[tuple[int, bytes]],  # noqa: ANN401
    asked: tuple[Span, UUID | None],
) -> pa.Table:  # fmt: skip
    """Decode group by group, and keep of each only what is asked for."""
    span, sensor = asked
    begin, end = (pa.scalar(at, pa.timestamp("us", "UTC")) for at in span[:2])
    tables = []
    try:
        opened = pq.ParquetFile(
            _Pieces(file.size, pieces), metadata=footer, pre_buffer=False, page_checksum_verification=True
        )
        for number in groups:
            table = opened.read_row_group(number, use_threads=False)
            wanted = pc.and_(pc.greater_equal(table["recorded_at"], begin), pc.less(table["recorded_at"], end))
            units = table["unit_id"]
            for low, compare in ((span.first, pc.greater_equal), (span.last, pc.less_equal)):
                wanted = pc.and_(wanted, compare(units, pa.scalar(low, pa.binary(16))))
            if sensor is not None:
                wanted = pc.and_(wanted, pc.equal(table["sensor_id"], pa.scalar(sensor.bytes, pa.binary(16))))
            tables.append(table.filter(wanted))
    except BROKEN as error:
        raise ArchiveDamagedError(f"{file.key}: {error}") from None
    return pa.concat_tables(tables).replace_schema_metadata(None)


def without(rows: Array, known: Sequence[Array]) -> Array:
    """Return the keys' positions of `rows` (keys) that are in none of the known: a mask."""
    wanted = np.ones(len(rows), bool)
    for each in known:
        if len(each):
            wanted &= ~np.isin(rows, each)
    return wanted
