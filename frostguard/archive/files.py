"""One file of the archive: Parquet, sorted by unit and time, with digests of its bytes and of its readings."""

import hashlib
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import NamedTuple
from uuid import UUID

import numpy as np
import orjson
import pyarrow as pa
import pyarrow.parquet as pq

from frostguard.archive.rows import EPOCH_2000, SCHEMA, Array, datetime_of, from_table, to_table
from frostguard.errors import ArchiveDamagedError

VERSION = 1
ROW_GROUP = 65_536
"""Rows that are read at once, at least: a few hundred kilobytes in the file, ten megabytes in memory."""
METADATA = b"frostguard"
BROKEN = (pa.ArrowException, OSError, KeyError, ValueError, IndexError)
"""What decoding raises where the bytes are no Parquet of ours."""
PIECE = 1 << 20

# Few values a row group, or long runs.
_DICTIONARY = [
    "unit_id", "sensor_id", "temperature", "humidity", "battery_volts", "battery_percent", "rssi", "snr", "fault",
]  # fmt: skip
_DELTA = dict.fromkeys(("recorded_at", "received_at", "seq"), "DELTA_BINARY_PACKED")


class Head(NamedTuple):
    """Whose readings a file holds, of which week (its Monday), and the texts of faults by number, from 1."""

    organization: UUID
    week: datetime
    faults: tuple[str, ...]


class Part(NamedTuple):
    """What is in a file, and how to know it again."""

    readings: int
    size: int
    sha256: bytes
    content: bytes
    first_at: datetime
    last_at: datetime


class PartWriter:
    """Writes one file; nothing is written before the first row."""

    def __init__(self, path: Path, head: Head) -> None:
        self._path = path
        self._head = head
        self._content = _content_of(head.faults)
        self._waiting: list[Array] = []
        self._count = self._readings = 0
        self._first, self._last = np.iinfo("i8").max, np.iinfo("i8").min
        self._writer: pq.ParquetWriter | None = None

    def add(self, rows: Array) -> None:
        """Add rows, which follow those before in the order of the key."""
        if not len(rows):
            return
        self._content.update(rows.tobytes())
        self._first = min(self._first, int(rows["recorded_at"].min()))
        self._last = max(self._last, int(rows["recorded_at"].max()))
        self._waiting.append(rows)
        self._count += len(rows)
        while self._count >= ROW_GROUP:
            self._write(ROW_GROUP)

    def _write(self, count: int) -> None:
        rows = np.concatenate(self._waiting)
        if self._writer is None:
            self._writer = _open(self._path, self._head)
        self._writer.write_table(to_table(rows[:count], self._head.faults), row_group_size=ROW_GROUP)
        self._waiting = [rows[count:]]
        self._count -= count
        self._readings += count

    def close(self) -> Part | None:
        """Finish the file. None: there was no row, and there is no file."""
        if self._count:
            self._write(self._count)
        if self._writer is None:
            return None
        self._writer.close()
        return Part(
            self._readings, self._path.stat().st_size, digest_of(self._path), self._content.digest(),
            datetime_of(self._first + EPOCH_2000), datetime_of(self._last + EPOCH_2000),
        )  # fmt: skip


def _open(path: Path, head: Head) -> pq.ParquetWriter:
    about = {"version": VERSION, "organization": str(head.organization), "week": head.week, "faults": head.faults}
    return pq.ParquetWriter(
        path, SCHEMA.with_metadata({METADATA: orjson.dumps(about)}), compression="zstd", compression_level=3,
        use_dictionary=_DICTIONARY, column_encoding=_DELTA, version="2.6", write_page_checksum=True,
    )  # fmt: skip


def _content_of(faults: Sequence[str]) -> "hashlib._Hash":
    # The numbers of the faults mean something only with their texts.
    return hashlib.sha256(orjson.dumps(list(faults)))


def digest_of(path: Path) -> bytes:
    """Return the SHA-256 of a file's bytes."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while piece := file.read(PIECE):
            digest.update(piece)
    return digest.digest()


def head_of(schema: pa.Schema) -> Head:
    """Return what a file says of itself. Raises ArchiveDamagedError where it is none of ours."""
    try:
        about = orjson.loads(schema.metadata[METADATA])
        if about["version"] != VERSION:
            raise ArchiveDamagedError(f"a file of version {about['version']}, which this program does not know")
        return Head(UUID(about["organization"]), datetime.fromisoformat(about["week"]), tuple(about["faults"]))
    except (TypeError, KeyError, ValueError):
        raise ArchiveDamagedError("not a file of the archive") from None


def look(path: Path, sha256: bytes) -> tuple[Head, Part]:
    """Read a whole file back, and return what it says of itself and what is in it.

    Raises ArchiveDamagedError, and decodes nothing, where the digest of its bytes is another.
    """
    if digest_of(path) != sha256:
        raise ArchiveDamagedError(f"{path.name}: not the bytes that were written")
    try:
        with pq.ParquetFile(path) as file:
            head = head_of(file.schema_arrow)
            content, readings = _content_of(head.faults), 0
            first, last = np.iinfo("i8").max, np.iinfo("i8").min
            for number in range(file.num_row_groups):
                rows = from_table(file.read_row_group(number), head.faults)
                content.update(rows.tobytes())
                readings += len(rows)
                first = min(first, int(rows["recorded_at"].min()))
                last = max(last, int(rows["recorded_at"].max()))
    except BROKEN as error:
        raise ArchiveDamagedError(f"{path.name}: {error}") from None
    if not readings:
        raise ArchiveDamagedError(f"{path.name}: no readings")
    return head, Part(
        readings, path.stat().st_size, sha256, content.digest(),
        datetime_of(first + EPOCH_2000), datetime_of(last + EPOCH_2000),
    )  # fmt: skip
