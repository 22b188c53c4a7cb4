"""Buckets of readings: summed as time passes, again where a reading came late, and for any stretch on request.

A bucket follows from sensor_readings alone. Four rules keep it so:

- Whoever stores a reading that is older than the announced horizon marks its hour in its transaction (`mark_late`).
- The horizon is announced before a stretch is summed, and the summing waits for every transaction that may not have
  heard of it (`ceiling`, `all_ended`).
- Only the process whose writer holds the shard moves the progress, and a new holder waits for the row before it reads
  how far it got (`ensure_progress`): otherwise it could announce less than is summed.
- Sums, progress and the marks that they settle are one transaction, under the lock of `exclusive`.

Readings are only ever added, so summing anew is an upsert. `rebuild_day` also removes: for rows that went in by COPY.
"""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from uuid import UUID

from frostguard.domain.buckets import Span, Stretch, floor
from frostguard.domain.shards import WHOLE, Shard
from frostguard.store.connection import Connection, Record, translated
from frostguard.store.locks import INGEST_LOCK
from frostguard.store.shards import ROLLUP_LOCK, NotYetError

DAY = timedelta(days=1)
HOUR = timedelta(hours=1)
LONGEST = 3600.0  # seconds for one day of a large fleet
AT_ONCE = 500  # hours of units summed anew in one transaction
TOGETHER = 250  # units under one mark: fewer than AT_ONCE

UnitHour = tuple[UUID, datetime]
"""A unit and the begin of an hour (or day) whose buckets are to be summed anew."""

ENSURE_PROGRESS = "insert into rollup_progress (shard, since, upto) values ($1, $2, $2) on conflict (shard) do nothing"

GET_PROGRESS = """
select since, upto from rollup_progress
 where shard = $1 and $2 = (select coalesce(max(shards), 1) from shard_layout)
"""

LOCK_PROGRESS = GET_PROGRESS + " for update"

HOLDS_SHARD = """
select exists (select from pg_locks
                where locktype = 'advisory' and classid::bigint = $1 and objid::bigint = $2 and pid = $3 and granted)
"""

GET_COMMON = "select max(since) as since, min(upto) as upto from rollup_progress"

MOVE_PROGRESS = "update rollup_progress set since = least(since, $2), upto = greatest(upto, $3) where shard = $1"

TRY_LOCK = "select pg_try_advisory_lock($1, $2)"

UNLOCK = "select pg_advisory_unlock($1, $2)"

PATIENTLY = f"set local statement_timeout = {int(LONGEST * 1000)}"

# A number of our own. Not the snapshot's xmax: that is one past the highest that has ended.
GET_CEILING = "select pg_current_xact_id()::text"

ALL_ENDED = "select pg_snapshot_xmin(pg_current_snapshot()) >= $1::text::xid8"

MARK_LATE = "insert into late_hours (hour, unit_ids, shard) values ($1, $2, $3)"

LAST_MARK = "select coalesce(max(id), 0) from late_hours"

# Every batch of a backlog marks the same units of the same hour; in this order they stand together.
LIST_LATE = """
select id, hour, unit_ids from late_hours where id <= $1 and shard = $2 order by hour, unit_ids limit 500
"""

SETTLE_LATE = "delete from late_hours where id = any($1::bigint[])"

_UPSERT = """
on conflict (unit_id, at, sensor_id, span) do update
   set total = excluded.total, lowest = excluded.lowest, highest = excluded.highest, readings = excluded.readings
 where (old.total, old.lowest, old.highest, old.readings)
       is distinct from (excluded.total, excluded.lowest, excluded.highest, excluded.readings)
"""

# By way of the units, because the key of both tables begins with the unit.
SUM_FIVES = f"""
insert into reading_buckets as old (unit_id, at, sensor_id, total, lowest, highest, readings, span)
select u.id, b.* , 5
  from units u cross join lateral (
    select date_bin('5 minutes', r.recorded_at, 'epoch'), r.sensor_id, sum(r.temperature), min(r.temperature),
           max(r.temperature), count(*)
      from sensor_readings r
     where r.unit_id = u.id and r.recorded_at >= $1 and r.recorded_at < $2
       and r.temperature is not null and r.fault is null
     group by 1, 2) b
 where $4 = 1 or shard_of(u.organization_id, $4) = $3
{_UPSERT}"""  # noqa: S608 - our own constant

