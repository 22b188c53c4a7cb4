"""Weekly partitions of sensor_readings, Monday to Monday UTC, made alone and attached without blocking readers.

A week that leaves is detached and dropped. Whatever stops that half-way, its table keeps its name: a reading that comes
for such a week attaches the table again (`ensure`), so there is never a second table of one week.
"""

import re
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from enum import Enum

from frostguard.errors import StoreUnavailableError
from frostguard.store.connection import Connection, savepoint, translated

WEEK = timedelta(days=7)
AHEAD = timedelta(days=14)
PARTITION_LOCK = 0x4667_5061  # "FgPa": the writer, the hourly upkeep and other daemons make partitions one at a time

LOCK_PARTITIONS = "select pg_advisory_xact_lock($1)"

MAKE_WEEK = "select make_readings_week($1)"

# One that is being detached takes no rows any more.
LIST_PARTITIONS = """
select c.relname from pg_inherits i join pg_class c on c.oid = i.inhrelid
 where i.inhparent = 'sensor_readings'::regclass and not i.inhdetachpending order by c.relname
"""

LIST_TABLES = r"""
select c.relname, i.inhrelid is not null as attached, coalesce(i.inhdetachpending, false) as pending
  from pg_class c left join pg_inherits i on i.inhrelid = c.oid and i.inhparent = 'sensor_readings'::regclass
 where c.relnamespace = (select relnamespace from pg_class where oid = 'sensor_readings'::regclass)
   and c.relkind = 'r' and c.relname ~ '^sensor_readings_\d{4}w\d{2}$' and ($1::text is null or c.relname = $1)
 order by substring(c.relname from 17)
"""

# Transactions that a detaching would wait for. Ours is not among them.
COUNT_LONG_READERS = """
select count(distinct l.virtualtransaction)
  from pg_locks l join pg_stat_activity a on a.pid = l.pid
 where l.relation = 'sensor_readings'::regclass and l.granted and l.pid <> pg_backend_pid()
   and a.xact_start < clock_timestamp() - $1::interval
"""

SHOW_LOCK_TIMEOUT = "select current_setting('lock_timeout')"

DETACH_PATIENCE = "60s"  # nobody waits for us meanwhile, except readings of that very week

# Names are ours: sensor_readings_<ISO year>w<week>, proved by this pattern before they get near a statement.
_NAME = re.compile(r"^sensor_readings_\d{4}w\d{2}$")


class Place(Enum):
    """Where a week's table is."""

    ATTACHED = "a partition"
    PENDING = "half detached: takes no rows, and readers do not see it"
    DETACHED = "a table of its own"


def week_of(at: datetime) -> datetime:
    """Return the Monday 00:00 UTC at or before `at`."""
    day = at.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    return day - timedelta(days=day.weekday())


def name_of(at: datetime) -> str:
    """Return the name of the partition that takes `at`, for example sensor_readings_2026w47."""
    year, week, _ = week_of(at).isocalendar()
    return f"sensor_readings_{year:04d}w{week:02d}"


def begin_of(name: str) -> datetime:
    """Return the Monday with which a partition begins. Raises ValueError for a name that is not ours."""
    if not _NAME.match(name):
        raise ValueError(f"not the name of a partition: {name!r}")
    year, _, week = name.removeprefix("sensor_readings_").partition("w")
    return datetime.fromisocalendar(int(year), int(week), 1).replace(tzinfo=UTC)


def quoted(name: str) -> str:
    """Return a partition's name as an SQL identifier. Raises ValueError for any other name."""
    if not _NAME.match(name):
        raise ValueError(f"not the name of a partition: {name!r}")
    return f'"{name}"'


async def existing(connection: Connection) -> set[str]:
    """Return the names of the attached partitions."""
    with translated():
        return {row[0] for row in await connection.fetch(LIST_PARTITIONS)}


async def ensure(connection: Connection, moments: Iterable[datetime]) -> list[str]:
    """Make sure that a partition takes each of the moments. Returns the names of those it made.

    CREATE ... PARTITION OF would wait for every open reader; a table of its own that is attached afterwards does not.
    """
    wanted = {name_of(at): week_of(at) for at in moments}
    missing = sorted(set(wanted) - await existing(connection))
    return [name for name in missing if await _create(connection, name, wanted[name])]


