"""What was measured: pages of readings and of buckets as JSON that is ready to send, and the latest of each sensor.

PostgreSQL writes the JSON, one line of text per row: turning thousands of rows into objects and those into text would
cost the API several times as much. Times are written as UTC because our connections are set to it. Each statement finds
the unit inside its organization; `unit` of its one row is null where there is none.
"""

from datetime import datetime, timedelta
from typing import NamedTuple
from uuid import UUID

from frostguard.domain.buckets import Sources, Span
from frostguard.store.connection import Connection, Record, translated


class Position(NamedTuple):
    """The last reading of a page: the next page begins behind it."""

    recorded_at: datetime
    sensor_id: UUID
    seq: int


class Window(NamedTuple):
    """Which readings: from `begin` to before `end`, of one sensor or of all, behind a position, at most so many."""

    begin: datetime
    end: datetime
    limit: int
    sensor_id: UUID | None = None
    behind: Position | None = None


# What was not measured is left out. The last row of a page is asked for by its number: null where the page is not full.
READ_RAW = """
with asked as (
  select id from units where organization_id = $1 and id = $2 and deleted_at is null
)
select (select id from asked) as unit, (array_agg(recorded_at))[$9] as last_at, (array_agg(sensor_id))[$9] as last_by,
       (array_agg(seq))[$9] as last_seq,
       convert_to('[' || coalesce(string_agg(concat(
         '{"recordedAt":"', replace(replace(recorded_at::text, ' ', 'T'), '+00', 'Z'),
         '","temperature":', coalesce(temperature::text, 'null'),
         ',"humidity":' || humidity,
         ',"doorOpen":' || door_open,
         ',"batteryPercent":' || battery_percent,
         ',"batteryVolts":' || battery_volts,
         ',"rssi":' || rssi,
         ',"snr":' || snr,
         ',"fault":' || to_json(fault),
         ',"sensorId":"', sensor_id, '"}'), ','), '') || ']', 'UTF8') as body
  from (
    select r.* from sensor_readings r
     where r.unit_id = (select id from asked) and r.recorded_at >= $3 and r.recorded_at < $4
       and ($5::uuid is null or r.sensor_id = $5)
       and ($6::timestamptz is null or (r.recorded_at, r.sensor_id, r.seq) < ($6, $7::uuid, $8::bigint))
     order by r.recorded_at desc, r.sensor_id desc, r.seq desc
     limit $9) page
"""

# The sums of five sources. In each bucket the unit's primary sensor speaks, where it measured; else all that did.
READ_BUCKETS = """
with asked as (
  select u.id, (select x.id from sensors x where x.unit_id = u.id and x.is_primary and x.deleted_at is null) as speaker
    from units u where u.organization_id = $1 and u.id = $2 and u.deleted_at is null
), pieces as (
  select date_bin($3, at, 'epoch') as at, sensor_id, total, lowest, highest, readings from reading_buckets
   where unit_id = (select id from asked) and span = 1440 and at >= $4 and at < $5
  union all
  select date_bin($3, at, 'epoch'), sensor_id, total, lowest, highest, readings from reading_buckets
   where unit_id = (select id from asked) and span = 60 and at >= $5 and at < $6
  union all
  select date_bin($3, at, 'epoch'), sensor_id, total, lowest, highest, readings from reading_buckets
   where unit_id = (select id from asked) and span = 5 and at >= $6 and at < $7
  union all
  select date_bin($3, recorded_at, 'epoch'), sensor_id, temperature, temperature, temperature, 1 from sensor_readings
   where unit_id = (select id from asked) and recorded_at >= $8 and recorded_at < $9
     and temperature is not null and fault is null
  union all
  select date_bin($3, recorded_at, 'epoch'), sensor_id, temperature, temperature, temperature, 1 from sensor_readings
   where unit_id = (select id from asked) and recorded_at >= $10 and recorded_at < $11
     and temperature is not null and fault is null
), sums as (
  select at, sensor_id is not distinct from (select speaker from asked) as speaks, sum(total) / sum(readings) as mean,
         min(lowest) as lowest, max(highest) as highest, sum(readings) as readings
    from pieces where $12::uuid is null or sensor_id = $12
   group by 1, 2
), page as (
  select distinct on (at) at, mean, lowest, highest, readings from sums order by at desc, speaks desc limit $13
)
select (select id from asked) as unit, (array_agg(at))[$13] as last_at,
       convert_to('[' || coalesce(string_agg(concat(
         '{"recordedAt":"', replace(replace(at::text, ' ', 'T'), '+00', 'Z'),
         '","temperature":', round(mean * 1000) / 1000,
         ',"temperatureMin":', lowest,
         ',"temperatureMax":', highest,
         ',"count":', readings, '}'), ','), '') || ']', 'UTF8') as body
  from page
"""


