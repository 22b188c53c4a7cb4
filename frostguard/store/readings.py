"""Readings: a plain COPY while everything is new; by way of a temporary table where something came again.

Redelivery is harmless either way: a COPY that meets a known key stores nothing at all (ConflictError), and is repeated
through the temporary table, which inserts what is new and says what that was.
"""

import struct
from collections.abc import AsyncIterator, Callable, Sequence
from datetime import datetime
from uuid import UUID

from frostguard.domain.reading import Reading
from frostguard.domain.run import Piece, pieces
from frostguard.errors import RowRefusedError
from frostguard.store.connection import Connection, Record, savepoint, translated
from frostguard.store.packing import HEADER, TRAILER, pack

COLUMNS = Reading._fields
_LIST = ", ".join(COLUMNS)

# Once per connection. Not the real table's LIKE: a constraint should speak once, where the row is stored.
CREATE_STAGING = """
create temporary table staging (
  unit_id uuid, recorded_at timestamptz, sensor_id uuid, seq bigint, received_at timestamptz,
  temperature double precision, humidity real, door_open boolean, battery_volts real, battery_percent smallint,
  rssi smallint, snr real, fault text
) on commit delete rows
"""

INSERT_STAGED = f"""
insert into sensor_readings ({_LIST}) select {_LIST} from staging on conflict do nothing
"""  # noqa: S608 - the columns are our own constant

# Only when the count says that some were there already. Rows of this very transaction are the new ones.
SELECT_NEW = """
select distinct r.unit_id, r.recorded_at, r.sensor_id, r.seq
  from staging s join sensor_readings r using (unit_id, recorded_at, sensor_id, seq)
 where r.xmin = pg_current_xact_id()::xid
"""

INSERT_STAGED_RETURNING = INSERT_STAGED + " returning unit_id, recorded_at, sensor_id, seq"

CLEAR_STAGING = "truncate staging"


LIST_BETWEEN = f"""
select {_LIST} from sensor_readings
 where unit_id = $1 and recorded_at between $2 and $3 order by recorded_at, seq limit $4
"""  # noqa: S608 - the columns are our own constant


async def between(
    connection: Connection, unit_id: UUID, begin: datetime, end: datetime, limit: int = 50_000
) -> list[Reading]:
    """Return the stored readings of one unit in [begin, end], oldest first."""
    with translated():
        return [Reading(*row) for row in await connection.fetch(LIST_BETWEEN, unit_id, begin, end, limit)]


async def prepare(connection: Connection) -> None:
    """Make this connection able to `insert`: it gets its temporary table."""
    with translated():
        await connection.execute(CREATE_STAGING)


async def copy(connection: Connection, rows: Sequence[Reading], sent: Callable[[Piece], None] | None = None) -> None:
    """Store rows that should all be new, inside the caller's transaction, which is lost if this raises.

    `sent` is called with every piece that is on its way: work that needs no answer, while the server takes the rows in.
    Raises ConflictError (then use `insert`), RowRefusedError, MissingPartitionError or StoreUnavailableError.
    """
    with translated():
        await connection.copy_to_table("sensor_readings", source=_stream(rows, sent), columns=COLUMNS, format="binary")


async def _stream(rows: Sequence[Reading], sent: Callable[[Piece], None] | None) -> AsyncIterator[bytes]:
    yield HEADER
    for piece in pieces(rows):
        try:
            yield pack(piece)
        except struct.error as error:
            raise RowRefusedError(str(error)) from None
        if sent is not None:
            sent(piece)
    yield TRAILER


async def insert(connection: Connection, rows: Sequence[Reading]) -> Sequence[Reading]:
    """Insert the rows that are new, inside the caller's transaction. Returns those, in the order given.

    Raises RowRefusedError, MissingPartitionError or StoreUnavailableError; the caller's transaction is lost then.
    """
    with translated():
        await connection.copy_records_to_table("staging", records=rows, columns=COLUMNS)
        stored = int((await connection.execute(INSERT_STAGED)).rpartition(" ")[2])
        if stored == len(rows):
            return rows
        return _only(rows, await connection.fetch(SELECT_NEW)) if stored else []


async def sift(connection: Connection, rows: Sequence[Reading]) -> tuple[list[Reading], list[tuple[Reading, str]]]:
    """Insert by halves, each under a savepoint, until what PostgreSQL refuses stands alone.

    Returns the new rows and the refused ones with the reason. COPY refuses the whole batch for one bad row, and this is
    how the neighbours get in all the same: some 2 log2(n) attempts per bad row.
    """
    try:
        return list(await _insert_piece(connection, rows)), []
    except RowRefusedError as error:
        if len(rows) == 1:
            return [], [(rows[0], str(error))]
    middle = len(rows) // 2
    left, bad_left = await sift(connection, rows[:middle])
    right, bad_right = await sift(connection, rows[middle:])
    return left + right, bad_left + bad_right


async def _insert_piece(connection: Connection, rows: Sequence[Reading]) -> Sequence[Reading]:
    with translated():
        async with savepoint(connection):
            await connection.execute(CLEAR_STAGING)
            await connection.copy_records_to_table("staging", records=rows, columns=COLUMNS)
            return _only(rows, await connection.fetch(INSERT_STAGED_RETURNING))


def _only(rows: Sequence[Reading], keys: Sequence[Record]) -> Sequence[Reading]:
    """Keep the first row of each key, in order: the one that `insert ... select` stored."""
    if len(keys) == len(rows):
        return rows
    new = {tuple(key) for key in keys}
    kept = []
    for row in rows:
        key = row[:4]
        if key in new:
            new.discard(key)
            kept.append(row)
    return kept
