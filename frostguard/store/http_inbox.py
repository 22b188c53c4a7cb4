"""Messages that came by HTTP: kept here by the API, taken by the daemon as if the broker had brought them.

The daemon is the one writer of readings. It hears `inbox` on the channel `config`, reads what is `waiting`, and
removes it in the transaction that stores it.
"""

from collections.abc import Sequence
from uuid import UUID

from frostguard.domain.shards import WHOLE, Shard
from frostguard.store.connection import Connection, Record, translated

INSERT_MESSAGES = """
insert into http_inbox (gateway_id, topic, payload, traceparent)
select $1, m.topic, m.payload, $4
  from unnest($2::text[], $3::bytea[]) with ordinality m (topic, payload, n) order by m.n
"""

LIST_WAITING = """
select id, received_at, topic, payload, traceparent from http_inbox
 where id > $1
   and ($4 = 1 or gateway_id in (select id from gateways where shard_of(organization_id, $4) = $3))
 order by id limit $2
"""

REMOVE_MESSAGES = "delete from http_inbox where id = any($1::bigint[])"

# From the first number to the last: at most too many, and two look-ups however many there are.
ESTIMATE_WAITING = "select coalesce(max(id) - min(id) + 1, 0) from http_inbox"

FIND_NETWORK = """
select serial, password_hash is not null as has_credentials from gateways
 where organization_id = $1 and kind = $2 and deleted_at is null
   and (serial = $3 or ($3 !~ '@' and split_part(serial, '@', 1) = $3))
 order by serial limit 2
"""


async def insert(
    connection: Connection, gateway: UUID, messages: Sequence[tuple[str, bytes]], traceparent: str | None = None
) -> None:
    """Keep messages (topic, payload of at most 64 KiB) that a gateway sent, and the trace that they belong to."""
    topics, payloads = zip(*messages, strict=True)
    with translated():
        await connection.execute(INSERT_MESSAGES, gateway, list(topics), list(payloads), traceparent)


async def waiting(connection: Connection, after: int, limit: int, shard: Shard = WHOLE) -> list[Record]:
    """Return id, received_at, topic, payload, traceparent of a shard's messages above a number, in order of arrival."""
    with translated():
        return list(await connection.fetch(LIST_WAITING, after, limit, *shard))


async def remove(connection: Connection, ids: Sequence[int]) -> None:
    """Forget messages, in the transaction that stores what they say or dead-letters it."""
    with translated():
        await connection.execute(REMOVE_MESSAGES, list(ids))


async def estimate(connection: Connection) -> int:
    """Return how many messages wait at most."""
    with translated():
        found: int = await connection.fetchval(ESTIMATE_WAITING)
    return found


async def network(connection: Connection, organization: UUID, kind: str, application: str) -> Record | None:
    """Return an organization's network: its name (application, or application@tenant), whether it has credentials.

    None: there is none, or there are several.
    """
    with translated():
        rows = await connection.fetch(FIND_NETWORK, organization, kind, application)
    return rows[0] if len(rows) == 1 else None
