"""Readings as arrays: out of PostgreSQL's binary COPY, into Arrow, and back to the very same bytes.

The database is asked for rows of one length (`archives.COPY_WEEK`): what is null comes as a value that no reading can
have (NaN, or a number out of the column's range), and a fault as its number in a list. So a chunk of bytes is an array
without parsing, and the SHA-256 of the rows that the database sent can be made again from a file that was read back.
"""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from frostguard.domain.reading import Reading
from frostguard.errors import ArchiveDamagedError

Array = np.ndarray[Any, np.dtype[Any]]

EPOCH_2000 = 946_684_800_000_000  # microseconds from 1970: PostgreSQL counts from 2000
HEADER_BYTES = 19
TRAILER = b"\xff\xff"
NO_DOOR, NO_PERCENT, NO_RSSI, NO_FAULT = -1, -1, 1, 0

_TYPES = (
    ("unit_id", "V16"), ("recorded_at", ">i8"), ("sensor_id", "V16"), ("seq", ">i8"), ("received_at", ">i8"),
    ("temperature", ">f8"), ("humidity", ">f4"), ("door_open", ">i2"), ("battery_volts", ">f4"),
    ("battery_percent", ">i2"), ("rssi", ">i2"), ("snr", ">f4"), ("fault", ">i4"),
)  # fmt: skip
# Each value has its length in front, each row the number of its columns.
ROW = np.dtype([("n", ">i2"), *((n, t) for name, kind in _TYPES for n, t in ((f"{name}_length", ">i4"), (name, kind)))])
_EMPTY = np.zeros(1, ROW)
_EMPTY["n"] = len(_TYPES)
for _name, _kind in _TYPES:
    _EMPTY[f"{_name}_length"] = np.dtype(_kind).itemsize

KEY = np.dtype([("unit_id", "V16"), ("recorded_at", ">i8"), ("sensor_id", "V16"), ("seq", ">i8")])

_TIME = pa.timestamp("us", "UTC")
SCHEMA = pa.schema(
    [
        pa.field("unit_id", pa.binary(16), nullable=False),
        pa.field("recorded_at", _TIME, nullable=False),
        pa.field("sensor_id", pa.binary(16), nullable=False),
        pa.field("seq", pa.int64(), nullable=False),
        pa.field("received_at", _TIME, nullable=False),
        pa.field("temperature", pa.float64()),
        pa.field("humidity", pa.float32()),
        pa.field("door_open", pa.bool_()),
        pa.field("battery_volts", pa.float32()),
        pa.field("battery_percent", pa.int16()),
        pa.field("rssi", pa.int16()),
        pa.field("snr", pa.float32()),
        pa.field("fault", pa.string()),
    ]
)
_FLOATS = {"temperature": "<f8", "humidity": "<f4", "battery_volts": "<f4", "snr": "<f4"}
_NUMBERS = {"battery_percent": NO_PERCENT, "rssi": NO_RSSI}


class Cutter:
    """Cuts a COPY stream, which comes in pieces of any length, into arrays of whole rows."""

    def __init__(self) -> None:
        self._rest = b""
        self._begun = False

    def cut(self, piece: bytes) -> Array:
        """Return the rows that are complete by now. Raises ArchiveDamagedError if they are not of the agreed form."""
        data = self._rest + piece
        if not self._begun:
            if len(data) < HEADER_BYTES:
                self._rest = data
                return np.zeros(0, ROW)
            data, self._begun = data[HEADER_BYTES:], True
        whole = len(data) // ROW.itemsize
        self._rest = data[whole * ROW.itemsize :]
        rows = np.frombuffer(data, ROW, whole)
        for name in ("n", *(f"{name}_length" for name, _ in _TYPES)):
            if not (rows[name] == _EMPTY[name]).all():
                raise ArchiveDamagedError(f"the database sent rows of another form ({name})")
        return rows

    def end(self) -> None:
        """Check that the stream ended with its trailer."""
        if self._rest != TRAILER:
            raise ArchiveDamagedError("the database's answer is not complete")


def keys(rows: Array) -> Array:
    """Return the primary keys of rows as strings of 48 bytes, which numpy can sort and compare."""
    found = np.empty(len(rows), KEY)
    for name in KEY.names or ():
        found[name] = rows[name]
    return found.view("S48")


