"""What a replay reads, and nothing else: one snapshot, in which nothing can be written.

The order in which the daemon met its facts is that of its transactions: a batch is one, so the rows of a batch share
the number of their transaction (xmin), and numbers grow. A database that was loaded from a dump has lost them; there
our clock (`received_at`, `written_at`) stands in, and every moment is a batch of its own.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from uuid import UUID

from frostguard.domain.outages import Outage
from frostguard.domain.reading import Reading
from frostguard.domain.unit import ManualLog
from frostguard.domain.unit_state import SensorRow, UnitRow
from frostguard.store import states
from frostguard.store.connection import Connection, Record, translated

EARLIEST = datetime(1970, 1, 1, tzinfo=UTC)
LATEST = datetime(9999, 1, 1, tzinfo=UTC)
PIECE = 5000  # readings that are fetched at once
PATIENCE = 600.0  # seconds; a year of one unit is sorted in a few
# Whoever reads our output may stop reading for a while.
UNHURRIED = f"""
set local statement_timeout = {PATIENCE * 1000:.0f}; set local idle_in_transaction_session_timeout = 0
"""
_LIST = ", ".join("r." + name for name in Reading._fields)

# Two events that were written at different times by one transaction were not written by the daemon.
IS_RESTORED = """
select exists (
  select from (select xmin, written_at from events order by id desc limit 5000) e
   group by e.xmin::text having min(e.written_at) <> max(e.written_at))
"""

LIST_SCOPE = """
select u.id, u.name as unit, s.name as site, o.id as organization_id, o.slug as organization
  from units u
  join areas a on a.id = u.area_id
  join sites s on s.id = a.site_id
  join organizations o on o.id = u.organization_id
 where u.deleted_at is null and o.deleted_at is null
   and ($1::text is null or o.slug = $1)
   and ($2::text is null or s.id::text = $2 or lower(s.name) = lower($2))
   and ($3::text is null or u.id::text = $3 or lower(u.name) = lower($3))
 order by o.slug, s.name, a.sort_order, a.name, u.sort_order, u.name, u.id
"""

# Where the batch's rows share recorded_at they were folded as they came, which is how they lie in the table.
LIST_ARRIVALS = f"""
select {_LIST}, case when $4 then (extract(epoch from r.received_at) * 1000000)::bigint
                     else -age(r.xmin)::bigint end as batch
  from sensor_readings r
 where r.unit_id = $1 and r.recorded_at >= $2 and r.recorded_at < $3
 order by batch, r.recorded_at, r.ctid
"""  # noqa: S608 - the columns are our own constant

LIST_STORED_BY = f"""
select {_LIST} from sensor_readings r
 where r.unit_id = $1 and r.recorded_at between $2 and $3
   and case when $5 then (extract(epoch from r.received_at) * 1000000)::bigint else -age(r.xmin)::bigint end <= $4
 order by r.recorded_at, r.seq limit 50000
"""  # noqa: S608 - as above

# Deadlines that were spoken of: they show that the daemon had looked at the clock.
LIST_LOOKS = """
select e.at, e.written_at, case when $2 then (extract(epoch from e.written_at) * 1000000)::bigint
                                else -age(e.xmin)::bigint end as batch
  from events e
 where e.unit_id = $1
   and (e.kind in ('data_late', 'data_interrupted', 'manual_required', 'door_warning', 'door_critical',
                   'calibration_due')
        or (e.kind = 'alarm_raised' and e.data ->> 'reason' = 'silence'))
 order by batch, e.id
"""

LIST_JUDGED_LOGS = """
select l.logged_at, l.celsius, l.created_at,
       case when $2 then (extract(epoch from l.judged_at) * 1000000)::bigint else -age(l.xmin)::bigint end as batch
  from manual_logs l
 where l.unit_id = $1 and l.judged_at is not null
 order by batch, l.logged_at, l.id
"""

LIST_RESOLVED_BY_PEOPLE = """
select t.alert_id, t.at,
       case when $2 then (extract(epoch from t.written_at) * 1000000)::bigint else -age(t.xmin)::bigint end as batch
  from alert_timeline t join alerts a on a.id = t.alert_id
 where a.unit_id = $1 and t.action = 'resolved_manual'
 order by t.id
"""

LIST_OUTAGES_OF_OURS = """
select o.began, o.drained,
       case when $2 then (extract(epoch from o.drained) * 1000000)::bigint else -age(o.xmin)::bigint end as batch
  from outages o where o.shard = shard_of($1, o.shards) order by o.began, o.drained
"""

GET_LISTENED_UNTIL = """
select until from listening where shard = shard_of($1, (select coalesce(max(shards), 1) from shard_layout))
"""

# When the rules of a unit were made, against the first batch that was folded by them.
GET_RULES_CHANGED = """
select greatest(u.updated_at, s.updated_at, o.updated_at, c.updated_at) as at,
       case when $2 then (extract(epoch from greatest(u.updated_at, s.updated_at, o.updated_at, c.updated_at))
                          * 1000000)::bigint
            else -least(age(u.xmin), age(s.xmin), age(o.xmin), c.age)::bigint end as batch
  from units u
  join areas a on a.id = u.area_id
  join sites s on s.id = a.site_id
  join organizations o on o.id = u.organization_id
  left join lateral (
    select max(x.updated_at) as updated_at, min(age(x.xmin)) as age
      from sensors x where x.unit_id = u.id and x.deleted_at is null) c on true
 where u.id = $1
