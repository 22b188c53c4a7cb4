"""Manual logs as facts for the state machines."""

from collections.abc import Sequence
from uuid import UUID

from frostguard.domain.shards import WHOLE, Shard
from frostguard.store.connection import Connection, Record, translated

LOCK_UNJUDGED = """
select id, unit_id, logged_at, celsius from manual_logs
 where judged_at is null and ($3 = 1 or shard_of(organization_id, $3) = $2)
 order by logged_at, id limit $1 for update
"""

SETTLE_JUDGED = "update manual_logs set judged_at = now() where id = any($1::uuid[])"

ADD_LOG = """
insert into manual_logs (organization_id, unit_id, logged_at, celsius, logged_by, notes, idempotency_key)
select u.organization_id, u.id, $3, $4, $5, $6, $7 from units u where u.organization_id = $1 and u.id = $2
on conflict (organization_id, idempotency_key) where idempotency_key is not null do nothing
returning id
"""


async def lock_unjudged(connection: Connection, limit: int, shard: Shard = WHOLE) -> list[Record]:
    """Lock the logs of a shard that no machine has seen, oldest first."""
    with translated():
        return list(await connection.fetch(LOCK_UNJUDGED, limit, *shard))


async def settle(connection: Connection, ids: Sequence[UUID]) -> None:
    """Write down that these were judged."""
    with translated():
        await connection.execute(SETTLE_JUDGED, list(ids))
