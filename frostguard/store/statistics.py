"""What a unit's temperatures amount to over a time: steps of five minutes, each as long as it may speak for."""

from datetime import datetime, timedelta
from typing import NamedTuple
from uuid import UUID

from frostguard.domain.buckets import Sources
from frostguard.store.connection import Connection, Record, translated


class Judgement(NamedTuple):
    """By what to judge: the limits (°C), how long a step counts without another, and until when."""

    low: float
    high: float
    patience: timedelta
    end: datetime


# A step lasts until the next one begins, but no longer than $12; what is left over is time that nobody watched.
# A run is a row of steps out of limits without a gap between them: each begins where the one before it ended.
# Stored buckets and the stretches of readings beside them never share a step. So a sensor has one piece of each step,
# and where the primary spoke nothing is left to add up: that is nearly always, and half the price.
SUMMARISE = """
with asked as (
  select u.id, (select x.id from sensors x where x.unit_id = u.id and x.is_primary and x.deleted_at is null) as speaker
    from units u where u.organization_id = $1 and u.id = $2 and u.deleted_at is null
), pieces as not materialized (
  select at, sensor_id, total, lowest, highest, readings from reading_buckets
   where unit_id = (select id from asked) and span = 5 and at >= $3 and at < $4
  union all
  select date_bin('5 minutes', recorded_at, 'epoch'), sensor_id, sum(temperature), min(temperature), max(temperature),
         count(*)
    from sensor_readings
   where unit_id = (select id from asked) and recorded_at >= $5 and recorded_at < $6
     and temperature is not null and fault is null
   group by 1, 2
  union all
  select date_bin('5 minutes', recorded_at, 'epoch'), sensor_id, sum(temperature), min(temperature), max(temperature),
         count(*)
    from sensor_readings
   where unit_id = (select id from asked) and recorded_at >= $7 and recorded_at < $8
     and temperature is not null and fault is null
   group by 1, 2
), steps as (
  select at, total, lowest, highest, readings from pieces where sensor_id = (select speaker from asked)
  union all
  select at, sum(total), min(lowest), max(highest), sum(readings)::bigint
    from pieces
   where sensor_id is distinct from (select speaker from asked)
     and at not in (select at from pieces where sensor_id = (select speaker from asked))
   group by at
), judged as materialized (
  select at, total, lowest, highest, readings, total / readings not between $9 and $10 as outside,
         least(lead(at) over (order by at), at + $12, greatest($11, at)) as until
    from steps
), runs as (
  select at, until, count(*) filter (where before is distinct from at) over (order by at) as run
    from (select at, until, lag(until) over (order by at) as before from judged where outside) beyond
), lengths as (
  select max(until) - min(at) as lasted from runs group by run
)
select (select id from asked) as unit, coalesce(sum(readings), 0)::bigint as readings,
       min(lowest) as lowest, max(highest) as highest, sum(total) / sum(readings) as mean,
       coalesce(extract(epoch from sum(until - at) filter (where not outside)), 0)::double precision as inside_seconds,
       coalesce(extract(epoch from sum(until - at) filter (where outside)), 0)::double precision as outside_seconds,
       (select count(*) from lengths) as excursions,
       coalesce((select extract(epoch from max(lasted)) from lengths), 0)::double precision as longest_seconds,
       min(at) as first_at, max(at) as last_at
  from judged
"""


async def summarise(
    connection: Connection, organization: UUID, unit: UUID, sources: Sources, judgement: Judgement
) -> Record:
    """Return one row; `unit` is None where there is none. `sources` are those of five-minute buckets."""
    s, j = sources, judgement
    moments = (s.fives, s.fives_end, s.head, s.head_end, s.tail, s.tail_end)
    with translated():
        return await connection.fetchrow(SUMMARISE, organization, unit, *moments, j.low, j.high, j.end, j.patience)


# The primary's report interval, else the shortest of the unit's sensors.
GET_INTERVAL = """
select coalesce(min(report_interval_seconds) filter (where is_primary), min(report_interval_seconds), 300)
  from sensors where organization_id = $1 and unit_id = $2 and deleted_at is null
"""


async def interval(connection: Connection, organization: UUID, unit: UUID) -> float:
    """Return how many seconds may lie between a unit's readings."""
    with translated():
        found: int = await connection.fetchval(GET_INTERVAL, organization, unit)
    return float(found)
