"""What the broker and the messages say of each gateway."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from frostguard.store.connection import Connection, translated

SAVE_STATUS = """
insert into gateway_states as s (gateway_id, online, online_since, last_heard_at)
select n.id, n.online, n.at, n.at
  from unnest($1::uuid[], $2::boolean[], $3::timestamptz[]) n (id, online, at) join gateways using (id)
on conflict (gateway_id) do update
   set online = excluded.online, last_heard_at = greatest(s.last_heard_at, excluded.last_heard_at),
       online_since =
         case when s.online is distinct from excluded.online then excluded.online_since else s.online_since end
"""

SAVE_HEARD = """
insert into gateway_states as s (gateway_id, last_heard_at)
select n.id, n.at from unnest($1::uuid[], $2::timestamptz[]) n (id, at) join gateways using (id)
on conflict (gateway_id) do update set last_heard_at = greatest(s.last_heard_at, excluded.last_heard_at)
"""


async def save_status(connection: Connection, states: Sequence[tuple[UUID, bool, datetime]]) -> None:
    """Write down birth messages and last wills: (gateway, online, our clock); one row per gateway."""
    with translated():
        await connection.execute(SAVE_STATUS, *map(list, zip(*states, strict=True)))


async def save_heard(connection: Connection, heard: Sequence[tuple[UUID, datetime]]) -> None:
    """Write down when each gateway was last heard; one row per gateway."""
    with translated():
        await connection.execute(SAVE_HEARD, *map(list, zip(*heard, strict=True)))
