"""Readings to PostgreSQL's binary COPY format, column by column, in a third of the time of the general encoder.

Layout (PostgreSQL manual, COPY, Binary Format): a header; per row the number of columns, then for each column its
length in bytes and its bytes, or the length -1 for null; a trailer. All big-endian. Rows that are null in the same
columns have the same layout, so they are packed by one Struct, driven from C.
"""

from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from functools import lru_cache
from itertools import repeat, starmap
from struct import Struct
from typing import Any

from frostguard.domain.reading import Reading

HEADER = b"PGCOPY\n\xff\r\n\0" + bytes(8)
TRAILER = b"\xff\xff"
PIECE = 500  # turning rows into columns costs twice as much per row with ten thousand at once
_EPOCH_2000 = round(datetime(2000, 1, 1, tzinfo=UTC).timestamp() * 1e6)  # PostgreSQL counts microseconds from there

# Struct code and length of each column of Reading. `fault` (text) has its length in front of each value instead.
_CODES = ("16s", "q", "16s", "q", "q", "d", "f", "?", "f", "h", "h", "f")
_LENGTHS = (16, 8, 16, 8, 8, 8, 4, 1, 4, 2, 2, 4)
_RECORDED_AT, _RECEIVED_AT = 1, 4
_FIRST_NULLABLE = 5
_FAULT = 12


def pack(rows: Sequence[Reading]) -> Iterator[bytes]:
    """Return the COPY stream of these rows, for all columns of Reading in order.

    Raises what struct raises (struct.error, OverflowError) for a number that does not fit its column.
    """
    yield HEADER
    for start in range(0, len(rows), PIECE):
        for group in _alike(rows[start : start + PIECE]):
            yield _pack_alike(group)
    yield TRAILER


def _alike(rows: Sequence[Reading]) -> Iterable[Sequence[Reading]]:
    """Split rows into those that are null in the same columns; nearly always there is one such group."""
    total = len(rows)
    mixed = [
        at + _FIRST_NULLABLE
        for at, column in enumerate(list(zip(*rows, strict=True))[_FIRST_NULLABLE:])
        if 0 < column.count(None) < total
    ]
    if not mixed:
        return [rows]
    groups: dict[tuple[bool, ...], list[Reading]] = {}
    for row in rows:
        groups.setdefault(tuple([row[at] is None for at in mixed]), []).append(row)
    return groups.values()


@lru_cache(maxsize=256)
def _layout(nulls: tuple[bool, ...]) -> Struct:
    fields = ["i" if null else "i" + code for code, null in zip(_CODES, nulls, strict=True)]
    return Struct(">h" + "".join(fields) + "i")


def _pack_alike(rows: Sequence[Reading]) -> bytes:
    columns = list(zip(*rows, strict=True))
    nulls = tuple([column[0] is None for column in columns[:_FAULT]])
    driven: list[Iterable[object]] = [repeat(len(columns))]
    for at, (column, null) in enumerate(zip(columns[:_FAULT], nulls, strict=True)):
        if null:
            driven.append(repeat(-1))
        else:
            driven += [repeat(_LENGTHS[at]), _wire_values(at, column)]
    faults = columns[_FAULT]
    if faults[0] is None:
        return b"".join(starmap(_layout(nulls).pack, zip(*driven, repeat(-1), strict=False)))
    texts = [fault.encode() for fault in faults]
    heads = starmap(_layout(nulls).pack, zip(*driven, map(len, texts), strict=False))
    return b"".join([part for pair in zip(heads, texts, strict=True) for part in pair])


def _wire_values(at: int, column: Sequence[object]) -> Iterable[object]:
    """UUIDs as bytes, times as microseconds since 2000, the rest as it is."""
    if at in (0, 2):
        return [value.bytes for value in column]  # type: ignore[attr-defined]
    if at == _RECEIVED_AT:  # few distinct values: a chunk of messages is received at one moment
        known = {value: _microseconds(value) for value in set(column)}
        return [known[value] for value in column]
    if at == _RECORDED_AT:
        return map(_microseconds, column)
    return column


def _microseconds(value: Any) -> int:  # noqa: ANN401 - a datetime, out of a column of anything
    # A double holds these seconds to a quarter of a microsecond, so rounding gives the exact one.
    microseconds: int = round(value.timestamp() * 1e6)
    return microseconds - _EPOCH_2000