SUM_COARSER = f"""
insert into reading_buckets as old (unit_id, at, sensor_id, total, lowest, highest, readings, span)
select u.id, b.*, $3
  from units u cross join lateral (
    select date_bin($3::smallint * interval '1 minute', r.at, 'epoch'), r.sensor_id, sum(r.total), min(r.lowest),
           max(r.highest), sum(r.readings)
      from reading_buckets r
     where r.unit_id = u.id and r.at >= $1 and r.at < $2 and r.span = $4
     group by 1, 2) b
 where $6 = 1 or shard_of(u.organization_id, $6) = $5
{_UPSERT}"""  # noqa: S608 - our own constant

# The same for single hours of single units, as far as they are rolled up ($3).
RESUM_FIVES = f"""
insert into reading_buckets as old (unit_id, at, sensor_id, total, lowest, highest, readings, span)
select h.unit_id, b.*, 5
  from unnest($1::uuid[], $2::timestamptz[]) h (unit_id, hour) cross join lateral (
    select date_bin('5 minutes', r.recorded_at, 'epoch'), r.sensor_id, sum(r.temperature), min(r.temperature),
           max(r.temperature), count(*)
      from sensor_readings r
     where r.unit_id = h.unit_id and r.recorded_at >= h.hour and r.recorded_at < least(h.hour + interval '1 hour', $3)
       and r.temperature is not null and r.fault is null
     group by 1, 2) b
{_UPSERT}"""  # noqa: S608 - our own constant

RESUM_COARSER = f"""
insert into reading_buckets as old (unit_id, at, sensor_id, total, lowest, highest, readings, span)
select h.unit_id, b.*, $3
  from unnest($1::uuid[], $2::timestamptz[]) h (unit_id, at) cross join lateral (
    select h.at, r.sensor_id, sum(r.total), min(r.lowest), max(r.highest), sum(r.readings)
      from reading_buckets r
     where r.unit_id = h.unit_id and r.at >= h.at and r.at < h.at + $3::smallint * interval '1 minute' and r.span = $4
     group by r.sensor_id) b
{_UPSERT}"""  # noqa: S608 - our own constant

# Those of units that are gone may go with any shard: they are not summed again.
REMOVE_BUCKETS = """
delete from reading_buckets
 where at >= $1 and at < $2
   and ($4 = 1 or unit_id not in (select id from units where shard_of(organization_id, $4) <> $3))
"""


async def ensure_progress(connection: Connection, shard: Shard, today: datetime) -> Stretch:
    """Return what is rolled up; on the very first call, nothing yet, to begin with `today` (a midnight)."""
    with translated():
        await connection.execute(ENSURE_PROGRESS, shard.number, today)
        return _stretch_of(await connection.fetchrow(LOCK_PROGRESS, *shard))


def _stretch_of(row: Record | None) -> Stretch:
    if row is None:
        raise NotYetError("the number of shards has changed")
    return Stretch(*row)


async def common_stretch(connection: Connection) -> Stretch | None:
    """Return what all shards have rolled up. It only grows, so an older answer is right too; None: never begun."""
    with translated():
        row = await connection.fetchrow(GET_COMMON)
    return None if row["upto"] is None else Stretch(row["since"], max(row["since"], row["upto"]))


async def mark_late(connection: Connection, late: Mapping[datetime, set[UUID]], shard: Shard = WHOLE) -> None:
    """Write down of which units of a shard an hour is to be summed anew, in the transaction of their readings."""
    marks = []
    for hour, units in late.items():
        ordered = sorted(units)
        marks += [(hour, ordered[first : first + TOGETHER], shard.number) for first in range(0, len(ordered), TOGETHER)]
    with translated():
        await connection.executemany(MARK_LATE, marks)


async def last_mark(connection: Connection) -> int:
    """Return the number of the newest mark: what comes after it is for the next time."""
    with translated():
        found: int = await connection.fetchval(LAST_MARK)
    return found


async def ceiling(connection: Connection) -> str:
    """Return a transaction number above every one that is given out by now."""
    with translated():
        found: str = await connection.fetchval(GET_CEILING)
    return found


async def all_ended(connection: Connection, ceiling: str) -> bool:
    """Tell whether every transaction below that number has ended."""
    with translated():
        ended: bool = await connection.fetchval(ALL_ENDED, ceiling)
    return ended


@asynccontextmanager
async def exclusive(connection: Connection, shard: Shard = WHOLE) -> AsyncIterator[bool]:
    """Hold the lock under which a shard's buckets are written, and a transaction. False: somebody else does."""
    with translated():
        # Of the session, and taken before the transaction: a transaction's snapshot must be younger than its lock.
        if not await connection.fetchval(TRY_LOCK, ROLLUP_LOCK, shard.number):
            yield False
            return
        try:
            async with connection.transaction():
                await connection.execute(PATIENTLY)
                yield True
        finally:
            if not connection.is_closed():
                await connection.fetchval(UNLOCK, ROLLUP_LOCK, shard.number)


