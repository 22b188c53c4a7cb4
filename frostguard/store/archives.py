"""The archive's side in the database: which files hold what, what became of each week, and rows in and out in bulk."""

from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from typing import NamedTuple
from uuid import UUID

from frostguard.domain.reading import Reading
from frostguard.store import partitions
from frostguard.store.connection import Connection, Record, translated

ARCHIVE_LOCK = 0x4667_4172  # "FgAr": one archive run at a time
NOBODY = UUID(int=0)
"""In the place of the organization, for readings of units that nobody knows any more."""
WEEK = timedelta(days=7)

TRY_LOCK = "select pg_try_advisory_lock($1)"
UNLOCK = "select pg_advisory_unlock($1)"


@asynccontextmanager
async def exclusive(connection: Connection) -> AsyncIterator[bool]:
    """Hold the lock of archive runs. False: another one does."""
    with translated():
        ours: bool = await connection.fetchval(TRY_LOCK, ARCHIVE_LOCK)
    try:
        yield ours
    finally:
        if ours and not connection.is_closed():
            with translated():
                await connection.fetchval(UNLOCK, ARCHIVE_LOCK)


# --- Files.


class ArchiveFile(NamedTuple):
    """A file that is read: its row, as it was committed."""

    id: int
    organization_id: UUID
    week: datetime
    key: str
    readings: int
    size: int
    sha256: bytes
    content: bytes
    first_at: datetime
    last_at: datetime


_FILE = ", ".join(ArchiveFile._fields)

LIST_FILES = f"""
select {_FILE} from archive_files
 where organization_id = $1 and week > $2::timestamptz - interval '7 days' and week < $3 and deleted_at is null
   and first_at < $3 and last_at >= $2
 order by id
"""  # noqa: S608 - the columns are our own constant

LIST_ALL_FILES = f"""
select {_FILE}, created_at, (select slug from organizations o where o.id = f.organization_id) as slug
  from archive_files f
 where deleted_at is null and ($1::timestamptz is null or week = $1) and ($2::uuid is null or organization_id = $2)
 order by week, slug, id
"""  # noqa: S608 - as above

INSERT_FILE = f"""
insert into archive_files ({_FILE.removeprefix("id, ")}) values ($1, $2, $3, $4, $5, $6, $7, $8, $9)
"""  # noqa: S608 - as above


async def files(connection: Connection, organization: UUID, begin: datetime, end: datetime) -> list[ArchiveFile]:
    """Return the organization's files that may hold readings of [begin, end), the oldest file first."""
    with translated():
        return [ArchiveFile(*row) for row in await connection.fetch(LIST_FILES, organization, begin, end)]


async def all_files(
    connection: Connection, week: datetime | None = None, organization: UUID | None = None
) -> list[Record]:
    """Return the rows of all files that are read, with `created_at` and the organization's `slug`."""
    with translated():
        return list(await connection.fetch(LIST_ALL_FILES, week, organization))


# What came after its week was archived: the daemon could not sum it.
ADD_SUMS = """
insert into reading_buckets as old (unit_id, at, sensor_id, span, total, lowest, highest, readings)
select * from unnest($1::uuid[], $2::timestamptz[], $3::uuid[], $4::smallint[], $5::double precision[],
                     $6::double precision[], $7::double precision[], $8::integer[])
on conflict (unit_id, at, sensor_id, span) do update
   set total = old.total + excluded.total, lowest = least(old.lowest, excluded.lowest),
       highest = greatest(old.highest, excluded.highest), readings = old.readings + excluded.readings
"""


# Before the first byte goes out.
BEGIN_UPLOAD = "insert into archive_uploads (key) values ($1)"
END_UPLOAD = "delete from archive_uploads where key = $1"
LIST_UPLOADS = """
select u.key, exists (select from archive_files f where f.key = u.key) as listed from archive_uploads u order by u.key
"""


async def begin_upload(connection: Connection, key: str) -> None:
    """Note that a file is about to be put there."""
    with translated():
        await connection.execute(BEGIN_UPLOAD, key)


async def end_upload(connection: Connection, key: str) -> None:
    """Forget that; the file is listed, or gone."""
    with translated():
        await connection.execute(END_UPLOAD, key)


async def uploads(connection: Connection) -> list[Record]:
    """Return `key` and `listed` of files that a run has begun and not finished."""
    with translated():
        return list(await connection.fetch(LIST_UPLOADS))


async def add_file(connection: Connection, file: ArchiveFile, sums: Sequence[tuple[object, ...]] = ()) -> None:
    """Let a file be read from now on, and add to the sums what `sums` says, in one transaction. `file.id` is ignored.

    A sum: unit, begin, sensor, minutes, total, lowest, highest, readings.
    """
    with translated():
        async with connection.transaction():
            await connection.execute(INSERT_FILE, *file[1:])
            await connection.execute(END_UPLOAD, file.key)
            if sums:
                await connection.execute(ADD_SUMS, *(list(column) for column in zip(*sums, strict=True)))