def to_table(rows: Array, faults: Sequence[str]) -> pa.Table:
    """Return rows as Arrow."""
    columns: dict[str, Any] = {name: _bytes(rows[name]) for name in ("unit_id", "sensor_id")}
    for name in ("recorded_at", "received_at"):
        columns[name] = pa.array(rows[name].astype("<i8") + EPOCH_2000).cast(_TIME)
    columns["seq"] = pa.array(rows["seq"].astype("<i8"))
    for name, kind in _FLOATS.items():
        columns[name] = pa.array(rows[name].astype(kind), from_pandas=True)  # NaN is null
    for name, nothing in _NUMBERS.items():
        columns[name] = pa.array(rows[name].astype("<i2"), mask=rows[name] == nothing)
    columns["door_open"] = pa.array(rows["door_open"] == 1, mask=rows["door_open"] == NO_DOOR)
    texts = pa.array([None, *faults], pa.string())
    columns["fault"] = texts.take(pa.array(rows["fault"].astype("<i4")))
    return pa.Table.from_arrays([columns[name] for name in SCHEMA.names], schema=SCHEMA)


def _bytes(column: Array) -> pa.Array:
    return pa.Array.from_buffers(pa.binary(16), len(column), [None, pa.py_buffer(np.ascontiguousarray(column))])


def from_table(table: pa.Table, faults: Sequence[str]) -> Array:
    """Return what the database sent for these rows."""
    rows = np.repeat(_EMPTY, len(table))
    for name in ("unit_id", "sensor_id"):
        rows[name] = ids(table[name])
    for name in ("recorded_at", "received_at"):
        rows[name] = microseconds(table[name]) - EPOCH_2000
    rows["seq"] = _numbers(table["seq"])
    for name in _FLOATS:
        rows[name] = _numbers(table[name].fill_null(float("nan")))
    for name, nothing in _NUMBERS.items():
        rows[name] = _numbers(table[name].fill_null(nothing))
    rows["door_open"] = _numbers(table["door_open"].cast(pa.int16()).fill_null(NO_DOOR))
    if faults:
        found = pc.index_in(table["fault"], pa.array(faults, pa.string()))
        rows["fault"] = _numbers(pc.add(found, 1).fill_null(NO_FAULT))
    return rows


def ids(column: Any) -> Array:  # noqa: ANN401 - a column of Arrow
    """Return a column of UUIDs as an array of 16 bytes each."""
    whole = pa.concat_arrays(column.chunks) if len(column) else pa.array([], pa.binary(16))
    return np.frombuffer(whole.buffers()[1] or b"", "V16", len(whole), whole.offset * 16)


def microseconds(column: Any) -> Array:  # noqa: ANN401 - as above
    """Return a column of times as microseconds since 1970."""
    return _numbers(column.cast(pa.int64()))


def _numbers(column: Any) -> Array:  # noqa: ANN401 - as above
    found: Array = column.to_numpy()
    return found


def keys_of(table: pa.Table) -> Array:
    """Return the primary keys of rows of Arrow, as `keys` does."""
    found = np.empty(len(table), KEY)
    for name in ("unit_id", "sensor_id"):
        found[name] = ids(table[name])
    found["recorded_at"] = microseconds(table["recorded_at"]) - EPOCH_2000
    found["seq"] = _numbers(table["seq"])
    return found.view("S48")


def to_readings(table: pa.Table) -> list[Reading]:
    """Return rows as readings, in their order. Single-precision numbers are the shortest that mean the same."""
    columns: list[Iterator[Any]] = []
    for name in Reading._fields:
        column = table[name]
        if name in ("unit_id", "sensor_id"):
            known: dict[bytes, UUID] = {}
            columns.append(iter([_uuid(value, known) for value in column.to_pylist()]))
        elif name in ("recorded_at", "received_at"):
            columns.append(iter([datetime_of(value) for value in microseconds(column).tolist()]))
        elif pa.types.is_float32(column.type):
            columns.append(iter(column.cast(pa.string()).cast(pa.float64()).to_pylist()))
        else:
            columns.append(iter(column.to_pylist()))
    return [Reading(*values) for values in zip(*columns, strict=True)]


def _uuid(value: bytes, known: dict[bytes, UUID]) -> UUID:
    found = known.get(value)
    if found is None:
        found = known[value] = UUID(bytes=value)
    return found


def datetime_of(microsecond: int) -> datetime:
    """Return the moment so many microseconds after 1970, exactly."""
    seconds, rest = divmod(microsecond, 1_000_000)
    return datetime.fromtimestamp(seconds, UTC).replace(microsecond=rest)
