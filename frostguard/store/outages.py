"""Until when a shard listened, and the spans in which it did not."""

from datetime import datetime

from frostguard.domain.outages import Outage
from frostguard.domain.shards import WHOLE, Shard, Silences
from frostguard.store.connection import Connection, translated

KEPT = 1000

GET_LISTENING = "select until from listening where shard = $1"

SAVE_LISTENING = """
insert into listening (shard, until) values ($1, $2)
on conflict (shard) do update set until = greatest(listening.until, excluded.until)
"""

# Of every shard that some organization of ours was ever in.
LIST_OUTAGES = """
select shard, shards, began, drained from (
  select * from outages where (shard - $1) % gcd(shards, $2) = 0 order by began desc limit $3) newest
 order by began, drained
"""

ADD_OUTAGE = "insert into outages (shard, shards, began, drained) values ($1, $2, $3, $4) on conflict do nothing"


async def load(connection: Connection, shard: Shard = WHOLE) -> tuple[datetime | None, Silences]:
    """Return until when we listened (None: never yet) and the newest outages of our organizations."""
    with translated():
        until = await connection.fetchval(GET_LISTENING, shard.number)
        rows = await connection.fetch(LIST_OUTAGES, shard.number, shard.of, KEPT)
    return until, Silences(shard, [(Shard(*row[:2]), Outage(*row[2:])) for row in rows], KEPT)


async def listened(connection: Connection, shard: Shard, until: datetime) -> None:
    """Write down that everything up to `until` was heard."""
    with translated():
        await connection.execute(SAVE_LISTENING, shard.number, until)


async def add(connection: Connection, shard: Shard, outage: Outage) -> None:
    """Write down a span in which we did not listen."""
    with translated():
        await connection.execute(ADD_OUTAGE, *shard, *outage)
