"""The feed: rows in the order of the commits, a position in it, and what stands at a position.

Ids become visible in their order (docs/decisions/0005-feeds.md), so one number says all: whoever has the rows up to it
has every commit that will ever be at or below it.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from typing import NamedTuple
from uuid import UUID

from frostguard.store.connection import Connection, Record, translated

KEPT_SECONDS = 300  # as in feed_append, sql/0007.feeds.sql
CHANNEL = "feed"


class Row(NamedTuple):
    """A row: the ids of its pieces, what it is, and its body."""

    first: int
    last: int
    kind: str
    body: bytes


APPEND = "select feed_append($1, $2, $3)"


def appending(kind: str, pieces: int, body: bytes) -> str:
    """Return the statements that append a row and commit, in one round trip: the lock never waits for the client.

    `kind` is a word of ours; the body comes as hexadecimal digits, in which nothing can end the literal.
    """
    return f"select feed_append('{kind}', {pieces:d}, '\\x{body.hex()}'); commit"


async def append(connection: Connection, kind: str, pieces: int, body: bytes) -> int:
    """Append a row in a transaction of its own. Returns its first id."""
    with translated():
        found: int = await connection.fetchval(APPEND, kind, pieces, body)
    return found


# By the key: the newest row is the last one, and there may be tens of thousands.
SELECT_POSITION = "select coalesce((select last from feed order by first desc limit 1), 0)"


async def position(connection: Connection) -> int:
    """Return the newest id that this transaction, or statement, sees."""
    with translated():
        found: int = await connection.fetchval(SELECT_POSITION)
    return found


LIST_AFTER = "select first, last, kind, body from feed where first > $1 order by first limit $2"


# A plan that was made while the feed was empty would read all of it for ever.
BY_KEY = "set enable_seqscan = off; set enable_bitmapscan = off"


async def look_by_key(connection: Connection) -> None:
    """Prepare a connection that asks for nothing but `after` from now on, many times a second."""
    with translated():
        await connection.execute(BY_KEY)


async def after(connection: Connection, last: int, limit: int) -> list[Row]:
    """Return the rows that follow an id."""
    with translated():
        return [Row(*row) for row in await connection.fetch(LIST_AFTER, last, limit)]


async def follow(connection: Connection, last: int, limit: int = 64) -> AsyncIterator[list[Row]]:
    """Give the rows that follow an id, as they come, and nothing once a second. The connection must be ours alone."""
    woken = asyncio.Event()
    with translated():
        await connection.add_listener(CHANNEL, lambda *_: woken.set())
    while True:
        woken.clear()
        rows = await after(connection, last, limit)
        if rows:
            last = rows[-1].last
        yield rows
        if len(rows) < limit:
            with suppress(TimeoutError):
                async with asyncio.timeout(1.0):
                    await woken.wait()


# The newest rows that together have so many bytes, if they are no older than so many seconds.
LIST_RECENT = """
select first, last, kind, body
  from (select f.*, sum(length(f.body) + 100) over (order by f.first desc) as total
          from feed f where f.first > (extract(epoch from now() - make_interval(secs => $1)) * 1000000)::bigint) f
 where total <= $2 order by first
"""


async def recent(connection: Connection, seconds: float, size: int) -> list[Row]:
    """Return the newest rows, oldest first: at most so old, and together of so many bytes."""
    with translated():
        return [Row(*row) for row in await connection.fetch(LIST_RECENT, seconds, size)]


IS_CONTINUOUS = "select coalesce((select last from feed order by first limit 1) <= $1, false)"


async def is_continuous(connection: Connection, last: int) -> bool:
    """Tell whether all that followed an id is still there: rows go from the oldest on."""
    with translated():
        found: bool = await connection.fetchval(IS_CONTINUOUS, last)
    return found


DELETE_OLD = """
delete from feed where first < (extract(epoch from now() - make_interval(secs => $1)) * 1000000)::bigint
"""


async def sweep(connection: Connection) -> None:
    """Take away what transactions that were undone left behind; the rest goes with each append."""
    with translated():
        await connection.execute(DELETE_OLD, 2.0 * KEPT_SECONDS)


@asynccontextmanager
async def standing_still(connection: Connection) -> AsyncIterator[int]:
    """Let all statements of the block see the same moment; yields the newest id of the feed in it."""
    with translated():
        transaction = connection.transaction(isolation="repeatable_read", readonly=True)
        await transaction.start()
    try:
        yield await position(connection)
    finally:
        with translated():
            await transaction.rollback()


LIST_PLACES = """
select u.id::text as unit, u.organization_id::text as organization, a.site_id::text as site
  from units u join areas a on a.id = u.area_id where u.deleted_at is null