LIST_WEEKS = """
select distinct week from archive_files
 where organization_id = $1 and week > $2::timestamptz - interval '7 days' and week < $3 and deleted_at is null
"""

LIST_WEEKS_AND_PARTITIONS = f"""
{LIST_WEEKS}
union all
select to_date(substring(c.relname from 'sensor_readings_(\\d{{4}}w\\d{{2}})'), 'IYYY"w"IW') at time zone 'UTC'
  from pg_inherits i join pg_class c on c.oid = i.inhrelid where i.inhparent = 'sensor_readings'::regclass
"""  # noqa: S608 - as above


async def has_files(connection: Connection, organization: UUID, begin: datetime, end: datetime) -> bool:
    """Tell whether some of [begin, end) is in the archive."""
    with translated():
        return bool(await connection.fetch(LIST_WEEKS, organization, begin, end))


async def weeks(connection: Connection, organization: UUID, begin: datetime, end: datetime) -> list[datetime]:
    """Return the weeks (Mondays) in [begin, end) for which there may be readings anywhere, oldest first."""
    with translated():
        rows = await connection.fetch(LIST_WEEKS_AND_PARTITIONS, organization, begin, end)
    return sorted({row[0] for row in rows if begin < row[0] + WEEK and row[0] < end})


# --- Rows in the table.

_LIST = ", ".join(
    # The shortest number that means the same, as in a file.
    f"r.{name}::text::double precision" if name in ("humidity", "battery_volts", "snr") else f"r.{name}"
    for name in Reading._fields
)
_HOT = f"""
select {_LIST} from units u join sensor_readings r on r.unit_id = u.id
 where u.organization_id = $1 and u.id = $2 and r.recorded_at >= $3 and r.recorded_at < $4
   and ($5::uuid is null or r.sensor_id = $5)
"""  # noqa: S608 - as above

LIST_HOT = f"{_HOT} order by r.recorded_at, r.sensor_id, r.seq limit $6"

LIST_HOT_NEWEST = f"{_HOT} order by r.recorded_at desc, r.sensor_id desc, r.seq desc limit $6"


class Asked(NamedTuple):
    """Which readings: of one unit, from `begin` to before `end`, of one sensor or of all."""

    organization: UUID
    unit: UUID
    begin: datetime
    end: datetime
    sensor: UUID | None = None


async def hot(connection: Connection, asked: Asked, limit: int, *, newest_first: bool = False) -> list[Reading]:
    """Return at most `limit` readings that are in the table, in the order of time (or its reverse)."""
    statement = LIST_HOT_NEWEST if newest_first else LIST_HOT
    with translated():
        return [Reading(*row) for row in await connection.fetch(statement, *asked, limit)]


# The following are asked of one week's table, attached or not; they name the parent so that a test can prepare them.

GET_OVERVIEW = """
select coalesce(u.organization_id, '00000000-0000-0000-0000-000000000000') as organization,
       array_agg(s.unit_id order by s.unit_id) as units, sum(s.readings)::bigint as readings, max(s.newest) as newest
  from (select unit_id, count(*) as readings, max(received_at) as newest from sensor_readings r group by unit_id) s
  left join units u on u.id = s.unit_id
 group by 1 order by 1
"""

LIST_FAULTS = "select distinct fault from sensor_readings r where fault is not null order by fault"

COUNT_ROWS = "select count(*) from sensor_readings r"

COPY_WEEK = """
select unit_id, recorded_at, sensor_id, seq, received_at, coalesce(temperature, 'NaN') as temperature,
       coalesce(humidity, 'NaN') as humidity, coalesce(door_open::integer, -1)::smallint as door_open,
       coalesce(battery_volts, 'NaN') as battery_volts, coalesce(battery_percent, -1::smallint) as battery_percent,
       coalesce(rssi, 1::smallint) as rssi, coalesce(snr, 'NaN') as snr,
       coalesce(array_position($2::text[], fault), 0) as fault
  from sensor_readings r
 where unit_id = any($1::uuid[])
 order by unit_id, recorded_at, sensor_id, seq
"""


def _in_week(statement: str, name: str) -> str:
    return statement.replace("sensor_readings r", f"{partitions.quoted(name)} r")


async def overview(connection: Connection, name: str) -> list[Record]:
    """Return for each organization in a week's table: `units`, `readings`, and when the `newest` was received."""
    with translated():
        return list(await connection.fetch(_in_week(GET_OVERVIEW, name)))


async def faults(connection: Connection, name: str) -> list[str]:
    """Return the faults in a week's table."""
    with translated():
        return [row[0] for row in await connection.fetch(_in_week(LIST_FAULTS, name))]


async def count(connection: Connection, name: str) -> int:
    """Return how many readings are in a week's table."""
    with translated():
        found: int = await connection.fetchval(_in_week(COUNT_ROWS, name))
    return found


