"""Weekly partitions of sensor_readings, Monday to Monday UTC, made alone and attached without blocking readers."""

import re
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

from frostguard.store.connection import Connection, savepoint, translated

WEEK = timedelta(days=7)
AHEAD = timedelta(days=14)
PARTITION_LOCK = 0x4667_5061  # "FgPa": the writer, the hourly upkeep and other daemons make partitions one at a time

LOCK_PARTITIONS = "select pg_advisory_xact_lock($1)"

LIST_PARTITIONS = """
select c.relname from pg_inherits i join pg_class c on c.oid = i.inhrelid
 where i.inhparent = 'sensor_readings'::regclass order by c.relname
"""

# Names are ours: sensor_readings_<ISO year>w<week>, proved by this pattern before they get near a statement.
_NAME = re.compile(r"^sensor_readings_\d{4}w\d{2}$")


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


async def _create(connection: Connection, name: str, monday: datetime) -> bool:
    """Make one. False: somebody else did, between our look and our turn."""
    table, low, high = quoted(name), monday.isoformat(), (monday + WEEK).isoformat()
    with translated():
        async with savepoint(connection) if connection.is_in_transaction() else connection.transaction():
            await connection.execute("set local lock_timeout = '2s'")
            await connection.execute(LOCK_PARTITIONS, PARTITION_LOCK)
            if name in await existing(connection):
                return False
            # A run that died between the two statements cannot have left the table: both are one transaction.
            await connection.execute(f"create table {table} (like sensor_readings including all)")
            await connection.execute(
                f"alter table sensor_readings attach partition {table} for values from ('{low}') to ('{high}')"
            )
    return True