"""

GET_LISTENED_SINCE = "select min(drained) from outages where shard = shard_of($1, shards)"

GET_UNIT_STATE = f"{states.LIST_UNIT_STATES} where unit_id = $1"

LIST_SENSOR_STATES_OF_UNIT = f"{states.LIST_SENSOR_STATES} where unit_id = $1"

LIST_ALERTS_OF_UNIT = """
select id, alert_type::text as type, severity::text as severity, opened_at, resolved_at, began_at, celsius,
       extreme_celsius as extreme, backfilled
  from alerts where unit_id = $1 order by opened_at, id
"""


@asynccontextmanager
async def snapshot(connection: Connection) -> AsyncIterator[None]:
    """Hold one view of everything, in a transaction that PostgreSQL lets write nothing."""
    with translated():
        async with connection.transaction(isolation="repeatable_read", readonly=True):
            await connection.execute(UNHURRIED)
            yield


async def is_restored(connection: Connection) -> bool:
    """Return whether the rows were loaded from a dump, so that their transactions say nothing."""
    with translated():
        found: bool = await connection.fetchval(IS_RESTORED)
        return found


async def scope(
    connection: Connection, organization: str | None = None, site: str | None = None, unit: str | None = None
) -> list[Record]:
    """Return id, name and place of these units (an organization by slug, site and unit by id or name; None: all)."""
    with translated():
        return list(await connection.fetch(LIST_SCOPE, organization, site, unit))


class Arrivals:
    """The readings of one unit in the order of their batches. `restored`: see `is_restored`."""

    def __init__(self, connection: Connection, unit_id: UUID, *, restored: bool) -> None:
        self._connection = connection
        self._unit_id = unit_id
        self._restored = restored

    async def batches(
        self, since: datetime = EARLIEST, upto: datetime = LATEST
    ) -> AsyncIterator[tuple[int, list[Reading]]]:
        """Yield (batch, its readings by recorded_at) of [since, upto), through a cursor: memory does not grow."""
        number: int | None = None
        rows: list[Reading] = []
        arguments = (self._unit_id, since, upto, self._restored)
        with translated():
            async for *values, batch in self._connection.cursor(
                LIST_ARRIVALS, *arguments, prefetch=PIECE, timeout=PATIENCE
            ):
                if batch != number and rows:
                    yield number or 0, rows
                    rows = []
                number = batch
                rows.append(Reading(*values))
        if rows:
            yield number or 0, rows

    async def stored_by(self, batch: int, begin: datetime, end: datetime) -> list[Reading]:
        """Return what was stored of [begin, end] when a batch was judged, oldest first."""
        with translated():
            rows = await self._connection.fetch(LIST_STORED_BY, self._unit_id, begin, end, batch, self._restored)
        return [Reading(*row) for row in rows]

    async def looks(self) -> list[tuple[int, datetime, datetime]]:
        """Return (batch, our clock, deadline) of every deadline that was spoken of."""
        with translated():
            rows = await self._connection.fetch(LIST_LOOKS, self._unit_id, self._restored)
        return [(row["batch"], row["written_at"], row["at"]) for row in rows]

    async def logs(self) -> list[tuple[int, datetime, ManualLog]]:
        """Return (batch, our clock, log) of every manual log that was judged."""
        with translated():
            rows = await self._connection.fetch(LIST_JUDGED_LOGS, self._unit_id, self._restored)
        return [(row["batch"], row["created_at"], ManualLog(row["logged_at"], row["celsius"])) for row in rows]

    async def resolved_by_people(self) -> list[tuple[int, datetime, UUID]]:
        """Return (batch, moment, alert) of every alert that a person resolved."""
        with translated():
            rows = await self._connection.fetch(LIST_RESOLVED_BY_PEOPLE, self._unit_id, self._restored)
        return [(row["batch"], row["at"], row["alert_id"]) for row in rows]

    async def rules_changed(self) -> tuple[int, datetime]:
        """Return (batch, moment) of the last change of what the unit is judged by."""
        with translated():
            row = await self._connection.fetchrow(GET_RULES_CHANGED, self._unit_id, self._restored)
        return row["batch"], row["at"]


async def ears(
    connection: Connection, organization: UUID, *, restored: bool
) -> tuple[datetime | None, list[tuple[int, Outage]]]:
    """Return up to when an organization's shard listened (None: never) and its outages with the batch that ended each.

    It may have been of other shards before: then theirs, of that time.
    """
    with translated():
        until = await connection.fetchval(GET_LISTENED_UNTIL, organization)
        rows = await connection.fetch(LIST_OUTAGES_OF_OURS, organization, restored)
    return until, [(row["batch"], Outage(row["began"], row["drained"])) for row in rows]


async def listened_since(connection: Connection, organization: UUID) -> datetime | None:
    """Return when somebody listened to an organization for the first time; None: never yet."""
    with translated():
        since: datetime | None = await connection.fetchval(GET_LISTENED_SINCE, organization)
        return since


async def recorded_state(connection: Connection, unit_id: UUID) -> tuple[UnitRow | None, dict[UUID, SensorRow]]:
    """Return the unit's state on record and those of its sensors; the newest check-in stands in the unit's row."""
    with translated():
        row = await connection.fetchrow(GET_UNIT_STATE, unit_id)
        found = [SensorRow(*sensor) for sensor in await connection.fetch(LIST_SENSOR_STATES_OF_UNIT, unit_id)]
    sensors = {sensor.sensor_id: sensor for sensor in found}
    if row is None:
        return None, sensors
    *unit, seen_by, seen_at, seen_seq = row
    if seen_by in sensors and seen_at is not None:
        sensors[seen_by] = sensors[seen_by]._replace(last_at=seen_at, last_seq=seen_seq)
    return UnitRow(*unit), sensors


async def recorded_alerts(connection: Connection, unit_id: UUID) -> list[Record]:
    """Return the unit's alerts on record, oldest first."""
    with translated():
        return list(await connection.fetch(LIST_ALERTS_OF_UNIT, unit_id))
