"""Until when a shard listened, and the spans in which it did not."""

from datetime import datetime

from frostguard.domain.outages import Outage, Outages
from frostguard.store.connection import Connection, translated

KEPT = 1000

GET_LISTENING = "select until from listening where shard = $1"

SAVE_LISTENING = """
insert into listening (shard, until) values ($1, $2)
on conflict (shard) do update set until = greatest(listening.until, excluded.until)
"""

LIST_OUTAGES = """
select began, drained from (
  select began, drained from outages where shard = $1 order by began desc limit $2) newest order by began
"""

ADD_OUTAGE = "insert into outages (shard, began, drained) values ($1, $2, $3) on conflict do nothing"


async def load(connection: Connection, shard: int) -> tuple[datetime | None, Outages]:
    """Return until when we listened (None: never yet) and the newest outages, oldest first."""
    with translated():
        until = await connection.fetchval(GET_LISTENING, shard)
        return until, tuple([Outage(*row) for row in await connection.fetch(LIST_OUTAGES, shard, KEPT)])


async def listened(connection: Connection, shard: int, until: datetime) -> None:
    """Write down that everything up to `until` was heard."""
    with translated():
        await connection.execute(SAVE_LISTENING, shard, until)


async def add(connection: Connection, shard: int, outage: Outage) -> None:
    """Write down a span in which we did not listen."""
    with translated():
        await connection.execute(ADD_OUTAGE, shard, *outage)
