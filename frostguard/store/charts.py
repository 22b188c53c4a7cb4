"""What pages draw beside readings: the trends of all units of an organization, and when doors stood open."""

from datetime import datetime, timedelta
from typing import NamedTuple
from uuid import UUID

from frostguard.domain.buckets import Sources, Span
from frostguard.store.connection import Connection, Record, translated

# The sums of four sources, unit by unit. In each bucket the unit's primary sensor speaks, where it measured; else all
# that did. A point is [number of the bucket since the begin, mean, lowest, highest]: a wall in one short answer.
READ_TRENDS = """
with asked as (
  select u.id, (select x.id from sensors x where x.unit_id = u.id and x.is_primary and x.deleted_at is null) as speaker
    from units u where u.organization_id = $1 and u.deleted_at is null
), pieces as (
  select a.id, p.at, p.sensor_id is not distinct from a.speaker as speaks, p.total, p.lowest, p.highest, p.readings
    from asked a cross join lateral (
      select at, sensor_id, total, lowest, highest, readings from reading_buckets
       where unit_id = a.id and span = 60 and at >= $4 and at < $5
      union all
      select date_bin($3, at, 'epoch'), sensor_id, total, lowest, highest, readings from reading_buckets
       where unit_id = a.id and span = 5 and at >= $5 and at < $6
      union all
      select date_bin($3, recorded_at, 'epoch'), sensor_id, temperature, temperature, temperature, 1
        from sensor_readings
       where unit_id = a.id and recorded_at >= $7 and recorded_at < $8 and temperature is not null and fault is null
      union all
      select date_bin($3, recorded_at, 'epoch'), sensor_id, temperature, temperature, temperature, 1
        from sensor_readings
       where unit_id = a.id and recorded_at >= $9 and recorded_at < $10 and temperature is not null and fault is null) p
), sums as (
  select id, at, speaks, sum(total) / sum(readings) as mean, min(lowest) as lowest, max(highest) as highest
    from pieces group by id, at, speaks
), points as (
  select distinct on (id, at) id, extract(epoch from at - $2)::bigint / extract(epoch from $3)::bigint as number,
         mean, lowest, highest
    from sums order by id, at, speaks desc
), lines as (
  select id, string_agg(concat('[', number, ',', round(mean * 100) / 100, ',', lowest, ',', highest, ']'),
                        ',' order by number) as line
    from points group by id
)
select convert_to('[' || coalesce(string_agg(concat('{"unitId":"', a.id, '","points":[', l.line, ']}'), ','), '')
                      || ']', 'UTF8') as body
  from asked a left join lines l on l.id = a.id
"""


async def trends(connection: Connection, organization: UUID, span: Span, begin: datetime, found: Sources) -> bytes:
    """Return JSON, the points of each unit, oldest first, numbered from `begin`. `found` are the buckets of `span`."""
    s = found
    moments = (s.hours, s.fives, s.fives_end, s.head, s.head_end, s.tail, s.tail_end)
    with translated():
        row = await connection.fetchrow(READ_TRENDS, organization, begin, timedelta(minutes=span), *moments)
    return bytes(row["body"])


# An opening is known by its end, which says when it began; one that lasts, by the state. Openings no further apart
# than $5 are one span, but never those of two columns, each $6 wide: busy hours and quiet ones stay apart.
READ_OPENINGS = """
with asked as (
  select id from units where organization_id = $1 and id = $2 and deleted_at is null
), openings as (
  select greatest((data->>'beganAt')::timestamptz, $3) as began, least(at, $4) as ended, false as lasts
    from events
   where unit_id = (select id from asked) and kind = 'door_closed' and at > $3
     and (data->>'beganAt')::timestamptz < $4
  union all
  select greatest(door_since, $3), $4, true
    from unit_states where unit_id = (select id from asked) and door_open and door_since < $4
), apart as (
  select *, began - max(ended) over (order by began, ended rows between unbounded preceding and 1 preceding) as pause,
         date_bin($6, began, $3) <> lag(date_bin($6, began, $3)) over (order by began, ended) as later
    from openings
), numbered as (
  select *, count(*) filter (where later or pause is null or pause > $5) over (order by began, ended) as number
    from apart
), spans as (
  select min(began) as began, max(ended) as ended, bool_or(lasts) as lasts, count(*) as openings,
         extract(epoch from sum(ended - began)) as seconds
    from numbered group by number
)
select (select id from asked) as unit, coalesce(array_agg(began order by began desc), '{}') as began,
       coalesce(array_agg(case when not lasts then ended end order by began desc), '{}') as ended,
       coalesce(array_agg(openings order by began desc), '{}') as openings,
       coalesce(array_agg(seconds::double precision order by began desc), '{}') as seconds
  from spans
"""


class Times(NamedTuple):
    """From when to when; how far apart openings of one span may be; parts of the time whose openings are never one."""

    begin: datetime
    end: datetime
    apart: timedelta
    column: timedelta


async def openings(connection: Connection, organization: UUID, unit: UUID, times: Times) -> Record:
    """Return one row of lists, newest first: `began`, `ended` (None: open still), `openings`, `seconds` (open).

    `unit` is None where there is none.
    """
    with translated():
        return await connection.fetchrow(READ_OPENINGS, organization, unit, *times)