async def roll_up(connection: Connection, shard: Shard, holder: int, end: datetime) -> datetime | None:
    """Sum what follows the stretch up to `end` (a multiple of 5 minutes), at most a day of it, inside `exclusive`.

    `holder` is the backend of the writer that holds the shard. Returns how far it is now; None, and nothing is summed,
    where another one holds it.
    """
    with translated():
        row = await connection.fetchrow(LOCK_PROGRESS, *shard)
        if row is None or not await connection.fetchval(HOLDS_SHARD, INGEST_LOCK, shard.number, holder):
            return None
    since, begin = row
    end = max(begin, min(end, floor(begin, Span.DAY) + DAY))
    with translated():
        await _sum(connection, shard, begin, end)
        await connection.execute(MOVE_PROGRESS, shard.number, since, end)
    return end


async def _stretch(connection: Connection, shard: Shard) -> Stretch:
    """Return what is rolled up. Inside `exclusive`: a rebuild in another process may have made it longer."""
    with translated():
        return _stretch_of(await connection.fetchrow(GET_PROGRESS, *shard))


async def _sum(connection: Connection, shard: Shard, begin: datetime, end: datetime) -> None:
    """Sum every bucket of all spans that ends in (begin, end]."""
    await connection.execute(SUM_FIVES, begin, end, *shard, timeout=LONGEST)
    for span, finer in ((Span.HOUR, Span.FIVE_MINUTES), (Span.DAY, Span.HOUR)):
        first, last = floor(begin, span), floor(end, span)
        if first < last:
            await connection.execute(SUM_COARSER, first, last, span, finer, *shard, timeout=LONGEST)


async def resum_late(connection: Connection, shard: Shard, last: int) -> int:
    """Sum some of the hours anew that are marked up to the number `last`, as far as they are rolled up.

    Inside `exclusive`. Returns how many marks that settled: 0, when none was left.
    """
    stretch = await _stretch(connection, shard)
    settled: list[int] = []
    hours: set[UnitHour] = set()
    with translated():
        for mark in await connection.fetch(LIST_LATE, last, shard.number):
            summed = stretch.since <= mark["hour"] < stretch.upto
            more = {(unit, mark["hour"]) for unit in mark["unit_ids"]} - hours if summed else set()
            if len(hours) + len(more) > AT_ONCE:
                break
            hours |= more
            settled.append(mark["id"])
        if hours:
            await connection.execute(RESUM_FIVES, *_columns(hours), stretch.upto)
        await _resum_coarser(connection, hours, stretch, Span.HOUR)
        days = {(unit, floor(hour, Span.DAY)) for unit, hour in hours}
        await _resum_coarser(connection, days, stretch, Span.DAY)
        if settled:
            await connection.execute(SETTLE_LATE, settled)
    return len(settled)


async def _resum_coarser(connection: Connection, marks: set[UnitHour], stretch: Stretch, span: Span) -> None:
    closed = {(unit, at) for unit, at in marks if at + span.length <= stretch.upto}
    if closed:
        finer = Span.FIVE_MINUTES if span is Span.HOUR else Span.HOUR
        await connection.execute(RESUM_COARSER, *_columns(closed), span, finer)


def _columns(marks: set[UnitHour]) -> tuple[list[UUID], list[datetime]]:
    ordered = sorted(marks)
    return [unit for unit, _ in ordered], [at for _, at in ordered]


async def rebuild_day(connection: Connection, shard: Shard, day: datetime) -> Stretch:
    """Sum one day from nothing, inside `exclusive`; of a day that is not over, what is rolled up of it.

    The day before the stretch makes it longer; days farther back, with a gap between, do not. Returns the stretch.
    """
    stretch = await _stretch(connection, shard)
    end = min(day + DAY, stretch.upto)
    with translated():
        if end > stretch.since:
            await connection.execute(REMOVE_BUCKETS, day, day + DAY, *shard, timeout=LONGEST)
        await _sum(connection, shard, day, end)
        since = day if day <= stretch.since <= end else stretch.since
        await connection.execute(MOVE_PROGRESS, shard.number, since, stretch.upto)
    return Stretch(since, stretch.upto)


COUNT_BUCKETS = "select span, count(*) as buckets from reading_buckets group by span order by span"


async def count(connection: Connection) -> list[Record]:
    """Return how many buckets of each span are stored."""
    with translated():
        return list(await connection.fetch(COUNT_BUCKETS, timeout=LONGEST))
