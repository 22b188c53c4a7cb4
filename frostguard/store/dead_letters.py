"""Messages that cannot be used, kept with their reason; counted only beyond the cap; taken through again on request."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from frostguard.domain.shards import WHOLE, Shard
from frostguard.store.connection import Connection, Record, translated


class DeadLetter(NamedTuple):
    """One message (or one reading of it, wrapped as a message of its own)."""

    received_at: datetime
    organization_id: UUID | None
    gateway_id: UUID | None
    topic: str
    payload: bytes
    reason: str
    detail: str


class Overflow(NamedTuple):
    """How many of one source and reason came beyond the cap in one hour."""

    source: str
    hour: datetime
    reason: str
    dropped: int


INSERT_DEAD_LETTERS = """
insert into dead_letters (received_at, organization_id, gateway_id, topic, payload, reason, detail)
select d.received_at, o.id, g.id, d.topic, d.payload, d.reason, d.detail
  from unnest($1::timestamptz[], $2::uuid[], $3::uuid[], $4::text[], $5::bytea[], $6::text[], $7::text[])
       with ordinality
       d (received_at, organization_id, gateway_id, topic, payload, reason, detail, n)
  left join organizations o on o.id = d.organization_id
  left join gateways g on g.id = d.gateway_id
 order by d.n
"""

ADD_OVERFLOWS = """
insert into dead_letter_overflows as o (source, hour, reason, dropped)
select d.* from unnest($1::text[], $2::timestamptz[], $3::text[], $4::bigint[]) d
on conflict (source, hour, reason) do update set dropped = o.dropped + excluded.dropped
"""

LIST_DEAD_LETTERS = """
select d.id, d.received_at, o.slug as organization, g.serial as gateway, d.topic, length(d.payload) as bytes, d.reason,
       d.detail, d.replay_requested_at
  from dead_letters d
  left join organizations o on o.id = d.organization_id
  left join gateways g on g.id = d.gateway_id
 where d.replayed_at is null and ($1::text is null or d.reason = $1) and ($2::bigint is null or d.id < $2)
 order by d.id desc limit $3
"""

GET_DEAD_LETTER = """
select d.*, o.slug as organization, g.serial as gateway
  from dead_letters d
  left join organizations o on o.id = d.organization_id
  left join gateways g on g.id = d.gateway_id
 where d.id = $1
"""

REQUEST_REPLAY = """
update dead_letters set replay_requested_at = now()
 where replayed_at is null and ($1::bigint[] is null or id = any($1)) and ($2::text is null or reason = $2)
"""

NOTIFY_REPLAY = "select pg_notify('config', 'dead-letters')"

# A letter of nobody that we knew may be somebody's by now; what still is nobody's, shard 0 looks at again.
SELECT_REPLAYS = """
select id, received_at, topic, payload from dead_letters
 where replay_requested_at is not null and replayed_at is null and id > $1
   and ($4 = 1 or shard_of(coalesce(organization_id, organization_of_topic(topic)), $4) = $3)
 order by id limit $2
"""

SETTLE_REPLAYED = "update dead_letters set replayed_at = now() where id = any($1::bigint[])"

SETTLE_REFUSED = """
update dead_letters d set replay_requested_at = null, reason = r.reason, detail = r.detail
  from unnest($1::bigint[], $2::text[], $3::text[]) r (id, reason, detail) where d.id = r.id
"""

COUNT_OPEN = (
    "select reason, count(*) as letters from dead_letters where replayed_at is null group by reason order by 2 desc"
)


async def insert(connection: Connection, letters: Sequence[DeadLetter]) -> None:
    """Keep these messages."""
    with translated():
        await connection.execute(INSERT_DEAD_LETTERS, *map(list, zip(*letters, strict=True)))


async def add_overflows(connection: Connection, overflows: Sequence[Overflow]) -> None:
    """Count messages that came beyond the cap."""
    with translated():
        await connection.execute(ADD_OVERFLOWS, *map(list, zip(*overflows, strict=True)))


async def list_open(
    connection: Connection, reason: str | None = None, limit: int = 50, before: int | None = None
) -> list[Record]:
    """Return the newest messages that were not replayed with success, newest first, without their payloads."""
    with translated():
        return list(await connection.fetch(LIST_DEAD_LETTERS, reason, before, limit))


async def count_open(connection: Connection) -> dict[str, int]:
    """Return how many there are, by reason."""
    with translated():
        return {row["reason"]: row["letters"] for row in await connection.fetch(COUNT_OPEN)}


async def get(connection: Connection, letter: int) -> Record | None:
    """Return one message with its payload, or None."""
    with translated():
        return await connection.fetchrow(GET_DEAD_LETTER, letter)


async def request_replay(connection: Connection, ids: Sequence[int] | None = None, reason: str | None = None) -> int:
    """Ask the daemon to take these (all, if neither is given) through the whole route again. Returns how many."""
    with translated():
        async with connection.transaction():
            done = await connection.execute(REQUEST_REPLAY, None if ids is None else list(ids), reason)
            await connection.execute(NOTIFY_REPLAY)
    return int(done.rpartition(" ")[2])


async def requested(connection: Connection, after: int, limit: int, shard: Shard = WHOLE) -> list[Record]:
    """Return the messages of a shard whose replay is asked for, oldest first."""
    with translated():
        return list(await connection.fetch(SELECT_REPLAYS, after, limit, *shard))


async def settle(connection: Connection, stored: Sequence[int], refused: Sequence[tuple[int, str, str]]) -> None:
    """Write down how replays ended: stored, or refused again with (id, reason, detail)."""
    with translated():
        if stored:
            await connection.execute(SETTLE_REPLAYED, list(stored))
        if refused:
            await connection.execute(SETTLE_REFUSED, *map(list, zip(*refused, strict=True)))