async def copy_out(
    connection: Connection,
    name: str,
    units: Sequence[UUID],
    faults: Sequence[str],
    take: Callable[[bytes], Awaitable[None]],
) -> None:
    """Hand the rows of these units to `take` in pieces of a binary COPY, sorted by key, null-free (archive/rows.py)."""
    statement = _in_week(COPY_WEEK, name)
    with translated():
        await connection.copy_from_query(statement, list(units), list(faults), output=take, format="binary")


# --- Rows back into the table.

CREATE_ARRIVING = """
create temporary table if not exists arriving (
  unit_id uuid, recorded_at timestamptz, sensor_id uuid, seq bigint, received_at timestamptz,
  temperature double precision, humidity real, door_open smallint, battery_volts real, battery_percent smallint,
  rssi smallint, snr real, fault integer
) on commit delete rows
"""

# The table is there on the connection that restores.
INSERT_ARRIVED = """
insert into sensor_readings (unit_id, recorded_at, sensor_id, seq, received_at, temperature, humidity, door_open,
                             battery_volts, battery_percent, rssi, snr, fault)
select unit_id, recorded_at, sensor_id, seq, received_at, nullif(temperature, 'NaN'), nullif(humidity, 'NaN'),
       case door_open when 1 then true when 0 then false end, nullif(battery_volts, 'NaN'),
       nullif(battery_percent, -1::smallint), nullif(rssi, 1::smallint), nullif(snr, 'NaN'), ($1::text[])[fault]
  from arriving
on conflict do nothing
"""


async def copy_in(connection: Connection, rows: bytes, faults: Sequence[str]) -> int:
    """Insert rows in the form of `copy_out`, with its header and trailer; known ones stay. Returns how many are new."""

    async def source() -> AsyncIterator[bytes]:
        yield rows

    with translated():
        await connection.execute(CREATE_ARRIVING)
        async with connection.transaction():
            await connection.copy_to_table("arriving", source=source(), format="binary")
            done = await connection.execute(INSERT_ARRIVED, list(faults))
    return int(done.rpartition(" ")[2])


# --- What became of each week.

GET_WEEK = "select compacted_at, archived_at, restored_until from reading_weeks where week = $1"

LIST_READING_WEEKS = "select week, compacted_at, archived_at, restored_until from reading_weeks order by week"

COUNT_MARKS = "select count(*) from late_hours where hour >= $1 and hour < $2"

MARK_ARCHIVED = """
insert into reading_weeks as w (week, archived_at) values ($1, now())
on conflict (week) do update set archived_at = coalesce(w.archived_at, now()), restored_until = null
"""

MARK_RESTORED = """
insert into reading_weeks (week, restored_until) values ($1, $2)
on conflict (week) do update set restored_until = excluded.restored_until
"""

MARK_COMPACTED = """
insert into reading_weeks (week, compacted_at) values ($1, now())
on conflict (week) do update set compacted_at = excluded.compacted_at
"""

LIST_PROGRESS = """
select shard, (select coalesce(max(shards), 1) from shard_layout) as shards, since, upto from rollup_progress
 order by shard
"""


async def week(connection: Connection, monday: datetime) -> Record | None:
    """Return `compacted_at`, `archived_at`, `restored_until` of a week; None: nothing became of it yet."""
    with translated():
        return await connection.fetchrow(GET_WEEK, monday)


async def known_weeks(connection: Connection) -> Mapping[datetime, Record]:
    """Return the same of all weeks of which something became."""
    with translated():
        return {row["week"]: row for row in await connection.fetch(LIST_READING_WEEKS)}


async def marks(connection: Connection, monday: datetime) -> int:
    """Return how many marks of late readings of this week are not summed yet."""
    with translated():
        found: int = await connection.fetchval(COUNT_MARKS, monday, monday + WEEK)
    return found


async def drop(connection: Connection, monday: datetime) -> None:
    """Drop the week's detached table, and from now on the archive speaks for it: one transaction."""
    with translated():
        async with connection.transaction():
            await partitions.drop(connection, partitions.name_of(monday))
            await connection.execute(MARK_ARCHIVED, monday)


async def keep_until(connection: Connection, monday: datetime, until: datetime) -> None:
    """Keep a week that is put back in the table for so long."""
    with translated():
        await connection.execute(MARK_RESTORED, monday, until)


async def compacted(connection: Connection, monday: datetime) -> None:
    """Note that the week's table is dense."""
    with translated():
        await connection.execute(MARK_COMPACTED, monday)


async def progress(connection: Connection) -> list[Record]:
    """Return `shard` (one of `shards`), `since` and `upto` of what is summed."""
    with translated():
        return list(await connection.fetch(LIST_PROGRESS))


LIST_SENSORS = "select id, serial, name from sensors where organization_id = $1 and id = any($2::uuid[])"


async def sensors(connection: Connection, organization: UUID, ids: Collection[UUID]) -> dict[UUID, Record]:
    """Return `serial` and `name` of the organization's sensors, deleted ones too, by id."""
    with translated():
        return {row["id"]: row for row in await connection.fetch(LIST_SENSORS, organization, list(ids))}