"""


async def places(connection: Connection) -> list[Record]:
    """Return the organization and the site of every unit, as text."""
    with translated():
        return list(await connection.fetch(LIST_PLACES))


# Of all organizations, or of one: for people who run the whole installation.
LIST_UNIT_NAMES = """
select u.id::text as id, u.name as unit, s.name as site, o.slug as organization
  from units u
  join organizations o on o.id = u.organization_id
  join areas a on a.id = u.area_id
  join sites s on s.id = a.site_id
 where u.id = any($1::uuid[]) and ($2::text is null or o.slug = $2)
"""

LIST_SERIALS = "select id::text as id, serial from sensors where id = any($1::uuid[])"


async def names(connection: Connection, units: Sequence[str], organization: str | None) -> dict[str, Record]:
    """Return the names around these units, by their ids, where they belong to this organization (slug; None: any)."""
    with translated():
        return {row["id"]: row for row in await connection.fetch(LIST_UNIT_NAMES, list(units), organization)}


async def serials(connection: Connection, sensors: Sequence[str]) -> dict[str, str]:
    """Return what sensors are called."""
    with translated():
        return {row["id"]: row["serial"] for row in await connection.fetch(LIST_SERIALS, list(sensors))}


FIND_UNIT = "select organization_id from units where organization_id = any($1) and id = $2 and deleted_at is null"
FIND_SITE = "select organization_id from sites where organization_id = any($1) and id = $2 and deleted_at is null"


async def home_of(connection: Connection, scope: str, target: UUID, organizations: list[UUID]) -> UUID | None:
    """Return to which of these organizations a living unit or site belongs; None if to none of them."""
    with translated():
        statement = FIND_UNIT if scope == "unit" else FIND_SITE
        organization: UUID | None = await connection.fetchval(statement, organizations, target)
    return organization


_STANDING = """
select u.id, a.site_id, u.area_id, u.name, u.unit_type, u.sort_order, u.updated_at,
       coalesce(t.status, 'offline') as status, t.status_since,
       coalesce(t.temperature_phase, 'normal') as temperature_state, coalesce(t.data_phase, 'never') as data_state,
       t.door_open, t.last_reading_at, t.last_temperature
  from units u
  join areas a on a.id = u.area_id
  left join unit_states t on t.unit_id = u.id
"""

LIST_STANDINGS = f"""
{_STANDING} where u.organization_id = $1 and u.deleted_at is null and ($2::uuid is null or a.site_id = $2)
 order by a.site_id, u.area_id, u.sort_order, lower(u.name), u.id
"""

GET_STANDING = f"{_STANDING} where u.organization_id = $1 and u.id = $2 and u.deleted_at is null"


async def standings(connection: Connection, organization: UUID, site: UUID | None = None) -> list[Record]:
    """Return how the units of an organization, or of one of its sites, stand."""
    with translated():
        return list(await connection.fetch(LIST_STANDINGS, organization, site))


async def standing(connection: Connection, organization: UUID, unit: UUID) -> Record | None:
    """Return how one unit stands."""
    with translated():
        return await connection.fetchrow(GET_STANDING, organization, unit)


LIST_LAST_READINGS = """
select r.recorded_at, r.sensor_id, r.temperature, r.humidity, r.door_open, r.battery_percent, r.battery_volts, r.rssi,
       r.snr, r.fault
  from sensor_readings r
 where r.unit_id = (select id from units where organization_id = $1 and id = $2 and deleted_at is null)
   and r.recorded_at > now() - interval '1 day' and r.recorded_at < now() + interval '1 hour'
 order by r.recorded_at desc, r.sensor_id desc, r.seq desc limit $3
"""


async def last_readings(connection: Connection, organization: UUID, unit: UUID, limit: int) -> list[Record]:
    """Return a unit's newest readings of the last day, newest first."""
    with translated():
        return list(await connection.fetch(LIST_LAST_READINGS, organization, unit, limit))


INSERT_TICKET = """
with expired as (delete from feed_tickets where expires_at < now())
insert into feed_tickets (hash, session_id, expires_at) values ($1, $2, now() + make_interval(secs => $3))
"""

TAKE_TICKET = "delete from feed_tickets where hash = $1 returning session_id, expires_at > now() as counts"


async def give_ticket(connection: Connection, ticket: bytes, session: UUID, seconds: float) -> None:
    """Note a ticket, by its hash, for one use."""
    with translated():
        await connection.execute(INSERT_TICKET, ticket, session, seconds)


async def take_ticket(connection: Connection, ticket: bytes) -> UUID | None:
    """Use a ticket up: the session that it stands for; None if there is none that counts."""
    with translated():
        row = await connection.fetchrow(TAKE_TICKET, ticket)
    return row["session_id"] if row is not None and row["counts"] else None