async def ensure_ahead(connection: Connection, now: datetime) -> list[str]:
    """Make the partitions of this week, the one before, and all that begin within the next 14 days."""
    first = week_of(now) - WEEK
    return await ensure(connection, [first + WEEK * n for n in range(2 + AHEAD // WEEK + 1)])


async def places(connection: Connection, name: str | None = None) -> dict[str, Place]:
    """Return every week's table (or the one of this name) and where it is, the oldest week first."""
    with translated():
        rows = await connection.fetch(LIST_TABLES, name)
    return {row["relname"]: _place(attached=row["attached"], pending=row["pending"]) for row in rows}


def _place(*, attached: bool, pending: bool) -> Place:
    if pending:
        return Place.PENDING
    return Place.ATTACHED if attached else Place.DETACHED


async def _create(connection: Connection, name: str, monday: datetime) -> bool:
    """Make one, or attach the one that was to leave. False: somebody else did, between our look and our turn."""
    with translated():
        async with savepoint(connection) if connection.is_in_transaction() else connection.transaction():
            await connection.execute("set local lock_timeout = '2s'")
            await connection.execute(LOCK_PARTITIONS, PARTITION_LOCK)
            place = (await places(connection, name)).get(name)
            if place is Place.ATTACHED:
                return False
            # By a function of the schema's, which may what the daemon's own role may not.
            await connection.execute(MAKE_WEEK, monday)
    return True


async def long_readers(connection: Connection, older: timedelta) -> int:
    """Return how many transactions have been using sensor_readings for longer than that: a detaching waits for them."""
    with translated():
        count: int = await connection.fetchval(COUNT_LONG_READERS, older)
    return count


async def detach(connection: Connection, name: str) -> None:
    """Take a partition out without blocking anybody. Not inside a transaction; may be repeated.

    Raises StoreUnavailableError where a transaction that uses sensor_readings does not end: the partition is half
    detached then, and the next call goes on.
    """
    table = quoted(name)
    place = (await places(connection, name)).get(name)
    with translated():
        before = await connection.fetchval(SHOW_LOCK_TIMEOUT)
        await connection.execute(f"set lock_timeout = '{DETACH_PATIENCE}'")
        try:
            if place is Place.ATTACHED:
                await connection.execute(f"alter table sensor_readings detach partition {table} concurrently")
            elif place is Place.PENDING:
                await connection.execute(f"alter table sensor_readings detach partition {table} finalize")
        finally:
            if not connection.is_closed():
                await connection.execute(f"set lock_timeout = '{before}'")


async def drop(connection: Connection, name: str) -> None:
    """Remove a detached table in the caller's transaction. Raises StoreUnavailableError if it was attached again."""
    with translated():
        await connection.execute("set local lock_timeout = '2s'")
        await connection.execute(LOCK_PARTITIONS, PARTITION_LOCK)
        if (await places(connection, name)).get(name) is not Place.DETACHED:
            raise StoreUnavailableError(f"{name} is in use again")
        await connection.execute(f"drop table {quoted(name)}")


# What a rebuild that was stopped leaves behind is not valid.
LIST_INDEXES = """
select quote_ident(c.relname) as name, i.indisvalid as valid
  from pg_index i join pg_class c on c.oid = i.indexrelid join pg_am m on m.oid = c.relam
 where i.indrelid = $1::text::regclass and m.amname = 'btree' order by i.indisvalid, c.relname
"""


async def compact(connection: Connection, name: str) -> None:
    """Rebuild a partition's index densely and vacuum it, without blocking rows or readers. May be repeated.

    Not inside a transaction. Raises StoreUnavailableError where an older transaction does not end.
    """
    table = quoted(name)
    with translated():
        before = await connection.fetchval(SHOW_LOCK_TIMEOUT)
        await connection.execute(f"set lock_timeout = '{DETACH_PATIENCE}'")
        await connection.execute("set vacuum_cost_delay = '2ms'")  # as gently as autovacuum
        try:
            for index in await connection.fetch(LIST_INDEXES, table):
                how = "reindex index" if index["valid"] else "drop index"
                await connection.execute(f"{how} concurrently {index['name']}")
            await connection.execute(f"vacuum (freeze, analyze) {table}")
        finally:
            if not connection.is_closed():
                await connection.execute(f"set lock_timeout = '{before}'; reset vacuum_cost_delay")