async def raw(connection: Connection, organization: UUID, unit: UUID, window: Window) -> Record:
    """Return one row, newest first in its `body`: `unit` (None: not there); `last_at`, `last_by`, `last_seq`."""
    behind = window.behind or (None, None, None)
    arguments = (window.begin, window.end, window.sensor_id, *behind, window.limit)
    with translated():
        return await connection.fetchrow(READ_RAW, organization, unit, *arguments)


class Wanted(NamedTuple):
    """Which buckets: how long, from which sources, of one sensor or of what speaks for the unit, at most so many."""

    span: Span
    sources: Sources
    limit: int
    sensor_id: UUID | None = None


async def buckets(connection: Connection, organization: UUID, unit: UUID, wanted: Wanted) -> Record:
    """Return one row, newest bucket first in its `body`: `unit` (None: not there), `last_at` (None: no full page)."""
    s = wanted.sources
    moments = (s.days, s.hours, s.fives, s.fives_end, s.head, s.head_end, s.tail, s.tail_end)
    arguments = (timedelta(minutes=wanted.span), *moments, wanted.sensor_id, wanted.limit)
    with translated():
        return await connection.fetchrow(READ_BUCKETS, organization, unit, *arguments)


LATEST_DAYS = 31

# Of each sensor of the unit the newest reading, the primary's first.
READ_LATEST = """
select x.id as sensor_id, x.serial, x.name, x.kind, x.is_primary, r.recorded_at, r.received_at, r.temperature,
       r.humidity, r.door_open, r.battery_percent, r.battery_volts, r.rssi, r.snr, r.fault
  from units u
  join sensors x on x.unit_id = u.id and x.deleted_at is null
  join lateral (
    select * from sensor_readings
     where unit_id = u.id and sensor_id = x.id and recorded_at > $3::timestamptz - make_interval(days => $4)
     order by recorded_at desc, seq desc limit 1) r on true
 where u.organization_id = $1 and u.id = $2 and u.deleted_at is null
 order by x.is_primary desc, x.serial
"""

UNIT_EXISTS = "select exists (select from units where organization_id = $1 and id = $2 and deleted_at is null)"


async def latest(connection: Connection, organization: UUID, unit: UUID, now: datetime) -> list[Record] | None:
    """Return the newest reading of each sensor of the unit, of the last month; None if there is no such unit."""
    with translated():
        rows = await connection.fetch(READ_LATEST, organization, unit, now, LATEST_DAYS)
        if not rows and not await connection.fetchval(UNIT_EXISTS, organization, unit):
            return None
    return list(rows)


READ_ROWS = """
select r.recorded_at, r.received_at, x.serial, x.name, r.sensor_id, r.seq, r.temperature, r.humidity, r.door_open,
       r.battery_percent, r.battery_volts, r.rssi, r.snr, r.fault
  from units u
  join sensor_readings r on r.unit_id = u.id
  left join sensors x on x.organization_id = u.organization_id and x.id = r.sensor_id
 where u.organization_id = $1 and u.id = $2 and u.deleted_at is null
   and r.recorded_at >= $3 and r.recorded_at < $4
   and ($5::uuid is null or r.sensor_id = $5)
   and ($6::timestamptz is null or (r.recorded_at, r.sensor_id, r.seq) > ($6, $7::uuid, $8::bigint))
 order by r.recorded_at, r.sensor_id, r.seq
 limit $9
"""


async def rows(connection: Connection, organization: UUID, unit: UUID, window: Window) -> list[Record]:
    """Return readings as rows, oldest first, with the sensors' names: for files."""
    behind = window.behind or (None, None, None)
    arguments = (window.begin, window.end, window.sensor_id, *behind, window.limit)
    with translated():
        return list(await connection.fetch(READ_ROWS, organization, unit, *arguments))
