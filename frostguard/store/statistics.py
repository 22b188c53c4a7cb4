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
# A run is a row of steps out of limits without a gap between them.
SUMMARISE = """
with asked as (
  select u.id, (select x.id from sensors x where x.unit_id = u.id and x.is_primary and x.deleted_at is null) as speaker
    from units u where u.organization_id = $1 and u.id = $2 and u.deleted_at is null
), pieces as (
  select at, sensor_id, total, lowest, highest, readings from reading_buckets
   where unit_id = (select id from asked) and span = 5 and at >= $3 and at < $4
  union all
  select date_bin('5 minutes', recorded_at, 'epoch'), sensor_id, temperature, temperature, temperature, 1
    from sensor_readings
   where unit_id = (select id from asked) and recorded_at >= $5 and recorded_at < $6
     and temperature is not null and fault is null
  union all
  select date_bin('5 minutes', recorded_at, 'epoch'), sensor_id, temperature, temperature, temperature, 1
    from sensor_readings
   where unit_id = (select id from asked) and recorded_at >= $7 and recorded_at < $8
     and temperature is not null and fault is null
), sums as (
  select at, sensor_id is not distinct from (select speaker from asked) as speaks, sum(total) as total,
         min(lowest) as lowest, max(highest) as highest, sum(readings) as readings
    from pieces group by 1, 2
), steps as (
  select distinct on (at) at, total, lowest, highest, readings, total / readings as mean
    from sums order by at, speaks desc
), judged as (
  select at, total, lowest, highest, readings, mean not between $9 and $10 as outside,
         least(lead(at) over byTime, at + $12, greatest($11, at)) - at as lasted,
         lag(at) over byTime + $12 < at as after_gap, lag(mean not between $9 and $10) over byTime as before
    from steps window byTime as (order by at)
), runs as (
  select *, count(*) filter (where outside and (before is not true or after_gap)) over (order by at) as run from judged
), lengths as (
  select sum(lasted) as lasted from runs where outside group by run
)
select (select id from asked) as unit, coalesce(sum(readings), 0)::bigint as readings,
       min(lowest) as lowest, max(highest) as highest, sum(total) / sum(readings) as mean,
       coalesce(extract(epoch from sum(lasted) filter (where not outside)), 0)::double precision as inside_seconds,
       coalesce(extract(epoch from sum(lasted) filter (where outside)), 0)::double precision as outside_seconds,
       (select count(*) from lengths) as excursions,
       coalesce((select extract(epoch from max(lasted)) from lengths), 0)::double precision as longest_seconds,
       min(at) as first_at, max(at) as last_at
  from runs
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
